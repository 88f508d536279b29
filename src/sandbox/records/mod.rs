//! The records of a connector: collections with their tables, the fields of a record, and how values compare. Pure.

mod collection;
mod compare;
pub(super) mod fields;
mod parts;
mod table;
mod tree;

pub(super) use collection::Collection;
pub(super) use compare::{Scalar, fits, instant, numbers};
pub(super) use fields::{By, KnownName, RecordFields, path, unknown};
pub(super) use parts::Parts;
pub(super) use table::{Table, Tables, Values};
pub(super) use tree::Tree;
