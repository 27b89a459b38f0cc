//! Tables of the report: phases, services, work items, and the rows behind each number with those left out.
//!
//! Limits: [`MOST`] rows of each; how many more there are is said.

use std::fmt::Write;

use jiff::Timestamp;

use super::escape::{Markup, text};
use crate::metrics::figures::{Figures, Metric, PhaseFigure, Row, Service};
use crate::metrics::input::{Input, Linkage};
use crate::metrics::{names, telling};

/// Rows of one table.
const MOST: usize = 100;

enum Cell {
    Words(String),
    Number(String),
    When(String),
}

fn table(caption: &str, heads: &[&str], rows: impl Iterator<Item = Vec<Cell>>) -> Markup {
    classed("wide", caption, heads, rows)
}

fn classed(class: &str, caption: &str, heads: &[&str], rows: impl Iterator<Item = Vec<Cell>>) -> Markup {
    let mut rows = rows.peekable();
    let Some(first) = rows.peek() else { return Markup::default() };
    let classes: Vec<&str> = first
        .iter()
        .map(|cell| match cell {
            Cell::Number(_) => " class=\"number\"",
            Cell::Words(_) | Cell::When(_) => "",
        })
        .collect();
    let heads: String = heads
        .iter()
        .zip(classes.iter().chain(std::iter::repeat(&"")))
        .map(|(head, class)| format!("<th scope=\"col\"{class}>{head}</th>"))
        .collect();
    let mut html =
        format!("<div class=\"{class}\"><table>\n<caption>{}</caption>\n<thead><tr>{heads}</tr></thead>\n<tbody>\n", text(caption));
    for row in rows {
        html.push_str("<tr>");
        for cell in row {
            let _ = match cell {
                Cell::Words(words) => write!(html, "<td>{}</td>", text(words)),
                Cell::Number(words) => write!(html, "<td class=\"number\">{}</td>", text(words)),
                Cell::When(words) => write!(html, "<td class=\"when\">{}</td>", text(words)),
            };
        }
        html.push_str("</tr>\n");
    }
    html.push_str("</tbody></table></div>\n");
    Markup::made(html)
}

/// How a phase spreads, and what went on in it.
fn spread(figure: &PhaseFigure) -> String {
    let of_which = telling::of_which(figure).zip(figure.overlay.as_ref());
    let of_which = of_which.map(|(words, overlay)| format!("{words}, {}", telling::known_of(overlay)));
    telling::detail(&figure.value).into_iter().chain(of_which).collect::<Vec<_>>().join("; ")
}

pub fn phases(phases: &[PhaseFigure]) -> Markup {
    let rows = phases.iter().map(|figure| {
        let left_out = telling::excluded(&figure.excluded).unwrap_or_default();
        vec![
            Cell::Words(figure.phase.words().to_owned()),
            Cell::Words(telling::headline(&figure.value)),
            Cell::Words(spread(figure)),
            Cell::Number(telling::grouped(figure.n)),
            Cell::Words(left_out),
        ]
    });
    classed("wide stacked by-phase", "Phases", &["Phase", "Value", "Spread", "n", "Left out"], rows)
}

pub fn services(services: &[Service]) -> Markup {
    let rows = services.iter().map(|service| {
        vec![
            Cell::Words(service.name.clone()),
            Cell::Words(service.production.join(", ")),
            Cell::Number(telling::grouped(service.deployments)),
        ]
    });
    table("Services, and what counts as production", &["Service", "Production", "Deployments"], rows)
}

pub fn linkage(linkage: &Linkage) -> Markup {
    if linkage.commits + linkage.pull_requests == 0 {
        return Markup::made("<p>No commit and no pull request in the window.</p>\n");
    }
    let share = |linked: u64, all: u64| match all {
        0 => "none in the window".to_owned(),
        _ => format!("{} of {} ({})", telling::grouped(linked), telling::grouped(all), telling::percent(linked as f64 / all as f64)),
    };
    let mut made = Markup::made(format!(
        "<p>Linked to a work item: pull requests {}; commits {}.</p>\n",
        share(linkage.linked_pull_requests, linkage.pull_requests),
        share(linkage.linked_commits, linkage.commits)
    ));
    if let Some(words) = telling::linkage_without(linkage) {
        made.push(&Markup::made(format!("<p class=\"quiet\">{}.</p>\n", text(words))));
    }
    let rows = linkage.items.iter().take(MOST).map(|(number, title, hanging)| {
        vec![Cell::Words(format!("#{number}")), Cell::Words(title.clone()), Cell::Number(telling::grouped(*hanging))]
    });
    made.push(&table("Work items with the most changes", &["Work item", "Title", "Changes"], rows));
    if linkage.ticketed_pull_requests > 0 {
        made.push(&Markup::made(format!(
            "<p>Named a ticket of the board in their branch: pull requests {}; linked to a ticket or a work item: {}.</p>\n",
            share(linkage.ticketed_pull_requests, linkage.pull_requests),
            share(linkage.traced_pull_requests, linkage.pull_requests)
        )));
    }
    let rows = linkage.tickets.iter().take(MOST).map(|(key, title, hanging)| {
        vec![Cell::Words(key.to_string()), Cell::Words(title.clone()), Cell::Number(telling::grouped(*hanging))]
    });
    made.push(&table("Tickets with the most pull requests", &["Ticket", "Title", "Pull requests"], rows));
    made
}

/// Both halves of a metric's rows, folded away.
pub fn behind(metric: Metric, rows: &[Row], figures: &Figures, input: &Input, date: impl Fn(Timestamp) -> String) -> Markup {
    if rows.is_empty() || figures.tile(metric).is_none() {
        return Markup::default();
    }
    let (counted, left_out): (Vec<&Row>, Vec<&Row>) = rows.iter().partition(|row| row.excluded.is_none());
    let mut html = format!(
        "<details><summary>{}: {} counted, {} left out</summary>\n",
        text(metric.title()),
        telling::grouped(counted.len() as u64),
        telling::grouped(left_out.len() as u64)
    );
    let cells = |row: &&Row| {
        let seconds = row.seconds.map_or(String::new(), telling::duration);
        let words = match row.excluded {
            Some(reason) if row.words.is_empty() => reason.words().to_owned(),
            Some(reason) => format!("{}: {}", reason.words(), row.words),
            None => row.words.clone(),
        };
        vec![Cell::When(date(row.at)), Cell::Words(names::subject(&row.subject, input)), Cell::Number(seconds), Cell::Words(words)]
    };
    let heads = ["When", "What", "Time", "Remark"];
    for (caption, rows) in [("Counted", counted), ("Left out", left_out)] {
        let _ = write!(html, "{}", classed("wide stacked by-row", caption, &heads, rows.iter().take(MOST).map(cells)));
        if rows.len() > MOST {
            let _ = writeln!(
                html,
                "<p class=\"quiet\">and {} more: <code>kanado metrics --explain {}</code> lists all</p>",
                telling::grouped((rows.len() - MOST) as u64),
                metric.name()
            );
        }
    }
    html.push_str("</details>\n");
    Markup::made(html)
}
