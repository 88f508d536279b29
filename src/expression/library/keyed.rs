//! `lookup`: rows by their key. Rows of a step are found by their source, which may have an index.

use super::super::access::path_of;
use super::super::json::Part;
use super::super::lookup::{LookupKey, scan};
use super::super::value::{ExprValue, List, mistyped};
use super::super::work::wrong;
use super::super::write::json;
use super::call::ToolCall;
use crate::error::Result;

/// Maximum number of rows with one key.
const ROWS_MAX: usize = 100_000;

/// Steps that a look-up in an index costs.
const COST: usize = 20;

fn key(call: &ToolCall<'_>) -> Result<LookupKey> {
    let value = call.needed(2);
    let key = match value {
        ExprValue::Text(_) | ExprValue::Number(_) => LookupKey::of_json(&json(value, call.work)?),
        _ => None,
    };
    key.ok_or_else(|| mistyped(&format!("`{}`", call.name), "a text or number as key", "its key", value))
}

fn rows(call: &ToolCall<'_>, most: usize) -> Result<Vec<ExprValue>> {
    let (list, path, key) = (call.list_arg(0)?, path_of(&call.text_or(1, "")?), key(call)?);
    let value = |row| ExprValue::of_json(Part::whole(row));
    if let List::Lazy(lazy) = list
        && let Some(rows) = lazy.rows()
    {
        call.work.elements(COST)?;
        if most == 1 {
            return Ok(rows.lookup(&path, &key)?.map(value).into_iter().collect());
        }
        let found = rows.lookup_all(&path, &key, most)?;
        found.iter().try_for_each(|row| call.work.hold(row.len()))?;
        return Ok(found.into_iter().map(value).collect());
    }
    let texts = list.elements(call.work)?.map(|element| {
        let text = json(&element?, call.work)?;
        call.work.text(text.len())?;
        Ok(text.into())
    });
    let found = scan(texts, &path, &key, most)?;
    found.iter().try_for_each(|row| call.work.hold(row.len()))?;
    Ok(found.into_iter().map(value).collect())
}

/// The first row with a key, or null.
pub(super) fn lookup(call: &ToolCall<'_>) -> Result<ExprValue> {
    Ok(rows(call, 1)?.pop().unwrap_or(ExprValue::Null))
}

pub(super) fn lookup_all(call: &ToolCall<'_>) -> Result<ExprValue> {
    let found = rows(call, ROWS_MAX + 1)?;
    if found.len() > ROWS_MAX {
        return Err(wrong(format!("`lookup_all` finds more rows with one key than the limit {ROWS_MAX}")));
    }
    Ok(ExprValue::list(found))
}
