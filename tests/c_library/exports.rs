//! The shared library for tests of C hosts. `cargo test` builds it with the tests, from the same objects; a separate
//! build as in `docs/embedding.md` would compile half of all crates again.

/// The allocator that the feature `wipe` sets in a separate build.
#[cfg(not(feature = "wipe"))]
#[global_allocator]
static WIPING: opnode::Wiping = opnode::Wiping;

#[cfg(feature = "wipe")]
use opnode as _;
