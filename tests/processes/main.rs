//! The built `opnode` as a process: its requests, its memory, its end, and its secrets.

#[path = "../cleanup/mod.rs"]
#[expect(dead_code, reason = "only a part of it is used here")]
mod cleanup;
#[path = "../server/mod.rs"]
#[expect(dead_code, unused_imports, reason = "only a part of it is used here")]
mod server;

mod digits;
mod ends;
mod jobs;
#[cfg(target_os = "linux")]
mod memory;
mod redaction;
