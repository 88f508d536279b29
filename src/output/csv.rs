//! Items as CSV (RFC 4180). The first page determines the columns; fields that only later pages have are reported at
//! the end.

use std::collections::{BTreeSet, HashSet};

use csv::Writer;

use super::columns::{Column, Row, cell};
use crate::error::{Error, ErrorKind, Result};
use crate::item::Items;

/// The state of a CSV output.
pub(crate) struct Csv {
    columns: Vec<Column>,
    chosen: bool,
    started: bool,
    known: HashSet<String>,
    /// Fields that are not among the columns.
    left_out: BTreeSet<String>,
}

impl Csv {
    /// The given columns; if none, those of the first page.
    pub(crate) fn new(columns: &[String]) -> Csv {
        let columns: Vec<Column> = columns.iter().map(|c| Column::typed(c)).collect();
        Csv { chosen: !columns.is_empty(), columns, started: false, known: HashSet::new(), left_out: BTreeSet::new() }
    }

    /// Writes a page's lines, the header before the first.
    pub(crate) fn page(&mut self, items: &Items, out: &mut Vec<u8>) -> Result<()> {
        if !self.started && !self.chosen {
            self.columns = all_fields(items);
            self.known = self.columns.iter().map(|c| c.title.clone()).collect();
        }
        let mut writer = Writer::from_writer(std::mem::take(out));
        self.header(&mut writer)?;
        for item in items.iter() {
            let row = Row::of(item);
            writer
                .write_record(self.columns.iter().map(|c| c.find(&row).map(cell).unwrap_or_default().into_owned()))
                .map_err(failed)?;
            if !self.chosen {
                self.note_unknown(&row);
            }
        }
        *out = writer.into_inner().map_err(|e| failed(e.error()))?;
        Ok(())
    }

    fn header(&mut self, writer: &mut Writer<Vec<u8>>) -> Result<()> {
        if self.started {
            return Ok(());
        }
        self.started = true;
        writer.write_record(self.columns.iter().map(|c| c.title.as_str())).map_err(failed)
    }

    fn note_unknown(&mut self, row: &Row<'_>) {
        for name in row.names() {
            if !self.known.contains(name) {
                self.left_out.insert(name.to_owned());
            }
        }
    }

    /// With given columns, even an empty result has its header.
    pub(crate) fn close(&mut self, out: &mut Vec<u8>) -> Result<()> {
        if self.started || !self.chosen {
            return Ok(());
        }
        let mut writer = Writer::from_writer(std::mem::take(out));
        self.header(&mut writer)?;
        *out = writer.into_inner().map_err(|e| failed(e.error()))?;
        Ok(())
    }

    /// The fields that are missing from the file.
    pub(crate) fn note(&self) -> Option<String> {
        if self.left_out.is_empty() {
            return None;
        }
        let names: Vec<&str> = self.left_out.iter().map(String::as_str).collect();
        Some(format!(
            "the CSV omits {}, which the first page did not have; name all columns with --columns",
            names.join(", ")
        ))
    }
}

fn all_fields(items: &Items) -> Vec<Column> {
    let mut seen = HashSet::new();
    let mut columns = Vec::new();
    for item in items.iter() {
        for name in Row::of(item).names() {
            if !seen.contains(name) {
                seen.insert(name.to_owned());
                columns.push(Column::field(name));
            }
        }
    }
    columns
}

fn failed(cause: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Internal, format!("a line of csv could not be made: {cause}"))
}

#[cfg(test)]
mod tests {
    use super::Csv;
    use crate::item::Items;

    #[test]
    fn columns_come_from_the_first_page() {
        let page = |text: &str| Items::from_array(text).unwrap();
        let mut csv = Csv::new(&[]);
        let mut out = Vec::new();
        csv.page(&page(r#"[{"id":1,"n":12345678901234567890.10},{"id":2,"t":"a,\"b\""}]"#), &mut out).unwrap();
        csv.page(&page(r#"[{"id":3,"t":{"x":[1, 2]},"late":true}]"#), &mut out).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "id,n,t\n1,12345678901234567890.10,\n2,,\"a,\"\"b\"\"\"\n3,,\"{\"\"x\"\":[1, 2]}\"\n"
        );
        assert!(csv.note().unwrap().contains("late"));
    }

    #[test]
    fn requested_columns_appear_even_without_items() {
        let mut csv = Csv::new(&["id".to_owned(), "company/name".to_owned()]);
        let mut out = Vec::new();
        csv.close(&mut out).unwrap();
        assert_eq!(out, b"id,company/name\n");
    }
}
