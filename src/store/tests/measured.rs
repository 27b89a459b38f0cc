//! What figures rest on, as it is read back in one go.

use super::*;
use crate::domain::id::ObjectId;
use crate::domain::run::*;
use crate::domain::work_item::{LinkTarget, Via, WorkItem};
use crate::metrics::input::{ChangeCommit, IncidentSource, Input, Linkage};
use crate::metrics::left_alone::{LeftAlone, Sort};
use crate::metrics::production::{KindKey, Wanted, wanted};
use crate::metrics::query::{Definition, Query, Rules, ServiceId, Window};
use crate::store::{HistoryUpdate, LOOK_BACK};

const DAY: i64 = 24 * 60;

fn sha(number: i64) -> ObjectId {
    ObjectId::new(format!("{number:040x}"))
}

fn build(number: i64, definition: i64, day: i64) -> Build {
    let end = day * DAY + 30;
    Build {
        queued_at: Some(at(day * DAY)),
        started_at: Some(at(day * DAY)),
        ..super::delivery::build(number, definition, RunStatus::Completed, Some(end))
    }
}

fn stage(name: &str, day: i64) -> Stage {
    Stage {
        name: name.to_owned(),
        display_name: name.to_owned(),
        attempt: 1,
        result: StageResult::Succeeded,
        started_at: Some(at(day * DAY + 5)),
        finished_at: Some(at(day * DAY + 20)),
        approval_from: None,
        approval_to: None,
        earlier: vec![],
    }
}

fn item(number: i64, kind: &str, tags: &[&str], day: i64) -> WorkItem {
    WorkItem {
        number,
        revision: 1,
        kind: kind.to_owned(),
        state: "New".to_owned(),
        title: format!("item {number}\nof two lines"),
        tags: tags.iter().map(|&tag| tag.to_owned()).collect(),
        area: "Lumen".to_owned(),
        created_at: Some(at(day * DAY)),
        changed_at: None,
        resolved_at: Some(at(day * DAY + 90)),
    }
}

/// The query of the last ten days before day 0; rows are read from day -110 on.
fn query(projects: &[ProjectId]) -> Query {
    Query::new(projects.to_vec(), Window { from: at(-10 * DAY), to: at(0) }, Rules::default())
}

async fn input(desk: &Desk, query: &Query) -> Input {
    let asked = if query.projects.is_empty() { vec![desk.project] } else { query.projects.clone() };
    let kinds = desk.store.stage_kinds(&asked).await.unwrap();
    desk.store.metric_input(query, &wanted(&kinds, query)).await.unwrap()
}

/// Runs on days -200, -150, -50, -5 and 1, each with a stage `Test` and a stage `Production`.
async fn delivered() -> Desk {
    let desk = Desk::new().await;
    let (store, project, api) = (&desk.store, desk.project, desk.repository);
    store.measure_project(project, at(-300 * DAY)).await.unwrap();
    for (number, day) in [(1, -200), (2, -150), (3, -50), (4, -5), (5, 1)] {
        store.put_builds(project, &[build(number, 7, day)], None).await.unwrap();
        store.put_timeline(project, number, &[stage("Test", day), stage("Production", day)], at(2 * DAY), None).await.unwrap();
    }
    for (number, status, closed) in [
        (1, PullRequestStatus::Completed, Some(-120)),
        (2, PullRequestStatus::Completed, Some(-100)),
        (3, PullRequestStatus::Completed, Some(-5)),
        (4, PullRequestStatus::Active, None),
        (5, PullRequestStatus::Abandoned, Some(-3)),
    ] {
        let listed = fact::PullRequest {
            closed_at: closed.map(|day| at(day * DAY)),
            created_at: at(-150 * DAY),
            merge_commit: Some(sha(number)),
            ..pull_request(number, &key("LUM-1"), status, 0)
        };
        let commits = vec![ChangeCommit { sha: sha(100 + number), authored_at: Some(at(-151 * DAY)) }];
        let items = if number == 3 { vec![40, 41] } else { vec![] };
        let detail = HistoryUpdate::Detail { repository: api, number, commits, items, iterations: Some(1), at: at(2) };
        store.put_histories(project, vec![HistoryUpdate::Listed(listed), detail], at(1), None).await.unwrap();
    }
    let push = |number: i64, branch: &str, day: i64| BranchPush {
        number,
        branch: branch.to_owned(),
        old: sha(number - 1),
        new: sha(number),
        at: at(day * DAY),
        pusher: None,
    };
    store.put_pushes(api, &[push(9, "main", -4), push(2, "main", -100), push(1, "main", -130), push(5, "other", -4)], None).await.unwrap();
    desk
}

async fn rows_are_read_as_far_back_as_figures_need_them() {
    let desk = delivered().await;
    assert_eq!(LOOK_BACK.as_hours(), 90 * 24);
    let input = input(&desk, &query(&[])).await;
    // The stage before the first of those in time, and what came after the window; nothing of the stage `Test`.
    assert_eq!(input.stages.iter().map(|stage| stage.run).collect::<std::collections::BTreeSet<_>>(), [2, 3, 4, 5].into());
    assert!(input.stages.iter().all(|stage| stage.stage == "Production" && stage.project == desk.project));
    let last = input.stages.iter().find(|stage| stage.run == 4).unwrap();
    assert_eq!((last.run_result, last.finished_at), (Some(RunResult::Succeeded), Some(at(-5 * DAY + 20))));
    let of_run = desk.store.stages_of_run(desk.project, DefinitionKind::Pipeline, 4).await.unwrap();
    assert_eq!((of_run.len(), of_run.iter().find(|stage| stage.stage == "Production")), (2, Some(last)), "the line says what the row says");
    assert_eq!((&last.branch, last.repository, &last.sha), (&Some("main".to_owned()), Some(desk.repository), &Some(sha(4))));

    let mut flows: Vec<i64> = input.flows.iter().map(|flow| flow.number).collect();
    flows.sort_unstable();
    assert_eq!(flows, [2, 3, 4, 5], "closed in time, or still open");
    for flow in &input.flows {
        assert_eq!(desk.store.flow(flow.repository, flow.number).await.unwrap().as_ref(), Some(flow));
    }
    assert_eq!(input.tips.iter().map(|tip| tip.push).collect::<Vec<_>>(), [2, 9], "of the default branch, in order");
    assert_eq!(input.kinds, desk.store.stage_kinds(&[desk.project]).await.unwrap());
    assert_eq!(input.repositories.len(), 2);
    assert_eq!(input.repositories[0], (desk.repository, desk.project, "api".to_owned(), Some("main".to_owned())));
    assert_eq!(input.projects[0].collection, desk.store.collection(desk.project).await.unwrap());
    assert!(input.runs.is_empty());
}

async fn what_is_open_in_a_repository_that_is_gone_is_not_in_progress_and_what_was_closed_there_stays() {
    let desk = delivered().await;
    let statuses = async || {
        let input = input(&desk, &query(&[])).await;
        let (open, closed): (Vec<_>, Vec<_>) = input.flows.iter().partition(|flow| flow.status == PullRequestStatus::Active);
        (open.len(), closed.len())
    };
    let (open, closed) = statuses().await;
    assert!(open > 0 && closed > 0);
    let gone = fact::Repository { disabled: true, ..repository("api") };
    desk.store.put_repositories(desk.project, &[gone]).await.unwrap();
    assert_eq!(statuses().await, (0, closed));
    desk.store.put_repositories(desk.project, &[repository("api")]).await.unwrap();
    assert_eq!(statuses().await, (open, closed), "it is back");
}

async fn whole_runs_are_read_where_they_are_wanted() {
    let desk = delivered().await;
    let project = desk.project;
    desk.store.put_builds(project, &[super::delivery::build(9, 7, RunStatus::InProgress, None)], None).await.unwrap();
    let query = Query { definition: Definition::FourKeys, ..query(&[project]) };
    let wanted = Wanted { kinds: vec![], runs: vec![(project, 7), (ProjectId(99), 7)] };
    let input = desk.store.metric_input(&query, &wanted).await.unwrap();
    let mut runs: Vec<_> = input.runs.iter().map(|run| (run.number, run.result, run.branch.as_deref())).collect();
    runs.sort_unstable_by_key(|run| run.0);
    let done = Some(RunResult::Succeeded);
    assert_eq!(runs, [(3, done, Some("main")), (4, done, Some("main")), (5, done, Some("main")), (9, None, Some("main"))]);
    assert_eq!(input.runs.iter().find(|run| run.number == 4).unwrap().finished_at, Some(at(-5 * DAY + 30)));
    assert_eq!(input.runs.iter().find(|run| run.number == 9).unwrap().tags, ["nightly"]);
    assert!(input.stages.is_empty());
    let unknown = KindKey { project, kind: DefinitionKind::Release, definition: 1, stage: "x".to_owned(), environment: None };
    let nothing = Wanted { kinds: vec![unknown], runs: vec![] };
    assert!(desk.store.metric_input(&query, &nothing).await.unwrap().stages.is_empty(), "of a kind that is not there");
}

async fn only_projects_that_are_asked_for_and_measured_are_read() {
    let desk = delivered().await;
    let organisation = desk.store.organisations().await.unwrap()[0].id;
    let other = desk.store.put_project(organisation, &project_fact("Tide"), "TID").await.unwrap().id;
    let repository = fact::Repository { guid: Guid::new("repo-tide"), ..repository("tide") };
    desk.store.put_repositories(other, &[repository]).await.unwrap();
    let listed = fact::PullRequest {
        repository: Guid::new("repo-tide"),
        project: Some(Guid::new("project-tide")),
        ..pull_request(1, &key("TID-1"), PullRequestStatus::Active, 0)
    };
    desk.store.put_histories(other, vec![HistoryUpdate::Listed(listed)], at(1), None).await.unwrap();

    let names = |input: &Input| input.projects.iter().map(|project| project.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&input(&desk, &query(&[])).await), ["Lumen"], "nobody measures the other one");
    let of_other = input(&desk, &query(&[other])).await;
    assert_eq!(names(&of_other), ["Tide"]);
    assert_eq!((of_other.flows.len(), of_other.projects[0].collection.sources.len(), of_other.stages.len()), (1, 0, 0));
    desk.store.measure_project(other, at(-1)).await.unwrap();
    let both = input(&desk, &query(&[])).await;
    assert_eq!((names(&both), both.flows.len(), both.repositories.len()), (vec!["Lumen".to_owned(), "Tide".to_owned()], 5, 3));
    desk.store.remove_project(other, at(5)).await.unwrap();
    assert_eq!(names(&input(&desk, &query(&[])).await), ["Lumen"], "it is off the board");
    assert_eq!(names(&input(&desk, &query(&[other])).await), ["Tide"], "and can be asked for by name");
}

async fn incidents_are_told_by_type_or_tag_in_any_case_with_what_hangs_on_them() {
    let desk = delivered().await;
    let (store, project, api) = (&desk.store, desk.project, desk.repository);
    let source = async |query: &Query| input(&desk, query).await.projects[0].incident_source;
    assert_eq!(source(&query(&[])).await, IncidentSource::None);
    let bugs = Query { rules: Rules { incident_types: vec!["Bug".to_owned()], ..Rules::default() }, ..query(&[]) };
    assert_eq!(source(&bugs).await, IncidentSource::Configured);

    let items = [
        item(1, "INCIDENT", &[], -3),
        item(2, "Bug", &["Outage", "say \"no\""], -4),
        item(3, "Bug", &["outages"], -4),
        item(4, "Incident", &[], -180),
    ];
    store.put_work_items(project, &items, None).await.unwrap();
    let links = [
        (1, api, LinkTarget::PullRequest { number: 3 }, Via::Link),
        (1, api, LinkTarget::Commit { sha: sha(4) }, Via::Text),
        (1, RepositoryId(0), LinkTarget::Build { number: 4 }, Via::Link),
        (3, api, LinkTarget::PullRequest { number: 3 }, Via::Link),
    ];
    store.put_links(project, &links).await.unwrap();
    let found = input(&desk, &query(&[])).await;
    assert_eq!(found.projects[0].incident_source, IncidentSource::Observed);
    assert_eq!(found.incidents.iter().map(|incident| incident.number).collect::<Vec<_>>(), [1, 2], "the old one is over");
    let first = &found.incidents[0];
    assert_eq!((&*first.pull_requests, &*first.commits, &*first.builds), (&[(api, 3)][..], &[sha(4)][..], &[4][..]));
    assert_eq!(first.title, "item 1\nof two lines");
    let quoted = Query { rules: Rules { incident_tags: vec!["Say \"No\"".to_owned()], ..Rules::default() }, ..query(&[]) };
    assert_eq!(input(&desk, &quoted).await.incidents.iter().map(|one| one.number).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(input(&desk, &bugs).await.incidents.iter().map(|one| one.number).collect::<Vec<_>>(), [2, 3]);
}

async fn linkage_counts_what_is_linked_in_the_window_and_names_the_items() {
    let desk = delivered().await;
    let (store, project, api) = (&desk.store, desk.project, desk.repository);
    let commit = |number: i64, day: i64| fact::Commit {
        id: sha(number),
        author_name: "Ada".to_owned(),
        author_email: String::new(),
        authored_at: Some(at(day * DAY - 9)),
        committed_at: Some(at(day * DAY)),
        message: String::new(),
        is_cut: false,
        parents: vec![],
        changes: None,
    };
    store.put_commits(api, &[commit(1, -9), commit(2, -8), commit(3, -7), commit(4, -11), commit(5, 0)], None).await.unwrap();
    store.put_commits(desk.other_repository, &[commit(6, -7)], None).await.unwrap();
    let of_commit = |item: i64, number: i64| (item, api, LinkTarget::Commit { sha: sha(number) }, Via::Text);
    store.put_links(project, &[of_commit(40, 1), of_commit(41, 1), of_commit(40, 2), of_commit(44, 4), of_commit(3, 3)]).await.unwrap();
    // Before any work item could be read, every number is one.
    let linkage = input(&desk, &query(&[])).await.linkage;
    assert_eq!((linkage.linked_commits, linkage.items.len()), (3, 3));
    // Then what a text names must have been found; what Azure DevOps links need not be readable.
    store.put_work_items(project, &[item(40, "Task", &[], 0)], None).await.unwrap();
    store.put_links(project, &[(41, api, LinkTarget::PullRequest { number: 3 }, Via::Link)]).await.unwrap();

    let linkage = input(&desk, &query(&[])).await.linkage;
    assert_eq!((linkage.commits, linkage.linked_commits), (4, 2), "committed in the window: 1, 2, 3 and 6; 3 names nothing");
    assert_eq!((linkage.pull_requests, linkage.linked_pull_requests), (1, 1), "completed in the window: 3");
    // 40: commits 1 and 2, pull request 3. 41: commit 1, pull request 3.
    assert_eq!(linkage.items, [(40, "item 40\nof two lines".to_owned(), 3), (41, String::new(), 2)]);

    let narrowed = Query { repository: Some(desk.other_repository), ..query(&[]) };
    let linkage = input(&desk, &narrowed).await.linkage;
    assert_eq!((linkage.commits, linkage.linked_commits, linkage.pull_requests, linkage.items.len()), (1, 0, 0, 0));

    // Of a service: what happened in the repositories that it deploys, as with the other figures of pull requests.
    let service =
        |definition: i64| Query { service: Some(ServiceId { project, kind: DefinitionKind::Pipeline, definition }), ..query(&[]) };
    let linkage = input(&desk, &service(7)).await.linkage;
    assert_eq!((linkage.commits, linkage.linked_commits, linkage.pull_requests), (3, 2, 1), "without commit 6 of the other repository");
    let elsewhere = Build { repository: Some(Guid::new("repo-web")), ..build(60, 8, -6) };
    store.put_builds(project, &[elsewhere], None).await.unwrap();
    store.put_timeline(project, 60, &[stage("Production", -6)], at(2 * DAY), None).await.unwrap();
    let linkage = input(&desk, &service(8)).await.linkage;
    assert_eq!((linkage.commits, linkage.linked_commits, linkage.pull_requests, linkage.items.len()), (1, 0, 0, 0));
    // One whose runs count as wholes.
    let whole = Query { rules: Rules { production: vec!["*8*".to_owned()], ..Rules::default() }, ..service(8) };
    let wanted = Wanted { kinds: Vec::new(), runs: vec![(project, 8)] };
    assert_eq!(store.metric_input(&whole, &wanted).await.unwrap().linkage, linkage);
    let linkage = input(&desk, &service(99)).await.linkage;
    assert_eq!((linkage.commits, linkage.pull_requests), (0, 0), "of one that is not there");
}

async fn what_was_deployed_is_read_without_pull_requests_and_work_items() {
    let desk = delivered().await;
    desk.store.put_work_items(desk.project, &[item(1, "Incident", &[], -3)], None).await.unwrap();
    let query = query(&[]);
    let all = input(&desk, &query).await;
    let kinds = desk.store.stage_kinds(&[desk.project]).await.unwrap();
    let part = desk.store.deployment_input(&query, &wanted(&kinds, &query)).await.unwrap();
    assert!(!all.flows.is_empty() && !all.incidents.is_empty() && !all.stages.is_empty() && !all.tips.is_empty());
    assert_eq!((part.stages, part.tips, part.kinds), (all.stages, all.tips, all.kinds));
    assert_eq!((part.flows.len(), part.incidents.len(), part.linkage), (0, 0, Linkage::default()));
}

async fn runs_that_are_left_alone_are_kept_with_their_pipeline() {
    let desk = delivered().await;
    let (store, project) = (&desk.store, desk.project);
    let known = async || {
        let kinds = store.stage_kinds(&[project]).await.unwrap();
        kinds.into_iter().map(|kind| (kind.stage, kind.left_alone)).filter(|(_, left_alone)| !left_alone.is_empty()).collect::<Vec<_>>()
    };
    assert_eq!(known().await, []);
    let left_alone = [
        LeftAlone { sort: Sort::Scheduled, looked_at: 3, runs: 210 },
        LeftAlone { sort: Sort::Branches("topic \"x\"".to_owned()), looked_at: 1, runs: 40 },
    ];
    store.put_left_alone(project, 7, &left_alone).await.unwrap();
    assert_eq!(known().await, [(String::new(), left_alone.to_vec())], "of its runs as wholes");
    // What runs and definitions tell later leaves that as it is.
    store.put_builds(project, &[build(6, 7, 2)], None).await.unwrap();
    assert_eq!(known().await.len(), 1);
    store.put_left_alone(project, 7, &[]).await.unwrap();
    assert_eq!(known().await, []);
}

async fn what_bots_did_is_linked_only_where_the_definition_counts_it() {
    let desk = delivered().await;
    let (store, project, api) = (&desk.store, desk.project, desk.repository);
    let commit = |number: i64, author: &str, email: &str| fact::Commit {
        id: sha(number),
        author_name: author.to_owned(),
        author_email: email.to_owned(),
        authored_at: Some(at(-7 * DAY - 9)),
        committed_at: Some(at(-7 * DAY)),
        message: String::new(),
        is_cut: false,
        parents: vec![],
        changes: None,
    };
    let commits =
        [commit(1, "Ada", "ada@lumen.example"), commit(2, "Renovate", "x@lumen.example"), commit(3, "Night", "night-bot@lumen.example")];
    store.put_commits(api, &commits, None).await.unwrap();
    let links = [1, 2, 3].map(|number| (40, api, LinkTarget::Commit { sha: sha(number) }, Via::Text));
    store.put_links(project, &links).await.unwrap();
    let mut listed = fact::PullRequest {
        closed_at: Some(at(-4 * DAY)),
        merge_commit: Some(sha(21)),
        ..pull_request(21, &key("LUM-1"), PullRequestStatus::Completed, 0)
    };
    listed.author.display_name = "renovate-bot".to_owned();
    store.put_histories(project, vec![HistoryUpdate::Listed(listed)], at(1), None).await.unwrap();

    let ours = input(&desk, &query(&[])).await.linkage;
    assert_eq!((ours.commits, ours.linked_commits, ours.bot_commits), (1, 1, 2));
    assert_eq!((ours.pull_requests, ours.linked_pull_requests, ours.bot_pull_requests), (1, 1, 1));
    // 40: commit 1 and pull request 3; 41: pull request 3.
    assert_eq!(ours.items.iter().map(|(item, _, times)| (*item, *times)).collect::<Vec<_>>(), [(40, 2), (41, 1)]);
    let devlake = Query { definition: Definition::DevLake, ..query(&[]) };
    let theirs = input(&desk, &devlake).await.linkage;
    assert_eq!((theirs.commits, theirs.linked_commits, theirs.bot_commits), (3, 3, 0));
    assert_eq!((theirs.pull_requests, theirs.linked_pull_requests, theirs.bot_pull_requests), (2, 1, 0));
}

async fn a_ticket_whose_key_is_in_a_branch_is_linked_beside_work_items() {
    let desk = delivered().await;
    let (store, project) = (&desk.store, desk.project);
    let [first, second] = [desk.ticket("Moor the barge").await, desk.ticket("Light the pier").await];
    assert_eq!((first.to_string(), second.to_string()), ("LUM-1".to_owned(), "LUM-2".to_owned()));
    let merged = async |number: i64, branch: &str| {
        let listed = fact::PullRequest {
            source_branch: branch.to_owned(),
            closed_at: Some(at(-4 * DAY)),
            merge_commit: Some(sha(number)),
            ..pull_request(number, &key("LUM-1"), PullRequestStatus::Completed, 0)
        };
        store.put_histories(project, vec![HistoryUpdate::Listed(listed)], at(1), None).await.unwrap();
    };
    merged(11, "feature/LUM-2-light-the-pier").await;
    merged(12, "bob/lum-2").await;
    merged(13, "feature/LUM-99").await;
    merged(14, "upgrade-utf-8").await;

    let linkage = input(&desk, &query(&[])).await.linkage;
    // 3 is on LUM-1's branch and has work items besides; LUM-99 and UTF-8 are no tickets of the board.
    assert_eq!((linkage.pull_requests, linkage.linked_pull_requests), (5, 1));
    assert_eq!((linkage.ticketed_pull_requests, linkage.traced_pull_requests), (3, 3));
    assert_eq!(linkage.tickets, [(second, "Light the pier".to_owned(), 2), (first, "Moor the barge".to_owned(), 1)]);
    assert_eq!(linkage.items.iter().map(|(item, ..)| *item).collect::<Vec<_>>(), [40, 41], "work items are named apart");
    let elsewhere = Query { repository: Some(desk.other_repository), ..query(&[]) };
    assert_eq!(input(&desk, &elsewhere).await.linkage.tickets, []);
}

async fn a_store_without_anything_gives_an_empty_input() {
    let desk = Desk::new().await;
    assert_eq!(desk.store.metric_input(&query(&[]), &Wanted::default()).await.unwrap(), Input::default());
}

on_both!(
    rows_are_read_as_far_back_as_figures_need_them,
    what_is_open_in_a_repository_that_is_gone_is_not_in_progress_and_what_was_closed_there_stays,
    whole_runs_are_read_where_they_are_wanted,
    only_projects_that_are_asked_for_and_measured_are_read,
    incidents_are_told_by_type_or_tag_in_any_case_with_what_hangs_on_them,
    linkage_counts_what_is_linked_in_the_window_and_names_the_items,
    what_was_deployed_is_read_without_pull_requests_and_work_items,
    runs_that_are_left_alone_are_kept_with_their_pipeline,
    what_bots_did_is_linked_only_where_the_definition_counts_it,
    a_ticket_whose_key_is_in_a_branch_is_linked_beside_work_items,
    a_store_without_anything_gives_an_empty_input,
);

/// The rows that there are most of are read from indexes alone, without a look at the tables.
#[tokio::test]
async fn lines_are_read_from_indexes_alone() {
    let desk = delivered().await;
    let statements = || crate::store::measured::SQLITE_QUERIES.iter().chain(crate::store::production::SQLITE_QUERIES);
    let read = [("STAGES", "stage_runs_by_kind"), ("FLOWS", "flows_by_end"), ("TIPS", "pushes_by_time"), ("TAGS", "builds_tagged")];
    for (name, index) in read {
        let (_, sql) = statements().find(|(known, _)| *known == name).unwrap();
        let mut query = sqlx::query(sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"))).bind("[1]");
        if sql.contains("$2") {
            query = query.bind(0_i64);
        }
        let rows = query.fetch_all(&desk.store.inner.readers).await.unwrap();
        let plan: Vec<String> = rows.iter().map(|row| sqlx::Row::get(row, "detail")).collect();
        assert!(plan.iter().any(|step| step.contains(&format!("USING COVERING INDEX {index}"))), "{name}: {plan:?}");
    }
}
