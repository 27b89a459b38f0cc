//! Answers in the service's own shapes: `{count,value}` lists, pages for browsers, standing headers.
//!
//! Knows HTTP and JSON, not the world. Handlers return `Result<Answer, Failure>`; `finish` turns either into bytes.
use axum::body::Body;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue};
use axum::http::{Response, StatusCode};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

pub use super::failure::Failure;

/// A successful answer.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub payload: Payload,
    pub headers: Vec<(HeaderName, HeaderValue)>,
}

#[derive(Debug)]
pub enum Payload {
    Empty,
    Json(Value),
    /// Git answers write `value` before `count`.
    GitList(Vec<Value>),
    /// Everything else writes `count` first.
    List(Vec<Value>),
    Raw {
        content_type: &'static str,
        bytes: Vec<u8>,
    },
}

#[derive(Serialize)]
struct ValueFirst<'a> {
    value: &'a [Value],
    count: usize,
}

#[derive(Serialize)]
struct CountFirst<'a> {
    count: usize,
    value: &'a [Value],
}

impl Answer {
    fn of(status: StatusCode, payload: Payload) -> Self {
        Answer { status, payload, headers: Vec::new() }
    }

    pub fn ok(value: Value) -> Self {
        Self::of(StatusCode::OK, Payload::Json(value))
    }

    pub fn created(value: Value) -> Self {
        Self::of(StatusCode::CREATED, Payload::Json(value))
    }

    pub fn no_content() -> Self {
        Self::of(StatusCode::NO_CONTENT, Payload::Empty)
    }

    pub fn empty() -> Self {
        Self::of(StatusCode::OK, Payload::Empty)
    }

    pub fn list(rows: Vec<Value>) -> Self {
        Self::of(StatusCode::OK, Payload::List(rows))
    }

    pub fn git_list(rows: Vec<Value>) -> Self {
        Self::of(StatusCode::OK, Payload::GitList(rows))
    }

    pub fn raw(content_type: &'static str, bytes: Vec<u8>) -> Self {
        Self::of(StatusCode::OK, Payload::Raw { content_type, bytes })
    }

    /// Says that there is another page; `None` says that this was the last.
    pub fn continued(mut self, token: Option<String>) -> Self {
        if let Some(value) = token.and_then(|token| HeaderValue::from_str(&token).ok()) {
            self.headers.push((HeaderName::from_static("x-ms-continuationtoken"), value));
        }
        self
    }

    /// `version` is echoed in the content type of JSON.
    pub fn into_response(self, version: &str) -> Response<Body> {
        let json_type = format!("application/json; charset=utf-8; api-version={version}");
        let (content_type, bytes) = match &self.payload {
            Payload::Empty => (String::new(), Vec::new()),
            Payload::Json(value) => (json_type, bytes_of(value)),
            Payload::GitList(rows) => (json_type, bytes_of(&ValueFirst { value: rows, count: rows.len() })),
            Payload::List(rows) => (json_type, bytes_of(&CountFirst { count: rows.len(), value: rows })),
            Payload::Raw { content_type, bytes } => ((*content_type).to_owned(), bytes.clone()),
        };
        let mut response = Response::new(Body::from(bytes));
        *response.status_mut() = self.status;
        put(&mut response, CONTENT_TYPE, &content_type);
        for (name, value) in self.headers {
            response.headers_mut().append(name, value);
        }
        response
    }
}

pub(super) fn bytes_of(value: &impl Serialize) -> Vec<u8> {
    // Values made of strings, numbers and maps with string keys always serialise.
    serde_json::to_vec(value).unwrap_or_default()
}

pub(super) fn put(response: &mut Response<Body>, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value)
        && !value.is_empty()
    {
        response.headers_mut().insert(name, value);
    }
}

/// A plain-text answer, as the front end gives for paths that no controller has.
pub fn no_controller(path: &str) -> Response<Body> {
    let message = format!("The controller for path '{path}' was not found or does not implement IController.");
    let mut response = Response::new(Body::from(message.clone()));
    *response.status_mut() = StatusCode::NOT_FOUND;
    put(&mut response, CONTENT_TYPE, "text/plain; charset=utf-8");
    put(&mut response, HeaderName::from_static("x-tfs-serviceerror"), &super::site::percent_encode(&message));
    response
}

/// An HTML page, as the front end answers browsers.
pub fn page(status: StatusCode, title: &str, body: &str) -> Response<Body> {
    let html =
        format!("<!DOCTYPE html>\r\n<html lang=\"en-US\">\r\n<head><title>{title}</title></head>\r\n<body>{body}</body>\r\n</html>\r\n");
    let mut response = Response::new(Body::from(html));
    *response.status_mut() = status;
    put(&mut response, CONTENT_TYPE, "text/html; charset=utf-8");
    response
}

/// No body at all, and it says so.
pub fn bare(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    response
}

/// The headers that every answer carries, whatever happened.
pub fn finish(mut response: Response<Body>, session: Uuid, deployment: Uuid, user: Option<(Uuid, &str)>) -> Response<Body> {
    let activity = Uuid::new_v4().to_string();
    let headers = [
        ("activityid", activity.clone()),
        ("x-vss-e2eid", activity),
        ("x-tfs-session", session.to_string()),
        ("x-tfs-processid", deployment.to_string()),
        ("x-vss-senderdeploymentid", deployment.to_string()),
        ("x-msedge-ref", format!("Ref A: {} Ref B: SIMEDGE0001", Uuid::new_v4().simple().to_string().to_uppercase())),
        ("request-context", format!("appId=cid-v1:{deployment}")),
        ("access-control-expose-headers", "Request-Context".to_owned()),
        ("p3p", "CP=\"CAO DSP COR ADMa DEV CONo TELo CUR PSA PSD TAI IVDo OUR\"".to_owned()),
        ("strict-transport-security", "max-age=31536000; includeSubDomains".to_owned()),
        ("x-content-type-options", "nosniff".to_owned()),
    ];
    for (name, value) in headers {
        put(&mut response, HeaderName::from_static(name), &value);
    }
    if response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"application/json")) {
        for (name, value) in [("cache-control", "no-cache"), ("pragma", "no-cache"), ("expires", "-1"), ("x-frame-options", "SAMEORIGIN")] {
            put(&mut response, HeaderName::from_static(name), value);
        }
    }
    if let Some((id, name)) = user {
        put(&mut response, HeaderName::from_static("x-vss-userdata"), &format!("{id}:{name}"));
    }
    response
}
