//! Adds entries to the text of a definition file: everything that is there stays as it was written. Pure.

use crate::authoring::Format;
use crate::error::{Error, ErrorKind, Result};

/// A section of an operations file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Section {
    Records,
    Operations,
    /// The connections of a connections file.
    Connections,
}

impl Section {
    /// The key of the section.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Section::Records => "records",
            Section::Operations => "operations",
            Section::Connections => "connections",
        }
    }

    fn format(self) -> Format {
        match self {
            Section::Records | Section::Operations => Format::Operations,
            Section::Connections => Format::Connections,
        }
    }
}

/// Adds an entry, indented by two, at the end of its section. The file may be empty.
///
/// # Errors
/// `definition` when the section is written in a way to which nothing can be added.
pub(crate) fn add(text: &str, section: Section, entry: &str) -> Result<String> {
    let break_ = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    if lines.iter().all(|line| line.trim().is_empty()) {
        lines = vec![format!("version: {}", section.format().version())];
    }
    let head = format!("{}:", section.name());
    let is_top = |line: &str| !line.is_empty() && !line.starts_with([' ', '\t', '#', '-']);
    let at = match lines.iter().position(|line| line.starts_with(&head)) {
        Some(start) => {
            let value = lines.get(start).map(|line| line.split(" #").next().unwrap_or_default().trim_end().to_owned());
            if value.as_deref() != Some(head.as_str()) {
                let message = format!("`{head}` is written in one line, so nothing can be added to it");
                return Err(Error::new(ErrorKind::Definition, message)
                    .advise("write its entries on lines of their own, or name another file with --area"));
            }
            let next = lines.iter().skip(start + 1).position(|line| is_top(line)).map(|n| n + start + 1);
            end_of(&lines, start, next.unwrap_or(lines.len()))
        }
        // Records come first, as they are read first.
        None => {
            let before = lines.iter().position(|line| section == Section::Records && line.starts_with("operations:"));
            let end = end_of(&lines, 0, before.unwrap_or(lines.len()));
            lines.insert(end, head.clone());
            end + 1
        }
    };
    let indent = indent_of(&lines, &head);
    let added: Vec<String> = entry.lines().map(|line| indented(line, indent)).collect();
    lines.splice(at..at, added);
    Ok(lines.join(break_) + break_)
}

/// Adds a key with a plain value at the end of a file.
pub(crate) fn add_key(text: &str, line: &str) -> String {
    let break_ = if text.contains("\r\n") { "\r\n" } else { "\n" };
    format!("{}{break_}{line}{break_}", text.trim_end())
}

/// The end of a section: blank lines and comments before the next one belong to that.
fn end_of(lines: &[String], start: usize, next: usize) -> usize {
    let is_gap = |line: &String| line.trim().is_empty() || line.starts_with('#');
    let gap = lines.get(start..next).unwrap_or_default().iter().rev().take_while(|line| is_gap(line)).count();
    (next - gap).max(start)
}

/// The indent of the entries of a section.
fn indent_of(lines: &[String], head: &str) -> usize {
    let inside = lines.iter().skip_while(|line| !line.starts_with(head)).skip(1);
    let first = inside.take_while(|line| line.trim().is_empty() || line.starts_with([' ', '#']));
    let mut first = first.filter(|line| !line.trim().is_empty() && !line.trim_start().starts_with("#"));
    first.next().map_or(2, |line| line.len() - line.trim_start_matches(' ').len()).max(1)
}

fn indented(line: &str, indent: usize) -> String {
    match line.strip_prefix("  ") {
        Some(rest) => format!("{}{rest}", " ".repeat(indent)),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Section, add};

    #[test]
    fn everything_that_is_there_stays() {
        let text = "# mine\nversion: 1\nrecords:\n  A: { schema: {} }  # a\n\n# about operations\noperations:\n  a:\n    title: A\n\n  # the last\n  b:\n    title: B\n# end\n";
        let text = add(text, Section::Records, "  N:\n    schema: {}\n").unwrap();
        let text = add(&text, Section::Operations, "  n:\n    title: N\n").unwrap();
        assert_eq!(
            text,
            "# mine\nversion: 1\nrecords:\n  A: { schema: {} }  # a\n  N:\n    schema: {}\n\n# about operations\noperations:\n  a:\n    title: A\n\n  # the last\n  b:\n    title: B\n  n:\n    title: N\n# end\n"
        );
    }

    #[test]
    fn other_layouts_are_kept() {
        let added = add(
            "version: 1\r\noperations:\r\n    a:\r\n        title: A\r\n",
            Section::Operations,
            "  n:\n    title: N\n",
        );
        assert_eq!(
            added.unwrap(),
            "version: 1\r\noperations:\r\n    a:\r\n        title: A\r\n    n:\r\n      title: N\r\n"
        );
        assert!(add("operations: { a: {} }\n", Section::Operations, "  n: 1\n").is_err());
        let new = add("", Section::Operations, "  n: 1\n").unwrap();
        assert!(new.ends_with("operations:\n  n: 1\n"), "{new}");
        let new = add(&new, Section::Records, "  R: 1\n").unwrap();
        assert!(new.ends_with("records:\n  R: 1\noperations:\n  n: 1\n"), "{new}");
    }
}
