//! One checked option of an operation: its schema, and where its value is sent.

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
    /// Not sent: it sets the page size.
    PageSize,
}

/// One option of an operation.
#[derive(Clone, Debug)]
pub struct OptionRule {
    /// Its name, as the vendor calls it.
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
    /// Sends an array as a repeated parameter, instead of comma-joined.
    pub(crate) repeat: bool,
    /// The definition says where it is sent.
    pub(crate) placed: bool,
    /// How it names fields of the record.
    pub(super) naming: Option<Naming>,
}

impl OptionRule {
    /// Whether another option with the same name is equal.
    pub(super) fn is_same(&self, other: &OptionRule) -> bool {
        let said = |rule: &OptionRule| (rule.location, rule.required, rule.secret, rule.repeat);
        said(self) == said(other) && self.schema.to_value() == other.schema.to_value()
    }
}
