//! Checked paging: how one page leads to the next, and how the end is seen. Pure data.

use http::HeaderName;
use serde_json::Value;

use crate::authoring::{Pointer, Source, Target, Text};

/// The paging of a list.
#[derive(Clone, Debug, Default)]
pub(crate) struct Paging {
    pub(crate) style: Style,
    pub(crate) size: Option<Size>,
    /// A flag for "there is more".
    pub(crate) more: Option<Flag>,
    /// How the next page is asked for is not known; there is no style then.
    pub(crate) is_unknown: bool,
}

/// The paging styles.
#[derive(Clone, Debug, Default)]
pub(crate) enum Style {
    #[default]
    None,
    Link {
        /// A query parameter.
        last: Option<Target>,
        relink: bool,
    },
    Number {
        page: Target,
        start: u64,
        end: Option<EndRule>,
    },
    Offset {
        offset: Target,
        start: u64,
        with: Vec<(String, String)>,
        advance: Option<Advance>,
    },
    Cursor {
        token: TokenRule,
        send: Target,
    },
    NextUrl {
        token: TokenRule,
        relink: bool,
    },
    Keyset(Keyset),
}

/// A value that leads to the next page.
#[derive(Clone, Debug)]
pub(crate) struct TokenRule {
    pub(crate) at: Source,
    /// Values that mean the end, as text.
    pub(crate) ends: Vec<String>,
    /// The server omits it on the last page.
    pub(crate) absent_ends: bool,
}

/// A flag for "there is more".
#[derive(Clone, Debug)]
pub(crate) struct Flag {
    pub(crate) at: Source,
    pub(crate) sense: Sense,
    /// The server omits it on the last page.
    pub(crate) absent_ends: bool,
}

/// Which values of a flag mean "there is more".
#[derive(Clone, Debug)]
pub(crate) enum Sense {
    /// True values.
    More,
    /// False values.
    End,
    /// These values.
    Is(Vec<Value>),
}

impl Flag {
    /// A value with this meaning, for the mock server.
    #[cfg(feature = "sandbox")]
    pub(crate) fn said(&self, more: bool) -> Value {
        match &self.sense {
            Sense::More => more.into(),
            Sense::End => (!more).into(),
            Sense::Is(values) => match (values.first(), more) {
                (Some(value), true) => value.clone(),
                (Some(Value::Bool(flag)), false) => (!flag).into(),
                (_, _) => Value::Null,
            },
        }
    }
}

/// The total number of items, as the server reports it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Total {
    pub(crate) at: Source,
    /// It is reliable as the end.
    pub(crate) exact: bool,
}

/// How an offset advances.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Advance {
    Requested,
    Received,
}

/// A page size parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) at: Target,
    /// The name of the caller's option.
    pub(crate) option: String,
    /// The text that is sent, with `{size}`; `None` for the number alone.
    pub(crate) value: Option<Text>,
    pub(crate) default: u32,
    pub(crate) max: Option<u32>,
}

/// How paging by page number ends, besides a flag.
#[derive(Clone, Debug)]
pub(crate) enum EndRule {
    TotalPages(Source),
    NextPage(TokenRule),
}

/// Keyset paging.
#[derive(Clone, Debug)]
pub(crate) struct Keyset {
    pub(crate) headers: Vec<(HeaderName, String)>,
    pub(crate) after: Target,
    pub(crate) from: Pointer,
    pub(crate) unless: Vec<String>,
}

impl Paging {
    /// Whether lists are paged.
    pub(crate) fn is_paged(&self) -> bool {
        !matches!(self.style, Style::None)
    }

    /// Where the walk itself sends values; callers cannot set them.
    pub(crate) fn targets(&self) -> Vec<&Target> {
        let own = match &self.style {
            Style::None | Style::NextUrl { .. } | Style::Link { last: None, .. } => None,
            Style::Link { last: Some(page), .. } | Style::Number { page, .. } => Some(page),
            Style::Offset { offset, .. } => Some(offset),
            Style::Cursor { send, .. } => Some(send),
            Style::Keyset(keyset) => Some(&keyset.after),
        };
        own.into_iter().collect()
    }

    /// The names of those parameters.
    pub(crate) fn reserved(&self) -> Vec<&str> {
        self.targets().into_iter().map(Target::name).collect()
    }

    /// The place of a value that the first page does not have.
    pub(super) fn begins_without(&self) -> Option<&Target> {
        match &self.style {
            Style::Cursor { send, .. } => Some(send),
            Style::Keyset(keyset) => Some(&keyset.after),
            Style::None | Style::Link { .. } | Style::Number { .. } | Style::Offset { .. } | Style::NextUrl { .. } => {
                None
            }
        }
    }

    /// Options that are sent unless the caller gives others.
    pub(crate) fn with(&self) -> &[(String, String)] {
        match &self.style {
            Style::Offset { with, .. } => with,
            Style::None
            | Style::Link { .. }
            | Style::Number { .. }
            | Style::Cursor { .. }
            | Style::NextUrl { .. }
            | Style::Keyset(_) => &[],
        }
    }

    /// The field of a record that leads to the next page.
    #[cfg(any(feature = "batch", feature = "cli"))]
    pub(crate) fn key(&self) -> Option<&String> {
        match &self.style {
            Style::Keyset(keyset) => keyset.from.tokens().first(),
            Style::None
            | Style::Link { .. }
            | Style::Offset { .. }
            | Style::Number { .. }
            | Style::Cursor { .. }
            | Style::NextUrl { .. } => None,
        }
    }

    /// The parts of a reply that continue or end the walk.
    pub(crate) fn steering(&self) -> Vec<&Source> {
        let own = match &self.style {
            Style::None
            | Style::Link { .. }
            | Style::Keyset(_)
            | Style::Offset { .. }
            | Style::Number { end: None, .. } => None,
            Style::Number { end: Some(EndRule::TotalPages(source)), .. } => Some(source),
            Style::Number { end: Some(EndRule::NextPage(token)), .. }
            | Style::Cursor { token, .. }
            | Style::NextUrl { token, .. } => Some(&token.at),
        };
        own.into_iter().chain(self.more.as_ref().map(|flag| &flag.at)).collect()
    }

    /// Whether only path and query of next links are used.
    pub(crate) fn relinks(&self) -> bool {
        matches!(&self.style, Style::Link { relink: true, .. } | Style::NextUrl { relink: true, .. })
    }
}
