//! An Azure DevOps, small, that acts for real: the other side of the wire for the demo and for tests.
//!
//! An island: it shares no type with the client and imports nothing outside this module, so that a mistake in a field
//! name cannot be made on both sides at once. Git work is done on real bare repositories; everything else is a world
//! of plain data behind one lock. `start` listens on a socket, also for tests; `kanado sim` and `kanado demo` are thin.
mod api;
mod auth;
pub mod cast;
pub mod control;
mod deed;
mod door;
mod failure;
pub mod fault;
pub mod generate;
pub mod git;
pub mod hooks;
mod host;
pub mod load;
pub mod rate;
mod reply;
mod route;
pub mod seed;
mod site;
mod smart_http;
pub mod tls;
pub mod traffic;
mod version;
mod wiql;
pub mod world;

#[cfg(test)]
mod tests;

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum_server::Handle;
use jiff::Timestamp;
use tokio::task::JoinHandle;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, NotForContentType, Predicate};
use uuid::Uuid;

use host::{Host, Keeping, Sim, StateFiles};
use site::Site;
use world::World;

pub use cast::Cast;
pub use host::Control;
pub use reply::Failure;
pub use site::ServerVersion;

/// The organisation that everything is in.
pub const ORGANISATION: &str = "lumen";

/// How to start a simulator. The default is one for tests: any port, seed 1, a temporary state directory.
#[derive(Debug, Clone)]
pub struct Options {
    pub listen: SocketAddr,
    /// What the simulator calls itself in every address it gives out; its listening address if not said.
    pub public_url: Option<String>,
    pub tls: Option<TlsFiles>,
    pub server_version: ServerVersion,
    /// The same seed makes the same world.
    pub seed: u64,
    /// Where world and repositories are kept and found again; a temporary directory if not said.
    pub state_dir: Option<PathBuf>,
    pub latency_ms: u64,
    pub faults: Vec<fault::FaultSpec>,
    /// What the world is about, unless something is loaded.
    pub organisation: Content,
    /// Raw JSON objects to start from instead of the seeded world.
    pub load: Option<PathBuf>,
    pub control: Control,
    pub cast: Cast,
    /// What the world's clock shows at the start; now if not said. With seed and start equal, commit ids are equal.
    pub start: Option<Timestamp>,
    /// Whether webhooks may go to this machine itself, also over http.
    pub loopback_hooks: hooks::Loopback,
    /// How deliveries go wrong from the start.
    pub hook_faults: hooks::faults::HookFaults,
    /// What everybody may ask for in a while; anything if not said.
    pub rate: Option<rate::Rate>,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            public_url: None,
            tls: None,
            server_version: ServerVersion::Services,
            seed: 1,
            state_dir: None,
            latency_ms: 0,
            faults: Vec::new(),
            organisation: Content::Seeded,
            load: None,
            control: Control::Off,
            cast: Cast::Off,
            start: None,
            loopback_hooks: hooks::Loopback::Refused,
            hook_faults: hooks::faults::HookFaults::default(),
            rate: None,
        }
    }
}

/// What a new world contains.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Content {
    /// The harbour that a newcomer meets.
    #[default]
    Seeded,
    /// The same after a busy month, so that there is something to measure.
    Busy,
    /// An organisation with a long past, for measuring.
    Generated(generate::Size),
}

/// PEM files.
#[derive(Debug, Clone)]
pub struct TlsFiles {
    pub cert: PathBuf,
    pub key: PathBuf,
}

/// Why a simulator does not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the simulator could not {attempted} {}: {source}", .path.display())]
    State {
        attempted: &'static str,
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error(
        "the simulator's saved world {} cannot be read: {source}; start with another --state directory, or remove \
         this one to begin anew",
        .path.display()
    )]
    World {
        path: PathBuf,
        #[source]
        source: serde_json::Error,
    },
    #[error("the simulator could not listen on {address}: {source}; choose another address with --listen")]
    Listen {
        address: SocketAddr,
        #[source]
        source: std::io::Error,
    },
    #[error("the simulator's repositories could not be made: {0}")]
    Seed(#[from] git::GitError),
    #[error(transparent)]
    Load(#[from] load::LoadError),
    #[error(transparent)]
    Tls(#[from] tls::TlsError),
    #[error("the simulator's world could not be made: {0}")]
    Making(tokio::task::JoinError),
}

/// A token that the world begins with.
#[derive(Clone)]
pub struct SeededToken {
    /// The user's unique name, `alice@lumen.example`.
    pub user: String,
    pub display_name: String,
    pub token: String,
    pub scopes: Vec<String>,
    pub expires: Option<Timestamp>,
    /// What the token is for.
    pub note: String,
}

impl std::fmt::Debug for SeededToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SeededToken").field("user", &self.user).field("note", &self.note).finish_non_exhaustive()
    }
}

/// A simulator that listens. Dropping it ends it too, less politely than `stop`.
#[derive(Debug)]
pub struct Running {
    sim: Sim,
    organisation_url: String,
    tokens: Vec<SeededToken>,
    plan: Option<generate::Plan>,
    handle: Handle<SocketAddr>,
    server: Option<JoinHandle<std::io::Result<()>>>,
    workers: Vec<JoinHandle<()>>,
}

/// Makes or finds the world, listens, and starts the merge worker and the cast.
pub async fn start(options: Options) -> Result<Running, Error> {
    let state = match &options.state_dir {
        Some(directory) => StateFiles { directory: directory.clone(), keeping: Keeping::Kept },
        None => StateFiles {
            directory: std::env::temp_dir().join(format!("kanado-sim-{}", Uuid::new_v4().simple())),
            keeping: Keeping::Temporary,
        },
    };
    let (world, plan, state) = {
        let options = options.clone();
        tokio::task::spawn_blocking(move || {
            let (world, plan) = make_world(&options, &state)?;
            Ok::<_, Error>((world, plan, state))
        })
        .await
        .map_err(Error::Making)??
    };
    let listening = |source| Error::Listen { address: options.listen, source };
    let listener = TcpListener::bind(options.listen).map_err(listening)?;
    listener.set_nonblocking(true).map_err(listening)?;
    let address = listener.local_addr().map_err(listening)?;
    let scheme = if options.tls.is_some() { "https" } else { "http" };
    let root = options.public_url.clone().unwrap_or_else(|| format!("{scheme}://{address}"));
    let site = Site::new(&root, &world.organisation.name, options.server_version);
    let tokens = seeded_tokens(&world);
    let sim = Host::new(
        world,
        state,
        site,
        fault::Faults::new(options.faults.clone()),
        Duration::from_millis(options.latency_ms),
        options.control,
    );
    sim.budgets.set(options.rate);
    let handle = Handle::new();
    let server = match &options.tls {
        None => {
            let server = axum_server::from_tcp(listener).map_err(listening)?.handle(handle.clone());
            tokio::spawn(server.serve(router(sim.clone()).into_make_service()))
        }
        Some(files) => {
            let config = tls::config(&files.cert, &files.key).await?;
            let server = axum_server::from_tcp_rustls(listener, config).map_err(listening)?.handle(handle.clone());
            tokio::spawn(server.serve(router(sim.clone()).into_make_service()))
        }
    };
    open_desk(&sim, &options).await?;
    let workers = vec![tokio::spawn(deed::work(sim.clone())), tokio::spawn(hooks::work(sim.clone()))];
    // A world that was kept may have merges that nobody has tried yet.
    sim.work.notify_one();
    if options.cast != Cast::Off {
        cast::start(sim.clone(), options.cast);
    }
    let organisation_url = sim.site.organisation_url();
    Ok(Running { sim, organisation_url, tokens, plan, handle, server: Some(server), workers })
}

/// Finds the subscriptions of the last time again, or makes the first ones.
async fn open_desk(sim: &Sim, options: &Options) -> Result<(), Error> {
    let file = (sim.state().keeping == Keeping::Kept).then(|| sim.state().hooks_file());
    let opened = sim.hooks.open(file.as_deref(), options.loopback_hooks, options.hook_faults);
    let was_kept =
        opened.map_err(|source| Error::State { attempted: "read the subscriptions of", path: file.unwrap_or_default(), source })?;
    if !was_kept && options.load.is_none() {
        hooks::seed(&sim.hooks, &*sim.read().await);
    }
    Ok(())
}

/// The world, and what was planned for it if it is a generated one.
fn make_world(options: &Options, state: &StateFiles) -> Result<(World, Option<generate::Plan>), Error> {
    let failed = |attempted, path: &Path| {
        let path = path.to_owned();
        move |source| Error::State { attempted, path, source }
    };
    let (git_root, file) = (state.git_root(), state.world_file());
    std::fs::create_dir_all(&git_root).map_err(failed("make the directory", &git_root))?;
    if file.exists() {
        let bytes = std::fs::read(&file).map_err(failed("read", &file))?;
        let mut world: World = serde_json::from_slice(&bytes).map_err(|source| Error::World { path: file, source })?;
        // Kept by a simulator that knew no administrators.
        if !world.users.iter().any(|user| user.is_administrator)
            && let Some(user) = world.users.iter_mut().find(|user| user.alias() == seed::PROTAGONIST)
        {
            user.is_administrator = true;
        }
        let plan = match std::fs::read(state.plan_file()) {
            Ok(bytes) => Some(serde_json::from_slice(&bytes).map_err(|source| Error::World { path: state.plan_file(), source })?),
            Err(_) => None,
        };
        return Ok((world, plan));
    }
    let start = options.start.unwrap_or_else(Timestamp::now);
    let mut world = World::empty(ORGANISATION, start);
    let mut plan = None;
    match (&options.load, options.organisation) {
        (Some(directory), _) => {
            seed::people(&mut world);
            load::load(&mut world, &git_root, directory)?;
        }
        (None, Content::Seeded) => seed::seed(&mut world, &git_root, options.seed, start, seed::Month::Quiet)?,
        (None, Content::Busy) => seed::seed(&mut world, &git_root, options.seed, start, seed::Month::Busy)?,
        (None, Content::Generated(size)) => plan = Some(generate::generate(&mut world, &git_root, size, options.seed, start)?),
    }
    if state.keeping == Keeping::Kept {
        if let Some(plan) = &plan {
            let file = state.plan_file();
            let text = serde_json::to_vec(plan).map_err(std::io::Error::from);
            text.and_then(|text| std::fs::write(&file, text)).map_err(failed("write", &file))?;
        }
        host::save(&world, &file).map_err(failed("write", &file))?;
    }
    Ok((world, plan))
}

fn seeded_tokens(world: &World) -> Vec<SeededToken> {
    world
        .tokens
        .iter()
        .map(|token| {
            let user = world.user(token.user);
            SeededToken {
                user: user.map_or_else(String::new, |user| user.unique_name.clone()),
                display_name: user.map_or_else(String::new, |user| user.display_name.clone()),
                token: token.token.clone(),
                scopes: token.scopes.clone(),
                expires: token.expires,
                note: token.note.clone(),
            }
        })
        .collect()
}

fn router(sim: Sim) -> Router {
    // Packs are compressed already.
    let worth_it = DefaultPredicate::new().and(NotForContentType::const_new("application/x-git"));
    Router::new()
        .fallback(|State(sim): State<Sim>, request: Request<Body>| door::handle(sim, request))
        .layer(CompressionLayer::new().compress_when(worth_it))
        .with_state(sim)
}

impl Running {
    /// Scheme, host and port, `http://127.0.0.1:4100`.
    pub fn url(&self) -> &str {
        self.sim.site.root()
    }

    /// `{url}/lumen` on Services, `{url}/tfs/DefaultCollection` on Server.
    pub fn organisation_url(&self) -> &str {
        &self.organisation_url
    }

    pub fn tokens(&self) -> &[SeededToken] {
        &self.tokens
    }

    /// The name of a project to begin with.
    pub fn first_project(&self) -> &str {
        match &self.plan {
            Some(plan) => plan.services.first().map_or("Harbor", |service| service.project.as_str()),
            None => "Harbor",
        }
    }

    /// What was planned for a generated organisation, also when it is found again.
    pub fn plan(&self) -> Option<&generate::Plan> {
        self.plan.as_ref()
    }

    /// The full-access token of a person, by the name before the `@`.
    pub fn token_of(&self, alias: &str) -> Option<&str> {
        self.tokens
            .iter()
            .find(|token| token.user.split('@').next() == Some(alias) && token.scopes == [world::FULL_ACCESS])
            .map(|token| token.token.as_str())
    }

    /// The same verbs as the `/_sim/` routes, without HTTP.
    pub fn control(&self) -> control::Control {
        control::Control::new(self.sim.clone())
    }

    /// Ends everything and waits for it; a temporary state directory is removed.
    pub async fn stop(mut self) {
        self.sim.stopping.cancel();
        self.handle.graceful_shutdown(Some(Duration::from_secs(2)));
        if let Some(server) = self.server.take()
            && let Ok(Err(error)) = server.await
        {
            tracing::warn!(%error, "the simulator's listener ended with an error");
        }
        for worker in self.workers.drain(..) {
            // It ends by itself when told to stop; a panic in it was logged by the runtime.
            let _ = worker.await;
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.sim.stopping.cancel();
        self.handle.shutdown();
        let state = self.sim.state();
        if state.keeping == Keeping::Temporary {
            // Nothing is lost if this fails: it lies in the machine's temporary folder.
            let _ = std::fs::remove_dir_all(&state.directory);
        }
    }
}
