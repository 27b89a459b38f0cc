//! Faults on demand: the answers a client gets on a bad day.
//!
//! A fault is written `KIND[@N][:OPTION]...`, for example `429@3:retry-after=1:path=/refs`.
//!
//! | kind | what the client sees |
//! |---|---|
//! | `429` | too many requests (TF400733) with `Retry-After` (1 s unless `retry-after=` says otherwise) |
//! | `200-retry-after` | the real answer with `Retry-After` and the rate-limit headers: "slow down" |
//! | `401` | the empty 401 with its challenges |
//! | `403` | a permission of git is missing (TF401027) |
//! | `203` | the sign-in page with status 203 |
//! | `302` | the redirect to the sign-in page |
//! | `html` | the sign-in page with status 200 where JSON was due |
//! | `500` | a server error as JSON |
//! | `502` | a gateway's plain text |
//! | `503` | the outage page, HTML |
//! | `503-bom` | the organisation asleep (TF24668), JSON after a byte order mark |
//! | `cut` | half of the real answer, then the connection is gone |
//! | `slow` | the real answer, dripping (3000 ms in all unless `ms=` says otherwise) |
//!
//! | option | meaning |
//! |---|---|
//! | `@N` or `at=N` | begin with the N-th request that the filters let through (from 1); alone it means that request only |
//! | `every=K` | of these, hit the first, the K-th after it, and so on |
//! | `times=N` | hit N requests, then rest; `times=always` never rests (the rule without `@N`) |
//! | `path=TEXT` | only requests whose path and query contain TEXT, in any case |
//! | `method=POST` | only requests with this method |
//! | `retry-after=SECONDS`, `ms=MILLISECONDS` | see the kinds |
//! | `before`, `after` | whether the request's work is left undone or done; `cut`, `slow`, `200-retry-after` work first, the others do not |
//!
//! Limits: the first fault that fires answers; nothing is left to chance; a connection is cut inside a body, never
//! before the head of an answer.

#[cfg(test)]
mod tests;

use std::convert::Infallible;
use std::future::Future;
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderName, HeaderValue, Method, Response, StatusCode, header};
use futures_util::{StreamExt, stream};

/// What happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    TooManyRequests,
    DelayedSuccess,
    Unauthorized,
    Forbidden,
    SignInPage,
    SignInRedirect,
    Html,
    ServerError,
    BadGateway,
    Outage,
    Asleep,
    Cut,
    Slow,
}

/// Whether the request still does what it asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    Undone,
    Done,
}

/// A fault with its filters; parse it from text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaultSpec {
    pub kind: FaultKind,
    /// The first matching request it hits, from 1.
    pub from: u64,
    /// From the first one on, each so manieth: 1 is every one.
    pub every: u64,
    /// `None`: never rests.
    pub times: Option<u64>,
    /// Lower case.
    pub path: Option<String>,
    pub method: Option<Method>,
    pub retry_after_s: u64,
    pub over: Duration,
    pub work: Work,
    text: String,
}

/// Why a fault could not be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("fault {spec:?}: {reason}")]
pub struct SpecError {
    pub spec: String,
    pub reason: String,
}

const KINDS: [(&str, FaultKind); 13] = [
    ("429", FaultKind::TooManyRequests),
    ("200-retry-after", FaultKind::DelayedSuccess),
    ("401", FaultKind::Unauthorized),
    ("403", FaultKind::Forbidden),
    ("203", FaultKind::SignInPage),
    ("302", FaultKind::SignInRedirect),
    ("html", FaultKind::Html),
    ("500", FaultKind::ServerError),
    ("502", FaultKind::BadGateway),
    ("503", FaultKind::Outage),
    ("503-bom", FaultKind::Asleep),
    ("cut", FaultKind::Cut),
    ("slow", FaultKind::Slow),
];

impl FromStr for FaultSpec {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<FaultSpec, SpecError> {
        let refused = |reason: String| SpecError { spec: text.to_owned(), reason };
        let number =
            |name: &str, value: &str| value.parse::<u64>().map_err(|_| refused(format!("{name} wants a whole number, not {value:?}")));
        let nth = |value: &str| match number("the position", value)? {
            0 => Err(refused("requests are counted from 1".to_owned())),
            n => Ok(n),
        };
        let mut parts = text.trim().split(':');
        let head = parts.next().unwrap_or_default();
        let (word, at) = match head.split_once('@') {
            Some((word, at)) => (word, Some(nth(at)?)),
            None => (head, None),
        };
        let kind = KINDS.iter().find(|(name, _)| name.eq_ignore_ascii_case(word.trim())).map(|(_, kind)| *kind).ok_or_else(|| {
            let known: Vec<_> = KINDS.iter().map(|(name, _)| *name).collect();
            refused(format!("unknown kind; known are {}", known.join(", ")))
        })?;
        let mut spec = FaultSpec {
            kind,
            from: 1,
            every: 1,
            times: None,
            path: None,
            method: None,
            retry_after_s: 1,
            over: Duration::from_millis(3000),
            work: match kind {
                FaultKind::Cut | FaultKind::Slow | FaultKind::DelayedSuccess => Work::Done,
                _ => Work::Undone,
            },
            text: text.trim().to_owned(),
        };
        let (mut at, mut every, mut times) = (at, None, None);
        for option in parts {
            let (name, value) = option.split_once('=').unwrap_or((option, ""));
            match name.trim() {
                "at" => at = Some(nth(value)?),
                "every" => every = Some(nth(value)?),
                "times" if value == "always" => times = Some(None),
                "times" => times = Some(Some(number("times", value)?)),
                "path" => spec.path = Some(value.to_lowercase()),
                "method" => {
                    let method = Method::from_bytes(value.to_ascii_uppercase().as_bytes())
                        .map_err(|_| refused(format!("{value:?} is not a method")))?;
                    spec.method = Some(method);
                }
                "retry-after" => spec.retry_after_s = number("retry-after", value)?,
                "ms" => spec.over = Duration::from_millis(number("ms", value)?),
                "before" => spec.work = Work::Undone,
                "after" => spec.work = Work::Done,
                other => return Err(refused(format!("unknown option {other:?}"))),
            }
        }
        spec.from = at.unwrap_or(1);
        spec.every = every.unwrap_or(1);
        // A position alone means that request only; a rhythm goes on.
        spec.times = times.unwrap_or(if every.is_none() { at.map(|_| 1) } else { None });
        Ok(spec)
    }
}

impl std::fmt::Display for FaultSpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl FaultSpec {
    fn lets_through(&self, method: &Method, path: &str) -> bool {
        self.method.as_ref().is_none_or(|wanted| wanted == method)
            && self.path.as_ref().is_none_or(|part| path.to_lowercase().contains(part))
    }
}

/// A fault that is switched on.
#[derive(Debug, Clone)]
pub struct Armed {
    pub id: u64,
    pub spec: FaultSpec,
    /// Requests that passed its filters.
    pub seen: u64,
    /// Requests it hit.
    pub hit: u64,
}

/// The faults that are switched on; clones share them.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    armed: Vec<Armed>,
    last_id: u64,
}

impl Faults {
    pub fn new(specs: Vec<FaultSpec>) -> Faults {
        let faults = Faults::default();
        for spec in specs {
            faults.add(spec);
        }
        faults
    }

    /// Switches a fault on; its id switches it off again.
    pub fn add(&self, spec: FaultSpec) -> u64 {
        let mut state = self.lock();
        state.last_id += 1;
        let id = state.last_id;
        state.armed.push(Armed { id, spec, seen: 0, hit: 0 });
        id
    }

    /// Whether there was such a fault.
    pub fn remove(&self, id: u64) -> bool {
        let mut state = self.lock();
        let before = state.armed.len();
        state.armed.retain(|armed| armed.id != id);
        state.armed.len() < before
    }

    pub fn clear(&self) {
        self.lock().armed.clear();
    }

    pub fn list(&self) -> Vec<Armed> {
        self.lock().armed.clone()
    }

    /// Answers a request, or spoils the answer. `work` is the request's own handling.
    pub async fn around(&self, method: &Method, path: &str, work: impl Future<Output = Response<Body>>) -> Response<Body> {
        let Some(spec) = self.fire(method, path) else {
            return work.await;
        };
        let real = match spec.work {
            Work::Done => Some(work.await),
            Work::Undone => None,
        };
        act(&spec, real).await
    }

    /// Counts the request at every fault whose filters it passes and returns the first that hits it.
    fn fire(&self, method: &Method, path: &str) -> Option<FaultSpec> {
        let mut hit = None;
        for armed in &mut self.lock().armed {
            if !armed.spec.lets_through(method, path) {
                continue;
            }
            armed.seen += 1;
            let in_rhythm = armed.seen.checked_sub(armed.spec.from).is_some_and(|since| since % armed.spec.every == 0);
            let due = in_rhythm && armed.spec.times.is_none_or(|times| armed.hit < times);
            if due && hit.is_none() {
                armed.hit += 1;
                hit = Some(armed.spec.clone());
            }
        }
        hit
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The state is valid between any two statements: a panic elsewhere leaves nothing half done.
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

const SIGN_IN: &str = "<!DOCTYPE html>\r\n<html lang=\"en-US\">\r\n<head><title>Azure DevOps Services | Sign In</title></head>\r\n<body><noscript>Sign in to continue.</noscript></body>\r\n</html>\r\n";
const OUTAGE: &str = "<!DOCTYPE html>\r\n<html><head><title>Azure DevOps Services Unavailable</title></head>\r\n<body><h1>Services Unavailable</h1><p>We are looking into it.</p></body>\r\n</html>\r\n";

async fn act(spec: &FaultSpec, real: Option<Response<Body>>) -> Response<Body> {
    match spec.kind {
        FaultKind::TooManyRequests => limited(
            problem(
                StatusCode::TOO_MANY_REQUESTS,
                "RequestBlockedException",
                "TF400733: The request has been canceled: Request was blocked due to exceeding usage of resource 'Concurrency' in namespace 'User'.",
                "",
            ),
            spec.retry_after_s,
        ),
        FaultKind::DelayedSuccess => limited(real_or_empty(real), spec.retry_after_s),
        FaultKind::Unauthorized => {
            let mut answer = plain(StatusCode::UNAUTHORIZED, None, Body::empty());
            let challenges = ["Bearer authorization_uri=https://login.invalid/common", "Basic realm=\"simulator\""];
            for challenge in challenges {
                answer.headers_mut().append(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
            }
            answer
        }
        FaultKind::Forbidden => problem(
            StatusCode::FORBIDDEN,
            "GitNeedsPermissionException",
            "TF401027: You need the Git 'GenericRead' permission to perform this action. Details: identity 'somebody', scope 'repository'.",
            "",
        ),
        FaultKind::SignInPage => html(StatusCode::NON_AUTHORITATIVE_INFORMATION, SIGN_IN),
        FaultKind::SignInRedirect => {
            let mut answer = html(StatusCode::FOUND, SIGN_IN);
            answer.headers_mut().insert(header::LOCATION, HeaderValue::from_static("/_signin?realm=simulator&reply_to=%2F"));
            answer
        }
        FaultKind::Html => html(StatusCode::OK, SIGN_IN),
        FaultKind::ServerError => problem(
            StatusCode::INTERNAL_SERVER_ERROR,
            "VssServiceException",
            "VS403999: The service failed while it handled the request. Please try again.",
            "",
        ),
        FaultKind::BadGateway => plain(StatusCode::BAD_GATEWAY, Some("text/plain"), Body::from("Bad Gateway")),
        FaultKind::Outage => html(StatusCode::SERVICE_UNAVAILABLE, OUTAGE),
        FaultKind::Asleep => problem(
            StatusCode::SERVICE_UNAVAILABLE,
            "VssServiceException",
            "TF24668: The following team project collection is stopped: lumen. Start the collection and then try again.",
            "\u{feff}",
        ),
        FaultKind::Cut => cut(real_or_empty(real)).await,
        FaultKind::Slow => drip(real_or_empty(real), spec.over).await,
    }
}

/// Where the work was not done there is still an answer to spoil.
fn real_or_empty(real: Option<Response<Body>>) -> Response<Body> {
    real.unwrap_or_else(|| plain(StatusCode::OK, Some("application/json; charset=utf-8"), Body::from("{\"count\":0,\"value\":[]}")))
}

fn plain(status: StatusCode, kind: Option<&'static str>, body: Body) -> Response<Body> {
    let mut answer = Response::new(body);
    *answer.status_mut() = status;
    if let Some(kind) = kind {
        let kind = HeaderValue::from_static(kind);
        answer.headers_mut().insert(header::CONTENT_TYPE, kind);
    }
    answer
}

fn html(status: StatusCode, page: &'static str) -> Response<Body> {
    plain(status, Some("text/html; charset=utf-8"), Body::from(page))
}

fn problem(status: StatusCode, type_key: &str, message: &str, before: &'static str) -> Response<Body> {
    let body = serde_json::json!({
        "$id": "1", "innerException": null, "message": message,
        "typeName": format!("Microsoft.VisualStudio.Services.Common.{type_key}, Microsoft.VisualStudio.Services.Common"),
        "typeKey": type_key, "errorCode": 0, "eventId": 3000,
    });
    plain(status, Some("application/json; charset=utf-8"), Body::from(format!("{before}{body}")))
}

fn limited(mut answer: Response<Body>, retry_after_s: u64) -> Response<Body> {
    let reset = jiff::Timestamp::now().as_second().saturating_add_unsigned(retry_after_s);
    let rows = [
        ("retry-after", retry_after_s.to_string()),
        ("x-ratelimit-resource", "simulator/User".to_owned()),
        ("x-ratelimit-delay", format!("{retry_after_s}.250")),
        ("x-ratelimit-limit", "200".to_owned()),
        ("x-ratelimit-remaining", "0".to_owned()),
        ("x-ratelimit-reset", reset.to_string()),
    ];
    for (name, value) in rows {
        if let Ok(value) = HeaderValue::from_str(&value) {
            answer.headers_mut().insert(HeaderName::from_static(name), value);
        }
    }
    answer
}

async fn whole(body: Body) -> Bytes {
    // The simulator's own answers are in memory already; a body that fails here is as good as an empty one.
    axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default()
}

async fn cut(answer: Response<Body>) -> Response<Body> {
    let (mut head, body) = answer.into_parts();
    let bytes = whole(body).await;
    let half = bytes.slice(..bytes.len() / 2);
    // Chunked, so that the missing end is seen as a cut whatever the compression does to the length.
    head.headers.remove(header::CONTENT_LENGTH);
    let parts = stream::unfold(Some(half), |half| async move {
        match half {
            Some(half) if !half.is_empty() => Some((Ok(half), Some(Bytes::new()))),
            Some(_) => {
                // Lets the first half leave before the connection goes.
                tokio::time::sleep(Duration::from_millis(20)).await;
                let gone = std::io::Error::new(std::io::ErrorKind::ConnectionReset, "cut by fault");
                Some((Err(gone), None))
            }
            None => None,
        }
    });
    // Compression asks once more after the end.
    Response::from_parts(head, Body::from_stream(parts.fuse()))
}

async fn drip(answer: Response<Body>, over: Duration) -> Response<Body> {
    const STEPS: u32 = 20;
    let (head, body) = answer.into_parts();
    let bytes = whole(body).await;
    let size = bytes.len().div_ceil(STEPS as usize).max(1);
    let parts = stream::unfold(bytes, move |mut rest| async move {
        if rest.is_empty() {
            return None;
        }
        tokio::time::sleep(over / STEPS).await;
        let part = rest.split_to(size.min(rest.len()));
        Some((Ok::<_, Infallible>(part), rest))
    });
    // Compression asks once more after the end.
    Response::from_parts(head, Body::from_stream(parts.fuse()))
}
