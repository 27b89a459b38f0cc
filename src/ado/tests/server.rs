//! A server that answers from a script: for each request the first rule that matches, each rule once or for ever.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use futures_util::stream;
use secrecy::SecretString;

use crate::ado::retry::Pace;
use crate::ado::{Base, Client, Credential, RepoRef, Settings};
use crate::domain::id::Guid;

pub const PROJECT: &str = "5e0a7c11-0000-4000-8000-0000000000a1";
pub const REPOSITORY: &str = "5e0a7c11-0000-4000-8000-0000000000b1";
pub const ADA: &str = "5e0a7c11-0000-4000-8000-0000000000c1";

/// The token of every test, and what must never be seen of it.
pub const CANARY: &str = "canarytokencanarytokencanary";

/// One request as it arrived.
#[derive(Debug, Clone)]
pub struct Seen {
    pub method: String,
    /// Path and query, as sent.
    pub target: String,
    pub headers: axum::http::HeaderMap,
    pub body: Vec<u8>,
}

impl Seen {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

#[derive(Debug, Clone)]
pub enum Play {
    Whole,
    /// Half of the body, then the connection ends.
    Cut,
    /// Half of the body, then nothing.
    Stall,
}

#[derive(Debug, Clone)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
    pub play: Play,
}

impl Reply {
    pub fn json(status: u16, body: serde_json::Value) -> Self {
        let headers = vec![
            ("content-type", "application/json; charset=utf-8; api-version=7.1".to_owned()),
            ("activityid", "0a0a0a0a-1111-2222-3333-444444444444".to_owned()),
        ];
        Self { status, headers, body: body.to_string().into_bytes(), play: Play::Whole }
    }

    pub fn ok(body: serde_json::Value) -> Self {
        Self::json(200, body)
    }

    pub fn list(rows: serde_json::Value) -> Self {
        Self::ok(serde_json::json!({"value": rows, "count": rows.as_array().map_or(0, Vec::len)}))
    }

    pub fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new(), play: Play::Whole }
    }

    pub fn html(status: u16, body: &str) -> Self {
        Self { status, headers: vec![("content-type", "text/html; charset=utf-8".to_owned())], body: body.into(), play: Play::Whole }
    }

    pub fn text(status: u16, body: &str) -> Self {
        Self { status, headers: vec![("content-type", "text/plain".to_owned())], body: body.into(), play: Play::Whole }
    }

    /// The service's error envelope.
    pub fn error(status: u16, type_key: &str, message: &str) -> Self {
        let body = serde_json::json!({
            "$id": "1", "innerException": null, "message": message, "typeName": format!("Some.Space.{type_key}, Some.Space"),
            "typeKey": type_key, "errorCode": 0, "eventId": 3000
        });
        Self::json(status, body)
    }

    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    pub fn play(mut self, play: Play) -> Self {
        self.play = play;
        self
    }
}

struct Rule {
    method: String,
    /// A part of path and query, in any case.
    part: String,
    replies: Vec<Reply>,
}

#[derive(Default)]
struct Script {
    rules: Vec<Rule>,
    seen: Vec<Seen>,
}

/// A running server and a client of it.
pub struct Scene {
    pub client: Client,
    pub port: u16,
    script: Arc<Mutex<Script>>,
}

impl Scene {
    /// A server that speaks 7.1; the organisation is `lumen`.
    pub async fn new() -> Self {
        let scene = Self::bare().await;
        scene.on("OPTIONS", "/lumen/_apis", [catalogue("7.1")]);
        scene
    }

    /// A server that answers nothing yet.
    pub async fn bare() -> Self {
        Self::with(&Settings::default()).await
    }

    pub async fn with(settings: &Settings) -> Self {
        let script = Arc::new(Mutex::new(Script::default()));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let app = Router::new().fallback(answer).with_state(script.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        let client = client(&format!("http://127.0.0.1:{port}/lumen"), settings);
        Self { client, port, script }
    }

    /// Answers requests of a method whose path and query contain `part` with these replies in order; the last one repeats.
    /// Rules given later win.
    pub fn on<const N: usize>(&self, method: &str, part: &str, replies: [Reply; N]) {
        let rule = Rule { method: method.to_owned(), part: part.to_lowercase(), replies: replies.into() };
        self.script.lock().unwrap().rules.insert(0, rule);
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.script.lock().unwrap().seen.clone()
    }

    /// Requests of a method that contained `part`.
    pub fn count(&self, method: &str, part: &str) -> usize {
        self.find(method, part).len()
    }

    pub fn find(&self, method: &str, part: &str) -> Vec<Seen> {
        let part = part.to_lowercase();
        self.seen().into_iter().filter(|s| s.method == method && s.target.to_lowercase().contains(&part)).collect()
    }
}

pub fn client(base: &str, settings: &Settings) -> Client {
    let pace = Pace {
        first_delay: Duration::from_millis(1),
        retries: 3,
        patience: Duration::from_secs(3),
        long_patience: Duration::from_secs(20),
    };
    let credential = Credential::Pat(SecretString::from(CANARY.to_owned()));
    Client::with_pace(Base::new(base).unwrap(), &credential, settings, pace, crate::ado::Tally::default()).unwrap()
}

pub fn project() -> Guid {
    Guid::new(PROJECT)
}

/// The repository of most tests; leaked ids keep the calls short.
pub fn repository() -> RepoRef<'static> {
    static IDS: std::sync::LazyLock<(Guid, Guid)> = std::sync::LazyLock::new(|| (Guid::new(PROJECT), Guid::new(REPOSITORY)));
    RepoRef { project: &IDS.0, repository: &IDS.1 }
}

pub fn catalogue(released: &str) -> Reply {
    Reply::list(serde_json::json!([
        {"id": "1", "area": "core", "resourceName": "projects", "releasedVersion": "1.0"},
        {"id": "2", "area": "git", "resourceName": "pullRequests", "releasedVersion": released, "maxVersion": "7.2"},
    ]))
}

pub fn connection() -> Reply {
    Reply::ok(serde_json::json!({
        "authenticatedUser": {"id": ADA, "providerDisplayName": "Ada Byte",
            "properties": {"Account": {"$type": "System.String", "$value": "ada@lumen.example"}}},
        "instanceId": "5e0a7c11-0000-4000-8000-0000000000d1", "deploymentType": "hosted"
    }))
}

async fn answer(State(script): State<Arc<Mutex<Script>>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default().to_vec();
    let target = parts.uri.path_and_query().map(|p| p.as_str().to_owned()).unwrap_or_default();
    let reply = {
        let mut script = script.lock().unwrap();
        let lower = target.to_lowercase();
        let reply = script
            .rules
            .iter_mut()
            .find(|r| r.method == parts.method.as_str() && lower.contains(&r.part))
            .map(|rule| if rule.replies.len() > 1 { rule.replies.remove(0) } else { rule.replies[0].clone() });
        script.seen.push(Seen { method: parts.method.to_string(), target, headers: parts.headers, body });
        reply.unwrap_or_else(|| Reply::error(404, "NotScripted", "nothing is scripted for this"))
    };
    let mut response = Response::builder().status(reply.status);
    for (name, value) in &reply.headers {
        response = response.header(*name, value);
    }
    let half = Bytes::copy_from_slice(&reply.body[..reply.body.len() / 2]);
    let body = match reply.play {
        Play::Whole => Body::from(reply.body),
        Play::Cut => Body::from_stream(stream::iter([Ok(half), Err(std::io::Error::other("cut"))])),
        Play::Stall => {
            use futures_util::StreamExt as _;
            Body::from_stream(stream::iter([Ok::<_, std::io::Error>(half)]).chain(stream::pending()))
        }
    };
    response.body(body).unwrap()
}

pub enum Certificate {
    Trusted,
    Untrusted,
}

/// A server behind TLS that answers everything with connection data, the file with the authority to trust, and its folder.
pub async fn tls(certificate: Certificate) -> (String, std::path::PathBuf, tempfile::TempDir) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let pair = |_| rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let [own, other] = [0, 1].map(pair);
    let folder = tempfile::tempdir().unwrap();
    let ca_file = folder.path().join("ca.pem");
    let trusted = match certificate {
        Certificate::Trusted => &own,
        Certificate::Untrusted => &other,
    };
    std::fs::write(&ca_file, trusted.cert.pem()).unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let (cert, key) = (own.cert.pem().into_bytes(), own.signing_key.serialize_pem().into_bytes());
    let config = axum_server::tls_rustls::RustlsConfig::from_pem(cert, key).await.unwrap();
    let body = String::from_utf8(connection().body).unwrap();
    let app = Router::new().fallback(move || {
        let body = body.clone();
        async move { ([("content-type", "application/json")], body) }
    });
    tokio::spawn(async move { axum_server::from_tcp_rustls(listener, config).unwrap().serve(app.into_make_service()).await });
    (format!("https://localhost:{port}/lumen"), ca_file, folder)
}
