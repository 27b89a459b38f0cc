//! The control verbs over HTTP: `POST /_sim/{verb}` with a JSON object, when the control routes are on.
//!
//! They ask for no credentials. `as` is a person's alias (`bob`) or unique name; `repository` is a GUID, a name, or
//! `Project/name`. Every answer is 200 with a JSON object, or `{"error": ...}` with the status of the refusal.
//!
//! What the verbs are, `verb` says, and what can be looked at with `GET`, `look`.

use axum::body::Body;
use axum::http::{HeaderValue, Method, Request, Response, StatusCode, header};
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::hooks::Emission;
use super::verb::{self, Asked, CastState, Verb};
use super::{Control, Merging};
use crate::sim::deed::{self, Change};
use crate::sim::fault::FaultSpec;
use crate::sim::hooks::faults::HookFaults;
use crate::sim::host::Sim;
use crate::sim::rate::RateError;
use crate::sim::reply::Failure;
use crate::sim::seed;

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
}

/// Answers one request below `/_sim/`.
pub async fn handle(sim: Sim, request: Request<Body>) -> Response<Body> {
    let control = Control::new(sim);
    let path = request.uri().path().to_owned();
    let what = path.trim_start_matches("/_sim").trim_matches('/').to_owned();
    let outcome = if request.method() == Method::GET {
        control.look(&what).await
    } else {
        match verb::asked(&what, request.into_body()).await {
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
