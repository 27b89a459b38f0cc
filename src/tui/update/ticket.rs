//! The ticket screen: tabs, scrolling, ticking criteria.

use crate::tui::effect::Effect;
use crate::tui::intent::Intent;
use crate::tui::layout;
use crate::tui::model::Model;
use crate::tui::model::ticket::Tab;

use super::Out;

pub fn navigate(model: &mut Model, intent: Intent) {
    let half = (layout::parts(model.width, model.height).body.height / 2).max(1);
    let Some(ticket) = &mut model.ticket else { return };
    match intent {
        Intent::NextTab | Intent::Right => (ticket.tab, ticket.scroll) = (ticket.tab.next(), 0),
        Intent::PreviousTab | Intent::Left => (ticket.tab, ticket.scroll) = (ticket.tab.previous(), 0),
        _ if ticket.tab == Tab::Criteria => {
            let count = ticket.detail.as_ref().map_or(0, |detail| detail.ticket.criteria.len());
            let last = count.saturating_sub(1);
            let half = usize::from(half);
            ticket.criterion = match intent {
                Intent::Down => ticket.criterion + 1,
                Intent::Up => ticket.criterion.saturating_sub(1),
                Intent::HalfDown => ticket.criterion + half,
                Intent::HalfUp => ticket.criterion.saturating_sub(half),
                Intent::Top => 0,
                _ => last,
            }
            .min(last);
        }
        _ => {
            ticket.scroll = match intent {
                Intent::Down => ticket.scroll.saturating_add(1),
                Intent::Up => ticket.scroll.saturating_sub(1),
                Intent::HalfDown => ticket.scroll.saturating_add(half),
                Intent::HalfUp => ticket.scroll.saturating_sub(half),
                Intent::Top => 0,
                _ => u16::MAX,
            };
            let last = crate::tui::screen::ticket::last_scroll(model);
            if let Some(ticket) = &mut model.ticket {
                ticket.scroll = ticket.scroll.min(last);
            }
        }
    }
}

/// Enter on the ticket screen: ticks a criterion, edits the spec, opens the pull request.
pub fn enter(model: &mut Model, out: &mut Out) {
    let Some(tab) = model.ticket.as_ref().map(|ticket| ticket.tab) else { return };
    match tab {
        Tab::Spec => super::act::act(model, Intent::EditSpec, out),
        Tab::Criteria => super::act::act(model, Intent::ToggleCriterion, out),
        Tab::PullRequest => {
            let has_one =
                model.ticket.as_ref().and_then(|ticket| ticket.detail.as_ref()).is_some_and(|detail| detail.pull_request.is_some());
            super::act::act(model, if has_one { Intent::OpenOutside } else { Intent::PullRequest }, out);
        }
        Tab::Activity => {}
    }
}

pub fn toggle_criterion(model: &mut Model, out: &mut Out) {
    if let Some(ticket) = &mut model.ticket {
        out.push(Effect::ToggleCriterion { key: ticket.key.clone(), index: ticket.criterion });
        // Shown at once; the load that follows the change says what is true.
        if let Some(criterion) = ticket.detail.as_mut().and_then(|detail| detail.ticket.criteria.get_mut(ticket.criterion)) {
            criterion.ticked = !criterion.ticked;
        }
    }
}
