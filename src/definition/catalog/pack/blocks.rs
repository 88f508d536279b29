//! The keys of an entry and their values by lines: simple texts are read here, others by the YAML reader. Pure.

use std::borrow::Cow;

use serde_json::Value;

use super::super::slice::key_of;
use crate::authoring::Document;

/// A key of an entry with the lines of its value.
pub(super) struct Block<'t> {
    pub(super) key: &'t str,
    value: &'t str,
    lines: &'t str,
    /// Whether its value goes on after its first line.
    is_long: bool,
}

impl<'t> Block<'t> {
    pub(super) fn text(&self) -> Option<Cow<'t, str>> {
        if !self.is_long
            && let Some(text) = simple(self.value)
        {
            return Some(text);
        }
        match self.parsed()? {
            Value::String(text) => Some(Cow::Owned(text)),
            _ => None,
        }
    }

    /// Whether its value is a map, and not null.
    pub(super) fn is_map(&self) -> Option<bool> {
        match self.parsed()? {
            Value::Object(_) => Some(true),
            Value::Null => Some(false),
            _ => None,
        }
    }

    fn parsed(&self) -> Option<Value> {
        Document::parse("", self.lines, 0).ok()?.to_value().get_mut(self.key).map(Value::take)
    }
}

/// The keys of an entry in their order; `None` for lines that are not laid out as keys of one depth.
pub(super) struct Blocks<'t> {
    rest: &'t str,
    indent: usize,
}

impl<'t> Blocks<'t> {
    pub(super) fn of(text: &'t str) -> Option<Blocks<'t>> {
        let first = text.lines().find(|line| is_content(line))?;
        Some(Blocks { rest: text, indent: indent(first) })
    }

    fn next_block(&mut self) -> Option<Option<Block<'t>>> {
        let mut lines = self.rest.split_inclusive('\n').scan(0, |at, line| {
            let start = *at;
            *at += line.len();
            Some((start, line))
        });
        let (start, head) = lines.find(|(_, line)| is_content(line))?;
        if indent(head) != self.indent {
            return Some(None);
        }
        let mut is_long = false;
        let mut end = self.rest.len();
        for (at, line) in lines.filter(|(_, line)| is_content(line)) {
            if indent(line) <= self.indent {
                end = at;
                break;
            }
            is_long = true;
        }
        let (lines, rest) = (self.rest.get(start..end)?, self.rest.get(end..)?);
        self.rest = rest;
        Some(key_of(head.trim()).map(|(key, value)| Block { key, value, lines, is_long }))
    }
}

impl<'t> Iterator for Blocks<'t> {
    type Item = Option<Block<'t>>;

    fn next(&mut self) -> Option<Option<Block<'t>>> {
        self.next_block()
    }
}

/// Neither blank nor a comment; in a text such lines are deeper than its key, and do not end it.
fn is_content(line: &str) -> bool {
    let line = line.trim_start_matches(' ').trim_end();
    !line.is_empty() && !line.starts_with('#')
}

fn indent(line: &str) -> usize {
    line.bytes().take_while(|byte| *byte == b' ').count()
}

/// Words that are not a text without quotes.
const NO_TEXT: [&str; 11] = ["null", "true", "false", "yes", "no", "on", "off", "y", "n", "nan", "inf"];

/// A text on one line without escapes; `None` if it needs the YAML reader.
pub(super) fn simple(value: &str) -> Option<Cow<'_, str>> {
    let odd = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}'..='\u{ffff}');
    if value.chars().any(odd) {
        return None;
    }
    let within = |quote: char| value.strip_prefix(quote)?.strip_suffix(quote);
    if let Some(inner) = within('\'') {
        let plain = inner.replace("''", "");
        return (!plain.contains('\'')).then(|| Cow::Owned(inner.replace("''", "'")));
    }
    if let Some(inner) = within('"') {
        return (!inner.contains(['"', '\\'])).then_some(Cow::Borrowed(inner));
    }
    let is_plain = value.starts_with(|c: char| c.is_ascii_alphabetic())
        && !value.ends_with(':')
        && !value.contains(": ")
        && !value.contains(" #")
        && !NO_TEXT.iter().any(|word| word.eq_ignore_ascii_case(value));
    is_plain.then_some(Cow::Borrowed(value))
}
