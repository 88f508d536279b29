//! Items as CSV (RFC 4180) or TSV. Without given columns, the declared fields and those of the first page are the
//! columns; fields that only later pages have are reported at the end.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashSet};

use csv::{Terminator, Writer, WriterBuilder};
use serde::{Deserialize, Serialize};

use super::columns::{Column, ColumnKind, Row, cell, kind};
use crate::digits::is_number;
use crate::error::{Error, ErrorKind, Result};
use crate::item::Items;

/// How lines end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub(crate) enum LineEnds {
    #[default]
    Lf,
    Crlf,
}

/// What to do with texts that a spreadsheet would run as formulas.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub(crate) enum CellGuard {
    /// Write them as they are.
    #[default]
    Off,
    /// Put an apostrophe before texts and names that begin with `=`, `+`, `-`, `@`, a tab or a carriage return, unless
    /// they are numbers.
    Formulas,
}

/// The form of a CSV output.
#[derive(Clone, Debug)]
pub(crate) struct CsvOptions {
    /// An ASCII character.
    pub(crate) delimiter: u8,
    /// Whether it begins with a byte order mark, by which spreadsheets detect UTF-8.
    pub(crate) bom: bool,
    /// Whether it has no header, because it is added to a file that has one.
    pub(crate) is_headless: bool,
    pub(crate) line_ends: LineEnds,
    pub(crate) guard: CellGuard,
    /// The columns, each a field or a path: `company/name`. If there are none, all fields.
    pub(crate) columns: Vec<String>,
    /// Without `columns`: fields that are columns even if the first page does not have them.
    pub(crate) declared: Vec<String>,
}

impl Default for CsvOptions {
    fn default() -> CsvOptions {
        CsvOptions {
            delimiter: b',',
            bom: false,
            is_headless: false,
            line_ends: LineEnds::default(),
            guard: CellGuard::default(),
            columns: Vec::new(),
            declared: Vec::new(),
        }
    }
}

impl CsvOptions {
    /// Tabs between cells.
    pub(crate) fn tsv() -> CsvOptions {
        CsvOptions { delimiter: b'\t', ..CsvOptions::default() }
    }
}

/// The state of a CSV output.
pub(crate) struct Csv {
    options: CsvOptions,
    columns: Vec<Column>,
    started: bool,
    known: HashSet<String>,
    /// Fields that are not among the columns.
    left_out: BTreeSet<String>,
}

impl Csv {
    pub(crate) fn new(options: CsvOptions) -> Csv {
        let columns = match options.columns.is_empty() {
            true => options.declared.iter().map(|name| Column::field(name)).collect(),
            false => options.columns.iter().map(|path| Column::typed(path)).collect(),
        };
        Csv { options, columns, started: false, known: HashSet::new(), left_out: BTreeSet::new() }
    }

    /// Whether the columns do not depend on the items.
    fn is_chosen(&self) -> bool {
        !self.options.columns.is_empty()
    }

    /// Writes a page's lines, the header before the first.
    pub(crate) fn page(&mut self, items: &Items, out: &mut Vec<u8>) -> Result<()> {
        if !self.started && !self.is_chosen() {
            self.known = self.columns.iter().map(|c| c.title.clone()).collect();
            add_fields(items, &mut self.columns, &mut self.known);
        }
        let mut writer = self.begin(out)?;
        for item in items.iter() {
            let row = Row::of(item);
            let cells = self.columns.iter().map(|c| c.find(&row).map(|raw| self.cell(raw)).unwrap_or_default());
            writer.write_record(cells.map(Cow::into_owned)).map_err(failed)?;
            if !self.is_chosen() {
                self.note_unknown(&row);
            }
        }
        *out = writer.into_inner().map_err(|e| failed(e.error()))?;
        Ok(())
    }

    fn cell<'r>(&self, raw: &'r str) -> Cow<'r, str> {
        match kind(raw) {
            ColumnKind::Text => self.guarded(cell(raw)),
            ColumnKind::Null | ColumnKind::Number | ColumnKind::Flag | ColumnKind::Object | ColumnKind::List => {
                cell(raw)
            }
        }
    }

    fn guarded<'t>(&self, text: Cow<'t, str>) -> Cow<'t, str> {
        match self.options.guard {
            CellGuard::Formulas if text.starts_with(['=', '+', '-', '@', '\t', '\r']) && !is_number(&text) => {
                Cow::Owned(format!("'{text}"))
            }
            CellGuard::Formulas | CellGuard::Off => text,
        }
    }

    /// A writer behind `out`, which has the header at its start.
    fn begin(&mut self, out: &mut Vec<u8>) -> Result<Writer<Vec<u8>>> {
        let is_first = !std::mem::replace(&mut self.started, true);
        let has_header = is_first && !self.options.is_headless;
        if has_header && self.options.bom {
            out.extend_from_slice("\u{feff}".as_bytes());
        }
        let ends = match self.options.line_ends {
            LineEnds::Lf => Terminator::Any(b'\n'),
            LineEnds::Crlf => Terminator::CRLF,
        };
        let mut builder = WriterBuilder::new();
        let mut writer = builder.delimiter(self.options.delimiter).terminator(ends).from_writer(std::mem::take(out));
        if has_header {
            writer.write_record(self.titles()).map_err(failed)?;
        }
        Ok(writer)
    }

    /// The cells of the header, as far as the columns are known.
    pub(crate) fn titles(&self) -> Vec<String> {
        self.columns.iter().map(|c| self.guarded(Cow::Borrowed(&c.title)).into_owned()).collect()
    }

    fn note_unknown(&mut self, row: &Row<'_>) {
        for name in row.names() {
            if !self.known.contains(name) {
                self.left_out.insert(name.to_owned());
            }
        }
    }

    /// With given or declared columns, even an empty result has its header.
    pub(crate) fn close(&mut self, out: &mut Vec<u8>) -> Result<()> {
        if self.started || self.columns.is_empty() {
            return Ok(());
        }
        *out = self.begin(out)?.into_inner().map_err(|e| failed(e.error()))?;
        Ok(())
    }

    /// The fields that are missing from the file.
    pub(crate) fn omitted(&self) -> &BTreeSet<String> {
        &self.left_out
    }
}

/// Adds the fields that are not known yet as columns.
fn add_fields(items: &Items, columns: &mut Vec<Column>, known: &mut HashSet<String>) {
    for item in items.iter() {
        for name in Row::of(item).names() {
            if !known.contains(name) {
                known.insert(name.to_owned());
                columns.push(Column::field(name));
            }
        }
    }
}

fn failed(cause: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Internal, format!("a line of csv could not be made: {cause}"))
}

#[cfg(test)]
mod tests {
    use super::{CellGuard, Csv, CsvOptions, LineEnds};
    use crate::item::Items;

    /// The bytes of these pages, and the omitted fields.
    fn written(options: CsvOptions, pages: &[&str]) -> (String, String) {
        let mut csv = Csv::new(options);
        let mut out = Vec::new();
        for page in pages {
            csv.page(&Items::from_array(*page).unwrap(), &mut out).unwrap();
        }
        csv.close(&mut out).unwrap();
        let omitted: Vec<&str> = csv.omitted().iter().map(String::as_str).collect();
        (String::from_utf8(out).unwrap(), omitted.join(", "))
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn columns_come_from_the_first_page() {
        let pages = [
            r#"[{"id":1,"n":12345678901234567890.10},{"id":2,"t":"a,\"b\""}]"#,
            r#"[{"id":3,"t":{"x":[1, 2]},"late":true}]"#,
        ];
        let (text, note) = written(CsvOptions::default(), &pages);
        assert_eq!(text, "id,n,t\n1,12345678901234567890.10,\n2,,\"a,\"\"b\"\"\"\n3,,\"{\"\"x\"\":[1, 2]}\"\n");
        assert_eq!(note, "late");
    }

    #[test]
    fn requested_columns_appear_even_without_items() {
        let columns = names(&["id", "company/name"]);
        assert_eq!(written(CsvOptions { columns, ..CsvOptions::default() }, &[]).0, "id,company/name\n");
        assert_eq!(written(CsvOptions { bom: true, ..CsvOptions::default() }, &[]).0, "");
    }

    #[test]
    fn declared_fields_are_columns_before_their_first_value() {
        let options = || CsvOptions { declared: names(&["id", "late", "a/b"]), ..CsvOptions::default() };
        let pages = [r#"[{"more":1,"id":2}]"#, r#"[{"late":3,"a/b":4}]"#, r#"[{"later":5}]"#];
        let (text, note) = written(options(), &pages[..2]);
        assert_eq!((text.as_str(), note.as_str()), ("id,late,a/b,more\n2,,,1\n,3,4,\n", ""));
        assert_eq!(written(options(), &pages).1, "later");
        let headless = CsvOptions { is_headless: true, bom: true, ..options() };
        assert_eq!(written(headless.clone(), &pages[..1]).0, "2,,,1\n");
        assert_eq!(written(headless, &[]).0, "");
        assert_eq!(written(options(), &[]).0, "id,late,a/b\n");
        let chosen = CsvOptions { columns: names(&["id"]), ..options() };
        assert_eq!(written(chosen, &pages[..1]).0, "id\n2\n");
    }

    #[test]
    fn the_form_can_be_chosen() {
        let page = r#"[{"a":"x;y","b":"1\t2"},{"a":"\"","b":null}]"#;
        for (options, text) in [
            (CsvOptions::tsv(), "a\tb\nx;y\t\"1\t2\"\n\"\"\"\"\t\n"),
            (CsvOptions { delimiter: b';', ..CsvOptions::default() }, "a;b\n\"x;y\";1\t2\n\"\"\"\";\n"),
            (
                CsvOptions { bom: true, line_ends: LineEnds::Crlf, ..CsvOptions::default() },
                "\u{feff}a,b\r\nx;y,1\t2\r\n\"\"\"\",\r\n",
            ),
        ] {
            assert_eq!(written(options, &[page]).0, text);
        }
        let options = CsvOptions { bom: true, columns: names(&["a"]), ..CsvOptions::default() };
        assert_eq!(written(options, &[]).0, "\u{feff}a\n");
    }

    #[test]
    fn formulas_are_guarded_on_request() {
        let guarded = CsvOptions { guard: CellGuard::Formulas, ..CsvOptions::default() };
        for (value, cell, safe) in [
            ("\"=1+1\"", "=1+1", "'=1+1"),
            ("\"+49 30\"", "+49 30", "'+49 30"),
            ("\"-x\"", "-x", "'-x"),
            ("\"@sum\"", "@sum", "'@sum"),
            ("\"\\t=1\"", "\t=1", "'\t=1"),
            ("\"\\r=1\"", "\"\r=1\"", "\"'\r=1\""),
            ("\"=a,b\"", "\"=a,b\"", "\"'=a,b\""),
            ("\"-1.5\"", "-1.5", "-1.5"),
            ("-1.5", "-1.5", "-1.5"),
            ("-0", "-0", "-0"),
            ("\"\"", "\"\"", "\"\""),
            ("\" =1\"", " =1", " =1"),
            ("[-1]", "[-1]", "[-1]"),
            ("null", "\"\"", "\"\""),
        ] {
            let page = format!("[{{\"=n\":{value}}}]");
            assert_eq!(written(CsvOptions::default(), &[&page]).0, format!("=n\n{cell}\n"), "{value}");
            assert_eq!(written(guarded.clone(), &[&page]).0, format!("'=n\n{safe}\n"), "{value}");
        }
    }
}
