//! Whether a text is one statement that reads: a driver runs whatever it gets, several statements too. Pure.

use crate::error::{Error, ErrorKind, Result};

/// Words with which statements that read begin.
const READING: [&str; 8] = ["describe", "explain", "from", "select", "show", "table", "values", "with"];

/// The statement without what ends it.
///
/// # Errors
/// `invalid_options` for another statement, or for several.
pub(super) fn one_select(sql: &str) -> Result<&str> {
    let wrong = |what: &str| {
        Err(Error::new(ErrorKind::InvalidOptions, format!("{what}, and rows are only read")).advise("write one SELECT"))
    };
    let mut end = None;
    let mut word = None;
    let mut at = 0;
    while let Some(rest) = sql.get(at..).filter(|rest| !rest.is_empty()) {
        let passed = passed(rest);
        let is_text = passed.is_text;
        if is_text && end.is_some() {
            return wrong("there are several statements");
        }
        if rest.starts_with(';') {
            end.get_or_insert(at);
        } else if is_text && word.is_none() && !rest.starts_with('(') {
            word = Some(rest.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default().to_ascii_lowercase());
        }
        at += passed.bytes;
    }
    match word {
        Some(word) if READING.contains(&word.as_str()) => Ok(sql.get(..end.unwrap_or(sql.len())).unwrap_or_default()),
        Some(_) => wrong("the statement is no SELECT"),
        None => wrong("there is no statement"),
    }
}

/// What begins a text: how long it is, and whether it is more than space or a comment.
struct Passed {
    bytes: usize,
    is_text: bool,
}

fn passed(rest: &str) -> Passed {
    let until =
        |end: &str, from: usize| rest.get(from..).and_then(|inner| inner.find(end)).map(|at| from + at + end.len());
    let comment = |bytes: Option<usize>| Passed { bytes: bytes.unwrap_or(rest.len()), is_text: false };
    let text = |bytes: Option<usize>| Passed { bytes: bytes.unwrap_or(rest.len()), is_text: true };
    if rest.starts_with("--") {
        return comment(until("\n", 2));
    }
    if rest.starts_with("/*") {
        return comment(until("*/", 2));
    }
    if let Some(quote) = rest.chars().next().filter(|c| matches!(c, '\'' | '"')) {
        return text(until(quote.encode_utf8(&mut [0; 4]), 1));
    }
    if let Some(tag) = dollar_tag(rest) {
        return text(until(tag, tag.len()));
    }
    let first = rest.chars().next().unwrap_or(' ');
    Passed { bytes: first.len_utf8(), is_text: !first.is_whitespace() && first != ';' }
}

/// `$$` or `$tag$`, which begins a text.
fn dollar_tag(rest: &str) -> Option<&str> {
    let inner = rest.strip_prefix('$')?;
    let end = inner.find('$')?;
    let is_name = inner.get(..end)?.chars().all(|c| c.is_alphanumeric() || c == '_');
    is_name.then(|| rest.get(..end + 2)).flatten()
}

#[cfg(test)]
mod tests {
    use super::one_select;

    #[test]
    fn only_one_statement_that_reads_is_run() {
        for (sql, run) in [
            ("SELECT 1", "SELECT 1"),
            (" (select 1) ;\n -- done ; drop\n", " (select 1) "),
            ("/* a ; */ WITH x AS (SELECT ';') SELECT * FROM x;;", "/* a ; */ WITH x AS (SELECT ';') SELECT * FROM x"),
            ("from t", "from t"),
            ("SELECT $$;$$, $a$ ; $a$, \"a;b\", 'it''s;'", "SELECT $$;$$, $a$ ; $a$, \"a;b\", 'it''s;'"),
        ] {
            assert_eq!(one_select(sql).unwrap(), run);
        }
        for sql in [
            "",
            " -- x",
            ";",
            "commit",
            "SELECT 1; SELECT 2",
            "commit; select 1",
            "COPY t TO 'x'",
            "drop table t",
            "select 1 as a;;drop table t",
            "'select'",
            "attach 'x'",
        ] {
            assert!(one_select(sql).is_err(), "{sql}");
        }
    }
}
