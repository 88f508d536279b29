//! The records of a connector: collections with their tables, the fields of a record, and how values compare. Pure.

mod collection;
mod compare;
pub(super) mod fields;
mod links;
mod made;
mod parts;
mod table;
mod tree;

pub(super) use collection::{Collection, Values};
pub(super) use compare::{Scalar, fits, instant, numbers};
pub(super) use fields::{By, KnownName, RecordFields, path, unknown};
pub(super) use links::{FieldLink, Linked, links};
pub(super) use parts::Parts;
pub(super) use table::Tables;
pub(super) use tree::Tree;
