//! `kanado doctor`: looks at everything kanado needs, says what is wrong and what to do. Changes nothing.

use serde::Serialize;
use serde_json::json;

use super::exit::{Exit, Failure};
use super::frame::{Frame, Workers};
use crate::action::connect;
use crate::ado::{Address, Base, ScopeOutcome};
use crate::config::Config;
use crate::domain::project::Organisation;
use crate::notice::{Explain, Notice};
use crate::secret::{self, Prompt};
use crate::store::Level;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Ask nobody over the network
    #[arg(long)]
    offline: bool,
}

#[derive(Debug, Serialize)]
struct Finding {
    subject: String,
    level: Level,
    words: String,
    hint: Option<String>,
}

impl Finding {
    fn good(subject: impl Into<String>, words: impl Into<String>) -> Self {
        Self { subject: subject.into(), level: Level::Good, words: words.into(), hint: None }
    }

    fn of(subject: impl Into<String>, level: Level, notice: Notice) -> Self {
        Self { subject: subject.into(), level, words: notice.text, hint: notice.hint }
    }
}

/// Days before its end from which a token is worth a warning.
const SOON: i32 = 14;

pub fn run(args: &Args, frame: &mut Frame<'_>) -> Result<Exit, Failure> {
    let mut findings = vec![terminal(frame)];
    match Config::load(&frame.globals.overrides(&frame.output.stdio.environment)) {
        Ok((config, notices)) => {
            let file = config.paths.config_file.display().to_string();
            findings.extend(
                notices.into_iter().chain(super::board::key_problems(&config)).map(|n| Finding::of("configuration", Level::Warning, n)),
            );
            findings.push(Finding::good(
                "configuration",
                if config.paths.config_file.exists() { file } else { format!("{file} is not there: the defaults count") },
            ));
            frame.use_config(config);
            frame.block_on(Workers::One, async |frame| {
                findings.push(git().await);
                findings.extend(store(frame, args).await);
                Ok(())
            })?;
        }
        Err(error) => findings.push(Finding::of("configuration", Level::Bad, error.notice())),
    }
    let worst = findings.iter().map(|finding| finding.level).max().unwrap_or(Level::Good);
    frame.output.json(&json!({ "version": env!("CARGO_PKG_VERSION"), "findings": findings }))?;
    frame.output.say(format!("kanado {}", env!("CARGO_PKG_VERSION")))?;
    for finding in &findings {
        let mark = match finding.level {
            Level::Good => "ok     ",
            Level::Warning => "warning",
            Level::Bad => "bad    ",
        };
        frame.output.say(format!("{mark}  {}: {}", finding.subject, finding.words))?;
        if let Some(hint) = &finding.hint {
            frame.output.say(format!("           {hint}"))?;
        }
    }
    Ok(if worst == Level::Bad { Exit::Failed } else { Exit::Done })
}

fn terminal(frame: &Frame<'_>) -> Finding {
    let stdio = &frame.output.stdio;
    let term = stdio.environment.get("TERM").unwrap_or("");
    if term.is_empty() || term == "dumb" {
        let notice = Notice::new(format!("TERM is `{term}`: the board cannot be drawn here"))
            .hint("every action is a subcommand as well: `kanado --help`");
        return Finding::of("terminal", Level::Warning, notice);
    }
    if !stdio.environment.is_utf8() {
        let notice = Notice::new(format!("{term}; the locale is not UTF-8, so the board is drawn with ASCII"))
            .hint("set LANG to a UTF-8 locale, such as C.UTF-8");
        return Finding::of("terminal", Level::Warning, notice);
    }
    Finding::good("terminal", format!("{term}, UTF-8"))
}

async fn git() -> Finding {
    match tokio::process::Command::new("git").arg("--version").output().await {
        Ok(output) if output.status.success() => Finding::good("git", String::from_utf8_lossy(&output.stdout).trim().to_owned()),
        _ => {
            let notice = Notice::new("git is not there; only `start --checkout` and the simulator need it").hint("install git");
            Finding::of("git", Level::Warning, notice)
        }
    }
}

async fn store(frame: &mut Frame<'_>, args: &Args) -> Vec<Finding> {
    let stopped = |failure: Failure| match failure {
        Failure::Stopped { notice, .. } => vec![Finding::of("store", Level::Bad, notice)],
        Failure::ClosedPipe => Vec::new(),
    };
    let ctx = match frame.ctx().await {
        Ok(ctx) => ctx,
        Err(failure) => return stopped(failure),
    };
    let mut findings = Vec::new();
    match ctx.store.check().await {
        Ok(found) => findings.extend(found.into_iter().map(|found| Finding {
            subject: format!("store, {}", found.subject.replace('_', " ")),
            level: found.level,
            words: found.words,
            hint: found.hint,
        })),
        Err(error) => findings.push(Finding::of("store", Level::Bad, error.notice())),
    }
    match ctx.store.organisations().await {
        Ok(organisations) if organisations.is_empty() => {
            let notice = Notice::new("none is connected").hint("connect one: `kanado connect https://dev.azure.com/ORG/PROJECT`");
            findings.push(Finding::of("organisation", Level::Warning, notice));
        }
        Ok(organisations) => {
            for organisation in &organisations {
                findings.extend(reach(frame, &ctx, organisation, args).await);
            }
        }
        Err(error) => findings.push(Finding::of("store", Level::Bad, error.notice())),
    }
    findings
}

/// Token and connection of an organisation.
async fn reach(frame: &Frame<'_>, ctx: &crate::action::Context, organisation: &Organisation, args: &Args) -> Vec<Finding> {
    let subject = format!("organisation {}", organisation.name);
    let sources = super::frame::token_sources(&frame.config, &frame.output.stdio.environment, Prompt::Never);
    let found = match secret::find(&sources, &organisation.url).await {
        Ok(found) => found,
        Err(error) => return vec![Finding::of(subject, Level::Bad, error.notice())],
    };
    let mut findings = Vec::new();
    let from = format!("{} from {}", found.kind.words(), found.source);
    match found.expires.map(|date| (date, secret::days_left(date, frame.clock.now()))) {
        Some((date, days)) if days < SOON => {
            let words = if days < 0 { format!("{from}; it ended on {date}") } else { format!("{from}; it ends on {date}, in {days} days") };
            let notice = Notice::new(words).hint("make a new one in Azure DevOps, then `kanado token rotate --expires DATE`");
            findings.push(Finding::of(&subject, if days < 0 { Level::Bad } else { Level::Warning }, notice));
        }
        Some((_, days)) => findings.push(Finding::good(&subject, format!("{from}; {days} days left"))),
        None => findings.push(Finding::good(&subject, from)),
    }
    if args.offline {
        return findings;
    }
    let base = match Base::new(&organisation.url) {
        Ok(base) => base,
        Err(error) => {
            findings.push(Finding::of(&subject, Level::Bad, error.notice()));
            return findings;
        }
    };
    let address = Address { base, project: None, repository: None };
    match connect::check(ctx, &address, &crate::action::credential(&found)).await {
        Err(error) => findings.push(Finding::of(&subject, Level::Bad, error.notice())),
        Ok(checked) => {
            let me = &checked.connection.me;
            let words = format!("answers; you are {} <{}>, {} projects", me.display_name, me.unique_name, checked.projects.len());
            findings.push(Finding::good(&subject, words));
            for scope in checked.scopes {
                if scope.outcome == ScopeOutcome::Missing {
                    let notice = Notice::new(format!("the token lacks {}, needed for: {}", scope.scope, scope.needed_for));
                    findings.push(Finding::of(
                        &subject,
                        Level::Warning,
                        notice.hint("make a token with that scope, then `kanado token rotate`"),
                    ));
                }
            }
        }
    }
    findings
}
