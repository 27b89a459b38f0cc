//! The line at the foot: a message, the filter being typed, what may follow a key, else the keys that matter here.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::tui::actions::{ACTIONS, Context};
use crate::tui::intent::Intent;
use crate::tui::layout;
use crate::tui::model::activity::Section as Activity;
use crate::tui::model::board::Filtering;
use crate::tui::model::metrics::Counted;
use crate::tui::model::setup::Focus as SetupFocus;
use crate::tui::model::text_field::TextField;
use crate::tui::model::ticket::Tab;
use crate::tui::model::{Base, Model, Toast, Tone, WHICH_KEY_AFTER};
use crate::tui::refusal::{about_a_ticket, refusal};
use crate::tui::widget::text_field::{self, Focus};
use crate::tui::widget::{panel, text};

pub fn draw(model: &Model, area: Rect, buf: &mut Buffer) {
    if let Some(toast) = &model.toast {
        return message(model, toast, area, buf);
    }
    if model.overlay.is_some() {
        // A dialog names its own keys; these here would not act.
        return;
    }
    if model.editor.is_none() && model.ticket.is_none() {
        match model.base {
            Base::Board if model.board.filtering == Filtering::Typing => {
                let count: usize = model.board.lanes.iter().map(|lane| lane.cards.len()).sum();
                let all = model.board.board.as_ref().map_or(0, |board| board.cards.len());
                return filter(model, &model.board.filter, count, all, area, buf);
            }
            Base::PullRequests if model.pull_requests.filtering == Filtering::Typing => {
                let all = model.pull_requests.rows.as_ref().map_or(0, Vec::len);
                return filter(model, &model.pull_requests.filter, model.pull_requests.shown.len(), all, area, buf);
            }
            _ => {}
        }
    }
    if !model.pending.keys.is_empty() && model.now.duration_since(model.pending.since) >= WHICH_KEY_AFTER {
        return which_key(model, area, buf);
    }
    // A dialog has the keyboard, and hints of its own.
    if model.overlay.is_none() {
        hints(model, area, buf);
    }
}

/// A message in one line with its hint; in as many as it needs, up to a few, when it does not fit.
fn message(model: &Model, toast: &Toast, area: Rect, buf: &mut Buffer) {
    let theme = &model.theme;
    let (mark, style) = match toast.tone {
        Tone::Good => (theme.marks.tick, theme.good),
        Tone::Plain => (theme.marks.right, theme.info),
        Tone::Bad => (theme.marks.cross, theme.bad),
    };
    let words = text::clean(&toast.notice.text);
    let hint = toast.notice.hint.as_deref().map(text::clean);
    let room = area.width.saturating_sub(4);
    let wanted = text::width(&words) + hint.as_deref().map_or(0, |hint| text::width(hint) + 3);
    if wanted <= room {
        let at = text::put(buf, area.x + 1, area.y, 1, mark, style) + 1;
        let at = text::put(buf, at, area.y, room, &words, style);
        if let Some(hint) = hint {
            let at = text::put(buf, at, area.y, 3, &format!(" {} ", theme.marks.between), theme.faint);
            text::put(buf, at, area.y, area.right().saturating_sub(at), &hint, theme.text);
        }
        return;
    }
    let mut lines: Vec<(String, ratatui::style::Style)> = text::wrap(&words, room).into_iter().map(|line| (line, style)).collect();
    cut(&mut lines, MESSAGE_ROWS, theme);
    let mut below: Vec<_> = hint.iter().flat_map(|hint| text::wrap(hint, room)).map(|line| (line, theme.text)).collect();
    cut(&mut below, HINT_ROWS, theme);
    lines.append(&mut below);
    let rows = u16::try_from(lines.len()).unwrap_or(1);
    let top = area.bottom().saturating_sub(rows);
    for (y, (line, style)) in (top..area.bottom()).zip(&lines) {
        text::line(buf, area.x, y, area.width, " ", ratatui::style::Style::reset());
        if y == top {
            text::put(buf, area.x + 1, y, 1, mark, *style);
        }
        text::put(buf, area.x + 3, y, room, line, *style);
    }
}

/// Rows that a long message and its hint may take from the screen above.
const MESSAGE_ROWS: usize = 4;
const HINT_ROWS: usize = 2;

fn cut(lines: &mut Vec<(String, ratatui::style::Style)>, rows: usize, theme: &crate::tui::theme::Theme) {
    if lines.len() > rows {
        lines.truncate(rows);
        if let Some((last, _)) = lines.last_mut() {
            last.push_str(theme.marks.ellipsis);
        }
    }
}

fn filter(model: &Model, field: &TextField, count: usize, all: usize, area: Rect, buf: &mut Buffer) {
    let theme = &model.theme;
    let at = text::put(buf, area.x + 1, area.y, 2, "/", theme.key) + 1;
    let found = format!("{count} of {all}");
    let end = text::put_right(buf, area.right().saturating_sub(1), area.y, 20, &found, theme.dim, &theme.marks);
    text_field::draw(buf, at, area.y, end.saturating_sub(at + 1), field, Focus::Yes, theme);
}

fn which_key(model: &Model, area: Rect, buf: &mut Buffer) {
    let theme = &model.theme;
    let pressed = crate::tui::key::words(&model.pending.keys);
    let at = text::put(buf, area.x + 1, area.y, 12, &format!("{pressed} {}", theme.marks.ellipsis), theme.key) + 1;
    let next = model.keymap.continuations(model.context(), &model.pending.keys);
    // `to the board`, `to the setup`: the strip is short, and the words that are the same in all of them say nothing.
    let short = |words: &'static str| words.strip_prefix("to the ").or(words.strip_prefix("to ")).unwrap_or(words);
    let hints: Vec<(&str, &str)> = next.iter().map(|(key, action)| (key.as_str(), short(action.words))).collect();
    panel::foot(buf, at, area.y, area.right().saturating_sub(at), &hints, theme);
}

fn hints(model: &Model, area: Rect, buf: &mut Buffer) {
    let theme = &model.theme;
    let context = match model.base {
        Base::Setup if model.editor.is_none() && model.ticket.is_none() && model.setup.focus != SetupFocus::List => Context::Form,
        _ => model.context(),
    };
    let mut shown: Vec<(String, &str)> = Vec::new();
    if model.base == Base::Welcome && model.ticket.is_none() {
        shown = [("Enter", "go"), ("c", "connect"), ("d", "demo"), ("q", "quit")].map(|(key, words)| (key.to_owned(), words)).to_vec();
    } else {
        for action in ACTIONS.iter().filter(|action| action.contexts.contains(&context) && belongs(model, action.intent)) {
            if let (Some(hint), Some(key)) = (action.hint, model.keymap.shown(context, action.intent)) {
                let rows = model.metrics.drill.as_ref().filter(|_| context == Context::Metrics && action.intent == Intent::NextTab);
                match rows {
                    // The way to what was left out has room on any screen.
                    Some(drill) => shown.insert(shown.len().min(1), (key, list(drill.after(1)))),
                    None if context == Context::Form && action.intent == Intent::Submit => shown.push((key, "check")),
                    None => shown.push((key, hint)),
                }
            }
        }
    }
    // Help keeps its place at the right; the rest fills what is left, in the order of the catalogue.
    let help = shown.iter().position(|(_, hint)| *hint == "help").map(|at| shown.remove(at));
    let mut room = area.width;
    if let Some((key, hint)) = &help {
        let cells = text::width(key) + text::width(hint) + 4;
        room = room.saturating_sub(cells);
        panel::foot(buf, area.right().saturating_sub(cells), area.y, cells, &[(key, hint)], theme);
    }
    let shown: Vec<(&str, &str)> = shown.iter().map(|(key, hint)| (key.as_str(), *hint)).collect();
    panel::foot(buf, area.x, area.y, room, &shown, theme);
}

/// A list of rows behind a figure.
fn list(counted: Counted) -> &'static str {
    match counted {
        Counted::In => "counted",
        Counted::Out => "left out",
        Counted::Linked => "linked to",
    }
}

/// Leaves out hints that mean nothing just here.
fn belongs(model: &Model, intent: Intent) -> bool {
    match intent {
        // On an empty board nothing can be done with a ticket.
        _ if (about_a_ticket(intent) || intent == Intent::OpenOutside) && model.base == Base::Board && model.subject().is_none() => false,
        Intent::Filter | Intent::Mine if model.board.board.as_ref().is_none_or(|board| board.cards.is_empty()) => model.base != Base::Board,
        Intent::ToggleCriterion => model.ticket.as_ref().is_some_and(|ticket| ticket.tab == Tab::Criteria),
        Intent::OpenMetricRow => model.metrics.drill.is_some(),
        Intent::NextTab if model.base == Base::Metrics && model.ticket.is_none() => model.metrics.drill.is_some(),
        Intent::Open if model.base == Base::Activity => !matches!(model.activity.section, Activity::Hooks | Activity::Collection),
        Intent::Open => model.ticket.is_none(),
        Intent::NextTab => model.ticket.is_some() || model.base != Base::Board,
        Intent::EditorPreview => model.width >= layout::MIN_WIDTH,
        Intent::ToggleProblems => model.activity.section == Activity::Deliveries,
        Intent::ReplayDelivery => refusal(model, intent).is_none(),
        Intent::CancelTask => {
            model.base == Base::Activity && model.activity.section == Activity::Tasks && model.running_tasks().next().is_some()
        }
        Intent::ToggleRow => {
            matches!(model.setup.section, crate::tui::model::setup::Section::Repositories | crate::tui::model::setup::Section::Members)
        }
        Intent::Discover => {
            matches!(model.setup.section, crate::tui::model::setup::Section::Repositories | crate::tui::model::setup::Section::Members)
        }
        _ => true,
    }
}
