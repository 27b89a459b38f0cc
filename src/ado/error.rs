//! What went wrong with a request: what was attempted, where, why, and what to do next.
//!
//! Words of the server are kept inert and cut; headers, bodies and tokens never get in here.

use std::time::Duration;

use super::base::Base;
use super::scope::tokens_page;
use crate::domain::project::Deployment;
use crate::notice::{Explain, inert};

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// A request that did not do what was asked.
#[derive(Debug)]
pub struct Error(Box<Inner>);

#[derive(Debug)]
struct Inner {
    kind: ErrorKind,
    attempt: String,
    place: String,
    place_url: String,
    deployment: Deployment,
    status: Option<u16>,
    code: Option<String>,
    detail: Option<String>,
    activity: Option<String>,
    source: Option<Cause>,
}

/// Why, as far as callers branch on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ErrorKind {
    BadToken,
    TokenExpired,
    /// The token's owner does not belong to this organisation (TF400813).
    NotAMember,
    /// The token is valid but lacks a scope, in the words of the token page: `Code (read & write)`.
    ScopeMissing {
        scope: &'static str,
    },
    /// The person lacks a permission, as Azure DevOps names it: `GenericContribute`.
    PermissionMissing {
        permission: String,
    },
    ProjectMissing,
    RepositoryMissing,
    /// The organisation, or on a Server the collection, is not there.
    CollectionMissing,
    BranchMissing,
    FileMissing,
    PullRequestMissing,
    NotFound,
    /// The branch moved since it was read.
    StaleRef,
    /// A ref update was refused, with the service's word for it (`refNameConflict`).
    RefRejected(String),
    PathExists,
    PullRequestExists,
    /// The source branch moved since the pull request was read.
    PullRequestStale,
    PolicyRejected,
    /// Completed or abandoned pull requests cannot be edited.
    NotEditable,
    Throttled {
        retry_after_s: u64,
    },
    Offline,
    Tls,
    Proxy,
    /// It would have changed something, and this client may only read.
    ReadOnly,
    /// The token would have gone to a host that is not trusted.
    UntrustedHost,
    /// The token would have gone over plain http.
    PlainHttp,
    TimedOut,
    ServerError {
        status: u16,
    },
    BadRequest,
    /// The answer could not be read; the path is that of the value in the JSON.
    Unreadable {
        path: String,
    },
    /// A write whose answer was lost: it may have happened. Read again before repeating it.
    OutcomeUnknown,
}

impl Error {
    pub(super) fn new(kind: ErrorKind, attempt: &str, base: &Base) -> Self {
        Self(Box::new(Inner {
            kind,
            attempt: attempt.to_owned(),
            place: base.name().to_owned(),
            place_url: base.url().to_owned(),
            deployment: base.deployment(),
            status: None,
            code: None,
            detail: None,
            activity: None,
            source: None,
        }))
    }

    pub(super) fn detail(mut self, words: impl AsRef<str>) -> Self {
        let words = inert(words.as_ref());
        let mut cut: String = words.trim().chars().take(400).collect();
        if cut.len() < words.trim().len() {
            cut.push('…');
        }
        self.0.detail = (!cut.is_empty()).then_some(cut);
        self
    }

    pub(super) fn status_code(mut self, status: u16) -> Self {
        self.0.status = Some(status);
        self
    }

    pub(super) fn code(mut self, code: Option<String>) -> Self {
        self.0.code = code;
        self
    }

    pub(super) fn activity(mut self, id: Option<&str>) -> Self {
        self.0.activity = id.map(|id| inert(id).chars().take(60).collect());
        self
    }

    pub(super) fn caused_by(mut self, source: impl Into<Cause>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    pub fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }

    /// The status of the answer, if there was one.
    pub fn status(&self) -> Option<u16> {
        self.0.status
    }

    /// The service's own code (`TF401019`), if it gave one.
    pub fn service_code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }

    /// What Microsoft's support asks for.
    pub fn activity_id(&self) -> Option<&str> {
        self.0.activity.as_deref()
    }

    /// The service's own words, inert.
    pub fn words(&self) -> Option<&str> {
        self.0.detail.as_deref()
    }

    fn reason(&self) -> String {
        let organisation = match self.0.deployment {
            Deployment::Services => "organisation",
            Deployment::Server => "collection",
        };
        match &self.0.kind {
            ErrorKind::BadToken => "the token is not valid here".to_owned(),
            ErrorKind::TokenExpired => "the token has expired".to_owned(),
            ErrorKind::NotAMember => "the token's owner is not a member there".to_owned(),
            ErrorKind::ScopeMissing { scope } => format!("the token is valid, but the scope {scope} is missing"),
            ErrorKind::PermissionMissing { permission } if permission.is_empty() => "you do not have the permission".to_owned(),
            ErrorKind::PermissionMissing { permission } => format!("you do not have the permission `{}`", inert(permission)),
            ErrorKind::ProjectMissing => "the project does not exist, or you may not see it".to_owned(),
            ErrorKind::RepositoryMissing => "the repository does not exist, is disabled, or you may not see it".to_owned(),
            ErrorKind::CollectionMissing => format!("there is no {organisation} at {}", self.0.place_url),
            ErrorKind::BranchMissing => "the branch or commit does not exist".to_owned(),
            ErrorKind::FileMissing => "the file does not exist".to_owned(),
            ErrorKind::PullRequestMissing => "the pull request does not exist, or you may not see it".to_owned(),
            ErrorKind::NotFound => "it was not found".to_owned(),
            ErrorKind::StaleRef => "somebody else moved the branch meanwhile".to_owned(),
            ErrorKind::RefRejected(word) => format!("the branch update was refused ({})", inert(word)),
            ErrorKind::PathExists => "the file exists already".to_owned(),
            ErrorKind::PullRequestExists => "an active pull request from this branch to this target exists already".to_owned(),
            ErrorKind::PullRequestStale => "the source branch moved meanwhile".to_owned(),
            ErrorKind::PolicyRejected => "a branch policy refuses it".to_owned(),
            ErrorKind::NotEditable => "the pull request is completed or abandoned and cannot be changed".to_owned(),
            ErrorKind::Throttled { retry_after_s } => {
                format!("Azure DevOps asks to wait {retry_after_s} s (too many requests)")
            }
            ErrorKind::Offline => "no connection".to_owned(),
            ErrorKind::Tls => "no trusted TLS connection".to_owned(),
            ErrorKind::Proxy => "the proxy refuses or does not answer".to_owned(),
            ErrorKind::ReadOnly => "it would change Azure DevOps, and --readonly forbids that".to_owned(),
            ErrorKind::UntrustedHost => "the token may not be sent to that host".to_owned(),
            ErrorKind::PlainHttp => "the token may not be sent over plain http".to_owned(),
            ErrorKind::TimedOut => "no answer in time".to_owned(),
            ErrorKind::ServerError { status } => format!("Azure DevOps failed with status {status}"),
            ErrorKind::BadRequest => match self.0.status {
                Some(status) => format!("the request was refused with status {status}"),
                None => "the request cannot be made".to_owned(),
            },
            ErrorKind::Unreadable { path } => format!("the answer could not be read at `{}`", inert(path)),
            ErrorKind::OutcomeUnknown => "the answer was lost, so it may or may not have happened".to_owned(),
        }
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "could not {} in {}: {}", inert(&self.0.attempt), inert(&self.0.place), self.reason())?;
        if let Some(detail) = &self.0.detail {
            write!(f, ": {detail}")?;
        }
        if let Some(activity) = &self.0.activity {
            write!(f, " [activity {activity}]")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|e| e as &(dyn std::error::Error + 'static))
    }
}

impl Explain for Error {
    fn hint(&self) -> Option<String> {
        let tokens = tokens_page(&self.0.place_url);
        Some(match &self.0.kind {
            ErrorKind::BadToken => {
                "check that the token was created for this organisation and copied whole, then run `kanado token set`".to_owned()
            }
            ErrorKind::TokenExpired => format!("create a new token at {tokens}, then run `kanado token rotate`"),
            ErrorKind::NotAMember => "ask an administrator to add you, or connect with a token of the right account".to_owned(),
            ErrorKind::ScopeMissing { scope } => format!("edit the token at {tokens} and tick {scope}"),
            ErrorKind::PermissionMissing { .. } => "ask a project administrator for it".to_owned(),
            ErrorKind::ProjectMissing => "`kanado projects` lists what this token can see".to_owned(),
            ErrorKind::RepositoryMissing => "`kanado repos` lists what this token can see".to_owned(),
            ErrorKind::CollectionMissing => match self.0.deployment {
                Deployment::Services => "check the organisation's name in the URL".to_owned(),
                Deployment::Server => "check the URL; it ends in the collection: https://server/tfs/DefaultCollection".to_owned(),
            },
            ErrorKind::BranchMissing => "refresh: it may have been deleted, or the repository is empty".to_owned(),
            ErrorKind::StaleRef | ErrorKind::PullRequestStale | ErrorKind::PathExists => "refresh and try again".to_owned(),
            ErrorKind::PullRequestExists => "refresh: the board then shows it".to_owned(),
            ErrorKind::Throttled { .. } => "wait, then try again".to_owned(),
            ErrorKind::Offline => "check the network and the URL; the board keeps what it knows".to_owned(),
            ErrorKind::Tls => "if your company signs its own certificates, set `ca_file` under [network]".to_owned(),
            ErrorKind::Proxy => "check HTTPS_PROXY, HTTP_PROXY and NO_PROXY".to_owned(),
            ErrorKind::ReadOnly => "leave --readonly out".to_owned(),
            ErrorKind::PlainHttp => "use https, or set `allow_http = true` under [network] if the network is yours".to_owned(),
            ErrorKind::TimedOut => "try again; `timeout_ms` under [network] sets how long to wait".to_owned(),
            ErrorKind::ServerError { .. } => "try again later; https://status.dev.azure.com tells of outages".to_owned(),
            ErrorKind::OutcomeUnknown => "refresh to see whether it happened before repeating it".to_owned(),
            ErrorKind::FileMissing
            | ErrorKind::PullRequestMissing
            | ErrorKind::NotFound
            | ErrorKind::RefRejected(_)
            | ErrorKind::PolicyRejected
            | ErrorKind::NotEditable
            | ErrorKind::UntrustedHost
            | ErrorKind::BadRequest
            | ErrorKind::Unreadable { .. } => return None,
        })
    }

    fn is_transient(&self) -> bool {
        matches!(
            self.0.kind,
            ErrorKind::Throttled { .. } | ErrorKind::Offline | ErrorKind::Proxy | ErrorKind::TimedOut | ErrorKind::ServerError { .. }
        )
    }
}

/// Whole seconds to tell people, never zero.
pub(super) fn seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0).max(u64::from(wait.is_zero()))
}
