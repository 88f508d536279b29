//! From mirror to checked model, with every authoring fault at its place. Pure; reads no file.
//!
//! A file that fits its types is converted directly; one that does not is run against its JSON Schema, which reports all faults at once.

use std::fmt::Display;
use std::sync::OnceLock;

use http::{HeaderName, HeaderValue};
use serde_json::Value;

#[cfg(feature = "schemas")]
use super::connector_file::ConnectorFile;
#[cfg(feature = "schemas")]
use super::file::{OperationsFile, TemplatesFile};
use super::schema::{Schema, kind_of};
use super::text::{Pointer, Source, Target, Text};
use super::value::{PointersFile, SourceFile, TargetFile};
use crate::error::{Error, ErrorKind, Fault, Place, Result};
use crate::yaml::Document;

/// The version of the file formats that this build reads.
pub const FORMAT_VERSION: u32 = 1;

/// The formats, each with its JSON Schema as checked in under `schemas/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `connector.yaml`.
    Connector,
    /// `operations/<connector>/<area>.yaml`.
    Operations,
    /// `templates/<connector>/<area>.yaml`.
    Templates,
    /// `connections.yaml`.
    Connections,
    /// `operations/<connector>/sandbox.yaml`.
    Sandbox,
    /// `batch.yaml`.
    Batch,
}

impl Format {
    /// All formats.
    pub const ALL: [Format; 6] =
        [Format::Connector, Format::Operations, Format::Templates, Format::Connections, Format::Sandbox, Format::Batch];

    /// Its name, as in `schemas/NAME.schema.json`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Format::Connector => "connector",
            Format::Operations => "operations",
            Format::Templates => "templates",
            Format::Connections => "connections",
            Format::Sandbox => "sandbox",
            Format::Batch => "batch",
        }
    }

    /// Which format a file has, by its top-level keys.
    ///
    /// # Errors
    /// `definition` when the text is not YAML, or has the keys of no format.
    pub fn of(file: &str, text: &str) -> Result<Format> {
        let doc = Document::parse(file, text, 0)?;
        let keys = doc.keys("");
        let has = |names: &[&str]| names.iter().any(|n| keys.contains(n));
        let found = match () {
            () if has(&["connector", "base_url"]) => Some(Format::Connector),
            () if has(&["steps"]) => Some(Format::Batch),
            () if has(&["connections"]) => Some(Format::Connections),
            () if has(&["templates"]) => Some(Format::Templates),
            () if has(&["operations", "records"]) => Some(Format::Operations),
            () if has(&["collections", "replies", "errors"]) => Some(Format::Sandbox),
            () => None,
        };
        found.ok_or_else(|| {
            let message = match keys.as_slice() {
                [] => "the file holds no keys".to_owned(),
                keys => format!("none of its keys belongs to a format of opnode: {}", keys.iter().take(5).copied().collect::<Vec<_>>().join(", ")),
            };
            Error::new(ErrorKind::Definition, message)
                .at(doc.place(""))
                .advise("a file has one of the keys connector, operations, templates, connections, collections or steps; `opnode schema NAME` shows each format")
        })
    }

    /// Its JSON Schema.
    #[must_use]
    pub const fn schema(self) -> &'static str {
        match self {
            Format::Connector => include_str!("../../schemas/connector.schema.json"),
            Format::Operations => include_str!("../../schemas/operations.schema.json"),
            Format::Templates => include_str!("../../schemas/templates.schema.json"),
            Format::Connections => include_str!("../../schemas/connections.schema.json"),
            Format::Sandbox => include_str!("../../schemas/sandbox.schema.json"),
            Format::Batch => include_str!("../../schemas/batch.schema.json"),
        }
    }
}

/// The schemas of the formats, made from the mirror types.
#[cfg(feature = "schemas")]
#[must_use]
pub fn generate_schema(format: Format) -> String {
    let schema = match format {
        Format::Connector => schemars::schema_for!(ConnectorFile),
        Format::Operations => schemars::schema_for!(OperationsFile),
        Format::Templates => schemars::schema_for!(TemplatesFile),
        Format::Connections => schemars::schema_for!(crate::connection::ConnectionsFile),
        Format::Sandbox => schemars::schema_for!(super::sandbox::SandboxFile),
        Format::Batch => schemars::schema_for!(super::batch_file::BatchFile),
    };
    serde_json::to_string_pretty(&schema).unwrap_or_default() + "\n"
}

/// Collects faults while a document is converted.
pub(crate) struct Checker<'d> {
    doc: &'d Document,
    pub(crate) faults: Vec<Fault>,
}

impl<'d> Checker<'d> {
    pub(crate) fn new(doc: &'d Document) -> Checker<'d> {
        Checker { doc, faults: Vec::new() }
    }

    /// Whether the document is vouched for.
    pub(crate) fn is_vouched(&self) -> bool {
        self.doc.is_vouched()
    }

    /// Whether a map of the document has a key.
    pub(crate) fn has_key(&self, parent: &str, key: &str) -> bool {
        self.doc.keys(parent).contains(&key)
    }

    /// Notes a name that nobody could call its entry by: `connector/name` names one fully.
    pub(crate) fn name(&mut self, at: &str, name: &str) {
        if name.contains('/') || name.trim().is_empty() || name.chars().any(char::is_control) {
            let advice = "a slash stands between a connector and a name; use letters, digits, `-` and `_`".to_owned();
            self.fault(at, format!("`{}` cannot be a name", name.escape_debug()), Some(advice));
        }
    }

    /// Notes that a JSON Schema is none; `what` stands before the reason.
    pub(crate) fn schema(&mut self, pointer: &str, what: &str, schema: impl FnOnce() -> Value) {
        if !self.is_vouched()
            && let Err(why) = Schema::compile(schema())
        {
            self.fault(pointer, format!("{what}{why}"), None);
        }
    }

    /// Notes a fault at a JSON Pointer of the document.
    pub(crate) fn fault(&mut self, pointer: &str, message: impl Into<String>, advice: Option<String>) {
        self.faults.push(Fault { place: self.doc.place(pointer), message: message.into(), advice });
    }

    /// The value of a result, or `None` with its error noted.
    pub(crate) fn accept<T, E: Display>(&mut self, pointer: &str, result: Result<T, E>) -> Option<T> {
        result.map_err(|e| self.fault(pointer, e.to_string(), None)).ok()
    }

    pub(crate) fn text(&mut self, pointer: &str, text: &str) -> Option<Text> {
        let parsed = Text::parse(text);
        self.accept(pointer, parsed)
    }

    pub(crate) fn pointer(&mut self, at: &str, text: &str) -> Option<Pointer> {
        let parsed = Pointer::parse(text);
        self.accept(at, parsed)
    }

    pub(crate) fn pointers(&mut self, at: &str, file: PointersFile) -> Vec<Pointer> {
        file.into_vec().iter().filter_map(|p| self.pointer(at, p)).collect()
    }

    pub(crate) fn header(&mut self, at: &str, name: &str) -> Option<HeaderName> {
        let parsed = HeaderName::from_bytes(name.as_bytes()).map_err(|_| format!("`{name}` is not a header name"));
        let parsed = parsed.and_then(|n| {
            if FRAMING.contains(&n.as_str()) { Err(format!("the header {name} is set by opnode alone")) } else { Ok(n) }
        });
        self.accept(at, parsed)
    }

    pub(crate) fn headers(&mut self, at: &str, file: super::value::Ordered<String>) -> Vec<(HeaderName, Text)> {
        let mut headers = Vec::new();
        for (name, value) in file.0 {
            let place = format!("{at}/{}", crate::yaml::escape(&name));
            if HeaderValue::from_str(&value).is_err() {
                self.fault(&place, "a header value holds visible characters only", None);
            }
            if let (Some(name), Some(text)) = (self.header(&place, &name), self.text(&place, &value)) {
                if headers.iter().any(|(before, _)| *before == name) {
                    self.fault(
                        &place,
                        format!("the header {name} stands here twice; upper and lower case do not tell headers apart"),
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
            SourceFile::Header { header } => self.header(at, &header).map(Source::Header),
        }
    }

    pub(crate) fn target(&mut self, at: &str, file: TargetFile) -> Option<Target> {
        match file {
            TargetFile::Query(name) => Some(Target::Query(name)),
            TargetFile::Header(name) => self.header(at, &name).map(Target::Header),
        }
    }

    /// The value, unless a fault was noted on the way.
    pub(crate) fn finish<T>(self, what: &str, value: Option<T>) -> Result<T> {
        match value {
            Some(value) if self.faults.is_empty() => Ok(value),
            _ => Err(Error::from_faults(ErrorKind::Definition, what, self.faults)),
        }
    }
}

/// Headers that frame a message; RFC 9112 leaves them to the client alone.
const FRAMING: [&str; 7] =
    ["accept-encoding", "content-length", "transfer-encoding", "connection", "host", "te", "upgrade"];

/// Why a document does not fit its format: all faults, from its JSON Schema. `wrap` is the path under which a part of a file stands.
pub(crate) fn explain(format: Format, doc: &Document, wrap: &[&str], cause: &dyn Display) -> Error {
    let what = format!("the {} file is wrong", format.name());
    let faults = schema_faults(format, doc, wrap);
    if faults.is_empty() {
        let fault = Fault { place: doc.place(""), message: cause.to_string(), advice: None };
        return Error::from_faults(ErrorKind::Definition, &what, vec![fault]);
    }
    Error::from_faults(ErrorKind::Definition, &what, faults)
}

/// The schema of a format, compiled when a file first breaks it.
fn compiled(format: Format) -> Option<&'static Schema> {
    static SCHEMAS: [OnceLock<Option<Schema>>; Format::ALL.len()] = [const { OnceLock::new() }; Format::ALL.len()];
    let compile = || Schema::compile(serde_json::from_str(format.schema()).ok()?).ok();
    SCHEMAS.get(format as usize)?.get_or_init(compile).as_ref()
}

fn schema_faults(format: Format, doc: &Document, wrap: &[&str]) -> Vec<Fault> {
    let Some(schema) = compiled(format) else { return Vec::new() };
    let mut value = doc.to_value();
    for key in wrap.iter().rev() {
        value = serde_json::json!({ "version": FORMAT_VERSION, *key: value });
    }
    if !value.is_object() {
        let message = format!("the {} file should be a map of keys, but is {}", format.name(), kind_of(&value));
        return vec![Fault {
            place: doc.place(""),
            message,
            advice: Some(format!("`opnode schema {}` shows the format", format.name())),
        }];
    }
    let prefix: String = wrap.iter().map(|k| format!("/{k}")).collect();
    let mut faults: Vec<Fault> = Vec::new();
    for finding in schema.check(&value) {
        let pointer = finding.pointer.strip_prefix(&prefix).unwrap_or(&finding.pointer);
        // A key where a value belongs may be the secret itself.
        let misplaced = finding.message.split_once(" has no form ").filter(|_| matches!(format, Format::Connections));
        let (place, message) = match (misplaced, &finding.key) {
            (Some((field, _)), _) => (
                doc.place(pointer),
                format!("{field} is a text, or a map with one of the keys `env`, `file` and `keyring`"),
            ),
            (None, Some(key)) => (doc.place_of_key(pointer, key), finding.message),
            (None, None) => (doc.place(pointer), finding.message),
        };
        let fault = Fault { place, message, advice: None };
        if !faults.contains(&fault) {
            faults.push(fault);
        }
    }
    faults
}

/// The place for a fault that has no document, such as a missing file.
pub(crate) fn in_file(file: &str) -> Place {
    Place { file: Some(file.to_owned()), ..Place::default() }
}

/// Checks the `version` key.
pub(crate) fn version(checker: &mut Checker<'_>, version: u32) {
    if version != FORMAT_VERSION {
        let advice = (version > FORMAT_VERSION).then(|| "a newer opnode reads it".to_owned());
        checker.fault(
            "/version",
            format!("version {version} of this format is not known; this build reads {FORMAT_VERSION}"),
            advice,
        );
    }
}
