//! Answers of the runtime: taken when they belong to the last question, dropped when they are older.

use crate::domain::health::Live;
use crate::domain::pull_request::PullRequestStatus;
use crate::tui::answer::{ProjectRow, TaskRow, TaskState, TicketDetail};
use crate::tui::effect::{Effect, Reread, SyncReason};
use crate::tui::event::{Answer, Generation, What};
use crate::tui::model::activity::Section as Activity;
use crate::tui::model::overlay::Overlay;
use crate::tui::model::ticket::{Tab, TicketState};
use crate::tui::model::{Base, Model};

use super::{
    Out, activity, board, editor, load, metrics, new_ticket, picker, pull_request_form, setup, spec_plan, start_work, toast, watching,
    webhooks,
};

pub fn apply(model: &mut Model, what: What, out: &mut Out) {
    match what {
        What::BoardLoaded { generation, board } => board_loaded(model, generation, board, out),
        What::TicketLoaded { generation, key: _, detail } => ticket_loaded(model, generation, detail, out),
        What::PullRequestsLoaded { generation, rows } => {
            if model.pull_requests.loading != Some(generation) {
                return;
            }
            model.pull_requests.loading = None;
            match rows {
                Ok(rows) => {
                    model.pull_requests.rows = Some(rows);
                    let me = model.project.as_ref().and_then(|project| project.me.clone());
                    model.pull_requests.arrange(me.as_ref());
                }
                Err(notice) => toast::bad(model, notice),
            }
            if std::mem::take(&mut model.pull_requests.stale) {
                load::pull_requests(model, out);
            }
        }
        What::ProjectsLoaded { generation, rows } => projects_loaded(model, generation, rows, out),
        What::RepositoriesLoaded { generation, rows } => {
            new_ticket::repositories(model, generation, &rows);
            if model.setup.loading == Some(generation) {
                model.setup.loading = None;
                match rows {
                    Ok(rows) => model.setup.repositories = Some(rows),
                    Err(notice) => toast::bad(model, notice),
                }
            }
        }
        What::MembersLoaded { generation, rows } => {
            picker::members_loaded(model, generation, &rows);
            if model.setup.loading_members == Some(generation) {
                model.setup.loading_members = None;
                match rows {
                    Ok(rows) => model.setup.members = Some(rows),
                    Err(notice) => toast::bad(model, notice),
                }
            }
        }
        What::LiveLoaded { generation, live } => live_loaded(model, generation, live, out),
        What::DeliveriesLoaded { generation, rows } => {
            activity::loaded(model, |model| &mut model.activity.deliveries, generation, rows, out)
        }
        What::HealthLoaded { generation, health } => activity::loaded(model, |model| &mut model.activity.health, generation, health, out),
        What::RequestsLoaded { generation, rows } => activity::loaded(model, |model| &mut model.activity.requests, generation, rows, out),
        What::BodyLoaded { generation, lines } | What::StepsLoaded { generation, lines } => activity::text_loaded(model, generation, lines),
        What::WebhooksLoaded { generation, card } => webhooks::loaded(model, generation, card, out),
        What::MetricsLoaded { generation, page } => metrics::loaded(model, generation, page, out),
        What::MetricRowsLoaded { generation, rows } => metrics::rows_loaded(model, generation, rows, out),
        What::MovedLoaded { generation, lines } => metrics::moved_loaded(model, generation, lines),
        What::CollectionsLoaded { generation, collections } => load::collections_loaded(model, generation, collections, out),
        What::Explained { generation, story } => drop(model.story.listed.take(generation, story)),
        What::TeamsLoaded { generation, teams } => metrics::teams_loaded(model, generation, teams),
        What::MetricsExported { generation, written } => metrics::exported(model, generation, written),
        What::HooksPlanned { generation, plan } => webhooks::planned(model, generation, plan),
        What::SecretMade { secret, url } => webhooks::made(model, secret, url),
        What::StartPlanned { generation, plan } => start_work::planned(model, generation, plan),
        What::Planned { generation, plan } => spec_plan::planned(model, generation, plan),
        What::PullRequestPlanned { generation, draft } => pull_request_form::planned(model, generation, draft),
        What::TaskStarted { generation, task } => {
            start_work::started(model, generation, &task);
            spec_plan::started(model, generation, &task);
            webhooks::started(model, generation, &task);
            pull_request_form::started(model, generation, &task);
            // It may have ended before its number was known: then it was told of at the foot, and the dialog says it as well.
            let failed = model.overlay.as_ref().and_then(Overlay::task).and_then(|id| model.task(id)).and_then(|task| match &task.state {
                TaskState::Failed(notice) => Some(notice.clone()),
                _ => None,
            });
            if failed.is_some() && model.toast.as_ref().map(|toast| &toast.notice) == failed.as_ref() {
                model.toast = None;
            }
            spec_plan::close_when_done(model);
            webhooks::close_when_done(model);
            pull_request_form::tasks_changed(model, out);
        }
        What::SpecSaved { generation, key, saved } => match &model.editor {
            Some(state) if state.key == key => editor::saved(model, generation, saved, out),
            _ => {
                if let Err(crate::tui::answer::SaveFailure::Refused(notice)) = saved {
                    toast::bad(model, notice);
                } else if model.open_editor_after.as_ref().is_some_and(|(wanted, _)| *wanted == generation) {
                    model.open_editor_after = None;
                    let generation = model.next_generation();
                    model.opening_editor = Some((generation, key.clone()));
                    out.push(Effect::LoadTicket { key, generation });
                }
            }
        },
        What::SpecConflicted { key, conflict } => editor::show_conflict(model, key, conflict),
        What::SpecCompared { generation, key: _, rows } => spec_plan::compared(model, generation, rows),
        What::EditedOutside { key, text } => editor::edited_outside(model, &key, text, out),
        What::TicketCreated { generation, key } => new_ticket::created(model, generation, key, out),
        What::Connected { generation, report } => setup::checked(model, generation, report),
        What::Activated { generation, project } => setup::activated(model, generation, project, out),
        What::ProjectSelected { project, token_days_left } => {
            model.token_days_left = token_days_left;
            project_selected(model, *project, out);
        }
        What::Synced { generation, outcome } => synced(model, generation, outcome, out),
        What::Done { words } => match words {
            Ok(Some(words)) => toast::good(model, words),
            Ok(None) => {}
            Err(notice) => {
                toast::bad(model, notice);
                model.watching.expect_no_more(None);
                // What was shown in advance may not be so.
                load::everything(model, out);
            }
        },
        What::Tasks(tasks) => tasks_changed(model, tasks, out),
        What::RateLimited { until } => model.rate_limited_until = until,
        What::Notice(notice) => toast::plain(model, notice),
        // Events of the terminal and the store never come here.
        _ => {}
    }
}

fn live_loaded(model: &mut Model, generation: Generation, live: Answer<Live>, out: &mut Out) {
    if model.live.loading != Some(generation) {
        return;
    }
    model.live.loading = None;
    // What is not known is not live.
    model.live.live = live.unwrap_or_else(|notice| Live::Broken(notice.text));
    if std::mem::take(&mut model.live.stale) {
        load::live(model, out);
    }
}

fn synced(model: &mut Model, generation: Generation, outcome: Answer<Option<String>>, out: &mut Out) {
    if model.sync.running != Some(generation) {
        return;
    }
    model.sync.running = None;
    if model.activity.section == Activity::Requests {
        activity::reload(model, out);
    }
    let reread = match model.sync.why {
        SyncReason::Asked => Reread::All,
        SyncReason::ViewLoad => Reread::Old,
    };
    match outcome {
        Ok(words) => {
            model.sync.failed = None;
            words.into_iter().for_each(|words| toast::good(model, words));
            load::visible_details(model, reread, out);
        }
        Err(notice) => {
            // Said once: a line that stays down must not fill the screen with it.
            if model.sync.failed.as_ref() != Some(&notice) {
                toast::bad(model, notice.clone());
            }
            model.sync.failed = Some(notice);
        }
    }
}

fn board_loaded(model: &mut Model, generation: Generation, loaded: Answer<Box<crate::domain::board::Board>>, out: &mut Out) {
    if model.board.loading != Some(generation) {
        return;
    }
    model.board.loading = None;
    match loaded {
        Ok(board) => {
            let first = model.board.board.is_none();
            model.board.board = Some(board);
            let made = model.board.awaited.clone().filter(|key| model.board.card(key).is_some());
            if made.is_some() {
                model.board.selected.clone_from(&made);
            }
            board::settle(model, out);
            watching::board_changed(model, out);
            if let Some(key) = made {
                model.board.awaited = None;
                // Said only now: the keys it names work from here on.
                toast::good(model, format!("{key} is made; s starts work on it, e edits its spec"));
            }
            if first {
                restore_screens(model, out);
            }
        }
        Err(notice) => toast::bad(model, notice),
    }
    if std::mem::take(&mut model.board.stale) {
        load::board(model, out);
    }
}

/// Opens what was open when the last session ended.
fn restore_screens(model: &mut Model, out: &mut Out) {
    let Some(session) = model.restoring.clone() else { return };
    if let Some(key) = session.ticket.filter(|key| model.board.card(key).is_some()) {
        model.ticket = Some(TicketState::new(key, Tab::Spec));
        load::ticket(model, out);
    }
    match session.editor {
        Some((key, _)) if model.board.card(&key).is_some() => {
            let generation = model.next_generation();
            model.opening_editor = Some((generation, key.clone()));
            out.push(Effect::LoadTicket { key, generation });
        }
        _ => model.restoring = None,
    }
}

fn ticket_loaded(model: &mut Model, generation: Generation, detail: Answer<Box<TicketDetail>>, out: &mut Out) {
    let for_editor = model.opening_editor.as_ref().is_some_and(|(wanted, _)| *wanted == generation);
    let for_preview = model.board.loading_detail == Some(generation);
    let for_ticket = model.ticket.as_ref().is_some_and(|ticket| ticket.loading == Some(generation));
    match detail {
        Ok(detail) => {
            if model.refreshing_editor == Some(generation) {
                model.refreshing_editor = None;
                editor::refreshed(model, &detail);
            }
            if for_editor {
                editor::loaded(model, generation, detail.ticket.title.clone(), detail.spec.clone(), out);
            }
            if for_preview {
                model.board.loading_detail = None;
                model.board.detail = Some(detail.clone());
            }
            if let Some(ticket) = model.ticket.as_mut().filter(|_| for_ticket) {
                ticket.loading = None;
                ticket.criterion = ticket.criterion.min(detail.ticket.criteria.len().saturating_sub(1));
                if detail.pull_request.as_ref().is_some_and(|known| known.facts.status == PullRequestStatus::Active) {
                    // Checks and comments follow; the runtime leaves out what it read a moment ago.
                    let keys = vec![detail.ticket.key.clone()];
                    out.push(Effect::LoadDetails { project: detail.ticket.project, keys, pull_requests: Vec::new(), reread: Reread::Old });
                }
                ticket.detail = Some(detail);
                if std::mem::take(&mut ticket.stale) {
                    load::ticket(model, out);
                }
            }
        }
        Err(notice) => {
            if for_editor {
                model.opening_editor = None;
            }
            if for_preview {
                model.board.loading_detail = None;
            }
            if let Some(ticket) = model.ticket.as_mut().filter(|_| for_ticket) {
                ticket.loading = None;
                // What was known stays on the screen.
                if ticket.detail.is_none() {
                    model.ticket = None;
                }
            }
            if for_editor || for_ticket {
                toast::bad(model, notice);
            }
        }
    }
}

fn projects_loaded(model: &mut Model, generation: Generation, rows: Answer<Vec<ProjectRow>>, out: &mut Out) {
    let for_setup = model.setup.loading_projects == Some(generation);
    if !for_setup && !picker::waits_for(model, generation) {
        return;
    }
    let first = model.project.is_none() && for_setup;
    if for_setup {
        model.setup.loading_projects = None;
    }
    match rows {
        Ok(rows) => {
            if first {
                let wanted = model.restoring.as_ref().and_then(|session| session.project);
                let chosen = rows.iter().find(|row| Some(row.id) == wanted).or_else(|| rows.first());
                match chosen {
                    Some(row) => out.push(Effect::SelectProject { project: row.id }),
                    None if model.base != Base::Setup => model.base = Base::Welcome,
                    None => {}
                }
            }
            if for_setup && !first {
                leave_what_is_gone(model, &rows, out);
            }
            model.setup.projects = Some(rows);
            picker::projects_loaded(model, generation, &Ok(Vec::new()));
        }
        Err(notice) => toast::bad(model, notice),
    }
}

/// The open project is not on the board any more: another one is opened, if there is one.
fn leave_what_is_gone(model: &mut Model, rows: &[ProjectRow], out: &mut Out) {
    if model.project.as_ref().is_none_or(|open| rows.iter().any(|row| row.id == open.id)) {
        return;
    }
    match rows.first() {
        Some(row) => out.push(Effect::SelectProject { project: row.id }),
        None => {
            model.project = None;
            model.board = crate::tui::model::board::BoardState::default();
            model.metrics.forget();
        }
    }
}

fn project_selected(model: &mut Model, project: ProjectRow, out: &mut Out) {
    let same = model.project.as_ref().is_some_and(|current| current.id == project.id);
    let first = model.project.is_none();
    out.push(Effect::SetTitle(crate::notice::inert(&format!("kanado {}", project.name))));
    model.setup.rules = project.rules.clone();
    model.project = Some(project);
    if !same {
        let kept = std::mem::take(&mut model.board);
        if first {
            // A restored selection and filter belong to the project that is opened first.
            model.board.selected = kept.selected;
            model.board.filter = kept.filter;
            model.board.mine = kept.mine;
        }
        model.board.preview = kept.preview;
        model.pull_requests = crate::tui::model::pull_requests::PullRequestsState::default();
        model.setup.repositories = None;
        model.setup.members = None;
        model.setup.webhooks = crate::tui::model::listed::Listed::default();
        model.live = crate::tui::model::live::LiveState::default();
        model.metrics.forget();
        activity::forget(model);
        model.ticket = None;
    }
    match model.base {
        Base::Welcome => model.base = Base::Board,
        Base::Setup => {
            if model.setup.section == crate::tui::model::setup::Section::Projects && !same {
                model.base = Base::Board;
            } else {
                load::repositories(model, out);
                load::members(model, out);
                webhooks::reload(model, out);
            }
        }
        Base::Metrics => metrics::reload(model, out),
        Base::Board | Base::PullRequests | Base::Activity => {}
    }
    load::everything(model, out);
    load::live(model, out);
    model.sync.asked_at = None;
    load::view_load(model, out);
    if !first {
        out.push(Effect::SaveSession(Box::new(model.session())));
    }
}

/// Tasks moved on: those that just ended are told of, unless a dialog shows them.
fn tasks_changed(model: &mut Model, tasks: Vec<TaskRow>, out: &mut Out) {
    let shown = model.overlay.as_ref().and_then(Overlay::task);
    watching::tasks_ended(model, &tasks);
    let was_running = |model: &Model, id: u64| model.task(id).is_none_or(|task| task.state == TaskState::Running);
    for task in &tasks {
        if task.state == TaskState::Running || !was_running(model, task.id) {
            continue;
        }
        match &task.state {
            TaskState::Done(words) if !words.is_empty() => {
                toast::good(model, words.clone());
                toast::bell(model, out);
            }
            TaskState::Failed(notice) => {
                if shown != Some(task.id) {
                    toast::bad(model, notice.clone());
                }
                toast::bell(model, out);
            }
            TaskState::Cancelled => toast::plain(model, crate::notice::Notice::new(format!("cancelled: {}", task.title))),
            _ => {}
        }
    }
    model.tasks = tasks;
    spec_plan::close_when_done(model);
    webhooks::close_when_done(model);
    activity::settle(model);
    if model.activity.section == Activity::Requests {
        activity::reload(model, out);
    }
    pull_request_form::tasks_changed(model, out);
}
