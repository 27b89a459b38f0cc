//! The client: gives a call its host, version and token, sends it, and turns the outcome into an answer or a typed error.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use backon::Retryable;
use url::Url;

use super::base::Base;
use super::budget::{Budget, CEILING};
use super::call::{Call, Host, Release};
use super::classify::{Judged, Verdict, judge};
use super::credential::Credential;
use super::error::{Error, ErrorKind, seconds};
use super::gate::Lane;
use super::hosts::{Area, Areas, is_private, is_trusted, release_of};
use super::log::RequestLog;
use super::paging::{object, rows};
use super::retry::{Again, Effect, Failed, Pace};
use super::scope::Scope;
use super::tally::Tally;
use super::transport::{Answer, Broken, Reached, Transport, Trouble};
use super::version::{ApiVersion, Resource};
use super::{Result, base};
use crate::domain::id::Guid;

/// What a client may do on the other side.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Access {
    #[default]
    ReadWrite,
    /// Only calls that change nothing are sent; every other one is refused here.
    ReadOnly,
}

/// How the client reaches the network, and what it may do there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    pub access: Access,
    /// PEM certificates trusted besides the platform's.
    pub ca_file: Option<PathBuf>,
    /// Whether a token may travel over plain http to another machine.
    pub allow_http: bool,
    pub connect_timeout_ms: u64,
    /// From sending to the last byte of the answer.
    pub timeout_ms: u64,
    /// Requests to one host at the same time.
    pub max_in_flight: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            access: Access::ReadWrite,
            ca_file: None,
            allow_http: false,
            connect_timeout_ms: 10_000,
            timeout_ms: 30_000,
            max_in_flight: 8,
        }
    }
}

/// A client of one organisation or collection. Clones share connections, gate, log and caches.
#[derive(Clone)]
pub struct Client {
    pub(super) inner: Arc<Inner>,
    pub(super) lane: Lane,
}

pub(super) struct Inner {
    base: Base,
    access: Access,
    allow_http: bool,
    transport: Transport,
    pace: Pace,
    version: Mutex<Option<ApiVersion>>,
    /// Held while a server is asked for its versions, so that it is asked once.
    asking: tokio::sync::Mutex<()>,
    areas: tokio::sync::OnceCell<Areas>,
    /// Identity ids of graph descriptors: one call each to find out.
    pub(super) people: Mutex<HashMap<String, Guid>>,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("base", &self.inner.base.url()).finish_non_exhaustive()
    }
}

impl Client {
    /// Makes a client; nothing is sent yet. Loads the platform's certificate authorities, which takes a moment: make it once.
    pub fn new(base: Base, credential: Credential, settings: &Settings) -> Result<Self> {
        Self::counted(base, credential, settings, Tally::default())
    }

    /// As [`Client::new`], with its requests counted in a tally that others may share.
    pub fn counted(base: Base, credential: Credential, settings: &Settings, tally: Tally) -> Result<Self> {
        Self::with_pace(base, &credential, settings, Pace::default(), tally)
    }

    pub(super) fn with_pace(base: Base, credential: &Credential, settings: &Settings, pace: Pace, tally: Tally) -> Result<Self> {
        use super::transport::BuildError;
        let attempt = "set up the connection";
        if !settings.allow_http && !is_private(base.parsed()) {
            return Err(Error::new(ErrorKind::PlainHttp, attempt, &base).detail(base.url()));
        }
        let transport = Transport::new(base.parsed(), credential, settings, tally).map_err(|e| {
            let kind = match &e {
                BuildError::Token => ErrorKind::BadToken,
                BuildError::CaFile { .. } | BuildError::Authorities(_) => ErrorKind::Tls,
            };
            Error::new(kind, attempt, &base).detail(e.to_string()).caused_by(e)
        })?;
        Ok(Self {
            lane: Lane::default(),
            inner: Arc::new(Inner {
                base,
                access: settings.access,
                allow_http: settings.allow_http,
                transport,
                pace,
                version: Mutex::default(),
                asking: tokio::sync::Mutex::default(),
                areas: tokio::sync::OnceCell::new(),
                people: Mutex::default(),
            }),
        })
    }

    pub fn base(&self) -> &Base {
        &self.inner.base
    }

    /// What was sent lately.
    pub fn request_log(&self) -> RequestLog {
        self.inner.transport.log().clone()
    }

    /// Until when Azure DevOps told this client to wait (`Retry-After`); absent until it did. A time that has passed is over.
    pub fn told_to_wait(&self) -> tokio::sync::watch::Receiver<Option<jiff::Timestamp>> {
        self.inner.transport.told_to_wait()
    }

    /// The same client for work that nobody waits for: it goes as fast as the service likes (4 to 16 requests at the same time), makes
    /// room for calls of people, leaves them half of the rate limit once that is known, and waits up to an hour where it is told to.
    /// Dropping a call ends its waiting.
    pub fn in_background(&self) -> Self {
        self.in_background_at_most(CEILING)
    }

    /// As [`Client::in_background`], with at most so many requests at the same time: 1 to 64.
    pub fn in_background_at_most(&self, at_most: usize) -> Self {
        Self { inner: self.inner.clone(), lane: Lane::Background(at_most.clamp(1, 64)) }
    }

    fn is_in_background(&self) -> bool {
        matches!(self.lane, Lane::Background(_))
    }

    /// What is known of the rate limit. A change is announced when the service says something of it; `in_flight` and `window` are as
    /// of now whenever it is read.
    pub fn budget(&self) -> tokio::sync::watch::Receiver<Budget> {
        self.inner.transport.budget()
    }

    /// The api-version in use: asked of the server once, where it is not Services.
    pub async fn version(&self) -> Result<ApiVersion> {
        self.version_for("find out the server's version").await
    }

    /// `attempt` is what the version is needed for: a failure is told as a failure of that.
    async fn version_for(&self, attempt: &str) -> Result<ApiVersion> {
        if let Some(version) = self.known_version() {
            return Ok(version);
        }
        let _asking = self.inner.asking.lock().await;
        if let Some(version) = self.known_version() {
            return Ok(version);
        }
        let version = if base::is_microsoft(self.inner.base.parsed().host_str().unwrap_or_default()) {
            ApiVersion::V7_1
        } else {
            let call = Call::options("/_apis", attempt);
            match Box::pin(self.send(&call)).await {
                // A gateway in between may answer OPTIONS itself, or not at all; the version is then found by a refusal.
                Ok(answer) => rows::<Resource>(self, &call, &answer)
                    .ok()
                    .and_then(|found| ApiVersion::from_catalogue(&found.rows))
                    .unwrap_or(ApiVersion::V7_1),
                Err(e) if matches!(e.status(), Some(400 | 405 | 501)) => ApiVersion::V7_1,
                Err(e) => return Err(e),
            }
        };
        self.remember_version(version);
        Ok(version)
    }

    /// The version if it is known already, without asking.
    pub(super) fn known_version(&self) -> Option<ApiVersion> {
        *self.inner.version.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn remember_version(&self, version: ApiVersion) {
        *self.inner.version.lock().unwrap_or_else(PoisonError::into_inner) = Some(version);
    }

    /// Where graph and identities live, asked once.
    pub(super) async fn areas(&self, attempt: &str) -> Result<&Areas> {
        self.inner
            .areas
            .get_or_try_init(|| async {
                let call = Call::get("/_apis/resourceAreas", Scope::Any, attempt).release(Release::Preview(1));
                let answer = Box::pin(self.send(&call)).await?;
                Ok(Areas::from_rows(&rows::<Area>(self, &call, &answer)?.rows))
            })
            .await
    }

    /// Sends a call until it is answered, or must not or need not be repeated.
    pub(super) async fn send(&self, call: &Call) -> Result<Answer> {
        if self.inner.access == Access::ReadOnly && call.effect != Effect::Read {
            return Err(self.error(ErrorKind::ReadOnly, &call.attempt));
        }
        let pace = self.inner.pace;
        let begun = tokio::time::Instant::now();
        let mut failures = 0;
        // In the background being told to wait is no failure, however often, as long as there is patience.
        let is_patient = |failed: &Failed| {
            self.is_in_background() && matches!(failed.error.kind(), ErrorKind::Throttled { .. }) && begun.elapsed() < pace.long_patience
        };
        (|| self.attempt(call))
            .retry(pace.backoff().without_max_times())
            .when(|failed: &Failed| {
                failures += usize::from(!is_patient(failed));
                failed.again != Again::Never && failures <= pace.retries
            })
            .adjust(|failed: &Failed, delay: Option<Duration>| match failed.again {
                Again::WhenReady => delay.map(|_| Duration::ZERO),
                _ => delay,
            })
            .await
            .map_err(|failed| failed.error)
    }

    pub(super) async fn object<T: serde::de::DeserializeOwned>(&self, call: &Call) -> Result<T> {
        let answer = self.send(call).await?;
        object(self, call, &answer)
    }

    async fn attempt(&self, call: &Call) -> std::result::Result<Answer, Failed> {
        let mut release = call.release;
        let mut version = match release {
            Release::Unversioned => None,
            _ => Some(self.version_for(&call.attempt).await?),
        };
        let mut refusals = 0;
        loop {
            let wanted = version.map(|v| match release {
                Release::Preview(0) => format!("{v}-preview"),
                Release::Preview(n) => format!("{v}-preview.{n}"),
                _ => v.to_string(),
            });
            let url = self.url(call, wanted.as_deref()).await?;
            let answer = match self.inner.transport.exchange(call, &url, self.lane, self.patience()).await {
                Ok(answer) => answer,
                Err(broken) => return Err(self.explain_broken(call, broken)),
            };
            let judged = judge(&answer, call.accept);
            match judged.verdict {
                Verdict::Fine => return Ok(answer),
                Verdict::VersionTooNew if refusals < 2 && version.is_some() => {
                    refusals += 1;
                    let Some(older) = ApiVersion::from_refusal(&judged.words).filter(|o| version.is_none_or(|v| *o < v)) else {
                        return Err(self.explain(call, &answer, &judged, ErrorKind::BadRequest));
                    };
                    version = Some(older);
                    self.remember_version(older);
                }
                Verdict::PreviewOnly if refusals < 2 && release == Release::Released => {
                    refusals += 1;
                    release = Release::Preview(0);
                }
                Verdict::VersionTooNew | Verdict::PreviewOnly => {
                    return Err(self.explain(call, &answer, &judged, ErrorKind::BadRequest));
                }
                Verdict::Unauthorised => return Err(self.diagnose(call, &answer, &judged).await.into()),
                Verdict::UnknownPath => {
                    let kind = self.explain_unknown_path(call).await;
                    return Err(self.explain(call, &answer, &judged, kind));
                }
                Verdict::Failed(ref kind) => return Err(self.explain(call, &answer, &judged, kind.clone())),
            }
        }
    }

    /// The full URL, on a host that may have the token.
    pub(super) async fn url(&self, call: &Call, version: Option<&str>) -> Result<Url> {
        let fail = |kind, words: &str| Err(Error::new(kind, &call.attempt, &self.inner.base).detail(words));
        let root = match call.host {
            Host::Base => None,
            Host::Graph => Some(self.areas(&call.attempt).await?.graph.clone()),
            Host::Identities => Some(self.areas(&call.attempt).await?.identities.clone()),
            Host::Release => {
                let named = self.areas(&call.attempt).await?.release.clone();
                Some(Some(named.unwrap_or_else(|| release_of(self.inner.base.parsed()))))
            }
        };
        let root = match root {
            None => self.inner.base.parsed().clone(),
            Some(Some(url)) => url,
            Some(None) => return fail(ErrorKind::NotFound, "this server has no such service"),
        };
        if !is_trusted(self.inner.base.parsed(), &root) {
            return fail(ErrorKind::UntrustedHost, root.host_str().unwrap_or_default());
        }
        if !self.inner.allow_http && !is_private(&root) {
            return fail(ErrorKind::PlainHttp, root.host_str().unwrap_or_default());
        }
        let prefix = root.path().trim_end_matches('/');
        let wanted = format!("{prefix}{}", call.path);
        let Ok(url) = root.join(&format!("{prefix}{}", call.target(version))) else {
            return fail(ErrorKind::BadRequest, "the path cannot be written as a URL");
        };
        // A name such as `..` would lead elsewhere on the host.
        if url.path() != wanted || url.origin() != root.origin() {
            return fail(ErrorKind::BadRequest, "a name in the path cannot be sent");
        }
        Ok(url)
    }

    fn explain(&self, call: &Call, answer: &Answer, judged: &Judged, kind: ErrorKind) -> Failed {
        let again = match (&kind, call.effect) {
            (_, Effect::Once) => Again::Never,
            (ErrorKind::Throttled { .. }, _) => match answer.retry_after {
                Some(wait) if wait > self.patience() => Again::Never,
                Some(_) => Again::WhenReady,
                None => Again::Soon,
            },
            (ErrorKind::ServerError { status }, effect) => match (status, effect) {
                (502..=504, _) | (500, Effect::Read) => Again::Soon,
                _ => Again::Never,
            },
            _ => Again::Never,
        };
        // A gateway that gave up may have passed the request on.
        let lost = call.effect == Effect::Once && matches!(kind, ErrorKind::ServerError { status: 502 | 504 });
        let kind = if lost { ErrorKind::OutcomeUnknown } else { kind };
        let error = Error::new(kind, &call.attempt, &self.inner.base)
            .detail(&judged.words)
            .code(judged.code.clone())
            .status_code(answer.status)
            .activity(answer.activity_id());
        Failed { error, again }
    }

    pub(super) fn explain_broken(&self, call: &Call, broken: Broken) -> Failed {
        let Broken { trouble, reached, source } = broken;
        let lost = call.effect == Effect::Once && reached == Reached::Maybe;
        let again = match (&trouble, call.effect) {
            // Who has waited as long as the time-out allows is told, not made to wait as long again; in the background nobody has.
            (Trouble::TimedOut, Effect::Read) if self.is_in_background() => Again::Soon,
            (_, Effect::Once) | (Trouble::Tls | Trouble::TooLarge | Trouble::Throttled(_) | Trouble::TimedOut, _) => Again::Never,
            _ => Again::Soon,
        };
        let (kind, words) = match trouble {
            Trouble::Throttled(wait) => (ErrorKind::Throttled { retry_after_s: seconds(wait) }, String::new()),
            _ if lost => (ErrorKind::OutcomeUnknown, String::new()),
            Trouble::Offline => (ErrorKind::Offline, innermost(source.as_deref())),
            Trouble::Proxy(proxy) => (ErrorKind::Proxy, format!("{proxy}: {}", innermost(source.as_deref()))),
            Trouble::Tls => (ErrorKind::Tls, innermost(source.as_deref())),
            Trouble::TimedOut => (ErrorKind::TimedOut, String::new()),
            Trouble::Cut => (ErrorKind::Offline, "the connection was cut in the middle of the answer".to_owned()),
            Trouble::TooLarge => (ErrorKind::Unreadable { path: "$".to_owned() }, "the answer is too large".to_owned()),
        };
        let mut error = Error::new(kind, &call.attempt, &self.inner.base).detail(words);
        if let Some(source) = source {
            error = error.caused_by(source);
        }
        Failed { error, again }
    }

    pub(super) fn error(&self, kind: ErrorKind, attempt: &str) -> Error {
        Error::new(kind, attempt, &self.inner.base)
    }

    pub(super) fn transport(&self) -> &Transport {
        &self.inner.transport
    }

    pub(super) fn patience(&self) -> Duration {
        match self.lane {
            Lane::Interactive => self.inner.pace.patience,
            Lane::Background(_) => self.inner.pace.long_patience,
        }
    }

    pub(super) fn people(&self) -> std::sync::MutexGuard<'_, HashMap<String, Guid>> {
        self.inner.people.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The last of a chain of causes: the one that says something.
fn innermost(source: Option<&(dyn std::error::Error + Send + Sync + 'static)>) -> String {
    let mut words = String::new();
    let mut next = source.map(|s| s as &(dyn std::error::Error + 'static));
    while let Some(error) = next {
        words = error.to_string();
        next = error.source();
    }
    words
}
