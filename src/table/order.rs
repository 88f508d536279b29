//! What is loaded into a table, and how; and the columns that opnode adds.

use super::address::TableName;
use super::database::NewColumn;
use super::mode::{Evolve, LoadMode};
use super::names::{LOAD, VALID_FROM, VALID_TO};
use super::shape::{LoadColumn, TableForm, column_name};
use super::source::LoadSource;
use super::value_kind::ValueKind;
use crate::error::Result;
use crate::json_pointer::path_of;
use crate::run_store::{Extent, RowReader};

/// What is loaded, and how.
#[derive(Clone, Debug)]
pub(crate) struct LoadOrder {
    pub(crate) table: TableName,
    pub(crate) mode: LoadMode,
    /// The names of the columns that identify a row.
    pub(crate) key: Vec<String>,
    /// Of the elements of a list: the columns with the key of the row that has the list.
    pub(crate) parent: Vec<String>,
    /// What may change in a table that exists. If it is not said: all of it if opnode has made the table, else nothing.
    pub(crate) evolve: Option<Evolve>,
    pub(crate) form: TableForm,
    pub(crate) source: LoadSource,
    /// All rows of the step.
    pub(crate) extent: Extent,
    /// Whether these are all records that there are.
    pub(crate) is_complete: bool,
    /// Whether rows of an earlier attempt of the step are replaced; else they stay.
    pub(crate) replaces_earlier: bool,
    /// Whether the rows may be others in a later start of the run: then they replace those before.
    pub(crate) may_change: bool,
}

/// What a load did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LoadReport {
    /// Rows that this load has written, before rows of equal keys became one.
    pub(crate) rows: u64,
    /// What the user should know.
    pub(crate) notes: Vec<String>,
}

/// Opens the rows from their start.
pub(crate) type OpenRows<'l> = dyn Fn() -> Result<Box<dyn RowReader>> + 'l;

/// A column as it is made.
pub(super) fn new_column(column: &LoadColumn, is_required: bool) -> NewColumn<'_> {
    NewColumn { name: &column.name, kind: column.kind, is_required, about: column.about.as_deref() }
}

/// The time of a load.
pub(super) fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
}

/// The key of a record, unless another is named.
pub(crate) const ID: &str = "id";

/// The columns of a key, whose fields are named as users do.
pub(crate) fn key_columns(names: &[String]) -> Vec<String> {
    names.iter().map(|name| column_name(&path_of(name))).collect()
}

/// The columns that opnode adds to a table of a mode.
pub(super) fn own_columns(mode: LoadMode) -> Vec<NewColumn<'static>> {
    let time =
        |name, is_required, about| NewColumn { name, kind: ValueKind::Timestamp, is_required, about: Some(about) };
    let mut columns = Vec::new();
    if mode == LoadMode::History {
        columns.push(time(VALID_FROM, true, "When this version of the row was first read"));
        columns.push(time(VALID_TO, false, "When the row was found changed or gone; empty for the present version"));
    }
    columns.push(NewColumn {
        name: LOAD,
        kind: ValueKind::Integer,
        is_required: true,
        about: Some("The load that brought the row; see opnode_loads"),
    });
    columns
}
