//! The property values of a connection against the rules of its connector. Pure.

use std::collections::BTreeMap;

use url::Url;

use super::spec::ConnectionSpec;
use crate::authoring::Schema;
use crate::definition::{Connector, FormatFile, Property, PropertyTypeFile};
use crate::error::{Advice, Fault, Place, did_you_mean};
use crate::json_pointer::escape;
use crate::secret::Secret;

/// What to do about a value that brings a query into a base address.
pub(super) const NO_QUERY: &str =
    "leave out what begins with ? or #; what belongs in the query is an option of the operation";

/// What is wrong with one key of a connection.
pub(crate) struct ValueFault {
    /// The key, below the connection.
    pub(crate) field: String,
    pub(crate) message: String,
    pub(crate) advice: Option<&'static str>,
}

impl ValueFault {
    pub(super) fn of(field: &str, message: String) -> ValueFault {
        ValueFault { field: field.to_owned(), message, advice: None }
    }

    pub(super) fn into_fault(self) -> Fault {
        let pointer = self.field.split('/').map(escape).collect::<Vec<_>>().join("/");
        Fault {
            place: Place::field(format!("/{pointer}")),
            message: self.message,
            advice: self.advice.map(Advice::from),
        }
    }
}

/// Checks the values of the properties that are `given`: all that fit, and every fault.
pub(crate) fn check(
    connector: &Connector,
    spec: &ConnectionSpec,
    given: impl Fn(&Property) -> bool,
) -> (BTreeMap<String, Secret>, Vec<ValueFault>) {
    let hint = |name: &str| did_you_mean(name, connector.properties.iter().map(|p| p.name.as_str()));
    let unknown = spec.values.keys().filter(|name| connector.property(name).is_none());
    let mut faults: Vec<ValueFault> = unknown
        .map(|name| ValueFault::of(name, format!("`{name}` is not a property of {}{}", connector.name, hint(name))))
        .collect();
    let mut values = BTreeMap::new();
    for property in connector.properties.iter().filter(|property| given(property)) {
        let name = &property.name;
        match value_of(property, spec) {
            Ok(Some(value)) if breaks_address(connector, name, &value) => {
                let message = format!("`{name}` is put into the address, which has no query and no fragment");
                faults.push(ValueFault { advice: Some(NO_QUERY), ..ValueFault::of(name, message) });
            }
            Ok(Some(value)) => {
                values.insert(name.clone(), Secret::new(value));
            }
            Ok(None) => {}
            Err((message, advice)) => faults.push(ValueFault { advice, ..ValueFault::of(name, message) }),
        }
    }
    (values, faults)
}

/// Whether a value would bring a query or a fragment into the address to which paths are appended.
fn breaks_address(connector: &Connector, name: &str, value: &str) -> bool {
    value.contains(['?', '#']) && connector.base_url.names().any(|n| n == name)
}

fn value_of(property: &Property, spec: &ConnectionSpec) -> Result<Option<String>, Misfit> {
    let name = &property.name;
    let Some(given) = spec.values.get(name).or(property.default.as_ref()) else {
        return if property.optional { Ok(None) } else { Err((format!("`{name}` is missing"), None)) };
    };
    // Keys are pasted; a line break at the end is never part of one.
    let value = given.trim_end_matches(['\n', '\r']);
    if value.trim().is_empty() {
        return if property.optional { Ok(None) } else { Err((format!("`{name}` is empty"), None)) };
    }
    if value.chars().any(char::is_control) {
        return Err((
            format!("`{name}` holds a control character"),
            Some("copy it again, without line breaks or tabs"),
        ));
    }
    match property.kind {
        PropertyTypeFile::Integer if value.parse::<i64>().is_err() => {
            return Err((format!("`{name}` must be a whole number"), None));
        }
        PropertyTypeFile::Boolean if !matches!(value, "true" | "false") => {
            return Err((format!("`{name}` must be true or false"), None));
        }
        PropertyTypeFile::Integer | PropertyTypeFile::Boolean | PropertyTypeFile::String => {}
    }
    if !property.choices.is_empty() && !property.choices.iter().any(|c| c == value) {
        return Err((format!("`{name}` must be one of {}", property.choices.join(", ")), None));
    }
    if let Some(pattern) = &property.pattern {
        let schema = Schema::compile(serde_json::json!({ "pattern": pattern }));
        if schema.is_ok_and(|s| !s.check(&value.into()).is_empty()) {
            return Err((format!("`{name}` does not have the form {pattern}"), None));
        }
    }
    match property.format {
        None => Ok(Some(value.to_owned())),
        Some(format) => address(name, value, format).map(Some),
    }
}

/// Why a value does not fit, and what to do.
type Misfit = (String, Option<&'static str>);

/// Why a property's own rules refuse its default.
pub(crate) fn misfit_of_default(property: &Property) -> Option<String> {
    property.default.as_ref()?;
    value_of(property, &ConnectionSpec::default()).err().map(|(message, _)| message)
}

/// An address as typed, as a URL without trailing slash. Origins lose their path, because people paste what their browser shows.
fn address(name: &str, typed: &str, format: FormatFile) -> Result<String, Misfit> {
    let typed = typed.trim();
    let full = if typed.contains("://") { typed.to_owned() } else { format!("https://{typed}") };
    let url = Url::parse(&full)
        .map_err(|e| (format!("`{name}` is not an address: {e}"), Some("write it as https://host.example.com")))?;
    if !matches!(url.scheme(), "https" | "http") || url.host().is_none() {
        return Err((format!("`{name}` must be an https address"), None));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err((
            format!("`{name}` holds a user name or password"),
            Some("credentials go into their own properties"),
        ));
    }
    let origin = url.origin().ascii_serialization();
    match format {
        FormatFile::Origin => Ok(origin),
        FormatFile::Uri => {
            if url.query().is_some() || url.fragment().is_some() {
                return Err((format!("`{name}` must not have a query or fragment"), None));
            }
            Ok(format!("{origin}{}", url.path().trim_end_matches('/')))
        }
    }
}
