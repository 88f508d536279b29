//! Connections files and the secrets that they refer to.

mod check;
mod file;

pub use file::{ConnectionFile, ConnectionsFile, Reference, ValueFile};
