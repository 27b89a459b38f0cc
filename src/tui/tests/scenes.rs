//! Every screen and dialog in a state worth looking at, made by pressing keys on the fixture.

use super::*;
use crate::notice::Notice;
use crate::tui::answer::{ConnectionReport, DiffKind, DiffLine, ProjectOption, ScopeLine, ScopeNeed, ScopeOutcome, SpecConflict};
use crate::tui::model::activity::{Shown, is_problem};
use crate::tui::model::{Model, Settings};

/// Answers loads and plans of effects from the fixture, until nothing more is asked for.
pub fn settle(model: &mut Model, effects: Vec<Effect>) {
    for effect in effects {
        let what = match effect {
            Effect::LoadTicket { generation, key } => {
                let detail = Ok(Box::new(fixture::detail(key.number())));
                What::TicketLoaded { generation, key, detail }
            }
            Effect::LoadPullRequests { generation, .. } => What::PullRequestsLoaded { generation, rows: Ok(fixture::pull_request_rows()) },
            Effect::LoadLive { generation, .. } => What::LiveLoaded { generation, live: Ok(model.live.live.clone()) },
            Effect::LoadDeliveries { generation, shown, .. } => {
                let mut rows = fixture::deliveries();
                rows.retain(|row| shown == Shown::All || is_problem(row.state));
                What::DeliveriesLoaded { generation, rows: Ok(rows) }
            }
            Effect::LoadBody { generation, .. } => {
                let body = br#"{"subscriptionId":"0a1b2c3d","notificationId":97,"eventType":"git.pullrequest.updated","resource":{"pullRequestId":41,"status":"active","reviewers":[]}}"#;
                What::BodyLoaded { generation, lines: Ok(crate::tui::readable::lines(body)) }
            }
            Effect::LoadHealth { generation, .. } => What::HealthLoaded { generation, health: Ok(Box::new(fixture::hook_health())) },
            Effect::LoadRequests { generation, .. } => What::RequestsLoaded { generation, rows: Ok(fixture::requests()) },
            Effect::LoadMetrics { generation, ask, .. } => {
                let mut page = fixture::metrics::page();
                (page.figures.definition, page.figures.hours) = (ask.definition, ask.hours);
                page.figures.tiles.iter_mut().for_each(|tile| tile.definition = ask.definition);
                page.figures.window = ask.span.window(&model.settings.metrics_zone, fixture::now());
                What::MetricsLoaded { generation, page: Ok(Box::new(page)) }
            }
            Effect::LoadMetricRows { generation, .. } => {
                What::MetricRowsLoaded { generation, rows: Ok(Box::new(fixture::metrics::behind())) }
            }
            Effect::LoadMoved { generation, .. } => What::MovedLoaded { generation, lines: Ok(fixture::metrics::moved()) },
            Effect::LoadCollections { generation, .. } => {
                What::CollectionsLoaded { generation, collections: Ok(Box::new(fixture::metrics::collections())) }
            }
            Effect::Explain { generation, number, .. } => {
                let story = if number == 33 { fixture::metrics::story_merged() } else { fixture::metrics::story() };
                What::Explained { generation, story: Ok(Box::new(story)) }
            }
            Effect::LoadTeams { generation, .. } => {
                What::TeamsLoaded { generation, teams: Ok(vec!["Atlas Team".to_owned(), "Payments".to_owned()]) }
            }
            Effect::LoadWebhooks { generation, .. } => What::WebhooksLoaded { generation, card: Ok(Box::new(fixture::webhook_card())) },
            Effect::PlanHooks { generation, .. } => What::HooksPlanned { generation, plan: Ok(Box::new(fixture::hook_plan())) },
            Effect::ChangeHooks { generation, .. } => What::TaskStarted { generation, task: Ok(7) },
            Effect::LoadSteps { generation, .. } => {
                let lines =
                    ["1. Open Project settings, Service hooks.", "2. Create a subscription: Web Hooks."].map(str::to_owned).to_vec();
                What::StepsLoaded { generation, lines: Ok(lines) }
            }
            Effect::LoadProjects { generation } => What::ProjectsLoaded { generation, rows: Ok(vec![fixture::project()]) },
            Effect::LoadRepositories { generation, .. } => What::RepositoriesLoaded { generation, rows: Ok(fixture::repositories()) },
            Effect::LoadMembers { generation, .. } => What::MembersLoaded { generation, rows: Ok(fixture::members()) },
            Effect::PlanStart { generation, key, .. } => {
                What::StartPlanned { generation, plan: Ok(Box::new(fixture::start_plan(key.number()))) }
            }
            Effect::Start { generation, .. } => What::TaskStarted { generation, task: Ok(7) },
            Effect::PlanPullRequest { generation, .. } => {
                What::PullRequestPlanned { generation, draft: Ok(Box::new(fixture::pull_request_draft())) }
            }
            Effect::DiffSpec { generation, key } => {
                let line = |kind, text: &str| DiffLine { kind, text: text.into() };
                let rows = vec![
                    line(DiffKind::Same, "## Overview"),
                    line(DiffKind::Removed, "Prices are read for each request."),
                    line(DiffKind::Added, "Prices are read once a region and an hour."),
                ];
                What::SpecCompared { generation, key, rows: Ok(rows) }
            }
            Effect::CheckConnection { generation, .. } => What::Connected { generation, report: Ok(Box::new(report())) },
            Effect::Sync { generation, .. } => What::Synced { generation, outcome: Ok(None) },
            _ => continue,
        };
        let more = happens(model, what);
        settle(model, more);
    }
}

/// Presses keys, and lets everything that is asked for be answered after each.
pub fn go(model: &mut Model, keys: &str) {
    for key in keys.split(' ') {
        let effects = press(model, key);
        settle(model, effects);
    }
}

fn report() -> ConnectionReport {
    let line = |scope: &str, needed: &str, degrades: &str, need, outcome| ScopeLine {
        scope: scope.into(),
        needed_for: needed.into(),
        degrades: degrades.into(),
        need,
        outcome,
    };
    let (required, expected, optional) = (ScopeNeed::Required, ScopeNeed::Expected, ScopeNeed::Optional);
    let unknown = ScopeOutcome::Unknown("the server did not say".into());
    ConnectionReport {
        organisation: "lumen".into(),
        url: "https://dev.azure.com/lumen".into(),
        user: "Alice Moreau".into(),
        projects: ["Atlas", "Billing"].map(|name| ProjectOption { guid: crate::domain::id::Guid::new(name), name: name.into() }).to_vec(),
        // In the words of the check.
        scopes: vec![
            line("Project and Team (read)", "projects, teams and members", "", required, ScopeOutcome::Allowed),
            line("Code (read)", "repositories, branches, pull requests", "", required, ScopeOutcome::Allowed),
            line(
                "Code (read & write)",
                "starting work, pushing specs and opening pull requests",
                "the board is read only; figures are not affected",
                required,
                ScopeOutcome::Missing,
            ),
            line(
                "Pull Request Threads (read & write)",
                "comments and dated votes",
                "no comment can be written, by you or by kanado; figures are not affected",
                expected,
                ScopeOutcome::Missing,
            ),
            line(
                "Build (read)",
                "pipeline runs and their stages",
                "deployment frequency, lead time, fail rate, recovery, rework and pipeline reliability are not measured",
                expected,
                ScopeOutcome::Missing,
            ),
            line("Work Items (read)", "linked work items and incidents", "", expected, ScopeOutcome::Allowed),
            line("Graph (read)", "finding people outside your teams", "", expected, unknown),
            line(
                "Release (read)",
                "classic releases",
                "deployments by classic releases are not counted, and what they brought passes for not deployed",
                optional,
                ScopeOutcome::Missing,
            ),
            line("Environment (read & manage)", "environments of YAML pipelines", "", optional, ScopeOutcome::Allowed),
        ],
        tokens_page: "https://dev.azure.com/lumen/_usersSettings/tokens".into(),
        token_source: "you".into(),
    }
}

pub fn conflict() -> SpecConflict {
    SpecConflict {
        base: "# ATL-9: Cache\n\nPrices are read for each request.\n".into(),
        mine: "# ATL-9: Cache\n\nPrices are read once an hour.\n".into(),
        theirs: "# ATL-9: Cache\n\nPrices are read once a day.\n".into(),
        merged: "# ATL-9: Cache\n\n<<<<<<< mine\nPrices are read once an hour.\n=======\nPrices are read once a day.\n>>>>>>> theirs\n"
            .into(),
        conflicts: 1,
        object: Some(crate::domain::id::ObjectId::new("1a2b3c4d5e6f70819293a4b5c6d7e8f901234567")),
    }
}

/// All scenes at a size.
pub fn all(width: u16, height: u16) -> Vec<(&'static str, Model)> {
    let board = || {
        let mut model = sized(fixture::board(), width, height);
        go(&mut model, "j k");
        model
    };
    let after = |keys: &str| {
        let mut model = board();
        go(&mut model, keys);
        model
    };
    let mut scenes = vec![
        ("welcome", sized(Model::new(fixture::now(), Settings::default()), width, height)),
        ("board", board()),
        ("board_pr_open", after("l l j")),
        ("ticket_spec", after("l l enter")),
        ("ticket_criteria", after("l l enter ] j")),
        ("ticket_pull_request", after("l l enter ] ]")),
        ("ticket_activity", after("l l enter [")),
        ("start_plan", after("s")),
        ("move_picker", after("l m j")),
        ("assign_picker", after("a")),
        ("new_ticket", after("n")),
        ("pull_request_form", after("l P")),
        ("pull_requests_all", after("2 ] ]")),
        ("metrics", after("3")),
        ("metric_rows", after("3 j enter j")),
        ("diff", after("l d")),
        ("help", after("?")),
        ("delete_question", after("D")),
        ("setup_repositories", after("5 ] ]")),
        ("setup_members", after("5 ] ] ]")),
    ];

    let mut model = after("l enter e");
    go(&mut model, "down down");
    typed(&mut model, "New words.");
    scenes.push(("editor", model));

    let mut model = after("s y");
    happens(&mut model, What::Tasks(vec![fixture::start_task(12)]));
    scenes.push(("starting", model));

    let mut model = after("s y esc");
    happens(&mut model, What::Tasks(vec![fixture::start_task(12)]));
    scenes.push(("starting_behind", model));

    let mut model = after(":");
    typed(&mut model, "sync");
    scenes.push(("palette", model));

    let mut model = after("/");
    typed(&mut model, "@alice");
    scenes.push(("filter", model));

    let mut model = after("l enter e");
    happens(&mut model, What::SpecConflicted { key: fixture::key(9), conflict: Box::new(conflict()) });
    scenes.push(("conflict", model));

    let mut model = sized(Model::new(fixture::now(), Settings::default()), width, height);
    go(&mut model, "c");
    typed(&mut model, "lumen");
    go(&mut model, "enter");
    typed(&mut model, "canary-token");
    go(&mut model, "ctrl+s");
    scenes.push(("connect", model));

    let mut model = board();
    let notice = Notice::new("the spec of ATL-9 was not pushed: dev.azure.com does not answer").hint("the draft is kept; try again: U");
    happens(&mut model, What::Done { words: Err(notice) });
    scenes.push(("failure", model));
    for (_, model) in &mut scenes {
        // The fixture's ages are told from its own moment.
        model.now = fixture::now();
    }
    scenes
}
