//! Runs under way: which of them is asked about, and how a commit stands by what was told.

use super::world::*;
use crate::domain::approval::{Approval, Approver, Needed, Order, Step, StepState};
use crate::domain::id::Guid;
use crate::domain::run::{Check, DefinitionKind, Gate, PendingRelease, Stage, StageResult, Standing};
use crate::metrics::departures::{self, StageState, Stop};
use crate::metrics::input::StageRun;
use crate::metrics::under_way::{Commit, Live, UnderWay, questions};

fn run(definition: i64, number: i64, of: i64, began: &str) -> UnderWay {
    UnderWay {
        project: HARBOUR,
        definition,
        number,
        repository: Some(WEB),
        sha: Some(commit(of)),
        branch: Some("main".to_owned()),
        started_at: Some(t(began)),
    }
}

/// A stage that went well where it says when, else one that waits.
fn stage(name: &str, ended: Option<&str>, gate: Option<Vec<Check>>) -> Standing {
    let at = ended.map(t);
    let stage = Stage {
        name: name.to_owned(),
        display_name: name.to_owned(),
        attempt: 1,
        result: if at.is_some() { StageResult::Succeeded } else { StageResult::Pending },
        started_at: at,
        finished_at: at,
        approval_from: None,
        approval_to: None,
        earlier: Vec::new(),
    };
    Standing { stage, gate: gate.map(|checks| Gate { since: Some(t("2026-03-09 11:30")), checks }) }
}

fn approval(id: &str, names: &[&str]) -> Approval {
    let step = |name: &&str| {
        let approver = Approver { id: Guid::new(name), name: (*name).to_owned(), is_group: false };
        Step { approver, state: StepState::Open }
    };
    Approval { id: Guid::new(id), needed: Needed::All, order: Order::Any, steps: names.iter().map(step).collect() }
}

fn asked_about(world: &World, runs: &[UnderWay]) -> (Option<i64>, Vec<i64>) {
    let id = commit(1);
    let asked = questions(&Commit::of(WEB, &id, &world.input), &world.input, &world.rules, runs);
    (asked.run.map(|run| run.number), asked.release.iter().map(|row| row.run).collect())
}

/// Merged on 9 March 10:00, then run 2 brought it to staging.
fn merged() -> World {
    let mut world = World::with_web();
    world.kind(1, "deploy web", "Staging", Some("web-staging"));
    world.kind(3, "checks", "Test", None);
    world.merge(WEB, 1, ["2026-03-09 08:00", "2026-03-09 09:00", "", "", "2026-03-09 10:00"]);
    world.push(WEB, 2, "2026-03-09 10:30");
    let staging = world.stage(1, 2, "Staging", "2026-03-09 11:00", WEB, 1);
    (staging.environment, staging.run_result) = (Some("web-staging".to_owned()), None);
    world
}

fn told(world: &World, live: &[Live]) -> Vec<String> {
    let stops = departures::of(WEB, &commit(1), None, &world.input, &world.rules, live);
    let words = stops.into_iter().map(|stop| match stop {
        Stop::Merged { .. } => "merged".to_owned(),
        Stop::Run { run, .. } => format!("run {run}"),
        Stop::Stage { stage, environment, production, state } => {
            let place = environment.map_or_else(String::new, |name| format!(" to {name}"));
            let production = if production { "!" } else { "" };
            let state = match state {
                StageState::Waiting { since, on } => {
                    let on: Vec<_> = on.iter().map(departures::WaitsFor::words).collect();
                    format!("waits since {} for {}", since.unwrap().strftime("%H:%M"), on.join(" and "))
                }
                StageState::Done { at } => format!("done {}", at.unwrap().strftime("%H:%M")),
                other => format!("{other:?}"),
            };
            format!("{stage}{place}{production} {state}")
        }
    });
    words.collect()
}

#[test]
fn the_newest_run_under_way_that_has_the_commit_and_may_bring_it_is_asked_about() {
    let mut world = merged();
    let runs = [
        run(1, 2, 1, "2026-03-09 10:50"),
        run(1, 4, 2, "2026-03-09 12:00"),
        // Of a commit before it, of a pipeline that deploys nothing, and of another repository.
        run(1, 5, 0, "2026-03-09 12:10"),
        run(3, 6, 2, "2026-03-09 12:20"),
        UnderWay { repository: Some(API), ..run(1, 7, 2, "2026-03-09 12:30") },
    ];
    assert_eq!(asked_about(&world, &runs), (Some(4), vec![]));
    // A pipeline of which no stage was seen yet may deploy.
    assert_eq!(asked_about(&world, &[run(9, 8, 1, "2026-03-09 10:50")]).0, Some(8));
    assert_eq!(asked_about(&world, &runs[2..]).0, None);
    // It came to production: nothing is asked any more of that pipeline, nor of what began after.
    world.deploy(1, 4, "2026-03-09 13:00", WEB, 2);
    assert_eq!(asked_about(&world, &runs).0, None);
    world.kind(2, "deploy web elsewhere", "Production", None);
    assert_eq!(asked_about(&world, &[run(2, 9, 2, "2026-03-09 12:00")]).0, Some(9), "it began before");
    assert_eq!(asked_about(&world, &[run(2, 9, 2, "2026-03-09 14:00")]).0, None);
}

#[test]
fn a_commit_stands_as_its_run_was_told_a_moment_ago() {
    let world = merged();
    let stored = told(&world, &[]);
    assert_eq!(stored[1..], ["run 2", "Staging to web-staging done 11:00"], "of a run that goes on, only what it did is stored");

    let lock = || Check::Other("Exclusive lock".to_owned());
    let gate = vec![Check::Approval(Guid::new("a")), lock(), Check::Approval(Guid::new("unknown"))];
    let mut stages =
        vec![stage("Staging", Some("2026-03-09 11:05"), None), stage("Production", None, Some(gate)), stage("Audit", None, None)];
    let approvals = [approval("b", &["Cy"]), approval("a", &["Ann", "me"])];
    let live = |stages: &[Standing]| {
        Live::of_run(&run(1, 2, 1, "2026-03-09 10:50"), stages, &approvals, &world.input.kinds, Some(&Guid::new("me")))
    };
    let said = told(&world, &[live(&stages)]);
    let waits = "Production! waits since 11:30 for approvals by Ann and you and a check: Exclusive lock and an approval";
    assert_eq!(said[1..], ["run 2", "Staging to web-staging done 11:05", waits, "Audit Later"]);
    // Approved, and done, before the next collection.
    stages[1] = stage("Production", Some("2026-03-09 12:00"), None);
    assert_eq!(told(&world, &[live(&stages)])[3..], ["Production! done 12:00", "Audit Later"]);
    // A checkpoint that does not say what is open.
    stages[1] = stage("Production", None, Some(vec![]));
    assert_eq!(told(&world, &[live(&stages)])[3], "Production! waits since 11:30 for ");
}

#[test]
fn what_a_stage_did_in_an_earlier_attempt_stays_when_it_is_tried_again() {
    let mut world = merged();
    world.deploy(1, 2, "2026-03-09 11:10", WEB, 1).run_result = None;
    let again = Standing { stage: Stage { attempt: 2, ..stage("Production", None, None).stage }, gate: None };
    let live = Live::of_run(&run(1, 2, 1, "2026-03-09 10:50"), &[again], &[], &world.input.kinds, None);
    assert_eq!(told(&world, &[live])[1..], ["run 2", "Staging to web-staging done 11:00", "Production! done 11:10"]);
}

#[test]
fn a_stage_that_goes_to_two_places_waits_for_both() {
    let mut world = merged();
    world.input.kinds.retain(|kind| kind.stage != "Production");
    world.kind(1, "deploy web", "Production", Some("prod-eu"));
    world.kind(1, "deploy web", "Production", Some("prod-us"));
    let stages = [stage("Production", None, Some(vec![Check::Approval(Guid::new("a"))]))];
    let live = Live::of_run(&run(1, 2, 1, "2026-03-09 10:50"), &stages, &[approval("a", &["Ann"])], &world.input.kinds, None);
    let waits = "waits since 11:30 for an approval by Ann";
    let expected = [format!("Production to prod-eu! {waits}"), format!("Production to prod-us! {waits}")];
    assert_eq!(told(&world, &[live])[3..], expected);
}

#[test]
fn a_classic_release_waits_for_those_whom_its_environment_asks() {
    let mut world = World::new();
    world.kind(7, "Shop", "Production", Some("Production")).kind = DefinitionKind::Release;
    world.merge(WEB, 1, ["2026-03-09 08:00", "2026-03-09 09:00", "", "", "2026-03-09 10:00"]);
    let wait = |world: &mut World, release: i64, name: &str| {
        let row: &mut StageRun = world.stage(7, release, name, "2026-03-09 11:00", WEB, 1);
        (row.kind, row.environment, row.result) = (DefinitionKind::Release, Some(name.to_owned()), StageResult::Pending);
        (row.started_at, row.finished_at, row.run_result) = (None, None, None);
    };
    wait(&mut world, 45, "Production");
    wait(&mut world, 46, "Production");
    wait(&mut world, 46, "Elsewhere");
    assert_eq!(asked_about(&world, &[]), (None, vec![46, 46]), "the newest");
    let pending = [PendingRelease {
        environment: "Production".to_owned(),
        since: Some(t("2026-03-09 11:20")),
        approval: Approval { needed: Needed::NotTold, ..approval("5", &["Ann", "Bo"]) },
    }];
    let rows: Vec<StageRun> = world.input.stages.iter().filter(|row| row.run == 46).cloned().collect();
    let live = Live::of_release(&rows.iter().collect::<Vec<_>>(), &pending, None);
    let stops = departures::of(WEB, &commit(1), None, &world.input, &world.rules, &[live]);
    let of_46: Vec<_> = stops.iter().skip_while(|stop| !matches!(stop, Stop::Run { run: 46, .. })).skip(1).collect();
    let states: Vec<_> = of_46
        .iter()
        .map(|stop| match stop {
            Stop::Stage { stage, state: StageState::Waiting { on, .. }, .. } => {
                (stage.as_str(), on.iter().map(departures::WaitsFor::words).collect())
            }
            other => panic!("{other:?}"),
        })
        .collect();
    let names: Vec<String> = vec!["approval, asked of Ann and Bo".to_owned()];
    assert_eq!(states, [("Elsewhere", vec![]), ("Production", names)], "what waits for no approval waits as it is stored");
}
