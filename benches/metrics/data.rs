//! Organisations as rows put straight into a store, through the doors that collecting uses: what figures are read from. The same size
//! gives the same rows.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use kanado::domain::collection::Source;
use kanado::domain::fact;
use kanado::domain::id::{Guid, ObjectId, ProjectId, RepositoryId};
use kanado::domain::person::Identity;
use kanado::domain::project::Deployment;
use kanado::domain::pull_request::{MergeState, PullRequestStatus, Reviewer, Vote};
use kanado::domain::run::{BranchPush, Build, DeploymentRecord, Environment, RunResult, RunStatus, StageResult};
use kanado::domain::work_item::{LinkTarget, Via, WorkItem};
use kanado::metrics::input::{Actor, ChangeCommit, Happening, What};
use kanado::store::{HistoryUpdate, NewOrganisation, PassEnd, Store};

/// How much there is, spread over so many days before [`now`].
#[derive(Debug, Clone, Copy)]
pub struct Size {
    pub projects: i64,
    /// Of all projects together, as everything below.
    pub repositories: i64,
    pub pull_requests: i64,
    pub builds: i64,
    pub days: i64,
}

/// Ten projects, a month.
pub const M: Size = Size { projects: 10, repositories: 50, pull_requests: 600, builds: 3_000, days: 30 };
/// Fifty projects, a month.
pub const L: Size = Size { projects: 50, repositories: 400, pull_requests: 5_000, builds: 30_000, days: 30 };
/// All that the figures of thirty days are read from, at once: two windows and the ninety days before them.
pub const BIG: Size = Size { projects: 50, repositories: 400, pull_requests: 200_000, builds: 1_000_000, days: 150 };

/// One run in so many deploys to production.
const DEPLOYS: i64 = 10;
/// From creation to completion of a pull request.
const OPEN_HOURS: i64 = 25;
/// A deployment takes what was completed two days after its creation.
const DEPLOYED_DAYS: i64 = 2;
const PEOPLE: i64 = 40;
/// Rows in a call.
const PAGE: usize = 1_000;

pub fn now() -> Timestamp {
    Timestamp::from_second(1_800_000_000).expect("a time")
}

fn person(number: i64) -> Identity {
    let number = number.rem_euclid(PEOPLE);
    Identity {
        id: Guid::new(format!("{number:08x}-1111-4222-8333-{number:012x}")),
        display_name: format!("Person {number}"),
        unique_name: format!("person{number}@example.test"),
    }
}

/// A commit's id that no other number has, and whose digits look like one's.
fn sha(number: i64) -> ObjectId {
    let mixed = (number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    ObjectId::new(format!("{mixed:016x}{number:024x}"))
}

fn guid(kind: u32, number: i64) -> Guid {
    Guid::new(format!("{number:08x}-{kind:04x}-4000-8000-{number:012x}"))
}

/// The `index`-th of `all` moments spread over the days.
fn moment(size: Size, index: i64, all: i64) -> Timestamp {
    let span = size.days * 24 * 3_600_000;
    now() - SignedDuration::from_millis(span - span * index / all.max(1))
}

fn minutes(count: i64) -> SignedDuration {
    SignedDuration::from_mins(count)
}

/// A project with its repositories; of everything, what has its number modulo the projects is its own.
struct Place {
    project: ProjectId,
    guid: Guid,
    /// With the number of each.
    repositories: Vec<(i64, RepositoryId, Guid)>,
}

impl Place {
    fn repository(&self, number: i64) -> &(i64, RepositoryId, Guid) {
        &self.repositories[usize::try_from(number).unwrap_or_default() % self.repositories.len()]
    }
}

async fn places(store: &Store, size: Size) -> Vec<Place> {
    let organisation = NewOrganisation {
        name: "bench".to_owned(),
        url: "https://dev.example.test/bench/".to_owned(),
        deployment: Deployment::Services,
        instance: None,
        me: Some(person(0)),
    };
    let organisation = store.put_organisation(&organisation, now()).await.expect("an organisation").id;
    let mut places = Vec::new();
    for number in 0..size.projects {
        let guid_of = guid(1, number);
        let fact = fact::Project { guid: guid_of.clone(), name: format!("Project {number:03}"), description: None, well_formed: true };
        let project = store.put_project(organisation, &fact, &format!("P{number:03}")).await.expect("a project").id;
        store.measure_project(project, now() - SignedDuration::from_hours(24 * size.days)).await.expect("it is measured");
        let numbers: Vec<i64> = (0..size.repositories).filter(|repository| repository % size.projects == number).collect();
        let facts: Vec<fact::Repository> = numbers
            .iter()
            .map(|&repository| fact::Repository {
                guid: guid(2, repository),
                name: format!("repo-{repository:04}"),
                project: guid_of.clone(),
                default_branch: Some("main".to_owned()),
                disabled: false,
                web_url: None,
                remote_url: None,
            })
            .collect();
        let kept = store.put_repositories(project, &facts).await.expect("repositories");
        let repositories = numbers
            .iter()
            .filter_map(|&number| kept.iter().find(|one| one.guid == guid(2, number)).map(|one| (number, one.id, one.guid.clone())))
            .collect();
        places.push(Place { project, guid: guid_of, repositories });
    }
    places
}

/// The merge commit of a pull request is the tip that its completion pushed.
fn pull_request(size: Size, place: &Place, number: i64) -> Vec<HistoryUpdate> {
    let (_, repository, repository_guid) = place.repository(number / size.projects);
    let created = moment(size, number, size.pull_requests);
    let (author, reviewer) = (person(number), person(number + 1 + number % 7));
    let closed = created + minutes(OPEN_HOURS * 60);
    let status = match number % 25 {
        0 => PullRequestStatus::Abandoned,
        _ if closed > now() => PullRequestStatus::Active,
        _ => PullRequestStatus::Completed,
    };
    let closed_at = (status != PullRequestStatus::Active).then_some(closed.min(now()));
    let listed = fact::PullRequest {
        number,
        repository: repository_guid.clone(),
        repository_name: String::new(),
        project: Some(place.guid.clone()),
        title: if number % 50 == 7 { format!("Revert \"Change {}\"", number - 50) } else { format!("Change {number} of the usual length") },
        description: String::new(),
        status,
        is_draft: false,
        source_branch: format!("feature/P-{number}"),
        target_branch: "main".to_owned(),
        author: author.clone(),
        created_at: created,
        closed_at,
        merge: MergeState::Succeeded,
        auto_complete: false,
        reviewers: vec![Reviewer { identity: reviewer.clone(), vote: Vote::Approved, required: true, is_group: false }],
        labels: vec![],
        source_commit: Some(sha(4_000_000 + number)),
        target_commit: None,
        merge_commit: Some(sha(number)),
    };
    let happening = |after: i64, by: &Identity, what| Happening { at: created + minutes(after), by: Some(by.id.clone()), what };
    let happenings = vec![
        happening(20 + number % 300, &reviewer, What::Comment { open: false }),
        happening(25 + number % 300, &author, What::Pushed),
        happening(40 + number % 400, &reviewer, What::Vote { vote: Vote::Approved }),
    ];
    let actor = |who: &Identity| Actor {
        id: who.id.clone(),
        name: who.display_name.clone(),
        unique_name: who.unique_name.clone(),
        is_group: false,
    };
    let actors = vec![actor(&author), actor(&reviewer)];
    let commits = vec![
        ChangeCommit { sha: sha(5_000_000 + number), authored_at: Some(created - minutes(600 + number % 3_000)) },
        ChangeCommit { sha: sha(4_000_000 + number), authored_at: Some(created - minutes(5)) },
    ];
    let items = task(number).into_iter().collect();
    let repository = *repository;
    vec![
        HistoryUpdate::Listed(listed),
        HistoryUpdate::Threads { repository, number, happenings, actors, at: now() },
        HistoryUpdate::Detail { repository, number, commits, items, iterations: Some(2), at: now() },
    ]
}

/// What completing a pull request did to the default branch.
fn landed(size: Size, place: &Place, number: i64) -> (BranchPush, fact::Commit) {
    let at = moment(size, number, size.pull_requests) + minutes(OPEN_HOURS * 60);
    let before = number - size.projects * place.repositories.len() as i64;
    let push = BranchPush {
        number: 1 + number,
        branch: "main".to_owned(),
        old: if before < 0 { ObjectId::zero() } else { sha(before) },
        new: sha(number),
        at,
        pusher: Some(person(number)),
    };
    let commit = fact::Commit {
        id: sha(number),
        author_name: person(number).display_name,
        author_email: person(number).unique_name,
        authored_at: Some(at),
        committed_at: Some(at),
        message: format!("Merged PR {number}: Change {number} of the usual length"),
        is_cut: false,
        parents: vec![],
        changes: Some(fact::ChangeCounts { added: 1, edited: 3, deleted: 0 }),
    };
    (push, commit)
}

/// Every repository has one pipeline.
fn build(size: Size, place: &Place, number: i64) -> Build {
    let (definition, _, repository) = place.repository(number / size.projects);
    let queued = moment(size, number, size.builds);
    let deploys = is_deployment(size, number);
    let of_pull_request = newest_of(size, place, number);
    let failed = number % 17 == 3;
    Build {
        number: 1 + number,
        label: format!("2026.{number}"),
        definition: 1 + definition,
        definition_name: format!("pipeline {definition}"),
        repository: Some(repository.clone()),
        branch: Some(if deploys { "refs/heads/main".to_owned() } else { format!("refs/pull/{of_pull_request}/merge") }),
        sha: Some(sha(if deploys { of_pull_request } else { 4_000_000 + of_pull_request })),
        reason: if deploys { "individualCI" } else { "pullRequest" }.to_owned(),
        status: RunStatus::Completed,
        result: Some(if failed { RunResult::Failed } else { RunResult::Succeeded }),
        queued_at: Some(queued),
        started_at: Some(queued + minutes(1)),
        finished_at: Some(queued + minutes(13)),
        requested_for: Some(person(number)),
        tags: vec![],
        web_url: Some(format!("https://dev.example.test/bench/_build/results?buildId={number}")),
    }
}

/// The newest pull request of the run's repository that was completed when the run began.
fn newest_of(size: Size, place: &Place, number: i64) -> i64 {
    let (index, run) = (number % size.projects, number / size.projects);
    let (pull_requests, repositories) = (size.pull_requests / size.projects, place.repositories.len() as i64);
    let newest = run * size.pull_requests / size.builds.max(1) - pull_requests * DEPLOYED_DAYS / size.days - 1;
    // Both go round the repositories.
    let own = newest.max(0) / repositories * repositories + run % repositories;
    own.min(pull_requests - 1) * size.projects + index
}

fn is_deployment(size: Size, number: i64) -> bool {
    (number / size.projects) % DEPLOYS == 0
}

/// A deployment goes through two environments.
fn records(size: Size, place: &Place, number: i64) -> Vec<DeploymentRecord> {
    let run = build(size, place, number);
    let end = |minute| run.queued_at.map(|at| at + minutes(minute));
    let record = |index: i64, environment: i64, stage: &str, minute: i64| DeploymentRecord {
        number: number * 2 + index,
        environment,
        definition: run.definition,
        definition_name: run.definition_name.clone(),
        run: run.number,
        stage: stage.to_owned(),
        stage_attempt: 1,
        job: "deploy".to_owned(),
        job_attempt: 1,
        result: if number % 17 == 3 { StageResult::Failed } else { StageResult::Succeeded },
        queued_at: end(minute - 4),
        started_at: end(minute - 3),
        finished_at: end(minute),
    };
    vec![record(0, 1, "Staging", 7), record(1, 2, "Production", 12)]
}

fn incident(size: Size, number: i64) -> WorkItem {
    let at = moment(size, number * 40, size.pull_requests);
    WorkItem {
        number: 500_000 + number,
        revision: 1,
        kind: "Incident".to_owned(),
        state: "Closed".to_owned(),
        title: format!("Incident {number}"),
        tags: vec![],
        area: "Bench".to_owned(),
        created_at: Some(at),
        changed_at: Some(at),
        resolved_at: Some(at + minutes(90)),
    }
}

/// What pull requests and commits hang on: every third of each.
fn task(of: i64) -> Option<i64> {
    (of % 3 == 0).then_some(10_000 + of % 500)
}

async fn fill_project(store: &Store, size: Size, place: &Place, index: i64) {
    let own = |all: i64| (0..all).filter(move |number| number % size.projects == index);
    let project = place.project;
    let environments = [(1, "staging"), (2, "production")].map(|(number, name)| Environment { number, name: name.to_owned() });
    store.put_environments(project, &environments, None).await.expect("environments");
    let builds: Vec<i64> = own(size.builds).collect();
    for numbers in builds.chunks(PAGE * 5) {
        let page: Vec<Build> = numbers.iter().map(|&number| build(size, place, number)).collect();
        store.put_builds(project, &page, None).await.expect("runs");
    }
    let deployments: Vec<i64> = builds.into_iter().filter(|&number| is_deployment(size, number)).collect();
    for numbers in deployments.chunks(PAGE) {
        let page: Vec<DeploymentRecord> = numbers.iter().flat_map(|&number| records(size, place, number)).collect();
        store.put_deployment_records(project, &page, None).await.expect("deployments");
    }
    let pull_requests: Vec<i64> = own(size.pull_requests).collect();
    for numbers in pull_requests.chunks(PAGE) {
        let page = numbers.iter().flat_map(|&number| pull_request(size, place, number)).collect();
        store.put_histories(project, page, now(), None).await.expect("pull requests");
        let links: Vec<_> = numbers
            .iter()
            .filter_map(|&number| Some((number, task(number)?)))
            .flat_map(|(number, item)| {
                let repository = place.repository(number / size.projects).1;
                [
                    (item, repository, LinkTarget::PullRequest { number }, Via::Link),
                    (item, repository, LinkTarget::Commit { sha: sha(number) }, Via::Text),
                ]
            })
            .collect();
        store.put_links(project, &links).await.expect("links");
    }
    for (_, repository, _) in &place.repositories {
        let of_repository = pull_requests.iter().filter(|&&number| place.repository(number / size.projects).1 == *repository);
        let (pushes, commits): (Vec<_>, Vec<_>) = of_repository.map(|&number| landed(size, place, number)).unzip();
        for (pushes, commits) in pushes.chunks(PAGE).zip(commits.chunks(PAGE)) {
            store.put_commits(*repository, commits, None).await.expect("commits");
            store.put_pushes(*repository, pushes, None).await.expect("pushes");
        }
    }
    let mut items: Vec<WorkItem> = own(size.pull_requests / 40).map(|number| incident(size, number)).collect();
    let tasks: BTreeSet<i64> = own(size.pull_requests).filter_map(task).collect();
    items.extend(tasks.into_iter().map(|number| WorkItem { number, kind: "Task".to_owned(), ..incident(size, 0) }));
    store.put_work_items(project, &items, None).await.expect("work items");
    for source in Source::ALL {
        store.end_pass(project, source, PassEnd::Complete { synced_at: now() }).await.expect("the collection is complete");
    }
}

/// Fills an empty store.
pub async fn fill(store: &Store, size: Size) {
    let places = places(store, size).await;
    for (index, place) in (0..).zip(&places) {
        fill_project(store, size, place, index).await;
    }
}
