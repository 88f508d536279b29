//! The sandbox with the engine, over real sockets; and the sandbox with a client that is independent of opnode.
#![cfg(feature = "sandbox")]

mod faults;
mod packs;
mod play;
mod raw;
mod requests;
mod shipped;
mod systems;
mod templates;
mod terms;
mod tokens;
mod unsorted;
mod walks;
