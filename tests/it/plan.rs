//! The generator's plan as the judge of the figures: what was planned, and what the product makes of what the service tells of it.
//!
//! Each aspect is a test of its own and prints both sides of every difference. Pull requests and deployments are held against the plan
//! one by one; the figures made of them are made here a second time, by plain arithmetic on the plan. Limits: see the plan's.

mod arithmetic;
mod by_hand;
mod held;
mod overlays;

use held::{Differences, all, near, same};
use kanado::domain::pull_request::PullRequestStatus;
use kanado::metrics::figures::{Metric, Phase, Reason, Subject};
use kanado::metrics::input::{Nature, Segment};
use kanado::sim::generate::plan::{self as planned, Cause, Class, Outcome};
use kanado::sim::world::PrState;

#[test]
fn every_pull_request_of_the_plan_is_known_with_what_it_is() {
    let mut differences = Differences::default();
    for held in all() {
        for row in held.known() {
            let Some(flow) = held.flow(row) else {
                differences.check(false, || format!("{}: !{} is not known", held.label, row.number));
                continue;
            };
            let status = match row.state {
                PrState::Active => PullRequestStatus::Active,
                PrState::Abandoned => PullRequestStatus::Abandoned,
                PrState::Completed => PullRequestStatus::Completed,
            };
            let (nature, segment) = match row.nature {
                planned::Nature::Ordinary => (Nature::Ordinary, Segment::Human),
                planned::Nature::Revert => (Nature::Revert, Segment::Human),
                planned::Nature::Hotfix => (Nature::Hotfix, Segment::Human),
                planned::Nature::ServiceBot | planned::Nature::ListedBot => (Nature::Ordinary, Segment::Bot),
            };
            differences.check((flow.status, flow.nature, flow.segment) == (status, nature, segment), || {
                format!(
                    "{}: !{} is planned as {status:?} {nature:?} {segment:?} and measured as {:?} {:?} {:?}",
                    held.label, row.number, flow.status, flow.nature, flow.segment
                )
            });
            let merged = flow.merge_commit.as_ref().map(|commit| commit.as_str());
            differences.check(merged == row.merge_commit.as_deref(), || {
                format!("{}: !{} is planned to be merged as {:?} and measured as {merged:?}", held.label, row.number, row.merge_commit)
            });
            // Nobody reads what is said about a machine's.
            differences.check(segment == Segment::Bot || flow.undated_vote == row.has_undated_vote, || {
                format!("{}: !{} undated vote: planned {}, measured {}", held.label, row.number, row.has_undated_vote, flow.undated_vote)
            });
        }
    }
    differences.none_in_at_least(3_900);
}

/// Holds one instant of every pull request of people against the plan.
fn instants(
    what: &str,
    of_plan: impl Fn(&planned::PlannedPullRequest) -> Option<jiff::Timestamp>,
    of_flow: impl Fn(&kanado::metrics::input::Flow) -> Option<jiff::Timestamp>,
    enough: usize,
) {
    let mut differences = Differences::default();
    let mut told = 0;
    for held in all() {
        for row in held.known() {
            let Some(flow) = held.flow(row).filter(|flow| flow.segment == Segment::Human) else { continue };
            let (planned, measured) = (of_plan(row), of_flow(flow));
            told += usize::from(planned.is_some());
            differences.check(same(planned, measured), || {
                let asked = row.required_approvals;
                format!(
                    "{}: !{} ({:?}, {asked} wanted) {what}: planned {planned:?}, measured {measured:?}",
                    held.label, row.number, row.state
                )
            });
        }
    }
    differences.none_in_at_least(1_100);
    assert!(told >= enough, "only {told} have one");
}

#[test]
fn every_pull_request_starts_at_the_first_author_date_planned() {
    // Commits of what was given up are not read: no figure has a use for them.
    let planned = |row: &planned::PlannedPullRequest| row.first_author_date.filter(|_| row.state != PrState::Abandoned);
    instants("first author date", planned, |flow| flow.first_commit_at, 1_000);
    instants("creation", |row| Some(row.created), |flow| Some(flow.created_at), 1_100);
}

#[test]
fn every_pull_request_is_ready_when_it_was_planned_to_be() {
    instants("ready", |row| row.ready, |flow| flow.ready_at, 1_000);
}

#[test]
fn every_pull_request_is_reviewed_first_when_it_was_planned_to_be() {
    instants("first review", |row| row.first_human_review, |flow| flow.first_review_at, 800);
}

#[test]
fn every_pull_request_is_approved_with_the_approval_that_completed_what_its_policy_wants() {
    let completed = |row: &planned::PlannedPullRequest| row.completing_approval;
    let measured = |flow: &kanado::metrics::input::Flow| {
        // One that nobody is bound to complete may have an approval too: the plan names only those of completed ones.
        flow.approved_at.filter(|_| flow.status == PullRequestStatus::Completed)
    };
    instants("completing approval", completed, measured, 700);
}

#[test]
fn every_pull_request_is_closed_when_it_was_planned_to_be() {
    instants("closing", |row| row.closed, |flow| flow.closed_at, 900);
}

#[test]
fn every_merged_pull_request_is_carried_to_production_by_the_deployment_planned() {
    let mut differences = Differences::default();
    let mut carried = 0;
    for held in all() {
        for row in held.known().filter(|row| row.state == PrState::Completed && !arithmetic::is_bots(row)) {
            let said = held.row_of(Metric::LeadTime, row);
            let by = row.deployed.as_ref();
            let words = || format!("{}: !{} of {}: planned {by:?}, measured {said:?}", held.label, row.number, row.repository);
            let agrees = match (by, said) {
                // What the first deployment of a collection brought is not known, but for the commit itself.
                (Some(by), Some(said)) if by.is_first_in_window && !by.is_exact => said.excluded == Some(Reason::Seed),
                (Some(by), Some(said)) => {
                    let run = format!(" {} of ", by.run);
                    let lead = by.at.duration_since(arithmetic::start(row)).as_secs_f64();
                    carried += 1;
                    near(said.at, by.at)
                        && said.excluded.is_none()
                        && said.words.contains(&run)
                        && said.seconds.is_some_and(|seconds| (seconds - lead).abs() < 0.01)
                }
                (None, Some(said)) => said.excluded == Some(Reason::NotDeployed),
                (_, None) => false,
            };
            differences.check(agrees, words);
        }
    }
    differences.none_in_at_least(800);
    assert!(carried >= 400, "only {carried} were carried");
}

#[test]
fn every_direct_push_is_carried_to_production_by_the_deployment_planned() {
    let mut differences = Differences::default();
    for held in all() {
        for push in held.plan.pushes.iter().filter(|push| push.at >= held.plan.window_from) {
            let repository = held.repository(&push.project, &push.repository);
            let is_it = |subject: &Subject| matches!(subject, Subject::Commit { repository: of, sha } if *of == repository && sha.as_str() == push.sha);
            let said = held.rows[&Metric::LeadTime].iter().find(|row| is_it(&row.subject));
            let agrees = match (&push.deployed, said) {
                (Some(by), Some(said)) if by.is_first_in_window && !by.is_exact => said.excluded == Some(Reason::Seed),
                (Some(by), Some(said)) => {
                    let lead = by.at.duration_since(push.authored).as_secs_f64();
                    near(said.at, by.at) && said.seconds.is_some_and(|seconds| (seconds - lead).abs() < 0.01)
                }
                (None, Some(said)) => said.excluded == Some(Reason::NotDeployed),
                (_, None) => false,
            };
            differences.check(agrees, || format!("{}: {push:?}, measured {said:?}", held.label));
        }
    }
    differences.none_in_at_least(400);
}

#[test]
fn every_production_deployment_planned_is_counted_and_no_other() {
    let mut differences = Differences::default();
    for held in all() {
        for row in held.plan.deployments.iter().filter(|row| row.in_window && row.repository_id != held.plan.deleted) {
            let said = held.row_of_deployment(Metric::DeploymentFrequency, row);
            let agrees = match row.outcome {
                Outcome::Succeeded | Outcome::SucceededWithIssues => said.is_some_and(|said| said.excluded.is_none()),
                Outcome::Failed => said.is_some_and(|said| said.excluded == Some(Reason::FailedAttempt)),
                Outcome::Cancelled => said.is_some_and(|said| said.excluded == Some(Reason::Canceled)),
                // They have no time of their own: nothing of them may count.
                Outcome::Skipped | Outcome::Rejected | Outcome::Unfinished => said.is_none_or(|said| said.excluded.is_some()),
            };
            differences.check(agrees, || format!("{}: {row:?}, measured {said:?}", held.label));
        }
        for said in held.rows[&Metric::DeploymentFrequency].iter().filter(|said| said.excluded.is_none()) {
            let is_planned = held
                .plan
                .deployments
                .iter()
                .any(|row| row.outcome.is_success() && row.at.is_some_and(|at| near(at, said.at)) && held.is_of(&said.subject, row));
            differences.check(is_planned, || format!("{}: counted and not planned: {said:?}", held.label));
        }
    }
    differences.none_in_at_least(1_500);
}

#[test]
fn every_deployment_of_a_repository_that_is_gone_is_counted_or_left_out_with_a_reason() {
    let mut differences = Differences::default();
    for held in all() {
        for row in held.plan.successes().filter(|row| row.in_window && row.repository_id == held.plan.deleted) {
            let said = held.row_of_deployment(Metric::DeploymentFrequency, row);
            differences.check(said.is_some(), || format!("{}: {row:?} is not in the rows", held.label));
        }
    }
    differences.none_in_at_least(8);
}

#[test]
fn every_deployment_says_of_itself_what_was_planned() {
    let mut differences = Differences::default();
    for held in all() {
        let in_window = held.plan.successes().filter(|row| row.in_window && row.repository_id != held.plan.deleted);
        for row in in_window {
            let Some(said) = held.row_of_deployment(Metric::DeploymentFrequency, row) else { continue };
            let words = [
                ("after a retry", arithmetic::was_retried(&held.plan, row)),
                ("with issues", row.outcome == Outcome::SucceededWithIssues),
                ("the run failed afterwards", row.run_failed_after),
                ("environments, the last", row.fan_out > 1),
                ("first known", row.is_first_in_window),
            ];
            for (words, is_planned) in words {
                differences.check(said.words.contains(words) == is_planned, || {
                    format!("{}: {words:?} is planned {is_planned}: {row:?}, measured {said:?}", held.label)
                });
            }
            // The first one known has nothing before it to be compared with.
            if !row.is_first_in_window {
                let classes =
                    [("the same commit again", Class::Redeploy), ("back to an older commit", Class::Rollback), ("hotfix", Class::Hotfix)];
                for (words, class) in classes {
                    differences.check(said.words.contains(words) == (row.class == class), || {
                        format!("{}: planned {:?}: {row:?}, measured {said:?}", held.label, row.class)
                    });
                }
                differences.check(row.class != Class::Revert || said.words.contains("reverts a change"), || {
                    format!("{}: planned a revert: {row:?}, measured {said:?}", held.label)
                });
            }
        }
    }
    differences.none_in_at_least(4_000);
}

#[test]
fn every_deployment_that_failed_is_the_one_planned_for_the_reason_planned() {
    let mut differences = Differences::default();
    let mut failed = std::collections::BTreeMap::new();
    for held in all() {
        for row in held.plan.successes().filter(|row| row.in_window && row.repository_id != held.plan.deleted) {
            let Some(said) = held.row_of_deployment(Metric::ChangeFailRate, row) else {
                differences.check(false, || format!("{}: {row:?} is not in the rows", held.label));
                continue;
            };
            let agrees = match row.intervention {
                None => !said.words.contains("failed: "),
                Some(intervention) => {
                    *failed.entry(format!("{:?}", intervention.why)).or_insert(0) += 1;
                    let by = intervention.by;
                    let why: &[String] = match intervention.why {
                        Cause::Incident => &[format!("incident {by}")],
                        Cause::Rollback => &[format!("rolled back by run {by} of"), format!("rolled back by release {by} of")],
                        Cause::Fix => &[
                            format!("hotfix by run {by} of"),
                            format!("hotfix by release {by} of"),
                            format!("reverted by run {by} of"),
                            format!("reverted by release {by} of"),
                        ],
                    };
                    why.iter().any(|words| said.words.contains(words))
                }
            };
            differences.check(agrees, || format!("{}: {row:?}, measured {said:?}", held.label));
        }
    }
    differences.none_in_at_least(700);
    assert!(failed.len() == 3 && failed.values().all(|count| *count >= 3), "{failed:?}");
}

#[test]
fn every_failed_deployment_is_repaired_when_the_plan_says() {
    let mut differences = Differences::default();
    for held in all() {
        for (row, repaired) in arithmetic::repairs(&held.plan) {
            let said = held.row_of_deployment(Metric::RecoveryTime, row);
            let until = repaired.unwrap_or(held.now);
            let seconds = row.at.map(|at| until.duration_since(at).as_secs_f64());
            let agrees = said.is_some_and(|said| {
                said.seconds.zip(seconds).is_some_and(|(one, other)| (one - other).abs() < 0.01)
                    && said.words.contains("; open for") == repaired.is_none()
            });
            differences.check(agrees, || format!("{}: {row:?} repaired at {repaired:?}, measured {said:?}", held.label));
        }
    }
    differences.none_in_at_least(40);
}

#[test]
fn every_figure_is_what_plain_arithmetic_makes_of_the_plan() {
    let mut differences = Differences::default();
    for held in all() {
        for (metric, expected) in arithmetic::tiles(&held.plan) {
            let tile = held.figures.tile(metric).unwrap();
            differences.check(expected.agrees(&tile.value), || {
                format!("{}: {} is planned {expected:?}, measured {:?}", held.label, metric.name(), tile.value)
            });
        }
        for (phase, expected) in arithmetic::phases(&held.plan) {
            let figure = held.figures.phases.iter().find(|figure| figure.phase == phase).unwrap();
            differences.check(expected.agrees(&figure.value), || {
                format!("{}: {} is planned {expected:?}, measured {:?}", held.label, phase.words(), figure.value)
            });
        }
    }
    differences.none_in_at_least(4 * (8 + Phase::ALL.len()));
}
