//! Awkward values through each format and back, and what a format refuses.
#![cfg(all(feature = "parquet", feature = "xlsx"))]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};

use super::{TableFileFormat, WorkbookPlan, write_table_file};
use crate::error::{Error, ErrorKind, Result};
use crate::row_file::{ReadOptions, RowFile, RowFormat, RowPosition};
use crate::run_store::RowReader;
use crate::table::{DeclaredColumn, Nested, TableForm, ValueKind};

struct GivenRows(Arc<Vec<String>>, usize);

impl RowReader for GivenRows {
    fn next_row(&mut self) -> Result<Option<&str>> {
        self.1 += 1;
        Ok(self.0.get(self.1 - 1).map(String::as_str))
    }

    fn pieces(&mut self, _: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
        unreachable!("rows are read one by one")
    }
}

fn formats() -> [TableFileFormat; 3] {
    [TableFileFormat::Parquet, TableFileFormat::Arrow, TableFileFormat::Xlsx(WorkbookPlan::default())]
}

/// The bytes of a file with these rows, and the notes.
fn written<R: ToString>(format: &TableFileFormat, form: &TableForm, rows: &[R]) -> Result<(Vec<u8>, Vec<String>)> {
    let rows: Arc<Vec<String>> = Arc::new(rows.iter().map(ToString::to_string).collect());
    let open = || -> Result<Box<dyn RowReader>> { Ok(Box::new(GivenRows(rows.clone(), 0))) };
    let mut bytes = Vec::new();
    let mut out = |part: &[u8]| {
        bytes.extend_from_slice(part);
        Ok(())
    };
    let notes = write_table_file(format, form, &open, &mut out, &|| Ok(()))?;
    Ok((bytes, notes))
}

fn read(path: &Path, from: &RowPosition) -> Vec<String> {
    let format = RowFormat::of_name(path).unwrap();
    let options = ReadOptions { nested: None, ..ReadOptions::default() };
    let options = if format == RowFormat::Xlsx { options } else { ReadOptions::default() };
    let mut file = RowFile::open(path, format, &options, from).unwrap();
    let mut rows = Vec::new();
    while let Some(row) = file.next_row().unwrap() {
        rows.push(row.to_owned());
    }
    rows
}

/// The rows of a written file, and the notes.
fn back<R: ToString>(format: &TableFileFormat, form: &TableForm, rows: &[R]) -> Result<(Vec<String>, Vec<String>)> {
    let (bytes, notes) = written(format, form, rows)?;
    let folder = tempfile::tempdir().unwrap();
    let path: PathBuf = folder.path().join(format!("a.{}", format.name()));
    fs::write(&path, bytes).unwrap();
    Ok((read(&path, &RowPosition::default()), notes))
}

fn declared(columns: &[(&str, ValueKind)]) -> TableForm {
    let column = |(name, kind): &(&str, ValueKind)| DeclaredColumn {
        path: name.split('/').map(str::to_owned).collect(),
        kind: Some(*kind),
        about: Some(format!("About {name}")),
    };
    TableForm { declared: columns.iter().map(column).collect(), ..TableForm::default() }
}

/// Values as JSON, and what comes back from Parquet and Arrow, and from Excel; nothing where the value is missing.
fn awkward() -> Vec<(&'static str, ValueKind, &'static str, &'static str)> {
    use ValueKind::{Boolean, Date, Decimal, Double, Integer, Json, Text, Timestamp};
    vec![
        ("0", Integer, "0", "0"),
        ("-1", Integer, "-1", "-1"),
        ("9223372036854775807", Integer, "9223372036854775807", "\"9223372036854775807\""),
        ("-9223372036854775808", Integer, "-9223372036854775808", "\"-9223372036854775808\""),
        ("123456789012345", Integer, "123456789012345", "123456789012345"),
        ("9223372036854775808", Integer, "9223372036854775808", "\"9223372036854775808\""),
        ("1.10", Decimal, "1.1", "1.1"),
        ("0.1", Decimal, "0.1", "0.1"),
        ("-0.1", Decimal, "-0.1", "-0.1"),
        ("1e3", Decimal, "1000", "1000"),
        ("1e-9", Decimal, "0.000000001", "1e-9"),
        ("1e-12", Decimal, "\"1e-12\"", "1e-12"),
        (
            "123456789012345678901234567890",
            Decimal,
            "\"123456789012345678901234567890\"",
            "\"123456789012345678901234567890\"",
        ),
        (
            "12345678901234567890123456789.123456789",
            Decimal,
            "12345678901234567890123456789.123456789",
            "\"12345678901234567890123456789.123456789\"",
        ),
        ("1e400", Decimal, "\"1e400\"", "\"1e400\""),
        ("0.30000000000000004", Double, "0.30000000000000004", "0.30000000000000004"),
        ("1.7976931348623157e308", Double, "1.7976931348623157e+308", "1.7976931348623157e+308"),
        ("5e-324", Double, "5e-324", "5e-324"),
        ("5", Double, "5", "5"),
        ("true", Boolean, "true", "true"),
        ("false", Boolean, "false", "false"),
        ("null", Text, "null", ""),
        (r#""""#, Text, r#""""#, ""),
        (r#"" ""#, Text, r#"" ""#, r#"" ""#),
        (r#""\ta\n""#, Text, r#""\ta\n""#, r#""\ta\n""#),
        (r#""a\r\nb""#, Text, r#""a\r\nb""#, r#""a\r\nb""#),
        (r#""😀 é 字 \u00e9\u0301""#, Text, r#""😀 é 字 é́""#, r#""😀 é 字 é́""#),
        (r#""a\u0001\u001fb\u007f""#, Text, "\"a\\u0001\\u001fb\u{7f}\"", "\"a\\u0001\\u001fb\u{7f}\""),
        (
            r#""_x0041_ _x000D_ _x005F_x0041_""#,
            Text,
            r#""_x0041_ _x000D_ _x005F_x0041_""#,
            r#""_x0041_ _x000D_ _x005F_x0041_""#,
        ),
        (r#""\ufffe\uffff""#, Text, "\"\u{fffe}\u{ffff}\"", "\"\u{fffe}\u{ffff}\""),
        (r#""<a>&amp;]]>\"'""#, Text, r#""<a>&amp;]]>\"'""#, r#""<a>&amp;]]>\"'""#),
        (r#""=1+2""#, Text, r#""=1+2""#, r#""=1+2""#),
        (r#""{=SUM(A1)}""#, Text, r#""{=SUM(A1)}""#, r#""{=SUM(A1)}""#),
        (r#""+1""#, Text, r#""+1""#, r#""+1""#),
        (r#""@x""#, Text, r#""@x""#, r#""@x""#),
        (r#""https://example.com/?a=b&c""#, Text, r#""https://example.com/?a=b&c""#, r#""https://example.com/?a=b&c""#),
        (r#""007""#, Text, r#""007""#, r#""007""#),
        (r#""1e5""#, Text, r#""1e5""#, r#""1e5""#),
        (r#""TRUE""#, Text, r#""TRUE""#, r#""TRUE""#),
        (r#""NaN""#, Text, r#""NaN""#, r#""NaN""#),
        ("12.50", Text, r#""12.50""#, r#""12.50""#),
        ("true", Text, r#""true""#, r#""true""#),
        (r#""2026-01-31""#, Date, r#""2026-01-31""#, r#""2026-01-31""#),
        (r#""1969-12-31""#, Date, r#""1969-12-31""#, r#""1969-12-31""#),
        (r#""1900-03-01""#, Date, r#""1900-03-01""#, r#""1900-03-01""#),
        (r#""1899-12-31""#, Date, r#""1899-12-31""#, r#""1899-12-31""#),
        (r#""0001-01-01""#, Date, r#""0001-01-01""#, r#""0001-01-01""#),
        (r#""9999-12-31""#, Date, r#""9999-12-31""#, r#""9999-12-31""#),
        (r#""2026-02-30""#, Date, r#""2026-02-30""#, r#""2026-02-30""#),
        (r#""2026-01-31T08:00:00Z""#, Timestamp, r#""2026-01-31T08:00:00Z""#, r#""2026-01-31T08:00:00""#),
        (
            r#""2026-01-31T08:00:00.120+01:00""#,
            Timestamp,
            r#""2026-01-31T07:00:00.12Z""#,
            r#""2026-01-31T07:00:00.120""#,
        ),
        (
            r#""1969-12-31T23:59:59.999999Z""#,
            Timestamp,
            r#""1969-12-31T23:59:59.999999Z""#,
            r#""1969-12-31T23:59:59.999999Z""#,
        ),
        (r#""1899-12-31T08:00:00Z""#, Timestamp, r#""1899-12-31T08:00:00Z""#, r#""1899-12-31T08:00:00Z""#),
        (
            r#""2026-01-31T08:00:00.1234567Z""#,
            Timestamp,
            r#""2026-01-31T08:00:00.1234567Z""#,
            r#""2026-01-31T08:00:00.1234567Z""#,
        ),
        (r#""2026-01-31T08:00:00""#, Timestamp, r#""2026-01-31T08:00:00""#, r#""2026-01-31T08:00:00""#),
        (r#""9999-12-31T23:59:59Z""#, Timestamp, r#""9999-12-31T23:59:59Z""#, r#""9999-12-31T23:59:59""#),
        (r#""soon""#, Timestamp, r#""soon""#, r#""soon""#),
        (r#"[1,"a",[null]]"#, Json, r#"[1,"a",[null]]"#, r#""[1,\"a\",[null]]""#),
        (r#"{"a": {"b":1.10}}"#, Json, r#"{"a": {"b":1.10}}"#, r#""{\"a\": {\"b\":1.10}}""#),
        (r#""text""#, Json, r#""text""#, r#""\"text\"""#),
        ("{}", Json, "{}", r#""{}""#),
        ("[1]", Integer, "[1]", r#""[1]""#),
    ]
}

#[test]
fn two_numbers_of_one_row_that_are_no_decimals_are_texts() {
    for format in [TableFileFormat::Parquet, TableFileFormat::Arrow] {
        let (rows, notes) = back(&format, &TableForm::default(), &[r#"{"a":1e-10,"b":1.5,"c":1e400}"#]).unwrap();
        assert_eq!(rows, [r#"{"a":"1e-10","b":1.5,"c":"1e400"}"#]);
        assert!(notes.concat().contains("a, c"), "{notes:?}");
    }
}

#[test]
fn awkward_values_come_back() {
    for format in formats() {
        for (value, kind, typed, sheet) in awkward() {
            let expected = if matches!(format, TableFileFormat::Xlsx(_)) { sheet } else { typed };
            let rows = [format!("{{\"id\":1,\"v\":{value}}}"), "{\"id\":2}".to_owned()];
            let (found, _) = back(&format, &declared(&[("id", ValueKind::Integer), ("v", kind)]), &rows)
                .unwrap_or_else(|e| panic!("{format:?} {value}: {e}"));
            let (absent, missing) = match (&format, expected) {
                (TableFileFormat::Xlsx(_), "") => (r#"{"id":2}"#, r#"{"id":1}"#.to_owned()),
                (TableFileFormat::Xlsx(_), _) => (r#"{"id":2}"#, format!("{{\"id\":1,\"v\":{expected}}}")),
                _ => (r#"{"id":2,"v":null}"#, format!("{{\"id\":1,\"v\":{expected}}}")),
            };
            assert_eq!(found, [missing.as_str(), absent], "{format:?} {value}");
        }
    }
}

#[test]
fn values_without_a_declared_type_come_back() {
    for (value, _, typed, _) in awkward().into_iter().filter(|(value, ..)| *value != "null") {
        let (found, _) = back(&TableFileFormat::Parquet, &TableForm::default(), &[format!("{{\"v\":{value}}}")])
            .unwrap_or_else(|e| panic!("{value}: {e}"));
        let is_text = value.starts_with('"');
        let expected = if is_text { value } else { typed };
        let (own, expected): (Value, Value) = match value {
            "12.50" | "true" | "1e400" | "1.7976931348623157e308" | "5e-324" | "0.30000000000000004" => continue,
            _ => (serde_json::from_str(&found[0]).unwrap(), serde_json::from_str(expected).unwrap()),
        };
        assert_eq!(own, json!({ "v": expected }), "{value}");
    }
}

#[test]
fn a_text_of_a_megabyte_and_a_nul_come_back_or_are_refused() {
    let long = format!(r#"{{"t":"{}","u":1}}"#, "é😀".repeat(170_000));
    let nul = r#"{"t":"a\u0000b","u":1}"#;
    for format in formats() {
        for (row, why) in [(long.as_str(), "longer than a cell can be"), (nul, "NUL")] {
            let result = back(&format, &declared(&[("t", ValueKind::Text)]), &[r#"{"t":"x"}"#, row]);
            match format {
                TableFileFormat::Xlsx(_) => {
                    let error: Error = result.unwrap_err();
                    assert_eq!(error.kind(), ErrorKind::InvalidItems);
                    assert!(error.message.starts_with("row 2: t is a text"), "{error}");
                    assert!(error.message.contains(why) && error.advice.is_some(), "{error}");
                }
                _ => assert!(result.unwrap().0[1] == row),
            }
        }
    }
    // Half of a character is nothing that a text can have.
    for format in formats() {
        let error = back(&format, &TableForm::default(), &[r#"{"t":"\ud800"}"#]).unwrap_err();
        assert!(error.message.starts_with("row 1: t is a text with half"), "{error}");
    }
}

#[test]
fn names_and_many_columns_come_back() {
    let names =
        ["select", "a b", "größe", "字", "a", "A", "__index_level_0__", "=1", "_x0041_", "x.y", "a/b", "\\\"\\nx"];
    let fields: Vec<String> = names.iter().enumerate().map(|(at, name)| format!("\"{name}\":{at}")).collect();
    let row = format!("{{{}}}", fields.join(","));
    for format in formats() {
        let (rows, notes) = back(&format, &TableForm::default(), &[&row]).unwrap();
        assert_eq!(rows, [row.as_str()], "{format:?}");
        assert_eq!(notes.len(), usize::from(!matches!(format, TableFileFormat::Xlsx(_))));
        let wide: Vec<String> = (0..2000).map(|at| format!("\"c{at}\":{at}")).collect();
        let wide = format!("{{{}}}", wide.join(","));
        assert!(back(&format, &TableForm::default(), &[&wide, &wide]).unwrap().0 == [wide.as_str(), wide.as_str()]);
        for row in [r#"{"":1}"#, r#"{"a\u0000":1}"#, r#"{"a":{"b":1},"a__b":2}"#] {
            let error =
                back(&format, &TableForm { nested: Nested::Flatten, ..TableForm::default() }, &[row]).unwrap_err();
            assert!(error.advice.is_some(), "{error}");
        }
        let many: Vec<String> = (0..16_385).map(|at| format!("\"c{at}\":1")).collect();
        let error = back(&format, &TableForm::default(), &[format!("{{{}}}", many.join(","))]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Limit);
    }
}

#[test]
fn columns_are_the_declared_ones_and_those_that_rows_have() {
    let rows = [r#"{"b":1,"a":{"x":1,"y":[2]}}"#, r#"{"late":"t","b":1.5}"#, "{}"];
    let form = declared(&[("never", ValueKind::Date), ("b", ValueKind::Integer)]);
    for format in [TableFileFormat::Parquet, TableFileFormat::Arrow] {
        let (found, _) = back(&format, &form, &rows).unwrap();
        let first = r#"{"never":null,"b":1,"a":{"x":1,"y":[2]},"late":null}"#;
        assert_eq!(found[..2], [first, r#"{"never":null,"b":1.5,"a":null,"late":"t"}"#]);
        assert_eq!(found[2], r#"{"never":null,"b":null,"a":null,"late":null}"#);
        let chosen = TableForm { is_chosen: true, ..form.clone() };
        assert_eq!(back(&format, &chosen, &rows).unwrap().0[0], r#"{"never":null,"b":1}"#);
        let flat = TableForm { nested: Nested::Flatten, ..TableForm::default() };
        assert_eq!(back(&format, &flat, &rows).unwrap().0[0], r#"{"b":1,"a__x":1,"a__y":[2],"late":null}"#);
        // No rows at all.
        assert!(back(&format, &form, &[""; 0]).unwrap().0.is_empty());
        let (found, notes) = back(&format, &TableForm::default(), &[""; 0]).unwrap();
        assert!(found.is_empty() && notes.len() == 1, "{notes:?}");
        // Rows without any field have no place in such a file.
        let error = back(&format, &TableForm::default(), &["{}", "{}"]).unwrap_err();
        assert!(error.message.contains("no row has a field"), "{error}");
    }
}

#[test]
fn the_user_says_types() {
    let said = |kind| TableForm { kinds: [("lat".to_owned(), kind)].into(), ..TableForm::default() };
    for format in formats() {
        let (rows, notes) = back(&format, &said(ValueKind::Double), &[r#"{"lat":1e-12}"#]).unwrap();
        assert_eq!((rows, notes), (vec![r#"{"lat":1e-12}"#.to_owned()], vec![]));
        let (rows, _) = back(&format, &said(ValueKind::Text), &[r#"{"lat":1.10}"#]).unwrap();
        assert_eq!(rows, [r#"{"lat":"1.10"}"#]);
        for (kind, row) in [(ValueKind::Integer, r#"{"lat":1.5}"#), (ValueKind::Date, r#"{"lat":"x"}"#)] {
            let error = back(&format, &said(kind), &[r#"{"lat":null}"#, row]).unwrap_err();
            assert!(error.message.starts_with("row 2: lat is "), "{error}");
            assert!(error.message.contains("`types` says "), "{error}");
        }
    }
    let (_, notes) = back(&TableFileFormat::Parquet, &TableForm::default(), &[r#"{"lat":1e-12}"#]).unwrap();
    assert_eq!(notes.len(), 1);
    assert!(notes[0].contains("lat: double"), "{notes:?}");
}

#[test]
fn many_rows_come_back_from_any_position() {
    let rows: Vec<String> = (0..250_000).map(|n| format!(r#"{{"n":{n},"t":"{}"}}"#, n % 7)).collect();
    let folder = tempfile::tempdir().unwrap();
    for format in [TableFileFormat::Parquet, TableFileFormat::Arrow] {
        let (bytes, _) = written(&format, &TableForm::default(), &rows).unwrap();
        let path = folder.path().join(format!("a.{}", format.name()));
        fs::write(&path, &bytes).unwrap();
        assert!(read(&path, &RowPosition::default()) == rows);
        for row in [1_usize, 4_095, 4_096, 99_999, 100_000, 100_001, 249_999, 250_000] {
            let from = RowPosition { row: row as u64, ..RowPosition::default() };
            assert!(read(&path, &from) == rows[row..], "{format:?} {row}");
        }
        let from = RowPosition { row: 250_001, ..RowPosition::default() };
        let kind = RowFormat::of_name(&path).unwrap();
        let error = RowFile::open(&path, kind, &ReadOptions::default(), &from).err().unwrap();
        assert!(error.message.contains("has changed"), "{error}");
        // The same rows give the same bytes.
        assert!(written(&format, &TableForm::default(), &rows).unwrap().0 == bytes);
        // A cut file is refused.
        fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
        let cut = RowFile::open(&path, kind, &ReadOptions::default(), &RowPosition::default()).err().unwrap();
        assert!(cut.message.contains("cannot be read as"), "{cut}");
    }
}

#[test]
fn a_sheet_has_its_limits() {
    let xlsx = |sheet: &str| TableFileFormat::Xlsx(WorkbookPlan { sheet: Some(sheet.to_owned()), folder: None });
    for name in ["", "a/b", "'a", "History", "a name of more than 31 characters"] {
        assert_eq!(xlsx(name).check().unwrap_err().kind(), ErrorKind::InvalidOptions, "{name}");
    }
    let rows = vec!["{\"a\":1}"; 1_048_576];
    let error = written(&xlsx("Größe"), &TableForm::default(), &rows).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Limit, "{error}");
    let rows = [r#"{"a":1234567890123456,"t":"2026-01-31T00:00:00Z","e":"","o":"1899-01-01"}"#];
    let form = declared(&[("a", ValueKind::Integer), ("t", ValueKind::Timestamp), ("o", ValueKind::Date)]);
    let (_, notes) = written(&xlsx("Größe"), &form, &rows).unwrap();
    assert_eq!(notes.len(), 4, "{notes:?}");
}
