//! Taking a project off the board, as whoever watches the steps sees it.

use kanado::action::deselect::{self, Collected};
use kanado::action::{Reporter, connect};
use kanado::domain::progress::{Step, StepState};
use kanado::sim;

use crate::support::measured::{Measured, assert_same};

fn state<'a>(steps: &'a [Step], id: &str) -> &'a StepState {
    &steps.iter().find(|step| step.id == id).unwrap_or_else(|| panic!("no step {id}: {steps:?}")).state
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_collected_goes_only_when_asked_and_of_that_project_only() {
    let measured = Measured::of(sim::Options::default()).await;
    measured.collect().await;
    let (ctx, facts) = (&measured.services.ctx, measured.facts().await);
    let project = measured.projects.iter().find(|project| project.name == "Harbor").unwrap();

    let kept = Reporter::silent();
    let done = deselect::run(ctx, project, Collected::Keep, &kept).await.unwrap();
    assert_eq!((done.words().as_str(), done.purged, done.unfinished()), ("Harbor is off the board", None, None));
    let steps = kept.progress().steps;
    assert_eq!(steps.iter().map(|step| step.id).collect::<Vec<_>>(), ["board", "hooks"]);
    assert!(matches!(state(&steps, "board"), StepState::Done(_)) && matches!(state(&steps, "hooks"), StepState::Already(_)), "{steps:?}");
    assert!(ctx.store.projects().await.unwrap().iter().all(|other| other.id != project.id));
    assert_same(&facts, &measured.facts().await);

    // Later, of a project that is off the board already.
    let again = deselect::find(ctx, "harbor").await.unwrap().expect("it was on the board");
    let purged = Reporter::silent();
    let done = deselect::run(ctx, &again, Collected::Purge, &purged).await.unwrap();
    assert!(done.purged.is_some_and(|rows| rows > 100), "{done:?}");
    assert!(matches!(state(&purged.progress().steps, "facts"), StepState::Done(_)));
    assert!(ctx.store.collection(project.id).await.unwrap().sources.is_empty());
    let others = measured.projects.iter().filter(|other| other.id != project.id);
    for other in others {
        assert!(!ctx.store.collection(other.id).await.unwrap().sources.is_empty(), "{}", other.name);
    }

    let organisation = ctx.organisation(project.organisation).await.unwrap();
    let fact = ctx.client(project).await.unwrap().project(project.guid.as_str()).await.unwrap();
    connect::add_project(ctx, &organisation, &fact, None).await.unwrap();
    connect::measure(ctx, project).await.unwrap();
    measured.collect().await;
    assert_same(&facts, &measured.facts().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_leaves_the_board_though_azure_devops_does_not_answer() {
    let measured = Measured::of(sim::Options::default()).await;
    let ctx = &measured.services.ctx;
    let project = measured.projects.iter().find(|project| project.name == "Harbor").unwrap();
    measured.control().add_fault("503:path=/hooks/".parse().unwrap());
    let reporter = Reporter::silent();
    let done = deselect::run(ctx, project, Collected::Purge, &reporter).await.unwrap();
    // No webhook was registered: nothing is left to do.
    assert!(done.hooks.is_err() && done.unfinished().is_none(), "{done:?}");
    assert!(matches!(state(&reporter.progress().steps, "hooks"), StepState::Skipped(_)));
    assert!(ctx.store.projects().await.unwrap().iter().all(|other| other.id != project.id));
}
