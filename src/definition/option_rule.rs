//! One checked option of an operation: its schema, and where and how its value is sent.

use std::sync::Arc;

use super::naming::Naming;
use crate::authoring::{Json, Pointer};

/// Where an option is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Location {
    /// A segment of the path.
    Path,
    /// A query parameter.
    Query,
    /// A header.
    Header,
    /// A cookie.
    Cookie,
    /// A field of the body.
    Body,
    /// A placeholder in a text of the request.
    Text,
    /// Not sent: it sets the page size.
    PageSize,
}

/// How a list, an object or a path with slashes is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum ParameterStyle {
    #[default]
    Comma,
    Repeat,
    Pipes,
    Spaces,
    Brackets,
    Indexes,
    Deep,
    Fields,
    Json,
    Segments,
}

/// How a text value is quoted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quote {
    Double,
    Backslash,
}

/// The query that returns the values of an option.
#[derive(Debug, PartialEq)]
pub struct ValueSource {
    /// OperationId, in the same connector.
    pub operation: String,
    /// Where an item has the value.
    pub value: Pointer,
    /// Where an item has the name that people know.
    pub label: Option<Pointer>,
    /// Options of that query.
    pub options: Vec<(String, Json)>,
}

/// One option of an operation.
#[derive(Clone, Debug)]
pub struct OptionRule {
    /// Its name, as callers write it.
    pub name: String,
    /// Where it is sent.
    pub location: Location,
    /// Its JSON Schema.
    pub schema: Json,
    /// Help text.
    pub description: Option<String>,
    /// Whether the call must have it.
    pub required: bool,
    /// Whether its value is masked wherever the call is shown.
    pub secret: bool,
    /// The query that returns its values.
    pub values: Option<Arc<ValueSource>>,
    /// Its name on the wire, if it differs; for a body a JSON Pointer.
    pub(crate) wire: Option<String>,
    pub(crate) style: ParameterStyle,
    /// The value if the caller gives none.
    pub(crate) preset: Option<Json>,
    /// A field of the item may be its value.
    pub(crate) per_item: bool,
    pub(crate) quote: Option<Quote>,
    /// The definition says where it is sent.
    pub(crate) placed: bool,
    /// How it names fields of the record.
    pub(super) naming: Option<Naming>,
    /// The operators of its conditions, for forms.
    #[cfg_attr(not(feature = "studio"), expect(dead_code, reason = "only forms offer them"))]
    pub(super) operators: Vec<String>,
}

impl OptionRule {
    /// For a condition whose definition names its operators: whether it is a list of terms, and the operators.
    #[cfg(feature = "studio")]
    pub(crate) fn operators(&self) -> Option<(bool, &[String])> {
        let is_terms = match self.naming? {
            Naming::Terms => true,
            Naming::Conditions => false,
            Naming::OtherConditions | Naming::Columns | Naming::Order => return None,
        };
        (!self.operators.is_empty()).then_some((is_terms, &self.operators))
    }

    /// Its name on the wire.
    #[must_use]
    pub fn wire_name(&self) -> &str {
        self.wire.as_deref().unwrap_or(&self.name)
    }

    /// Whether its schema says that it may be a list.
    pub(crate) fn may_be_list(&self) -> bool {
        self.schema.0.contains("\"array\"")
    }

    /// The names of the properties that its schema describes.
    pub(super) fn properties(&self) -> Vec<String> {
        let schema = self.schema.to_value();
        let properties = schema.get("properties").and_then(serde_json::Value::as_object);
        properties.map(|map| map.keys().cloned().collect()).unwrap_or_default()
    }

    /// Its place in a body.
    pub(crate) fn body_place(&self) -> Pointer {
        let name = self.wire_name();
        Pointer::parse(name).ok().filter(|_| name.starts_with('/')).unwrap_or_else(|| Pointer::key(name))
    }

    /// Whether another option with the same name is equal.
    pub(super) fn is_same(&self, other: &OptionRule) -> bool {
        let said = |rule: &OptionRule| {
            let OptionRule { location, required, secret, style, per_item, quote, .. } = rule;
            (*location, *required, *secret, *style, *per_item, *quote)
        };
        said(self) == said(other)
            && (&self.wire, &self.preset, &self.values) == (&other.wire, &other.preset, &other.values)
            && self.schema.to_value() == other.schema.to_value()
    }
}
