//! Definition files as written: the types that serde reads and writes, and that the JSON Schemas are generated from.

mod auth;
mod connector;
mod method;
mod operation;
mod option;
mod paging;
mod sandbox;

pub(crate) use auth::ClientAuthFile;
pub(super) use auth::{AuthFile, FlowFile, Oauth2File, RefreshFile};
pub(crate) use connector::ConnectorFile;
pub(super) use connector::{
    ErrorsFile, FormatFile, ProbeFile, PropertyFile, PropertyTypeFile, RateFile, SuccessFile, VerdictFile,
};
pub(super) use method::MethodFile;
pub(super) use operation::{
    ItemsFile, OperationFile, PartErrorsFile, PartKeyFile, PartOkFile, PartRuleFile, RecordFile, ResponseFile,
    ResultFile, SendFile, TemplateFile,
};
pub(crate) use operation::{OperationsFile, TemplatesFile};
pub(super) use option::{KEYWORDS, LocationFile, NamingFile, OWN_KEYS, OptionFile, StyleFile};
pub(super) use paging::{
    AdvanceFile, EndFile, FlagFile, KeysetFile, NextUrlFile, PagingFile, SizeFile, TokenFile, TotalFile,
};
pub(super) use sandbox::read_sandbox;
pub use sandbox::{
    CollectionFile, FilterForm, LanguageFile, OptionNameFile, PartsFile, ReplyFile, SandboxFile, SandboxLimits,
    SortFile, TokensFile,
};
