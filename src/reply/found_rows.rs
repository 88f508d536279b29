//! Finds the elements of a list at the root of a reply while it arrives, when its bytes are still in the cache. Pure.

use super::scan::{KnownKeys, Scan};
use crate::item::Span;

/// Maximum number of elements found in advance; the rest is read with the whole.
const ROWS_MAX: usize = 100_000;

/// The scanned length of a text.
#[derive(Clone, Debug, Default)]
pub(crate) struct FoundRows {
    /// The position of the first incomplete element; 0 before the list.
    pub(crate) at: usize,
    /// The elements before it.
    pub(crate) spans: Vec<Span>,
    pub(crate) has_lines: bool,
    pub(crate) keys: KnownKeys,
    /// Length of the text at which the next scan pays off.
    again: usize,
    /// It is not a list.
    over: bool,
}

impl FoundRows {
    /// Scans a text that has become longer. An error may only be a cut, so the reader decides.
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
            // A number may continue, so the last element is scanned later.
            if scan.byte(behind) != b',' {
                break;
            }
            self.spans.push((self.at as u32, end as u32));
            self.at = scan.blank(behind + 1);
        }
        self.has_lines |= scan.has_lines;
        self.keys = scan.into_keys();
        // An element larger than the pieces is scanned when its size has doubled, not at each piece.
        self.again = text.len() + (text.len() - self.at);
    }
}
