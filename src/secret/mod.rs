//! Tokens: where they come from, in which order, and where they are kept. One token an organisation URL.
//!
//! Order: the configured command, `KANADO_PAT`, `AZURE_DEVOPS_EXT_PAT`, the desktop's keyring, the Linux kernel's keyring, a
//! file only its owner can read, a question on the terminal. The first that has one wins. A keyring that is missing, locked or
//! silent is passed over within its time limit; a command that fails, or a file that others can read, stops the search, because
//! going on would use another token than the person meant. No token is ever in an argument list, a configuration, a database,
//! a log or an error; [`redact`] is the last line of defence, not the first.

mod command;
mod dates;
mod echo;
mod error;
mod file;
mod ring;
mod token;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::civil::Date;
use secrecy::SecretString;

use echo::Silence;

pub use dates::days_left;
pub use error::Error;
pub use ring::{Ring, RingError};
pub use token::{Kind, redact};

/// Where a token came from, or is kept.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Source {
    Command,
    Environment(&'static str),
    DesktopKeyring,
    KernelKeyring,
    File(PathBuf),
    /// Typed on the terminal, or handed in on standard input.
    Person,
    /// The command for the account that a team shares.
    ServiceCommand,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Command => f.write_str("the command in token.command"),
            Self::Environment(name) => write!(f, "the environment variable {name}"),
            Self::DesktopKeyring => f.write_str("the desktop keyring"),
            Self::KernelKeyring => f.write_str("the kernel keyring"),
            Self::File(path) => write!(f, "the file {}", path.display()),
            Self::Person => f.write_str("you"),
            Self::ServiceCommand => f.write_str("the command in service.command"),
        }
    }
}

/// Where `store` puts a token.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Place {
    /// The desktop keyring where it answers, else the file.
    #[default]
    Best,
    DesktopKeyring,
    /// Gone after a reboot, and after some days unused: a cache.
    KernelKeyring,
    File,
}

/// A token, and what may be said of it.
#[derive(Debug, Clone)]
pub struct Found {
    pub credential: SecretString,
    pub kind: Kind,
    pub source: Source,
    /// As the person stated it when storing; tokens cannot tell their own. Absent for tokens that are not stored here.
    pub expires: Option<Date>,
}

/// Whether a person may be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prompt {
    /// There is a terminal, and it is not busy showing a board.
    Terminal,
    Never,
}

/// Everything there is to ask.
#[derive(Clone)]
pub struct TokenSources {
    pub command: Option<String>,
    pub command_timeout: Duration,
    /// Variables that hold a token, strongest first.
    pub environment: Vec<(&'static str, SecretString)>,
    /// Absent where it is switched off or the platform has none.
    pub desktop: Option<Arc<dyn Ring>>,
    pub kernel: Option<Arc<dyn Ring>>,
    pub keyring_timeout: Duration,
    /// Where token files are kept.
    pub folder: PathBuf,
    pub prompt: Prompt,
    pub service: ServiceSources,
}

/// Where the token of the account that a team shares comes from, besides the keyrings and the file.
#[derive(Clone, Default)]
pub struct ServiceSources {
    pub command: Option<String>,
    pub environment: Option<SecretString>,
}

/// The variable that holds the token of the shared account.
pub const SERVICE_VARIABLE: &str = "KANADO_SERVICE_TOKEN";

/// The variables asked, strongest first.
pub const VARIABLES: [&str; 2] = ["KANADO_PAT", "AZURE_DEVOPS_EXT_PAT"];

impl TokenSources {
    /// Only the file: nothing of the machine is asked. The other sources are added to it.
    pub fn file_only(folder: PathBuf) -> Self {
        Self {
            command: None,
            command_timeout: Duration::from_secs(30),
            environment: Vec::new(),
            desktop: None,
            kernel: None,
            keyring_timeout: Duration::from_secs(3),
            folder,
            prompt: Prompt::Never,
            service: ServiceSources::default(),
        }
    }

    /// The sources of the shared account's token. It is kept beside the organisation's own, under [`service_slot`]; nobody is asked
    /// for it, because without it the user's own is used.
    pub fn of_service(&self) -> Self {
        let environment = self.service.environment.iter().map(|token| (SERVICE_VARIABLE, token.clone())).collect();
        Self { command: self.service.command.clone(), environment, prompt: Prompt::Never, ..self.clone() }
    }

    /// Takes the tokens of the environment that `get` reads.
    pub fn environment<'a>(mut self, get: impl Fn(&'static str) -> Option<&'a str>) -> Self {
        self.environment = VARIABLES.iter().filter_map(|name| Some((*name, SecretString::from(get(name)?)))).collect();
        self.service.environment = get(SERVICE_VARIABLE).map(SecretString::from);
        self
    }

    /// Asks the keyrings of this machine too.
    pub fn keyrings(mut self) -> Self {
        self.desktop = ring::desktop();
        self.kernel = ring::kernel();
        self
    }

    fn rings(&self) -> impl Iterator<Item = (Source, &Arc<dyn Ring>)> {
        let desktop = self.desktop.as_ref().map(|ring| (Source::DesktopKeyring, ring));
        desktop.into_iter().chain(self.kernel.as_ref().map(|ring| (Source::KernelKeyring, ring)))
    }
}

/// What one source said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    pub source: Source,
    pub answer: Answer,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It has a token; the first one that has is used.
    Has(Kind),
    Nothing,
    /// It cannot be asked, in words; passed over.
    Unavailable(String),
    /// It stops the search, in words.
    Refused(String),
}

/// The token for an organisation, from the first source that has one.
pub async fn find(sources: &TokenSources, organisation_url: &str) -> Result<Found, Error> {
    let mut looked = Vec::new();
    match search(sources, organisation_url, &mut looked).await? {
        Some(found) => Ok(found),
        None if sources.prompt == Prompt::Terminal => ask(organisation_url).await,
        None => Err(Error::NoToken { url: organisation_url.to_owned(), unavailable: unavailable(looked) }),
    }
}

/// Under which address the shared account's token of an organisation is kept: no organisation has this one.
pub fn service_slot(organisation_url: &str) -> String {
    format!("{}{SLOT}", organisation_url.trim_end_matches('/'))
}

const SLOT: &str = "#service";

/// The token of the account that a team shares; nothing where none is set up.
pub async fn find_service(sources: &TokenSources, organisation_url: &str) -> Result<Option<Found>, Error> {
    search(&sources.of_service(), &service_slot(organisation_url), &mut Vec::new()).await
}

/// Asks a person on the terminal, without echo. Fails where there is none.
pub async fn ask(organisation_url: &str) -> Result<Found, Error> {
    let prompt = format!("Token for {} (not shown): ", crate::notice::inert(organisation_url));
    let typed = ring::within(None, move || {
        // The question is printed before it is made sure that nothing typed is shown; this is there before it.
        let _silence = Silence::begin();
        rpassword::prompt_password(prompt)
    })
    .await;
    let typed = typed.unwrap_or_else(|| Err(std::io::ErrorKind::Interrupted.into())).map_err(|source| Error::Prompt { source })?;
    found(zeroize::Zeroizing::new(typed.into_bytes()), Source::Person, None)
}

/// A token that a person handed over in another way, such as standard input.
pub fn given(bytes: Vec<u8>) -> Result<Found, Error> {
    found(zeroize::Zeroizing::new(bytes), Source::Person, None)
}

/// What every source says, in the order they are asked. Runs the command, asks the keyrings; never prompts.
pub async fn sources(sources: &TokenSources, organisation_url: &str) -> Vec<Look> {
    let mut looked = Vec::new();
    for stage in stages(sources) {
        let answer = match stage.look(sources, organisation_url).await {
            Ok(Some(found)) => Answer::Has(found.kind),
            Ok(None) => Answer::Nothing,
            Err(Passed::Over(words)) => Answer::Unavailable(words),
            Err(Passed::Stop(error)) => Answer::Refused(error.to_string()),
        };
        looked.push(Look { source: stage.source(sources, organisation_url), answer });
    }
    looked
}

/// Keeps a token for an organisation in one place, removes it from all the others, and notes the date it ends, if given.
pub async fn store(
    sources: &TokenSources,
    organisation_url: &str,
    token: &Found,
    place: Place,
    expires: Option<Date>,
) -> Result<Source, Error> {
    token::remember(&token.credential);
    let kept = match place {
        Place::File => file::write(&sources.folder, organisation_url, &token.credential)?,
        Place::DesktopKeyring => write_ring(sources, Source::DesktopKeyring, organisation_url, token).await?,
        Place::KernelKeyring => write_ring(sources, Source::KernelKeyring, organisation_url, token).await?,
        Place::Best => match write_ring(sources, Source::DesktopKeyring, organisation_url, token).await {
            Ok(kept) => kept,
            Err(_) => file::write(&sources.folder, organisation_url, &token.credential)?,
        },
    };
    remove(sources, organisation_url, Some(&kept)).await?;
    dates::set(&sources.folder, organisation_url, expires)?;
    Ok(kept)
}

/// Removes what `store` kept; says from where. Commands and variables are not ours to remove.
pub async fn forget(sources: &TokenSources, organisation_url: &str) -> Result<Vec<Source>, Error> {
    let removed = remove(sources, organisation_url, None).await?;
    dates::set(&sources.folder, organisation_url, None)?;
    Ok(removed)
}

/// The date a stored token ends, as the person stated it.
pub fn expires(sources: &TokenSources, organisation_url: &str) -> Option<Date> {
    dates::get(&sources.folder, organisation_url)
}

async fn remove(sources: &TokenSources, url: &str, except: Option<&Source>) -> Result<Vec<Source>, Error> {
    let mut removed = Vec::new();
    for (source, ring) in sources.rings() {
        if Some(&source) == except {
            continue;
        }
        let account = account(url);
        let ring = Arc::clone(ring);
        // A keyring that does not answer now did not answer when the token was looked for either.
        if let Some(Ok(true)) = ring::within(Some(sources.keyring_timeout), move || ring.delete(&account)).await {
            removed.push(source);
        }
    }
    let file = Source::File(file::path(&sources.folder, url));
    if Some(&file) != except && file::delete(&sources.folder, url)? {
        removed.push(file);
    }
    Ok(removed)
}

async fn write_ring(sources: &TokenSources, which: Source, url: &str, token: &Found) -> Result<Source, Error> {
    let refused = |why: String| Error::NotKept { source_name: which.to_string(), why };
    let Some((_, ring)) = sources.rings().find(|(source, _)| *source == which) else {
        return Err(refused("there is none here, or keyrings are switched off by token.keyring".to_owned()));
    };
    let (ring, account, credential) = (Arc::clone(ring), account(url), token.credential.clone());
    match ring::within(Some(sources.keyring_timeout), move || ring.write(&account, &credential)).await {
        Some(Ok(())) => Ok(which),
        Some(Err(error)) => Err(refused(error.to_string())),
        None => Err(refused("it did not answer in time; it may be locked".to_owned())),
    }
}

/// How a keyring names an organisation: addresses are the same in any case, with or without a final slash.
fn account(url: &str) -> String {
    url.trim_end_matches('/').to_lowercase()
}

fn found(bytes: zeroize::Zeroizing<Vec<u8>>, source: Source, expires: Option<Date>) -> Result<Found, Error> {
    let (credential, kind) = token::read(&bytes).map_err(|why| Error::NotAToken { source_name: source.to_string(), why })?;
    token::remember(&credential);
    Ok(Found { credential, kind, source, expires })
}

async fn search(sources: &TokenSources, url: &str, looked: &mut Vec<(Source, String)>) -> Result<Option<Found>, Error> {
    for stage in stages(sources) {
        match stage.look(sources, url).await {
            Ok(Some(found)) => return Ok(Some(found)),
            Ok(None) => {}
            Err(Passed::Over(words)) => looked.push((stage.source(sources, url), words)),
            Err(Passed::Stop(error)) => return Err(error),
        }
    }
    Ok(None)
}

fn unavailable(looked: Vec<(Source, String)>) -> String {
    looked.into_iter().map(|(source, words)| format!("; {source}: {words}")).collect()
}

/// A source as a step of the search.
#[derive(Clone, Copy)]
enum Stage {
    Command,
    Variable(usize),
    Ring(usize),
    File,
}

/// Why a source gave no token.
enum Passed {
    Over(String),
    Stop(Error),
}

fn stages(sources: &TokenSources) -> Vec<Stage> {
    let command = sources.command.iter().map(|_| Stage::Command);
    let variables = (0..sources.environment.len()).map(Stage::Variable);
    let rings = (0..sources.rings().count()).map(Stage::Ring);
    command.chain(variables).chain(rings).chain([Stage::File]).collect()
}

impl Stage {
    fn source(self, sources: &TokenSources, url: &str) -> Source {
        match self {
            Self::Command if url.ends_with(SLOT) => Source::ServiceCommand,
            Self::Command => Source::Command,
            Self::Variable(index) => Source::Environment(sources.environment[index].0),
            Self::Ring(index) => sources.rings().nth(index).map_or(Source::DesktopKeyring, |(source, _)| source),
            Self::File => Source::File(file::path(&sources.folder, url)),
        }
    }

    async fn look(self, sources: &TokenSources, url: &str) -> Result<Option<Found>, Passed> {
        let source = self.source(sources, url);
        let bytes = match self {
            Self::Command => {
                let Some(line) = &sources.command else { return Ok(None) };
                let setting = if url.ends_with(SLOT) { "service.command" } else { "token.command" };
                Some(command::run(setting, line, url.trim_end_matches(SLOT), sources.command_timeout).await.map_err(Passed::Stop)?)
            }
            Self::Variable(index) => {
                use secrecy::ExposeSecret;
                let text = sources.environment[index].1.expose_secret();
                Some(zeroize::Zeroizing::new(text.as_bytes().to_vec()))
            }
            Self::Ring(index) => {
                let Some((_, ring)) = sources.rings().nth(index) else { return Ok(None) };
                let (ring, account) = (Arc::clone(ring), account(url));
                match ring::within(Some(sources.keyring_timeout), move || ring.read(&account)).await {
                    Some(Ok(bytes)) => bytes,
                    Some(Err(error)) => return Err(Passed::Over(error.to_string())),
                    None => return Err(Passed::Over("it did not answer in time; it may be locked".to_owned())),
                }
            }
            Self::File => file::read(&sources.folder, url).map_err(Passed::Stop)?,
        };
        let stored = matches!(self, Self::Ring(_) | Self::File);
        let expires = if stored { dates::get(&sources.folder, url) } else { None };
        bytes.map(|bytes| found(bytes, source, expires)).transpose().map_err(Passed::Stop)
    }
}

#[cfg(test)]
mod tests;
