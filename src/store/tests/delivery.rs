//! Runs, stages, deployments into environments and classic releases: what a page makes of the rows.

use super::collection::page;
use super::*;
use crate::domain::collection::Source;
use crate::domain::id::ObjectId;
use crate::domain::run::*;
use crate::metrics::input::{Approval, Decided, StageKind};
use crate::store::{BuildFilter, PageDone};

pub fn build(number: i64, definition: i64, status: RunStatus, end: Option<i64>) -> Build {
    Build {
        number,
        label: format!("2026.{number}"),
        definition,
        definition_name: format!("pipeline {definition}"),
        repository: Some(Guid::new("repo-api")),
        branch: Some("refs/heads/main".to_owned()),
        sha: Some(ObjectId::new(format!("{number:040x}"))),
        reason: "individualCI".to_owned(),
        status,
        result: end.map(|_| RunResult::Succeeded),
        queued_at: Some(at(number)),
        started_at: (status != RunStatus::NotStarted).then(|| at(number + 1)),
        finished_at: end.map(at),
        requested_for: Some(identity("Ada")),
        tags: vec!["nightly".to_owned()],
        web_url: Some(format!("https://dev.example.test/build/{number}")),
    }
}

fn record(number: i64, run: i64, stage_attempt: i64, job: &str, result: StageResult, end: i64) -> DeploymentRecord {
    DeploymentRecord {
        number,
        environment: 5,
        definition: 7,
        definition_name: "pipeline 7".to_owned(),
        run,
        stage: "Production".to_owned(),
        stage_attempt,
        job: job.to_owned(),
        job_attempt: 1,
        result,
        queued_at: Some(at(end - 5)),
        started_at: Some(at(end - 4)),
        finished_at: Some(at(end)),
    }
}

fn stage(name: &str, attempt: i64, result: StageResult, approval: Option<(i64, i64)>) -> Stage {
    Stage {
        name: name.to_owned(),
        display_name: format!("Deploy to {name}"),
        attempt,
        result,
        started_at: Some(at(40)),
        finished_at: Some(at(50)),
        approval_from: approval.map(|(from, _)| at(from)),
        approval_to: approval.map(|(_, to)| at(to)),
        earlier: vec![],
    }
}

async fn measured() -> Desk {
    let desk = Desk::new().await;
    desk.store.measure_project(desk.project, at(-1000)).await.unwrap();
    desk
}

fn next(source: Source) -> PageDone {
    page(source, "next", 1)
}

async fn stage_rows(desk: &Desk, kind: DefinitionKind, run: i64) -> Vec<crate::store::stage_rows::StageRow> {
    crate::store::stage_rows::of_run(&mut desk.store.reader().await.unwrap(), desk.project, kind, run).await.unwrap()
}

async fn a_page_of_runs_twice_is_the_same_as_once() {
    let desk = measured().await;
    let (store, project) = (&desk.store, desk.project);
    let builds: Vec<Build> = (1..=150).map(|number| build(number, number % 3, RunStatus::Completed, Some(number + 20))).collect();
    let put = store.put_builds(project, &builds, next(Source::Builds)).await.unwrap();
    assert_eq!(put.new_or_changed, (1..=150).collect::<Vec<_>>());
    assert!(store.put_builds(project, &builds, next(Source::Builds)).await.unwrap().new_or_changed.is_empty());
    assert_eq!(store.source_cursor(project, Source::Builds).await.unwrap().as_deref(), Some("next"));

    let found = store.builds(project, &BuildFilter { definition: Some(2), ..BuildFilter::default() }, 2).await.unwrap();
    assert_eq!(found.iter().map(|build| build.number).collect::<Vec<_>>(), [149, 146]);
    assert_eq!(found[0].repository, Some(desk.repository));
    assert_eq!(store.definitions(project).await.unwrap().len(), 3, "runs name their definitions");
    let kinds = store.stage_kinds(&[project]).await.unwrap();
    assert_eq!(
        kinds.iter().map(|kind| (kind.definition, kind.runs, &*kind.stage)).collect::<Vec<_>>(),
        [(0, 50, ""), (1, 50, ""), (2, 50, "")]
    );
    assert_eq!((kinds[2].last_at, &*kinds[2].tags), (Some(at(169)), &["nightly".to_owned()][..]));

    let mut retagged = builds[6].clone();
    retagged.tags = vec!["release".to_owned()];
    assert_eq!(store.put_builds(project, &[retagged], None).await.unwrap().new_or_changed, [7]);
    assert_eq!(store.builds_of_commit(project, &ObjectId::new(format!("{:040x}", 7))).await.unwrap()[0].tags, ["release"]);
}

async fn a_pipeline_goes_by_the_name_that_its_runs_last_told() {
    let desk = measured().await;
    let (store, project) = (&desk.store, desk.project);
    let named =
        |number: i64, name: &str| Build { definition_name: name.to_owned(), ..build(number, 7, RunStatus::Completed, Some(number)) };
    let name = async || store.stage_kinds(&[project]).await.unwrap()[0].definition_name.clone();
    store.put_builds(project, &[named(1, "api-ci")], None).await.unwrap();
    assert_eq!(name().await, "api-ci");
    store.put_builds(project, &[named(2, "api-prod")], None).await.unwrap();
    assert_eq!(name().await, "api-prod", "which decides what is production");
    store.put_builds(project, &[named(3, "7")], None).await.unwrap();
    assert_eq!(name().await, "api-prod", "a number stands for a name that was not told");
}

async fn a_finished_run_stays_finished_whatever_arrives_late() {
    let desk = measured().await;
    let (store, project) = (&desk.store, desk.project);
    let running = build(1, 7, RunStatus::InProgress, None);
    let done = build(1, 7, RunStatus::Completed, Some(30));
    let again = Build { result: Some(RunResult::Failed), ..build(1, 7, RunStatus::Completed, Some(60)) };
    store.put_builds(project, std::slice::from_ref(&running), None).await.unwrap();
    assert_eq!(store.unfinished_builds(project).await.unwrap(), [1]);
    let under_way = store.builds_under_way(project, 5).await.unwrap();
    assert_eq!(under_way.iter().map(|build| (build.number, build.result)).collect::<Vec<_>>(), [(1, None)]);
    assert_eq!(store.builds_under_way(project, 0).await.unwrap(), []);
    // Before it started: an answer from earlier.
    assert!(store.put_builds(project, &[build(1, 7, RunStatus::NotStarted, None)], None).await.unwrap().new_or_changed.is_empty());
    // Both in one page, in any order.
    store.put_builds(project, &[done.clone(), running.clone()], None).await.unwrap();
    assert!(store.unfinished_builds(project).await.unwrap().is_empty());
    for late in [&running, &done] {
        assert!(store.put_builds(project, std::slice::from_ref(late), None).await.unwrap().new_or_changed.is_empty());
    }
    // A stage was tried again: the run ended once more, later.
    assert_eq!(store.put_builds(project, std::slice::from_ref(&again), None).await.unwrap().new_or_changed, [1]);
    assert!(store.put_builds(project, &[done], None).await.unwrap().new_or_changed.is_empty());
    let kept = store.build(project, 1).await.unwrap().unwrap();
    assert_eq!((kept.result, kept.finished_at), (Some(RunResult::Failed), Some(at(60))));
}

async fn attempts_of_a_stage_are_kept_with_their_jobs_and_follow_their_run() {
    let desk = measured().await;
    let (store, project) = (&desk.store, desk.project);
    store.put_environments(project, &[Environment { number: 5, name: "prod".to_owned() }], next(Source::Environments)).await.unwrap();
    // The records come before the run is known.
    let first = [record(1, 9, 1, "eu", StageResult::Succeeded, 30), record(2, 9, 1, "us", StageResult::Failed, 32)];
    let second = [record(3, 9, 2, "us", StageResult::Succeeded, 45)];
    for records in [&first[..1], &first[1..], &second[..], &first[..], &second[..]] {
        store.put_deployment_records(project, records, next(Source::Environments)).await.unwrap();
    }
    let rows = stage_rows(&desk, DefinitionKind::Pipeline, 9).await;
    let told: Vec<_> = rows.iter().map(|row| (row.attempt, row.result, row.finished_at, row.jobs.len())).collect();
    assert_eq!(told, [(1, StageResult::Failed, Some(at(32)), 2), (2, StageResult::Succeeded, Some(at(45)), 1)]);
    assert_eq!((&*rows[0].environment, &rows[0].of_run.sha), ("prod", &None));

    store.put_builds(project, &[build(9, 7, RunStatus::Completed, Some(46))], None).await.unwrap();
    let rows = stage_rows(&desk, DefinitionKind::Pipeline, 9).await;
    for row in &rows {
        assert_eq!((&row.of_run.branch, row.of_run.repository), (&Some("main".to_owned()), Some(desk.repository)));
        assert_eq!((row.of_run.result, row.of_run.finished_at), (Some(RunResult::Succeeded), Some(at(46))));
    }

    let kinds: Vec<StageKind> = store.stage_kinds(&[project]).await.unwrap();
    let staged: Vec<_> = kinds.iter().filter(|kind| !kind.stage.is_empty()).collect();
    assert_eq!(staged.len(), 1);
    assert_eq!((&*staged[0].stage, staged[0].environment.as_deref(), staged[0].runs), ("Production", Some("prod"), 1));
    assert_eq!((staged[0].last_at, &*staged[0].definition_name), (Some(at(45)), "pipeline 7"));
}

async fn what_was_deployed_and_decided_follows_the_name_of_an_environment() {
    let desk = measured().await;
    let (store, project) = (&desk.store, desk.project);
    let deployed = [record(1, 9, 1, "eu", StageResult::Succeeded, 30)];
    // Before its name is known, under its first one, and under another one: the same rows.
    store.put_deployment_records(project, &deployed, None).await.unwrap();
    for name in ["prod", "live", "live"] {
        store.put_environments(project, &[Environment { number: 5, name: name.to_owned() }], None).await.unwrap();
        store.put_deployment_records(project, &deployed, None).await.unwrap();
        let rows = stage_rows(&desk, DefinitionKind::Pipeline, 9).await;
        assert_eq!(rows.iter().map(|row| &*row.environment).collect::<Vec<_>>(), [name]);
        let decided = Some(Decided::Production);
        if name == "prod" {
            store.decide_production(project, DefinitionKind::Pipeline, 7, "Production", Some("prod"), decided, at(1)).await.unwrap();
        }
        let kinds = store.stage_kinds(&[project]).await.unwrap();
        let told: Vec<_> = kinds.iter().map(|kind| (kind.environment.as_deref(), kind.runs, kind.decided)).collect();
        assert_eq!(told, [(Some(name), 1, decided)]);
    }
}

async fn a_timeline_gives_way_to_environments_and_leaves_the_approval() {
    let desk = measured().await;
    let (store, project) = (&desk.store, desk.project);
    store.put_environments(project, &[Environment { number: 5, name: "prod".to_owned() }], None).await.unwrap();
    store.put_builds(project, &[build(9, 7, RunStatus::Completed, Some(60))], None).await.unwrap();
    let wanting = BuildFilter { without_timeline: true, ..BuildFilter::default() };
    assert_eq!(store.builds(project, &wanting, 10).await.unwrap().len(), 1);

    let stages = [
        stage("Test", 1, StageResult::Succeeded, None),
        stage("Production", 1, StageResult::Failed, Some((10, 20))),
        stage("Production", 2, StageResult::Succeeded, Some((30, 37))),
        stage("Smoke", 1, StageResult::Skipped, Some((9, 8))),
    ];
    for _ in 0..2 {
        store.put_timeline(project, 9, &stages, at(70), next(Source::Timelines)).await.unwrap();
    }
    assert!(store.builds(project, &wanting, 10).await.unwrap().is_empty());
    let rows = stage_rows(&desk, DefinitionKind::Pipeline, 9).await;
    let told: Vec<_> = rows.iter().map(|row| (&*row.stage, row.attempt, row.result, row.approval)).collect();
    assert_eq!(
        told,
        [
            ("Production", 1, StageResult::Failed, Some(Approval::Waited { from: at(10), to: at(20) })),
            ("Production", 2, StageResult::Succeeded, Some(Approval::Waited { from: at(30), to: at(37) })),
            ("Smoke", 1, StageResult::Skipped, None),
            ("Test", 1, StageResult::Succeeded, Some(Approval::NotAsked))
        ]
    );
    // An answer from before tells nothing.
    store.put_timeline(project, 9, &[stage("Test", 1, StageResult::Running, None)], at(65), None).await.unwrap();
    assert_eq!(stage_rows(&desk, DefinitionKind::Pipeline, 9).await, rows);
    // Nor does one of a run that nobody knows.
    store.put_timeline(project, 999, &stages, at(65), None).await.unwrap();

    for _ in 0..2 {
        store.put_deployment_records(project, &[record(1, 9, 2, "eu", StageResult::Succeeded, 45)], None).await.unwrap();
        let rows = stage_rows(&desk, DefinitionKind::Pipeline, 9).await;
        assert_eq!(
            rows.iter().map(|row| (&*row.stage, &*row.environment)).collect::<Vec<_>>(),
            [("Production", "prod"), ("Smoke", ""), ("Test", "")]
        );
        assert_eq!((rows[0].approval, rows[0].finished_at), (Some(Approval::Waited { from: at(30), to: at(37) }), Some(at(45))));
        // The timeline again: the environment is believed, under either name of the stage.
        let mut other = stages.clone();
        other[2].name = "stage_3".to_owned();
        other[2].display_name = "Production".to_owned();
        other[1].name = "stage_3".to_owned();
        other[1].display_name = "Production".to_owned();
        store.put_timeline(project, 9, &other, at(71), None).await.unwrap();
        assert_eq!(stage_rows(&desk, DefinitionKind::Pipeline, 9).await, rows);
    }
    let kinds = store.stage_kinds(&[project]).await.unwrap();
    let counted: Vec<_> = kinds.iter().map(|kind| (&*kind.stage, kind.environment.as_deref(), kind.runs)).collect();
    assert_eq!(counted, [("", None, 1), ("Production", Some("prod"), 1), ("Smoke", None, 1), ("Test", None, 1)], "none without a run");
}

async fn a_release_has_one_row_for_each_attempt_in_an_environment() {
    let desk = measured().await;
    let (store, project) = (&desk.store, desk.project);
    let deployment = |number: i64, attempt: i64, result: StageResult, end: Option<i64>| ReleaseDeployment {
        number,
        definition: 3,
        definition_name: "api release".to_owned(),
        release: 12,
        release_name: "Release-12".to_owned(),
        environment: "Live".to_owned(),
        attempt,
        result,
        queued_at: Some(at(20)),
        started_at: Some(at(21)),
        finished_at: end.map(at),
        sha: Some(ObjectId::new("ab".repeat(20))),
        branch: Some("refs/heads/main".to_owned()),
        repository: Some(Guid::new("repo-web")),
        build: Some(9),
        web_url: None,
    };
    let running = deployment(1, 1, StageResult::Running, None);
    let failed = deployment(1, 1, StageResult::Failed, Some(30));
    let repeated = deployment(2, 2, StageResult::Succeeded, Some(50));
    for page in [vec![running.clone()], vec![failed.clone(), repeated.clone()], vec![failed], vec![running]] {
        store.put_release_deployments(project, &page, next(Source::Releases)).await.unwrap();
    }
    let rows = stage_rows(&desk, DefinitionKind::Release, 12).await;
    let told: Vec<_> = rows.iter().map(|row| (row.attempt, row.result, row.finished_at)).collect();
    assert_eq!(told, [(1, StageResult::Failed, Some(at(30))), (2, StageResult::Succeeded, Some(at(50)))]);
    assert_eq!(
        (rows[0].of_run.repository, rows[0].of_run.build, &*rows[0].of_run.label),
        (Some(desk.other_repository), Some(9), "Release-12")
    );
    let kinds = store.stage_kinds(&[project]).await.unwrap();
    assert_eq!(kinds.len(), 1);
    assert_eq!((kinds[0].kind, &*kinds[0].stage, kinds[0].environment.as_deref()), (DefinitionKind::Release, "Live", Some("Live")));
    assert_eq!(kinds[0].runs, 1, "one release, however often it was tried");
}

async fn a_release_learns_its_commit_from_the_build_that_it_took() {
    let desk = measured().await;
    let (store, project) = (&desk.store, desk.project);
    let deployment = |release: i64, sha: Option<&str>, build: Option<i64>| ReleaseDeployment {
        number: release,
        definition: 3,
        definition_name: "api release".to_owned(),
        release,
        release_name: format!("Release-{release}"),
        environment: "Live".to_owned(),
        attempt: 1,
        result: StageResult::Succeeded,
        queued_at: None,
        started_at: Some(at(21)),
        finished_at: Some(at(30)),
        sha: sha.map(ObjectId::new),
        branch: None,
        repository: None,
        build,
        web_url: None,
    };
    let own = "cd".repeat(20);
    let of_release = async |release: i64| {
        let row = stage_rows(&desk, DefinitionKind::Release, release).await.remove(0);
        (row.of_run.sha.map(|sha| sha.as_str().to_owned()), row.of_run.branch, row.of_run.repository)
    };
    let whole = |number: i64| (Some(format!("{number:040x}")), Some("main".to_owned()), Some(desk.repository));
    // One before its build is known, one after; one whose own word stands, one that names nothing.
    let first = deployment(12, None, Some(9));
    store.put_release_deployments(project, std::slice::from_ref(&first), next(Source::Releases)).await.unwrap();
    assert_eq!(of_release(12).await, (None, None, None));
    store.put_builds(project, &[8, 9, 10].map(|n| build(n, 7, RunStatus::Completed, Some(n + 10))), None).await.unwrap();
    assert_eq!(of_release(12).await, whole(9));
    let rest = [deployment(13, None, Some(10)), deployment(14, Some(&own), Some(8)), deployment(15, None, None)];
    store.put_release_deployments(project, &rest, None).await.unwrap();
    store.put_release_deployments(project, &[first], None).await.unwrap();
    assert_eq!((of_release(12).await, of_release(13).await), (whole(9), whole(10)), "and it stays when it is listed again");
    assert_eq!(of_release(14).await, (Some(own), whole(8).1, whole(8).2));
    assert_eq!(of_release(15).await, (None, None, None));
}

async fn a_kind_of_stage_has_the_name_that_people_see_and_the_tags_of_its_runs() {
    let desk = measured().await;
    let (store, project) = (&desk.store, desk.project);
    for (number, tags, shown) in [(9, vec!["live", "x\"y"], "Production EU"), (8, vec![], "EU"), (7, vec!["nightly", "live"], "old")] {
        let tags = tags.into_iter().map(str::to_owned).collect();
        store.put_builds(project, &[Build { tags, ..build(number, 7, RunStatus::Completed, Some(60)) }], None).await.unwrap();
        let stages = [Stage { display_name: shown.to_owned(), ..stage("s3", 1, StageResult::Succeeded, None) }];
        store.put_timeline(project, number, &stages, at(70), None).await.unwrap();
    }
    let kinds = store.stage_kinds(&[project]).await.unwrap();
    let told: Vec<_> = kinds.iter().map(|kind| (&*kind.stage, kind.shown.as_deref(), kind.runs)).collect();
    assert_eq!(told, [("", None, 3), ("s3", Some("Production EU"), 3)], "by the newest run");
    assert!(kinds.iter().all(|kind| kind.tags == ["live", "nightly", "x\"y"]), "of all runs");
}

async fn a_person_decides_what_is_production() {
    let desk = measured().await;
    let (store, project) = (&desk.store, desk.project);
    store.put_builds(project, &[build(9, 7, RunStatus::Completed, Some(60))], None).await.unwrap();
    store.put_timeline(project, 9, &[stage("Ship", 1, StageResult::Succeeded, None)], at(70), None).await.unwrap();
    let decided = async || store.stage_kinds(&[project]).await.unwrap().iter().map(|kind| kind.decided).collect::<Vec<_>>();
    assert_eq!(decided().await, [None, None]);
    let decide = async |stage: &str, what| {
        store.decide_production(project, DefinitionKind::Pipeline, 7, stage, None, what, at(80)).await.unwrap();
    };
    decide("Ship", Some(Decided::Production)).await;
    decide("", Some(Decided::NotProduction)).await;
    assert_eq!(decided().await, [Some(Decided::NotProduction), Some(Decided::Production)]);
    decide("Ship", None).await;
    assert_eq!(decided().await, [Some(Decided::NotProduction), None]);
}

async fn two_processes_that_collect_the_same_make_one_row_of_each() {
    let desk = measured().await;
    let other = Store::open(&desk.location()).await.unwrap();
    let project = desk.project;
    desk.store.put_environments(project, &[Environment { number: 5, name: "prod".to_owned() }], None).await.unwrap();
    let mut tasks = Vec::new();
    for number in 0..24_i64 {
        let store = if number % 2 == 0 { desk.store.clone() } else { other.clone() };
        tasks.push(tokio::spawn(async move {
            // Everybody tells of overlapping runs, in another order.
            let mut builds: Vec<Build> =
                (number / 4..number / 4 + 10).map(|n| build(n + 1, 7, RunStatus::Completed, Some(n + 40))).collect();
            if number % 3 == 0 {
                builds.reverse();
            }
            store.put_builds(project, &builds, next(Source::Builds)).await.unwrap();
            for build in &builds {
                let records = [
                    record(build.number * 10, build.number, 1, "eu", StageResult::Succeeded, 41),
                    record(build.number * 10 + 1, build.number, 1, "us", StageResult::Succeeded, 43),
                ];
                let half = usize::try_from(number % 2).unwrap();
                store.put_deployment_records(project, &records[half..=half], next(Source::Environments)).await.unwrap();
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    let store = &desk.store;
    assert_eq!(store.builds(project, &BuildFilter::default(), 100).await.unwrap().len(), 15);
    let kinds = store.stage_kinds(&[project]).await.unwrap();
    assert_eq!(kinds.iter().map(|kind| kind.runs).collect::<Vec<_>>(), [15, 15], "the runs, and the one stage of each");
    for run in 1..=15 {
        let rows = stage_rows(&desk, DefinitionKind::Pipeline, run).await;
        assert_eq!((rows.len(), rows[0].finished_at, rows[0].jobs.len()), (1, Some(at(43)), 2), "run {run}");
    }
}

async fn a_purge_forgets_the_facts_and_keeps_what_people_decided() {
    let desk = measured().await;
    let (store, project) = (&desk.store, desk.project);
    let before = store.rows().await.unwrap();
    store.put_environments(project, &[Environment { number: 5, name: "prod".to_owned() }], None).await.unwrap();
    store.put_builds(project, &[build(9, 7, RunStatus::Completed, Some(60))], None).await.unwrap();
    store.put_deployment_records(project, &[record(1, 9, 1, "eu", StageResult::Succeeded, 45)], None).await.unwrap();
    store.decide_production(project, DefinitionKind::Pipeline, 7, "Production", None, Some(Decided::Production), at(1)).await.unwrap();
    assert!(store.purge_facts(project).await.unwrap() > 10);
    assert!(store.collection(project).await.unwrap().sources.is_empty(), "it is not measured any more");
    let count = |rows: &[crate::store::TableRows], name: &str| rows.iter().find(|table| table.table == name).map(|table| table.rows);
    let after = store.rows().await.unwrap();
    for table in ["builds", "stage_runs", "stage_kinds", "environments", "definitions", "sync_sources"] {
        assert_eq!(count(&after, table), Some(0), "{table}");
    }
    assert_eq!(count(&after, "production_rules"), Some(1));
    assert_eq!(count(&after, "repositories"), count(&before, "repositories"));
    // And it can begin again.
    store.measure_project(project, at(-1000)).await.unwrap();
    store.put_deployment_records(project, &[record(1, 9, 1, "eu", StageResult::Succeeded, 45)], None).await.unwrap();
    assert_eq!(stage_rows(&desk, DefinitionKind::Pipeline, 9).await[0].environment, "#5", "its name is to be read again");
}

on_both!(
    a_page_of_runs_twice_is_the_same_as_once,
    a_pipeline_goes_by_the_name_that_its_runs_last_told,
    a_finished_run_stays_finished_whatever_arrives_late,
    attempts_of_a_stage_are_kept_with_their_jobs_and_follow_their_run,
    what_was_deployed_and_decided_follows_the_name_of_an_environment,
    a_timeline_gives_way_to_environments_and_leaves_the_approval,
    a_release_has_one_row_for_each_attempt_in_an_environment,
    a_release_learns_its_commit_from_the_build_that_it_took,
    a_kind_of_stage_has_the_name_that_people_see_and_the_tags_of_its_runs,
    a_person_decides_what_is_production,
    two_processes_that_collect_the_same_make_one_row_of_each,
    a_purge_forgets_the_facts_and_keeps_what_people_decided,
);
