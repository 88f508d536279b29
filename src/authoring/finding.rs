//! Findings of a schema check. Plain data.

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    /// JSON Pointer to the value; for a missing or unknown key, to the object.
    pub(crate) pointer: String,
    /// The unknown key, if the fault concerns a name.
    pub(crate) key: Option<String>,
    pub(crate) message: String,
    pub(crate) kind: FindingKind,
}

/// The kind of a finding, where later code depends on it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum FindingKind {
    #[default]
    Other,
    /// A value matches none of its alternative forms; the key names an unknown one.
    NoForm,
    /// A list has equal elements.
    Twice,
}

/// The message for a list with equal elements.
pub(super) const TWICE: &str = "contains the same element twice";
