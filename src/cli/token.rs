//! `kanado token`: keep a token, say where it comes from, replace it, forget it. No token is ever printed or taken from the arguments.

use std::io::Read;

use clap::{Subcommand, ValueEnum};
use jiff::civil::Date;
use serde_json::json;

use super::consent::{Decision, Outline, Reach};
use super::exit::{Exit, Failure};
use super::frame::Frame;
use crate::action::rotate_token;
use crate::ado::Address;
use crate::secret::{self, Answer, Found, Place, TokenSources};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Keep a token: asked for on the terminal, or read from standard input
    Set {
        #[command(flatten)]
        of: Of,
        #[command(flatten)]
        keeping: Keeping,
    },
    /// Say which sources there are, and which one is used
    Source(Of),
    /// Replace the token by a new one, after checking that it works
    Rotate {
        #[command(flatten)]
        of: Of,
        #[command(flatten)]
        keeping: Keeping,
    },
    /// Remove the token that is kept
    Forget(Of),
}

#[derive(Debug, clap::Args)]
struct Of {
    /// The organisation's address [default: the clone's or the project's, else the only one]
    #[arg(value_name = "URL")]
    organisation: Option<String>,
    /// The token of the account that receives, registers webhooks and comments for a team
    #[arg(long)]
    service: bool,
}

impl Of {
    /// Where the token is looked for and kept.
    fn sources(&self, frame: &Frame<'_>) -> TokenSources {
        if self.service { frame.token_sources().of_service() } else { frame.token_sources() }
    }

    /// Under which address it is kept.
    fn slot(&self, url: &str) -> String {
        if self.service { secret::service_slot(url) } else { url.to_owned() }
    }

    /// Whose it is, for people.
    fn words(&self) -> &'static str {
        if self.service { "service account's " } else { "" }
    }
}

#[derive(Debug, clap::Args)]
pub struct Keeping {
    /// The day the token ends, as Azure DevOps said when you made it
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub expires: Option<Date>,
    /// Where to keep it [default: best]
    #[arg(long = "in", value_enum, value_name = "PLACE")]
    pub place: Option<PlaceFlag>,
}

impl Keeping {
    pub fn place(&self) -> Place {
        self.place.unwrap_or(PlaceFlag::Best).place()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PlaceFlag {
    /// The desktop keyring if it answers, else a file only you can read
    Best,
    /// The desktop keyring
    Keyring,
    /// The Linux kernel's keyring: gone after a reboot
    Kernel,
    /// A file only you can read
    File,
}

impl PlaceFlag {
    fn place(self) -> Place {
        match self {
            Self::Best => Place::Best,
            Self::Keyring => Place::DesktopKeyring,
            Self::Kernel => Place::KernelKeyring,
            Self::File => Place::File,
        }
    }
}

pub async fn run(args: Args, frame: &mut Frame<'_>) -> Result<Exit, Failure> {
    match args.command {
        Command::Set { of, keeping } => set(&of, &keeping, frame).await,
        Command::Source(of) => source(&of, frame).await,
        Command::Rotate { of, keeping } => rotate(&of, &keeping, frame).await,
        Command::Forget(of) => forget(&of, frame).await,
    }
}

/// The address a token is for. An organisation need not be connected to have one.
async fn url(of: &Of, frame: &mut Frame<'_>) -> Result<String, Failure> {
    match &of.organisation {
        Some(text) => Ok(Address::parse(text)?.base.url().to_owned()),
        None => Ok(frame.organisation(None).await?.url),
    }
}

/// A token from the person: typed without echo, or the first line of standard input.
pub async fn from_person(frame: &mut Frame<'_>, url: &str) -> Result<Found, Failure> {
    if frame.output.stdio.stdin_is_terminal {
        frame.output.flush()?;
        return Ok(secret::ask(url).await?);
    }
    let mut bytes = Vec::with_capacity(64 * 1024);
    let read = (&mut frame.output.stdio.input).take(64 * 1024).read_to_end(&mut bytes);
    read.map_err(|error| Failure::local("cannot read the token from standard input", &error))?;
    Ok(secret::given(bytes)?)
}

async fn set(of: &Of, keeping: &Keeping, frame: &mut Frame<'_>) -> Result<Exit, Failure> {
    let url = url(of, frame).await?;
    if frame.globals.dry_run {
        frame.output.json(&json!({ "applied": false, "organisation": url }))?;
        frame.output.say(format!("would keep a token for {url}"))?;
        return Ok(Exit::Done);
    }
    let found = from_person(frame, &url).await?;
    let (sources, slot) = (of.sources(frame), of.slot(&url));
    let kept = secret::store(&sources, &slot, &found, keeping.place(), keeping.expires).await?;
    frame.output.json(&json!({
        "organisation": url, "kept_in": kept.to_string(), "kind": found.kind.words(), "expires": keeping.expires, "service": of.service,
    }))?;
    frame.output.say(format!("The {}{} for {url} is kept in {kept}.", of.words(), found.kind.words()))?;
    stronger(frame, &sources, &slot).await;
    Ok(Exit::Done)
}

/// A kept token is of no use while a stronger source has another one: say so.
async fn stronger(frame: &mut Frame<'_>, sources: &TokenSources, slot: &str) {
    let first = secret::sources(sources, slot).await.into_iter().find(|look| matches!(look.answer, Answer::Has(_) | Answer::Refused(_)));
    if let Some(look) = first
        && !is_stored(&look.source)
    {
        frame.output.note(format!("But {} is asked first, and has one too.", look.source));
    }
}

fn is_stored(source: &secret::Source) -> bool {
    !matches!(source, secret::Source::Command | secret::Source::ServiceCommand | secret::Source::Environment(_))
}

async fn source(of: &Of, frame: &mut Frame<'_>) -> Result<Exit, Failure> {
    let url = url(of, frame).await?;
    let (sources, slot) = (of.sources(frame), of.slot(&url));
    let looked = secret::sources(&sources, &slot).await;
    let used = looked.iter().position(|look| matches!(look.answer, Answer::Has(_) | Answer::Refused(_)));
    let works = used.is_some_and(|index| matches!(looked[index].answer, Answer::Has(_)));
    let expires = used.filter(|index| is_stored(&looked[*index].source)).and_then(|_| secret::expires(&sources, &slot));
    let days_left = expires.map(|date| secret::days_left(date, frame.clock.now()));
    let rows: Vec<_> = looked
        .iter()
        .enumerate()
        .map(|(index, look)| json!({ "source": look.source.to_string(), "answer": words(&look.answer), "used": used == Some(index) && works }))
        .collect();
    frame.output.json(&json!({ "organisation": url, "sources": rows, "expires": expires, "days_left": days_left }))?;
    let title = if of.service { "Service account's token" } else { "Token" };
    frame.output.say(format!("{title} for {url}, in the order of asking:"))?;
    for (index, look) in looked.iter().enumerate() {
        let mark = if used == Some(index) && works { ">" } else { " " };
        frame.output.say(format!("{mark} {}: {}", look.source, words(&look.answer)))?;
    }
    if let (Some(date), Some(days)) = (expires, days_left) {
        let left = match days {
            days if days < 0 => "it has ended".to_owned(),
            1 => "1 day left".to_owned(),
            days => format!("{days} days left"),
        };
        frame.output.say(format!("It ends on {date}: {left}."))?;
    }
    if !works && of.service && used.is_none() {
        frame.output.note("There is none: what a team shares is done with your own token.");
        return Ok(Exit::Done);
    }
    if !works {
        let hint = "store one with `kanado token set`, or set KANADO_PAT";
        return Err(Failure::new(Exit::Failed, "token", crate::notice::Notice::new(format!("no usable token for {url}")).hint(hint)));
    }
    Ok(Exit::Done)
}

fn words(answer: &Answer) -> String {
    match answer {
        Answer::Has(kind) => format!("has a {}", kind.words()),
        Answer::Nothing => "nothing".to_owned(),
        Answer::Unavailable(why) => format!("passed over: {why}"),
        Answer::Refused(why) => format!("stops the search: {why}"),
    }
}

async fn rotate(of: &Of, keeping: &Keeping, frame: &mut Frame<'_>) -> Result<Exit, Failure> {
    if of.service {
        return Err(Failure::usage(
            "the service account's token is not rotated",
            "`kanado token set --service` keeps a new one in its place",
        ));
    }
    let organisation = frame.organisation(of.organisation.as_deref()).await?;
    if frame.globals.dry_run {
        frame.output.json(&json!({ "applied": false, "organisation": organisation.url }))?;
        frame.output.say(format!("would check a new token for {} and keep it in place of the old one", organisation.url))?;
        return Ok(Exit::Done);
    }
    let mut found = from_person(frame, &organisation.url).await?;
    found.expires = keeping.expires;
    let ctx = frame.ctx().await?;
    let (checked, kept) = rotate_token::run(&ctx, &organisation, &found, keeping.place()).await?;
    frame.output.json(&json!({
        "organisation": organisation.url, "kept_in": kept.to_string(), "user": checked.connection.me,
        "expires": keeping.expires, "scopes": checked.scopes,
    }))?;
    frame.output.say(format!("It is {}'s and works; it is kept in {kept} in place of the old one.", checked.connection.me.display_name))?;
    super::connect::say_missing_scopes(frame, &checked)?;
    let sources = frame.token_sources();
    stronger(frame, &sources, &organisation.url).await;
    Ok(Exit::Done)
}

async fn forget(of: &Of, frame: &mut Frame<'_>) -> Result<Exit, Failure> {
    let url = url(of, frame).await?;
    let plan = json!({ "organisation": url });
    let outline = Outline { reach: Reach::Lasting, lines: vec![format!("forget the token kept for {url}")], warnings: &[], plan: &plan };
    if let Decision::Stop(exit) = frame.settle(&outline)? {
        return Ok(exit);
    }
    let removed = secret::forget(&of.sources(frame), &of.slot(&url)).await?;
    let names: Vec<String> = removed.iter().map(ToString::to_string).collect();
    frame.output.json(&json!({ "organisation": url, "removed_from": names }))?;
    frame.output.say(match names.as_slice() {
        [] => format!("Nothing was kept for {url}."),
        names => format!("The token for {url} is removed from {}.", names.join(", ")),
    })?;
    frame.output.note("It still works until it is revoked in Azure DevOps: User settings > Personal access tokens.");
    Ok(Exit::Done)
}
