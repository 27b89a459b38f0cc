//! `kanado demo`: a simulated Azure DevOps in this process, and the board in front of it. Nothing leaves the machine, and nothing is left
//! behind unless `--state` says where.

mod addresses;
mod board;

use std::path::{Path, PathBuf};

use addresses::Addresses;

use super::exit::{Exit, Failure};
use super::frame::{Frame, Workers};
use super::sim::CastFlag;
use crate::config::{Config, Overrides};
use crate::secret::TokenSources;
use crate::services::Services;
use crate::sim::hooks::Loopback;
use crate::sim::{self, Content, Options};
use crate::tui::run::Ended;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Whether teammates review and merge by themselves
    #[arg(long, value_enum, default_value_t = CastFlag::Running)]
    cast: CastFlag,
    /// The same seed makes the same world
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
    /// Keep world and board here, and find them again [default: a temporary folder]
    #[arg(long, value_name = "FOLDER")]
    state: Option<PathBuf>,
}

impl Default for Args {
    fn default() -> Self {
        Self { cast: CastFlag::Running, seed: 1, state: None }
    }
}

pub fn run(args: Args, frame: &mut Frame<'_>) -> Result<Exit, Failure> {
    super::board::needs_terminal(frame)?;
    frame.never_ask();
    let temporary;
    let folder = match &args.state {
        Some(folder) => folder.clone(),
        None => {
            temporary = Temporary::make()?;
            temporary.0.clone()
        }
    };
    let addresses = Addresses::of(&folder)?;
    let config = config(frame, &folder, args.cast, addresses)?;
    frame.use_config(config);
    frame.block_on(Workers::Several, async |frame| {
        let options = Options {
            listen: addresses.azure_devops,
            seed: args.seed,
            state_dir: Some(folder.join("azure-devops")),
            organisation: Content::Busy,
            cast: args.cast.cast(),
            loopback_hooks: Loopback::Allowed,
            ..Options::default()
        };
        let running = sim::start(options).await.map_err(|error| addresses.explain(error))?;
        let shown = async {
            // No real token comes near the demo, whatever the environment holds.
            let tokens = TokenSources::file_only(frame.config.paths.token_dir());
            let services = Services::open(frame.config.clone(), tokens, frame.clock.clone()).await?;
            frame.use_services(services.clone());
            board::prepare(&services.ctx, &running).await?;
            board::go_live(&services.ctx).await?;
            let ended = super::board::show(frame, services).await?;
            Ok(if ended == Ended::Crashed { Exit::Failed } else { Exit::Done })
        };
        let result = shown.await;
        running.stop().await;
        result
    })
}

/// The person's own look and keys, but data, tokens and network of the demo alone.
fn config(frame: &mut Frame<'_>, folder: &Path, cast: CastFlag, addresses: Addresses) -> Result<Config, Failure> {
    let environment = frame.output.stdio.environment.clone();
    let mut overrides: Overrides = frame.globals.overrides(&environment);
    overrides.data_dir = Some(folder.join("kanado"));
    let (mut config, notices) = Config::load(&overrides)?;
    for notice in &notices {
        frame.output.warn(notice);
    }
    config.store.database = None;
    config.token = crate::config::Token { keyring: false, ..crate::config::Token::default() };
    config.network = crate::config::Network::default();
    config.service = crate::config::Service::default();
    // The board receives what the simulator tells of, so that it is seen as it happens.
    config.webhooks = crate::config::Webhooks {
        listen: Some(addresses.webhooks),
        public_url: Some(format!("http://{}", addresses.webhooks)),
        ..crate::config::Webhooks::default()
    };
    config.hooks.allow_insecure_url = true;
    // Teammates act every few seconds here, and asking them costs nothing; while they rest there is nothing to see.
    let every_seconds = if cast == CastFlag::Running { 5 } else { 0 };
    // What the simulated team did for two months, so that the last one can be compared with something.
    config.metrics = crate::config::Metrics { days: 60, time_zone: config.metrics.time_zone.clone(), ..crate::config::Metrics::default() };
    config.sync = crate::config::Sync { view_load_seconds: 3, every_seconds, ..crate::config::Sync::default() };
    Ok(config)
}

/// A folder that goes with the demo.
struct Temporary(PathBuf);

impl Temporary {
    fn make() -> Result<Self, Failure> {
        let folder = std::env::temp_dir().join(format!("kanado-demo-{}", uuid::Uuid::new_v4().simple()));
        let mut builder = std::fs::DirBuilder::new();
        #[cfg(unix)]
        {
            use std::os::unix::fs::DirBuilderExt;
            builder.mode(0o700);
        }
        builder.create(&folder).map_err(|error| Failure::local(format!("cannot make {}", folder.display()), &error))?;
        Ok(Self(folder))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // Whatever cannot be removed is in the temporary folder, which the system empties.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
