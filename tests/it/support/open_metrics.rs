//! A strict reader of the OpenMetrics text format, as far as a receiver uses it: what it can't account for, it refuses.
//!
//! Limits: gauges, counters and histograms; neither timestamps nor exemplars.

use std::collections::BTreeMap;

/// Name and labels of a series.
pub type Series = (String, BTreeMap<String, String>);

/// What a text says.
#[derive(Debug, Default)]
pub struct Exposition {
    /// By name: the type and the help.
    pub families: BTreeMap<String, (String, String)>,
    pub series: BTreeMap<Series, f64>,
}

impl Exposition {
    /// Reads a whole text, or says which line is wrong and why.
    pub fn read(text: &str) -> Result<Self, String> {
        let body = text.strip_suffix("# EOF\n").ok_or("it does not end with # EOF")?;
        let mut found = Self::default();
        let mut family: Option<(String, String)> = None;
        for line in body.split_terminator('\n') {
            found.line(line, &mut family).map_err(|why| format!("{why}: {line}"))?;
        }
        for name in found.families.iter().filter(|(_, (kind, _))| kind.is_empty()).map(|(name, _)| name) {
            return Err(format!("{name} has no type"));
        }
        Ok(found)
    }

    fn line(&mut self, line: &str, family: &mut Option<(String, String)>) -> Result<(), String> {
        if let Some(told) = line.strip_prefix("# ") {
            let mut parts = told.splitn(3, ' ');
            let (Some(word), Some(name), Some(rest)) = (parts.next(), parts.next(), parts.next()) else {
                return Err("not a whole description".to_owned());
            };
            return self.description(word, name, rest, family);
        }
        let (name, kind) = family.as_ref().ok_or("a sample before its family")?;
        let (series, value) = sample(line)?;
        let suffixes: &[&str] = match kind.as_str() {
            "gauge" => &[""],
            "counter" => &["_total"],
            "histogram" => &["_bucket", "_sum", "_count"],
            other => return Err(format!("samples of type {other:?}")),
        };
        if !suffixes.iter().any(|suffix| series.0 == format!("{name}{suffix}")) {
            return Err(format!("no sample of the {kind} {name} above it"));
        }
        if value.is_nan() {
            return Err("it is no number".to_owned());
        }
        if self.series.insert(series, value).is_some() {
            return Err("the series stands there twice".to_owned());
        }
        Ok(())
    }

    /// Help, then type, then unit, once a family.
    fn description(&mut self, word: &str, name: &str, rest: &str, family: &mut Option<(String, String)>) -> Result<(), String> {
        if !is_name(name) {
            return Err(format!("{name:?} is no name"));
        }
        let current = family.as_ref().is_some_and(|(known, _)| known == name);
        match word {
            "HELP" => {
                if self.families.insert(name.to_owned(), (String::new(), rest.to_owned())).is_some() {
                    return Err("the family stands there twice".to_owned());
                }
                *family = Some((name.to_owned(), String::new()));
            }
            "TYPE" if current => {
                let entry = self.families.get_mut(name).filter(|entry| entry.0.is_empty()).ok_or("a second type")?;
                rest.clone_into(&mut entry.0);
                *family = Some((name.to_owned(), rest.to_owned()));
            }
            "UNIT" if current => {
                if !name.ends_with(&format!("_{rest}")) {
                    return Err(format!("the unit {rest} is no part of the name"));
                }
            }
            _ => return Err("out of place".to_owned()),
        }
        Ok(())
    }

    /// The value of a series by its labels, in any order.
    pub fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        self.series.get(&(name.to_owned(), labels)).copied()
    }

    /// The series of a name.
    pub fn of<'a>(&'a self, name: &'a str) -> impl Iterator<Item = (&'a BTreeMap<String, String>, f64)> {
        self.series.iter().filter(move |((known, _), _)| known == name).map(|((_, labels), value)| (labels, *value))
    }
}

/// `name{label="value",...} number`
fn sample(line: &str) -> Result<(Series, f64), String> {
    let end = line.find(['{', ' ']).ok_or("no value")?;
    let (name, mut rest) = line.split_at(end);
    if !is_name(name) {
        return Err(format!("{name:?} is no name"));
    }
    let mut labels = BTreeMap::new();
    if let Some(mut inside) = rest.strip_prefix('{') {
        loop {
            let (label, after) = inside.split_once("=\"").ok_or("a label without a value")?;
            if !is_name(label) || label.contains(':') {
                return Err(format!("{label:?} is no label"));
            }
            let (value, after) = quoted(after)?;
            if labels.insert(label.to_owned(), value).is_some() {
                return Err(format!("{label} stands there twice"));
            }
            if let Some(after) = after.strip_prefix('}') {
                rest = after;
                break;
            }
            inside = after.strip_prefix(',').ok_or("no comma between labels")?;
        }
    }
    let number = rest.strip_prefix(' ').ok_or("no space before the value")?;
    let value = number.parse().map_err(|_| format!("{number:?} is no number"))?;
    Ok(((name.to_owned(), labels), value))
}

/// The text up to the closing quote, with what was escaped, and what follows.
fn quoted(text: &str) -> Result<(String, &str), String> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Ok((value, &text[at + 1..])),
            '\\' => value.push(match characters.next() {
                Some((_, '\\')) => '\\',
                Some((_, '"')) => '"',
                Some((_, 'n')) => '\n',
                other => return Err(format!("{other:?} needs no escape")),
            }),
            other => value.push(other),
        }
    }
    Err("a label without an end".to_owned())
}

fn is_name(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_' || first == ':')
        && text.chars().all(|character| character.is_ascii_alphanumeric() || matches!(character, '_' | ':'))
}
