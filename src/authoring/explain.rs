//! Explains why a document does not fit its format: all faults at once, from its JSON Schema. Pure.

use std::collections::HashSet;
use std::fmt::Display;
use std::sync::OnceLock;

use super::finding::FindingKind;
use super::format::Format;
use super::schema::{Schema, kind_of};
use super::yaml::Document;
use crate::error::{Advice, Error, ErrorKind, Fault};

/// All faults of a document, from its JSON Schema. `wrap` is the path of the file part that the document is.
pub(crate) fn explain(format: Format, doc: &Document, wrap: &[&str], cause: &dyn Display) -> Error {
    let what = format!("the {} file is invalid", format.name());
    let faults = schema_faults(format, doc, wrap);
    if faults.is_empty() {
        let fault = Fault { place: doc.place(""), message: cause.to_string(), advice: None };
        return Error::from_faults(ErrorKind::Definition, &what, vec![fault]);
    }
    Error::from_faults(ErrorKind::Definition, &what, faults)
}

/// The schema of a format, compiled on first use.
fn compiled(format: Format) -> Option<&'static Schema> {
    static SCHEMAS: [OnceLock<Option<Schema>>; Format::ALL.len()] = [const { OnceLock::new() }; Format::ALL.len()];
    let compile = || Schema::compile(serde_json::from_str(format.schema()).ok()?).ok();
    SCHEMAS.get(format as usize)?.get_or_init(compile).as_ref()
}

fn schema_faults(format: Format, doc: &Document, wrap: &[&str]) -> Vec<Fault> {
    let Some(schema) = compiled(format) else { return Vec::new() };
    let mut value = doc.to_value();
    for key in wrap.iter().rev() {
        value = serde_json::json!({ "version": format.version(), *key: value });
    }
    if !value.is_object() {
        let message = format!("expected a map of keys, found {}", kind_of(&value));
        return vec![Fault { place: doc.place(""), message, advice: Some(Advice::ShowFormat(Some(format.name()))) }];
    }
    let prefix: String = wrap.iter().map(|k| format!("/{k}")).collect();
    let mut faults: Vec<Fault> = Vec::new();
    let mut told = HashSet::new();
    for finding in schema.check(&value) {
        let pointer = finding.pointer.strip_prefix(&prefix).unwrap_or(&finding.pointer);
        // A key in the place of a value may be the secret itself.
        let is_misplaced = finding.kind == FindingKind::NoForm && finding.pointer.starts_with("/connections/");
        let (place, message) = match &finding.key {
            Some(_) if is_misplaced => {
                let field = pointer.rsplit('/').next().unwrap_or_default();
                let forms = "is a text, or a map with one of the keys `env`, `file` and `keyring`";
                (doc.place(pointer), format!("`{field}` {forms}"))
            }
            Some(key) => (doc.place_of_key(pointer, key), finding.message),
            None => (doc.place(pointer), finding.message),
        };
        if told.insert((place.line, place.column, place.field.clone(), message.clone())) {
            let advice = value.pointer(&finding.pointer).and_then(unquoted);
            faults.push(Fault { place, message, advice });
        }
    }
    faults
}

/// Without quotes, `{name}` is a map with the key `name`.
fn unquoted(value: &serde_json::Value) -> Option<Advice> {
    let map = value.as_object().filter(|map| map.len() == 1)?;
    let (name, _) = map.iter().next().filter(|(_, value)| value.is_null())?;
    Some(format!("put quotes around it: \"{{{name}}}\"").into())
}
