//! JSON from a program, parsed into a type. A fault contains its place, the expected kind and the kind of the value,
//! but never the value itself, which may be a secret. Pure.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use serde::de::value::{BorrowedStrDeserializer, StrDeserializer, StringDeserializer};
use serde::de::{DeserializeSeed, EnumAccess, IntoDeserializer, MapAccess, SeqAccess, VariantAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::error::did_you_mean;
use crate::json_error;
use crate::json_text::fields_of;

/// Why JSON does not fit a type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct JsonFault {
    /// The keys that lead to it, outermost first.
    path: Vec<String>,
    message: String,
}

impl JsonFault {
    fn new(message: impl Into<String>) -> JsonFault {
        JsonFault { path: Vec::new(), message: message.into() }
    }

    fn expected(what: &str, found: &str) -> JsonFault {
        JsonFault::new(format!("expected {what}, found {}", kind_of(found)))
    }

    fn within(mut self, key: impl Into<String>) -> JsonFault {
        self.path.insert(0, key.into());
        self
    }
}

impl fmt::Display for JsonFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            return f.write_str(&self.message);
        }
        write!(f, "{}: {}", self.path.join("."), self.message)
    }
}

impl std::error::Error for JsonFault {}

impl serde::de::Error for JsonFault {
    fn custom<T: fmt::Display>(message: T) -> JsonFault {
        JsonFault::new(message.to_string())
    }

    fn unknown_field(field: &str, known: &'static [&'static str]) -> JsonFault {
        JsonFault::new(format!("`{field}` is not known{}", hint(field, known)))
    }

    fn unknown_variant(name: &str, known: &'static [&'static str]) -> JsonFault {
        JsonFault::new(format!("`{name}` is not known{}", hint(name, known)))
    }

    fn missing_field(field: &'static str) -> JsonFault {
        JsonFault::new(format!("`{field}` is missing"))
    }

    fn duplicate_field(field: &'static str) -> JsonFault {
        JsonFault::new(format!("`{field}` is there twice"))
    }
}

/// The nearest name, or all of them.
fn hint(name: &str, known: &'static [&'static str]) -> String {
    match did_you_mean(name, known.iter().copied()) {
        near if near.is_empty() => format!("; expected one of {}", known.join(", ")),
        near => near,
    }
}

/// What a value is, without it.
fn kind_of(json: &str) -> &'static str {
    match json.as_bytes().first() {
        Some(b'{') => "an object",
        Some(b'[') => "a list",
        Some(b'"') => "text",
        Some(b't' | b'f') => "true or false",
        Some(b'n') => "null",
        Some(_) => "a number",
        None => "nothing",
    }
}

/// Reads a JSON text into a type.
///
/// # Errors
/// A fault with its place.
pub(crate) fn read<'de, T: Deserialize<'de>>(text: &'de str) -> Result<T, JsonFault> {
    let broken = |e| JsonFault::new(format!("this is not JSON: {}", json_error::words(&e, text)));
    let raw: &RawValue = serde_json::from_str(text).map_err(broken)?;
    T::deserialize(TypedJson(raw.get()))
}

/// Text that is JSON but that the library refuses, such as half a surrogate pair.
fn unusable(text: &str) -> JsonFault {
    JsonFault::new(format!("{} that cannot be read", kind_of(text)))
}

/// One value by its text.
struct TypedJson<'de>(&'de str);

impl<'de> TypedJson<'de> {
    fn text(&self) -> Result<Cow<'de, str>, JsonFault> {
        if !self.0.starts_with('"') {
            return Err(JsonFault::expected("text", self.0));
        }
        match self.0.get(1..self.0.len() - 1).filter(|inner| !inner.contains('\\')) {
            Some(plain) => Ok(Cow::Borrowed(plain)),
            None => serde_json::from_str::<String>(self.0).map(Cow::Owned).map_err(|_| unusable(self.0)),
        }
    }

    fn is_null(&self) -> bool {
        self.0 == "null"
    }
}

macro_rules! numbers {
    ($($method:ident $visit:ident $kind:ty),*) => { $(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonFault> {
            let is_number = self.0.starts_with(|c: char| c.is_ascii_digit() || c == '-');
            if !is_number {
                return Err(JsonFault::expected("a whole number", self.0));
            }
            match self.0.parse::<$kind>() {
                Ok(number) => visitor.$visit(number),
                Err(_) => Err(JsonFault::new(format!("expected a whole number from {} to {}", <$kind>::MIN, <$kind>::MAX))),
            }
        }
    )* };
}

impl<'de> Deserializer<'de> for TypedJson<'de> {
    type Error = JsonFault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonFault> {
        match self.0.as_bytes().first() {
            Some(b'{') => self.deserialize_map(visitor),
            Some(b'[') => self.deserialize_seq(visitor),
            Some(b'"') => self.deserialize_str(visitor),
            Some(b't' | b'f') => self.deserialize_bool(visitor),
            Some(b'n') => visitor.visit_unit(),
            _ => serde_json::Deserializer::from_str(self.0).deserialize_any(visitor).map_err(|_| unusable(self.0)),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonFault> {
        match self.0 {
            "true" => visitor.visit_bool(true),
            "false" => visitor.visit_bool(false),
            other => Err(JsonFault::expected("true or false", other)),
        }
    }

    numbers!(
        deserialize_i8 visit_i8 i8, deserialize_i16 visit_i16 i16, deserialize_i32 visit_i32 i32, deserialize_i64 visit_i64 i64,
        deserialize_u8 visit_u8 u8, deserialize_u16 visit_u16 u16, deserialize_u32 visit_u32 u32, deserialize_u64 visit_u64 u64
    );

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonFault> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonFault> {
        match self.0.parse::<f64>() {
            Ok(number) if kind_of(self.0) == "a number" => visitor.visit_f64(number),
            _ => Err(JsonFault::expected("a number", self.0)),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonFault> {
        match self.text()? {
            Cow::Borrowed(text) => BorrowedStrDeserializer::<JsonFault>::new(text).deserialize_str(visitor),
            Cow::Owned(text) => StringDeserializer::<JsonFault>::new(text).deserialize_string(visitor),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonFault> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonFault> {
        if self.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonFault> {
        if !self.0.starts_with('[') {
            return Err(JsonFault::expected("a list", self.0));
        }
        let elements: Vec<&'de RawValue> = serde_json::from_str(self.0).map_err(|_| unusable(self.0))?;
        visitor.visit_seq(JsonElements { rest: elements.into_iter().enumerate() })
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonFault> {
        let Some(fields) = fields_of(self.0) else { return Err(JsonFault::expected("an object", self.0)) };
        // Of a map, as opposed to a struct, the last value would silently win.
        let mut seen = HashSet::with_capacity(fields.len());
        if let Some((name, _)) = fields.iter().find(|(name, _)| !seen.insert(name.as_str())) {
            return Err(JsonFault::new(format!("`{name}` is there twice")));
        }
        visitor.visit_map(JsonFields { rest: fields.into_iter(), value: None })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, JsonFault> {
        self.deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, JsonFault> {
        if self.0.starts_with('"') {
            return visitor.visit_enum(Variant { name: self.text()?.into_owned(), value: None });
        }
        match fields_of(self.0).as_deref() {
            Some([(name, value)]) => visitor.visit_enum(Variant { name: name.clone(), value: Some(value.get()) }),
            _ => Err(JsonFault::expected(&format!("one of {}", names.join(", ")), self.0)),
        }
    }

    /// Values that keep their text (`RawValue`) are created by the library that defines them.
    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, JsonFault> {
        if name.starts_with('$') {
            let mut inner = serde_json::Deserializer::from_str(self.0);
            return inner.deserialize_newtype_struct(name, visitor).map_err(|_| unusable(self.0));
        }
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonFault> {
        visitor.visit_unit()
    }

    serde::forward_to_deserialize_any! {
        i128 u128 char bytes byte_buf unit unit_struct tuple tuple_struct identifier
    }
}

struct JsonFields<'de> {
    rest: std::vec::IntoIter<(String, &'de RawValue)>,
    value: Option<(String, &'de RawValue)>,
}

impl<'de> MapAccess<'de> for JsonFields<'de> {
    type Error = JsonFault;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, JsonFault> {
        let Some((name, value)) = self.rest.next() else { return Ok(None) };
        let key = seed.deserialize(StrDeserializer::<JsonFault>::new(&name))?;
        self.value = Some((name, value));
        Ok(Some(key))
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, JsonFault> {
        let Some((name, value)) = self.value.take() else { return Err(JsonFault::new("a value without its key")) };
        seed.deserialize(TypedJson(value.get())).map_err(|fault| fault.within(name))
    }
}

struct JsonElements<'de> {
    rest: std::iter::Enumerate<std::vec::IntoIter<&'de RawValue>>,
}

impl<'de> SeqAccess<'de> for JsonElements<'de> {
    type Error = JsonFault;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, JsonFault> {
        let Some((number, value)) = self.rest.next() else { return Ok(None) };
        seed.deserialize(TypedJson(value.get())).map(Some).map_err(|fault| fault.within(number.to_string()))
    }
}

struct Variant<'de> {
    name: String,
    value: Option<&'de str>,
}

impl<'de> EnumAccess<'de> for Variant<'de> {
    type Error = JsonFault;
    type Variant = Variant<'de>;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Variant<'de>), JsonFault> {
        let name: StrDeserializer<'_, JsonFault> = self.name.as_str().into_deserializer();
        let value = seed.deserialize(name)?;
        Ok((value, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'de> {
    type Error = JsonFault;

    fn unit_variant(self) -> Result<(), JsonFault> {
        match self.value {
            None => Ok(()),
            Some(_) => Err(JsonFault::new(format!("`{}` takes no value", self.name))),
        }
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, JsonFault> {
        match self.value {
            Some(value) => seed.deserialize(TypedJson(value)).map_err(|fault| fault.within(self.name)),
            None => Err(JsonFault::new(format!("`{}` needs a value: {{\"{0}\": …}}", self.name))),
        }
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, JsonFault> {
        TypedJson(self.value.unwrap_or("null")).deserialize_seq(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], visitor: V) -> Result<V::Value, JsonFault> {
        TypedJson(self.value.unwrap_or("null")).deserialize_map(visitor)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;
    use serde_json::value::RawValue;

    use super::read;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(rename_all = "lowercase")]
    enum Store {
        Memory,
        File(String),
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sample<'t> {
        name: String,
        #[serde(default)]
        count: Option<u32>,
        #[serde(default)]
        level: i64,
        #[serde(default)]
        flag: bool,
        #[serde(default)]
        values: BTreeMap<String, String>,
        #[serde(default)]
        list: Vec<u8>,
        #[serde(default)]
        store: Option<Store>,
        #[serde(default, borrow)]
        raw: Option<&'t RawValue>,
    }

    #[test]
    fn what_fits_is_read() {
        let text = r#" {"name": "a\u00e9\n", "count": 7, "level": -3, "flag": true, "values": {"k": "v"}, "list": [1, 2],
            "store": {"file": "/x"}, "raw": {"n": 1.10, "n": 2}} "#;
        let read: Sample<'_> = read(text).unwrap();
        assert_eq!((read.name.as_str(), read.count, read.level, read.flag), ("aé\n", Some(7), -3, true));
        assert_eq!((&*read.values["k"], read.list, read.store), ("v", vec![1, 2], Some(Store::File("/x".into()))));
        assert_eq!(read.raw.unwrap().get(), r#"{"n": 1.10, "n": 2}"#);
    }

    #[test]
    fn a_fault_has_a_place_and_no_value() {
        let faults = [
            ("", "this is not JSON: it is empty"),
            ("{\"name\": ", "this is not JSON: it ends too early"),
            ("{\"name\" 1}", "this is not JSON: see column 9"),
            ("[\"x\"]", "expected an object, found a list"),
            ("{}", "`name` is missing"),
            (r#"{"name": "x", "name": "y"}"#, "`name` is there twice"),
            (r#"{"name": 12345}"#, "name: expected text, found a number"),
            (r#"{"name": "x", "cuont": 1}"#, "`cuont` is not known; did you mean `count`?"),
            (r#"{"name": "x", "count": "12345"}"#, "count: expected a whole number, found text"),
            (r#"{"name": "x", "count": 1.5}"#, "count: expected a whole number from 0 to 4294967295"),
            (r#"{"name": "x", "count": -1}"#, "count: expected a whole number from 0 to 4294967295"),
            (r#"{"name": "x", "flag": 1}"#, "flag: expected true or false, found a number"),
            (r#"{"name": "x", "values": {"password": 12345}}"#, "values.password: expected text, found a number"),
            (r#"{"name": "x", "values": "pa\"ss"}"#, "values: expected an object, found text"),
            (r#"{"name": "x", "values": {"password": "a", "password": "b"}}"#, "values: `password` is there twice"),
            (r#"{"name": "x", "values": {"a": "b", "\u0061": "c"}}"#, "values: `a` is there twice"),
            (r#"{"name": "x", "list": [1, "b"]}"#, "list.1: expected a whole number, found text"),
            (r#"{"name": "x", "list": {}}"#, "list: expected a list, found an object"),
            (r#"{"name": "x", "store": "disk"}"#, "store: `disk` is not known; expected one of memory, file"),
            (r#"{"name": "x", "store": "file"}"#, "store: `file` needs a value: {\"file\": …}"),
            (r#"{"name": "x", "store": {"memory": 1}}"#, "store: `memory` takes no value"),
            (r#"{"name": "x", "store": 5}"#, "store: expected one of memory, file, found a number"),
        ];
        for (text, fault) in faults {
            assert_eq!(read::<Sample<'_>>(text).unwrap_err().to_string(), fault, "{text}");
        }
    }
}
