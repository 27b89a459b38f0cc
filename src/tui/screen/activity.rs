//! The activity screen: tasks, deliveries, how the hooks stand, requests. Times are of the day, so that nothing is repainted by itself.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::domain::health::{HookHealth, Live};
use crate::domain::hook::{Delivery, Subscription};
use crate::notice::Notice;
use crate::tui::answer::{RequestRow, TaskRow, TaskState};
use crate::tui::layout;
use crate::tui::model::Model;
use crate::tui::model::activity::{Section, Shown, in_order, is_problem};
use crate::tui::model::listed::Listed;
use crate::tui::widget::delivery::{clock, event_words, purpose_words, state_words, subscription_words};
use crate::tui::widget::tabs::{self, Tab};
use crate::tui::widget::{panel, progress, text};

pub fn draw(model: &Model, area: Rect, buf: &mut Buffer) {
    let theme = &model.theme;
    let activity = &model.activity;
    let names = Section::ALL.map(|section| match section {
        Section::Tasks if model.running_tasks().next().is_some() => Tab::new(format!("Tasks {}", model.running_tasks().count())),
        Section::Deliveries if activity.shown == Shown::Problems => Tab::new("Deliveries: problems").short("Problems"),
        Section::Collection => Tab::new(section.title()).short("Collect"),
        _ => Tab::new(section.title()),
    });
    tabs::draw(buf, Rect::new(area.x + 1, area.y, area.width.saturating_sub(2), 1), 2, names.to_vec(), activity.section as usize, theme);
    text::line(buf, area.x, area.y + 1, area.width, theme.marks.rule, theme.faint);
    let inner = Rect::new(area.x, area.y + 2, area.width, area.height.saturating_sub(2));
    match activity.section {
        Section::Tasks => tasks(model, inner, buf),
        Section::Deliveries => deliveries(model, inner, buf),
        Section::Hooks => hooks(model, inner, buf),
        Section::Collection => collection(model, inner, buf),
        Section::Requests => requests(model, inner, buf),
    }
}

/// What a list says instead of rows, if it has none: that it loads, why it could not be read, or that there is nothing.
fn instead<T>(list: &Listed<T>, is_empty: impl Fn(&T) -> bool, nothing: &str) -> Option<Notice> {
    match (&list.rows, &list.problem) {
        (Some(rows), _) if !is_empty(rows) => None,
        (_, Some(problem)) => Some(problem.clone()),
        (Some(_), None) => Some(Notice::new(nothing)),
        (None, None) => Some(Notice::new("loading")),
    }
}

fn say(model: &Model, area: Rect, notice: &Notice, buf: &mut Buffer) {
    let lines = text::wrap(&notice.text, area.width.saturating_sub(4)).into_iter();
    let hint = notice.hint.iter().flat_map(|hint| text::wrap(hint, area.width.saturating_sub(4)));
    for (y, line) in (area.y + 1..area.bottom()).zip(lines.chain(hint)) {
        text::put(buf, area.x + 2, y, area.width.saturating_sub(4), &line, model.theme.dim);
    }
}

/// The rows around the cursor: which, where, and whether the cursor is on it.
fn window(model: &Model, count: usize, area: Rect) -> impl Iterator<Item = (usize, u16, bool)> {
    let (offset, cursor) = (model.activity.offset, model.activity.cursor);
    (offset..count).zip(area.y..area.bottom()).take(layout::list_rows(model)).map(move |(at, y)| (at, y, at == cursor))
}

/// Cells beside each other, each cut to its width; the last takes what is left.
struct Row<'a> {
    model: &'a Model,
    at: u16,
    y: u16,
    end: u16,
}

impl<'a> Row<'a> {
    fn begin(model: &'a Model, area: Rect, y: u16, selected: bool, buf: &mut Buffer) -> Self {
        if selected {
            text::put(buf, area.x, y, 1, model.theme.marks.bar, model.theme.accent);
        }
        Self { model, at: area.x + 1, y, end: area.right().saturating_sub(1) }
    }

    fn cell(&mut self, width: u16, words: &str, style: Style, buf: &mut Buffer) {
        let room = self.end.saturating_sub(self.at).min(width);
        text::put_fit(buf, self.at, self.y, room, words, style, &self.model.theme.marks);
        self.at = self.at.saturating_add(width).saturating_add(2);
    }

    fn rest(&self, words: &str, style: Style, buf: &mut Buffer) {
        text::put_fit(buf, self.at, self.y, self.end.saturating_sub(self.at), words, style, &self.model.theme.marks);
    }
}

/// Cells of a time: with the day where one of them is of another.
fn clock_width(model: &Model, times: impl Iterator<Item = jiff::Timestamp>) -> u16 {
    times.map(|at| text::width(&clock(at, model.now, &model.settings.zone))).max().unwrap_or(8)
}

fn tasks(model: &Model, area: Rect, buf: &mut Buffer) {
    let theme = &model.theme;
    let rows = in_order(&model.tasks);
    if rows.is_empty() {
        let words = "Nothing was done yet in this session. What changes Azure DevOps, as starting work or pushing a spec, is listed here.";
        return say(model, area, &Notice::new(words), buf);
    }
    let zone = &model.settings.zone;
    let times = clock_width(model, rows.iter().map(|task| task.started_at));
    let narrow = area.width < 100;
    for (at, y, selected) in window(model, rows.len(), area) {
        let task = rows[at];
        let (mark, style) = mark_of(model, task);
        let mut row = Row::begin(model, area, y, selected, buf);
        row.cell(times, &clock(task.started_at, model.now, zone), theme.dim, buf);
        row.at -= 1;
        row.cell(1, mark, style, buf);
        row.at -= 1;
        row.cell(if narrow { 24 } else { 44 }, &task.title, if selected { theme.strong } else { theme.text }, buf);
        let took = task.finished_at.map(|end| took(end.duration_since(task.started_at)));
        if !narrow {
            row.cell(8, took.as_deref().unwrap_or("running"), theme.dim, buf);
        }
        row.rest(&outcome(task), style, buf);
    }
}

fn mark_of(model: &Model, task: &TaskRow) -> (&'static str, Style) {
    let theme = &model.theme;
    match task.state {
        TaskState::Running => (theme.marks.running, theme.accent),
        TaskState::Done(_) => (theme.marks.tick, theme.good),
        TaskState::Failed(_) => (theme.marks.cross, theme.bad),
        TaskState::Cancelled => (theme.marks.open, theme.warn),
    }
}

fn outcome(task: &TaskRow) -> String {
    match &task.state {
        TaskState::Running => task.progress.summary(),
        TaskState::Done(words) => words.clone(),
        TaskState::Failed(notice) => notice.text.clone(),
        TaskState::Cancelled => "cancelled".to_owned(),
    }
}

/// `0.4s`, `12s`, `3m`.
fn took(duration: jiff::SignedDuration) -> String {
    match duration.as_millis() {
        ..10_000 => format!("{:.1}s", duration.as_secs_f64().max(0.0)),
        10_000..120_000 => format!("{}s", duration.as_secs()),
        _ => format!("{}m", duration.as_secs() / 60),
    }
}

/// A task with its steps, in a dialog.
pub fn draw_task(model: &Model, id: u64, buf: &mut Buffer) {
    let theme = &model.theme;
    let width = 76.min(model.width.saturating_sub(2));
    let Some(task) = model.task(id) else {
        let area = layout::dialog(model.width, model.height, width, 3);
        let inner = panel::draw(buf, area, "Task", &[("Esc", "close")], theme);
        text::put(buf, inner.x, inner.y, inner.width, "it is not kept any more", theme.dim);
        return;
    };
    let (_, style) = mark_of(model, task);
    let zone = &model.settings.zone;
    let mut below: Vec<(String, Style)> = Vec::new();
    let mut add = |words: &str, style| below.extend(text::wrap(words, width - 4).into_iter().map(|line| (line, style)));
    match &task.state {
        TaskState::Failed(notice) => {
            add(&notice.text, style);
            notice.hint.iter().for_each(|hint| add(hint, theme.text));
        }
        TaskState::Running => {}
        _ => add(&outcome(task), style),
    }
    let began = clock(task.started_at, model.now, zone);
    match task.finished_at {
        Some(end) => add(&format!("began {began}, took {}", took(end.duration_since(task.started_at))), theme.dim),
        None => add(&format!("began {began}"), theme.dim),
    }
    let steps = progress::without_reasons(&task.progress);
    let rows = progress::height(&steps, width - 4);
    let lines = u16::try_from(below.len()).unwrap_or(u16::MAX);
    let gap = u16::from(rows > 0);
    let hints: &[(&str, &str)] =
        if task.state == TaskState::Running { &[("Ctrl+X", "cancel"), ("Esc", "close; it goes on")] } else { &[("Esc", "close")] };
    let area = layout::dialog(model.width, model.height, width, rows.saturating_add(lines).saturating_add(gap + 2));
    let inner = panel::draw(buf, area, &task.title, hints, theme);
    let room = inner.height.saturating_sub(lines);
    let y = progress::draw(buf, Rect { height: room, ..inner }, &steps, theme);
    let y = if y + gap + lines <= inner.bottom() { y + gap } else { y };
    for (y, (line, style)) in (y..inner.bottom()).zip(&below) {
        text::put(buf, inner.x, y, inner.width, line, *style);
    }
}

fn deliveries(model: &Model, area: Rect, buf: &mut Buffer) {
    let list = &model.activity.deliveries;
    let nothing = match model.activity.shown {
        Shown::All => "Nothing was delivered yet. Webhooks are set up in the setup: press 5.",
        Shown::Problems => "No delivery has a problem. p shows all of them.",
    };
    if let Some(words) = instead(list, Vec::is_empty, nothing) {
        return say(model, area, &words, buf);
    }
    let rows = list.rows.as_deref().unwrap_or_default();
    let times = clock_width(model, rows.iter().map(|row| row.received_at));
    for (at, y, selected) in window(model, rows.len(), area) {
        delivery(model, &rows[at], area, y, times, selected, buf);
    }
}

fn delivery(model: &Model, row: &Delivery, area: Rect, y: u16, times: u16, selected: bool, buf: &mut Buffer) {
    let theme = &model.theme;
    let (state, style) = state_words(row, theme);
    let event = if area.width < 80 { 16 } else { 22 };
    let mut cells = Row::begin(model, area, y, selected, buf);
    cells.cell(times, &clock(row.received_at, model.now, &model.settings.zone), theme.dim, buf);
    cells.cell(event, &event_words(row), if selected { theme.strong } else { theme.text }, buf);
    cells.cell(11, state, style, buf);
    let words = row.words.as_deref().unwrap_or_default();
    cells.rest(words, if is_problem(row.state) { theme.text } else { theme.dim }, buf);
}

fn requests(model: &Model, area: Rect, buf: &mut Buffer) {
    let theme = &model.theme;
    let list = &model.activity.requests;
    if let Some(words) =
        instead(list, Vec::is_empty, "Nothing was asked of Azure DevOps yet in this session. R asks for the pull requests.")
    {
        return say(model, area, &words, buf);
    }
    let rows = list.rows.as_deref().unwrap_or_default();
    let times = clock_width(model, rows.iter().map(|row| row.at));
    for (at, y, selected) in window(model, rows.len(), area) {
        let row = &rows[at];
        let (answer, style) = request_words(model, row);
        let mut cells = Row::begin(model, area, y, selected, buf);
        cells.cell(times, &clock(row.at, model.now, &model.settings.zone), theme.dim, buf);
        cells.cell(6, &row.method, if selected { theme.strong } else { theme.text }, buf);
        cells.cell(9, &answer, style, buf);
        cells.cell(8, &format!("{:>5} ms", row.duration_ms), theme.dim, buf);
        let wide = area.width >= 120;
        match &row.activity_id {
            Some(id) if wide => {
                let path = cells.end.saturating_sub(cells.at).saturating_sub(38);
                cells.cell(path, &telling(&row.path, theme.marks.ellipsis), theme.text, buf);
                cells.rest(id, theme.dim, buf);
            }
            _ => cells.rest(&telling(&row.path, theme.marks.ellipsis), theme.text, buf),
        }
    }
}

/// What tells requests apart, first: what follows `_apis`, with ids by their first digits. Enter shows the whole path.
fn telling(path: &str, ellipsis: &str) -> String {
    let asked = path.split_once("/_apis/").map_or(path, |(_, asked)| asked);
    let part = |part: &str| match uuid::Uuid::try_parse(part) {
        Ok(_) => format!("{}{ellipsis}", part.chars().take(8).collect::<String>()),
        Err(_) => part.to_owned(),
    };
    asked.split('/').map(part).collect::<Vec<_>>().join("/")
}

fn request_words(model: &Model, row: &RequestRow) -> (String, Style) {
    let theme = &model.theme;
    match row.status {
        Some(status @ 200..400) => (status.to_string(), theme.good),
        Some(status @ (404 | 409 | 412)) => (status.to_string(), theme.warn),
        Some(status) => (status.to_string(), theme.bad),
        None => (row.trouble.unwrap_or("no answer").to_owned(), theme.bad),
    }
}

fn hooks(model: &Model, area: Rect, buf: &mut Buffer) {
    if let Some(words) = instead(&model.activity.health, |_| false, "") {
        return say(model, area, &words, buf);
    }
    let lines = hook_lines(model, area.width);
    let inner = Rect::new(area.x + 1, area.y, area.width.saturating_sub(2), area.height);
    super::put_lines(buf, inner, &lines, model.activity.cursor, &model.theme);
}

fn collection(model: &Model, area: Rect, buf: &mut Buffer) {
    if let Some(words) = instead(&model.collections, |_| false, "") {
        return say(model, area, &words, buf);
    }
    let lines = super::collection::lines(model, area.width);
    let inner = Rect::new(area.x + 1, area.y, area.width.saturating_sub(2), area.height);
    super::put_lines(buf, inner, &lines, model.activity.cursor, &model.theme);
}

/// How the hooks stand, line by line.
pub fn hook_lines(model: &Model, width: u16) -> Vec<Line<'static>> {
    let Some(health) = model.activity.health.rows.as_deref() else { return Vec::new() };
    let mut page = Page { model, width: width.saturating_sub(3), lines: Vec::new() };
    page.state(health);
    page.subscriptions(health);
    page.by_hand(health);
    page.lines
}

/// Cells of the names on the left.
const NAME: u16 = 12;

struct Page<'a> {
    model: &'a Model,
    width: u16,
    lines: Vec<Line<'static>>,
}

impl Page<'_> {
    /// A name and its value, wrapped below itself.
    fn row(&mut self, name: &str, words: &str, style: Style) {
        let theme = &self.model.theme;
        for (at, line) in text::wrap(words, self.width.saturating_sub(NAME)).into_iter().enumerate() {
            let name = if at == 0 { name } else { "" };
            self.lines.push(Line::from(vec![Span::styled(format!("{name:<12}"), theme.dim), Span::styled(line, style)]));
        }
    }

    fn heading(&mut self, words: String) {
        self.lines.push(Line::default());
        self.lines.push(Line::styled(words, self.model.theme.heading));
    }

    fn time(&self, at: jiff::Timestamp) -> String {
        clock(at, self.model.now, &self.model.settings.zone)
    }

    fn state(&mut self, health: &HookHealth) {
        let theme = &self.model.theme;
        let (words, style) = live_words(&health.live, self.model);
        self.row("state", &words, style);
        match health.receivers.as_slice() {
            [] => self.row("receiver", "none: run `kanado serve`, or set webhooks.listen", theme.warn),
            receivers => receivers.iter().for_each(|receiver| self.row("receiver", &receiver.name, theme.text)),
        }
        let mut inbox = vec![match health.last_delivery_at {
            Some(at) => format!("last delivery {}", self.time(at)),
            None => "nothing was delivered yet".to_owned(),
        }];
        let counts = [(health.waiting, "waiting"), (health.dead, "dead"), (health.parked, "parked"), (health.quarantined, "quarantined")];
        inbox.extend(counts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")));
        let trouble = health.dead + health.parked + health.quarantined > 0;
        self.row("inbox", &inbox.join(", "), if trouble { theme.warn } else { theme.text });
        let reconciled = &health.reconciled;
        let compared = match (reconciled.done_at, &reconciled.failed) {
            (_, Some(why)) => (why.clone(), theme.warn),
            (None, None) => ("not compared with Azure DevOps yet".to_owned(), theme.dim),
            (Some(at), None) => (format!("with Azure DevOps {}", self.time(at)), theme.text),
        };
        self.row("compared", &compared.0, compared.1);
        if reconciled.healed_total > 0 {
            let words = format!("{} missed by hooks the last time, {} in all", reconciled.healed_last, reconciled.healed_total);
            self.row("healed", &words, if reconciled.healed_last > 0 { theme.warn } else { theme.text });
        }
        let mut makers: Vec<&str> = health.subscriptions.iter().filter_map(|row| row.identity.as_deref()).collect();
        makers.sort_unstable();
        makers.dedup();
        if !makers.is_empty() {
            self.row("made by", &makers.join(", "), theme.text);
        }
    }

    fn subscriptions(&mut self, health: &HookHealth) {
        let count = health.subscriptions.len();
        if count == 0 {
            self.heading("No webhook was registered".to_owned());
            self.row("", "The setup registers them, or says how to make them by hand: press 5.", self.model.theme.dim);
            return;
        }
        self.heading(format!("Registered by kanado: {count}"));
        for row in &health.subscriptions {
            self.subscription(row, health);
        }
    }

    fn subscription(&mut self, row: &Subscription, health: &HookHealth) {
        let theme = &self.model.theme;
        let (state, style) = subscription_words(row.state, theme);
        let source =
            row.remote.as_ref().and_then(|remote| health.sources.iter().find(|source| source.subscription.as_ref() == Some(remote)));
        let mut words = vec![match source {
            Some(source) => format!("last {}", self.time(source.last_at)),
            None => "nothing delivered yet".to_owned(),
        }];
        words.extend(source.filter(|source| source.gaps > 0).map(|source| gap_words(source.gaps)));
        words.extend(row.verified_at.map(|at| format!("tested {}", self.time(at))));
        let name = format!("{:<23}", purpose_words(row.purpose));
        let style_of_name = if row.purpose.moves_cards() { theme.text } else { theme.dim };
        self.lines.push(Line::from(vec![
            Span::styled(name, style_of_name),
            Span::styled(format!("{state:<13} "), style),
            Span::styled(words.join(", "), theme.dim),
        ]));
        if let Some(problem) = &row.problem {
            for line in text::wrap(problem, self.width.saturating_sub(4)) {
                self.lines.push(Line::styled(format!("    {line}"), theme.warn));
            }
        }
    }

    /// What was delivered by hooks that kanado did not make.
    fn by_hand(&mut self, health: &HookHealth) {
        let ours = |id| health.subscriptions.iter().any(|row| row.remote.as_ref() == Some(id));
        let others: Vec<_> = health.sources.iter().filter(|source| !source.subscription.as_ref().is_some_and(ours)).collect();
        if others.is_empty() {
            return;
        }
        self.heading("Made by hand".to_owned());
        for source in others {
            let name = source.subscription.as_ref().map_or_else(|| "without a subscription".to_owned(), ToString::to_string);
            let mut words = vec![format!("{} delivered", source.deliveries), format!("last {}", self.time(source.last_at))];
            words.extend((source.gaps > 0).then(|| gap_words(source.gaps)));
            let theme = &self.model.theme;
            self.lines.push(Line::from(vec![
                Span::styled(format!("{}  ", text::clean(&name)), theme.text),
                Span::styled(words.join(", "), theme.dim),
            ]));
        }
    }
}

fn gap_words(gaps: i64) -> String {
    if gaps == 1 { "1 number is missing".to_owned() } else { format!("{gaps} numbers are missing") }
}

/// Whether the project is live, or why not.
pub fn live_words(live: &Live, model: &Model) -> (String, Style) {
    match live {
        Live::Now => ("live".to_owned(), model.theme.good),
        Live::Off => ("no webhooks are set up; pull requests are polled".to_owned(), model.theme.dim),
        Live::Broken(why) => (why.clone(), model.theme.warn),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_path_the_part_that_differs_is_shown() {
        let id = "d269093f-aad0-5dad-8882-9a3b49a7e2fd";
        for (path, shown) in [
            (format!("/lumen/{id}/_apis/git/repositories/{id}/pullrequests/13"), "git/repositories/d269093f…/pullrequests/13"),
            (format!("/tfs/Main/_apis/projects/{id}"), "projects/d269093f…"),
            ("/lumen/_apis".to_owned(), "/lumen/_apis"),
        ] {
            assert_eq!(telling(&path, "…"), shown);
        }
    }
}
