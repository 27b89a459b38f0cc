//! Everything a running kanado has, built once from the configuration.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::action::sync_pull_requests::ViewLoads;
use crate::action::{Clients, Context, rate_limit};
use crate::clock::Clock;
use crate::config::Config;
use crate::domain::id::OrganisationId;
use crate::domain::rate_limit::RateLimit;
use crate::secret::TokenSources;
use crate::store::{self, Location, Store};
use crate::tasks::Tasks;

/// The store, the clients, the running tasks; cheap to clone.
#[derive(Clone)]
pub struct Services {
    /// What actions are handed.
    pub ctx: Context,
    pub tasks: Tasks,
    pub view_loads: ViewLoads,
}

impl Services {
    /// Opens the store that the configuration names.
    pub async fn open(config: Config, tokens: TokenSources, clock: Clock) -> Result<Self, store::Error> {
        let store = Store::open(&store_location(&config)).await?;
        Ok(Self::with_store(config, tokens, store, clock))
    }

    pub fn with_store(config: Config, tokens: TokenSources, store: Store, clock: Clock) -> Self {
        let (config, tokens) = (Arc::new(config), Arc::new(tokens));
        let clients = Clients::new(config.clone(), tokens.clone());
        // Who is a machine is decided where facts are kept.
        store.set_flow_rules(&config.metrics.rules);
        let tasks = Tasks::new(clock.clone());
        Self { ctx: Context { store, clock, config, tokens, clients }, tasks, view_loads: ViewLoads::default() }
    }

    /// What each organisation said last of its rate limit, to this process or to another one.
    pub async fn rate_limits(&self) -> store::Result<BTreeMap<OrganisationId, RateLimit>> {
        rate_limit::said(&self.ctx).await
    }
}

/// Where the configuration puts the store.
pub fn store_location(config: &Config) -> Location {
    match &config.store.database {
        Some(url) => Location::Url(url.expose().to_owned()),
        None => Location::Sqlite(config.paths.database_file()),
    }
}
