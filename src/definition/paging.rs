//! Checked paging: how one page leads to the next, and what tells the end. Pure data.

use http::HeaderName;
use serde_json::Value;

use crate::authoring::{Pointer, Source, Target};

/// How one page leads to the next.
#[derive(Clone, Debug, Default)]
pub(crate) struct Paging {
    pub(crate) style: Style,
    pub(crate) size: Option<Size>,
    /// A flag that says whether there is more.
    pub(crate) more: Option<Flag>,
}

/// The ways of paging.
#[derive(Clone, Debug, Default)]
pub(crate) enum Style {
    #[default]
    None,
    Link {
        last: Option<String>,
        relink: bool,
    },
    Number {
        page: String,
        start: u64,
        end: Option<End>,
    },
    Offset {
        offset: String,
        with: Vec<(String, String)>,
        advance: Option<Advance>,
    },
    Cursor {
        token: Token,
        send: Target,
    },
    NextUrl {
        token: Token,
        relink: bool,
    },
    Keyset(Keyset),
}

/// A value that leads to the next page.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) at: Source,
    /// Values that mean the end, as text.
    pub(crate) ends: Vec<String>,
    /// Its absence is how the server says that there is no more.
    pub(crate) absent_ends: bool,
}

/// A flag that says whether there is more.
#[derive(Clone, Debug)]
pub(crate) struct Flag {
    pub(crate) at: Source,
    pub(crate) sense: Sense,
    /// Its absence is how the server says that there is no more.
    pub(crate) absent_ends: bool,
}

/// Which values of a flag mean that there is more.
#[derive(Clone, Debug)]
pub(crate) enum Sense {
    /// True ones.
    More,
    /// False ones.
    End,
    /// These.
    Is(Vec<Value>),
}

impl Flag {
    /// A value by which a server says it: the other direction, for those who play one.
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

/// How many items there are in all, as the server says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Total {
    pub(crate) at: Source,
    /// It can be relied on as the end.
    pub(crate) exact: bool,
}

/// How far an offset moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Advance {
    Requested,
    Received,
}

/// A page size parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) query: String,
    pub(crate) default: u32,
    pub(crate) max: Option<u32>,
}

/// How a numbered walk ends, beside a flag.
#[derive(Clone, Debug)]
pub(crate) enum End {
    TotalPages(Source),
    NextPage(Token),
}

/// Keyset paging.
#[derive(Clone, Debug)]
pub(crate) struct Keyset {
    pub(crate) headers: Vec<(HeaderName, String)>,
    pub(crate) after: String,
    pub(crate) from: Pointer,
    pub(crate) unless: Vec<String>,
}

impl Paging {
    /// Whether lists come in pages at all.
    pub(crate) fn is_paged(&self) -> bool {
        !matches!(self.style, Style::None)
    }

    /// Query parameters that page; callers cannot give them.
    pub(crate) fn reserved(&self) -> Vec<&str> {
        match &self.style {
            Style::None | Style::NextUrl { .. } => Vec::new(),
            Style::Link { last, .. } => last.iter().map(String::as_str).collect(),
            Style::Number { page, .. } => vec![page],
            Style::Offset { offset, .. } => vec![offset],
            Style::Cursor { send, .. } => match send {
                Target::Query(name) => vec![name],
                Target::Header(_) => Vec::new(),
            },
            Style::Keyset(keyset) => vec![&keyset.after],
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

    /// Where a reply tells what leads on or ends the walk.
    pub(crate) fn steering(&self) -> Vec<&Source> {
        let own = match &self.style {
            Style::None
            | Style::Link { .. }
            | Style::Keyset(_)
            | Style::Offset { .. }
            | Style::Number { end: None, .. } => None,
            Style::Number { end: Some(End::TotalPages(source)), .. } => Some(source),
            Style::Number { end: Some(End::NextPage(token)), .. }
            | Style::Cursor { token, .. }
            | Style::NextUrl { token, .. } => Some(&token.at),
        };
        own.into_iter().chain(self.more.as_ref().map(|flag| &flag.at)).collect()
    }

    /// Whether only path and query of a next address count.
    pub(crate) fn relinks(&self) -> bool {
        matches!(&self.style, Style::Link { relink: true, .. } | Style::NextUrl { relink: true, .. })
    }
}
