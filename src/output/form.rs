//! One stream of items in one format: NDJSON, a JSON array, CSV or TSV.

use std::collections::BTreeSet;

use super::csv::{Csv, CsvOptions};
use crate::error::Result;
use crate::item::Items;

/// A format, and the position of a stream.
pub(crate) enum Form {
    Ndjson,
    /// Items so far.
    Json(u64),
    Csv(Csv),
}

impl Form {
    /// An array.
    pub(crate) fn json() -> Form {
        Form::Json(0)
    }

    /// CSV or TSV of this form.
    pub(crate) fn table(options: CsvOptions) -> Form {
        Form::Csv(Csv::new(options))
    }

    /// Appends items.
    ///
    /// # Errors
    /// `internal` when a CSV line cannot be created.
    pub(crate) fn put(&mut self, items: &Items, out: &mut Vec<u8>) -> Result<()> {
        match self {
            Form::Ndjson => {
                for item in items.iter() {
                    out.extend_from_slice(item.as_str().as_bytes());
                    out.push(b'\n');
                }
            }
            Form::Json(count) => {
                for item in items.iter() {
                    out.extend_from_slice(if *count == 0 { b"[\n" } else { b",\n" });
                    out.extend_from_slice(item.as_str().as_bytes());
                    *count += 1;
                }
            }
            Form::Csv(csv) => csv.page(items, out)?,
        }
        Ok(())
    }

    /// The bytes after the last item.
    ///
    /// # Errors
    /// As [`put`](Self::put).
    pub(crate) fn close(&mut self, out: &mut Vec<u8>) -> Result<()> {
        match self {
            Form::Ndjson => Ok(()),
            Form::Json(count) => {
                out.extend_from_slice(if *count == 0 { b"[]\n" } else { b"\n]\n" });
                Ok(())
            }
            Form::Csv(csv) => csv.close(out),
        }
    }

    /// Of a table: the fields that are missing from it.
    pub(crate) fn omitted(&self) -> Option<&BTreeSet<String>> {
        match self {
            Form::Ndjson | Form::Json(_) => None,
            Form::Csv(csv) => Some(csv.omitted()).filter(|names| !names.is_empty()),
        }
    }

    /// Of a table: the cells of its header, as far as the columns are known.
    pub(crate) fn titles(&self) -> Vec<String> {
        match self {
            Form::Ndjson | Form::Json(_) => Vec::new(),
            Form::Csv(csv) => csv.titles(),
        }
    }
}
