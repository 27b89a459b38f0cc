//! A pass over projects: lists of all of them first, then what hangs on each pull request, then the rest.

use std::collections::BTreeMap;

use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, StreamExt as _, TryStreamExt as _, stream};
use tokio::sync::{mpsc, watch};

use super::agreed;
use super::course::{Course, Shared, Stop};
use super::plan::{self, Known, Operation};
use super::progress::{Progress, ProjectProgress};
use super::reviews::Read;
use super::{Job, Settings};
use crate::ado::ErrorKind;
use crate::clock::Clock;
use crate::domain::collection::Source;
use crate::store::{self, Due, Store};

/// How often a pass looks which further runs are to be asked for their stages: probes tell of pipelines, samples of sorts of runs.
const MOST_ROUNDS: usize = 3;

/// Answers that are kept in one transaction, at most.
const TOGETHER: usize = 32;

/// How a pass over projects ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ended {
    /// What was asked, what failed and what was refused.
    pub progress: Progress,
    /// Requests that were sent for it, repeated ones included. What others ask through the same client meanwhile is among them.
    pub requests: u64,
    /// The token is not valid any more.
    pub is_token_refused: bool,
}

impl Ended {
    /// Whether everything that may be read was read.
    pub fn is_complete(&self) -> bool {
        self.progress.failed() == 0
    }
}

/// Goes once over the sources of these projects. What of Azure DevOps fails is written down with its source, and the rest goes on.
///
/// # Errors
/// The store's trouble ends the pass; what was kept until then is there.
pub fn run<'a>(
    store: &'a Store,
    clock: &'a Clock,
    settings: &'a Settings,
    jobs: &'a [Job],
    progress: &'a watch::Sender<Progress>,
) -> BoxFuture<'a, store::Result<Ended>> {
    pass(store, clock, settings, jobs, progress).boxed()
}

async fn pass(store: &Store, clock: &Clock, settings: &Settings, jobs: &[Job], progress: &watch::Sender<Progress>) -> store::Result<Ended> {
    let sent = || {
        let by_place: BTreeMap<&str, u64> = jobs.iter().map(|job| (job.client.base().url(), job.client.request_log().total())).collect();
        by_place.values().sum::<u64>()
    };
    let before = sent();
    // Who is a machine decides what is asked.
    store.refresh_flows(&agreed::rules(store, settings).await?).await?;
    let shared = Shared::new(store, clock, settings, progress);
    let empty = |job: &Job| ProjectProgress { project: job.project.id, name: job.project.name.clone(), sources: Vec::new() };
    progress.send_replace(Progress {
        began: Some(clock.now()),
        first_tiles_at: None,
        here: 0,
        projects: jobs.iter().map(empty).collect(),
        waiting: None,
    });
    let mut courses = Vec::with_capacity(jobs.len());
    for (at, job) in jobs.iter().enumerate() {
        courses.push(Course::open(&shared, job, at).await?);
    }
    all(&courses, |course| first_tiles(course).boxed()).await?;
    progress.send_modify(|progress| progress.first_tiles_at = Some(clock.now()));
    after_lists(&courses).await?;
    all(&courses, |course| last(course).boxed()).await?;
    let is_token_refused = courses.iter().any(Course::is_token_refused);
    let progress = progress.borrow().clone();
    Ok(Ended { progress, requests: sent().saturating_sub(before), is_token_refused })
}

/// Does the same for every project, several at once.
async fn all<'c, 'a>(courses: &'c [Course<'a>], work: impl Fn(&'c Course<'a>) -> BoxFuture<'c, store::Result<()>>) -> store::Result<()> {
    stream::iter(courses.iter().map(work).collect::<Vec<_>>()).buffer_unordered(at_once(courses)).try_collect().await
}

fn at_once(courses: &[Course<'_>]) -> usize {
    courses.first().map_or(1, |course| course.shared.settings.at_once)
}

/// The lists of a project.
async fn first_tiles(course: &Course<'_>) -> store::Result<()> {
    let operations = plan::first_tiles();
    let of = |source| operations.iter().filter(move |operation| operation.source() == source).cloned().collect::<Vec<_>>();
    for source in [Source::PullRequests, Source::Builds, Source::Environments, Source::Releases] {
        course.expect(source, of(source).len());
    }
    // Names and default branches change, whether or not anybody compares the project: once a day, with the policies.
    let is_due = course.was_backfilled(Source::PullRequests) && course.store().approvals(course.project().id).await?.is_due(course.now());
    if course.repositories().is_empty() || is_due {
        course.take(Source::Pushes, course.list_repositories().await)?;
    }
    let pull_requests = async {
        for operation in of(Source::PullRequests) {
            walk(course, &operation).await?;
        }
        if course.may(Source::PullRequests) {
            course.take(Source::PullRequests, course.missing_pull_requests().await)?;
        }
        course.end(Source::PullRequests).await
    };
    let builds = async {
        for operation in of(Source::Builds) {
            walk(course, &operation).await?;
        }
        course.end(Source::Builds).await
    };
    let environments = async {
        for operation in of(Source::Environments) {
            walk(course, &operation).await?;
        }
        let found = course.take(Source::Environments, course.production_environments().await)?.unwrap_or_default();
        course.expect(Source::Environments, found.len());
        let records = found.into_iter().map(|environment| {
            let operation = Operation::Records { environment };
            async move { walk(course, &operation).await }.boxed()
        });
        stream::iter(records.collect::<Vec<_>>()).buffer_unordered(4).try_collect::<()>().await?;
        course.end(Source::Environments).await
    };
    let releases = async {
        for operation in of(Source::Releases) {
            walk(course, &operation).await?;
        }
        course.end(Source::Releases).await
    };
    futures_util::try_join!(pull_requests, builds, environments, releases)?;
    Ok(())
}

/// Everything that is a question by itself, of all projects, in the order of the plan.
async fn after_lists(courses: &[Course<'_>]) -> store::Result<()> {
    let mut planned = Vec::new();
    for course in courses {
        // Whoever may not see runs does not learn which have stages.
        course.refuse_with(Source::Timelines, Source::Builds);
        planned.push(plan::after_lists(&known(course).await?));
    }
    for (course, operations) in courses.iter().zip(&planned) {
        for source in [Source::Threads, Source::Details, Source::Pushes, Source::Timelines, Source::Commits, Source::WorkItems] {
            course.expect(source, operations.iter().filter(|operation| operation.source() == source).count());
        }
    }
    // What was refused last time is asked for once before the rest of it is.
    for (course, operations) in courses.iter().zip(&planned) {
        for source in [Source::Threads, Source::Details, Source::Pushes, Source::Timelines, Source::Commits] {
            if course.was_refused(source)
                && let Some(operation) = operations.iter().find(|one| one.source() == source && **one != Operation::Approvals)
                && let Some(read) = perform(course, operation.clone()).await?
            {
                course.take(source, course.keep(vec![read]).await)?;
            }
        }
    }
    let now = courses.iter().zip(planned).flat_map(|(course, operations)| {
        operations.into_iter().filter(|operation| operation.source() != Source::WorkItems).map(move |operation| (course, operation))
    });
    // All projects' threads before any project's details, and so on.
    let mut now: Vec<_> = now.collect();
    now.sort_by_key(|(_, operation)| Source::ALL.iter().position(|source| *source == operation.source()));
    ask(now).await?;
    // A pipeline that turned out to deploy: its other runs; and a sort of them that did: the rest of it.
    for _ in 0..MOST_ROUNDS {
        let mut more = Vec::new();
        for course in courses.iter().filter(|course| course.may(Source::Timelines)) {
            let found = course.take(Source::Timelines, course.timelines().await)?.unwrap_or_default();
            course.expect(Source::Timelines, found.len());
            more.extend(found.into_iter().map(|(definition, build)| (course, Operation::Timeline { definition, build })));
        }
        if more.is_empty() {
            break;
        }
        ask(more).await?;
    }
    // Which pushes are not read, and which deployments stand beside the line, is known when all of the above is.
    let mut between = Vec::new();
    for course in courses.iter().filter(|course| course.may(Source::Commits)) {
        let found = course.take(Source::Commits, course.between_commits().await)?.unwrap_or_default();
        course.expect(Source::Commits, found.len());
        between.extend(found.into_iter().map(|operation| (course, operation)));
    }
    ask(between).await?;
    for course in courses {
        for source in [Source::Threads, Source::Details, Source::Pushes, Source::Timelines, Source::Commits] {
            course.end(source).await?;
        }
    }
    Ok(())
}

/// Work items, once it is known which are named.
async fn last(course: &Course<'_>) -> store::Result<()> {
    walk(course, &Operation::ChangedWorkItems).await?;
    course.end(Source::WorkItems).await
}

/// What the plan needs to know of a project after its lists.
async fn known(course: &Course<'_>) -> store::Result<Known> {
    let (store, project) = (course.store(), course.project().id);
    let threads = store.histories_wanting(project, Due::Threads).await?;
    let details = store.histories_wanting(project, Due::Detail).await?;
    let mut read = Vec::new();
    // In a first pass everything is as new as can be.
    if course.was_backfilled(Source::Threads) {
        let begun = course.begun(Source::Threads);
        let active = store.histories_active(project).await?;
        let of_turn = active.iter().filter(|one| one.is_followed && one.threads_at.is_some_and(|at| at < begun));
        read = of_turn.map(|one| (one.repository, one.number)).collect();
    }
    let timelines = course.take(Source::Timelines, course.timelines().await)?.unwrap_or_default();
    let repositories = course.readable();
    let mut unlisted = Vec::new();
    for (repository, branch) in &repositories {
        let commits = Operation::Commits { repository: *repository, branch: branch.clone() };
        // What was refused is asked for once more, to see whether it still is.
        if course.was_refused(Source::Commits) || !course.covers(&commits).await {
            unlisted.push((*repository, branch.clone()));
        }
    }
    let approvals_due = store.approvals(project).await?.is_due(course.now());
    Ok(Known { approvals_due, threads, details, read, repositories, unlisted, timelines })
}

/// What was read, and whose it is.
type Answer<'c, 'a> = store::Result<(&'c Course<'a>, Option<Read>)>;

/// Made when its turn comes: there can be very many.
fn question<'c, 'a>((course, operation): (&'c Course<'a>, Operation)) -> BoxFuture<'c, Answer<'c, 'a>> {
    async move { Ok((course, perform(course, operation).await?)) }.boxed()
}

/// Asks several questions at once and keeps the answers, those that came together in one transaction.
///
/// Both go on side by side: a question that keeps its own answer holds the store for that long, and would never let go of it if it were
/// not asked on while others are kept.
async fn ask(operations: Vec<(&Course<'_>, Operation)>) -> store::Result<()> {
    let at_once = operations.first().map_or(1, |(course, _)| course.shared.settings.at_once);
    let (sender, mut answers) = mpsc::unbounded_channel();
    let asking = async move {
        let mut questions = stream::iter(operations).map(question).buffer_unordered(at_once);
        while let Some(answer) = questions.next().await {
            if let (course, Some(read)) = answer? {
                // Nobody keeps any more only where that failed, which ends both.
                let _ = sender.send((course, read));
            }
        }
        Ok(())
    };
    let keeping = async move {
        let mut together = Vec::with_capacity(TOGETHER);
        while answers.recv_many(&mut together, TOGETHER).await > 0 {
            keep(std::mem::take(&mut together)).await?;
        }
        Ok(())
    };
    futures_util::try_join!(asking, keeping).map(|((), ())| ())
}

/// Keeps what was read, each project's together.
async fn keep(read: Vec<(&Course<'_>, Read)>) -> store::Result<()> {
    let mut of_course: Vec<(&Course<'_>, Vec<Read>)> = Vec::new();
    for (course, read) in read {
        match of_course.iter_mut().find(|(known, _)| std::ptr::eq(*known, course)) {
            Some((_, together)) => together.push(read),
            None => of_course.push((course, vec![read])),
        }
    }
    for (course, read) in of_course {
        let source = read.first().map_or(Source::Threads, |read| read.source);
        course.take(source, course.keep(read).await)?;
    }
    Ok(())
}

/// Carries out an operation; what is to be kept together with others is handed back.
async fn perform(course: &Course<'_>, operation: Operation) -> store::Result<Option<Read>> {
    let source = operation.source();
    if !course.may(source) {
        return Ok(None);
    }
    match operation {
        Operation::Threads { repository, number } => {
            Ok(course.take_of(source, repository, course.threads(repository, number).await)?.flatten())
        }
        Operation::Detail { repository, number } => {
            Ok(course.take_of(source, repository, course.detail(repository, number).await)?.flatten())
        }
        Operation::Timeline { definition, build } => {
            course.take(source, course.timeline(definition, build).await)?;
            Ok(None)
        }
        Operation::Pushed { repository, ref old, ref new } => {
            course.take_of(source, repository, course.pushed(&operation, repository, old, new).await)?;
            Ok(None)
        }
        Operation::Between { repository, ref base, ref head } => {
            course.take_of(source, repository, course.between(&operation, repository, base, head).await)?;
            Ok(None)
        }
        Operation::Approvals => {
            course.take(source, course.approvals().await)?;
            Ok(None)
        }
        listing => {
            walk(course, &listing).await?;
            Ok(None)
        }
    }
}

/// Reads a listing page after page, from where the pass under way is.
async fn walk(course: &Course<'_>, operation: &Operation) -> store::Result<()> {
    let source = operation.source();
    let mut has_restarted = false;
    while course.may(source)
        && let Some(place) = course.place(operation).await
    {
        let page = match operation {
            Operation::ActivePullRequests | Operation::ClosedPullRequests => course.pull_requests_page(operation, &place).await,
            Operation::FinishedBuilds | Operation::RunningBuilds => course.builds_page(operation, &place).await,
            Operation::Environments => course.environments_page(operation, &place).await,
            Operation::Records { environment } => course.records_page(operation, *environment, &place).await,
            Operation::Deployments => course.deployments_page(operation, &place).await,
            Operation::Pushes { repository, branch } => course.pushes_page(operation, *repository, branch, &place).await,
            Operation::Commits { repository, .. } => course.commits_page(operation, *repository, &place).await,
            Operation::ChangedWorkItems => course.changed_items(operation, &place).await,
            Operation::Approvals
            | Operation::Threads { .. }
            | Operation::Detail { .. }
            | Operation::Timeline { .. }
            | Operation::Pushed { .. }
            | Operation::Between { .. } => return Ok(()),
        };
        let lost_its_place = matches!(&page, Err(Stop::Ado(error)) if *error.kind() == ErrorKind::BadRequest) && place.next.is_some();
        if lost_its_place && !has_restarted {
            // A continuation token of long ago may not be known any more.
            has_restarted = true;
            course.restart(operation).await;
            continue;
        }
        let went_well = page.is_ok();
        match operation {
            Operation::Pushes { repository, .. } => {
                course.take_of(source, *repository, page)?;
                if course.is_hidden(*repository) {
                    course.hide(*repository).await?;
                }
            }
            Operation::Commits { repository, .. } => {
                course.take_of(source, *repository, page)?;
            }
            _ => {
                course.take(source, page)?;
            }
        }
        if !went_well {
            return Ok(());
        }
    }
    Ok(())
}
