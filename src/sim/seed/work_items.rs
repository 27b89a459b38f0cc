//! What the harbour had on its list before the demo begins: work items, linked to pull requests, builds and a commit.
//!
//! Told after the pull requests and the builds, which keep their numbers. Two of them are incidents that a deployment caused.
use uuid::Uuid;

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

pub(super) fn tell(story: &mut Story<'_>) {
    let Some(project) = story.world().project("Harbor").map(|project| project.id) else { return };
    for entry in &ENTRIES {
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
