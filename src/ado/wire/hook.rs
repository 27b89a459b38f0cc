//! Service hooks: publishers, subscriptions, notifications.
//!
//! Inputs that are not ours to know stay out: other people's hooks carry keys in their headers, and masks tell nothing.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::identity::Reference;
use super::loose;
use crate::domain::fact;
use crate::domain::hook::SubscriptionState;
use crate::domain::id::Guid;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Publisher {
    id: String,
    #[serde(default, deserialize_with = "loose::list")]
    supported_events: Vec<Named>,
}

#[derive(Debug, Deserialize)]
struct Named {
    id: String,
}

impl Publisher {
    pub fn fact(self) -> fact::HookPublisher {
        fact::HookPublisher { id: self.id, events: self.supported_events.into_iter().map(|event| event.id).collect() }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Subscription {
    id: String,
    #[serde(default, deserialize_with = "loose::word")]
    status: Option<String>,
    #[serde(default, deserialize_with = "loose::word")]
    publisher_id: Option<String>,
    #[serde(default, deserialize_with = "loose::word")]
    event_type: Option<String>,
    #[serde(default, deserialize_with = "loose::word")]
    resource_version: Option<String>,
    #[serde(default, deserialize_with = "loose::word")]
    consumer_id: Option<String>,
    #[serde(default, deserialize_with = "loose::number")]
    probation_retries: Option<i64>,
    #[serde(default, deserialize_with = "loose::part")]
    created_by: Option<Reference>,
    #[serde(default, deserialize_with = "loose::part")]
    publisher_inputs: Option<BTreeMap<String, Value>>,
    #[serde(default, deserialize_with = "loose::part")]
    consumer_inputs: Option<BTreeMap<String, Value>>,
}

/// Of the consumer's inputs, those that say what is sent where.
const CONSUMER_INPUTS: [&str; 4] = ["resourceDetailsToSend", "messagesToSend", "detailedMessagesToSend", "basicAuthUsername"];

/// Values are strings; older ones were written as numbers and truth values too.
fn texts(inputs: Option<BTreeMap<String, Value>>) -> BTreeMap<String, String> {
    let text = |value: Value| match value {
        Value::String(text) => Some(text),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    };
    inputs.unwrap_or_default().into_iter().filter_map(|(name, value)| Some((name, text(value)?))).collect()
}

impl Subscription {
    pub fn fact(self) -> fact::HookSubscription {
        let status = self.status.unwrap_or_default();
        let mut consumer = texts(self.consumer_inputs);
        fact::HookSubscription {
            id: Guid::new(self.id),
            state: state(&status),
            status,
            publisher: self.publisher_id.unwrap_or_default(),
            event_type: self.event_type.unwrap_or_default(),
            resource_version: self.resource_version,
            consumer: self.consumer_id.unwrap_or_default(),
            url: consumer.remove("url"),
            publisher_inputs: texts(self.publisher_inputs),
            consumer_inputs: consumer.into_iter().filter(|(name, _)| CONSUMER_INPUTS.contains(&name.as_str())).collect(),
            probation_retries: self.probation_retries.unwrap_or_default(),
            created_by: self.created_by.map(Reference::identity),
        }
    }
}

fn state(status: &str) -> Option<SubscriptionState> {
    Some(match status.to_ascii_lowercase().as_str() {
        "enabled" => SubscriptionState::Enabled,
        "onprobation" => SubscriptionState::OnProbation,
        "disabledbyuser" => SubscriptionState::DisabledByUser,
        "disabledbysystem" => SubscriptionState::DisabledBySystem,
        "disabledbyinactiveidentity" => SubscriptionState::DisabledByInactiveIdentity,
        _ => return None,
    })
}

/// The answer to a query: the query itself, filled in.
#[derive(Deserialize)]
pub struct Found {
    #[serde(default, deserialize_with = "loose::list")]
    pub results: Vec<Subscription>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Notification {
    #[serde(default, deserialize_with = "loose::number")]
    id: Option<i64>,
    #[serde(default, deserialize_with = "loose::word")]
    status: Option<String>,
    #[serde(default, deserialize_with = "loose::word")]
    result: Option<String>,
    #[serde(default, deserialize_with = "loose::time")]
    created_date: Option<jiff::Timestamp>,
    #[serde(default, deserialize_with = "loose::part")]
    details: Option<Details>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Details {
    #[serde(default, deserialize_with = "loose::word")]
    event_type: Option<String>,
    #[serde(default, deserialize_with = "loose::word")]
    error_message: Option<String>,
    #[serde(default, deserialize_with = "loose::number")]
    request_attempts: Option<i64>,
}

impl Notification {
    pub fn fact(self) -> fact::HookNotification {
        let (event_type, error, attempts) = match self.details {
            Some(details) => (details.event_type, details.error_message, details.request_attempts),
            None => (None, None, None),
        };
        fact::HookNotification {
            number: self.id.unwrap_or_default(),
            status: self.status.unwrap_or_default(),
            result: self.result.unwrap_or_default(),
            event_type,
            error: error.filter(|text| !text.is_empty()),
            attempts: attempts.unwrap_or_default(),
            created_at: self.created_date,
        }
    }
}
