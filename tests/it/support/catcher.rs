//! Somebody at the other end of a webhook who notes what arrives, with whose name and password, and answers as told.

use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use base64::Engine as _;

/// What arrived.
#[derive(Debug, Clone)]
pub struct Caught {
    pub path: String,
    pub user: String,
    pub password: String,
}

#[derive(Default)]
struct Notes {
    caught: Mutex<Vec<Caught>>,
    answer: AtomicU16,
}

/// A listening server; it stops with the test.
pub struct Catcher {
    pub url: String,
    notes: Arc<Notes>,
    _runtime: tokio::runtime::Runtime,
}

impl Catcher {
    pub fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let notes = Arc::new(Notes { answer: AtomicU16::new(200), ..Notes::default() });
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let app = Router::new().fallback(note).with_state(notes.clone());
        runtime.spawn(async move { axum::serve(listener, app).await });
        Self { url, notes, _runtime: runtime }
    }

    /// What is answered from now on.
    pub fn answer(&self, status: u16) {
        self.notes.answer.store(status, Ordering::SeqCst);
    }

    /// What arrived since the last time this was asked.
    pub fn take(&self) -> Vec<Caught> {
        std::mem::take(&mut self.notes.caught.lock().unwrap())
    }
}

async fn note(State(notes): State<Arc<Notes>>, request: Request) -> StatusCode {
    let header = request.headers().get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let decoded =
        header.strip_prefix("Basic ").and_then(|text| base64::engine::general_purpose::STANDARD.decode(text).ok()).unwrap_or_default();
    let decoded = String::from_utf8_lossy(&decoded).into_owned();
    let (user, password) = decoded.split_once(':').unwrap_or_default();
    let caught = Caught { path: request.uri().path().to_owned(), user: user.to_owned(), password: password.to_owned() };
    notes.caught.lock().unwrap().push(caught);
    StatusCode::from_u16(notes.answer.load(Ordering::SeqCst)).unwrap_or(StatusCode::OK)
}
