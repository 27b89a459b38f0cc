//! Objects of JSON read field by field: what is not asked for is skipped without being kept, whatever it holds.
//!
//! Of a name that stands twice the last one counts. A value of another type than asked for is absent. Nesting costs no stack: what is
//! skipped is scanned, and what is asked for is opened one level at a time.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// Longer words are cut: ids and names of events are short.
const WORD_LIMIT: usize = 300;

/// The wanted fields of one object.
#[derive(Debug, Default)]
pub struct Bag<'a>(Vec<(&'static str, &'a RawValue)>);

impl<'a> Bag<'a> {
    /// Reads the wanted fields of an object; the error is that of the first thing that is no JSON, or no object.
    pub fn read(text: &'a str, wanted: &'static [&'static str]) -> serde_json::Result<Self> {
        let mut reader = serde_json::Deserializer::from_str(text);
        let bag = reader.deserialize_map(Fields(wanted))?;
        reader.end()?;
        Ok(bag)
    }

    fn raw(&self, name: &str) -> Option<&'a str> {
        self.0.iter().find(|(field, _)| *field == name).map(|(_, value)| value.get()).filter(|text| *text != "null")
    }

    /// An object inside; one without fields if there is none.
    pub fn object(&self, name: &str, wanted: &'static [&'static str]) -> Self {
        self.raw(name).and_then(|text| Self::read(text, wanted).ok()).unwrap_or_default()
    }

    /// The text of an object inside, to be read in another way.
    pub fn text_of(&self, name: &str) -> Option<&'a str> {
        self.raw(name).filter(|text| text.starts_with('{'))
    }

    /// The items of a list inside, `most` at the most; no list is an empty one.
    pub fn list(&self, name: &str, most: usize) -> Vec<&'a str> {
        let Some(text) = self.raw(name).filter(|text| text.starts_with('[')) else { return Vec::new() };
        serde_json::Deserializer::from_str(text).deserialize_seq(Items(most)).unwrap_or_default()
    }

    /// A text, or a number as it is written.
    pub fn word(&self, name: &str) -> Option<String> {
        let text = self.raw(name)?;
        let word = match text.as_bytes().first()? {
            b'"' => serde_json::from_str::<String>(text).ok()?,
            b'-' | b'0'..=b'9' => text.to_owned(),
            _ => return None,
        };
        Some(word.chars().take(WORD_LIMIT).collect())
    }

    /// A text as it is, to be taken apart.
    pub fn long_word(&self, name: &str) -> Option<String> {
        let text = self.raw(name).filter(|text| text.starts_with('"'))?;
        serde_json::from_str(text).ok()
    }

    /// A whole number, also as text. One that does not fit is absent, never another number.
    pub fn number(&self, name: &str) -> Option<i64> {
        let word = self.word(name)?;
        let word = word.trim();
        word.parse().ok().or_else(|| {
            const EXACT: f64 = 9_007_199_254_740_992.0;
            let number: f64 = word.parse().ok()?;
            (number.fract() == 0.0 && number.abs() < EXACT).then_some(number as i64)
        })
    }

    /// `true`, also as text.
    pub fn flag(&self, name: &str) -> bool {
        self.raw(name).is_some_and(|text| text.trim_matches('"').eq_ignore_ascii_case("true"))
    }
}

struct Fields(&'static [&'static str]);

impl<'de> Visitor<'de> for Fields {
    type Value = Bag<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Bag<'de>, A::Error> {
        let mut found: Vec<(&'static str, &'de RawValue)> = Vec::new();
        while let Some(name) = map.next_key_seed(Name(self.0))? {
            match name {
                None => drop(map.next_value::<IgnoredAny>()?),
                Some(name) => {
                    let value = map.next_value()?;
                    found.retain(|(known, _)| *known != name);
                    found.push((name, value));
                }
            }
        }
        Ok(Bag(found))
    }
}

/// A field's name, if it is wanted.
struct Name(&'static [&'static str]);

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Option<&'static str>;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Self::Value, D::Error> {
        reader.deserialize_str(self)
    }
}

impl Visitor<'_> for Name {
    type Value = Option<&'static str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.0.iter().find(|wanted| **wanted == name).copied())
    }
}

struct Items(usize);

impl<'de> Visitor<'de> for Items {
    type Value = Vec<&'de str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut items: Vec<&'de str> = Vec::new();
        while items.len() < self.0 {
            match list.next_element::<&'de RawValue>()? {
                Some(item) => items.push(item.get()),
                None => return Ok(items),
            }
        }
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(items)
    }
}
