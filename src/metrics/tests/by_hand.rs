//! Two services, 33 pull requests, 24 deployments and three incidents of March 2026, with every answer worked out by hand.
//!
//! The window is Monday 2 March 00:00 to Monday 30 March 00:00 UTC (28 days, four whole weeks), asked on 2 April 00:00. Times are day of
//! March and hour unless said otherwise. Arithmetic stands beside the rows; answers in the tests are sums of it.

use super::world::*;
use crate::domain::id::ObjectId;
use crate::domain::pull_request::PullRequestStatus;
use crate::domain::run::{RunResult, StageResult};
use crate::metrics::figures::{Coverage, Metric, Phase, Reason, Subject, Trend, Value};
use crate::metrics::input::{Approval, Nature, Segment};
use crate::metrics::query::Definition;
use crate::metrics::stretch::Stretch;

/// `2 09:30` is 2 March; a month in front overrides it.
fn m(text: &str) -> String {
    if text.is_empty() || text.len() > 10 {
        return text.to_owned();
    }
    let (day, time) = text.split_once(' ').unwrap();
    format!("2026-03-{day:0>2} {time}")
}

fn harbour() -> World {
    let mut w = World::new();
    w.kind(1, "deploy web", "Production", None);
    w.kind(2, "deploy api", "ProdEU", None);
    w.kind(2, "deploy api", "ProdUS", None);
    w.push(WEB, 900, "2026-02-20 09:00").old = ObjectId::zero();
    w.push(API, 950, "2026-02-20 09:00").old = ObjectId::zero();
    web(&mut w);
    api(&mut w);
    w
}

fn web(w: &mut World) {
    let merge = |w: &mut World, number: i64, times: [&str; 5]| {
        let times: Vec<String> = times.iter().map(|time| m(time)).collect();
        w.merge(WEB, number, [&times[0], &times[1], &times[2], &times[3], &times[4]]);
    };
    let deploy = |w: &mut World, run: i64, at: &str, number: i64| {
        w.deploy(1, run, &m(at), WEB, number);
    };
    // D1, the seed, before the window.
    w.deploy(1, 1, "2026-02-25 09:00", WEB, 900);
    // number, [first commit, created, first review, approved, completed]: cycle = completed - ready; LT = deployed - first commit.
    merge(w, 1, ["2 08:00", "2 09:00", "2 10:00", "2 11:00", "2 12:00"]); // cycle 3 h, pickup 1, review 1, merge wait 1
    merge(w, 2, ["2 06:00", "2 10:00", "2 14:00", "2 15:00", "2 16:00"]); // cycle 6 h, pickup 4, review 1, merge wait 1
    deploy(w, 2, "2 18:00", 2); // brings 1: 08 to 18 = 10 h; 2: 06 to 18 = 12 h
    merge(w, 4, ["3 08:00", "3 09:00", "", "", "3 10:00"]); // cycle 1 h, no review
    // Created as a draft on 2 14:00, published 3 09:00: draft 19 h, cycle 5 h, pickup 2, review 2, merge wait 1.
    merge(w, 3, ["2 12:00", "2 14:00", "3 11:00", "3 13:00", "3 14:00"]);
    w.input.flows.last_mut().unwrap().ready_at = Some(t("2026-03-03 09:00"));
    deploy(w, 3, "3 15:00", 3); // brings 4: 3 08 to 3 15 = 7 h; 3: 2 12 to 3 15 = 27 h
    merge(w, 5, ["3 15:30", "3 16:00", "", "", "3 16:30"]); // a bot's
    w.input.flows.last_mut().unwrap().segment = Segment::Bot;
    // First commit 123 days before: starts at creation. Cycle 2 h, pickup 1, review 0.5, merge wait 0.5.
    merge(w, 6, ["2025-11-01 09:00", "4 09:00", "4 10:00", "4 10:30", "4 11:00"]);
    deploy(w, 4, "4 12:00", 6); // brings 5 (bot) and 6: 09 to 12 = 3 h
    merge(w, 7, ["4 14:00", "4 13:00", "4 15:00", "4 16:00", "4 17:00"]); // first commit after creation; cycle 4, pickup 2, review 1, wait 1
    deploy(w, 5, "4 18:00", 7); // brings 7: 13 to 18 = 5 h
    deploy(w, 6, "4 20:00", 7); // the same commit again
    merge(w, 8, ["5 08:00", "5 09:00", "5 09:30", "5 10:00", "5 10:30"]); // cycle 1.5 h, pickup 0.5, review 0.5, wait 0.5
    deploy(w, 7, "5 11:00", 8); // brings 8: 3 h; fails
    w.incident(9001, "Harbour", "2026-03-05 13:00").pull_requests = vec![(WEB, 8)];
    w.input.incidents[0].resolved_at = Some(t("2026-03-05 19:00"));
    merge(w, 9, ["5 14:00", "5 14:30", "5 15:00", "5 15:30", "5 16:00"]); // hotfix; cycle 1.5 h, pickup 0.5, review 0.5, wait 0.5
    w.input.flows.last_mut().unwrap().nature = Nature::Hotfix;
    deploy(w, 8, "5 17:00", 9); // brings 9: 3 h; unplanned; 6 h after run 7: repairs it
    w.push(WEB, 901, "2026-03-06 08:30").authored_at = Some(t("2026-03-06 08:00")); // a direct push
    merge(w, 10, ["5 18:00", "6 09:00", "6 12:00", "6 12:30", "6 13:00"]); // cycle 4 h, pickup 3, review 0.5, wait 0.5
    deploy(w, 9, "6 14:00", 10); // brings the push: 08 to 14 = 6 h; 10: 5 18 to 6 14 = 20 h; rolled back
    merge(w, 11, ["6 14:30", "6 15:00", "6 15:10", "6 15:20", "6 15:30"]); // reverts 10
    w.input.flows.last_mut().unwrap().nature = Nature::Revert;
    deploy(w, 10, "6 16:00", 9); // back to 9: rollback, 2 h after run 9
    deploy(w, 11, "9 09:00", 11); // brings 11: 6 14:30 to 9 09:00 = 66.5 h; unplanned; 65 h after run 10: repairs nothing
    w.flow(WEB, 12, "2026-03-09 10:00").status = PullRequestStatus::Abandoned;
    w.input.flows.last_mut().unwrap().closed_at = Some(t("2026-03-10 10:00"));
    // Made a draft again, published 10 10:00: draft 25 h, cycle 4 h, pickup 2, review 1, wait 1.
    merge(w, 13, ["9 08:00", "9 09:00", "10 12:00", "10 13:00", "10 14:00"]);
    w.input.flows.last_mut().unwrap().ready_at = Some(t("2026-03-10 10:00"));
    deploy(w, 12, "10 16:00", 13);
    w.input.stages.last_mut().unwrap().result = StageResult::Failed;
    w.input.stages.last_mut().unwrap().run_result = Some(RunResult::Failed);
    deploy(w, 13, "10 18:00", 13); // a retry; brings 13: 9 08 to 10 18 = 34 h
    w.input.stages.last_mut().unwrap().attempt = 2;
    deploy(w, 14, "11 09:00", 13);
    w.input.stages.last_mut().unwrap().result = StageResult::Skipped;
    deploy(w, 15, "12 09:00", 13);
    w.input.stages.last_mut().unwrap().result = StageResult::Canceled;
    w.input.stages.last_mut().unwrap().run_result = Some(RunResult::Canceled);
    // Friday 16:00 to Monday 11:00: cycle 67 h, pickup 65, review 1, wait 1. Without the weekend 8 + 11 = 19 h.
    merge(w, 14, ["13 14:00", "13 16:00", "16 09:00", "16 10:00", "16 11:00"]);
    deploy(w, 16, "16 12:00", 14); // a smoke stage failed afterwards; brings 14: 13 14 to 16 12 = 70 h
    w.input.stages.last_mut().unwrap().run_result = Some(RunResult::Failed);
    merge(w, 15, ["17 07:00", "17 09:00", "", "", "17 08:00"]); // completed before it was created: invalid
    // Merged to a release branch: cycle 2 h, pickup 0.5, review 0.5, wait 1.
    merge(w, 16, ["18 08:00", "18 09:00", "18 09:30", "18 10:00", "18 11:00"]);
    w.input.flows.last_mut().unwrap().target_branch = "release/1".to_owned();
    w.input.tips.pop();
    merge(w, 17, ["18 11:00", "18 12:00", "", "", "18 20:00"]); // cycle 8 h; a vote without a date
    w.input.flows.last_mut().unwrap().undated_vote = true;
    merge(w, 18, ["19 08:00", "19 09:00", "19 10:00", "19 11:00", "19 12:00"]); // commits not read; cycle 3 h, pickup 1, review 1, wait 1
    w.input.flows.last_mut().unwrap().first_commit_at = None;
    w.input.flows.last_mut().unwrap().has_detail = false;
    deploy(w, 17, "19 13:00", 18); // brings 15 (invalid), 17: 18 11 to 19 13 = 26 h, and 18 (not read)
    // Opened before the window: cycle 28 d = 672 h, pickup 72, review 24 d = 576, wait 24.
    merge(w, 20, ["2026-02-19 09:00", "2026-02-20 09:00", "2026-02-23 09:00", "19 09:00", "20 09:00"]);
    deploy(w, 18, "23 09:00", 20); // brings 20: 19 February to 23 March = 32 d = 768 h
    merge(w, 19, ["27 08:00", "27 09:00", "27 10:00", "", "27 12:00"]); // not deployed; cycle 3 h, pickup 1, no approval
}

fn api(w: &mut World) {
    let merge = |w: &mut World, number: i64, times: [&str; 5]| {
        let times: Vec<String> = times.iter().map(|time| m(time)).collect();
        w.merge(API, number, [&times[0], &times[1], &times[2], &times[3], &times[4]]);
    };
    let both = |w: &mut World, run: i64, eu: &str, us: &str, number: i64| {
        w.stage(2, run, "ProdEU", &m(eu), API, number).run_finished_at = Some(t(&m(us)));
        w.stage(2, run, "ProdUS", &m(us), API, number);
    };
    merge(w, 101, ["2 08:00", "2 09:00", "2 11:00", "2 12:00", "2 13:00"]); // cycle 4, pickup 2, review 1, wait 1; before the seed
    merge(w, 102, ["2 15:00", "2 16:00", "2 17:00", "3 07:00", "3 08:00"]); // cycle 16, pickup 1, review 14, wait 1
    both(w, 19, "3 08:30", "3 09:00", 102); // the seed, exactly 102: 2 15 to 3 09 = 18 h
    merge(w, 103, ["3 10:00", "3 11:00", "3 12:00", "3 12:30", "3 13:00"]); // cycle 2, pickup 1, review 0.5, wait 0.5
    both(w, 20, "4 09:00", "4 09:10", 103);
    w.input.stages.last_mut().unwrap().result = StageResult::Failed;
    for stage in w.input.stages.iter_mut().rev().take(2) {
        stage.run_result = Some(RunResult::Failed);
    }
    both(w, 21, "4 10:00", "4 10:20", 103); // brings 103: 3 10:00 to 4 10:20 = 24 h 20
    merge(w, 104, ["5 08:00", "5 09:00", "5 09:20", "5 09:40", "5 10:00"]); // cycle 1, a third each
    merge(w, 105, ["5 10:00", "5 10:00", "6 10:00", "6 11:00", "6 12:00"]); // cycle 26, pickup 24, review 1, wait 1
    both(w, 22, "6 15:00", "6 15:00", 105); // brings 104: 5 08 to 6 15 = 31 h; 105: 5 10 to 6 15 = 29 h
    w.input.stages.last_mut().unwrap().result = StageResult::Skipped;
    w.incident(9002, "Harbour\\api", "2026-03-08 15:00"); // 48 h after run 22, linked to nothing
    merge(w, 106, ["9 12:00", "9 13:00", "9 14:00", "9 15:00", "9 16:00"]); // cycle 3, pickup 1, review 1, wait 1
    both(w, 23, "10 08:50", "10 09:00", 106); // brings 106: 9 12 to 10 09 = 21 h; 90 h after run 22
    merge(w, 107, ["11 09:00", "11 10:00", "", "", "11 11:00"]); // cycle 1, no review by a person
    merge(w, 108, ["11 12:00", "11 13:00", "11 15:00", "11 17:00", "11 18:00"]); // cycle 5, pickup 2, review 2, wait 1
    both(w, 24, "12 08:50", "12 09:00", 108); // brings 107: 24 h; 108: 21 h
    w.incident(9003, "Harbour", "2026-03-12 10:00").builds = vec![24]; // open: 12 09:00 to 2 April 00:00 = 20 d 15 h = 495 h
    w.flow(API, 109, "2026-03-20 09:00");
    w.flow(API, 110, "2026-03-21 09:00").ready_at = None;
    w.flow(API, 112, "2026-03-21 09:00").segment = Segment::Bot;
    merge(w, 111, ["28 08:00", "28 09:00", "28 09:30", "28 10:00", "28 10:30"]); // not deployed; cycle 1.5, pickup 0.5, review 0.5, wait 0.5
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() < 1.0
}

fn median(value: &Value) -> f64 {
    match value {
        Value::Times { median, .. } => *median,
        other => panic!("no times: {other:?}"),
    }
}

#[test]
fn the_deployment_frequency_is_19_in_28_days() {
    let tile = harbour().tile(Metric::DeploymentFrequency);
    // web: runs 2 to 11, 13, 16, 17, 18 = 14; api: 19, 21, 22, 23, 24 = 5.
    // Days by week: {2,3,4,5,6} = 5; {9,10,12} = 3; {16,19} = 2; {23} = 1; the median of 1, 2, 3, 5 = 2.5.
    assert_eq!(tile.value, Value::Frequency { count: 19, days: 28.0, per_day: 19.0 / 28.0, deploy_days_per_week: Some(2.5) });
    // Runs 12 and 20 failed, 14 was skipped, 15 cancelled.
    assert_eq!(tile.excluded, excluded(&[(Reason::FailedAttempt, 2), (Reason::Skipped, 1), (Reason::Canceled, 1)]));
    for note in [
        "1 of the same commit again",
        "1 back to an older commit",
        "5 to several environments",
        "1 after a retry",
        "1 in a run that failed",
    ] {
        assert!(tile.notes.iter().any(|line| line.starts_with(note)), "{note}: {:?}", tile.notes);
    }
    let weeks: Vec<u64> = tile.weeks.iter().map(|week| week.n).collect();
    // 2 to 8 March: web 2 to 10 = 9, api 19, 21, 22 = 3; then 11, 13, 23, 24; 16, 17; 18.
    assert_eq!(weeks, [12, 4, 2, 1]);
}

#[test]
fn the_lead_time_of_22_changes_has_a_median_of_21_hours() {
    let world = harbour();
    let tile = world.tile(Metric::LeadTime);
    // 3, 3, 3, 5, 6, 7, 10, 12, 18, 20, 21, 21, 24, 24.33, 26, 27, 29, 31, 34, 66.5, 70, 768: the 11th and 12th are 21.
    // p85 at 0.85 * 21 = 17.85: 31 + 0.85 * (34 - 31) = 33.55.
    match tile.value {
        Value::Times { median, low, high, p85, p95 } => {
            assert!(close(median, hours(21.0)) && close(low, hours(3.0)) && close(high, hours(768.0)), "{median} {low} {high}");
            assert!(close(p85.unwrap(), hours(33.55)) && p95.is_none());
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(tile.n, 22);
    let why = [
        (Reason::Bot, 1),
        (Reason::NotRead, 1),
        (Reason::Invalid, 1),
        (Reason::NotDeployed, 2),
        (Reason::Seed, 1),
        (Reason::OtherBranch, 1),
    ];
    assert_eq!(tile.excluded, excluded(&why));
    // Merged by people in the window: 18 in web, 9 in api; not deployed are 16, 19, 101, 111.
    assert_eq!(tile.coverage, Some(Coverage { k: 23, n: 27, of: "merged pull requests deployed".to_owned() }));
    let rows = world.rows(Metric::LeadTime);
    assert_eq!(numbers(&rows, Some(Reason::NotDeployed)), [19, 111]);
    assert_eq!(numbers(&rows, Some(Reason::Seed)), [101]);
    assert_eq!(numbers(&rows, Some(Reason::Invalid)), [15]);
}

#[test]
fn every_lead_time_is_the_one_worked_out() {
    let rows = harbour().rows(Metric::LeadTime);
    let expected = [
        (1, 10.0),
        (2, 12.0),
        (3, 27.0),
        (4, 7.0),
        (6, 3.0),
        (7, 5.0),
        (8, 3.0),
        (9, 3.0),
        (10, 20.0),
        (11, 66.5),
        (13, 34.0),
        (14, 70.0),
        (17, 26.0),
        (20, 768.0),
        (102, 18.0),
        (103, 24.0 + 1.0 / 3.0),
        (104, 31.0),
        (105, 29.0),
        (106, 21.0),
        (107, 24.0),
        (108, 21.0),
    ];
    for (number, lead_time) in expected {
        let row = rows.iter().find(|row| matches!(row.subject, Subject::PullRequest { number: n, .. } if n == number)).unwrap();
        assert!(row.seconds.is_some_and(|seconds| close(seconds, hours(lead_time))), "{number}: {row:?}");
    }
    let pushed = rows.iter().find(|row| matches!(row.subject, Subject::Commit { .. })).unwrap();
    assert_eq!(
        (pushed.seconds, pushed.words.as_str()),
        (Some(hours(6.0)), "pushed without a pull request, deployed by run 9 of deploy web")
    );
}

#[test]
fn the_cycle_time_of_25_pull_requests_has_a_median_of_3_hours() {
    let world = harbour();
    let tile = world.tile(Metric::CycleTime);
    // 1 x3 (4, 104, 107), 1.5 x3 (8, 9, 111), 2 x3 (6, 16, 103), 3 x4 (1, 18, 19, 106), 4 x4 (7, 10, 13, 101), 5 x2 (3, 108),
    // 6, 8, 16, 26, 67, 672: the 13th of 25 is 3. p85 at 0.85 * 24 = 20.4: 8 + 0.4 * (16 - 8) = 11.2.
    match tile.value {
        Value::Times { median, p85, .. } => assert!(close(median, hours(3.0)) && close(p85.unwrap(), hours(11.2)), "{median} {p85:?}"),
        other => panic!("{other:?}"),
    }
    assert_eq!(tile.n, 25);
    assert_eq!(tile.excluded, excluded(&[(Reason::Bot, 1), (Reason::Revert, 1), (Reason::Abandoned, 1), (Reason::Invalid, 1)]));
    let row = world.rows(Metric::CycleTime).into_iter().find(|row| matches!(row.subject, Subject::PullRequest { number: 20, .. })).unwrap();
    assert_eq!(row.seconds, Some(hours(672.0)));
}

#[test]
fn phases_have_the_medians_worked_out() {
    let figures = harbour().figures();
    let phase = |phase: Phase| figures.phases.iter().find(|figure| figure.phase == phase).unwrap();
    // Pickup of 22: 0.33, 0.5 x4, 1 x7, 2 x5, 3, 4, 24, 65, 72: the 11th and 12th are 1. No review: 4, 15, 107; undated: 17.
    let pickup = phase(Phase::Pickup);
    assert_eq!((pickup.n, median(&pickup.value)), (22, hours(1.0)));
    let common = [(Reason::Bot, 1), (Reason::Revert, 1), (Reason::Abandoned, 1), (Reason::NoReview, 3), (Reason::UndatedVote, 1)];
    assert_eq!(pickup.excluded, excluded(&common));
    // Review of 21: 0.33, 0.5 x7, 1 x9, 2 x2, 14, 576: the 11th is 1. 19 has no approval.
    let review = phase(Phase::Review);
    assert_eq!((review.n, median(&review.value)), (21, hours(1.0)));
    assert_eq!(review.excluded, excluded(&[&common[..], &[(Reason::NoApproval, 1)]].concat()));
    // Merge wait of 21: 0.33, 0.5 x6, 1 x13, 24: the 11th is 1.
    let merge_wait = phase(Phase::MergeWait);
    assert_eq!((merge_wait.n, median(&merge_wait.value)), (21, hours(1.0)));
    // Two were drafts: 3 for 19 hours, 13 for 25.
    assert_eq!(phase(Phase::Draft).value, Value::Few { seconds: vec![hours(19.0), hours(25.0)] });
}

/// The same month, with runs that checked merges and approvals of production stages.
fn with_overlays() -> World {
    let mut w = harbour();
    let checked = [
        (1, vec![("2 11:15", "2 11:45")]),                         // merge wait 11 to 12: 30 m
        (2, vec![("2 14:00", "2 14:15"), ("2 15:50", "2 16:00")]), // review 14 to 15: 15 m; merge wait 15 to 16: 10 m
        (3, vec![("3 12:50", "3 13:40")]),                         // review 11 to 13: 10 m; merge wait 13 to 14: 40 m
        (5, vec![("3 16:00", "3 16:30")]),                         // a bot's
        (6, vec![]),                                               // checked before its first review only
        (8, vec![("5 10:00", "5 10:30")]),                         // all of its merge wait
        (15, vec![("17 07:30", "17 08:00")]),                      // completed before it was created
    ];
    for (number, stretches) in checked {
        let flow = w.input.flows.iter_mut().find(|flow| flow.number == number).unwrap();
        let stretch = |(from, to): &(&str, &str)| Stretch::new(t(&m(from)), t(&m(to)));
        flow.validated = Some(stretches.iter().map(stretch).collect());
    }
    let waited = |from: &str, to: &str| Approval::Waited { from: t(&m(from)), to: t(&m(to)) };
    let approvals = [
        (2, "Production", waited("2 14:00", "2 17:00")),    // 1 from 12: 3 h; 2 from 16: 1 h
        (3, "Production", Approval::NotAsked),              // 4 and 3: nothing
        (13, "Production", waited("10 16:30", "10 17:00")), // what its first attempt waited for is not known
        (21, "ProdEU", waited("4 09:30", "4 09:50")),       // 103 from 3 13:00: 20 m
        (21, "ProdUS", Approval::NotAsked),
        (22, "ProdEU", Approval::NotAsked), // 104 and 105: nothing; ProdUS was skipped
        (23, "ProdEU", Approval::NotAsked), // of ProdUS nobody read it
    ];
    for (run, stage, approval) in approvals {
        w.input.stages.iter_mut().find(|row| row.run == run && row.stage == stage).unwrap().approval = Some(approval);
    }
    w
}

#[test]
fn ci_and_approvals_are_what_was_worked_out() {
    let world = with_overlays();
    let figures = world.figures();
    let overlay = |phase: Phase| figures.phases.iter().find(|figure| figure.phase == phase).unwrap().overlay.clone().unwrap();
    // Of 21 merge waits five: 0, 10, 30, 30, 40 m.
    let merge_wait = overlay(Phase::MergeWait);
    assert_eq!((median(&merge_wait.value), merge_wait.known, merge_wait.of), (hours(0.5), 5, 21));
    // Of 21 reviews five: 0, 0, 0, 10, 15 m.
    let review = overlay(Phase::Review);
    assert_eq!((median(&review.value), review.known, review.of), (0.0, 5, 21));
    assert!(matches!(review.value, Value::Times { high, .. } if high == hours(0.25)), "{:?}", review.value);
    // Of deploy waits seven: 0 x4 (3, 4, 104, 105), 20 m, 1 h, 3 h: the 4th is 0.
    let deploy_wait = overlay(Phase::DeployWait);
    assert_eq!((median(&deploy_wait.value), deploy_wait.known), (0.0, 7));
    assert!(matches!(deploy_wait.value, Value::Times { high, .. } if high == hours(3.0)), "{:?}", deploy_wait.value);
    let of_phase = figures.phases.iter().find(|figure| figure.phase == Phase::DeployWait).unwrap();
    assert_eq!(deploy_wait.of, of_phase.n);
    // Every other figure is what it was.
    let without = harbour().figures();
    for (with, without) in figures.phases.iter().zip(&without.phases) {
        assert_eq!((&with.value, with.n, &with.excluded), (&without.value, without.n, &without.excluded), "{:?}", with.phase);
    }
    assert!(figures.tiles.iter().zip(&without.tiles).all(|(with, without)| with.value == without.value && with.notes == without.notes));
}

#[test]
fn four_of_nineteen_deployments_failed() {
    let world = harbour();
    let tile = world.tile(Metric::ChangeFailRate);
    // 7 (incident by its pull request, and a hotfix 6 h later), 9 (rolled back), 22 (incident by area and time), 24 (by build).
    // Wilson: (4/19 + 3.8415/38 -+ 1.96 * sqrt(4/19 * 15/19 / 19 + 3.8415 / 4 / 361)) / (1 + 3.8415/19) = 0.0851 to 0.4333.
    match tile.value {
        Value::Rate { k: 4, n: 19, low, high } => assert!((low - 0.0851).abs() < 5e-4 && (high - 0.4333).abs() < 5e-4, "{low} {high}"),
        other => panic!("{other:?}"),
    }
    assert_eq!(tile.band, None);
    let rows = world.rows(Metric::ChangeFailRate);
    let words =
        |run: i64| rows.iter().find(|row| matches!(row.subject, Subject::Deployment { run: r, .. } if r == run)).unwrap().words.clone();
    assert!(words(7).contains("failed: hotfix by run 8 of deploy web, incident 9001"), "{}", words(7));
    assert!(words(9).contains("failed: rolled back by run 10 of deploy web"), "{}", words(9));
    assert!(words(22).contains("failed: incident 9002") && words(24).contains("failed: incident 9003"));
    assert!(!words(10).contains("failed"));
}

#[test]
fn recovery_took_2_6_and_90_hours_and_one_goes_on() {
    let tile = harbour().tile(Metric::RecoveryTime);
    // 7: run 8 at 17:00 before the incident's end at 19:00: 6 h. 9: run 10: 2 h. 22: run 23: 6 15 to 10 09 = 90 h. 24: open for 495 h.
    // Fewer than five: the median of 2, 6, 90, 495 is 48, and the open one may grow.
    assert_eq!((tile.value, tile.n), (Value::AtLeast { seconds: hours(48.0), open: 1 }, 4));
    // From detection: 9001 13:00 to 17:00 = 4 h; 9002 8 15:00 to 10 09:00 = 42 h.
    assert!(tile.notes.iter().any(|note| note == "from detection: 4h, 1d 18h"), "{:?}", tile.notes);
}

#[test]
fn three_of_nineteen_deployments_were_unplanned() {
    let tile = harbour().tile(Metric::ReworkRate);
    // 8 (hotfix), 10 (rollback), 11 (revert).
    assert!(matches!(tile.value, Value::Rate { k: 3, n: 19, .. }), "{:?}", tile.value);
}

#[test]
fn two_of_26_production_stages_failed() {
    let tile = harbour().tile(Metric::PipelineReliability);
    // web: 14 succeeded, 12 failed; api: 2 + 1 + 2 + 1 + 2 + 2 succeeded, 20's failed in the US.
    assert!(matches!(tile.value, Value::Rate { k: 2, n: 26, .. }), "{:?}", tile.value);
    assert_eq!(tile.excluded, excluded(&[(Reason::Skipped, 2), (Reason::Canceled, 1)]));
}

#[test]
fn counts_are_those_worked_out() {
    let figures = harbour().figures();
    // 18 in web and 9 in api; the bot's and the abandoned one are left out.
    assert_eq!(figures.tile(Metric::Throughput).unwrap().value, Value::Count { count: 27 });
    // 109 and the draft 110; a bot's 112 is left out.
    assert_eq!(figures.tile(Metric::WorkInProgress).unwrap().value, Value::Count { count: 2 });
    // 4, 15 and 107.
    assert!(matches!(figures.tile(Metric::MergedWithoutReview).unwrap().value, Value::Rate { k: 3, n: 27, .. }));
    assert_eq!(figures.services.iter().map(|service| service.deployments).collect::<Vec<_>>(), [14, 5]);
}

#[test]
fn nothing_is_compared_with_a_window_of_one_deployment() {
    for tile in harbour().figures().tiles {
        assert_eq!(tile.trend, Trend::TooFew, "{:?}", tile.metric);
    }
}

#[test]
fn devlake_gets_other_answers_from_the_same_facts() {
    let world = harbour();
    let query = crate::metrics::query::Query { definition: Definition::DevLake, ..world.query() };
    let figures = crate::metrics::summarise(&world.input, &query, world.now);
    // Runs by their own result: 14 (production skipped) is a success, 16 (smoke failed) is not. Days: 5, {9,10,11,12} = 4, {19} = 1, 1;
    // the lower median of 1, 1, 4, 5 is 1.
    match &figures.tile(Metric::DeploymentFrequency).unwrap().value {
        Value::Frequency { count, deploy_days_per_week, .. } => assert_eq!((*count, *deploy_days_per_week), (19, Some(1.0))),
        other => panic!("{other:?}"),
    }
    // 5 (bot): 30 m + 30 m + 19.5 h = 20.5; 6: 123 d + 3 h = 2955; 7: coding dropped, 4 + 1 = 5; 14 by run 17: 143; 15: 2 + 53 = 55;
    // 18: 3 + 1 = 4; the first brings nothing, so no 102. Of 23 values the 12th is 24.
    let lead_time = figures.tile(Metric::LeadTime).unwrap();
    assert_eq!((lead_time.n, median(&lead_time.value)), (23, hours(24.0)));
    // Each incident to the latest success of the project before it: 9001 to 7, 9002 to 10, 9003 to 24.
    assert!(matches!(figures.tile(Metric::ChangeFailRate).unwrap().value, Value::Rate { k: 3, n: 19, .. }));
    // 9001: 11:00 to 19:00.
    assert_eq!(median(&figures.tile(Metric::RecoveryTime).unwrap().value), hours(8.0));
    assert!(matches!(figures.tile(Metric::ReworkRate).unwrap().value, Value::NotMeasured { .. }));
}

#[test]
fn fourkeys_gets_other_answers_from_the_same_facts() {
    let world = harbour();
    let query = crate::metrics::query::Query { definition: Definition::FourKeys, ..world.query() };
    let figures = crate::metrics::summarise(&world.input, &query, world.now);
    // Commit (here: merge) to deployment: 0.5, 1 x8, 2, 3, 4, 5, 6 x2, 15, 17 x2, 19.5, 21.33, 22, 29, 53, 65.5, 72: the 13th of 25 is 5.
    let lead_time = figures.tile(Metric::LeadTime).unwrap();
    assert_eq!((lead_time.n, median(&lead_time.value)), (25, hours(5.0)));
    // Linked incidents: 9001 by its pull request, 9003 by its build; 9002 hangs on nothing.
    assert!(matches!(figures.tile(Metric::ChangeFailRate).unwrap().value, Value::Rate { k: 2, n: 19, .. }));
    // 9001: from the deployment at 11:00 (earlier than its creation) to 19:00.
    assert_eq!(median(&figures.tile(Metric::RecoveryTime).unwrap().value), hours(8.0));
}
