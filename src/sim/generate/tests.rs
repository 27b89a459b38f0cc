//! A generated organisation is the same each time, has what it says, and its plan agrees with what is there.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::sync::OnceLock;

use super::plan::{Cause, Class, Nature, Outcome, PlannedDeployment, Way};
use super::*;
use crate::sim::git::{LogQuery, Repo, Version};
use crate::sim::host::git_path;
use crate::sim::world::{
    BuildReason, BuildResult, DeploymentStatus, IterationReason, MergeStatus, MissingTime, PrState, Property, RecordResult, TimelineState,
};

fn start() -> Timestamp {
    "2026-11-20T15:30:00Z".parse().unwrap()
}

/// A generated organisation with its repositories.
struct Made {
    dir: tempfile::TempDir,
    world: World,
    plan: Plan,
}

fn made(size: Size, seed: u64) -> Made {
    let dir = tempfile::tempdir().unwrap();
    let mut world = World::empty("lumen", start());
    let plan = generate(&mut world, dir.path(), size, seed, start()).unwrap();
    Made { dir, world, plan }
}

/// Made once for all tests that only look.
fn s() -> &'static Made {
    static MADE: OnceLock<Made> = OnceLock::new();
    MADE.get_or_init(|| made(Size::S, 1))
}

fn m() -> &'static Made {
    static MADE: OnceLock<Made> = OnceLock::new();
    MADE.get_or_init(|| made(Size::M, 1))
}

impl Made {
    fn repo(&self, id: Uuid) -> Repo {
        Repo::at(git_path(self.dir.path(), id), "main")
    }

    /// Main as its pushes tell it, oldest first.
    fn main(&self, repository: Uuid) -> Vec<String> {
        let moves = self.world.pushes.iter().filter(|push| push.repository == repository).flat_map(|push| &push.moves);
        moves.filter(|moved| moved.name == "refs/heads/main").map(|moved| moved.new.clone()).collect()
    }

    fn build(&self, id: i32) -> &Build {
        &self.world.builds[&id]
    }
}

/// Everything that has to be the same in every run, in one number.
fn digest(made: &Made) -> u64 {
    let mut value = serde_json::to_value(&made.world).unwrap();
    // The clock's offset and what hangs on the present moment differ by the time the test takes.
    value["clock"] = serde_json::Value::Null;
    value["tokens"] = serde_json::Value::Null;
    // Packs differ by a few bytes with the threads that pack them.
    for repository in value["repositories"].as_array_mut().unwrap() {
        repository["size"] = serde_json::Value::Null;
    }
    let text = value.to_string() + &serde_json::to_string(&made.plan).unwrap();
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[test]
fn the_same_seed_makes_the_same_organisation_and_another_seed_another() {
    let first = digest(s());
    assert_eq!(first, digest(&made(Size::S, 1)));
    assert_ne!(first, digest(&made(Size::S, 2)));
}

#[test]
fn s_and_m_have_exactly_as_much_as_they_say() {
    for (made, [projects, repositories, commits, requests, builds]) in [(s(), [1, 5, 300, 60, 400]), (m(), [10, 50, 3_000, 600, 3_000])] {
        let counts = made.plan.counts;
        assert_eq!((counts.projects, counts.repositories), (projects, repositories));
        assert_eq!((made.world.projects.len(), made.world.repositories.len()), (projects, repositories));
        let from = made.plan.window_from;
        let in_git: usize = made
            .world
            .repositories
            .iter()
            .map(|row| {
                let query = LogQuery {
                    version: Version::Branch("main".to_owned()),
                    exclude: None,
                    from: Some(from),
                    to: None,
                    author: None,
                    committer: None,
                    path: None,
                    skip: 0,
                    top: 10_000,
                };
                made.repo(row.id).log(&query).unwrap().len()
            })
            .sum();
        assert_eq!((in_git, counts.commits), (commits, commits));
        let found = made.world.pull_requests.values().filter(|row| row.closed.is_none_or(|closed| closed >= from)).count();
        assert_eq!((found, counts.pull_requests), (requests, requests));
        assert!(counts.old_pull_requests > 0 && counts.old_builds > 0);
        let window = Window::until(start());
        let found = made.world.builds.values().filter(|build| window.has_build(build)).count();
        assert_eq!((found, counts.builds), (builds, builds));
        // Some minutes later a collection of thirty days still finds them all, and the older ones do not slip in.
        let edges = [from, from + SignedDuration::from_hours(3)];
        let on_edge = |at: Timestamp| at >= edges[0] && at < edges[1];
        assert!(!made.world.builds.values().any(|build| build.finished.is_some_and(on_edge) || on_edge(build.queued)));
        assert!(!made.world.pull_requests.values().any(|row| row.closed.is_some_and(on_edge)));
        let latest = made.world.builds.values().filter_map(|build| build.finished).max();
        assert!(latest.is_some_and(|at| at < start()), "{latest:?}");
    }
}

#[test]
fn every_repository_is_sound_and_main_is_what_its_pushes_say() {
    for made in [s(), m()] {
        for (turn, row) in made.world.repositories.iter().enumerate() {
            let repo = made.repo(row.id);
            let main = made.main(row.id);
            assert_eq!(repo.tip("main").unwrap().as_ref(), main.last());
            let moves: Vec<_> = made
                .world
                .pushes
                .iter()
                .filter(|push| push.repository == row.id)
                .flat_map(|push| push.moves.iter().map(|moved| (push.date, moved)))
                .filter(|(_, moved)| moved.name == "refs/heads/main")
                .collect();
            assert!(moves.windows(2).all(|pair| pair[0].1.new == pair[1].1.old && pair[0].0 < pair[1].0), "{}", row.name);
            if turn % 6 == 0 {
                let out = Command::new("git").args(["fsck", "--strict"]).current_dir(repo.path()).output().unwrap();
                assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
            }
        }
    }
}

#[test]
fn merges_were_made_the_way_they_say() {
    for made in [s(), m()] {
        let mut seen = BTreeSet::new();
        for planned in &made.plan.pull_requests {
            let Some(merge) = &planned.merge_commit else { continue };
            let row = made.world.pull_request(planned.number).unwrap();
            let main = made.main(row.repository);
            assert_eq!(Some(merge), main.get(planned.position.unwrap()), "{}", planned.number);
            assert_eq!(row.merge.commit.as_ref(), Some(merge));
            let commit = made.repo(row.repository).commit(merge).unwrap();
            let (before, parents) = (&main[planned.position.unwrap() - 1], commit.parents);
            match planned.strategy.as_str() {
                "squash" => assert_eq!(parents, std::slice::from_ref(before)),
                "noFastForward" => assert_eq!(parents, [before.clone(), row.merge.source.clone()]),
                "rebase" => assert_eq!(parents.len(), 1),
                _ => assert_eq!((parents.len(), &parents[0]), (2, before)),
            }
            seen.insert(planned.strategy.clone());
        }
        assert_eq!(seen.len(), 4, "{seen:?}");
    }
}

/// The dated system threads of a kind.
fn system(row: &crate::sim::world::PullRequest, kind: &str) -> Vec<(Timestamp, Uuid, BTreeMap<String, Property>)> {
    let is = |property: Option<&Property>| matches!(property, Some(Property::Text(text)) if text == kind);
    let threads = row.threads.iter().filter(|thread| is(thread.properties.get("CodeReviewThreadType")));
    threads.map(|thread| (thread.published, thread.comments[0].author, thread.properties.clone())).collect()
}

#[test]
fn pull_requests_have_every_kind_of_past() {
    for made in [s(), m()] {
        let rows: Vec<_> = made.plan.pull_requests.iter().map(|plan| (plan, made.world.pull_request(plan.number).unwrap())).collect();
        let count = |what: &str, test: &dyn Fn(&plan::PlannedPullRequest, &crate::sim::world::PullRequest) -> bool| {
            let found = rows.iter().filter(|(plan, row)| test(plan, row)).count();
            assert!(found > 0, "{:?} has none: {what}", made.plan.size);
        };
        for nature in [Nature::Ordinary, Nature::Revert, Nature::Hotfix, Nature::ServiceBot, Nature::ListedBot] {
            count(&format!("{nature:?}"), &|plan, _| plan.nature == nature && plan.state == PrState::Completed);
        }
        count("revert", &|plan, row| row.title.starts_with("Revert \"") && plan.reverts.is_some());
        count("hotfix", &|_, row| {
            row.source_ref.starts_with("refs/heads/hotfix/") && row.labels.iter().any(|label| label.name == "hotfix")
        });
        count("abandoned", &|_, row| row.state == PrState::Abandoned && row.closed.is_some());
        count("draft", &|_, row| row.is_active() && row.is_draft);
        count("published", &|plan, row| system(row, "IsDraftUpdate").len() == 1 && plan.ready > Some(plan.created));
        count("published twice", &|_, row| system(row, "IsDraftUpdate").len() == 3);
        count("human remark first", &|plan, row| {
            row.threads.iter().any(|thread| !thread.is_system() && Some(thread.published) == plan.first_human_review)
        });
        count("service comment", &|_, row| {
            row.threads.iter().any(|thread| !thread.is_system() && made.plan.bots[0].id == thread.comments[0].author)
        });
        count("bot vote", &|_, row| system(row, "VoteUpdate").iter().any(|(_, by, _)| *by == made.plan.bots[1].id));
        count("self vote", &|plan, row| {
            plan.first_human_review.is_none() && system(row, "VoteUpdate").iter().any(|(_, by, _)| *by == row.created_by)
        });
        count("merged without review", &|plan, row| plan.merge_commit.is_some() && system(row, "VoteUpdate").is_empty());
        count("auto-complete", &|_, row| !system(row, "AutoComplete").is_empty() && row.state == PrState::Completed);
        count("stale", &|plan, _| {
            plan.first_author_date.is_some_and(|first| first + SignedDuration::from_hours(24 * 90) < plan.created) && plan.is_stale
        });
        count("committed after creation", &|plan, _| plan.first_author_date.is_some_and(|first| first > plan.created));
        count("forced push", &|_, row| row.iterations.iter().any(|iteration| iteration.reason == IterationReason::ForcePush));
        count("iterations", &|_, row| row.iterations.len() > 2 && system(row, "RefUpdate").len() == row.iterations.len() - 1);
        count("turned down", &|plan, row| {
            plan.merge_commit.is_some()
                && system(row, "VoteUpdate")
                    .iter()
                    .any(|(_, _, bag)| matches!(bag.get("CodeReviewVoteResult"), Some(Property::Text(vote)) if vote.starts_with('-')))
        });
        count("undated", &|plan, row| plan.has_undated_vote && row.reviewers.iter().any(|reviewer| reviewer.vote == 10));
        count("deleted thread", &|_, row| row.threads.iter().any(|thread| thread.is_deleted));
        count("remark after the merge", &|_, row| {
            row.threads.iter().any(|thread| !thread.is_system() && row.closed.is_some_and(|closed| thread.published > closed))
        });
        count("group", &|_, row| {
            row.reviewers.iter().any(|reviewer| reviewer.vote == 10 && made.world.user(reviewer.id).is_some_and(|user| user.is_container))
        });
        count("labels", &|_, row| row.labels.len() == 2);
        count("opened before the window", &|plan, _| {
            plan.created < made.plan.window_from && plan.closed.is_some_and(|closed| closed > made.plan.window_from)
        });
        count("open for long", &|_, row| row.is_active() && row.created < made.plan.window_from);
        count("ticket", &|plan, row| plan.ticket.as_ref().is_some_and(|key| row.source_ref.contains(key.as_str())));
        count("linked", &|_, row| !row.work_items.is_empty());
        count("in the description", &|plan, row| {
            plan.work_items.iter().any(|id| row.description.as_ref().is_some_and(|text| text.contains(&format!("#{id}"))))
        });
        count("deployed", &|plan, _| plan.deployed.is_some());
        count("not deployed", &|plan, _| plan.merge_commit.is_some() && plan.deployed.is_none());
        count("two approvals", &|plan, _| plan.required_approvals == 2 && plan.approvals_in_force.len() == 2);
        assert!(rows.iter().all(|(_, row)| !row.is_active() || row.merge.status == MergeStatus::Succeeded));
    }
}

#[test]
fn instants_of_a_pull_request_are_in_order_and_its_threads_say_the_same() {
    for made in [s(), m()] {
        for plan in &made.plan.pull_requests {
            let row = made.world.pull_request(plan.number).unwrap();
            let number = plan.number;
            assert_eq!((plan.created, plan.closed, plan.state), (row.created, row.closed, row.state), "{number}");
            let chain: Vec<Timestamp> = [Some(plan.created), plan.ready, plan.first_human_review, plan.completing_approval, plan.closed]
                .into_iter()
                .flatten()
                .collect();
            assert!(chain.is_sorted(), "{number}: {plan:?}");
            assert!(row.threads.iter().all(|thread| thread.published >= plan.created), "{number}");
            let people = |who: Uuid| {
                who != row.created_by
                    && made.plan.bots.iter().all(|bot| bot.id != who)
                    && made.world.user(who).is_some_and(|user| !user.is_container)
            };
            // The first word or vote of a person that counts is the planned one.
            let before = |at: Timestamp| plan.closed.is_none_or(|closed| at < closed);
            let said = row
                .threads
                .iter()
                .filter(|thread| !thread.is_system() && !thread.is_deleted)
                .map(|thread| (thread.published, thread.comments[0].author));
            let voted = system(row, "VoteUpdate").into_iter().map(|(at, by, _)| (at, by));
            let first = said.chain(voted).filter(|(at, by)| people(*by) && before(*at)).map(|(at, _)| at).min();
            assert_eq!(first, plan.first_human_review, "{number}");
            // Approvals in force are the last votes of people who approve in the end.
            let mut last: BTreeMap<Uuid, (Timestamp, String)> = BTreeMap::new();
            for (at, by, bag) in system(row, "VoteUpdate") {
                let Some(Property::Text(vote)) = bag.get("CodeReviewVoteResult") else { panic!("{number}") };
                last.insert(by, (at, vote.clone()));
            }
            let mut in_force: Vec<Timestamp> =
                last.iter().filter(|(by, (_, vote))| people(**by) && vote == "10").map(|(_, (at, _))| *at).collect();
            in_force.sort_unstable();
            assert_eq!(in_force, plan.approvals_in_force, "{number}");
            for reviewer in &row.reviewers {
                let dated = last.get(&reviewer.id).map_or("0", |(_, vote)| vote.as_str());
                let is_group = made.world.user(reviewer.id).is_some_and(|user| user.is_container);
                assert!(is_group || plan.has_undated_vote || dated == reviewer.vote.to_string(), "{number} {reviewer:?} {dated}");
            }
            // Commits from git, walked from the branch's last tip to where it left main.
            let repo = made.repo(row.repository);
            let (tip, base) = (row.iterations.last().unwrap().source.clone(), row.iterations[0].common.clone().unwrap());
            let commits = repo.commits_between(&base, &tip).unwrap();
            assert_eq!(commits.iter().map(|commit| commit.author.when).min(), plan.first_author_date, "{number}");
        }
    }
}

#[test]
fn runs_have_every_kind_of_end() {
    for made in [s(), m()] {
        let size = made.plan.size;
        let any = |what: &str, test: &dyn Fn(&Build) -> bool| assert!(made.world.builds.values().any(test), "{size:?} has no run: {what}");
        let stage = |build: &Build, test: &dyn Fn(&str, &crate::sim::world::StageRun) -> bool| {
            build.stages.iter().any(|stage| test(&stage.identifier, stage))
        };
        let is_production = |name: &str| ["Production", "ProdEU", "ProdUS", "DeployProd"].contains(&name);
        let last = |stage: &crate::sim::world::StageRun| stage.last().and_then(|attempt| attempt.result);
        for result in [BuildResult::Succeeded, BuildResult::PartiallySucceeded, BuildResult::Failed, BuildResult::Canceled] {
            any(result.word(), &|build| build.result == Some(result));
        }
        for reason in [BuildReason::IndividualCI, BuildReason::PullRequest, BuildReason::Manual, BuildReason::Schedule] {
            any(reason.word(), &|build| build.reason == reason);
        }
        any("merge ref", &|build| build.ref_name.starts_with("refs/pull/") && build.pull_request.is_some());
        any("production skipped", &|build| stage(build, &|name, stage| is_production(name) && last(stage) == Some(RecordResult::Skipped)));
        any("production retried", &|build| {
            stage(build, &|name, stage| {
                is_production(name) && stage.attempts.len() == 2 && stage.attempts[0].result == Some(RecordResult::Failed)
            })
        });
        any("production abandoned", &|build| {
            stage(build, &|name, stage| is_production(name) && last(stage) == Some(RecordResult::Abandoned))
        });
        any("production with issues", &|build| {
            build.result == Some(BuildResult::PartiallySucceeded)
                && stage(build, &|_, stage| last(stage) == Some(RecordResult::SucceededWithIssues))
        });
        any("failed after production", &|build| {
            build.result == Some(BuildResult::Failed)
                && stage(build, &|name, stage| is_production(name) && last(stage) == Some(RecordResult::Succeeded))
                && stage(build, &|name, stage| name == "Smoke" && last(stage) == Some(RecordResult::Failed))
        });
        any("two regions", &|build| {
            ["ProdEU", "ProdUS"]
                .iter()
                .all(|wanted| stage(build, &|name, stage| name == *wanted && last(stage) == Some(RecordResult::Succeeded)))
        });
        any("cancelled in production", &|build| {
            stage(build, &|name, stage| is_production(name) && last(stage) == Some(RecordResult::Canceled))
        });
        any("in progress", &|build| build.status == BuildStatus::InProgress && build.finished.is_none());
        any("queued", &|build| build.status == BuildStatus::NotStarted);
        any("no start", &|build| build.result == Some(BuildResult::Canceled) && build.started.is_none());
        any("empty timeline", &|build| build.timeline == TimelineState::Empty);
        any("lost timeline", &|build| build.timeline == TimelineState::Gone);
        any("deleted repository", &|build| build.repository == made.plan.deleted);
        assert!(made.world.builds.values().any(|build| build.missing_times != MissingTime::Absent) || size == Size::S);
        let names: BTreeSet<&str> = made.world.definitions.values().map(|row| row.name.as_str()).collect();
        assert!(names.contains("preprod"), "{names:?}");
        assert!(names.contains("product-catalog") || size == Size::S, "{names:?}");
        assert!(names.iter().any(|name| name.starts_with(&made.plan.renamed.old)), "{names:?}");
        assert!(!made.world.environment_deployments.is_empty());
        for status in [DeploymentStatus::Succeeded, DeploymentStatus::Failed, DeploymentStatus::NotDeployed] {
            assert!(made.world.release_deployments.values().any(|row| row.status == status) || size == Size::S, "{status:?}");
        }
        for record in made.world.environment_deployments.values() {
            assert!(made.world.builds.contains_key(&record.build) && made.world.environments.contains_key(&record.environment));
        }
        for build in made.world.builds.values().filter(|build| build.repository != made.plan.deleted) {
            assert!(made.repo(build.repository).has_commit(&build.sha).unwrap(), "{build:?}");
            assert!(build.started.is_none_or(|at| at >= build.queued) && build.finished.is_none_or(|at| at >= build.queued));
        }
    }
}

#[test]
fn direct_pushes_stand_on_main_where_the_plan_says() {
    for made in [s(), m()] {
        let mut mains: BTreeMap<Uuid, Vec<String>> = BTreeMap::new();
        for planned in &made.plan.pushes {
            let main = mains.entry(planned.repository_id).or_insert_with(|| made.main(planned.repository_id));
            assert_eq!(main.get(planned.position), Some(&planned.sha), "{planned:?}");
            assert!(planned.deployed.as_ref().is_none_or(|by| by.at >= planned.at), "{planned:?}");
        }
        // With the merges and the roots they are all that ever moved main.
        let merged = made.plan.pull_requests.iter().filter(|row| row.position.is_some()).count();
        let moves: usize = made.world.repositories.iter().map(|row| made.main(row.id).len()).sum();
        assert_eq!(made.plan.pushes.len() + merged + made.world.repositories.len(), moves);
    }
}

#[test]
fn what_a_rollback_goes_back_over_has_failed_unless_it_had_stood_for_three_days() {
    for made in [s(), m()] {
        for rollback in made.plan.successes().filter(|row| row.class == Class::Rollback) {
            let is_before = |row: &&PlannedDeployment| row.repository_id == rollback.repository_id && row.at < rollback.at;
            let before: Vec<_> = made.plan.successes().filter(is_before).collect();
            let over: Vec<_> = before.iter().rev().take_while(|row| row.position > rollback.position).collect();
            assert!(over[0].intervention.is_some_and(|known| Some(known.at) <= rollback.at), "{:?}", over[0]);
            let is_soon = |row: &PlannedDeployment| {
                rollback.at.zip(row.at).is_some_and(|(at, then)| at.duration_since(then) <= SignedDuration::from_hours(72))
            };
            for row in over.iter().skip(1) {
                assert!(!is_soon(row) || row.intervention.is_some(), "{row:?} before {rollback:?}");
            }
        }
    }
}

#[test]
fn deployments_of_every_class_stand_in_the_plan_and_in_the_runs() {
    for made in [s(), m()] {
        let size = made.plan.size;
        let successes: Vec<_> = made.plan.successes().collect();
        for class in [Class::Regular, Class::Redeploy, Class::Rollback, Class::Hotfix, Class::Revert] {
            assert!(successes.iter().any(|row| row.class == class), "{size:?} {class:?}");
        }
        for outcome in [
            Outcome::Succeeded,
            Outcome::SucceededWithIssues,
            Outcome::Failed,
            Outcome::Skipped,
            Outcome::Rejected,
            Outcome::Cancelled,
            Outcome::Unfinished,
        ] {
            assert!(made.plan.deployments.iter().any(|row| row.outcome == outcome), "{size:?} {outcome:?}");
        }
        for cause in [Cause::Incident, Cause::Rollback, Cause::Fix] {
            let found = successes.iter().filter_map(|row| row.intervention).filter(|row| row.why == cause).count();
            assert!(found > 0, "{size:?} {cause:?}");
        }
        assert!(made.plan.deployments.iter().any(|row| row.run_failed_after));
        let mut positions: BTreeMap<Uuid, Vec<String>> = BTreeMap::new();
        for row in &made.plan.deployments {
            let Some(position) = row.position else { continue };
            let main = positions.entry(row.repository_id).or_insert_with(|| made.main(row.repository_id));
            assert_eq!(main.get(position), Some(&row.sha), "{row:?}");
            match row.way {
                Way::Classic => {
                    let release = &made.world.releases[&row.run];
                    assert_eq!(made.build(release.artifact.build).sha, row.sha);
                }
                Way::PipelineName => assert_eq!((&made.build(row.run).sha, made.build(row.run).finished), (&row.sha, row.at)),
                Way::Environments | Way::Stages => {
                    let build = made.build(row.run);
                    assert_eq!(build.sha, row.sha);
                    let ends = build.stages.iter().filter(|stage| stage.identifier.contains("Prod")).filter_map(|stage| stage.last());
                    assert_eq!(
                        ends.filter(|attempt| attempt.started.is_some()).filter_map(|attempt| attempt.finished).max(),
                        row.at,
                        "{row:?}"
                    );
                }
            }
        }
        for repository in positions.keys() {
            let times: Vec<_> = made.plan.successes().filter(|row| row.repository_id == *repository).map(|row| row.at.unwrap()).collect();
            assert!(times.is_sorted());
        }
    }
}

#[test]
fn a_pull_request_was_deployed_by_the_first_success_that_contains_it() {
    let made = m();
    // By git's own ancestry instead of positions, for a sample.
    for plan in made.plan.pull_requests.iter().filter(|plan| plan.merge_commit.is_some()).step_by(17) {
        let (merge, closed) = (plan.merge_commit.as_ref().unwrap(), plan.closed.unwrap());
        let repo = made.repo(plan.repository_id);
        let first = made
            .plan
            .successes()
            .filter(|row| row.repository_id == plan.repository_id && row.at.is_some_and(|at| at >= closed))
            .find(|row| repo.merge_base(merge, &row.sha).unwrap().as_ref() == Some(merge));
        assert_eq!(first.map(|row| (row.run, row.at)), plan.deployed.as_ref().map(|by| (by.run, Some(by.at))), "{plan:?}");
    }
}

#[test]
fn incidents_follow_a_deployment_before_the_next_one() {
    for made in [s(), m()] {
        assert!(!made.plan.incidents.is_empty());
        for incident in &made.plan.incidents {
            let item = made.world.work_item(incident.work_item).unwrap();
            assert!(item.kind == "Incident" || item.tags.iter().any(|tag| tag == "Incident"));
            assert_eq!((item.created, item.resolved), (incident.created, incident.resolved));
            let cause = made
                .plan
                .successes()
                .find(|row| row.intervention.is_some_and(|known| known.why == Cause::Incident && known.by == incident.work_item));
            let latest = made
                .plan
                .successes()
                .filter(|row| {
                    item.area_path == format!("{}\\{}", row.project, row.repository) && row.at.is_some_and(|at| at < item.created)
                })
                .last()
                .unwrap();
            assert_eq!(latest.run, incident.run);
            assert!(item.created.duration_since(latest.at.unwrap()) <= SignedDuration::from_hours(72));
            assert!(cause.is_none_or(|cause| cause.run == incident.run));
        }
        let numbers: Vec<_> = made.world.work_items.values().map(|item| item.created).collect();
        assert!(numbers.is_sorted());
        assert!(made.world.work_items.values().any(|item| item.kind == "Bug" && item.tags == ["cosmetic"]));
    }
}

#[test]
fn projects_of_m_differ_in_how_they_reach_production() {
    let made = m();
    let ways = |project: &str| -> BTreeSet<&str> {
        let rows = made.plan.services.iter().filter(|service| service.project == project);
        rows.map(|service| match service.kind {
            Way::Environments => "environments",
            Way::Stages => "stages",
            Way::PipelineName => "pipeline",
            Way::Classic => "classic",
        })
        .collect()
    };
    let all: Vec<String> = made.world.projects.iter().map(|project| project.name.clone()).collect();
    let only_classic = all.iter().filter(|name| ways(name) == BTreeSet::from(["classic"])).count();
    let none: Vec<&String> = all.iter().filter(|name| ways(name).is_empty()).collect();
    let has_definitions = |name: &str| {
        let id = made.world.project(name).unwrap().id;
        made.world.definitions.values().any(|row| row.project == id)
    };
    assert_eq!(only_classic, 1);
    assert_eq!(none.iter().filter(|name| has_definitions(name)).count(), 1);
    assert_eq!(none.iter().filter(|name| !has_definitions(name)).count(), 1);
    assert!(all.iter().any(|name| ways(name).len() > 1));
}

#[test]
fn names_and_texts_are_safe_and_a_file_of_the_last_tree_can_be_read() {
    let made = m();
    let texts =
        made.world.users.iter().map(|user| user.display_name.clone()).chain(made.plan.pull_requests.iter().map(|row| row.title.clone()));
    for text in texts {
        assert!(!text.trim().is_empty() && !text.chars().any(char::is_control), "{text:?}");
    }
    let aliases: BTreeSet<String> = made.world.users.iter().map(|user| user.unique_name.to_lowercase()).collect();
    assert_eq!(aliases.len(), made.world.users.len());
    let readme = made.repo(made.world.repositories[0].id).file(&Version::Branch("main".to_owned()), "/README.md").unwrap();
    assert!(readme.starts_with(b"# "));
}
