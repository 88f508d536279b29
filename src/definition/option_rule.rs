//! One option of an operation, as checked: its schema, and where its value is sent.

use super::naming::Naming;
use crate::authoring::Json;

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
    /// A field of the body.
    Body,
    /// Nowhere: it sets the page size.
    PageSize,
}

/// One option of an operation.
#[derive(Clone, Debug)]
pub struct OptionRule {
    /// Name, the vendor's own.
    pub name: String,
    /// Where it is sent.
    pub location: Location,
    /// Its JSON Schema.
    pub schema: Json,
    /// Help text.
    pub description: Option<String>,
    /// Must be given.
    pub required: bool,
    /// Masked wherever the call is shown.
    pub secret: bool,
    /// An array as the parameter repeated, instead of joined by commas.
    pub(crate) repeat: bool,
    /// Its author says where it is sent.
    pub(crate) placed: bool,
    /// How it names fields of the record.
    pub(super) naming: Option<Naming>,
}

impl OptionRule {
    /// Whether another of the same name says the same.
    pub(super) fn is_same(&self, other: &OptionRule) -> bool {
        let said = |rule: &OptionRule| (rule.location, rule.required, rule.secret, rule.repeat);
        said(self) == said(other) && self.schema.to_value() == other.schema.to_value()
    }
}
