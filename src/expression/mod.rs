//! Expressions: `${{ … }}` in the values of a batch file.
//!
//! A [`Shape`] is a JSON value with its expressions found, an [`Expr`] is one of them, a [`Scope`] has the values that
//! they can read. All three are plain values: expressions access no file, no clock and no random numbers, and get rows
//! of earlier steps as a [`RowSource`].
//!
//! `lexer` finds the tokens of an expression; `names` finds the names that it uses, so that faults are reported before
//! anything runs; `operators` adds rules that the language lacks; `language` compiles it on an empty environment with
//! allow-lists; `record` and `scope` provide the values; and `expr` returns the result as JSON. A plain path takes a
//! shortcut: the original bytes are passed on.
//!
//! Batch files are written by their own users, so the guard is small: limits on an expression's size before it is
//! parsed, on its work, on the bytes that it reads, and on the bytes that it produces. An error names the limit that
//! was exceeded.

mod expr;
mod language;
mod lexer;
mod names;
mod operators;
mod record;
mod scope;
mod shape;
mod source;
#[cfg(test)]
mod tests;

pub(crate) use expr::{Expr, Wrong};
pub(crate) use scope::{Fields, NAMES, RowIter, RowSource, Scope, StepView};
pub(crate) use shape::{Piece, Shape};
