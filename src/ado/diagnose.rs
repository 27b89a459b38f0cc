//! Tells a bad token from a missing scope, and an unknown path from a missing collection, by one more call each.

use super::Client;
use super::call::{Accept, Call, Release};
use super::classify::{Judged, Verdict, judge};
use super::error::{Error, ErrorKind};
use super::scope::Scope;
use super::transport::Answer;
use super::version::ApiVersion;

const CONNECTION: &str = "/_apis/connectionData";

impl Client {
    /// An empty 401 says nothing. If `connectionData` answers, the token is valid and the call's scope is missing; if not, its
    /// answer says what is wrong with the token.
    pub(super) async fn diagnose(&self, call: &Call, answer: &Answer, judged: &Judged) -> Error {
        let finish = |kind: ErrorKind, words: &str, code: Option<String>, activity: Option<&str>| {
            self.error(kind, &call.attempt).detail(words).code(code).status_code(answer.status).activity(activity)
        };
        if call.path == CONNECTION {
            return finish(ErrorKind::BadToken, &judged.words, judged.code.clone(), answer.activity_id());
        }
        let probe = Call::get(CONNECTION, Scope::Any, call.attempt.clone()).release(Release::Unversioned);
        // The version is unknown only where the question for versions itself got the 401: any version will then do.
        let version = format!("{}-preview.1", self.known_version().unwrap_or(ApiVersion::V7_1));
        let Ok(url) = self.url(&probe, Some(&version)).await else {
            return finish(ErrorKind::BadToken, &judged.words, None, answer.activity_id());
        };
        let second = match self.transport().exchange(&probe, &url, self.lane, self.patience()).await {
            Ok(second) => second,
            Err(broken) => return self.explain_broken(call, broken).error,
        };
        let verdict = judge(&second, Accept::Json);
        match verdict.verdict {
            Verdict::Fine if is_anonymous(&second) => finish(ErrorKind::BadToken, "", None, second.activity_id()),
            Verdict::Fine if call.scope == Scope::Any => {
                finish(ErrorKind::PermissionMissing { permission: String::new() }, &judged.words, judged.code.clone(), answer.activity_id())
            }
            Verdict::Fine => {
                finish(ErrorKind::ScopeMissing { scope: call.scope.words() }, &judged.words, judged.code.clone(), answer.activity_id())
            }
            Verdict::Failed(kind @ (ErrorKind::TokenExpired | ErrorKind::NotAMember)) => {
                finish(kind, &verdict.words, verdict.code, second.activity_id())
            }
            _ => finish(ErrorKind::BadToken, &judged.words, judged.code.clone(), answer.activity_id()),
        }
    }

    /// A 404 without the service's envelope: either the path is wrong for this version, or there is nothing at the base URL.
    pub(super) async fn explain_unknown_path(&self, call: &Call) -> ErrorKind {
        let probe = Call::options("/_apis", call.attempt.clone());
        if call.path == probe.path {
            return ErrorKind::CollectionMissing;
        }
        let Ok(url) = self.url(&probe, None).await else { return ErrorKind::NotFound };
        match self.transport().exchange(&probe, &url, self.lane, self.patience()).await {
            Ok(answer) if answer.status == 404 => ErrorKind::CollectionMissing,
            _ => ErrorKind::NotFound,
        }
    }
}

/// A public organisation answers anybody, as a person called Anonymous.
fn is_anonymous(answer: &Answer) -> bool {
    let id = serde_json::from_slice::<serde_json::Value>(answer.text())
        .ok()
        .and_then(|v| v.pointer("/authenticatedUser/id").and_then(|id| id.as_str().map(str::to_owned)));
    id.is_some_and(|id| id.eq_ignore_ascii_case(super::wire::connection::ANONYMOUS))
}
