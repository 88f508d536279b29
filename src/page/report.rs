//! A report: columns and rows become one object per row. Pure.

use serde_json::Value;
use serde_json::value::RawValue;

use super::faults::again;
use super::item_text::ItemText;
use super::key_tree::kind;
use super::model::PageLimits;
use crate::authoring::Pointer;
use crate::definition::{ColumnRule, ReplyFormat, ResponseRule};
use crate::error::{Error, ErrorKind, Result};
use crate::item::{Item, Items};
use crate::json_text::put_object;
use crate::reply::scan::Scan;

/// The rows as items, from the text of the columns and of the rows.
pub(super) fn items(
    rule: &ResponseRule,
    columns: Option<&str>,
    rows: Option<&str>,
    limits: PageLimits,
) -> Result<Items> {
    let columns = match &rule.columns {
        ColumnRule::Names(names) => names.clone(),
        ColumnRule::At { list, name } => {
            let columns = elements(rule, list, columns)?;
            columns.into_iter().map(|column| column_name(column, name.as_ref())).collect::<Result<_>>()?
        }
    };
    distinct(&columns)?;
    let mut out = ItemText::new(limits);
    for row in elements(rule, &rule.rows, rows)? {
        if row.starts_with('{') {
            out.add(|out| out.push_str(row))?;
            continue;
        }
        let cells: Vec<&RawValue> = serde_json::from_str(row)
            .map_err(|e| bad(format!("a row of the report is neither a list nor an object: {e}")))?;
        if cells.len() != columns.len() {
            let message =
                format!("a row of the report has {} cells, but there are {} columns", cells.len(), columns.len());
            return Err(bad(message));
        }
        let fields = columns.iter().map(String::as_str).zip(cells);
        out.add(|out| put_object(out, fields, |out, cell| out.push_str(cell.get())))?;
    }
    Ok(out.finish())
}

fn bad(message: String) -> Error {
    Error::new(ErrorKind::BadResponse, message)
}

/// The elements of a list that was kept as text.
fn elements<'t>(rule: &ResponseRule, place: &Pointer, list: Option<&'t str>) -> Result<Vec<&'t str>> {
    let list = list.unwrap_or_default();
    // In XML, a list of one looks like its element.
    if matches!(rule.format, ReplyFormat::Xml) && list.starts_with(['{', '"']) {
        return Ok(vec![list]);
    }
    if !list.starts_with('[') {
        let message = format!("`{place}` in the report: expected a list, found {}", kind(list).words());
        return Err(bad(message));
    }
    let mut found = Vec::new();
    let read = Scan::new(list).elements(0, |from, to| {
        found.extend(list.get(from..to));
        Ok(())
    });
    read.map_err(|fault| again("a report", fault, usize::MAX))?;
    Ok(found)
}

/// Two columns with one name would give an item with the same field twice.
pub(super) fn distinct(columns: &[String]) -> Result<()> {
    let mut seen = std::collections::HashSet::new();
    match columns.iter().find(|name| !seen.insert(name.as_str())) {
        Some(twice) => Err(bad(format!("the reply has two columns `{twice}`, so their values are ambiguous"))
            .advise("name the columns in the definition: `columns: [first, second]`")),
        None => Ok(()),
    }
}

/// The name of a column: the value at the declared place, the text itself, or the only key of an object.
fn column_name(raw: &str, name: Option<&Pointer>) -> Result<String> {
    if let Some(name) = name {
        let found = Item::new(raw).raw(name.tokens()).filter(|found| *found != "null");
        return match found.map(serde_json::from_str::<Value>) {
            Some(Ok(Value::String(name))) => Ok(name),
            Some(Ok(Value::Number(number))) => Ok(number.to_string()),
            _ => Err(bad(format!("a column of the report has no name at `{name}`"))),
        };
    }
    Ok(match serde_json::from_str(raw) {
        Ok(Value::String(name)) => name,
        Ok(Value::Object(map)) => map.keys().next().cloned().unwrap_or_default(),
        _ => raw.to_owned(),
    })
}
