//! Rows of SQLite as JSON objects. The type of a column says what its values are.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Error as SqliteError};

use super::sqlite_types::kind_of;
use super::value_kind::ValueKind;
use crate::error::{Error, ErrorKind, Result};
use crate::json_text::put_text;

/// Passes each row of a statement on.
pub(super) fn read(
    connection: &Connection,
    sql: &str,
    failed: &dyn Fn(&SqliteError) -> Error,
    each: &mut dyn FnMut(&str) -> Result<()>,
) -> Result<()> {
    let wrong = |e: SqliteError| failed(&e);
    let mut statement = connection.prepare(sql).map_err(wrong)?;
    if !statement.readonly() {
        let message = "the statement changes the database, and rows are only read";
        return Err(Error::new(ErrorKind::InvalidOptions, message).advise("write a SELECT"));
    }
    let columns: Vec<(String, ValueKind)> = statement
        .columns()
        .map(|column| (column.name().to_owned(), kind_of(column.decl_type().unwrap_or_default())))
        .collect();
    let mut names = std::collections::BTreeSet::new();
    if let Some((twice, _)) = columns.iter().find(|(name, _)| !names.insert(name)) {
        return Err(super::database::two_columns(twice));
    }
    let mut rows = statement.query([]).map_err(wrong)?;
    let mut text = String::new();
    while let Some(row) = rows.next().map_err(wrong)? {
        text.clear();
        text.push('{');
        for (at, (name, kind)) in columns.iter().enumerate() {
            if at > 0 {
                text.push(',');
            }
            put_text(&mut text, name);
            text.push(':');
            let value = row.get_ref(at).map_err(wrong)?;
            put_value(&mut text, value, *kind).map_err(|why| {
                Error::new(ErrorKind::InvalidItems, format!("the column {name} has {why}"))
                    .advise("leave the column out of the query, or convert it there")
            })?;
        }
        text.push('}');
        each(&text)?;
    }
    Ok(())
}

fn put_value(out: &mut String, value: ValueRef<'_>, kind: ValueKind) -> Result<(), &'static str> {
    match (value, kind) {
        (ValueRef::Null, _) => out.push_str("null"),
        (ValueRef::Integer(number), ValueKind::Boolean) if number == 0 || number == 1 => {
            out.push_str(if number == 1 { "true" } else { "false" });
        }
        (ValueRef::Integer(number), _) => out.push_str(&number.to_string()),
        (ValueRef::Real(number), _) => match serde_json::Number::from_f64(number) {
            Some(number) => out.push_str(&number.to_string()),
            None => return Err("a number that is infinite"),
        },
        (ValueRef::Text(text), kind) => {
            let text = std::str::from_utf8(text).map_err(|_| "a text that is not UTF-8")?;
            let is_json = || serde_json::from_str::<&serde_json::value::RawValue>(text).is_ok();
            match kind {
                ValueKind::Json if is_json() => out.push_str(&crate::json_text::one_line(text.to_owned())),
                // More digits than a number of SQLite has.
                ValueKind::Decimal if is_json() && !text.starts_with(['"', '{', '[', 't', 'f', 'n']) => {
                    out.push_str(text)
                }
                _ => put_text(out, text),
            }
        }
        (ValueRef::Blob(_), _) => return Err("a value of bytes"),
    }
    Ok(())
}
