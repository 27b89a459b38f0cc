//! Figures and the rows behind them as comma-separated values (RFC 4180), for spreadsheets.
//!
//! Durations are seconds, rates fractions, times RFC 3339 in UTC. A text that a spreadsheet would take for a formula is given an
//! apostrophe in front. Limits: one table a text; what was not measured is an empty cell with its reason in `why`.

use std::fmt::Write;

use super::figures::{Coverage, Excluded, Figures, Row, Subject, Trend, Value};
use super::input::Input;
use super::overlay::OverlayFigure;
use super::query::Definition;
use super::{names, telling};
use crate::domain::run::DefinitionKind;

const FIGURES: &str = "metric,title,definition,hours,from,to,kind,value,unit,low,high,p85,p95,k,n,sample,previous,trend,coverage_k,coverage_n,\
coverage_of,band,excluded,why";

/// A line a tile, then one a phase, each with what went on in it below, under a line of names.
pub fn figures(figures: &Figures) -> String {
    let mut out = format!("{FIGURES}\r\n");
    for tile in &figures.tiles {
        let mut why: Vec<String> = unmeasured(&tile.value).into_iter().collect();
        why.extend(telling::lacks(tile).iter().map(|lack| format!("without {}: {}", lack.what_of(), lack.words)));
        let told = Told {
            names: (tile.metric.name().to_owned(), tile.metric.title().to_owned()),
            definition: tile.definition,
            value: &tile.value,
            sample: tile.n,
            previous: tile.previous.as_ref().and_then(telling::scalar),
            trend: Some(tile.trend),
            coverage: tile.coverage.clone(),
            band: tile.band.as_ref().map_or(String::new(), |band| format!("{} ({} cluster)", band.name, band.year)),
            excluded: &tile.excluded,
            why: why.join("; "),
        };
        line(&mut out, &cells(figures, told));
    }
    for figure in &figures.phases {
        let name = format!("phase_{}", figure.phase.words().replace(' ', "_"));
        let bare = |names, value, sample| Told {
            names,
            definition: figures.definition,
            value,
            sample,
            previous: None,
            trend: None,
            coverage: None,
            band: String::new(),
            excluded: &[],
            why: unmeasured(value).unwrap_or_default(),
        };
        let told = Told {
            excluded: &figure.excluded,
            ..bare((name.clone(), format!("Phase: {}", figure.phase.words())), &figure.value, figure.n)
        };
        line(&mut out, &cells(figures, told));
        if let Some(OverlayFigure { overlay, value, known, of }) = &figure.overlay {
            let names =
                (format!("{name}_{}", overlay.words().to_lowercase()), format!("{} during {}", overlay.words(), figure.phase.words()));
            let coverage = Coverage { k: *known, n: *of, of: format!("pull requests with {} known", overlay.words()) };
            line(&mut out, &cells(figures, Told { coverage: Some(coverage), ..bare(names, value, *known) }));
        }
    }
    out
}

/// What a line says.
struct Told<'a> {
    /// For machines, and for people.
    names: (String, String),
    definition: Definition,
    value: &'a Value,
    sample: u64,
    previous: Option<f64>,
    trend: Option<Trend>,
    coverage: Option<Coverage>,
    band: String,
    excluded: &'a [Excluded],
    why: String,
}

fn unmeasured(value: &Value) -> Option<String> {
    if telling::is_measured(value) { None } else { telling::detail(value) }
}

fn cells(figures: &Figures, told: Told<'_>) -> Vec<String> {
    let Spread { kind, unit, low, high, p85, p95, k, n } = spread(told.value);
    let number = |value: Option<f64>| value.map_or(String::new(), |value| value.to_string());
    let count = |value: Option<u64>| value.map_or(String::new(), |value| value.to_string());
    let coverage = told.coverage.as_ref();
    vec![
        told.names.0,
        told.names.1,
        told.definition.name().to_owned(),
        match figures.hours {
            super::query::Hours::Calendar => "calendar",
            super::query::Hours::Working => "working",
        }
        .to_owned(),
        figures.window.from.to_string(),
        figures.window.to.to_string(),
        kind.to_owned(),
        match told.value {
            Value::Few { seconds } => seconds.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
            value => number(telling::scalar(value)),
        },
        unit.to_owned(),
        number(low),
        number(high),
        number(p85),
        number(p95),
        count(k),
        count(n),
        told.sample.to_string(),
        number(told.previous),
        match told.trend {
            Some(Trend::Up) => "up",
            Some(Trend::Down) => "down",
            Some(Trend::NoClearChange) => "no_clear_change",
            Some(Trend::TooFew) => "too_few",
            Some(Trend::NotCollected) => "not_collected",
            None => "",
        }
        .to_owned(),
        count(coverage.map(|coverage| coverage.k)),
        count(coverage.map(|coverage| coverage.n)),
        coverage.map_or(String::new(), |coverage| coverage.of.clone()),
        told.band,
        telling::excluded(told.excluded).unwrap_or_default(),
        told.why,
    ]
}

#[derive(Default)]
struct Spread {
    kind: &'static str,
    unit: &'static str,
    low: Option<f64>,
    high: Option<f64>,
    p85: Option<f64>,
    p95: Option<f64>,
    k: Option<u64>,
    n: Option<u64>,
}

fn spread(value: &Value) -> Spread {
    let bare = |kind, unit| Spread { kind, unit, ..Spread::default() };
    match value {
        Value::NotMeasured { .. } => bare("not_measured", ""),
        Value::NoProduction => bare("no_production", ""),
        Value::Backfilling { .. } => bare("backfilling", ""),
        Value::Few { .. } => bare("few", "s"),
        Value::Times { low, high, p85, p95, .. } => {
            Spread { low: Some(*low), high: Some(*high), p85: *p85, p95: *p95, ..bare("times", "s") }
        }
        Value::Censored { .. } => bare("censored", "s"),
        Value::AtLeast { .. } => bare("at_least", "s"),
        Value::Rate { k, n, low, high } => {
            Spread { low: Some(*low), high: Some(*high), k: Some(*k), n: Some(*n), ..bare("rate", "fraction") }
        }
        Value::Frequency { count, .. } => Spread { k: Some(*count), ..bare("frequency", "1/d") },
        Value::Count { .. } => bare("count", "1"),
    }
}

/// The rows behind a number and those left out, a line each, under a line of names.
pub fn rows(rows: &[Row], input: &Input) -> String {
    let mut out = "subject,project,name,id,at,seconds,counts,hit,reason,words\r\n".to_owned();
    for row in rows {
        let (kind, id) = match &row.subject {
            Subject::PullRequest { number, .. } => ("pull_request", number.to_string()),
            Subject::Deployment { kind: DefinitionKind::Pipeline, run, .. } => ("run", run.to_string()),
            Subject::Deployment { kind: DefinitionKind::Release, run, .. } => ("release", run.to_string()),
            Subject::Commit { sha, .. } => ("commit", sha.as_str().to_owned()),
            Subject::WorkItem { number, .. } => ("work_item", number.to_string()),
        };
        let cells = [
            kind.to_owned(),
            names::project_of(&row.subject, input).unwrap_or_default().to_owned(),
            names::holder_of(&row.subject, input).unwrap_or_default().to_owned(),
            id,
            row.at.to_string(),
            row.seconds.map_or(String::new(), |seconds| seconds.to_string()),
            if row.excluded.is_none() { "yes" } else { "no" }.to_owned(),
            if row.hit { "yes" } else { "no" }.to_owned(),
            row.excluded.map_or(String::new(), |reason| reason.words().to_owned()),
            row.words.clone(),
        ];
        line(&mut out, &cells);
    }
    out
}

fn line(out: &mut String, cells: &[String]) {
    for (at, cell) in cells.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        out.push_str(&quoted(cell));
    }
    out.push_str("\r\n");
}

/// A cell that no spreadsheet takes for anything but a value.
fn quoted(text: &str) -> String {
    let is_number = text.parse::<f64>().is_ok();
    let looks_active = text.starts_with(['=', '+', '-', '@', '\t', '\r']) && !is_number;
    let text = if looks_active { format!("'{text}") } else { text.to_owned() };
    if !text.contains([',', '"', '\n', '\r']) {
        return text;
    }
    let mut out = String::with_capacity(text.len() + 2);
    let _ = write!(out, "\"{}\"", text.replace('"', "\"\""));
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::{ProjectId, RepositoryId};
    use crate::metrics::figures::{Metric, Phase, PhaseFigure, Reason};
    use crate::metrics::fixture;
    use crate::metrics::input::MeasuredProject;
    use crate::metrics::overlay::Overlay;

    #[test]
    fn every_line_has_a_cell_for_every_name() {
        let values = [
            Value::NotMeasured { why: "no pipelines, none at all".to_owned() },
            Value::Few { seconds: vec![1.0, 2.5] },
            Value::Rate { k: 1, n: 4, low: 0.1, high: 0.7 },
        ];
        let made = fixture::figures(values.into_iter().map(|value| fixture::tile(Metric::LeadTime, value)).collect());
        let text = figures(&made);
        let lines: Vec<&str> = text.split_terminator("\r\n").collect();
        assert_eq!(lines.len(), 4);
        let names = FIGURES.split(',').count();
        for line in &lines[2..] {
            assert_eq!(line.split(',').count(), names, "{line}");
        }
        assert!(lines[1].ends_with("7 not in production yet,\"no pipelines, none at all\""), "{}", lines[1]);
        assert!(lines[2].contains(",few,1 2.5,s,"), "{}", lines[2]);
        assert!(lines[3].contains(",rate,0.25,fraction,0.1,0.7,,,1,4,41,"), "{}", lines[3]);
    }

    #[test]
    fn phases_come_after_the_tiles_each_with_what_went_on_in_it() {
        let mut made = fixture::figures(Vec::new());
        let times = |median| Value::Times { median, low: 1.0, high: 9.0, p85: None, p95: None };
        let excluded = vec![Excluded { reason: Reason::NoReview, count: 2 }];
        let overlay = OverlayFigure { overlay: Overlay::Ci, value: times(3.0), known: 5, of: 8 };
        made.phases = vec![PhaseFigure { phase: Phase::MergeWait, value: times(6.0), n: 8, excluded, overlay: Some(overlay) }];
        let text = figures(&made);
        let lines: Vec<&str> = text.split_terminator("\r\n").collect();
        assert_eq!(lines.len(), 3);
        assert!(lines[1].starts_with("phase_merge_wait,Phase: merge wait,ours,"), "{}", lines[1]);
        assert!(lines[1].contains(",times,6,s,1,9,,,,,8,") && lines[1].ends_with(",2 no review before the merge,"), "{}", lines[1]);
        assert!(lines[2].starts_with("phase_merge_wait_ci,CI during merge wait,"), "{}", lines[2]);
        assert!(lines[2].contains(",times,3,s,1,9,,,,,5,,,5,8,pull requests with CI known,"), "{}", lines[2]);
        let names = FIGURES.split(',').count();
        assert!(lines.iter().all(|line| line.split(',').count() == names), "{text}");
    }

    #[test]
    fn a_text_from_outside_is_never_a_formula() {
        let input = Input {
            projects: vec![MeasuredProject {
                id: ProjectId(1),
                name: "=cmd|' /C calc'!A0".to_owned(),
                collection: Default::default(),
                incident_source: Default::default(),
                approvals: Default::default(),
            }],
            repositories: vec![(RepositoryId(2), ProjectId(1), "a,\"b\"".to_owned(), None)],
            ..Input::default()
        };
        let row = Row {
            subject: Subject::PullRequest { repository: RepositoryId(2), number: 7 },
            at: jiff::Timestamp::UNIX_EPOCH,
            seconds: Some(-3.0),
            words: "@SUM(A1)".to_owned(),
            excluded: Some(Reason::Invalid),
            hit: false,
        };
        let text = rows(&[row], &input);
        let line = text.lines().nth(1).unwrap();
        assert_eq!(
            line,
            "pull_request,'=cmd|' /C calc'!A0,\"a,\"\"b\"\"\",7,1970-01-01T00:00:00Z,-3,no,no,times contradict each other,'@SUM(A1)"
        );
    }
}
