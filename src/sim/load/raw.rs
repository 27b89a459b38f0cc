//! A JSON value that knows where in which file it stands, so that a wrong one is named.
//!
//! Limits: reading only; absent, null and the service's sentinel dates all count as absent.

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::Value;
use uuid::Uuid;

use super::LoadError;
use crate::sim::world::Extra;

#[derive(Debug, Clone)]
pub(super) struct Raw<'a> {
    file: &'static str,
    at: String,
    pub value: &'a Value,
}

impl<'a> Raw<'a> {
    pub fn root(file: &'static str, value: &'a Value) -> Raw<'a> {
        Raw { file, at: String::new(), value }
    }

    pub fn wrong(&self, reason: &str) -> LoadError {
        LoadError::Shape { file: self.file, at: self.at.clone(), reason: reason.to_owned() }
    }

    /// The list itself, or the one in `{count, value}`.
    fn list(&self) -> Option<&'a Vec<Value>> {
        match self.value {
            Value::Array(rows) => Some(rows),
            Value::Object(object) => object.get("value")?.as_array(),
            _ => None,
        }
    }

    pub fn is_list(&self) -> bool {
        self.list().is_some()
    }

    pub fn rows(&self) -> Result<Vec<Raw<'a>>, LoadError> {
        let rows = self.list().ok_or_else(|| self.wrong("is not an array"))?;
        Ok(rows.iter().enumerate().map(|(index, value)| Raw { file: self.file, at: format!("{}[{index}]", self.at), value }).collect())
    }

    pub fn fields(&self) -> Result<Vec<(&'a str, Raw<'a>)>, LoadError> {
        let object = self.value.as_object().ok_or_else(|| self.wrong("is not an object"))?;
        Ok(object.iter().map(|(name, value)| (name.as_str(), self.below(name, value))).collect())
    }

    pub fn field(&self, name: &str) -> Option<Raw<'a>> {
        let value = self.value.get(name).filter(|value| !value.is_null())?;
        Some(self.below(name, value))
    }

    fn below(&self, name: &str, value: &'a Value) -> Raw<'a> {
        Raw { file: self.file, at: format!("{}.{name}", self.at), value }
    }

    pub fn text(&self, name: &str) -> Option<String> {
        self.field(name)?.value.as_str().map(str::to_owned)
    }

    pub fn must(&self, name: &str) -> Result<String, LoadError> {
        self.text(name).ok_or_else(|| self.wrong(&format!("has no {name}")))
    }

    /// A number, or the text of one.
    pub fn number(&self, name: &str) -> Option<i64> {
        match self.field(name)?.value {
            Value::Number(number) => number.as_i64(),
            Value::String(text) => text.parse().ok(),
            _ => None,
        }
    }

    pub fn small(&self, name: &str) -> Result<i32, LoadError> {
        self.number(name).and_then(|number| i32::try_from(number).ok()).ok_or_else(|| self.wrong(&format!("has no number {name}")))
    }

    pub fn flag(&self, name: &str) -> bool {
        self.field(name).and_then(|field| field.value.as_bool()).unwrap_or(false)
    }

    pub fn maybe_id(&self, name: &str) -> Result<Option<Uuid>, LoadError> {
        match self.text(name) {
            None => Ok(None),
            Some(text) => Uuid::try_parse(&text).map(Some).map_err(|_| self.wrong(&format!("{name} is {text:?}, which is not a GUID"))),
        }
    }

    pub fn id(&self, name: &str) -> Result<Uuid, LoadError> {
        self.maybe_id(name)?.ok_or_else(|| self.wrong(&format!("has no {name}")))
    }

    pub fn date(&self, name: &str) -> Result<Option<Timestamp>, LoadError> {
        let Some(text) = self.text(name) else {
            return Ok(None);
        };
        if text.starts_with("0001-01-01") || text.starts_with("9999-") {
            return Ok(None);
        }
        text.parse().map(Some).map_err(|_| self.wrong(&format!("{name} is {text:?}, which is not a date")))
    }

    /// One of the words of an enum, or nothing where the word is unknown: the service grows new ones.
    pub fn word<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        serde_json::from_value(self.field(name)?.value.clone()).ok()
    }

    pub fn others(&self, modelled: &[&str]) -> Extra {
        match self.value {
            Value::Object(object) => super::others(object, modelled),
            _ => Extra::new(),
        }
    }
}
