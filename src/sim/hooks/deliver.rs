//! Making the requests: one task looks for what is due and starts a task for each.
//!
//! HTTP/1.1, no redirects, no proxy, 20 seconds for everything. Limits: of an answer the first 8 KiB are kept.
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use jiff::Timestamp;
use reqwest::header::{CONTENT_TYPE, HeaderName, HeaderValue, USER_AGENT};
use uuid::Uuid;

use super::catalogue::PASSWORD;
use super::desk::Job;
use super::event::Event;
use super::notification::{self, Exchange, Notification, Progress, Upshot};
use super::retry::{Class, Outcome};
use super::subscription::Subscription;
use super::target;
use crate::sim::host::Sim;
use crate::sim::reply::Failure;

const TIME_OUT: Duration = Duration::from_secs(20);
/// How long a connection is kept for the next request.
const IDLE: Duration = Duration::from_secs(5);
const ANSWER_KEPT: usize = 8 << 10;
const SAVED_EVERY: Duration = Duration::from_secs(1);

/// Delivers until the simulator stops.
pub async fn work(sim: Sim) {
    let mut saved = Instant::now();
    loop {
        let (jobs, next) = sim.hooks.take_due();
        for job in jobs {
            let sim = sim.clone();
            tokio::spawn(async move {
                tokio::select! {
                    () = sim.stopping.cancelled() => {}
                    () = deliver(&sim, job) => {}
                }
            });
        }
        if saved.elapsed() >= SAVED_EVERY {
            save(&sim).await;
            saved = Instant::now();
        }
        let until_due = next.map_or(SAVED_EVERY, |due| Duration::try_from(due.duration_since(sim.hooks.now())).unwrap_or_default());
        tokio::select! {
            () = sim.stopping.cancelled() => break,
            () = sim.hooks.wake.notified() => {}
            // Rounded up: a timer that is early by a fraction would be asked again and again.
            () = tokio::time::sleep(until_due.min(SAVED_EVERY) + Duration::from_millis(1)) => {}
        }
    }
    save(&sim).await;
}

async fn save(sim: &Sim) {
    let sim = sim.clone();
    let saved = tokio::task::spawn_blocking(move || sim.hooks.save()).await;
    if let Ok(Err(error)) = saved {
        tracing::error!(%error, "the simulator's subscriptions could not be written");
    }
}

async fn deliver(sim: &Sim, job: Job) {
    let body = notification::body(&job.event, &job.subscription, job.notification);
    let mut exchange = None;
    for _ in 0..job.times {
        let at = sim.hooks.now();
        let made = post(sim, &job.subscription, body.clone()).await;
        sim.hooks.made(&job, at, &made.outcome);
        exchange = Some(made);
    }
    if let Some(exchange) = exchange {
        sim.hooks.concluded(&job, exchange);
    }
}

/// One client for addresses with a certificate to be believed, and one for the others.
#[derive(Default)]
pub(super) struct Clients {
    strict: OnceLock<reqwest::Client>,
    lenient: OnceLock<reqwest::Client>,
}

fn client(clients: &Clients, accepts_anything: bool) -> Result<reqwest::Client, reqwest::Error> {
    let slot = if accepts_anything { &clients.lenient } else { &clients.strict };
    if let Some(client) = slot.get() {
        return Ok(client.clone());
    }
    // Err means that one is installed already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder()
        .http1_only()
        .no_proxy()
        .no_gzip()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(TIME_OUT)
        .pool_idle_timeout(IDLE)
        .tls_danger_accept_invalid_certs(accepts_anything)
        .build()?;
    Ok(slot.get_or_init(|| client).clone())
}

async fn post(sim: &Sim, subscription: &Subscription, body: Vec<u8>) -> Exchange {
    let begun = Instant::now();
    let (outcome, response) = match target::host(subscription.url()).as_str() {
        target::CHAT_HOST => (Outcome::Answered(200), "HTTP/1.1 200 OK".to_owned()),
        _ => match send(&sim.hooks.clients, subscription, body).await {
            Ok((status, response)) => (Outcome::Answered(status), response),
            Err(error) => (Outcome::Unanswered(words(&error)), String::new()),
        },
    };
    Exchange { outcome, response, millis: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX) }
}

/// The error with its causes: the outermost says only that the request failed. Without the address, which may hold anything.
fn words(error: &reqwest::Error) -> String {
    let mut words = if error.is_timeout() { "the request timed out".to_owned() } else { "the request could not be sent".to_owned() };
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        words = format!("{words}: {inner}");
        cause = inner.source();
    }
    words
}

async fn send(clients: &Clients, subscription: &Subscription, body: Vec<u8>) -> Result<(u16, String), reqwest::Error> {
    let input = |key: &str| subscription.consumer_input(key);
    let client = client(clients, input("acceptUntrustedCerts").eq_ignore_ascii_case("true"))?;
    let activity = Uuid::new_v4().to_string();
    let mut request = client
        .post(subscription.url())
        .header(CONTENT_TYPE, "application/json; charset=utf-8")
        .header(USER_AGENT, "VSServices/19.255.36331.1 (w3wp.exe)")
        .header("X-VSS-ActivityId", &activity)
        .header("X-VSS-SubscriptionId", subscription.id.to_string())
        .header("Request-Id", format!("|{activity}."))
        .body(body);
    if !input(PASSWORD).is_empty() || !input("basicAuthUsername").is_empty() {
        request = request.basic_auth(input("basicAuthUsername"), Some(input(PASSWORD)));
    }
    for line in input("httpHeaders").lines() {
        let pair = line.split_once(':').map(|(name, value)| (name.trim(), value.trim()));
        if let Some((name, value)) = pair
            && let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value))
        {
            request = request.header(name, value);
        }
    }
    let response = request.send().await?;
    let status = response.status();
    let mut told = format!("HTTP/1.1 {status}\n");
    for (name, value) in response.headers() {
        told.push_str(&format!("{name}: {}\n", String::from_utf8_lossy(value.as_bytes())));
    }
    told.push('\n');
    let mut kept = Vec::new();
    let mut stream = response.bytes_stream();
    while let Some(Ok(chunk)) = stream.next().await {
        let room = ANSWER_KEPT - kept.len();
        kept.extend_from_slice(chunk.get(..room).unwrap_or(&chunk));
        if kept.len() >= ANSWER_KEPT {
            break;
        }
    }
    told.push_str(&String::from_utf8_lossy(&kept));
    Ok((status.as_u16(), told))
}

/// The "Test" button: one request with the sample of the event type, or with the last real event again. It changes no status.
pub async fn send_sample(sim: &Sim, subscription: &Subscription, event: Event, now: Timestamp) -> Result<Notification, Failure> {
    let is_known = sim.hooks.subscription(subscription.id).is_some();
    let number = if is_known { sim.hooks.number_for(subscription.id) } else { sim.hooks.next_sample() };
    let body = notification::body(&event, subscription, number);
    let exchange = post(sim, subscription, body).await;
    let is_success = exchange.outcome.class() == Class::Success;
    let notification = Notification {
        id: number,
        subscription: subscription.id,
        event: Arc::new(event),
        progress: Progress::Completed,
        result: if is_success { Upshot::Succeeded } else { Upshot::Failed },
        created: now,
        modified: sim.hooks.now(),
        attempts: 1,
        probe: 0,
        due: None,
        last: Some(exchange),
    };
    sim.hooks.remember(notification.clone());
    Ok(notification)
}
