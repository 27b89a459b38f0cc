//! What went on in phases, held against what the generator planned: the checks of each pull request, the approvals of each deployment.

use jiff::Timestamp;
use kanado::domain::pull_request::PullRequestStatus;
use kanado::metrics::figures::{Metric, Phase, Value};
use kanado::metrics::input::Segment;
use kanado::metrics::overlay::{Overlay, OverlayFigure};
use kanado::metrics::telling;
use kanado::sim::generate::plan::{PlannedPullRequest, Way};

use super::arithmetic::{ci, covered, seen_checks};
use super::held::{Differences, Held, all, near};

fn overlay(held: &Held, phase: Phase) -> &OverlayFigure {
    held.figures.phases.iter().find(|figure| figure.phase == phase).unwrap().overlay.as_ref().unwrap()
}

#[test]
fn every_pull_request_is_validated_while_its_checks_were_planned_to_run() {
    let mut differences = Differences::default();
    let mut validated = 0;
    for held in all() {
        for row in held.known() {
            let Some(flow) = held.flow(row).filter(|flow| flow.segment == Segment::Human && flow.has_threads) else { continue };
            let checks = seen_checks(&held.plan, row);
            differences.check(flow.validated.is_none() == checks.is_empty(), || {
                format!("{}: !{} has checks {checks:?}, measured {:?}", held.label, row.number, flow.validated)
            });
            let Some(stretches) = &flow.validated else { continue };
            // From the first review on: before it nobody waited for a run alone.
            let from = flow.first_review_at.into_iter().chain(flow.approved_at).min();
            let to = if flow.status == PullRequestStatus::Active { held.now } else { row.closed.unwrap() };
            let planned = from.map_or(0.0, |from| covered(&checks, from, to));
            let length = |from: Timestamp, to: Timestamp| to.duration_since(from).as_secs_f64();
            let measured: f64 = stretches.iter().map(|one| length(one.from, one.to.unwrap_or(held.now))).sum();
            validated += usize::from(planned > 0.0);
            differences.check((planned - measured).abs() < 0.01, || {
                format!("{}: !{} was checked for {planned} s, measured {measured} s: {stretches:?}", held.label, row.number)
            });
        }
    }
    differences.none_in_at_least(1_500);
    assert!(validated >= 200, "only {validated} were checked after their first review");
}

#[test]
fn ci_of_reviews_and_merge_waits_is_what_plain_arithmetic_makes_of_the_plan() {
    let mut differences = Differences::default();
    for held in all() {
        for phase in [Phase::Review, Phase::MergeWait] {
            let ((expected, of), measured) = (ci(&held.plan, phase), overlay(held, phase));
            let agrees = expected.agrees(&measured.value) && measured.of == of as u64 && measured.overlay == Overlay::Ci;
            differences
                .check(agrees, || format!("{}: {} of {of} is planned {expected:?}, measured {measured:?}", held.label, phase.words()));
            differences
                .check(measured.known > 0 && measured.known < measured.of, || format!("{}: known of some: {measured:?}", held.label));
        }
    }
    differences.none_in_at_least(16);
}

/// The approvals that a pull request waited for after its merge, where stages alone say what is production: there timelines tell all.
fn waited(held: &Held, row: &PlannedPullRequest) -> Option<(f64, Timestamp)> {
    let (by, closed) = (row.deployed.as_ref()?, row.closed?);
    let is_it = |deployment: &&kanado::sim::generate::plan::PlannedDeployment| {
        deployment.run == by.run && deployment.at == Some(by.at) && deployment.way == Way::Stages
    };
    let deployment = held.plan.deployments.iter().find(is_it)?;
    let approvals: Vec<_> = deployment.approvals.iter().map(|(from, to)| (*from, Some(*to))).collect();
    Some((covered(&approvals, closed, by.at), by.at))
}

#[test]
fn every_deploy_wait_has_the_approvals_planned_where_timelines_tell_of_stages() {
    let mut differences = Differences::default();
    let mut after_approvals = 0;
    for held in all() {
        let mut known = 0;
        for row in held.known() {
            let Some((planned, at)) = waited(held, row) else { continue };
            let Some(said) = held.row_of(Metric::LeadTime, row).filter(|said| said.excluded.is_none() && near(said.at, at)) else {
                continue;
            };
            known += 1;
            after_approvals += usize::from(planned > 0.0);
            let words = format!("approval {} of ", telling::duration(planned));
            let agrees = if planned > 0.0 { said.words.contains(&words) } else { !said.words.contains("approval ") };
            differences.check(agrees, || format!("{}: !{} waited {planned} s for approvals, measured {said:?}", held.label, row.number));
        }
        let measured = overlay(held, Phase::DeployWait);
        differences.check(measured.known >= known && measured.known < measured.of, || {
            format!("{}: known of at least {known}, and of environments not: {measured:?}", held.label)
        });
        let is_told = matches!(measured.value, Value::Times { median, .. } if median > 0.0) || matches!(measured.value, Value::Few { .. });
        differences.check(is_told, || format!("{}: {measured:?}", held.label));
    }
    differences.none_in_at_least(100);
    assert!(after_approvals >= 50, "only {after_approvals} waited for an approval");
}
