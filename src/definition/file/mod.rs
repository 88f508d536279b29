//! Definition files as written: the types that serde reads and writes, and that the JSON Schemas are generated from.

mod auth;
mod connector;
mod job;
mod login;
mod method;
mod oauth;
mod operation;
mod option;
mod overrides;
mod paging;
mod placed;
mod reply;
mod request;
mod sandbox;
mod success;

pub(super) use auth::{AuthFile, AwsSigv4File, BearerFile, HmacFile, KeysFile, RefreshFile};
pub(crate) use auth::{HmacAlgorithmFile, KeyEncodingFile, SignatureEncodingFile, TimestampFile};
pub(crate) use connector::{ConnectorFile, PropertyTypeFile};
pub(super) use connector::{ErrorsFile, EscapeFile, FormatFile, LiteralsFile, ProbeFile, PropertyFile, RateFile};
pub(super) use job::{AddressFile, JobFile, JobResultFile, PollFile, PollRequestFile, StateFile};
pub(super) use login::{CsrfFile, CsrfScopeFile, FailedFile, LoginFile, NamedPlaceFile, TokenPlaceFile};
pub(super) use method::MethodFile;
pub(crate) use oauth::{AlgorithmFile, ClientAuthFile};
pub(super) use oauth::{AssertionFile, FlowFile, Oauth2File};
pub(super) use operation::{
    ItemsFile, OperationFile, PartErrorsFile, PartKeyFile, PartOkFile, PartRuleFile, RecordFile, ResponseFile,
    ResponseUseFile, ResultFile, SendFile, TemplateFile,
};
pub(crate) use operation::{OperationsFile, TemplatesFile};
pub(super) use option::{KEYWORDS, LocationFile, NamingFile, OWN_KEYS, OptionFile, QuoteFile, StyleFile, ValuesFile};
pub(crate) use overrides::OverridesFile;
pub(super) use paging::{
    AdvanceFile, AfterFile, EndFile, FlagFile, KeysetFile, NextUrlFile, NumberFile, OffsetFile, PagingFile,
    PagingUseFile, SizeFile, TokenFile, TotalFile,
};
pub(super) use placed::{LoginPairFile, PlacedFile};
pub(super) use reply::{AttachFile, ColumnsFile, CsvFile, FormFile, FoundItemsFile};
pub(super) use request::{
    BodyFile, BodyNameFile, BodySettingsFile, FixedFile, FormListsFile, FormNestedFile, FormStyleFile, RuleFile,
    StatusesFile, ThenFile, WhenFile,
};
pub(super) use sandbox::read_sandbox;
pub use sandbox::{
    CollectionFile, FilterForm, LanguageFile, OptionNameFile, PartsFile, ReplyFile, SandboxFile, SandboxLimits,
    SortFile, TokensFile,
};
pub(super) use success::{SuccessFile, VerdictFile};
