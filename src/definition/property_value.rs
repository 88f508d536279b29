//! Checks a property's value against the property's rules. Pure.

use url::Url;

use super::connector::Property;
use super::file::{FormatFile, PropertyTypeFile};
use crate::authoring::Schema;

pub(crate) fn value_of(property: &Property, given: Option<&str>) -> Result<Option<String>, Misfit> {
    let name = &property.name;
    let Some(given) = given.or(property.default.as_deref()) else {
        return if property.optional { Ok(None) } else { Err((format!("`{name}` is missing"), None)) };
    };
    // Keys are pasted; a line break at the end is not part of the key.
    let value = given.trim_end_matches(['\n', '\r']);
    if value.trim().is_empty() {
        return if property.optional { Ok(None) } else { Err((format!("`{name}` is empty"), None)) };
    }
    // PEM text, such as a private key, has several lines.
    let is_pem = property.secret && value.contains("-----BEGIN ");
    if value.chars().any(|c| c.is_control() && !(is_pem && matches!(c, '\n' | '\r'))) {
        return Err((
            format!("`{name}` contains a control character"),
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

/// The reason why a value is invalid, and advice.
pub(crate) type Misfit = (String, Option<&'static str>);

/// An entered address, as a URL without trailing slash. Origins lose their path, because users paste what their browser
/// shows.
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
            format!("`{name}` contains a user name or password"),
            Some("put credentials into their own properties"),
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

/// The reason why the default is invalid.
pub(super) fn misfit_of_default(property: &Property) -> Option<String> {
    property.default.as_ref()?;
    value_of(property, None).err().map(|(message, _)| message)
}
