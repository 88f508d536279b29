//! The name of a method, as typed in operations and connectors.

use crate::authoring::values::mirrors;

mirrors! {
    /// The node's methods
    #[derive(Copy, Eq)]
    enum MethodFile {
        /// Reads
        Query,
        /// Creates or changes
        Mutate,
        /// Deletes
        Delete,
    }
}
