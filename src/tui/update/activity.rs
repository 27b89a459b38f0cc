//! The activity screen: what its sections load, where the cursor goes, what Enter shows.

use crate::notice::Notice;
use crate::tui::effect::Effect;
use crate::tui::event::{Answer, Generation};
use crate::tui::intent::Intent;
use crate::tui::key::{Code, Key};
use crate::tui::layout;
use crate::tui::model::activity::{Section, Shown, in_order};
use crate::tui::model::listed::{Listed, Taken};
use crate::tui::model::overlay::{Overlay, TextView};
use crate::tui::model::{Base, Model};
use crate::tui::widget::delivery;

use super::{Out, load};

/// Something of the screen changed, or it came into view: its section is read again.
pub fn reload(model: &mut Model, out: &mut Out) {
    let Some(project) = model.project.as_ref().map(|project| project.id).filter(|_| model.base == Base::Activity) else { return };
    let generation = model.next_generation();
    let activity = &mut model.activity;
    match activity.section {
        Section::Tasks => {}
        Section::Deliveries if activity.deliveries.ask(generation) => {
            out.push(Effect::LoadDeliveries { project, shown: activity.shown, generation });
        }
        Section::Hooks if activity.health.ask(generation) => out.push(Effect::LoadHealth { project, generation }),
        Section::Requests if activity.requests.ask(generation) => out.push(Effect::LoadRequests { project, generation }),
        Section::Collection => super::load::collections(model, out),
        Section::Deliveries | Section::Hooks | Section::Requests => {}
    }
    settle(model);
}

/// An answer for one of the lists.
pub fn loaded<T>(model: &mut Model, list: fn(&mut Model) -> &mut Listed<T>, generation: Generation, rows: Answer<T>, out: &mut Out) {
    let taken = list(model).take(generation, rows);
    if taken != Taken::No {
        settle(model);
    }
    if taken == Taken::AskAgain {
        reload(model, out);
    }
}

/// Keeps the cursor on what it was on.
pub fn settle(model: &mut Model) {
    let visible = layout::list_rows(model);
    model.activity.settle(&model.tasks, visible);
}

pub fn navigate(model: &mut Model, intent: Intent, out: &mut Out) {
    let visible = layout::list_rows(model);
    let half = (visible / 2).max(1);
    let at = model.activity.cursor;
    let to = match intent {
        Intent::Down => at + 1,
        Intent::Up => at.saturating_sub(1),
        Intent::HalfDown => at + half,
        Intent::HalfUp => at.saturating_sub(half),
        Intent::Top => 0,
        Intent::Bottom => usize::MAX,
        Intent::NextTab | Intent::Right | Intent::PreviousTab | Intent::Left => {
            let section = model.activity.section;
            let forward = matches!(intent, Intent::NextTab | Intent::Right);
            model.activity.go_to(if forward { section.next() } else { section.previous() });
            return reload(model, out);
        }
        _ => return,
    };
    let lines = match model.activity.section {
        Section::Hooks => Some(crate::tui::screen::activity::hook_lines(model, model.width).len()),
        Section::Collection => Some(crate::tui::screen::collection::lines(model, model.width).len()),
        _ => None,
    };
    if let Some(lines) = lines {
        model.activity.cursor = to.min((lines + 1).saturating_sub(visible));
        return;
    }
    model.activity.move_to(to, &model.tasks, visible);
}

/// Enter on a row.
pub fn enter(model: &mut Model, out: &mut Out) {
    let cursor = model.activity.cursor;
    match model.activity.section {
        Section::Tasks => {
            if let Some(task) = in_order(&model.tasks).get(cursor) {
                model.overlay = Some(Overlay::Task(task.id));
            }
        }
        Section::Deliveries => {
            let Some(row) = model.activity.delivery().cloned() else { return };
            let generation = model.next_generation();
            out.push(Effect::LoadBody { delivery: row.id, generation });
            let lines = delivery::facts(&row, &model.settings.zone);
            let title = format!("Delivery {}: {}", row.id, delivery::event_words(&row));
            show(model, TextView { title, loading: Some(generation), lines, scroll: 0, problem: None });
        }
        Section::Requests => {
            let Some(row) = model.activity.requests.rows.as_ref().and_then(|rows| rows.get(cursor)).cloned() else { return };
            let title = format!("{} request", row.method);
            show(
                model,
                TextView { title, loading: None, lines: delivery::request_facts(&row, &model.settings.zone), scroll: 0, problem: None },
            );
        }
        Section::Hooks | Section::Collection => {}
    }
}

fn show(model: &mut Model, view: TextView) {
    model.overlay = Some(Overlay::Text(Box::new(view)));
}

/// Text that was asked for is there: it goes below what the view says already.
pub fn text_loaded(model: &mut Model, generation: Generation, lines: Answer<Vec<String>>) {
    if let Some(Overlay::Text(view)) = &mut model.overlay
        && view.loading == Some(generation)
    {
        view.loading = None;
        match lines {
            Ok(lines) => view.lines.extend(lines),
            Err(notice) => view.problem = Some(notice),
        }
    }
}

pub fn act(model: &mut Model, intent: Intent, out: &mut Out) {
    match intent {
        Intent::ToggleProblems => {
            model.activity.shown = match model.activity.shown {
                Shown::All => Shown::Problems,
                Shown::Problems => Shown::All,
            };
            model.activity.go_to(Section::Deliveries);
            // What is on its way is the other list.
            model.activity.deliveries.loading = None;
            reload(model, out);
        }
        Intent::ReplayDelivery => super::confirm::replay(model),
        _ => {}
    }
}

/// Keys of a text to read, and of a task's steps.
pub fn text_key(model: &mut Model, key: Key) {
    let page = layout::picker_rows(model);
    match &mut model.overlay {
        Some(Overlay::Text(view)) => match scrolled(key, view.scroll, page, view.lines.len().saturating_sub(1)) {
            Some(scroll) => view.scroll = scroll,
            None => model.overlay = None,
        },
        Some(Overlay::Task(id)) => {
            let id = *id;
            match key.code {
                Code::Esc | Code::Enter | Code::Char('q') => model.overlay = None,
                Code::Char('x') if key.ctrl && model.running_tasks().any(|task| task.id == id) => super::confirm::cancel(model, id),
                _ => {}
            }
        }
        _ => {}
    }
}

/// Where a key scrolls to; nowhere when it closes.
pub fn scrolled(key: Key, scroll: usize, page: usize, last: usize) -> Option<usize> {
    let to = match (key.code, key.ctrl) {
        (Code::Esc | Code::Enter, _) | (Code::Char('q'), false) => return None,
        (Code::Char('j') | Code::Down, false) => scroll + 1,
        (Code::Char('k') | Code::Up, false) => scroll.saturating_sub(1),
        (Code::Char('d'), true) | (Code::PageDown, _) => scroll + page / 2,
        (Code::Char('u'), true) | (Code::PageUp, _) => scroll.saturating_sub(page / 2),
        (Code::Char('g') | Code::Home, false) => 0,
        (Code::Char('G') | Code::End, false) => last,
        _ => scroll,
    };
    Some(to.min(last))
}

/// Why a delivery is not tried again, if it is not.
pub fn replay_refusal(model: &Model) -> Option<Notice> {
    use crate::domain::hook::DeliveryState::{Dead, Parked};
    let Some(row) = model.activity.delivery() else {
        return Some(Notice::new("no delivery is selected").hint("they are listed under Deliveries: press ]"));
    };
    let (state, _) = delivery::state_words(row, &model.theme);
    (!matches!(row.state, Dead | Parked)).then(|| {
        Notice::new(format!("this delivery is {state}")).hint("only dead and parked ones are tried again; p lists those with a problem")
    })
}

/// What was loaded for another project is of no use.
pub fn forget(model: &mut Model) {
    let section = model.activity.section;
    model.activity = crate::tui::model::activity::ActivityState { section, ..Default::default() };
    // How other projects stand is shown with it.
    model.collections.loading = None;
}

/// The screen was opened.
pub fn entered(model: &mut Model, out: &mut Out) {
    reload(model, out);
    load::live(model, out);
}
