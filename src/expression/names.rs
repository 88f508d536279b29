//! The names in an expression: the paths that it reads, and its filters, tests and functions. Known without evaluation.

use super::lexer::{Token, is_letter};

/// How a word of an expression is used.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    Filter,
    Test,
    Function,
}

fn text<'s>(tokens: &[Token<'s>], index: usize) -> &'s str {
    tokens.get(index).map_or("", |token| token.text)
}

/// The two tokens before one.
fn before<'s>(tokens: &[Token<'s>], index: usize) -> (&'s str, &'s str) {
    let back = |steps| index.checked_sub(steps).map_or("", |at| text(tokens, at));
    (back(2), back(1))
}

/// The filters, tests and functions of an expression, by name.
pub(super) fn uses<'s>(tokens: &[Token<'s>]) -> Vec<(Use, &'s str)> {
    let used = |(index, token): (usize, &Token<'s>)| {
        let is_word = token.text.starts_with(is_letter);
        let used = match before(tokens, index) {
            (".", "is") => return None,
            (_, "|") if is_word => Use::Filter,
            (_, "is") if is_word && token.text != "not" => Use::Test,
            ("is", "not") if is_word => Use::Test,
            (_, before) if before != "." && token.is_name() && text(tokens, index + 1) == "(" => Use::Function,
            _ => return None,
        };
        Some((used, token.text))
    };
    tokens.iter().enumerate().filter_map(used).collect()
}

/// Whether null is written out as one of the values, and not only in a test such as `is none` or a comparison.
pub(super) fn names_null(tokens: &[Token<'_>]) -> bool {
    let is_value = |(index, token): (usize, &Token<'_>)| {
        let is_compared = matches!(before(tokens, index), (_, "is" | "." | "==" | "!=") | ("is", "not"))
            || matches!(text(tokens, index + 1), "=" | "==" | "!=");
        matches!(token.text, "none" | "None") && !is_compared
    };
    tokens.iter().enumerate().any(is_value)
}

/// The path of an expression that is only a path: `a.b`, `a[0]`, `a['b c']`.
pub(super) fn path(tokens: &[Token<'_>]) -> Option<Vec<String>> {
    let first = tokens.first().filter(|first| first.is_name())?;
    let mut path = vec![first.text.to_owned()];
    let is_plain = go_down(tokens, 1, &mut path) == tokens.len() && tokens.iter().all(|t| !t.text.contains('\\'));
    is_plain.then_some(path)
}

/// The paths that an expression reads, such as `item.a['b c'][0]`; for filters that name a field of a list's elements,
/// with `*` for the element.
pub(super) fn paths(tokens: &[Token<'_>]) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if !is_read(tokens, at) {
            at += 1;
            continue;
        }
        let (mut begin, mut path) = (at, vec![text(tokens, at).to_owned()]);
        at = go_down(tokens, at + 1, &mut path);
        loop {
            let (more, end) = attributes(tokens, at, &path);
            found.extend(more);
            // A path in parentheses continues after them.
            let is_call = begin.checked_sub(2).and_then(|i| tokens.get(i)).is_some_and(|token| token.is_name());
            if is_call || before(tokens, begin).1 != "(" || text(tokens, end) != ")" {
                break;
            }
            begin -= 1;
            at = if end == at { go_down(tokens, end + 1, &mut path) } else { end + 1 };
        }
        found.push(path);
    }
    found
}

/// Whether a token reads a value: it is not a field, filter, test, function or argument name.
fn is_read(tokens: &[Token<'_>], at: usize) -> bool {
    let (second, first) = before(tokens, at);
    let next = text(tokens, at + 1);
    let is_argument = next == "=" && matches!(first, "(" | ",");
    let is_used = matches!(first, "." | "|" | "is") || (second, first) == ("is", "not") || next == "(";
    tokens.get(at).is_some_and(|token| token.is_name()) && !is_argument && !is_used
}

/// Follows fields and elements after a name; returns the position of their end.
fn go_down(tokens: &[Token<'_>], mut at: usize, path: &mut Vec<String>) -> usize {
    loop {
        let next = text(tokens, at + 1);
        let is_index = !next.is_empty() && next.bytes().all(|b| b.is_ascii_digit());
        let (step, length) = match (text(tokens, at), text(tokens, at + 2)) {
            (".", _) if next.starts_with(is_letter) => (next, 2),
            ("[", "]") if is_index => (next, 3),
            ("[", "]") if next.starts_with(['"', '\'']) => (unquoted(next), 3),
            _ => break,
        };
        path.push(step.to_owned());
        at += length;
    }
    if text(tokens, at) == "(" && path.len() > 1 {
        // A method of the value, not a field.
        path.pop();
    }
    at
}

/// Filters that keep a list's elements unchanged.
const KEEPING: [&str; 8] = ["selectattr", "rejectattr", "select", "reject", "sort", "unique", "list", "reverse"];

/// The fields that the filters after a value name, of it or of its elements; and the end of the filters that keep a
/// list's elements.
fn attributes(tokens: &[Token<'_>], mut at: usize, path: &[String]) -> (Vec<Vec<String>>, usize) {
    let mut found = Vec::new();
    while text(tokens, at) == "|" {
        let name = text(tokens, at + 1);
        let end = call_end(tokens, at + 2);
        let arguments = tokens.get(at + 3..end).unwrap_or_default();
        let first = text(arguments, 0);
        let named = arguments.iter().position(|t| t.text == "attribute").map(|i| text(arguments, i + 2));
        let (of, field) = match name {
            "selectattr" | "rejectattr" | "groupby" => (Some("*"), first),
            "attr" => (None, first),
            "map" if unquoted(first) == "attr" => (Some("*"), text(arguments, 2)),
            _ => (Some("*"), ""),
        };
        let field = named.unwrap_or(field);
        if field.starts_with(['"', '\'']) {
            let fields = unquoted(field).split(',').next().unwrap_or_default().split('.');
            found.push(path.iter().map(String::as_str).chain(of).chain(fields).map(str::to_owned).collect());
        }
        if !KEEPING.contains(&name) {
            break;
        }
        at = end;
    }
    (found, at)
}

/// The end of a filter's arguments, which may be none.
fn call_end(tokens: &[Token<'_>], from: usize) -> usize {
    let mut depth = 0_usize;
    for (index, token) in tokens.iter().enumerate().skip(from) {
        match token.text {
            "(" => depth += 1,
            ")" if depth == 1 => return index + 1,
            ")" => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return from;
        }
    }
    tokens.len()
}

fn unquoted(text: &str) -> &str {
    text.get(1..text.len().saturating_sub(1)).unwrap_or_default()
}

/// Filters that change the elements of a list.
const CHANGING: [&str; 15] = [
    "map", "groupby", "batch", "zip", "items", "dictsort", "join", "split", "attr", "tojson", "sum", "range", "dict",
    "{", "~",
];

/// The ids of the steps whose rows an expression passes on, if it only selects and sorts them.
pub(super) fn handed_on(tokens: &[Token<'_>], paths: &[Vec<String>]) -> Option<Vec<String>> {
    let is_changing = |(index, token): (usize, &Token<'_>)| {
        let is_plain = token.is_name() && before(tokens, index).1 != "|" && text(tokens, index + 1) != "(";
        CHANGING.contains(&token.text) && !is_plain
    };
    let steps = paths.iter().filter_map(|path| match path.as_slice() {
        [root, id, items] if root == "steps" && items == "items" => Some(id.clone()),
        _ => None,
    });
    let steps: Vec<String> = steps.collect();
    (!steps.is_empty() && !tokens.iter().enumerate().any(is_changing)).then_some(steps)
}
