//! What a first look at a whole organisation makes of stages that were run again, and of releases that name no commit.

use std::collections::BTreeMap;

use kanado::domain::run::{DefinitionKind, StageResult};
use kanado::metrics::figures::{Metric, Reason, Subject};
use kanado::metrics::query::{Query, Rules, Window};
use kanado::metrics::{production, rows};
use kanado::sim::generate::Size;
use kanado::sim::generate::plan::{Outcome, Way};
use kanado::sim::world::{BuildResult, CommitNaming, RecordResult, Release, ReleaseArtifact};

use crate::support::measured::Measured;

#[tokio::test(flavor = "multi_thread")]
async fn what_was_deployed_stays_deployed_when_its_stage_is_run_again_and_fails() {
    let start = "2026-11-16T09:20:31Z".parse().unwrap();
    let measured = Measured::generated(Size::S, start).await;
    let (plan, control) = (measured.world.sim.plan().unwrap(), measured.control());
    let mut again = Vec::new();
    // One that environments tell of, and one that only a timeline tells of.
    for way in [Way::Environments, Way::Stages] {
        let fits = |row: &&kanado::sim::generate::plan::PlannedDeployment| {
            row.way == way && row.outcome == Outcome::Succeeded && row.attempt == 1 && row.in_window
        };
        let planned = plan.deployments.iter().filter(|row| row.position.is_some()).rfind(fits).unwrap();
        let stage = control.change_world(|world| {
            let stages = &world.build(planned.run).unwrap().stages;
            let stage = stages.iter().find(|stage| stage.last().is_some_and(|last| last.finished == planned.at)).unwrap();
            stage.identifier.clone()
        });
        let stage = stage.await;
        control.end_stage(planned.run, &stage, RecordResult::Failed).await.unwrap();
        control.finish_build(planned.run, BuildResult::Failed).await.unwrap();
        again.push((planned, stage));
    }
    assert!(measured.collect().await.is_complete());

    let store = &measured.services.ctx.store;
    let projects: Vec<_> = measured.projects.iter().map(|project| project.id).collect();
    let kinds = store.stage_kinds(&projects).await.unwrap();
    // The clock stands still, and a window ends before its end.
    let now = start + jiff::SignedDuration::from_mins(1);
    let query = Query::new(projects.clone(), Window::last(30, now), Rules::default());
    let input = store.metric_input(&query, &production::wanted(&kinds, &query)).await.unwrap();
    let deployments = rows(&input, &query, Metric::DeploymentFrequency, now);
    for (planned, stage) in again {
        let project = measured.projects.iter().find(|project| project.name == planned.project).unwrap().id;
        let run = i64::from(planned.run);
        let known = store.stages_of_run(project, DefinitionKind::Pipeline, run).await.unwrap();
        let told: Vec<_> = known.iter().filter(|row| row.stage == stage).map(|row| (row.attempt, row.result)).collect();
        assert_eq!(told, [(1, StageResult::Succeeded), (2, StageResult::Failed)], "{stage} of run {run}");
        let of_it = |reason: Option<Reason>| {
            let is_it = |subject: &Subject| matches!(subject, Subject::Deployment { project: p, run: r, .. } if (*p, *r) == (project, run));
            let found = deployments.iter().filter(|row| row.excluded == reason && is_it(&row.subject));
            found.map(|row| row.at.as_millisecond()).collect::<Vec<_>>()
        };
        assert_eq!(of_it(None), [planned.at.unwrap().as_millisecond()], "run {run} was deployed when it was");
        assert_eq!(of_it(Some(Reason::FailedAttempt)).len(), 1, "and failed once since");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_classic_release_has_the_commit_that_was_built_whether_or_not_its_deployment_names_it() {
    let start = "2026-11-16T09:20:31Z".parse().unwrap();
    let measured = Measured::generated(Size::S, start).await;
    let plan = measured.world.sim.plan().unwrap();
    let control = measured.control();
    let builds = control.change_world(|world| {
        let of_release = |release: &Release| (release.id, release.artifact.clone());
        world.releases.values().map(of_release).collect::<BTreeMap<i32, ReleaseArtifact>>()
    });
    let builds = builds.await;
    assert!(measured.collect().await.is_complete());
    let store = &measured.services.ctx.store;
    let (mut named, mut silent) = (0, 0);
    for planned in plan.deployments.iter().filter(|row| row.way == Way::Classic && row.at.is_some_and(|at| at >= plan.window_from)) {
        let project = measured.projects.iter().find(|project| project.name == planned.project).unwrap().id;
        let artifact = &builds[&planned.run];
        if planned.position.is_none() || store.build(project, i64::from(artifact.build)).await.unwrap().is_none() {
            continue;
        }
        let known = store.stages_of_run(project, DefinitionKind::Release, i64::from(planned.run)).await.unwrap();
        for row in known.iter().filter(|row| row.environment.as_deref() == Some(planned.environment.as_str())) {
            assert_eq!(row.sha.as_ref().map(|sha| sha.as_str()), Some(planned.sha.as_str()), "release {}", planned.run);
            assert_eq!((row.branch.as_deref(), row.repository.is_some()), (Some("main"), true), "release {}", planned.run);
            *if artifact.naming == CommitNaming::InArtifact { &mut named } else { &mut silent } += 1;
        }
    }
    assert!(named >= 5 && silent >= 2, "{named} deployments name their commit, {silent} do not");
}
