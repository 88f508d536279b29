//! The line of a file that has a fault, with the column for a caret. Reads each file once; hides values of connections files.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use crate::authoring::Document;
use crate::cli::screen::terminal_text;
use crate::error::Place;

/// Maximum length of an excerpt, in characters.
const SHOWN: usize = 140;

/// Keys of the format of connections files. Other deeper lines may continue a secret.
const KEYS: [&str; 8] = ["version", "connections", "connector", "account", "limits", "env", "file", "keyring"];

/// An excerpt of a line, and the position of the fault in it.
pub(crate) struct Excerpt {
    pub(crate) text: String,
    /// Columns before the caret.
    pub(crate) indent: usize,
}

/// Cache of the files that have faults.
#[derive(Default)]
pub(crate) struct FaultyFiles(HashMap<String, Option<FaultyFile>>);

/// A file and the byte ranges of its lines.
struct FaultyFile {
    text: String,
    lines: Vec<(usize, usize)>,
    /// Whether its values may be secrets.
    may_hold_secrets: bool,
    /// Indents of the `connector` keys.
    indents: BTreeSet<usize>,
    /// Position of the last excerpt: line, characters and bytes. Avoids scanning a long line again for each of its faults.
    last: (usize, usize, usize),
}

impl FaultyFiles {
    /// The excerpt for a place, if its file can be read; `room` is its maximum width.
    pub(crate) fn excerpt(&mut self, place: &Place, room: usize) -> Option<Excerpt> {
        let name = place.file.as_deref()?;
        let number = usize::try_from(place.line?).ok()?.checked_sub(1)?;
        let column = usize::try_from(place.column?).ok()?.saturating_sub(1);
        if !self.0.contains_key(name) {
            self.0.insert(name.to_owned(), FaultyFile::read(name));
        }
        self.0.get_mut(name)?.as_mut()?.excerpt(number, column, room.min(SHOWN))
    }
}

impl FaultyFile {
    fn excerpt(&mut self, number: usize, column: usize, room: usize) -> Option<Excerpt> {
        let (from, to) = *self.lines.get(number)?;
        let line = self.text.get(from..to)?.trim_end();
        if self.may_hold_secrets {
            let is_known = |key: &str| KEYS.contains(&key) || self.may_be_property(line);
            return cut(&key_alone(line, is_known)?, column, room);
        }
        // Only the part around the column is read; the search for it starts at the last excerpt.
        let start = column.saturating_sub(2 * room);
        let (seen, bytes) = match self.last {
            (last, seen, bytes) if last == number && seen <= start => (seen, bytes),
            _ => (0, 0),
        };
        let rest = line.get(bytes..)?;
        let skipped: usize = rest.chars().take(start - seen).map(char::len_utf8).sum();
        let part: String = rest.get(skipped..)?.chars().take(4 * room).collect();
        self.last = (number, start, bytes + skipped);
        cut(&part, column - start, room)
    }

    /// Whether a line is indented like a `connector` key: then it is a property, and not a part of a value over several lines.
    fn may_be_property(&self, line: &str) -> bool {
        let opens_connection = line.trim_end().ends_with([':', '{', '}']);
        let fits = |own: &usize| *own == indent(line) || *own > indent(line) && opens_connection;
        self.indents.is_empty() || self.indents.iter().any(fits)
    }

    fn read(name: &str) -> Option<FaultyFile> {
        let is_small = std::fs::metadata(Path::new(name))
            .is_ok_and(|m| m.is_file() && m.len() <= crate::authoring::yaml::BYTES_MAX as u64);
        let text = if is_small { std::fs::read_to_string(name).ok()? } else { return None };
        let text = text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text);
        let mut from = 0;
        let lines = text.split('\n').map(|line| {
            let at = from;
            from += line.len() + 1;
            (at, at + line.len())
        });
        Some(FaultyFile {
            lines: lines.collect(),
            may_hold_secrets: holds_connections(&text),
            indents: connector_indents(&text),
            text,
            last: (0, 0, 0),
        })
    }
}

/// Whether the file may contain connections, in any notation. A batch that names a connections file does not.
fn holds_connections(text: &str) -> bool {
    match Document::parse("", text, 0) {
        Ok(document) => document.to_value().get("connections").is_some_and(|value| !value.is_string()),
        Err(_) => text.contains("\"connections\"") || text.split(['\n', '\r']).any(opens_connections),
    }
}

/// Whether connections may start on this line: it has the key `connections`, and its value is not a file name.
fn opens_connections(line: &str) -> bool {
    let key = line.trim_start_matches(['\u{feff}', ' ', '\t', '{', '"', '\'']);
    let Some(rest) = key.strip_prefix("connections") else { return false };
    let value = rest.trim_start_matches(['"', '\'', ' ']).strip_prefix(':').map(str::trim).unwrap_or_default();
    !value.trim_matches(['"', '\'']).ends_with(".yaml") || value.contains(['{', ',', ' '])
}

fn connector_indents(text: &str) -> BTreeSet<usize> {
    let opens = |line: &&str| line.trim_start().trim_start_matches('"').starts_with("connector");
    text.lines().filter(opens).map(indent).collect()
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// Only the key at the start of a line, if it is known not to be part of a secret.
fn key_alone(line: &str, is_known: impl Fn(&str) -> bool) -> Option<String> {
    let rest = line.trim_start_matches([' ', '\t', '-', '{', '[', '"', '\'']);
    let name: &str = rest
        .split(|c: char| !c.is_alphanumeric() && !"_-.@".contains(c))
        .next()
        .filter(|name| !name.is_empty() && is_known(name))?;
    let behind = rest.get(name.len()..)?.trim_start_matches(['"', '\'', ' ']).strip_prefix(':')?;
    let shown = line.get(..line.len() - rest.len() + name.len())?;
    Some(if behind.trim().is_empty() { format!("{shown}:") } else { format!("{shown}: …") })
}

/// The part of a text around a column.
fn cut(text: &str, column: usize, room: usize) -> Option<Excerpt> {
    let length = text.chars().count();
    let column = column.min(length);
    let start = if length <= room { 0 } else { column.saturating_sub(room / 2) };
    let part: String = text.chars().skip(start).take(room).collect();
    let before: String = part.chars().take(column - start).collect();
    let show = |text: &str| terminal_text::safe(text).replace('\t', "    ");
    let (shown, before) = (show(&part), show(&before));
    let (left, right) = (if start > 0 { "…" } else { "" }, if start + room < length { "…" } else { "" });
    (!shown.trim().is_empty()).then(|| Excerpt {
        indent: terminal_text::width(&before) + left.chars().count(),
        text: format!("{left}{shown}{right}"),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Excerpt, FaultyFile, holds_connections};

    fn file(text: &str, may_hold_secrets: bool) -> FaultyFile {
        FaultyFile {
            text: text.to_owned(),
            lines: vec![(0, text.len())],
            may_hold_secrets,
            indents: BTreeSet::new(),
            last: (0, 0, 0),
        }
    }

    fn cut(line: &str, column: usize, may_hold_secrets: bool) -> Option<Excerpt> {
        file(line, may_hold_secrets).excerpt(0, column, 140)
    }

    #[test]
    fn the_caret_is_below_the_column() {
        let excerpt = cut("\té: { a: 1 }", 6, false).unwrap();
        assert_eq!((excerpt.text.as_str(), excerpt.indent), ("    é: { a: 1 }", 9));
    }

    #[test]
    fn long_lines_are_cut_around_the_column() {
        let line = format!("{}X{}Y{}", "é".repeat(1000), "b".repeat(200), "c".repeat(1000));
        let mut file = file(&line, false);
        for (column, letter) in [(1000, 'X'), (1201, 'Y'), (1201, 'Y'), (1000, 'X'), (3, 'é'), (2201, 'c')] {
            let excerpt = file.excerpt(0, column, 140).unwrap();
            assert_eq!(excerpt.text.chars().nth(excerpt.indent.min(141)).unwrap_or('c'), letter, "{column}");
            assert!(excerpt.text.chars().count() <= 142);
        }
    }

    #[test]
    fn values_that_may_be_secrets_are_hidden() {
        let cut = |line, column| cut(line, column, true);
        let excerpt = cut("    password: hunter2", 14).unwrap();
        assert_eq!((excerpt.text.as_str(), excerpt.indent), ("    password: …", 14));
        assert_eq!(cut("    acme: { password: hunter2 }", 24).unwrap().text, "    acme: …");
        assert_eq!(cut("    password:hunter2", 14).unwrap().text, "    password: …");
        assert_eq!(cut("  \"password\":\"hunter2\" \"x\"", 14).unwrap().text, "  \"password: …");
        assert_eq!(cut("    password:", 14).unwrap().text, "    password:");
        for line in ["      hunter2", "- hunter2", "{ hunter2 }"] {
            assert!(cut(line, 4).is_none(), "{line}");
        }
    }

    #[test]
    fn lines_that_may_continue_a_secret_are_hidden() {
        let shown = |line: &str| {
            let text = format!("  a:\n    connector: depot\n{line}");
            let lines = vec![(0, 4), (5, 25), (26, text.len())];
            let mut file =
                FaultyFile { text, lines, may_hold_secrets: true, indents: BTreeSet::from([4]), last: (0, 0, 0) };
            file.excerpt(2, 4, 140).map(|excerpt| excerpt.text)
        };
        assert_eq!(shown("    apiKey: x").as_deref(), Some("    apiKey: …"));
        assert_eq!(shown("      env: x").as_deref(), Some("      env: …"));
        assert_eq!(shown("  b: { apiKey: x }").as_deref(), Some("  b: …"));
        for line in ["      hunter2: x", "      hunter2:x", "   hunter2: x"] {
            assert_eq!(shown(line), None, "{line}");
        }
    }

    #[test]
    fn connections_are_detected_in_any_notation() {
        for text in [
            "\u{feff}connections:\n",
            "version: 1\n\"connections\":\n",
            "connections :\n",
            "{\"version\":1,\"connections\":{}}",
            "a: 1\rconnections:\r",
            "steps: []\nconnections: { a: { password: x } }\n",
            "connections: { a: { password: x.yaml } }\n[",
            "connections: &all x.yaml\n[",
            "connections:\n  a:\n   [",
        ] {
            assert!(holds_connections(text), "{text:?}");
        }
        for text in [
            "operations:\n  a: { title: connections }\n",
            "connections: connections.yaml\nsteps: []\n",
            "connections: \"my.yaml\"\nsteps:\n  - {{\n",
        ] {
            assert!(!holds_connections(text), "{text:?}");
        }
    }
}
