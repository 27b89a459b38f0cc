//! `kanado metrics`: delivery figures of projects, the rows behind each, what counts as production, and reports.
//!
//! Exit codes: 0 printed; 1 nothing is measured, or a `--fail-on` comparison holds; 2 wrong usage; 3 printed, but the collection is
//! still on its way, so that figures may change. Asks nobody over the network: figures are made of what was collected, except who the people of a `--team` are.

mod ask;
mod explain;
mod production;
mod report;
mod table;
mod threshold;
mod write;
mod zone;

use std::path::PathBuf;

use clap::Subcommand;
use serde_json::json;

use super::exit::{Exit, Failure};
use super::frame::Frame;
use crate::metrics::csv;
use crate::metrics::figures::Metric;
use ask::Asked;
use threshold::Threshold;

#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    asked: Asked,
    /// Print comma-separated values; with --explain the rows
    #[arg(long)]
    csv: bool,
    /// The rows behind a figure, those left out with their reasons, the formula filled in, and what moved it since last week
    #[arg(long, value_name = "METRIC", value_parser = ask::metric())]
    explain: Option<Metric>,
    /// End with exit code 1 where this holds, such as 'lead_time>48h', 'change_fail_rate>15%', 'deployment_frequency<1' (a day)
    #[arg(long, value_name = "COMPARISON")]
    fail_on: Vec<Threshold>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Which stages, environments and pipelines count as production, and why
    Production(production::Args),
    /// Write a report as one HTML page
    Report(ReportArgs),
    /// Show or set the time zone whose days a project's figures have
    Zone(zone::Args),
}

#[derive(Debug, clap::Args)]
struct ReportArgs {
    /// The file to write
    #[arg(long, value_name = "FILE")]
    html: PathBuf,
    /// Write over a file that is there
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    asked: Asked,
}

pub async fn run(args: Args, frame: &mut Frame<'_>) -> Result<Exit, Failure> {
    match args.command {
        Some(Command::Production(args)) => production::run(args, frame).await,
        Some(Command::Zone(args)) => zone::run(args, frame).await,
        Some(Command::Report(args)) => write_report(args, frame).await,
        None => figures(args, frame).await,
    }
}

async fn figures(args: Args, frame: &mut Frame<'_>) -> Result<Exit, Failure> {
    if args.csv && frame.output.is_json() {
        return Err(Failure::usage("--csv and --json at once", "choose one of them"));
    }
    let answer = ask::ask(args.asked, frame).await?;
    for notice in &answer.notices {
        frame.output.warn(notice);
    }
    match args.explain {
        Some(metric) => {
            let rows = answer.rows(metric);
            if args.csv {
                frame.output.bytes(csv::rows(&rows, &answer.input).as_bytes())?;
            } else if frame.output.is_json() {
                let tile = answer.figures.tile(metric);
                let linkage = (metric == Metric::LeadTime).then_some(&answer.figures.linkage);
                frame.output.json(&json!({
                    "tile": tile, "rows": explain::named(&rows, &answer), "moved": answer.moved(metric), "linkage": linkage,
                    "projects": answer.projects(),
                }))?;
            } else {
                for line in explain::lines(metric, &rows, &answer) {
                    frame.output.say(line)?;
                }
            }
        }
        None if args.csv => frame.output.bytes(csv::figures(&answer.figures).as_bytes())?,
        None => {
            frame.output.json(&json!({ "figures": answer.figures, "projects": answer.projects(), "narrowed": answer.narrowed, "time_zone": answer.zone.name() }))?;
            if !frame.output.is_json() {
                for line in table::lines(&answer) {
                    frame.output.say(line)?;
                }
            }
        }
    }
    let mut exit = answer.exit();
    for threshold in &args.fail_on {
        match threshold.judge(&answer.figures) {
            Ok(None) => {}
            Ok(Some(words)) => {
                frame.output.note(words);
                exit = Exit::Failed;
            }
            Err(notice) => return Err(Failure::new(Exit::Failed, "not_measured", notice)),
        }
    }
    Ok(exit)
}

async fn write_report(args: ReportArgs, frame: &mut Frame<'_>) -> Result<Exit, Failure> {
    // Before the work, and again when it is written.
    write::may_write(&args.html, args.force)?;
    let answer = ask::ask(args.asked, frame).await?;
    let mut rows = Vec::new();
    for metric in Metric::ALL {
        rows.push((metric, answer.rows(metric)));
    }
    let notices: Vec<String> = answer.notices.iter().map(|notice| notice.text.clone()).collect();
    let page = report::html(&report::Report {
        figures: &answer.figures,
        input: &answer.input,
        rows: &rows,
        narrowed: &answer.narrowed,
        notices: &notices,
        window: answer.window(),
        zone: &answer.zone.zone,
        made_at: answer.now,
    });
    write::write(&args.html, page.as_bytes(), args.force)?;
    for notice in &answer.notices {
        frame.output.warn(notice);
    }
    frame.output.json(&json!({ "file": args.html, "bytes": page.len(), "projects": answer.projects() }))?;
    frame.output.say(format!("{} is written.", args.html.display()))?;
    Ok(answer.exit())
}
