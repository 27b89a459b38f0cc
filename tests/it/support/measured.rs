//! Somebody who measures every project of a simulated organisation, in one process with it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use kanado::action::Reporter;
use kanado::action::connect::{self, Choice};
use kanado::ado::Address;
use kanado::clock::Clock;
use kanado::config::Config;
use kanado::domain::project::Project;
use kanado::engine;
use kanado::metrics::figures::Figures;
use kanado::metrics::query::{Query, Rules, Window};
use kanado::metrics::{production, summarise};
use kanado::secret;
use kanado::services::Services;
use kanado::sim;
use kanado::sim::control::Control;
use kanado::sim::generate::Size;
use kanado::store::Location;
use kanado::sync::collect::{Ended, Progress};
use sqlx::{AnyConnection, Connection as _, Row as _};
use tokio::sync::watch;

use super::inside::Inside;

/// A measured organisation.
pub struct Measured {
    pub world: Inside,
    pub services: Services,
    pub projects: Vec<Project>,
    location: Location,
}

impl Measured {
    pub async fn of(options: sim::Options) -> Self {
        Self::at(options, Clock::System).await
    }

    pub async fn at(options: sim::Options, clock: Clock) -> Self {
        Self::with(options, clock, Config::default(), "everything").await
    }

    /// A whole organisation with its last months before `start`, where the clock stands still: what is asserted of it holds on any day.
    pub async fn generated(size: Size, start: Timestamp) -> Self {
        let options = sim::Options { organisation: sim::Content::Generated(size), start: Some(start), ..sim::Options::default() };
        Self::at(options, Clock::fixed(start)).await
    }

    /// With the token that the simulator notes so.
    pub async fn with(options: sim::Options, clock: Clock, config: Config, token: &str) -> Self {
        let world = Inside::start(options).await;
        Self::in_world(world, clock, config, token).await
    }

    pub async fn in_world(world: Inside, clock: Clock, mut config: Config, token: &str) -> Self {
        // What a person would have to say of an account that does not tell by itself that it is a machine.
        let bots = world.sim.plan().into_iter().flat_map(|plan| plan.bots.iter().map(|bot| bot.name.clone()));
        config.metrics.rules.bots.extend(bots);
        let location = world.file_of("measurer");
        Self::configured(world, clock, config, token, location).await
    }

    /// With the lists that are there when nobody said anything.
    pub async fn unlisted(world: Inside, clock: Clock) -> Self {
        let location = world.file_of("measurer");
        Self::configured(world, clock, Config::default(), "everything", location).await
    }

    async fn configured(world: Inside, clock: Clock, config: Config, token: &str, location: Location) -> Self {
        let services = world.services("measurer", config, clock, &location).await;
        let projects = connect(&world, &services, token).await;
        Self { world, services, projects, location }
    }

    /// Another person's store on the same world.
    pub async fn somebody_else(&self, name: &str, clock: Clock) -> (Services, Vec<Project>) {
        self.somebody_at(name, clock, &self.world.file_of(name)).await
    }

    /// Another person on the same world, with a store anywhere.
    pub async fn somebody_at(&self, name: &str, clock: Clock, location: &Location) -> (Services, Vec<Project>) {
        self.presenting("everything", name, clock, location).await
    }

    /// A store of its own on the same world, with the token that the simulator notes so.
    pub async fn with_token(&self, name: &str, clock: Clock, note: &str) -> (Services, Vec<Project>) {
        self.presenting(note, name, clock, &self.world.file_of(name)).await
    }

    async fn presenting(&self, note: &str, name: &str, clock: Clock, location: &Location) -> (Services, Vec<Project>) {
        let mut config = Config::default();
        config.metrics.rules = self.services.ctx.config.metrics.rules.clone();
        let services = self.world.services(name, config, clock, location).await;
        let projects = connect(&self.world, &services, note).await;
        (services, projects)
    }

    /// The file of its database.
    pub fn database(&self) -> std::path::PathBuf {
        match &self.location {
            Location::Sqlite(file) => file.clone(),
            Location::Url(url) => panic!("{url} is no file"),
        }
    }

    pub fn control(&self) -> Control {
        self.world.sim.control()
    }

    /// One pass over everything.
    pub async fn collect(&self) -> Ended {
        collect(&self.services, &self.projects).await
    }

    /// What the database holds of facts, table by table, without the times at which they were asked for.
    pub async fn facts(&self) -> BTreeMap<&'static str, Vec<String>> {
        facts(&self.location).await
    }

    pub async fn number(&self, sql: &'static str) -> usize {
        let mut connection = open(&self.location).await;
        let number: i64 = sqlx::query_scalar(sql).fetch_one(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        usize::try_from(number).unwrap()
    }

    /// Requests since the counts were reset whose route ends so, or contains it where it begins with `~`.
    pub fn asked(&self, route: &str) -> u64 {
        let requests = self.control().requests();
        let fits = |name: &str| match route.strip_prefix('~') {
            Some(part) => name.contains(part),
            None => name.ends_with(route),
        };
        requests.by_route.iter().filter(|(name, _)| fits(name)).map(|(_, count)| count).sum()
    }
}

pub async fn collect(services: &Services, projects: &[Project]) -> Ended {
    let (progress, _) = watch::channel(Progress::default());
    let settings = engine::collect_settings(&services.ctx.config);
    engine::collect_now(&services.ctx, projects, &settings, &progress).await.unwrap()
}

/// The figures of so many days before `now`.
pub async fn figures(services: &Services, projects: &[Project], days: i64, now: jiff::Timestamp) -> Figures {
    let projects: Vec<_> = projects.iter().map(|project| project.id).collect();
    let query = Query::new(projects.clone(), Window::last(days, now), Rules::default());
    let store = &services.ctx.store;
    let kinds = store.stage_kinds(&projects).await.unwrap();
    let input = store.metric_input(&query, &production::wanted(&kinds, &query)).await.unwrap();
    summarise(&input, &query, now)
}

/// The token that the simulator notes so.
pub fn token_noted(world: &Inside, note: &str) -> secret::Found {
    let is = |token: &&sim::SeededToken| token.note.to_lowercase().contains(note);
    let token = world.sim.tokens().iter().find(is).unwrap_or_else(|| panic!("no token noted {note}")).token.clone();
    secret::given(token.into_bytes()).unwrap()
}

async fn connect(world: &Inside, services: &Services, note: &str) -> Vec<Project> {
    let token = token_noted(world, note);
    let address = Address::parse(world.sim.organisation_url()).unwrap();
    let checked = connect::check(&services.ctx, &address, &kanado::action::credential(&token)).await.unwrap();
    let choice = Choice {
        projects: checked.projects.into_iter().map(|project| (project, None)).collect(),
        link: Vec::new(),
        keep_token: Some(secret::Place::File),
    };
    connect::activate(&services.ctx, &address, &token, &choice, &Reporter::silent()).await.unwrap().projects
}

async fn open(location: &Location) -> AnyConnection {
    sqlx::any::install_default_drivers();
    let url = match location {
        Location::Sqlite(file) => format!("sqlite://{}", file.display()),
        Location::Url(url) => url.clone(),
    };
    AnyConnection::connect(&url).await.unwrap()
}

/// Each table of facts, and what of it does not depend on when it was asked for.
const TABLES: [(&str, &str); 12] = [
    ("definitions", "project || ' ' || kind || ' ' || number || ' ' || name"),
    (
        "builds",
        "project || ' ' || number || ' ' || definition || ' ' || label || ' ' || status || ' ' || coalesce(result, '-') || ' ' \
         || coalesce(finished_at, 0) || ' ' || coalesce(sha, '-') || ' ' || CASE WHEN timeline_at IS NULL THEN 1 ELSE 0 END",
    ),
    (
        "stage_runs",
        "project || ' ' || kind || ' ' || run || ' ' || stage || ' ' || environment || ' ' || source || ' ' || attempt || ' ' || result \
         || ' ' || coalesce(started_at, 0) || ' ' || coalesce(finished_at, 0) || ' ' || coalesce(sha, '-') || ' ' || coalesce(run_result, '-')",
    ),
    ("environments", "project || ' ' || number || ' ' || name"),
    ("commits", "repository || ' ' || sha || ' ' || message || ' ' || coalesce(added, -1)"),
    ("pushes", "repository || ' ' || branch || ' ' || number || ' ' || old || ' ' || new || ' ' || at"),
    ("flows", "repository || ' ' || number || ' ' || status || ' ' || due || ' ' || line"),
    ("pull_request_histories", "repository || ' ' || number || ' ' || history"),
    ("pull_requests", "repository || ' ' || number || ' ' || status"),
    ("work_items", "project || ' ' || number || ' ' || revision || ' ' || kind || ' ' || state || ' ' || title"),
    ("work_item_links", "project || ' ' || item || ' ' || target_kind || ' ' || repository || ' ' || target || ' ' || via"),
    (
        "sync_sources",
        "project || ' ' || source || ' ' || CASE WHEN backfilled_at IS NULL THEN 1 ELSE 0 END || ' ' || coalesce(failed, '-') || coalesce(refused, '-')",
    ),
];

pub async fn facts(location: &Location) -> BTreeMap<&'static str, Vec<String>> {
    let mut connection = open(location).await;
    let mut found = BTreeMap::new();
    for (table, columns) in TABLES {
        let sql = format!("SELECT {columns} AS line FROM {table}");
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).fetch_all(&mut connection).await.unwrap();
        let mut lines: Vec<String> = rows.iter().map(|row| row.get("line")).collect();
        // Databases sort texts each in its own way.
        lines.sort_unstable();
        found.insert(table, lines);
    }
    connection.close().await.unwrap();
    found
}

/// Says where two stores differ, instead of printing both.
#[track_caller]
pub fn assert_same(one: &BTreeMap<&'static str, Vec<String>>, other: &BTreeMap<&'static str, Vec<String>>) {
    for (table, rows) in one {
        let others = &other[table];
        let missing: Vec<_> = rows.iter().filter(|row| !others.contains(row)).take(3).collect();
        let extra: Vec<_> = others.iter().filter(|row| !rows.contains(row)).take(3).collect();
        assert!(
            missing.is_empty() && extra.is_empty() && rows.len() == others.len(),
            "{table}: {} and {} rows; only in the first {missing:#?}, only in the second {extra:#?}",
            rows.len(),
            others.len()
        );
    }
}
