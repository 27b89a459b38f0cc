//! What went on in a phase: CI of reviews and merge waits, approvals of deploy waits.

use jiff::{SignedDuration, Timestamp};

use super::world::*;
use crate::domain::id::Guid;
use crate::domain::pull_request::{PullRequestStatus, Vote};
use crate::domain::run::StageResult;
use crate::metrics::figures::{Metric, Phase, Value};
use crate::metrics::flow::{MOST_STRETCHES, of};
use crate::metrics::input::{Actor, Approval, Happening, History, Required, Validation, What};
use crate::metrics::overlay::{self, Known, Overlay, OverlayFigure, figure};
use crate::metrics::query::{Definition, Hours, Query, Rules};
use crate::metrics::stretch::Stretch;
use crate::metrics::waterfall::{self, OfWhich, Typical};
use crate::metrics::{blocker::Situation, frame::Frame, summarise};

fn at(time: &str) -> Timestamp {
    t(&format!("2026-03-09 {time}"))
}

fn stretch(from: &str, to: &str) -> Stretch {
    Stretch::new(at(from), at(to))
}

/// Created at 9, reviewed at 10, approved at 12, completed at 15.
fn history(runs: &[(&str, Option<&str>)]) -> History {
    let actor = |id: &str| Actor { id: Guid::new(id), name: id.to_owned(), unique_name: String::new(), is_group: false };
    let happened = |time: &str, what| Happening { at: at(time), by: Some(Guid::new("bob")), what };
    let validation = |(run, (from, to)): (i64, &(&str, Option<&str>))| Validation {
        run,
        queued_at: Some(at(from)),
        finished_at: to.map(at),
        goes_on: to.is_none(),
    };
    History {
        repository: WEB,
        number: 7,
        title: "Add a pier".to_owned(),
        status: PullRequestStatus::Completed,
        is_draft: false,
        author: actor("ann"),
        source_branch: "pier".to_owned(),
        target_branch: "main".to_owned(),
        created_at: at("09:00"),
        closed_at: Some(at("15:00")),
        merge_commit: None,
        source_commit: None,
        labels: Vec::new(),
        reviewers: vec![(actor("bob"), Vote::Approved, Required::Required)],
        happenings: Some(vec![happened("10:00", What::Comment { open: false }), happened("12:00", What::Vote { vote: Vote::Approved })]),
        actors: vec![actor("bob")],
        commits: Some(Vec::new()),
        items: Vec::new(),
        iterations: None,
        files: None,
        wanted: Vec::new(),
        validations: (1..).zip(runs).map(validation).collect(),
    }
}

fn validated(history: &History) -> Option<Vec<Stretch>> {
    of(history, &Rules::default()).validated
}

#[test]
fn runs_at_the_same_time_count_once() {
    let runs = [("12:00", Some("13:00")), ("12:30", Some("13:30")), ("13:30", Some("13:40")), ("14:00", Some("14:10"))];
    assert_eq!(validated(&history(&runs)), Some(vec![stretch("12:00", "13:40"), stretch("14:00", "14:10")]));
    let mut backwards = runs;
    backwards.reverse();
    assert_eq!(validated(&history(&backwards)), validated(&history(&runs)));
}

#[test]
fn what_ran_before_the_first_review_or_after_the_close_is_cut_off() {
    let all = history(&[("09:05", Some("09:40")), ("09:50", Some("10:20")), ("14:50", Some("15:30")), ("16:00", Some("16:30"))]);
    assert_eq!(validated(&all), Some(vec![stretch("10:00", "10:20"), stretch("14:50", "15:00")]));
    assert_eq!(validated(&history(&[("09:05", Some("09:40"))])), Some(Vec::new()), "it was checked, and nothing waited for it");
}

#[test]
fn a_pull_request_that_no_run_checked_has_no_value() {
    assert_eq!(validated(&history(&[])), None);
}

#[test]
fn a_run_that_goes_on_has_no_end_until_the_close() {
    let mut open = history(&[("12:30", None), ("13:00", Some("13:10"))]);
    assert_eq!(validated(&open), Some(vec![stretch("12:30", "15:00")]), "closed over it");
    (open.status, open.closed_at) = (PullRequestStatus::Active, None);
    assert_eq!(validated(&open), Some(vec![Stretch { from: at("12:30"), to: None }]));
}

#[test]
fn a_run_whose_times_contradict_each_other_tells_nothing() {
    assert_eq!(validated(&history(&[("13:00", Some("12:30"))])), None, "and not zero");
    assert_eq!(validated(&history(&[("13:00", Some("12:30")), ("14:00", Some("14:10"))])), Some(vec![stretch("14:00", "14:10")]));
    let mut without = history(&[("13:00", None)]);
    // Ended, nobody knows when.
    without.validations[0].goes_on = false;
    assert_eq!(validated(&without), None);
    without.validations[0] = Validation { run: 1, queued_at: None, finished_at: Some(at("13:00")), goes_on: false };
    assert_eq!(validated(&without), None);
}

#[test]
fn a_run_that_was_tried_again_runs_from_its_first_queueing_to_its_last_end() {
    let mut tried = history(&[("12:10", Some("12:30"))]);
    // Tried again: the service moves the end, and tells no other times.
    tried.validations[0].finished_at = None;
    tried.validations[0].goes_on = true;
    assert_eq!(validated(&tried), Some(vec![stretch("12:10", "15:00")]));
    tried.validations[0].finished_at = Some(at("14:00"));
    tried.validations[0].goes_on = false;
    assert_eq!(validated(&tried), Some(vec![stretch("12:10", "14:00")]));
}

/// USUAL of the cycle tests: reviewed at 10, approved at 12, completed at 15.
const USUAL: [&str; 5] = ["2026-03-09 08:00", "2026-03-09 09:00", "2026-03-09 10:00", "2026-03-09 12:00", "2026-03-09 15:00"];

fn seen(world: &mut World, number: i64, stretches: &[(&str, &str)]) {
    world.merge(WEB, number, USUAL).validated = Some(stretches.iter().map(|(from, to)| stretch(from, to)).collect());
}

fn ci(world: &World, phase: Phase) -> OverlayFigure {
    let query = world.query();
    let frame = Frame::of(&world.input, &query, world.now);
    figure(&frame, phase, query.window).unwrap()
}

fn few(minutes: &[f64]) -> Value {
    Value::Few { seconds: minutes.iter().map(|count| count * 60.0).collect() }
}

#[test]
fn ci_counts_in_the_phase_in_which_it_ran() {
    let mut world = World::new();
    // Half an hour of the first run lies in the review, an hour in the merge wait.
    seen(&mut world, 1, &[("11:30", "13:00"), ("14:40", "15:00")]);
    assert_eq!(ci(&world, Phase::Review).value, few(&[30.0]));
    assert_eq!(ci(&world, Phase::MergeWait).value, few(&[80.0]));
    let row = &world.rows(Metric::CycleTime)[0];
    assert_eq!(row.words, "reviewed, CI 1h 20m of 3h merge wait");
    let formula = world.tile(Metric::CycleTime).formula;
    assert!(formula.contains(&"of merge wait, CI 1h 20m: each of them, known of 1 of 1".to_owned()), "{formula:?}");
}

#[test]
fn what_is_not_known_is_not_zero() {
    let mut world = World::new();
    seen(&mut world, 1, &[("09:10", "09:20")]);
    seen(&mut world, 2, &[("12:10", "12:20")]);
    world.merge(WEB, 3, USUAL);
    let known = ci(&world, Phase::MergeWait);
    assert_eq!((known.value, known.known, known.of), (few(&[0.0, 10.0]), 2, 3), "of the third nobody knows");
    world.input.flows.retain(|flow| flow.number == 3);
    let none = ci(&world, Phase::MergeWait);
    assert_eq!((none.known, none.of), (0, 1));
    assert_eq!(none.value, Value::NotMeasured { why: "no run that checks a merge was seen".to_owned() });
    let said = world.tile(Metric::CycleTime).formula.join("\n");
    assert!(said.contains("of merge wait, CI is not known: no run that checks a merge was seen"), "{said}");
}

#[test]
fn a_phase_that_began_before_runs_were_collected_is_not_known() {
    let mut world = World::new();
    seen(&mut world, 1, &[("12:10", "12:20")]);
    world.input.projects[0].collection = collected("2026-03-09 11:00", "2026-04-02 00:00");
    assert_eq!((ci(&world, Phase::Review).known, ci(&world, Phase::MergeWait).known), (0, 1));
}

#[test]
fn where_more_stretches_were_seen_than_are_kept_what_began_before_them_is_not_known() {
    let mut runs = Vec::new();
    for nth in 0..MOST_STRETCHES + 3 {
        let queued = at("11:00") + SignedDuration::from_mins(8 * nth as i64);
        runs.push(Validation {
            run: nth as i64,
            queued_at: Some(queued),
            finished_at: Some(queued + SignedDuration::from_mins(2)),
            goes_on: false,
        });
    }
    let kept = validated(&History { validations: runs, ..history(&[]) }).unwrap();
    assert_eq!((kept.len(), kept[0]), (MOST_STRETCHES, stretch("11:24", "11:26")), "the newest");
    let mut world = World::new();
    world.merge(WEB, 1, USUAL).validated = Some(kept);
    assert_eq!((ci(&world, Phase::Review).known, ci(&world, Phase::MergeWait).known), (0, 1));
}

#[test]
fn working_hours_leave_weekends_out_of_what_went_on_too() {
    let mut world = World::new();
    // Friday 13 March 16:00 to Monday 11:00, checked from Saturday to Monday 10:00.
    let flow = world.merge(WEB, 1, ["2026-03-13 14:00", "2026-03-13 14:00", "2026-03-13 15:00", "2026-03-13 16:00", "2026-03-16 11:00"]);
    flow.validated = Some(vec![Stretch::new(t("2026-03-14 10:00"), t("2026-03-16 10:00"))]);
    assert_eq!(ci(&world, Phase::MergeWait).value, few(&[48.0 * 60.0]));
    let query = Query { hours: Hours::Working, ..world.query() };
    let figures = summarise(&world.input, &query, world.now);
    let merge_wait = figures.phases.iter().find(|figure| figure.phase == Phase::MergeWait).unwrap();
    assert_eq!(merge_wait.overlay.as_ref().unwrap().value, few(&[600.0]), "Monday from midnight to ten");
}

#[test]
fn the_other_definitions_know_nothing_of_what_goes_on_in_a_phase() {
    let mut world = World::new();
    seen(&mut world, 1, &[("12:10", "12:20")]);
    for definition in [Definition::DevLake, Definition::FourKeys] {
        let figures = summarise(&world.input, &Query { definition, ..world.query() }, world.now);
        assert!(figures.phases.iter().all(|figure| figure.overlay.is_none()), "{definition:?}");
        assert!(figures.tiles.iter().all(|tile| !tile.formula.iter().any(|line| line.contains("CI"))), "{definition:?}");
    }
}

/// Pull request 1 completed at 15:00 on the 9th, deployed at 20:00 by run 2.
fn deployed(approval: Option<Approval>) -> World {
    let mut world = World::with_web();
    world.merge(WEB, 1, USUAL);
    world.deploy(1, 2, "2026-03-09 20:00", WEB, 1).approval = approval;
    world
}

fn waited(from: &str, to: &str) -> Option<Approval> {
    Some(Approval::Waited { from: at(from), to: at(to) })
}

#[test]
fn the_approval_of_the_production_stage_is_told_of_the_deploy_wait() {
    let world = deployed(waited("16:00", "19:00"));
    let wait = ci(&world, Phase::DeployWait);
    assert_eq!((wait.overlay, wait.value, wait.known, wait.of), (Overlay::Approval, few(&[180.0]), 1, 1));
    let row = &world.rows(Metric::LeadTime)[0];
    assert!(row.words.ends_with("approval 3h of 5h deploy wait"), "{}", row.words);
    let formula = world.tile(Metric::LeadTime).formula;
    assert!(formula.contains(&"of deploy wait, approval 3h: each of them, known of 1 of 1".to_owned()), "{formula:?}");
    // What was asked for before the merge lies outside: another change waited then.
    assert_eq!(ci(&deployed(waited("14:00", "16:00")), Phase::DeployWait).value, few(&[60.0]));
}

#[test]
fn a_timeline_without_approvals_is_zero_and_one_that_was_not_read_is_not_known() {
    assert_eq!(ci(&deployed(Some(Approval::NotAsked)), Phase::DeployWait).value, few(&[0.0]));
    let unread = ci(&deployed(None), Phase::DeployWait);
    assert_eq!((unread.known, unread.of), (0, 1));
    assert_eq!(unread.value, Value::NotMeasured { why: "no timeline of these deployments was read".to_owned() });
}

#[test]
fn approvals_of_several_regions_are_counted_once_and_all_have_to_be_known() {
    let mut world = World::new();
    world.kind(1, "deploy web", "ProdEU", None);
    world.kind(1, "deploy web", "ProdUS", None);
    world.push(WEB, 0, "2026-02-20 09:00");
    world.stage(1, 1, "ProdEU", "2026-02-25 09:00", WEB, 0);
    world.merge(WEB, 1, USUAL);
    world.stage(1, 2, "ProdEU", "2026-03-09 18:00", WEB, 1).approval = waited("16:00", "17:30");
    world.stage(1, 2, "ProdUS", "2026-03-09 20:00", WEB, 1).approval = waited("17:00", "19:00");
    assert_eq!(ci(&world, Phase::DeployWait).value, few(&[180.0]));
    world.input.stages.last_mut().unwrap().approval = None;
    assert_eq!(ci(&world, Phase::DeployWait).known, 0);
    // A region that still waits is not what deployed.
    let last = world.input.stages.last_mut().unwrap();
    (last.result, last.finished_at, last.started_at) = (StageResult::Pending, None, None);
    for row in &mut world.input.stages {
        (row.run_result, row.run_finished_at) = (None, None);
    }
    assert_eq!(ci(&world, Phase::DeployWait).value, few(&[90.0]));
}

#[test]
fn a_deployment_that_was_tried_again_waited_for_the_approvals_of_all_its_attempts() {
    let mut world = deployed(waited("16:00", "16:30"));
    let first = world.input.stages.last_mut().unwrap();
    (first.result, first.finished_at) = (StageResult::Failed, Some(at("17:00")));
    let again = world.deploy(1, 2, "2026-03-09 20:00", WEB, 1);
    (again.attempt, again.approval) = (2, waited("18:00", "19:00"));
    assert_eq!(ci(&world, Phase::DeployWait).value, few(&[90.0]));
    // The first attempt is not known any more: nor is what it waited for.
    world.input.stages.retain(|row| row.run != 2 || row.attempt == 2);
    assert_eq!(ci(&world, Phase::DeployWait).known, 0);
}

#[test]
fn runs_that_are_production_as_wholes_have_no_approvals_to_tell_of() {
    let mut world = World::new();
    world.kind(1, "production web", "", None);
    world.push(WEB, 0, "2026-02-20 09:00");
    let run = |number, time: &str, commit_of| crate::metrics::input::Run {
        project: HARBOUR,
        definition: 1,
        number,
        result: Some(crate::domain::run::RunResult::Succeeded),
        started_at: Some(t(time)),
        finished_at: Some(t(time)),
        sha: Some(commit(commit_of)),
        branch: Some("main".to_owned()),
        repository: Some(WEB),
        tags: Vec::new(),
    };
    world.input.runs.push(run(1, "2026-02-25 09:00", 0));
    world.merge(WEB, 1, USUAL);
    world.input.runs.push(run(2, "2026-03-09 20:00", 1));
    let wait = ci(&world, Phase::DeployWait);
    assert_eq!((wait.known, wait.of), (0, 1));
}

#[test]
fn of_a_pull_request_it_is_told_up_to_now() {
    let mut open = history(&[("11:00", Some("11:20")), ("12:30", None)]);
    (open.status, open.closed_at) = (PullRequestStatus::Active, None);
    let now = at("14:00");
    let rules = Rules::default();
    let told = |known: &Known| {
        let mut waterfall = waterfall::of(&open, &Situation::default(), &rules, &Typical::default(), None, now);
        overlay::lay(&mut waterfall, &of(&open, &rules), known, now);
        waterfall.parts.iter().map(|part| (part.phase.unwrap(), part.of_which)).collect::<Vec<_>>()
    };
    let ci = |minutes: f64| Some(OfWhich { overlay: Overlay::Ci, seconds: minutes * 60.0 });
    let known = Known { runs_from: Some(at("09:00")), approvals: None };
    assert_eq!(told(&known), [(Phase::Pickup, None), (Phase::Review, ci(20.0)), (Phase::MergeWait, ci(90.0))]);
    assert!(told(&Known::default()).iter().all(|(_, inside)| inside.is_none()), "nobody collected runs");
}

#[test]
fn of_a_merged_one_the_approval_is_told_before_it_arrived() {
    let merged = history(&[]);
    let rules = Rules::default();
    let told = |approvals| {
        let arrived = Some(at("20:00"));
        let mut waterfall = waterfall::of(&merged, &Situation::default(), &rules, &Typical::default(), arrived, at("21:00"));
        overlay::lay(&mut waterfall, &of(&merged, &rules), &Known { runs_from: None, approvals }, at("21:00"));
        waterfall.parts.last().unwrap().of_which
    };
    let hours_of = |count: f64| Some(OfWhich { overlay: Overlay::Approval, seconds: hours(count) });
    assert_eq!(told(Some(vec![stretch("14:00", "16:00"), stretch("18:00", "19:00")])), hours_of(2.0));
    assert_eq!((told(Some(Vec::new())), told(None)), (hours_of(0.0), None));
    // The stage with which it arrived, by its stops.
    let mut world = deployed(waited("16:00", "19:00"));
    world.input.stages.last_mut().unwrap().environment = None;
    let stops = crate::metrics::departures::of(WEB, &commit(1), Some(at("15:00")), &world.input, &rules, &[]);
    assert_eq!(overlay::before_arrival(&stops, &world.input), Some(vec![stretch("16:00", "19:00")]));
}
