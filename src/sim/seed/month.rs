//! A busy month before the demo begins, so that there is something to measure: changes that were reviewed and merged, some of them sent
//! back, one reverted, one mended in a hurry, two of a machine.
//!
//! Told in the order of time, one repository after the other, before the pull requests that are open when the demo begins; none of them
//! stands on a state of main that was not there yet. How it was brought to its machines tells `delivery`, what it was about `work_items`.
//! Limits: times are whole hours; each change touches files that no other one does.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::story::{HOUR, Proposal, Story, by};
use crate::sim::deed::{Event, note};
use crate::sim::git::GitError;
use crate::sim::world::{MergeStrategy, ThreadStatus, User};

/// The machine that keeps libraries up to date.
const BOT: &str = "renovate-bot";

struct Change {
    repository: &'static str,
    branch: &'static str,
    title: &'static str,
    description: &'static str,
    by: &'static str,
    reviewer: &'static str,
    labels: &'static [&'static str],
    file: (&'static str, &'static str),
    /// Hours before the start at which the first commit was written, the pull request opened, and completed.
    began: i64,
    opened: i64,
    merged: i64,
    how: MergeStrategy,
    acts: &'static [(i64, Act)],
}

/// What happened to an open pull request.
#[derive(Clone, Copy)]
enum Act {
    Say(&'static str),
    Vote(i8),
    /// The author changes the file once more.
    Push(&'static str),
    /// Until then it was a draft.
    Publish,
}

use Act::{Publish, Push, Say, Vote};
use MergeStrategy::{NoFastForward, Rebase, RebaseMerge, Squash};

#[rustfmt::skip]
const CHANGES: [Change; 23] = [
    Change { repository: "tide-api", branch: "feature/HAR-1", title: "HAR-1 Read the gauges every minute", by: "bob", reviewer: "alice",
        description: "Five minutes were too long when the storm came. AB#211", labels: &["tides"],
        file: ("/src/gauge.rs", "pub const EVERY_SECONDS: u64 = 60;\n"),
        began: 694, opened: 688, merged: 663, how: NoFastForward, acts: &[(670, Say("What does the gauge say to that? It had a limit.")), (665, Vote(10))] },
    Change { repository: "tide-api", branch: "users/dave/feet", title: "Tell heights in feet as well", by: "dave", reviewer: "bob",
        description: "For captains who ask for them. #212", labels: &["tides", "api"],
        file: ("/src/feet.rs", "pub fn feet(metres: f64) -> f64 {\n    metres / 0.3048\n}\n"),
        began: 660, opened: 655, merged: 632, how: Squash, acts: &[(641, Vote(5)), (633, Vote(10))] },
    Change { repository: "tide-api", branch: "feature/HAR-7", title: "HAR-7 Correct heights for the air pressure", by: "alice", reviewer: "bob",
        description: "A hectopascal is a centimetre. AB#213", labels: &["tides"],
        file: ("/src/pressure.rs", "pub fn correction(hectopascal: f64) -> f64 {\n    (hectopascal - 1013.25) * 0.01\n}\n"),
        began: 610, opened: 580, merged: 534, how: NoFastForward,
        acts: &[(571, Publish), (560, Say("Low pressure raises the water. Is the sign right?")), (558, Vote(-5)), (541, Push("Say which way it goes")), (536, Vote(10))] },
    Change { repository: "tide-api", branch: "hotfix/pressure-sign", title: "Turn the sign of the pressure correction", by: "bob", reviewer: "alice",
        description: "The north mole is half a metre off. AB#205", labels: &["hotfix"],
        file: ("/tests/pressure.rs", "#[test]\nfn low_pressure_raises_the_water() {\n    assert!(tide_api::pressure::correction(980.0) > 0.0);\n}\n"),
        began: 509, opened: 508, merged: 506, how: Squash, acts: &[(507, Vote(10))] },
    Change { repository: "tide-api", branch: "feature/HAR-12", title: "HAR-12 Refuse stations outside the harbour", by: "dave", reviewer: "alice",
        description: "Somebody asked for the tide of a lake. AB#214", labels: &["api"],
        file: ("/src/bounds.rs", "pub const HARBOUR: [f64; 4] = [53.4, 8.1, 53.7, 8.6];\n"),
        began: 420, opened: 400, merged: 330, how: Rebase,
        acts: &[(366, Say("The pilots' station is just outside of this box.")), (352, Push("Make the box larger")), (331, Vote(10))] },
    Change { repository: "tide-api", branch: "users/bob/metrics", title: "Count requests and their errors", by: "bob", reviewer: "dave",
        description: "So that somebody notices before the office calls.", labels: &[],
        file: ("/src/count.rs", "pub static REQUESTS: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);\n"),
        began: 340, opened: 336, merged: 300, how: Squash, acts: &[(318, Vote(10))] },
    Change { repository: "tide-api", branch: "feature/HAR-15", title: "HAR-15 Keep what the gauges said for a year", by: "alice", reviewer: "dave",
        description: "A month is not enough to see the seasons. AB#215", labels: &["tides"],
        file: ("/docs/retention.md", "# How long readings are kept\n\nA year, then the daily extremes for ever.\n"),
        began: 330, opened: 310, merged: 270, how: RebaseMerge, acts: &[(299, Say("How much is that on disk?")), (290, Say("Forty megabytes.")), (274, Vote(10))] },
    Change { repository: "tide-api", branch: "users/dave/gzip", title: "Compress answers", by: "dave", reviewer: "bob",
        description: "A week of heights is long on a ship's link.", labels: &["api"],
        file: ("/src/gzip.rs", "pub const FROM_BYTES: usize = 1_024;\n"),
        began: 262, opened: 258, merged: 244, how: Squash, acts: &[(247, Vote(10))] },
    Change { repository: "tide-api", branch: "feature/HAR-19", title: "HAR-19 Warn before a storm surge", by: "alice", reviewer: "bob",
        description: "The warning comes six hours before. AB#216", labels: &["tides", "safety"],
        file: ("/src/surge.rs", "pub const HOURS_BEFORE: u32 = 6;\n"),
        began: 250, opened: 190, merged: 122, how: NoFastForward,
        acts: &[(182, Publish), (160, Say("Who is told?")), (158, Vote(-5)), (140, Push("Tell the pilots as well")), (125, Vote(10))] },
    Change { repository: "tide-api", branch: "users/bob/health", title: "Say whether the gauges answer", by: "bob", reviewer: "alice",
        description: "/health is green only if the last reading is younger than ten minutes. #217", labels: &["api"],
        file: ("/src/health.rs", "pub const YOUNGER_THAN_SECONDS: u64 = 600;\n"),
        began: 110, opened: 104, merged: 80, how: Squash, acts: &[(86, Vote(10))] },

    Change { repository: "harbor-web", branch: "feature/HAR-4", title: "HAR-4 Find a ship by her name", by: "carol", reviewer: "dave",
        description: "The office looks for ships all day. AB#218", labels: &["board"],
        file: ("/src/find.ts", "export const find = (name: string, ships: string[]) => ships.filter((ship) => ship.includes(name));\n"),
        began: 690, opened: 676, merged: 640, how: Squash, acts: &[(659, Say("Names are shouted here: both cases, please.")), (650, Push("In either case")), (642, Vote(10))] },
    Change { repository: "harbor-web", branch: "users/carol/print", title: "Print the board on one page", by: "carol", reviewer: "alice",
        description: "For the wall of the canteen.", labels: &["board"],
        file: ("/src/print.css", "@page { size: A4 landscape }\n"),
        began: 600, opened: 596, merged: 590, how: Squash, acts: &[] },
    Change { repository: "harbor-web", branch: "feature/HAR-10", title: "HAR-10 Ask for the berths only when they change", by: "alice", reviewer: "carol",
        description: "The board asked forty times a minute. AB#219", labels: &["board"],
        file: ("/src/changes.ts", "export const since = (tag: string) => ({ 'If-None-Match': tag });\n"),
        began: 500, opened: 470, merged: 436, how: NoFastForward, acts: &[(452, Say("And when the answer never comes?")), (440, Vote(10))] },
    Change { repository: "harbor-web", branch: "revert/changes", title: "Revert \"HAR-10 Ask for the berths only when they change\"", by: "dave", reviewer: "carol",
        description: "The board stands still since yesterday. AB#206", labels: &[],
        file: ("/src/changes.test.ts", "// The board asks every time until this is understood.\n"),
        began: 415, opened: 414, merged: 412, how: Squash, acts: &[(413, Vote(10))] },
    Change { repository: "harbor-web", branch: "renovate/vite", title: "Update dependency vite to 7.2.4", by: BOT, reviewer: "carol",
        description: "Made by a machine.", labels: &["dependencies"],
        file: ("/vite.lock", "vite 7.2.4\n"), began: 391, opened: 390, merged: 386, how: Squash, acts: &[(387, Vote(10))] },
    Change { repository: "harbor-web", branch: "feature/HAR-13", title: "HAR-13 Show the wind at each berth", by: "dave", reviewer: "carol",
        description: "From the same feed as the cranes. AB#220", labels: &["board", "safety"],
        file: ("/src/wind.ts", "export const knots = (metresPerSecond: number) => metresPerSecond * 1.943844;\n"),
        began: 350, opened: 322, merged: 236, how: NoFastForward,
        acts: &[(311, Publish), (280, Say("Gusts or the mean?")), (276, Vote(-5)), (252, Push("Both")), (238, Vote(10))] },
    Change { repository: "harbor-web", branch: "users/erin/contrast", title: "Raise the contrast of late ships", by: "erin", reviewer: "carol",
        description: "They could not be read in the sun.", labels: &["board"],
        file: ("/src/late.css", ".late { color: #8a1100 }\n"),
        began: 242, opened: 240, merged: 221, how: Squash, acts: &[(224, Vote(10))] },
    Change { repository: "harbor-web", branch: "feature/HAR-18", title: "HAR-18 Keep the board when the line drops", by: "carol", reviewer: "alice",
        description: "Old and said to be old is better than empty. AB#221", labels: &["board"],
        file: ("/src/offline.ts", "export const keptFor = 12 * 3600;\n"),
        began: 212, opened: 200, merged: 150, how: Squash,
        acts: &[(178, Say("How does somebody see that it is old?")), (166, Push("Say since when")), (152, Vote(10))] },
    Change { repository: "harbor-web", branch: "renovate/typescript", title: "Update dependency typescript to 5.9.3", by: BOT, reviewer: "carol",
        description: "Made by a machine.", labels: &["dependencies"],
        file: ("/typescript.lock", "typescript 5.9.3\n"), began: 96, opened: 95, merged: 90, how: Squash, acts: &[(91, Vote(10))] },
    Change { repository: "harbor-web", branch: "users/alice/legend", title: "Explain the colours of the board", by: "alice", reviewer: "dave",
        description: "Newcomers asked. #222", labels: &["board"],
        file: ("/src/legend.ts", "export const legend = { late: 'an hour or more', berth: 'alongside' };\n"),
        began: 78, opened: 74, merged: 46, how: Rebase, acts: &[(58, Vote(5)), (48, Vote(10))] },

    Change { repository: "ops", branch: "users/erin/logs", title: "Keep logs for a fortnight", by: "erin", reviewer: "bob",
        description: "A week was gone when somebody asked.", labels: &["operations"],
        file: ("/logs.yaml", "keep: 14d\n"), began: 400, opened: 396, merged: 372, how: Squash, acts: &[(380, Vote(10))] },
    Change { repository: "ops", branch: "feature/HAR-20", title: "HAR-20 Restore a backup every Sunday", by: "erin", reviewer: "bob",
        description: "A backup that nobody restored is a hope. AB#223", labels: &["operations"],
        file: ("/scripts/restore.sh", "#!/bin/sh\nset -eu\npg_restore --clean --dbname restored latest.dump\n"),
        began: 300, opened: 240, merged: 170, how: RebaseMerge,
        acts: &[(226, Say("Where does it write to?")), (200, Push("Into a database of its own")), (174, Vote(10))] },
    Change { repository: "ops", branch: "users/carol/certificates", title: "Tell when a certificate ends", by: "carol", reviewer: "erin",
        description: "Three weeks before, and every day of the last.", labels: &["operations"],
        file: ("/alerts/certificates.yaml", "before: 21d\n"), began: 160, opened: 150, merged: 138, how: Squash, acts: &[(140, Vote(10))] },
];

/// The machine, for a world in which it works.
pub(super) fn bot(id: Uuid) -> User {
    User::new(id, "Renovate", &format!("{BOT}@lumen.example"))
}

/// Which step of a change comes next.
enum Step {
    Begin,
    Open,
    Acted(Act),
    Merge,
}

/// What happened in one repository.
pub(super) fn tell(story: &mut Story<'_>, repository: &str) -> Result<(), GitError> {
    let mut steps: Vec<(i64, &Change, Step)> = Vec::new();
    for change in CHANGES.iter().filter(|change| change.repository == repository) {
        steps.push((change.began, change, Step::Begin));
        steps.push((change.opened, change, Step::Open));
        steps.extend(change.acts.iter().map(|(hours, act)| (*hours, change, Step::Acted(*act))));
        steps.push((change.merged, change, Step::Merge));
    }
    steps.sort_by_key(|(hours, ..)| std::cmp::Reverse(*hours));
    let mut opened: BTreeMap<&str, i32> = BTreeMap::new();
    for (hours, change, step) in steps {
        let (ago, (path, text)) = (hours * HOUR, change.file);
        let id = opened.get(change.title).copied();
        match (step, id) {
            (Step::Begin, _) => {
                let message = change.title.trim_start_matches(|c: char| c.is_ascii_uppercase() || c == '-' || c.is_ascii_digit()).trim();
                let message = if message.is_empty() { change.title } else { message };
                let item = change.description.split(' ').find(|word| word.contains('#')).unwrap_or_default();
                let message = format!("{message} {item}");
                story.commit(repository, change.branch, by(change.by, ago), message.trim_end(), &[(path, text)])?;
            }
            (Step::Open, _) => {
                let proposal = Proposal {
                    repository,
                    branch: change.branch,
                    title: change.title,
                    description: change.description,
                    reviewers: &[change.reviewer],
                    labels: change.labels,
                };
                opened.insert(change.title, story.open(by(change.by, ago), &proposal)?);
            }
            (Step::Acted(Say(words)), Some(id)) => {
                story.say(id, by(change.reviewer, ago), Some((path, 1)), words, ThreadStatus::Fixed);
            }
            (Step::Acted(Vote(vote)), Some(id)) => story.vote(id, by(change.reviewer, ago), vote),
            (Step::Acted(Push(message)), Some(id)) => {
                let text = format!("{text}\n");
                story.push_to(id, by(change.by, ago), message, &[(path, &text)])?;
            }
            (Step::Acted(Publish), Some(id)) => {
                let (person, when) = (story.person(change.by), story.at(ago));
                note(story.world(), id, Event::Draft { by: person, is_draft: false }, when);
            }
            (Step::Merge, Some(id)) => story.complete(id, by(change.by, ago), change.how)?,
            (Step::Acted(_) | Step::Merge, None) => {}
        }
    }
    Ok(())
}
