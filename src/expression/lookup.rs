//! Keys of rows, for `lookup`: a text or a number at a path. An index on disk stores their canonical text.

use std::fmt;
use std::sync::Arc;

use super::json::{decoded, within};
use super::work::{short, wrong};
use crate::digits::Decimal;
use crate::error::Result;

/// The key of a row. Equal numbers have equal keys, whatever their notation; a number never equals a text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum LookupKey {
    Text(String),
    /// In the canonical notation of [`Decimal`].
    Number(String),
}

impl LookupKey {
    /// The key in a JSON value; `None` for null, true, false, a list or an object.
    pub(crate) fn of_json(json: &str) -> Option<LookupKey> {
        let json = json.trim();
        match json.as_bytes().first() {
            Some(b'"') => Some(LookupKey::Text(decoded(json).into_owned())),
            _ => Decimal::of(json).map(|number| LookupKey::Number(number.to_string())),
        }
    }

    /// The key of a row at a path; `None` if it has none.
    pub(crate) fn of_row(row: &str, path: &[String]) -> Option<LookupKey> {
        LookupKey::of_json(path.iter().try_fold(row, |text, name| within(text, name))?)
    }

    /// As JSON.
    pub(crate) fn json(&self) -> String {
        match self {
            LookupKey::Text(text) => crate::json_text::text_of(text),
            LookupKey::Number(number) => number.clone(),
        }
    }

    /// Whether both are texts, or both are numbers.
    pub(crate) fn is_like(&self, other: &LookupKey) -> bool {
        matches!((self, other), (LookupKey::Text(_), LookupKey::Text(_)) | (LookupKey::Number(_), LookupKey::Number(_)))
    }

    /// The error for rows that have only keys of the other type: `theirs` is one of them.
    pub(crate) fn mismatch(&self, path: &[String], theirs: &LookupKey) -> crate::error::Error {
        let how = match self {
            LookupKey::Text(_) => "convert the key: … | int",
            LookupKey::Number(_) => "convert the key: … | string",
        };
        let why = format!("it looks up {self}, but `{}` of the rows is {theirs}", path.join("."));
        wrong(why).advise(how)
    }
}

impl fmt::Display for LookupKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LookupKey::Text(text) => write!(f, "the text \"{}\"", short(text)),
            LookupKey::Number(_) => f.write_str("a number"),
        }
    }
}

/// The rows with a key, at most this many. If none has it, a row with a key of the other type is an error.
pub(crate) fn scan(
    rows: impl Iterator<Item = Result<Arc<str>>>,
    path: &[String],
    key: &LookupKey,
    most: usize,
) -> Result<Vec<Arc<str>>> {
    let (mut found, mut other, mut is_like) = (Vec::new(), None, false);
    for row in rows {
        let row = row?;
        match LookupKey::of_row(&row, path) {
            Some(of) if of == *key => found.push(row),
            Some(of) if of.is_like(key) => is_like = true,
            Some(of) => other = Some(of),
            None => {}
        }
        if found.len() >= most {
            break;
        }
    }
    match other {
        Some(theirs) if found.is_empty() && !is_like => Err(key.mismatch(path, &theirs)),
        _ => Ok(found),
    }
}
