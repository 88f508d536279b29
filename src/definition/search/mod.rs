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

pub(super) use finder::Finder;
pub use finder::UnknownWord;
pub(super) use index::{IndexBuilder, PackWords};
pub(super) use lexicon::says_create;
pub use pieces::FoundIn;
pub(super) use pieces::{names_record, refers};
pub use query::Likeness;
pub(super) use rank::Ranked;
pub use reason::Why;
pub(super) use reason::{EntryText, TextRole};
