//! A card: key and title; then who, how many criteria, and the pull request with how we know and how old it is.
//!
//! A title takes a second line where there is room for one; what is below moves up when it does not need it.

use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::style::Style;
use unicode_segmentation::UnicodeSegmentation;

use super::parts::{self, Part};
use super::text;
use crate::domain::board::{Card, PullRequestChip, Votes, age_step};
use crate::domain::progress::Progress;
use crate::domain::pull_request::{Checks, MergeState, PullRequestStatus, Source, Threads};
use crate::domain::ticket::SpecBadge;
use crate::tui::model::live::Following;
use crate::tui::theme::Theme;

/// What is not live is called stale when it is older than this.
const STALE_AFTER_SECONDS: i64 = 600;

/// Whether the cursor is on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Selection {
    Selected,
    No,
}

/// What a card has beside its own words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Marked {
    pub selection: Selection,
    /// Whether somebody here is told when it changes.
    pub watched: bool,
}

/// Where and when a card is painted.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    pub x: u16,
    pub y: u16,
    pub width: u16,
    /// Rows that the title may take.
    pub title_rows: u16,
    pub now: Timestamp,
    pub following: Following,
}

/// Paints two lines, or three when the title takes two. A running action takes the place of the last.
pub fn draw(buf: &mut Buffer, place: Place, card: &Card, marks: Marked, running: Option<&Progress>, theme: &Theme) {
    let Place { x, width, .. } = place;
    let inner = width.saturating_sub(1);
    let end = x + width;
    let key = card.key.to_string();
    let (title, title_style) = match text::title(&card.title) {
        Some(title) => (title, theme.text),
        None => (text::UNTITLED.into(), theme.dim),
    };
    let watched = if marks.watched { 2 } else { 0 };
    let (first, second) = split(&title, inner.saturating_sub(text::width(&key) + 1 + watched), place.title_rows);
    let y = place.y + u16::from(second.is_some());
    let key_style = match marks.selection {
        Selection::Selected => {
            for row in place.y..=y + 1 {
                text::put(buf, x, row, 1, theme.marks.bar, theme.accent);
            }
            // The same style as the bar: a change of style between them would cost more bytes than the key.
            theme.accent
        }
        Selection::No => theme.dim,
    };
    let mut at = text::put(buf, x + 1, place.y, inner, &key, key_style) + 1;
    if marks.watched {
        at = text::put(buf, at, place.y, 1, theme.marks.watched, theme.info) + 1;
    }
    text::put_fit(buf, at, place.y, end.saturating_sub(at), first, title_style, &theme.marks);
    if let Some(second) = second {
        text::put_fit(buf, x + 1, y, inner, second, title_style, &theme.marks);
    }

    if let Some(progress) = running {
        let at = text::put(buf, x + 1, y + 1, inner, theme.marks.running, theme.accent) + 1;
        text::put_fit(buf, at, y + 1, end.saturating_sub(at), &progress.summary(), theme.accent, &theme.marks);
        return;
    }
    if let Some(notice) = &card.notice {
        let at = text::put(buf, x + 1, y + 1, inner, theme.marks.warning, theme.warn) + 1;
        text::put_fit(buf, at, y + 1, end.saturating_sub(at), notice, theme.warn, &theme.marks);
        return;
    }
    let mut left = Vec::new();
    let mut right = Vec::new();
    if let Some(name) = &card.assignee {
        let style = if card.assigned_to_me { theme.info } else { theme.dim };
        left.push(Part::new(50, first_name(name), style).short(initials(name)));
    }
    if card.priority == Some(1) {
        left.push(Part::new(35, "P1", theme.warn));
    }
    if card.criteria_total > 0 {
        let style = if card.criteria_done == card.criteria_total { theme.good } else { theme.dim };
        left.push(Part::new(40, format!("{}/{}", card.criteria_done, card.criteria_total), style));
    }
    match card.spec {
        SpecBadge::ChangedOnBranch => left.push(Part::new(60, "spec changed", theme.warn).short("spec!")),
        SpecBadge::Draft => left.push(Part::new(30, "spec draft", theme.dim).short("spec")),
        SpecBadge::Local | SpecBadge::Pushed => {}
    }
    match &card.pull_request {
        Some(chip) => chip_parts(chip, place, theme, &mut left, &mut right),
        None => right.extend(card.labels.first().map(|label| Part::new(5, label.clone(), theme.dim))),
    }
    parts::put(buf, x + 1, y + 1, inner, 1, left, right);
}

/// The title on its first line, and what of it goes on the second. It is parted at a space.
fn split(title: &str, first: u16, rows: u16) -> (&str, Option<&str>) {
    if rows < 2 || text::width(title) <= first {
        return (title, None);
    }
    let mut cut = None;
    for (at, _) in title.match_indices(' ') {
        if text::width(&title[..at]) > first {
            break;
        }
        cut = Some(at);
    }
    // A word that does not fit on the first line at all is cut there.
    let cut = cut.unwrap_or_else(|| {
        let mut used = 0;
        title
            .grapheme_indices(true)
            .find(|(_, grapheme)| {
                used += text::width(grapheme);
                used > first
            })
            .map_or(title.len(), |(at, _)| at)
    });
    (title[..cut].trim_end(), Some(title[cut..].trim_start()).filter(|rest| !rest.is_empty()))
}

fn chip_parts(chip: &PullRequestChip, place: Place, theme: &Theme, left: &mut Vec<Part>, right: &mut Vec<Part>) {
    match chip.status {
        PullRequestStatus::Completed => {
            left.push(Part::new(70, format!("!{} merged", chip.number), theme.merged).short(format!("!{}", chip.number)))
        }
        PullRequestStatus::Abandoned => left.push(Part::new(70, format!("!{} abandoned", chip.number), theme.dim)),
        PullRequestStatus::Unknown => left.push(Part::new(70, format!("!{} unknown", chip.number), theme.warn)),
        PullRequestStatus::Active => {
            left.push(Part::new(10, format!("!{}", chip.number), theme.dim));
            if chip.is_draft {
                left.push(Part::new(65, "draft", theme.dim));
            }
            if let Some((words, style)) = merge_words(chip.merge, theme) {
                left.push(Part::new(95, words, style).short(theme.marks.warning));
            }
            left.extend(vote_parts(&chip.votes, theme));
            left.extend(chip.checks.and_then(|checks| check_part(checks, theme)));
            left.extend(chip.threads.and_then(|threads| thread_part(threads, theme)));
            if chip.auto_complete {
                left.push(Part::new(15, "auto", theme.dim));
            }
            let (words, style) = freshness(place.following, chip.source, chip.seen_at, place.now, theme);
            right.push(Part::new(100, words, style));
        }
    }
}

/// `conflict` and the other states of a merge worth a word.
pub fn merge_words(merge: MergeState, theme: &Theme) -> Option<(&'static str, Style)> {
    match merge {
        MergeState::Conflicts => Some(("conflict", theme.bad)),
        MergeState::RejectedByPolicy => Some(("blocked", theme.warn)),
        MergeState::Failure => Some(("merge failed", theme.bad)),
        MergeState::NotSet | MergeState::Queued | MergeState::Succeeded => None,
    }
}

/// `✓2`, `✗1`, `!1` (waits for the author), `·1` (has not voted).
pub fn vote_parts(votes: &Votes, theme: &Theme) -> Vec<Part> {
    let marks = &theme.marks;
    [
        (votes.rejected, marks.cross, theme.bad, 92),
        (votes.waiting, marks.warning, theme.warn, 91),
        (votes.approved, marks.tick, theme.good, 90),
        (votes.open, marks.open, theme.dim, 20),
    ]
    .into_iter()
    .filter(|(count, ..)| *count > 0)
    .map(|(count, mark, style, rank)| Part::new(rank, format!("{mark}{count}"), style))
    .collect()
}

/// `CI✓`, `CI✗2`, `CI·3`.
pub fn check_part(checks: Checks, theme: &Theme) -> Option<Part> {
    let marks = &theme.marks;
    if checks.failed > 0 {
        Some(Part::new(93, format!("CI{}{}", marks.cross, checks.failed), theme.bad))
    } else if checks.pending > 0 {
        Some(Part::new(85, format!("CI{}{}", marks.open, checks.pending), theme.warn))
    } else if checks.passed > 0 {
        Some(Part::new(85, format!("CI{}", marks.tick), theme.good))
    } else {
        None
    }
}

/// `?2`: two threads that nobody resolved.
pub fn thread_part(threads: Threads, theme: &Theme) -> Option<Part> {
    (threads.unresolved > 0).then(|| Part::new(45, format!("?{}", threads.unresolved), theme.warn))
}

/// How a fact reached us and how old it is: `live now` while every change is told of; else `poll <1m` or `hook <1m`, and `stale 11m`.
pub fn freshness(following: Following, source: Source, seen_at: Timestamp, now: Timestamp, theme: &Theme) -> (String, Style) {
    let age = age_step(seen_at, now);
    match (following, source) {
        (Following::Live, _) => ("live now".to_owned(), theme.good),
        _ if now.duration_since(seen_at).as_secs() >= STALE_AFTER_SECONDS => (format!("stale {age}"), theme.warn),
        (Following::ByLooking, Source::Hook) => (format!("hook {age}"), theme.dim),
        (Following::ByLooking, Source::Poll | Source::Action) => (format!("poll {age}"), theme.dim),
    }
}

/// The first word of a name, for a place with little room.
pub fn first_name(name: &str) -> String {
    name.split_whitespace().next().unwrap_or(name).to_owned()
}

fn initials(name: &str) -> String {
    name.split_whitespace().filter_map(|word| word.chars().next()).take(2).flat_map(char::to_uppercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::SignedDuration;

    #[test]
    fn a_fact_grows_stale_unless_every_change_is_told_of() {
        let theme = crate::tui::fixture::theme();
        let seen = Timestamp::UNIX_EPOCH;
        let words = |following, source, seconds| freshness(following, source, seen, seen + SignedDuration::from_secs(seconds), &theme).0;
        for source in [Source::Hook, Source::Poll, Source::Action] {
            assert_eq!(words(Following::Live, source, 3), "live now");
            assert_eq!(words(Following::Live, source, 100_000), "live now");
        }
        assert_eq!(words(Following::ByLooking, Source::Poll, 30), "poll <1m");
        assert_eq!(words(Following::ByLooking, Source::Poll, 660), "stale 11m");
        assert_eq!(words(Following::ByLooking, Source::Hook, 30), "hook <1m");
        assert_eq!(words(Following::ByLooking, Source::Hook, 660), "stale 11m");
    }
}
