//! Mirror of the steps that send no requests: `load` and `transform`, as written.

use crate::authoring::values::{NamesPart, mirrors};
use crate::authoring::{Json, Ordered};
use crate::connections::ValueFile;
use crate::row_file::{CellType, EmptyCell, RowFormat, SheetChoice, TextEncoding};

fn yes() -> bool {
    true
}

mirrors! {
    /// Items of earlier runs that failed or are in doubt, until they are settled
    struct LeftFile {
        /// BATCH or BATCH/STEP, such as nightly/create
        pub left_items: String,
    }

    /// Rows of files, or of a database
    struct LoadFile {
        /// A path or a pattern such as in/*.csv, relative to this file's folder; - for standard input; sqlite:FILE#TABLE, postgres://USER@HOST/DATABASE#TABLE or adbc:DRIVER?OPTION=VALUE#TABLE
        pub from: String,
        /// The format; default: by extension
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub format: Option<RowFormat>,
        /// Names of the columns of a table; with a header, instead of its names
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub columns: Vec<String>,
        /// false: the first row of a table is not a header; `columns` names the columns
        #[serde(default = "yes")]
        pub header: bool,
        /// The character between cells, such as ";"
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub delimiter: Option<String>,
        /// What an empty cell is: absent (default), null or text
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub empty: Option<EmptyCell>,
        /// Types of columns; others are text
        #[serde(default, skip_serializing_if = "Ordered::is_empty")]
        pub types: Ordered<CellType>,
        /// The encoding of a text without a byte order mark
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub encoding: Option<TextEncoding>,
        /// The sheet of a workbook, by name or number from 1; default: the first
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub sheet: Option<SheetChoice>,
        /// JSON Pointer to the list in a JSON file
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub pointer: Option<String>,
        /// For a database: a statement whose rows are read, such as SELECT id, name FROM members, instead of a table
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub sql: Option<String>,
        /// The password of the database, or a reference to it, such as { env: DESK_PASSWORD }; default: the environment variable PGPASSWORD
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub password: Option<ValueFile>,
        /// JSON Schema of a row: rows that do not fit are faults, and cells get its types
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub schema: Option<Json>,
    }

    /// Looks up records by key, creates those that are missing, and changes those that differ
    struct UpsertFile {
        /// Finds the records; if its options use `item`, once for each item
        pub find: FindFile,
        /// The field, or the fields, that identify a record; { a: b } if the record has it under another name
        pub key: KeyPart,
        /// Creates a record; without it, nothing is created
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub create: Option<UpsertCallFile>,
        /// Changes a record; without it, nothing is changed
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub update: Option<UpsertCallFile>,
        /// The fields of a found record that are sent with a change, to name it; default: id
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub id: Option<NamesPart>,
        /// What a change sends: only the fields that differ, or the whole record with them; default: by the verb of the operation
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub send: Option<SendWord>,
    }

    /// A query that finds records
    struct FindFile {
        /// OperationId of the query
        pub query: String,
        /// Its options
        #[serde(default, skip_serializing_if = "Ordered::is_empty")]
        pub options: Ordered<Json>,
    }

    /// A write of an upsert
    struct UpsertCallFile {
        /// OperationId of the mutate
        pub mutate: String,
        /// Its options
        #[serde(default, skip_serializing_if = "Ordered::is_empty")]
        pub options: Ordered<Json>,
    }

    /// What a change sends
    #[derive(Copy, Eq, Hash)]
    enum SendWord {
        /// Only the fields that differ
        Changes,
        /// The whole record
        Whole,
    }

    /// Work on rows, without requests
    struct TransformFile {
        /// The rows: ${{ steps.ID.items }}, or a list
        pub from: Json,
        /// What is done with them, in order
        #[serde(rename = "do")]
        pub actions: Vec<ActionFile>,
    }

    /// One of filter, map, flatten, join, aggregate, sort and dedupe
    struct ActionFile {
        /// Keeps the rows for which it is true
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub filter: Option<Json>,
        /// Makes a new row of each row
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub map: Option<Json>,
        /// Makes a row of each element of a list in the row: the path of the list
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub flatten: Option<FlattenPart>,
        /// Adds to each row the matching row of another step
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub join: Option<JoinFile>,
        /// Computes values over groups of rows
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub aggregate: Option<AggregateFile>,
        /// Fields to sort by; -name sorts descending
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub sort: Option<NamesPart>,
        /// Keeps one row of those with equal values in these fields
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub dedupe: Option<DedupePart>,
    }

    /// A list in the row
    struct FlattenFile {
        /// Its path, such as lines or order.lines
        pub path: String,
        /// The field that gets the element; without it, the fields of the element are those of the row
        #[serde(rename = "as", default, skip_serializing_if = "Option::is_none")]
        pub field: Option<String>,
        /// The fields of the row that are kept; default: all with `as`, none without it
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub keep: Option<Vec<String>>,
        /// true: a row with an empty list is kept, with null as the element; without `as`, with the kept fields only
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        pub keep_empty: bool,
    }

    /// The rows of another step
    struct JoinFile {
        /// The rows: ${{ steps.ID.items }}
        pub with: Json,
        /// Fields that are equal: the field of the row, and that of the other row
        pub on: Ordered<String>,
        /// Which rows are kept: matching (default), all, or missing: those without a match
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub keep: Option<JoinKeep>,
        /// The field that gets the other row
        #[serde(rename = "as", default, skip_serializing_if = "Option::is_none")]
        pub field: Option<String>,
        /// If several rows match: error (default), first, or list
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub several: Option<JoinSeveral>,
    }

    /// Which rows are kept
    #[derive(Copy, Eq, Hash)]
    enum JoinKeep { Matching, All, Missing }

    /// What is added if several rows match
    #[derive(Copy, Eq, Hash)]
    enum JoinSeveral { Error, First, List }

    /// Values over groups of rows
    struct AggregateFile {
        /// The fields whose equal values make a group; without fields, all rows are one group
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub by: Option<NamesPart>,
        /// The values by name: count, or { sum: field } with sum, min, max, avg, first, last, list, count or count_distinct
        pub values: Ordered<AggregatePart>,
    }

    /// Rows with equal values
    struct DedupeFile {
        /// The fields
        pub by: NamesPart,
        /// Which of them is kept: first (default) or last
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub keep: Option<DedupeKeep>,
    }

    /// Which row is kept
    #[derive(Copy, Eq, Hash)]
    enum DedupeKeep { First, Last }

    /// How a value is computed
    #[derive(Copy, Eq, Hash, PartialOrd, Ord)]
    enum AggregateWord {
        /// The number of rows, or of values of a field
        Count,
        /// The number of different values
        CountDistinct,
        /// The exact sum
        Sum,
        Min,
        Max,
        Avg,
        First,
        Last,
        List,
    }
}

impl LoadFile {
    /// A file with the usual options.
    pub(super) fn of(from: String) -> LoadFile {
        LoadFile {
            from,
            format: None,
            columns: Vec::new(),
            header: true,
            delimiter: None,
            empty: None,
            types: Ordered::new(),
            encoding: None,
            sheet: None,
            pointer: None,
            sql: None,
            password: None,
            schema: None,
        }
    }
}

/// Several forms of one value.
macro_rules! parts {
    ($($(#[$meta:meta])* $name:ident { $($(#[$inner:meta])* $variant:ident($type:ty),)* })*) => { $(
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        #[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
        #[serde(untagged)]
        pub enum $name { $($(#[$inner])* $variant($type),)* }
    )* };
}

parts! {
    /// A path or a pattern, or one with its format
    LoadPart {
        /// A path or a pattern
        Path(String),
        /// Items of earlier runs that did not succeed
        Left(LeftFile),
        /// With options
        File(Box<LoadFile>),
    }
    /// Field names, or the names in the item and in the record
    KeyPart {
        /// Equal names
        Names(NamesPart),
        /// The name in the item, and that in the record
        Pairs(Ordered<String>),
    }
    /// A path, or a path with options
    FlattenPart {
        /// A path
        Path(String),
        /// With options
        File(FlattenFile),
    }
    /// Field names, or field names with options
    DedupePart {
        /// Field names
        Names(NamesPart),
        /// With options
        File(DedupeFile),
    }
    /// A function, or a function of a field
    AggregatePart {
        /// A function without a field: count
        Word(AggregateWord),
        /// A function and its field
        Field(std::collections::BTreeMap<AggregateWord, String>),
    }
}
