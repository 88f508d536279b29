//! How values are written in the conditions of a system, so that no value changes their meaning. Pure.

use serde::{Deserialize, Serialize};

/// The rule of a connector.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Literals {
    /// The character around a text.
    pub(crate) quote: char,
    pub(crate) escape: QuoteEscape,
    /// The texts around a time; `None` if it is written as a text.
    pub(crate) time: Option<(String, String)>,
    /// The words for true and false.
    pub(crate) booleans: (String, String),
    /// Characters with a meaning of their own after an operator.
    pub(crate) wildcards: Vec<(String, String)>,
}

/// How the quote is written within a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum QuoteEscape {
    Refuse,
    Double,
    Backslash,
}
