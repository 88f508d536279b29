//! What was typed: commands and flags, nothing else. What they mean is decided elsewhere; nothing here reads a file.

pub(crate) mod call;
pub(crate) mod command;
