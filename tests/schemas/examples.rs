//! Examples of keys, from the definition files of this repository.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use opnode::formats::{Format, generate_schema};
use serde_yaml::Value;

use crate::model::{FORMATS, Model, Shape};

/// Characters of the longest example.
const MAX: usize = 110;

/// Folders with definition files, the most readable first.
const FOLDERS: [&str; 8] = [
    "examples/definitions",
    "examples/import",
    "operations",
    "templates",
    "tests/definitions/ok",
    "tests/cases",
    "tests/cli",
    "tests/servers",
];

/// The shortest readable example of each key, by mapping and key. It is empty if all are too long.
pub type Examples = BTreeMap<(String, String), String>;

/// The examples in all valid files of the newest version.
pub fn examples(model: &Model) -> Examples {
    let mut found: BTreeMap<(String, String), (usize, String)> = BTreeMap::new();
    let validators: Vec<(Format, jsonschema::Validator)> = FORMATS
        .iter()
        .map(|f| (*f, jsonschema::validator_for(&serde_json::from_str(&generate_schema(*f)).unwrap()).unwrap()))
        .collect();
    for (rank, folder) in FOLDERS.iter().enumerate() {
        let mut files = Vec::new();
        yaml_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut files);
        files.sort();
        for file in files {
            let text = std::fs::read_to_string(&file).unwrap();
            let Ok(format) = Format::of(&file.to_string_lossy(), &text) else { continue };
            let Some((_, validator)) = validators.iter().find(|(f, _)| *f == format) else { continue };
            let Ok(value) = serde_yaml::from_str::<Value>(&text) else { continue };
            let is_new = value.get("version").and_then(Value::as_u64) == Some(u64::from(version(format)));
            if is_new
                && !has_old_keys(model, format, &value)
                && serde_json::to_value(&value).is_ok_and(|json| validator.is_valid(&json))
            {
                let mut take = |mapping: &str, key: &str, value: &Value| {
                    let place =
                        found.entry((mapping.to_owned(), key.to_owned())).or_insert((usize::MAX, String::new()));
                    let example = written(key, value);
                    let score = score(key, &example, value, rank);
                    if example.chars().count() <= MAX && score < place.0 {
                        *place = (score, example);
                    }
                };
                walk(model, &Model::root(format), &value, &mut take);
            }
        }
    }
    found.into_iter().map(|(place, (_, example))| (place, example)).collect()
}

/// Whether a file has keys of version 1, as only files with faults do.
fn has_old_keys(model: &Model, format: Format, value: &Value) -> bool {
    let mut found = false;
    walk(model, &Model::root(format), value, &mut |mapping, name, _| {
        found |= model.mapping(mapping).keys.iter().any(|key| key.name == name && key.instead().is_some());
    });
    found
}

fn version(format: Format) -> u32 {
    if matches!(format, Format::Connector | Format::Operations) { 2 } else { 1 }
}

/// The lower, the better: short, but neither empty nor without meaning.
fn score(key: &str, example: &str, value: &Value, rank: usize) -> usize {
    let is_blank = match value {
        Value::String(text) => text.len() < 4 || key == "sample",
        Value::Sequence(list) => list.is_empty(),
        Value::Mapping(map) => map.is_empty(),
        _ => false,
    };
    example.chars().count() + 15 * rank + if is_blank { 60 } else { 0 }
}

fn yaml_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            yaml_files(&path, found);
        } else if path.extension().is_some_and(|e| e == "yaml") {
            found.push(path);
        }
    }
}

/// Gives every key of the mappings in a value to `take`.
fn walk(model: &Model, schema: &serde_json::Value, value: &Value, take: &mut dyn FnMut(&str, &str, &Value)) {
    match model.shape(schema) {
        Shape::Any | Shape::Plain(_) | Shape::Words(_) | Shape::Small(_) => {}
        Shape::List(item) => value.as_sequence().into_iter().flatten().for_each(|v| walk(model, item, v, take)),
        Shape::Map(item) => {
            value.as_mapping().into_iter().flatten().for_each(|(_, v)| walk(model, item, v, take));
        }
        Shape::Mapping(id) => {
            for (name, value) in value.as_mapping().into_iter().flatten() {
                let name = name.as_str().unwrap_or_default();
                if let Some(key) = model.mapping(&id).keys.iter().find(|key| key.name == name) {
                    take(&id, name, value);
                    walk(model, &key.schema, value, take);
                }
            }
        }
        Shape::Union(alternatives) => {
            if let Some(one) = alternatives.into_iter().find(|one| fits(model, one, value)) {
                walk(model, one, value, take);
            }
        }
    }
}

/// Whether a valid value can be of this alternative.
fn fits(model: &Model, schema: &serde_json::Value, value: &Value) -> bool {
    match model.shape(schema) {
        Shape::Any => true,
        Shape::Plain(types) => match value {
            Value::String(_) => types.contains(&"string"),
            Value::Number(_) => types.contains(&"number") || types.contains(&"integer"),
            Value::Bool(_) => types.contains(&"boolean"),
            _ => false,
        },
        Shape::Words(words) => value.as_str().is_some_and(|text| words.iter().any(|w| w.text == text)),
        Shape::List(_) => value.is_sequence(),
        Shape::Map(_) => value.is_mapping(),
        Shape::Small(key) => value.as_mapping().is_some_and(|map| map.len() == 1 && map.contains_key(key)),
        Shape::Mapping(id) => {
            let mapping = model.mapping(&id);
            let known = |name: &Value| mapping.keys.iter().any(|key| name.as_str() == Some(key.name.as_str()));
            match value {
                Value::Mapping(map) => {
                    map.keys().all(known)
                        && mapping.keys.iter().filter(|k| k.is_required).all(|k| map.contains_key(k.name.as_str()))
                }
                Value::String(text) => mapping.words.iter().any(|word| word.text == *text),
                _ => false,
            }
        }
        Shape::Union(alternatives) => alternatives.into_iter().any(|one| fits(model, one, value)),
    }
}

/// `key: value` in flow style. It is read back to be sure.
fn written(key: &str, value: &Value) -> String {
    let text = format!("{key}: {}", flow(value));
    let read: Value = serde_yaml::from_str(&text).unwrap_or_else(|e| panic!("{text}: {e}"));
    assert_eq!(read.get(key), Some(value), "{text}");
    text
}

fn flow(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => scalar(text),
        Value::Sequence(list) => format!("[{}]", list.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Value::Mapping(map) if map.is_empty() => "{}".to_owned(),
        Value::Mapping(map) => {
            let entry = |(name, value): (&Value, &Value)| format!("{}: {}", flow(name), flow(value));
            format!("{{ {} }}", map.iter().map(entry).collect::<Vec<_>>().join(", "))
        }
        Value::Tagged(tagged) => flow(&tagged.value),
    }
}

/// A text, in quotes where a reader could take it for something else.
fn scalar(text: &str) -> String {
    let is_word = |c: char| c.is_alphanumeric() || " /-_.$".contains(c);
    let starts = text.starts_with(|c: char| c.is_alphabetic() || c == '/' || c == '$') && !text.ends_with(' ');
    let is_other =
        ["yes", "no", "on", "off", "null", "true", "false", "y", "n"].contains(&text.to_lowercase().as_str());
    let is_address = text.starts_with("https://") && text.chars().all(|c| is_word(c) || c == ':');
    let is_plain = starts && !is_other && (text.chars().all(is_word) || is_address);
    if is_plain { text.to_owned() } else { serde_json::to_string(text).unwrap() }
}
