//! The control verbs over HTTP: `POST /_sim/{verb}` with a JSON object, when the control routes are on.
//!
//! They ask for no credentials. `as` is a person's alias (`bob`) or unique name; `repository` is a GUID, a name, or
//! `Project/name`. Every answer is 200 with a JSON object, or `{"error": ...}` with the status of the refusal.
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
//! `GET /_sim/requests`: requests by route and in all; how many arrived, were refused with 429, were under way at once.
//! `GET /_sim/rate`: what everybody spent, the most in a window, how many requests were delayed and refused. `GET /_sim/faults`. `GET /_sim/pullRequests`: number, state,
//! merge, votes. `GET /_sim/branches/{repository}`: names and tips. `GET /_sim/clock`. `GET /_sim/cast`.
//! `GET /_sim/hooks/deliveries`: what was sent and what came back. `GET /_sim/hooks/subscriptions`: everybody's, without secrets.
//!
//! Limits: one JSON object a request, 32 MiB at most; unknown fields are refused.

use axum::body::Body;
use axum::http::{HeaderValue, Method, Request, Response, StatusCode, header};
use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::hooks::Emission;
use super::{Control, Merging, Policies, SourceBranch, Votes, runs, short};
use crate::sim::cast::Cast;
use crate::sim::deed::{self, Change};
use crate::sim::fault::FaultSpec;
use crate::sim::hooks::faults::{Drop, HookFaults};
use crate::sim::hooks::payload::invented::Sketch;
use crate::sim::hooks::retry::Status;
use crate::sim::host::Sim;
use crate::sim::rate::RateError;
use crate::sim::reply::Failure;
use crate::sim::seed;
use crate::sim::world::{MergeStrategy, Permission, StatusState};

/// What `POST /_sim/{verb}` carries.
#[derive(Debug, Deserialize)]
#[serde(tag = "verb", rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
enum Verb {
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
enum CastState {
    Paused,
    Running,
}

fn one_approval() -> usize {
    1
}

impl Control {
    async fn perform(&self, verb: Verb) -> Result<Value, Failure> {
        match verb {
            Verb::Vote { pull_request, r#as, vote } => self.vote(pull_request, &r#as, vote).await?,
            Verb::Comment { pull_request, r#as, text, path: Some(path), line } => {
                let line = line.unwrap_or(1);
                let thread = self.comment_at(pull_request, &r#as, &text, &path, line).await?;
                return Ok(json!({ "thread": thread }));
            }
            Verb::Comment { pull_request, r#as, text, path: None, .. } => {
                let thread = self.comment(pull_request, &r#as, &text).await?;
                return Ok(json!({ "thread": thread }));
            }
            Verb::Reply { pull_request, r#as, thread, text } => {
                let comment = self.reply(pull_request, &r#as, thread, &text).await?;
                return Ok(json!({ "comment": comment }));
            }
            Verb::Resolve { pull_request, r#as, thread } => {
                self.resolve(pull_request, &r#as, thread).await?;
            }
            Verb::Open { repository, source, target, title, r#as, description, draft, reviewers } => {
                let id = self.open(&repository, (&source, &target), &title, &r#as).await?;
                let person = self.person(&r#as).await?;
                let mut changes = Vec::new();
                changes.extend(description.map(Change::Description));
                changes.extend(draft.then_some(Change::Draft(true)));
                if !changes.is_empty() {
                    deed::update_pull_request(&self.sim, person, id, changes).await?;
                }
                for reviewer in reviewers {
                    let reviewer = self.person(&reviewer).await?;
                    deed::add_reviewer(&self.sim, person, id, reviewer, None).await?;
                }
                return Ok(json!({ "pullRequest": id }));
            }
            Verb::Merge { pull_request, r#as, strategy, delete_source, policies } => {
                let merging = Merging { strategy, source: delete_source, policies };
                let commit = self.merge(pull_request, &r#as, merging).await?;
                return Ok(json!({ "commit": commit }));
            }
            Verb::AutoComplete { pull_request, r#as } => {
                self.auto_complete(pull_request, &r#as).await?;
            }
            Verb::Abandon { pull_request, r#as } => self.abandon(pull_request, &r#as).await?,
            Verb::Reactivate { pull_request, r#as } => self.reactivate(pull_request, &r#as).await?,
            Verb::Publish { pull_request, r#as } => self.publish(pull_request, &r#as).await?,
            Verb::Retitle { pull_request, r#as, title } => {
                self.retitle(pull_request, &r#as, &title).await?;
            }
            Verb::Conflict { pull_request, r#as } => {
                let who = r#as.as_deref().unwrap_or("dave");
                let path = self.make_conflict(pull_request, who).await?;
                return Ok(json!({ "path": path }));
            }
            Verb::Status { pull_request, r#as, state, context, description } => {
                let context = context.as_deref().unwrap_or(seed::BUILD);
                let description = description.unwrap_or_default();
                self.add_status(pull_request, &r#as, context, state, &description).await?;
            }
            Verb::Push { repository, branch, r#as, path, content, message, from } => {
                let message = message.unwrap_or_else(|| format!("Change {path}"));
                let place = (branch.as_str(), from.as_deref());
                let file = (path.as_str(), content.as_bytes());
                let commit = self.push_file(&repository, place, &r#as, file, &message).await?;
                return Ok(json!({ "commit": commit }));
            }
            Verb::MoveBranch { repository, branch, r#as, to } => {
                self.move_branch(&repository, &branch, &r#as, &to).await?;
            }
            Verb::DeleteBranch { repository, branch, r#as } => {
                self.delete_branch(&repository, &branch, &r#as).await?;
            }
            Verb::Disable { repository } => self.disable_repository(&repository).await?,
            Verb::Enable { repository } => self.enable_repository(&repository).await?,
            Verb::Deny { repository, r#as, permission } => {
                self.deny(&repository, &r#as, permission).await?;
            }
            Verb::Permit { repository, r#as, permission } => {
                self.permit(&repository, &r#as, permission).await?;
            }
            Verb::Protect { repository, branch, approvals, reset_votes } => {
                self.want_approvals(&repository, &branch, approvals, reset_votes).await?;
            }
            Verb::WantResolved { repository, branch } => self.want_resolved(&repository, &branch).await?,
            Verb::Unprotect { repository, branch } => self.unprotect(&repository, &branch).await?,
            Verb::Advance { seconds } => {
                let now = self.advance(SignedDuration::from_secs(seconds.max(0))).await;
                return Ok(json!({ "now": now.to_string() }));
            }
            Verb::Settle {} => {
                let looked_at = deed::settle(&self.sim).await?;
                return Ok(json!({ "lookedAt": looked_at }));
            }
            Verb::Fault { spec } => {
                let spec: FaultSpec = spec.parse().map_err(|error| Failure::argument("spec", &format!("{error}")))?;
                return Ok(json!({ "id": self.add_fault(spec) }));
            }
            Verb::Unfault { id: Some(id) } if !self.remove_fault(id) => {
                return Err(Failure::argument("id", "No such fault."));
            }
            Verb::Unfault { id: Some(_) } => {}
            Verb::Unfault { id: None } => self.clear_faults(),
            Verb::Revoke { token } => self.revoke_token(&token).await?,
            Verb::Expire { token } => self.expire_token(&token).await?,
            Verb::CreateRepository { project, name, r#as, parent } => {
                let id = self.create_repository(&project, &name, &r#as, parent.as_deref()).await?;
                return Ok(json!({ "repository": id }));
            }
            Verb::RenameRepository { repository, r#as, name } => self.rename_repository(&repository, &r#as, &name).await?,
            Verb::DeleteRepository { repository, r#as } => self.delete_repository(&repository, &r#as).await?,
            Verb::RenameProject { project, name } => self.rename_project(&project, &name).await?,
            Verb::EditComment { pull_request, r#as, thread, comment, text } => {
                self.edit_comment(pull_request, &r#as, (thread, comment), &text).await?;
            }
            Verb::DeleteComment { pull_request, r#as, thread, comment } => {
                self.delete_comment(pull_request, &r#as, (thread, comment)).await?;
            }
            Verb::AddReviewer { pull_request, r#as, reviewer } => self.add_reviewer(pull_request, &r#as, &reviewer).await?,
            Verb::Administrator { r#as, is } => self.set_administrator(&r#as, is).await?,
            Verb::HooksEmit { event_type, project, repository, pull_request, notification_type, r#as, count, about } => {
                let emission = Emission { event_type, project, repository, pull_request, notification_type, r#as, count, about };
                return Ok(json!({ "subscriptions": self.emit(emission).await? }));
            }
            Verb::HooksFaults { duplicate, reorder, delay, drop, paused, seed } => {
                self.hook_faults(HookFaults { duplicate, reorder, delay, drop, paused, seed });
            }
            Verb::HooksStatus { subscription, status } => self.set_subscription_status(subscription, status)?,
            Verb::HooksDelete { subscription } => {
                if !self.unsubscribe(subscription) {
                    return Err(Failure::no_subscription(&subscription.to_string()));
                }
            }
            Verb::HooksIdle {} => return Ok(json!(self.hooks_idle().await?)),
            Verb::HooksForget {} => self.clear_deliveries(),
            Verb::ResetRequests {} => self.reset_requests(),
            Verb::Rate { limit } => {
                let rate = limit.map(|text| text.parse()).transpose();
                self.set_rate(rate.map_err(|error: RateError| Failure::argument("limit", &error.to_string()))?);
            }
            Verb::Cast { state, pace } => {
                if let Some(pace) = pace {
                    self.set_cast_pace(pace);
                }
                match state {
                    Some(CastState::Paused) => self.pause_cast(),
                    Some(CastState::Running) => self.resume_cast(),
                    None => {}
                }
            }
        }
        Ok(json!({}))
    }

    async fn look(&self, what: &str) -> Result<Value, Failure> {
        match what.split_once('/').unwrap_or((what, "")) {
            ("requests", _) => Ok(self.requests().json()),
            ("rate", _) => Ok(self.rate_json().await),
            ("faults", _) => {
                let rows: Vec<_> = self
                    .sim
                    .faults
                    .list()
                    .iter()
                    .map(|armed| {
                        json!({
                            "id": armed.id, "spec": armed.spec.to_string(),
                            "seen": armed.seen, "hit": armed.hit,
                        })
                    })
                    .collect();
                Ok(json!({ "faults": rows }))
            }
            ("pullRequests", _) => {
                let world = self.sim.read().await;
                let name = |id: Uuid| world.user(id).map_or_else(|| id.to_string(), |user| user.alias().to_owned());
                let rows: Vec<_> = world
                    .pull_requests
                    .values()
                    .map(|row| {
                        let votes: serde_json::Map<String, Value> =
                            row.reviewers.iter().map(|reviewer| (name(reviewer.id), reviewer.vote.into())).collect();
                        json!({
                            "pullRequest": row.id, "title": row.title, "state": row.state.word(),
                            "repository": world.repository(row.repository).map(|place| place.name.clone()),
                            "source": short(&row.source_ref), "target": short(&row.target_ref),
                            "merge": row.merge.status.word(), "commit": row.merge.commit,
                            "draft": row.is_draft, "by": name(row.created_by), "votes": votes,
                        })
                    })
                    .collect();
                Ok(json!({ "pullRequests": rows }))
            }
            ("branches", repository) => {
                let place = self.repository(repository).await?;
                let refs = self.with_git(place.id, |repo| repo.refs("heads/")).await?;
                let rows: serde_json::Map<String, Value> = refs.into_iter().map(|row| (short(&row.name), row.object_id.into())).collect();
                Ok(json!({ "branches": rows }))
            }
            ("hooks", "deliveries") => Ok(json!({ "deliveries": self.deliveries() })),
            ("hooks", "subscriptions") => {
                let rows: Vec<_> = self
                    .subscriptions()
                    .iter()
                    .map(|row| {
                        json!({
                            "id": row.id, "publisher": row.publisher, "eventType": row.event_type, "status": row.status.word(),
                            "project": row.project, "url": row.url(), "publisherInputs": row.publisher_inputs,
                            "consumerInputs": row.masked_consumer_inputs(), "createdBy": row.created_by, "lost": row.lost,
                            "notifications": row.last_notification, "probationRetries": row.probation_retries,
                        })
                    })
                    .collect();
                Ok(json!({ "subscriptions": rows }))
            }
            ("cast", _) => {
                let word = match self.cast() {
                    Cast::Off => "off",
                    Cast::Paused => "paused",
                    Cast::Running => "running",
                };
                Ok(json!({ "state": word }))
            }
            ("clock", _) => Ok(json!({ "now": self.sim.read().await.now().to_string() })),
            (other, _) => Err(unknown(other)),
        }
    }
}

fn unknown(what: &str) -> Failure {
    Failure::new(StatusCode::NOT_FOUND, "SimulatorException", format!("There is no control route called {what:?}."))
}

/// Answers one request below `/_sim/`.
pub async fn handle(sim: Sim, request: Request<Body>) -> Response<Body> {
    let control = Control::new(sim);
    let path = request.uri().path().to_owned();
    let what = path.trim_start_matches("/_sim").trim_matches('/').to_owned();
    let outcome = if request.method() == Method::GET {
        control.look(&what).await
    } else {
        match verb(&what, request.into_body()).await {
            Ok(Asked::General(verb)) => control.perform(verb).await,
            Ok(Asked::Runs(verb)) => control.perform_run(verb).await,
            Err(failure) => Err(failure),
        }
    };
    let (status, body) = match outcome {
        Ok(body) => (StatusCode::OK, body),
        Err(failure) => (failure.status, json!({ "error": failure.message })),
    };
    let mut answer = Response::new(Body::from(body.to_string()));
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    answer
}

enum Asked {
    General(Verb),
    Runs(runs::Verb),
}

async fn verb(what: &str, body: Body) -> Result<Asked, Failure> {
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
