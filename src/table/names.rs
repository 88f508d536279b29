//! Names of opnode's own columns and tables.

/// The column with the number of the load that brought a row.
pub(super) const LOAD: &str = "_opnode_load";
/// The columns of the versions of a row.
pub(super) const VALID_FROM: &str = "_valid_from";
pub(super) const VALID_TO: &str = "_valid_to";
/// The table of a connection alone in which keyed rows are collected.
pub(super) const STAGE: &str = "opnode_stage";
/// The number of a row there.
pub(super) const NUMBER: &str = "_opnode_row";
/// The column with the position of an element in its list, from 0.
pub(super) const POSITION: &str = "_position";
/// The field with the number of the row that has the list. Only rows that are merged have it.
pub(super) const OWNER: &str = "_opnode_owner";
/// Rows between two checks whether the load must stop.
pub(super) const CHECKED: u64 = 1_000;
