//! Holds `tests/README.md`, the list of what webhooks and figures must stand and of the rules of figures: every case is there once, and
//! what shows it exists.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn sources(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The names of all functions that are tests, by reading the sources.
fn tests() -> BTreeSet<String> {
    let mut files = Vec::new();
    for folder in ["src", "tests"] {
        sources(&root().join(folder), &mut files);
    }
    let mut names = BTreeSet::new();
    for file in files {
        names.extend(tests_of(&fs::read_to_string(file).unwrap()));
    }
    names
}

fn tests_of(source: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut is_test = false;
    for line in source.lines().map(str::trim_start) {
        if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
            is_test = true;
        } else if is_test && !line.starts_with("#[") && !line.starts_with("//") {
            let name =
                line.trim_start_matches("pub ").trim_start_matches("async ").strip_prefix("fn ").and_then(|rest| rest.split('(').next());
            names.extend(name.map(str::to_owned));
            is_test = false;
        }
    }
    // Stories that a macro tells on both engines.
    for told in source.split("on_both!(").skip(1) {
        let names_told = told.split(')').next().unwrap_or_default();
        names.extend(names_told.split(',').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty() && !name.contains(' ')));
    }
    names
}

struct Row {
    /// What shows it: tests by their names, or commands.
    shown_by: Vec<String>,
}

/// The rows of the table: `| number | case | answer | shown by |`.
fn rows(text: &str) -> BTreeMap<u32, Row> {
    let mut rows = BTreeMap::new();
    for line in text.lines().filter(|line| line.starts_with("| ")) {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let Some(number) = cells.first().and_then(|cell| cell.parse::<u32>().ok()) else { continue };
        assert_eq!(cells.len(), 4, "four cells: {line}");
        assert!(cells[1].len() > 10 && cells[2].len() >= 3, "the case and its answer in words: {line}");
        let shown_by: Vec<String> = cells[3].split('`').skip(1).step_by(2).map(str::to_owned).collect();
        assert!(!shown_by.is_empty(), "nothing shows {line}");
        assert!(rows.insert(number, Row { shown_by }).is_none(), "{number} stands there twice");
    }
    rows
}

#[test]
fn every_case_of_the_list_is_there_once_and_what_shows_it_exists() {
    let text = fs::read_to_string(root().join("tests/README.md")).unwrap();
    let rows = rows(&text);
    assert_eq!(rows.keys().copied().collect::<Vec<_>>(), (1..=144).collect::<Vec<_>>());
    let tests = tests();
    assert!(tests.len() > 500, "the tests were found: {}", tests.len());
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let mut missing = Vec::new();
    for (number, row) in &rows {
        for shown_by in &row.shown_by {
            let is_there = match shown_by.strip_prefix("cargo bench --bench ") {
                // A script: the benchmark and the part of it that is named.
                Some(words) => {
                    let mut words = words.split_whitespace();
                    let bench = words.next().unwrap_or_default();
                    let part = words.find(|word| *word != "--").unwrap_or_default();
                    let main = fs::read_to_string(root().join(format!("benches/{bench}/main.rs"))).unwrap_or_default();
                    manifest.contains(&format!("name = \"{bench}\"")) && !part.is_empty() && main.contains(&format!("\"{part}\""))
                }
                None => tests.contains(shown_by),
            };
            if !is_there {
                missing.push(format!("{number}: {shown_by}"));
            }
        }
    }
    assert!(missing.is_empty(), "named in tests/README.md and not there:\n{}", missing.join("\n"));
}

#[test]
fn the_reader_of_tests_and_rows_sees_what_is_there_and_nothing_else() {
    let source = "#[test]\nfn one_is_seen() {}\nfn two() {}\n#[tokio::test(start_paused = true)]\n// why\n#[cfg(unix)]\n    async fn three_is_seen() {}\nasync fn four_is_told() {}\non_both!(four_is_told);\n";
    assert_eq!(tests_of(source), ["one_is_seen", "three_is_seen", "four_is_told"]);
    let rows = rows("| no | case | answer | shown by |\n|---|---|---|---|\n| 7 | another method than POST | 405 | `a_test`, `b_test` |\n");
    assert_eq!(rows[&7].shown_by, ["a_test", "b_test"]);
}
