//! What every command stands in: the flags, the output, the configuration, and, once asked for, store and clients.

use super::crash;
use super::exit::Failure;
use super::globals::Globals;
use super::here::Clone as GitClone;
use super::log;
use super::stdio::{Host, Output};
use crate::action::{self, Context, connect};
use crate::clock::Clock;
use crate::config::Config;
use crate::domain::id::TicketKey;
use crate::domain::project::{Organisation, Project};
use crate::secret::{Prompt, TokenSources};
use crate::services::Services;

pub struct Frame<'io> {
    pub globals: Globals,
    pub output: Output<'io>,
    pub clock: Clock,
    /// The defaults until [`Frame::load`].
    pub config: Config,
    /// Whether a missing token may be asked for on the terminal.
    prompt: Prompt,
    log: log::Place,
    services: Option<Services>,
    /// Whether the warning about the store's place was given: once is enough.
    place_was_told: bool,
    clone: Option<Option<GitClone>>,
}

/// How many threads async work gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Workers {
    /// The calling one: for commands, which do one thing.
    One,
    /// Two: for the board and the simulator, which do several.
    Several,
}

impl<'io> Frame<'io> {
    pub fn new(globals: Globals, output: Output<'io>) -> Self {
        // Once a process; a second time it is there already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let somebody_is_there = output.stdio.stdin_is_terminal && output.stdio.stderr_is_terminal && !output.is_json();
        let prompt = if somebody_is_there { Prompt::Terminal } else { Prompt::Never };
        Self {
            globals,
            output,
            clock: Clock::System,
            config: Config::default(),
            prompt,
            services: None,
            place_was_told: false,
            log: log::Place::File,
            clone: None,
        }
    }

    /// Reads the configuration, says what is odd in it, and begins the log.
    pub fn load(&mut self) -> Result<(), Failure> {
        let (config, notices) = Config::load(&self.globals.overrides(&self.output.stdio.environment))?;
        for notice in &notices {
            self.output.warn(notice);
        }
        self.use_config(config);
        Ok(())
    }

    /// Where the log goes, once [`Frame::load`] begins it.
    pub fn log_to(&mut self, place: log::Place) {
        self.log = place;
    }

    /// Uses a configuration that was made or read elsewhere.
    pub fn use_config(&mut self, config: Config) {
        if self.output.stdio.host == Host::Process {
            crash::reports_to(config.paths.state_dir.clone());
            if let Some(notice) = log::start(&config, &self.output.stdio.environment, self.log, self.output.format) {
                self.output.warn(&notice);
            }
        }
        self.config = config;
    }

    /// Runs async work on a runtime of its own. What is left running in the background does not hold the process up.
    pub fn block_on<T>(&mut self, workers: Workers, work: impl AsyncFnOnce(&mut Self) -> Result<T, Failure>) -> Result<T, Failure> {
        let mut builder = match workers {
            Workers::One => tokio::runtime::Builder::new_current_thread(),
            Workers::Several => tokio::runtime::Builder::new_multi_thread(),
        };
        let runtime = builder.worker_threads(2).enable_all().build().map_err(|error| Failure::local("cannot start the runtime", &error))?;
        let result = runtime.block_on(work(self));
        runtime.shutdown_background();
        result
    }

    /// Where tokens come from on this machine. A person is asked only where one is there.
    pub fn token_sources(&self) -> TokenSources {
        token_sources(&self.config, &self.output.stdio.environment, self.prompt)
    }

    /// From here on the terminal shows a board: a token that is missing is said there, and not asked for over it.
    pub fn never_ask(&mut self) {
        self.prompt = Prompt::Never;
        self.services = None;
    }

    pub async fn services(&mut self) -> Result<Services, Failure> {
        if let Some(services) = &self.services {
            return Ok(services.clone());
        }
        let services = Services::open(self.config.clone(), self.token_sources(), self.clock.clone()).await?;
        if let Some(notice) = services.ctx.store.place_warning().filter(|_| !self.place_was_told) {
            self.output.warn(&notice);
            self.place_was_told = true;
        }
        self.services = Some(services.clone());
        Ok(services)
    }

    /// Uses services that were opened elsewhere.
    pub fn use_services(&mut self, services: Services) {
        self.services = Some(services);
    }

    pub async fn ctx(&mut self) -> Result<Context, Failure> {
        Ok(self.services().await?.ctx)
    }

    /// The clone the command was started in.
    pub fn clone_here(&mut self) -> Option<&GitClone> {
        let directory = &self.output.stdio.directory;
        self.clone.get_or_insert_with(|| GitClone::around(directory)).as_ref()
    }

    /// The project somebody asked for: the named one, else the clone's, if it is on the board.
    pub async fn project_asked_for(&mut self) -> Result<Option<Project>, Failure> {
        let ctx = self.ctx().await?;
        match self.globals.project.clone() {
            Some(name) => find_project(&ctx, &name).await.map(Some),
            None => self.project_of_clone(&ctx).await,
        }
    }

    /// The project meant: the one asked for, else the last one used.
    pub async fn project(&mut self) -> Result<Project, Failure> {
        if let Some(project) = self.project_asked_for().await? {
            return Ok(project);
        }
        let ctx = self.ctx().await?;
        match connect::default_project(&ctx).await? {
            Some(id) => Ok(ctx.project(id).await?),
            None => {
                Err(Failure::refused("no project is on the board yet", "connect one: `kanado connect https://dev.azure.com/ORG/PROJECT`"))
            }
        }
    }

    async fn project_of_clone(&mut self, ctx: &Context) -> Result<Option<Project>, Failure> {
        let Some((_, address)) = self.clone_here().and_then(|clone| clone.remote.clone()) else { return Ok(None) };
        let Some(name) = &address.project else { return Ok(None) };
        let Some(organisation) = organisation_at(ctx, address.base.url()).await? else { return Ok(None) };
        let projects = ctx.store.projects().await?;
        Ok(projects.into_iter().find(|project| project.organisation == organisation.id && project.name.eq_ignore_ascii_case(name)))
    }

    /// The ticket meant: the named one, else the one of the branch that is checked out.
    pub async fn key(&mut self, named: Option<TicketKey>) -> Result<TicketKey, Failure> {
        if let Some(key) = named {
            return Ok(key);
        }
        let Some(clone) = self.clone_here() else {
            return Err(Failure::usage("which ticket?", "give its key, like KAN-12, or stand in a clone on the ticket's branch"));
        };
        let branch = clone.branch.clone();
        let found = clone.ticket();
        let ctx = self.ctx().await?;
        if let Some(key) = found
            && ctx.store.ticket(&key).await?.is_some()
        {
            return Ok(key);
        }
        let branch = branch.map_or("no branch is checked out".to_owned(), |branch| format!("branch {branch} names none on the board"));
        Err(Failure::usage(format!("which ticket? {branch}"), "give its key, like KAN-12"))
    }

    /// The organisation meant: the one at this address, else the clone's, else the only one.
    pub async fn organisation(&mut self, url: Option<&str>) -> Result<Organisation, Failure> {
        let ctx = self.ctx().await?;
        if let Some(text) = url {
            let address = crate::ado::Address::parse(text)?;
            return match organisation_at(&ctx, address.base.url()).await? {
                Some(organisation) => Ok(organisation),
                None => Err(Failure::refused(
                    format!("{} is not connected", address.base.url()),
                    format!("connect it: `kanado connect {}`", address.base.url()),
                )),
            };
        }
        if self.globals.project.is_some() || self.project_of_clone(&ctx).await?.is_some() {
            let project = self.project().await?;
            return Ok(ctx.organisation(project.organisation).await?);
        }
        let mut all = ctx.store.organisations().await?;
        match all.len() {
            1 => Ok(all.remove(0)),
            0 => {
                Err(Failure::refused("no organisation is connected yet", "connect one: `kanado connect https://dev.azure.com/ORG/PROJECT`"))
            }
            _ => {
                let names: Vec<&str> = all.iter().map(|organisation| organisation.url.as_str()).collect();
                Err(Failure::usage(format!("which organisation? {}", names.join(", ")), "give its address"))
            }
        }
    }
}

/// The project of that name or key prefix.
pub async fn find_project(ctx: &Context, name: &str) -> Result<Project, Failure> {
    if let Some(project) = ctx.store.find_project(name).await? {
        return Ok(project);
    }
    let names: Vec<String> =
        ctx.store.projects().await?.into_iter().map(|project| format!("{} ({})", project.name, project.prefix)).collect();
    Err(match names.as_slice() {
        [] => Failure::refused("no project is on the board yet", "connect one: `kanado connect https://dev.azure.com/ORG/PROJECT`"),
        names => Failure::refused(format!("there is no project {name} on the board"), format!("it has {}", names.join(", "))),
    })
}

async fn organisation_at(ctx: &Context, url: &str) -> action::Result<Option<Organisation>> {
    Ok(ctx.store.organisations().await?.into_iter().find(|organisation| organisation.url.eq_ignore_ascii_case(url)))
}

/// The token sources of a configuration.
pub fn token_sources(config: &Config, environment: &crate::config::Environment, prompt: Prompt) -> TokenSources {
    let sources = TokenSources::file_only(config.paths.token_dir()).environment(|name| environment.get(name));
    let mut sources = if config.token.keyring { sources.keyrings() } else { sources };
    sources.command = config.token.command.clone();
    sources.service.command = config.service.command.clone();
    sources.command_timeout = std::time::Duration::from_millis(config.token.command_timeout_ms);
    sources.keyring_timeout = std::time::Duration::from_millis(config.token.keyring_timeout_ms);
    sources.prompt = prompt;
    sources
}

/// For tables: the longest text of a column, in cells.
pub fn widest<'a>(texts: impl Iterator<Item = &'a str>) -> usize {
    texts.map(unicode_width::UnicodeWidthStr::width).max().unwrap_or(0)
}

/// A text filled up to a width, or cut to it with an ellipsis.
pub fn fit(text: &str, width: usize) -> String {
    use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};
    let text = crate::notice::inert(text);
    let have = text.width();
    if have <= width {
        return format!("{text}{}", " ".repeat(width - have));
    }
    let mut cut = String::new();
    let mut used = 0;
    for c in text.chars() {
        let cells = c.width().unwrap_or(0);
        if used + cells + 1 > width {
            break;
        }
        used += cells;
        cut.push(c);
    }
    cut.push('…');
    cut.push_str(&" ".repeat(width.saturating_sub(used + 1)));
    cut
}
