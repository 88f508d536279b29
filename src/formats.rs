//! The file formats and their JSON Schemas, which are made from the types that read them: what `schemas/` holds.

#[cfg(feature = "schemas")]
use crate::batch::BatchFile;
#[cfg(feature = "schemas")]
use crate::connections::ConnectionsFile;
#[cfg(feature = "schemas")]
use crate::definition::{ConnectorFile, OperationsFile, SandboxFile, TemplatesFile};

pub use crate::authoring::{FORMAT_VERSION, Format};

/// The schemas of the formats, made from the mirror types.
#[cfg(feature = "schemas")]
#[must_use]
pub fn generate_schema(format: Format) -> String {
    let schema = match format {
        Format::Connector => schemars::schema_for!(ConnectorFile),
        Format::Operations => schemars::schema_for!(OperationsFile),
        Format::Templates => schemars::schema_for!(TemplatesFile),
        Format::Connections => schemars::schema_for!(ConnectionsFile),
        Format::Sandbox => schemars::schema_for!(SandboxFile),
        Format::Batch => schemars::schema_for!(BatchFile),
    };
    serde_json::to_string_pretty(&schema).unwrap_or_default() + "\n"
}
