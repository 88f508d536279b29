//! Operators with added rules. The language has no hook for operators, so each operand with a rule gets a filter that
//! passes it on or refuses it.
//!
//! `~` refuses null, `*` is for numbers only, and `in` tests the field names of a record.

use super::lexer::Token;

/// Filters of the operands; they are not on the allow-list, so authors cannot use them.
pub(super) const TEXT: &str = "opnode_text";
pub(super) const NUMBER: &str = "opnode_number";
pub(super) const CONTAINER: &str = "opnode_container";

/// A right side whose end is not found yet.
struct OpenBracket {
    /// Its bracket depth.
    depth: usize,
    has_begun: bool,
    filter: &'static str,
}

/// The same expression with filters on its operands.
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

/// The ends of operands, each with its filter.
fn operands(tokens: &[Token<'_>], end: usize) -> Vec<(usize, &'static str)> {
    let mut places = Vec::new();
    let mut open: Vec<OpenBracket> = Vec::new();
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
            "in" if before != "." => open.push(OpenBracket { depth, has_begun: false, filter: CONTAINER }),
            // Arguments from a list.
            "*" if matches!(before, "(" | ",") => {}
            "*" | "~" => {
                let filter = if text == "*" { NUMBER } else { TEXT };
                // The left side may already have it, as the right side of the operator before.
                if places.last() != Some(&(at, filter)) {
                    places.push((at, filter));
                }
                open.push(OpenBracket { depth, has_begun: false, filter });
            }
            _ => {}
        }
        before = text;
    }
    places.extend(open.iter().map(|o| (end, o.filter)));
    places
}

/// Whether a token ends the right side of an operator.
fn ends_operand(token: &str, before: &str) -> bool {
    match token {
        "*" | "/" | "//" | "%" | "+" | "-" | "~" | "<" | ">" | "<=" | ">=" | "==" | "!=" | "=" | "!" | "," | ":"
        | ")" | "]" | "}" => true,
        "and" | "or" | "if" | "else" | "in" | "not" | "is" => before != ".",
        _ => false,
    }
}
