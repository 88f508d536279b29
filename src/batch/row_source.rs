//! Where the items of a step come from.

use serde::{Deserialize, Serialize};

use crate::expression::Shape;

/// The name of the one job of a batch without a matrix.
pub const MAIN: &str = "main";

/// The source of items or elements.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum ItemSource {
    /// An earlier step's rows, read from disk.
    Step(String),
    /// A value, held in memory.
    Shape(Shape),
    /// Each combination of the elements of several sources: an object with these names.
    Combinations(Vec<(String, ItemSource)>),
}
