//! The catalogue of settings: one row each, with how it is read and how it is shown. Reading, `config show`, `config set` and
//! the test of the example all go by it.

use std::net::SocketAddr;

use super::sections::{Level, Theme, When, word_of};
use super::value::{Value, Wrong};
use super::{Config, DatabaseUrl};
use crate::domain::board::{Column, validate_columns};
use crate::domain::branch;
use crate::domain::status::Status;
use crate::metrics::query::Definition;

/// A setting of the file.
pub struct Setting {
    /// `section.name`.
    pub path: &'static str,
    pub(super) read: fn(&mut Config, Value<'_, '_>) -> Result<(), Wrong>,
    show: fn(&Config) -> Option<String>,
}

impl Setting {
    /// The value as TOML text; absent where nothing is set. Passwords are masked.
    pub fn show(&self, config: &Config) -> Option<String> {
        (self.show)(config)
    }
}

/// Every setting outside `[keys]`, in the order of the example.
pub fn settings() -> &'static [Setting] {
    SETTINGS
}

fn quoted(text: impl Into<String>) -> String {
    toml_edit::Value::from(text.into()).to_string()
}

fn quoted_path(path: Option<&std::path::PathBuf>) -> Option<String> {
    path.map(|path| quoted(path.display().to_string()))
}

macro_rules! setting {
    ($path:literal, |$config:ident, $value:ident| $read:expr, |$shown:ident| $show:expr) => {
        Setting {
            path: $path,
            read: |$config, $value| {
                $read;
                Ok(())
            },
            show: |$shown| $show,
        }
    };
}

const MILLISECONDS: std::ops::RangeInclusive<u64> = 100..=600_000;

static SETTINGS: &[Setting] = &[
    setting!("board.done_on_merge", |c, v| c.board.done_on_merge = v.boolean()?, |c| Some(c.board.done_on_merge.to_string())),
    setting!("board.columns", |c, v| c.board.columns = columns(v)?, |c| Some(show_columns(&c.board.columns))),
    setting!("branch.template", |c, v| c.branch.template = template(v)?, |c| Some(quoted(&c.branch.template))),
    setting!("sync.view_load_seconds", |c, v| c.sync.view_load_seconds = v.number(1..=86_400)?, |c| Some(
        c.sync.view_load_seconds.to_string()
    )),
    setting!("sync.every_seconds", |c, v| c.sync.every_seconds = v.number(0..=86_400)?, |c| Some(c.sync.every_seconds.to_string())),
    setting!("sync.reconcile_minutes", |c, v| c.sync.reconcile_minutes = v.number(1..=1_440)?, |c| Some(
        c.sync.reconcile_minutes.to_string()
    )),
    setting!("pull_request.draft", |c, v| c.pull_request.draft = v.boolean()?, |c| Some(c.pull_request.draft.to_string())),
    setting!(
        "pull_request.template",
        |c, v| c.pull_request.template = v.text_or_nothing()?.map(|text| text.trim_start_matches('/').to_owned()),
        |c| Some(quoted(c.pull_request.template.clone().unwrap_or_default()))
    ),
    setting!("network.ca_file", |c, v| c.network.ca_file = v.path()?, |c| quoted_path(c.network.ca_file.as_ref())),
    setting!("network.allow_http", |c, v| c.network.allow_http = v.boolean()?, |c| Some(c.network.allow_http.to_string())),
    setting!("network.connect_timeout_ms", |c, v| c.network.connect_timeout_ms = v.number(MILLISECONDS)?, |c| Some(
        c.network.connect_timeout_ms.to_string()
    )),
    setting!("network.timeout_ms", |c, v| c.network.timeout_ms = v.number(MILLISECONDS)?, |c| Some(c.network.timeout_ms.to_string())),
    setting!("network.max_in_flight", |c, v| c.network.max_in_flight = v.count(1..=64)?, |c| Some(c.network.max_in_flight.to_string())),
    setting!("token.command", |c, v| c.token.command = v.text_or_nothing()?.map(str::to_owned), |c| c.token.command.clone().map(quoted)),
    setting!("token.command_timeout_ms", |c, v| c.token.command_timeout_ms = v.number(MILLISECONDS)?, |c| Some(
        c.token.command_timeout_ms.to_string()
    )),
    setting!("token.keyring", |c, v| c.token.keyring = v.boolean()?, |c| Some(c.token.keyring.to_string())),
    setting!("token.keyring_timeout_ms", |c, v| c.token.keyring_timeout_ms = v.number(MILLISECONDS)?, |c| Some(
        c.token.keyring_timeout_ms.to_string()
    )),
    setting!("webhooks.listen", |c, v| c.webhooks.listen = listen(v)?, |c| c.webhooks.listen.map(|address| quoted(address.to_string()))),
    setting!("webhooks.public_url", |c, v| c.webhooks.public_url = public_url(v)?, |c| c.webhooks.public_url.clone().map(quoted)),
    setting!("webhooks.tls_cert", |c, v| c.webhooks.tls_cert = v.path()?, |c| quoted_path(c.webhooks.tls_cert.as_ref())),
    setting!("webhooks.tls_key", |c, v| c.webhooks.tls_key = v.path()?, |c| quoted_path(c.webhooks.tls_key.as_ref())),
    setting!("webhooks.max_body_bytes", |c, v| c.webhooks.max_body_bytes = v.count(65_536..=67_108_864)?, |c| Some(
        c.webhooks.max_body_bytes.to_string()
    )),
    setting!("webhooks.header_timeout_ms", |c, v| c.webhooks.header_timeout_ms = v.number(MILLISECONDS)?, |c| Some(
        c.webhooks.header_timeout_ms.to_string()
    )),
    setting!("webhooks.body_timeout_ms", |c, v| c.webhooks.body_timeout_ms = v.number(MILLISECONDS)?, |c| Some(
        c.webhooks.body_timeout_ms.to_string()
    )),
    setting!("hooks.allow_insecure_url", |c, v| c.hooks.allow_insecure_url = v.boolean()?, |c| Some(
        c.hooks.allow_insecure_url.to_string()
    )),
    setting!("service.command", |c, v| c.service.command = v.text_or_nothing()?.map(str::to_owned), |c| c
        .service
        .command
        .clone()
        .map(quoted)),
    setting!("metrics.collect", |c, v| c.metrics.collect = v.boolean()?, |c| Some(c.metrics.collect.to_string())),
    setting!("metrics.days", |c, v| c.metrics.days = v.number(1..=365)?, |c| Some(c.metrics.days.to_string())),
    setting!("metrics.time_zone", |c, v| c.metrics.time_zone = time_zone(v)?, |c| Some(quoted(
        c.metrics.time_zone.iana_name().unwrap_or("UTC")
    ))),
    setting!("metrics.definition", |c, v| c.metrics.definition = v.one_of(&Definition::ALL)?, |c| Some(quoted(word_of(
        &Definition::ALL,
        c.metrics.definition
    )))),
    setting!("metrics.production", |c, v| c.metrics.rules.production = names(v)?, |c| show_names(&c.metrics.rules.production)),
    setting!("metrics.not_production", |c, v| c.metrics.rules.not_production = names(v)?, |c| show_names(&c.metrics.rules.not_production)),
    setting!("metrics.bots", |c, v| c.metrics.rules.bots = names(v)?, |c| show_names(&c.metrics.rules.bots)),
    setting!("metrics.incident_types", |c, v| c.metrics.rules.incident_types = names(v)?, |c| show_names(&c.metrics.rules.incident_types)),
    setting!("metrics.incident_tags", |c, v| c.metrics.rules.incident_tags = names(v)?, |c| show_names(&c.metrics.rules.incident_tags)),
    setting!("metrics.hotfix_branches", |c, v| c.metrics.rules.hotfix_branches = names(v)?, |c| show_names(
        &c.metrics.rules.hotfix_branches
    )),
    setting!("metrics.hotfix_labels", |c, v| c.metrics.rules.hotfix_labels = names(v)?, |c| show_names(&c.metrics.rules.hotfix_labels)),
    setting!("metrics.holidays", |c, v| c.metrics.rules.holidays = dates(v)?, |c| show_names(
        &c.metrics.rules.holidays.iter().map(ToString::to_string).collect::<Vec<_>>()
    )),
    setting!("metrics.leave_out_reverts", |c, v| c.metrics.rules.leave_out_reverts = v.boolean()?, |c| Some(
        c.metrics.rules.leave_out_reverts.to_string()
    )),
    setting!("metrics.stage_failures_as_proxy", |c, v| c.metrics.rules.stage_failures_as_proxy = v.boolean()?, |c| Some(
        c.metrics.rules.stage_failures_as_proxy.to_string()
    )),
    setting!("comments.post", |c, v| c.comments.post = v.boolean()?, |c| Some(c.comments.post.to_string())),
    setting!("comments.except", |c, v| c.comments.except = names(v)?, |c| show_names(&c.comments.except)),
    setting!("ui.theme", |c, v| c.ui.theme = v.one_of(&Theme::ALL)?, |c| Some(quoted(word_of(&Theme::ALL, c.ui.theme)))),
    setting!("ui.color", |c, v| c.ui.colour = v.one_of(&When::ALL)?, |c| Some(quoted(word_of(&When::ALL, c.ui.colour)))),
    setting!("ui.ascii", |c, v| c.ui.ascii = v.one_of(&When::ALL)?, |c| Some(quoted(word_of(&When::ALL, c.ui.ascii)))),
    setting!("ui.mouse", |c, v| c.ui.mouse = v.boolean()?, |c| Some(c.ui.mouse.to_string())),
    setting!("ui.bell", |c, v| c.ui.bell = v.boolean()?, |c| Some(c.ui.bell.to_string())),
    setting!("store.data_dir", |c, v| c.store.data_dir = v.path()?, |c| quoted_path(c.store.data_dir.as_ref())),
    setting!("store.database", |c, v| c.store.database = v.text_or_nothing()?.map(DatabaseUrl::new), |c| c
        .store
        .database
        .as_ref()
        .map(|url| quoted(url.to_string()))),
    setting!("log.level", |c, v| c.log.level = v.one_of(&Level::ALL)?, |c| Some(quoted(c.log.level.word()))),
    setting!("log.max_files", |c, v| c.log.max_files = v.count(1..=366)?, |c| Some(c.log.max_files.to_string())),
];

/// An address and port; "" turns listening off.
fn listen(value: Value<'_, '_>) -> Result<Option<SocketAddr>, Wrong> {
    let Some(text) = value.text_or_nothing()? else { return Ok(None) };
    match text.parse() {
        Ok(address) => Ok(Some(address)),
        Err(_) => value.wrong("an address with its port is wanted here, such as 127.0.0.1:8090 or [::]:8090"),
    }
}

/// What Azure DevOps calls. Credentials, a query or a fragment in it would end up in every registration.
fn public_url(value: Value<'_, '_>) -> Result<Option<String>, Wrong> {
    let Some(text) = value.text_or_nothing()? else { return Ok(None) };
    let refused = "the address others reach the receiver at is wanted here, such as https://kanado.example.com";
    let Ok(url) = url::Url::parse(text) else { return value.wrong(refused) };
    let plain = url.username().is_empty() && url.password().is_none() && url.query().is_none() && url.fragment().is_none();
    if !matches!(url.scheme(), "https" | "http") || url.host().is_none() || !plain {
        return value.wrong(refused);
    }
    Ok(Some(url.as_str().trim_end_matches('/').to_owned()))
}

/// A list of names, none of them empty.
fn names(value: Value<'_, '_>) -> Result<Vec<String>, Wrong> {
    let name = |item: Value<'_, '_>| match item.text()?.trim() {
        "" => item.wrong("a name is wanted here"),
        name => Ok(name.to_owned()),
    };
    value.list()?.into_iter().map(name).collect()
}

fn show_names(names: &[String]) -> Option<String> {
    Some(names.iter().collect::<toml_edit::Array>().to_string())
}

fn dates(value: Value<'_, '_>) -> Result<Vec<jiff::civil::Date>, Wrong> {
    let date = |item: Value<'_, '_>| match item.text()?.trim().parse() {
        Ok(date) => Ok(date),
        Err(_) => item.wrong("a date is wanted here, such as 2026-12-25"),
    };
    value.list()?.into_iter().map(date).collect()
}

/// A name of the IANA database, which is part of the program.
fn time_zone(value: Value<'_, '_>) -> Result<jiff::tz::TimeZone, Wrong> {
    match jiff::tz::TimeZone::get(value.text()?) {
        Ok(zone) => Ok(zone),
        Err(_) => value.wrong("the name of a time zone is wanted here, such as Europe/Berlin or UTC"),
    }
}

/// A template must hold `{key}`, or the ticket is never found again from its branch.
fn template(value: Value<'_, '_>) -> Result<String, Wrong> {
    let text = value.text()?;
    match branch::validate_template(text) {
        Ok(()) => Ok(text.to_owned()),
        Err(error) => value.wrong(error.to_string()),
    }
}

fn columns(value: Value<'_, '_>) -> Result<Vec<Column>, Wrong> {
    let columns = value.list()?.into_iter().map(column).collect::<Result<Vec<Column>, Wrong>>()?;
    match validate_columns(&columns) {
        Ok(()) => Ok(columns),
        Err(error) => value.wrong(error.to_string()),
    }
}

fn column(value: Value<'_, '_>) -> Result<Column, Wrong> {
    let mut column = Column { name: String::new(), statuses: Vec::new(), wip_limit: None };
    for (name, inner) in value.table()? {
        let field = Value { inner, ..value };
        match name.get_ref().as_ref() {
            "name" => column.name = field.text()?.trim().to_owned(),
            "wip_limit" => column.wip_limit = u32::try_from(field.number(1..=10_000)?).ok(),
            "statuses" => {
                for item in field.list()? {
                    let word = item.text()?;
                    let Some(status) = Status::parse(word) else {
                        let all: Vec<&str> = Status::ALL.iter().map(|status| status.word()).collect();
                        return item.wrong(format!("`{word}` is none of {}", all.join(", ")));
                    };
                    column.statuses.push(status);
                }
            }
            other => {
                return Err(Wrong { text: format!("a column has name, statuses and wip_limit, not `{other}`"), span: name.span() });
            }
        }
    }
    Ok(column)
}

fn show_columns(columns: &[Column]) -> String {
    let rows: Vec<String> = columns
        .iter()
        .map(|column| {
            let statuses: Vec<String> = column.statuses.iter().map(|status| quoted(status.word())).collect();
            let limit = column.wip_limit.map(|limit| format!(", wip_limit = {limit}")).unwrap_or_default();
            format!("{{ name = {}, statuses = [{}]{limit} }}", quoted(&column.name), statuses.join(", "))
        })
        .collect();
    format!("[{}]", rows.join(", "))
}
