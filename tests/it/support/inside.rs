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

/// Whose hooks are delivered to this URL of the loopback.
pub fn receiving(public_url: &str) -> Config {
    let mut config = Config::default();
    config.webhooks.public_url = Some(public_url.to_owned());
    config.hooks.allow_insecure_url = true;
    config
}

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
        let services = self.services(name, Config::default(), Clock::System, &self.file_of(name)).await;
        let project = self.connect(&services, name, link).await;
        (services, project)
    }

    /// Where somebody's own board is kept.
    pub fn file_of(&self, name: &str) -> Location {
        Location::Sqlite(self.folder.path().join(name).join("board.db"))
    }

    /// A process of somebody's, with a configuration, a clock and a store.
    pub async fn services(&self, name: &str, config: Config, clock: Clock, location: &Location) -> Services {
        let store = Store::open(location).await.unwrap();
        let tokens = TokenSources::file_only(self.folder.path().join(name).join("tokens"));
        Services::with_store(config, tokens, store, clock)
    }

    /// Connects somebody to Harbor with these repositories linked.
    pub async fn connect(&self, services: &Services, name: &str, link: &[&str]) -> Project {
        let token = secret::given(self.token(name).into_bytes()).unwrap();
        let address = Address::parse(&format!("{}/Harbor", self.sim.organisation_url())).unwrap();
        let checked = connect::check(&services.ctx, &address, &kanado::action::credential(&token)).await.unwrap();
        let choice = Choice {
            projects: vec![(checked.project.unwrap(), Some("KAN".to_owned()))],
            link: link.iter().map(|name| (*name).to_owned()).collect(),
            keep_token: Some(secret::Place::File),
        };
        let connected = connect::activate(&services.ctx, &address, &token, &choice, &Reporter::silent()).await.unwrap();
        connected.projects.into_iter().next().unwrap()
    }
}

/// The context of somebody's services.
pub fn ctx(services: &Services) -> &Context {
    &services.ctx
}
