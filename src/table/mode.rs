//! How rows get into a table, as written in batch files. Plain data.

use crate::authoring::values::mirrors;

mirrors! {
    /// How rows get into a table
    #[derive(Copy, Default, Eq, Hash)]
    enum LoadMode {
        /// All rows are added
        #[default]
        Append,
        /// The rows replace all others, at once
        Replace,
        /// A row replaces the one with its key
        Upsert,
        /// As upsert; rows whose key is gone are deleted, if all rows were read
        Mirror,
        /// Each version of a row is kept, with the time from and to which it was valid
        History,
    }

    /// What may change in a table that exists
    #[derive(Copy, Eq, Hash)]
    enum Evolve {
        /// Nothing: a field without a column is a fault
        None,
        /// Columns are added
        Add,
        /// Columns are added, and get a wider type for values that do not fit
        Widen,
    }

    /// What becomes of objects in rows
    #[derive(Copy, Default, Eq, Hash)]
    enum Nested {
        /// A column of JSON
        #[default]
        Json,
        /// A column for each field, such as company__name
        Flatten,
    }
}

impl LoadMode {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            LoadMode::Append => "append",
            LoadMode::Replace => "replace",
            LoadMode::Upsert => "upsert",
            LoadMode::Mirror => "mirror",
            LoadMode::History => "history",
        }
    }

    /// Whether rows are found by their key.
    pub(crate) const fn is_keyed(self) -> bool {
        matches!(self, LoadMode::Upsert | LoadMode::Mirror | LoadMode::History)
    }
}
