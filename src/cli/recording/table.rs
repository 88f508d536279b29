//! The results of tests, for `opnode test`: one line for each, and what differs.

use crate::cli::app::App;
use crate::cli::messages;
use crate::cli::screen::terminal_text;
use crate::error::{ErrorKind, Result};

/// Lines of a difference that are printed.
const LINES_MAX: usize = 30;

/// How a test ended.
pub(crate) enum CaseVerdict {
    /// It gave what is expected; with a note.
    Passed(String),
    /// What it gave was written as what is expected.
    Written,
    /// What differs, in lines.
    Failed(String),
}

/// The results, in order.
#[derive(Default)]
pub(crate) struct TestTable(Vec<(String, CaseVerdict)>);

impl TestTable {
    pub(crate) fn add(&mut self, name: String, verdict: CaseVerdict) {
        self.0.push((name, verdict));
    }

    /// How many failed.
    pub(crate) fn failed(&self) -> usize {
        self.0.iter().filter(|(_, verdict)| matches!(verdict, CaseVerdict::Failed(_))).count()
    }

    /// Prints all. Returns the exit code.
    pub(crate) fn print(&self, app: &App) -> Result<u8> {
        let width = self.0.iter().map(|(name, _)| terminal_text::width(name)).max().unwrap_or(0);
        let (mut rows, mut failed) = (String::new(), 0);
        for (name, verdict) in &self.0 {
            let (word, detail) = match verdict {
                CaseVerdict::Passed(note) => ("ok    ", note.as_str()),
                CaseVerdict::Written => ("wrote ", ""),
                CaseVerdict::Failed(_) => ("FAILED", ""),
            };
            let pad = " ".repeat(width - terminal_text::width(name));
            rows.push_str(format!("{word}  {name}{pad}  {detail}").trim_end());
            rows.push('\n');
            if let CaseVerdict::Failed(why) = verdict {
                failed += 1;
                why.lines().for_each(|line| rows.push_str(&format!("    {line}\n")));
            }
        }
        messages::print(&rows)?;
        let tests = terminal_text::count(self.0.len() as u64, "test");
        match failed {
            0 => app.screen.note(&format!("{tests}, none failed")),
            failed => app.screen.warn(&format!("{tests}, {failed} failed; --update accepts what they gave")),
        }
        Ok(if failed == 0 { 0 } else { ErrorKind::Definition.exit_code() })
    }
}

/// The lines that differ, between those that are equal at the start and at the end.
pub(crate) fn difference(expected: &str, given: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (expected.lines().collect(), given.lines().collect());
    let same_start = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let most = old.len().min(new.len()) - same_start;
    let same_end = old.iter().rev().zip(new.iter().rev()).take(most).take_while(|(a, b)| a == b).count();
    let middle = |lines: &[&str]| -> Vec<String> {
        lines.get(same_start..lines.len() - same_end).unwrap_or_default().iter().map(|l| (*l).to_owned()).collect()
    };
    let mut out = if same_start == 0 { String::new() } else { format!("@ line {}\n", same_start + 1) };
    for (sign, lines) in [('-', middle(&old)), ('+', middle(&new))] {
        lines.iter().take(LINES_MAX).for_each(|line| out.push_str(&format!("{sign} {line}\n")));
        if lines.len() > LINES_MAX {
            out.push_str(&format!("{sign} … {} more\n", lines.len() - LINES_MAX));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::difference;

    #[test]
    fn only_what_differs_is_shown() {
        assert_eq!(difference("a\nb\nc\n", "a\nx\ny\nc\n"), "@ line 2\n- b\n+ x\n+ y\n");
        assert_eq!(difference("a\n", "a\nb\n"), "@ line 2\n+ b\n");
    }
}
