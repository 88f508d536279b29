//! Tables in test files: the first row names columns, and each row below replaces the `{column}`s of a text.

use std::collections::BTreeMap;

use opnode::definition::Json;
use serde_yaml::Value;

/// A row's name, and its cells by column.
pub type Row = (String, BTreeMap<String, Value>);

/// The first row names the columns.
pub fn rows(table: Value) -> Result<Vec<Row>, String> {
    let rows: Vec<Vec<Value>> = serde_yaml::from_value(table).map_err(|e| format!("table: {e}"))?;
    let (head, rows) = rows.split_first().ok_or("the table has no row")?;
    let names: Vec<String> = head.iter().map(|cell| cell.as_str().unwrap_or_default().to_owned()).collect();
    let row = |cells: &Vec<Value>| {
        if cells.len() != names.len() {
            return Err(format!("table: this row has not {} cells: {}", names.len(), shown(cells)));
        }
        Ok((shown(cells), names.iter().cloned().zip(cells.iter().cloned()).collect()))
    };
    rows.iter().map(row).collect()
}

fn shown(cells: &[Value]) -> String {
    let is_text = |text: &str| matches!(serde_yaml::from_str(text), Ok(Value::String(_)));
    let cell = |cell: &Value| match cell {
        Value::Null => "-".to_owned(),
        // A text that reads as a number or a boolean keeps its quotes.
        Value::String(text) if !is_text(text) => format!("'{}'", text.replace('\n', "\\n")),
        other => plain(other).replace('\n', "\\n"),
    };
    cells.iter().map(cell).collect::<Vec<_>>().join(" ")
}

/// A cell as text.
fn plain(cell: &Value) -> String {
    match cell {
        Value::String(text) => text.clone(),
        other => {
            let json: Result<Json, _> = serde_yaml::from_value(other.clone());
            json.map(|json| json.0).unwrap_or_default()
        }
    }
}

/// The value with its `{column}`s replaced; `None` for a text that consists of an empty cell (`~`): its key is omitted.
pub fn filled(value: &Value, cells: &BTreeMap<String, Value>) -> Option<Value> {
    match value {
        Value::String(text) => match cells.iter().find(|(name, _)| *text == format!("{{{name}}}")) {
            Some((_, cell)) => (!cell.is_null()).then(|| cell.clone()),
            None => Some(Value::String(inside(text, cells))),
        },
        Value::Sequence(list) => Some(Value::Sequence(list.iter().filter_map(|v| filled(v, cells)).collect())),
        Value::Mapping(map) => {
            let pairs = map.iter().filter_map(|(key, value)| Some((filled(key, cells)?, filled(value, cells)?)));
            Some(Value::Mapping(pairs.collect()))
        }
        other => Some(other.clone()),
    }
}

fn inside(text: &str, cells: &BTreeMap<String, Value>) -> String {
    cells.iter().fold(text.to_owned(), |text, (name, cell)| {
        let mark = format!("{{{name}}}");
        if text.contains(&mark) {
            text.replace(&mark, &if cell.is_null() { String::new() } else { plain(cell) })
        } else {
            text
        }
    })
}
