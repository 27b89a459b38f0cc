//! What happened in project Harbor before the demo begins.
//!
//! Limits: a story, not a data generator. Ticket keys in titles and branches are those of the specs under
//! `assets/demo/tickets`.

use uuid::Uuid;

use super::story::{DAY, HOUR, Proposal, Story, by};
use super::{Month, month};
use crate::sim::git::GitError;
use crate::sim::world::{MergeStrategy, Policy, PolicyKind, PolicyScope, RefMatch, StatusState, ThreadStatus};

macro_rules! demo {
    ($path:literal) => {
        include_str!(concat!("../../../assets/demo/", $path))
    };
}

/// The build that pull requests wait for.
pub(in crate::sim) const BUILD: &str = "ci";

pub(super) fn tell(story: &mut Story<'_>, last: Month) -> Result<(), GitError> {
    story.in_repository("tide-api", |story, repo| tide_api(story, repo, last))?;
    story.in_repository("harbor-web", |story, repo| harbor_web(story, repo, last))?;
    story.in_repository("pilot-cli", pilot_cli)?;
    story.in_repository("ops", |story, repo| ops(story, repo, last))?;
    policies(story);
    Ok(())
}

fn tide_api(story: &mut Story<'_>, repo: &str, last: Month) -> Result<(), GitError> {
    story.commit(
        repo,
        "main",
        by("alice", 60 * DAY),
        "Begin with a README",
        &[("/README.md", demo!("tide-api/branches/README.first.md")), ("/Cargo.toml", demo!("tide-api/Cargo.toml.txt"))],
    )?;
    story.commit(
        repo,
        "main",
        by("bob", 58 * DAY),
        "Read stations and their constituents",
        &[("/src/station.rs", demo!("tide-api/src/station.rs"))],
    )?;
    story.commit(repo, "feature/HAR-3", by("alice", 52 * DAY), "HAR-3 spec", &[("/.tickets/HAR-3.md", demo!("tickets/HAR-3.md"))])?;
    story.commit(
        repo,
        "feature/HAR-3",
        by("alice", 51 * DAY),
        "Add up the constituents",
        &[("/src/tide.rs", demo!("tide-api/src/tide.rs"))],
    )?;
    story.commit(
        repo,
        "feature/HAR-3",
        by("alice", 50 * DAY),
        "Compare with the printed table",
        &[("/tests/predictions.rs", demo!("tide-api/tests/predictions.rs"))],
    )?;
    let predict = story.open(by("alice", 50 * DAY - HOUR), &Proposal {
        repository: repo,
        branch: "feature/HAR-3",
        title: "HAR-3 Predict tides from harmonic constituents",
        description: "Computes heights instead of looking them up.\n\n## Acceptance criteria\n\n- [x] Heights at the north mole are within 5 cm of the printed table\n- [x] A station that does not exist is answered with 404\n",
        reviewers: &["bob"],
        labels: &["tides"],
    })?;
    let question = story.say(
        predict,
        by("bob", 49 * DAY),
        Some(("/src/tide.rs", 11)),
        "Degrees or radians? The table has degrees.",
        ThreadStatus::Fixed,
    );
    story.reply(predict, question, by("alice", 49 * DAY - HOUR), "Degrees until the last step; the line below converts.");
    story.vote(predict, by("bob", 48 * DAY), 10);
    story.complete(predict, by("alice", 48 * DAY - HOUR), MergeStrategy::NoFastForward)?;
    story.commit(
        repo,
        "main",
        by("alice", 40 * DAY),
        "Serve heights over HTTP",
        &[
            ("/src/main.rs", demo!("tide-api/src/main.rs")),
            ("/src/api.rs", demo!("tide-api/src/api.rs")),
            ("/docs/api.md", demo!("tide-api/docs/api.md")),
            ("/README.md", demo!("tide-api/README.md")),
        ],
    )?;
    story.commit(
        repo,
        "main",
        by("carol", 30 * DAY),
        "Ask for what a reviewer needs",
        &[("/.azuredevops/pull_request_template.md", demo!("tide-api/pull_request_template.md"))],
    )?;

    story.commit(
        repo,
        "feature/HAR-8",
        by("dave", 25 * DAY),
        "Write a month into a spreadsheet",
        &[("/tools/spreadsheet.py", demo!("tide-api/branches/spreadsheet.py"))],
    )?;
    let spreadsheet = story.open(
        by("dave", 25 * DAY - HOUR),
        &Proposal {
            repository: repo,
            branch: "feature/HAR-8",
            title: "HAR-8 Write predictions into a spreadsheet",
            description: "The office asked for one.",
            reviewers: &["alice"],
            labels: &[],
        },
    )?;
    story.say(spreadsheet, by("alice", 24 * DAY), None, "They can have the berth board instead: it prints.", ThreadStatus::Closed);
    story.abandon(spreadsheet, by("dave", 23 * DAY));
    if last == Month::Busy {
        month::tell(story, repo)?;
    }

    story.commit(repo, "feature/HAR-14", by("bob", 3 * DAY), "HAR-14 spec", &[("/.tickets/HAR-14.md", demo!("tickets/HAR-14.md"))])?;
    story.commit(
        repo,
        "feature/HAR-14",
        by("bob", 28 * HOUR),
        "Answer a whole week at once",
        &[("/src/api.rs", demo!("tide-api/branches/api.week.rs"))],
    )?;
    let week = story.open(by("bob", 27 * HOUR), &Proposal {
        repository: repo,
        branch: "feature/HAR-14",
        title: "HAR-14 Serve predictions for a whole week",
        description: "Planners look seven days ahead; the API refuses more than one.\n\n## Acceptance criteria\n\n- [x] Up to 168 hours are answered in one request\n- [x] More than that is still refused with 400\n- [ ] A week is not much longer on the wire than a day\n\nSpec: .tickets/HAR-14.md\n",
        reviewers: &["alice", "carol"],
        labels: &["tides", "api"],
    })?;
    story.status(week, 26 * HOUR, BUILD, StatusState::Pending, "Build 411 is running");
    story.status(week, 26 * HOUR - 6, BUILD, StatusState::Succeeded, "Build 411 succeeded");
    story.vote(week, by("carol", 20 * HOUR), 10);
    story.say(
        week,
        by("carol", 20 * HOUR - 2),
        Some(("/src/api.rs", 52)),
        "An hour is fine for planning. Would half an hour still fit?",
        ThreadStatus::Active,
    );

    story.commit(repo, "feature/HAR-16", by("dave", 50 * HOUR), "HAR-16 spec", &[("/.tickets/HAR-16.md", demo!("tickets/HAR-16.md"))])?;
    story.commit(
        repo,
        "feature/HAR-16",
        by("dave", 8 * HOUR),
        "Keep stations for an hour",
        &[("/src/cache.rs", demo!("tide-api/branches/cache.rs"))],
    )?;
    let cache = story.open(by("dave", 7 * HOUR), &Proposal {
        repository: repo,
        branch: "feature/HAR-16",
        title: "HAR-16 Keep station metadata for an hour",
        description: "Stations change twice a year; reading them for each request is waste.\n\n## Acceptance criteria\n\n- [ ] Stations are read at most once an hour\n- [ ] A changed file is seen without a restart\n",
        reviewers: &["bob"],
        labels: &["tides"],
    })?;
    story.status(cache, 6 * HOUR, BUILD, StatusState::Failed, "Build 418 failed: 1 test");
    story.vote(cache, by("bob", 4 * HOUR), -5);
    story.say(
        cache,
        by("bob", 4 * HOUR - 1),
        Some(("/src/cache.rs", 18)),
        "The second criterion: nothing here looks at the file.",
        ThreadStatus::Active,
    );
    Ok(())
}

fn harbor_web(story: &mut Story<'_>, repo: &str, last: Month) -> Result<(), GitError> {
    story.commit(
        repo,
        "main",
        by("carol", 55 * DAY),
        "Begin the berth board",
        &[
            ("/README.md", demo!("harbor-web/README.md")),
            ("/package.json", demo!("harbor-web/package.json")),
            ("/src/berths.ts", demo!("harbor-web/src/berths.ts")),
        ],
    )?;
    story.commit(
        repo,
        "feature/HAR-5",
        by("carol", 45 * DAY),
        "Times as people say them",
        &[("/src/time.ts", demo!("harbor-web/src/time.ts")), ("/test/time.test.ts", demo!("harbor-web/test/time.test.ts"))],
    )?;
    story.commit(
        repo,
        "feature/HAR-5",
        by("carol", 44 * DAY),
        "One row a berth",
        &[("/src/board.ts", demo!("harbor-web/src/board.ts"))],
    )?;
    let board = story.open(
        by("carol", 44 * DAY - HOUR),
        &Proposal {
            repository: repo,
            branch: "feature/HAR-5",
            title: "HAR-5 Show which ship comes next at each berth",
            description: "The first board that can be read from across the room.",
            reviewers: &["alice", "dave"],
            labels: &["board"],
        },
    )?;
    story.vote(board, by("dave", 43 * DAY), 5);
    story.vote(board, by("alice", 42 * DAY), 10);
    story.complete(board, by("carol", 42 * DAY - HOUR), MergeStrategy::Squash)?;

    story.commit(repo, "spike/map", by("erin", 20 * DAY), "Berths as boxes", &[("/src/map.ts", demo!("harbor-web/branches/map.ts"))])?;
    let map = story.open(
        by("erin", 20 * DAY - HOUR),
        &Proposal {
            repository: repo,
            branch: "spike/map",
            title: "Try a map instead of a list",
            description: "A spike. Pretty, and nobody found their ship.",
            reviewers: &["carol"],
            labels: &[],
        },
    )?;
    story.abandon(map, by("erin", 18 * DAY));
    if last == Month::Busy {
        month::tell(story, repo)?;
    }

    story.commit(repo, "feature/HAR-11", by("alice", 30 * HOUR), "HAR-11 spec", &[("/.tickets/HAR-11.md", demo!("tickets/HAR-11.md"))])?;
    story.commit(
        repo,
        "feature/HAR-11",
        by("alice", 24 * HOUR),
        "Show times in the port's own zone",
        &[("/src/time.ts", demo!("harbor-web/branches/time.zone.ts"))],
    )?;
    let zone = story.open(by("alice", 23 * HOUR), &Proposal {
        repository: repo,
        branch: "feature/HAR-11",
        title: "HAR-11 Show times in the port's own zone",
        description: "Pilots at sea and planners ashore saw different clock times for the same ship.\n\n## Acceptance criteria\n\n- [x] The board shows the port's time whatever the zone of the browser\n- [ ] The zone is named beside the clock\n\nSpec: .tickets/HAR-11.md\n",
        reviewers: &["bob", "dave"],
        labels: &["board"],
    })?;
    story.status(zone, 22 * HOUR, BUILD, StatusState::Succeeded, "Build 415 succeeded");
    story.vote(zone, by("bob", 5 * HOUR), 5);
    story.say(
        zone,
        by("bob", 5 * HOUR - 1),
        Some(("/src/time.ts", 3)),
        "Good. Put the zone into the configuration before we have a second port.",
        ThreadStatus::Active,
    );

    story.commit(repo, "feature/HAR-17", by("carol", 10 * HOUR), "HAR-17 spec", &[("/.tickets/HAR-17.md", demo!("tickets/HAR-17.md"))])?;
    story.commit(
        repo,
        "feature/HAR-17",
        by("carol", 2 * HOUR),
        "Compute the clearance",
        &[("/src/berths.ts", demo!("harbor-web/branches/berths.clearance.ts"))],
    )?;
    let clearance = story.open(by("carol", HOUR), &Proposal {
        repository: repo,
        branch: "feature/HAR-17",
        title: "HAR-17 Show the clearance under the keel",
        description: "Not finished: the board does not ask for the height yet.\n\n## Acceptance criteria\n\n- [ ] Each ship alongside shows her clearance in metres\n- [ ] Less than half a metre is marked\n",
        reviewers: &[],
        labels: &["board", "safety"],
    })?;
    story.draft(clearance);
    Ok(())
}

fn pilot_cli(story: &mut Story<'_>, repo: &str) -> Result<(), GitError> {
    story.commit(
        repo,
        "main",
        by("bob", 50 * DAY),
        "Begin with the roster",
        &[
            ("/README.md", demo!("pilot-cli/README.md")),
            ("/pyproject.toml", demo!("pilot-cli/pyproject.toml")),
            ("/pilot/roster.py", demo!("pilot-cli/pilot/roster.py")),
        ],
    )?;
    story.commit(
        repo,
        "feature/HAR-6",
        by("bob", 36 * DAY),
        "Estimate the time of arrival",
        &[("/pilot/eta.py", demo!("pilot-cli/pilot/eta.py"))],
    )?;
    story.commit(
        repo,
        "feature/HAR-6",
        by("bob", 35 * DAY),
        "Test it, and what never arrives",
        &[("/tests/test_eta.py", demo!("pilot-cli/tests/test_eta.py"))],
    )?;
    let eta = story.open(
        by("bob", 35 * DAY - HOUR),
        &Proposal {
            repository: repo,
            branch: "feature/HAR-6",
            title: "HAR-6 Estimate when a ship is at the pilot station",
            description: "Distance over speed, in the units pilots use. AB#204",
            reviewers: &["dave"],
            labels: &["pilots"],
        },
    )?;
    story.vote(eta, by("dave", 34 * DAY), 10);
    story.commit(
        repo,
        "main",
        by("dave", 34 * DAY - HOUR),
        "Give the commands names",
        &[("/pilot/__main__.py", demo!("pilot-cli/pilot/__main__.py"))],
    )?;
    story.complete(eta, by("bob", 33 * DAY), MergeStrategy::Rebase)?;

    story.commit(repo, "feature/HAR-9", by("dave", 4 * DAY), "HAR-9 spec", &[("/.tickets/HAR-9.md", demo!("tickets/HAR-9.md"))])?;
    story.commit(
        repo,
        "feature/HAR-9",
        by("dave", 3 * DAY),
        "List shifts that overlap",
        &[("/pilot/roster.py", demo!("pilot-cli/branches/roster.twice.py"))],
    )?;
    let twice = story.open(by("dave", 3 * DAY - HOUR), &Proposal {
        repository: repo,
        branch: "feature/HAR-9",
        title: "HAR-9 Warn when a pilot is rostered twice",
        description: "Last month a pilot stood on two launches at once, on paper.\n\n## Acceptance criteria\n\n- [ ] Overlapping shifts of one pilot are listed\n- [ ] The roster shows everybody once\n",
        reviewers: &["bob", "erin"],
        labels: &["pilots"],
    })?;
    story.commit(
        repo,
        "main",
        by("erin", 30 * HOUR),
        "Put pilots on standby last",
        &[("/pilot/roster.py", demo!("pilot-cli/branches/roster.standby.py"))],
    )?;
    story.say(
        twice,
        by("erin", 29 * HOUR),
        Some(("/pilot/roster.py", 15)),
        "I changed this function yesterday for standby; you will have to merge. Sorry.",
        ThreadStatus::Active,
    );
    Ok(())
}

fn ops(story: &mut Story<'_>, repo: &str, last: Month) -> Result<(), GitError> {
    story.commit(
        repo,
        "main",
        by("erin", 57 * DAY),
        "Write down what runs",
        &[("/README.md", demo!("ops/README.md")), ("/compose.yaml", demo!("ops/compose.yaml"))],
    )?;
    story.commit(
        repo,
        "feature/HAR-2",
        by("erin", 56 * DAY),
        "Copy readings off the machine at night",
        &[("/scripts/backup.sh", demo!("ops/scripts/backup.sh"))],
    )?;
    story.commit(
        repo,
        "main",
        by("bob", 55 * DAY),
        "Wake somebody when a gauge is silent",
        &[("/alerts/tide.yaml", demo!("ops/alerts/tide.yaml"))],
    )?;
    let backup = story.open(
        by("erin", 55 * DAY - HOUR),
        &Proposal {
            repository: repo,
            branch: "feature/HAR-2",
            title: "HAR-2 Back up every night",
            description: "Thirty nights are kept. Restoring was tried. #202",
            reviewers: &["bob"],
            labels: &["operations"],
        },
    )?;
    story.vote(backup, by("bob", 54 * DAY), 10);
    story.complete(backup, by("erin", 54 * DAY - HOUR), MergeStrategy::RebaseMerge)?;
    story.commit(
        repo,
        "main",
        by("bob", 38 * DAY),
        "Say what to do when woken",
        &[("/runbooks/gauge-silent.md", demo!("ops/runbooks/gauge-silent.md"))],
    )?;
    if last == Month::Busy {
        month::tell(story, repo)?;
    }

    story.commit(repo, "feature/HAR-21", by("erin", 9 * HOUR), "HAR-21 spec", &[("/.tickets/HAR-21.md", demo!("tickets/HAR-21.md"))])?;
    story.commit(
        repo,
        "feature/HAR-21",
        by("erin", 3 * HOUR),
        "Restart the collector when it goes silent",
        &[("/compose.yaml", demo!("ops/branches/compose.restart.yaml"))],
    )?;
    let restart = story.open(by("erin", 3 * HOUR - 10), &Proposal {
        repository: repo,
        branch: "feature/HAR-21",
        title: "HAR-21 Restart the gauge collector when it goes silent",
        description: "Step 2 of the runbook is a restart. Let the machine do it.\n\n## Acceptance criteria\n\n- [x] The collector restarts after three failed checks\n- [x] The page still comes when that does not help\n",
        reviewers: &["bob", "carol"],
        labels: &["operations"],
    })?;
    story.status(restart, 2 * HOUR, BUILD, StatusState::Pending, "Build 420 is running");
    story.vote(restart, by("bob", 40), 10);
    story.vote(restart, by("carol", 25), 10);
    Ok(())
}

/// Reviewers and the build guard main of the two services that ship; pilot-cli and ops take pushes to main.
fn policies(story: &mut Story<'_>) {
    let (alice, start) = (story.person("alice"), story.at(59 * DAY));
    let (tide, web) = (story.repository_id("tide-api"), story.repository_id("harbor-web"));
    let reviewers =
        || PolicyKind::MinimumReviewers { count: 1, creator_vote_counts: false, allow_downvotes: false, reset_on_source_push: false };
    let build = |definition| PolicyKind::Build { display_name: BUILD.to_owned(), definition };
    let rows: [(PolicyKind, bool, Option<Uuid>); 5] = [
        (reviewers(), true, Some(tide)),
        (reviewers(), true, Some(web)),
        (build(7), true, Some(tide)),
        (build(8), false, Some(web)),
        (PolicyKind::CommentRequirements, false, None),
    ];
    let world = story.world();
    let project = world.project("Harbor").map_or(Uuid::nil(), |project| project.id);
    for (kind, is_blocking, repository) in rows {
        let policy = Policy {
            id: world.next_policy_id(),
            project,
            kind,
            is_blocking,
            is_enabled: true,
            scopes: vec![PolicyScope { repository, ref_name: Some("refs/heads/main".to_owned()), matching: RefMatch::Exact }],
            created_by: alice,
            created: start,
            revision: 1,
        };
        world.policies.push(policy);
    }
}
