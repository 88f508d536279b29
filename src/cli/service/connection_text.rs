//! Edits of the text of a connections file: everything that is there stays as it was written. Pure.

use serde_json::Value;

use crate::draft::{Section, add_entry};
use crate::error::{Error, ErrorKind, Result};

/// A connection as it is written: keys with values as YAML; without a value, that of the text stays.
pub(super) type WrittenKeys = Vec<(String, Option<String>)>;

/// The text with a connection: a new one, or one that has another name or other values. `known` are the keys that the form
/// has; those that `keys` does not have are removed, and all others stay.
///
/// # Errors
/// `unsupported` when the connection is written in a way that cannot be edited line by line.
pub(super) fn with_connection(
    text: &str,
    before: Option<&str>,
    name: &str,
    (keys, known): (&WrittenKeys, &[String]),
) -> Result<String> {
    let Some(before) = before else {
        let given = keys.iter().filter_map(|(key, value)| Some((key, value.as_ref()?)));
        let lines: String = given.map(|(key, value)| format!("    {key}: {value}\n")).collect();
        return add_entry(text, Section::Connections, &format!("  {}:\n{lines}", yaml_text(name)));
    };
    let break_ = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let block = ConnectionLines::find(&lines, before)?;
    let mut own: Vec<String> = lines.get(block.first + 1..block.end).unwrap_or_default().to_vec();
    for key in known.iter().filter(|key| !keys.iter().any(|(name, _)| name == *key)) {
        if let Some((first, end)) = block.key(&own, key) {
            own.drain(first..end);
        }
    }
    for (key, value) in keys.iter().filter_map(|(key, value)| Some((key, value.as_ref()?))) {
        match block.key(&own, key) {
            Some((first, end)) => {
                let note = own.get(first).and_then(|line| comment(line)).unwrap_or_default();
                let line = format!("{}{key}: {value}{note}", " ".repeat(block.inner));
                let is_same =
                    own.get(first).is_some_and(|line| value_of(line) == Some(value.as_str())) && end == first + 1;
                if !is_same {
                    own.splice(first..end, [line]);
                }
            }
            None => own.push(format!("{}{key}: {value}", " ".repeat(block.inner))),
        }
    }
    if let Some(head) = lines.get_mut(block.first).filter(|_| before != name) {
        let note = comment(head).unwrap_or_default();
        *head = format!("{}{}:{note}", " ".repeat(block.indent), yaml_text(name));
    }
    lines.splice(block.first + 1..block.end, own);
    Ok(lines.join(break_) + break_)
}

/// The text without a connection.
///
/// # Errors
/// As [`with_connection`].
pub(super) fn without_connection(text: &str, name: &str) -> Result<String> {
    let break_ = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let block = ConnectionLines::find(&lines, name)?;
    lines.drain(block.first..block.end);
    let left = lines.iter().any(|line| line.starts_with([' ', '\t']) && !line.trim_start().starts_with('#'));
    if !left && let Some(head) = lines.iter_mut().find(|line| line.trim_end() == "connections:") {
        "connections: {}".clone_into(head);
    }
    Ok(lines.join(break_) + break_)
}

/// A text as YAML.
pub(super) fn yaml_text(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let is_word = text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.chars().all(is_plain);
    let is_other =
        ["true", "false", "null", "yes", "no", "on", "off", "y", "n"].contains(&text.to_lowercase().as_str());
    if is_word && !is_other { text.to_owned() } else { Value::from(text).to_string() }
}

/// The lines of a connection.
struct ConnectionLines {
    first: usize,
    end: usize,
    indent: usize,
    /// The indent of its keys.
    inner: usize,
}

impl ConnectionLines {
    fn find(lines: &[String], name: &str) -> Result<ConnectionLines> {
        let cannot = |why: &str| {
            Error::new(ErrorKind::Unsupported, format!("the connection {name} {why}"))
                .advise("edit it in the text of the connections file")
        };
        let section = lines.iter().position(|line| line.trim_end() == "connections:");
        let section = section.ok_or_else(|| cannot("is not written on lines of its own"))?;
        let inside = |line: &String| line.trim().is_empty() || line.starts_with([' ', '\t', '#']);
        let after = lines.iter().enumerate().skip(section + 1).take_while(|(_, line)| inside(line));
        let found = after.filter(|(_, line)| key_of(line).as_deref() == Some(name)).map(|(at, _)| at).next();
        let first = found.ok_or_else(|| cannot("is not written on lines of its own"))?;
        let head = lines.get(first).map(String::as_str).unwrap_or_default();
        if value_of(head).is_some_and(|value| !value.is_empty()) {
            return Err(cannot("is written in one line"));
        }
        let indent = indent_of(head);
        let is_own = |line: &String| line.trim().is_empty() || indent_of(line) > indent;
        let whole = lines.iter().skip(first + 1).take_while(|line| is_own(line)).count();
        // Blank lines and comments at its end belong to what follows.
        let is_gap = |line: &String| line.trim().is_empty() || line.trim_start().starts_with('#');
        let end = first + 1 + whole;
        let gap = lines.get(first + 1..end).unwrap_or_default().iter().rev().take_while(|line| is_gap(line)).count();
        let end = end - gap;
        let inner = lines.get(first + 1..end).unwrap_or_default().iter().find(|line| !is_gap(line));
        let inner = inner.map_or(indent + 2, |line| indent_of(line));
        Ok(ConnectionLines { first, end, indent, inner })
    }

    /// The lines of a key, with those of its value.
    fn key(&self, own: &[String], name: &str) -> Option<(usize, usize)> {
        let first =
            own.iter().position(|line| indent_of(line) == self.inner && key_of(line).as_deref() == Some(name))?;
        let more =
            own.iter().skip(first + 1).take_while(|line| indent_of(line) > self.inner && !line.trim().is_empty());
        Some((first, first + 1 + more.count()))
    }
}

fn indent_of(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

/// The key of a line, without quotes.
fn key_of(line: &str) -> Option<String> {
    let text = line.trim_start();
    if text.starts_with('#') {
        return None;
    }
    if text.starts_with('"') {
        let end = crate::json_text::text_length(text);
        let (quoted, rest) = text.split_at_checked(end)?;
        return rest.starts_with(':').then(|| serde_json::from_str(quoted).ok()).flatten();
    }
    let (key, _) = text.split_once(": ").or_else(|| Some((text.trim_end().strip_suffix(':')?, "")))?;
    Some(key.trim_matches('\'').to_owned())
}

/// The value on the line of a key, without a comment.
fn value_of(line: &str) -> Option<&str> {
    let text = line.trim_start();
    let start = if text.starts_with('"') { crate::json_text::text_length(text) } else { 0 };
    let value = text.get(start..)?.split_once(':')?.1;
    Some(match value.find(" #") {
        Some(at) => value.get(..at)?.trim(),
        None => value.trim(),
    })
}

/// The comment at the end of a line, if it is not within quotes.
fn comment(line: &str) -> Option<&str> {
    let at = line.rfind(" #")?;
    let before = line.get(..at)?;
    let is_within = |quote: char| before.matches(quote).count() % 2 == 1;
    (!is_within('"') && !is_within('\'')).then(|| line.get(before.trim_end().len()..)).flatten()
}

#[cfg(test)]
mod tests {
    use super::{with_connection, without_connection, yaml_text};

    const TEXT: &str = "# mine\nversion: 1\nconnections:\n  acme:   # the first\n    connector: desk\n    siteUrl: https://a.example  # where\n    password:\n      env: OLD\n    limits: { concurrency: 2 }\n\n  # the second\n  globex:\n    connector: desk\n# end\n";

    fn keys(pairs: &[(&str, &str)]) -> Vec<(String, Option<String>)> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), Some((*value).to_owned()))).collect()
    }

    #[test]
    fn what_the_form_does_not_have_stays() {
        let known: Vec<String> =
            ["connector", "account", "siteUrl", "username", "password"].map(str::to_owned).to_vec();
        let new = keys(&[
            ("connector", "desk"),
            ("siteUrl", "\"https://b.example\""),
            ("password", "{ keyring: acme/password }"),
        ]);
        let text = with_connection(TEXT, Some("acme"), "acme-2", (&new, &known)).unwrap();
        assert_eq!(
            text,
            "# mine\nversion: 1\nconnections:\n  acme-2:   # the first\n    connector: desk\n    siteUrl: \"https://b.example\"  # where\n    password: { keyring: acme/password }\n    limits: { concurrency: 2 }\n\n  # the second\n  globex:\n    connector: desk\n# end\n"
        );
        let text = with_connection(&text, None, "new one", (&keys(&[("connector", "desk")]), &known)).unwrap();
        assert!(text.contains("  globex:\n    connector: desk\n  \"new one\":\n    connector: desk\n"), "{text}");
        let text = without_connection(&without_connection(TEXT, "acme").unwrap(), "globex").unwrap();
        assert_eq!(text, "# mine\nversion: 1\nconnections: {}\n\n  # the second\n# end\n");
    }

    #[test]
    fn other_layouts_are_refused() {
        let flow = "version: 1\nconnections:\n  acme: { connector: desk }\n";
        let wrong = with_connection(flow, Some("acme"), "acme", (&Vec::new(), &[])).unwrap_err();
        assert!(wrong.message.contains("in one line"));
        assert!(without_connection("version: 1\nconnections: {}\n", "acme").is_err());
        for (text, expected) in [("acme", "acme"), ("no", "\"no\""), ("7", "\"7\""), ("a: b", "\"a: b\"")] {
            assert_eq!(yaml_text(text), expected);
        }
    }
}
