//! Expressions: `${{ … }}` in batch files, parsed, guarded and evaluated. Reads no file and calls no system.

pub(crate) mod budget;
pub(crate) mod expr;
pub(crate) mod filters;
pub(crate) mod lexer;
pub(crate) mod record;
pub(crate) mod scope;
