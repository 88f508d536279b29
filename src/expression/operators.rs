//! Operators with rules of their own. The language has no hook for operators, so each operand with a rule gets a filter behind it that hands it on or refuses it.
//!
//! `~` has no place for null, `*` is for numbers, and `in` looks at the fields that a record has.

use super::lexer::Token;

/// Filters of the operands, which no author can name: they are not on the list.
pub(super) const TEXT: &str = "opnode_text";
pub(super) const NUMBER: &str = "opnode_number";
pub(super) const CONTAINER: &str = "opnode_container";

/// A right side that has no end yet.
struct Open {
    /// Within how many brackets.
    depth: usize,
    has_begun: bool,
    filter: &'static str,
}

/// The same expression with its operands filtered.
pub(super) fn with_rules(source: &str, tokens: &[Token<'_>]) -> String {
    let mut out = String::new();
    let mut done = 0;
    for (at, filter) in operands(tokens, source.len()) {
        out.push_str(source.get(done..at).unwrap_or_default());
        out.push_str(&format!(" | {filter} "));
        done = at;
    }
    out.push_str(source.get(done..).unwrap_or_default());
    out
}

/// Where operands end, each with its filter.
fn operands(tokens: &[Token<'_>], end: usize) -> Vec<(usize, &'static str)> {
    let mut places = Vec::new();
    let mut open: Vec<Open> = Vec::new();
    let mut depth = 0_usize;
    let mut before = "";
    for Token { at, text } in tokens.iter().copied() {
        if let Some(ended) = open.pop_if(|o| o.depth == depth && o.has_begun && ends_operand(text, before)) {
            places.push((at, ended.filter));
        } else if let Some(last) = open.last_mut().filter(|o| o.depth == depth) {
            last.has_begun |= text != "-";
        }
        match text {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth = depth.saturating_sub(1),
            "in" if before != "." => open.push(Open { depth, has_begun: false, filter: CONTAINER }),
            // Arguments from a list.
            "*" if matches!(before, "(" | ",") => {}
            "*" | "~" => {
                let filter = if text == "*" { NUMBER } else { TEXT };
                // The left side may have it already, as the right side of the operator before.
                if places.last() != Some(&(at, filter)) {
                    places.push((at, filter));
                }
                open.push(Open { depth, has_begun: false, filter });
            }
            _ => {}
        }
        before = text;
    }
    places.extend(open.iter().map(|o| (end, o.filter)));
    places
}

/// Whether a token cannot belong to the right side of an operator any more.
fn ends_operand(token: &str, before: &str) -> bool {
    match token {
        "*" | "/" | "//" | "%" | "+" | "-" | "~" | "<" | ">" | "<=" | ">=" | "==" | "!=" | "=" | "!" | "," | ":"
        | ")" | "]" | "}" => true,
        "and" | "or" | "if" | "else" | "in" | "not" | "is" => before != ".",
        _ => false,
    }
}
