//! Everything known of a pull request, in lines: for the ticket's tab and for a pull request that no ticket follows.

use jiff::Timestamp;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::card::{check_part, freshness, merge_words, thread_part};
use super::markdown;
use super::text::clean;
use crate::domain::board::age_step;
use crate::domain::pull_request::{Checks, KnownPullRequest, PullRequestStatus, Vote};
use crate::tui::model::live::Following;
use crate::tui::theme::Theme;

/// The word and the style of a status.
pub fn status_words(status: PullRequestStatus, theme: &Theme) -> (&'static str, Style) {
    match status {
        PullRequestStatus::Active => ("active", theme.pr_open),
        PullRequestStatus::Completed => ("merged", theme.merged),
        PullRequestStatus::Abandoned => ("abandoned", theme.dim),
        PullRequestStatus::Unknown => ("unknown", theme.warn),
    }
}

fn vote_words(vote: Vote, theme: &Theme) -> (&'static str, &'static str, Style) {
    let marks = &theme.marks;
    match vote {
        Vote::Approved => (marks.tick, "approved", theme.good),
        Vote::ApprovedWithSuggestions => (marks.tick, "approved with suggestions", theme.good),
        Vote::None => (marks.open, "no vote yet", theme.dim),
        Vote::WaitingForAuthor => (marks.warning, "waits for the author", theme.warn),
        Vote::Rejected => (marks.cross, "rejected", theme.bad),
    }
}

/// `1 passed, 2 failed`: what there is none of is left out.
fn check_words(checks: Checks) -> String {
    let words = [(checks.passed, "passed"), (checks.failed, "failed"), (checks.pending, "pending")];
    words.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect::<Vec<_>>().join(", ")
}

/// The lines, wrapped to `width`; why it is where it is stands above the reviewers.
pub fn lines(
    known: &KnownPullRequest,
    story: Vec<Line<'static>>,
    width: u16,
    following: Following,
    now: Timestamp,
    theme: &Theme,
) -> Vec<Line<'static>> {
    let facts = &known.facts;
    let own = |text: &str| clean(text).into_owned();
    let row = |name: &str, spans: Vec<Span<'static>>| {
        let mut line = vec![Span::styled(format!("{name:<10}"), theme.dim)];
        line.extend(spans);
        Line::from(line)
    };
    let (status, status_style) = status_words(facts.status, theme);
    let (fresh, fresh_style) = freshness(following, known.source, known.seen_at, now, theme);
    let mut lines = vec![
        Line::from(vec![Span::styled(format!("!{} ", facts.number), theme.dim), Span::styled(own(&facts.title), theme.strong)]),
        Line::default(),
    ];
    let mut state = vec![Span::styled(status, status_style)];
    if facts.is_draft {
        state.push(Span::styled("  draft", theme.warn));
    }
    if facts.auto_complete {
        state.push(Span::styled("  auto-complete", theme.dim));
    }
    if facts.status == PullRequestStatus::Active
        && let Some((words, style)) = merge_words(facts.merge, theme)
    {
        state.push(Span::styled(format!("  {words}"), style));
    }
    state.push(Span::styled(format!("  {fresh}"), fresh_style));
    lines.push(row("status", state));
    lines.push(row(
        "branches",
        vec![
            Span::styled(own(&facts.source_branch), theme.info),
            Span::styled(format!(" {} ", theme.marks.arrow), theme.dim),
            Span::styled(own(&facts.target_branch), theme.info),
            Span::styled(format!("  in {}", own(&known.repository_name)), theme.dim),
        ],
    ));
    let opened = format!("  opened {}", ago(facts.created_at, now));
    lines.push(row("author", vec![Span::raw(own(&facts.author.display_name)), Span::styled(opened, theme.dim)]));
    let checks = known.checks.map(|checks| match check_part(checks, theme) {
        Some(part) => vec![Span::styled(part.text, part.style), Span::styled(format!("  {}", check_words(checks)), theme.dim)],
        None => vec![Span::styled("none", theme.dim)],
    });
    let unknown = || vec![Span::styled("not read yet", theme.dim)];
    lines.push(row("checks", checks.unwrap_or_else(unknown)));
    let threads = known.threads.map(|threads| match thread_part(threads, theme) {
        Some(part) => vec![Span::styled(format!("{} unresolved", threads.unresolved), part.style)],
        None if threads.resolved > 0 => vec![Span::styled(format!("{} resolved", threads.resolved), theme.good)],
        None => vec![Span::styled("none", theme.dim)],
    });
    lines.push(row("comments", threads.unwrap_or_else(unknown)));
    if !facts.labels.is_empty() {
        lines.push(row("labels", vec![Span::raw(own(&facts.labels.join(", ")))]));
    }
    if let Some(url) = &known.web_url {
        lines.push(row("address", vec![Span::styled(own(url), theme.link)]));
    }
    lines.extend(story);
    lines.push(Line::default());
    lines.push(Line::styled("Reviewers", theme.heading));
    if facts.reviewers.is_empty() {
        lines.push(Line::styled("nobody was asked", theme.dim));
    }
    for reviewer in &facts.reviewers {
        let (mark, words, style) = vote_words(reviewer.vote, theme);
        let mut spans = vec![
            Span::styled(format!("{mark} "), style),
            Span::raw(own(&reviewer.identity.display_name)),
            Span::styled(format!("  {words}"), theme.dim),
        ];
        if reviewer.required {
            spans.push(Span::styled("  required", theme.dim));
        }
        lines.push(Line::from(spans));
    }
    if !facts.description.trim().is_empty() {
        lines.push(Line::default());
        lines.push(Line::styled("Description", theme.heading));
        lines.extend(markdown::render(&facts.description, width, theme).lines);
    }
    lines
}

/// `4m ago`, `just now`.
pub fn ago(at: Timestamp, now: Timestamp) -> String {
    match age_step(at, now).as_str() {
        "now" => "just now".to_owned(),
        age => format!("{age} ago"),
    }
}
