//! Rows of NDJSON: a JSON value per line.

use serde_json::value::RawValue;

use super::fault::RowFault;
use super::options::RowPosition;
use super::text_source::TextSource;
use crate::error::Result;
use crate::json_error;
use crate::reply::scan::{JSON_DEPTH, Scan, ScanFault};

/// Lines that are not blank.
pub(super) struct LineRows {
    source: TextSource,
    raw: Vec<u8>,
    line: u64,
}

impl LineRows {
    pub(super) fn open(mut source: TextSource, from: &RowPosition) -> Result<LineRows> {
        source.jump(from, |last| last == b'\n')?;
        Ok(LineRows { source, raw: Vec::new(), line: 0 })
    }

    pub(super) fn next(&mut self, out: &mut String) -> Result<bool, RowFault> {
        loop {
            self.raw.clear();
            self.line = self.source.line();
            self.source.take_to(Some(&mut self.raw), |chunk| memchr::memchr(b'\n', chunk))?;
            let has_end = self.source.skip(b'\n')?;
            if self.raw.trim_ascii().is_empty() {
                if has_end || !self.raw.is_empty() {
                    continue;
                }
                return Ok(false);
            }
            return match self.line_of() {
                Ok(text) => {
                    put_row(out, text);
                    Ok(true)
                }
                Err(why) => {
                    let message = format!("line {} of {} is not JSON: {why}", self.line, self.source.name());
                    let error = self.source.refuse(message).with(|d| {
                        d.place.get_or_insert_default().line = Some(self.line);
                    });
                    let advice = "give one JSON value per line; for one list over several lines, name the format json";
                    Err(RowFault::Row(error.advise(advice)))
                }
            };
        }
    }

    /// The line as JSON, or why it is none.
    fn line_of(&self) -> Result<&str, String> {
        checked(&self.raw)
    }

    pub(super) fn line(&self) -> u64 {
        self.line
    }

    pub(super) fn position(&self) -> RowPosition {
        self.source.position()
    }

    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.raw.capacity()
    }
}

/// A whole JSON value without the white space around it, or why it is none.
pub(super) fn checked(raw: &[u8]) -> Result<&str, String> {
    let text = std::str::from_utf8(raw).map_err(|e| format!("byte {} is not UTF-8", e.valid_up_to() + 1))?;
    let text = text.trim_matches([' ', '\t', '\r', '\n']);
    match Scan::new(text).value(0) {
        Ok(end) if end == text.len() => Ok(text),
        Err(ScanFault::Depth) => Err(format!("it is nested deeper than {JSON_DEPTH} levels")),
        Ok(_) | Err(ScanFault::Syntax | ScanFault::Count) => Err(match serde_json::from_str::<&RawValue>(text) {
            Err(e) => json_error::words(&e, text),
            Ok(_) => "there is more behind the value".to_owned(),
        }),
    }
}

/// Writes a value on one line: a line break within JSON is white space.
pub(super) fn put_row(out: &mut String, text: &str) {
    let mut from = 0;
    for at in memchr::memchr2_iter(b'\n', b'\r', text.as_bytes()) {
        out.push_str(text.get(from..at).unwrap_or_default());
        out.push(' ');
        from = at + 1;
    }
    out.push_str(text.get(from..).unwrap_or_default());
}
