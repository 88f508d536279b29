//! Reads a body with one JSON value per line. Pure.

use serde_json::value::RawValue;

use super::faults::{too_deep, too_many};
use super::model::PageLimits;
use super::{Around, Page, Unfit};
use crate::error::{Error, ErrorKind};
use crate::item::Items;
use crate::json_error;
use crate::json_text::one_line;
use crate::reply::scan::{Scan, ScanFault};

/// Each line is an item, as it is; blank lines are skipped.
pub(super) fn read(text: String, limits: PageLimits, page: &mut Page) -> Result<(), Unfit> {
    let mut spans = Vec::new();
    let mut scan = Scan::new(&text);
    let mut start = 0;
    for (number, line) in text.split('\n').enumerate() {
        let (from, inner) = (start + leading(line), line.trim_matches(WHITE));
        start += line.len() + 1;
        if inner.is_empty() {
            continue;
        }
        if spans.len() >= limits.items {
            return Err(Unfit::Shape(too_many(limits.items)));
        }
        match scan.element(from) {
            Ok(to) if to == from + inner.len() => spans.push((from as u32, to as u32)),
            Err(ScanFault::Depth) => return Err(Unfit::Unreadable(too_deep(), Around::default())),
            // A value that continues on the next line, or something behind it.
            Ok(_) | Err(ScanFault::Syntax | ScanFault::Count) => return Err(refused(&text, from, number + 1, inner)),
        }
    }
    if let [(from, to)] = *spans.as_slice()
        && is_json_list(text.get(from as usize..to as usize).unwrap_or_default())
    {
        let error = Error::new(ErrorKind::BadResponse, "the reply is one JSON list, not a JSON value per line");
        let advice = "if the system always answers with a list, remove `format: ndjson`";
        return Err(Unfit::Form(error.advise(advice)));
    }
    // A carriage return within a line is white space.
    let has_lines = scan.has_lines;
    page.is_list = true;
    page.items = Items::from_spans(if has_lines { one_line(text) } else { text }, spans);
    Ok(())
}

/// Whether the only line is a list of objects: some systems answer in JSON, whatever they were asked for. A list of
/// single values may be a row.
fn is_json_list(line: &str) -> bool {
    line.strip_prefix('[').is_some_and(|rest| rest.trim_start_matches(WHITE).starts_with(['{', ']']))
}

/// White space of JSON; other white space is no part of a line end.
const WHITE: [char; 3] = [' ', '\t', '\r'];

fn leading(line: &str) -> usize {
    line.len() - line.trim_start_matches(WHITE).len()
}

fn refused(text: &str, at: usize, number: usize, line: &str) -> Unfit {
    let why = match serde_json::from_str::<&RawValue>(line) {
        Err(e) => json_error::words(&e, line),
        Ok(_) => "another JSON value".to_owned(),
    };
    let message = format!("line {number} of the reply is not JSON: {why}");
    Unfit::Unreadable(Error::new(ErrorKind::BadResponse, message), Around::new(text, at))
}

#[cfg(test)]
mod tests {
    use super::super::{Page, PageLimits};

    fn read(text: &str) -> Result<String, String> {
        let mut page = Page::default();
        let limits = PageLimits { items: 3, bytes: 1000 };
        super::read(text.to_owned(), limits, &mut page).map(|()| page.items.to_json()).map_err(|e| format!("{e:?}"))
    }

    #[test]
    fn each_line_is_an_item() {
        for (text, items) in [
            ("", "[]"),
            ("\n\r\n  \n", "[]"),
            ("{\"a\":1.10}\n{\"a\":18446744073709551617}", "[{\"a\":1.10},{\"a\":18446744073709551617}]"),
            ("1\r\n\t \"x\u{2028}\" \r\nnull\n\n", "[1,\"x\u{2028}\",null]"),
            ("{\"a\":\r1}\n[2]", "[{\"a\": 1},[2]]"),
        ] {
            assert_eq!(read(text).unwrap(), items, "{text:?}");
        }
        for (text, said) in [
            ("{\"a\":1}\n{\"a\":", "line 2 of the reply is not JSON"),
            ("[{\"a\":1}]\n", "the reply is one JSON list"),
            (" [ ] ", "the reply is one JSON list"),
            ("{\n\"a\":1}", "line 1 of the reply is not JSON"),
            ("1\n\n2 3", "line 3 of the reply is not JSON"),
            ("1,\n2", "line 1 of the reply is not JSON"),
            ("1\n\u{a0}2", "line 2 of the reply is not JSON"),
            ("1\n2\n3\n4", "page_items"),
            (&"[".repeat(200), "json_depth"),
        ] {
            assert!(read(text).unwrap_err().contains(said), "{text:?}: {:?}", read(text));
        }
    }
}
