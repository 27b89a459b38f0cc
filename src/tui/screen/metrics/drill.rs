//! The rows behind a number and those left out, with why.

use std::borrow::Cow;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::linked;
use crate::domain::id::TicketKey;
use crate::metrics::figures::Value;
use crate::tui::actions::Context;
use crate::tui::answer::MetricRow;
use crate::tui::intent::Intent;
use crate::tui::layout;
use crate::tui::model::Model;
use crate::tui::model::metrics::{Counted, Drill};
use crate::tui::theme::Marks;
use crate::tui::widget::delivery::clock;
use crate::tui::widget::figure as words;
use crate::tui::widget::parts::{self, Part};
use crate::tui::widget::tabs::{self, Tab};
use crate::tui::widget::text;

pub fn draw(model: &Model, drill: &Drill, area: Rect, buf: &mut Buffer) {
    let theme = &model.theme;
    let title = drill.metric.title();
    let count = |counted, words: &str| {
        if drill.rows.rows.is_some() {
            Tab::new(format!("{words} {}", words::grouped(drill.count(counted) as u64)))
        } else {
            Tab::new(words)
        }
    };
    let tabs = drill.tabs();
    let names = tabs.iter().map(|tab| match tab {
        Counted::In => count(Counted::In, "Counted"),
        Counted::Out => count(Counted::Out, "Left out"),
        Counted::Linked => count(Counted::Linked, "Linked to"),
    });
    let line = Rect::new(area.x + 1, area.y, area.width.saturating_sub(2), 1);
    let here = tabs.iter().position(|tab| *tab == drill.counted).unwrap_or(0);
    let end = tabs::draw(buf, line, 2, names.collect(), here, theme);
    let figure = model.metrics.page.rows.as_ref().and_then(|page| page.figures.tile(drill.metric));
    let said = figure.map(words::of);
    let mut right = vec![Part::new(50, title, theme.text)];
    // Of how many: what the rows are counted for.
    right.extend(said.as_ref().map(|said| Part::new(60, said.headline.clone(), theme.strong)));
    let of = said.filter(|_| figure.is_some_and(|tile| matches!(tile.value, Value::Rate { .. })));
    right.extend(of.and_then(|said| said.rest.split_once(',').map(|(first, _)| Part::new(20, first, theme.dim))));
    parts::put(buf, end + 2, area.y, area.right().saturating_sub(end + 3), 2, Vec::new(), right);
    text::line(buf, area.x, area.y + 1, area.width, theme.marks.rule, theme.faint);

    let inner = Rect::new(area.x, area.y + 2, area.width, area.height.saturating_sub(2));
    if let (Counted::Linked, Some(links)) = (drill.counted, drill.links()) {
        return linked::draw(model, drill, links, inner, buf);
    }
    let rows: Vec<&MetricRow> = drill.shown().collect();
    if rows.is_empty() {
        let words = match (&drill.rows.rows, &drill.rows.problem) {
            (None, Some(problem)) => problem.to_string(),
            (None, None) => "loading".to_owned(),
            (Some(_), _) if drill.counted == Counted::In => {
                let key = model.keymap.shown(Context::Metrics, Intent::NextTab).unwrap_or_else(|| "the palette".to_owned());
                format!("Nothing counts in this window. {key} shows what was left out, t takes a longer one.")
            }
            (Some(_), _) => "Nothing was left out.".to_owned(),
        };
        super::say(inner, &words, theme.dim, buf);
        return;
    }
    let visible = layout::metric_rows(model).min(usize::from(inner.height));
    let cells = |width: fn(&MetricRow) -> u16, most: u16| rows.iter().map(|row| width(row)).max().unwrap_or(0).min(most);
    let zone = &model.settings.zone;
    let times = rows.iter().map(|row| text::width(&clock(row.row.at, model.now, zone))).max().unwrap_or(8);
    let names = cells(|row| text::width(&text::clean(&row.name)), if inner.width < 60 { inner.width / 2 } else { inner.width / 3 });
    let lasts = cells(|row| row.row.seconds.map_or(0, |seconds| text::width(&words::duration(seconds))), 8);
    for ((at, row), y) in rows.iter().enumerate().skip(drill.offset).take(visible).zip(inner.y..inner.bottom()) {
        let selected = at == drill.cursor;
        if selected {
            text::put(buf, inner.x, y, 1, theme.marks.bar, theme.accent);
        }
        let end = inner.right().saturating_sub(1);
        let mut x = inner.x + 1;
        if inner.width >= 60 {
            text::put(buf, x, y, times, &clock(row.row.at, model.now, zone), theme.dim);
            x += times + 2;
        }
        if lasts > 0 {
            let lasted = row.row.seconds.map(words::duration).unwrap_or_default();
            text::put_right(buf, x + lasts, y, lasts, &lasted, theme.text, &theme.marks);
            x += lasts + 2;
        }
        text::put(
            buf,
            x,
            y,
            names,
            &name_in(&text::clean(&row.name), names, &theme.marks),
            if selected { theme.strong } else { theme.info },
        );
        x += names + 2;
        let mut left = Vec::new();
        if let Some(ticket) = &row.ticket {
            left.push(Part::new(60, ticket.to_string(), theme.info));
        }
        let why = row.row.excluded.map(|reason| reason.words());
        left.extend(why.map(|why| Part::new(90, why, theme.warn)));
        let mut rest = Vec::new();
        rest.extend(row.title.as_deref().map(|title| text::clean(without_key(title, row.ticket.as_ref())).into_owned()));
        let words = (!row.row.words.is_empty()).then(|| text::clean(&row.row.words).into_owned());
        if row.row.hit {
            // What a rate counts is what is looked for here.
            let room = end.saturating_sub(x);
            let words = words.map(|words| text::fit_words(&words, room, &theme.marks).into_owned());
            left.extend(words.map(|words| Part::new(95, words, theme.warn)));
        } else {
            rest.extend(words);
        }
        // The words take what is left; a title is cut before what happened is left out.
        parts::fit(&mut left, &mut Vec::new(), end.saturating_sub(x), 2);
        for part in left {
            x = text::put(buf, x, y, end.saturating_sub(x), &part.text, part.style) + 2;
        }
        let room = end.saturating_sub(x);
        match rest.as_slice() {
            // A title that cannot be read is worth less than none of the words.
            [title, _] if room < 40 => drop(text::put_fit(buf, x, y, room, title, theme.text, &theme.marks)),
            [title, words] => {
                let last = text::width(words).min(room / 2);
                let used = room.saturating_sub(last + 2);
                let at = text::put_fit(buf, x, y, used, title, theme.text, &theme.marks) + 2;
                text::put_fit(buf, at, y, end.saturating_sub(at), words, theme.dim, &theme.marks);
            }
            [one] => drop(text::put_fit(buf, x, y, room, one, theme.dim, &theme.marks)),
            _ => {}
        }
    }
}

/// A name in so many cells: the number at its end tells more than the whole of what is before it.
fn name_in<'a>(name: &'a str, cells: u16, marks: &Marks) -> Cow<'a, str> {
    if text::width(name) <= cells {
        return Cow::Borrowed(name);
    }
    match name.rsplit_once(' ') {
        Some((holder, number)) if text::width(number) + 3 < cells => {
            Cow::Owned(format!("{} {number}", text::fit(holder, cells - text::width(number) - 1, marks)))
        }
        _ => text::fit(name, cells, marks),
    }
}

/// A title that begins with the ticket's key would say it twice.
fn without_key<'a>(title: &'a str, ticket: Option<&TicketKey>) -> &'a str {
    let rest = ticket.and_then(|key| title.strip_prefix(&key.to_string())).filter(|rest| rest.starts_with([':', ' ', '-']));
    rest.map_or(title, |rest| rest.trim_start_matches([':', ' ', '-']))
}
