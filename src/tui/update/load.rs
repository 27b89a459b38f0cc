//! Asking for data: each load has a generation, and a load asked for while one is under way is done after it.

use crate::domain::change::Change;
use crate::domain::id::{ProjectId, TicketKey};
use crate::domain::pull_request::PullRequestStatus;
use crate::tui::answer::Collections;
use crate::tui::effect::{Effect, Reread, SyncReason};
use crate::tui::event::{Answer, Generation};
use crate::tui::layout;
use crate::tui::model::activity::Section;
use crate::tui::model::listed::Taken;
use crate::tui::model::{Base, Model};

use super::Out;

pub fn board(model: &mut Model, out: &mut Out) {
    let Some(project) = model.project.as_ref().map(|project| project.id) else { return };
    if model.board.loading.is_some() {
        model.board.stale = true;
        return;
    }
    let generation = model.next_generation();
    model.board.loading = Some(generation);
    out.push(Effect::LoadBoard { project, generation });
}

pub fn pull_requests(model: &mut Model, out: &mut Out) {
    let Some(project) = model.project.as_ref().map(|project| project.id) else { return };
    if model.pull_requests.loading.is_some() {
        model.pull_requests.stale = true;
        return;
    }
    let generation = model.next_generation();
    model.pull_requests.loading = Some(generation);
    out.push(Effect::LoadPullRequests { project, generation });
}

/// Whether the project is live, and what else deliveries change on the screen.
pub fn live(model: &mut Model, out: &mut Out) {
    let Some(project) = model.project.as_ref().map(|project| project.id) else { return };
    if model.live.loading.is_some() {
        model.live.stale = true;
        return;
    }
    model.live.due = None;
    let generation = model.next_generation();
    model.live.loading = Some(generation);
    model.live.asked_at = Some(model.now);
    out.push(Effect::LoadLive { project, generation });
}

/// Deliveries arrived or hooks changed: read at once, or in a moment when that was just done.
fn hooks(model: &mut Model, out: &mut Out) {
    let now = model.now;
    if model.live.may_look(now) {
        look_again(model, out);
    }
}

/// It is time to look again: a lease may have run out, or deliveries came in the meantime.
pub fn look_again(model: &mut Model, out: &mut Out) {
    live(model, out);
    hooks_in_view(model, out);
}

fn hooks_in_view(model: &mut Model, out: &mut Out) {
    match model.base {
        Base::Activity => super::activity::reload(model, out),
        Base::Setup => super::webhooks::reload(model, out),
        _ => {}
    }
}

/// Loads the open ticket.
pub fn ticket(model: &mut Model, out: &mut Out) {
    let generation = model.next_generation();
    if let Some(ticket) = &mut model.ticket {
        if ticket.loading.is_some() {
            ticket.stale = true;
            return;
        }
        ticket.loading = Some(generation);
        out.push(Effect::LoadTicket { key: ticket.key.clone(), generation });
    }
}

/// Loads what the board's preview shows, if it shows another ticket than before.
pub fn preview(model: &mut Model, out: &mut Out) {
    if model.base != Base::Board || !crate::tui::layout::shows_preview(model) {
        return;
    }
    let Some(key) = model.board.selected.clone() else {
        model.board.detail = None;
        return;
    };
    if model.board.detail.as_ref().is_some_and(|detail| detail.ticket.key == key) && !model.board.stale {
        return;
    }
    reload_preview(model, key, out);
}

fn reload_preview(model: &mut Model, key: TicketKey, out: &mut Out) {
    let generation = model.next_generation();
    model.board.loading_detail = Some(generation);
    out.push(Effect::LoadTicket { key, generation });
}

/// Refreshes the pull requests when a list comes into view, at most once in the configured time.
pub fn view_load(model: &mut Model, out: &mut Out) {
    let pause = model.settings.view_load_seconds;
    let rested = model.sync.asked_at.is_none_or(|at| model.now.duration_since(at).as_secs() >= pause);
    if rested && model.sync.running.is_none() {
        sync(model, SyncReason::ViewLoad, out);
    }
}

pub fn sync(model: &mut Model, why: SyncReason, out: &mut Out) {
    let Some(project) = model.project.as_ref().map(|project| project.id) else { return };
    let generation = model.next_generation();
    model.sync.running = Some(generation);
    model.sync.why = why;
    model.sync.asked_at = Some(model.now);
    out.push(Effect::Sync { project, why, generation });
}

/// Policies and threads of the pull requests on the screen: of the open ticket, else of the visible cards. The list shows rows by the
/// dozen, so there it takes a person to ask.
pub fn visible_details(model: &Model, reread: Reread, out: &mut Out) {
    let Some(project) = model.project.as_ref().map(|project| project.id) else { return };
    let (mut keys, mut pull_requests) = (Vec::new(), Vec::new());
    if let Some(ticket) = &model.ticket {
        keys.push(ticket.key.clone());
    } else if model.base == Base::Board {
        let layout = layout::board(model);
        for (at, _) in &layout.lanes {
            let Some(lane) = model.board.lanes.get(*at) else { continue };
            for row in lane.offset..(lane.offset + layout.visible).min(lane.cards.len()) {
                if let Some(card) = model.board.card_at(*at, row)
                    && card.pull_request.as_ref().is_some_and(|chip| chip.status == PullRequestStatus::Active)
                {
                    keys.push(card.key.clone());
                }
            }
        }
    } else if model.base == Base::PullRequests && reread == Reread::All {
        let list = &model.pull_requests;
        let rows = list.shown.iter().skip(list.offset).take(layout::list_rows(model)).filter_map(|at| list.rows.as_ref()?.get(*at));
        let active = rows.filter(|row| row.pull_request.facts.status == PullRequestStatus::Active);
        pull_requests.extend(active.map(|row| (row.pull_request.facts.repository, row.pull_request.facts.number)));
    }
    if !keys.is_empty() || !pull_requests.is_empty() {
        out.push(Effect::LoadDetails { project, keys, pull_requests, reread });
    }
}

/// Everything of the current project, as after a switch.
pub fn everything(model: &mut Model, out: &mut Out) {
    board(model, out);
    super::activity::reload(model, out);
    if model.base == Base::PullRequests {
        pull_requests(model, out);
    }
    if model.ticket.is_some() {
        ticket(model, out);
    }
}

pub fn repositories(model: &mut Model, out: &mut Out) {
    let Some(project) = model.project.as_ref().map(|project| project.id) else { return };
    let generation = model.next_generation();
    model.setup.loading = Some(generation);
    out.push(Effect::LoadRepositories { project, generation });
}

pub fn members(model: &mut Model, out: &mut Out) {
    let Some(project) = model.project.as_ref().map(|project| project.id) else { return };
    let generation = model.next_generation();
    model.setup.loading_members = Some(generation);
    out.push(Effect::LoadMembers { project, generation });
}

/// How the collection of facts stands, where it is in view.
pub fn collections(model: &mut Model, out: &mut Out) {
    let Some(project) = model.project.as_ref().map(|project| project.id) else { return };
    let in_view = match model.base {
        Base::Activity => model.activity.section == Section::Collection,
        Base::Setup => true,
        _ => false,
    };
    if in_view {
        let generation = model.next_generation();
        if model.collections.ask(generation) {
            out.push(Effect::LoadCollections { project, generation });
        }
    }
}

pub fn collections_loaded(model: &mut Model, generation: Generation, collections: Answer<Box<Collections>>, out: &mut Out) {
    if model.collections.take(generation, collections) == Taken::AskAgain {
        self::collections(model, out);
    }
}

pub fn projects(model: &mut Model, out: &mut Out) {
    let generation = model.next_generation();
    model.setup.loading_projects = Some(generation);
    out.push(Effect::LoadProjects { generation });
}

/// The spec being edited: where it stands to its branch may be new, or its text was merged with the branch's.
fn editor(model: &mut Model, key: Option<&TicketKey>, out: &mut Out) {
    let Some(edited) = model.editor.as_ref().map(|editor| editor.key.clone()) else { return };
    if key.is_none_or(|key| *key == edited) && model.opening_editor.is_none() {
        let generation = model.next_generation();
        model.refreshing_editor = Some(generation);
        out.push(Effect::LoadTicket { key: edited, generation });
    }
}

/// Something was committed to the store: what shows it is read again.
pub fn changed(model: &mut Model, change: &Change, out: &mut Out) {
    match change {
        Change::Ticket { key, .. } => editor(model, Some(key), out),
        Change::Tickets(_) | Change::Elsewhere => editor(model, None, out),
        _ => {}
    }
    let here = |project: &ProjectId| model.project.as_ref().is_some_and(|current| current.id == *project);
    match change {
        Change::Ticket { project, key } if here(project) => {
            board(model, out);
            if model.ticket.as_ref().is_some_and(|ticket| ticket.key == *key) {
                ticket(model, out);
            }
            refresh_preview(model, Some(key), out);
        }
        Change::Tickets(project) | Change::PullRequests(project) if here(project) => {
            everything(model, out);
            refresh_preview(model, None, out);
        }
        Change::PullRequest { .. } | Change::Elsewhere => {
            if *change == Change::Elsewhere {
                hooks(model, out);
                super::metrics::facts(model, None, out);
                collections(model, out);
            }
            everything(model, out);
            refresh_preview(model, None, out);
        }
        Change::Deliveries(project) | Change::Hooks(project) if here(project) => hooks(model, out),
        Change::Facts(project) => {
            super::metrics::facts(model, Some(*project), out);
            collections(model, out);
        }
        Change::Members(project) if here(project) && model.base == Base::Setup => members(model, out),
        Change::Repositories(project) if here(project) && model.base == Base::Setup => repositories(model, out),
        // What it said of its rate limit stands beside the collection.
        Change::Organisation(_) => {
            if model.base == Base::Setup {
                projects(model, out);
            }
            collections(model, out);
        }
        Change::Project(_) if model.base == Base::Setup => projects(model, out),
        _ => {}
    }
}

fn refresh_preview(model: &mut Model, key: Option<&TicketKey>, out: &mut Out) {
    if model.base != Base::Board || !crate::tui::layout::shows_preview(model) {
        return;
    }
    if let Some(selected) = model.board.selected.clone()
        && key.is_none_or(|key| *key == selected)
    {
        reload_preview(model, selected, out);
    }
}
