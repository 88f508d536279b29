//! One call as a value: plain data that can be serialized and compared.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::options::CallOptions;
use super::overlay::{CallerValues, ResolvedCall, resolve};
use crate::definition::{Catalog, Method, Template};
use crate::error::{Error, ErrorKind, Result};
use crate::item::Items;
use crate::options::Options;
use crate::part_file::FileTarget;

/// One call: operation, values and limits. The JSON form is that of the C interface: keys in camelCase, unknown ones
/// refused.
///
/// ```
/// use opnode::{Method, Options, Request};
///
/// let text = r#"{"method":"query","operationId":"getTickets","options":{"conditions":"closed=false"},"limit":10}"#;
/// let request: Request = serde_json::from_str(text)?;
/// assert_eq!(request.method, Method::Query);
/// assert_eq!(request.options, Options::parse(r#"{"conditions":"closed=false"}"#)?);
/// assert_eq!(serde_json::to_string(&request)?, text);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The operation, by OperationId.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation_id: Option<String>,
    /// Instead of an operation: a template, whose options and items are the defaults.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// Options, by name.
    #[serde(default, skip_serializing_if = "Options::is_empty")]
    pub options: Options,
    /// Items of a write: an array in JSON. With a template of one item, each is merged with that one, field by field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub items: Option<Items>,
    /// For a query: stop after this many items.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// For a query: page by key, see [`CallOptions::forward_only`].
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub forward_only: bool,
    /// Make an end that was not seen, and unknown fields, an error instead of a note.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub strict: bool,
    /// Refuse unknown fields, see [`CallOptions::known_fields`].
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub known_fields: bool,
    /// For a write: send no further item after the first failure.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stop_on_error: bool,
    /// Send a template's sample values where it asks the caller for values.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub use_sample: bool,
    /// Write files that the operation returns into this folder, see [`CallOptions::files`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files: Option<PathBuf>,
    /// End the call after this many milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
}

impl Request {
    /// A call of an operation with options only.
    #[must_use]
    pub fn new(method: Method, operation: impl Into<String>, options: impl Into<Options>) -> Request {
        Request {
            method,
            operation_id: Some(operation.into()),
            template: None,
            options: options.into(),
            items: None,
            limit: None,
            forward_only: false,
            strict: false,
            known_fields: false,
            stop_on_error: false,
            use_sample: false,
            files: None,
            timeout_ms: None,
        }
    }

    /// The operation, with the request's options and items merged with those of its template.
    ///
    /// # Errors
    /// `usage` when it names no operation, or two; `unknown_operation`; `invalid_options` when values that a template
    /// asks for are missing.
    pub(crate) fn resolve(&self, catalog: &Catalog, connector: Option<&str>) -> Result<ResolvedCall> {
        let usage = |message: &str| Error::new(ErrorKind::Usage, message).advise("set either operationId or template");
        let template: Option<Template> = match (&self.operation_id, &self.template) {
            (Some(_), Some(_)) => return Err(usage("the request names both an operation and a template")),
            (None, None) => return Err(usage("the request names no operation")),
            (Some(_), None) => None,
            (None, Some(name)) => Some(catalog.template(connector, name)?),
        };
        let operation = match (&template, &self.operation_id) {
            (Some(template), _) => Arc::clone(&template.operation),
            (None, id) => catalog.operation(connector, id.as_deref().unwrap_or_default())?,
        };
        if !self.options.is_object() {
            return Err(Error::new(ErrorKind::Usage, "options: expected an object"));
        }
        let given = CallerValues {
            options: &self.options,
            items: self.items.as_ref(),
            use_sample: self.use_sample,
            covered: None,
        };
        let laid = resolve(operation, template.as_ref(), &given)?;
        match laid.left.as_slice() {
            [] => Ok(laid),
            left => Err(Error::new(
                ErrorKind::InvalidOptions,
                format!(
                    "the template {} needs a value for {}",
                    self.template.as_deref().unwrap_or_default(),
                    left.join(", ")
                ),
            )
            .advise("give it in `options` or `items`; \"useSample\": true sends the template's samples as they are")),
        }
    }

    /// Sets its fields in the options of a call.
    pub(crate) fn laid_over(&self, with: &CallOptions) -> CallOptions {
        CallOptions {
            items_max: self.limit.or(with.items_max),
            forward_only: self.forward_only || with.forward_only,
            strict: self.strict || with.strict,
            known_fields: self.strict || self.known_fields || with.known_fields,
            stop_on_error: self.stop_on_error || with.stop_on_error,
            files: self.files.clone().map(FileTarget::Folder).or_else(|| with.files.clone()),
            timeout: self.timeout_ms.map(Duration::from_millis).or(with.timeout),
            ..with.clone()
        }
    }
}
