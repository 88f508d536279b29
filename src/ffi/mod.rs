//! The C ABI of `include/opnode.h`; the only unsafe code of this crate except the allocator. `exports` has its
//! functions.
//!
//! The header documents what each function does, who owns what and what may block; this is not repeated here.
#![expect(unsafe_code, reason = "pointers of C hosts are read and written here and nowhere else")]

#[cfg(panic = "abort")]
compile_error!("the C interface promises that no panic ends the host's process: build it with panic = \"unwind\"");

mod boundary;
mod call;
mod config;
mod connection;
mod discover;
mod exports;
#[cfg(all(feature = "batch", any(test, feature = "fuzzing")))]
pub(crate) mod fuzzing;
mod host;
mod json;
mod notify;
