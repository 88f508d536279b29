//! The text of a row of a table (RFC 4180): where it ends, and where its cells are. Pure.

/// The characters that structure a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CsvMarks {
    pub(crate) delimiter: u8,
    pub(crate) quote: Option<u8>,
}

impl CsvMarks {
    /// Commas and double quotes.
    #[cfg(any(feature = "cli", test))]
    pub(crate) const USUAL: CsvMarks = CsvMarks { delimiter: b',', quote: Some(b'"') };
}

/// State of the scan within a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CsvScan {
    Start,
    Plain,
    Quoted,
    /// After a quote in a quoted cell: it closes the cell, or is the first of a doubled quote.
    Closed,
}

impl CsvScan {
    /// The state after a byte; `None` at the end of the row.
    pub(super) fn after(self, byte: u8, marks: CsvMarks) -> Option<CsvScan> {
        let is_quote = Some(byte) == marks.quote;
        Some(match self {
            CsvScan::Start | CsvScan::Closed if is_quote => CsvScan::Quoted,
            CsvScan::Quoted if is_quote => CsvScan::Closed,
            CsvScan::Quoted => CsvScan::Quoted,
            CsvScan::Start | CsvScan::Plain | CsvScan::Closed => match byte {
                b'\n' | b'\r' => return None,
                _ if byte == marks.delimiter => CsvScan::Start,
                _ => CsvScan::Plain,
            },
        })
    }
}

/// The positions of the cells in the text of a row.
pub(crate) struct RowText {
    /// Byte offset of each cell.
    pub(crate) starts: Vec<usize>,
    /// Whether the text ends inside quotes.
    #[cfg_attr(not(any(feature = "cli", test)), expect(dead_code, reason = "readers of files find it by themselves"))]
    pub(crate) is_open: bool,
}

impl RowText {
    /// Scans the first row of a text.
    pub(crate) fn of(text: &str, marks: CsvMarks) -> RowText {
        let mut starts = vec![0];
        let mut scan = CsvScan::Start;
        for (at, byte) in text.bytes().enumerate() {
            let Some(next) = scan.after(byte, marks) else { break };
            if next == CsvScan::Start {
                starts.push(at + 1);
            }
            scan = next;
        }
        RowText { starts, is_open: scan == CsvScan::Quoted }
    }
}

#[cfg(test)]
mod tests {
    use super::{CsvMarks, RowText};

    #[test]
    fn a_quote_inside_a_plain_value_is_text() {
        let of = |text| RowText::of(text, CsvMarks::USUAL);
        assert_eq!(of("5\" pipe,x\n").starts, [0, 8]);
        assert!(!of("5\" pipe,x\n").is_open);
        assert_eq!(of("\"a,\"\"\n\",b\r\nc").starts, [0, 8]);
        assert!(of("a,\"b").is_open);
    }
}
