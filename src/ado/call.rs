//! A request as an endpoint describes it: what is attempted, with which method, path, query and body, under which scope.
//!
//! Limits: it knows neither host nor version nor token; [`Client::send`](super::Client) adds them.

use reqwest::Method;
use serde::Serialize;

use super::budget::Bulk;
use super::retry::Effect;
use super::scope::Scope;

/// From so many rows on an answer is a page of a list.
const MANY: usize = 50;

/// On which host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Host {
    Base,
    /// Where `resourceAreas` says that graph lives.
    Graph,
    /// Where `resourceAreas` says that identities live.
    Identities,
    /// Release management: a host of its own on Services, the base elsewhere.
    Release,
}

/// Which api-version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Release {
    Released,
    /// A resource that is preview only: `7.1-preview.1`, or `7.1-preview` for 0.
    Preview(u8),
    /// Asked before the version is known.
    Unversioned,
}

/// What kind of answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accept {
    Json,
    Bytes,
}

#[derive(Debug, Clone)]
pub struct Call {
    pub method: Method,
    pub host: Host,
    /// After the base URL, encoded, with a leading slash.
    pub path: String,
    pub query: Vec<(&'static str, String)>,
    pub body: Option<Vec<u8>>,
    pub accept: Accept,
    pub release: Release,
    pub effect: Effect,
    pub scope: Scope,
    /// What is attempted, after "could not": "create the branch `x`".
    pub attempt: String,
}

impl Call {
    fn new(method: Method, path: impl Into<String>, effect: Effect, scope: Scope, attempt: impl Into<String>) -> Self {
        Self {
            method,
            host: Host::Base,
            path: path.into(),
            query: Vec::new(),
            body: None,
            accept: Accept::Json,
            release: Release::Released,
            effect,
            scope,
            attempt: attempt.into(),
        }
    }

    pub fn get(path: impl Into<String>, scope: Scope, attempt: impl Into<String>) -> Self {
        Self::new(Method::GET, path, Effect::Read, scope, attempt)
    }

    pub fn options(path: impl Into<String>, attempt: impl Into<String>) -> Self {
        Self::new(Method::OPTIONS, path, Effect::Read, Scope::Any, attempt).release(Release::Unversioned)
    }

    /// A POST that changes nothing: a read-only client sends it.
    pub fn ask(path: impl Into<String>, scope: Scope, attempt: impl Into<String>) -> Self {
        Self::new(Method::POST, path, Effect::Read, scope, attempt)
    }

    /// A POST whose repetition would be a second one.
    pub fn post(path: impl Into<String>, attempt: impl Into<String>) -> Self {
        Self::new(Method::POST, path, Effect::Once, Scope::CodeWrite, attempt)
    }

    pub fn put(path: impl Into<String>, attempt: impl Into<String>) -> Self {
        Self::new(Method::PUT, path, Effect::Repeatable, Scope::CodeWrite, attempt)
    }

    pub fn patch(path: impl Into<String>, attempt: impl Into<String>) -> Self {
        Self::new(Method::PATCH, path, Effect::Repeatable, Scope::CodeWrite, attempt)
    }

    pub fn delete(path: impl Into<String>, attempt: impl Into<String>) -> Self {
        Self::new(Method::DELETE, path, Effect::Repeatable, Scope::CodeWrite, attempt)
    }

    pub fn effect(mut self, effect: Effect) -> Self {
        self.effect = effect;
        self
    }

    pub fn host(mut self, host: Host) -> Self {
        self.host = host;
        self
    }

    pub fn scope(mut self, scope: Scope) -> Self {
        self.scope = scope;
        self
    }

    pub fn release(mut self, release: Release) -> Self {
        self.release = release;
        self
    }

    pub fn accept(mut self, accept: Accept) -> Self {
        self.accept = accept;
        self
    }

    pub fn query(mut self, name: &'static str, value: impl ToString) -> Self {
        self.query.push((name, value.to_string()));
        self
    }

    /// Replaces a parameter, for the next page.
    pub fn set(&mut self, name: &'static str, value: impl ToString) {
        self.query.retain(|(n, _)| *n != name);
        self.query.push((name, value.to_string()));
    }

    pub fn json(mut self, body: &impl Serialize) -> Self {
        // Bodies are values of our own made of strings, numbers and lists: they always serialise.
        self.body = serde_json::to_vec(body).ok();
        self
    }

    /// How much it asks for: a page of a list says how many rows it wants; a question that needs a body is a query.
    pub fn bulk(&self) -> Bulk {
        let is_page = |(name, value): &(&str, String)| name.ends_with("top") && value.parse().is_ok_and(|rows: usize| rows >= MANY);
        let is_query = self.effect == Effect::Read && self.body.is_some();
        if is_query || self.query.iter().any(is_page) { Bulk::Page } else { Bulk::Object }
    }

    /// Path and query, encoded, with a version.
    pub fn target(&self, version: Option<&str>) -> String {
        let mut target = self.path.clone();
        let pairs = self.query.iter().map(|(n, v)| (*n, v.as_str())).chain(version.map(|v| ("api-version", v)));
        for (i, (name, value)) in pairs.enumerate() {
            target.push(if i == 0 { '?' } else { '&' });
            target.push_str(name);
            target.push('=');
            target.push_str(&encode(value));
        }
        target
    }
}

/// Percent-encodes a path segment or a query value: all but letters, digits and `-._~`.
pub fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// Undoes percent-encoding; what is not UTF-8 afterwards is shown with replacement characters.
pub fn decode(text: impl AsRef<str>) -> String {
    let text = text.as_ref();
    let digit = |b: u8| char::from(b).to_digit(16);
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first == b'%'
            && let [a, b, after @ ..] = tail
            && let (Some(high), Some(low)) = (digit(*a), digit(*b))
        {
            out.push((high * 16 + low) as u8);
            rest = after;
        } else {
            out.push(*first);
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_survive_encoding() {
        for name in ["My Project", "a/b?c#d", "100%", "Grüße 👋", "..", "a+b&c=d"] {
            let encoded = encode(name);
            assert!(encoded.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~%".contains(&b)), "{encoded}");
            assert_eq!(decode(&encoded), name);
        }
        assert_eq!(decode("100%"), "100%");
        assert_eq!(decode("%zz%4"), "%zz%4");
    }

    #[test]
    fn a_page_or_a_query_is_more_than_an_object() {
        let get = || Call::get("/_apis/x", Scope::Project, "look");
        assert_eq!(get().query("searchCriteria.$top", 1000).bulk(), Bulk::Page);
        assert_eq!((get().bulk(), get().query("$top", 1).bulk()), (Bulk::Object, Bulk::Object));
        assert_eq!(Call::ask("/_apis/wit/wiql", Scope::WorkItems, "look").json(&1).bulk(), Bulk::Page);
        assert_eq!(Call::post("/_apis/x", "make").json(&1).bulk(), Bulk::Object);
    }

    #[test]
    fn the_version_comes_last_in_the_query() {
        let mut call = Call::get("/_apis/projects", Scope::Project, "list").query("$top", 5).query("q", "a b");
        call.set("$top", 9);
        assert_eq!(call.target(Some("7.1")), "/_apis/projects?q=a%20b&$top=9&api-version=7.1");
        assert_eq!(Call::options("/_apis", "look").target(None), "/_apis");
    }
}
