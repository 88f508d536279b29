//! The address of a request: base, path with its parameters, query. Pure; a path value cannot change the path.

use std::borrow::Cow;

use url::Url;

use super::inserted::Inserted;
use super::style::{encode, parameters};
use crate::authoring::{Target, TextPart, kind_of};
use crate::definition::{Location, OptionRule, ParameterStyle};
use crate::error::{Error, ErrorKind, Place, Result};
use crate::json_pointer::escape;
use crate::options::Given;

pub(super) fn address(parts: &Inserted<'_>) -> Result<Url> {
    let Inserted { connection, operation, cursor, .. } = *parts;
    let base = connection.base_of(operation)?;
    let mut text = base.as_str().trim_end_matches('/').to_owned();
    text.push_str(&path(parts)?);
    let mut separator = if base.query().is_some() { '&' } else { '?' };
    let mut names: Vec<String> = connection.connector.auth.query_names();
    let mut push = |name: &str, value: &str| {
        names.push(name.to_owned());
        text.push(separator);
        separator = '&';
        text.push_str(&encode(name));
        text.push('=');
        text.push_str(value);
    };
    let own = &operation.fixed.query;
    let shared = operation.connector.fixed.query.iter().filter(|(name, _)| own.iter().all(|(n, _)| n != name));
    for (name, text) in shared.chain(own) {
        if let Some(value) = parts.render(text, str::to_owned)? {
            push(name, &encode(&value));
        }
    }
    for rule in operation.options.iter().filter(|o| o.location == Location::Query) {
        // A walk that began with an earlier version has the option among the values of its paging.
        if cursor.query.iter().any(|(name, _)| name == rule.wire_name()) {
            continue;
        }
        if let Some(pairs) = parts.with_value(rule, |given| parameters(rule, given))? {
            pairs?.iter().for_each(|(name, value)| push(name, value));
        }
    }
    if let Some((Target::Query(name), value)) = size(parts) {
        push(&name, &encode(&value));
    }
    for (name, value) in &cursor.query {
        push(name, &encode(value));
    }
    twice(parts, &names)?;
    Url::parse(&text).map_err(|e| {
        Error::new(ErrorKind::InvalidOptions, format!("the options give an address that is not a URL: {e}"))
    })
}

/// The fields of an option become parameters, so the caller chooses their names: none may be another parameter.
fn twice(parts: &Inserted<'_>, names: &[String]) -> Result<()> {
    let is_fields = |rule: &&OptionRule| rule.style == ParameterStyle::Fields && rule.location == Location::Query;
    for rule in parts.operation.options.iter().filter(is_fields) {
        let Some(given) = parts.input.options.get(&rule.name) else { continue };
        let fields = given.value().as_object().into_iter().flatten().map(|(name, _)| name);
        if let Some(name) = fields.into_iter().find(|name| names.iter().filter(|own| own == name).count() > 1) {
            let message = format!("the query parameter `{name}` of `{}` is also sent by the definition", rule.name);
            return Err(Error::new(ErrorKind::InvalidOptions, message).at(Place::field(format!(
                "/{}/{}",
                escape(&rule.name),
                escape(name)
            ))));
        }
    }
    Ok(())
}

/// The place and text of the page size.
pub(super) fn size(parts: &Inserted<'_>) -> Option<(Target, String)> {
    let (size, n) = parts.operation.paging.size.as_ref().zip(parts.input.page_size)?;
    let number = n.to_string();
    let text = match &size.value {
        None => number,
        Some(text) => text.render(|_| Some(Cow::Borrowed(number.as_str()))).unwrap_or_default(),
    };
    Some((size.at.clone(), text))
}

/// The path with its parameters: options first, then the item's field with the same name; values of the paging; and
/// properties of the connection.
fn path(parts: &Inserted<'_>) -> Result<String> {
    let mut out = String::new();
    for part in parts.operation.path.parts() {
        let name = match part {
            TextPart::Literal(text) => {
                out.push_str(text);
                continue;
            }
            TextPart::Name(name) => name,
        };
        let rule = parts.operation.option(name).filter(|o| o.location == Location::Path);
        let rule = rule.filter(|_| parts.of_paging(name).is_none());
        let Some(rule) = rule else {
            let value = parts.of_paging(name).or_else(|| parts.connection.value(name));
            let value = value.map(|text| serde_json::Value::from(text.into_owned()));
            out.push_str(&segment(name, value.as_ref().map(|value| Given::new(value, None)), false)?);
            continue;
        };
        let slashes = rule.style == ParameterStyle::Segments;
        let found = parts.with_value(rule, |given| match given.value().is_array() && !rule.may_be_list() {
            true => Err(no_list(name)),
            false => segment(name, Some(given), slashes),
        })?;
        out.push_str(&found.unwrap_or_else(|| segment(name, None, slashes))?);
    }
    Ok(out)
}

fn no_list(name: &str) -> Error {
    let message = format!("`{name}` must be text or a number, not a list");
    Error::new(ErrorKind::InvalidOptions, message).at(Place::field(format!("/{}", escape(name))))
}

/// One path segment, or several if slashes separate them. Empty, `.` and `..` are refused because even encoded they can
/// change the path (RFC 3986, 5.2.4).
fn segment(name: &str, given: Option<Given<'_>>, slashes: bool) -> Result<String> {
    let refuse = |message: String| {
        Err(Error::new(ErrorKind::InvalidOptions, message).at(Place::field(format!("/{}", escape(name)))))
    };
    let Some(given) = given else {
        return refuse(format!("`{name}` is missing: give it as an option, or as a field of the item"));
    };
    let text = match given.elements() {
        // A list is joined by commas (OpenAPI's style simple).
        Some(list) => match list.iter().map(|element| element.scalar()).collect::<Option<Vec<_>>>() {
            Some(texts) if texts.iter().any(|text| text.contains(',')) => {
                return refuse(format!("an element of `{name}` contains a comma, which separates the elements"));
            }
            Some(texts) => Cow::Owned(texts.join(",")),
            None => return refuse(format!("`{name}` can be a list of texts or numbers only")),
        },
        None => match given.scalar() {
            Some(text) => text,
            None => return refuse(format!("`{name}` must be text or a number, not {}", kind_of(given.value()))),
        },
    };
    let texts: Vec<&str> =
        if slashes { text.strip_prefix('/').unwrap_or(&text).split('/').collect() } else { vec![&*text] };
    for plain in texts.iter().map(|text| text.trim()) {
        if plain.is_empty() || plain == "." || plain == ".." {
            let what = match (plain.is_empty(), slashes) {
                (true, true) => "has an empty part",
                (true, false) => "is empty",
                (false, true) => "has a part of dots",
                (false, false) => {
                    return refuse(format!("`{name}` is {plain}: it would change the path of the address"));
                }
            };
            return refuse(format!("`{name}` {what}: it would change the path of the address"));
        }
    }
    if text.chars().any(char::is_control) {
        return refuse(format!("`{name}` contains a control character"));
    }
    Ok(texts.into_iter().map(encode).collect::<Vec<_>>().join("/"))
}
