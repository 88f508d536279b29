//! The columns of rows: those that are declared, those that are chosen, and those that rows have beside them.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use super::cell::UnfitCell;
use super::mode::Nested;
use super::names::OWNER;
use super::row_scanner::{ColumnPlace, OtherFields, RowScanner, Unfitting};
use super::value_kind::ValueKind;

/// Between the names of a path in the name of its column.
const JOINT: &str = "__";

/// A column as a definition or a batch file declares it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct DeclaredColumn {
    pub(crate) path: Vec<String>,
    /// Nothing if it is not known without the rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) kind: Option<ValueKind>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) about: Option<String>,
}

/// A list of rows that has a table of its own.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct ListTable {
    pub(crate) path: Vec<String>,
    /// The columns of its elements, as far as they are declared.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) elements: Vec<DeclaredColumn>,
}

/// The form of a table, as a batch file says it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct TableForm {
    pub(crate) declared: Vec<DeclaredColumn>,
    /// Whether the columns were chosen: other fields are left out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) is_chosen: bool,
    #[serde(default, skip_serializing_if = "crate::authoring::is_default")]
    pub(crate) nested: Nested,
    /// Lists that are no columns, but tables.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) lists: Vec<ListTable>,
    /// Kinds of columns, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) kinds: BTreeMap<String, ValueKind>,
}

/// A column of a table that is loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LoadColumn {
    pub(crate) name: String,
    pub(crate) path: Vec<String>,
    pub(crate) kind: ValueKind,
    pub(crate) about: Option<String>,
}

/// What rows have that no column holds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Findings {
    /// Whether all rows were looked at.
    pub(crate) is_whole: bool,
    /// Fields without a column, with the kind of their values and the first row that has one, from 0. Without a kind, all
    /// are null.
    pub(crate) fields: IndexMap<Vec<String>, (Option<ValueKind>, u64)>,
    /// By the path of a column: the kind that holds its values, and the first value that does not fit.
    pub(crate) wider: BTreeMap<Vec<String>, Wider>,
    /// The first value that no column holds: its path, its row and why.
    pub(crate) refused: Option<(Vec<String>, u64, &'static str)>,
}

/// The kind that holds the values of a column, and the first value that does not fit it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wider {
    pub(crate) kind: ValueKind,
    pub(crate) row: u64,
    pub(crate) raw: String,
}

impl Findings {
    /// Adds the value of a field without a column.
    pub(crate) fn field(&mut self, path: &[String], raw: &str, row: u64) {
        let kind = ValueKind::of_value(raw);
        match (self.fields.get_mut(path), kind) {
            (Some((Some(known), _)), Some(kind)) => *known = known.with(kind),
            (Some((known @ None, first)), Some(kind)) => (*known, *first) = (Some(kind), row),
            (Some(_), None) => {}
            (None, kind) => {
                self.fields.insert(path.to_vec(), (kind, row));
            }
        }
    }

    /// Adds a value that does not fit a column.
    pub(crate) fn unfitting(&mut self, column: &LoadColumn, unfit: Unfitting, row: u64) {
        match unfit.why {
            UnfitCell::Value(why) => {
                self.refused.get_or_insert_with(|| (column.path.clone(), row, why));
            }
            UnfitCell::Kind(kind) => {
                let first = || Wider { kind: column.kind, row, raw: shortened(&unfit.raw) };
                let known = self.wider.entry(column.path.clone()).or_insert_with(first);
                known.kind = known.kind.with(kind);
            }
        }
    }
}

/// The start of a value, for messages.
fn shortened(raw: &str) -> String {
    const SHOWN: usize = 60;
    match raw.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", raw.get(..end).unwrap_or_default()),
        None => raw.to_owned(),
    }
}

/// The name of the column of a path.
pub(crate) fn column_name(path: &[String]) -> String {
    path.join(JOINT)
}

impl TableForm {
    /// The kind of a column that the user has named, by its name or path.
    pub(crate) fn said(&self, path: &[String]) -> Option<ValueKind> {
        self.kinds.get(&column_name(path)).or_else(|| self.kinds.get(&path.join("/"))).copied()
    }

    /// The declared columns whose kind is known.
    pub(crate) fn known_columns(&self) -> Vec<LoadColumn> {
        let own = self.declared.iter().filter(|column| !self.is_list(&column.path));
        own.filter_map(|column| Some(self.column(column, self.said(&column.path).or(column.kind)?))).collect()
    }

    /// A column with what is declared of it.
    pub(crate) fn column(&self, declared: &DeclaredColumn, kind: ValueKind) -> LoadColumn {
        LoadColumn {
            name: column_name(&declared.path),
            path: declared.path.clone(),
            kind: self.said(&declared.path).unwrap_or(kind),
            about: declared.about.clone(),
        }
    }

    /// Whether a field has a table of its own.
    pub(super) fn is_list(&self, path: &[String]) -> bool {
        self.lists.iter().any(|list| list.path == path)
    }

    /// The scanner of rows for these columns.
    pub(super) fn scanner(&self, columns: &[LoadColumn]) -> RowScanner {
        let owner = [OWNER.to_owned()];
        let is_loaded = columns.iter().any(|column| column.path == owner);
        let owner = (!is_loaded).then_some(owner.as_slice());
        let lists = self.lists.iter().map(|list| list.path.as_slice());
        RowScanner::new(&places(columns), self.others()).passing(lists.chain(owner))
    }

    /// The declared column of this name.
    pub(crate) fn named(&self, name: &str) -> Option<&DeclaredColumn> {
        self.declared.iter().find(|column| column_name(&column.path) == name)
    }

    /// What is declared of a field.
    pub(crate) fn declared(&self, path: &[String]) -> Option<&DeclaredColumn> {
        self.declared.iter().find(|column| column.path == path)
    }

    /// What is done with fields without a column.
    pub(crate) fn others(&self) -> OtherFields {
        match (self.is_chosen, self.nested) {
            (true, _) => OtherFields::Ignored,
            (false, Nested::Json) => OtherFields::Found,
            (false, Nested::Flatten) => OtherFields::FoundInObjects,
        }
    }
}

/// The places of columns in rows.
pub(crate) fn places(columns: &[LoadColumn]) -> Vec<ColumnPlace> {
    columns.iter().map(|column| ColumnPlace { path: column.path.clone(), kind: column.kind }).collect()
}

/// Two columns of one name, if there are: a target may ignore the case of names.
pub(crate) fn same_name(columns: &[LoadColumn], folds: bool) -> Option<(&LoadColumn, &LoadColumn)> {
    let folded = |name: &str| if folds { name.to_ascii_lowercase() } else { name.to_owned() };
    let mut taken = BTreeSet::new();
    let second = columns.iter().find(|column| !taken.insert(folded(&column.name)))?;
    let first = columns.iter().find(|column| folded(&column.name) == folded(&second.name))?;
    Some((first, second))
}
