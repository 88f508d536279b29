//! Values in the conditions of a system, written so that none changes what a condition means. Pure.

use crate::definition::{Literals, QuoteEscape};

/// A value in a condition.
pub(crate) enum Literal<'v> {
    Text(&'v str),
    Number(&'v str),
    Bool(bool),
    /// A time or a date.
    Time(&'v str),
    List(Vec<Literal<'v>>),
}

/// Where a value is in a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LiteralPlace {
    Bare,
    /// Within quotes that the author has written.
    Quotes(char),
    /// Within the marks of a time that the author has written.
    Time,
}

impl Literals {
    /// A value as it is written after the text before it.
    ///
    /// # Errors
    /// Why it cannot be written there.
    pub(crate) fn write(
        &self,
        before: &str,
        value: &Literal<'_>,
        is_time: &dyn Fn(&str) -> bool,
    ) -> Result<String, String> {
        match (self.within(before), value) {
            (LiteralPlace::Bare, Literal::List(_)) if !before.trim_end().ends_with('(') => {
                Err("a list must be in parentheses: field in (…)".to_owned())
            }
            (LiteralPlace::Bare, Literal::List(list)) if list.is_empty() => Err("the list is empty".to_owned()),
            (LiteralPlace::Bare, value) => self.bare(before, value),
            // Whether the system knows these quotes is not declared.
            (LiteralPlace::Quotes(quote), _) if quote != self.quote => {
                Err(format!("the system writes texts in {}, not in {quote}: leave the quotes out", self.quote))
            }
            (LiteralPlace::Quotes(quote), Literal::Text(text) | Literal::Number(text) | Literal::Time(text)) => {
                self.check_wildcards(before_quote(before, quote), text)?;
                self.escaped(text, quote)
            }
            (LiteralPlace::Quotes(_), Literal::Bool(flag)) => Ok(self.boolean(*flag).to_owned()),
            (LiteralPlace::Time, Literal::Time(text)) => Ok((*text).to_owned()),
            (LiteralPlace::Time, Literal::Text(text)) if is_time(text) => Ok((*text).to_owned()),
            (LiteralPlace::Time, Literal::Text(_) | Literal::Number(_) | Literal::Bool(_)) => {
                Err("it is no time".to_owned())
            }
            (_, Literal::List(_)) => Err("a list must be outside of quotes: field in (…)".to_owned()),
        }
    }

    fn bare(&self, before: &str, value: &Literal<'_>) -> Result<String, String> {
        match value {
            Literal::Text(text) => {
                self.check_wildcards(before, text)?;
                Ok(format!("{0}{1}{0}", self.quote, self.escaped(text, self.quote)?))
            }
            Literal::Number(text) => Ok((*text).to_owned()),
            Literal::Bool(flag) => Ok(self.boolean(*flag).to_owned()),
            Literal::Time(text) => match &self.time {
                Some((open, close)) => Ok(format!("{open}{text}{close}")),
                None => Ok(format!("{0}{text}{0}", self.quote)),
            },
            Literal::List(list) => {
                let parts: Result<Vec<String>, String> = list.iter().map(|value| self.bare(before, value)).collect();
                Ok(parts?.join(", "))
            }
        }
    }

    fn boolean(&self, flag: bool) -> &str {
        if flag { &self.booleans.0 } else { &self.booleans.1 }
    }

    fn escaped(&self, text: &str, quote: char) -> Result<String, String> {
        if text.chars().any(char::is_control) {
            return Err("it contains a control character".to_owned());
        }
        Ok(match self.escape {
            QuoteEscape::Refuse if text.contains(quote) => {
                return Err(format!("it contains {quote}, which ends a text"));
            }
            QuoteEscape::Refuse => text.to_owned(),
            QuoteEscape::Double => text.replace(quote, &format!("{quote}{quote}")),
            QuoteEscape::Backslash => text.replace('\\', "\\\\").replace(quote, &format!("\\{quote}")),
        })
    }

    /// Whether a text has a character with a meaning of its own after the operator.
    fn check_wildcards(&self, before: &str, text: &str) -> Result<(), String> {
        let is_letter = |c: char| c.is_alphanumeric() || c == '_';
        let word = before.trim_end().rsplit(|c: char| !is_letter(c)).next().unwrap_or_default();
        let own = self.wildcards.iter().find(|(operator, _)| operator.eq_ignore_ascii_case(word));
        match own.and_then(|(operator, chars)| Some((operator, text.chars().find(|c| chars.contains(*c))?))) {
            Some((operator, c)) => Err(format!("it contains {c}, which is a wildcard of {operator}")),
            None => Ok(()),
        }
    }

    /// Where a text ends: quotes of both kinds may be open.
    fn within(&self, before: &str) -> LiteralPlace {
        let mut open: Option<char> = None;
        let mut rest = before.char_indices();
        let mut in_time = false;
        while let Some((at, c)) = rest.next() {
            match open {
                Some(_) if c == '\\' && self.escape == QuoteEscape::Backslash => drop(rest.next()),
                Some(quote) if c == quote => open = None,
                Some(_) => {}
                None if c == '"' || c == '\'' || c == self.quote => open = Some(c),
                None => {
                    let tail = before.get(at..).unwrap_or_default();
                    if let Some((begin, end)) = &self.time {
                        in_time = (in_time || tail.starts_with(begin.as_str())) && !tail.starts_with(end.as_str());
                    }
                }
            }
        }
        match open {
            Some(quote) => LiteralPlace::Quotes(quote),
            None if in_time => LiteralPlace::Time,
            None => LiteralPlace::Bare,
        }
    }
}

/// The text before the quote that is open at the end.
fn before_quote(text: &str, quote: char) -> &str {
    text.rsplit_once(quote).map_or(text, |(before, _)| before)
}

/// A value in the condition of a connector that declares no rule: only what has no meaning anywhere.
///
/// # Errors
/// Why it cannot be written.
pub(crate) fn write_plain(value: &Literal<'_>) -> Result<String, String> {
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ':' | '@' | '+' | '/');
    match value {
        Literal::Number(text) | Literal::Time(text) => Ok((*text).to_owned()),
        Literal::Bool(flag) => Ok(flag.to_string()),
        Literal::Text(text) if !text.is_empty() && text.chars().all(is_plain) => Ok((*text).to_owned()),
        Literal::Text(_) | Literal::List(_) => {
            Err("its connector does not declare how texts are written in conditions (`literals`)".to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(escape: QuoteEscape) -> Literals {
        Literals {
            quote: '"',
            escape,
            time: Some(("[".to_owned(), "]".to_owned())),
            booleans: ("True".to_owned(), "False".to_owned()),
            wildcards: vec![("like".to_owned(), "*".to_owned())],
        }
    }

    #[test]
    fn values_do_not_leave_their_place() {
        let is_time = |text: &str| text.starts_with("2026");
        for (before, value, expected) in [
            ("name = ", Literal::Text("x"), Ok("\"x\"")),
            ("name = ", Literal::Text("x\" or 1=1 or \"a"), Err("ends a text")),
            ("name = \"", Literal::Text("x"), Ok("x")),
            ("name = \"a ", Literal::Text("b\""), Err("ends a text")),
            ("name = '", Literal::Text("x"), Err("not in '")),
            ("a = \"[\" and t > ", Literal::Time("2026-01-01"), Ok("[2026-01-01]")),
            ("t > [", Literal::Text("2026-01-01T00:00:00Z"), Ok("2026-01-01T00:00:00Z")),
            ("t > [", Literal::Text("] or 1=1"), Err("no time")),
            ("t > [2026] and x = ", Literal::Text("y"), Ok("\"y\"")),
            ("id = ", Literal::Number("1.10"), Ok("1.10")),
            ("open = ", Literal::Bool(true), Ok("True")),
            ("id in (", Literal::List(vec![Literal::Number("1"), Literal::Text("b")]), Ok("1, \"b\"")),
            ("id = ", Literal::List(vec![Literal::Number("1")]), Err("parentheses")),
            ("id in (", Literal::List(Vec::new()), Err("empty")),
            ("name like \"", Literal::Text("a*"), Err("wildcard of like")),
            ("name LIKE ", Literal::Text("*"), Err("wildcard of like")),
            ("name = ", Literal::Text("*"), Ok("\"*\"")),
            ("name = ", Literal::Text("a\nb"), Err("control")),
        ] {
            let found = rule(QuoteEscape::Refuse).write(before, &value, &is_time);
            match (&found, expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found, expected, "{before}"),
                (Err(why), Err(part)) => assert!(why.contains(part), "{before}: {why}"),
                _ => panic!("{before}: {found:?}"),
            }
        }
        let nasty = Literal::Text("a\\\"b");
        assert_eq!(rule(QuoteEscape::Backslash).write("n = ", &nasty, &is_time).unwrap(), "\"a\\\\\\\"b\"");
        assert_eq!(rule(QuoteEscape::Double).write("n = ", &nasty, &is_time).unwrap(), "\"a\\\"\"b\"");
        assert!(write_plain(&Literal::Text("a b")).is_err() && write_plain(&Literal::Text("a-b")).is_ok());
    }
}
