//! Changing one setting in the file, with comments, order and spacing kept.
//!
//! The edited text is read as a whole before anything is written, so that an edit never leaves a file that cannot be loaded.

use std::io::Write;
use std::path::{Path, PathBuf};

use toml_edit::{DocumentMut, Item, Key, Table};

use super::catalogue::settings;
use super::read::similar;
use super::{Config, Error, Overrides};

/// A text after an edit, and whether it differs from before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edited {
    pub text: String,
    pub changed: bool,
}

/// The text with the setting `name` (`ui.theme`, `keys."ticket.start"`) set to `value`: TOML, or a bare word for a string.
pub fn set(text: &str, path: &Path, name: &str, value: &str) -> Result<Edited, Error> {
    let (section, key) = find(name)?;
    let parsed = parse_value(value);
    let mut document = parse(text, path)?;
    let table = document.entry(&section).or_insert_with(|| Item::Table(Table::new()));
    let Some(table) = table.as_table_like_mut() else {
        return Err(refused(name, value, format!("`{section}` is not a table in {}", path.display())));
    };
    match table.get_mut(&key).and_then(Item::as_value_mut) {
        Some(old) => {
            let decor = old.decor().clone();
            *old = parsed;
            *old.decor_mut() = decor;
        }
        None => {
            table.insert(&key, Item::Value(parsed));
        }
    }
    finish(text, document, path, name, value)
}

/// The text without the setting `name`: its default counts again.
pub fn unset(text: &str, path: &Path, name: &str) -> Result<Edited, Error> {
    let (section, key) = find(name)?;
    let mut document = parse(text, path)?;
    if let Some(table) = document.get_mut(&section).and_then(Item::as_table_like_mut) {
        table.remove(&key);
    }
    finish(text, document, path, name, "")
}

/// Writes the file as a whole or not at all. A link keeps pointing where it points.
pub fn write(path: &Path, text: &str) -> Result<(), Error> {
    let unwritable = |source| Error::Unwritable { path: path.to_owned(), source };
    let target: PathBuf = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(unwritable)?;
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    let temporary = folder.join(format!(".{name}.{}", std::process::id()));
    let written = (|| {
        let mut file = std::fs::File::create(&temporary)?;
        file.write_all(text.as_bytes())?;
        if let Ok(old) = std::fs::metadata(&target) {
            file.set_permissions(old.permissions())?;
        }
        file.sync_all()?;
        std::fs::rename(&temporary, &target)
    })();
    written.map_err(|source| {
        let _ = std::fs::remove_file(&temporary);
        unwritable(source)
    })
}

/// Section and key of a setting's name.
fn find(name: &str) -> Result<(String, String), Error> {
    let unknown = || Error::NoSuchSetting { name: name.to_owned(), similar: similar(name).map(str::to_owned) };
    let parts: Vec<String> = Key::parse(name).map_err(|_| unknown())?.iter().map(|key| key.get().to_owned()).collect();
    match parts.as_slice() {
        [section, rest @ ..] if section == "keys" && !rest.is_empty() => Ok((section.clone(), rest.join("."))),
        [section, key] if settings().iter().any(|setting| setting.path == format!("{section}.{key}")) => Ok((section.clone(), key.clone())),
        _ => Err(unknown()),
    }
}

/// TOML where it is TOML; else the text itself, so that `light` needs no quotes within the shell's own.
fn parse_value(value: &str) -> toml_edit::Value {
    match value.parse::<toml_edit::Value>() {
        Ok(parsed) => parsed,
        Err(_) => toml_edit::Value::from(value),
    }
}

fn parse(text: &str, path: &Path) -> Result<DocumentMut, Error> {
    text.parse().map_err(|error: toml_edit::TomlError| {
        let lines = super::read::Lines(text);
        let problem = lines.problem(error.span().map_or(0, |span| span.start), error.message());
        Error::Invalid { path: path.to_owned(), problems: vec![problem] }
    })
}

fn refused(name: &str, value: &str, why: String) -> Error {
    Error::Refused { name: name.to_owned(), value: value.to_owned(), why }
}

fn finish(before: &str, document: DocumentMut, path: &Path, name: &str, value: &str) -> Result<Edited, Error> {
    let text = document.to_string();
    let read = |text: &str| match Config::from_text(text, path, &Overrides { data_dir: Some(PathBuf::from("/")), ..Overrides::default() }) {
        Err(Error::Invalid { problems, .. }) => problems,
        _ => Vec::new(),
    };
    let problems = read(&text);
    // Trouble that was there before does not stand in the way of repairing it line by line.
    if problems.len() > read(before).len()
        && let Some(problem) = problems.into_iter().find(|problem| problem.text.contains(name.split('.').next_back().unwrap_or(name)))
    {
        let why = problem.text.split_once(": ").map_or(problem.text.clone(), |(_, why)| why.to_owned());
        return Err(refused(name, value, why));
    }
    Ok(Edited { changed: text != before, text })
}
