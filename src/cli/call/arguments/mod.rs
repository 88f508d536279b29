//! What a call is given: options and items, from the flags, a file or standard input.

pub(crate) mod csv_items;
pub(crate) mod items;
pub(crate) mod options;
mod text;
pub(crate) mod typed_value;
