//! A report of figures as one HTML page that needs nothing else: no scripts, no fonts, no pictures from elsewhere. It reads on a phone,
//! on paper, in light and dark, and without sight.
//!
//! Pure: everything it shows is handed in. Everything from outside is escaped ([`escape::text`]).

mod chart;
mod escape;
mod table;
mod tile;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::metrics::figures::{Figures, Metric, Row};
use crate::metrics::input::Input;
use crate::metrics::query::Hours;
use crate::metrics::telling;
use escape::{Markup, text};

const PAGE: &str = include_str!("../../../../assets/report/page.html");
const STYLE: &str = include_str!("../../../../assets/report/style.css");

/// DORA's five, by their current names.
const DELIVERY: [Metric; 5] =
    [Metric::DeploymentFrequency, Metric::LeadTime, Metric::ChangeFailRate, Metric::RecoveryTime, Metric::ReworkRate];

/// What a page is made of.
pub struct Report<'a> {
    pub figures: &'a Figures,
    pub input: &'a Input,
    /// The rows behind each metric and those left out.
    pub rows: &'a [(Metric, Vec<Row>)],
    /// What the figures were narrowed to: "repository tide-api".
    pub narrowed: &'a [String],
    /// What to know before reading: not backfilled, stale, refused.
    pub notices: &'a [String],
    /// The window in words.
    pub window: String,
    pub zone: &'a TimeZone,
    pub made_at: Timestamp,
}

/// The page.
pub fn html(report: &Report<'_>) -> String {
    let Report { figures, input, rows, .. } = report;
    let minute = |at: Timestamp| at.to_zoned(report.zone.clone()).strftime("%Y-%m-%d %H:%M").to_string();
    let of = |metric: Metric| rows.iter().find(|(known, _)| *known == metric).map_or(&[][..], |(_, rows)| rows.as_slice());
    let names: Vec<&str> = input.projects.iter().map(|project| project.name.as_str()).collect();
    let title = format!("Delivery of {}", if names.is_empty() { "no project".to_owned() } else { names.join(", ") });
    let tiles = |is_wanted: fn(&Metric) -> bool| -> Markup {
        figures.tiles.iter().filter(|tile| is_wanted(&tile.metric)).map(tile::card).collect()
    };
    let mut phases = match chart::phases(&figures.phases) {
        Some(chart) => framed("phases", &chart),
        None => Markup::made("<p>No phase has a value in this window.</p>\n"),
    };
    if figures.phases.iter().any(|figure| telling::is_measured(&figure.value)) {
        phases.push(&Markup::made(
            "<p class=\"quiet\">Medians of each phase by itself: they need not add up to the median of the whole. Coding and draft stand \
             outside the cycle time; deploy wait follows it.</p>\n",
        ));
    }
    if figures.phases.iter().any(|figure| telling::of_which(figure).is_some()) {
        phases.push(&Markup::made(
            "<p class=\"quiet\">The light strip in a bar is what went on in that phase: runs that check the merge (CI), or production stages \
             that wait for an approval. It is the median of those of which that is known.</p>\n",
        ));
    }
    phases.push(&table::phases(&figures.phases));
    let mut deployments = match chart::strip(figures, of(Metric::DeploymentFrequency), input, minute) {
        Some(strip) => framed("strip", &strip),
        None => Markup::made("<p>No deployment to production is known in this window.</p>\n"),
    };
    deployments.push(&table::services(&figures.services));
    let behind: Markup = rows.iter().map(|(metric, rows)| table::behind(*metric, rows, figures, input, minute)).collect();
    let behind = if behind.is_empty() { Markup::made("<p>There are none in this window.</p>\n") } else { behind };
    let made = format!(
        "Made by kanado {} on {} ({}).",
        env!("CARGO_PKG_VERSION"),
        minute(report.made_at),
        report.zone.iana_name().unwrap_or("UTC")
    );
    escape::fill(
        PAGE,
        &[
            ("title", text(&title)),
            ("style", Markup::made(STYLE)),
            ("scope", text(scope(report, minute))),
            ("notices", report.notices.iter().map(|words| Markup::made(format!("<p class=\"notice\">{}</p>\n", text(words)))).collect()),
            ("delivery", tiles(|metric| DELIVERY.contains(metric))),
            ("flow", tiles(|metric| !DELIVERY.contains(metric))),
            ("phases", phases),
            ("deployments", deployments),
            ("links", table::linkage(&figures.linkage)),
            ("rows", behind),
            ("made", text(made)),
        ],
    )
}

/// In a frame that scrolls by itself on a narrow page.
fn framed(class: &str, chart: &Markup) -> Markup {
    Markup::made(format!("<div class=\"wide {class}\">{chart}</div>\n"))
}

fn scope(report: &Report<'_>, minute: impl Fn(Timestamp) -> String) -> String {
    let figures = report.figures;
    let hours = match figures.hours {
        Hours::Calendar => "calendar hours",
        Hours::Working => "working hours",
    };
    let mut parts = vec![report.window.clone()];
    parts.extend(report.narrowed.iter().cloned());
    parts.push(format!("definition: {}", figures.definition.name()));
    parts.push(hours.to_owned());
    parts.push(match figures.as_of {
        Some(at) => format!("data as of {}", minute(at)),
        None => "not collected in full yet".to_owned(),
    });
    parts.join(" \u{b7} ")
}

#[cfg(test)]
mod tests;
