//! Filters, and the parser of conditions: `field op value`, joined by `and`, `or`, `not` and parentheses. Pure.
//!
//! Fields may be paths with slashes. Values are texts in double quotes, numbers, true, false, null, and times in square
//! brackets. Operators are = != < <= > >= contains like in. `and` binds more tightly than `or`; keywords in any letter
//! case.

use crate::sandbox::records::{KnownName, RecordFields, instant, path, unknown};

/// Maximum nesting of parentheses and `not`.
const DEPTH_MAX: usize = 64;
/// Maximum length of a filter in bytes.
pub(super) const LENGTH_MAX: usize = 100_000;

/// A condition on records.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::sandbox) enum RecordFilter {
    All(Vec<RecordFilter>),
    Any(Vec<RecordFilter>),
    Not(Box<RecordFilter>),
    Test(Test),
}

/// One comparison.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::sandbox) struct Test {
    pub(in crate::sandbox) path: Vec<String>,
    pub(in crate::sandbox) op: Comparison,
    /// Several for `in`, and for a value that can be read in several ways.
    pub(in crate::sandbox) values: Vec<Literal>,
}

/// A comparison operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sandbox) enum Comparison {
    Equal,
    NotEqual,
    Less,
    AtMost,
    Greater,
    AtLeast,
    Contains,
    Like,
    In,
}

/// A value as written.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::sandbox) enum Literal {
    Null,
    Flag(bool),
    Number(String),
    Text(String),
    /// Milliseconds since 1970.
    Time(i64),
}

impl RecordFilter {
    /// Parses a filter. `lists` says whether it may name fields in lists of the record; `Err` is the fault for users.
    pub(in crate::sandbox) fn parse(text: &str, fields: &RecordFields, lists: bool) -> Result<RecordFilter, String> {
        if text.len() > LENGTH_MAX {
            return Err(format!("the filter is longer than {LENGTH_MAX} characters"));
        }
        let mut tokens = tokens(text)?;
        if tokens.is_empty() {
            return Ok(RecordFilter::All(Vec::new()));
        }
        tokens.reverse();
        let mut parser = Parser { tokens, fields, lists, depth: 0 };
        let filter = parser.any()?;
        match parser.tokens.pop() {
            None => Ok(filter),
            Some(token) => Err(format!("{} is not expected after a complete condition", token.shown())),
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
enum ConditionToken {
    Open,
    Close,
    Comma,
    Sign(Comparison),
    Word(String),
    Literal(Literal),
}

impl ConditionToken {
    fn shown(&self) -> String {
        match self {
            ConditionToken::Open => "`(`".into(),
            ConditionToken::Close => "`)`".into(),
            ConditionToken::Comma => "`,`".into(),
            ConditionToken::Sign(_) => "an operator".into(),
            ConditionToken::Word(word) => format!("`{word}`"),
            ConditionToken::Literal(_) => "a value".into(),
        }
    }
}

fn tokens(text: &str) -> Result<Vec<ConditionToken>, String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, tail) = match first {
            '(' => (ConditionToken::Open, skip(rest, 1)),
            ')' => (ConditionToken::Close, skip(rest, 1)),
            ',' => (ConditionToken::Comma, skip(rest, 1)),
            '=' => (ConditionToken::Sign(Comparison::Equal), skip(rest, 1)),
            '!' if rest.starts_with("!=") => (ConditionToken::Sign(Comparison::NotEqual), skip(rest, 2)),
            '<' if rest.starts_with("<=") => (ConditionToken::Sign(Comparison::AtMost), skip(rest, 2)),
            '<' => (ConditionToken::Sign(Comparison::Less), skip(rest, 1)),
            '>' if rest.starts_with(">=") => (ConditionToken::Sign(Comparison::AtLeast), skip(rest, 2)),
            '>' => (ConditionToken::Sign(Comparison::Greater), skip(rest, 1)),
            '"' => quoted(skip(rest, 1))?,
            '[' => time(skip(rest, 1))?,
            c if c.is_ascii_digit() || c == '-' => number(rest)?,
            c if c.is_alphabetic() || c == '_' => word(rest),
            c => return Err(format!("`{c}` is not expected in a filter")),
        };
        tokens.push(token);
        rest = tail.trim_start();
    }
    Ok(tokens)
}

fn skip(text: &str, bytes: usize) -> &str {
    text.get(bytes..).unwrap_or_default()
}

fn word(text: &str) -> (ConditionToken, &str) {
    let end = text.find(|c: char| !c.is_alphanumeric() && !"_/.".contains(c)).unwrap_or(text.len());
    let (word, tail) = text.split_at(end);
    let literal = match word.to_ascii_lowercase().as_str() {
        "true" => Some(Literal::Flag(true)),
        "false" => Some(Literal::Flag(false)),
        "null" => Some(Literal::Null),
        _ => None,
    };
    (literal.map_or_else(|| ConditionToken::Word(word.to_owned()), ConditionToken::Literal), tail)
}

fn number(text: &str) -> Result<(ConditionToken, &str), String> {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && !"+-.:".contains(c)).unwrap_or(text.len());
    let (number, tail) = text.split_at(end);
    if serde_json::from_str::<serde_json::Number>(number).is_err() {
        return Err(format!("`{number}` is not a number; put text in double quotes, times in square brackets"));
    }
    Ok((ConditionToken::Literal(Literal::Number(number.to_owned())), tail))
}

fn time(text: &str) -> Result<(ConditionToken, &str), String> {
    let Some((inner, tail)) = text.split_once(']') else { return Err("`[` without `]`".into()) };
    let time =
        instant(inner).ok_or_else(|| format!("`[{inner}]` is not a time; write it as [2025-01-31T08:00:00Z]"))?;
    Ok((ConditionToken::Literal(Literal::Time(time)), tail))
}

/// Parses a text up to its closing quote. A backslash escapes a quote, and `[[]` is a bracket, as in SQL.
fn quoted(text: &str) -> Result<(ConditionToken, &str), String> {
    let mut out = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Ok((ConditionToken::Literal(Literal::Text(out.replace("[[]", "["))), skip(text, at + 1))),
            '\\' if matches!(skip(text, at + 1).chars().next(), Some('"' | '\\')) => {
                out.extend(chars.next().map(|(_, c)| c))
            }
            c => out.push(c),
        }
    }
    Err("a text is not closed: `\"` is missing".into())
}

/// A parser whose tokens are reversed, so that `pop` returns the next one.
struct Parser<'f> {
    tokens: Vec<ConditionToken>,
    fields: &'f RecordFields,
    lists: bool,
    depth: usize,
}

impl Parser<'_> {
    fn any(&mut self) -> Result<RecordFilter, String> {
        let mut parts = vec![self.all()?];
        while self.keyword("or") {
            parts.push(self.all()?);
        }
        Ok(single(parts, RecordFilter::Any))
    }

    fn all(&mut self) -> Result<RecordFilter, String> {
        let mut parts = vec![self.one()?];
        while self.keyword("and") {
            parts.push(self.one()?);
        }
        Ok(single(parts, RecordFilter::All))
    }

    fn one(&mut self) -> Result<RecordFilter, String> {
        if self.depth >= DEPTH_MAX {
            return Err(format!("the filter is nested deeper than {DEPTH_MAX} levels"));
        }
        self.depth += 1;
        let found = if self.keyword("not") {
            self.one().map(|f| RecordFilter::Not(Box::new(f)))
        } else if self.take(&ConditionToken::Open) {
            let inner = self.any()?;
            if self.take(&ConditionToken::Close) { Ok(inner) } else { Err("`(` without `)`".into()) }
        } else {
            self.test()
        };
        self.depth -= 1;
        found
    }

    fn test(&mut self) -> Result<RecordFilter, String> {
        let name = match self.tokens.pop() {
            Some(ConditionToken::Word(name)) => name,
            Some(token) => return Err(format!("a field is expected, not {}", token.shown())),
            None => return Err("a field is expected at the end".into()),
        };
        let path = path(&name);
        match (self.fields.find(&path), self.lists) {
            (KnownName::Yes, _) | (KnownName::InList, true) => {}
            (KnownName::No, _) | (KnownName::InList, false) => return Err(unknown(&name, self.fields)),
        }
        let negated = self.keyword("not");
        let op = self.operator(&name)?;
        let values = if op == Comparison::In { self.list(&name)? } else { vec![self.value(&name)?] };
        if op == Comparison::Like && !matches!(values.as_slice(), [Literal::Text(_)]) {
            return Err(format!("`{name} like` needs a text in double quotes"));
        }
        let test = RecordFilter::Test(Test { path, op, values });
        Ok(if negated { RecordFilter::Not(Box::new(test)) } else { test })
    }

    fn operator(&mut self, name: &str) -> Result<Comparison, String> {
        for (word, op) in [("contains", Comparison::Contains), ("like", Comparison::Like), ("in", Comparison::In)] {
            if self.keyword(word) {
                return Ok(op);
            }
        }
        match self.tokens.pop() {
            Some(ConditionToken::Sign(op)) => Ok(op),
            Some(token) => Err(format!("an operator is expected after `{name}`, not {}", token.shown())),
            None => Err(format!("an operator and a value are expected after `{name}`")),
        }
    }

    fn value(&mut self, name: &str) -> Result<Literal, String> {
        match self.tokens.pop() {
            Some(ConditionToken::Literal(literal)) => Ok(literal),
            Some(ConditionToken::Word(word)) => {
                Err(format!("`{word}` is not a value for `{name}`; put text in double quotes"))
            }
            Some(token) => Err(format!("a value is expected for `{name}`, not {}", token.shown())),
            None => Err(format!("a value is expected for `{name}` at the end")),
        }
    }

    fn list(&mut self, name: &str) -> Result<Vec<Literal>, String> {
        if !self.take(&ConditionToken::Open) {
            return Err(format!("`{name} in` needs a list in parentheses"));
        }
        let mut values = vec![self.value(name)?];
        while self.take(&ConditionToken::Comma) {
            values.push(self.value(name)?);
        }
        if self.take(&ConditionToken::Close) {
            Ok(values)
        } else {
            Err(format!("the list after `{name} in` is not closed"))
        }
    }

    fn keyword(&mut self, keyword: &str) -> bool {
        let found =
            matches!(self.tokens.last(), Some(ConditionToken::Word(word)) if word.eq_ignore_ascii_case(keyword));
        if found {
            self.tokens.pop();
        }
        found
    }

    fn take(&mut self, token: &ConditionToken) -> bool {
        let found = self.tokens.last() == Some(token);
        if found {
            self.tokens.pop();
        }
        found
    }
}

fn single(mut parts: Vec<RecordFilter>, join: fn(Vec<RecordFilter>) -> RecordFilter) -> RecordFilter {
    match (parts.len(), parts.pop()) {
        (1, Some(only)) => only,
        (_, last) => {
            parts.extend(last);
            join(parts)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::RecordFilter;
    use crate::sandbox::records::fields::tests::ticket;

    #[test]
    fn faults_are_reported() {
        let deep = format!("{}id=1{}", "(".repeat(100), ")".repeat(100));
        let not = "not ".repeat(100_000 / 5);
        for (text, part) in [
            ("nope = 1", "`nope` is not a field of: Ticket"),
            ("company/nope = 1", "company/nope"),
            ("contacts/value = \"x\"", "contacts/value"),
            ("id", "an operator and a value"),
            ("id =", "a value is expected"),
            ("id = 1 2", "not expected after a complete condition"),
            ("id == 1", "a value is expected for `id`, not an operator"),
            ("id ! 1", "`!`"),
            ("summary = open", "double quotes"),
            ("summary = \"open", "not closed"),
            ("summary = 'open'", "`'`"),
            ("id in 1", "parentheses"),
            ("id in (1", "not closed"),
            ("id in ()", "a value is expected"),
            ("summary like 5", "needs a text"),
            ("_info/lastUpdated > [yesterday]", "not a time"),
            ("_info/lastUpdated > [2025-01-01", "without `]`"),
            ("_info/lastUpdated > 2025-01-01", "square brackets"),
            ("(id = 1", "without `)`"),
            ("id = 1)", "not expected"),
            ("id = 1 and", "a field is expected at the end"),
            ("and id = 1", "`and` is not a field"),
            ("id = 01", "not a number"),
            ("é€", "`€`"),
            (deep.as_str(), "deeper"),
            (not.as_str(), "deeper"),
        ] {
            let message = RecordFilter::parse(text, &ticket(), false).unwrap_err();
            assert!(message.contains(part), "{}: {message}", text.chars().take(60).collect::<String>());
        }
        assert!(RecordFilter::parse(&"x".repeat(200_000), &ticket(), false).is_err());
    }
}
