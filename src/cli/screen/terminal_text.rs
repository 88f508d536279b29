//! Text that is safe on a terminal and fits its width. Pure.
//!
//! Text from remote systems and files is untrusted: a terminal must never interpret it.

use std::borrow::Cow;
use std::fmt::Write as _;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::JobState;

/// Whether a terminal might interpret a character: controls, and marks that change the writing direction.
fn is_active(c: char) -> bool {
    (c.is_control() && c != '\n' && c != '\t')
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// Whether each byte is a printable character of one column. Most texts are; a long list is mostly their checks.
fn is_printable_ascii(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

/// The text with every active character escaped, such as `\u{1b}`.
pub(crate) fn safe(text: &str) -> Cow<'_, str> {
    if is_printable_ascii(text) || !text.chars().any(is_active) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_active(c) {
            // Writing to a String cannot fail.
            let _ok = write!(out, "\\u{{{:x}}}", u32::from(c));
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// The text on one line.
pub(crate) fn one_line(text: &str) -> Cow<'_, str> {
    match safe(text) {
        Cow::Borrowed(text) if !text.contains(['\n', '\t']) => Cow::Borrowed(text),
        text => Cow::Owned(text.replace("\r\n", " ").replace(['\n', '\t'], " ")),
    }
}

/// JSON text with every active character as a JSON escape; they occur inside strings only.
pub(crate) fn safe_json(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_active) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_active(c) {
            let _ok = write!(out, "\\u{:04x}", u32::from(c));
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// Width of the text in columns.
pub(crate) fn width(text: &str) -> usize {
    if is_printable_ascii(text) { text.len() } else { text.width() }
}

/// The text cut to a number of columns, ending with `…` if it was cut.
pub(crate) fn fit(text: &str, columns: usize) -> Cow<'_, str> {
    if width(text) <= columns {
        return Cow::Borrowed(text);
    }
    let mut used = 0;
    let mut out = String::new();
    for c in text.chars() {
        used += c.width().unwrap_or(0);
        if used > columns.saturating_sub(1) {
            break;
        }
        out.push(c);
    }
    if columns > 0 {
        out.push('…');
    }
    Cow::Owned(out)
}

/// Columns of a space and `…`.
const ELLIPSIS: usize = 2;

/// The text cut between words to a number of columns, ending with `…` if it was cut.
pub(crate) fn fit_words(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mut kept = String::new();
    for word in text.split_inclusive(' ') {
        if width(&kept) + width(word.trim_end()) + ELLIPSIS > columns {
            break;
        }
        kept.push_str(word);
    }
    kept + "…"
}

/// The text in lines of at most `columns`, broken at spaces.
pub(crate) fn wrap(text: &str, columns: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        let mut line = String::new();
        for word in paragraph.split_whitespace() {
            if !line.is_empty() && width(&line) + 1 + width(word) > columns {
                lines.push(std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        lines.push(line);
    }
    lines
}

/// The text in lines of at most `columns`, broken between words; continuation lines are indented. Commands in backticks stay on one line if they fit,
/// and words are never broken. Colour codes have no width.
pub(crate) fn fold(text: &str, columns: usize) -> String {
    text.lines()
        .map(|line| if visible(line) <= columns { line.to_owned() } else { fold_line(line, columns) } + "\n")
        .collect()
}

fn fold_line(line: &str, columns: usize) -> String {
    let words = line.trim_start();
    let indent = line.len() - words.len();
    let (mut out, mut used) = (" ".repeat(indent), indent);
    let mut is_first = true;
    for piece in pieces(words, columns.saturating_sub(indent + CONTINUATION)) {
        let wide = visible(piece);
        if !is_first && used + 1 + wide > columns {
            out.push('\n');
            out.push_str(&" ".repeat(indent + CONTINUATION));
            used = indent + CONTINUATION;
        } else if !is_first {
            out.push(' ');
            used += 1;
        }
        out.push_str(piece);
        used += wide;
        is_first = false;
    }
    out
}

/// Indent of continuation lines.
const CONTINUATION: usize = 2;

/// Words; text in backticks that fits on a line is one piece.
fn pieces(text: &str, columns: usize) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let word = rest.find(' ').unwrap_or(rest.len());
        let opens = rest.get(..word).is_some_and(|word| word.matches('`').count() % 2 == 1);
        let closed = rest.get(word..).and_then(|behind| behind.find('`')).map(|at| word + at);
        let whole = closed.map(|at| rest.get(at..).and_then(|tail| tail.find(' ')).map_or(rest.len(), |end| at + end));
        let fits = |end: &usize| rest.get(..*end).is_some_and(|piece| visible(piece) <= columns);
        let end = whole.filter(|_| opens).filter(fits).unwrap_or(word);
        pieces.extend(rest.get(..end));
        rest = rest.get(end..).unwrap_or_default().trim_start_matches(' ');
    }
    pieces
}

/// Width of the text without its colour codes.
fn visible(text: &str) -> usize {
    let mut parts = text.split("\u{1b}[");
    let first = parts.next().unwrap_or_default();
    width(first) + parts.map(|part| part.split_once('m').map_or(0, |(_, behind)| width(behind))).sum::<usize>()
}

/// `1 item`, `2 items`.
pub(crate) fn count(n: u64, one: &str) -> String {
    match n {
        1 => format!("1 {one}"),
        n => format!("{} {one}s", thousands(n)),
    }
}

/// `12,345`.
pub(crate) fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// `waits for a job, 40 %, asked 3 times`.
pub(crate) fn job(state: &JobState) -> String {
    let progress = state.progress.as_deref().map(|text| format!(", {}", one_line(text))).unwrap_or_default();
    format!("waits for a job{progress}, asked {}", count(state.polls, "time"))
}

#[cfg(test)]
mod tests {
    use super::{fit, fit_words, fold, one_line, safe, safe_json, thousands, wrap};

    #[test]
    fn escape_sequences_are_made_visible() {
        assert_eq!(safe("a\u{1b}[31mred\u{9b}x\u{202e}"), "a\\u{1b}[31mred\\u{9b}x\\u{202e}");
        assert_eq!(one_line("a\nb\tc\r\nd"), "a b c\\u{d} d");
        assert_eq!(safe_json("\"\u{9b}\""), "\"\\u009b\"");
        assert_eq!(safe("plain é 漢"), "plain é 漢");
    }

    #[test]
    fn text_is_cut_by_columns() {
        assert_eq!(fit("漢字漢字", 5), "漢字…");
        assert_eq!(fit("abc", 3), "abc");
        assert_eq!(fit("abcd", 3), "ab…");
        assert_eq!(wrap("aa bb cc", 5), ["aa bb", "cc"]);
        assert_eq!(fit_words("aa bb cc", 7), "aa bb …");
        assert_eq!(thousands(1_234_567), "1,234,567");
    }

    #[test]
    fn lines_wrap_between_words_and_commands_stay_together() {
        assert_eq!(fold("note: one two three", 14), "note: one two\n  three\n");
        assert_eq!(fold("  help: use `a b c` now", 16), "  help: use\n    `a b c` now\n");
        assert_eq!(fold("a `b c d e f g h i` j", 10), "a `b c d e\n  f g h i`\n  j\n");
        assert_eq!(fold("\u{1b}[2mnote:\u{1b}[0m abc", 9), "\u{1b}[2mnote:\u{1b}[0m abc\n");
        assert_eq!(fold("see https://example.com/a/long/one", 10), "see\n  https://example.com/a/long/one\n");
        assert_eq!(fold("a\n\nb", 10), "a\n\nb\n");
    }
}
