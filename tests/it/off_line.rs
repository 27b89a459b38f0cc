//! Deployments that do not come from a default branch that is known: from a release branch, from a folder of branches that one run of is
//! looked at, and of a repository that is gone.

use jiff::Timestamp;
use kanado::domain::id::ObjectId;
use kanado::domain::run::{DefinitionKind, StageResult};
use kanado::metrics::figures::Metric;
use kanado::metrics::query::{Query, Rules, Window};
use kanado::metrics::{production, rows};
use kanado::sim;
use kanado::sim::control::Merging;
use kanado::sim::generate::Size;
use kanado::sim::generate::plan::Way;
use kanado::sim::world::RecordResult::Succeeded;

use crate::support::measured::Measured;

const REPOSITORY: &str = "Harbor/tide-api";

/// Pull requests that a lead time is known of, by number.
async fn with_lead_time(measured: &Measured) -> Vec<i64> {
    let projects: Vec<_> = measured.projects.iter().map(|project| project.id).collect();
    // Up to an hour in which everything that a test does has happened.
    let now = Timestamp::now() + jiff::SignedDuration::from_hours(1);
    let query = Query::new(projects.clone(), Window::last(30, now), Rules::default());
    let store = &measured.services.ctx.store;
    let kinds = store.stage_kinds(&projects).await.unwrap();
    let input = store.metric_input(&query, &production::wanted(&kinds, &query)).await.unwrap();
    let rows = rows(&input, &query, Metric::LeadTime, now);
    let numbers = rows.iter().filter(|row| row.excluded.is_none()).filter_map(|row| match row.subject {
        kanado::metrics::figures::Subject::PullRequest { number, .. } => Some(number),
        _ => None,
    });
    numbers.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_release_branch_brought_is_asked_of_the_service_once() {
    let measured = Measured::of(sim::Options::default()).await;
    let control = measured.control();
    let repository = measured.services.ctx.store.repositories(measured.projects[0].id).await.unwrap();
    let repository = repository.into_iter().find(|one| one.name == "tide-api").unwrap().id;
    control.push_file(REPOSITORY, ("release/9", Some("main")), "bob", ("/RELEASE", b"9\n"), "Release 9").await.unwrap();
    control.push_file(REPOSITORY, ("fix", Some("release/9")), "bob", ("/fix.txt", b"x\n"), "Fix it").await.unwrap();
    let number = control.open(REPOSITORY, ("fix", "release/9"), "Fix it", "bob").await.unwrap();
    let merged = control.merge(number, "carol", Merging::default()).await.unwrap();
    let stages = [("Build", Succeeded), ("Test", Succeeded), ("Staging", Succeeded), ("Production", Succeeded)];
    control.deploy("tide-api", "bob", (Some("release/9"), None), &stages).await.unwrap();

    control.reset_requests();
    assert!(measured.collect().await.is_complete());
    assert!(with_lead_time(&measured).await.contains(&i64::from(number)), "deployed from the branch that it was merged to");
    let asked = measured.asked("/commits");
    let known = measured.number("SELECT count(*) FROM compares").await;
    assert_eq!(known, 1, "the deployment before it is the other end");
    assert!(
        measured.services.ctx.store.commit_of(repository, &ObjectId::new(&merged)).await.unwrap().is_none(),
        "not of the default branch"
    );
    assert!(measured.collect().await.is_complete());
    assert_eq!(measured.asked("/commits"), asked, "what lies between two commits never changes");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stage_that_runs_on_a_release_branch_is_looked_at_although_no_environment_tells_of_it() {
    let start: Timestamp = "2026-11-20T15:30:00Z".parse().unwrap();
    let measured = Measured::generated(Size::S, start).await;
    let control = measured.control();
    let world = control.world().await;
    let plan = measured.world.sim.plan().unwrap().clone();
    let service = plan.services.iter().find(|service| service.kind == Way::Stages && service.repository_id != plan.deleted).unwrap();
    let person =
        world.users.iter().find(|user| user.id == world.pull_requests.values().next().unwrap().created_by).unwrap().display_name.clone();
    let place = format!("{}/{}", service.project, service.repository);
    let mut runs = Vec::new();
    for release in ["release/1", "release/2", "release/3"] {
        control.push_file(&place, (release, Some("main")), &person, ("/RELEASE", release.as_bytes()), "Release").await.unwrap();
        let stages = [("Build", Succeeded), ("Test", Succeeded), ("DeployStaging", Succeeded), ("DeployProd", Succeeded)];
        runs.push(control.deploy(&service.definition.to_string(), &person, (Some(release), None), &stages).await.unwrap());
    }
    assert!(measured.collect().await.is_complete());
    let project = measured.projects.iter().find(|project| project.name == service.project).unwrap().id;
    for run in runs {
        let stages = measured.services.ctx.store.stages_of_run(project, DefinitionKind::Pipeline, i64::from(run)).await.unwrap();
        let production = stages.iter().find(|stage| stage.stage == "DeployProd").map(|stage| stage.result);
        assert_eq!(production, Some(StageResult::Succeeded), "run {run}: one of its folder deployed, so all of them are looked at");
    }
    assert!(measured.number("SELECT count(*) FROM compares").await > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn deployments_of_a_repository_that_is_gone_are_counted() {
    let start: Timestamp = "2026-11-20T15:30:00Z".parse().unwrap();
    let measured = Measured::generated(Size::S, start).await;
    let plan = measured.world.sim.plan().unwrap().clone();
    assert!(measured.collect().await.is_complete());
    let gone: Vec<_> = plan.successes().filter(|row| row.repository_id == plan.deleted && row.in_window).collect();
    assert!(!gone.is_empty());
    for planned in gone {
        let project = measured.projects.iter().find(|project| project.name == planned.project).unwrap().id;
        let stages = measured.services.ctx.store.stages_of_run(project, DefinitionKind::Pipeline, i64::from(planned.run)).await.unwrap();
        let told: Vec<_> = stages.iter().map(|stage| (&*stage.stage, stage.result, stage.finished_at)).collect();
        assert!(told.contains(&("Production", StageResult::Succeeded, planned.at)), "{told:?} of {planned:?}");
    }
}
