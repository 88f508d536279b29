//! What the requests of an operation have in common: constants, and the format of the body. Plain data.

use http::HeaderName;

use crate::authoring::{Json, Text};

/// Constants of each request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fixed {
    pub(crate) query: Vec<(String, Text)>,
    pub(crate) headers: Vec<(HeaderName, Text)>,
    pub(crate) cookies: Vec<(String, Text)>,
    /// An object.
    pub(crate) body: Option<Json>,
}

impl Fixed {
    /// Its texts.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &Text> {
        let named = self.query.iter().chain(&self.cookies).map(|(_, text)| text);
        named.chain(self.headers.iter().map(|(_, text)| text))
    }
}

/// The format of a body.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum BodyFormat {
    #[default]
    Json,
    Form(FormStyle),
    Multipart,
    /// The item itself.
    Raw,
    Ndjson,
    /// Elements from fields, or a document with placeholders.
    Xml(Option<Text>),
    /// A text with placeholders.
    Text(Text),
}

impl BodyFormat {
    /// Its media type, unless the definition gives another.
    pub(crate) fn media_type(&self) -> &'static str {
        match self {
            BodyFormat::Json => "application/json",
            BodyFormat::Form(_) => "application/x-www-form-urlencoded",
            BodyFormat::Multipart => "multipart/form-data",
            BodyFormat::Raw => "application/octet-stream",
            BodyFormat::Ndjson => "application/x-ndjson",
            BodyFormat::Xml(_) => "application/xml",
            BodyFormat::Text(_) => "text/plain; charset=utf-8",
        }
    }

    /// Whether a declared media type, in lower case and without parameters, agrees with it.
    pub(crate) fn agrees_with(&self, media_type: &str) -> bool {
        match self {
            BodyFormat::Json => media_type == "application/json" || media_type.ends_with("+json"),
            BodyFormat::Form(_) => media_type == "application/x-www-form-urlencoded",
            // It has a boundary, which only the body's builder knows.
            BodyFormat::Multipart => false,
            BodyFormat::Raw => true,
            BodyFormat::Ndjson => {
                media_type.contains("ndjson")
                    || media_type.contains("jsonl")
                    || media_type.contains("json-seq")
                    || media_type.contains("stream+json")
            }
            BodyFormat::Xml(_) => media_type.ends_with("/xml") || media_type.ends_with("+xml"),
            BodyFormat::Text(_) => {
                !media_type.starts_with("multipart/") && media_type != "application/x-www-form-urlencoded"
            }
        }
    }

    /// What it is called in messages.
    pub(crate) fn words(&self) -> &'static str {
        match self {
            BodyFormat::Json => "JSON",
            BodyFormat::Form(_) => "a form",
            BodyFormat::Multipart => "a multipart form",
            BodyFormat::Raw => "the item itself",
            BodyFormat::Ndjson => "one JSON value per line",
            BodyFormat::Xml(_) => "XML",
            BodyFormat::Text(_) => "a text",
        }
    }

    /// Its placeholders.
    pub(crate) fn text(&self) -> Option<&Text> {
        match self {
            BodyFormat::Text(text) | BodyFormat::Xml(Some(text)) => Some(text),
            BodyFormat::Json
            | BodyFormat::Form(_)
            | BodyFormat::Multipart
            | BodyFormat::Raw
            | BodyFormat::Ndjson
            | BodyFormat::Xml(None) => None,
        }
    }

    /// Whether it is built from one object of named values.
    pub(crate) fn has_fields(&self) -> bool {
        match self {
            BodyFormat::Json | BodyFormat::Form(_) | BodyFormat::Multipart | BodyFormat::Xml(None) => true,
            BodyFormat::Raw | BodyFormat::Ndjson | BodyFormat::Xml(Some(_)) | BodyFormat::Text(_) => false,
        }
    }
}

/// How a form writes lists and nested fields.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct FormStyle {
    pub(crate) lists: FormLists,
    pub(crate) nested: FormNested,
}

/// How a form writes a list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum FormLists {
    #[default]
    Indexes,
    Brackets,
    Repeat,
    Comma,
    Json,
}

/// How a form writes a nested field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum FormNested {
    #[default]
    Brackets,
    Dots,
    Json,
}
