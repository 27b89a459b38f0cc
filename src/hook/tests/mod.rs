//! The receiver as a whole: a real listener on the loopback, a real store, and bytes on a socket.

mod content;
mod end;
mod secrets;
mod transport;
mod trouble;

use std::net::SocketAddr;
use std::time::Duration;

use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::clock::Clock;
use crate::config::Config;
use crate::domain::fact;
use crate::domain::hook::{Delivery, DeliveryState};
use crate::domain::id::{Guid, ProjectId};
use crate::domain::project::Deployment;
use crate::secret::TokenSources;
use crate::services::Services;
use crate::store::{DeliveryFilter, Location, NewOrganisation, Store};
use crate::sync::wake::Wake;

const TIDE: &str = "0a1b2c3d-1111-4000-8000-00000000000a";
const REEF: &str = "0a1b2c3d-1111-4000-8000-00000000000b";
/// Nobody's.
const NOWHERE: &str = "0a1b2c3d-1111-4000-8000-0000000000ee";
const SECRET_OF_TIDE: &str = "tide-secret-0123456789-abcdefghijklmnopqrstuv";
const SECRET_OF_REEF: &str = "reef-secret-0123456789-abcdefghijklmnopqrstuv";

/// No test waits longer for what must happen.
const PATIENCE: Duration = Duration::from_secs(30);

fn noon() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap()
}

/// Two projects, each with a secret, and a receiver.
struct Scene {
    directory: TempDir,
    services: Services,
    clock: Clock,
    wake: Wake,
    tide: ProjectId,
    reef: ProjectId,
    address: SocketAddr,
    end: CancellationToken,
    serving: tokio::task::JoinHandle<Result<(), Error>>,
}

/// The store of a scene, before anything listens.
async fn projects(store: &Store) -> (ProjectId, ProjectId) {
    let organisation = NewOrganisation {
        name: "lumen".to_owned(),
        url: "https://dev.example.test/lumen".to_owned(),
        deployment: Deployment::Services,
        instance: None,
        me: None,
    };
    let organisation = store.put_organisation(&organisation, noon()).await.unwrap();
    let mut ids = Vec::new();
    for (guid, name, prefix) in [(TIDE, "Tide", "TIDE"), (REEF, "Reef", "REEF")] {
        let project = fact::Project { guid: Guid::new(guid), name: name.to_owned(), description: None, well_formed: true };
        ids.push(store.put_project(organisation.id, &project, prefix).await.unwrap().id);
    }
    (ids[0], ids[1])
}

fn services_of(store: Store, clock: &Clock, directory: &TempDir) -> Services {
    Services::with_store(Config::default(), TokenSources::file_only(directory.path().to_owned()), store, clock.clone())
}

impl Scene {
    async fn new() -> Self {
        Self::within(Limits::default()).await
    }

    async fn within(limits: Limits) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(&Location::in_directory(directory.path())).await.unwrap();
        let (tide, reef) = projects(&store).await;
        for (project, secret) in [(tide, SECRET_OF_TIDE), (reef, SECRET_OF_REEF)] {
            store.add_secret(project, &auth::digest(secret.as_bytes()), None, noon()).await.unwrap();
        }
        let clock = Clock::fixed(noon());
        let services = services_of(store, &clock, &directory);
        let wake = Wake::default();
        let options = HookOptions { limits, ..HookOptions::on(SocketAddr::from(([127, 0, 0, 1], 0))) };
        let server = Server::bind(options, &services, wake.clone()).await.unwrap();
        let (address, end) = (server.address(), CancellationToken::new());
        let serving = tokio::spawn(server.serve_until(end.clone()));
        Self { directory, services, clock, wake, tide, reef, address, end, serving }
    }

    fn store(&self) -> &Store {
        &self.services.ctx.store
    }

    async fn connect(&self) -> Line {
        Line { stream: TcpStream::connect(self.address).await.unwrap(), read: Vec::new() }
    }

    /// One request on a connection of its own.
    async fn ask(&self, head: &str, body: &[u8]) -> Reply {
        let mut line = self.connect().await;
        line.send(head.as_bytes()).await;
        line.send(body).await;
        line.reply().await
    }

    /// A delivery to a path under a secret.
    async fn deliver(&self, path: &str, secret: &str, body: &[u8]) -> Reply {
        self.ask(&post(path, &basic("kanado", secret), body.len()), body).await
    }

    /// A delivery to the project Tide under its own secret.
    async fn to_tide(&self, body: &[u8]) -> Reply {
        self.deliver(&path_of(TIDE), SECRET_OF_TIDE, body).await
    }

    async fn kept(&self, project: ProjectId) -> Vec<Delivery> {
        self.store().deliveries(Some(project), DeliveryFilter::All, 10_000).await.unwrap()
    }

    /// The newest delivery of Tide.
    async fn newest(&self) -> Delivery {
        self.kept(self.tide).await.swap_remove(0)
    }
}

fn path_of(project: &str) -> String {
    format!("/api/webhooks/ado/{project}")
}

fn basic(user: &str, secret: &str) -> String {
    format!("Authorization: Basic {}\r\n", STANDARD.encode(format!("{user}:{secret}")))
}

/// The head of a delivery; `more` are header lines.
fn post(path: &str, more: &str, length: usize) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: kanado.test\r\n{more}Content-Type: application/json; charset=utf-8\r\nContent-Length: {length}\r\n\r\n"
    )
}

/// A push, told apart by its number.
fn push(project: &str, number: i64) -> Vec<u8> {
    serde_json::json!({
        "subscriptionId": "0a1b2c3d-1111-4000-8000-0000000000d1", "notificationId": number, "id": format!("event-{number}"),
        "eventType": "git.push", "publisherId": "tfs", "resource": {"repository": {"id": "0a1b2c3d-1111-4000-8000-0000000000c1"}},
        "resourceContainers": {"project": {"id": project}}
    })
    .to_string()
    .into_bytes()
}

/// A connection, spoken on byte by byte.
struct Line {
    stream: TcpStream,
    read: Vec<u8>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Reply {
    status: u16,
    /// Status line and headers.
    head: String,
    body: String,
}

impl Reply {
    fn is(&self, status: StatusCode) -> bool {
        self.status == status.as_u16()
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().filter_map(|line| line.split_once(':')).find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, v)| v.trim())
    }

    /// All of it but the time of day.
    fn without_date(&self) -> String {
        let lines: Vec<&str> = self.head.lines().filter(|line| !line.to_ascii_lowercase().starts_with("date:")).collect();
        format!("{}\n{}", lines.join("\n"), self.body)
    }
}

impl Line {
    async fn send(&mut self, bytes: &[u8]) {
        // The receiver may have answered and gone before it has read everything.
        let _ = self.stream.write_all(bytes).await;
    }

    /// More bytes, or the end.
    async fn fill(&mut self) -> bool {
        let mut some = [0; 4096];
        match tokio::time::timeout(PATIENCE, self.stream.read(&mut some)).await.expect("the receiver went silent") {
            Ok(count) if count > 0 => {
                self.read.extend_from_slice(&some[..count]);
                true
            }
            _ => false,
        }
    }

    async fn reply(&mut self) -> Reply {
        let end = loop {
            if let Some(at) = self.read.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            assert!(self.fill().await, "the connection ended after {:?}", String::from_utf8_lossy(&self.read));
        };
        let head = String::from_utf8(self.read.drain(..end).collect()).unwrap();
        let status = head[9..12].parse().unwrap();
        let mut reply = Reply { status, head, body: String::new() };
        let length: usize = reply.header("content-length").map_or(0, |text| text.parse().unwrap());
        while self.read.len() < length {
            assert!(self.fill().await, "the body of an answer broke off");
        }
        reply.body = String::from_utf8(self.read.drain(..length).collect()).unwrap();
        reply
    }

    /// Whether the receiver ends the connection, without another word.
    async fn is_closed(&mut self) -> bool {
        while self.fill().await {}
        self.read.is_empty()
    }
}

/// Waits for something that is to happen.
async fn until<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while !holds().await {
        assert!(tokio::time::Instant::now() < deadline, "{what} did not happen");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}
