//! The built `opnode` as a process: what it sends, how much memory it takes, that it ends when it should, and that it shows no secret.

#[path = "../cleanup/mod.rs"]
#[expect(dead_code, reason = "a part of what it can do is enough here")]
mod cleanup;
#[path = "../server/mod.rs"]
#[expect(dead_code, unused_imports, reason = "a part of what it can do is enough here")]
mod server;

mod digits;
mod ends;
#[cfg(target_os = "linux")]
mod memory;
mod redaction;
