//! Opening, editing, completing, abandoning and reactivating a pull request.
//!
//! Completing only asks: the answer is still active, and the merge worker does it (`settle`).
use uuid::Uuid;

use super::chronicle::{Event, note};
use super::review::{add_label_to, check_reviewer};
use super::{changeable, open_to, permit, repository_of};
use crate::sim::hooks::event::{Happening, Update};
use crate::sim::hooks::publish as tell;
use crate::sim::host::{Sim, blocking};
use crate::sim::reply::Failure;
use crate::sim::world::{
    CompletionOptions, Iteration, IterationReason, MergeStatus, Permission, PolicyKind, PrState, PullRequest, Reviewer, World, ZERO_ID,
};

/// The service's limits, in UTF-16 units as it counts.
pub const TITLE_LIMIT: usize = 400;
pub const DESCRIPTION_LIMIT: usize = 4000;

#[derive(Debug, Clone, Default)]
pub struct NewPullRequest {
    pub repository: Uuid,
    pub source_ref: String,
    pub target_ref: String,
    pub title: String,
    pub description: Option<String>,
    pub is_draft: bool,
    /// Id, and whether the reviewer is required.
    pub reviewers: Vec<(Uuid, bool)>,
    pub labels: Vec<String>,
    pub work_items: Vec<i32>,
    pub completion: Option<CompletionOptions>,
}

/// One edit of an open pull request.
#[derive(Debug, Clone)]
pub enum Change {
    Title(String),
    Description(String),
    Draft(bool),
    Target(String),
    Completion(CompletionOptions),
}

fn check_text(title: Option<&str>, description: Option<&str>) -> Result<(), Failure> {
    if let Some(title) = title {
        if title.trim().is_empty() {
            return Err(Failure::invalid_value("A title for the pull request must be specified."));
        }
        if title.encode_utf16().count() > TITLE_LIMIT {
            return Err(Failure::invalid_value("A title for a pull request must not be longer than 400 characters."));
        }
    }
    if description.is_some_and(|text| text.encode_utf16().count() > DESCRIPTION_LIMIT) {
        return Err(Failure::invalid_value("A description for a pull request must not be longer than 4000 characters."));
    }
    Ok(())
}

async fn tips(sim: &Sim, world: &World, repository: Uuid, refs: [&str; 2]) -> Result<[Option<String>; 2], Failure> {
    let git = sim.git(repository_of(world, repository)?);
    let [source, target] = refs.map(str::to_owned);
    let both_branches = source.starts_with("refs/heads/") && target.starts_with("refs/heads/");
    if !both_branches {
        return Err(Failure::cannot_be_activated());
    }
    blocking(move || Ok::<_, crate::sim::git::GitError>([git.tip(&source)?, git.tip(&target)?])).await
}

fn active_twin<'a>(world: &'a World, repository: Uuid, source: &str, target: &str) -> Option<&'a PullRequest> {
    world
        .pull_requests
        .values()
        .find(|pr| pr.is_active() && pr.repository == repository && pr.source_ref == source && pr.target_ref == target)
}

/// Opens a pull request and answers its id; its merge is queued.
pub async fn create_pull_request(sim: &Sim, actor: Uuid, new: NewPullRequest) -> Result<i32, Failure> {
    check_text(Some(&new.title), new.description.as_deref())?;
    let mut world = sim.write().await;
    permit(&world, new.repository, actor, Permission::PullRequestContribute)?;
    if new.source_ref == new.target_ref {
        return Err(Failure::invalid_value("The source and target branches of a pull request must be different."));
    }
    let found = tips(sim, &world, new.repository, [&new.source_ref, &new.target_ref]).await?;
    let [Some(source), Some(target)] = found else {
        return Err(Failure::cannot_be_activated());
    };
    if active_twin(&world, new.repository, &new.source_ref, &new.target_ref).is_some() {
        return Err(Failure::pull_request_exists());
    }
    for (id, _) in &new.reviewers {
        check_reviewer(&world, new.repository, *id)?;
    }
    let now = world.now();
    let id = world.next_pull_request_id();
    let mut pr = PullRequest::new(id, new.repository, actor, now, &new.title, (&new.source_ref, &source), (&new.target_ref, &target));
    pr.description = new.description.filter(|text| !text.is_empty());
    pr.is_draft = new.is_draft;
    pr.work_items = new.work_items;
    pr.completion = new.completion;
    let required = required_reviewers(&world, &pr);
    for (reviewer, is_required) in new.reviewers.iter().copied().chain(required.into_iter().map(|id| (id, true))) {
        match pr.reviewer_mut(reviewer) {
            Some(known) => known.is_required |= is_required,
            None => pr.reviewers.push(Reviewer { is_required, ..Reviewer::new(reviewer) }),
        }
    }
    for name in &new.labels {
        add_label_to(&mut pr, name);
    }
    let added: Vec<Uuid> = pr.reviewers.iter().map(|reviewer| reviewer.id).collect();
    let linked = pr.work_items.clone();
    world.pull_requests.insert(id, pr);
    for item in linked {
        world.link_pull_request(item, id, now);
    }
    if !added.is_empty() {
        note(&mut world, id, Event::ReviewersAdded { by: actor, added }, now);
    }
    tell(sim, &world, &Happening::PullRequestCreated { id, by: actor });
    sim.work.notify_one();
    Ok(id)
}

fn required_reviewers(world: &World, pr: &PullRequest) -> Vec<Uuid> {
    let Some(repository) = world.repository(pr.repository) else {
        return Vec::new();
    };
    world
        .policies_for(repository, &pr.target_ref)
        .filter(|policy| policy.is_enabled)
        .flat_map(|policy| match &policy.kind {
            PolicyKind::RequiredReviewers { reviewers } => reviewers.clone(),
            _ => Vec::new(),
        })
        .filter(|id| *id != pr.created_by)
        .collect()
}

/// Edits an open pull request.
pub async fn update_pull_request(sim: &Sim, actor: Uuid, id: i32, changes: Vec<Change>) -> Result<(), Failure> {
    let mut world = sim.write().await;
    let repository = open_to(&mut world, actor, id)?.repository;
    for change in &changes {
        match change {
            Change::Title(title) => check_text(Some(title), None)?,
            Change::Description(text) => check_text(None, Some(text))?,
            Change::Target(target) => {
                let source = world.pull_request(id).map(|pr| pr.source_ref.clone()).unwrap_or_default();
                let found = tips(sim, &world, repository, [&source, target]).await?;
                if found[1].is_none() || *target == source {
                    return Err(Failure::cannot_be_activated());
                }
                if active_twin(&world, repository, &source, target).is_some_and(|twin| twin.id != id) {
                    return Err(Failure::pull_request_exists());
                }
            }
            Change::Draft(_) | Change::Completion(_) => {}
        }
    }
    let now = world.now();
    for change in changes {
        let mut event = None;
        if let Change::Target(target) = &change {
            let found = tips(sim, &world, repository, [target, target]).await?;
            let pr = changeable(&mut world, id)?;
            pr.target_ref = target.clone();
            pr.merge.target = found[1].clone().unwrap_or_else(|| ZERO_ID.to_owned());
            queue_merge(pr);
            let next = i32::try_from(pr.iterations.len()).unwrap_or(i32::MAX - 1) + 1;
            pr.iterations.push(Iteration {
                id: next,
                author: actor,
                created: now,
                source: pr.merge.source.clone(),
                target: pr.merge.target.clone(),
                common: None,
                reason: IterationReason::Retarget,
            });
            continue;
        }
        let pr = changeable(&mut world, id)?;
        match change {
            Change::Title(title) => pr.title = title,
            Change::Description(text) => pr.description = Some(text).filter(|text| !text.is_empty()),
            Change::Draft(is_draft) if pr.is_draft != is_draft => {
                pr.is_draft = is_draft;
                event = Some(Event::Draft { by: actor, is_draft });
                if is_draft {
                    for reviewer in &mut pr.reviewers {
                        reviewer.vote = 0;
                    }
                }
            }
            Change::Completion(options) => pr.completion = Some(options),
            Change::Draft(_) | Change::Target(_) => {}
        }
        if let Some(event) = event {
            let is_published = matches!(event, Event::Draft { is_draft: false, .. });
            note(&mut world, id, event, now);
            if is_published {
                tell(sim, &world, &Happening::PullRequestUpdated { id, by: actor, what: Update::Published });
            }
        }
    }
    sim.work.notify_one();
    Ok(())
}

fn queue_merge(pr: &mut PullRequest) {
    pr.merge.status = MergeStatus::Queued;
    pr.merge.commit = None;
    pr.merge.failure = None;
}

/// Asks for completion. `last_source` is the commit the caller saw; forty zeros do not care.
pub async fn complete(sim: &Sim, actor: Uuid, id: i32, last_source: &str, options: Option<CompletionOptions>) -> Result<(), Failure> {
    let mut world = sim.write().await;
    let pr = changeable(&mut world, id)?;
    if !pr.is_active() {
        return Err(Failure::not_editable());
    }
    let repository = pr.repository;
    permit(&world, repository, actor, Permission::GenericContribute)?;
    let pr = world.pull_request(id).ok_or_else(Failure::no_pull_request)?;
    if pr.is_draft {
        return Err(Failure::invalid_value("A draft pull request cannot be completed; publish it first."));
    }
    let refs = [pr.source_ref.as_str(), pr.target_ref.as_str()];
    let [Some(source), Some(_)] = tips(sim, &world, repository, refs).await? else {
        return Err(Failure::cannot_be_activated());
    };
    if last_source != ZERO_ID && !last_source.eq_ignore_ascii_case(&source) {
        return Err(Failure::stale_pull_request());
    }
    let options = options.or_else(|| pr.completion.clone()).unwrap_or_default();
    if !options.bypass_policy && (!world.policies_allow(pr) || !strategy_allowed(&world, pr, &options)) {
        return Err(Failure::rejected_by_policy());
    }
    let now = world.now();
    let pr = changeable(&mut world, id)?;
    pr.completion = Some(options);
    pr.completion_queued = Some(now);
    pr.closed_by = Some(actor);
    queue_merge(pr);
    sim.work.notify_one();
    Ok(())
}

fn strategy_allowed(world: &World, pr: &PullRequest, options: &CompletionOptions) -> bool {
    let Some(repository) = world.repository(pr.repository) else {
        return false;
    };
    world.policies_for(repository, &pr.target_ref).filter(|policy| policy.is_enabled && policy.is_blocking).all(|policy| {
        match &policy.kind {
            PolicyKind::MergeStrategy { allowed } => allowed.contains(&options.strategy),
            _ => true,
        }
    })
}

pub async fn abandon(sim: &Sim, actor: Uuid, id: i32) -> Result<(), Failure> {
    let mut world = sim.write().await;
    let now = world.now();
    let pr = open_to(&mut world, actor, id)?;
    pr.state = PrState::Abandoned;
    pr.closed = Some(now);
    pr.closed_by = Some(actor);
    pr.completion_queued = None;
    pr.auto_complete_set_by = None;
    pr.merge.status = MergeStatus::NotSet;
    pr.merge.commit = None;
    note(&mut world, id, Event::Status { by: actor, word: "Abandoned" }, now);
    tell(sim, &world, &Happening::PullRequestUpdated { id, by: actor, what: Update::Status });
    Ok(())
}

pub async fn reactivate(sim: &Sim, actor: Uuid, id: i32) -> Result<(), Failure> {
    let mut world = sim.write().await;
    let now = world.now();
    let pr = changeable(&mut world, id)?;
    match pr.state {
        PrState::Completed => return Err(Failure::not_editable()),
        PrState::Active => return Ok(()),
        PrState::Abandoned => {}
    }
    let (repository, source, target) = (pr.repository, pr.source_ref.clone(), pr.target_ref.clone());
    permit(&world, repository, actor, Permission::PullRequestContribute)?;
    let found = tips(sim, &world, repository, [&source, &target]).await?;
    let [Some(source_tip), Some(target_tip)] = found else {
        return Err(Failure::cannot_be_activated());
    };
    if active_twin(&world, repository, &source, &target).is_some() {
        return Err(Failure::pull_request_exists());
    }
    let pr = changeable(&mut world, id)?;
    pr.state = PrState::Active;
    pr.closed = None;
    pr.closed_by = None;
    pr.merge.source = source_tip;
    pr.merge.target = target_tip;
    queue_merge(pr);
    note(&mut world, id, Event::Status { by: actor, word: "Active" }, now);
    tell(sim, &world, &Happening::PullRequestUpdated { id, by: actor, what: Update::Status });
    sim.work.notify_one();
    Ok(())
}

/// Turns a draft into a pull request that asks for reviews.
pub async fn publish(sim: &Sim, actor: Uuid, id: i32) -> Result<(), Failure> {
    update_pull_request(sim, actor, id, vec![Change::Draft(false)]).await
}

/// Sets or clears auto-complete; `who` must be the caller.
pub async fn set_auto_complete(sim: &Sim, actor: Uuid, id: i32, who: Option<Uuid>) -> Result<(), Failure> {
    let mut world = sim.write().await;
    let now = world.now();
    let pr = changeable(&mut world, id)?;
    if !pr.is_active() {
        return Err(Failure::not_editable());
    }
    if who.is_some_and(|who| who != actor) {
        return Err(Failure::invalid_value("Auto-complete can only be set by the current user."));
    }
    pr.auto_complete_set_by = who;
    note(&mut world, id, Event::AutoComplete { by: actor, is_set: who.is_some() }, now);
    sim.work.notify_one();
    Ok(())
}
