//! A ticket: who, where and how it stands, and four tabs below.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::domain::ticket::SpecBadge;
use crate::tui::answer::TicketDetail;
use crate::tui::layout;
use crate::tui::model::Model;
use crate::tui::model::ticket::{Tab, TicketState};
use crate::tui::widget::parts::{self, Part};
use crate::tui::widget::{card, markdown, pull_request, story, tabs, text};

/// Text wider than this is hard to read.
const READABLE: u16 = 100;

/// Where the tab's content is.
fn content_area(width: u16, height: u16) -> Rect {
    let body = layout::parts(width, height).body;
    Rect::new(body.x + 1, body.y + 4, body.width.saturating_sub(2), body.height.saturating_sub(4))
}

pub fn draw(model: &Model, ticket: &TicketState, area: Rect, buf: &mut Buffer) {
    let theme = &model.theme;
    let inner = Rect::new(area.x + 1, area.y, area.width.saturating_sub(2), area.height);
    let Some(detail) = &ticket.detail else {
        text::put(buf, inner.x, inner.y, inner.width, &ticket.key.to_string(), theme.strong);
        text::put(buf, inner.x, inner.y + 2, inner.width, "loading", theme.dim);
        return;
    };
    let mut at = text::put(buf, inner.x, inner.y, inner.width, &ticket.key.to_string(), theme.accent) + 1;
    if model.watching.contains(&ticket.key) {
        at = text::put(buf, at, inner.y, 1, theme.marks.watched, theme.info) + 1;
    }
    let (title, style) = match text::title(&detail.ticket.title) {
        Some(title) => (title, theme.strong),
        None => (text::UNTITLED.into(), theme.dim),
    };
    text::put_fit(buf, at, inner.y, inner.right().saturating_sub(at), &title, style, &theme.marks);
    facts(model, detail, inner, buf);
    tabs(model, ticket, detail, inner, buf);
    text::line(buf, area.x, area.y + 3, area.width, theme.marks.rule, theme.faint);
    let content = content_area(area.width, area.height + 2);
    match ticket.tab {
        Tab::Criteria => criteria(model, ticket, detail, content, buf),
        _ => super::put_lines(buf, content, &lines(model, ticket, detail, content.width), usize::from(ticket.scroll), theme),
    }
}

/// Status, assignee, repository, branch, labels: what fits.
fn fact_parts(model: &Model, detail: &TicketDetail) -> Vec<Part> {
    let theme = &model.theme;
    let ticket = &detail.ticket;
    let mut left = vec![Part::new(90, format!("{} {}", theme.marks.dot, ticket.status.title()), theme.status(ticket.status))];
    if let Some(task) = model.task_on(&ticket.key) {
        left.push(Part::new(95, format!("{} {}", theme.marks.running, task.progress.summary()), theme.accent));
    }
    if let Some(notice) = &ticket.notice {
        left.push(Part::new(85, format!("{} {notice}", theme.marks.warning), theme.warn));
    }
    left.push(match &detail.assignee_name {
        Some(name) => Part::new(80, name.clone(), theme.text).short(card::first_name(name)),
        None => Part::new(30, "nobody", theme.dim),
    });
    if let Some(priority) = ticket.priority {
        left.push(Part::new(50, format!("P{}", priority.level()), if priority.level() == 1 { theme.warn } else { theme.dim }));
    }
    if let Some(repository) = &detail.repository_name {
        left.push(Part::new(40, repository.clone(), theme.dim));
    }
    if let Some(branch) = &ticket.branch {
        left.push(Part::new(60, branch.clone(), theme.info));
    }
    let (badge, style) = badge_words(model, detail.spec.badge());
    left.push(Part::new(55, format!("spec {badge}"), style));
    if !ticket.labels.is_empty() {
        left.push(Part::new(20, ticket.labels.join(" "), theme.dim));
    }
    left
}

fn facts(model: &Model, detail: &TicketDetail, area: Rect, buf: &mut Buffer) {
    parts::put(buf, area.x, area.y + 1, area.width, 2, fact_parts(model, detail), Vec::new());
}

/// The facts as a line, for the preview.
pub fn facts_line(model: &Model, detail: &TicketDetail, width: u16) -> Line<'static> {
    let mut spans = Vec::new();
    let mut parts: Vec<_> = fact_parts(model, detail).into_iter().filter(|part| part.rank >= 50).collect();
    parts::fit(&mut parts, &mut Vec::new(), width, 1);
    for part in parts {
        spans.push(Span::styled(text::clean(&part.text).into_owned(), part.style));
        spans.push(Span::raw(" "));
    }
    Line::from(spans)
}

/// How a spec stands to its branch.
pub fn badge_words(model: &Model, badge: SpecBadge) -> (&'static str, ratatui::style::Style) {
    let theme = &model.theme;
    match badge {
        SpecBadge::Local => ("not pushed", theme.dim),
        SpecBadge::Draft => ("draft", theme.warn),
        SpecBadge::Pushed => ("pushed", theme.good),
        SpecBadge::ChangedOnBranch => ("changed on the branch", theme.bad),
    }
}

fn tabs(model: &Model, ticket: &TicketState, detail: &TicketDetail, area: Rect, buf: &mut Buffer) {
    let names = Tab::ALL.map(|tab| match tab {
        Tab::Criteria if !detail.ticket.criteria.is_empty() => {
            let done = detail.ticket.criteria.iter().filter(|criterion| criterion.ticked).count();
            tabs::Tab::new(format!("Criteria {done}/{}", detail.ticket.criteria.len()))
        }
        Tab::PullRequest => match &detail.ticket.pull_request {
            Some(pr) => tabs::Tab::new(format!("Pull request !{}", pr.number)).short(format!("PR !{}", pr.number)),
            None => tabs::Tab::new(tab.title()).short("PR"),
        },
        _ => tabs::Tab::new(tab.title()),
    });
    tabs::draw(buf, Rect::new(area.x, area.y + 2, area.width, 1), 2, names.to_vec(), ticket.tab as usize, &model.theme);
}

/// The spec without its title line: the title is painted above it.
pub fn body_of(spec: &str) -> &str {
    match spec.split_once('\n') {
        Some((first, rest)) if first.starts_with("# ") => rest,
        _ if spec.starts_with("# ") => "",
        _ => spec,
    }
}

fn lines(model: &Model, ticket: &TicketState, detail: &TicketDetail, width: u16) -> Vec<Line<'static>> {
    let theme = &model.theme;
    let width = width.min(READABLE);
    match ticket.tab {
        Tab::Spec if detail.spec.text.trim().is_empty() => {
            vec![Line::styled("The spec is empty. e writes it.", theme.dim)]
        }
        Tab::Spec => markdown::render(body_of(&detail.spec.text), width, theme).lines,
        Tab::PullRequest => match &detail.pull_request {
            Some(known) => pull_request::lines(known, story::lines(model, known, width), width, model.live.following(), model.now, theme),
            None if detail.ticket.branch.is_some() => vec![
                Line::styled("No pull request yet.", theme.text),
                Line::styled("P opens one: title and description come from the spec, with its acceptance criteria.", theme.dim),
            ],
            None => vec![
                Line::styled("No pull request yet, and no branch.", theme.text),
                Line::styled("s starts work: it makes the branch and pushes the spec.", theme.dim),
            ],
        },
        Tab::Activity => {
            let mut lines: Vec<_> = detail
                .history
                .iter()
                .rev()
                .map(|row| {
                    Line::from(vec![
                        Span::styled(format!("{:>10}  ", pull_request::ago(row.at, model.now)), theme.dim),
                        Span::raw(text::clean(&row.words).into_owned()),
                    ])
                })
                .collect();
            if lines.is_empty() {
                lines.push(Line::styled("Nothing has happened yet.", theme.dim));
            }
            lines
        }
        Tab::Criteria => Vec::new(),
    }
}

/// The furthest that the tab can be scrolled.
pub fn last_scroll(model: &Model) -> u16 {
    let Some(ticket) = &model.ticket else { return 0 };
    let Some(detail) = &ticket.detail else { return 0 };
    let area = content_area(model.width, model.height);
    let lines = lines(model, ticket, detail, area.width).len();
    u16::try_from(lines.saturating_sub(usize::from(area.height))).unwrap_or(u16::MAX)
}

fn criteria(model: &Model, ticket: &TicketState, detail: &TicketDetail, area: Rect, buf: &mut Buffer) {
    let theme = &model.theme;
    if detail.ticket.criteria.is_empty() {
        text::put(buf, area.x, area.y, area.width, "The spec has no acceptance criteria.", theme.text);
        text::put(buf, area.x, area.y + 1, area.width, "e writes them, as `- [ ]` under `## Acceptance criteria`.", theme.dim);
        return;
    }
    let width = area.width.min(READABLE).saturating_sub(4);
    let rows: Vec<Vec<String>> = detail.ticket.criteria.iter().map(|criterion| text::wrap(&criterion.text, width)).collect();
    // The cursor stays in view: whole criteria are left out above it.
    let mut first = 0;
    let height = usize::from(area.height);
    while first < ticket.criterion && rows[first..=ticket.criterion.min(rows.len() - 1)].iter().map(Vec::len).sum::<usize>() > height {
        first += 1;
    }
    let mut y = area.y;
    for (at, criterion) in detail.ticket.criteria.iter().enumerate().skip(first) {
        let selected = at == ticket.criterion;
        let (mark, style) = if criterion.ticked { (theme.marks.boxed_tick, theme.good) } else { (theme.marks.boxed, theme.dim) };
        for (line, words) in rows[at].iter().enumerate() {
            if y >= area.bottom() {
                return;
            }
            if selected {
                text::put(buf, area.x, y, 1, theme.marks.bar, theme.accent);
            }
            if line == 0 {
                text::put(buf, area.x + 1, y, 1, mark, style);
            }
            let words_style = if criterion.ticked { theme.dim } else { theme.text };
            text::put(buf, area.x + 3, y, width, words, if selected { theme.strong } else { words_style });
            y += 1;
        }
    }
}
