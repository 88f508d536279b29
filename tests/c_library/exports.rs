//! The shared library for the tests of C hosts. `cargo test` builds it together with the tests, from the same objects; a build of the library alone, as
//! `docs/embedding.md` shows it, would compile half of all crates anew.

/// What the feature `wipe` sets in a build of the library alone.
#[cfg(not(feature = "wipe"))]
#[global_allocator]
static WIPING: opnode::Wiping = opnode::Wiping;

#[cfg(feature = "wipe")]
use opnode as _;
