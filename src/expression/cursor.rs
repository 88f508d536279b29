//! The tokens that the parser reads, and its messages about unexpected ones.

use std::ops::Range;

use super::lexer::Token;
use super::library::call::{Tool, ToolKind, find};
use super::library::{FILTERS, TESTS};
use super::tree::{ExprLiteral, ExprNode, NodeKind};
use super::work::compile;

/// Why an expression is invalid: message and advice.
pub(crate) type Wrong = (String, Option<String>);

pub(super) type Parsed<T> = std::result::Result<T, Wrong>;

/// The tokens of an expression, and how many of them are read.
pub(super) struct ExprParser<'s> {
    pub(super) source: &'s str,
    pub(super) tokens: Vec<Token<'s>>,
    pub(super) at: usize,
}

/// A message that follows the source.
pub(super) fn invalid<T>(why: &str) -> Parsed<T> {
    Err((format!(" is not an expression: {why}"), None))
}

impl<'s> ExprParser<'s> {
    pub(super) fn ahead(&self, by: usize) -> &'s str {
        self.tokens.get(self.at + by).map_or("", |token| token.text)
    }

    pub(super) fn peek(&self) -> &'s str {
        self.ahead(0)
    }

    pub(super) fn next(&mut self) -> &'s str {
        let token = self.peek();
        self.at += 1;
        token
    }

    pub(super) fn take(&mut self, text: &str) -> bool {
        let is_next = self.peek() == text;
        self.at += usize::from(is_next);
        is_next
    }

    pub(super) fn expect(&mut self, text: &str) -> Parsed<()> {
        if self.take(text) { Ok(()) } else { Err(self.unexpected(self.peek())) }
    }

    /// Where the next token begins.
    pub(super) fn here(&self) -> usize {
        self.tokens.get(self.at).map_or(self.source.len(), |token| token.at)
    }

    /// The place from a position up to the last token.
    pub(super) fn since(&self, from: usize) -> Range<usize> {
        let end = self.at.checked_sub(1).and_then(|at| self.tokens.get(at));
        from..end.map_or(from, |token| token.at + token.text.len())
    }

    pub(super) fn node(&self, from: usize, kind: NodeKind) -> ExprNode {
        ExprNode { at: self.since(from), kind }
    }

    pub(super) fn unexpected(&self, found: &str) -> Wrong {
        let advice = match found {
            "" => "operators need a value on both sides, and brackets are closed",
            "&" | "|" if self.ahead(1) == found => "conditions are joined with `and` and `or`",
            "!" => "write `not` before a condition",
            "=" => "values are compared with ==",
            "?" => "write ?. before a field, ?[ before a key, or ? at the end of the expression",
            "*" | "**" if self.begins_arguments() => "arguments from a list or an object are not supported",
            _ if self.is_after_text() => "join conditions with `and` and `or`, texts with `~`",
            _ => "operators need a value on both sides, and text is in quotes: ${{ item.name == 'text' }}",
        };
        let what = if found.is_empty() { "it ends too early".to_owned() } else { format!("unexpected `{found}`") };
        (format!(" is not an expression: {what}"), Some(advice.to_owned()))
    }

    fn begins_arguments(&self) -> bool {
        let before = self.at.checked_sub(1).and_then(|at| self.tokens.get(at));
        before.is_some_and(|token| matches!(token.text, "(" | ","))
    }

    fn is_after_text(&self) -> bool {
        let before = self.at.checked_sub(1).and_then(|at| self.tokens.get(at));
        before.is_some_and(|token| token.text.starts_with(['"', '\'']))
    }
}

/// ExprLiteral arguments that can be checked before anything runs: regular expressions, and the filters and tests of lists.
pub(super) fn check_literals(tool: &Tool, values: &[ExprNode]) -> Parsed<()> {
    let literal = |at: usize| match values.get(at).map(|node| &node.kind) {
        Some(NodeKind::Literal(ExprLiteral::Text(text))) => Some(text),
        _ => None,
    };
    let (kind, tools, name) = match tool.name {
        "matches" | "regex_find" | "regex_find_all" | "regex_replace" => {
            let Some(pattern) = literal(0) else { return Ok(()) };
            return match compile(pattern) {
                Ok(_) => Ok(()),
                Err(e) => Err((format!(": {}", e.message), e.advice.as_ref().map(ToString::to_string))),
            };
        }
        "map" => (ToolKind::Filter, FILTERS, literal(0)),
        "select" | "reject" => (ToolKind::Test, TESTS, literal(0)),
        "selectattr" | "rejectattr" => (ToolKind::Test, TESTS, literal(1)),
        _ => return Ok(()),
    };
    match name.map(|name| find(kind, tools, name)) {
        Some(Err((message, advice))) => Err((format!(": {message}"), advice)),
        Some(Ok(_)) | None => Ok(()),
    }
}
