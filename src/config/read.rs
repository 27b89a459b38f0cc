//! From the text of the file to settings: everything wrong in it is collected, each thing with its place.

use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::catalogue::settings;
use super::error::Problem;
use super::value::Value;
use super::{Config, Origin, keys};

#[derive(Default)]
pub(super) struct Report {
    /// Values that cannot be used.
    pub problems: Vec<Problem>,
    /// Names this version does not know.
    pub unknown: Vec<Problem>,
}

/// Where things are in a text.
pub(super) struct Lines<'a>(pub &'a str);

impl Lines<'_> {
    /// Line and column of a byte offset, both from 1.
    pub fn place(&self, offset: usize) -> (usize, usize) {
        let before = self.0.get(..offset.min(self.0.len())).unwrap_or("");
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }

    pub fn problem(&self, offset: usize, text: impl Into<String>) -> Problem {
        let (line, column) = self.place(offset);
        Problem { line, column, text: text.into(), hint: None }
    }
}

/// Reads `text` into `config`. What is wrong keeps its default.
pub(super) fn read(text: &str, path: &Path, home: Option<&Path>, config: &mut Config) -> Report {
    let lines = Lines(text);
    let mut report = Report::default();
    let (root, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let offset = error.span().map_or(0, |span| span.start);
        report.problems.push(lines.problem(offset, error.message()));
    }
    // A file that is not TOML would only give problems that follow from the first.
    if !report.problems.is_empty() {
        return report;
    }
    let folder = path.parent().unwrap_or(Path::new(""));
    for (section, content) in root.get_ref() {
        let name = section.get_ref().as_ref();
        let value = Value { inner: content, folder, home };
        if name == "keys" {
            match value.table() {
                Ok(table) => config.keys = keys::read(table, &lines, &mut report.problems),
                Err(wrong) => report.problems.push(lines.problem(wrong.span.start, wrong.text)),
            }
            continue;
        }
        if !settings().iter().any(|setting| section_of(setting.path) == name) {
            report.unknown.push(unknown_section(&lines, section, content));
            continue;
        }
        match value.table() {
            Ok(table) => read_section(name, table, value, &lines, config, &mut report),
            Err(wrong) => report.problems.push(lines.problem(wrong.span.start, format!("`{name}`: {}", wrong.text))),
        }
    }
    report.problems.sort_by_key(|problem| (problem.line, problem.column));
    report.unknown.sort_by_key(|problem| (problem.line, problem.column));
    report
}

fn read_section(name: &str, table: &DeTable<'_>, section: Value<'_, '_>, lines: &Lines<'_>, config: &mut Config, report: &mut Report) {
    for (key, inner) in table {
        let path = format!("{name}.{}", key.get_ref());
        let Some(setting) = settings().iter().find(|setting| setting.path == path) else {
            let mut problem = lines.problem(key.span().start, format!("unknown setting `{path}`"));
            problem.hint = similar(&path).map(|similar| format!("did you mean `{similar}`?"));
            report.unknown.push(problem);
            continue;
        };
        match (setting.read)(config, Value { inner, ..section }) {
            Ok(()) => config.decided(setting.path, Origin::File { line: lines.place(key.span().start).0 }),
            Err(wrong) => report.problems.push(lines.problem(wrong.span.start, format!("{path}: {}", wrong.text))),
        }
    }
}

fn unknown_section(lines: &Lines<'_>, section: &Spanned<std::borrow::Cow<'_, str>>, content: &Spanned<DeValue<'_>>) -> Problem {
    let name = section.get_ref().as_ref();
    let what = if content.get_ref().is_table() { format!("unknown section [{name}]") } else { format!("unknown setting `{name}`") };
    let mut problem = lines.problem(section.span().start, what);
    problem.hint = if content.get_ref().is_table() {
        let mut sections: Vec<&str> = settings().iter().map(|setting| section_of(setting.path)).collect();
        sections.dedup();
        closest(name, sections.into_iter()).map(|similar| format!("did you mean [{similar}]?"))
    } else {
        settings()
            .iter()
            .find(|setting| setting.path.split_once('.').is_some_and(|(_, last)| last == name))
            .map(|setting| format!("`{name}` belongs under [{}]", section_of(setting.path)))
    };
    problem
}

pub(super) fn section_of(path: &str) -> &str {
    path.split_once('.').map_or(path, |(section, _)| section)
}

/// The setting whose name is nearest to a mistyped one, if one is near enough.
pub(super) fn similar(path: &str) -> Option<&'static str> {
    closest(path, settings().iter().map(|setting| setting.path))
}

fn closest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let near = name.chars().count() / 3 + 1;
    candidates.map(|candidate| (edits(name, candidate), candidate)).filter(|(edits, _)| *edits <= near).min().map(|(_, found)| found)
}

/// Levenshtein distance.
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let cost = if x == *y { diagonal } else { diagonal + 1 };
            diagonal = row[j + 1];
            row[j + 1] = cost.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}
