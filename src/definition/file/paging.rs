//! Mirror of `paging:`, as typed. No meaning is checked here beyond names and types.

use crate::authoring::values::{SourceFile, TargetFile, mirrors};
use crate::authoring::{Json, Ordered};

/// A flag that says whether there is more: a JSON Pointer, `{ header: name }`, or one of them with the sense of its values
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum FlagFile {
    Plain(SourceFile),
    Sense(SenseFile),
}

/// A value that leads to the next page: a JSON Pointer, `{ header: name }`, or one of them with what its values mean
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum TokenFile {
    Plain(SourceFile),
    Ends(EndsFile),
}

/// Where the reply tells how many items there are in all: a JSON Pointer, `{ header: name }`, or `{ at: …, exact: true }`
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum TotalFile {
    Plain(SourceFile),
    Exact(ExactFile),
}

mirrors! {
    /// A flag and the sense of its values
    struct SenseFile {
        pub at: SourceFile,
        /// The values that mean "there is more": `[false]` for a flag such as `isLast`
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub is: Option<Vec<Json>>,
        /// true: a true flag means the end
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        pub end_of_stream: bool,
        /// end: the flag is left out when there is no more
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub absent: Option<AbsentFile>,
    }

    /// A value and those of its values that mean "there is no next page"
    struct EndsFile {
        pub at: SourceFile,
        /// Values that mean the end, beside null, false and the empty text: `[0, "-1"]`
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub end: Vec<Json>,
        /// end: the value is left out when there is no next page
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub absent: Option<AbsentFile>,
    }

    /// What it means that a value is left out
    #[derive(Copy, Eq)]
    enum AbsentFile { End }

    /// A total, and whether it can be relied on
    struct ExactFile {
        pub at: SourceFile,
        /// true: the walk ends when so many rows have come, without a request behind the end
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        pub exact: bool,
    }

    /// How one page leads to the next
    enum PagingFile {
        None,
        /// Link header with rel=next (RFC 8288)
        Link {
            #[serde(default, skip_serializing_if = "Option::is_none")]
            size: Option<SizeFile>,
            /// The query parameter that counts pages in the rel=last link, so that pages can be fetched side by side
            #[serde(default, skip_serializing_if = "Option::is_none")]
            last: Option<TargetFile>,
            #[serde(default, skip_serializing_if = "Option::is_none")]
            total: Option<TotalFile>,
            /// Only path and query of a next address count; it is taken at the connection's own origin
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
            offset: TargetFile,
            size: SizeFile,
            #[serde(default, skip_serializing_if = "Option::is_none")]
            total: Option<TotalFile>,
            /// Options that are sent when the caller does not give them, such as a stable sort; where an operation has them
            #[serde(default, skip_serializing_if = "Ordered::is_empty")]
            with: Ordered<String>,
            /// How far the offset moves: by the rows that were asked for, or by those that came. Left out, it moves by the rows that came until a page was full
            #[serde(default, skip_serializing_if = "Option::is_none")]
            advance: Option<AdvanceFile>,
            /// A flag that ends the walk when false
            #[serde(default, skip_serializing_if = "Option::is_none")]
            has_more: Option<FlagFile>,
            /// The same as has_more
            #[serde(default, skip_serializing_if = "Option::is_none")]
            more: Option<FlagFile>,
        },
        /// A token of the server's making
        Cursor {
            token: TokenFile,
            send: TargetFile,
            #[serde(default, skip_serializing_if = "Option::is_none")]
            size: Option<SizeFile>,
            /// A flag that ends the walk when false
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
        /// After the key of the last item
        Keyset(KeysetFile),
    }

    /// How far an offset moves
    #[derive(Copy, Eq)]
    enum AdvanceFile { Requested, Received }

    /// A page size
    struct SizeFile {
        pub query: String,
        pub default: u32,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub max: Option<u32>,
    }

    /// The page number
    struct NumberFile {
        pub query: String,
        #[serde(default = "one")]
        pub start: u64,
    }

    /// How a numbered walk ends
    enum EndFile {
        /// Where the reply tells the number of pages
        TotalPages(SourceFile),
        /// Where the reply tells the next page's number; null ends
        NextPage(TokenFile),
        /// Where the reply tells whether there is more
        HasMore(FlagFile),
        /// The same as has_more
        More(FlagFile),
    }

    /// Keyset paging
    struct KeysetFile {
        /// Headers that switch the server to this way of paging
        #[serde(default, skip_serializing_if = "Ordered::is_empty")]
        pub header: Ordered<String>,
        pub after: AfterFile,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub size: Option<SizeFile>,
        /// Options that cannot be given together with it
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub unless: Vec<String>,
        /// A flag that ends the walk when false
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub has_more: Option<FlagFile>,
        /// The same as has_more
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub more: Option<FlagFile>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub total: Option<TotalFile>,
    }

    /// The key of the last item and the parameter that takes it
    struct AfterFile {
        pub query: String,
        /// JSON Pointer in the item
        pub from: String,
    }

    /// `/pagination/next` and, where there is one, the page size
    struct NextUrlFile {
        pub pointer: TokenFile,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub size: Option<SizeFile>,
        /// A flag that ends the walk when false
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub has_more: Option<FlagFile>,
        /// The same as has_more
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub more: Option<FlagFile>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub total: Option<TotalFile>,
        /// Only path and query of a next address count; it is taken at the connection's own origin
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        pub relink: bool,
    }
}

fn one() -> u64 {
    1
}
