//! The place of an item in a run.

use std::fmt;

use serde::Serialize;

use crate::run_store::LeftItem;

/// An item of a step, or an element of its `for`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct ItemKey {
    /// The job: the connection of the matrix; `main` without one.
    pub job: String,
    /// The step's id.
    pub step: String,
    /// The element of `for`, from 0.
    pub element: u64,
    /// Its index within the step, or within the element, from 0.
    pub index: u64,
}

/// Its number: `3`; within an element of a `for`, `2.3`.
impl fmt::Display for ItemKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.element {
            0 => write!(f, "{}", self.index),
            element => write!(f, "{element}.{}", self.index),
        }
    }
}

impl LeftItem {
    /// Its place.
    #[must_use]
    pub fn key(&self) -> ItemKey {
        let (job, step) = (self.job.clone(), self.step.clone());
        ItemKey { job, step, element: self.element, index: self.index }
    }

    /// Its number, as commands take it: `3`; in a step with `for`, `0.3`.
    #[must_use]
    pub fn number(&self) -> String {
        if self.in_for { format!("{}.{}", self.element, self.index) } else { self.key().to_string() }
    }
}
