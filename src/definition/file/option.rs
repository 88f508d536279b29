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
    pub wire: Option<String>,
    pub preset: Option<Json>,
    pub per_item: bool,
    pub quote: Option<QuoteFile>,
    pub values: Option<ValuesFile>,
    pub fields: Option<NamingFile>,
    pub operators: Vec<String>,
    /// All other keys, in the order of the file.
    pub keywords: Ordered<Json>,
}

/// The keys of an option that are not keywords of its schema.
pub(in crate::definition) const OWN_KEYS: [&str; 10] =
    ["in", "as", "secret", "style", "preset", "per_item", "quote", "values", "fields", "operators"];

/// Keywords of JSON Schema (2020-12) that describe a value, and `nullable` and `example` of older OpenAPI documents.
pub(in crate::definition) const KEYWORDS: [&str; 58] = [
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
    "dependentSchemas",
    "contentSchema",
    "$ref",
    "$defs",
    "$id",
    "$anchor",
    "$dynamicRef",
    "$dynamicAnchor",
    "$comment",
    "externalDocs",
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
                        "as" => file.wire = map.next_value()?,
                        "preset" => file.preset = map.next_value()?,
                        "per_item" => file.per_item = map.next_value()?,
                        "quote" => file.quote = map.next_value()?,
                        "values" => file.values = map.next_value()?,
                        "secret" => file.secret = map.next_value()?,
                        "style" => file.style = map.next_value()?,
                        "fields" => file.fields = map.next_value()?,
                        "operators" => file.operators = map.next_value()?,
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
        if let Some(wire) = &self.wire {
            map.serialize_entry("as", wire)?;
        }
        if self.secret {
            map.serialize_entry("secret", &true)?;
        }
        if !is_default(&self.style) {
            map.serialize_entry("style", &self.style)?;
        }
        if let Some(preset) = &self.preset {
            map.serialize_entry("preset", preset)?;
        }
        if self.per_item {
            map.serialize_entry("per_item", &true)?;
        }
        if let Some(quote) = &self.quote {
            map.serialize_entry("quote", quote)?;
        }
        if let Some(values) = &self.values {
            map.serialize_entry("values", values)?;
        }
        if let Some(fields) = &self.fields {
            map.serialize_entry("fields", fields)?;
        }
        if !self.operators.is_empty() {
            map.serialize_entry("operators", &self.operators)?;
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
        /// Where it is sent. Default: path if the path names it, else query. A body option is a field beside the items; a text option is inserted where a
        /// text of `fixed` or `body` names it
        #[serde(default, rename = "in")]
        pub location: Option<LocationFile>,
        /// The name on the wire, if it differs from the option's; in a body also a JSON Pointer, such as /filter/status. Not for the path or a text
        #[serde(default, rename = "as")]
        pub wire: Option<String>,
        /// true: masked in plans, errors and logs
        #[serde(default)]
        pub secret: bool,
        /// How a list, an object or a text with slashes is sent; default: a list is joined by commas
        #[serde(default)]
        pub style: StyleFile,
        /// The value that is sent if the caller gives none; not for the path or `per_item`. `default` only documents what the system assumes
        #[serde(default)]
        pub preset: Option<Json>,
        /// true: for a write, the field of each item with this name is the value, as it is for path parameters anyway. Not for `in: body`
        #[serde(default)]
        pub per_item: bool,
        /// For `in: text`: the value is put into single quotes, with those in it doubled or escaped by a backslash
        #[serde(default)]
        pub quote: Option<QuoteFile>,
        /// The query of the connector that returns the allowed values, for completion and forms
        #[serde(default)]
        pub values: Option<ValuesFile>,
        /// How the value names fields of the record, which are then checked; default: it names none
        #[serde(default)]
        pub fields: Option<NamingFile>,
        /// For conditions: the operators between a field and a value, for forms
        #[serde(default)]
        pub operators: Vec<String>,
    }
}

mirrors! {
    /// Where an option is sent
    #[derive(Copy, Eq)]
    enum LocationFile {
        /// A {name} of the path
        Path,
        /// A query parameter
        Query,
        /// A header
        Header,
        /// A cookie
        Cookie,
        /// A field of the body
        Body,
        /// A {name} in a text of `fixed` or `body`
        Text,
    }

    /// How a text value is quoted
    #[derive(Copy, Eq)]
    enum QuoteFile {
        /// A quote in the value is doubled, as in SQL
        Double,
        /// A quote or backslash in the value gets a backslash
        Backslash,
    }

    /// The operation that returns the values of an option
    struct ValuesFile {
        /// OperationId of a query of the same connector
        pub operation: String,
        /// JSON Pointer, in an item, to the value
        pub value: String,
        /// JSON Pointer, in an item, to the name that people know
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub label: Option<String>,
        /// Options of that query
        #[serde(default, skip_serializing_if = "Ordered::is_empty")]
        pub options: Ordered<Json>,
    }

    /// How an option names fields of the record
    #[derive(Copy, Eq)]
    enum NamingFile {
        /// Fields to return, separated by commas; a slash or a dot separates nested names
        Columns,
        /// A sort order: fields separated by commas, each with a direction after it or a sign before it
        Order,
        /// `field operator value`, joined by words
        Conditions,
        /// The same for fields that are not the record's own
        OtherConditions,
        /// A list of `field:operator:value`
        Terms,
    }

    /// How a list or an object is sent
    #[derive(Copy, Default, Eq)]
    enum StyleFile {
        /// `ids=1,2`
        #[default]
        Comma,
        /// A list in the query as `ids=1&ids=2`
        Repeat,
        /// `ids=1|2`
        Pipes,
        /// `ids=1 2`
        Spaces,
        /// A list in the query as `ids[]=1&ids[]=2`
        Brackets,
        /// A list in the query as `ids[0]=1&ids[1]=2`
        Indexes,
        /// An object in the query as `filter[status]=open&filter[owner][id]=7` (deepObject)
        Deep,
        /// An object in the query as one parameter per field: `status=open&owner=7`
        Fields,
        /// JSON text; not in the path or body
        Json,
        /// For the path: slashes in the value separate segments
        Segments,
    }
}
