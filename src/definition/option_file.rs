//! Mirror of one option: a JSON Schema, and where its value is sent.

use crate::authoring::Json;
use crate::authoring::values::mirrors;

mirrors! {
    /// One option: a JSON Schema, and where it is sent
    #[derive(Default)]
    struct OptionFile {
        /// Default: path when named in it, else query. A body option stands beside the items where `wrap` puts an object around them
        #[serde(default, rename = "in")]
        pub location: Option<LocationFile>,
        /// Masked in plans, errors and logs
        #[serde(default)]
        pub secret: bool,
        /// How an array is sent: comma-joined, or the parameter repeated
        #[serde(default)]
        pub style: StyleFile,
        /// It names fields of the record, which are then checked: `columns` for those to return, separated by commas, `order` for an order, `conditions` for `field operator
        /// value` joined by words, `terms` for a list of `field:operator:value`
        #[serde(default)]
        pub fields: Option<NamingFile>,
        #[serde(default, rename = "type")]
        pub kind: Option<Json>,
        #[serde(default)]
        pub title: Option<String>,
        #[serde(default)]
        pub description: Option<String>,
        #[serde(default, rename = "enum")]
        pub choices: Option<Json>,
        #[serde(default)]
        pub format: Option<String>,
        #[serde(default)]
        pub minimum: Option<Json>,
        #[serde(default)]
        pub maximum: Option<Json>,
        #[serde(default, rename = "minLength")]
        pub min_length: Option<u32>,
        #[serde(default, rename = "maxLength")]
        pub max_length: Option<u32>,
        #[serde(default)]
        pub pattern: Option<String>,
        #[serde(default)]
        pub items: Option<Json>,
        #[serde(default, rename = "minItems")]
        pub min_items: Option<u32>,
        #[serde(default, rename = "maxItems")]
        pub max_items: Option<u32>,
        #[serde(default)]
        pub default: Option<Json>,
        #[serde(default)]
        pub examples: Option<Json>,
    }

    /// Where an option is sent
    #[derive(Copy, PartialEq, Eq)]
    enum LocationFile { Path, Query, Header, Body }

    /// How an option names fields of the record
    #[derive(Copy, PartialEq, Eq)]
    enum NamingFile { Columns, Order, Conditions, Terms }

    /// How an array is sent
    #[derive(Copy, Default, PartialEq, Eq)]
    enum StyleFile { #[default] Comma, Repeat }
}
