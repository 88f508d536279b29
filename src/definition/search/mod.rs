//! Finds operations and templates by what people say. Pure.

mod finder;
mod index;
mod lexicon;
mod pieces;
mod query;
mod rank;
mod reason;
mod scan;
mod text;

pub use finder::UnknownWord;
pub(super) use finder::Finder;
pub(super) use index::{IndexBuilder, PackWords};
pub use pieces::Found;
pub use query::Likeness;
pub(super) use rank::Ranked;
pub use reason::Why;
pub(super) use reason::{EntryText, TextRole};
