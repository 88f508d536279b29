//! One call as a value: plain data that can be written down, compared and handed on.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::options::CallOptions;
use super::overlay::{CallerValues, ResolvedCall, resolve};
use crate::definition::{Catalog, Method, Template};
use crate::error::{Error, ErrorKind, Result};
use crate::item::Items;
use crate::options::Options;

/// One call: what to do, with what, and within which limits. The JSON form is that of the C interface: keys in camelCase, unknown ones refused.
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
    /// The operation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation_id: Option<String>,
    /// Or a template, whose options and items lie under those given here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// Options.
    #[serde(default, skip_serializing_if = "Options::is_empty")]
    pub options: Options,
    /// Items of a write. Over a template with one item, each is laid over that one, field by field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub items: Option<Items>,
    /// Of a query: stop after so many items.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// Of a query: walk by key, see [`CallOptions::forward_only`].
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub forward_only: bool,
    /// Refuse what is noted otherwise: an end that was not seen, and fields that are not known.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub strict: bool,
    /// Refuse fields that are not known, see [`CallOptions::known_fields`].
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub known_fields: bool,
    /// Of a write: send no further item after the first that did not succeed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stop_on_error: bool,
    /// Send a template's sample values where it leaves values to the caller.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub use_sample: bool,
    /// End the call after so many milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
}

impl Request {
    /// A call of an operation with options and nothing else.
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
            timeout_ms: None,
        }
    }

    /// The operation, with the request's options and items over those of its template.
    ///
    /// # Errors
    /// `usage` when it names no operation, or two; `unknown_operation`; `invalid_options` when a template leaves values to the caller that are not given.
    pub(crate) fn resolve(&self, catalog: &Catalog, connector: Option<&str>) -> Result<ResolvedCall> {
        let usage =
            |message: &str| Error::new(ErrorKind::Usage, message).advise("name one of operationId and template");
        let template: Option<Template> = match (&self.operation_id, &self.template) {
            (Some(_), Some(_)) => return Err(usage("the request names an operation and a template")),
            (None, None) => return Err(usage("the request names no operation")),
            (Some(_), None) => None,
            (None, Some(name)) => Some(catalog.template(connector, name)?),
        };
        let operation = match (&template, &self.operation_id) {
            (Some(template), _) => Arc::clone(&template.operation),
            (None, id) => catalog.operation(connector, id.as_deref().unwrap_or_default())?,
        };
        if !self.options.is_object() {
            return Err(Error::new(ErrorKind::Usage, "options: they are an object"));
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
                    "the template {} leaves {} to you",
                    self.template.as_deref().unwrap_or_default(),
                    left.join(", ")
                ),
            )
            .advise("give it in `options` or `items`; \"useSample\": true sends the template's samples as they are")),
        }
    }

    /// What it says, over what is no data.
    pub(crate) fn laid_over(&self, with: &CallOptions) -> CallOptions {
        CallOptions {
            items_max: self.limit.or(with.items_max),
            forward_only: self.forward_only || with.forward_only,
            strict: self.strict || with.strict,
            known_fields: self.strict || self.known_fields || with.known_fields,
            stop_on_error: self.stop_on_error || with.stop_on_error,
            timeout: self.timeout_ms.map(Duration::from_millis).or(with.timeout),
            ..with.clone()
        }
    }
}
