//! The setup: the connection and what it allows, projects, repositories, members, review rules.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::domain::person::ReviewerStrategy;
use crate::domain::quality::Posting;
use crate::tui::answer::{ConnectionReport, ScopeNeed, ScopeOutcome};
use crate::tui::model::Model;
use crate::tui::model::setup::{Check, ConnectField, Focus, Section};
use crate::tui::screen::new_ticket::label;
use crate::tui::screen::{collection, webhooks};
use crate::tui::widget::tabs::{self, Tab};
use crate::tui::widget::text;
use crate::tui::widget::text_field::{self, Focus as FieldFocus};

pub fn draw(model: &Model, area: Rect, buf: &mut Buffer) {
    let theme = &model.theme;
    let names = Section::ALL.map(|section| Tab::new(section.title()).short(short(section)));
    tabs::draw(buf, Rect::new(area.x + 1, area.y, area.width.saturating_sub(2), 1), 1, names.to_vec(), model.setup.section as usize, theme);
    text::line(buf, area.x, area.y + 1, area.width, theme.marks.rule, theme.faint);
    let inner = Rect::new(area.x + 1, area.y + 2, area.width.saturating_sub(2).min(110), area.height.saturating_sub(2));
    match model.setup.section {
        Section::Connection => connection(model, inner, buf),
        Section::Projects => projects(model, inner, buf),
        Section::Repositories => repositories(model, inner, buf),
        Section::Members => members(model, inner, buf),
        Section::Webhooks => webhooks::draw(model, inner, buf),
        Section::Review => review(model, inner, buf),
    }
}

fn short(section: Section) -> &'static str {
    match section {
        Section::Connection => "Connect",
        Section::Repositories => "Repos",
        Section::Review => "Review",
        Section::Webhooks => "Hooks",
        Section::Projects | Section::Members => section.title(),
    }
}

fn connection(model: &Model, area: Rect, buf: &mut Buffer) {
    let theme = &model.theme;
    let setup = &model.setup;
    let focused = |field| setup.focus == Focus::Fields(field);
    let (x, width) = (area.x + 13, area.width.saturating_sub(13));
    label(model, area.x, area.y, "Address", focused(ConnectField::Url), buf);
    text_field::draw(buf, x, area.y, width, &setup.url, FieldFocus::when(focused(ConnectField::Url)), theme);
    if setup.url.text().is_empty() && !focused(ConnectField::Url) {
        text::put_fit(buf, x, area.y, width, "an organisation, or https://host/collection", theme.faint, &theme.marks);
    }
    label(model, area.x, area.y + 1, "Token", focused(ConnectField::Token), buf);
    text_field::draw(buf, x, area.y + 1, width, &setup.token, FieldFocus::when(focused(ConnectField::Token)), theme);
    if setup.token.text().is_empty() && !focused(ConnectField::Token) {
        let words = "empty: from a command, the environment or a keyring";
        text::put_fit(buf, x, area.y + 1, width, words, theme.faint, &theme.marks);
    }
    let mut y = area.y + 3;
    let hint = "The token needs Code (read & write) and Project and Team (read). Graph (read) finds people outside your teams; Build (read) and Work Items (read) are for the figures. The check says what each is for.";
    match &setup.check {
        Check::NotRun => {
            if let Some(project) = &model.project {
                let at = text::put(buf, area.x + 1, y, 2, theme.marks.tick, theme.good) + 1;
                let who = project.me_name.as_deref().map_or_else(String::new, |name| format!(" as {name}"));
                let words = format!("connected to {}{who}", project.organisation);
                text::put_fit(buf, at, y, area.right().saturating_sub(at), &words, theme.text, &theme.marks);
                y += 2;
            }
            for line in [
                "An organisation's name, an address, or the remote of a clone: lumen, https://dev.azure.com/lumen, https://ado.example/tfs/main",
                hint,
                "Enter checks it. Nothing is kept before the check passes.",
            ] {
                for line in text::wrap(line, area.width) {
                    text::put(buf, area.x + 1, y, area.width, &line, theme.dim);
                    y += 1;
                }
            }
        }
        Check::Running(_) => {
            text::put(buf, area.x + 1, y, area.width, "checking", theme.accent);
        }
        Check::Failed(notice) => {
            for (line, style) in text::wrap(&notice.text, area.width.saturating_sub(3)).into_iter().map(|line| (line, theme.bad)) {
                text::put(buf, area.x + 1, y, area.width, &line, style);
                y += 1;
            }
            for line in notice.hint.iter().flat_map(|hint| text::wrap(hint, area.width.saturating_sub(3))) {
                text::put(buf, area.x + 1, y, area.width, &line, theme.text);
                y += 1;
            }
        }
        Check::Passed(report) | Check::Activating(report, _) => {
            let rest = Rect::new(area.x, y, area.width, area.bottom().saturating_sub(y));
            passed(model, report, rest, buf);
        }
    }
}

fn passed(model: &Model, report: &ConnectionReport, area: Rect, buf: &mut Buffer) {
    let theme = &model.theme;
    let mut y = area.y;
    let at = text::put(buf, area.x + 1, y, 2, theme.marks.tick, theme.good) + 1;
    let words = format!("{} as {}, token from {}", report.organisation, report.user, report.token_source);
    text::put_fit(buf, at, y, area.right().saturating_sub(at), &words, theme.text, &theme.marks);
    y += 1;
    y = scopes(model, report, Rect::new(area.x, y, area.width, area.bottom().saturating_sub(y)), buf);
    y += 1;
    let title = match report.projects.len() {
        0 => "The token reaches no project.".to_owned(),
        1 => "One project. Enter opens it:".to_owned(),
        count => format!("{count} projects. Enter opens one:"),
    };
    text::put(buf, area.x + 1, y, area.width, &title, theme.heading);
    y += 1;
    if matches!(model.setup.check, Check::Activating(..)) {
        text::put(buf, area.x + 1, y, area.width, "keeping the token and reading the project", theme.accent);
        return;
    }
    let visible = usize::from(area.bottom().saturating_sub(y));
    let from = model.setup.row.saturating_sub(visible / 2).min(report.projects.len().saturating_sub(visible));
    for (at, project) in report.projects.iter().enumerate().skip(from).take(visible) {
        row_mark(model, at, area.x, y, buf);
        text::put_fit(buf, area.x + 2, y, area.width - 2, &project.name, name_style(model, at), &theme.marks);
        y += 1;
    }
}

/// What each scope allows, and what is lost without it; the projects below keep some rows. Returns the row below.
fn scopes(model: &Model, report: &ConnectionReport, area: Rect, buf: &mut Buffer) -> u16 {
    let theme = &model.theme;
    let rows = |count: usize| u16::try_from(count).unwrap_or(u16::MAX);
    // An empty row, the title of the projects, and the first of them.
    let below = 2 + rows(report.projects.len().min(3));
    let mut spare = area.height.saturating_sub(rows(report.scopes.len())).saturating_sub(below);
    let is_missing = report.scopes.iter().any(|scope| scope.outcome == ScopeOutcome::Missing);
    let to_do = is_missing.then(|| text::wrap(&format!("Tick what is missing at {}", report.tokens_page), area.width.saturating_sub(3)));
    let to_do = to_do.filter(|lines| rows(lines.len()) <= spare).unwrap_or_default();
    spare -= rows(to_do.len());
    let column = name_column(report.scopes.iter().map(|scope| scope.scope.as_str()), area);
    let mut y = area.y;
    for scope in &report.scopes {
        let (mark, style, words) = match &scope.outcome {
            ScopeOutcome::Allowed => (theme.marks.tick, theme.good, scope.needed_for.clone()),
            ScopeOutcome::Missing => match scope.need {
                ScopeNeed::Required => (theme.marks.cross, theme.bad, format!("missing: {}", scope.degrades)),
                ScopeNeed::Expected => (theme.marks.cross, theme.warn, format!("missing: {}", scope.degrades)),
                ScopeNeed::Optional => (theme.marks.open, theme.dim, format!("not given: {}", scope.degrades)),
            },
            ScopeOutcome::Unknown(why) => (theme.marks.open, theme.dim, format!("not known: {why}")),
        };
        let at = text::put(buf, area.x + 1, y, 2, mark, style) + 1;
        text::put_fit(buf, at, y, column, &scope.scope, theme.text, &theme.marks);
        let at = at + column + 1;
        let width = area.right().saturating_sub(at);
        let lines = text::wrap(&words, width);
        let more = rows(lines.len()).saturating_sub(1);
        if more > spare {
            text::put_fit(buf, at, y, width, &words, theme.dim, &theme.marks);
            y += 1;
            continue;
        }
        spare -= more;
        for line in lines {
            text::put(buf, at, y, width, &line, theme.dim);
            y += 1;
        }
    }
    for line in to_do {
        text::put(buf, area.x + 3, y, area.width, &line, theme.text);
        y += 1;
    }
    y
}

pub(super) fn row_mark(model: &Model, at: usize, x: u16, y: u16, buf: &mut Buffer) {
    if at == model.setup.row && model.setup.focus == Focus::List {
        text::put(buf, x, y, 1, model.theme.marks.bar, model.theme.accent);
    }
}

pub(super) fn name_style(model: &Model, at: usize) -> ratatui::style::Style {
    if at == model.setup.row && model.setup.focus == Focus::List { model.theme.strong } else { model.theme.text }
}

/// What a list says while it has nothing to show.
pub(super) fn nothing(model: &Model, area: Rect, loading: bool, words: &str, buf: &mut Buffer) {
    let words = if loading { "loading" } else { words };
    for (y, line) in (area.y..area.bottom()).zip(text::wrap(words, area.width.saturating_sub(2))) {
        text::put(buf, area.x + 1, y, area.width, &line, model.theme.dim);
    }
}

/// Cells for the names of a list, so that what stands behind them lines up.
fn name_column<'a>(names: impl Iterator<Item = &'a str>, area: Rect) -> u16 {
    names.map(|name| text::width(&text::clean(name))).max().unwrap_or(0).min(area.width / 2)
}

/// The rows of a list around the cursor, with where each goes.
fn window(model: &Model, count: usize, area: Rect) -> impl Iterator<Item = (usize, u16)> {
    let visible = usize::from(area.height);
    let from = model.setup.row.saturating_sub(visible / 2).min(count.saturating_sub(visible));
    (from..count).take(visible).zip(area.y..)
}

fn projects(model: &Model, area: Rect, buf: &mut Buffer) {
    let theme = &model.theme;
    let Some(rows) = model.setup.projects.as_ref().filter(|rows| !rows.is_empty()) else {
        let loading = model.setup.projects.is_none() && model.setup.loading_projects.is_some();
        return nothing(model, area, loading, "No project is connected. [ goes to the connection.", buf);
    };
    let prefix = name_column(rows.iter().map(|row| row.prefix.as_str()), area);
    let name = name_column(rows.iter().map(|row| row.name.as_str()), area);
    for (at, y) in window(model, rows.len(), area) {
        let row = &rows[at];
        row_mark(model, at, area.x, y, buf);
        let open = model.project.as_ref().is_some_and(|project| project.id == row.id);
        text::put_fit(buf, area.x + 2, y, prefix, &row.prefix, theme.dim, &theme.marks);
        let x = area.x + 2 + prefix + 2;
        text::put_fit(buf, x, y, name, &row.name, name_style(model, at), &theme.marks);
        let x = x + name + 2;
        let words = if open { format!("{}  open", row.organisation) } else { row.organisation.clone() };
        let at = text::put_fit(buf, x, y, area.right().saturating_sub(x), &words, theme.dim, &theme.marks) + 2;
        let at = match row.comments.posting() {
            Posting::On => text::put_fit(buf, at, y, area.right().saturating_sub(at), "comments", theme.info, &theme.marks) + 2,
            Posting::Off => at,
        };
        if let Some(project) = model.collections.rows.iter().flat_map(|all| &all.projects).find(|project| project.id == row.id) {
            let (words, style) = collection::summary(model, project);
            text::put_fit(buf, at, y, area.right().saturating_sub(at), &words, style, &theme.marks);
        }
    }
}

fn repositories(model: &Model, area: Rect, buf: &mut Buffer) {
    let theme = &model.theme;
    let Some(rows) = model.setup.repositories.as_ref().filter(|rows| !rows.is_empty()) else {
        return nothing(model, area, model.setup.loading.is_some(), "No repository is known. d asks Azure DevOps for them.", buf);
    };
    let name = name_column(rows.iter().map(|row| row.name.as_str()), area);
    for (at, y) in window(model, rows.len(), area) {
        let row = &rows[at];
        row_mark(model, at, area.x, y, buf);
        let (mark, style) = if row.linked { (theme.marks.boxed_tick, theme.good) } else { (theme.marks.boxed, theme.dim) };
        text::put(buf, area.x + 2, y, 1, mark, style);
        text::put_fit(buf, area.x + 4, y, name, &row.name, name_style(model, at), &theme.marks);
        let x = area.x + 4 + name + 2;
        let words = match (&row.target_branch, row.disabled) {
            (_, true) => "disabled".to_owned(),
            (Some(branch), _) => format!("to {branch}"),
            (None, _) => "empty: it has no branch yet".to_owned(),
        };
        text::put_fit(buf, x, y, area.right().saturating_sub(x), &words, theme.dim, &theme.marks);
    }
}

fn members(model: &Model, area: Rect, buf: &mut Buffer) {
    let theme = &model.theme;
    let Some(rows) = model.setup.members.as_ref().filter(|rows| !rows.is_empty()) else {
        return nothing(model, area, model.setup.loading_members.is_some(), "Nobody is known. d asks Azure DevOps for the team.", buf);
    };
    let name = name_column(rows.iter().map(|row| row.name.as_str()), area);
    for (at, y) in window(model, rows.len(), area) {
        let row = &rows[at];
        row_mark(model, at, area.x, y, buf);
        let (mark, style) = if row.can_review { (theme.marks.boxed_tick, theme.good) } else { (theme.marks.boxed, theme.dim) };
        text::put(buf, area.x + 2, y, 1, mark, style);
        text::put_fit(buf, area.x + 4, y, name, &row.name, name_style(model, at), &theme.marks);
        let x = area.x + 4 + name + 2;
        let mut words = match (row.can_review, row.active_reviews) {
            (true, Some(count)) => format!("reviews, {count} open"),
            (true, None) => "reviews".to_owned(),
            (false, Some(count)) if count > 0 => format!("does not review, {count} open"),
            (false, _) => "does not review".to_owned(),
        };
        if let Some(reviewer) = row.default_reviewer.and_then(|id| rows.iter().find(|other| other.id == id)) {
            words.push_str(&format!(", reviewed by {}", reviewer.name));
        }
        text::put_fit(buf, x, y, area.right().saturating_sub(x), &words, theme.dim, &theme.marks);
    }
}

fn review(model: &Model, area: Rect, buf: &mut Buffer) {
    let theme = &model.theme;
    let rules = &model.setup.rules;
    let strategy = match rules.strategy {
        ReviewerStrategy::LoadBalance => "load balance: whoever has the fewest open reviews",
        ReviewerStrategy::Mapped => "mapped: the author's default reviewer, unless overloaded",
    };
    let threshold = rules.overload_threshold.to_string();
    for (at, (name, value)) in [("Strategy", strategy), ("Overload at", threshold.as_str())].into_iter().enumerate() {
        let y = area.y + u16::try_from(at).unwrap_or(0);
        row_mark(model, at, area.x, y, buf);
        let x = text::put(buf, area.x + 2, y, 14, &format!("{name:<13}"), theme.dim);
        text::put_fit(buf, x, y, area.right().saturating_sub(x), value, name_style(model, at), &theme.marks);
    }
    text::put_fit(
        buf,
        area.x + 2,
        area.y + 3,
        area.width - 2,
        "Enter changes the strategy; + and - the number of open reviews.",
        theme.dim,
        &theme.marks,
    );
}
