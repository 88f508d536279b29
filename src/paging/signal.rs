//! Reads the paging values of a reply: flags, tokens, page numbers, totals. Pure.
//!
//! A value has the same meaning in every location: an empty header is absent, `"false"` is false, `3.0` is a number.

use serde_json::Value;

use crate::authoring::{Source, kind_of, same, scalar};
use crate::definition::{Flag, Sense, TokenRule};
use crate::error::{Error, ErrorKind, Result};
use crate::page::{Page, count};

/// Whether a flag means "there is more"; `None` if it is absent.
pub(super) fn flag(page: &Page, flag: &Flag) -> Result<Option<bool>> {
    let value = match page.signal(&flag.at) {
        None => return Ok(None),
        Some(value) => value,
    };
    if let Sense::Is(good) = &flag.sense {
        if value.is_null() && !good.iter().any(Value::is_null) {
            return Ok(None);
        }
        return is_one_of(good, &value).map(Some).ok_or_else(|| unusable(&flag.at, &known(good), &value));
    }
    let said = match &value {
        Value::Null => return Ok(None),
        Value::String(text) if text.trim().is_empty() => return Ok(None),
        value => truth(value).ok_or_else(|| unusable(&flag.at, "a flag: true or false", value))?,
    };
    Ok(Some(if matches!(flag.sense, Sense::End) { !said } else { said }))
}

/// Whether a value is one of those listed; `None` if it is neither listed nor of their type.
fn is_one_of(good: &[Value], value: &Value) -> Option<bool> {
    if good.iter().any(|g| same(g, value)) {
        return Some(true);
    }
    match value {
        Value::Bool(_) => good.iter().any(Value::is_boolean).then_some(false),
        Value::String(text) => {
            (good.iter().any(Value::is_string) || ["true", "false"].contains(&text.as_str())).then_some(false)
        }
        Value::Number(_) => good.iter().any(Value::is_number).then_some(false),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn known(good: &[Value]) -> String {
    format!("a value of the kind of {}", Value::from(good.to_vec()))
}

/// Whether a value is true or false; `None` if it is neither.
fn truth(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::Number(number) => number.as_f64().filter(|n| *n == 0.0 || *n == 1.0).map(|n| n == 1.0),
        Value::String(text) => match text.trim().to_ascii_lowercase().as_str() {
            "true" | "yes" | "y" | "1" => Some(true),
            "false" | "no" | "n" | "0" => Some(false),
            _ => None,
        },
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A next-page value, as text; `None` if there is none: absent, null, false, empty, or declared as an end.
pub(super) fn token(page: &Page, token: &TokenRule) -> Result<Option<String>> {
    match page.signal(&token.at) {
        None | Some(Value::Null | Value::Bool(false)) => Ok(None),
        Some(value) => match scalar(&value) {
            Some(text) if text.is_empty() || token.ends.contains(&text) => Ok(None),
            Some(text) => Ok(Some(text)),
            None => Err(unusable(&token.at, "a cursor", &value)),
        },
    }
}

/// A page number, or a number of pages.
pub(super) fn number(page: &Page, source: &Source) -> Result<Option<u64>> {
    match page.signal(source) {
        None | Some(Value::Null | Value::Bool(false)) => Ok(None),
        Some(Value::String(text)) if text.trim().is_empty() => Ok(None),
        Some(value) => count(&value).map(Some).ok_or_else(|| unusable(source, "a page number", &value)),
    }
}

/// A page number that was read as a token.
pub(super) fn page_number(source: &Source, text: &str) -> Result<u64> {
    count(&Value::from(text)).ok_or_else(|| unusable(source, "a page number", &Value::from(text)))
}

/// An unreadable value must be taken neither for the end of the walk nor for more.
fn unusable(source: &Source, wanted: &str, value: &Value) -> Error {
    let found = match scalar(value) {
        Some(_) => value.to_string(),
        None => kind_of(value).to_owned(),
    };
    Error::new(ErrorKind::BadResponse, format!("{source}: expected {wanted}, found {found}"))
        .advise("if its place or its values differ, correct `paging` in the definition")
}
