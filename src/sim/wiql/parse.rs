//! From the text of a query to its parts: words first, then a descent through the grammar.
use super::{Broken, Condition, Direction, Filter, Literal, Operator, Query};

#[derive(Debug, Clone, PartialEq)]
enum Word {
    /// Bare or in square brackets.
    Name(String),
    Text(String),
    Number(f64),
    Macro(String),
    Sign(&'static str),
}

impl Word {
    fn shown(&self) -> String {
        match self {
            Word::Name(text) => text.clone(),
            Word::Text(text) => format!("'{text}'"),
            Word::Number(number) => number.to_string(),
            Word::Macro(name) => format!("@{name}"),
            Word::Sign(sign) => (*sign).to_owned(),
        }
    }

    fn is(&self, keyword: &str) -> bool {
        matches!(self, Word::Name(name) if name.eq_ignore_ascii_case(keyword))
    }
}

const SIGNS: [&str; 12] = ["<>", "!=", "<=", ">=", "=", "<", ">", "(", ")", ",", "+", "-"];

fn words(text: &str) -> Result<Vec<Word>, Broken> {
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (word, tail) = match first {
            '[' => {
                let (name, tail) = rest[1..].split_once(']').ok_or_else(|| Broken::new("A bracket is not closed.", rest))?;
                (Word::Name(name.trim().to_owned()), tail)
            }
            '\'' | '"' => quoted(rest, first)?,
            '@' => {
                let end = rest[1..].find(|c: char| !c.is_alphanumeric()).map_or(rest.len(), |at| at + 1);
                (Word::Macro(rest[1..end].to_lowercase()), &rest[end..])
            }
            c if c.is_ascii_digit() => {
                let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
                let number = rest[..end].parse().map_err(|_| Broken::new("A number is not valid.", &rest[..end]))?;
                (Word::Number(number), &rest[end..])
            }
            c if c.is_alphabetic() || c == '_' => {
                let end = rest.find(|c: char| !c.is_alphanumeric() && c != '.' && c != '_').unwrap_or(rest.len());
                (Word::Name(rest[..end].to_owned()), &rest[end..])
            }
            _ => {
                let sign = SIGNS.into_iter().find(|sign| rest.starts_with(sign));
                let sign = sign.ok_or_else(|| Broken::new("A character was not expected.", first.to_string()))?;
                (Word::Sign(sign), &rest[sign.len()..])
            }
        };
        found.push(word);
        rest = tail.trim_start();
    }
    Ok(found)
}

/// A string; its quote is written twice inside.
fn quoted(rest: &str, quote: char) -> Result<(Word, &str), Broken> {
    let mut text = String::new();
    let mut chars = rest.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if c != quote {
            text.push(c);
        } else if chars.peek().is_some_and(|(_, next)| *next == quote) {
            text.push(quote);
            chars.next();
        } else {
            return Ok((Word::Text(text), &rest[at + quote.len_utf8()..]));
        }
    }
    Err(Broken::new("A string is not closed.", rest))
}

struct Reader {
    words: Vec<Word>,
    at: usize,
    /// How deep in brackets and negations.
    depth: usize,
}

/// Deeper than anybody writes, and shallow enough for the stack.
const DEEPEST: usize = 64;

/// Takes a query apart.
pub fn parse(text: &str) -> Result<Query, Broken> {
    let mut reader = Reader { words: words(text)?, at: 0, depth: 0 };
    reader.keyword("SELECT")?;
    let mut fields = vec![reader.name()?];
    while reader.takes_sign(",") {
        fields.push(reader.name()?);
    }
    reader.keyword("FROM")?;
    match reader.next() {
        Some(word) if word.is("WorkItems") => {}
        Some(word) => return Err(Broken::new("Only queries of work items are understood.", word.shown())),
        None => return Err(Broken::new("Something is missing.", "FROM")),
    }
    let filter = if reader.takes("WHERE") { Some(reader.any()?) } else { None };
    let mut order = Vec::new();
    if reader.takes("ORDER") {
        reader.keyword("BY")?;
        loop {
            let field = reader.name()?;
            let direction = if reader.takes("DESC") {
                Direction::Descending
            } else {
                reader.takes("ASC");
                Direction::Ascending
            };
            order.push((field, direction));
            if !reader.takes_sign(",") {
                break;
            }
        }
    }
    match reader.next() {
        None => Ok(Query { fields, filter, order }),
        Some(word) => Err(Broken::new("The end of the query was expected.", word.shown())),
    }
}

impl Reader {
    fn peek(&self) -> Option<&Word> {
        self.words.get(self.at)
    }

    fn next(&mut self) -> Option<Word> {
        let word = self.words.get(self.at).cloned();
        self.at += 1;
        word
    }

    fn takes(&mut self, keyword: &str) -> bool {
        let found = self.peek().is_some_and(|word| word.is(keyword));
        self.at += usize::from(found);
        found
    }

    fn takes_sign(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek(), Some(Word::Sign(known)) if *known == sign);
        self.at += usize::from(found);
        found
    }

    fn missing(&self, what: &str) -> Broken {
        Broken::new(&format!("{what} was expected."), self.peek().map_or_else(String::new, Word::shown))
    }

    fn keyword(&mut self, keyword: &str) -> Result<(), Broken> {
        if self.takes(keyword) { Ok(()) } else { Err(self.missing(keyword)) }
    }

    fn name(&mut self) -> Result<String, Broken> {
        match self.peek() {
            Some(Word::Name(name)) => {
                let name = name.clone();
                self.at += 1;
                Ok(name)
            }
            _ => Err(self.missing("The name of a field")),
        }
    }

    fn any(&mut self) -> Result<Filter, Broken> {
        let mut parts = vec![self.all()?];
        while self.takes("OR") {
            parts.push(self.all()?);
        }
        Ok(one_or(parts, Filter::Any))
    }

    fn all(&mut self) -> Result<Filter, Broken> {
        let mut parts = vec![self.one()?];
        while self.takes("AND") {
            parts.push(self.one()?);
        }
        Ok(one_or(parts, Filter::All))
    }

    fn one(&mut self) -> Result<Filter, Broken> {
        if self.depth >= DEEPEST {
            return Err(self.missing("Fewer brackets"));
        }
        self.depth += 1;
        let found = if self.takes("NOT") {
            Filter::Not(Box::new(self.one()?))
        } else if self.takes_sign("(") {
            let inner = self.any()?;
            if !self.takes_sign(")") {
                return Err(self.missing("A closing bracket"));
            }
            inner
        } else {
            Filter::Is(self.condition()?)
        };
        self.depth -= 1;
        Ok(found)
    }

    fn condition(&mut self) -> Result<Condition, Broken> {
        let field = self.name()?;
        let operator = self.operator()?;
        let values = match operator {
            Operator::IsEmpty | Operator::IsNotEmpty => Vec::new(),
            Operator::In | Operator::NotIn => {
                if !self.takes_sign("(") {
                    return Err(self.missing("A list"));
                }
                let mut values = vec![self.literal()?];
                while self.takes_sign(",") {
                    values.push(self.literal()?);
                }
                if !self.takes_sign(")") {
                    return Err(self.missing("A closing bracket"));
                }
                values
            }
            _ => vec![self.literal()?],
        };
        Ok(Condition { field, operator, values })
    }

    fn operator(&mut self) -> Result<Operator, Broken> {
        let signs = [
            ("=", Operator::Equal),
            ("<>", Operator::NotEqual),
            ("!=", Operator::NotEqual),
            ("<=", Operator::LessOrEqual),
            (">=", Operator::GreaterOrEqual),
            ("<", Operator::Less),
            (">", Operator::Greater),
        ];
        if let Some((_, operator)) = signs.into_iter().find(|(sign, _)| self.takes_sign(sign)) {
            return Ok(operator);
        }
        if self.takes("IS") {
            let operator = if self.takes("NOT") { Operator::IsNotEmpty } else { Operator::IsEmpty };
            self.keyword("EMPTY")?;
            return Ok(operator);
        }
        let negated = self.takes("NOT");
        let found = if self.takes("CONTAINS") {
            self.takes("WORDS");
            (Operator::Contains, Operator::NotContains)
        } else if self.takes("IN") {
            (Operator::In, Operator::NotIn)
        } else if self.takes("UNDER") {
            (Operator::Under, Operator::NotUnder)
        } else {
            return Err(self.missing("An operator"));
        };
        Ok(if negated { found.1 } else { found.0 })
    }

    fn literal(&mut self) -> Result<Literal, Broken> {
        let negative = self.takes_sign("-");
        let found = match self.peek() {
            Some(Word::Text(text)) if !negative => Literal::Text(text.clone()),
            Some(Word::Number(number)) => Literal::Number(if negative { -number } else { *number }),
            Some(Word::Macro(name)) if !negative => Literal::Macro(name.clone(), 0),
            Some(Word::Name(name)) if !negative && (name.eq_ignore_ascii_case("true") || name.eq_ignore_ascii_case("false")) => {
                Literal::Text(name.to_lowercase())
            }
            _ => return Err(self.missing("A value")),
        };
        self.at += 1;
        let Literal::Macro(name, _) = found else { return Ok(found) };
        let sign = if self.takes_sign("-") {
            -1
        } else if self.takes_sign("+") {
            1
        } else {
            return Ok(Literal::Macro(name, 0));
        };
        match self.next() {
            #[allow(clippy::cast_possible_truncation)]
            Some(Word::Number(days)) if days.fract() == 0.0 && days < 100_000.0 => Ok(Literal::Macro(name, sign * days as i64)),
            _ => Err(self.missing("A number of days")),
        }
    }
}

fn one_or(mut parts: Vec<Filter>, many: fn(Vec<Filter>) -> Filter) -> Filter {
    match parts.len() {
        1 => parts.remove(0),
        _ => many(parts),
    }
}
