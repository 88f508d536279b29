//! Expressions: `${{ … }}` in the values of a batch file.
//!
//! A [`Shape`] is a JSON value with its expressions found, an [`Expr`] is one of them, a [`Scope`] is what they see. All three are plain values:
//! an expression reads no file, no clock and no chance, and rows of earlier steps come in as a [`RowSource`].
//!
//! The way of an expression: `lexer` finds its tokens; `names` tells what it reads and uses, so that faults are told before anything runs;
//! `operators` adds the rules that the language does not have; `language` compiles it on an empty environment with lists of what may be used;
//! `record` and `scope` give it the values that it names; and `expr` makes JSON of the result. A path that is nothing else takes a shorter way:
//! the bytes that stand there are handed on.
//!
//! Whoever writes a batch file could only harm himself. So the guard is small: an expression has limits of its size before it is parsed, of the
//! work that it takes, of the bytes that it reads, and of the bytes that it makes. Past a limit it ends with an error that names the limit.

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
pub(crate) use shape::Shape;
