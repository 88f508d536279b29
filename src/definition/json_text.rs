//! JSON with placeholders in its texts. Pure.

use std::borrow::Cow;

use serde_json::Value;

use super::file::PropertyTypeFile;
use crate::authoring::{Text, TextPart};

/// JSON whose texts may contain `{property}` placeholders.
#[derive(Clone, Debug)]
pub(crate) enum JsonText {
    /// A value without placeholders.
    Constant(Value),
    Text(Text),
    List(Vec<JsonText>),
    Object(Vec<(String, JsonText)>),
}

impl JsonText {
    /// Parses every text of a value; `Err` has the JSON Pointer of an invalid placeholder, and the reason.
    pub(crate) fn parse(value: Value, at: &str) -> Result<JsonText, (String, String)> {
        match value {
            Value::String(text) => Text::parse(&text).map(JsonText::Text).map_err(|why| (at.to_owned(), why)),
            Value::Array(list) => {
                let parsed = list.into_iter().enumerate().map(|(i, v)| JsonText::parse(v, &format!("{at}/{i}")));
                parsed.collect::<Result<_, _>>().map(JsonText::List)
            }
            Value::Object(map) => {
                let member = |(name, value): (String, Value)| {
                    let at = format!("{at}/{}", crate::json_pointer::escape(&name));
                    JsonText::parse(value, &at).map(|json| (name, json))
                };
                map.into_iter().map(member).collect::<Result<_, _>>().map(JsonText::Object)
            }
            constant @ (Value::Null | Value::Bool(_) | Value::Number(_)) => Ok(JsonText::Constant(constant)),
        }
    }

    /// Its texts with placeholders.
    pub(crate) fn texts(&self) -> Vec<&Text> {
        match self {
            JsonText::Constant(_) => Vec::new(),
            JsonText::Text(text) => vec![text],
            JsonText::List(list) => list.iter().flat_map(JsonText::texts).collect(),
            JsonText::Object(members) => members.iter().flat_map(|(_, json)| json.texts()).collect(),
        }
    }

    /// The value with property values inserted; `None` if a property is absent. Members and elements without a value are
    /// left out. `kind` gives a property's type: a text that is only a placeholder gets it.
    pub(crate) fn render<'v>(
        &self,
        value: &dyn Fn(&str) -> Option<Cow<'v, str>>,
        kind: &dyn Fn(&str) -> PropertyTypeFile,
    ) -> Option<Value> {
        match self {
            JsonText::Constant(constant) => Some(constant.clone()),
            JsonText::Text(text) => {
                let rendered = text.render(value).ok()?;
                let typed = match text.parts() {
                    [TextPart::Name(name)] => kind(name),
                    _ => PropertyTypeFile::String,
                };
                Some(match typed {
                    PropertyTypeFile::String => Value::String(rendered),
                    PropertyTypeFile::Integer | PropertyTypeFile::Boolean => {
                        serde_json::from_str(&rendered).unwrap_or(Value::String(rendered))
                    }
                })
            }
            JsonText::List(list) => Some(list.iter().filter_map(|json| json.render(value, kind)).collect()),
            JsonText::Object(members) => {
                let rendered =
                    members.iter().filter_map(|(name, json)| Some((name.clone(), json.render(value, kind)?)));
                Some(Value::Object(rendered.collect()))
            }
        }
    }
}
