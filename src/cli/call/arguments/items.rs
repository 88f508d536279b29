//! Items of the command line: an array, NDJSON, one object or a table, and `--set items.…`. Keeps digits and the order of fields.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use serde_json::value::RawValue;

use super::csv_items::CsvTable;
use super::options::{ItemField, schema_of_items};
use super::text::{ArgumentText, INPUT_MAX, input};
use crate::Items;
use crate::definition::{Operation, Template};
use crate::error::{Error, ErrorKind, Result};
use crate::json_text::{fields_of, put_list, put_object};
use crate::output::Compression;
use crate::row_file::{ReadOptions, RowFile, RowFormat, RowPosition, RowSchema};

/// The items of a call.
pub(crate) struct TypedItems {
    pub(crate) items: Items,
    /// For a template with several items, the fields that were set in all of them; else `None`.
    pub(crate) covered: Option<BTreeSet<String>>,
}

/// The sources of the items of a call.
pub(crate) struct ItemSources<'a> {
    pub(crate) template: Option<&'a Template>,
    /// `--items`
    pub(crate) argument: Option<&'a str>,
    /// `--set items.0.title=…`
    pub(crate) fields: &'a [ItemField],
    /// `--use-sample`: values of an automatic template are samples, which are not sent by default.
    pub(crate) use_sample: bool,
}

/// The items of the command line, if any, and their file, if they come from one. The template is applied later.
pub(crate) fn read_items(
    operation: &Operation,
    sources: &ItemSources<'_>,
) -> Result<(Option<TypedItems>, Option<String>)> {
    let is_base = |t: &&Template| !t.is_automatic || sources.use_sample;
    // Only several items can be the base for single fields; one item is merged later.
    let several = sources.template.filter(is_base).filter(|t| t.items.len() > 1);
    let (items, file) = match (sources.argument, several) {
        (Some(argument), _) => {
            let is_name = !argument.contains(['{', '[', '\n']) && std::path::Path::new(argument).is_file();
            if is_name {
                return Err(Error::new(
                    ErrorKind::Usage,
                    format!("--items {argument}: items from a file begin with @"),
                )
                .advise(format!("write --items @{argument}")));
            }
            let named = |e: Error| e.with(|d| d.operation = Some(operation.id.clone()));
            match row_file(argument) {
                Some((path, format)) => {
                    (read_rows(operation, Path::new(path), format).map_err(named)?, Some(path.to_owned()))
                }
                None => {
                    let input = input("--items", argument, ErrorKind::InvalidItems)?;
                    let file = input.file.clone();
                    (read(operation, input).map_err(named)?, file)
                }
            }
        }
        (None, _) if sources.fields.is_empty() => return Ok((None, None)),
        (None, Some(template)) => (template.items()?, None),
        (None, None) => (Items::default(), None),
    };
    let items = set(items, sources.fields)?;
    let covered = several.filter(|_| sources.argument.is_none()).map(|_| set_everywhere(&items, sources.fields));
    Ok((Some(TypedItems { items, covered }), file))
}

/// Sets single fields; an index after the last adds an item.
fn set(items: Items, fields: &[ItemField]) -> Result<Items> {
    if fields.is_empty() {
        return Ok(items);
    }
    let mut all: Vec<String> = items.iter().map(|item| item.as_str().to_owned()).collect();
    for field in fields {
        let name = format!("items.{}.{}", field.index, field.path.join("."));
        if field.index == all.len() {
            all.push("{}".to_owned());
        }
        let Some(item) = all.get_mut(field.index) else {
            return Err(Error::new(ErrorKind::Usage, format!("--set {name}: the next item is items.{}", all.len()))
                .advise("items are numbered from 0, without gaps"));
        };
        *item = put(item, &field.path, &field.value).ok_or_else(|| {
            Error::new(ErrorKind::InvalidItems, format!("--set {name}: a value on this path is not an object"))
        })?;
    }
    Items::from_array(format!("[{}]", all.join(",")))
}

/// The JSON with a value at a path; missing objects are created. `None` if a value on the path is not an object or list.
fn put(json: &str, path: &[String], value: &str) -> Option<String> {
    let Some((name, rest)) = path.split_first() else { return Some(value.to_owned()) };
    if let (Ok(mut list), Ok(index)) = (serde_json::from_str::<Vec<&RawValue>>(json), name.parse::<usize>()) {
        let inner =
            if index == list.len() { put("null", rest, value)? } else { put(list.get(index)?.get(), rest, value)? };
        let inner = RawValue::from_string(inner).ok()?;
        if index == list.len() {
            list.push(&inner)
        } else {
            *list.get_mut(index)? = &inner
        };
        let mut text = String::new();
        put_list(&mut text, list.iter(), |text, raw| text.push_str(raw.get()));
        return Some(text);
    }
    let fields = if json == "null" { Vec::new() } else { fields_of(json)? };
    let before = fields.iter().find(|(n, _)| n == name).map_or("null", |(_, raw)| raw.get());
    let inner = put(before, rest, value)?;
    let kept = fields.iter().map(|(n, raw)| (n.as_str(), if n == name { inner.as_str() } else { raw.get() }));
    let added = fields.iter().all(|(n, _)| n != name).then_some((name.as_str(), inner.as_str()));
    let mut text = String::new();
    put_object(&mut text, kept.chain(added), |text, raw| text.push_str(raw));
    Some(text)
}

/// Fields that were set in all items.
fn set_everywhere(items: &Items, fields: &[ItemField]) -> BTreeSet<String> {
    let is_set = |index: usize, name: &String| fields.iter().any(|f| f.index == index && f.path.first() == Some(name));
    let names = fields.iter().filter_map(|f| f.path.first());
    names.filter(|name| (0..items.len()).all(|index| is_set(index, name))).cloned().collect()
}

fn read(operation: &Operation, input: ArgumentText) -> Result<Items> {
    if let Some(file) = input.file.as_deref().filter(|file| is_table(file)) {
        return CsvTable::read(operation, file, input.text)?.items(operation);
    }
    let text = input.text.trim();
    if text.is_empty() && input.file.is_none() {
        return Err(Error::new(ErrorKind::InvalidItems, "--items is empty").advise("pass [] to send no items"));
    }
    let placed = |e: Error| match input.file {
        Some(file) => e.with(|d| d.place.get_or_insert_default().file = Some(file)),
        None => e,
    };
    // One object, possibly over several lines, is one item.
    if text.starts_with('{') && serde_json::from_str::<&RawValue>(text).is_ok() {
        return Items::from_array(format!("[{text}]")).map_err(placed);
    }
    Items::from_ndjson(input.text).map_err(placed)
}

/// A file that is not read as text: a workbook, a Parquet or Arrow file, or a compressed file.
fn row_file(argument: &str) -> Option<(&str, RowFormat)> {
    let path = argument.strip_prefix('@')?;
    let format = RowFormat::of_name(Path::new(path))?;
    let is_compressed = Compression::of_name(Path::new(path)).is_some();
    (is_compressed || !format.is_text()).then_some((path, format))
}

/// The rows of a file, typed by the schemas of the operation.
fn read_rows(operation: &Operation, path: &Path, format: RowFormat) -> Result<Items> {
    let mut options = ReadOptions::default();
    if matches!(format, RowFormat::Csv | RowFormat::Tsv | RowFormat::Xlsx) {
        options.schema = Some(Arc::new(RowSchema::compile(schema_of_items(operation))?));
    }
    let mut file = RowFile::open(path, format, &options, &RowPosition::default())?;
    let mut text = String::from("[");
    while let Some(row) = file.next_row()? {
        if text.len() > 1 {
            text.push(',');
        }
        text.push_str(row);
        if text.len() as u64 > INPUT_MAX {
            let message = format!("--items: {} has more than {INPUT_MAX} bytes of items", path.display());
            return Err(Error::new(ErrorKind::InvalidItems, message).advise("give less in one call"));
        }
    }
    text.push(']');
    Items::from_array(text)
}

/// The table of the items, to locate faults in it.
pub(crate) fn table(operation: &Operation, file: &str) -> Option<CsvTable> {
    let text = is_table(file).then(|| crate::text_file::read_text(Path::new(file), INPUT_MAX).ok())??;
    CsvTable::read(operation, file, text).ok()
}

/// Whether a file is a table of text.
fn is_table(file: &str) -> bool {
    let extension = Path::new(file).extension();
    extension.is_some_and(|extension| extension.eq_ignore_ascii_case("csv") || extension.eq_ignore_ascii_case("tsv"))
}

#[cfg(test)]
mod tests {
    #[test]
    fn fields_are_set_in_json() {
        for (json, path, value, expected) in [
            ("{}", "title", "\"x\"", Some(r#"{"title":"x"}"#)),
            (r#"{"a":1.50,"b":{"c":1}}"#, "b.d", "2", Some(r#"{"a":1.50,"b":{"c":1,"d":2}}"#)),
            (r#"{"a":1.50}"#, "a", "1.10", Some(r#"{"a":1.10}"#)),
            (r#"{"l":[{"x":1},2]}"#, "l.0.x", "3", Some(r#"{"l":[{"x":3},2]}"#)),
            (r#"{"l":[1]}"#, "l.1", "2", Some(r#"{"l":[1,2]}"#)),
            (r#"{"l":[1]}"#, "l.3", "2", None),
            (r#"{"a":1}"#, "a.b", "2", None),
            ("{}", "a.b.c", "true", Some(r#"{"a":{"b":{"c":true}}}"#)),
        ] {
            let path: Vec<String> = path.split('.').map(str::to_owned).collect();
            assert_eq!(super::put(json, &path, value).as_deref(), expected, "{json} {path:?}");
        }
    }
}
