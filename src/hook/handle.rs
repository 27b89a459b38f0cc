//! One request: which place, which method, whose secret; then the delivery itself. And what each outcome says on the wire.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{ConnectInfo, State};
use axum::http::header::{ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Version};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::asking::Asking;
use super::auth;
use super::delivery::Delivery;
use super::figures::{Figures, OPEN_METRICS};
use super::keys::{Granted, Keys};
use super::limits::{Budget, Limits};
use super::receive::{Recognised, receive};
use super::route::{Place, place};
use super::seats::Seats;
use crate::clock::Clock;
use crate::domain::id::Guid;
use crate::store::{RECEIVER, Store};
use crate::sync::wake::Wake;

/// Anybody may ask whether the receiver is ready, and for its figures: the store is not read for them more often than this.
pub const READ_APART: std::time::Duration = std::time::Duration::from_secs(1);

/// What every request needs.
pub struct Desk {
    pub store: Store,
    pub clock: Clock,
    pub keys: Keys,
    pub limits: Limits,
    pub budget: Budget,
    pub seats: Seats,
    pub figures: Figures,
    pub delivery: Delivery,
    pub asking: Asking,
    pub wake: Wake,
    /// What was last found about being ready, and when.
    pub readiness: tokio::sync::Mutex<Option<(Instant, Option<&'static str>)>>,
    /// Cancelled when no further delivery is to be taken.
    pub stop: CancellationToken,
}

/// How a request ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    Kept,
    /// Kept as much as was read; more was not read.
    KeptInPart,
    Gone,
    Stranger,
    Nowhere,
    OtherMethod(&'static str),
    TooSlow,
    /// To be asked again soon, and why.
    Later(&'static str),
    Text(StatusCode, &'static str, String),
}

impl Answer {
    pub fn later(why: &'static str) -> Self {
        Self::Later(why)
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::Kept | Self::KeptInPart => StatusCode::OK,
            Self::Gone => StatusCode::GONE,
            Self::Stranger => StatusCode::UNAUTHORIZED,
            Self::Nowhere => StatusCode::NOT_FOUND,
            Self::OtherMethod(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Later(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Text(status, ..) => *status,
        }
    }

    /// Whether something of the request may be left unread, so that nothing else can follow on the connection.
    fn closes(&self) -> bool {
        !matches!(self, Self::Kept | Self::Text(..))
    }

    fn into_response(self, version: Version) -> Response<Body> {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self.status();
        let mut set = |name: HeaderName, value: &'static str| response.headers_mut().insert(name, HeaderValue::from_static(value));
        if self.closes() && version < Version::HTTP_2 {
            set(CONNECTION, "close");
        }
        match self {
            Self::Stranger => {
                set(WWW_AUTHENTICATE, "Basic realm=\"kanado\", charset=\"UTF-8\"");
            }
            Self::OtherMethod(allowed) => {
                set(ALLOW, allowed);
            }
            Self::Later(why) => {
                set(RETRY_AFTER, "5");
                set(CONTENT_TYPE, "text/plain; charset=utf-8");
                *response.body_mut() = Body::from(why);
            }
            Self::Text(_, kind, text) => {
                set(CONTENT_TYPE, kind);
                set(CACHE_CONTROL, "no-store");
                *response.body_mut() = Body::from(text);
            }
            Self::Kept | Self::KeptInPart | Self::Gone | Self::Nowhere | Self::TooSlow => {}
        }
        response
    }
}

pub async fn handle(State(desk): State<Arc<Desk>>, ConnectInfo(peer): ConnectInfo<SocketAddr>, request: Request<Body>) -> Response<Body> {
    let began = Instant::now();
    let version = request.version();
    let place = place(request.uri().path());
    let is_delivery = matches!(place, Place::Project { .. } | Place::Anywhere { .. });
    let answer = answer(&desk, peer, place, request, began).await;
    let status = answer.status();
    desk.figures.answered(status, is_delivery.then(|| began.elapsed()));
    if let Answer::Later(why) = &answer {
        tracing::warn!(%peer, status = status.as_u16(), "asked to come again: {why}");
    } else {
        tracing::debug!(%peer, status = status.as_u16(), is_delivery, "answered");
    }
    answer.into_response(version)
}

async fn answer(desk: &Arc<Desk>, peer: SocketAddr, place: Place, request: Request<Body>, began: Instant) -> Answer {
    const PLAIN: &str = "text/plain; charset=utf-8";
    let (wanted, purpose) = match place {
        Place::Nowhere => return Answer::Nowhere,
        Place::Alive | Place::Ready | Place::Figures if !matches!(*request.method(), Method::GET | Method::HEAD) => {
            return Answer::OtherMethod("GET, HEAD");
        }
        Place::Alive => return Answer::Text(StatusCode::OK, PLAIN, "alive\n".to_owned()),
        Place::Ready => {
            return match not_ready(desk).await {
                None => Answer::Text(StatusCode::OK, PLAIN, "ready\n".to_owned()),
                Some(why) => Answer::Text(StatusCode::SERVICE_UNAVAILABLE, PLAIN, format!("{why}\n")),
            };
        }
        Place::Figures => return Answer::Text(StatusCode::OK, OPEN_METRICS, desk.figures.text(desk).await),
        Place::Project { guid, purpose } => (Some(guid), purpose),
        Place::Anywhere { purpose } => (None, Some(purpose)),
    };
    if request.method() != Method::POST {
        return Answer::OtherMethod("POST");
    }
    if desk.stop.is_cancelled() {
        return Answer::later("the receiver is stopping");
    }
    let granted = match recognise(desk, request.headers(), wanted.as_ref()).await {
        Ok(granted) => granted,
        Err(answer) => return answer,
    };
    let _busy = desk.seats.busy(peer);
    let (parts, body) = request.into_parts();
    let deadline = began + desk.limits.request_time;
    receive(desk, Recognised { granted, by_path: wanted.is_some(), purpose, headers: parts.headers, deadline }, body).await
}

/// Who it is, by the head alone. A stranger's body is never read.
async fn recognise(desk: &Desk, headers: &HeaderMap, wanted: Option<&Guid>) -> Result<Vec<Granted>, Answer> {
    let presented = auth::presented(headers);
    match desk.keys.opened_by(presented, wanted).await {
        Ok(granted) if granted.is_empty() => {
            desk.figures.stranger();
            Err(Answer::Stranger)
        }
        Ok(granted) if granted.iter().all(|granted| granted.removed) => Err(Answer::Gone),
        Ok(granted) => Ok(granted),
        Err(error) => {
            tracing::warn!("cannot read who may deliver: {error}");
            Err(Answer::later("it cannot be said who may deliver"))
        }
    }
}

/// Why deliveries cannot be taken now.
async fn not_ready(desk: &Desk) -> Option<&'static str> {
    if desk.stop.is_cancelled() {
        return Some("the receiver is stopping");
    }
    let inbox = desk.store.inbox();
    if inbox.waiting >= inbox.room {
        return Some("the inbox is full");
    }
    let mut remembered = desk.readiness.lock().await;
    if let Some((at, why)) = *remembered
        && at.elapsed() < READ_APART
    {
        return why;
    }
    let why = match desk.store.leases_like(RECEIVER, desk.clock.now()).await {
        Err(_) => Some("the store does not answer"),
        // Written every half minute by whoever applies deliveries: without it the store takes no writes, or nobody applies them.
        Ok(leases) if leases.is_empty() => Some("no receiver has said that it is there"),
        Ok(_) => None,
    };
    *remembered = Some((Instant::now(), why));
    why
}
