//! Expressions: `${{ … }}` in the values of a batch file.
//!
//! A [`Shape`] is a JSON value with its expressions found, an [`Expr`] is one of them, a [`Scope`] has the values that
//! they can read. All three are plain values: expressions access no file, no clock and no random numbers, and get rows
//! of earlier steps as a [`RowSource`].
//!
//! `lexer` finds the tokens of an expression and `parser` makes a `tree` of them, with its filters, tests and functions
//! from the tables of `library`; `reads` finds the paths in it, so that faults are reported before anything runs;
//! `evaluate` computes its `value`; and `expr` returns the result as JSON. A plain path takes a shortcut: the original
//! bytes are passed on. Numbers and texts that are moved keep their bytes, and rows of a step are read one by one.
//!
//! Batch files are written by their own users, so the guard is small: limits on an expression's size before it is
//! parsed, on its work, on the bytes that it reads, and on the bytes that it produces. An error names the limit that
//! was exceeded.

mod access;
mod compare;
mod cursor;
mod evaluate;
mod expr;
mod json;
mod lexer;
mod library;
mod literals;
mod lookup;
mod number;
mod parser;
mod quoted;
mod reads;
mod scope;
mod shape;
mod source;
#[cfg(test)]
mod tests;
mod times;
mod tree;
mod value;
mod work;
mod write;

pub(crate) use expr::{Expr, Wrong};
pub(crate) use lookup::{LookupKey, scan};
pub(crate) use quoted::QuotedValue;
pub(crate) use scope::{Fields, NAMES, RowIter, RowSource, Scope, StepView};
pub(crate) use shape::{Piece, Shape};

/// The names of the filters, for completion.
#[cfg(feature = "studio")]
pub fn filter_names() -> impl Iterator<Item = &'static str> {
    library::FILTERS.iter().map(|tool| tool.name)
}
