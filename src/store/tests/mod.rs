//! The store as a whole, on real files and on a real server.

#[macro_use]
mod engines;

mod board;
mod branches;
mod collection;
mod copy;
mod delivery;
mod facts;
mod health;
mod histories;
mod hooks;
mod inbox;
mod ingest;
mod measured;
mod server;
mod story;
mod together;
mod trouble;
mod work;

use std::time::Duration;

use jiff::Timestamp;
use sqlx::{Executor as _, SqlSafeStr as _};
use tempfile::TempDir;

use super::*;
use crate::domain::change::Change;
use crate::domain::fact;
use crate::domain::id::{Guid, MemberId, ProjectId, RepositoryId, TicketKey};
use crate::domain::person::Identity;
use crate::domain::project::Deployment;
use crate::domain::pull_request::{MergeState, PullRequestStatus};
use crate::domain::rate_limit::RateLimit;
use facts::{at, identity, organisation, project_fact, pull_request, repository, spec_text};

/// A store with an organisation, a project `Lumen`, two linked repositories and two members.
struct Desk {
    directory: TempDir,
    place: Location,
    store: Store,
    project: ProjectId,
    repository: RepositoryId,
    other_repository: RepositoryId,
    ada: MemberId,
    grace: MemberId,
}

/// Near the limit.
fn rate_limit(said_at: Timestamp) -> RateLimit {
    RateLimit { limit: Some(200.0), remaining: Some(81.625), reset_at: Some(at(300)), told_to_wait: None, said_at }
}

fn key(text: &str) -> TicketKey {
    TicketKey::parse(text).unwrap()
}

impl Desk {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let place = engines::fresh_location(directory.path()).await;
        let store = Store::open(&place).await.unwrap();
        let organisation = store.put_organisation(&organisation(), at(0)).await.unwrap();
        let project = store.put_project(organisation.id, &project_fact("Lumen"), "LUM").await.unwrap().id;
        let repositories = store.put_repositories(project, &[repository("api"), repository("web")]).await.unwrap();
        for repository in &repositories {
            store.set_linked(repository.id, Linked::Yes).await.unwrap();
        }
        let members = store.put_members(project, &[identity("Ada"), identity("Grace")]).await.unwrap();
        Self {
            directory,
            place,
            store,
            project,
            repository: repositories[0].id,
            other_repository: repositories[1].id,
            ada: members[0].id,
            grace: members[1].id,
        }
    }

    fn location(&self) -> Location {
        self.place.clone()
    }

    fn new_ticket(&self, title: &str) -> NewTicket {
        let title = title.to_owned();
        NewTicket {
            project: self.project,
            key: None,
            spec_text: SpecText::FromKey(Box::new(move |key| spec_text(&key.to_string(), &title))),
            repository: Some(self.repository),
            assignee: None,
            labels: vec![],
            priority: None,
            estimate_hours: None,
            dependencies: vec![],
        }
    }

    async fn ticket(&self, title: &str) -> TicketKey {
        self.store.create_ticket(self.new_ticket(title), at(1)).await.unwrap().key
    }

    /// A ticket on whose branch (`feature/KEY`) work started at minute 10.
    async fn started(&self, title: &str) -> TicketKey {
        let key = self.ticket(title).await;
        let applied = self.store.start_ticket(&key, self.repository, &format!("feature/{key}"), Some(self.ada), at(10)).await.unwrap();
        assert_eq!(applied.ticket.status, Status::InProgress);
        key
    }

    async fn status(&self, key: &TicketKey) -> Status {
        self.store.ticket(key).await.unwrap().unwrap().status
    }
}

use crate::domain::status::Status;

const SOON: Duration = Duration::from_secs(20);

/// The next announcement. A store on a server says besides, when it begins to listen, that something may have been missed.
async fn heard(store: &Store, changes: &mut broadcast::Receiver<Change>) -> Change {
    let next = async {
        loop {
            match changes.recv().await.unwrap() {
                Change::Elsewhere if store.engine() == Engine::Postgres => {}
                change => return change,
            }
        }
    };
    tokio::time::timeout(SOON, next).await.expect("an announcement")
}

/// Whether nothing was announced.
fn silent(store: &Store, changes: &mut broadcast::Receiver<Change>) -> bool {
    std::iter::from_fn(|| changes.try_recv().ok()).all(|change| store.engine() == Engine::Postgres && change == Change::Elsewhere)
}

type Statements = &'static [(&'static str, &'static str)];

/// Every statement of every file of the store, for both engines.
fn every_query() -> Vec<(&'static str, Statements)> {
    vec![
        ("mod", super::QUERIES),
        ("approvals", super::approvals::QUERIES),
        ("board", super::board::QUERIES),
        ("branches", super::branches::QUERIES),
        ("check_server", super::check_server::QUERIES),
        ("deliveries", super::deliveries::QUERIES),
        ("health", super::health::QUERIES),
        ("history", super::history::QUERIES),
        ("hooks", super::hooks::QUERIES),
        ("inbox", super::inbox::QUERIES),
        ("ingest", super::ingest::QUERIES),
        ("journal", super::journal::QUERIES),
        ("leases", super::leases::QUERIES),
        ("members", super::members::QUERIES),
        ("organisations", super::organisations::QUERIES),
        ("projects", super::projects::QUERIES),
        ("pull_requests", super::pull_requests::QUERIES),
        ("repositories", super::repositories::QUERIES),
        ("schema", super::schema::QUERIES),
        ("settings", super::settings::QUERIES),
        ("specs", super::specs::QUERIES),
        ("ticket_row", super::ticket_row::QUERIES),
        ("tickets", super::tickets::QUERIES),
        ("transition", super::transition::QUERIES),
        ("builds", super::builds::QUERIES),
        ("commits", super::commits::QUERIES),
        ("environments", super::environments::QUERIES),
        ("histories", super::histories::QUERIES),
        ("production", super::production::QUERIES),
        ("project_settings", super::project_settings::QUERIES),
        ("purge", super::purge::QUERIES),
        ("sources", super::sources::QUERIES),
        ("stage_rows", super::stage_rows::QUERIES),
        ("timelines", super::timelines::QUERIES),
        ("work_items", super::work_items::QUERIES),
        ("compares", super::compares::QUERIES),
        ("run_candidates", super::run_candidates::QUERIES),
        ("quality_comments", super::quality_comments::QUERIES),
        ("rate_limits", super::rate_limits::QUERIES),
        ("measured", super::measured::QUERIES),
        ("waiting", super::waiting::QUERIES),
    ]
}

/// Those of one engine alone.
fn queries_of(engine: Engine) -> Vec<(&'static str, Statements)> {
    match engine {
        Engine::Sqlite => vec![
            ("check", super::check::SQLITE_QUERIES),
            ("copy", super::copy::SQLITE_QUERIES),
            ("deliveries", super::deliveries::SQLITE_QUERIES),
            ("linkage", super::linkage::SQLITE_QUERIES),
            ("measured", super::measured::SQLITE_QUERIES),
            ("production", super::production::SQLITE_QUERIES),
            ("schema", super::schema::SQLITE_QUERIES),
            ("watch", super::watch::SQLITE_QUERIES),
        ],
        Engine::Postgres => vec![
            ("check_server", super::check_server::POSTGRES_QUERIES),
            ("copy", super::copy::POSTGRES_QUERIES),
            ("deliveries", super::deliveries::POSTGRES_QUERIES),
            ("feed", super::feed::POSTGRES_QUERIES),
            ("hold", super::hold::POSTGRES_QUERIES),
            ("linkage", super::linkage::POSTGRES_QUERIES),
            ("measured", super::measured::POSTGRES_QUERIES),
            ("production", super::production::POSTGRES_QUERIES),
            ("schema", super::schema::POSTGRES_QUERIES),
        ],
    }
}

async fn every_statement_is_understood_by_the_database() {
    let desk = Desk::new().await;
    let mut conn = desk.store.reader().await.unwrap();
    for (file, queries) in every_query().into_iter().chain(queries_of(desk.store.engine())) {
        for (name, sql) in queries {
            let prepared = (&mut *conn).prepare(sql.into_sql_str()).await;
            assert!(prepared.is_ok(), "{file}::{name}: {:?}", prepared.err());
        }
    }
}

on_both!(every_statement_is_understood_by_the_database);

#[test]
fn every_statement_is_listed_and_portable() {
    let files = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src/store")).unwrap();
    let kinds = [
        ("\nqueries! {", every_query()),
        ("\nsqlite_queries! {", queries_of(Engine::Sqlite)),
        ("\npostgres_queries! {", queries_of(Engine::Postgres)),
    ];
    for file in files {
        let path = file.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        if path.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        let source = std::fs::read_to_string(&path).unwrap();
        for (opening, listed) in &kinds {
            let listed = listed.iter().any(|(file, _)| *file == name);
            assert_eq!(source.contains(opening), listed, "{name}.rs and its {} are not listed as they are", opening.trim());
        }
    }
    for (file, queries) in every_query() {
        for (name, sql) in queries {
            let upper = sql.to_uppercase();
            for word in
                ["?", "AUTOINCREMENT", "INSERT OR", "REPLACE INTO", "GROUP_CONCAT", "DATETIME(", "IFNULL", " TRUE", " FALSE", "ROWID"]
            {
                assert!(!upper.contains(word), "{file}::{name} says {word}");
            }
        }
    }
}
