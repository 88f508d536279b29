//! Any JSON or YAML document as a tree in the order of the file. Pure.

use std::fmt;

use indexmap::IndexMap;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Number;

use crate::authoring::yaml::read_foreign;

/// A map in the order of the file.
pub(crate) type Fields = IndexMap<String, Doc>;

/// A value.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Doc {
    #[default]
    Null,
    Flag(bool),
    Number(Number),
    Text(String),
    List(Vec<Doc>),
    Map(Fields),
}

impl Doc {
    /// Reads JSON, or else YAML. `Err` says why it is neither.
    pub(crate) fn read(text: &str) -> Result<Doc, String> {
        let text = text.trim_start_matches('\u{feff}');
        let looks_like_json = text.trim_start().starts_with(['{', '[']);
        if !looks_like_json {
            return read_foreign(text);
        }
        // A comma too many or a comment is valid in YAML's flow style, and common.
        serde_json::from_str(text).or_else(|json| {
            read_foreign(text).map_err(|_| {
                let says = json.to_string();
                if says.contains("recursion limit") { "it is nested deeper than 127 levels".to_owned() } else { says }
            })
        })
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Doc> {
        self.map()?.get(key)
    }

    /// The value at a path of keys.
    pub(crate) fn at(&self, path: &[&str]) -> Option<&Doc> {
        path.iter().try_fold(self, |doc, key| doc.get(key))
    }

    pub(crate) fn map(&self) -> Option<&Fields> {
        match self {
            Doc::Map(fields) => Some(fields),
            Doc::Null | Doc::Flag(_) | Doc::Number(_) | Doc::Text(_) | Doc::List(_) => None,
        }
    }

    pub(crate) fn map_mut(&mut self) -> Option<&mut Fields> {
        match self {
            Doc::Map(fields) => Some(fields),
            Doc::Null | Doc::Flag(_) | Doc::Number(_) | Doc::Text(_) | Doc::List(_) => None,
        }
    }

    /// The fields; none for anything but a map.
    pub(crate) fn fields(&self) -> impl Iterator<Item = (&str, &Doc)> {
        self.map().into_iter().flatten().map(|(key, value)| (key.as_str(), value))
    }

    pub(crate) fn list(&self) -> &[Doc] {
        match self {
            Doc::List(list) => list,
            Doc::Null | Doc::Flag(_) | Doc::Number(_) | Doc::Text(_) | Doc::Map(_) => &[],
        }
    }

    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Doc::Text(text) => Some(text),
            Doc::Null | Doc::Flag(_) | Doc::Number(_) | Doc::List(_) | Doc::Map(_) => None,
        }
    }

    /// The text at a key, if it is not empty.
    pub(crate) fn text_of(&self, key: &str) -> Option<&str> {
        self.get(key)?.text().filter(|text| !text.trim().is_empty())
    }

    pub(crate) fn is_true(&self, key: &str) -> bool {
        self.get(key) == Some(&Doc::Flag(true))
    }

    pub(crate) fn whole(&self) -> Option<u64> {
        match self {
            Doc::Number(number) => number.as_u64(),
            Doc::Text(text) => text.parse().ok(),
            Doc::Null | Doc::Flag(_) | Doc::List(_) | Doc::Map(_) => None,
        }
    }

    pub(crate) fn put(&mut self, key: &str, value: impl Into<Doc>) {
        if let Doc::Map(fields) = self {
            fields.insert(key.to_owned(), value.into());
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Doc::Null => true,
            Doc::List(list) => list.is_empty(),
            Doc::Map(fields) => fields.is_empty(),
            Doc::Flag(_) | Doc::Number(_) | Doc::Text(_) => false,
        }
    }

    /// A map of these fields.
    pub(crate) fn of<const N: usize>(fields: [(&str, Doc); N]) -> Doc {
        Doc::Map(fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
    }

    /// A list of texts.
    pub(crate) fn texts<'t>(texts: impl IntoIterator<Item = &'t str>) -> Doc {
        Doc::List(texts.into_iter().map(Doc::from).collect())
    }

    /// As JSON, in order.
    pub(crate) fn to_json(&self) -> String {
        match self {
            Doc::Null => "null".to_owned(),
            Doc::Flag(flag) => flag.to_string(),
            Doc::Number(number) => number.to_string(),
            Doc::Text(text) => serde_json::Value::from(text.as_str()).to_string(),
            Doc::List(list) => format!("[{}]", list.iter().map(Doc::to_json).collect::<Vec<_>>().join(",")),
            Doc::Map(fields) => {
                let pair = |(key, value): (&String, &Doc)| {
                    format!("{}:{}", serde_json::Value::from(key.as_str()), value.to_json())
                };
                format!("{{{}}}", fields.iter().map(pair).collect::<Vec<_>>().join(","))
            }
        }
    }
}

impl From<&str> for Doc {
    fn from(text: &str) -> Doc {
        Doc::Text(text.to_owned())
    }
}

impl From<String> for Doc {
    fn from(text: String) -> Doc {
        Doc::Text(text)
    }
}

impl From<bool> for Doc {
    fn from(flag: bool) -> Doc {
        Doc::Flag(flag)
    }
}

impl From<u64> for Doc {
    fn from(number: u64) -> Doc {
        Doc::Number(number.into())
    }
}

impl From<Vec<Doc>> for Doc {
    fn from(list: Vec<Doc>) -> Doc {
        Doc::List(list)
    }
}

impl From<Fields> for Doc {
    fn from(fields: Fields) -> Doc {
        Doc::Map(fields)
    }
}

impl<'de> Deserialize<'de> for Doc {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Doc, D::Error> {
        deserializer.deserialize_any(DocVisitor)
    }
}

struct DocVisitor;

impl<'de> Visitor<'de> for DocVisitor {
    type Value = Doc;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }
    fn visit_bool<E>(self, v: bool) -> Result<Doc, E> {
        Ok(Doc::Flag(v))
    }
    fn visit_i64<E>(self, v: i64) -> Result<Doc, E> {
        Ok(Doc::Number(v.into()))
    }
    fn visit_u64<E>(self, v: u64) -> Result<Doc, E> {
        Ok(Doc::Number(v.into()))
    }
    fn visit_f64<E>(self, v: f64) -> Result<Doc, E> {
        Ok(Number::from_f64(v).map_or(Doc::Null, Doc::Number))
    }
    fn visit_str<E>(self, v: &str) -> Result<Doc, E> {
        Ok(Doc::from(v))
    }
    fn visit_string<E>(self, v: String) -> Result<Doc, E> {
        Ok(Doc::Text(v))
    }
    fn visit_unit<E>(self) -> Result<Doc, E> {
        Ok(Doc::Null)
    }
    fn visit_none<E>(self) -> Result<Doc, E> {
        Ok(Doc::Null)
    }
    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Doc, D::Error> {
        deserializer.deserialize_any(self)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Doc, A::Error> {
        let mut list = Vec::new();
        while let Some(value) = seq.next_element()? {
            list.push(value);
        }
        Ok(Doc::List(list))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Doc, A::Error> {
        let mut fields = Fields::new();
        while let Some((key, value)) = map.next_entry::<String, Doc>()? {
            match fields.get_mut(&key) {
                Some(known) => join(known, value),
                None => drop(fields.insert(key, value)),
            }
        }
        Ok(Doc::Map(fields))
    }
}

/// A key that stands twice: maps are joined, so that nothing in them is lost; of other values the last counts.
fn join(known: &mut Doc, other: Doc) {
    match (known, other) {
        (Doc::Map(fields), Doc::Map(more)) => {
            for (key, value) in more {
                match fields.get_mut(&key) {
                    Some(known) => join(known, value),
                    None => drop(fields.insert(key, value)),
                }
            }
        }
        (known, other) => *known = other,
    }
}

#[cfg(test)]
mod tests {
    use super::Doc;

    #[test]
    fn json_and_yaml_are_read_in_order() {
        for text in [
            "{\"b\":1,\"a\":[true,null,\"x\",1.5],}",
            "b: 1\na: [true, null, x, 1.5]\n",
            "{\"b\":1,\"a\":[true,null,\"x\",1.5]}",
        ] {
            assert_eq!(Doc::read(text).unwrap().to_json(), "{\"b\":1,\"a\":[true,null,\"x\",1.5]}", "{text}");
        }
        assert_eq!(Doc::read("responses:\n  200: {}\n").unwrap().to_json(), "{\"responses\":{\"200\":{}}}");
        assert_eq!(
            Doc::read(r#"{"/a": {"get": 1, "x": 1}, "/a": {"post": 2, "x": 3}}"#).unwrap().to_json(),
            r#"{"/a":{"get":1,"x":3,"post":2}}"#
        );
        assert!(Doc::read("{\"a\": ").unwrap_err().contains("EOF"));
    }
}
