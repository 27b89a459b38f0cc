//! What an answer means: good, another version wanted, not authorised, or a failure of a known kind.
//!
//! Branches on the status and the exception's name (`typeKey`) first, on the code at the head of the message (`TF401019`) second.

use serde::Deserialize;

use super::call::{Accept, decode};
use super::error::{ErrorKind, seconds};
use super::transport::Answer;
use super::wire::loose;

#[derive(Debug)]
pub enum Verdict {
    Fine,
    /// Ask again with a version not newer than what the message names.
    VersionTooNew,
    /// Ask again with `-preview`.
    PreviewOnly,
    /// 401: only another call can tell a bad token from a missing scope.
    Unauthorised,
    /// A 404 that is not about the thing asked for: the path itself is unknown.
    UnknownPath,
    Failed(ErrorKind),
}

/// An answer judged, with the service's own words.
#[derive(Debug)]
pub struct Judged {
    pub verdict: Verdict,
    pub code: Option<String>,
    pub words: String,
}

/// The error envelope.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope {
    #[serde(default, deserialize_with = "loose::word")]
    message: Option<String>,
    #[serde(default, deserialize_with = "loose::word")]
    type_key: Option<String>,
}

pub fn judge(answer: &Answer, accept: Accept) -> Judged {
    let html = answer.is_html();
    let envelope: Envelope = if html { Envelope::default() } else { serde_json::from_slice(answer.text()).unwrap_or_default() };
    let plain = if html || answer.content_type().contains("octet-stream") { "".into() } else { String::from_utf8_lossy(answer.text()) };
    let message = match envelope.message {
        Some(message) => message,
        None if answer.status >= 300 && !plain.is_empty() && !plain.trim_start().starts_with(['{', '[']) => plain.into_owned(),
        // Some failures say what is wrong in a header alone.
        None => answer.header("x-tfs-serviceerror").map(decode).unwrap_or_default(),
    };
    let code = code_of(&message);
    let type_key = envelope.type_key.unwrap_or_default();
    let verdict = verdict(answer, accept, html, &type_key, code.as_deref().unwrap_or_default(), &message);
    let words = match &verdict {
        Verdict::Failed(ErrorKind::BadToken) if html => "it answered with a sign-in page".to_owned(),
        Verdict::Failed(ErrorKind::UntrustedHost) => {
            format!("it redirects to {}; redirects are not followed", answer.header("location").unwrap_or("another place"))
        }
        _ => message,
    };
    Judged { verdict, code, words }
}

fn verdict(answer: &Answer, accept: Accept, html: bool, type_key: &str, code: &str, message: &str) -> Verdict {
    let failed = Verdict::Failed;
    match answer.status {
        203 => failed(ErrorKind::BadToken),
        200..=299 if html => failed(ErrorKind::BadToken),
        200..=299 => {
            let json = answer.content_type().to_ascii_lowercase().contains("json");
            if answer.body.is_empty() || json || accept == Accept::Bytes {
                Verdict::Fine
            } else {
                failed(ErrorKind::Unreadable { path: "$".to_owned() })
            }
        }
        300..=399 => {
            let to = answer.header("location").unwrap_or_default().to_ascii_lowercase();
            if html || to.is_empty() || to.contains("signin") || to.contains("login") {
                failed(ErrorKind::BadToken)
            } else {
                failed(ErrorKind::UntrustedHost)
            }
        }
        401 => {
            if message.contains("has expired") {
                failed(ErrorKind::TokenExpired)
            } else if code == "TF400813" && !message.contains("aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa") {
                failed(ErrorKind::NotAMember)
            } else {
                Verdict::Unauthorised
            }
        }
        407 => failed(ErrorKind::Proxy),
        429 => failed(throttled(answer)),
        503 if answer.retry_after.is_some() => failed(throttled(answer)),
        status => {
            if type_key == "RequestBlockedException" || code == "TF400733" {
                return failed(throttled(answer));
            }
            if let Some(kind) = by_name(type_key, code, message) {
                return kind;
            }
            match status {
                403 => failed(ErrorKind::PermissionMissing { permission: permission_in(message).unwrap_or_default() }),
                404 if type_key.is_empty() && code.is_empty() => Verdict::UnknownPath,
                404 => failed(ErrorKind::NotFound),
                408 => failed(ErrorKind::TimedOut),
                500.. => failed(ErrorKind::ServerError { status }),
                _ => failed(ErrorKind::BadRequest),
            }
        }
    }
}

fn throttled(answer: &Answer) -> ErrorKind {
    ErrorKind::Throttled { retry_after_s: answer.retry_after.map_or(0, seconds) }
}

/// By the exception's name, or by the code where names are missing or vary.
fn by_name(type_key: &str, code: &str, message: &str) -> Option<Verdict> {
    let kind = match (type_key, code) {
        ("VssVersionOutOfRangeException", _) => return Some(Verdict::VersionTooNew),
        ("VssInvalidPreviewVersionException", _) => return Some(Verdict::PreviewOnly),
        ("GitRepositoryNotFoundException", _) | (_, "TF401019") => ErrorKind::RepositoryMissing,
        ("ProjectDoesNotExistWithNameException" | "ProjectDoesNotExistException", _) | (_, "TF200016") => ErrorKind::ProjectMissing,
        ("GitUnresolvableToCommitException" | "GitPullRequestCannotBeActivated", _) | (_, "TF401175" | "TF401398") => {
            ErrorKind::BranchMissing
        }
        ("GitItemNotFoundException", _) | (_, "TF401174") => ErrorKind::FileMissing,
        ("GitPullRequestNotFoundException", _) | (_, "TF401180") => ErrorKind::PullRequestMissing,
        ("GitPullRequestExistsException", _) | (_, "TF401179") => ErrorKind::PullRequestExists,
        ("GitReferenceStaleException", _) | (_, "TF401028") => ErrorKind::StaleRef,
        ("GitPullRequestStaleException", _) | (_, "TF401192") => ErrorKind::PullRequestStale,
        ("GitPullRequestNotEditableException" | "GitPullRequestStatusNotEditableException", _) | (_, "TF401181") => ErrorKind::NotEditable,
        ("GitRefUpdateRejectedByPolicyException" | "GitPullRequestUpdateRejectedByPolicyException", _) | (_, "TF402455") => {
            ErrorKind::PolicyRejected
        }
        ("GitNeedsPermissionException", _) | (_, "TF401027") => {
            ErrorKind::PermissionMissing { permission: permission_in(message).unwrap_or_default() }
        }
        _ if message.contains("specified in the add operation already exists") => ErrorKind::PathExists,
        _ => return None,
    };
    Some(Verdict::Failed(kind))
}

/// `TF401019` at the head of a message.
fn code_of(message: &str) -> Option<String> {
    let code: String = message.trim_start().chars().take_while(char::is_ascii_alphanumeric).take(16).collect();
    let digits = ["TF", "VSSPS", "VS"].iter().find_map(|p| code.strip_prefix(p))?;
    (!digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())).then_some(code)
}

/// The permission that a refusal names: `You need the Git 'GenericContribute' permission`, `to perform this action: Edit`, or
/// `Ada needs View builds permissions for`.
fn permission_in(message: &str) -> Option<String> {
    let quoted = || {
        let (_, rest) = message.split_once('\'')?;
        let (name, after) = rest.split_once('\'')?;
        after.trim_start().starts_with("permission").then(|| name.to_owned())
    };
    let named = || message.rsplit_once("to perform this action: ").map(|(_, name)| name.trim().trim_end_matches('.').to_owned());
    let needed = || {
        let (_, rest) = message.split_once(" needs ")?;
        let (name, _) = rest.split_once(" permission")?;
        (!name.contains(['.', ':']) && !name.starts_with("the following")).then(|| name.to_owned())
    };
    quoted().or_else(named).or_else(needed).filter(|name| !name.is_empty()).map(|name| name.chars().take(80).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_permissions_are_found_in_messages() {
        assert_eq!(code_of("TF401175:The version descriptor").as_deref(), Some("TF401175"));
        assert_eq!(code_of("VS402337 The number").as_deref(), Some("VS402337"));
        assert_eq!(code_of("Teams do not exist"), None);
        assert_eq!(code_of("TFx"), None);
        let text =
            "TF401027: You need the Git 'CreateBranch' permission to perform this action. Details: identity 'x', scope 'repository'.";
        assert_eq!(permission_in(text).as_deref(), Some("CreateBranch"));
        let text = "Access Denied: Ada needs the following permission(s) on the resource Git to perform this action: Edit Subscription";
        assert_eq!(permission_in(text).as_deref(), Some("Edit Subscription"));
        let text = "TF215106: Access denied. Ada Byte needs View builds permissions for build pipelines in team project Orbit to perform \
                    the action. For more information, contact the administrator.";
        assert_eq!(permission_in(text).as_deref(), Some("View builds"));
        assert_eq!(permission_in("it's forbidden"), None);
    }
}
