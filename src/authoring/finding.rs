//! What does not fit a schema. Plain data.

/// One thing that does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    /// JSON Pointer to the value; for a missing or unknown key, to the object that should or does hold it.
    pub(crate) pointer: String,
    /// The unknown key, when the fault is about a name.
    pub(crate) key: Option<String>,
    pub(crate) message: String,
    pub(crate) kind: FindingKind,
}

/// What a later look needs to know of a finding.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum FindingKind {
    #[default]
    Other,
    /// A value that has several forms has none of them; the key names a form that there is not.
    NoForm,
    /// A list has equal elements.
    Twice,
}

/// What a list with equal elements is told.
pub(super) const TWICE: &str = "has the same element twice";
