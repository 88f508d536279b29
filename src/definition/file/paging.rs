//! Mirror of `paging:`, as written. Only names and types are checked here.

use crate::authoring::values::{SourceFile, TargetFile, mirrors};
use crate::authoring::{Json, Ordered, is_default};

/// A flag for "there is more": a JSON Pointer, `{ header: name }`, or one of them with the meaning of its values
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum FlagFile {
    Plain(SourceFile),
    Sense(SenseFile),
}

/// A value that leads to the next page: a JSON Pointer, `{ header: name }`, or one of them with the meaning of its values
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum TokenFile {
    Plain(SourceFile),
    Ends(EndsFile),
}

/// Where the reply contains the total number of items: a JSON Pointer, `{ header: name }`, or `{ at: …, exact: true }`
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum TotalFile {
    Plain(SourceFile),
    Exact(ExactFile),
}

/// The paging of an operation: its own, or a set of the connector by name
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum PagingUseFile {
    Own(Box<PagingFile>),
    Set(String),
}

mirrors! {
    /// A flag and the meaning of its values
    struct SenseFile {
        pub at: SourceFile,
        /// The values that mean "there is more": `[false]` for a flag such as `isLast`
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub is: Option<Vec<Json>>,
        /// true: a true flag means the end
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        pub end_of_stream: bool,
        /// end: the server omits the flag on the last page
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub absent: Option<AbsentFile>,
    }

    /// A value, and which values mean "there is no next page"
    struct EndsFile {
        pub at: SourceFile,
        /// Values that mean the end, in addition to null, false and empty text, such as `[0, "-1"]`
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub end: Vec<Json>,
        /// end: the server omits the value on the last page
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub absent: Option<AbsentFile>,
    }

    /// What a missing value means
    #[derive(Copy, Eq)]
    enum AbsentFile { End }

    /// A total, and whether it is reliable
    struct ExactFile {
        pub at: SourceFile,
        /// true: paging ends when this many items were read, without a further request
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        pub exact: bool,
    }

    /// The paging style
    enum PagingFile {
        None,
        /// Link header with rel=next (RFC 8288)
        Link {
            #[serde(default, skip_serializing_if = "Option::is_none")]
            size: Option<SizeFile>,
            /// The query parameter with the page number in the rel=last link, so that pages can be fetched in parallel
            #[serde(default, skip_serializing_if = "Option::is_none")]
            last: Option<TargetFile>,
            #[serde(default, skip_serializing_if = "Option::is_none")]
            total: Option<TotalFile>,
            /// true: only path and query of next links are used, with the connection's own origin
            #[serde(default, skip_serializing_if = "std::ops::Not::not")]
            relink: bool,
        },
        /// Numbered pages
        Number {
            page: NumberFile,
            #[serde(default, skip_serializing_if = "Option::is_none")]
            size: Option<SizeFile>,
            #[serde(default, skip_serializing_if = "Option::is_none")]
            end: Option<EndFile>,
            #[serde(default, skip_serializing_if = "Option::is_none")]
            total: Option<TotalFile>,
        },
        /// Skip and limit
        Offset {
            offset: OffsetFile,
            /// Without a size, the offset advances by the received rows
            #[serde(default, skip_serializing_if = "Option::is_none")]
            size: Option<SizeFile>,
            #[serde(default, skip_serializing_if = "Option::is_none")]
            total: Option<TotalFile>,
            /// Default options, such as a stable sort; sent if the operation has the option and the caller does not set it
            #[serde(default, skip_serializing_if = "Ordered::is_empty")]
            with: Ordered<String>,
            /// How the offset advances: by the requested or by the received rows. Default: by the received rows until a page was full
            #[serde(default, skip_serializing_if = "Option::is_none")]
            advance: Option<AdvanceFile>,
            /// A flag that ends paging when false
            #[serde(default, skip_serializing_if = "Option::is_none")]
            has_more: Option<FlagFile>,
            /// The same as has_more
            #[serde(default, skip_serializing_if = "Option::is_none")]
            more: Option<FlagFile>,
        },
        /// An opaque token from the server
        Cursor {
            token: TokenFile,
            send: TargetFile,
            #[serde(default, skip_serializing_if = "Option::is_none")]
            size: Option<SizeFile>,
            /// A flag that ends paging when false
            #[serde(default, skip_serializing_if = "Option::is_none")]
            has_more: Option<FlagFile>,
            /// The same as has_more
            #[serde(default, skip_serializing_if = "Option::is_none")]
            more: Option<FlagFile>,
            #[serde(default, skip_serializing_if = "Option::is_none")]
            total: Option<TotalFile>,
        },
        /// The reply names the next URL
        NextUrl(NextUrlFile),
        /// The next page starts after the key of the last item
        Keyset(KeysetFile),
    }

    /// How an offset advances
    #[derive(Copy, Eq)]
    enum AdvanceFile { Requested, Received }

    /// The number of skipped rows, and the one place where it is sent
    struct OffsetFile {
        /// A query parameter
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub query: Option<String>,
        /// A header
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub header: Option<String>,
        /// A field of the body: a name or a JSON Pointer
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub body: Option<String>,
        /// A {name} in the path of the request
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub path: Option<String>,
        /// A {name} in a text of `fixed` or `body`
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub text: Option<String>,
        /// The offset of the first row; default: 0
        #[serde(default, skip_serializing_if = "is_default")]
        pub start: u64,
    }

    /// A page size, and the one place where it is sent
    struct SizeFile {
        /// A query parameter
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub query: Option<String>,
        /// A header
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub header: Option<String>,
        /// A field of the body: a name or a JSON Pointer
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub body: Option<String>,
        /// A {name} in the path of the request
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub path: Option<String>,
        /// A {name} in a text of `fixed` or `body`
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub text: Option<String>,
        /// The text that is sent, such as `odata.maxpagesize={size}`; default: the number
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub value: Option<String>,
        /// The name of the caller's option; default: the name of the parameter
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub option: Option<String>,
        /// Records per request if neither the caller nor the connection says
        pub default: u32,
        /// The largest size that the system accepts
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub max: Option<u32>,
    }

    /// The page number, and the one place where it is sent
    struct NumberFile {
        /// A query parameter
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub query: Option<String>,
        /// A header
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub header: Option<String>,
        /// A field of the body: a name or a JSON Pointer
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub body: Option<String>,
        /// A {name} in the path of the request
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub path: Option<String>,
        /// A {name} in a text of `fixed` or `body`
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub text: Option<String>,
        /// The number of the first page; default: 1
        #[serde(default = "one")]
        pub start: u64,
    }

    /// How paging by page number ends
    enum EndFile {
        /// Where the reply contains the number of pages
        TotalPages(SourceFile),
        /// Where the reply contains the next page number; null means the end
        NextPage(TokenFile),
        /// Where the reply contains the flag for "there is more"
        HasMore(FlagFile),
        /// The same as has_more
        More(FlagFile),
    }

    /// Keyset paging
    struct KeysetFile {
        /// Headers that switch the server to this style
        #[serde(default, skip_serializing_if = "Ordered::is_empty")]
        pub header: Ordered<String>,
        pub after: AfterFile,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub size: Option<SizeFile>,
        /// Options that cannot be combined with it
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub unless: Vec<String>,
        /// A flag that ends paging when false
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub has_more: Option<FlagFile>,
        /// The same as has_more
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub more: Option<FlagFile>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub total: Option<TotalFile>,
    }

    /// The key of the last item, and the one place where it is sent
    struct AfterFile {
        /// A query parameter
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub query: Option<String>,
        /// A header
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub header: Option<String>,
        /// A field of the body: a name or a JSON Pointer
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub body: Option<String>,
        /// A {name} in the path of the request
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub path: Option<String>,
        /// A {name} in a text of `fixed` or `body`
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub text: Option<String>,
        /// JSON Pointer in the item
        pub from: String,
    }

    /// `/pagination/next` and, if any, the page size
    struct NextUrlFile {
        pub pointer: TokenFile,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub size: Option<SizeFile>,
        /// A flag that ends paging when false
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub has_more: Option<FlagFile>,
        /// The same as has_more
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub more: Option<FlagFile>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub total: Option<TotalFile>,
        /// true: only path and query of next links are used, with the connection's own origin
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        pub relink: bool,
    }
}

fn one() -> u64 {
    1
}
