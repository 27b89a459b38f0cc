//! `kanado sim`: the simulated Azure DevOps by itself, until it is told to end.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use jiff::Timestamp;
use serde_json::json;

use super::exit::{Exit, Failure};
use super::frame::{Frame, Workers};
use crate::notice::Notice;
use crate::sim::fault::FaultSpec;
use crate::sim::generate::Size;
use crate::sim::hooks::Loopback;
use crate::sim::hooks::faults::HookFaults;
use crate::sim::rate::Rate;
use crate::sim::{self, Cast, Content, Control, Options, Running, ServerVersion, TlsFiles};

/// The kinds of faults, as `crate::sim::fault` has them.
const FAULTS: &str = "\
Faults are written KIND[@N][:OPTION]...
  Kinds: 429, 200-retry-after, 401, 403, 203, 302, html, 500, 502, 503, 503-bom, cut, slow
  @N               that request only, counted among those the filters let through
  every=K          of these, the first and each K-th after it
  times=N|always   so many requests
  path=TEXT        only requests whose path and query contain TEXT
  method=POST      only requests with this method
  retry-after=S    seconds, for 429 and 200-retry-after
  ms=N             milliseconds, for slow
  before, after    whether the request's work is left undone or done
Such as: --fault 429@3:retry-after=1:path=/refs --fault cut:method=POST:path=/pushes:times=1";

#[derive(Debug, clap::Args)]
#[command(after_long_help = FAULTS)]
pub struct Args {
    /// Where to listen; port 0 takes any free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:4100")]
    listen: SocketAddr,
    /// What it calls itself in every URL it gives out [default: where it listens]
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// Speak TLS with this certificate (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// The key of the certificate (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Act as a Server of this year instead of as the Services
    #[arg(long, value_enum, value_name = "YEAR")]
    server_version: Option<ServerFlag>,
    /// The same seed makes the same world
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
    /// Begin with a whole organisation and its last months instead of the harbour of the demo
    #[arg(long, value_enum, value_name = "SIZE", conflicts_with = "load")]
    organisation: Option<SizeFlag>,
    /// Write what was planned for that organisation to this file, as JSON
    #[arg(long, value_name = "FILE", requires = "organisation")]
    plan: Option<PathBuf>,
    /// Keep the world here, and find it again [default: a temporary folder]
    #[arg(long, value_name = "FOLDER")]
    state: Option<PathBuf>,
    /// Answer each request this much later
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 0)]
    latency_ms: u64,
    /// Misbehave, such as `429@3:retry-after=1:path=/refs` (may be given several times); see below
    #[arg(long = "fault", value_name = "SPEC")]
    faults: Vec<String>,
    /// Begin with these raw JSON objects instead of the seeded world
    #[arg(long, value_name = "FOLDER")]
    load: Option<PathBuf>,
    /// Offer the control API under /_sim/: vote, comment, merge, advance the clock, count requests
    #[arg(long)]
    control: bool,
    /// Whether teammates act by themselves
    #[arg(long, value_enum, default_value_t = CastFlag::Off)]
    cast: CastFlag,
    /// Let webhooks go to this machine itself, also over http; Azure DevOps refuses that
    #[arg(long)]
    allow_loopback_hooks: bool,
    /// Deliver webhooks badly, such as `duplicate=1,drop=25%,delay=3,reorder=500,paused,seed=7`
    #[arg(long, value_name = "SPEC")]
    hook_fault: Option<HookFaults>,
    /// What everybody may ask for in five minutes, in TSTU, as the Services limit it to 200; `8/2` is 8 in two seconds
    #[arg(long, value_name = "TSTU[/SECONDS]")]
    rate: Option<Rate>,
    /// What its clock shows at the start [default: now]
    #[arg(long, value_name = "TIME")]
    start: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum SizeFlag {
    /// 1 project, 5 repositories, 60 pull requests, 400 runs
    S,
    /// 10 projects, 50 repositories, 600 pull requests, 3,000 runs
    M,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ServerFlag {
    #[value(name = "2019")]
    Server2019,
    #[value(name = "2020")]
    Server2020,
    #[value(name = "2022")]
    Server2022,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CastFlag {
    /// Nobody acts
    Off,
    /// They wait to be told
    Paused,
    /// They review and merge after a while
    Running,
}

impl CastFlag {
    pub fn cast(self) -> Cast {
        match self {
            Self::Off => Cast::Off,
            Self::Paused => Cast::Paused,
            Self::Running => Cast::Running,
        }
    }
}

impl Args {
    fn options(self) -> Result<Options, Failure> {
        let mut faults = Vec::new();
        for text in &self.faults {
            let spec: FaultSpec =
                text.parse().map_err(|error| Failure::usage(format!("{error}"), "such as --fault 429@3:retry-after=1"))?;
            faults.push(spec);
        }
        Ok(Options {
            listen: self.listen,
            public_url: self.public_url,
            tls: self.tls_cert.zip(self.tls_key).map(|(cert, key)| TlsFiles { cert, key }),
            server_version: match self.server_version {
                None => ServerVersion::Services,
                Some(ServerFlag::Server2019) => ServerVersion::Server2019,
                Some(ServerFlag::Server2020) => ServerVersion::Server2020,
                Some(ServerFlag::Server2022) => ServerVersion::Server2022,
            },
            seed: self.seed,
            state_dir: self.state,
            latency_ms: self.latency_ms,
            faults,
            organisation: match self.organisation {
                None => Content::Seeded,
                Some(SizeFlag::S) => Content::Generated(Size::S),
                Some(SizeFlag::M) => Content::Generated(Size::M),
            },
            load: self.load,
            control: if self.control { Control::On } else { Control::Off },
            cast: self.cast.cast(),
            start: self.start,
            loopback_hooks: if self.allow_loopback_hooks { Loopback::Allowed } else { Loopback::Refused },
            hook_faults: self.hook_fault.unwrap_or_default(),
            rate: self.rate,
        })
    }
}

pub fn run(args: Args, frame: &mut Frame<'_>) -> Result<Exit, Failure> {
    let (version, plan) = (args.server_version, args.plan.clone());
    let options = args.options()?;
    frame.block_on(Workers::Several, async |frame| {
        let running = sim::start(options).await.map_err(failed)?;
        if let Some(file) = plan {
            write_plan(&running, &file)?;
        }
        announce(frame, &running, version)?;
        frame.output.flush()?;
        until_told().await;
        running.stop().await;
        Ok(Exit::Done)
    })
}

pub fn failed(error: sim::Error) -> Failure {
    Failure::new(Exit::Failed, "sim", Notice::new(error.to_string()))
}

fn write_plan(running: &Running, file: &Path) -> Result<(), Failure> {
    let refused = |words: String| Failure::new(Exit::Failed, "sim", Notice::new(words));
    let plan = running.plan().ok_or_else(|| refused("the world kept here was not generated, so there is no plan to write".to_owned()))?;
    let text = serde_json::to_vec_pretty(plan).map_err(|error| refused(format!("the plan could not be written as JSON: {error}")))?;
    std::fs::write(file, text).map_err(|error| refused(format!("could not write the plan to {}: {error}", file.display())))
}

/// The tokens are the simulator's own: they open nothing else.
fn announce(frame: &mut Frame<'_>, running: &Running, version: Option<ServerFlag>) -> Result<(), Failure> {
    let (name, api_version) = match version {
        None => ("Azure DevOps Services", "7.1"),
        Some(ServerFlag::Server2019) => ("Azure DevOps Server 2019", "5.0"),
        Some(ServerFlag::Server2020) => ("Azure DevOps Server 2020", "6.0"),
        Some(ServerFlag::Server2022) => ("Azure DevOps Server 2022", "7.0"),
    };
    let tokens: Vec<_> = running
        .tokens()
        .iter()
        .map(|token| {
            json!({
                "user": token.user, "display_name": token.display_name, "token": token.token, "scopes": token.scopes,
                "expires": token.expires, "note": token.note,
            })
        })
        .collect();
    frame.output.json(&json!({
        "url": running.url(), "organisation_url": running.organisation_url(), "acts_as": name, "api_version": api_version, "tokens": tokens,
    }))?;
    frame.output.say(format!("A simulated {name} listens on {}", running.url()))?;
    frame.output.say(format!("  organisation  {}", running.organisation_url()))?;
    if let Some(token) = running.tokens().first() {
        frame.output.say(format!(
            "  connect       KANADO_PAT={} kanado connect {}/{}",
            token.token,
            running.organisation_url(),
            running.first_project()
        ))?;
    }
    frame.output.say("Tokens (they open nothing but this simulator):")?;
    for token in running.tokens() {
        frame.output.say(format!("  {}  {:<22} {}", token.token, token.user, token.note))?;
    }
    frame.output.note("Ctrl+C ends it.");
    Ok(())
}

/// Ends at Ctrl+C and at SIGTERM.
async fn until_told() {
    #[cfg(unix)]
    {
        let terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate());
        if let Ok(mut terminate) = terminate {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}
