//! Definitions: connectors, operations and templates as data, from YAML to checked models.

#[cfg(any(feature = "batch", feature = "schemas"))]
mod batch_file;
mod catalog;
mod check;
mod connector;
mod connector_file;
mod effects;
mod exact;
mod fields;
mod file;
mod naming;
mod operation;
mod pack;
mod paging;
mod paging_file;
mod read_connector;
mod read_operation;
mod read_option;
mod read_paging;
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
    CollectionFile, FilterForm, LanguageFile, OptionNameFile, PartsFile, ReplyFile, SandboxFile, SandboxLimits,
    SortFile, TokensFile,
};
pub use template::Template;
pub use value::{Json, Ordered};

#[cfg(feature = "batch")]
pub(crate) use batch_file::{
    BatchFile, ConnectionsPart, MatrixFile, NamesFile, OnErrorFile, OnUnknownFile, SaveFormat, SavePart, StepFile,
    UnknownFieldsFile, WatermarkFile,
};
pub(crate) use check::{Checker, explain};
#[cfg(feature = "sandbox")]
pub(crate) use connector::ErrorRules;
pub(crate) use connector::{Auth, Explain, Oauth2, Refresh, Success};
pub(crate) use connector_file::{ClientAuthFile, FormatFile, PropertyTypeFile};
#[cfg(any(feature = "batch", feature = "cli"))]
pub(crate) use fields::Fields;
pub(crate) use fields::Strangers;
pub(crate) use operation::{PartMeans, PartRule, Repeat};
pub(crate) use pack::into_faults;
#[cfg(feature = "sandbox")]
pub(crate) use paging::Total;
pub(crate) use paging::{Advance, End, Flag, Keyset, Paging, Sense, Style, Token};
pub(crate) use schema::{Schema, kind_of};
pub(crate) use text::{Part, Pointer, Source, Target, Text, same, scalar};
