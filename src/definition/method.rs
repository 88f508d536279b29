//! The method of an operation.

use std::fmt;

/// The three methods.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// Reads.
    Query,
    /// Creates or changes.
    Mutate,
    /// Deletes.
    Delete,
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Method::Query => "query",
            Method::Mutate => "mutate",
            Method::Delete => "delete",
        })
    }
}
