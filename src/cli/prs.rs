//! `kanado prs`: the pull requests of the project, as last seen. Asks nobody; `kanado sync` does.

use jiff::Timestamp;

use super::exit::{Exit, Failure};
use super::frame::{Frame, fit, widest};
use crate::domain::board::{PullRequestChip, Votes, age_step, votes};
use crate::domain::person::Identity;
use crate::domain::pull_request::{Checks, KnownPullRequest, MergeState, PullRequestStatus, Source, Vote};
use crate::store::PullRequestFilter;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only those I opened
    #[arg(long, conflicts_with = "to_review")]
    mine: bool,
    /// Only those that wait for my vote
    #[arg(long)]
    to_review: bool,
    /// Closed ones, too
    #[arg(long)]
    all: bool,
}

pub async fn run(args: Args, frame: &mut Frame<'_>) -> Result<Exit, Failure> {
    let project = frame.project().await?;
    let ctx = frame.ctx().await?;
    let me = ctx.organisation(project.organisation).await?.me;
    let filter = if args.all { PullRequestFilter::default() } else { PullRequestFilter::active() };
    let mut found = ctx.store.pull_requests(project.id, &filter).await?;
    if args.mine || args.to_review {
        let Some(me) = me else {
            return Err(Failure::refused("it is not known who you are", "connect again: `kanado connect`"));
        };
        found.retain(|known| if args.mine { known.facts.author.id == me.id } else { waits_for(known, &me) });
    }
    frame.output.json(&found)?;
    if frame.output.is_json() {
        return Ok(Exit::Done);
    }
    let now = frame.clock.now();
    let repository_width = widest(found.iter().map(|known| known.repository_name.as_str())).min(24);
    let author_width = widest(found.iter().map(|known| known.facts.author.display_name.as_str())).min(18);
    for known in &found {
        let (repository, author) = (fit(&known.repository_name, repository_width), fit(&known.facts.author.display_name, author_width));
        let line = format!(
            "{:>6}  {repository}  {author}  {}  {}",
            format!("!{}", known.facts.number),
            fit(&known.facts.title, 44),
            summary(known, now)
        );
        frame.output.say(line.trim_end())?;
    }
    if found.is_empty() {
        frame.output.note("No pull request. `kanado sync` looks again.");
    }
    match project.synced_at {
        Some(at) => frame.output.note(format!("As of {} ({}).", at.strftime("%H:%M:%S"), age_step(at, now))),
        None => frame.output.note("Pull requests were never looked at: `kanado sync`."),
    }
    Ok(Exit::Done)
}

/// Whether somebody is asked to review and has not voted.
fn waits_for(known: &KnownPullRequest, me: &Identity) -> bool {
    known.facts.status == PullRequestStatus::Active
        && known.facts.reviewers.iter().any(|reviewer| reviewer.identity.id == me.id && reviewer.vote == Vote::None)
}

/// A card's pull request in a few words.
pub fn chip(chip: &PullRequestChip, now: Timestamp) -> String {
    let mut parts = vec![format!("!{}", chip.number), state(chip.status, chip.is_draft, chip.merge).to_owned()];
    parts.extend(vote_words(&chip.votes));
    parts.extend(chip.checks.as_ref().and_then(check_words));
    parts.push(age(chip.source, chip.seen_at, now));
    parts.retain(|part| !part.is_empty());
    parts.join(" ")
}

/// A pull request in one line, for `show`.
pub fn sentence(known: &KnownPullRequest, now: Timestamp) -> String {
    format!("!{} {}", known.facts.number, summary(known, now))
}

fn summary(known: &KnownPullRequest, now: Timestamp) -> String {
    let facts = &known.facts;
    let mut parts = vec![state(facts.status, facts.is_draft, facts.merge).to_owned()];
    parts.extend(vote_words(&votes(&facts.reviewers)));
    parts.extend(known.checks.as_ref().and_then(check_words));
    if let Some(threads) = known.threads.filter(|threads| threads.unresolved > 0) {
        parts.push(format!("{} unresolved", threads.unresolved));
    }
    parts.push(age(known.source, known.seen_at, now));
    parts.retain(|part| !part.is_empty());
    parts.join(", ")
}

fn state(status: PullRequestStatus, is_draft: bool, merge: MergeState) -> &'static str {
    match (status, is_draft, merge) {
        (PullRequestStatus::Completed, ..) => "completed",
        (PullRequestStatus::Abandoned, ..) => "abandoned",
        (PullRequestStatus::Unknown, ..) => "in a state this version does not know",
        (PullRequestStatus::Active, _, MergeState::Conflicts) => "conflicts",
        (PullRequestStatus::Active, true, _) => "draft",
        (PullRequestStatus::Active, false, _) => "open",
    }
}

fn vote_words(votes: &Votes) -> Vec<String> {
    [(votes.approved, "approved"), (votes.waiting, "waiting for the author"), (votes.rejected, "rejected"), (votes.open, "to vote")]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect()
}

fn check_words(checks: &Checks) -> Option<String> {
    match checks {
        Checks { passed: 0, failed: 0, pending: 0 } => None,
        Checks { failed, .. } if *failed > 0 => Some(format!("{failed} checks failed")),
        Checks { pending, .. } if *pending > 0 => Some(format!("{pending} checks pending")),
        Checks { passed, .. } => Some(format!("{passed} checks passed")),
    }
}

fn age(source: Source, seen_at: Timestamp, now: Timestamp) -> String {
    let how = match source {
        Source::Hook => "live",
        Source::Poll | Source::Action => "poll",
    };
    format!("{how} {}", age_step(seen_at, now))
}
