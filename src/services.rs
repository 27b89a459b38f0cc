//! Everything a running kanado has, built once from the configuration.

use std::sync::Arc;

use crate::action::sync_pull_requests::ViewLoads;
use crate::action::{Clients, Context};
use crate::clock::Clock;
use crate::config::Config;
use crate::store::{self, Store};
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
    pub async fn open(config: Config, clock: Clock) -> Result<Self, store::Error> {
        let config = Arc::new(config);
        let store = Store::open(&config.store_location()).await?;
        Ok(Self::with_store(config, store, clock))
    }

    pub fn with_store(config: Arc<Config>, store: Store, clock: Clock) -> Self {
        let clients = Clients::new(config.clone());
        let tasks = Tasks::new(clock.clone());
        Self { ctx: Context { store, clock, config, clients }, tasks, view_loads: ViewLoads::default() }
    }
}
