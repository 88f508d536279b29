//! The line of a file that a fault is about, with a caret. Reads the file; shows no values of a connections file.

use std::path::Path;

use crate::cli::screen::terminal_text;
use crate::error::Place;

/// Longest part of a line that is shown, in characters.
const SHOWN: usize = 140;

/// A line and where in it the fault is.
pub(crate) struct Excerpt {
    pub(crate) text: String,
    /// Blanks before the caret.
    pub(crate) indent: usize,
}

/// The excerpt for a place, when its file can be read.
pub(crate) fn excerpt(place: &Place) -> Option<Excerpt> {
    let path = Path::new(place.file.as_deref()?);
    let number = usize::try_from(place.line?).ok()?.checked_sub(1)?;
    let small =
        std::fs::metadata(path).is_ok_and(|m| m.is_file() && m.len() <= crate::authoring::yaml::BYTES_MAX as u64);
    let text = if small { std::fs::read_to_string(path).ok()? } else { return None };
    let secretive = holds_connections(&text);
    let line = text.strip_prefix('\u{feff}').unwrap_or(&text).split('\n').nth(number)?;
    let column = usize::try_from(place.column?).ok()?.saturating_sub(1);
    cut(line.trim_end(), column, secretive)
}

/// Whether it may be a connections file, however it is written.
fn holds_connections(text: &str) -> bool {
    let opens =
        |line: &str| line.trim_start_matches(['\u{feff}', ' ', '\t', '{', '"', '\'']).starts_with("connections");
    text.contains("\"connections\"") || text.split(['\n', '\r']).any(opens)
}

/// The key that a line begins with, and nothing else of it.
fn key_alone(line: &str) -> Option<String> {
    let rest = line.trim_start_matches([' ', '\t', '-', '{', '[', '"', '\'']);
    let name: &str =
        rest.split(|c: char| !c.is_alphanumeric() && !"_-.@".contains(c)).next().filter(|name| !name.is_empty())?;
    let behind = rest.get(name.len()..)?.trim_start_matches(['"', '\'', ' ']).strip_prefix(':')?;
    let shown = line.get(..line.len() - rest.len() + name.len())?;
    Some(if behind.trim().is_empty() { format!("{shown}:") } else { format!("{shown}: …") })
}

/// The part of the line around the column; behind the key nothing, when values may be secrets.
fn cut(line: &str, column: usize, secretive: bool) -> Option<Excerpt> {
    let shown = if secretive { key_alone(line)? } else { line.to_owned() };
    let length = shown.chars().count();
    let column = column.min(length);
    let start = if length <= SHOWN { 0 } else { column.saturating_sub(SHOWN / 2) };
    let part: String = shown.chars().skip(start).take(SHOWN).collect();
    let before: String = part.chars().take(column - start).collect();
    let show = |text: &str| terminal_text::safe(text).replace('\t', "    ");
    let (text, before) = (show(&part), show(&before));
    let (left, right) = (if start > 0 { "…" } else { "" }, if start + SHOWN < length { "…" } else { "" });
    (!text.trim().is_empty()).then(|| Excerpt {
        indent: terminal_text::width(&before) + left.chars().count(),
        text: format!("{left}{text}{right}"),
    })
}

#[cfg(test)]
mod tests {
    use super::{cut, holds_connections};

    #[test]
    fn the_caret_stands_under_the_column() {
        let excerpt = cut("\té: { a: 1 }", 6, false).unwrap();
        assert_eq!((excerpt.text.as_str(), excerpt.indent), ("    é: { a: 1 }", 9));
    }

    #[test]
    fn long_lines_are_cut_around_the_column() {
        let line = format!("{}X{}", "a".repeat(1000), "b".repeat(1000));
        let excerpt = cut(&line, 1000, false).unwrap();
        assert_eq!(excerpt.text.chars().nth(excerpt.indent), Some('X'));
        assert!(excerpt.text.chars().count() <= 142);
    }

    #[test]
    fn values_that_may_be_secrets_stay_out() {
        let excerpt = cut("    password: hunter2", 14, true).unwrap();
        assert_eq!((excerpt.text.as_str(), excerpt.indent), ("    password: …", 14));
        assert_eq!(cut("    acme: { password: hunter2 }", 24, true).unwrap().text, "    acme: …");
        assert_eq!(cut("    password:hunter2", 14, true).unwrap().text, "    password: …");
        assert_eq!(cut("  \"password\":\"hunter2\" \"x\"", 14, true).unwrap().text, "  \"password: …");
        assert_eq!(cut("    password:", 14, true).unwrap().text, "    password:");
        for line in ["      hunter2", "- hunter2", "{ hunter2 }"] {
            assert!(cut(line, 4, true).is_none(), "{line}");
        }
    }

    #[test]
    fn a_connections_file_is_known_however_it_is_written() {
        for text in [
            "\u{feff}connections:\n",
            "version: 1\n\"connections\":\n",
            "connections :\n",
            "{\"version\":1,\"connections\":{}}",
            "a: 1\rconnections:\r",
        ] {
            assert!(holds_connections(text), "{text:?}");
        }
        assert!(!holds_connections("operations:\n  a: { title: connections }\n"));
    }
}
