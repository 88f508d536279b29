//! The elements of a list at the root of a reply, found while the reply still arrives: what was just copied need not be fetched from memory again. Pure.

use super::scan::{Keys, Scan};
use crate::item::Span;

/// Elements that are noted ahead; what comes behind them is read with the whole.
const ROWS_MAX: usize = 100_000;

/// How far a text has been looked through.
#[derive(Clone, Debug, Default)]
pub(crate) struct FoundRows {
    /// Where the element begins that is not whole yet; 0 before the list.
    pub(crate) at: usize,
    /// The elements before it.
    pub(crate) spans: Vec<Span>,
    pub(crate) has_lines: bool,
    pub(crate) keys: Keys,
    /// Length of the text at which another look is worth it.
    again: usize,
    /// It is no list.
    over: bool,
}

impl FoundRows {
    /// Looks at a text that has become longer. What seems wrong may only be cut off, so the last word is the reader's.
    pub(crate) fn more(&mut self, text: &str) {
        if self.over || text.len() < self.again {
            return;
        }
        let mut scan = Scan::with(text, std::mem::take(&mut self.keys));
        if self.at == 0 {
            let start = scan.blank(0);
            self.over = start < text.len() && scan.byte(start) != b'[';
            if scan.byte(start) != b'[' {
                return;
            }
            self.at = start + 1;
        }
        self.at = scan.blank(self.at);
        while self.spans.len() < ROWS_MAX
            && let Ok(end) = scan.element(self.at)
        {
            let behind = scan.blank(end);
            // A number may go on, and the last element has its turn later.
            if scan.byte(behind) != b',' {
                break;
            }
            self.spans.push((self.at as u32, end as u32));
            self.at = scan.blank(behind + 1);
        }
        self.has_lines |= scan.has_lines;
        self.keys = scan.into_keys();
        // An element that is larger than the pieces is looked at whenever twice as much of it is there, not at each piece.
        self.again = text.len() + (text.len() - self.at);
    }
}
