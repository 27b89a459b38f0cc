//! Whether a row satisfies a query: cells against literals, by the kind of the field.
use std::cmp::Ordering;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::{Broken, Condition, Filter, Literal, Operator};

/// What a row holds in one field.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    Empty,
    Text(String),
    Number(f64),
    Date(Timestamp),
    /// All the names that somebody goes by.
    Person(Vec<String>),
    Path(String),
    Tags(Vec<String>),
}

/// How exactly dates are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precision {
    Day,
    Time,
}

/// What the macros stand for.
#[derive(Debug, Clone)]
pub struct Context {
    /// Of the path of the request, if it named one.
    pub project: Option<String>,
    pub me: String,
    pub now: Timestamp,
    pub precision: Precision,
}

/// Whether the filter lets the row through; `row` gives the cell of a field that was checked to exist.
pub fn holds(filter: &Filter, row: &dyn Fn(&str) -> Cell, context: &Context) -> Result<bool, Broken> {
    Ok(match filter {
        Filter::All(parts) => {
            for part in parts {
                if !holds(part, row, context)? {
                    return Ok(false);
                }
            }
            true
        }
        Filter::Any(parts) => {
            for part in parts {
                if holds(part, row, context)? {
                    return Ok(true);
                }
            }
            false
        }
        Filter::Not(inner) => !holds(inner, row, context)?,
        Filter::Is(condition) => condition.holds(&row(&condition.field), context)?,
    })
}

/// A literal after its macro was put in.
enum Value {
    Text(String),
    Number(f64),
    Date(Timestamp),
}

impl Condition {
    fn value(&self, literal: &Literal, context: &Context) -> Result<Value, Broken> {
        match literal {
            Literal::Text(text) => Ok(Value::Text(text.clone())),
            Literal::Number(number) => Ok(Value::Number(*number)),
            Literal::Macro(name, days) => match name.as_str() {
                "project" => context
                    .project
                    .clone()
                    .map(Value::Text)
                    .ok_or_else(|| Broken::new("The request names no project for the macro @project.", self.to_string())),
                "me" => Ok(Value::Text(context.me.clone())),
                "today" => Ok(Value::Date(start_of_day(context.now) + SignedDuration::from_hours(24 * days))),
                _ => Err(Broken::new(&format!("The macro @{name} is not known."), self.to_string())),
            },
        }
    }

    /// What a text means where a date is compared.
    fn date(&self, value: &Value, precision: Precision) -> Result<Timestamp, Broken> {
        match value {
            Value::Date(at) => Ok(*at),
            Value::Number(_) => Err(Broken::new("A date was expected.", self.to_string())),
            Value::Text(text) => {
                if precision == Precision::Day && text.contains(':') {
                    let why = "You cannot supply a time with the date when running a query using date precision.";
                    return Err(Broken::new(why, format!("{self} '{text}'")));
                }
                read_date(text).ok_or_else(|| Broken::new("The date is not valid.", format!("{self} '{text}'")))
            }
        }
    }

    fn holds(&self, cell: &Cell, context: &Context) -> Result<bool, Broken> {
        let empty = match cell {
            Cell::Empty => true,
            Cell::Text(text) | Cell::Path(text) => text.is_empty(),
            Cell::Tags(tags) => tags.is_empty(),
            _ => false,
        };
        match self.operator {
            Operator::IsEmpty => return Ok(empty),
            Operator::IsNotEmpty => return Ok(!empty),
            _ => {}
        }
        let (asked, negated) = match self.operator {
            Operator::NotEqual => (Operator::Equal, true),
            Operator::NotContains => (Operator::Contains, true),
            Operator::NotIn => (Operator::In, true),
            Operator::NotUnder => (Operator::Under, true),
            other => (other, false),
        };
        let mut found = false;
        for literal in &self.values {
            let value = self.value(literal, context)?;
            found |= self.fits(cell, asked, &value, context)?;
        }
        Ok(found != negated)
    }

    fn fits(&self, cell: &Cell, operator: Operator, value: &Value, context: &Context) -> Result<bool, Broken> {
        if let Cell::Date(at) = cell {
            let wanted = self.date(value, context.precision)?;
            let (at, wanted) = match context.precision {
                Precision::Day => (start_of_day(*at), start_of_day(wanted)),
                Precision::Time => (*at, wanted),
            };
            return Ok(ordered(operator, at.cmp(&wanted)));
        }
        let text = match value {
            Value::Text(text) => text.to_lowercase(),
            Value::Number(number) => number.to_string(),
            Value::Date(at) => at.to_string(),
        };
        Ok(match (cell, operator) {
            (Cell::Number(number), _) => {
                let wanted = match value {
                    Value::Number(wanted) => Some(*wanted),
                    _ => text.parse().ok(),
                };
                let wanted = wanted.ok_or_else(|| Broken::new("A number was expected.", self.to_string()))?;
                number.partial_cmp(&wanted).is_some_and(|order| ordered(operator, order))
            }
            (Cell::Tags(tags), Operator::Contains | Operator::Equal | Operator::In) => tags.iter().any(|tag| tag.to_lowercase() == text),
            (Cell::Person(names), Operator::Contains) => names.iter().any(|name| name.to_lowercase().contains(&text)),
            (Cell::Person(names), _) => names.iter().any(|name| ordered(operator, name.to_lowercase().cmp(&text))),
            (Cell::Text(own) | Cell::Path(own), Operator::Contains) => own.to_lowercase().contains(&text),
            (Cell::Path(own), Operator::Under) => {
                let own = own.to_lowercase();
                own == text || own.strip_prefix(&text).is_some_and(|rest| rest.starts_with('\\'))
            }
            (Cell::Text(own) | Cell::Path(own), _) => ordered(operator, own.to_lowercase().cmp(&text)),
            (Cell::Empty, Operator::Equal | Operator::In) => text.is_empty(),
            _ => false,
        })
    }
}

fn ordered(operator: Operator, order: Ordering) -> bool {
    match operator {
        Operator::Equal | Operator::In | Operator::Under => order.is_eq(),
        Operator::Less => order.is_lt(),
        Operator::LessOrEqual => order.is_le(),
        Operator::Greater => order.is_gt(),
        Operator::GreaterOrEqual => order.is_ge(),
        _ => false,
    }
}

fn start_of_day(at: Timestamp) -> Timestamp {
    let second = at.as_second();
    Timestamp::from_second(second - second.rem_euclid(86_400)).unwrap_or(at)
}

/// `2026-03-02`, with a time, with a zone, or the American form.
fn read_date(text: &str) -> Option<Timestamp> {
    let civil = |parsed: Result<DateTime, jiff::Error>| parsed.ok()?.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp());
    text.parse::<Timestamp>()
        .ok()
        .or_else(|| civil(text.parse()))
        .or_else(|| civil(DateTime::strptime("%m/%d/%Y %H:%M:%S", text)))
        .or_else(|| civil(jiff::civil::Date::strptime("%m/%d/%Y", text).map(|date| date.to_datetime(jiff::civil::Time::midnight()))))
}
