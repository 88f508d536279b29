//! Definitions: connectors, operations and templates as data, from YAML to checked models.

mod auth;
mod catalog;
mod connector;
mod field_values;
mod fields;
mod file;
mod job_rule;
mod json_text;
mod literals;
mod login;
mod meaning;
mod method;
mod migrate;
mod naming;
mod oauth;
mod operation;
mod operation_fields;
mod operation_job;
mod option_rule;
mod paging;
mod placed;
mod property_value;
mod public_origin;
mod read;
mod record_fields;
mod reply_rule;
mod request_rule;
mod rules;
mod sample;
mod search;
mod summary;
mod template;

pub use crate::authoring::{Json, Ordered};
pub use catalog::{Catalog, Hit, Hits, OperationList, RecordUses, Search};
pub use connector::{Connector, Probe, Property, Rate};
pub use file::{
    CollectionFile, FilterForm, LanguageFile, OptionNameFile, PartsFile, ReplyFile, SandboxFile, SandboxLimits,
    SortFile, TokensFile,
};
pub use method::Method;
pub use migrate::migrate;
#[cfg(feature = "sandbox")]
pub(crate) use operation::LaterRecord;
pub use operation::{Operation, Record};
pub use option_rule::{Location, OptionRule, ValueSource};
pub(crate) use option_rule::{ParameterStyle, Quote};
pub(crate) use property_value::value_of;
pub(crate) use public_origin::PublicOrigin;
pub use record_fields::{RecordField, field_values, operation_fields, record_fields};
pub use reply_rule::ResponseRule;
pub use rules::{ItemRule, PatchPaths, ResultShape, Send};
pub use search::{FoundIn, Likeness, UnknownWord, Why};
pub use summary::OperationSummary;
pub use template::Template;

pub(crate) use auth::{Auth, AwsSigv4, Hmac, Refresh};
#[cfg(feature = "sandbox")]
pub(crate) use catalog::OperationRoute;
#[cfg(feature = "sandbox")]
pub(crate) use connector::ErrorRules;
pub(crate) use connector::{Explain, Success};
pub use fields::{Fields, Unknown};
#[cfg(feature = "schemas")]
pub(crate) use file::ConnectorFile;
pub(crate) use file::{AlgorithmFile, ClientAuthFile};
pub(crate) use file::{HmacAlgorithmFile, KeyEncodingFile, PropertyTypeFile, SignatureEncodingFile, TimestampFile};
#[cfg(feature = "schemas")]
pub(crate) use file::{OperationsFile, OverridesFile, TemplatesFile};
pub(crate) use job_rule::{JOB, JobPart, JobResult, JobRule};
#[cfg(feature = "batch")]
pub(crate) use literals::{Literals, QuoteEscape};
pub(crate) use login::{Csrf, Expiry, Failed, Login, LoginBody, TokenPlace};
pub(crate) use meaning::{Meaning, ReplyRule};
pub(crate) use oauth::{Assertion, GrantFlow, Oauth2, TokenExchangeRule};
pub(crate) use operation_fields::Strangers;
#[cfg(feature = "sandbox")]
pub(crate) use paging::Total;
pub(crate) use paging::{Advance, EndRule, Flag, Keyset, Paging, Sense, Style, TokenRule};
pub(crate) use placed::{LoginPair, PlacedText, RequestPlace};
pub(crate) use reply_rule::{AttachRule, ColumnRule, CsvRule, ReplyFormat};
pub(crate) use request_rule::{BodyFormat, FormLists, FormNested, FormStyle};
pub(crate) use rules::{PartMeans, PartRule, Repeat};
