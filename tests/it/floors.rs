//! Holds the table of floors in the crate's documentation: what a module may import.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// `(module, what it may import of ours)`. A module may always import itself.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("clock", &[]),
    ("notice", &[]),
    ("memory", &[]),
    ("domain", &[]),
    ("metrics", &["domain"]),
    ("config", &["domain", "metrics", "notice"]),
    ("ado", &["domain", "metrics", "notice", "clock"]),
    ("store", &["domain", "metrics", "notice", "clock"]),
    ("secret", &["notice"]),
    ("sync", &["domain", "metrics", "notice", "clock", "ado", "store"]),
    ("action", &["domain", "metrics", "notice", "clock", "config", "ado", "store", "secret", "sync"]),
    ("tasks", &["domain", "notice", "clock", "action"]),
    ("services", &["domain", "clock", "config", "secret", "store", "action", "tasks"]),
    ("engine", &["domain", "metrics", "notice", "clock", "config", "ado", "store", "sync", "action", "services", "tasks", "memory"]),
    ("hook", &["domain", "metrics", "notice", "clock", "config", "ado", "store", "sync", "services"]),
    ("sim", &[]),
];

/// The files of `tui` that may touch the outside; every other one is pure.
const TUI_IMPURE: &[&str] = &["runtime", "run", "terminal", "input", "mod.rs"];
const TUI_PURE_MAY_IMPORT: &[&str] = &["domain", "metrics", "config", "notice", "clock"];

fn sources(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

/// The modules of ours that a source names by `crate::name`, outside its tests and comments.
fn imports(source: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let code: Vec<&str> = source.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    let code = code.join("\n");
    let code = code.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        if let Some(group) = rest.strip_prefix('{') {
            let mut depth = 0;
            let mut name = String::new();
            for c in group.chars() {
                match c {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    ',' if depth == 0 => found.extend(first_segment(&std::mem::take(&mut name))),
                    c if depth == 0 => name.push(c),
                    _ => {}
                }
            }
            found.extend(first_segment(&name));
        } else {
            found.extend(first_segment(rest));
        }
    }
    found
}

fn first_segment(path: &str) -> Option<String> {
    let name: String = path.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    (!name.is_empty()).then_some(name)
}

#[test]
fn every_module_imports_only_what_its_floor_allows() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    assert!(files.len() > 60, "the sources were found");
    let mut wrong = Vec::new();
    for file in files {
        let relative = file.strip_prefix(&root).unwrap();
        let parts: Vec<String> = relative.iter().map(|p| p.to_string_lossy().trim_end_matches(".rs").to_owned()).collect();
        // Test modules may set a scene with anything.
        if parts.iter().any(|p| p == "tests") {
            continue;
        }
        let module = parts[0].as_str();
        let allowed: &[&str] = match module {
            "lib" | "main" | "cli" => {
                let source = fs::read_to_string(&file).unwrap();
                let is_sim_user = parts.iter().any(|p| p == "demo" || p == "sim");
                if module == "cli" && !is_sim_user && imports(&source).contains("sim") {
                    wrong.push(format!("{} imports sim", relative.display()));
                }
                continue;
            }
            "tui" if parts.get(1).is_some_and(|p| !TUI_IMPURE.contains(&p.as_str()) && p != "mod") => TUI_PURE_MAY_IMPORT,
            "tui" => continue,
            module => MAY_IMPORT.iter().find(|(name, _)| *name == module).unwrap_or_else(|| panic!("module {module} has no floor")).1,
        };
        for import in imports(&fs::read_to_string(&file).unwrap()) {
            if import != module && !allowed.contains(&import.as_str()) {
                wrong.push(format!("{} imports {import}", relative.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "imports that point up or sideways:\n{}", wrong.join("\n"));
}

#[test]
fn the_reader_of_imports_sees_groups_and_paths() {
    let source = "use crate::{ado, store::{Store, X}};\nuse crate::domain::id;\n// crate::sim\nfn f() { crate::tui::x() }";
    let found: Vec<_> = imports(source).into_iter().collect();
    assert_eq!(found, ["ado", "domain", "store", "tui"]);
}
