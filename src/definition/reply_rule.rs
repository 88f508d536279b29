//! Checked rules for reading replies: format, items, report, kept and attached values. Plain data.

use super::paging::Total;
use super::rules::{PartRule, ResultShape};
use crate::authoring::{Pointer, Source};

/// The reply.
#[derive(Clone, Debug)]
pub struct ResponseRule {
    /// Its kind.
    pub result: ResultShape,
    pub(crate) format: ReplyFormat,
    pub(crate) items: ItemPlaces,
    pub(crate) optional: bool,
    pub(crate) total: Option<Total>,
    pub(crate) redirect_ok: bool,
    pub(crate) ok: Vec<u16>,
    pub(crate) empty: Vec<u16>,
    pub(crate) parts: Option<PartRule>,
    pub(crate) columns: ColumnRule,
    pub(crate) rows: Pointer,
    /// Values beside the items, by name.
    pub(crate) keep: Vec<(String, Source)>,
    pub(crate) attach: Vec<AttachRule>,
}

/// The format of a body.
#[derive(Clone, Debug, Default)]
pub(crate) enum ReplyFormat {
    #[default]
    Json,
    Ndjson,
    Csv(CsvRule),
    Xml,
}

impl ReplyFormat {
    /// Its name in messages.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            ReplyFormat::Json => "JSON",
            ReplyFormat::Ndjson => "NDJSON",
            ReplyFormat::Csv(_) => "CSV",
            ReplyFormat::Xml => "XML",
        }
    }

    /// The media type that is asked for.
    pub(crate) const fn accept(&self) -> &'static str {
        match self {
            ReplyFormat::Json => "application/json",
            ReplyFormat::Ndjson => "application/x-ndjson, application/json;q=0.9",
            ReplyFormat::Csv(_) => "text/csv",
            ReplyFormat::Xml => "application/xml, text/xml;q=0.9",
        }
    }

    /// Whether a body of this format can be read by JSON Pointers.
    pub(crate) const fn has_pointers(&self) -> bool {
        match self {
            ReplyFormat::Json | ReplyFormat::Xml => true,
            ReplyFormat::Ndjson | ReplyFormat::Csv(_) => false,
        }
    }
}

/// How a CSV body is read.
#[derive(Clone, Debug)]
pub(crate) struct CsvRule {
    pub(crate) separator: u8,
    /// Whether the first row has names.
    pub(crate) header: bool,
    /// Names from the definition; empty: those of the header.
    pub(crate) columns: Vec<String>,
}

/// Where the items are in a body.
#[derive(Clone, Debug)]
pub(crate) struct ItemPlaces {
    /// One or more.
    pub(crate) at: Vec<Pointer>,
    /// The field for the key of a record in a map; without it, the values are lists.
    pub(crate) key: Option<String>,
    /// The field for the last token of the list's pointer.
    pub(crate) tag: Option<String>,
    /// The record within an element.
    pub(crate) value: Option<Pointer>,
}

impl ItemPlaces {
    /// One place, as it is.
    pub(crate) fn one(at: Pointer) -> ItemPlaces {
        ItemPlaces { at: vec![at], key: None, tag: None, value: None }
    }

    /// The place, if there is one and its items stay as they are.
    pub(crate) fn plain(&self) -> Option<&Pointer> {
        match self.at.as_slice() {
            [one] if self.key.is_none() && self.tag.is_none() && self.value.is_none() => Some(one),
            _ => None,
        }
    }
}

/// The columns of a report.
#[derive(Clone, Debug)]
pub(crate) enum ColumnRule {
    /// Names from the definition.
    Names(Vec<String>),
    /// A list in the reply; `name` is the place of the name in a definition that is an object.
    At { list: Pointer, name: Option<Pointer> },
}

/// Related records in another list of the same reply.
#[derive(Clone, Debug)]
pub(crate) struct AttachRule {
    /// The field that an item gets.
    pub(crate) field: String,
    pub(crate) from: Pointer,
    pub(crate) key: Pointer,
    pub(crate) by: Pointer,
}
