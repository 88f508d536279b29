//! The value of an option as parameters: how lists and objects are written. Pure; values are encoded once, here.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::form::{flatten, plain};
use crate::authoring::kind_of;
use crate::definition::{FormLists, FormNested, FormStyle, OptionRule, ParameterStyle};
use crate::error::{Error, ErrorKind, Place, Result};
use crate::json_pointer::escape;
use crate::json_text::fields_of;
use crate::options::Given;

/// All characters except RFC 3986's unreserved ones are encoded: servers differ in which characters they treat as
/// special.
const STRICT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A text, percent-encoded.
pub(crate) fn encode(text: &str) -> String {
    utf8_percent_encode(text, STRICT).to_string()
}

/// The query parameters of an option: names, and encoded values.
pub(super) fn parameters(rule: &OptionRule, given: Given<'_>) -> Result<Vec<(String, String)>> {
    let name = rule.wire_name();
    let lists = |lists| FormStyle { lists, nested: FormNested::Brackets };
    let flat = |style: FormStyle| {
        let mut pairs = Vec::new();
        flatten(name, &given.json(), style, &mut pairs).map_err(|_| ambiguous(rule, ","))?;
        Ok(pairs.into_iter().map(|(name, value)| (name, encode(&value))).collect())
    };
    match rule.style {
        ParameterStyle::Repeat if given.elements().is_some() => given
            .elements()
            .into_iter()
            .flatten()
            .map(|element| Ok((name.to_owned(), encode(&single(rule, element)?))))
            .collect(),
        ParameterStyle::Brackets if given.elements().is_some() => flat(lists(FormLists::Brackets)),
        ParameterStyle::Indexes if given.elements().is_some() => flat(lists(FormLists::Indexes)),
        ParameterStyle::Deep if given.value().is_object() => flat(lists(FormLists::Brackets)),
        ParameterStyle::Fields if given.value().is_object() => {
            let mut all = Vec::new();
            for (name, raw) in fields_of(&given.json()).unwrap_or_default() {
                let mut pairs = Vec::new();
                flatten(&name, raw.get(), lists(FormLists::Comma), &mut pairs).map_err(|_| ambiguous(rule, ","))?;
                if raw.get().starts_with('{') {
                    let message = format!("`{name}` of `{}` is an object, which one parameter cannot hold", rule.name);
                    return Err(Error::new(ErrorKind::InvalidOptions, message).at(field(rule)));
                }
                all.push((name, pairs.into_iter().next().map(|(_, value)| encode(&value)).unwrap_or_default()));
            }
            Ok(all)
        }
        ParameterStyle::Repeat
        | ParameterStyle::Brackets
        | ParameterStyle::Indexes
        | ParameterStyle::Deep
        | ParameterStyle::Fields
        | ParameterStyle::Comma
        | ParameterStyle::Pipes
        | ParameterStyle::Spaces
        | ParameterStyle::Json
        | ParameterStyle::Segments => Ok(vec![(name.to_owned(), joined(rule, given, encode)?)]),
    }
}

/// A value as one text; the elements of a list are encoded one by one and joined by their separator (OpenAPI's
/// explode=false).
pub(super) fn joined(rule: &OptionRule, given: Given<'_>, encode: impl Fn(&str) -> String) -> Result<String> {
    if rule.style == ParameterStyle::Json {
        return Ok(encode(&given.json()));
    }
    let separator = match rule.style {
        ParameterStyle::Pipes => encode("|"),
        ParameterStyle::Spaces => encode(" "),
        ParameterStyle::Comma
        | ParameterStyle::Repeat
        | ParameterStyle::Brackets
        | ParameterStyle::Indexes
        | ParameterStyle::Deep
        | ParameterStyle::Fields
        | ParameterStyle::Json
        | ParameterStyle::Segments => ",".to_owned(),
    };
    match given.elements() {
        Some(list) => {
            let texts = list.into_iter().map(|element| single(rule, element).map(|text| encode(&text)));
            let texts = texts.collect::<Result<Vec<_>>>()?;
            if texts.iter().any(|text| text.contains(&separator)) {
                return Err(ambiguous(rule, &separator));
            }
            Ok(texts.join(&separator))
        }
        None => single(rule, given).map(|text| encode(&text)),
    }
}

/// A list whose elements cannot be told apart.
fn ambiguous(rule: &OptionRule, separator: &str) -> Error {
    let separator = match separator {
        "," => "a comma",
        "%20" | " " => "a space",
        _ => "`|`",
    };
    let message = format!("an element of `{}` contains {separator}, which separates the elements", rule.name);
    Error::new(ErrorKind::InvalidOptions, message)
        .at(Place::field(format!("/{}", escape(&rule.name))))
        .advise("send values without it; the definition says with `style` how the list is written")
}

fn field(rule: &OptionRule) -> Place {
    Place::field(format!("/{}", escape(&rule.name)))
}

fn single<'a>(rule: &OptionRule, given: Given<'a>) -> Result<Cow<'a, str>> {
    given.scalar().ok_or_else(|| {
        let message = format!("`{}` cannot be sent as {}", rule.name, kind_of(given.value()));
        Error::new(ErrorKind::InvalidOptions, message).at(Place::field(format!("/{}", escape(&rule.name))))
    })
}

/// A value as it is inserted in a text: a list joined by its separator, an object as JSON.
pub(super) fn as_text(rule: &OptionRule, given: Given<'_>) -> Result<String> {
    if given.value().is_object() {
        return Ok(plain(&given.json()));
    }
    joined(rule, given, str::to_owned)
}
