//! What can be asked for with `POST /_sim/{verb}`, and what each verb carries.
//!
//! | verb | body | does |
//! |---|---|---|
//! | `vote` | `pullRequest, as, vote` | votes 10, 5, 0, -5 or -10 |
//! | `comment` | `pullRequest, as, text[, path, line]` | opens a thread; answers `thread` |
//! | `reply` | `pullRequest, as, thread, text` | answers in a thread |
//! | `resolve` | `pullRequest, as, thread` | closes a thread as fixed |
//! | `open` | `repository, source, target, title, as[, description, draft, reviewers]` | opens a pull request; answers `pullRequest` |
//! | `merge` | `pullRequest, as[, strategy, deleteSource, policies]` | completes it now (`policies: "enforced"` asks them) |
//! | `autoComplete` | `pullRequest, as` | sets auto-complete |
//! | `abandon`, `reactivate`, `publish` | `pullRequest, as` | changes its state |
//! | `retitle` | `pullRequest, as, title` | changes its title |
//! | `conflict` | `pullRequest[, as]` | commits to the target what the source cannot be merged with; answers `path` |
//! | `status` | `pullRequest, as, state[, context, description]` | posts a status (`context` is `ci` unless said) |
//! | `push` | `repository, branch, as, path, content[, message, from]` | writes a file to a branch, which starts at `from` (the default branch) if it is new; answers `commit` |
//! | `moveBranch` | `repository, branch, as, to` | points a branch anywhere; `to` is a commit or a branch |
//! | `deleteBranch` | `repository, branch, as` | deletes it |
//! | `disable`, `enable` | `repository` | the repository |
//! | `deny`, `permit` | `repository, as, permission` | `GenericRead`, `GenericContribute`, `CreateBranch`, `ForcePush`, `PullRequestContribute` |
//! | `protect` | `repository, branch[, approvals, resetVotes]` | a blocking "Minimum number of reviewers" on a branch: one, and a push takes no votes back, unless told otherwise |
//! | `unprotect` | `repository, branch` | every policy off a branch |
//! | `wantResolved` | `repository, branch` | a blocking "Comment requirements" on a branch |
//! | `advance` | `seconds` | the world's clock; answers `now` |
//! | `settle` | | works off queued merges now; answers `lookedAt` |
//! | `fault` | `spec` | switches a fault on (see `fault`); answers `id` |
//! | `unfault` | `[id]` | switches one or all off |
//! | `revoke`, `expire` | `token` | a token |
//! | `resetRequests` | | the counters, also what was spent and the peak |
//! | `rate` | `[limit]` | another budget for everybody (see `rate`); none said is none |
//! | `createRepository` | `project, name, as[, parent]` | makes an empty repository, or a fork of `parent`; answers `repository` |
//! | `renameRepository`, `deleteRepository` | `repository, as[, name]` | the repository |
//! | `renameProject` | `project, name` | no event tells of it |
//! | `editComment`, `deleteComment` | `pullRequest, as, thread, comment[, text]` | a comment of one's own |
//! | `addReviewer` | `pullRequest, as, reviewer` | asks somebody for a review |
//! | `administrator` | `as, is` | whether somebody may look after service hooks; without it theirs are disabled |
//! | `hooks/emit` | `eventType[, project, repository, pullRequest, notificationType, as, count, about]` | publishes an event; `about` has `number, name, state, result, resource, inputs` for what this world does not have; answers `subscriptions` |
//! | `hooks/faults` | `[duplicate, reorder, delay, drop, paused, seed]` | how deliveries go wrong from now on; nothing said is nothing wrong |
//! | `hooks/status` | `subscription, status` | disables or enables a subscription as somebody else would |
//! | `hooks/delete` | `subscription` | as on the web page |
//! | `hooks/idle` | | works off merges, waits until nothing is under way or due; answers `waiting` and `next` |
//! | `hooks/forget` | | empties the list of deliveries |
//! | `cast` | `state` (`paused`, `running`)`[, pace]` | the teammates |
//!
//! Pipelines, classic releases and work items have verbs of their own: see [`super::runs`].
//!
//! Limits: one JSON object a request, 32 MiB at most; unknown fields are refused.

use axum::body::Body;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Policies, SourceBranch, Votes, runs};
use crate::sim::hooks::faults::Drop;
use crate::sim::hooks::payload::invented::Sketch;
use crate::sim::hooks::retry::Status;
use crate::sim::reply::Failure;
use crate::sim::world::{MergeStrategy, Permission, StatusState};

/// What `POST /_sim/{verb}` carries.
#[derive(Debug, Deserialize)]
#[serde(tag = "verb", rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub(super) enum Verb {
    Vote {
        pull_request: i32,
        r#as: String,
        vote: i8,
    },
    Comment {
        pull_request: i32,
        r#as: String,
        text: String,
        path: Option<String>,
        line: Option<u32>,
    },
    Reply {
        pull_request: i32,
        r#as: String,
        thread: i32,
        text: String,
    },
    Resolve {
        pull_request: i32,
        r#as: String,
        thread: i32,
    },
    Open {
        repository: String,
        source: String,
        target: String,
        title: String,
        r#as: String,
        description: Option<String>,
        #[serde(default)]
        draft: bool,
        #[serde(default)]
        reviewers: Vec<String>,
    },
    Merge {
        pull_request: i32,
        r#as: String,
        #[serde(default)]
        strategy: MergeStrategy,
        #[serde(default)]
        delete_source: SourceBranch,
        #[serde(default)]
        policies: Policies,
    },
    AutoComplete {
        pull_request: i32,
        r#as: String,
    },
    Abandon {
        pull_request: i32,
        r#as: String,
    },
    Reactivate {
        pull_request: i32,
        r#as: String,
    },
    Publish {
        pull_request: i32,
        r#as: String,
    },
    Retitle {
        pull_request: i32,
        r#as: String,
        title: String,
    },
    Conflict {
        pull_request: i32,
        r#as: Option<String>,
    },
    Status {
        pull_request: i32,
        r#as: String,
        state: StatusState,
        context: Option<String>,
        description: Option<String>,
    },
    Push {
        repository: String,
        branch: String,
        r#as: String,
        path: String,
        content: String,
        message: Option<String>,
        from: Option<String>,
    },
    MoveBranch {
        repository: String,
        branch: String,
        r#as: String,
        to: String,
    },
    DeleteBranch {
        repository: String,
        branch: String,
        r#as: String,
    },
    Disable {
        repository: String,
    },
    Enable {
        repository: String,
    },
    Deny {
        repository: String,
        r#as: String,
        permission: Permission,
    },
    Permit {
        repository: String,
        r#as: String,
        permission: Permission,
    },
    Protect {
        repository: String,
        branch: String,
        #[serde(default = "one_approval")]
        approvals: usize,
        #[serde(default)]
        reset_votes: Votes,
    },
    WantResolved {
        repository: String,
        branch: String,
    },
    Unprotect {
        repository: String,
        branch: String,
    },
    Advance {
        seconds: i64,
    },
    Settle {},
    Fault {
        spec: String,
    },
    Unfault {
        id: Option<u64>,
    },
    Revoke {
        token: String,
    },
    Expire {
        token: String,
    },
    CreateRepository {
        project: String,
        name: String,
        r#as: String,
        parent: Option<String>,
    },
    RenameRepository {
        repository: String,
        r#as: String,
        name: String,
    },
    DeleteRepository {
        repository: String,
        r#as: String,
    },
    RenameProject {
        project: String,
        name: String,
    },
    EditComment {
        pull_request: i32,
        r#as: String,
        thread: i32,
        comment: i32,
        text: String,
    },
    DeleteComment {
        pull_request: i32,
        r#as: String,
        thread: i32,
        comment: i32,
    },
    AddReviewer {
        pull_request: i32,
        r#as: String,
        reviewer: String,
    },
    Administrator {
        r#as: String,
        is: bool,
    },
    #[serde(rename = "hooks/emit")]
    HooksEmit {
        event_type: String,
        project: Option<String>,
        repository: Option<String>,
        pull_request: Option<i32>,
        notification_type: Option<String>,
        r#as: Option<String>,
        count: Option<u32>,
        #[serde(default)]
        about: Sketch,
    },
    #[serde(rename = "hooks/faults")]
    HooksFaults {
        #[serde(default)]
        duplicate: u32,
        #[serde(default)]
        reorder: i64,
        #[serde(default)]
        delay: i64,
        #[serde(default)]
        drop: Drop,
        #[serde(default)]
        paused: bool,
        #[serde(default)]
        seed: u64,
    },
    #[serde(rename = "hooks/status")]
    HooksStatus {
        subscription: Uuid,
        status: Status,
    },
    #[serde(rename = "hooks/delete")]
    HooksDelete {
        subscription: Uuid,
    },
    #[serde(rename = "hooks/idle")]
    HooksIdle {},
    #[serde(rename = "hooks/forget")]
    HooksForget {},
    ResetRequests {},
    Rate {
        limit: Option<String>,
    },
    Cast {
        state: Option<CastState>,
        pace: Option<f64>,
    },
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum CastState {
    Paused,
    Running,
}

fn one_approval() -> usize {
    1
}

/// A verb with what it carries.
pub(super) enum Asked {
    General(Verb),
    Runs(runs::Verb),
}

/// Reads a verb from the path and what came with it.
pub(super) async fn asked(what: &str, body: Body) -> Result<Asked, Failure> {
    const LARGEST: usize = 32 << 20;
    let bytes = axum::body::to_bytes(body, LARGEST).await.map_err(|error| Failure::argument("body", &error.to_string()))?;
    let value: Value = if bytes.is_empty() {
        json!({})
    } else {
        serde_json::from_slice(&bytes).map_err(|error| Failure::argument("body", &error.to_string()))?
    };
    let Value::Object(mut object) = value else {
        return Err(Failure::argument("body", "A JSON object is wanted."));
    };
    object.insert("verb".to_owned(), what.into());
    let read = if runs::VERBS.contains(&what) {
        serde_json::from_value(Value::Object(object)).map(Asked::Runs)
    } else {
        serde_json::from_value(Value::Object(object)).map(Asked::General)
    };
    read.map_err(|error| {
        let words = error.to_string();
        // A field may have variants too: only the verb's own makes a route.
        if words.starts_with(&format!("unknown variant `{what}`")) { unknown(what) } else { Failure::argument("body", &words) }
    })
}

/// What somebody is told who asks for something else.
pub(super) fn unknown(what: &str) -> Failure {
    Failure::new(StatusCode::NOT_FOUND, "SimulatorException", format!("There is no control route called {what:?}."))
}
