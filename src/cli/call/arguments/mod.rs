//! Options and items of a call, from flags, files or standard input.

pub(crate) mod csv_items;
pub(crate) mod items;
pub(crate) mod options;
pub(crate) mod text;
