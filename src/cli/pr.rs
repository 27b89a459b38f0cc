//! `kanado pr`: open the pull request of a ticket, or show the one that is open.

use std::path::PathBuf;

use super::consent::{Decision, Outline, Reach};
use super::exit::{Exit, Failure};
use super::frame::Frame;
use super::ticket_fields;
use crate::action::open_pull_request::{self, Options, ReviewerWish};
use crate::domain::id::TicketKey;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The ticket [default: the one of the branch you stand on]
    key: Option<TicketKey>,
    /// Its title [default: the ticket's key and title]
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
    /// Its description [default: made from the spec and the repository's template]
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    description: Option<String>,
    /// Read the description from a file; `-` is standard input
    #[arg(long, value_name = "FILE", conflicts_with = "description")]
    description_file: Option<PathBuf>,
    /// The branch it goes to [default: the repository's target branch]
    #[arg(long, value_name = "BRANCH")]
    target: Option<String>,
    /// Open it as a draft
    #[arg(long, overrides_with = "no_draft")]
    draft: bool,
    /// Open it ready for review, whatever the configuration says
    #[arg(long)]
    no_draft: bool,
    /// Who reviews it [default: chosen by the project's rules]
    #[arg(long, value_name = "PERSON", conflicts_with = "no_reviewer")]
    reviewer: Option<String>,
    /// Ask nobody to review it
    #[arg(long)]
    no_reviewer: bool,
    /// The id of an Azure Boards work item to link (may be given several times)
    #[arg(long = "work-item", value_name = "ID")]
    work_items: Vec<String>,
}

/// Longer than any description Azure DevOps takes, so that the refusal names its limit.
const LONGEST: u64 = 1024 * 1024;

pub async fn run(args: Args, frame: &mut Frame<'_>) -> Result<Exit, Failure> {
    let key = frame.key(args.key.clone()).await?;
    let ctx = frame.ctx().await?;
    let view = ticket_fields::view(&ctx, &key).await?;
    let description = match &args.description_file {
        Some(path) => {
            let bytes = ticket_fields::read(frame, path, LONGEST)?;
            let text = String::from_utf8(bytes);
            Some(text.map_err(|_| Failure::refused(format!("{} is not UTF-8 text", path.display()), "save it as UTF-8"))?)
        }
        None => args.description.clone(),
    };
    let reviewer = match &args.reviewer {
        _ if args.no_reviewer => ReviewerWish::Nobody,
        None => ReviewerWish::Automatic,
        Some(name) => match ticket_fields::person(&ctx, &view.project, name).await? {
            Some(id) => ReviewerWish::Named(id),
            None => ReviewerWish::Nobody,
        },
    };
    let draft = args.draft || (frame.config.pull_request.draft && !args.no_draft);
    let options = Options {
        title: args.title.clone(),
        description,
        target: args.target.clone(),
        draft,
        reviewer,
        work_items: args.work_items.clone(),
    };
    let plan = open_pull_request::plan(&ctx, &key, &options).await?;
    let mut lines = match plan.existing {
        Some(number) if plan.resumes => vec![format!("Finish what was begun for {key}: !{number} is open in {}", plan.repository)],
        Some(number) => vec![format!("{key} has an open pull request already: !{number} in {}", plan.repository)],
        None => {
            let mut lines = vec![
                format!("Open a pull request for {key} in {}: {} -> {}", plan.repository, plan.source_branch, plan.target_branch),
                format!("  {}", plan.title),
                format!("  {} ahead, {} behind; {}", plan.ahead, plan.behind, plan.reviewer_sentence),
            ];
            lines.extend(plan.description.lines().map(|line| format!("  | {line}")));
            lines
        }
    };
    lines.extend(plan.steps.iter().map(|step| format!("  {}", step.words)));
    // Showing an open pull request changes nothing in Azure DevOps.
    let reach = if plan.existing.is_some() && !plan.resumes { Reach::Board } else { Reach::Remote };
    let outline = Outline { reach, lines, warnings: &plan.warnings, plan: &plan };
    if let Decision::Stop(exit) = frame.settle(&outline)? {
        return Ok(exit);
    }
    let opened = {
        let (ctx, key, options) = (&ctx, &key, &options);
        frame.carry_out(|reporter| async move { open_pull_request::run(ctx, key, options, &reporter).await }).await?
    };
    frame.output.json(&opened)?;
    let what = match (opened.existing, opened.draft) {
        (true, _) => "is open already",
        (false, true) => "is open as a draft",
        (false, false) => "is open",
    };
    frame.output.say(format!("!{}  {}  {what}", opened.number, opened.title))?;
    if let Some(url) = &opened.url {
        frame.output.say(url)?;
    }
    frame.output.note(&opened.reviewer_sentence);
    Ok(Exit::Done)
}
