//! One value of the file on its way to a setting: what it must be, said in words when it is not.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Why a value cannot be used, and where, as a byte range of the file.
#[derive(Debug)]
pub(super) struct Wrong {
    pub text: String,
    pub span: std::ops::Range<usize>,
}

/// A value with what is needed to understand it.
#[derive(Clone, Copy)]
pub(super) struct Value<'a, 'text> {
    pub inner: &'a Spanned<DeValue<'text>>,
    /// The folder of the file: relative paths are relative to it.
    pub folder: &'a Path,
    pub home: Option<&'a Path>,
}

impl<'a, 'text> Value<'a, 'text> {
    pub fn wrong<T>(&self, text: impl Into<String>) -> Result<T, Wrong> {
        Err(Wrong { text: text.into(), span: self.inner.span() })
    }

    fn not<T>(&self, wanted: &str) -> Result<T, Wrong> {
        let got = match self.inner.get_ref() {
            DeValue::String(_) => "a string",
            DeValue::Integer(_) => "a whole number",
            DeValue::Float(_) => "a number with a fraction",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        self.wrong(format!("{wanted} is wanted here, not {got}"))
    }

    pub fn boolean(&self) -> Result<bool, Wrong> {
        self.inner.get_ref().as_bool().map_or_else(|| self.not("true or false"), Ok)
    }

    pub fn text(&self) -> Result<&'a str, Wrong> {
        self.inner.get_ref().as_str().map_or_else(|| self.not("a string"), Ok)
    }

    /// A string that is not empty; an empty one means "not set".
    pub fn text_or_nothing(&self) -> Result<Option<&'a str>, Wrong> {
        self.text().map(|text| (!text.is_empty()).then_some(text))
    }

    pub fn number(&self, allowed: RangeInclusive<u64>) -> Result<u64, Wrong> {
        let Some(integer) = self.inner.get_ref().as_integer() else { return self.not("a whole number") };
        let digits: String = integer.as_str().chars().filter(|c| *c != '_').collect();
        match u64::from_str_radix(digits.trim_start_matches('+'), integer.radix()) {
            Ok(number) if allowed.contains(&number) => Ok(number),
            _ => self.wrong(format!("{} is not between {} and {}", integer.as_str(), allowed.start(), allowed.end())),
        }
    }

    pub fn count(&self, allowed: RangeInclusive<u64>) -> Result<usize, Wrong> {
        self.number(allowed).map(|number| usize::try_from(number).unwrap_or(usize::MAX))
    }

    pub fn one_of<T: Copy>(&self, words: &[(&'static str, T)]) -> Result<T, Wrong> {
        let text = self.text()?;
        match words.iter().find(|(word, _)| *word == text) {
            Some((_, value)) => Ok(*value),
            None => {
                let all: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
                self.wrong(format!("`{text}` is none of {}", all.join(", ")))
            }
        }
    }

    /// A path: `~/` is the home folder, relative ones are relative to the file. Empty means "not set".
    pub fn path(&self) -> Result<Option<PathBuf>, Wrong> {
        let Some(text) = self.text_or_nothing()? else { return Ok(None) };
        match (text.strip_prefix("~/"), self.home) {
            (Some(rest), Some(home)) => Ok(Some(home.join(rest))),
            (Some(_), None) => self.wrong("`~` cannot be replaced: there is no home directory"),
            (None, _) => Ok(Some(self.folder.join(text))),
        }
    }

    pub fn list(&self) -> Result<Vec<Value<'a, 'text>>, Wrong> {
        match self.inner.get_ref().as_array() {
            Some(array) => Ok(array.iter().map(|inner| Value { inner, ..*self }).collect()),
            None => self.not("a list"),
        }
    }

    pub fn table(&self) -> Result<&'a DeTable<'text>, Wrong> {
        self.inner.get_ref().as_table().map_or_else(|| self.not("a table"), Ok)
    }
}
