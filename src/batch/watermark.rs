//! Watermarks: the largest value that finished runs have seen, per leg and step, in `watermarks.json`.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use super::disk;
use crate::error::{Error, ErrorKind, Place, Result};
use crate::item::Item;

/// Watermarks by `leg/step`.
pub(crate) type Watermarks = BTreeMap<String, Value>;

/// Reads what finished runs have left.
///
/// # Errors
/// `state` when it cannot be read or is damaged: starting from the beginning would write everything again.
pub(crate) fn load(root: &Path) -> Result<Watermarks> {
    let path = root.join("watermarks.json");
    let Some(text) = disk::read_bytes(&path)? else { return Ok(Watermarks::new()) };
    serde_json::from_slice(&text).map_err(|e| {
        let shown = path.display().to_string();
        let place = Place { file: Some(shown.clone()), line: Some(e.line() as u64), column: Some(e.column() as u64), field: None };
        Error::new(ErrorKind::State, format!("{shown} is damaged: {e}"))
            .at(place)
            .advise("restore it, or remove it to read everything again")
    })
}

/// Keeps them, durably.
///
/// # Errors
/// `state` when the disk refuses.
pub(crate) fn store(root: &Path, watermarks: &Watermarks) -> Result<()> {
    let text = serde_json::to_vec_pretty(watermarks).unwrap_or_default();
    disk::replace(&root.join("watermarks.json"), &text)
}

/// The larger of the mark and an item's value. Numbers are compared as such, texts by their characters, as ISO 8601 times want it.
///
/// # Errors
/// `bad_response` when a value is neither, or another kind than the mark.
pub(crate) fn larger(mark: &mut Value, item: Item<'_>, path: &[String]) -> Result<()> {
    let Some(raw) = item.raw(path).filter(|raw| *raw != "null") else { return Ok(()) };
    let wrong = |why: &str| {
        Error::new(ErrorKind::BadResponse, format!("the watermark at /{} {why}", path.join("/")))
            .advise("let `pointer` name a field with a time or a number that only grows")
    };
    let value: Value = serde_json::from_str(raw).map_err(|e| wrong(&e.to_string()))?;
    let order = match (&value, &*mark) {
        (Value::String(value), Value::String(mark)) => value.as_str().cmp(mark),
        (Value::Number(value), Value::Number(mark)) => match (value.as_i64(), mark.as_i64()) {
            (Some(value), Some(mark)) => value.cmp(&mark),
            _ => value.as_f64().partial_cmp(&mark.as_f64()).unwrap_or(Ordering::Equal),
        },
        (Value::String(_) | Value::Number(_), _) => return Err(wrong(&format!("is {raw}, and cannot be compared with {mark}"))),
        _ => return Err(wrong("is neither a text nor a number")),
    };
    if order == Ordering::Greater {
        *mark = value;
    }
    Ok(())
}
