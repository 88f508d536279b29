//! What does not fit a schema. Plain data.

/// One thing that does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    /// JSON Pointer to the value; for a missing or unknown key, to the object that should or does hold it.
    pub(crate) pointer: String,
    /// The unknown key, when the fault is about a name.
    pub(crate) key: Option<String>,
    pub(crate) message: String,
}

/// What a list with equal elements is told.
pub(crate) const TWICE: &str = "has the same element twice";
