//! The limits of one evaluation: its work, the bytes that it reads, holds and produces.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use regex::{Regex, RegexBuilder};

use crate::error::{Error, ErrorKind, Result};

/// Maximum bytes that one evaluation may read or hold, and bytes of a text or a value that it produces.
pub(super) const BYTES_MAX: usize = 64 << 20;

/// Maximum work of one evaluation, in steps.
pub(super) const WORK_MAX: u64 = 5_000_000;

/// Bytes of text that one step pays for.
const STEP_BYTES: usize = 64;

/// Bytes counted for an element that is read, in addition to its text.
pub(super) const READ_ELEMENT: usize = 16;

/// Bytes counted for an element that is held in memory, in addition to its text.
const HELD_ELEMENT: usize = 64;

/// Maximum bytes of a compiled regular expression.
const PATTERN_MAX: usize = 1 << 20;

/// Maximum number of regular expressions that are kept for the next evaluation.
const PATTERNS: usize = 16;

const SPLIT: &str = "split it into several steps, row by row with `for`, `where` and `map`";

/// The counters of one evaluation.
#[derive(Debug, Default)]
pub(super) struct EvaluationWork {
    half_steps: Cell<u64>,
    bytes: Cell<usize>,
    patterns: Arc<Patterns>,
}

impl EvaluationWork {
    pub(super) fn new(patterns: &Arc<Patterns>) -> EvaluationWork {
        EvaluationWork { half_steps: Cell::new(0), bytes: Cell::new(0), patterns: Arc::clone(patterns) }
    }

    /// Pays for an operation.
    pub(super) fn step(&self) -> Result<()> {
        self.pay(2)
    }

    /// Pays for an element of a list.
    pub(super) fn element(&self) -> Result<()> {
        self.pay(1)
    }

    /// Pays for many elements of a list.
    pub(super) fn elements(&self, count: usize) -> Result<()> {
        self.pay(u64::try_from(count).unwrap_or(u64::MAX))
    }

    /// Pays for going through text.
    pub(super) fn text(&self, bytes: usize) -> Result<()> {
        if bytes < STEP_BYTES {
            return Ok(());
        }
        self.pay(u64::try_from(bytes / STEP_BYTES).unwrap_or(u64::MAX).saturating_mul(2))
    }

    fn pay(&self, half_steps: u64) -> Result<()> {
        let all = self.half_steps.get().saturating_add(half_steps);
        self.half_steps.set(all);
        if all > WORK_MAX * 2 {
            let why = format!("it takes more work than the limit expression_work ({WORK_MAX} steps)");
            return Err(wrong(why).advise(SPLIT));
        }
        Ok(())
    }

    /// Counts bytes that are read.
    pub(super) fn read(&self, bytes: usize) -> Result<()> {
        self.count(bytes, "reads")
    }

    /// Counts an element that is held in memory.
    pub(super) fn hold(&self, bytes: usize) -> Result<()> {
        self.count(bytes.saturating_add(HELD_ELEMENT), "holds")
    }

    fn count(&self, bytes: usize, verb: &str) -> Result<()> {
        let all = self.bytes.get().saturating_add(bytes);
        self.bytes.set(all);
        if all > BYTES_MAX { Err(too_many(verb)) } else { Ok(()) }
    }

    /// Pays for a text before it is produced.
    pub(super) fn produce(&self, bytes: usize) -> Result<()> {
        self.fits(bytes)?;
        self.text(bytes)
    }

    /// Refuses a text or a value that is too long.
    pub(super) fn fits(&self, bytes: usize) -> Result<()> {
        if bytes > BYTES_MAX { Err(too_many("produces")) } else { Ok(()) }
    }

    /// A compiled regular expression.
    pub(super) fn pattern(&self, source: &str) -> Result<Regex> {
        if let Some(found) = self.patterns.get(source) {
            return Ok(found);
        }
        // Compiling takes about as long as going through this much text.
        self.text(source.len().saturating_mul(STEP_BYTES * 16))?;
        let made = compile(source)?;
        self.patterns.keep(source, &made);
        Ok(made)
    }
}

/// Regular expressions that were compiled for an expression.
#[derive(Debug, Default)]
pub(super) struct Patterns(Mutex<BTreeMap<String, Regex>>);

impl Patterns {
    fn get(&self, source: &str) -> Option<Regex> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(source).cloned()
    }

    fn keep(&self, source: &str, made: &Regex) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() < PATTERNS {
            all.insert(source.to_owned(), made.clone());
        }
    }
}

/// Compiles a regular expression. Matching takes linear time.
pub(super) fn compile(source: &str) -> Result<Regex> {
    RegexBuilder::new(source).size_limit(PATTERN_MAX).dfa_size_limit(PATTERN_MAX).build().map_err(|e| {
        let text = e.to_string();
        let last = text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
        wrong(format!("`{}` is not a regular expression: {last}", short(source)))
            .advise("a backslash in a text of an expression is doubled: '\\\\d+'")
    })
}

fn too_many(verb: &str) -> Error {
    let limit = BYTES_MAX >> 20;
    wrong(format!("it {verb} more bytes than the limit expression_bytes ({limit} MiB)")).advise(SPLIT)
}

/// An error of an expression.
pub(super) fn wrong(why: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidOptions, why)
}

/// The start of a text, for a message.
pub(super) fn short(text: &str) -> String {
    const LENGTH: usize = 60;
    let shown: String = text.chars().take(LENGTH).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(LENGTH).is_some() { shown + "…" } else { shown }
}

/// An expression before a filter, for advice: with parentheses if it needs them.
pub(super) fn operand(label: &str) -> String {
    if label.contains(" ") && !label.contains(" | ") && !label.starts_with(['\'', '"', '(']) {
        return format!("({})", short(label));
    }
    short(label)
}

/// Labels of values that no expression names: the elements of a list, and arguments.
pub(super) fn is_general(label: &str) -> bool {
    ["an element", "another", "its argument", "`"].iter().any(|general| label.starts_with(general))
}
