//! Figures as a table of 80 columns: value, change, n, and under each what else belongs to it.

use std::collections::BTreeSet;

use super::ask::Answer;
use crate::cli::frame::fit;
use crate::metrics::breaks::pieces;
use crate::metrics::figures::{Figures, Phase, Tile};
use crate::metrics::left_alone::LOOKED_AT;
use crate::metrics::query::{Definition, Hours};
use crate::metrics::telling::{self, PRODUCTION};
use crate::notice::inert;

const NAME: usize = 31;
const VALUE: usize = 21;
const CHANGE: usize = 20;
const N: usize = 5;
/// Words under a figure are broken at the 80th column.
const WIDTH: usize = 80;

pub fn lines(answer: &Answer) -> Vec<String> {
    let figures = &answer.figures;
    let mut lines = wrapped("", &heading(answer));
    lines.push(String::new());
    lines.push(row(["", "value", "change", "n"]));
    // What counts as production, and what of it is known, is the same for all that rest on it: it is told once.
    let is_of_all = |note: &str| note.starts_with(PRODUCTION) || note.starts_with(LOOKED_AT);
    let mut told: BTreeSet<&str> = BTreeSet::new();
    for tile in &figures.tiles {
        let mut notes: Vec<&str> = Vec::new();
        for note in &tile.notes {
            if !is_of_all(note) || told.insert(note) {
                notes.push(note);
            }
        }
        lines.extend(tile_lines(tile, figures, &notes));
    }
    lines.extend(phase_lines(figures));
    if let Some(linked) = linkage(figures) {
        lines.push(String::new());
        lines.extend(linked);
    }
    lines
}

fn heading(answer: &Answer) -> String {
    let figures = &answer.figures;
    let names: Vec<String> = answer.input.projects.iter().map(|project| inert(&project.name)).collect();
    let mut parts = vec![names.join(", "), answer.window()];
    parts.extend(answer.narrowed.iter().map(|words| inert(words)));
    parts.push(format!("definition {}", figures.definition.name()));
    if figures.hours == Hours::Working {
        parts.push("working hours".to_owned());
    }
    parts.push(match figures.as_of {
        Some(at) => format!("data as of {} ago", crate::domain::board::age_step(at, answer.now)).replace("now ago", "now"),
        None => "not collected in full yet".to_owned(),
    });
    parts.join("; ")
}

fn row([name, value, change, n]: [&str; 4]) -> String {
    format!("{} {} {} {n:>N$}", fit(name, NAME), fit(value, VALUE), fit(change, CHANGE)).trim_end().to_owned()
}

/// A value or a change that is longer than its column is never cut: it stands under the row, and the columns stay.
fn rows(name: &str, value: &str, change: &str, n: u64) -> Vec<String> {
    let n = telling::grouped(n);
    let within = |words, width| unicode_width::UnicodeWidthStr::width(words) <= width;
    let (value_in, value_under) = if within(value, VALUE) { (value, "") } else { ("", value) };
    let (change_in, change_under) = if within(change, CHANGE) { (change, "") } else { ("", change) };
    let mut lines = vec![row([name, value_in, change_in, &n])];
    lines.extend(wrapped("  ", value_under));
    lines.extend(wrapped("  ", change_under));
    lines
}

fn tile_lines(tile: &Tile, figures: &Figures, notes: &[&str]) -> Vec<String> {
    let headline = telling::headline_of(tile.metric, &tile.value);
    let mut lines = rows(tile.metric.title(), &headline, &telling::change(tile), tile.n);
    let mut under = |words: String| lines.extend(wrapped("  ", &words));
    if let Some(detail) = telling::detail(&tile.value) {
        under(detail);
    }
    if let Some(coverage) = &tile.coverage {
        under(format!("{} of {} {}", telling::grouped(coverage.k), telling::grouped(coverage.n), coverage.of));
    }
    if let Some(words) = telling::excluded(&tile.excluded) {
        under(format!("left out: {words}"));
    }
    if let Some(band) = &tile.band {
        under(format!("in the {} cluster of {}", band.name, band.year));
    }
    if tile.definition != figures.definition || tile.definition != Definition::Ours {
        under(format!("definition {}", tile.definition.name()));
    }
    for note in notes {
        under((*note).to_owned());
    }
    for lack in telling::lacks(tile) {
        under(format!("without {}: {}", lack.what_of(), lack.words));
    }
    lines
}

fn phase_lines(figures: &Figures) -> Vec<String> {
    if !figures.phases.iter().any(|phase| telling::is_measured(&phase.value)) {
        return Vec::new();
    }
    let mut lines = vec![String::new(), "Phases of a pull request, medians".to_owned()];
    for figure in &figures.phases {
        let aside = match figure.phase {
            phase if phase.is_in_cycle_time() => "",
            Phase::DeployWait => "after cycle time",
            _ => "before cycle time",
        };
        lines.extend(rows(&format!("  {}", figure.phase.words()), &telling::headline(&figure.value), aside, figure.n));
        let of_which = telling::of_which(figure).zip(figure.overlay.as_ref());
        lines
            .extend(of_which.into_iter().flat_map(|(words, overlay)| wrapped("    ", &format!("{words}, {}", telling::known_of(overlay)))));
    }
    lines
}

/// How much hangs on work items and tickets, and on which most; nothing where there was no work.
pub fn linkage(figures: &Figures) -> Option<Vec<String>> {
    let linkage = &figures.linkage;
    let line = |name: &str, title: &str, hanging: u64| {
        format!("  {} {:>N$}", fit(&format!("{name} {}", inert(title)), WIDTH - 3 - N), telling::grouped(hanging))
    };
    let mut lines = wrapped("", &format!("Linked to work items: {}", telling::linkage(linkage)?));
    lines.extend(telling::linkage_without(linkage).into_iter().flat_map(|words| wrapped("  ", &words)));
    lines.extend(linkage.items.iter().take(5).map(|(number, title, hanging)| line(&format!("#{number}"), title, *hanging)));
    if let Some(words) = telling::ticketed(linkage) {
        lines.extend(wrapped("", &format!("Linked to tickets by the branch's name: {words}")));
        lines.extend(linkage.tickets.iter().take(5).map(|(key, title, hanging)| line(&key.to_string(), title, *hanging)));
    }
    Some(lines)
}

/// Words broken into lines that end before the 81st column, each behind the indent.
pub fn wrapped(indent: &str, words: &str) -> Vec<String> {
    use unicode_width::UnicodeWidthStr;
    let words = inert(words);
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in pieces(&words) {
        let full = indent.width() + line.width() + 1 + word.width() > WIDTH;
        if full && !line.is_empty() {
            lines.push(format!("{indent}{line}"));
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    if !line.is_empty() {
        lines.push(format!("{indent}{line}"));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_before_the_81st_column_and_lose_nothing() {
        let words = "merged pull requests that were deployed ".repeat(7);
        let lines = wrapped("  ", &words);
        assert!(lines.iter().all(|line| line.len() <= 80 && line.starts_with("  ")), "{lines:?}");
        let back: Vec<&str> = lines.iter().flat_map(|line| line.split_whitespace()).collect();
        assert_eq!(back, words.split_whitespace().collect::<Vec<_>>());
        assert!(wrapped("", "").is_empty());
    }

    #[test]
    fn a_value_too_wide_for_its_column_stands_whole_under_its_row() {
        let value = "22h 17m, 1d 2h, 10d 22h";
        let lines = rows("Failed deployment recovery time", value, "too few to compare", 3);
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[1], format!("  {value}"));
        assert!(lines[0].len() == 80 && lines[0].ends_with(" too few to compare       3"), "{lines:?}");
        let (fits, wide) = ("not collected before", "down from 12 % (4 of 33)");
        assert!(rows("Change fail rate", "1d", fits, 41)[0].contains(fits));
        let lines = rows("Change fail rate", "18 % (6 of 33)", wide, 33);
        assert!(!lines[0].contains("down") && lines[1..] == [format!("  {wide}")], "{lines:?}");
        assert_eq!(rows("Change lead time", "1d", "no clear change", 41), [row(["Change lead time", "1d", "no clear change", "41"])]);
    }
}
