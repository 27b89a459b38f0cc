//! The sections of the configuration and their defaults.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use jiff::tz::TimeZone;

use crate::domain::board::Column;
use crate::metrics::query::{Definition, Rules};

#[derive(Debug, Clone, PartialEq)]
pub struct Board {
    /// From left to right.
    pub columns: Vec<Column>,
    /// A ticket whose pull request is completed goes to `done` at once instead of `merged`.
    pub done_on_merge: bool,
}

impl Default for Board {
    fn default() -> Self {
        Self { columns: Column::defaults(), done_on_merge: false }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Branch {
    /// `{key}`, `{slug}` and `{user}` are filled in.
    pub template: String,
}

impl Default for Branch {
    fn default() -> Self {
        Self { template: "feature/{key}".to_owned() }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Sync {
    /// A view load refreshes at most once in this many seconds.
    pub view_load_seconds: u64,
    /// A board or list that stays in view is refreshed after this many seconds; 0 leaves it alone.
    pub every_seconds: u64,
    /// A running receiver compares every project with Azure DevOps after this many minutes.
    pub reconcile_minutes: u64,
}

impl Default for Sync {
    fn default() -> Self {
        Self { view_load_seconds: 15, every_seconds: 60, reconcile_minutes: 15 }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct PullRequest {
    /// New pull requests are drafts.
    pub draft: bool,
    /// Where the repository keeps its template, without a leading slash; `None` uses no template.
    pub template: Option<String>,
}

impl Default for PullRequest {
    fn default() -> Self {
        Self { draft: false, template: Some(".azuredevops/pull_request_template.md".to_owned()) }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Network {
    /// PEM certificates trusted besides the platform's.
    pub ca_file: Option<PathBuf>,
    /// Whether a token may travel over plain http to other hosts than this machine.
    pub allow_http: bool,
    pub connect_timeout_ms: u64,
    /// For a whole request, answer included.
    pub timeout_ms: u64,
    /// Requests to one host at once.
    pub max_in_flight: usize,
}

impl Default for Network {
    fn default() -> Self {
        Self { ca_file: None, allow_http: false, connect_timeout_ms: 10_000, timeout_ms: 30_000, max_in_flight: 8 }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Token {
    /// Run by the shell; its first line of output is the token.
    pub command: Option<String>,
    pub command_timeout_ms: u64,
    /// Whether the desktop keyring and the kernel keyring are asked at all.
    pub keyring: bool,
    pub keyring_timeout_ms: u64,
}

impl Default for Token {
    fn default() -> Self {
        Self { command: None, command_timeout_ms: 30_000, keyring: true, keyring_timeout_ms: 3_000 }
    }
}

/// Where Azure DevOps delivers events to.
#[derive(Debug, Clone, PartialEq)]
pub struct Webhooks {
    /// Address and port to listen on; the board receives besides showing where this is set.
    pub listen: Option<SocketAddr>,
    /// What Azure DevOps calls: scheme, host and any path before `/api/webhooks`, without a trailing slash.
    pub public_url: Option<String>,
    /// PEM files; without them the receiver speaks plain http, for a proxy in front of it.
    pub tls_cert: Option<PathBuf>,
    pub tls_key: Option<PathBuf>,
    /// The largest body taken.
    pub max_body_bytes: usize,
    /// How long the head of a request may take.
    pub header_timeout_ms: u64,
    /// How long a whole request may take.
    pub body_timeout_ms: u64,
}

impl Default for Webhooks {
    fn default() -> Self {
        Self {
            listen: None,
            public_url: None,
            tls_cert: None,
            tls_key: None,
            max_body_bytes: 4 * 1024 * 1024,
            header_timeout_ms: 10_000,
            body_timeout_ms: 30_000,
        }
    }
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Hooks {
    /// Whether an http address of this machine may be registered, which only a simulator takes.
    pub allow_insecure_url: bool,
}

/// The account that receives, registers and comments for a team; where it is not set, the user's own.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Service {
    /// Run by the shell; its first line of output is the token.
    pub command: Option<String>,
}

/// What is measured, and by which rules.
#[derive(Debug, Clone, PartialEq)]
pub struct Metrics {
    /// Whether facts are collected while a board or a receiver runs.
    pub collect: bool,
    /// How far back the first collection goes.
    pub days: u64,
    /// Days and weeks begin at its midnight.
    pub time_zone: TimeZone,
    pub definition: Definition,
    pub rules: Rules,
}

impl Default for Metrics {
    fn default() -> Self {
        Self { collect: true, days: 30, time_zone: TimeZone::UTC, definition: Definition::Ours, rules: Rules::default() }
    }
}

/// The comment that kanado keeps on a pull request.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Comments {
    pub post: bool,
    /// Names of projects for which the opposite of `post` holds.
    pub except: Vec<String>,
}

/// A palette of the screen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Theme {
    #[default]
    Dark,
    Light,
    /// No colours: bold, dim, reversed.
    Plain,
}

impl Theme {
    pub const ALL: [(&str, Self); 3] = [("dark", Self::Dark), ("light", Self::Light), ("plain", Self::Plain)];
}

/// Something that can be found out, or ordered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum When {
    #[default]
    Auto,
    Always,
    Never,
}

impl When {
    pub const ALL: [(&str, Self); 3] = [("auto", Self::Auto), ("always", Self::Always), ("never", Self::Never)];
}

/// When colours are used; `Auto` means on a terminal where `NO_COLOR` is not set.
pub type Colour = When;

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Ui {
    pub theme: Theme,
    pub colour: Colour,
    /// Draw with ASCII only; `Auto` means where the locale is not UTF-8.
    pub ascii: When,
    /// Capture the mouse from the start.
    pub mouse: bool,
    /// Ring the terminal's bell when a running action fails or is done, and when a watched ticket changes.
    pub bell: bool,
}

/// The URL of a database; may hold a password, so it shows itself only without it.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl(String);

impl DatabaseUrl {
    pub fn new(url: impl Into<String>) -> Self {
        Self(url.into())
    }

    /// The URL as it is, for the store alone.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match url::Url::parse(&self.0) {
            Ok(mut url) => {
                if url.password().is_some() && url.set_password(Some("***")).is_err() {
                    return f.write_str("***");
                }
                if url.query().is_some_and(|query| query.to_ascii_lowercase().contains("password")) {
                    url.set_query(Some("***"));
                }
                f.write_str(url.as_str())
            }
            // Not a URL after all: nobody knows where a password would stand in it.
            Err(_) => f.write_str("***"),
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseUrl({self})")
    }
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Store {
    /// Where the board's data lives; absent means the platform's place (see [`super::Paths`], which is already resolved).
    pub data_dir: Option<PathBuf>,
    /// A database to use instead of the SQLite file in the data folder.
    pub database: Option<DatabaseUrl>,
}

/// How much is logged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Level {
    Off,
    Error,
    Warn,
    #[default]
    Info,
    Debug,
    Trace,
}

impl Level {
    pub const ALL: [(&str, Self); 6] = [
        ("off", Self::Off),
        ("error", Self::Error),
        ("warn", Self::Warn),
        ("info", Self::Info),
        ("debug", Self::Debug),
        ("trace", Self::Trace),
    ];

    pub fn word(self) -> &'static str {
        word_of(&Self::ALL, self)
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Log {
    pub level: Level,
    /// Daily files kept.
    pub max_files: usize,
}

impl Default for Log {
    fn default() -> Self {
        Self { level: Level::Info, max_files: 7 }
    }
}

/// The word that stands for a value in the file.
pub(super) fn word_of<T: PartialEq>(words: &[(&'static str, T)], value: T) -> &'static str {
    words.iter().find(|(_, candidate)| *candidate == value).map_or("", |(word, _)| word)
}
