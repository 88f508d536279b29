//! Definitions: connectors, operations and templates as data, from YAML to checked models.

#[cfg(any(feature = "batch", feature = "schemas"))]
mod batch_file;
mod catalog;
mod check;
mod connector;
mod connector_file;
mod effects;
mod file;
mod operation;
mod pack;
mod read_connector;
mod read_operation;
mod sandbox;
mod schema;
mod slice;
mod source;
mod template;
mod text;
mod value;

pub use catalog::Catalog;
#[cfg(feature = "schemas")]
pub use check::generate_schema;
pub use check::{FORMAT_VERSION, Format};
pub use connector::{Connector, Probe, Property, Rate};
pub use operation::{ItemRule, Location, Method, Operation, OptionRule, Record, ResponseRule, ResultShape, Send};
pub use sandbox::{
    CollectionFile, FilterForm, LanguageFile, OptionNameFile, PartsFile, ReplyFile, SandboxFile, SandboxLimits, SortFile, TokensFile,
};
pub use template::Template;
pub use value::{Json, Ordered};

#[cfg(feature = "batch")]
pub(crate) use batch_file::{
    BatchFile, ConnectionsPart, MatrixFile, NamesFile, OnErrorFile, OnUnknownFile, SaveFormat, SavePart, StepFile,
};
pub(crate) use check::{Checker, explain};
pub(crate) use connector::{Auth, End, ErrorRules, Explain, Keyset, Oauth2, Paging, Refresh};
pub(crate) use connector_file::{ClientAuthFile, FormatFile, PropertyTypeFile};
pub(crate) use operation::{PartRule, Repeat};
pub(crate) use pack::into_faults;
pub(crate) use schema::{Schema, kind_of};
pub(crate) use text::{Part, Pointer, Source, Target, Text, scalar};
