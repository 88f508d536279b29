//! Mirror of `paging:`, as written. Only names and types are checked here.

use crate::authoring::values::{SourceFile, TargetFile, mirrors};
use crate::authoring::{Json, Ordered, is_default};

/// A flag for "there is more": a JSON Pointer, `{ header: name }`, or one of them with the meaning of its values
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum FlagFile {
    /// The flag; true means that there is more
    Plain(SourceFile),
    /// The flag with the meaning of its values
    Sense(SenseFile),
}

/// A value that leads to the next page: a JSON Pointer, `{ header: name }`, or one of them with the meaning of its values
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum TokenFile {
    /// The value; none, null, false and empty text mean the end
    Plain(SourceFile),
    /// The value with the meaning of its values
    Ends(EndsFile),
}

/// Where the reply contains the total number of items: a JSON Pointer, `{ header: name }`, or `{ at: …, exact: true }`
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum TotalFile {
    /// The total
    Plain(SourceFile),
    /// The total, and whether it is reliable
    Exact(ExactFile),
}

/// The paging of an operation: its own, or a set of the connector by name
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum PagingUseFile {
    /// Its own paging
    Own(Box<PagingFile>),
    /// The name of one of the connector's `paging_sets`
    Set(String),
}

mirrors! {
    /// A flag and the meaning of its values
    struct SenseFile {
        /// Where the reply contains the flag: a JSON Pointer or `{ header: NAME }`
        pub at: SourceFile,
        /// The values that mean "there is more": `[false]` for a flag such as `isLast`. Default: true
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub is: Option<Vec<Json>>,
        /// true: a true flag means the end; not beside `is`
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        pub end_of_stream: bool,
        /// end: the server omits the flag on the last page
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub absent: Option<AbsentFile>,
    }

    /// A value, and which values mean "there is no next page"
    struct EndsFile {
        /// Where the reply contains the value: a JSON Pointer or `{ header: NAME }`
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
    enum AbsentFile {
        /// The end of the list
        End,
    }

    /// A total, and whether it is reliable
    struct ExactFile {
        /// Where the reply contains the total: a JSON Pointer or `{ header: NAME }`
        pub at: SourceFile,
        /// true: paging ends when this many items were read, without a further request
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        pub exact: bool,
    }

    /// The paging style
    enum PagingFile {
        /// One request returns the whole list
        None,
        /// How the next page is asked for is not known: one request is sent, and the list counts as incomplete unless it is empty or an `exact` total shows that it is whole
        Unknown,
        /// Link header with rel=next (RFC 8288)
        Link {
            /// The page size and where it is sent; default: none is sent
            #[serde(default, skip_serializing_if = "Option::is_none")]
            size: Option<SizeFile>,
            /// The query parameter with the page number in the rel=last link, so that pages can be fetched in parallel
            #[serde(default, skip_serializing_if = "Option::is_none")]
            last: Option<TargetFile>,
            /// Where the reply contains the total number of items
            #[serde(default, skip_serializing_if = "Option::is_none")]
            total: Option<TotalFile>,
            /// true: only path and query of next links are used, with the connection's own origin
            #[serde(default, skip_serializing_if = "std::ops::Not::not")]
            relink: bool,
        },
        /// Numbered pages
        Number {
            /// The page number and where it is sent
            page: NumberFile,
            /// The page size and where it is sent; default: none is sent
            #[serde(default, skip_serializing_if = "Option::is_none")]
            size: Option<SizeFile>,
            /// How the reply shows the last page; default: an empty page, or an `exact` total
            #[serde(default, skip_serializing_if = "Option::is_none")]
            end: Option<EndFile>,
            /// Where the reply contains the total number of items
            #[serde(default, skip_serializing_if = "Option::is_none")]
            total: Option<TotalFile>,
        },
        /// Skip and limit
        Offset {
            /// The number of skipped rows and where it is sent
            offset: OffsetFile,
            /// The page size and where it is sent; default: none is sent, and the offset advances by the received rows
            #[serde(default, skip_serializing_if = "Option::is_none")]
            size: Option<SizeFile>,
            /// Where the reply contains the total number of items
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
            /// Version 1 of `has_more`
            #[serde(default, skip_serializing_if = "Option::is_none")]
            more: Option<FlagFile>,
        },
        /// An opaque token from the server
        Cursor {
            /// Where the reply contains the token of the next page
            token: TokenFile,
            /// Where the token is sent
            send: TargetFile,
            /// The page size and where it is sent; default: none is sent
            #[serde(default, skip_serializing_if = "Option::is_none")]
            size: Option<SizeFile>,
            /// A flag that ends paging when false
            #[serde(default, skip_serializing_if = "Option::is_none")]
            has_more: Option<FlagFile>,
            /// Version 1 of `has_more`
            #[serde(default, skip_serializing_if = "Option::is_none")]
            more: Option<FlagFile>,
            /// Where the reply contains the total number of items
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
    enum AdvanceFile {
        /// By the page size that was requested; needs `size`
        Requested,
        /// By the rows that were received
        Received,
    }

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
        /// The text that is sent, with {size} once, such as `odata.maxpagesize={size}`; not for `path` and `text`. Default: the number
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub value: Option<String>,
        /// The name of the caller's option; default: the name of the parameter
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub option: Option<String>,
        /// Records per request if neither the caller nor the connection says, from 1 to `max`
        pub default: u32,
        /// The largest size that the system accepts; default: no limit
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
        /// Version 1 of `has_more`
        More(FlagFile),
    }

    /// Keyset paging
    struct KeysetFile {
        /// Headers that switch the server to this style
        #[serde(default, skip_serializing_if = "Ordered::is_empty")]
        pub header: Ordered<String>,
        /// The key of the last item and where it is sent
        pub after: AfterFile,
        /// The page size and where it is sent; default: none is sent
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub size: Option<SizeFile>,
        /// Options that cannot be combined with it
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub unless: Vec<String>,
        /// A flag that ends paging when false
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub has_more: Option<FlagFile>,
        /// Version 1 of `has_more`
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub more: Option<FlagFile>,
        /// Where the reply contains the total number of items; not for `forward_only`
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

    /// The reply names the address of the next page
    struct NextUrlFile {
        /// Where the reply contains the address of the next page
        pub pointer: TokenFile,
        /// The page size and where it is sent; default: none is sent
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub size: Option<SizeFile>,
        /// A flag that ends paging when false
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub has_more: Option<FlagFile>,
        /// Version 1 of `has_more`
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub more: Option<FlagFile>,
        /// Where the reply contains the total number of items
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
