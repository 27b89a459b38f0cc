//! `[keys]`: which keys a person wants for which action, as written. Which actions exist, what a key is called, and which bindings are
//! in each other's way is for the screen's catalogue to say; lines are kept so that it can name them.

use toml::de::{DeTable, DeValue};

use super::error::Problem;
use super::read::Lines;

/// What the file says about one action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// As written; whether such an action exists is not known here.
    pub action: String,
    /// As written, `ctrl+s` or `g b`; none unbinds the action.
    pub keys: Vec<String>,
    /// From 1.
    pub line: usize,
}

/// The `[keys]` table, in the order of the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Keys {
    pub bindings: Vec<Binding>,
}

pub(super) fn read(table: &DeTable<'_>, lines: &Lines<'_>, problems: &mut Vec<Problem>) -> Keys {
    let mut bindings = Vec::new();
    read_into("", table, lines, &mut bindings, problems);
    bindings.sort_by_key(|binding: &Binding| binding.line);
    Keys { bindings }
}

fn read_into(prefix: &str, table: &DeTable<'_>, lines: &Lines<'_>, bindings: &mut Vec<Binding>, problems: &mut Vec<Problem>) {
    for (name, value) in table {
        let action = if prefix.is_empty() { name.get_ref().to_string() } else { format!("{prefix}.{}", name.get_ref()) };
        let line = lines.place(name.span().start).0;
        let mut keys: Vec<String> = Vec::new();
        match value.get_ref() {
            // `ticket.start = ["s"]` without quotes is a table in a table, and means the same.
            DeValue::Table(inner) => {
                read_into(&action, inner, lines, bindings, problems);
                continue;
            }
            DeValue::String(text) if text == "none" => {}
            DeValue::String(text) => keys.push(text.to_string()),
            DeValue::Array(items) => {
                for item in items.iter() {
                    match item.get_ref().as_str() {
                        Some(text) if keys.iter().any(|key| key == text) => {
                            problems.push(lines.problem(item.span().start, format!("keys of `{action}`: `{text}` stands here twice")));
                        }
                        Some(text) => keys.push(text.to_owned()),
                        None => problems.push(lines.problem(item.span().start, format!("keys of `{action}`: a string is wanted here"))),
                    }
                }
            }
            _ => {
                let text = format!("keys of `{action}`: a list of strings is wanted here, or \"none\"");
                problems.push(lines.problem(value.span().start, text));
                continue;
            }
        }
        bindings.push(Binding { action, keys, line });
    }
}
