//! Which deployment brought which change, and how long that took.

use super::world::*;
use crate::domain::id::Guid;
use crate::metrics::figures::{Coverage, Metric, Reason, Value};
use crate::metrics::input::{Compare, Nature, Segment};
use crate::metrics::off_line::{self, Between};
use crate::metrics::query::{Query, ServiceId, Team};

const USUAL: [&str; 5] = ["2026-03-09 08:00", "2026-03-09 09:00", "", "", "2026-03-09 10:00"];

fn few(hours_of: &[f64]) -> Value {
    Value::Few { seconds: hours_of.iter().map(|count| hours(*count)).collect() }
}

#[test]
fn the_first_deployment_brings_only_its_own_commit() {
    let mut world = World::new();
    world.kind(1, "deploy web", "Production", None);
    world.push(WEB, 900, "2026-02-20 09:00");
    world.merge(WEB, 1, ["2026-03-02 08:00", "2026-03-02 09:00", "", "", "2026-03-02 10:00"]);
    world.merge(WEB, 2, USUAL);
    world.deploy(1, 1, "2026-03-09 12:00", WEB, 2);
    let tile = world.tile(Metric::LeadTime);
    assert_eq!((tile.value, left_out(&world.tile(Metric::LeadTime), Reason::Seed)), (few(&[4.0]), 1));
}

#[test]
fn a_first_deployment_older_than_the_pushes_collected_tells_where_the_next_begins() {
    let mut world = World::new();
    world.kind(1, "deploy web", "Production", None);
    // The push of commit 500 is older than what was collected; 1 was merged before it was deployed, and may have been in it.
    world.merge(WEB, 1, ["2026-03-02 08:00", "2026-03-02 08:00", "", "", "2026-03-02 11:59"]);
    world.deploy(1, 1, "2026-03-02 12:00", WEB, 500);
    world.merge(WEB, 2, ["2026-03-03 08:00", "2026-03-03 09:00", "", "", "2026-03-03 10:00"]);
    world.merge(WEB, 3, ["2026-03-04 08:00", "2026-03-04 09:00", "", "", "2026-03-04 10:00"]);
    world.deploy(1, 2, "2026-03-04 12:00", WEB, 3);
    let tile = world.tile(Metric::LeadTime);
    assert_eq!((tile.value, numbers(&world.rows(Metric::LeadTime), Some(Reason::Seed))), (few(&[4.0, 28.0]), vec![1]));
}

#[test]
fn what_was_merged_after_a_deployment_waits_for_the_next() {
    let mut world = World::with_web();
    world.merge(WEB, 1, USUAL);
    world.merge(WEB, 2, ["2026-03-09 08:00", "2026-03-09 09:00", "", "", "2026-03-09 14:00"]);
    world.deploy(1, 2, "2026-03-09 12:00", WEB, 1);
    assert_eq!(numbers(&world.rows(Metric::LeadTime), Some(Reason::NotDeployed)), [2]);
    world.deploy(1, 3, "2026-03-10 09:00", WEB, 2);
    assert_eq!(world.tile(Metric::LeadTime).value, few(&[4.0, 25.0]));
}

#[test]
fn what_the_clock_says_was_merged_later_goes_to_the_next_deployment() {
    let mut world = World::with_web();
    // Deployed with commit 1 at 12:00 although its completion says 12:01.
    world.merge(WEB, 1, ["2026-03-09 08:00", "2026-03-09 09:00", "", "", "2026-03-09 12:01"]);
    world.deploy(1, 2, "2026-03-09 12:00", WEB, 1);
    assert_eq!(numbers(&world.rows(Metric::LeadTime), Some(Reason::NotDeployed)), [1]);
    world.deploy(1, 3, "2026-03-09 16:00", WEB, 1);
    assert_eq!(world.tile(Metric::LeadTime).value, few(&[8.0]));
}

#[test]
fn a_rollback_brings_nothing_and_takes_nothing_back() {
    let mut world = World::with_web();
    world.merge(WEB, 1, USUAL);
    world.merge(WEB, 2, ["2026-03-09 10:00", "2026-03-09 10:00", "", "", "2026-03-09 11:00"]);
    world.deploy(1, 2, "2026-03-09 12:00", WEB, 2);
    world.deploy(1, 3, "2026-03-09 13:00", WEB, 1);
    world.deploy(1, 4, "2026-03-09 14:00", WEB, 2);
    assert_eq!(world.tile(Metric::LeadTime).value, few(&[2.0, 4.0]));
}

#[test]
fn a_commit_that_was_taken_back_and_comes_again_is_a_redeployment() {
    for with_pushes in [true, false] {
        let mut world = World::with_web();
        world.merge(WEB, 1, USUAL);
        world.merge(WEB, 2, ["2026-03-09 10:00", "2026-03-09 10:00", "", "", "2026-03-09 11:00"]);
        world.deploy(1, 2, "2026-03-09 12:00", WEB, 1);
        world.deploy(1, 3, "2026-03-09 13:00", WEB, 2);
        world.deploy(1, 4, "2026-03-09 14:00", WEB, 1);
        world.deploy(1, 5, "2026-03-09 15:00", WEB, 2);
        if !with_pushes {
            world.input.tips.clear();
        }
        let notes = world.tile(Metric::DeploymentFrequency).notes;
        for note in ["1 of the same commit again", "1 back to an older commit"] {
            assert!(notes.iter().any(|line| line == note), "{note}: {notes:?}");
        }
    }
}

#[test]
fn a_failed_deployment_brings_nothing() {
    let mut world = World::with_web();
    world.merge(WEB, 1, USUAL);
    world.deploy(1, 2, "2026-03-09 12:00", WEB, 1).result = crate::domain::run::StageResult::Failed;
    assert_eq!(numbers(&world.rows(Metric::LeadTime), Some(Reason::NotDeployed)), [1]);
}

#[test]
fn what_a_machine_pushes_is_a_segment_of_its_own_and_no_change_of_people() {
    let mut world = World::with_web();
    world.merge(WEB, 1, USUAL);
    // A release bumps the version: seconds old when it is deployed.
    world.push(WEB, 900, "2026-03-09 11:59").segment = Segment::Bot;
    world.deploy(1, 2, "2026-03-09 12:00", WEB, 900);
    world.push(WEB, 901, "2026-03-09 13:00").segment = Segment::Bot;
    let tile = world.tile(Metric::LeadTime);
    assert_eq!(tile.value, few(&[4.0]));
    assert_eq!(left_out(&tile, Reason::Bot), 2, "whether deployed or not");
    assert!(tile.notes.iter().any(|note| note == "of bots: n = 1"), "{:?}", tile.notes);
    assert!(!tile.notes.iter().any(|note| note.contains("without a pull request")), "{:?}", tile.notes);
}

#[test]
fn a_direct_push_is_a_change_of_its_own() {
    let mut world = World::with_web();
    world.push(WEB, 50, "2026-03-09 10:00").authored_at = Some(t("2026-03-09 07:00"));
    world.push(WEB, 51, "2026-03-09 10:30").authored_at = None;
    world.deploy(1, 2, "2026-03-09 12:00", WEB, 51);
    let tile = world.tile(Metric::LeadTime);
    assert_eq!((&tile.value, left_out(&tile, Reason::NoTime)), (&few(&[5.0]), 1));
    assert!(tile.notes.contains(&"1 pushed without a pull request".to_owned()), "{:?}", tile.notes);
    // They are no pull requests: the coverage knows none.
    assert_eq!(tile.coverage, Some(Coverage { k: 0, n: 0, of: "merged pull requests deployed".to_owned() }));
}

#[test]
fn a_stale_first_commit_starts_at_creation() {
    let mut world = World::with_web();
    world.merge(WEB, 1, ["2025-12-09 08:59", "2026-03-09 09:00", "", "", "2026-03-09 10:00"]);
    world.merge(WEB, 2, ["2025-12-09 09:00", "2026-03-09 09:00", "", "", "2026-03-09 10:30"]);
    world.deploy(1, 2, "2026-03-09 12:00", WEB, 2);
    // 90 days and a minute are stale, 90 days are not.
    let tile = world.tile(Metric::LeadTime);
    assert_eq!(tile.value, few(&[3.0, 90.0 * 24.0 + 3.0]));
    assert!(tile.notes.contains(&"1 from creation: the first commit is over 90 days older".to_owned()), "{:?}", tile.notes);
}

#[test]
fn a_first_commit_after_creation_starts_at_creation() {
    let mut world = World::with_web();
    world.merge(WEB, 1, ["2026-03-09 09:30", "2026-03-09 09:00", "", "", "2026-03-09 10:00"]);
    world.deploy(1, 2, "2026-03-09 12:00", WEB, 1);
    assert_eq!(world.tile(Metric::LeadTime).value, few(&[3.0]));
}

#[test]
fn a_squash_starts_at_the_commits_of_the_pull_request() {
    let mut world = World::with_web();
    // The tip's author date is that of the squash, the completion; the pull request's commits are older.
    world.merge(WEB, 1, USUAL);
    world.input.tips.last_mut().unwrap().authored_at = Some(t("2026-03-09 10:00"));
    world.deploy(1, 2, "2026-03-09 12:00", WEB, 1);
    assert_eq!(world.tile(Metric::LeadTime).value, few(&[4.0]));
}

#[test]
fn a_merge_that_is_no_tip_stands_at_the_push_of_its_minute() {
    let mut world = World::with_web();
    world.merge(WEB, 1, USUAL);
    world.input.flows[0].merge_commit = Some(commit(999));
    world.input.tips.last_mut().unwrap().at = t("2026-03-09 09:59:50");
    world.deploy(1, 2, "2026-03-09 12:00", WEB, 1);
    // One change, not a pull request without a place and a direct push.
    let tile = world.tile(Metric::LeadTime);
    assert_eq!((tile.value, tile.n), (few(&[4.0]), 1));
    // Two minutes away is somebody else's push.
    world.input.tips.last_mut().unwrap().at = t("2026-03-09 09:58:00");
    assert_eq!(numbers(&world.rows(Metric::LeadTime), Some(Reason::NotDeployed)), [1]);
}

#[test]
fn two_merges_of_one_minute_do_not_share_a_push() {
    let mut world = World::with_web();
    world.merge(WEB, 1, USUAL);
    world.merge(WEB, 2, ["2026-03-09 08:00", "2026-03-09 09:00", "", "", "2026-03-09 10:00:20"]);
    for flow in &mut world.input.flows {
        flow.merge_commit = Some(commit(990 + flow.number));
    }
    world.deploy(1, 2, "2026-03-09 12:00", WEB, 1);
    assert_eq!(
        (numbers(&world.rows(Metric::LeadTime), None), numbers(&world.rows(Metric::LeadTime), Some(Reason::NotDeployed))),
        (vec![1], vec![2])
    );
}

#[test]
fn without_pushes_only_an_exact_match_counts() {
    let mut world = World::with_web();
    world.merge(WEB, 1, USUAL);
    world.merge(WEB, 2, ["2026-03-09 08:00", "2026-03-09 09:00", "", "", "2026-03-09 11:00"]);
    world.deploy(1, 2, "2026-03-09 12:00", WEB, 2);
    world.input.tips.clear();
    assert_eq!(numbers(&world.rows(Metric::LeadTime), None), [2]);
}

#[test]
fn a_release_branch_brings_what_the_service_lists() {
    let mut world = World::with_web();
    world.merge(WEB, 1, USUAL).target_branch = "release/1".to_owned();
    world.input.tips.pop();
    world.merge(WEB, 2, ["2026-03-09 08:00", "2026-03-09 09:00", "", "", "2026-03-09 11:00"]);
    world.deploy(1, 2, "2026-03-09 12:00", WEB, 77);
    assert_eq!(numbers(&world.rows(Metric::LeadTime), Some(Reason::OtherBranch)), [1]);
    world.input.compares = vec![Compare { repository: WEB, base: commit(0), head: commit(77), commits: vec![commit(1), commit(2)] }];
    assert_eq!(numbers(&world.rows(Metric::LeadTime), None), [1, 2]);
}

#[test]
fn what_a_branch_brought_is_beyond_knowledge_until_the_service_lists_it() {
    let mut world = World::with_web();
    world.merge(WEB, 1, USUAL);
    world.deploy(1, 2, "2026-03-09 12:00", WEB, 77).branch = Some("release/1".to_owned());
    world.merge(WEB, 2, ["2026-03-10 08:00", "2026-03-10 09:00", "", "", "2026-03-10 10:00"]);
    let rows = world.rows(Metric::LeadTime);
    assert_eq!((numbers(&rows, Some(Reason::Beyond)), numbers(&rows, Some(Reason::NotDeployed))), (vec![1], vec![2]));
    let between = Between { repository: WEB, base: commit(0), head: commit(77) };
    assert_eq!(off_line::unknown(&world.input, &world.query()), [between]);

    world.input.compares = vec![Compare { repository: WEB, base: commit(5), head: commit(77), commits: vec![commit(1)] }];
    assert_eq!(numbers(&world.rows(Metric::LeadTime), Some(Reason::Beyond)), [1], "compared with what was never deployed before it");
    world.input.compares = vec![Compare { repository: WEB, base: commit(0), head: commit(77), commits: vec![commit(77), commit(1)] }];
    assert_eq!(numbers(&world.rows(Metric::LeadTime), None), [1]);
    assert_eq!(off_line::unknown(&world.input, &world.query()), [], "asked once");

    // The line goes on from where the branch left it: what the branch brought is not brought again.
    world.input.flows[0].nature = Nature::Revert;
    world.deploy(1, 3, "2026-03-11 12:00", WEB, 2);
    assert_eq!(numbers(&world.rows(Metric::LeadTime), None), [1, 2]);
    assert_eq!(off_line::unknown(&world.input, &world.query()), [], "what is on the line is never asked");
}

#[test]
fn a_change_belongs_to_the_repository_of_the_run() {
    let mut world = World::with_web();
    world.merge(WEB, 1, USUAL);
    world.merge(API, 2, USUAL);
    world.deploy(1, 2, "2026-03-09 12:00", WEB, 1);
    let rows = world.rows(Metric::LeadTime);
    assert_eq!((numbers(&rows, None), numbers(&rows, Some(Reason::NotDeployed))), (vec![1], vec![2]));
    let words = &rows.iter().find(|row| row.excluded.is_some()).unwrap().words;
    assert_eq!(words, "its repository has no production deployment");
}

#[test]
fn of_two_services_of_a_repository_the_first_to_deploy_counts_unless_one_is_asked_for() {
    let mut world = World::with_web();
    world.kind(2, "deploy web again", "Production", None);
    world.deploy(2, 101, "2026-02-26 09:00", WEB, 0);
    world.merge(WEB, 1, USUAL);
    world.deploy(1, 2, "2026-03-09 14:00", WEB, 1);
    world.deploy(2, 102, "2026-03-09 12:00", WEB, 1);
    assert_eq!(world.tile(Metric::LeadTime).value, few(&[4.0]));
    let service = ServiceId { project: HARBOUR, kind: crate::domain::run::DefinitionKind::Pipeline, definition: 1 };
    let query = Query { service: Some(service), ..world.query() };
    let figures = crate::metrics::summarise(&world.input, &query, world.now);
    assert_eq!(figures.tile(Metric::LeadTime).unwrap().value, few(&[6.0]));
}

#[test]
fn windows_go_by_deployment_and_completion_not_by_creation() {
    let mut world = World::with_web();
    world.merge(WEB, 1, ["2026-01-10 09:00", "2026-01-11 09:00", "", "", "2026-02-28 09:00"]);
    world.deploy(1, 2, "2026-03-02 09:00", WEB, 1);
    assert_eq!(world.tile(Metric::LeadTime).n, 1);
    assert!(matches!(world.tile(Metric::CycleTime).value, Value::NotMeasured { .. }));
}

#[test]
fn commits_that_were_not_read_leave_a_change_out() {
    let mut world = World::with_web();
    let flow = world.merge(WEB, 1, USUAL);
    (flow.first_commit_at, flow.has_detail) = (None, false);
    world.deploy(1, 2, "2026-03-09 12:00", WEB, 1);
    assert_eq!(numbers(&world.rows(Metric::LeadTime), Some(Reason::NotRead)), [1]);
}

#[test]
fn a_team_is_asked_for_by_authors_and_pushers() {
    let mut world = World::with_web();
    world.merge(WEB, 1, USUAL);
    world.merge(WEB, 2, ["2026-03-09 08:00", "2026-03-09 09:00", "", "", "2026-03-09 11:00"]).author = Guid::new("bob");
    world.push(WEB, 60, "2026-03-09 11:30").pusher = Some(Guid::new("bob"));
    world.push(WEB, 61, "2026-03-09 11:40");
    world.deploy(1, 2, "2026-03-09 12:00", WEB, 61);
    let team = Some(Team { name: "B".to_owned(), members: vec![Guid::new("bob")] });
    let query = Query { team, ..world.query() };
    // Bob's pull request and push; a merge of somebody else's is no direct push.
    assert_eq!(numbers(&crate::metrics::rows(&world.input, &query, Metric::LeadTime, world.now), None), [-1, 2]);
}
