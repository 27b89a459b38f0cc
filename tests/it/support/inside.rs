//! Simulator and services in one process, for tests of actions and of the board's runtime.

use kanado::action::connect::{self, Choice};
use kanado::action::{Context, Reporter};
use kanado::ado::Address;
use kanado::clock::Clock;
use kanado::config::Config;
use kanado::domain::project::Project;
use kanado::secret::{self, TokenSources};
use kanado::services::Services;
use kanado::sim;
use kanado::store::{Location, Store};
use tempfile::TempDir;

/// A simulator to which a test holds the strings.
pub struct Inside {
    pub sim: sim::Running,
    pub folder: TempDir,
}

impl Inside {
    pub async fn start(options: sim::Options) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        Self { sim: sim::start(options).await.unwrap(), folder: TempDir::new().unwrap() }
    }

    pub fn token(&self, person: &str) -> String {
        self.sim.token_of(person).expect("everybody has a full token").to_owned()
    }

    /// Somebody with a store of their own, connected to Harbor with these repositories linked.
    pub async fn person(&self, name: &str, link: &[&str]) -> (Services, Project) {
        let folder = self.folder.path().join(name);
        let store = Store::open(&Location::Sqlite(folder.join("board.db"))).await.unwrap();
        let tokens = TokenSources::file_only(folder.join("tokens"));
        let services = Services::with_store(Config::default(), tokens, store, Clock::System);
        let token = secret::given(self.token(name).into_bytes()).unwrap();
        let address = Address::parse(&format!("{}/Harbor", self.sim.organisation_url())).unwrap();
        let checked = connect::check(&services.ctx, &address, &kanado::action::credential(&token)).await.unwrap();
        let choice = Choice {
            projects: vec![(checked.project.unwrap(), Some("KAN".to_owned()))],
            link: link.iter().map(|name| (*name).to_owned()).collect(),
            keep_token: Some(secret::Place::File),
        };
        let connected = connect::activate(&services.ctx, &address, &token, &choice, &Reporter::silent()).await.unwrap();
        (services, connected.projects.into_iter().next().unwrap())
    }
}

/// The context of somebody's services.
pub fn ctx(services: &Services) -> &Context {
    &services.ctx
}
