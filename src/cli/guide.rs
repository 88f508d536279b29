//! `guide`: prints the guide to own connectors.

use std::io::IsTerminal;

use super::messages;
use super::screen::{Paint, terminal_text, width};
use crate::error::Result;

/// The guide, in Markdown.
const GUIDE: &str = include_str!("../../docs/connectors.md");

/// Prints it: on a pipe as it is, on a terminal with headings, examples and tables set apart.
pub(crate) fn run() -> Result<()> {
    if !std::io::stdout().is_terminal() {
        return messages::print(GUIDE);
    }
    messages::print_painted(&rendered(GUIDE, Paint::for_terminal(true), width::stdout().unwrap_or(80)))
}

/// Markdown as text for a terminal. Paragraphs are joined and wrapped, because their source lines may be longer.
fn rendered(text: &str, paint: Paint, columns: usize) -> String {
    let (mut out, mut paragraph) = (String::new(), String::new());
    let mut is_example = false;
    for line in text.lines() {
        let is_special = line.is_empty() || line.starts_with(['#', '|', '`', '-']);
        if (is_special || is_example) && !paragraph.is_empty() {
            put_wrapped(&mut out, &std::mem::take(&mut paragraph), columns);
        }
        match line {
            "```" => is_example = !is_example,
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

fn put_wrapped(out: &mut String, text: &str, columns: usize) {
    if !text.is_empty() {
        // A row of a table or list is indented after its first line.
        let is_row = text.starts_with(['-', ' ']);
        let lines = terminal_text::wrap(text.trim_start(), columns.saturating_sub(2));
        for (number, line) in lines.iter().enumerate() {
            out.push_str(&format!("{}{line}\n", if is_row && number > 0 { "  " } else { "" }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{GUIDE, rendered};
    use crate::cli::screen::Paint;

    #[test]
    fn the_guide_fits_a_terminal() {
        let text = rendered(GUIDE, Paint::default(), 72);
        assert!(!text.contains("```") && !text.contains("|---"), "{text}");
        let long: Vec<&str> = text.lines().filter(|l| !l.starts_with("    ") && l.chars().count() > 72).collect();
        assert!(long.is_empty(), "{long:#?}");
    }
}
