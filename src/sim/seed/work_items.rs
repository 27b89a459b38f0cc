//! What the harbour had on its list before the demo begins: work items, linked to pull requests, builds and a commit.
//!
//! Told after the pull requests and the builds, which keep their numbers. Two of them are incidents that a deployment caused.
use uuid::Uuid;

use super::Month;
use super::story::{DAY, HOUR, Story};
use crate::sim::world::{Relation, WorkItem};

/// What an item is linked to.
#[derive(Clone, Copy)]
enum About {
    /// The pull request whose title begins like this.
    PullRequest(&'static str),
    /// The build that was deployed before it happened.
    IncidentAfter(i32),
}

struct Entry {
    id: i32,
    kind: &'static str,
    title: &'static str,
    area: &'static str,
    by: &'static str,
    /// Minutes before the start.
    ago: i64,
    about: About,
    state: State,
}

/// Where an item is now, and since when.
#[derive(Clone, Copy)]
enum State {
    New,
    Active(i64),
    Closed(i64),
}

use About::{IncidentAfter, PullRequest};
use State::{Active, Closed, New};

#[rustfmt::skip]
const ENTRIES: [Entry; 10] = [
    Entry { id: 201, kind: "User Story", title: "Predict tides instead of looking them up", area: "Tides", by: "alice",
        ago: 60 * DAY, about: PullRequest("HAR-3 "), state: Closed(29 * DAY) },
    Entry { id: 202, kind: "Task", title: "Copy readings off the machine every night", area: "Operations", by: "erin",
        ago: 58 * DAY, about: PullRequest("HAR-2 "), state: Closed(53 * DAY) },
    Entry { id: 203, kind: "User Story", title: "See which ship comes next", area: "Board", by: "carol",
        ago: 50 * DAY, about: PullRequest("HAR-5 "), state: Closed(28 * DAY) },
    Entry { id: 204, kind: "User Story", title: "Know when a ship is at the pilot station", area: "Pilots", by: "bob",
        ago: 40 * DAY, about: PullRequest("HAR-6 "), state: Closed(32 * DAY) },
    Entry { id: 205, kind: "Bug", title: "Heights at the north mole are half a metre off", area: "Tides", by: "dave",
        ago: 21 * DAY + 6 * HOUR, about: IncidentAfter(396), state: Closed(11 * DAY) },
    Entry { id: 206, kind: "Bug", title: "The board shows the ships of yesterday", area: "Board", by: "erin",
        ago: 17 * DAY + 12 * HOUR, about: IncidentAfter(398), state: Closed(17 * DAY) },
    Entry { id: 207, kind: "Task", title: "Answer a whole week in one request", area: "Tides", by: "bob",
        ago: 9 * DAY, about: PullRequest("HAR-14"), state: Active(3 * DAY) },
    Entry { id: 208, kind: "User Story", title: "Port time for everybody", area: "Board", by: "alice",
        ago: 8 * DAY, about: PullRequest("HAR-11"), state: Active(30 * HOUR) },
    Entry { id: 209, kind: "Task", title: "Restart the collector by itself", area: "Operations", by: "erin",
        ago: 4 * DAY, about: PullRequest("HAR-21"), state: Active(9 * HOUR) },
    Entry { id: 210, kind: "Bug", title: "A pilot stood on two launches", area: "Pilots", by: "dave",
        ago: 7 * DAY, about: PullRequest("HAR-9 "), state: New },
];

/// Those of a busy month: what its pull requests name in their descriptions.
#[rustfmt::skip]
const MONTH: [Entry; 13] = [
    Entry { id: 211, kind: "User Story", title: "Readings every minute", area: "Tides", by: "alice",
        ago: 31 * DAY, about: PullRequest("HAR-1 "), state: Closed(25 * DAY) },
    Entry { id: 212, kind: "Task", title: "Feet for captains who ask for them", area: "Tides", by: "dave",
        ago: 29 * DAY, about: PullRequest("Tell heights in feet"), state: Closed(25 * DAY) },
    Entry { id: 213, kind: "User Story", title: "Heights that know the weather", area: "Tides", by: "alice",
        ago: 27 * DAY, about: PullRequest("HAR-7 "), state: Closed(21 * DAY) },
    Entry { id: 214, kind: "Bug", title: "A lake has tides", area: "Tides", by: "erin",
        ago: 19 * DAY, about: PullRequest("HAR-12"), state: Closed(12 * DAY) },
    Entry { id: 215, kind: "User Story", title: "See the seasons", area: "Tides", by: "bob",
        ago: 16 * DAY, about: PullRequest("HAR-15"), state: Closed(11 * DAY) },
    Entry { id: 216, kind: "Feature", title: "Storm surge warnings", area: "Tides", by: "alice",
        ago: 14 * DAY, about: PullRequest("HAR-19"), state: Active(10 * DAY) },
    Entry { id: 217, kind: "Task", title: "A health check that tells the truth", area: "Operations", by: "erin",
        ago: 6 * DAY, about: PullRequest("Say whether the gauges"), state: Active(4 * DAY) },
    Entry { id: 218, kind: "User Story", title: "Look for a ship", area: "Board", by: "carol",
        ago: 30 * DAY, about: PullRequest("HAR-4 "), state: Closed(25 * DAY) },
    Entry { id: 219, kind: "Task", title: "Forty requests a minute are too many", area: "Board", by: "erin",
        ago: 22 * DAY, about: PullRequest("HAR-10"), state: Active(20 * DAY) },
    Entry { id: 220, kind: "User Story", title: "Wind at the berths", area: "Board", by: "dave",
        ago: 16 * DAY, about: PullRequest("HAR-13"), state: Closed(6 * DAY) },
    Entry { id: 221, kind: "User Story", title: "A board that survives the line", area: "Board", by: "carol",
        ago: 10 * DAY, about: PullRequest("HAR-18"), state: Closed(6 * DAY) },
    Entry { id: 222, kind: "Task", title: "Tell newcomers what red means", area: "Board", by: "alice",
        ago: 5 * DAY, about: PullRequest("Explain the colours"), state: Closed(DAY) },
    Entry { id: 223, kind: "User Story", title: "Know that backups can be restored", area: "Operations", by: "erin",
        ago: 15 * DAY, about: PullRequest("HAR-20"), state: Closed(7 * DAY) },
];

pub(super) fn tell(story: &mut Story<'_>, last: Month) {
    let Some(project) = story.world().project("Harbor").map(|project| project.id) else { return };
    let month: &[Entry] = if last == Month::Busy { &MONTH } else { &[] };
    for entry in ENTRIES.iter().chain(month) {
        put(story, project, entry);
    }
    // The merge that made the backup is linked by its commit too.
    let world = story.world();
    let merged = world.pull_requests.values().find(|row| row.title.starts_with("HAR-2 "));
    let merged = merged.and_then(|row| Some((row.repository, row.merge.commit.clone()?)));
    if let (Some((repository, commit)), Some(item)) = (merged, world.work_items.get_mut(&202)) {
        let at = item.changed;
        item.relations.push(Relation::commit(project, repository, &commit, at));
    }
}

fn put(story: &mut Story<'_>, project: Uuid, entry: &Entry) {
    let person = story.person(entry.by);
    let mut item = WorkItem::new(entry.id, (project, "Harbor"), entry.kind, entry.title, person, story.at(entry.ago));
    item.area_path = format!("Harbor\\{}", entry.area);
    item.assigned_to = Some(person);
    match entry.state {
        New => {}
        Active(since) => item.enter("Active", story.at(since)),
        Closed(since) => {
            item.enter("Active", story.at(entry.ago - HOUR));
            item.enter("Resolved", story.at(since + HOUR));
            item.enter("Closed", story.at(since));
        }
    }
    if let IncidentAfter(build) = entry.about {
        item.tags = vec!["Incident".to_owned()];
        item.relations.push(Relation::build(build, item.created));
    }
    let changed = item.changed;
    let world = story.world();
    world.work_items.insert(entry.id, item);
    if let PullRequest(key) = entry.about {
        let linked = world.pull_requests.values().find(|row| row.title.starts_with(key)).map(|row| row.id);
        if let Some(linked) = linked {
            world.link_pull_request(entry.id, linked, changed);
        }
    }
}
