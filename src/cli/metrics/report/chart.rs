//! Charts as SVG: weeks of a tile, phases as a waterfall, deployments on a strip. Each has a title and a description for those who
//! cannot see it; colours come from the page's style.
//!
//! Limits: no scripts and no fonts of its own; at most [`LANES`] services have a lane, the others share one.

use std::fmt::Write;

use jiff::Timestamp;

use super::escape::{Markup, text};
use crate::metrics::figures::{Figures, Measured, Metric, Phase, PhaseFigure, Reason, Row, Subject, Week};
use crate::metrics::input::Input;
use crate::metrics::query::Window;
use crate::metrics::{names, telling};

/// Services with a lane of their own.
const LANES: usize = 12;
/// The most dots under a week.
const GRAINS: u64 = 6;

/// An SVG with its words: `id` must be unique on the page.
fn svg(id: &str, (width, height): (f64, f64), title: &str, description: &str, body: &str) -> Markup {
    Markup::made(format!(
        "<svg viewBox=\"0 0 {width} {height}\" role=\"img\" aria-labelledby=\"{id}-t {id}-d\"><title id=\"{id}-t\">{}</title><desc \
         id=\"{id}-d\">{}</desc>{body}</svg>\n",
        text(title),
        text(description)
    ))
}

/// The weeks of a tile: a line of values, gaps where there is none, a ground where nothing was measured, and under each week as many dots
/// as it rests on.
pub fn weeks(metric: Metric, weeks: &[Week]) -> Option<Markup> {
    const WIDTH: f64 = 320.0;
    const HEIGHT: f64 = 104.0;
    const TOP: f64 = 16.0;
    const FLOOR: f64 = 64.0;
    /// What `not measured` takes.
    const ROOM_FOR_WORDS: f64 = 84.0;
    let most = weeks.iter().filter_map(|week| week.value).fold(0.0, f64::max);
    if weeks.len() < 2 || !weeks.iter().any(|week| week.value.is_some()) {
        return None;
    }
    let step = WIDTH / weeks.len() as f64;
    let x = |at: usize| (at as f64 + 0.5) * step;
    let y = |value: f64| if most > 0.0 { FLOOR - value / most * (FLOOR - TOP) } else { FLOOR };
    let most_n = weeks.iter().map(|week| week.n).max().unwrap_or(0);
    let per_grain = most_n.div_ceil(GRAINS).max(1);
    let mut body = String::new();
    for run in unmeasured(weeks) {
        let (left, width) = (run.start as f64 * step, run.len() as f64 * step);
        let _ = write!(
            body,
            "<rect class=\"unmeasured\" x=\"{left:.1}\" y=\"{TOP}\" width=\"{width:.1}\" height=\"{}\"><title>not measured</title></rect>",
            FLOOR - TOP
        );
        if width >= ROOM_FOR_WORDS {
            let (x, y) = (left + width / 2.0, f64::midpoint(TOP, FLOOR) + 4.0);
            let _ = write!(body, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"middle\">not measured</text>");
        }
    }
    let _ = write!(body, "<line class=\"axis\" x1=\"0\" y1=\"{FLOOR}\" x2=\"{WIDTH}\" y2=\"{FLOOR}\"/>");
    let mut path = String::new();
    let mut points = String::new();
    let mut is_gap = true;
    for (at, week) in weeks.iter().enumerate() {
        let Some(value) = week.value else {
            is_gap = true;
            continue;
        };
        let _ = write!(path, "{}{:.1} {:.1}", if is_gap { "M" } else { "L" }, x(at), y(value));
        is_gap = false;
        let class = if week.n < 5 || week.measured == Measured::Part { "point few" } else { "point" };
        let words = format!("week of {}: {}", week.starts, telling::week(metric, week));
        let _ = write!(
            points,
            "<circle class=\"{class}\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"3\"><title>{}</title></circle>",
            x(at),
            y(value),
            text(words)
        );
    }
    for (at, week) in weeks.iter().enumerate() {
        for grain in 0..week.n.div_ceil(per_grain).min(GRAINS) {
            let _ = write!(body, "<circle class=\"grain\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"1.5\"/>", x(at), FLOOR + 6.0 + grain as f64 * 4.0);
        }
    }
    let _ = write!(body, "<path class=\"line\" d=\"{path}\"/>{points}");
    let _ = write!(body, "<text x=\"0\" y=\"10\">{}</text>", text(telling::of_week(metric, most)));
    let (first, last) = (weeks[0].starts, weeks[weeks.len() - 1].starts);
    let _ = write!(body, "<text x=\"0\" y=\"{HEIGHT}\">{first}</text><text x=\"{WIDTH}\" y=\"{HEIGHT}\" text-anchor=\"end\">{last}</text>");
    let grain = if per_grain == 1 { "a dot is one".to_owned() } else { format!("a dot is up to {per_grain}") };
    let _ = write!(body, "<text x=\"{}\" y=\"{HEIGHT}\" text-anchor=\"middle\">{grain}</text>", WIDTH / 2.0);
    let told: Vec<String> = weeks.iter().map(|week| format!("{}: {}", week.starts, telling::week(metric, week))).collect();
    let title = format!("{} by week", metric.title());
    let description = format!("Value and sample size of each week. {}.", told.join("; "));
    Some(svg(&format!("weeks-{}", metric.name()), (WIDTH, HEIGHT), &title, &description, &body))
}

/// Weeks in which nothing was measured, those next to each other together.
fn unmeasured(weeks: &[Week]) -> Vec<std::ops::Range<usize>> {
    let mut runs: Vec<std::ops::Range<usize>> = Vec::new();
    for at in (0..weeks.len()).filter(|at| weeks[*at].measured == Measured::None) {
        match runs.last_mut() {
            Some(run) if run.end == at => run.end = at + 1,
            _ => runs.push(at..at + 1),
        }
    }
    runs
}

/// The phases one after the other, each as long as its median.
pub fn phases(phases: &[PhaseFigure]) -> Option<Markup> {
    // Narrow enough to be read as a whole on a phone, where the letters are half as large again.
    const WIDTH: f64 = 600.0;
    const LABEL: f64 = 96.0;
    const ROOM: f64 = 370.0;
    const ROW: f64 = 26.0;
    let median = |figure: &PhaseFigure| telling::scalar(&figure.value).filter(|seconds| *seconds >= 0.0);
    let total: f64 = phases.iter().filter_map(median).sum();
    if phases.is_empty() || total <= 0.0 {
        return None;
    }
    let mut body = String::new();
    let mut at = 0.0;
    let mut told = Vec::new();
    for (row, figure) in phases.iter().enumerate() {
        let middle = row as f64 * ROW + ROW / 2.0;
        let _ = write!(body, "<text x=\"0\" y=\"{:.1}\">{}</text>", middle + 4.0, figure.phase.words());
        let words = format!("{}, n {}", telling::headline(&figure.value), telling::grouped(figure.n));
        let begin = LABEL + at / total * ROOM;
        let mut end = begin;
        if let Some(seconds) = median(figure) {
            let width = (seconds / total * ROOM).max(1.5);
            end = begin + width;
            at += seconds;
            let class = class_of(figure.phase);
            let _ = write!(
                body,
                "<rect class=\"{class}\" x=\"{begin:.1}\" y=\"{:.1}\" width=\"{width:.1}\" height=\"16\" rx=\"2\"/>",
                middle - 8.0
            );
            // What went on in it, at its end: of how many that is known, the table says.
            let inside = figure.overlay.as_ref().and_then(|overlay| telling::scalar(&overlay.value)).filter(|inside| *inside > 0.0);
            if let Some(inside) = inside {
                let inner = (inside / seconds).min(1.0) * width;
                let _ = write!(
                    body,
                    "<rect class=\"of-which\" x=\"{:.1}\" y=\"{:.1}\" width=\"{inner:.1}\" height=\"6\"/>",
                    end - inner,
                    middle + 2.0
                );
            }
        }
        let _ = write!(body, "<text class=\"strong\" x=\"{:.1}\" y=\"{:.1}\">{}</text>", end + 6.0, middle + 4.0, text(&words));
        let of_which = telling::of_which(figure).map_or_else(String::new, |words| format!(", {words}"));
        told.push(format!("{}: {words}{of_which}", figure.phase.words()));
    }
    let height = phases.len() as f64 * ROW;
    let description = format!("Median of each phase. {}.", told.join("; "));
    Some(svg("phase-chart", (WIDTH, height), "Phases of a pull request", &description, &body))
}

fn class_of(phase: Phase) -> &'static str {
    match phase {
        Phase::Coding => "coding",
        Phase::Draft => "draft",
        Phase::Pickup => "pickup",
        Phase::Review => "review",
        Phase::MergeWait => "merge_wait",
        Phase::DeployWait => "deploy_wait",
    }
}

/// How a deployment is drawn. Shapes differ, not only colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Glyph {
    Counted,
    Again,
    Failed,
    Aside,
}

impl Glyph {
    const ALL: [Self; 4] = [Self::Counted, Self::Again, Self::Failed, Self::Aside];

    fn of(row: &Row) -> Self {
        match row.excluded {
            None => Self::Counted,
            Some(Reason::Redeploy) => Self::Again,
            Some(Reason::FailedAttempt) => Self::Failed,
            Some(_) => Self::Aside,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Counted => "deployment",
            Self::Again => "the same commit again",
            Self::Failed => "failed attempt",
            Self::Aside => "cancelled, skipped or waiting",
        }
    }

    fn shape(self, x: f64, y: f64) -> String {
        match self {
            Self::Counted => format!("<circle class=\"counted\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4.5\"/>"),
            Self::Again => format!("<circle class=\"again\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\"/>"),
            Self::Failed => format!("<path class=\"broken\" d=\"M{:.1} {:.1}l8 8m0 -8l-8 8\"/>", x - 4.0, y - 4.0),
            Self::Aside => format!("<path class=\"aside\" d=\"M{x:.1} {:.1}v8\"/>", y - 4.0),
        }
    }
}

/// Deployments of the window, a lane a service, with the key to its shapes. `rows` are those of the deployment frequency.
pub fn strip(figures: &Figures, rows: &[Row], input: &Input, date: impl Fn(Timestamp) -> String) -> Option<Markup> {
    const WIDTH: f64 = 720.0;
    const LEFT: f64 = 6.0;
    const LANE: f64 = 40.0;
    let window = figures.window;
    let shown: Vec<(&Row, Lane)> = rows.iter().filter(|row| window.contains(row.at)).filter_map(|row| Some((row, lane_of(row)?))).collect();
    if shown.is_empty() {
        return None;
    }
    let mut lanes: Vec<Lane> = Vec::new();
    for (_, lane) in &shown {
        if !lanes.contains(lane) {
            lanes.push(*lane);
        }
    }
    lanes.sort();
    let own = if lanes.len() > LANES { LANES - 1 } else { lanes.len() };
    let count = lanes.len().min(LANES);
    let x = |at: Timestamp| LEFT + share(window, at) * (WIDTH - 2.0 * LEFT);
    let y = |lane: usize| lane as f64 * LANE + 28.0;
    let mut body = String::new();
    for lane in 0..count {
        let name = if lane < own { named(&lanes[lane], &shown, input) } else { format!("{} others", lanes.len() - own) };
        let _ = write!(body, "<text x=\"0\" y=\"{:.1}\">{}</text>", y(lane) - 12.0, text(name));
        let _ = write!(body, "<line class=\"axis\" x1=\"0\" y1=\"{0:.1}\" x2=\"{WIDTH}\" y2=\"{0:.1}\"/>", y(lane));
    }
    let mut glyphs = Vec::new();
    for (row, lane) in &shown {
        let glyph = Glyph::of(row);
        let lane = lanes.iter().position(|other| other == lane).unwrap_or(0).min(count - 1);
        let reason = row.excluded.map_or(String::new(), |reason| format!(", {}", reason.words()));
        let words = format!("{}, {}{reason}", names::subject(&row.subject, input), date(row.at));
        let _ = write!(body, "<g>{}<title>{}</title></g>", glyph.shape(x(row.at), y(lane)), text(words));
        if !glyphs.contains(&glyph) {
            glyphs.push(glyph);
        }
    }
    let height = count as f64 * LANE + 22.0;
    let _ = write!(body, "<text x=\"0\" y=\"{:.1}\">{}</text>", height - 4.0, text(date(window.from)));
    let _ = write!(body, "<text x=\"{WIDTH}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>", height - 4.0, text(date(window.to)));
    let counted: Vec<String> = Glyph::ALL
        .into_iter()
        .map(|glyph| (glyph, shown.iter().filter(|(row, _)| Glyph::of(row) == glyph).count()))
        .filter(|(_, number)| *number > 0)
        .map(|(glyph, number)| format!("{number} {}", glyph.words()))
        .collect();
    let description = format!("A lane for each of {} services. {}. The same as a table below.", lanes.len(), counted.join("; "));
    let mut made = svg("strip", (WIDTH, height), "Deployments to production over the window", &description, &body);
    glyphs.sort();
    let key: String = glyphs
        .into_iter()
        .map(|glyph| format!("<li><svg viewBox=\"0 0 16 16\" aria-hidden=\"true\">{}</svg>{}</li>", glyph.shape(8.0, 8.0), glyph.words()))
        .collect();
    made.push(&Markup::made(format!("<ul class=\"key\">{key}</ul>\n")));
    Some(made)
}

/// What tells services apart: project, kind, definition.
type Lane = (i64, crate::domain::run::DefinitionKind, i64);

fn lane_of(row: &Row) -> Option<Lane> {
    match &row.subject {
        Subject::Deployment { project, kind, definition, .. } => Some((project.0, *kind, *definition)),
        _ => None,
    }
}

fn named(lane: &Lane, shown: &[(&Row, Lane)], input: &Input) -> String {
    let found = shown.iter().find(|(_, other)| other == lane).and_then(|(row, _)| names::holder_of(&row.subject, input));
    found.map_or_else(|| format!("definition {}", lane.2), str::to_owned)
}

fn share(window: Window, at: Timestamp) -> f64 {
    let whole = window.length().as_secs_f64();
    if whole > 0.0 { (at.duration_since(window.from).as_secs_f64() / whole).clamp(0.0, 1.0) } else { 0.0 }
}
