//! The sandbox and the engine against each other, over real sockets; and the sandbox against a client that knows nothing of opnode.
#![cfg(feature = "sandbox")]

mod faults;
mod packs;
mod play;
mod raw;
mod requests;
mod shipped;
mod terms;
mod tokens;
mod unsorted;
mod walks;
