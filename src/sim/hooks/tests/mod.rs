//! Real receivers on loopback, and a client that knows nothing of the simulator's insides.
mod api;
mod delivery;
mod delivery_events;
mod misbehaviour;
mod patience;
mod repositories;
mod samples;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Version};
use jiff::SignedDuration;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::sim::control::Control;
use crate::sim::hooks::Loopback;
use crate::sim::{Options, Running, start};

/// What arrived at a receiver.
#[derive(Debug, Clone)]
struct Arrived {
    path: String,
    version: Version,
    headers: HeaderMap,
    body: Value,
}

impl Arrived {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

#[derive(Default)]
struct Script {
    /// Answers to give, one each; afterwards `always`.
    next: VecDeque<u16>,
    always: Option<u16>,
    arrived: Vec<Arrived>,
}

/// Somebody who takes webhooks.
struct Receiver {
    url: String,
    script: Arc<Mutex<Script>>,
    server: JoinHandle<()>,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Receiver {
    async fn start() -> Receiver {
        let script = Arc::new(Mutex::new(Script::default()));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let app = Router::new().fallback(take).with_state(script.clone());
        let server = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Receiver { url, script, server }
    }

    fn answers(&self, statuses: &[u16]) -> &Self {
        self.script.lock().unwrap().next.extend(statuses);
        self
    }

    fn always(&self, status: u16) -> &Self {
        self.script.lock().unwrap().always = Some(status);
        self
    }

    /// Everything since the last time, in the order of arrival.
    fn take(&self) -> Vec<Arrived> {
        std::mem::take(&mut self.script.lock().unwrap().arrived)
    }

    fn only(&self) -> Arrived {
        let mut arrived = self.take();
        assert_eq!(arrived.len(), 1, "{arrived:#?}");
        arrived.remove(0)
    }
}

async fn take(
    State(script): State<Arc<Mutex<Script>>>,
    uri: axum::http::Uri,
    version: Version,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, HeaderMap, &'static str) {
    let mut script = script.lock().unwrap();
    let body = serde_json::from_slice(&body).unwrap();
    script.arrived.push(Arrived { path: uri.path().to_owned(), version, headers, body });
    let status = script.next.pop_front().or(script.always).unwrap_or(200);
    let mut answer = HeaderMap::new();
    if (300..400).contains(&status) {
        answer.insert("location", "/elsewhere".parse().unwrap());
    }
    (StatusCode::from_u16(status).unwrap(), answer, "taken")
}

/// A simulator, and somebody who registers hooks there.
struct Stage {
    running: Running,
    control: Control,
    http: reqwest::Client,
}

impl Stage {
    async fn new() -> Stage {
        Stage::with(Options { loopback_hooks: Loopback::Allowed, ..Options::default() }).await
    }

    async fn with(options: Options) -> Stage {
        // Err: another test has installed it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let running = start(options).await.unwrap();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Stage { control: running.control(), running, http }
    }

    async fn ask(&self, token: &str, method: Method, address: &str, body: Value) -> (u16, Value) {
        let address = match (address.contains("api-version="), address.contains('?')) {
            (true, _) => address.to_owned(),
            (false, true) => format!("{address}&api-version=7.1"),
            (false, false) => format!("{address}?api-version=7.1"),
        };
        let request = self.http.request(method, address).basic_auth("", Some(token));
        let request = if body.is_null() { request } else { request.json(&body) };
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        (status, if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap() })
    }

    fn api(&self, rest: &str) -> String {
        format!("{}/_apis/{rest}", self.running.organisation_url())
    }

    async fn send(&self, method: Method, rest: &str, body: Value) -> (u16, Value) {
        self.ask("alice-token", method, &self.api(rest), body).await
    }

    async fn get(&self, rest: &str) -> Value {
        let (status, body) = self.send(Method::GET, rest, Value::Null).await;
        assert_eq!(status, 200, "{rest}: {body}");
        body
    }

    async fn project(&self, name: &str) -> String {
        self.control.world().await.project(name).unwrap().id.to_string()
    }

    async fn repository(&self, name: &str) -> String {
        let world = self.control.world().await;
        world.repositories.iter().find(|row| row.name == name).unwrap().id.to_string()
    }

    async fn person(&self, alias: &str) -> String {
        self.control.world().await.user_named(alias).unwrap().id.to_string()
    }

    /// The body that makes a subscription to the receiver.
    async fn wish(&self, event_type: &str, receiver: &str, more: Value) -> Value {
        let mut publisher_inputs = json!({ "projectId": self.project("Harbor").await });
        let publisher = crate::sim::hooks::catalogue::event_type_named(event_type).unwrap().publisher;
        let mut consumer_inputs = json!({
            "url": receiver, "basicAuthUsername": "board", "basicAuthPassword": "s3cret", "resourceDetailsToSend": "",
            "messagesToSend": "", "detailedMessagesToSend": "",
        });
        let mut body =
            json!({ "publisherId": publisher, "eventType": event_type, "consumerId": "webHooks", "consumerActionId": "httpRequest" });
        for (key, value) in more.as_object().cloned().unwrap_or_default() {
            match key.as_str() {
                "resourceVersion" => body[key] = value,
                other if crate::sim::hooks::catalogue::CONSUMER_INPUTS.iter().any(|(id, _)| *id == other) => consumer_inputs[key] = value,
                _ => publisher_inputs[key] = value,
            }
        }
        body["publisherInputs"] = publisher_inputs;
        body["consumerInputs"] = consumer_inputs;
        body
    }

    /// Subscribes; answers the subscription.
    async fn subscribe(&self, event_type: &str, receiver: &Receiver, more: Value) -> Value {
        let wish = self.wish(event_type, &receiver.url, more).await;
        let (status, made) = self.send(Method::POST, "hooks/subscriptions", wish).await;
        assert_eq!(status, 200, "{made}");
        made
    }

    async fn status_of(&self, subscription: &Value) -> String {
        let row = self.get(&format!("hooks/subscriptions/{}", subscription["id"].as_str().unwrap())).await;
        row["status"].as_str().unwrap().to_owned()
    }

    async fn idle(&self) -> crate::sim::hooks::Idle {
        tokio::time::timeout(std::time::Duration::from_secs(20), self.control.hooks_idle()).await.expect("ends").unwrap()
    }

    async fn advance(&self, seconds: i64) {
        self.control.advance(SignedDuration::from_secs(seconds)).await;
        self.idle().await;
    }

    /// A pull request of the story, by the key in front of its title.
    async fn story(&self, key: &str) -> i32 {
        let world = self.control.world().await;
        world.pull_requests.values().find(|row| row.title.split(' ').next() == Some(key)).unwrap().id
    }

    /// Makes one event that a push subscription of `Harbor` gets.
    async fn push(&self, branch: &str) -> String {
        self.control
            .push_file("pilot-cli", (branch, None), "bob", ("/note.md", branch.as_bytes()), &format!("Note {branch}"))
            .await
            .unwrap()
    }
}
