//! The running simulator's shared state: the world behind a lock, the address book, faults, counters.
//!
//! One lock guards the whole world, and git work on its repositories is done while it is held: the simulator is small
//! and this makes every request atomic. With a state directory the world is written back whenever a writer lets go.
use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::fault::Faults;
use super::git;
use super::hooks::Desk;
use super::rate::Budgets;
use super::reply::Failure;
use super::site::Site;
use super::traffic::Traffic;
use super::world::{Repository, World};

/// What every part of the simulator holds.
pub type Sim = Arc<Host>;

#[derive(Debug)]
pub struct Host {
    world: Arc<RwLock<World>>,
    state: StateFiles,
    pub site: Site,
    pub faults: Faults,
    pub traffic: Traffic,
    /// What everybody may still ask for.
    pub budgets: Budgets,
    pub latency: Duration,
    /// Rung when a merge or a completion waits to be worked off.
    pub work: Notify,
    pub stopping: CancellationToken,
    /// One a process, as the service sends it.
    pub session: Uuid,
    /// Of the organisation; it is in the headers of every answer.
    pub deployment: Uuid,
    pub control: Control,
    /// Whether the cast acts.
    pub cast: super::cast::Switch,
    pub hooks: Desk,
}

/// Whether the `/_sim/` routes answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Control {
    #[default]
    Off,
    On,
}

/// Where the world is kept.
#[derive(Debug)]
pub struct StateFiles {
    pub directory: PathBuf,
    pub keeping: Keeping,
}

/// What happens to the state directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeping {
    /// Written after each change, found again by the next start.
    Kept,
    /// Git repositories only, removed at the end.
    Temporary,
}

impl StateFiles {
    pub fn git_root(&self) -> PathBuf {
        self.directory.join("git")
    }

    pub fn world_file(&self) -> PathBuf {
        self.directory.join("world.json")
    }

    pub fn plan_file(&self) -> PathBuf {
        self.directory.join("plan.json")
    }

    pub fn hooks_file(&self) -> PathBuf {
        self.directory.join("hooks.json")
    }
}

impl Host {
    pub fn new(world: World, state: StateFiles, site: Site, faults: Faults, latency: Duration, control: Control) -> Sim {
        let clock = world.clock;
        Arc::new(Host {
            deployment: world.organisation.deployment,
            world: Arc::new(RwLock::new(world)),
            state,
            site,
            faults,
            traffic: Traffic::default(),
            budgets: Budgets::new(None),
            latency,
            work: Notify::new(),
            stopping: CancellationToken::new(),
            session: Uuid::new_v4(),
            control,
            cast: super::cast::Switch::default(),
            hooks: Desk::new(clock),
        })
    }

    pub async fn read(&self) -> OwnedRwLockReadGuard<World> {
        self.world.clone().read_owned().await
    }

    pub async fn write(&self) -> Writing {
        let file = (self.state.keeping == Keeping::Kept).then(|| self.state.world_file());
        Writing { world: self.world.clone().write_owned().await, file, changed: false }
    }

    pub fn git_root(&self) -> PathBuf {
        self.state.git_root()
    }

    pub fn git_path(&self, repository: Uuid) -> PathBuf {
        git_path(&self.state.git_root(), repository)
    }

    /// The bare repository behind a repository of the world.
    pub fn git(&self, repository: &Repository) -> git::Repo {
        git::Repo::at(self.git_path(repository.id), &repository.default_branch)
    }

    pub fn state(&self) -> &StateFiles {
        &self.state
    }
}

/// `{root}/{guid}.git`.
pub fn git_path(root: &Path, repository: Uuid) -> PathBuf {
    root.join(format!("{repository}.git"))
}

/// Runs git work where it may block.
pub async fn blocking<T, E>(work: impl FnOnce() -> Result<T, E> + Send + 'static) -> Result<T, Failure>
where
    T: Send + 'static,
    E: Into<Failure> + Send + 'static,
{
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result.map_err(Into::into),
        Err(broken) => Err(Failure::internal(broken)),
    }
}

/// The world, writable. Letting go of it writes `world.json` if anything was changed and a state directory is kept.
#[derive(Debug)]
pub struct Writing {
    world: OwnedRwLockWriteGuard<World>,
    file: Option<PathBuf>,
    changed: bool,
}

impl Deref for Writing {
    type Target = World;
    fn deref(&self) -> &World {
        &self.world
    }
}

impl DerefMut for Writing {
    fn deref_mut(&mut self) -> &mut World {
        self.changed = true;
        &mut self.world
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        if let (true, Some(file)) = (self.changed, &self.file)
            && let Err(error) = save(&self.world, file)
        {
            tracing::error!(file = %file.display(), %error, "the simulated world could not be written");
        }
    }
}

/// Replaces the file in one step, so that a killed simulator leaves the old world or the new one.
pub fn save(world: &World, file: &Path) -> std::io::Result<()> {
    let fresh = file.with_extension("json.new");
    std::fs::write(&fresh, serde_json::to_vec(world)?)?;
    std::fs::rename(&fresh, file)
}
