//! One event on its way to one subscription: the body that is posted, what came of it, and how the history shows it.
//!
//! Limits: history is kept for seven days of the world's clock, and 500 notifications a subscription.
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::catalogue::{ACTION, COMMENT, CONSUMER};
use super::event::{Event, Message};
use super::retry::Outcome;
use super::subscription::Subscription;
use crate::sim::world::ado_date;

/// How long the history goes back.
pub const KEPT_FOR: SignedDuration = SignedDuration::from_hours(7 * 24);
pub const KEPT: usize = 500;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Progress {
    Queued,
    RequestInProgress,
    Completed,
}

impl Progress {
    pub fn word(self) -> &'static str {
        match self {
            Progress::Queued => "queued",
            Progress::RequestInProgress => "requestInProgress",
            Progress::Completed => "completed",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Upshot {
    Pending,
    Succeeded,
    Failed,
}

impl Upshot {
    pub fn word(self) -> &'static str {
        match self {
            Upshot::Pending => "pending",
            Upshot::Succeeded => "succeeded",
            Upshot::Failed => "failed",
        }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Notification {
    pub id: i64,
    pub subscription: Uuid,
    #[serde(with = "shared")]
    pub event: Arc<Event>,
    pub progress: Progress,
    pub result: Upshot,
    pub created: Timestamp,
    pub modified: Timestamp,
    /// Requests so far, probes left out.
    pub attempts: u32,
    /// Which probe is next or under way; 0 for none.
    pub probe: u32,
    /// When the next request is to be made; none when there is none.
    pub due: Option<Timestamp>,
    pub last: Option<Exchange>,
}

/// The last request and what came back.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Exchange {
    pub outcome: Outcome,
    /// Status line, headers and the beginning of the body.
    pub response: String,
    pub millis: u64,
}

mod shared {
    use std::sync::Arc;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub fn serialize<T: Serialize, S: Serializer>(value: &Arc<T>, serializer: S) -> Result<S::Ok, S::Error> {
        value.as_ref().serialize(serializer)
    }

    pub fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<T>, D::Error> {
        T::deserialize(deserializer).map(Arc::new)
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    subscription_id: Uuid,
    notification_id: i64,
    id: Uuid,
    event_type: &'a str,
    publisher_id: &'a str,
    message: Option<Map<String, Value>>,
    detailed_message: Option<Map<String, Value>>,
    resource: Option<Box<RawValue>>,
    resource_version: &'a str,
    resource_containers: Option<Box<RawValue>>,
    created_date: String,
}

/// The parts of a message that were asked for.
fn chosen(message: &Message, wanted: &str) -> Option<Map<String, Value>> {
    let all = wanted.is_empty() || wanted.eq_ignore_ascii_case("all");
    let parts = [("text", &message.text), ("html", &message.html), ("markdown", &message.markdown)];
    let map: Map<String, Value> = parts
        .into_iter()
        .filter(|(name, _)| all || name.eq_ignore_ascii_case(wanted))
        .map(|(name, value)| (name.to_owned(), json!(value)))
        .collect();
    (!map.is_empty()).then_some(map)
}

/// What is left of a resource by which it can be asked for again.
fn minimal(resource: &Value) -> Value {
    const KEYS: [&str; 10] =
        ["id", "url", "pullRequestId", "pushId", "workItemId", "repositoryId", "repository", "comment", "pullRequest", "run"];
    let Some(map) = resource.as_object() else {
        return resource.clone();
    };
    let kept = KEYS
        .iter()
        .filter_map(|key| map.get(*key).map(|value| ((*key).to_owned(), if value.is_object() { minimal(value) } else { value.clone() })));
    Value::Object(kept.collect())
}

/// The resource in the version and detail a subscription wants.
fn resource(event: &Event, version: &str, details: &str) -> Option<Box<RawValue>> {
    let is_bare_comment = event.event_type == COMMENT && version.starts_with("1.0");
    let is_minimal = details.eq_ignore_ascii_case("minimal");
    if details.eq_ignore_ascii_case("none") {
        return None;
    }
    let text = if is_bare_comment || is_minimal {
        let mut value: Value = serde_json::from_str(&event.resource).ok()?;
        if is_bare_comment && let Some(comment) = value.get_mut("comment").map(Value::take) {
            value = comment;
        }
        if is_minimal { minimal(&value).to_string() } else { value.to_string() }
    } else {
        event.resource.clone()
    };
    RawValue::from_string(text).ok()
}

/// The JSON that is posted.
pub fn body(event: &Event, subscription: &Subscription, notification: i64) -> Vec<u8> {
    let body = Body {
        subscription_id: subscription.id,
        notification_id: notification,
        id: event.id,
        event_type: &event.event_type,
        publisher_id: &event.publisher,
        message: chosen(&event.message, subscription.consumer_input("messagesToSend")),
        detailed_message: chosen(&event.detailed, subscription.consumer_input("detailedMessagesToSend")),
        resource: resource(event, &subscription.resource_version, subscription.consumer_input("resourceDetailsToSend")),
        resource_version: &subscription.resource_version,
        resource_containers: RawValue::from_string(event.containers.clone()).ok(),
        created_date: ado_date(event.created),
    };
    // Strings, numbers and text that was JSON before always serialise.
    serde_json::to_vec(&body).unwrap_or_default()
}

impl Notification {
    pub fn is_waiting(&self) -> bool {
        self.due.is_some()
    }

    /// As the history shows it.
    pub fn to_json(&self, subscription: &Subscription, details: Details) -> Value {
        let mut map = Map::new();
        let mut put = |key: &str, value: Value| {
            map.insert(key.to_owned(), value);
        };
        put("id", json!(self.id));
        put("subscriptionId", json!(self.subscription));
        put("subscriberId", json!(Uuid::nil()));
        put("eventId", json!(self.event.id));
        put("status", json!(self.progress.word()));
        put("result", json!(self.result.word()));
        put("createdDate", json!(ado_date(self.created)));
        put("modifiedDate", json!(ado_date(self.modified)));
        if details == Details::Shown {
            put("details", self.details(subscription));
        }
        Value::Object(map)
    }

    fn details(&self, subscription: &Subscription) -> Value {
        let posted = body(&self.event, subscription, self.id);
        let event: Value = serde_json::from_slice(&posted).unwrap_or_default();
        let error = match &self.last {
            Some(Exchange { outcome: Outcome::Unanswered(words), .. }) => json!(words),
            Some(Exchange { outcome: Outcome::Answered(status), .. }) if self.result == Upshot::Failed => {
                json!(format!("The request was answered with status {status}."))
            }
            _ => Value::Null,
        };
        json!({
            "eventType": self.event.event_type,
            "event": {
                "id": self.event.id, "eventType": self.event.event_type, "publisherId": self.event.publisher,
                "message": event["message"], "detailedMessage": event["detailedMessage"], "resource": event["resource"],
                "resourceVersion": subscription.resource_version, "resourceContainers": event["resourceContainers"],
                "createdDate": ado_date(self.event.created),
            },
            "publisherId": self.event.publisher,
            "consumerId": CONSUMER,
            "consumerActionId": ACTION,
            "consumerInputs": subscription.masked_consumer_inputs(),
            "publisherInputs": subscription.publisher_inputs_json(),
            "requestAttempts": self.attempts + self.probe,
            "request": request_text(subscription, &posted),
            "response": self.last.as_ref().map(|exchange| exchange.response.clone()),
            "errorMessage": error,
            "errorDetail": null,
            "queuedDate": ado_date(self.created),
            "dequeuedDate": ado_date(self.created),
            "processedDate": ado_date(self.modified),
            "completedDate": (self.progress == Progress::Completed).then(|| ado_date(self.modified)),
            "requestDuration": self.last.as_ref().map(|exchange| exchange.millis as f64 / 1000.0),
        })
    }
}

/// Whether an answer carries what was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Details {
    Shown,
    LeftOut,
}

/// The request as the history tells it: values of headers that a person set are masked.
fn request_text(subscription: &Subscription, body: &[u8]) -> String {
    let mut headers = vec!["Content-Type: application/json; charset=utf-8".to_owned()];
    if subscription.has_password() || !subscription.consumer_input("basicAuthUsername").is_empty() {
        headers.push("Authorization: Basic ********".to_owned());
    }
    for line in subscription.consumer_input("httpHeaders").lines() {
        if let Some((name, _)) = line.split_once(':') {
            headers.push(format!("{}: ********", name.trim()));
        }
    }
    format!(
        "Method: POST\nURI: {}\nHTTP Version: 1.1\nHeaders:\n{{\n  {}\n}}\nContent:\n{}",
        subscription.url(),
        headers.join("\n  "),
        String::from_utf8_lossy(body)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_sent_as_asked_for() {
        let message = Message::plain("a < b");
        assert_eq!(chosen(&message, "").unwrap().len(), 3);
        assert_eq!(json!(chosen(&message, "Html").unwrap()), json!({"html": "a &lt; b"}));
        assert!(chosen(&message, "none").is_none());
    }

    #[test]
    fn a_minimal_resource_can_still_be_asked_for() {
        let full = json!({"pullRequestId": 7, "url": "u", "title": "t", "repository": {"id": "r", "name": "n", "url": "v"}});
        assert_eq!(minimal(&full), json!({"pullRequestId": 7, "url": "u", "repository": {"id": "r", "url": "v"}}));
    }
}
