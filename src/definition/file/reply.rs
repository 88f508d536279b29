//! Mirrors of the keys under `response:` that say how a reply's body becomes items. Only names and types are checked here.

use crate::authoring::values::{PointersFile, mirrors};

/// A JSON Pointer, several of them, or `{ at: …, key: NAME, tag: NAME, value: POINTER }`
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum FoundItemsFile {
    /// A JSON Pointer; of several, the lists are read one after the other
    Pointers(PointersFile),
    /// Pointers, and the fields that items get from their place
    At(ItemsAtFile),
}

/// A JSON Pointer to a list of names, a list of names, or `{ at: POINTER, name: POINTER }`
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum ColumnsFile {
    /// JSON Pointer to the list of names
    Pointer(String),
    /// The names, in order
    Names(Vec<String>),
    /// Definitions that are objects
    At(ColumnsAtFile),
}

mirrors! {
    /// The format of a body
    #[derive(Copy, Default, Eq)]
    enum FormFile {
        /// JSON
        #[default]
        Json,
        /// One JSON value per line: each is an item
        Ndjson,
        /// Rows of values separated by commas: each is an item, its values are texts
        Csv,
        /// Elements are objects, attributes `@name`, text `#text`; an element with only text is that text; repeated elements are a list
        Xml,
    }

    /// How a CSV body is read
    struct CsvFile {
        /// One ASCII character, and no quote or line break; default a comma
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub separator: Option<String>,
        /// false: the first row is an item; default true: it has the names of the columns
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub header: Option<bool>,
        /// Names of the columns, in order; needed without a header; with a header, they are used instead of its names
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub columns: Vec<String>,
    }

    /// Where the items are, and the fields that they get from their place
    struct ItemsAtFile {
        /// A JSON Pointer, or several of them: their lists are read one after the other
        pub at: PointersFile,
        /// The value at the pointer is an object of records by key: each record is an item, with its key in the field of this name (its own field of that
        /// name is replaced; a record that is no object becomes the field `value`)
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub key: Option<String>,
        /// A field of this name with the last part of the list's pointer is added to each item
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub tag: Option<String>,
        /// JSON Pointer, in an element of the list, to the record that becomes the item, such as /node
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub value: Option<String>,
    }

    /// Column definitions that are objects
    struct ColumnsAtFile {
        /// JSON Pointer to the list of definitions
        pub at: String,
        /// JSON Pointer, in a definition, to the column's name
        pub name: String,
    }

    /// Related records in another list of the same reply
    struct AttachFile {
        /// JSON Pointer to the list of related records
        pub from: String,
        /// JSON Pointer, in a related record, to its key
        pub key: String,
        /// JSON Pointer, in an item, to the key of its related record, or to a list of keys
        pub by: String,
    }
}
