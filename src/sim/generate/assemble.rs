//! Puts a planned history and its git objects into the world, as the service would know them.
//!
//! Numbers of runs, pushes, threads and releases follow time. Limits: statuses of pull requests are left to their runs.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::history::{History, What};
use super::items::{Item, Why};
use super::layout::Layout;
use super::releases::{End, PlannedReleaseDeployment, Releases};
use super::request::{Act, Link, Request};
use super::runs::{CommitOf, Runs, Shipment};
use super::write::{Written, WrittenRequest, keeps_branch};
use crate::sim::deed::{Event, note};
use crate::sim::world::{
    ApprovalStage, Comment, CommentKind, CommitNaming, CompletionOptions, Extra, Iteration, IterationReason, Label, MergeStatus, PrState,
    PullRequest, Push, RefMove, Relation, Release, ReleaseApproval, ReleaseArtifact, ReleaseDeployment, Reviewer, Thread, ThreadStatus,
    WorkItem, World, ZERO_ID,
};

/// What later steps ask of what was made.
pub(super) struct Made {
    /// Build ids, by run.
    pub builds: Vec<i32>,
    /// Release ids, by release.
    pub releases: Vec<i32>,
    pub shipments: Vec<Shipment>,
    /// Commit of each run.
    pub commits: Vec<String>,
    /// The run of each release.
    pub release_runs: Vec<usize>,
    /// Tips of main, by place.
    pub mains: Vec<Vec<String>>,
}

/// Fills the world.
pub(super) fn assemble(world: &mut World, layout: &Layout, history: &History, runs: Runs, items: &[Item], written: &[Written]) -> Made {
    for (place, row) in layout.places.iter().zip(written) {
        if let Some(repository) = world.repository_mut(place.id) {
            repository.size = i64::try_from(row.size).unwrap_or(i64::MAX);
        }
    }
    pushes(world, layout, history, written);
    for (index, request) in history.requests.iter().enumerate() {
        if let Some(row) = written[request.place].requests.get(&index) {
            pull_request(world, layout, request, row);
        }
    }
    threads(world, history, written);
    let Runs { runs, shipments, releases } = runs;
    let commits: Vec<String> = runs.iter().map(|run| commit_of(&run.commit, written, history)).collect();
    let mut order: Vec<usize> = (0..runs.len()).collect();
    order.sort_by_key(|index| runs[*index].build.queued);
    let mut builds = vec![0; runs.len()];
    for (id, index) in (1..).zip(order) {
        builds[index] = id;
        let run = &runs[index];
        let mut build = run.build.clone();
        build.id = id;
        build.number = format!("{}.{id}", build.queued.strftime("%Y%m%d"));
        build.sha.clone_from(&commits[index]);
        if let CommitOf::Preview { request, .. } = run.commit {
            build = build.of_pull_request(history.requests[request].id);
        }
        world.add_build(build);
    }
    let release_runs = releases.releases.iter().map(|release| release.run).collect();
    let released = releases_into(world, layout, &releases, &builds);
    work_items(world, history, items, &shipments, &builds);
    let mains = written.iter().map(|row| row.main.clone()).collect();
    Made { builds, releases: released, shipments, commits, release_runs, mains }
}

fn commit_of(commit: &CommitOf, written: &[Written], history: &History) -> String {
    let of_request = |request: usize| written[history.requests[request].place].requests.get(&request);
    let found = match commit {
        CommitOf::Main { place, position } => written[*place].main.get(*position).cloned(),
        CommitOf::Preview { request, step } => of_request(*request).and_then(|row| row.previews.get(*step).cloned()),
        CommitOf::Tip { request, step } => of_request(*request).and_then(|row| row.tips.get(*step).cloned()),
        CommitOf::Gone(sha) => Some(sha.clone()),
    };
    found.unwrap_or_else(|| ZERO_ID.to_owned())
}

/// Every move of a ref, in order of time.
fn pushes(world: &mut World, layout: &Layout, history: &History, written: &[Written]) {
    let mut rows: Vec<Push> = Vec::new();
    let mut row = |repository: Uuid, by: Uuid, date: Timestamp, (name, old, new): (&str, &str, &str), commits: &[String]| {
        let moves = vec![RefMove { name: name.to_owned(), old: old.to_owned(), new: new.to_owned() }];
        rows.push(Push { id: 0, repository, by, date, moves, commits: commits.to_vec() });
    };
    for ((place, line), made) in layout.places.iter().zip(&history.lines).zip(written) {
        let mut old = ZERO_ID;
        for ((event, new), brought) in line.iter().zip(&made.main).zip(&made.brought) {
            // A merge of a line that stands on main brings nothing that was not pushed before.
            let own: &[String] = match &event.what {
                What::Direct { .. } => brought,
                What::Merge(_) => brought.last().map_or(&[], std::slice::from_ref),
            };
            row(place.id, event.by, event.at, ("refs/heads/main", old, new), own);
            old = new;
        }
        for (index, branch) in &made.requests {
            let request = &history.requests[*index];
            let name = format!("refs/heads/{}", request.branch);
            let mut old = ZERO_ID;
            for ((step, tip), commits) in request.steps.iter().zip(&branch.tips).zip(&branch.pushed) {
                // The branch is there before its pull request is.
                let at = if old == ZERO_ID { step.at - SignedDuration::from_secs(40) } else { step.at };
                row(place.id, request.author, at, (&name, old, tip), commits);
                old = tip;
            }
            if let (Some(at), PrState::Completed, false) = (request.closed, request.state, keeps_branch(request)) {
                row(
                    place.id,
                    request.closed_by.unwrap_or(request.author),
                    at + SignedDuration::from_millis(600),
                    (&name, old, ZERO_ID),
                    &[],
                );
            }
        }
    }
    rows.sort_by_key(|push| push.date);
    for mut push in rows {
        push.id = world.next_push_id();
        world.pushes.push(push);
    }
}

fn pull_request(world: &mut World, layout: &Layout, request: &Request, made: &WrittenRequest) {
    let place = &layout.places[request.place];
    let source = made.tips.last().cloned().unwrap_or_else(|| ZERO_ID.to_owned());
    let first = made.tips.first().map_or(ZERO_ID, String::as_str);
    let target = made.targets.first().map_or(ZERO_ID, String::as_str);
    let name = format!("refs/heads/{}", request.branch);
    let mut row = PullRequest::new(
        request.id,
        place.id,
        request.author,
        request.created,
        &request.title,
        (&name, first),
        ("refs/heads/main", target),
    );
    row.state = request.state;
    row.description = Some(request.description.clone());
    row.is_draft = request.is_draft;
    row.reviewers = request.reviewers.iter().map(|(id, vote)| Reviewer { vote: *vote, ..Reviewer::new(*id) }).collect();
    row.labels = request
        .wish
        .labels
        .iter()
        .map(|name| Label { id: Uuid::new_v5(&place.id, format!("label {name}").as_bytes()), name: (*name).to_owned() })
        .collect();
    row.iterations = (1..)
        .zip(&request.steps)
        .zip(made.tips.iter().zip(&made.targets))
        .map(|((id, step), (source, target))| Iteration {
            id,
            author: request.author,
            created: step.at,
            source: source.clone(),
            target: target.clone(),
            common: Some(made.base.clone()),
            reason: match id {
                1 => IterationReason::Create,
                2 if !request.discarded.is_empty() => IterationReason::ForcePush,
                _ => IterationReason::Push,
            },
        })
        .collect();
    row.closed = request.closed;
    row.closed_by = request.closed_by;
    row.merge.source = source;
    match (&made.merged, &made.last_preview) {
        (Some((before, after)), _) => {
            row.merge.status = MergeStatus::Succeeded;
            row.merge.target.clone_from(before);
            row.merge.commit = Some(after.clone());
            row.completion = Some(CompletionOptions {
                strategy: request.wish.strategy,
                delete_source_branch: !keeps_branch(request),
                message: Some(format!("Merged PR {}: {}", request.id, request.title)),
                bypass_policy: request.was_bypassed(place.required),
                bypass_reason: request.was_bypassed(place.required).then(|| "Urgent".to_owned()),
                ..CompletionOptions::default()
            });
        }
        (None, Some(preview)) => {
            row.merge.status = MergeStatus::Succeeded;
            row.merge.commit = Some(preview.clone());
        }
        (None, None) => row.merge.status = MergeStatus::NotSet,
    }
    if row.is_active()
        && let Some(push) = world
            .pushes
            .iter()
            .rev()
            .find(|push| push.repository == place.id && push.moves.iter().any(|moved| moved.name == "refs/heads/main"))
        && let Some(tip) = push.moves.first()
    {
        row.merge.target.clone_from(&tip.new);
    }
    if request.state != PrState::Completed || keeps_branch(request) {
        let author = request.author;
        if let Some(repository) = world.repository_mut(place.id) {
            repository.refs.entry(name).or_default().creator = Some(author);
        }
    }
    world.pull_requests.insert(request.id, row);
}

/// What happened on pull requests, told by the threads that the service and people leave, in order of time.
fn threads(world: &mut World, history: &History, written: &[Written]) {
    enum Told<'a> {
        Noted(Event),
        Said(&'a Act, Option<String>),
    }
    let mut told: Vec<(Timestamp, i32, Told<'_>)> = Vec::new();
    for (index, request) in history.requests.iter().enumerate() {
        let Some(made) = written[request.place].requests.get(&index) else { continue };
        let noted = |at: Timestamp, event: Event| (at, request.id, Told::Noted(event));
        if !request.reviewers.is_empty() {
            let added = request.reviewers.iter().map(|(id, _)| *id).collect();
            told.push(noted(request.created, Event::ReviewersAdded { by: request.author, added }));
        }
        for ((step, tip), commits) in request.steps.iter().zip(&made.tips).zip(&made.pushed).skip(1) {
            let ref_name = format!("refs/heads/{}", request.branch);
            told.push(noted(step.at, Event::Push { by: request.author, ref_name, commits: commits.clone(), head: tip.clone() }));
        }
        if let Some(closed) = request.closed {
            let word = if request.state == PrState::Completed { "Completed" } else { "Abandoned" };
            told.push(noted(closed, Event::Status { by: request.closed_by.unwrap_or(request.author), word }));
        }
        for (turn, (at, act)) in request.acts.iter().enumerate() {
            told.push(match act {
                Act::Vote { by, vote } => noted(*at, Event::Vote { by: *by, vote: *vote }),
                Act::Draft { is_draft } => noted(*at, Event::Draft { by: request.author, is_draft: *is_draft }),
                Act::AutoComplete => noted(*at, Event::AutoComplete { by: request.author, is_set: true }),
                Act::Comment { .. } => {
                    let edit = request.commits.first().and_then(|commit| commit.edits.first()).filter(|_| turn % 3 == 0);
                    let path = edit.map(|edit| format!("/{}", edit.path()));
                    (*at, request.id, Told::Said(act, path))
                }
            });
        }
    }
    told.sort_by_key(|(at, id, _)| (*at, *id));
    let authors: BTreeMap<i32, Uuid> = history.requests.iter().map(|request| (request.id, request.author)).collect();
    for (at, id, told) in told {
        match told {
            Told::Noted(event) => note(world, id, event, at),
            Told::Said(act, path) => say(world, (id, authors.get(&id).copied().unwrap_or_default()), at, act, path),
        }
    }
}

fn say(world: &mut World, (id, author): (i32, Uuid), at: Timestamp, act: &Act, path: Option<String>) {
    let Act::Comment { by, text, reply, is_deleted, is_open } = act else { return };
    let said = |id: i32, parent: i32, author: Uuid, when: Timestamp, text: &str| Comment {
        id,
        parent,
        author,
        content: (!is_deleted).then(|| text.to_owned()),
        kind: CommentKind::Text,
        published: when,
        last_updated: when,
        last_content_updated: when,
        is_deleted: *is_deleted,
        liked_by: Vec::new(),
    };
    let mut comments = vec![said(1, 0, *by, at, text)];
    comments.extend(reply.iter().map(|(when, text)| said(2, 1, author, *when, text)));
    let thread = Thread {
        id: world.next_thread_id(),
        published: at,
        last_updated: comments.last().map_or(at, |comment| comment.published),
        comments,
        status: Some(if *is_open { ThreadStatus::Active } else { ThreadStatus::Fixed }),
        context: path.map(|path| {
            serde_json::json!({ "filePath": path, "rightFileStart": { "line": 1, "offset": 1 }, "rightFileEnd": { "line": 1, "offset": 2 } })
        }),
        pull_request_context: None,
        properties: BTreeMap::new(),
        identities: Vec::new(),
        is_deleted: *is_deleted,
        extra: Extra::new(),
    };
    if let Some(row) = world.pull_request_mut(id) {
        row.threads.push(thread);
    }
}

/// Releases and their deployments; answers the ids of the releases.
fn releases_into(world: &mut World, layout: &Layout, planned: &Releases, builds: &[i32]) -> Vec<i32> {
    let mut order: Vec<usize> = (0..planned.releases.len()).collect();
    order.sort_by_key(|index| planned.releases[*index].created);
    let mut ids = vec![0; planned.releases.len()];
    for index in order {
        let row = &planned.releases[index];
        let Some(definition) = world.release_definitions.get(&row.definition).cloned() else { continue };
        let mut artifact = ReleaseArtifact::of_build(builds[row.run]);
        if index % 6 == 4 {
            artifact.naming = CommitNaming::ByBuildOnly;
        }
        let id = world.next_release_id();
        let mut release = Release::new(id, &definition, artifact, row.by, row.created);
        release.description = format!("Triggered by {}", layout.places[row.place].name);
        world.releases.insert(id, release);
        ids[index] = id;
    }
    let mut order: Vec<&PlannedReleaseDeployment> = planned.deployments.iter().collect();
    order.sort_by_key(|row| row.queued);
    let mut approval_id = 0;
    for row in order {
        let Some(release) = world.releases.get(&ids[row.release]).cloned() else { continue };
        let Some(environment) =
            world.release_definitions.get(&release.definition).and_then(|definition| definition.environments.get(row.environment)).cloned()
        else {
            continue;
        };
        let mut deployment = ReleaseDeployment::new(world.next_release_deployment_id(), &release, &environment, row.queued, row.by);
        deployment.attempt = row.attempt;
        deployment.reason = row.reason;
        if let (Some(started), Some(completed), End::Ran(status)) = (row.started, row.completed, row.end) {
            deployment = deployment.ran(started, completed, status);
        }
        if let Some((approver, status, at)) = row.approval {
            approval_id += 1;
            let approval = ReleaseApproval {
                id: approval_id,
                stage: ApprovalStage::PreDeploy,
                status,
                approver: Some(approver),
                created: row.queued,
                modified: at,
            };
            deployment.approvals.push(approval);
            match row.end {
                End::Refused => deployment = deployment.rejected(at, approver),
                End::Waits => deployment.operation = crate::sim::world::OperationStatus::Pending,
                End::Ran(_) => {}
            }
        }
        world.release_deployments.insert(deployment.id, deployment);
    }
    ids
}

fn work_items(world: &mut World, history: &History, items: &[Item], shipments: &[Shipment], builds: &[i32]) {
    for item in items {
        let Some(project) = world.projects.get(item.project).map(|project| (project.id, project.name.clone())) else { continue };
        let mut row = WorkItem::new(item.id, (project.0, &project.1), item.kind, &item.title, item.by, item.created).tagged(&item.tags);
        row.area_path.clone_from(&item.area);
        for (state, at) in &item.states {
            row.enter(state, *at);
        }
        row.assigned_to = Some(item.by);
        if let Why::Incident(shipment) = item.why
            && item.id % 2 == 0
            && let Some(shipment) = shipments.get(shipment)
            && shipment.way != super::plan::Way::Classic
        {
            row.relations.push(Relation::build(builds[shipment.run], item.created));
        }
        world.work_items.insert(item.id, row);
        let Why::Request(index) = item.why else { continue };
        let request = &history.requests[index];
        match request.wish.link {
            // A mention in a pull request's text makes no link until it is merged; a mention in a commit never shows on it.
            Link::Artifact => world.link_pull_request(item.id, request.id, request.created),
            Link::Description if request.id % 2 == 0 => world.link_pull_request(item.id, request.id, request.created),
            _ => {}
        }
    }
}
