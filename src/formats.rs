//! The file formats and their JSON Schemas, generated from the types that read them, for `schemas/`.
//!
//! ```
//! use opnode::formats::{Format, generate_schema};
//!
//! let schema: serde_json::Value = serde_json::from_str(&generate_schema(Format::Batch)).unwrap();
//! assert!(schema["properties"]["steps"].is_object());
//! assert_eq!(Format::of("nightly.yaml", "version: 1\nsteps: []")?, Format::Batch);
//! # Ok::<(), opnode::Error>(())
//! ```

#[cfg(feature = "schemas")]
use crate::batch::{BatchFile, BatchTestFile};
#[cfg(feature = "schemas")]
use crate::connections::ConnectionsFile;
#[cfg(feature = "schemas")]
use crate::definition::{ConnectorFile, OperationsFile, OverridesFile, SandboxFile, TemplatesFile};

pub use crate::authoring::Format;
#[cfg(feature = "write")]
pub use crate::authoring::to_yaml;
pub use crate::definition::migrate;

/// The schemas of the formats, generated from the mirror types.
#[cfg(feature = "schemas")]
#[must_use]
pub fn generate_schema(format: Format) -> String {
    let schema = match format {
        Format::Connector => schemars::schema_for!(ConnectorFile),
        Format::Operations => schemars::schema_for!(OperationsFile),
        Format::Templates => schemars::schema_for!(TemplatesFile),
        Format::Connections => schemars::schema_for!(ConnectionsFile),
        Format::Sandbox => schemars::schema_for!(SandboxFile),
        Format::Overrides => schemars::schema_for!(OverridesFile),
        Format::Batch => schemars::schema_for!(BatchFile),
        Format::BatchTest => schemars::schema_for!(BatchTestFile),
    };
    serde_json::to_string_pretty(&schema).unwrap_or_default() + "\n"
}

#[cfg(test)]
#[cfg(all(feature = "schemas", feature = "write"))]
mod tests {
    use std::path::{Path, PathBuf};

    use serde::Serialize;
    use serde::de::DeserializeOwned;

    use super::{
        BatchFile, BatchTestFile, ConnectorFile, OperationsFile, OverridesFile, SandboxFile, TemplatesFile, to_yaml,
    };
    use crate::authoring::{Document, Format};

    fn files(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                files(&path, found);
            } else if path.extension().is_some_and(|e| e == "yaml") && !path.ends_with("import.yaml") {
                found.push(path);
            }
        }
    }

    fn round_trip<T: DeserializeOwned + Serialize + PartialEq + std::fmt::Debug>(name: &str, text: &str) {
        let read = |text: &str| Document::parse(name, text, 0).unwrap().read::<T>().map_err(|e| e.to_string()).unwrap();
        let file = read(text);
        let written = to_yaml(&file).unwrap();
        assert_eq!(read(&written), file, "{name} is another file once it was written:\n{written}");
        assert_eq!(to_yaml(&read(&written)).unwrap(), written, "{name}");
    }

    #[test]
    fn read_values_survive_serialization() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut all = Vec::new();
        ["operations", "templates", "examples/batches", "examples/definitions", "tests/definitions/ok"]
            .iter()
            .for_each(|f| files(&root.join(f), &mut all));
        assert!(all.len() > 20, "{}", all.len());
        for path in all {
            let (name, text) = (path.display().to_string(), std::fs::read_to_string(&path).unwrap());
            match Format::of(&name, &text).unwrap() {
                Format::Connector => round_trip::<ConnectorFile>(&name, &text),
                Format::Operations => round_trip::<OperationsFile>(&name, &text),
                Format::Templates => round_trip::<TemplatesFile>(&name, &text),
                Format::Overrides => round_trip::<OverridesFile>(&name, &text),
                Format::Sandbox => round_trip::<SandboxFile>(&name, &text),
                Format::Batch => round_trip::<BatchFile>(&name, &text),
                Format::BatchTest => round_trip::<BatchTestFile>(&name, &text),
                Format::Connections => {}
            }
        }
    }

    /// Keywords of JSON Schema, digits and their order are kept.
    #[test]
    fn keywords_pass_through() {
        let text = "version: 1\noperations:\n  a:\n    title: A\n    method: query\n    request: GET /a\n    options:\n      x:\n        in: header\n        multipleOf: 0.10\n        oneOf:\n        - type: integer\n        - const: 18446744073709551617\n        description: 'true'\n    response:\n      result: list\n";
        let file: OperationsFile = Document::parse("a", text, 0).unwrap().read().map_err(|e| e.to_string()).unwrap();
        assert_eq!(to_yaml(&file).unwrap(), text);
    }
}
