//! Definition files as written: the types that serde reads and writes, and that the JSON Schemas are generated from.

mod connector;
mod job;
mod method;
mod operation;
mod option;
mod paging;
mod reply;
mod request;
mod sandbox;

pub(super) use connector::{
    AuthFile, ErrorsFile, FlowFile, FormatFile, Oauth2File, ProbeFile, PropertyFile, PropertyTypeFile, RateFile,
    RefreshFile, SuccessFile, VerdictFile,
};
pub(crate) use connector::{ClientAuthFile, ConnectorFile};
pub(super) use job::{AddressFile, JobFile, JobResultFile, StateFile};
pub(super) use method::MethodFile;
pub(super) use operation::{
    ItemsFile, OperationFile, PartErrorsFile, PartKeyFile, PartOkFile, PartRuleFile, RecordFile, ResponseFile,
    ResponseUseFile, ResultFile, SendFile, TemplateFile,
};
pub(crate) use operation::{OperationsFile, TemplatesFile};
pub(super) use option::{KEYWORDS, LocationFile, NamingFile, OWN_KEYS, OptionFile, QuoteFile, StyleFile, ValuesFile};
pub(super) use paging::{
    AdvanceFile, AfterFile, EndFile, FlagFile, KeysetFile, NextUrlFile, NumberFile, OffsetFile, PagingFile,
    PagingUseFile, SizeFile, TokenFile, TotalFile,
};
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
