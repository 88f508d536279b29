//! The file formats: their names, versions and JSON Schemas. Pure.

use super::yaml::Document;
use crate::error::{Advice, Error, ErrorKind, Result};

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
    /// `operations/<connector>/overrides.yaml`.
    Overrides,
    /// `batch.yaml`.
    Batch,
    /// `NAME.test.yaml`: tests of a batch file.
    BatchTest,
}

impl Format {
    /// All formats.
    pub const ALL: [Format; 8] = [
        Format::Connector,
        Format::Operations,
        Format::Templates,
        Format::Connections,
        Format::Sandbox,
        Format::Overrides,
        Format::Batch,
        Format::BatchTest,
    ];

    /// Its name, as in `schemas/NAME.schema.json`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Format::Connector => "connector",
            Format::Operations => "operations",
            Format::Templates => "templates",
            Format::Connections => "connections",
            Format::Sandbox => "sandbox",
            Format::Overrides => "overrides",
            Format::Batch => "batch",
            Format::BatchTest => "batch-test",
        }
    }

    /// The newest version of the format, which is written; earlier ones are read.
    #[must_use]
    pub const fn version(self) -> u32 {
        match self {
            Format::Connector | Format::Operations => 2,
            Format::Templates
            | Format::Connections
            | Format::Sandbox
            | Format::Overrides
            | Format::Batch
            | Format::BatchTest => 1,
        }
    }

    /// Which format a file has, by its top-level keys; a file with the name `overrides.yaml` has that format.
    ///
    /// # Errors
    /// `definition` when the text is not YAML, or has the keys of no format.
    pub fn of(file: &str, text: &str) -> Result<Format> {
        let doc = Document::parse(file, text, 0)?;
        let keys = doc.keys("");
        let has = |names: &[&str]| names.iter().any(|n| keys.contains(n));
        let is_overrides = file.rsplit(['/', '\\']).next() == Some("overrides.yaml") || has(&["patterns"]);
        let found = match () {
            () if is_overrides => Some(Format::Overrides),
            () if has(&["connector", "base_url"]) => Some(Format::Connector),
            () if has(&["steps"]) => Some(Format::Batch),
            () if has(&["cases"]) => Some(Format::BatchTest),
            () if has(&["connections"]) => Some(Format::Connections),
            () if has(&["templates"]) => Some(Format::Templates),
            () if has(&["operations", "records"]) => Some(Format::Operations),
            () if has(&["collections", "replies", "errors"]) => Some(Format::Sandbox),
            () => None,
        };
        found.ok_or_else(|| {
            let message = match keys.as_slice() {
                [] => "the file contains no keys".to_owned(),
                keys => format!(
                    "none of its keys belongs to an opnode file format: {}",
                    keys.iter().take(5).copied().collect::<Vec<_>>().join(", ")
                ),
            };
            Error::new(ErrorKind::Definition, message).at(doc.place("")).advise(
                Advice::from(
                    "the top level needs one of the keys connector, operations, templates, connections, collections, cases or steps",
                )
                .and(Advice::ShowFormat(None)),
            )
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
            Format::Overrides => include_str!("../../schemas/overrides.schema.json"),
            Format::Batch => include_str!("../../schemas/batch.schema.json"),
            Format::BatchTest => include_str!("../../schemas/batch-test.schema.json"),
        }
    }
}
