//! Keys as bytes: their order is the order of the values, and equal values have equal bytes. Pure.
//!
//! The order of types is: booleans, numbers by exact value, texts by code point. 1 and 1.0 are equal, 1 and "1" are
//! not. Null and absent values are before or after all others. The bytes of one key are never the start of another's,
//! so the bytes of several keys can be joined.

use super::fields::{RowName, type_of};
use super::plan::{FieldPath, NullOrder, SortKey};
use crate::digits::Decimal;
use crate::error::{Error, ErrorKind, Result};

/// The longest key of a row in bytes: many keys are in memory at once.
const KEY_MAX: usize = 64 << 10;

const NULL_FIRST: u8 = 0x00;
const FALSE: u8 = 0x01;
const TRUE: u8 = 0x02;
const NUMBER: u8 = 0x03;
const TEXT: u8 = 0x04;
const NULL_LAST: u8 = 0xff;

/// Removes null: absent and null are one for keys.
pub(super) fn present(json: Option<&str>) -> Option<&str> {
    json.filter(|json| *json != "null")
}

/// Appends the key of a value that is not null; otherwise says what is wrong with it.
pub(crate) fn put_key(out: &mut Vec<u8>, json: &str) -> Result<(), String> {
    match json.as_bytes().first() {
        Some(b't') => out.push(TRUE),
        Some(b'f') => out.push(FALSE),
        Some(b'"') => {
            out.push(TEXT);
            put_text_key(out, json)?;
        }
        Some(b'-' | b'0'..=b'9') => {
            out.push(NUMBER);
            let number = Decimal::of(json).ok_or_else(|| format!("is the invalid number {json}"))?;
            number.put_ordered(out);
        }
        Some(_) | None => return Err(format!("is {}, which is not compared", type_of(json))),
    }
    Ok(())
}

/// The bytes of the text; a zero byte gets another byte after it, so that two zero bytes are the end.
fn put_text_key(out: &mut Vec<u8>, json: &str) -> Result<(), String> {
    let plain = json.strip_prefix('"').and_then(|text| text.strip_suffix('"')).filter(|text| !text.contains('\\'));
    match plain {
        Some(text) => out.extend_from_slice(text.as_bytes()),
        None => {
            let text: String = serde_json::from_str(json).map_err(|_| "is text with one half of a \\u escape pair")?;
            for byte in text.bytes() {
                out.extend_from_slice(if byte == 0 { &[0, 0xff] } else { std::slice::from_ref(&byte) });
            }
        }
    }
    out.extend_from_slice(&[0, 0]);
    Ok(())
}

/// Appends the key of a row for a sort.
pub(super) fn put_sort_key(out: &mut Vec<u8>, json: Option<&str>, key: &SortKey, name: RowName) -> Result<()> {
    let Some(json) = present(json) else {
        out.push(match key.nulls {
            NullOrder::First => NULL_FIRST,
            NullOrder::Last => NULL_LAST,
        });
        return Ok(());
    };
    let start = out.len();
    put_key(out, json).map_err(|why| unfit(name, &key.path, why))?;
    if key.descending {
        out.iter_mut().skip(start).for_each(|byte| *byte = !*byte);
    }
    check_length(out, &key.path, name)
}

/// Appends the keys of a row's values, null included. Returns whether one of them is null.
pub(super) fn put_keys(
    out: &mut Vec<u8>,
    values: &[Option<&str>],
    paths: &[&FieldPath],
    name: RowName,
) -> Result<bool> {
    let mut has_null = false;
    for (json, path) in values.iter().zip(paths) {
        match present(*json) {
            Some(json) => {
                put_key(out, json).map_err(|why| unfit(name, path, why))?;
                check_length(out, path, name)?;
            }
            None => {
                out.push(NULL_FIRST);
                has_null = true;
            }
        }
    }
    Ok(has_null)
}

fn check_length(key: &[u8], path: &FieldPath, name: RowName) -> Result<()> {
    if key.len() <= KEY_MAX {
        return Ok(());
    }
    let why = format!("the key of {name} has more than {KEY_MAX} bytes, at its field {}", path.pointer());
    Err(Error::new(ErrorKind::Limit, why).advise("use a shorter field, or filter such rows out first"))
}

fn unfit(name: RowName, path: &FieldPath, why: String) -> Error {
    name.misfit(path, why).advise("use a field that is text, a number or a boolean, or filter such rows out first")
}
