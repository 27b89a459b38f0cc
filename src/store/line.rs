//! Rows that figures read by the hundred thousand, as one line of text each: the database hands out all lines of a project as one
//! value, which is many times faster than a row at a time.
//!
//! Fields are apart by [`FIELD`], lines by a newline. Times are milliseconds. What is absent is empty.
//! Limits: a text in a line has lost its control characters; a line that is written here is short enough for an index of PostgreSQL.

use std::fmt::Write as _;

use jiff::Timestamp;

use super::column::Word;
use super::error::{Error, Result};

pub(super) const FIELD: char = '\u{1f}';

/// The longest text in a line, in bytes: the rest of a longer one is left out.
const LONGEST: usize = 400;

/// A line being written.
#[derive(Default)]
pub(super) struct Line(String);

impl Line {
    pub fn new() -> Self {
        Self(String::with_capacity(200))
    }

    fn field(&mut self) {
        if !self.0.is_empty() {
            self.0.push(FIELD);
        }
    }

    pub fn int(mut self, number: i64) -> Self {
        self.field();
        let _ = write!(self.0, "{number}");
        self
    }

    pub fn maybe_int(mut self, number: Option<i64>) -> Self {
        match number {
            Some(number) => self.int(number),
            None => {
                self.field();
                self
            }
        }
    }

    pub fn at(self, at: Option<Timestamp>) -> Self {
        self.maybe_int(at.map(Timestamp::as_millisecond))
    }

    pub fn text(mut self, text: &str) -> Self {
        self.field();
        let end = self.0.len() + LONGEST;
        for c in text.chars().filter(|c| !c.is_control()) {
            if self.0.len() + c.len_utf8() > end {
                break;
            }
            self.0.push(c);
        }
        self
    }

    /// Numbers, apart by commas.
    pub fn list(mut self, numbers: &[i64]) -> Self {
        self.field();
        for (index, number) in numbers.iter().enumerate() {
            let _ = if index == 0 { write!(self.0, "{number}") } else { write!(self.0, ",{number}") };
        }
        self
    }

    pub fn word<T: Word>(self, word: Option<T>) -> Self {
        self.text(word.map_or("", Word::to_word))
    }

    pub fn finish(self) -> String {
        self.0
    }
}

/// A line being read.
pub(super) struct Fields<'a> {
    line: &'a str,
    rest: std::str::Split<'a, char>,
}

impl<'a> Fields<'a> {
    pub fn of(line: &'a str) -> Self {
        Self { line, rest: line.split(FIELD) }
    }

    fn bad(&self) -> Error {
        Error::unreadable(format!("a line: {}", self.line.chars().take(60).collect::<String>().replace(FIELD, " ")))
    }

    pub fn text(&mut self) -> Result<&'a str> {
        self.rest.next().ok_or_else(|| self.bad())
    }

    /// Absent where it is empty.
    pub fn maybe_text(&mut self) -> Result<Option<&'a str>> {
        self.text().map(|text| Some(text).filter(|text| !text.is_empty()))
    }

    pub fn maybe_int(&mut self) -> Result<Option<i64>> {
        let text = self.text()?;
        if text.is_empty() {
            return Ok(None);
        }
        text.parse().map(Some).map_err(|_| self.bad())
    }

    pub fn int(&mut self) -> Result<i64> {
        self.maybe_int()?.ok_or_else(|| self.bad())
    }

    pub fn count(&mut self) -> Result<u32> {
        u32::try_from(self.int()?).map_err(|_| self.bad())
    }

    /// Numbers, apart by commas.
    pub fn list(&mut self) -> Result<Vec<i64>> {
        let text = self.text()?;
        text.split(',').filter(|number| !number.is_empty()).map(|number| number.parse().map_err(|_| self.bad())).collect()
    }

    pub fn maybe_at(&mut self) -> Result<Option<Timestamp>> {
        self.maybe_int()?.map(|number| Timestamp::from_millisecond(number).map_err(|_| self.bad())).transpose()
    }

    pub fn at(&mut self) -> Result<Timestamp> {
        self.maybe_at()?.ok_or_else(|| self.bad())
    }

    pub fn maybe_word<T: Word>(&mut self) -> Result<Option<T>> {
        let text = self.text()?;
        if text.is_empty() {
            return Ok(None);
        }
        T::from_word(text).map(Some).ok_or_else(|| self.bad())
    }

    pub fn word<T: Word>(&mut self) -> Result<T> {
        self.maybe_word()?.ok_or_else(|| self.bad())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::run::RunResult;

    #[test]
    fn a_line_is_read_as_it_was_written() {
        let at = Timestamp::from_millisecond(1_800_000_000_123).unwrap();
        let line = Line::new().int(-7).maybe_int(None).at(Some(at)).at(None).text("a\nb\u{1f}c d").word(Some(RunResult::Failed)).finish();
        let mut fields = Fields::of(&line);
        assert_eq!((fields.int().unwrap(), fields.maybe_int().unwrap()), (-7, None));
        assert_eq!((fields.at().unwrap(), fields.maybe_at().unwrap()), (at, None));
        assert_eq!(fields.text().unwrap(), "abc d", "no text ends a field or a line");
        assert_eq!(fields.word::<RunResult>().unwrap(), RunResult::Failed);
        assert!(fields.text().is_err());
    }

    #[test]
    fn what_is_no_line_is_refused_with_its_beginning() {
        let error = Fields::of("x1").int().unwrap_err();
        assert!(error.to_string().contains("x1"), "{error}");
        assert!(Fields::of("").int().is_err());
        assert!(Fields::of("moon").word::<RunResult>().is_err());
    }
}
