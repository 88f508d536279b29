//! A checked connector: every text parsed, every pointer valid. Pure data with look-ups.

use super::auth::Auth;
use super::file::{FormatFile, MethodFile, PropertyTypeFile, ResponseFile};
use super::login::Csrf;
use super::meaning::ReplyRule;
use super::option_rule::OptionRule;
use super::paging::{Paging, Total};
use super::request_rule::Fixed;
use crate::authoring::{Pointer, Source, Text, same};
use serde_json::Value;

/// One external system.
#[derive(Debug)]
pub struct Connector {
    /// Its name, such as the first part of `connector/operationId`.
    pub name: String,
    /// Its title.
    pub title: String,
    /// Its description.
    pub description: Option<String>,
    /// The vendor's documentation.
    pub docs: Option<String>,
    /// The properties of a connection, in form order.
    pub properties: Vec<Property>,
    /// The operation that tests a connection.
    pub probe: Option<Probe>,
    /// The vendor's rate limit.
    pub rate: Option<Rate>,
    pub(crate) base_url: Text,
    pub(crate) hosts: Vec<(String, String)>,
    pub(crate) origins: Vec<String>,
    /// Origins that get no credentials.
    pub(crate) public_origins: Vec<super::public_origin::PublicOrigin>,
    pub(crate) auth: Auth,
    pub(crate) csrf: Option<Csrf>,
    pub(crate) fixed: Fixed,
    pub(crate) rules: Vec<ReplyRule>,
    #[cfg_attr(not(feature = "batch"), expect(dead_code, reason = "only batches put values into conditions"))]
    pub(crate) literals: Option<super::literals::Literals>,
    pub(crate) paging: Paging,
    /// The location of a total in `paging`.
    pub(crate) total: Option<Total>,
    pub(crate) forward_only: Option<Paging>,
    pub(crate) errors: ErrorRules,
    pub(super) paging_sets: Vec<(String, PagingSet)>,
    pub(super) response_sets: Vec<(String, ResponseFile)>,
    pub(super) option_sets: Vec<(String, Vec<OptionRule>)>,
}

/// A paging with the location of its total.
pub(super) type PagingSet = (Paging, Option<Total>);

impl Connector {
    /// A property of the connection form.
    #[must_use]
    pub fn property(&self, name: &str) -> Option<&Property> {
        self.properties.iter().find(|p| p.name == name)
    }

    /// Whether a person signs in, with a browser.
    #[cfg(feature = "studio")]
    pub(crate) fn needs_person(&self) -> bool {
        matches!(&self.auth, Auth::Oauth2(rule) if rule.needs_person())
    }
}

/// The call that tests a connection.
#[derive(Debug)]
pub struct Probe {
    /// OperationId.
    pub operation: String,
    pub(crate) options: Vec<(String, Text)>,
}

/// One property of a connection.
#[derive(Debug, Clone, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Property {
    /// Its name, as the vendor calls it.
    pub name: String,
    /// Label of the form field.
    pub title: String,
    /// Help of the form field.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(skip)]
    pub(crate) kind: PropertyTypeFile,
    #[serde(skip)]
    pub(crate) format: Option<FormatFile>,
    /// Masked in forms and never shown.
    pub secret: bool,
    /// Optional.
    pub optional: bool,
    /// The default value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    /// Example values.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub examples: Vec<String>,
    /// The allowed values; empty for any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<String>,
    #[serde(skip)]
    pub(crate) pattern: Option<String>,
}

impl Property {
    /// Whether its values are JSON as they are written.
    pub(crate) fn is_number_or_flag(&self) -> bool {
        match self.kind {
            PropertyTypeFile::String => false,
            PropertyTypeFile::Integer | PropertyTypeFile::Boolean => true,
        }
    }
}

/// A rate limit: requests per time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// The number of requests in that time.
    pub requests: u32,
    /// The time in seconds.
    pub per_s: u32,
}

/// Where a reply contains the details of an error.
#[derive(Debug, Default)]
pub(crate) struct ErrorRules {
    pub(crate) code: Vec<Pointer>,
    pub(crate) message: Vec<Pointer>,
    pub(crate) details: Option<DetailRules>,
    pub(crate) request_id: Option<Source>,
    pub(crate) success: Option<Success>,
    pub(crate) explain: Vec<Explain>,
}

/// The success flag of a body, with its success values.
#[derive(Clone, Debug)]
pub(crate) struct Success {
    pub(crate) at: Pointer,
    /// The success values; `None` for a flag that must be true.
    pub(crate) is: Option<Vec<Value>>,
    /// Whether a body without it is a success; `None` if that is not declared.
    pub(crate) absent: Option<bool>,
}

impl Success {
    /// Whether a value, or its absence, means success; `None` if absence is not declared.
    pub(crate) fn judge(&self, value: Option<&Value>) -> Option<bool> {
        match (value, &self.is) {
            (None, _) => self.absent,
            (Some(value), Some(good)) => Some(good.iter().any(|g| same(g, value))),
            (Some(value), None) => Some(is_true(value)),
        }
    }
}

#[cfg(feature = "sandbox")]
impl Success {
    /// A value that means success or failure, for the mock server.
    pub(crate) fn said(&self, good: bool) -> Value {
        match (&self.is, good) {
            (None, good) => good.into(),
            (Some(values), true) => values.first().cloned().unwrap_or_default(),
            (Some(values), false) => match values.first() {
                Some(Value::Bool(flag)) => (!flag).into(),
                _ => Value::Null,
            },
        }
    }
}

/// A flag that must be true: true, `1` or the word.
fn is_true(value: &Value) -> bool {
    match value {
        Value::Bool(flag) => *flag,
        Value::Number(number) => number.as_f64() == Some(1.0),
        Value::String(text) => ["true", "1", "yes", "y"].iter().any(|good| text.trim().eq_ignore_ascii_case(good)),
        Value::Null | Value::Array(_) | Value::Object(_) => false,
    }
}

/// The location of field errors in a list.
#[derive(Debug)]
pub(crate) struct DetailRules {
    pub(crate) list: Pointer,
    pub(crate) field: Pointer,
    pub(crate) code: Pointer,
    pub(crate) message: Pointer,
}

/// Advice for a status, method, host pattern or provider code.
#[derive(Debug)]
pub(crate) struct Explain {
    pub(crate) status: Option<u16>,
    pub(crate) method: Option<MethodFile>,
    pub(crate) hosts: Vec<String>,
    pub(crate) code: Option<String>,
    pub(crate) advice: String,
}
