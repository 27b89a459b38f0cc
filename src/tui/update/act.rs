//! Carrying out intents: refused with words, or handed to the screen they concern.

use crate::notice::Notice;
use crate::tui::actions;
use crate::tui::effect::{Effect, MouseCapture, QuitMode, SyncReason};
use crate::tui::intent::Intent;
use crate::tui::model::overlay::{Confirm, Confirmed, Guard, Overlay, SpecDirection};
use crate::tui::model::ticket::{Tab, TicketState};
use crate::tui::model::{Base, Model};
use crate::tui::refusal::{self, refusal};

use super::{
    Out, activity, board, confirm, editor, filter, help, load, metrics, new_ticket, picker, pull_request_form, setup, spec_plan,
    start_work, ticket, toast, watching, webhooks,
};

/// Does what is wanted, or says why not.
pub fn act(model: &mut Model, intent: Intent, out: &mut Out) {
    use Intent::*;
    if let Some(why) = refusal(model, intent) {
        toast::plain(model, why);
        return;
    }
    match intent {
        Down | Up | Left | Right | Top | Bottom | HalfDown | HalfUp | NextTab | PreviousTab => navigate(model, intent, out),
        Open => open(model, out),
        Back => back(model, out),
        Quit => quit(model, out),
        ShowBoard => show(model, Base::Board, out),
        ShowPullRequests => show(model, Base::PullRequests, out),
        ShowSetup => show(model, Base::Setup, out),
        ShowActivity => show(model, Base::Activity, out),
        ShowMetrics => show(model, Base::Metrics, out),
        PickProject => picker::projects(model, out),
        Palette => help::palette(model),
        Help => help::help(model),

        Filter => filter::begin(model),
        FilterBy => picker::filter_by(model),
        Mine => {
            model.board.mine = !model.board.mine;
            board::settle(model, out);
        }
        ClearFilter => filter::clear(model, out),
        TogglePreview => {
            model.board.preview = Some(!crate::tui::layout::shows_preview(model));
            board::settle(model, out);
        }
        PreviewDown => model.board.preview_scroll = model.board.preview_scroll.saturating_add(3),
        PreviewUp => model.board.preview_scroll = model.board.preview_scroll.saturating_sub(3),
        NextTheme => {
            model.theme = model.theme.next();
            toast::good(model, format!("theme {}", model.theme.name.word()));
        }
        ToggleMouse => {
            model.mouse = if model.mouse == MouseCapture::On { MouseCapture::Off } else { MouseCapture::On };
            out.push(Effect::Mouse(model.mouse));
            let words = match model.mouse {
                MouseCapture::On => "mouse on; % turns it off and gives selection back to the terminal",
                MouseCapture::Off => "mouse off",
            };
            toast::good(model, words);
        }
        Redraw => out.push(Effect::Redraw),
        Suspend => out.push(Effect::Suspend),

        SyncAll => {
            load::sync(model, SyncReason::Asked, out);
            activity::reload(model, out);
        }
        SyncThis => {
            with_subject(model, |key, _| out.push(Effect::SyncTicket { key }));
            model.story.forget();
        }

        StartWork => start_work::open(model, out),
        EditSpec => editor::open(model, out),
        EditSpecOutside => editor::open_outside(model, out),
        DiffSpec => spec_plan::diff(model, out),
        PushSpec => spec_plan::open(model, SpecDirection::Push, out),
        PullSpec => spec_plan::open(model, SpecDirection::Pull, out),
        PullRequest => pull_request_form::open(model, out),
        MoveLeft | MoveRight => {
            if let Some(subject) = refusal::subject(model)
                && let Ok(to) = refusal::next_status(model, &subject, intent)
            {
                out.push(Effect::Move { key: subject.key, to });
            }
        }
        MovePicker => picker::move_to(model),
        NewTicket => new_ticket::open(model, out),
        Assign => picker::assign(model, out),
        TakeIt => with_subject(model, |key, version| out.push(Effect::AssignToMe { key, version })),
        ToggleCriterion => ticket::toggle_criterion(model, out),
        Archive => confirm::archive(model),
        Delete => confirm::delete(model),
        CopyKey => {
            if let Some(key) = model.subject() {
                out.push(Effect::CopyText { what: "key", text: key.to_string() });
            }
        }
        CopyMenu => picker::copy(model),
        OpenOutside => open_outside(model, out),
        CancelTask => confirm::cancel_task(model),
        Watch => watching::toggle(model, out),
        Formula | NextWindow | TypeWindow | NextDefinition | WorkingHours | FilterMetrics | ExportMetrics | CollectNow | OpenMetricRow
        | CopyMetric => metrics::act(model, intent, out),
        ToggleProblems | ReplayDelivery => activity::act(model, intent, out),
        HooksRegister | HooksRemove | SecretGenerate | SecretRotate | SecretRevoke | HookSteps | CopyWebhookUrl => {
            webhooks::perform(model, intent, out);
        }

        SaveDraft
        | SaveAndPush
        | EditorPreview
        | EditorOutside
        | EditorTick
        | EditorUndo
        | EditorRedo
        | EditorNextSection
        | EditorPreviousSection
        | EditorLeave => editor::act(model, intent, out),

        Submit => match model.overlay {
            Some(Overlay::NewTicket(_)) => new_ticket::submit(model, out),
            Some(Overlay::PullRequest(_)) => pull_request_form::submit(model, out),
            _ => setup::check(model, out),
        },
        Comments => picker::comments(model),
        Deselect => picker::deselect(model),
        ToggleRow | Discover | DefaultReviewer | Less | More => setup::act(model, intent, out),
    }
}

fn with_subject(model: &Model, then: impl FnOnce(crate::domain::id::TicketKey, i64)) {
    if let Some(subject) = refusal::subject(model) {
        then(subject.key, subject.version);
    }
}

fn navigate(model: &mut Model, intent: Intent, out: &mut Out) {
    if model.ticket.is_some() {
        return ticket::navigate(model, intent);
    }
    match model.base {
        Base::Board => board::navigate(model, intent, out),
        Base::PullRequests => pull_requests(model, intent),
        Base::Metrics => metrics::navigate(model, intent),
        Base::Activity => activity::navigate(model, intent, out),
        Base::Setup | Base::Welcome => setup::navigate(model, intent, out),
    }
}

fn pull_requests(model: &mut Model, intent: Intent) {
    let visible = crate::tui::layout::list_rows(model);
    let list = &mut model.pull_requests;
    let half = (visible / 2).max(1);
    let to = match intent {
        Intent::Down => list.cursor + 1,
        Intent::Up => list.cursor.saturating_sub(1),
        Intent::HalfDown => list.cursor + half,
        Intent::HalfUp => list.cursor.saturating_sub(half),
        Intent::Top => 0,
        Intent::Bottom => usize::MAX,
        Intent::NextTab | Intent::Right | Intent::PreviousTab | Intent::Left => {
            list.section = if matches!(intent, Intent::NextTab | Intent::Right) { list.section.next() } else { list.section.previous() };
            list.offset = 0;
            let me = model.project.as_ref().and_then(|project| project.me.clone());
            list.arrange(me.as_ref());
            list.cursor
        }
        _ => return,
    };
    list.move_to(to, visible);
}

/// Opens what is selected.
fn open(model: &mut Model, out: &mut Out) {
    if model.ticket.is_some() {
        return ticket::enter(model, out);
    }
    match model.base {
        Base::Board => {
            if let Some(key) = model.board.selected.clone() {
                open_ticket(model, key, Tab::Spec, out);
            }
        }
        Base::PullRequests => {
            let Some(row) = model.pull_requests.selected_row().cloned() else { return };
            match row.ticket.clone() {
                Some(key) => open_ticket(model, key, Tab::PullRequest, out),
                None => model.overlay = Some(Overlay::PullRequestFacts(Box::new(row))),
            }
        }
        Base::Metrics => metrics::enter(model, out),
        Base::Activity => activity::enter(model, out),
        Base::Setup | Base::Welcome => setup::enter(model, out),
    }
}

/// Shows a ticket over the base screen.
pub fn open_ticket(model: &mut Model, key: crate::domain::id::TicketKey, tab: Tab, out: &mut Out) {
    let mut state = TicketState::new(key.clone(), tab);
    // What the preview loaded is shown until newer data is there.
    state.detail = model.board.detail.clone().filter(|detail| detail.ticket.key == key);
    model.ticket = Some(state);
    load::ticket(model, out);
}

/// One step back: out of the ticket, out of a filter, back to the board.
fn back(model: &mut Model, out: &mut Out) {
    if model.ticket.take().is_some() {
        load::view_load(model, out);
        return;
    }
    match model.base {
        Base::Board if model.board.is_filtered() => filter::clear(model, out),
        Base::PullRequests if !model.pull_requests.filter.is_empty() => filter::clear(model, out),
        Base::Metrics if model.metrics.drill.take().is_some() => {}
        Base::PullRequests | Base::Metrics | Base::Activity | Base::Setup if model.project.is_some() => show(model, Base::Board, out),
        Base::Setup => model.base = Base::Welcome,
        _ => {}
    }
}

fn quit(model: &mut Model, out: &mut Out) {
    if model.ticket.is_some() {
        return back(model, out);
    }
    match model.base {
        Base::Metrics if model.metrics.drill.take().is_some() => {}
        Base::PullRequests | Base::Metrics | Base::Activity | Base::Setup if model.project.is_some() => show(model, Base::Board, out),
        Base::Setup => model.base = Base::Welcome,
        _ => leave(model, out),
    }
}

/// Ends the program, or asks first while something is being done or was written and not pushed.
pub fn leave(model: &mut Model, out: &mut Out) {
    let mut lines: Vec<String> = model.running_tasks().map(|task| format!("{}: {}", task.title, task.progress.summary())).collect();
    let running = lines.len();
    lines.extend(model.unpushed().map(|card| format!("not pushed: the spec of {} {}", card.key, card.title)));
    let drafts = lines.len() - running;
    if lines.is_empty() {
        out.push(Effect::SaveSession(Box::new(model.session())));
        out.push(Effect::Quit(QuitMode::Now));
        return;
    }
    let question = match (running, drafts) {
        (0, 1) => "A spec you wrote is not on its branch. Quit?".to_owned(),
        (0, _) => format!("{drafts} specs you wrote are not on their branches. Quit?"),
        (1, _) => "A task is running. Quit?".to_owned(),
        _ => format!("{running} tasks are running. Quit?"),
    };
    if drafts > 0 {
        lines.push("Drafts are kept here; U pushes one.".into());
    }
    model.overlay = Some(Overlay::Confirm(Confirm { question, lines, what: Confirmed::Quit, guard: Guard::new(model.now) }));
}

/// Goes to a base screen.
pub fn show(model: &mut Model, base: Base, out: &mut Out) {
    model.ticket = None;
    let was = model.base;
    model.base = base;
    match base {
        Base::Board => {
            if model.board.board.is_none() {
                load::board(model, out);
            }
            board::settle(model, out);
            if was != base {
                load::view_load(model, out);
            }
        }
        Base::PullRequests => {
            load::pull_requests(model, out);
            load::view_load(model, out);
        }
        Base::Metrics => metrics::entered(model, out),
        Base::Activity => activity::entered(model, out),
        Base::Setup => setup::entered(model, out),
        Base::Welcome => {}
    }
}

/// The page of the pull request, in a browser or as an address to copy.
fn open_outside(model: &mut Model, out: &mut Out) {
    let of_row = match &model.overlay {
        Some(Overlay::PullRequestFacts(row)) => row.pull_request.web_url.clone(),
        _ if model.ticket.is_none() && model.base == Base::PullRequests => {
            model.pull_requests.selected_row().and_then(|row| row.pull_request.web_url.clone())
        }
        _ => None,
    };
    let effect = of_row.map(|url| Effect::OpenUrl { url }).or_else(|| model.subject().map(|key| Effect::OpenPage { key }));
    match effect {
        Some(effect) => out.push(effect),
        None => {
            let words = actions::of(Intent::OpenOutside).map_or("open in the browser", |action| action.words);
            toast::plain(model, Notice::new(format!("{words}: no address is known yet")));
        }
    }
}
