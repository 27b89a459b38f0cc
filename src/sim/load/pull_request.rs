//! Pull requests and what hangs on them, from `pullrequests.json` and the files keyed by pull request.
//!
//! Limits: one iteration a pull request; votes have no history beyond the system threads that are in the files.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;
use uuid::Uuid;

use super::raw::Raw;
use super::{Files, LoadError, in_git, person, repository};
use crate::sim::world::{
    Comment, CommentKind, CompletionOptions, Label, MergeStatus, PrState, PrStatus, Property, PullRequest, Reviewer, StatusState, Thread,
    World, ZERO_ID,
};

const MODELLED: [&str; 32] = [
    "pullRequestId",
    "codeReviewId",
    "repository",
    "status",
    "createdBy",
    "creationDate",
    "closedDate",
    "closedBy",
    "title",
    "description",
    "sourceRefName",
    "targetRefName",
    "mergeStatus",
    "mergeFailureMessage",
    "mergeId",
    "isDraft",
    "lastMergeSourceCommit",
    "lastMergeTargetCommit",
    "lastMergeCommit",
    "reviewers",
    "labels",
    "url",
    "_links",
    "supportsIterations",
    "artifactId",
    "autoCompleteSetBy",
    "completionOptions",
    "completionQueueTime",
    "workItemRefs",
    "commits",
    "remoteUrl",
    "forkSource",
];

pub(super) fn load(world: &mut World, git_root: &Path, files: &Files) -> Result<(), LoadError> {
    for row in files.array("pullrequests.json")? {
        let loaded = pull_request(world, git_root, &row)?;
        world.last_pull_request_id = world.last_pull_request_id.max(loaded.id);
        if world.pull_requests.contains_key(&loaded.id) {
            return Err(row.wrong(&format!("is pull request {} a second time", loaded.id)));
        }
        world.pull_requests.insert(loaded.id, loaded);
    }
    for (parent, rows) in files.object("threads.json")? {
        let id = known(world, parent, &rows)?;
        for row in rows.rows()? {
            let loaded = thread(world, &row)?;
            world.last_thread_id = world.last_thread_id.max(loaded.id);
            edit(world, id, |pull_request| pull_request.threads.push(loaded));
        }
    }
    for (parent, rows) in files.object("statuses.json")? {
        let id = match parent.len() {
            40 => None,
            _ => Some(known(world, parent, &rows)?),
        };
        for (index, row) in rows.rows()?.iter().enumerate() {
            let loaded = status(world, row, index)?;
            match id {
                Some(id) => edit(world, id, |pull_request| pull_request.statuses.push(loaded)),
                None => {
                    let rows = world.commit_statuses.entry(parent.to_lowercase()).or_default();
                    rows.push(loaded);
                }
            }
        }
    }
    for (parent, rows) in files.object("labels.json")? {
        let id = known(world, parent, &rows)?;
        let loaded = labels(&rows)?;
        edit(world, id, |pull_request| pull_request.labels = loaded);
    }
    for (parent, rows) in files.object("reviewers.json")? {
        let id = known(world, parent, &rows)?;
        let loaded = reviewers(world, &rows)?;
        edit(world, id, |pull_request| pull_request.reviewers = loaded);
    }
    for (parent, rows) in files.object("workitems.json")? {
        let id = known(world, parent, &rows)?;
        let loaded = work_items(&rows)?;
        edit(world, id, |pull_request| pull_request.work_items = loaded);
    }
    Ok(())
}

fn known(world: &World, parent: &str, rows: &Raw<'_>) -> Result<i32, LoadError> {
    let id = parent.parse().ok().filter(|id| world.pull_requests.contains_key(id));
    id.ok_or_else(|| rows.wrong("is not under the id of a pull request in pullrequests.json"))
}

fn edit(world: &mut World, id: i32, change: impl FnOnce(&mut PullRequest)) {
    if let Some(pull_request) = world.pull_request_mut(id) {
        change(pull_request);
    }
}

fn pull_request(world: &mut World, git_root: &Path, row: &Raw<'_>) -> Result<PullRequest, LoadError> {
    let place = match row.field("repository") {
        Some(mention) => match world.repository(mention.id("id")?) {
            Some(known) => known.id,
            None => repository(world, git_root, mention)?,
        },
        None => return Err(row.wrong("has no repository")),
    };
    let someone = |world: &mut World, name: &str| match row.field(name) {
        Some(mention) => person(world, mention).map(Some),
        None => Ok(None),
    };
    let created_by = someone(world, "createdBy")?.ok_or_else(|| row.wrong("has no createdBy"))?;
    let created = row.date("creationDate")?.ok_or_else(|| row.wrong("has no creationDate"))?;
    let commit = |name: &str| row.field(name).and_then(|commit| commit.text("commitId"));
    let source = commit("lastMergeSourceCommit").unwrap_or_else(|| ZERO_ID.to_owned());
    let target = commit("lastMergeTargetCommit").unwrap_or_else(|| ZERO_ID.to_owned());
    let mut loaded = PullRequest::new(
        row.small("pullRequestId")?,
        place,
        created_by,
        created,
        &row.must("title")?,
        (&row.must("sourceRefName")?, &source),
        (&row.must("targetRefName")?, &target),
    );
    loaded.state = row.word("status").unwrap_or(PrState::Active);
    loaded.description = row.text("description");
    loaded.is_draft = row.flag("isDraft");
    loaded.merge.status = row.word("mergeStatus").unwrap_or(MergeStatus::NotSet);
    loaded.merge.commit = commit("lastMergeCommit");
    loaded.merge.failure = row.text("mergeFailureMessage");
    if let Some(id) = row.maybe_id("mergeId")? {
        loaded.merge_id = id;
    }
    loaded.closed = row.date("closedDate")?;
    loaded.closed_by = someone(world, "closedBy")?;
    loaded.auto_complete_set_by = someone(world, "autoCompleteSetBy")?;
    if let Some(list) = row.field("reviewers") {
        loaded.reviewers = reviewers(world, &list)?;
    }
    if let Some(list) = row.field("labels") {
        loaded.labels = labels(&list)?;
    }
    if let Some(list) = row.field("workItemRefs") {
        loaded.work_items = work_items(&list)?;
    }
    loaded.completion = row.field("completionOptions").map(|options| CompletionOptions {
        strategy: options.word("mergeStrategy").unwrap_or_default(),
        delete_source_branch: options.flag("deleteSourceBranch"),
        message: options.text("mergeCommitMessage"),
        transition_work_items: options.flag("transitionWorkItems"),
        bypass_policy: options.flag("bypassPolicy"),
        bypass_reason: options.text("bypassReason"),
    });
    loaded.read_only = !in_git(git_root, place, &source);
    loaded.extra = row.others(&MODELLED);
    Ok(loaded)
}

fn reviewers(world: &mut World, list: &Raw<'_>) -> Result<Vec<Reviewer>, LoadError> {
    let mut loaded = Vec::new();
    for row in list.rows()? {
        let id = person(world, row.clone())?;
        loaded.push(Reviewer {
            vote: i8::try_from(row.number("vote").unwrap_or(0)).unwrap_or(0),
            is_required: row.flag("isRequired"),
            has_declined: row.flag("hasDeclined"),
            is_flagged: row.flag("isFlagged"),
            ..Reviewer::new(id)
        });
    }
    Ok(loaded)
}

fn labels(list: &Raw<'_>) -> Result<Vec<Label>, LoadError> {
    list.rows()?
        .iter()
        .map(|row| {
            let name = row.must("name")?;
            let id = row.maybe_id("id")?;
            Ok(Label { id: id.unwrap_or_else(|| Uuid::new_v5(&Uuid::NAMESPACE_URL, name.as_bytes())), name })
        })
        .collect()
}

fn work_items(list: &Raw<'_>) -> Result<Vec<i32>, LoadError> {
    list.rows()?.iter().map(|row| row.small("id")).collect()
}

fn thread(world: &mut World, row: &Raw<'_>) -> Result<Thread, LoadError> {
    let published = row.date("publishedDate")?.unwrap_or_else(|| world.now());
    let mut comments = Vec::new();
    if let Some(list) = row.field("comments") {
        for row in list.rows()? {
            comments.push(comment(world, &row)?);
        }
    }
    // `{"1": {identity}, ...}`; the keys are what the properties refer to.
    let mut identities = Vec::new();
    if let Some(by_index) = row.field("identities") {
        let mut rows = by_index.fields()?;
        rows.sort_by_key(|(index, _)| index.parse::<u32>().unwrap_or(u32::MAX));
        for (_, mention) in rows {
            identities.push(person(world, mention)?);
        }
    }
    let mut properties = BTreeMap::new();
    if let Some(bag) = row.field("properties") {
        for (name, property) in bag.fields()? {
            let value = property.value.get("$value").unwrap_or(property.value);
            let value = match value {
                Value::String(text) => Property::Text(text.clone()),
                Value::Number(number) => match number.as_i64() {
                    Some(number) => Property::Number(number),
                    None => Property::Text(number.to_string()),
                },
                other => Property::Text(other.to_string()),
            };
            properties.insert(name.to_owned(), value);
        }
    }
    let object = |name: &str| row.field(name).map(|field| field.value.clone());
    Ok(Thread {
        id: row.small("id")?,
        published,
        last_updated: row.date("lastUpdatedDate")?.unwrap_or(published),
        comments,
        status: row.word("status"),
        context: object("threadContext"),
        pull_request_context: object("pullRequestThreadContext"),
        properties,
        identities,
        is_deleted: row.flag("isDeleted"),
        extra: row.others(&[
            "id",
            "publishedDate",
            "lastUpdatedDate",
            "comments",
            "status",
            "threadContext",
            "pullRequestThreadContext",
            "properties",
            "identities",
            "isDeleted",
            "_links",
        ]),
    })
}

fn comment(world: &mut World, row: &Raw<'_>) -> Result<Comment, LoadError> {
    let author = match row.field("author") {
        Some(mention) => person(world, mention)?,
        None => return Err(row.wrong("has no author")),
    };
    let published = row.date("publishedDate")?.unwrap_or_else(|| world.now());
    Ok(Comment {
        id: row.small("id")?,
        parent: row.number("parentCommentId").and_then(|id| i32::try_from(id).ok()).unwrap_or(0),
        author,
        content: row.text("content"),
        kind: row.word("commentType").unwrap_or(CommentKind::Text),
        published,
        last_updated: row.date("lastUpdatedDate")?.unwrap_or(published),
        last_content_updated: row.date("lastContentUpdatedDate")?.unwrap_or(published),
        is_deleted: row.flag("isDeleted"),
        liked_by: Vec::new(),
    })
}

fn status(world: &mut World, row: &Raw<'_>, index: usize) -> Result<PrStatus, LoadError> {
    let created_by = match row.field("createdBy") {
        Some(mention) => person(world, mention)?,
        None => Uuid::nil(),
    };
    let created = row.date("creationDate")?.unwrap_or_else(|| world.now());
    let context = row.field("context");
    let iteration = row.number("iterationId").and_then(|id| i32::try_from(id).ok());
    let next = i32::try_from(index).unwrap_or(i32::MAX - 1) + 1;
    Ok(PrStatus {
        id: row.small("id").unwrap_or(next),
        state: row.word("state").unwrap_or(StatusState::NotSet),
        description: row.text("description"),
        context_name: context.as_ref().and_then(|context| context.text("name")).unwrap_or_default(),
        context_genre: context.as_ref().and_then(|context| context.text("genre")),
        target_url: row.text("targetUrl"),
        created,
        updated: row.date("updatedDate")?.unwrap_or(created),
        created_by,
        iteration,
    })
}
