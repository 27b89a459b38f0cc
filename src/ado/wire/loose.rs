//! Readers for single fields that take what they understand and nothing else: a surprise becomes "absent", never an error.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// Text; numbers and booleans as they are written (enumerations may come as numbers).
pub fn word<'de, D: Deserializer<'de>>(reader: D) -> Result<Option<String>, D::Error> {
    Ok(match Value::deserialize(reader)? {
        Value::String(text) => Some(text),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    })
}

/// A whole number, also as text.
pub fn number<'de, D: Deserializer<'de>>(reader: D) -> Result<Option<i64>, D::Error> {
    Ok(match Value::deserialize(reader)? {
        Value::Number(number) => number.as_i64().or_else(|| number.as_f64().map(|f| f as i64)),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    })
}

/// `true`, also as text; anything else is false.
pub fn flag<'de, D: Deserializer<'de>>(reader: D) -> Result<bool, D::Error> {
    Ok(match Value::deserialize(reader)? {
        Value::Bool(flag) => flag,
        Value::String(text) => text.eq_ignore_ascii_case("true"),
        _ => false,
    })
}

/// A time to the millisecond; the sentinels of years 1 and 9999 mean absent.
pub fn time<'de, D: Deserializer<'de>>(reader: D) -> Result<Option<Timestamp>, D::Error> {
    Ok(Value::deserialize(reader)?.as_str().and_then(timestamp))
}

/// A time as the service writes it: 0 to 7 digits of a second, and a zone or (sometimes) none, which is UTC.
pub fn timestamp(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let at =
        text.parse::<Timestamp>().ok().or_else(|| Offset::UTC.to_timestamp(text.trim_end_matches('Z').parse::<DateTime>().ok()?).ok())?;
    let year = Offset::UTC.to_datetime(at).year();
    if !(1900..9999).contains(&year) {
        return None;
    }
    Timestamp::from_millisecond(at.as_millisecond()).ok()
}

/// A list without the items that cannot be read; null is empty.
pub fn list<'de, D: Deserializer<'de>, T: DeserializeOwned>(reader: D) -> Result<Vec<T>, D::Error> {
    Ok(match Value::deserialize(reader)? {
        Value::Array(items) => items.into_iter().filter(|i| !i.is_null()).filter_map(|i| serde_json::from_value(i).ok()).collect(),
        _ => Vec::new(),
    })
}

/// An object, or absent if it cannot be read.
pub fn part<'de, D: Deserializer<'de>, T: DeserializeOwned>(reader: D) -> Result<Option<T>, D::Error> {
    Ok(match Value::deserialize(reader)? {
        Value::Null => None,
        value => serde_json::from_value(value).ok(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_every_shape_the_service_writes() {
        for (text, read) in [
            ("2025-01-10T12:23:52.6038843Z", Some("2025-01-10T12:23:52.603Z")),
            ("2025-01-10T12:23:24.873Z", Some("2025-01-10T12:23:24.873Z")),
            ("2025-01-10T12:23:48Z", Some("2025-01-10T12:23:48Z")),
            ("2025-01-10T14:23:48+02:00", Some("2025-01-10T12:23:48Z")),
            ("2025-01-10T12:23:48", Some("2025-01-10T12:23:48Z")),
            ("0001-01-01T00:00:00", None),
            ("0001-01-01T00:00:00Z", None),
            ("9999-01-01T00:00:00Z", None),
            ("9999-12-31T23:59:59.9999999Z", None),
            ("yesterday", None),
        ] {
            assert_eq!(timestamp(text), read.map(|t| t.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn surprises_become_absent() {
        #[derive(Debug, Deserialize, PartialEq, Default)]
        struct Row {
            #[serde(default, deserialize_with = "word")]
            word: Option<String>,
            #[serde(default, deserialize_with = "number")]
            number: Option<i64>,
            #[serde(default, deserialize_with = "flag")]
            flag: bool,
            #[serde(default, deserialize_with = "time")]
            time: Option<Timestamp>,
            #[serde(default, deserialize_with = "list")]
            list: Vec<i64>,
            #[serde(default, deserialize_with = "part")]
            part: Option<Vec<i64>>,
        }
        for text in [
            "{}",
            r#"{"word":null,"number":null,"flag":null,"time":null,"list":null,"part":null}"#,
            r#"{"word":{},"number":"x","flag":[],"time":7,"list":"no","part":{"a":1},"more":true}"#,
        ] {
            assert_eq!(serde_json::from_str::<Row>(text).unwrap(), Row::default(), "{text}");
        }
        let row: Row = serde_json::from_str(r#"{"word":1,"number":"4","flag":"True","list":[1,null,"x",2]}"#).unwrap();
        assert_eq!(row, Row { word: Some("1".into()), number: Some(4), flag: true, list: vec![1, 2], ..Row::default() });
    }
}
