//! Collects authoring faults with their places while a mirror is converted to a checked model. Pure; reads no file.
//!
//! A file that fits its types is converted directly; otherwise its JSON Schema reports all faults at once.

use std::collections::BTreeSet;
use std::fmt::Display;

use http::{HeaderName, HeaderValue};
use serde_json::Value;

use super::format::Format;
use super::schema::Schema;
use super::text::{Pointer, Source, Target, Text};
use super::values::{Json, Ordered, PointersFile, SourceFile, TargetFile};
use super::yaml::Document;
use crate::error::{Advice, Error, ErrorKind, Fault, Place, Result};
use crate::json_pointer::escape;

/// Collects faults while a document is converted.
pub(crate) struct Checker<'d> {
    doc: &'d Document,
    pub(crate) faults: Vec<Fault>,
}

impl<'d> Checker<'d> {
    pub(crate) fn new(doc: &'d Document) -> Checker<'d> {
        Checker { doc, faults: Vec::new() }
    }

    /// Whether the document is trusted.
    pub(crate) fn is_vouched(&self) -> bool {
        self.doc.is_vouched()
    }

    /// Whether a map of the document has a key.
    pub(crate) fn has_key(&self, parent: &str, key: &str) -> bool {
        self.doc.keys(parent).contains(&key)
    }

    /// Reports a name that cannot be used to address its entry: `connector/name` is the full name.
    pub(crate) fn name(&mut self, at: &str, name: &str) {
        if name.trim().is_empty() || name.trim() != name || name.chars().any(char::is_control) {
            let advice = "use letters, digits, `-` and `_`".to_owned();
            self.fault(at, format!("`{}` is not a valid name", name.escape_debug()), Some(advice.into()));
        }
    }

    /// Reports an invalid JSON Schema; `what` is put before the reason.
    pub(crate) fn schema(&mut self, pointer: &str, what: &str, schema: impl FnOnce() -> Value) {
        if self.is_vouched() {
            return;
        }
        let schema = schema();
        if let Some(name) = bare_reference(&schema) {
            let advice = format!(
                "write `#/records/{name}` for the record {name}, or `#/$defs/{name}` for a part of this schema"
            );
            self.fault(pointer, format!("{what}`$ref: {name}` is no place in this schema"), Some(advice.into()));
        } else if let Err(why) = Schema::compile(schema) {
            self.fault(pointer, format!("{what}{why}"), None);
        }
    }

    /// Reports what of a value does not fit a valid JSON Schema.
    pub(crate) fn fits(&mut self, pointer: &str, schema: impl FnOnce() -> Value, value: &Json) {
        if self.is_vouched() {
            return;
        }
        let Ok(schema) = Schema::compile(schema()) else { return };
        for finding in schema.check(&value.to_value()) {
            self.fault(&format!("{pointer}{}", finding.pointer), finding.message, None);
        }
    }

    /// Reports a fault at a JSON Pointer of the document.
    pub(crate) fn fault(&mut self, pointer: &str, message: impl Into<String>, advice: Option<Advice>) {
        self.faults.push(Fault { place: self.doc.place(pointer), message: message.into(), advice });
    }

    /// Reports an unknown key; `hint` is appended.
    pub(crate) fn unknown_key(&mut self, parent: &str, key: &str, hint: String) {
        let place = self.doc.place_of_key(parent, key);
        self.faults.push(Fault { place, message: format!("unknown key `{key}`{hint}"), advice: None });
    }

    /// The value of a result, or `None` with its error reported.
    pub(crate) fn accept<T, E: Display>(&mut self, pointer: &str, result: Result<T, E>) -> Option<T> {
        result.map_err(|e| self.fault(pointer, e.to_string(), None)).ok()
    }

    pub(crate) fn text(&mut self, pointer: &str, text: &str) -> Option<Text> {
        let parsed = Text::parse(text);
        self.accept(pointer, parsed)
    }

    pub(crate) fn pointer(&mut self, at: &str, text: &str) -> Option<Pointer> {
        let parsed = Pointer::parse(text);
        let is_placeholder = |token: &&str| {
            let name = token.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or_default();
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        };
        if let Some(token) = text.split('/').find(is_placeholder) {
            self.fault(at, format!("`{token}` is not replaced in a JSON Pointer"), None);
        }
        self.accept(at, parsed)
    }

    pub(crate) fn pointers(&mut self, at: &str, file: PointersFile) -> Vec<Pointer> {
        file.into_vec().iter().filter_map(|p| self.pointer(at, p)).collect()
    }

    /// The name of a header of requests.
    pub(crate) fn header(&mut self, at: &str, name: &str) -> Option<HeaderName> {
        let header = self.reply_header(at, name)?;
        if FRAMING.contains(&header.as_str()) {
            self.fault(at, format!("the header {name} is set by opnode"), None);
            return None;
        }
        Some(header)
    }

    /// The name of a header of replies, which may be any.
    pub(crate) fn reply_header(&mut self, at: &str, name: &str) -> Option<HeaderName> {
        let parsed = HeaderName::from_bytes(name.as_bytes()).map_err(|_| format!("`{name}` is not a header name"));
        self.accept(at, parsed)
    }

    pub(crate) fn headers(&mut self, at: &str, file: Ordered<String>) -> Vec<(HeaderName, Text)> {
        let mut headers = Vec::new();
        for (name, value) in file {
            let place = format!("{at}/{}", escape(&name));
            if HeaderValue::from_str(&value).is_err() {
                self.fault(&place, "a header value can contain only visible characters", None);
            }
            if let (Some(name), Some(text)) = (self.header(&place, &name), self.text(&place, &value)) {
                if headers.iter().any(|(before, _)| *before == name) {
                    self.fault(
                        &place,
                        format!("the header {name} is given twice; header names are case-insensitive"),
                        None,
                    );
                }
                headers.push((name, text));
            }
        }
        headers
    }

    pub(crate) fn source(&mut self, at: &str, file: SourceFile) -> Option<Source> {
        match file {
            SourceFile::Pointer(text) => self.pointer(at, &text).map(Source::Body),
            SourceFile::Header { header } => self.reply_header(at, &header).map(Source::Header),
        }
    }

    pub(crate) fn target(&mut self, at: &str, file: TargetFile) -> Option<Target> {
        match file {
            TargetFile::Query(name) => Some(Target::Query(name)),
            TargetFile::Header(name) => self.header(at, &name).map(Target::Header),
            TargetFile::Body(name) => self.body_place(at, &name).map(Target::Body),
            TargetFile::Path(name) => Some(Target::Path(name)),
            TargetFile::Text(name) => Some(Target::Text(name)),
        }
    }

    /// A field of a body: a name, or a JSON Pointer to a nested one.
    pub(crate) fn body_place(&mut self, at: &str, name: &str) -> Option<Pointer> {
        if name.starts_with('/') { self.pointer(at, name) } else { Some(Pointer::key(name)) }
    }

    /// The value, unless a fault was reported.
    pub(crate) fn finish<T>(self, what: &str, value: Option<T>) -> Result<T> {
        match value {
            Some(value) if self.faults.is_empty() => Ok(value),
            _ => {
                // A batch also reports the faults of its connections file and of its parts.
                let files: BTreeSet<_> = self.faults.iter().filter_map(|f| f.place.file.as_deref()).collect();
                let only = files.first().filter(|file| files.len() == 1 && **file != self.doc.file());
                let other = only.map(|file| format!("{file} is invalid"));
                Err(Error::from_faults(ErrorKind::Definition, other.as_deref().unwrap_or(what), self.faults))
            }
        }
    }
}

/// Headers that frame a message; RFC 9112 reserves them for the client.
const FRAMING: [&str; 7] =
    ["accept-encoding", "content-length", "transfer-encoding", "connection", "host", "te", "upgrade"];

/// The place of a fault without a document, such as a missing file.
pub(crate) fn in_file(file: &str) -> Place {
    Place { file: Some(file.to_owned()), ..Place::default() }
}

/// Checks the `version` key.
pub(crate) fn version(checker: &mut Checker<'_>, format: Format, version: u32) {
    let newest = format.version();
    if !(1..=newest).contains(&version) {
        let advice = (version > newest).then(|| Advice::from("use a newer opnode"));
        let read = if newest == 1 { "version 1".to_owned() } else { format!("the versions 1 to {newest}") };
        checker.fault(
            "/version",
            format!("version {version} of this format is not supported; this build reads {read}"),
            advice,
        );
    }
}

/// A reference of a schema that is a plain name.
fn bare_reference(schema: &Value) -> Option<&str> {
    match schema {
        Value::Array(list) => list.iter().find_map(bare_reference),
        Value::Object(map) => {
            let own = map.get("$ref").and_then(Value::as_str);
            let is_name = |name: &&str| {
                !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
            };
            own.filter(is_name).or_else(|| map.values().find_map(bare_reference))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}
