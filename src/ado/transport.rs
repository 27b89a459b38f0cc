//! Sends one request to one URL and reads the whole answer, or says why there is none. No retries, no meaning.
//!
//! Redirects are never followed: a sign-in page is how the service says that a token is bad.

use std::collections::HashMap;
use std::error::Error as StdError;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use tokio::sync::watch;
use url::Url;

use super::base::is_loopback;
use super::budget::{Budget, Signs};
use super::call::{Accept, Call};
use super::client::Settings;
use super::credential::Credential;
use super::gate::{Gate, Lane, TooLong, retry_after};
use super::log::{LoggedRequest, RequestLog};
use super::proxy::proxy_for;
use super::tally::Tally;

/// Larger answers are not read: nothing we ask for comes near it.
const MAX_BODY: usize = 64 << 20;

/// The whole answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
    pub retry_after: Option<Duration>,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok().map(str::trim).filter(|v| !v.is_empty())
    }

    /// What it says of the rate limit.
    fn signs(&self, now: Timestamp) -> Signs {
        let number = |name: &str| self.header(name)?.parse::<f64>().ok().filter(|n| n.is_finite() && *n >= 0.0);
        let reset = number("x-ratelimit-reset").map(|at| at - now.as_millisecond() as f64 / 1000.0);
        Signs {
            is_throttled: self.status == 429 || self.retry_after.is_some() || number("x-ratelimit-delay").is_some_and(|s| s > 0.0),
            limit: number("x-ratelimit-limit"),
            remaining: number("x-ratelimit-remaining"),
            // A clock that is wrong on either side must neither stop nor free everything.
            reset_in: reset.map(|seconds| Duration::from_secs_f64(seconds.clamp(1.0, 3600.0))),
        }
    }

    /// Whether it refuses because too much was asked: by its status, or a gateway's way of saying that.
    pub fn is_refused_for_load(&self) -> bool {
        self.status == 429 || (self.status == 503 && self.retry_after.is_some())
    }

    pub fn activity_id(&self) -> Option<&str> {
        self.header("activityid").or_else(|| self.header("x-vss-e2eid"))
    }

    pub fn content_type(&self) -> &str {
        self.header("content-type").unwrap_or_default()
    }

    pub fn is_html(&self) -> bool {
        let start: Vec<u8> = self.text().iter().copied().take(256).collect();
        let start = String::from_utf8_lossy(&start).trim_start().to_ascii_lowercase();
        self.content_type().to_ascii_lowercase().contains("text/html") || start.starts_with("<!doctype html") || start.starts_with("<html")
    }

    /// The body without a byte order mark, which some answers begin with.
    pub fn text(&self) -> &[u8] {
        self.body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&self.body)
    }
}

/// No whole answer came.
#[derive(Debug)]
pub struct Broken {
    pub trouble: Trouble,
    /// Whether the request may have reached the service.
    pub reached: Reached,
    pub source: Option<Box<dyn StdError + Send + Sync>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reached {
    No,
    Maybe,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    Offline,
    Proxy(String),
    Tls,
    TimedOut,
    /// The connection ended in the middle.
    Cut,
    TooLarge,
    Throttled(Duration),
}

impl Trouble {
    fn word(&self) -> &'static str {
        match self {
            Self::Offline => "offline",
            Self::Proxy(_) => "proxy",
            Self::Tls => "tls",
            Self::TimedOut => "timed out",
            Self::Cut => "cut",
            Self::TooLarge => "too large",
            Self::Throttled(_) => "throttled",
        }
    }
}

pub struct Transport {
    http: reqwest::Client,
    authorization: HeaderValue,
    bearer: bool,
    max_in_flight: usize,
    gates: Mutex<HashMap<String, Arc<Gate>>>,
    told_to_wait: watch::Sender<Option<Timestamp>>,
    budget: watch::Sender<Budget>,
    log: RequestLog,
    tally: Tally,
}

/// Why a transport cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    #[error("the token is empty or holds characters that no header can carry")]
    Token,
    #[error("`{path}` cannot be read as PEM certificates")]
    CaFile {
        path: String,
        #[source]
        source: Box<dyn StdError + Send + Sync>,
    },
    #[error("this machine has no usable certificate authorities")]
    Authorities(#[source] reqwest::Error),
}

impl Transport {
    /// For one base URL: plain http to loopback needs no certificate authorities and no proxy.
    pub fn new(base: &Url, credential: &Credential, settings: &Settings, tally: Tally) -> Result<Self, BuildError> {
        // Fails only when one is installed already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let authorization = credential.header().ok_or(BuildError::Token)?;
        let builder = || {
            let builder = reqwest::Client::builder()
                .redirect(reqwest::redirect::Policy::none())
                .user_agent(concat!("kanado/", env!("CARGO_PKG_VERSION")))
                .connect_timeout(Duration::from_millis(settings.connect_timeout_ms.max(1)))
                .timeout(Duration::from_millis(settings.timeout_ms.max(1)))
                .pool_idle_timeout(Duration::from_secs(60))
                .referer(false);
            if is_loopback(base) { builder.no_proxy() } else { builder }
        };
        let certificates = settings.ca_file.as_deref().map(certificates).transpose()?.unwrap_or_default();
        let http = if base.scheme() == "http" {
            builder().tls_certs_only([]).build()
        } else if certificates.is_empty() {
            builder().build()
        } else {
            // A machine without a bundle of its own can still trust the given file.
            builder().tls_certs_merge(certificates.clone()).build().or_else(|_| builder().tls_certs_only(certificates).build())
        }
        .map_err(BuildError::Authorities)?;
        Ok(Self {
            http,
            authorization,
            bearer: matches!(credential, Credential::Bearer(_)),
            max_in_flight: settings.max_in_flight,
            gates: Mutex::default(),
            told_to_wait: watch::Sender::new(None),
            budget: watch::Sender::new(Budget::default()),
            log: RequestLog::default(),
            tally,
        })
    }

    pub fn log(&self) -> &RequestLog {
        &self.log
    }

    /// Until when the service told us to wait, the longest of its hosts; changes when it says so. A time that has passed is over.
    pub fn told_to_wait(&self) -> watch::Receiver<Option<Timestamp>> {
        self.told_to_wait.subscribe()
    }

    pub fn budget(&self) -> watch::Receiver<Budget> {
        self.budget.subscribe()
    }

    /// Counts a request that is under way; dropping it counts it off. Nobody is woken for that.
    fn under_way(&self) -> impl Drop + use<'_> {
        struct Counted<'a>(&'a watch::Sender<Budget>);
        impl Drop for Counted<'_> {
            fn drop(&mut self) {
                self.0.send_if_modified(|budget| {
                    budget.in_flight = budget.in_flight.saturating_sub(1);
                    false
                });
            }
        }
        self.budget.send_if_modified(|budget| {
            budget.in_flight += 1;
            false
        });
        Counted(&self.budget)
    }

    fn note_budget(&self, signs: &Signs, window: usize) {
        let now = Timestamp::now();
        let after = |wait: Duration| SignedDuration::try_from(wait).ok().and_then(|wait| now.checked_add(wait).ok());
        self.budget.send_if_modified(|budget| {
            budget.window = window;
            let Some(remaining) = signs.remaining else { return false };
            budget.limit = signs.limit.or(budget.limit);
            budget.remaining = Some(remaining);
            budget.reset_at = signs.reset_in.and_then(after);
            budget.said_at = Some(now);
            true
        });
    }

    fn note_wait(&self, wait: Duration) {
        let now = Timestamp::now();
        let Some(until) = SignedDuration::try_from(wait).ok().and_then(|wait| now.checked_add(wait).ok()) else { return };
        let put = |told: &mut Option<Timestamp>| {
            let later = told.is_none_or(|earlier| earlier < until);
            if later {
                *told = Some(until);
            }
            later
        };
        self.told_to_wait.send_if_modified(put);
        self.budget.send_if_modified(|budget| {
            budget.said_at = Some(now);
            put(&mut budget.told_to_wait)
        });
    }

    /// Sends to a URL that the caller has found trustworthy.
    pub async fn exchange(&self, call: &Call, url: &Url, lane: Lane, patience: Duration) -> Result<Answer, Broken> {
        let gate = self.gate(url);
        let pass = gate.enter(lane, call.bulk(), patience).await.map_err(|TooLong(wait)| Broken {
            trouble: Trouble::Throttled(wait),
            reached: Reached::No,
            source: None,
        })?;
        let begun = Instant::now();
        let at = Timestamp::now();
        let counted = self.under_way();
        let outcome = self.send(call, url, &gate).await;
        drop(counted);
        self.tally.count(&outcome);
        self.log.push(LoggedRequest {
            at,
            method: call.method.to_string(),
            path: url.path().to_owned(),
            status: outcome.as_ref().ok().map(|a| a.status),
            duration_ms: begun.elapsed().as_millis() as u64,
            activity_id: outcome.as_ref().ok().and_then(|a| a.activity_id()).map(crate::notice::inert),
            trouble: outcome.as_ref().err().map(|b| b.trouble.word()),
        });
        if let Ok(answer) = &outcome {
            let signs = answer.signs(Timestamp::now());
            self.note_budget(&signs, gate.answered(&signs, pass.begun));
        }
        outcome
    }

    async fn send(&self, call: &Call, url: &Url, gate: &Gate) -> Result<Answer, Broken> {
        let accept = match call.accept {
            Accept::Json => "application/json",
            Accept::Bytes => "application/octet-stream",
        };
        let mut request = self
            .http
            .request(call.method.clone(), url.clone())
            .header(AUTHORIZATION, self.authorization.clone())
            .header(ACCEPT, accept)
            .header(HeaderName::from_static("x-tfs-fedauthredirect"), "Suppress");
        if self.bearer {
            request = request.header(HeaderName::from_static("x-vss-forcemsapassthrough"), "true");
        }
        if let Some(body) = &call.body {
            request = request.header(CONTENT_TYPE, "application/json").body(body.clone());
        }
        let mut response = request.send().await.map_err(|e| broken(e, url))?;
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let retry_after = headers.get(RETRY_AFTER).and_then(|v| retry_after(v.to_str().ok()?, Timestamp::now()));
        // Before the body: that may take long, or be cut off, and the word is good all the same.
        if let Some(wait) = retry_after {
            gate.hold(wait);
            self.note_wait(wait);
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|e| broken(e, url))? {
            if body.len() + chunk.len() > MAX_BODY {
                return Err(Broken { trouble: Trouble::TooLarge, reached: Reached::Maybe, source: None });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer { status, headers, body, retry_after })
    }

    fn gate(&self, url: &Url) -> Arc<Gate> {
        let host = format!("{}:{}", url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or_default());
        let mut gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
        gates.entry(host).or_insert_with(|| Arc::new(Gate::new(self.max_in_flight))).clone()
    }
}

fn certificates(path: &Path) -> Result<Vec<reqwest::Certificate>, BuildError> {
    let failed = |source: Box<dyn StdError + Send + Sync>| BuildError::CaFile { path: path.display().to_string(), source };
    let pem = std::fs::read(path).map_err(|e| failed(e.into()))?;
    let found = reqwest::Certificate::from_pem_bundle(&pem).map_err(|e| failed(e.into()))?;
    if found.is_empty() {
        return Err(failed("it holds no certificate".into()));
    }
    Ok(found)
}

/// Sorts a failure of the HTTP stack by what a person would do about it.
fn broken(error: reqwest::Error, url: &Url) -> Broken {
    let reached = if error.is_connect() { Reached::No } else { Reached::Maybe };
    let trouble = if is_tls(&error) {
        Trouble::Tls
    } else if let Some(proxy) = error.is_connect().then(|| proxy_for(url)).flatten() {
        Trouble::Proxy(proxy)
    } else if error.is_timeout() {
        Trouble::TimedOut
    } else if error.is_connect() {
        Trouble::Offline
    } else {
        Trouble::Cut
    };
    Broken { trouble, reached, source: Some(error.without_url().into()) }
}

fn is_tls(error: &(dyn StdError + 'static)) -> bool {
    let inside = error.downcast_ref::<std::io::Error>().and_then(|io| io.get_ref());
    error.is::<rustls::Error>() || inside.is_some_and(|e| is_tls(e)) || error.source().is_some_and(is_tls)
}
