//! Asking why the pull request in view is where it is: once when it comes into view, and again when a person asks.

use crate::domain::id::RepositoryId;
use crate::domain::pull_request::{KnownPullRequest, PullRequestStatus};
use crate::tui::effect::Effect;
use crate::tui::key::Key;
use crate::tui::model::Model;
use crate::tui::model::listed::Listed;
use crate::tui::model::overlay::Overlay;
use crate::tui::model::ticket::Tab;
use crate::tui::screen::pull_requests::{facts_area, facts_lines};

use super::{Out, activity};

/// The pull request whose page is open: in the dialog, or on the ticket's tab.
fn in_view(model: &Model) -> Option<&KnownPullRequest> {
    if let Some(Overlay::PullRequestFacts(row)) = &model.overlay {
        return Some(&row.pull_request);
    }
    let ticket = model.ticket.as_ref().filter(|ticket| ticket.tab == Tab::PullRequest && model.editor.is_none())?;
    ticket.detail.as_ref()?.pull_request.as_ref()
}

/// Asks, if what is in view was not asked for yet. An abandoned pull request waits for nothing.
pub fn look(model: &mut Model, out: &mut Out) {
    let wanted: Option<(RepositoryId, i64)> = in_view(model)
        .filter(|known| matches!(known.facts.status, PullRequestStatus::Active | PullRequestStatus::Completed))
        .map(|known| (known.facts.repository, known.facts.number));
    let Some((repository, number)) = wanted.filter(|wanted| model.story.of != Some(*wanted)) else { return };
    let generation = model.next_generation();
    model.story.of = Some((repository, number));
    model.story.scroll = 0;
    model.story.listed = Listed { loading: Some(generation), ..Listed::default() };
    out.push(Effect::Explain { repository, number, generation });
}

/// A key that scrolls the dialog.
pub fn scroll(model: &mut Model, key: Key) {
    let Some(Overlay::PullRequestFacts(row)) = &model.overlay else { return };
    let area = facts_area(model);
    let lines = facts_lines(model, row, area.width).len();
    let last = lines.saturating_sub(usize::from(area.height));
    if let Some(to) = activity::scrolled(key, model.story.scroll, usize::from(area.height), last) {
        model.story.scroll = to;
    }
}
