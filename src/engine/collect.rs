//! Collects the facts of measured projects: the first pass as soon as there is one to make, and a refresh every so often. One process at
//! a time for a project.
//!
//! Limits: what is under way when the engine stops is dropped: every page that was read is kept, and the next process goes on after it.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

use super::Works;
use super::hearing::heard;
use super::keep::backoff;
use crate::action::lease::{self, Held};
use crate::action::{self, Context, holder, rate_limit};
use crate::config::Config;
use crate::domain::change::Change;
use crate::domain::collection::{Collection, Source};
use crate::domain::id::{OrganisationId, ProjectId};
use crate::domain::project::Project;
use crate::memory;
use crate::notice::{Explain as _, inert};
use crate::store::PassEnd;
use crate::sync::collect::progress::Waiting;
use crate::sync::collect::{self, Ended, Job, Progress, Settings, Whose, agreed};

/// A lease holds for this long, and is held on to while the work goes on.
const LEASE: SignedDuration = SignedDuration::from_secs(120);
const HOLD_ON: SignedDuration = SignedDuration::from_secs(40);
/// A pass in which something failed is repeated after this long, and later and later.
const AGAIN: SignedDuration = SignedDuration::from_secs(30);

/// What is remembered of a project between two turns.
#[derive(Debug, Clone, Copy, Default)]
struct Course {
    failures: u32,
    /// Somebody else was collecting it, and has the lease until then.
    held_until: Option<Timestamp>,
}

pub async fn run(works: Arc<Works>) -> action::Result<()> {
    // What hooks tell of is kept with these before the first pass.
    agreed::adopt(works.store(), &works.ctx.config.metrics.rules).await?;
    let Some(every) = works.options.collect_every else { return Ok(()) };
    // Before the first look: what comes in between is heard.
    let mut changes = works.store().subscribe();
    let mut courses: BTreeMap<ProjectId, Course> = BTreeMap::new();
    while !works.token.is_cancelled() {
        let now = works.now();
        let mut next = now + every;
        let mut due = Vec::new();
        for project in works.store().projects().await? {
            let collection = works.store().collection(project.id).await?;
            if collection.sources.is_empty() {
                continue;
            }
            let course = courses.get(&project.id).copied().unwrap_or_default();
            let at = due_at(&collection, every, course.failures, now).max(course.held_until.unwrap_or(Timestamp::MIN));
            if at > now {
                next = next.min(at);
                continue;
            }
            match lease::take(&works.ctx, &lease_of(project.id), &works.holder, LEASE).await? {
                Some(Held { until, .. }) => {
                    courses.entry(project.id).or_default().held_until = Some(until);
                    next = next.min(until);
                }
                // Somebody may have done it between the look and the lease.
                None if due_at(&works.store().collection(project.id).await?, every, course.failures, now) > now => {
                    release(&works.ctx, project.id, &works.holder).await?;
                }
                None => due.push(project),
            }
        }
        if !due.is_empty() {
            let settings = settings(&works.ctx.config);
            let (silent, _) = watch::channel(Progress::default());
            let turn = tokio::select! {
                turn = under_leases(&works.ctx, &due, &works.holder, &settings, &silent) => Some(turn),
                () = works.token.cancelled() => None,
            };
            for project in &due {
                release(&works.ctx, project.id, &works.holder).await?;
            }
            let Some(turn) = turn else { return Ok(()) };
            let failed: BTreeSet<ProjectId> = turn?.progress.failed_projects().collect();
            for project in due {
                let course = courses.entry(project.id).or_default();
                course.held_until = None;
                course.failures = if failed.contains(&project.id) { course.failures.saturating_add(1) } else { 0 };
            }
            // A pass goes through much that is not needed until the next one.
            tokio::task::spawn_blocking(memory::give_back);
            // When each is due again follows from how these ended.
            continue;
        }
        tokio::select! {
            () = works.token.cancelled() => {}
            () = heard(&mut changes, |change| matches!(change, Change::Project(_))) => {}
            () = works.wait_until(Some(next)) => {}
        }
    }
    Ok(())
}

/// When a project is to be collected again. What is said to have been tried long after now, a clock noted that went wrong.
fn due_at(collection: &Collection, every: SignedDuration, failures: u32, now: Timestamp) -> Timestamp {
    let sources = &collection.sources;
    if sources.iter().filter_map(|source| source.attempted_at).any(|at| at > now + every) {
        return Timestamp::MIN;
    }
    if sources.iter().any(|source| source.failed.is_some()) {
        let last = sources.iter().filter_map(|source| source.attempted_at).max();
        return last.map_or(Timestamp::MIN, |at| at + backoff(failures.max(1), AGAIN, every));
    }
    // Cut off in the middle, or never begun.
    if !collection.is_complete() {
        return Timestamp::MIN;
    }
    sources.iter().map(|source| source.attempted_at).min().flatten().map_or(Timestamp::MIN, |at| at + every)
}

/// Collects projects now, whoever else runs; waits while another process does.
///
/// # Errors
/// The store's trouble. What Azure DevOps did not answer is in the progress.
pub async fn now(ctx: &Context, projects: &[Project], settings: &Settings, progress: &watch::Sender<Progress>) -> action::Result<Ended> {
    let holder = holder::name();
    take_all(ctx, projects, &holder, progress).await?;
    let ended = under_leases(ctx, projects, &holder, settings, progress).await;
    for project in projects {
        release(ctx, project.id, &holder).await?;
    }
    ended
}

/// Takes the leases of all these projects. What is had already is held on to while others are waited for.
async fn take_all(ctx: &Context, projects: &[Project], holder: &str, progress: &watch::Sender<Progress>) -> action::Result<()> {
    let mut changes = ctx.store.subscribe();
    let mut at = 0;
    while let Some(project) = projects.get(at) {
        let Some(Held { by, until }) = lease::take(ctx, &lease_of(project.id), holder, LEASE).await? else {
            at += 1;
            continue;
        };
        let waiting = Waiting { project: project.name.clone(), by: holder::words(&by), until };
        progress.send_modify(|progress| progress.waiting = Some(waiting));
        tokio::select! {
            () = ctx.clock.wait_until(until.min(ctx.clock.now() + HOLD_ON)) => {}
            () = holder::gone(&by) => {}
            () = heard(&mut changes, |change| matches!(change, Change::Facts(_))) => {}
        }
        at = 0;
    }
    progress.send_if_modified(|progress| progress.waiting.take().is_some());
    Ok(())
}

/// What the configuration says about collecting.
pub fn settings(config: &Config) -> Settings {
    Settings {
        rules: config.metrics.rules.clone(),
        lists: Whose::Team,
        done_on_merge: config.board.done_on_merge,
        at_once: collect::AT_ONCE,
    }
}

fn lease_of(project: ProjectId) -> String {
    format!("collect:{project}")
}

async fn release(ctx: &Context, project: ProjectId, holder: &str) -> action::Result<()> {
    Ok(ctx.store.release_lease(&lease_of(project), holder, ctx.clock.now()).await?)
}

async fn under_leases(
    ctx: &Context,
    projects: &[Project],
    holder: &str,
    settings: &Settings,
    progress: &watch::Sender<Progress>,
) -> action::Result<Ended> {
    tokio::select! {
        ended = pass(ctx, projects, settings, progress) => ended,
        never = hold_on(ctx, projects, holder) => match never {},
    }
}

/// One pass over projects, those that can be reached.
async fn pass(ctx: &Context, projects: &[Project], settings: &Settings, progress: &watch::Sender<Progress>) -> action::Result<Ended> {
    let mut by_organisation: BTreeMap<OrganisationId, Vec<Project>> = BTreeMap::new();
    for project in projects {
        by_organisation.entry(project.organisation).or_default().push(project.clone());
    }
    let mut jobs = Vec::new();
    let (mut asked, mut unreached) = (Vec::new(), Vec::new());
    for (organisation, projects) in by_organisation {
        let client = async { ctx.clients.acting(&ctx.organisation(organisation).await?).await };
        match client.await {
            Ok(acting) => {
                let client = acting.client.in_background_at_most(settings.at_once);
                jobs.extend(projects.into_iter().map(|project| Job { project, client: client.clone() }));
                asked.push((organisation, client));
            }
            Err(error) => {
                tracing::warn!("could not collect facts: {}", inert(&error.to_string()));
                for project in &projects {
                    fail(ctx, project.id, &error).await?;
                }
                unreached.push(error);
            }
        }
    }
    if let (true, Some(error)) = (jobs.is_empty(), unreached.into_iter().next()) {
        return Err(error);
    }
    let ended = rate_limit::keeping(ctx, &asked, collect::run(&ctx.store, &ctx.clock, settings, &jobs, progress)).await?;
    let (calls, failed) = (ended.progress.here, ended.progress.failed());
    tracing::info!(calls, failed, projects = jobs.len(), "facts were collected");
    for (project, row) in ended.progress.troubles() {
        tracing::warn!("{} of {}: {}", row.source.words(), inert(project), inert(row.state.words().unwrap_or_default()));
    }
    if ended.is_token_refused {
        // Another token may have been set since.
        for organisation in jobs.iter().map(|job| job.project.organisation).collect::<BTreeSet<_>>() {
            ctx.clients.forget(organisation).await;
        }
    }
    Ok(ended)
}

/// Nothing of a project can be asked.
async fn fail(ctx: &Context, project: ProjectId, error: &action::Error) -> action::Result<()> {
    let words = error.notice().text;
    for source in Source::ALL {
        ctx.store.end_pass(project, source, PassEnd::Failed { words: words.clone(), at: ctx.clock.now() }).await?;
    }
    Ok(())
}

/// Holds on to the leases for as long as the pass takes. Lost, it is no harm: what two processes read is kept once.
async fn hold_on(ctx: &Context, projects: &[Project], holder: &str) -> Infallible {
    loop {
        ctx.clock.wait_until(ctx.clock.now() + HOLD_ON).await;
        let now = ctx.clock.now();
        for project in projects {
            if let Err(error) = ctx.store.hold_lease(&lease_of(project.id), holder, None, now + LEASE, now).await {
                tracing::debug!("{error}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::collection::SourceState;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(minute * 60).unwrap()
    }

    fn collection(change: impl Fn(&mut SourceState)) -> Collection {
        let mut sources: Vec<_> = Source::ALL.into_iter().map(SourceState::new).collect();
        sources.iter_mut().for_each(change);
        Collection { sources, from: Some(at(0)) }
    }

    #[test]
    fn a_project_is_due_when_it_was_never_read_when_it_is_old_and_later_after_each_failure() {
        let every = SignedDuration::from_mins(15);
        assert_eq!(due_at(&collection(|_| {}), every, 0, at(20)), Timestamp::MIN);
        let read = |source: &mut SourceState| {
            source.backfilled_at = Some(at(10));
            source.attempted_at = Some(at(10));
        };
        assert_eq!(due_at(&collection(read), every, 0, at(20)), at(25));
        assert_eq!(due_at(&collection(read), every, 0, at(-10)), Timestamp::MIN, "by a clock that was ahead");
        let cut_off = collection(|source| {
            if source.source != Source::Details {
                read(source)
            }
        });
        assert_eq!(due_at(&cut_off, every, 0, at(20)), Timestamp::MIN, "what was cut off goes on at once");
        let refused = collection(|source| {
            source.attempted_at = Some(at(10));
            source.refused = Some("no scope".to_owned());
        });
        assert_eq!(due_at(&refused, every, 0, at(20)), at(25), "what is refused is asked for once in a while");
        let failed = collection(|source| {
            read(source);
            source.failed = (source.source == Source::Builds).then(|| "offline".to_owned());
        });
        for (failures, longest) in [(0, 30), (1, 30), (2, 60), (20, 900)] {
            let wait = due_at(&failed, every, failures, at(20)).duration_since(at(10)).as_secs();
            assert!((longest * 8 / 10 - 1..=longest).contains(&wait), "{wait} of {longest}");
        }
    }
}
