//! A subscription: what it wants, where it sends it, how it stands, and what an answer shows of it.
//!
//! The password is kept to be sent and never shown: every answer has the mask. Limits: inputs are compared as the service's
//! documents say, groups (`pullrequestCreatedBy`) by the id of a single person or group.
use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::catalogue::{ACTION, CONSUMER, CONSUMER_INPUTS, EventType, Face, Kind, MASK, PASSWORD};
use super::event::Facts;
use super::retry::Status;
use super::target::{self, Loopback};
use crate::sim::reply::Failure;
use crate::sim::site::Site;

pub type Inputs = BTreeMap<String, String>;

#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Subscription {
    pub id: Uuid,
    /// Of its creation among all.
    pub number: u64,
    /// The service adds it to the publisher's inputs.
    pub tfs_subscription_id: Uuid,
    pub publisher: String,
    pub event_type: String,
    pub resource_version: String,
    pub project: Uuid,
    pub publisher_inputs: Inputs,
    pub consumer_inputs: Inputs,
    pub status: Status,
    pub probation_retries: u32,
    pub last_probation_retry: Option<Timestamp>,
    /// The notification it is probed with.
    pub probe: Option<i64>,
    pub created_by: Uuid,
    pub created: Timestamp,
    pub modified_by: Uuid,
    pub modified: Timestamp,
    /// The number of its last notification.
    pub last_notification: i64,
    /// Events that were lost because it was on probation.
    pub lost: u64,
    /// Evaluation, delivery, results.
    #[serde(default)]
    pub traced: [bool; 3],
}

impl std::fmt::Debug for Subscription {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Subscription")
            .field("id", &self.id)
            .field("event_type", &self.event_type)
            .field("status", &self.status)
            .field("url", &self.url())
            .finish_non_exhaustive()
    }
}

/// What a caller asks for, checked.
#[derive(Debug)]
pub struct Wanted {
    pub event: &'static EventType,
    pub resource_version: String,
    pub project: Uuid,
    pub publisher_inputs: Inputs,
    pub consumer_inputs: Inputs,
}

fn refused(message: impl Into<String>) -> Failure {
    Failure::new(axum::http::StatusCode::BAD_REQUEST, "SubscriptionInputException", message)
}

/// Inputs are strings on the wire; other scalars are taken as written.
pub fn inputs(value: Option<&Value>) -> Result<Inputs, Failure> {
    let Some(map) = value.and_then(Value::as_object) else {
        return Ok(Inputs::new());
    };
    map.iter()
        .map(|(key, value)| match value {
            Value::String(text) => Ok((key.clone(), text.clone())),
            Value::Null => Ok((key.clone(), String::new())),
            Value::Bool(_) | Value::Number(_) => Ok((key.clone(), value.to_string())),
            _ => Err(refused(format!("The value of the input '{key}' is not a string."))),
        })
        .collect()
}

/// Added by the service itself, and given back by clients that PUT what they got.
const ADDED: [&str; 2] = ["tfsSubscriptionId", "hostId"];

/// Checks the body of a creation or replacement, but not whose project it is.
pub fn wanted(body: &Value, event: &'static EventType, loopback: Loopback) -> Result<Wanted, Failure> {
    use crate::sim::api::text_field;
    let consumer = text_field(body, "consumerId").unwrap_or_default();
    let action = text_field(body, "consumerActionId").unwrap_or_default();
    if !consumer.eq_ignore_ascii_case(CONSUMER) || !action.eq_ignore_ascii_case(ACTION) {
        return Err(refused(format!("The consumer '{consumer}' with the action '{action}' does not exist.")));
    }
    let resource_version = match text_field(body, "resourceVersion").filter(|version| !version.is_empty()) {
        None => event.versions[0].to_owned(),
        Some(version) if version.eq_ignore_ascii_case("latest") => event.versions[0].to_owned(),
        Some(version) => match event.versions.iter().find(|known| known.eq_ignore_ascii_case(&version)) {
            Some(known) => (*known).to_owned(),
            None => return Err(refused(format!("The resource version '{version}' is not supported by the event type '{}'.", event.id))),
        },
    };
    let publisher_inputs = inputs(crate::sim::api::field(body, "publisherInputs"))?;
    let project = match publisher_inputs.get("projectId").map(|text| Uuid::try_parse(text)) {
        Some(Ok(project)) => project,
        _ => return Err(refused("The input 'projectId' is required and must be the id of a project.")),
    };
    for (key, value) in &publisher_inputs {
        if key == "projectId" || ADDED.contains(&key.as_str()) {
            continue;
        }
        let Some(input) = event.inputs.iter().find(|input| input.id == key) else {
            return Err(refused(format!("The event type '{}' has no input '{key}'.", event.id)));
        };
        if let Kind::OneOf(words) = input.kind
            && !value.is_empty()
            && !words.iter().any(|word| word.eq_ignore_ascii_case(value))
        {
            return Err(refused(format!("The value '{value}' is not possible for the input '{key}'.")));
        }
    }
    let consumer_inputs = inputs(crate::sim::api::field(body, "consumerInputs"))?;
    check_consumer(&consumer_inputs, loopback)?;
    Ok(Wanted { event, resource_version, project, publisher_inputs, consumer_inputs })
}

/// Checks the settings of the action `httpRequest`.
pub fn check_consumer(inputs: &Inputs, loopback: Loopback) -> Result<(), Failure> {
    let get = |key: &str| inputs.get(key).map_or("", String::as_str);
    for (key, value) in inputs {
        if !CONSUMER_INPUTS.iter().any(|(known, _)| known == key) {
            return Err(refused(format!("The consumer action '{ACTION}' has no input '{key}'.")));
        }
        let is_credential = key == PASSWORD || key == "basicAuthUsername";
        if is_credential && !value.is_empty() && (value.encode_utf16().count() > 256 || value.contains(char::is_whitespace)) {
            return Err(refused(format!("The value of the input '{key}' must have 1 to 256 characters, none of them white space.")));
        }
    }
    for (key, words) in [
        ("resourceDetailsToSend", &["", "all", "minimal", "none"][..]),
        ("messagesToSend", &["", "all", "text", "html", "markdown", "none"]),
        ("detailedMessagesToSend", &["", "all", "text", "html", "markdown", "none"]),
        ("acceptUntrustedCerts", &["", "true", "false"]),
    ] {
        if !words.iter().any(|word| word.eq_ignore_ascii_case(get(key))) {
            return Err(refused(format!("The value '{}' is not possible for the input '{key}'.", get(key))));
        }
    }
    for line in get("httpHeaders").lines().filter(|line| !line.trim().is_empty()) {
        let is_header = line.split_once(':').is_some_and(|(name, value)| !name.trim().is_empty() && !value.trim().contains(' '));
        if !is_header {
            return Err(refused("The input 'httpHeaders' must have lines of the form Key:value, the value without spaces."));
        }
    }
    let has_basic = !get(PASSWORD).is_empty() || !get("basicAuthUsername").is_empty();
    target::check(get("url"), has_basic, loopback).map_err(|error| refused(error.to_string()))
}

impl Subscription {
    pub fn url(&self) -> &str {
        self.consumer_inputs.get("url").map_or("", String::as_str)
    }

    pub fn consumer_input(&self, key: &str) -> &str {
        self.consumer_inputs.get(key).map_or("", String::as_str)
    }

    pub fn has_password(&self) -> bool {
        !self.consumer_input(PASSWORD).is_empty()
    }

    /// Whether the filters let an event through.
    pub fn wants(&self, facts: &Facts) -> bool {
        self.project == facts.project && self.publisher_inputs.iter().all(|(key, value)| value.is_empty() || facts.fits(key, value))
    }

    /// The publisher's inputs as answers show them, with what the service adds.
    fn shown_publisher_inputs(&self) -> Inputs {
        let mut inputs = self.publisher_inputs.clone();
        inputs.insert("tfsSubscriptionId".to_owned(), self.tfs_subscription_id.to_string());
        inputs
    }

    /// The consumer's inputs as answers show them.
    pub fn masked_consumer_inputs(&self) -> Inputs {
        masked(&self.consumer_inputs)
    }

    pub fn publisher_inputs_json(&self) -> Value {
        json!(self.shown_publisher_inputs())
    }

    /// As the API shows it; `person` writes identities.
    pub fn to_json(&self, site: &Site, face: Face, repository: Option<&str>, person: impl Fn(Uuid) -> Value) -> Value {
        let base = face.base(site);
        let here = format!("{base}/hooks/subscriptions/{}", self.id);
        let link = |rest: &str| json!({ "href": format!("{base}/hooks/{rest}") });
        let description = repository.map_or_else(|| "Any".to_owned(), |name| format!("Repository {name}"));
        let mut map = Map::new();
        let mut put = |key: &str, value: Value| {
            map.insert(key.to_owned(), value);
        };
        put("id", json!(self.id));
        put("url", json!(here));
        put("status", json!(self.status.word()));
        put("publisherId", json!(self.publisher));
        put("eventType", json!(self.event_type));
        put("subscriber", Value::Null);
        put("resourceVersion", json!(self.resource_version));
        put("eventDescription", json!(description));
        put("consumerId", json!(CONSUMER));
        put("consumerActionId", json!(ACTION));
        put("actionDescription", json!(format!("To host {}", target::host(self.url()))));
        put("probationRetries", json!(self.probation_retries));
        put("createdBy", person(self.created_by));
        put("createdDate", json!(crate::sim::world::ado_date(self.created)));
        put("modifiedBy", person(self.modified_by));
        put("modifiedDate", json!(crate::sim::world::ado_date(self.modified)));
        if let Some(at) = self.last_probation_retry {
            put("lastProbationRetryDate", json!(crate::sim::world::ado_date(at)));
        }
        put("publisherInputs", self.publisher_inputs_json());
        put("consumerInputs", json!(self.masked_consumer_inputs()));
        put(
            "_links",
            json!({
                "self": { "href": here },
                "consumer": link(&format!("consumers/{CONSUMER}")),
                "actions": link(&format!("consumers/{CONSUMER}/actions")),
                "notifications": link(&format!("subscriptions/{}/notifications", self.id)),
                "publisher": link(&format!("publishers/{}", self.publisher)),
            }),
        );
        Value::Object(map)
    }
}

/// Confidential values become the mask.
pub fn masked(inputs: &Inputs) -> Inputs {
    inputs
        .iter()
        .map(|(key, value)| {
            let shown = if key == PASSWORD && !value.is_empty() { MASK.to_owned() } else { value.clone() };
            (key.clone(), shown)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::catalogue::event_type_named;
    use super::*;

    fn body(consumer_inputs: Value) -> Value {
        json!({
            "publisherId": "tfs", "eventType": "git.push", "consumerId": "webHooks", "consumerActionId": "httpRequest",
            "publisherInputs": {"projectId": Uuid::from_u128(1), "repository": "", "branch": ""},
            "consumerInputs": consumer_inputs,
        })
    }

    fn check(body: &Value) -> Result<Wanted, Failure> {
        wanted(body, event_type_named(body["eventType"].as_str().unwrap()).unwrap(), Loopback::Refused)
    }

    #[test]
    fn inputs_are_checked_one_by_one() {
        let good = body(json!({"url": "https://hooks.example.com/x", "basicAuthUsername": "u", "basicAuthPassword": "p"}));
        let wanted = check(&good).unwrap();
        assert_eq!(wanted.resource_version, "1.0");
        for (path, value) in [
            ("/publisherInputs/projectId", json!("Harbor")),
            ("/consumerId", json!("slack")),
            ("/consumerInputs/basicAuthPassword", json!("two words")),
            ("/consumerInputs/basicAuthPassword", json!("x".repeat(257))),
            ("/consumerInputs/url", json!("http://hooks.example.com/x")),
        ] {
            let mut wrong = good.clone();
            *wrong.pointer_mut(path).unwrap() = value;
            assert_eq!(check(&wrong).unwrap_err().type_key, "SubscriptionInputException", "{path}");
        }
        let mut wrong = good.clone();
        wrong["publisherInputs"]["notificationType"] = json!("PushNotification");
        assert!(check(&wrong).unwrap_err().message.contains("notificationType"));
        wrong = good.clone();
        wrong["consumerInputs"]["colour"] = json!("red");
        assert!(check(&wrong).is_err());
        wrong = good.clone();
        wrong["resourceVersion"] = json!("9.0");
        assert!(check(&wrong).is_err());
        wrong = good;
        wrong["consumerInputs"]["httpHeaders"] = json!("X-A:b\nno header");
        assert!(check(&wrong).is_err());
    }

    #[test]
    fn only_the_password_is_masked() {
        let shown = masked(&inputs(Some(&json!({"url": "u", "basicAuthUsername": "me", "basicAuthPassword": "p"}))).unwrap());
        assert_eq!(json!(shown), json!({"url": "u", "basicAuthUsername": "me", "basicAuthPassword": "********"}));
    }
}
