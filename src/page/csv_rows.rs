//! Reads a body of comma-separated values (RFC 4180). Pure.

use std::io::Read as _;

use csv::{ReaderBuilder, StringRecord};
use serde_json::Value;

use super::item_text::ItemText;
use super::model::PageLimits;
use super::report::distinct;
use super::{Around, Page, Unfit};
use crate::definition::CsvRule;
use crate::error::{Error, ErrorKind};
use crate::json_text::{put_object, put_text};

/// A row after the last one. It is read as part of the last row if that ends within quotes, which the reader accepts.
const AFTER: &str = "\n\0";

/// Each row is an object by the names of its columns; values are texts. `is_labelled` says whether the reply is declared
/// as CSV.
pub(super) fn read(
    rule: &CsvRule,
    (text, is_labelled): (&str, bool),
    limits: PageLimits,
    page: &mut Page,
) -> Result<(), Unfit> {
    let first = text.trim_start();
    if first.starts_with(['{', '<']) || first.strip_prefix('[').is_some_and(|rest| rest.trim_start().starts_with('{')) {
        let other = if first.starts_with('<') { "HTML or XML" } else { "JSON" };
        return Err(broken(text, format!("the reply is {other}, not CSV")));
    }
    let all = text.as_bytes().chain(AFTER.as_bytes());
    let mut reader = ReaderBuilder::new().delimiter(rule.separator).has_headers(false).flexible(true).from_reader(all);
    let mut row = StringRecord::new();
    let mut names = (!rule.header).then(|| rule.columns.clone());
    let mut out = ItemText::new(limits);
    let mut ended = false;
    while reader.read_record(&mut row).map_err(|e| broken(text, format!("the reply is not CSV: {e}")))? {
        if row.len() == 1 && row.get(0) == Some("\0") {
            ended = true;
            break;
        }
        let Some(names) = &names else {
            names = Some(header(rule, &row).map_err(Unfit::Shape)?);
            continue;
        };
        if row.len() != names.len() {
            return Err(Unfit::Shape(wrong_width(&row, names.len())));
        }
        let fields = names.iter().map(String::as_str).zip(row.iter());
        out.add(|out| put_object(out, fields, put_text)).map_err(Unfit::Shape)?;
    }
    if !ended {
        return Err(broken(text, format!("the reply is not CSV: it ends within quotes, after {} bytes", text.len())));
    }
    page.is_list = true;
    page.items = out.finish();
    // A header without rows is an empty list; a sentence under another label may be anything, such as an error.
    let is_sentence = |names: Vec<String>| matches!(names.as_slice(), [one] if one.trim().contains(' '));
    if page.items.is_empty() && !is_labelled && rule.header && names.is_some_and(is_sentence) {
        let line: String = text.lines().next().unwrap_or_default().chars().take(80).collect();
        let message = format!("the reply is one line of text, which is not declared as CSV: {line}");
        return Err(Unfit::Shape(Error::new(ErrorKind::BadResponse, message)));
    }
    Ok(())
}

/// The first row as an object, if there is one and it is whole.
pub(crate) fn first_row(rule: &CsvRule, text: &str) -> Option<Value> {
    let mut reader =
        ReaderBuilder::new().delimiter(rule.separator).has_headers(false).flexible(true).from_reader(text.as_bytes());
    let mut rows = reader.records().map_while(Result::ok);
    let names = if rule.header { header(rule, &rows.next()?).ok()? } else { rule.columns.clone() };
    let row = rows.next().filter(|row| row.len() == names.len())?;
    Some(names.into_iter().zip(row.iter()).map(|(name, cell)| (name, Value::from(cell))).collect())
}

fn header(rule: &CsvRule, row: &StringRecord) -> Result<Vec<String>, Error> {
    if !rule.columns.is_empty() {
        return match row.len() == rule.columns.len() {
            true => Ok(rule.columns.clone()),
            false => Err(wrong_width(row, rule.columns.len())),
        };
    }
    let names: Vec<String> = row.iter().map(str::to_owned).collect();
    distinct(&names)?;
    Ok(names)
}

fn wrong_width(row: &StringRecord, columns: usize) -> Error {
    let line = row.position().map_or(0, csv::Position::line);
    let message = format!("line {line} of the reply has {} cells, but there are {columns} columns", row.len());
    Error::new(ErrorKind::BadResponse, message)
        .advise("if the separator is not a comma, write `csv: { separator: \";\" }` under `response`")
}

fn broken(text: &str, message: String) -> Unfit {
    Unfit::Unreadable(Error::new(ErrorKind::BadResponse, message), Around::new(text, text.len()))
}

#[cfg(test)]
mod tests {
    use super::super::{Page, PageLimits};
    use crate::definition::CsvRule;

    fn read(rule: &CsvRule, text: &str) -> Result<String, String> {
        let mut page = Page::default();
        let limits = PageLimits { items: 3, bytes: 100 };
        super::read(rule, (text, false), limits, &mut page).map(|()| page.items.to_json()).map_err(|e| format!("{e:?}"))
    }

    fn rule(separator: u8, header: bool, columns: &[&str]) -> CsvRule {
        CsvRule { separator, header, columns: columns.iter().map(|c| (*c).to_owned()).collect() }
    }

    #[test]
    fn rows_are_objects_of_texts() {
        let plain = rule(b',', true, &[]);
        for (text, items) in [
            ("a,b\n", "[]"),
            ("a,b", "[]"),
            ("a,b\n1,2", r#"[{"a":"1","b":"2"}]"#),
            (
                "a,b\r\n1.10,\r\n\r\n ,00012345678901234567890\r\n",
                r#"[{"a":"1.10","b":""},{"a":" ","b":"00012345678901234567890"}]"#,
            ),
            ("a\n\"x\n, \"\"y\"\"\"\n", r#"[{"a":"x\n, \"y\""}]"#),
            ("a\n\"\"\n", r#"[{"a":""}]"#),
            ("a\r1\r2", r#"[{"a":"1"},{"a":"2"}]"#),
            ("\"a \"\"b\",é\nx\\,\u{1}\n", "[{\"a \\\"b\":\"x\\\\\",\"é\":\"\\u0001\"}]"),
            ("a,\n1,2", r#"[{"a":"1","":"2"}]"#),
            ("a,b\n5\" pipe,x\n", r#"[{"a":"5\" pipe","b":"x"}]"#),
        ] {
            assert_eq!(read(&plain, text).unwrap(), items, "{text:?}");
        }
        let named = rule(b';', true, &["id", "name"]);
        assert_eq!(read(&named, "a;a\n1;2,3").unwrap(), r#"[{"id":"1","name":"2,3"}]"#);
        let bare = rule(b'\t', false, &["id", "name"]);
        assert_eq!(read(&bare, "1\t2\n").unwrap(), r#"[{"id":"1","name":"2"}]"#);
    }

    #[test]
    fn what_is_not_as_declared_is_refused() {
        let plain = rule(b',', true, &[]);
        let long = format!("{}\n{}", "n".repeat(900), "1\n2");
        for (rule, text, said) in [
            (&plain, "a,a\n1,2", "two columns `a`"),
            (&plain, "a,b\n1\n", "line 2 of the reply has 1 cells, but there are 2 columns"),
            (&plain, "a,b\n\n1,2\n1,2,3\n", "line 4 of the reply has 3 cells"),
            (&plain, "a,b\n1,\"2", "ends within quotes"),
            (&plain, "a,b\n1,\"2\n3,4\n", "ends within quotes"),
            (&plain, "a\n1\n2\n3\n4", "page_items"),
            (&plain, &long, "16 times page_bytes"),
            (&rule(b';', true, &["id", "name"]), "id,name\n1,2\n", "line 1 of the reply has 1 cells"),
        ] {
            assert!(read(rule, text).unwrap_err().contains(said), "{text:?}: {:?}", read(rule, text));
        }
    }
}
