//! Small checked types of definitions: texts with `{name}` placeholders, JSON Pointers, locations of values. Pure.

use std::fmt;

use http::HeaderName;
use serde_json::Value;

/// A text with `{name}` placeholders. There are no expressions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text(Vec<TextPart>);

/// A piece of a [`Text`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TextPart {
    Literal(String),
    Name(String),
}

impl Text {
    /// The placeholder after it.
    pub(crate) fn last_name(&self) -> Option<&str> {
        match self.0.last() {
            Some(TextPart::Name(name)) => Some(name),
            Some(TextPart::Literal(_)) | None => None,
        }
    }

    /// Parses the text; `{{` and `}}` are literal braces. `Err` describes an invalid placeholder.
    pub(crate) fn parse(text: &str) -> Result<Text, String> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            let (before, brace) = rest.split_at(at);
            literal.push_str(before);
            if let Some((doubled, tail)) = ["{{", "}}"].iter().find_map(|two| Some((two, brace.strip_prefix(two)?))) {
                literal.push_str(doubled.get(1..).unwrap_or_default());
                rest = tail;
                continue;
            }
            let Some(after) = brace.strip_prefix('{') else {
                return Err(format!("`}}` without `{{` in `{text}`; write `}}}}` for a brace"));
            };
            let Some((name, tail)) = after.split_once('}') else {
                return Err(format!("`{{` without `}}` in `{text}`; write `{{{{` for a brace"));
            };
            if name.is_empty() || !name.chars().all(|c| c.is_alphanumeric() || "_-.@$".contains(c)) {
                return Err(format!("`{{{name}}}` is not a placeholder; only {{name}} is"));
            }
            if !literal.is_empty() {
                parts.push(TextPart::Literal(std::mem::take(&mut literal)));
            }
            parts.push(TextPart::Name(name.to_owned()));
            rest = tail;
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            parts.push(TextPart::Literal(literal));
        }
        Ok(Text(parts))
    }

    /// A text without placeholders.
    pub(crate) fn literal(text: String) -> Text {
        Text(vec![TextPart::Literal(text)])
    }

    /// A text that is one placeholder.
    pub(crate) fn only(name: &str) -> Text {
        Text(vec![TextPart::Name(name.to_owned())])
    }

    /// The name of the only placeholder, if the text is nothing else.
    pub(crate) fn only_name(&self) -> Option<&str> {
        match self.0.as_slice() {
            [TextPart::Name(name)] => Some(name),
            _ => None,
        }
    }

    pub(crate) fn parts(&self) -> &[TextPart] {
        &self.0
    }

    /// The names of the placeholders, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|p| match p {
            TextPart::Name(name) => Some(name.as_str()),
            TextPart::Literal(_) => None,
        })
    }

    /// The text with every placeholder replaced; `Err` is the first one without a value.
    pub(crate) fn render<'v>(
        &self,
        mut value: impl FnMut(&str) -> Option<std::borrow::Cow<'v, str>>,
    ) -> Result<String, &str> {
        let mut out = String::new();
        for part in &self.0 {
            match part {
                TextPart::Literal(text) => out.push_str(text),
                TextPart::Name(name) => out.push_str(&value(name).ok_or(name.as_str())?),
            }
        }
        Ok(out)
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|p| match p {
            TextPart::Literal(text) => f.write_str(&text.replace('{', "{{").replace('}', "}}")),
            TextPart::Name(name) => write!(f, "{{{name}}}"),
        })
    }
}

/// A JSON Pointer (RFC 6901); empty is the whole document.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Pointer(Vec<String>);

impl Pointer {
    /// Parses a pointer.
    pub(crate) fn parse(text: &str) -> Result<Pointer, String> {
        if text.is_empty() {
            return Ok(Pointer::default());
        }
        let Some(tail) = text.strip_prefix('/') else {
            return Err(format!("`{text}` is not a JSON Pointer; write `/{}`", text.replace('.', "/")));
        };
        Ok(Pointer(tail.split('/').map(crate::json_pointer::unescape).collect()))
    }

    /// The pointer to one key of the top level.
    pub(crate) fn key(name: &str) -> Pointer {
        Pointer(vec![name.to_owned()])
    }

    /// The pointer to what contains its value; `None` for the whole document.
    pub(crate) fn above(&self) -> Option<Pointer> {
        self.0.split_last().map(|(_, above)| Pointer(above.to_vec()))
    }

    /// The tokens, unescaped.
    #[must_use]
    pub fn tokens(&self) -> &[String] {
        &self.0
    }

    /// The value at this pointer.
    #[must_use]
    pub fn find<'v>(&self, value: &'v Value) -> Option<&'v Value> {
        self.0.iter().try_fold(value, |v, token| match v {
            Value::Object(map) => map.get(token),
            Value::Array(list) => crate::json_pointer::index_in(token, list.len()).and_then(|i| list.get(i)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
        })
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|t| write!(f, "/{}", crate::json_pointer::escape(t)))
    }
}

impl serde::Serialize for Pointer {
    /// As its text.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Pointer {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Pointer, D::Error> {
        Pointer::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// Where a reply contains a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// In the body.
    Body(Pointer),
    /// In a header.
    Header(HeaderName),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Body(pointer) => write!(f, "`{pointer}`"),
            Source::Header(name) => write!(f, "the header {name}"),
        }
    }
}

/// Where a request contains a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A query parameter.
    Query(String),
    /// A header.
    Header(HeaderName),
    /// A field of the body.
    Body(Pointer),
    /// A placeholder in the path.
    Path(String),
    /// A placeholder in a text of the request.
    Text(String),
}

impl Target {
    /// The parameter's name, without its place.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Target::Query(name) | Target::Path(name) | Target::Text(name) => name,
            Target::Header(name) => name.as_str(),
            Target::Body(pointer) => pointer.tokens().last().map_or("", String::as_str),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Query(name) => write!(f, "the query parameter `{name}`"),
            Target::Header(name) => write!(f, "the header {name}"),
            Target::Body(pointer) => write!(f, "`{pointer}` in the body"),
            Target::Path(name) | Target::Text(name) => write!(f, "`{{{name}}}`"),
        }
    }
}

/// The text of a scalar in a URL or header; `None` for arrays, objects and null.
#[must_use]
pub fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Whether two single values are equal in a definition, which may write `1` for a header's `1` or a body's `1.0`.
#[must_use]
pub fn same(one: &Value, other: &Value) -> bool {
    let number = |value: &Value| match value {
        Value::Number(number) => number.as_f64(),
        Value::Null | Value::Bool(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => None,
    };
    let whole = |value: &Value| value.as_i64().map(i128::from).or_else(|| value.as_u64().map(i128::from));
    if let Some((a, b)) = whole(one).zip(whole(other)) {
        return a == b;
    }
    let text = || scalar(one).zip(scalar(other)).is_some_and(|(a, b)| a == b);
    one == other || number(one).zip(number(other)).is_some_and(|(a, b)| a == b) || text()
}
