//! Options of the command line: `--options` and `--set`, typed by the schemas of the operation. Keeps digits.

use serde_json::Value;
use serde_json::value::RawValue;

use super::text::input;
use crate::Options;
use crate::authoring::kind_of;
use crate::cli::args::CallArgs;
use crate::definition::{Operation, OptionRule, Send};
use crate::error::{Error, ErrorKind, Place, Result};
use crate::json_error;
use crate::row_file::{at_path, quoted, typed_by};

/// The options of a call, and their file, if they come from one.
pub(crate) struct TypedOptions {
    pub(crate) options: Options,
    /// Fields of items, from `--set items.…`.
    pub(crate) fields: Vec<ItemField>,
    pub(crate) file: Option<String>,
}

/// `--set items.0.title=…`
pub(crate) struct ItemField {
    pub(crate) index: usize,
    pub(crate) path: Vec<String>,
    /// JSON.
    pub(crate) value: String,
}

/// The options of the command line; `set` are the pairs of `--set`.
pub(crate) fn read_options(operation: &Operation, args: &CallArgs, set: &[String]) -> Result<TypedOptions> {
    let mut read = TypedOptions { options: Options::default(), fields: Vec::new(), file: None };
    if let Some(argument) = &args.options {
        let (values, file) = object(argument)?;
        read.options.extend(&values);
        read.file = file;
    }
    put_pairs(operation, set, &mut read)?;
    Ok(read)
}

/// Pairs of `--set` as options.
pub(crate) fn of_pairs(operation: &Operation, set: &[String]) -> Result<Options> {
    let mut read = TypedOptions { options: Options::default(), fields: Vec::new(), file: None };
    put_pairs(operation, set, &mut read)?;
    Ok(read.options)
}

fn put_pairs(operation: &Operation, set: &[String], read: &mut TypedOptions) -> Result<()> {
    let mut lists: Vec<String> = Vec::new();
    for pair in set {
        let (name, text) = split(pair)?;
        if operation.option(name).is_none() && (name == "items" || name.starts_with("items.")) {
            read.fields.push(item_field(operation, pair, name, text)?);
            continue;
        }
        // Unknown options are kept as text: the later check reports them with the nearest name.
        let json = operation.option(name).map_or_else(|| quoted(text), |rule| typed(rule, text));
        let before = read.options.json(name).filter(|_| lists.iter().any(|n| n == name));
        let json = before.and_then(|before| appended(&before, &json)).unwrap_or(json);
        let wrong = |e| {
            Error::new(ErrorKind::InvalidOptions, format!("--set {pair}: {e}")).at(Place::field(format!("/{name}")))
        };
        read.options.insert_json(name, &json).map_err(wrong)?;
        lists.push(name.to_owned());
    }
    Ok(())
}

fn item_field(operation: &Operation, pair: &str, name: &str, text: &str) -> Result<ItemField> {
    let wrong = |why: &str| {
        let advice = "write the index of the item and then the field, such as --set items.0.title=Technician";
        Err(Error::new(ErrorKind::Usage, format!("--set {pair}: {why}")).advise(advice))
    };
    if operation.items.is_none() && !operation.options.iter().any(|o| operation.item_may_fill(o)) {
        return wrong(&format!("{} takes no items", operation.id));
    }
    let mut parts = name.split('.').skip(1);
    let Some(index) = parts.next().and_then(|n| n.parse().ok()) else {
        return wrong("the index of the item is missing");
    };
    let path: Vec<String> = parts.map(str::to_owned).collect();
    if path.is_empty() || path.iter().any(String::is_empty) {
        return wrong("the field is missing");
    }
    Ok(ItemField { index, value: typed_by(&field_schema(operation, &path), text), path })
}

/// The schema of a field of the items. A field that fills an option has the type of the option.
pub(super) fn field_schema(operation: &Operation, path: &[String]) -> Value {
    let schema = operation.items.as_ref().and_then(|rule| at_path(&rule.schema, path)).cloned();
    let filled = || path.first().and_then(|name| operation.option(name)).map(|rule| rule.schema.to_value());
    schema.or_else(filled).unwrap_or_default()
}

/// The schema of the items, with the options that items fill. A patch removes a field whose value is null.
pub(super) fn schema_of_items(operation: &Operation) -> Value {
    let mut schema = operation.items.as_ref().map(|rule| rule.schema.clone()).unwrap_or_default();
    if !schema.is_object() {
        schema = serde_json::json!({});
    }
    let filled = operation.options.iter().filter(|option| operation.item_may_fill(option));
    let names: Vec<&OptionRule> =
        filled.filter(|option| at_path(&schema, std::slice::from_ref(&option.name)).is_none()).collect();
    if let Some(schema) = schema.as_object_mut().filter(|_| !names.is_empty()) {
        let properties = schema.entry("properties").or_insert_with(|| serde_json::json!({}));
        if let Some(properties) = properties.as_object_mut() {
            properties.extend(names.iter().map(|option| (option.name.clone(), option.schema.to_value())));
        }
    }
    if operation.items.as_ref().is_some_and(|rule| matches!(rule.send, Send::JsonPatch(_))) {
        allow_null(&mut schema);
    }
    schema
}

/// Adds null to the types of a schema and of its properties.
pub(super) fn allow_null(schema: &mut Value) {
    let Some(schema) = schema.as_object_mut() else { return };
    if let Some(kind @ Value::String(_)) = schema.get_mut("type") {
        *kind = Value::Array(vec![kind.take(), Value::from("null")]);
    }
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        properties.values_mut().for_each(allow_null);
    }
}

/// Joins two lists.
fn appended(list: &str, more: &str) -> Option<String> {
    let parts = |json: &str| {
        serde_json::from_str::<Vec<&RawValue>>(json).ok().map(|l| l.iter().map(|r| r.get().to_owned()).collect())
    };
    let (mut all, more): (Vec<String>, Vec<String>) = (parts(list)?, parts(more)?);
    all.extend(more);
    Some(format!("[{}]", all.join(",")))
}

fn object(argument: &str) -> Result<(Options, Option<String>)> {
    let input = input("--options", argument, ErrorKind::InvalidOptions)?;
    let place = |line: usize, column: usize| Place {
        file: input.file.clone(),
        line: input.file.is_some().then_some(line as u64),
        column: input.file.is_some().then_some(column as u64),
        field: None,
    };
    let wrong = |message: String, at: Place| {
        Error::new(ErrorKind::InvalidOptions, message)
            .at(at)
            .advise("options are a JSON object, such as {\"id\": 12}; --set id=12 sets one option")
    };
    match Options::read(&input.text) {
        Ok(options) if options.as_value().is_object() => Ok((options, input.file)),
        Ok(other) => {
            Err(wrong(format!("--options must be a JSON object, not {}", kind_of(other.as_value())), place(1, 1)))
        }
        Err(e) if e.is_data() => Err(wrong(format!("--options: {e}"), place(e.line(), e.column()))),
        Err(e) => Err(wrong(
            format!("--options is not JSON: {}", json_error::words(&e, &input.text)),
            place(e.line(), e.column()),
        )),
    }
}

fn split(pair: &str) -> Result<(&str, &str)> {
    pair.split_once('=').filter(|(name, _)| !name.is_empty()).ok_or_else(|| {
        Error::new(ErrorKind::Usage, format!("--set {pair} has no value")).advise("write it as --set name=value")
    })
}

/// A text as JSON, typed by the schema of the option. Invalid values stay text; the later check reports them.
fn typed(rule: &OptionRule, text: &str) -> String {
    typed_by(&rule.schema.to_value(), text)
}
