//! The values of a request by their places: query, headers, cookies, path, body in any format, and texts with
//! placeholders. Pure.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::authoring::{Target, Text, TextPart, scalar};
use crate::definition::{BodyFormat, FormNested, Operation};
use crate::json_error;
use crate::sandbox::http::{BODY_MAX, Refusal, RefusalKind, SandboxCall};

/// Whether a JSON body has the constant texts of an operation.
pub(super) fn has_constants(operation: &Operation, call: &SandboxCall) -> bool {
    let Some(constants) = operation.fixed.body.as_ref().filter(|_| operation.body == BodyFormat::Json) else {
        return true;
    };
    let body = call.body.as_ref().and_then(|bytes| serde_json::from_slice::<Value>(bytes).ok()).unwrap_or_default();
    let constants = constants.to_value();
    let texts = constants.as_object().into_iter().flatten().filter(|(_, value)| {
        let is_name = |text: &str| Text::parse(text).is_ok_and(|text| text.only_name().is_some());
        value.as_str().is_some_and(|text| !is_name(text))
    });
    texts.into_iter().all(|(name, value)| body.get(name) == Some(value))
}

/// A request with its body decoded.
pub(super) struct SentValues<'c> {
    pub(super) call: &'c SandboxCall,
    /// Values of the path parameters.
    pub(super) path: &'c [(String, String)],
    /// The body as JSON; `None` without one, or if its format has no fields.
    pub(super) json: Option<String>,
    /// The same, parsed.
    pub(super) body: Option<Value>,
    /// Values of placeholders in texts.
    texts: Vec<(String, String)>,
}

impl<'c> SentValues<'c> {
    /// Decodes a request.
    pub(super) fn read(
        operation: &Operation,
        call: &'c SandboxCall,
        path: &'c [(String, String)],
    ) -> Result<SentValues<'c>, Refusal> {
        let Some(bytes) = &call.body else {
            let message = format!("the body is larger than {} MiB, or did not arrive", BODY_MAX >> 20);
            return Err(Refusal::new(RefusalKind::TooLarge, message));
        };
        let mut sent = SentValues { call, path, json: None, body: None, texts: Vec::new() };
        if !bytes.is_empty() && takes_body(operation) {
            check_media(operation, call)?;
            let text = || std::str::from_utf8(bytes).map_err(|_| invalid_body("the body is not UTF-8"));
            match &operation.body {
                BodyFormat::Json => sent.put_json(text()?.to_owned())?,
                BodyFormat::Form(style) => sent.put_json(unfolded(text()?, style.nested).to_string())?,
                BodyFormat::Ndjson => {
                    let lines: Vec<&str> = text()?.lines().filter(|line| !line.trim().is_empty()).collect();
                    sent.put_json(format!("[{}]", lines.join(",")))?;
                }
                BodyFormat::Text(template) | BodyFormat::Xml(Some(template)) => {
                    sent.texts.extend(captured(template, text()?).unwrap_or_default());
                }
                // Their fields have no effect: the reply is built from the sample.
                BodyFormat::Multipart | BodyFormat::Raw | BodyFormat::Xml(None) => {}
            }
        }
        let fixed = [&operation.connector.fixed, &operation.fixed];
        for (name, text) in fixed.iter().flat_map(|fixed| &fixed.query) {
            let found = call.parameter(name).and_then(|value| captured(text, value));
            sent.texts.extend(found.unwrap_or_default());
        }
        for (name, text) in fixed.iter().flat_map(|fixed| &fixed.headers) {
            let found = call.header(name).and_then(|value| captured(text, value));
            sent.texts.extend(found.unwrap_or_default());
        }
        Ok(sent)
    }

    fn put_json(&mut self, text: String) -> Result<(), Refusal> {
        let value = serde_json::from_str(&text)
            .map_err(|e| invalid_body(format!("the body is not JSON: {}", json_error::words(&e, &text))))?;
        (self.body, self.json) = (Some(value), Some(text));
        Ok(())
    }

    /// The value at a place.
    pub(super) fn value(&self, target: &Target) -> Option<Cow<'_, str>> {
        match target {
            Target::Query(name) => self.call.parameter(name).map(Cow::Borrowed),
            Target::Header(name) => self.call.header(name).map(Cow::Borrowed),
            Target::Body(pointer) => self.body.as_ref().and_then(|b| pointer.find(b)).and_then(scalar).map(Cow::Owned),
            Target::Path(name) => self.path.iter().find(|(own, _)| own == name).map(|(_, v)| Cow::Borrowed(v.as_str())),
            Target::Text(name) => self.text(name).map(Cow::Borrowed),
        }
    }

    /// The value of a placeholder in a text.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.texts.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }
}

fn takes_body(operation: &Operation) -> bool {
    operation.items.is_some() || operation.takes_body_fields()
}

pub(super) fn invalid_body(message: impl Into<String>) -> Refusal {
    Refusal::invalid(message).at("", "InvalidBody")
}

fn check_media(operation: &Operation, call: &SandboxCall) -> Result<(), Refusal> {
    let kind = call.media_type();
    let format = &operation.body;
    let is_form = *format == BodyFormat::Multipart && kind == "multipart/form-data";
    if is_form || format.agrees_with(&kind) {
        return Ok(());
    }
    let shown = if kind.is_empty() { "nothing".to_owned() } else { format!("`{kind}`") };
    let wanted = format.media_type();
    Err(Refusal::new(RefusalKind::UnsupportedMedia, format!("the Content-Type must be {wanted}, not {shown}")))
}

/// The values between the literals of a text; `None` if it does not fit.
pub(super) fn captured(text: &Text, value: &str) -> Option<Vec<(String, String)>> {
    let mut found = Vec::new();
    let mut rest = value;
    let mut open: Option<&str> = None;
    for part in text.parts() {
        match part {
            TextPart::Literal(literal) => {
                let at = match open {
                    Some(_) => rest.find(literal.as_str())?,
                    None => rest.starts_with(literal.as_str()).then_some(0)?,
                };
                let (before, after) = rest.split_at(at);
                found.extend(open.take().map(|name| (name.to_owned(), before.to_owned())));
                rest = after.strip_prefix(literal.as_str())?;
            }
            TextPart::Name(name) => open = Some(name),
        }
    }
    found.extend(open.map(|name| (name.to_owned(), rest.to_owned())));
    Some(found)
}

/// The fields of a form as one object; all values are texts.
pub(super) fn unfolded(text: &str, nested: FormNested) -> Value {
    let mut root = Value::Object(Map::new());
    for (name, value) in url::form_urlencoded::parse(text.as_bytes()) {
        let mut tokens: Vec<String> = Vec::new();
        for (i, part) in name.split('[').enumerate() {
            let part = if i == 0 { part } else { part.strip_suffix(']').unwrap_or(part) };
            match nested {
                FormNested::Dots => tokens.extend(part.split('.').map(str::to_owned)),
                FormNested::Brackets | FormNested::Json => tokens.push(part.to_owned()),
            }
        }
        put(&mut root, &tokens, Value::from(value.into_owned()));
    }
    lists(root)
}

/// Puts a value at a path; an empty token is the next of a list, and a second value of a name makes a list.
fn put(node: &mut Value, tokens: &[String], value: Value) {
    let Some((first, rest)) = tokens.split_first() else {
        match node {
            Value::Null => *node = value,
            Value::Array(list) => list.push(value),
            other => *other = Value::Array(vec![other.take(), value]),
        }
        return;
    };
    if !node.is_object() {
        *node = Value::Object(Map::new());
    }
    if let Value::Object(map) = node {
        let key = if first.is_empty() { map.len().to_string() } else { first.clone() };
        put(map.entry(key).or_insert(Value::Null), rest, value);
    }
}

/// Objects whose keys count from 0 are lists.
fn lists(node: Value) -> Value {
    let Value::Object(map) = node else { return node };
    let counts = !map.is_empty() && (0..map.len()).all(|i| map.contains_key(&i.to_string()));
    match counts {
        true => {
            let mut pairs: Vec<(usize, Value)> =
                map.into_iter().map(|(key, value)| (key.parse().unwrap_or_default(), value)).collect();
            pairs.sort_by_key(|(index, _)| *index);
            Value::Array(pairs.into_iter().map(|(_, value)| lists(value)).collect())
        }
        false => Value::Object(map.into_iter().map(|(key, value)| (key, lists(value))).collect()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{FormNested, Text, captured, unfolded};

    #[test]
    fn values_are_found_between_literals() {
        let text = Text::parse("{select} start {from} size {size}").unwrap();
        let found = captured(&text, "select * from T start 1 size 100").unwrap();
        let found: Vec<(&str, &str)> = found.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        assert_eq!(found, [("select", "select * from T"), ("from", "1"), ("size", "100")]);
        assert_eq!(captured(&text, "other"), None);
    }

    #[test]
    fn a_form_becomes_an_object() {
        let form = "a=1&b[c]=x+y&b[d][0]=1&b[d][1]=2&e[]=1&e[]=2&f=1&f=2";
        assert_eq!(
            unfolded(form, FormNested::Brackets),
            json!({"a": "1", "b": {"c": "x y", "d": ["1", "2"]}, "e": ["1", "2"], "f": ["1", "2"]})
        );
        assert_eq!(unfolded("a.b=1", FormNested::Dots), json!({"a": {"b": "1"}}));
    }
}
