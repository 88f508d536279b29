//! What makes the records of a list differ, if no file says it: the key, and names with the number of the record. Pure.

use serde_json::Value;

use super::tree::Tree;
use crate::definition::Record;

/// Fields that identify a record, if the path does not name one.
const KEYS: [&str; 4] = ["id", "_id", "uuid", "key"];
/// Endings of the names of texts that people tell records apart by, in lower case.
const NAMES: [&str; 8] = ["name", "title", "summary", "identifier", "subject", "label", "caption", "code"];
/// The text of samples that are made from a schema.
const PLACEHOLDER: &str = "text";

/// The field that identifies a record: `named` by the path, or a usual one.
pub(super) fn key(sample: &Tree, named: Option<&str>) -> Option<String> {
    let is_key = |name: &&str| sample.get(name).is_some_and(|value| value.is_number() || value.is_text());
    named.into_iter().chain(KEYS).find(is_key).map(str::to_owned)
}

/// The fields that contain the number of the record, as `vary` says it.
pub(super) fn numbered(record: &Record, sample: &Tree, key: &str) -> Vec<(Vec<String>, Tree)> {
    let schema = record.schema.to_value();
    let is_name = |name: &str| {
        let lower = name.to_lowercase();
        NAMES.iter().any(|ending| lower.ends_with(ending))
    };
    let vary = |(name, value): &(String, Tree)| {
        let property = schema.get("properties").and_then(|all| all.get(name));
        let is_free =
            property.is_none_or(|p| ["enum", "format", "const", "pattern"].iter().all(|k| p.get(k).is_none()));
        if name == key || !is_free || !is_name(name) {
            return None;
        }
        let own = value.plain().filter(|_| value.is_text())?;
        let own = if own == PLACEHOLDER { record.title.clone() } else { own };
        let most = property.and_then(|p| p.get("maxLength")).and_then(Value::as_u64).unwrap_or(u64::MAX);
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        // Identifiers have no spaces; the number has at most three digits.
        let lower = name.to_lowercase();
        let is_one_word = most < 12 || lower.ends_with("identifier") || lower.ends_with("code");
        let between = if is_one_word { "" } else { " " };
        let is_kept = |c: &char| !(matches!(c, '{' | '}') || (is_one_word && c.is_whitespace()));
        let cut: String = own.chars().filter(is_kept).take(most.saturating_sub(4)).collect();
        Some((vec![name.clone()], Tree::text(&format!("{cut}{between}{{n}}"))))
    };
    sample.fields().iter().filter_map(vary).collect()
}

/// The fields that the server sets: those that are only read, and those with an underscore.
pub(super) fn server_fields(record: &Record, sample: &Tree) -> Vec<String> {
    let schema = record.schema.to_value();
    let is_read = |name: &str| {
        let property = schema.get("properties").and_then(|all| all.get(name));
        property.and_then(|p| p.get("readOnly")).and_then(Value::as_bool) == Some(true)
    };
    let own = sample.fields().iter().map(|(name, _)| name);
    own.filter(|name| name.starts_with('_') || is_read(name)).cloned().collect()
}

/// A number as a UUID, if the sample is the made one.
pub(super) fn like_uuid(sample: &Tree, number: &str) -> Option<String> {
    let is_made = sample.plain().is_some_and(|text| text == "00000000-0000-0000-0000-000000000000");
    let number = number.parse::<u64>().ok().filter(|_| is_made)?;
    Some(format!("00000000-0000-0000-0000-{number:012}"))
}
