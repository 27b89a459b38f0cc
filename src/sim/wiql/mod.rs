//! The work item query language, as far as flat queries go: text to a query, and whether a row satisfies it.
//!
//! `SELECT` fields `FROM WorkItems WHERE` conditions with `AND`, `OR`, `NOT` and brackets `ORDER BY` fields. Knows nothing of work
//! items: a row is asked for its cells. Limits: no link queries, no `EVER`, no groups, no `ASOF`; days are those of UTC.
mod matching;
mod parse;

pub use matching::{Cell, Context, Precision, holds};
pub use parse::parse;

/// What a field holds, which decides how it is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Text,
    Number,
    Date,
    Person,
    /// Levels separated by `\`.
    Path,
    Tags,
}

/// A query, taken apart.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// Reference names as they were written.
    pub fields: Vec<String>,
    pub filter: Option<Filter>,
    pub order: Vec<(String, Direction)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    Ascending,
    Descending,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    All(Vec<Filter>),
    Any(Vec<Filter>),
    Not(Box<Filter>),
    Is(Condition),
}

impl Filter {
    /// Every condition in it.
    pub fn conditions(&self) -> Vec<&Condition> {
        match self {
            Filter::All(parts) | Filter::Any(parts) => parts.iter().flat_map(Filter::conditions).collect(),
            Filter::Not(inner) => inner.conditions(),
            Filter::Is(condition) => vec![condition],
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    pub field: String,
    pub operator: Operator,
    pub values: Vec<Literal>,
}

impl std::fmt::Display for Condition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "[{}] {:?}", self.field, self.operator)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Contains,
    NotContains,
    In,
    NotIn,
    Under,
    NotUnder,
    IsEmpty,
    IsNotEmpty,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    Text(String),
    Number(f64),
    /// `@project`, `@me`, `@today - 30`: the name in lower case, and the days added.
    Macro(String, i64),
}

/// Why a query cannot be used, and at which of its words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    pub why: String,
    pub near: String,
}

impl Broken {
    pub(super) fn new(why: &str, near: impl Into<String>) -> Self {
        Broken { why: why.to_owned(), near: near.into() }
    }
}

#[cfg(test)]
mod tests;
