//! What a load asks of a database. Another database implements this.

use super::address::TableName;
use super::cell::{CellRules, Cells};
use super::value_kind::ValueKind;
use crate::error::Result;
#[cfg(any(feature = "adbc", feature = "sqlite"))]
use crate::error::{Error, ErrorKind};

/// A column of a table that exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FoundColumn {
    pub(crate) name: String,
    /// What it holds.
    pub(crate) kind: ValueKind,
}

/// A table that exists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FoundTable {
    pub(crate) columns: Vec<FoundColumn>,
    /// Columns whose values together are unique, by index.
    pub(crate) unique: Vec<Vec<String>>,
    /// Tables whose rows are deleted or changed with its rows.
    pub(crate) cascades: Vec<String>,
}

/// A column of a table that is made, or a new one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NewColumn<'c> {
    pub(crate) name: &'c str,
    pub(crate) kind: ValueKind,
    pub(crate) is_required: bool,
    pub(crate) about: Option<&'c str>,
}

/// A database with one open connection. Statements are in one transaction from [`begin`](Self::begin) to
/// [`commit`](Self::commit).
pub(crate) trait Database: Send {
    /// What its columns can hold.
    fn rules(&self) -> &'static CellRules;

    /// The type of columns of a kind.
    fn type_of(&self, kind: ValueKind) -> &'static str;

    /// The longest name in bytes, and the largest number of columns of a table.
    fn limits(&self) -> (usize, usize);

    /// Whether names that differ by case are one name.
    fn folds_names(&self) -> bool;

    /// Begins a transaction that writes.
    ///
    /// # Errors
    /// `state` when another process keeps the database locked; `network` when it is gone. Likewise below.
    fn begin(&mut self) -> Result<()>;

    /// Ends the transaction; its changes are durable.
    ///
    /// # Errors
    /// `network` when the connection breaks: then it is not known whether they are.
    fn commit(&mut self) -> Result<()>;

    /// Ends the transaction without its changes.
    fn rollback(&mut self);

    /// Waits until no other load changes the table, up to the end of the transaction.
    ///
    /// # Errors
    /// See [`begin`](Self::begin).
    fn lock(&mut self, table: &TableName) -> Result<()>;

    /// A table, if it exists.
    ///
    /// # Errors
    /// See [`begin`](Self::begin); `invalid_options` for what is no table.
    fn find(&mut self, table: &TableName) -> Result<Option<FoundTable>>;

    /// Makes a table. `key` is its primary key.
    ///
    /// # Errors
    /// See [`begin`](Self::begin); `forbidden` when the user may not.
    fn create(&mut self, table: &TableName, columns: &[NewColumn<'_>], key: &[&str]) -> Result<()>;

    /// Adds columns.
    ///
    /// # Errors
    /// As [`create`](Self::create).
    fn add_columns(&mut self, table: &TableName, columns: &[NewColumn<'_>]) -> Result<()>;

    /// Changes the kind of a column; its values stay.
    ///
    /// # Errors
    /// As [`create`](Self::create); `conflict` when something depends on its type.
    fn widen(&mut self, table: &TableName, column: &str, kind: ValueKind) -> Result<()>;

    /// Runs a statement. Returns the number of rows that it changed.
    ///
    /// # Errors
    /// See [`begin`](Self::begin); `conflict` when a rule of the table refuses it.
    fn run(&mut self, sql: &str) -> Result<u64>;

    /// The rows of a statement, as text.
    ///
    /// # Errors
    /// See [`run`](Self::run).
    fn ask(&mut self, sql: &str) -> Result<Vec<Vec<Option<String>>>>;

    /// Makes a table of this connection alone, which is gone with the transaction.
    ///
    /// # Errors
    /// See [`create`](Self::create).
    fn stage(&mut self, name: &str, columns: &[NewColumn<'_>]) -> Result<()>;

    /// Makes the stage quick to search by these columns.
    ///
    /// # Errors
    /// See [`run`](Self::run).
    fn index_stage(&mut self, columns: &[String]) -> Result<()>;

    /// Opens a table for many rows of these columns. `is_stage` for a table of [`stage`](Self::stage).
    ///
    /// # Errors
    /// See [`run`](Self::run).
    fn bulk<'d>(
        &'d mut self,
        table: &TableName,
        is_stage: bool,
        columns: &[NewColumn<'_>],
    ) -> Result<Box<dyn BulkRows + 'd>>;

    /// The rows of a statement that changes nothing as JSON objects, each passed on when it is read.
    ///
    /// # Errors
    /// `invalid_options` for a statement that is not valid; `invalid_items` for a value that JSON has not; those of `each`.
    fn read(&mut self, sql: &str, each: &mut dyn FnMut(&str) -> Result<()>) -> Result<()>;

    /// A name as SQL.
    fn quoted(&self, name: &str) -> String {
        sql_name(name)
    }

    /// The name of a table as SQL.
    fn table(&self, table: &TableName) -> String {
        let schema = table.schema.as_ref().map(|schema| format!("{}.", self.quoted(schema)));
        format!("{}{}", schema.unwrap_or_default(), self.quoted(&table.name))
    }

    /// Whether rows are found much faster by an index of some columns.
    fn needs_indexes(&self) -> bool {
        true
    }

    /// A column of a kind as SQL that can be compared with others of its kind.
    fn comparable(&self, column: &str, kind: ValueKind) -> String {
        let _columns_of_all_kinds_can = kind;
        column.to_owned()
    }

    /// SQL that is true if two lists of values differ; null is a value.
    fn differ(&self, left: &[String], right: &[String]) -> String;

    /// A time as SQL.
    fn time(&self, text: &str) -> String;
}

/// Rows on their way into a table. Rows may be sent some time after they were added: an error about a row that was added
/// has its number, from 1, as the line of its place.
pub(crate) trait BulkRows {
    /// Adds a row: its cells, then a number for each column that is left.
    ///
    /// # Errors
    /// See [`Database::run`].
    fn put(&mut self, row: &str, cells: &Cells, numbers: &[i64]) -> Result<()>;

    /// Ends the rows. Returns how many the table took, if the database says it: a trigger may leave some out.
    ///
    /// # Errors
    /// See [`Database::run`].
    fn finish(self: Box<Self>) -> Result<Option<u64>>;
}

/// The error of a statement whose rows have two columns of one name: one of them would be lost.
#[cfg(any(feature = "adbc", feature = "sqlite"))]
pub(crate) fn two_columns(name: &str) -> Error {
    Error::new(ErrorKind::InvalidOptions, format!("the statement gives two columns {name}"))
        .advise("name one of them otherwise by AS")
}

/// A name as SQL.
pub(crate) fn sql_name(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A text as SQL.
pub(crate) fn sql_text(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
