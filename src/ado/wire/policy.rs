//! Evaluations of branch policies.

use serde::Deserialize;

use super::loose;
use crate::domain::fact;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Evaluation {
    evaluation_id: String,
    #[serde(default, deserialize_with = "loose::word")]
    status: Option<String>,
    #[serde(default, deserialize_with = "loose::part")]
    configuration: Option<Configuration>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Configuration {
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
    display_name: Option<String>,
}

/// Free JSON; builds and statuses carry a name of their own in it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Settings {
    #[serde(default, deserialize_with = "loose::word")]
    display_name: Option<String>,
}

impl Evaluation {
    pub fn fact(self) -> fact::PolicyEvaluation {
        let configuration = self.configuration.unwrap_or_default();
        let blocking = configuration.is_blocking && configuration.is_enabled && !configuration.is_deleted;
        let own = configuration.settings.and_then(|s| s.display_name).filter(|n| !n.is_empty());
        let kind = configuration.kind.and_then(|k| k.display_name);
        let name = match (kind, own) {
            (Some(kind), Some(own)) => format!("{kind}: {own}"),
            (kind, own) => kind.or(own).unwrap_or_else(|| "Policy".to_owned()),
        };
        fact::PolicyEvaluation { id: self.evaluation_id, name, status: self.status.unwrap_or_else(|| "queued".to_owned()), blocking }
    }
}
