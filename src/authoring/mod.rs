//! User-written files: YAML with positions, values and texts of definition files, JSON Schema checks, and faults for
//! authors. Independent of connectors and operations.

mod checker;
mod cookie;
#[cfg(feature = "batch")]
pub(crate) mod duration;
pub(crate) mod exact;
mod explain;
pub(crate) mod finding;
mod format;
mod schema;
mod text;
#[cfg(feature = "ffi")]
pub(crate) mod typed_json;
pub(crate) mod values;
pub(crate) mod yaml;
#[cfg(feature = "write")]
mod yaml_writer;

pub(crate) use checker::{Checker, in_file, version};
pub(crate) use cookie::{is_cookie_name, is_cookie_value};
pub(crate) use explain::explain;
pub use format::Format;
pub(crate) use schema::{Schema, kind_of};
pub(crate) use text::{Pointer, Source, Target, Text, TextPart, same, scalar};
pub(crate) use values::is_default;
pub use values::{Json, Ordered};
pub(crate) use yaml::{Document, StaleKind, StaleOverride};
#[cfg(feature = "cli")]
pub(crate) use yaml_writer::Numbers;
#[cfg(feature = "write")]
pub use yaml_writer::to_yaml;
