//! Definition files as written: the types that serde reads and writes, and that the JSON Schemas are generated from.

mod auth;
mod connector;
mod login;
mod method;
mod oauth;
mod operation;
mod option;
mod paging;
mod placed;
mod sandbox;

pub(super) use auth::{AuthFile, AwsSigv4File, BearerFile, HmacFile, KeysFile, RefreshFile};
pub(crate) use auth::{HmacAlgorithmFile, KeyEncodingFile, SignatureEncodingFile, TimestampFile};
pub(crate) use connector::ConnectorFile;
pub(crate) use connector::PropertyTypeFile;
pub(super) use connector::{ErrorsFile, FormatFile, ProbeFile, PropertyFile, RateFile, SuccessFile, VerdictFile};
pub(super) use login::{CsrfFile, CsrfScopeFile, FailedFile, LoginFile, NamedPlaceFile, TokenPlaceFile};
pub(super) use method::MethodFile;
pub(crate) use oauth::{AlgorithmFile, ClientAuthFile};
pub(super) use oauth::{AssertionFile, FlowFile, Oauth2File};
pub(super) use operation::{
    ItemsFile, OperationFile, PartErrorsFile, PartKeyFile, PartOkFile, PartRuleFile, RecordFile, ResponseFile,
    ResultFile, SendFile, TemplateFile,
};
pub(crate) use operation::{OperationsFile, TemplatesFile};
pub(super) use option::{KEYWORDS, LocationFile, NamingFile, OWN_KEYS, OptionFile, StyleFile};
pub(super) use paging::{
    AdvanceFile, EndFile, FlagFile, KeysetFile, NextUrlFile, PagingFile, SizeFile, TokenFile, TotalFile,
};
pub(super) use placed::{LoginPairFile, PlacedFile};
pub(super) use sandbox::read_sandbox;
pub use sandbox::{
    CollectionFile, FilterForm, LanguageFile, OptionNameFile, PartsFile, ReplyFile, SandboxFile, SandboxLimits,
    SortFile, TokensFile,
};
