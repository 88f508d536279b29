//! Definitions: connectors, operations and templates as data, from YAML to checked models.

mod catalog;
mod connector;
mod connector_file;
mod effects;
mod fields;
mod file;
mod naming;
mod operation;
mod operation_fields;
mod option_file;
mod option_rule;
mod pack;
mod paging;
mod paging_file;
mod property_value;
mod read_connector;
mod read_operation;
mod read_option;
mod read_paging;
mod rules;
mod sandbox;
mod slice;
mod source;
mod template;

pub use crate::authoring::{Json, Ordered};
pub use catalog::Catalog;
pub use connector::{Connector, Probe, Property, Rate};
pub use operation::{Method, Operation, Record};
pub use option_rule::{Location, OptionRule};
pub(crate) use property_value::value_of;
pub use rules::{ItemRule, ResponseRule, ResultShape, Send};
pub use sandbox::{
    CollectionFile, FilterForm, LanguageFile, OptionNameFile, PartsFile, ReplyFile, SandboxFile, SandboxLimits,
    SortFile, TokensFile,
};
pub use template::Template;

#[cfg(feature = "sandbox")]
pub(crate) use connector::ErrorRules;
pub(crate) use connector::{Auth, Explain, Oauth2, Refresh, Success};
pub(crate) use connector_file::ClientAuthFile;
#[cfg(feature = "schemas")]
pub(crate) use connector_file::ConnectorFile;
pub use fields::{Fields, Unknown};
#[cfg(feature = "schemas")]
pub(crate) use file::{OperationsFile, TemplatesFile};
pub(crate) use operation_fields::Strangers;
#[cfg(feature = "sandbox")]
pub(crate) use paging::Total;
pub(crate) use paging::{Advance, End, Flag, Keyset, Paging, Sense, Style, Token};
pub(crate) use rules::{PartMeans, PartRule, Repeat};
