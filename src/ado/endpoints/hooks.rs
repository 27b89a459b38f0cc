//! Service hooks: what can be subscribed to, the subscriptions there are, making and deleting one, and what they delivered.
//!
//! Limits: there is no way to change a subscription, on purpose. The service answers a mask instead of the password, and what it makes
//! of a mask that is sent back is not documented; whoever wants another URL, secret or state makes a new one and deletes the old.

use std::collections::BTreeMap;
use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use crate::ado::call::{Call, Host, encode};
use crate::ado::error::ErrorKind;
use crate::ado::scope::Scope;
use crate::ado::wire::hook::{Found, Notification, Publisher as PublisherRow, Subscription};
use crate::ado::{Client, Result};
use crate::domain::fact;
use crate::domain::hook::{EventKind, Publisher};
use crate::domain::id::Guid;

/// The only consumer we make subscriptions of.
const CONSUMER: &str = "webHooks";
const ACTION: &str = "httpRequest";

/// A subscription to ask for, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewHook {
    pub event: EventKind,
    /// `projectId`, and what else narrows the events down.
    pub publisher_inputs: BTreeMap<String, String>,
    pub url: String,
    /// The user name presented with the secret. The service answers it in clear, so it tells whose a subscription is.
    pub user: String,
}

/// The password of a subscription; it shows itself nowhere.
#[derive(Clone)]
pub struct HookSecret(SecretString);

impl HookSecret {
    pub fn new(text: impl Into<SecretString>) -> Self {
        Self(text.into())
    }
}

impl fmt::Debug for HookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HookSecret(***)")
    }
}

impl NewHook {
    /// What the consumer is told besides the password. The three settings of detail stand in it although two of them are what a
    /// message needs least: left out, an organisation's own default decides, which may be thin. All details is the empty word.
    pub fn consumer_inputs(&self) -> BTreeMap<&'static str, String> {
        BTreeMap::from([
            ("url", self.url.clone()),
            ("basicAuthUsername", self.user.clone()),
            ("resourceDetailsToSend", String::new()),
            ("messagesToSend", "none".to_owned()),
            ("detailedMessagesToSend", "none".to_owned()),
            ("acceptUntrustedCerts", "false".to_owned()),
        ])
    }

    fn body(&self, secret: Option<&HookSecret>) -> Value {
        let mut consumer = json!(self.consumer_inputs());
        if let Some(secret) = secret {
            consumer["basicAuthPassword"] = json!(secret.0.expose_secret());
        }
        json!({
            "publisherId": self.event.publisher.word(), "eventType": self.event.event_type, "resourceVersion": self.event.resource_version,
            "consumerId": CONSUMER, "consumerActionId": ACTION, "publisherInputs": self.publisher_inputs, "consumerInputs": consumer,
        })
    }
}

/// Release management has a host of its own on Services; asked elsewhere, its events are unknown.
fn host(publisher: Publisher) -> Host {
    match publisher {
        Publisher::Tfs | Publisher::Pipelines => Host::Base,
        Publisher::ReleaseManagement => Host::Release,
    }
}

fn at(id: &Guid, rest: &str) -> String {
    format!("/_apis/hooks/subscriptions/{}{rest}", encode(id.as_str()))
}

impl Client {
    /// Who publishes events on the host of this publisher, and which.
    pub async fn hook_publishers(&self, of: Publisher) -> Result<Vec<fact::HookPublisher>> {
        let call = Call::get("/_apis/hooks/publishers", Scope::Hooks, "list what webhooks can be made for").host(host(of));
        let rows: Vec<PublisherRow> = self.rows(&call).await?;
        Ok(rows.into_iter().map(PublisherRow::fact).collect())
    }

    /// Every web hook of the organisation that the token may see, of all projects, on the host of this publisher.
    pub async fn hook_subscriptions(&self, of: Publisher) -> Result<Vec<fact::HookSubscription>> {
        let call = Call::get("/_apis/hooks/subscriptions", Scope::Hooks, "list the webhooks")
            .host(host(of))
            .query("publisherId", of.word())
            .query("consumerId", CONSUMER);
        let rows: Vec<Subscription> = self.rows(&call).await?;
        Ok(rows.into_iter().map(Subscription::fact).collect())
    }

    /// The web hooks of one project for an event.
    pub async fn find_hook_subscriptions(&self, project: &Guid, event: &EventKind) -> Result<Vec<fact::HookSubscription>> {
        let body = json!({
            "publisherId": event.publisher.word(), "eventType": event.event_type, "consumerId": CONSUMER, "consumerActionId": ACTION,
            "publisherInputFilters": [{"conditions": [{"inputId": "projectId", "operator": "equals", "inputValue": project}]}],
        });
        let call = Call::ask("/_apis/hooks/subscriptionsquery", Scope::Hooks, "look for the webhooks of the project")
            .host(host(event.publisher))
            .json(&body);
        let found: Found = self.object(&call).await?;
        Ok(found.results.into_iter().map(Subscription::fact).collect())
    }

    /// One subscription; nothing when it is gone.
    pub async fn hook_subscription(&self, of: Publisher, id: &Guid) -> Result<Option<fact::HookSubscription>> {
        let call = Call::get(at(id, ""), Scope::Hooks, "read a webhook").host(host(of));
        match self.object::<Subscription>(&call).await {
            Ok(row) => Ok(Some(row.fact())),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Makes a subscription. Never repeated by itself: the service takes the same one twice, and makes two of it.
    pub async fn create_hook_subscription(&self, new: &NewHook, secret: &HookSecret) -> Result<fact::HookSubscription> {
        let attempt = format!("make the webhook for {}", new.event.event_type);
        let call = Call::post("/_apis/hooks/subscriptions", attempt)
            .scope(Scope::Hooks)
            .host(host(new.event.publisher))
            .json(&new.body(Some(secret)));
        Ok(self.object::<Subscription>(&call).await?.fact())
    }

    /// Deletes a subscription; one that is gone is deleted.
    pub async fn delete_hook_subscription(&self, of: Publisher, id: &Guid) -> Result<()> {
        let call = Call::delete(at(id, ""), "delete a webhook").scope(Scope::Hooks).host(host(of));
        match self.send(&call).await {
            Ok(_) => Ok(()),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Lets the service deliver a sample event now, and tells what came of it. Without the secret it uses the one it holds for `id`.
    pub async fn test_hook_subscription(&self, new: &NewHook, id: &Guid, secret: Option<&HookSecret>) -> Result<fact::HookNotification> {
        let mut details = new.body(secret);
        if let Some(fields) = details.as_object_mut() {
            fields.remove("resourceVersion");
        }
        let call = Call::post("/_apis/hooks/testnotifications", format!("test the webhook for {}", new.event.event_type))
            .scope(Scope::Hooks)
            .host(host(new.event.publisher))
            .json(&json!({"subscriptionId": id, "details": details}));
        Ok(self.object::<Notification>(&call).await?.fact())
    }

    /// What a subscription delivered lately, newest first as the service keeps it (about a week).
    pub async fn hook_notifications(&self, of: Publisher, id: &Guid, most: usize) -> Result<Vec<fact::HookNotification>> {
        let call =
            Call::get(at(id, "/notifications"), Scope::Hooks, "read what a webhook delivered").host(host(of)).query("maxResults", most);
        let rows: Vec<Notification> = self.rows(&call).await?;
        Ok(rows.into_iter().map(Notification::fact).collect())
    }
}
