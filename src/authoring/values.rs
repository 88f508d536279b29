//! Building blocks of the file mirrors: ordered maps, JSON values as text, and small alternatives. Meaning is not
//! checked here.

use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use super::yaml::AS_JSON;

/// A map in the order of the file.
pub type Ordered<T> = indexmap::IndexMap<String, T>;

/// Any JSON value, as text in the order of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Json(pub String);

impl Json {
    /// The value, with sorted keys; a number beyond 64 bits becomes the nearest one.
    #[must_use]
    pub fn to_value(&self) -> Value {
        crate::json_text::value_of(&self.0).unwrap_or_default()
    }
}

/// One name, or several
#[cfg(feature = "batch")]
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum NamesPart {
    /// One
    One(String),
    /// Several
    Several(Vec<String>),
}

#[cfg(feature = "batch")]
impl NamesPart {
    /// The names.
    #[must_use]
    pub fn names(&self) -> &[String] {
        match self {
            NamesPart::One(name) => std::slice::from_ref(name),
            NamesPart::Several(names) => names,
        }
    }
}

/// A text; a number or a flag counts as written, so that `2.10` stays `2.10`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScalarFile(pub String);

impl<'de> Deserialize<'de> for ScalarFile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Json(json) = Json::deserialize(deserializer)?;
        match json.as_bytes().first() {
            Some(b'"') => serde_json::from_str(&json).map(ScalarFile).map_err(serde::de::Error::custom),
            Some(b'{' | b'[' | b'n') | None => Err(serde::de::Error::custom("expected a text, a number or a flag")),
            Some(_) => Ok(ScalarFile(json)),
        }
    }
}

impl serde::Serialize for ScalarFile {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

#[cfg(feature = "schemas")]
impl schemars::JsonSchema for ScalarFile {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "TextOrNumber".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "A text; a number or a flag counts as written, so that `2.10` stays `2.10`",
            "type": ["string", "number", "boolean"]
        })
    }
}

impl From<Value> for Json {
    fn from(value: Value) -> Json {
        Json(value.to_string())
    }
}

impl<'de> Deserialize<'de> for Json {
    /// Numbers from a YAML tree of this crate keep their digits; numbers from other formats have 64 bits.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;
        #[expect(clippy::serde_api_misuse, reason = "JSON has no borrowed text; only other formats do")]
        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Json;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }
            fn visit_string<E: serde::de::Error>(self, json: String) -> Result<Json, E> {
                Ok(Json(json))
            }
            fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json, D::Error> {
                let mut text = String::new();
                JsonWriter(&mut text).deserialize(deserializer)?;
                Ok(Json(text))
            }
        }
        deserializer.deserialize_newtype_struct(AS_JSON, TextVisitor)
    }
}

/// For a key whose value may be null, which differs from a key that is not written.
pub(crate) fn even_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Json>, D::Error> {
    Json::deserialize(deserializer).map(Some)
}

impl serde::Serialize for Json {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw: &RawValue = serde_json::from_str(&self.0).map_err(serde::ser::Error::custom)?;
        raw.serialize(serializer)
    }
}

#[cfg(feature = "schemas")]
impl schemars::JsonSchema for Json {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "AnyValue".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        true.into()
    }
}

struct JsonWriter<'a>(&'a mut String);

impl JsonWriter<'_> {
    fn put<E: serde::de::Error>(self, value: impl serde::Serialize) -> Result<(), E> {
        self.0.push_str(&serde_json::to_string(&value).map_err(E::custom)?);
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for JsonWriter<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for JsonWriter<'_> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }
    fn visit_bool<E: serde::de::Error>(self, v: bool) -> Result<(), E> {
        self.put(v)
    }
    fn visit_i64<E: serde::de::Error>(self, v: i64) -> Result<(), E> {
        self.put(v)
    }
    fn visit_u64<E: serde::de::Error>(self, v: u64) -> Result<(), E> {
        self.put(v)
    }
    fn visit_f64<E: serde::de::Error>(self, v: f64) -> Result<(), E> {
        self.put(v)
    }
    fn visit_str<E: serde::de::Error>(self, v: &str) -> Result<(), E> {
        self.put(v)
    }
    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        self.put(())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        self.0.push('[');
        let mut first = true;
        loop {
            let at = self.0.len();
            if !first {
                self.0.push(',');
            }
            first = false;
            if seq.next_element_seed(JsonWriter(self.0))?.is_none() {
                self.0.truncate(at);
                self.0.push(']');
                return Ok(());
            }
        }
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        self.0.push('{');
        let mut first = true;
        while let Some(key) = map.next_key::<String>()? {
            if !first {
                self.0.push(',');
            }
            first = false;
            self.0.push_str(&serde_json::to_string(&key).map_err(serde::de::Error::custom)?);
            self.0.push(':');
            map.next_value_seed(JsonWriter(self.0))?;
        }
        self.0.push('}');
        Ok(())
    }
}

/// Where a request contains a value of the paging
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum TargetFile {
    /// A query parameter
    Query(String),
    /// A header
    Header(String),
    /// A field of the body: a name or a JSON Pointer
    Body(String),
    /// A {name} in the path of the request
    Path(String),
    /// A {name} in a text of `fixed` or `body`
    Text(String),
}

/// A JSON Pointer in the body, or `{ header: NAME }`
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum SourceFile {
    /// JSON Pointer in the body
    Pointer(String),
    /// A header of the reply
    Header {
        /// Name of the header
        header: String,
    },
}

/// One JSON Pointer, or several
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum PointersFile {
    /// One
    One(String),
    /// Several
    Several(Vec<String>),
}

impl Default for PointersFile {
    fn default() -> Self {
        PointersFile::Several(Vec::new())
    }
}

impl PointersFile {
    /// As a list.
    #[must_use]
    pub fn into_vec(self) -> Vec<String> {
        match self {
            PointersFile::One(one) => vec![one],
            PointersFile::Several(several) => several,
        }
    }
}

/// Whether a value is the default, which need not be written.
pub(crate) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Declares mirrors: derives serde in both directions (unknown keys refused) and `JsonSchema`.
macro_rules! mirrors {
    ($($(#[$meta:meta])* $kind:ident $name:ident { $($body:tt)* })*) => { $(
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        #[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
        #[serde(deny_unknown_fields, rename_all = "snake_case")]
        pub $kind $name { $($body)* }
    )* };
}

pub(crate) use mirrors;
