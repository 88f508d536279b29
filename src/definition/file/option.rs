//! Mirror of one option: a JSON Schema, and where its value is sent. Keywords of the schema pass through unchanged.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::authoring::values::mirrors;
use crate::authoring::{Json, Ordered, is_default};

/// One option as written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OptionFile {
    pub location: Option<LocationFile>,
    pub secret: bool,
    pub style: StyleFile,
    pub fields: Option<NamingFile>,
    /// All other keys, in the order of the file.
    pub keywords: Ordered<Json>,
}

/// The keys of an option that are not keywords of its schema.
pub(in crate::definition) const OWN_KEYS: [&str; 4] = ["in", "secret", "style", "fields"];

/// Keywords of JSON Schema (2020-12) that describe a value, and `nullable` and `example` of older OpenAPI documents.
pub(in crate::definition) const KEYWORDS: [&str; 48] = [
    "type",
    "title",
    "description",
    "enum",
    "const",
    "format",
    "default",
    "examples",
    "example",
    "deprecated",
    "readOnly",
    "writeOnly",
    "nullable",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "pattern",
    "contentEncoding",
    "contentMediaType",
    "items",
    "prefixItems",
    "contains",
    "minContains",
    "maxContains",
    "minItems",
    "maxItems",
    "uniqueItems",
    "unevaluatedItems",
    "properties",
    "patternProperties",
    "additionalProperties",
    "unevaluatedProperties",
    "propertyNames",
    "required",
    "dependentRequired",
    "minProperties",
    "maxProperties",
    "anyOf",
    "oneOf",
    "allOf",
    "not",
    "if",
    "then",
    "else",
];

impl OptionFile {
    /// A keyword of the schema.
    pub(in crate::definition) fn keyword(&self, name: &str) -> Option<&Json> {
        self.keywords.get(name)
    }
}

impl<'de> Deserialize<'de> for OptionFile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<OptionFile, D::Error> {
        struct KeysVisitor;
        impl<'de> Visitor<'de> for KeysVisitor {
            type Value = OptionFile;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<OptionFile, A::Error> {
                let mut file = OptionFile::default();
                while let Some(key) = map.next_key::<String>()? {
                    match key.as_str() {
                        "in" => file.location = map.next_value()?,
                        "secret" => file.secret = map.next_value()?,
                        "style" => file.style = map.next_value()?,
                        "fields" => file.fields = map.next_value()?,
                        _ => {
                            file.keywords.insert(key, map.next_value()?);
                        }
                    }
                }
                Ok(file)
            }
        }
        deserializer.deserialize_map(KeysVisitor)
    }
}

impl Serialize for OptionFile {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if let Some(location) = &self.location {
            map.serialize_entry("in", location)?;
        }
        if self.secret {
            map.serialize_entry("secret", &true)?;
        }
        if !is_default(&self.style) {
            map.serialize_entry("style", &self.style)?;
        }
        if let Some(fields) = &self.fields {
            map.serialize_entry("fields", fields)?;
        }
        for (key, value) in &self.keywords {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

#[cfg(feature = "schemas")]
impl schemars::JsonSchema for OptionFile {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "OptionFile".into()
    }

    /// The option's own keys as declared, and every keyword.
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let mut properties = serde_json::Map::new();
        let any = generator.subschema_for::<Json>().to_value();
        for keyword in KEYWORDS {
            let schema = match keyword {
                "title" | "description" | "format" | "pattern" => serde_json::json!({"type": "string"}),
                "minLength" | "maxLength" | "minItems" | "maxItems" => {
                    serde_json::json!({"type": "integer", "minimum": 0})
                }
                _ => any.clone(),
            };
            properties.insert(keyword.to_owned(), schema);
        }
        let own = generator.subschema_for::<OwnKeysFile>().to_value();
        let own = own.get("$ref").and_then(|r| r.as_str()).and_then(|r| r.rsplit('/').next()).map(str::to_owned);
        let own = own.and_then(|name| generator.definitions_mut().remove(&name)).unwrap_or_default();
        let keys = own.get("properties").and_then(|p| p.as_object()).cloned().unwrap_or_default();
        properties.extend(keys);
        let schema = serde_json::json!({
            "description": "One option: a JSON Schema, and where it is sent", "type": "object",
            "properties": properties, "additionalProperties": false,
        });
        schemars::Schema::try_from(schema).unwrap_or_default()
    }
}

#[cfg(feature = "schemas")]
mirrors! {
    /// The keys of an option that are not keywords of its schema
    #[derive(Default)]
    struct OwnKeysFile {
        /// Default: path if the path names it, else query. A body option is sent beside the items if `wrap` puts an object around them
        #[serde(default, rename = "in")]
        pub location: Option<LocationFile>,
        /// true: masked in plans, errors and logs
        #[serde(default)]
        pub secret: bool,
        /// How an array is sent: comma-joined, or the parameter repeated
        #[serde(default)]
        pub style: StyleFile,
        /// How the option names fields of the record, which are then checked: `columns` for fields to return, separated by commas; `order` for a sort
        /// order; `conditions` for `field operator value` joined by words; `terms` for a list of `field:operator:value`
        #[serde(default)]
        pub fields: Option<NamingFile>,
    }
}

mirrors! {
    /// Where an option is sent
    #[derive(Copy, Eq)]
    enum LocationFile { Path, Query, Header, Body }

    /// How an option names fields of the record
    #[derive(Copy, Eq)]
    enum NamingFile { Columns, Order, Conditions, Terms }

    /// How an array is sent
    #[derive(Copy, Default, Eq)]
    enum StyleFile { #[default] Comma, Repeat }
}
