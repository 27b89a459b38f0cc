//! `kanado backfill`: collect the facts that delivery figures rest on, now, and show how far it is.
//!
//! Killed or stopped, it goes on where it was when it is run again. While the board or a receiver collects the same project, it waits
//! for its turn.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::exit::{Exit, Failure};
use super::frame::Frame;
use super::progress::told_to_stop;
use super::stdio::Host;
use crate::action::Context;
use crate::domain::collection::Source;
use crate::domain::lack::Lack;
use crate::domain::project::Project;
use crate::engine;
use crate::notice::{Notice, inert};
use crate::sync::collect::progress::State;
use crate::sync::collect::{Ended, Progress};

/// How often progress is shown.
const EVERY: Duration = Duration::from_millis(250);

#[derive(Debug, clap::Args)]
pub struct Args {
    /// How far back to go [default: metrics.days, or as far as was collected]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=3650))]
    days: Option<u16>,
    /// Requests under way at once, at most [default: 16, and fewer where Azure DevOps asks for it]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64))]
    at_once: Option<u16>,
}

pub async fn run(args: Args, frame: &mut Frame<'_>) -> Result<Exit, Failure> {
    let ctx = frame.ctx().await?;
    let projects = if frame.globals.project.is_some() { vec![frame.project().await?] } else { ctx.store.projects().await? };
    if projects.is_empty() {
        return Err(Failure::refused("no project is on the board yet", "connect one: `kanado connect https://dev.azure.com/ORG/PROJECT`"));
    }
    measure(&ctx, &projects, args.days).await?;

    let mut settings = engine::collect_settings(&ctx.config);
    settings.at_once = args.at_once.map_or(settings.at_once, usize::from);
    let (sender, receiver) = watch::channel(Progress::default());
    let mut shown = Shown::new(frame);
    let mut work = std::pin::pin!(engine::collect_now(&ctx, &projects, &settings, &sender));
    let mut stopped = std::pin::pin!(told_to_stop());
    let mut moments = tokio::time::interval(EVERY);
    moments.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let ended = loop {
        tokio::select! {
            biased;
            () = &mut stopped => {
                shown.clear();
                let progress = receiver.borrow().clone();
                let notice = Notice::new(format!("stopped after {}", calls(&progress))).hint("the same command goes on where it was");
                return Err(Failure::new(Exit::Partly, "interrupted", notice));
            }
            ended = &mut work => break ended?,
            _ = moments.tick() => {
                let progress = receiver.borrow().clone();
                shown.show(frame, &progress, ctx.clock.now())?;
            }
        }
    };
    shown.show(frame, &ended.progress, ctx.clock.now())?;
    shown.clear();
    conclude(frame, &ended, ctx.clock.now())
}

/// Sees to it that the projects are measured, from so far back.
async fn measure(ctx: &Context, projects: &[Project], days: Option<u16>) -> Result<(), Failure> {
    let back = |days: u64| ctx.clock.now() - SignedDuration::from_hours(24 * i64::try_from(days).unwrap_or(36_500).min(36_500));
    for project in projects {
        let collection = ctx.store.collection(project.id).await?;
        let from = back(days.map_or(ctx.config.metrics.days, u64::from));
        if collection.sources.is_empty() {
            ctx.store.measure_project(project.id, from).await?;
        } else if days.is_some() && collection.from.is_none_or(|known| from < known) {
            ctx.store.measure_from(project.id, from).await?;
        }
    }
    Ok(())
}

/// What of the progress was told already.
struct Shown {
    bar: Option<ProgressBar>,
    first_tiles: bool,
    over: Vec<Source>,
    last: Value,
}

impl Shown {
    fn new(frame: &Frame<'_>) -> Self {
        let stdio = &frame.output.stdio;
        let bar = (stdio.stderr_is_terminal && stdio.host == Host::Process && !frame.output.is_json()).then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}") {
                bar.set_style(style.progress_chars("##-"));
            }
            bar
        });
        Self { bar, first_tiles: false, over: Vec::new(), last: Value::Null }
    }

    fn show(&mut self, frame: &mut Frame<'_>, progress: &Progress, now: Timestamp) -> Result<(), Failure> {
        if progress.projects.is_empty() {
            return Ok(());
        }
        if frame.output.is_json() {
            let line = line(progress, now);
            if line != self.last {
                frame.output.json(&line)?;
                frame.output.flush()?;
                self.last = line;
            }
            return Ok(());
        }
        let mut news = Vec::new();
        for source in Source::ALL {
            let mut rows = progress.projects.iter().flat_map(|project| &project.sources).filter(|row| row.source == source).peekable();
            if !self.over.contains(&source) && rows.peek().is_some() && rows.clone().all(|row| row.state.is_over()) {
                self.over.push(source);
                let missing = rows.clone().filter(|row| row.state != State::Done).count();
                let of = if missing > 0 { format!("; not of {missing} of {} projects", progress.projects.len()) } else { String::new() };
                news.push(format!("  done     {}: {} calls{of}", source.words(), progress.of(source).0));
            }
        }
        if !self.first_tiles && progress.has_first_tiles() {
            self.first_tiles = true;
            let after = progress.began.map_or(SignedDuration::ZERO, |began| now.duration_since(began));
            news.push(format!("  first figures can be shown, after {}", seconds(after)));
        }
        match &self.bar {
            Some(bar) => {
                news.iter().for_each(|words| bar.println(words));
                bar.set_length(u64::try_from(progress.total().unwrap_or(progress.done())).unwrap_or_default());
                bar.set_position(u64::try_from(progress.done()).unwrap_or_default());
                bar.set_message(pace(progress, now));
            }
            None => news.iter().for_each(|words| frame.output.note(words)),
        }
        Ok(())
    }

    fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Rate and what is left.
fn pace(progress: &Progress, now: Timestamp) -> String {
    let rate = progress.rate(now).map_or(String::new(), |rate| format!("{rate:.1} calls/s"));
    let left = progress.left(now).map_or(String::new(), |left| format!(", {} left", seconds(left)));
    format!("{rate}{left}")
}

fn seconds(time: SignedDuration) -> String {
    match time.as_secs() {
        0..60 => format!("{:.1} s", time.as_secs_f64()),
        60..5400 => format!("{} min", (time.as_secs() + 30) / 60),
        _ => format!("{:.1} h", time.as_secs_f64() / 3600.0),
    }
}

fn calls(progress: &Progress) -> String {
    match progress.total() {
        Some(total) => format!("{} of {total} calls", progress.done()),
        None => format!("{} calls", progress.done()),
    }
}

/// A line of `--json`: the numbers of the moment, and each source with its own.
fn line(progress: &Progress, now: Timestamp) -> Value {
    let of = |source: Source| {
        let (done, total) = progress.of(source);
        (source.name().to_owned(), json!({ "done": done, "total": total }))
    };
    json!({
        "done": progress.done(), "total": progress.total(), "calls": progress.here, "calls_per_second": progress.rate(now),
        "seconds_left": progress.left(now).map(|left| left.as_secs()), "first_tiles": progress.has_first_tiles(),
        "sources": Source::ALL.into_iter().map(of).collect::<serde_json::Map<_, _>>(),
    })
}

/// What came of it.
fn conclude(frame: &mut Frame<'_>, ended: &Ended, now: Timestamp) -> Result<Exit, Failure> {
    let progress = &ended.progress;
    let took = progress.began.map_or(SignedDuration::ZERO, |began| now.duration_since(began));
    let mut refused = Vec::new();
    let mut failed = Vec::new();
    for (project, row) in progress.troubles() {
        let words = inert(row.state.words().unwrap_or_default());
        let one = json!({ "project": project, "source": row.source.name(), "message": words });
        let is_refused = matches!(row.state, State::Refused(_));
        if !frame.output.is_json() && !is_refused {
            frame.output.warn(&Notice::new(format!("{} of {project} failed: {words}", row.source.words())));
        }
        if is_refused { &mut refused } else { &mut failed }.push(one);
    }
    if !frame.output.is_json() {
        let refusals = progress.troubles().filter(|(_, row)| matches!(row.state, State::Refused(_)));
        for lack in Lack::of(refusals.map(|(project, row)| (project, row.source, row.state.words().unwrap_or_default()))) {
            frame.output.warn(&Notice::new(format!("without {}: {}", inert(&lack.what_of()), inert(&lack.words))));
        }
    }
    let first = progress.began.zip(progress.first_tiles_at).map(|(began, at)| at.duration_since(began).as_millis());
    let of = |source: Source| (source.name().to_owned(), json!(progress.of(source).0));
    frame.output.json(&json!({
        "complete": ended.is_complete(), "projects": progress.projects.len(), "requests": ended.requests, "calls": progress.here,
        "elapsed_ms": took.as_millis(), "first_tiles_ms": first,
        "sources": Source::ALL.into_iter().map(of).collect::<serde_json::Map<_, _>>(), "refused": refused, "failed": failed,
    }))?;
    let projects = progress.projects.len();
    let of = if projects == 1 { "1 project".to_owned() } else { format!("{projects} projects") };
    frame.output.say(format!("{of}: {}; {} requests in {}", summary(ended), ended.requests, seconds(took)))?;
    if ended.is_complete() {
        return Ok(Exit::Done);
    }
    let is_anything_there = progress.projects.iter().flat_map(|project| &project.sources).any(|row| row.state == State::Done);
    if !is_anything_there {
        let words = progress.troubles().find_map(|(_, row)| row.state.words()).unwrap_or("Azure DevOps did not answer").to_owned();
        return Err(Failure::new(Exit::Failed, "failed", Notice::new(words).hint("`kanado doctor` looks for the reason")));
    }
    frame.output.note("The same command goes on where it was.");
    Ok(Exit::Partly)
}

fn summary(ended: &Ended) -> &'static str {
    match (ended.is_complete(), ended.progress.troubles().next()) {
        (true, None) => "the facts are there",
        (true, Some(_)) => "the facts that may be read are there",
        (false, _) => "some facts are missing",
    }
}
