//! A receiver with its engine, in a process that does something else besides: the board.

use std::net::SocketAddr;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::engine::{Engine, EngineOptions};
use crate::hook::{Error, HookOptions, Server};
use crate::services::Services;
use crate::sync::wake::Wake;

/// A receiver and an engine that run until they are stopped.
pub struct Receiving {
    engine: Engine,
    end: CancellationToken,
    serving: JoinHandle<Result<(), Error>>,
}

impl Receiving {
    /// Listens, and applies what arrives.
    pub async fn start(services: &Services, options: HookOptions) -> Result<Self, Error> {
        let wake = Wake::default();
        let server = Server::bind(options, services, wake.clone()).await?;
        let engine = engine(services, server.address(), wake);
        let end = CancellationToken::new();
        let serving = tokio::spawn(server.serve_until(end.clone()));
        Ok(Self { engine, end, serving })
    }

    /// Takes no more deliveries, finishes those under way, and lets go of what only one process does.
    pub async fn stop(self) {
        self.end.cancel();
        match self.serving.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!("{error}"),
            Err(error) => tracing::error!("the receiver crashed: {error}"),
        }
        self.engine.stop().await;
    }
}

/// The engine that belongs to a receiver at this address.
pub fn engine(services: &Services, address: SocketAddr, wake: Wake) -> Engine {
    Engine::start(services, EngineOptions::of(&services.ctx.config).receiving_at(address, wake))
}
