//! Branch policies that want approvals, and evaluations of branch policies.

use serde::Deserialize;

use super::loose;
use crate::domain::fact;
use crate::domain::id::Guid;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Evaluation {
    evaluation_id: String,
    #[serde(default, deserialize_with = "loose::word")]
    status: Option<String>,
    #[serde(default, deserialize_with = "loose::part")]
    configuration: Option<Configuration>,
}

/// A policy of a branch, of whatever type.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Configuration {
    #[serde(default, deserialize_with = "loose::flag")]
    is_enabled: bool,
    #[serde(default, deserialize_with = "loose::flag")]
    is_blocking: bool,
    #[serde(default, deserialize_with = "loose::flag")]
    is_deleted: bool,
    #[serde(default, deserialize_with = "loose::part", rename = "type")]
    kind: Option<Kind>,
    #[serde(default, deserialize_with = "loose::part")]
    settings: Option<Settings>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kind {
    #[serde(default, deserialize_with = "loose::word")]
    id: Option<String>,
    #[serde(default, deserialize_with = "loose::word")]
    display_name: Option<String>,
}

/// Free JSON: builds and statuses carry a name of their own in it, "Minimum number of reviewers" what it wants and where.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Settings {
    #[serde(default, deserialize_with = "loose::word")]
    display_name: Option<String>,
    #[serde(default, deserialize_with = "loose::number")]
    minimum_approver_count: Option<i64>,
    #[serde(default, deserialize_with = "loose::flag")]
    creator_vote_counts: bool,
    #[serde(default, deserialize_with = "loose::list")]
    scope: Vec<Scope>,
}

/// The type of the policy "Minimum number of reviewers".
pub const APPROVALS: &str = "fa4e907d-c16b-4a4c-9dfa-4906e5d171dd";

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Scope {
    #[serde(default, deserialize_with = "loose::word")]
    repository_id: Option<String>,
    #[serde(default, deserialize_with = "loose::word")]
    ref_name: Option<String>,
    #[serde(default, deserialize_with = "loose::word")]
    match_kind: Option<String>,
}

impl Configuration {
    /// Whether it holds up a completion.
    fn blocks(&self) -> bool {
        self.is_enabled && self.is_blocking && !self.is_deleted
    }

    /// How many approvals it wants. Nothing for a policy of another type, which a server without the filter lists too, and for one that
    /// holds nobody up.
    pub fn approvals(self) -> Option<fact::ApprovalPolicy> {
        let blocks = self.blocks();
        let is_ours = self.kind.and_then(|kind| kind.id).is_none_or(|id| id.eq_ignore_ascii_case(APPROVALS));
        let settings = self.settings.filter(|_| is_ours && blocks)?;
        Some(fact::ApprovalPolicy {
            approvals: settings.minimum_approver_count?,
            creator_vote_counts: settings.creator_vote_counts,
            scopes: settings.scope.into_iter().map(Scope::fact).collect(),
        })
    }
}

impl Scope {
    fn fact(self) -> fact::PolicyScope {
        let matches = |kind: &str| self.match_kind.as_deref().is_some_and(|word| word.eq_ignore_ascii_case(kind));
        let branches = match self.ref_name.filter(|name| !name.is_empty()) {
            _ if matches("DefaultBranch") => fact::PolicyBranches::Default,
            None => fact::PolicyBranches::All,
            Some(name) if matches("Prefix") => fact::PolicyBranches::Prefix(name),
            Some(name) => fact::PolicyBranches::Exact(name),
        };
        let repository = self.repository_id.filter(|id| !id.is_empty()).map(Guid::new);
        fact::PolicyScope { repository, branches }
    }
}

impl Evaluation {
    pub fn fact(self) -> fact::PolicyEvaluation {
        let configuration = self.configuration.unwrap_or_default();
        let blocking = configuration.blocks();
        let own = configuration.settings.and_then(|s| s.display_name).filter(|n| !n.is_empty());
        let kind = configuration.kind.and_then(|k| k.display_name);
        let name = match (kind, own) {
            (Some(kind), Some(own)) => format!("{kind}: {own}"),
            (kind, own) => kind.or(own).unwrap_or_else(|| "Policy".to_owned()),
        };
        fact::PolicyEvaluation { id: self.evaluation_id, name, status: self.status.unwrap_or_else(|| "queued".to_owned()), blocking }
    }
}
