//! `guide`: prints the guide to own connectors and the reference of all keys, or the part on one key.

use std::io::IsTerminal;

use super::messages;
use super::screen::{Paint, terminal_text, width};
use crate::error::{Error, ErrorKind, Result, did_you_mean};

/// The guide, in Markdown.
const GUIDE: &str = include_str!("../../docs/connectors.md");

/// The reference of all keys: under each heading one mapping, with its keys in a list.
const REFERENCE: &str = include_str!("../../docs/definitions.md");

/// Prints both, or the reference of one key: on a pipe as it is, on a terminal with headings, examples and tables set
/// apart.
pub(crate) fn run(key: Option<&str>) -> Result<()> {
    let text = match key {
        Some(key) => about(REFERENCE, key)?,
        None => format!("{GUIDE}\n{REFERENCE}"),
    };
    if !std::io::stdout().is_terminal() {
        return messages::print(&text);
    }
    messages::print_painted(&rendered(&text, Paint::for_terminal(true), width::stdout().unwrap_or(80)))
}

/// A part of the reference with its own heading.
struct GuidePart<'t> {
    heading: &'t str,
    lines: Vec<&'t str>,
}

impl<'t> GuidePart<'t> {
    fn name(&self) -> &'t str {
        self.heading.trim_start_matches(['#', ' '])
    }

    /// Other places of the same mapping.
    fn also_at(&self) -> Vec<&'t str> {
        let line = self.lines.iter().find_map(|line| line.strip_prefix("Also at: "));
        line.into_iter().flat_map(|places| places.split('`').skip(1).step_by(2)).collect()
    }

    /// Whether it is about the mapping, or about one within it.
    fn is_about(&self, key: &str) -> bool {
        self.name().strip_prefix(key).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            || self.also_at().contains(&key)
    }

    /// Its keys, each with its line in the part.
    fn entries(&self) -> impl Iterator<Item = (usize, &'t str)> {
        let key = |line: &&'t str| Some(line.strip_prefix("- `")?.split_once('`')?.0);
        self.lines.iter().enumerate().filter_map(move |(at, line)| Some((at, key(line)?)))
    }

    /// A key with what is said about it, under the heading.
    fn entry(&self, at: usize) -> String {
        let below = self.lines.iter().skip(at + 1).take_while(|line| line.starts_with("  "));
        let lines: Vec<&str> = self.lines.get(at).into_iter().chain(below).copied().collect();
        format!("{}\n\n{}\n", self.heading, lines.join("\n"))
    }
}

/// The mappings of the reference; its introduction is none.
fn parts(text: &str) -> Vec<GuidePart<'_>> {
    let mut found: Vec<GuidePart<'_>> = Vec::new();
    for line in text.lines() {
        if line.starts_with("##") {
            found.push(GuidePart { heading: line, lines: Vec::new() });
        } else if let Some(part) = found.last_mut() {
            part.lines.push(line);
        }
    }
    found
}

/// What the reference says about a mapping and those within it, or about a plain key wherever it is.
fn about(text: &str, key: &str) -> Result<String> {
    let all = parts(text);
    let mappings: Vec<String> = all
        .iter()
        .filter(|part| part.is_about(key))
        .map(|part| format!("{}\n{}\n", part.heading, part.lines.join("\n").trim_end()))
        .collect();
    if !mappings.is_empty() {
        return Ok(mappings.join("\n"));
    }
    let is_it = |part: &GuidePart<'_>, name: &str| {
        name == key || key.strip_suffix(name).and_then(|k| k.strip_suffix('.')).is_some_and(|k| k == part.name())
    };
    let plain: Vec<String> = all
        .iter()
        .flat_map(|part| part.entries().filter(|(_, name)| is_it(part, name)).map(|(at, _)| part.entry(at)))
        .collect();
    if !plain.is_empty() {
        return Ok(plain.join("\n"));
    }
    let names = all.iter().flat_map(|part| {
        let own = part.heading.starts_with("###").then(|| part.name());
        own.into_iter().chain(part.also_at()).chain(part.entries().map(|(_, name)| name))
    });
    let message = format!("definition files have no key `{key}`{}", did_you_mean(key, names));
    Err(Error::new(ErrorKind::Usage, message).advise("`opnode guide | grep TEXT` searches all keys"))
}

/// Markdown as text for a terminal. Paragraphs are joined and wrapped, because their source lines may be longer.
fn rendered(text: &str, paint: Paint, columns: usize) -> String {
    let (mut out, mut paragraph) = (String::new(), String::new());
    let mut is_example = false;
    for line in text.lines() {
        let line = &without_links(line);
        let is_special = line.is_empty() || line.starts_with(['#', '|', '`', '-']) || line.starts_with("  - ");
        if (is_special || is_example) && !paragraph.is_empty() {
            put_wrapped(&mut out, &std::mem::take(&mut paragraph), columns);
        }
        match line.as_str() {
            "```" | "```yaml" => is_example = !is_example,
            line if is_example => out.push_str(&format!("    {}\n", paint.help(line))),
            line if line.starts_with('#') => {
                out.push_str(&format!("{}\n", paint.bold(line.trim_start_matches(['#', ' ']))));
            }
            line if line.starts_with("|---") => {}
            line if line.starts_with('|') => {
                let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
                put_wrapped(&mut out, &format!("  {}", cells.join(": ")), columns);
            }
            "" => out.push('\n'),
            line if line.starts_with("  - ") => put_wrapped(&mut out, line, columns),
            line if line.starts_with("- ") => put_wrapped(&mut out, line, columns),
            line => {
                if !paragraph.is_empty() {
                    paragraph.push(' ');
                }
                paragraph.push_str(line.trim());
            }
        }
    }
    put_wrapped(&mut out, &paragraph, columns);
    out
}

/// A line in which links are their texts.
fn without_links(line: &str) -> String {
    let (mut out, mut rest) = (String::new(), line);
    while let Some((before, after)) = rest.split_once("](#") {
        let Some((_, tail)) = after.split_once(')') else { break };
        let (head, text) = before.rsplit_once('[').unwrap_or((before, ""));
        out.push_str(head);
        out.push_str(text);
        rest = tail;
    }
    out.push_str(rest);
    out
}

fn put_wrapped(out: &mut String, text: &str, columns: usize) {
    if !text.is_empty() {
        // A row of a table or list is indented after its first line.
        let is_row = text.starts_with(['-', ' ']);
        let indent = if text.starts_with("  - ") { "  " } else { "" };
        let lines = terminal_text::wrap(text.trim_start(), columns.saturating_sub(2 + indent.len()));
        for (number, line) in lines.iter().enumerate() {
            out.push_str(&format!("{indent}{}{line}\n", if is_row && number > 0 { "  " } else { "" }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{GUIDE, REFERENCE, about, rendered};
    use crate::cli::screen::Paint;

    #[test]
    fn the_guide_fits_a_terminal() {
        let text = rendered(&format!("{GUIDE}\n{REFERENCE}"), Paint::default(), 72);
        assert!(!text.contains("```") && !text.contains("|---") && !text.contains("](#"), "{text}");
        let long: Vec<&str> = text.lines().filter(|l| !l.starts_with("    ") && l.chars().count() > 72).collect();
        assert!(long.is_empty(), "{long:#?}");
    }

    #[test]
    fn a_mapping_is_found_by_all_its_names() {
        let heading = |key: &str| about(REFERENCE, key).unwrap().lines().next().unwrap().to_owned();
        assert_eq!(heading("auth.oauth2"), "### auth.oauth2");
        assert_eq!(heading("forward_only"), "### paging.keyset");
        assert_eq!(heading("operations.request"), "### operations");
        assert!(about(REFERENCE, "paging").unwrap().contains("### paging.cursor"));
        assert!(about(REFERENCE, "pagin").unwrap_err().message.ends_with("did you mean `paging`?"));
    }
}
