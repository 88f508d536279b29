//! The built `opnode` against servers that others wrote, on loopback. What counts is what the server itself wrote down. A server that is not installed is skipped
//! by name; `.ci/run` installs them all. `cargo test --test servers -- nginx` runs the trials of one.
//!
//! npm's packages are looked for where NODE_PATH says, Python's by the interpreter that SERVERS_PYTHON names.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

use std::process::Command;

use libtest_mimic::{Arguments, Failed, Trial};

#[expect(dead_code, reason = "a part of what it can do is enough here")]
mod cleanup;
#[path = "servers/django.rs"]
mod django;
#[path = "servers/ground.rs"]
mod ground;
#[path = "servers/json_server.rs"]
mod json_server;
#[path = "servers/nginx.rs"]
mod nginx;
#[path = "servers/oidc.rs"]
mod oidc;
#[path = "servers/prism.rs"]
mod prism;
#[path = "servers/proxy.rs"]
mod proxy;

fn main() {
    let mut arguments = Arguments::from_args();
    // Each starts programs of its own.
    arguments.test_threads = arguments.test_threads.or(Some(2));
    let trials =
        [django::trials(), json_server::trials(), nginx::trials(), oidc::trials(), prism::trials(), proxy::trials()];
    libtest_mimic::run(&arguments, trials.into_iter().flatten().collect()).exit();
}

/// A server's trials: their names, and what they do.
type Facts = Vec<(&'static str, fn() -> Result<(), String>)>;

/// The trials of a server, passed over when the command that looks for it fails.
fn trials(server: &str, needs: &str, facts: Facts) -> Vec<Trial> {
    let there = cleanup::Program::output(Command::new("sh").args(["-c", needs])).is_ok_and(|o| o.status.success());
    if !there {
        eprintln!("{server} is not installed: its trials are skipped ({needs})");
    }
    let kind = if there { String::new() } else { format!("needs {server}") };
    let trial = |(fact, run): (&str, fn() -> Result<(), String>)| {
        Trial::test(format!("{server}: {fact}"), move || run().map_err(Failed::from))
            .with_kind(kind.clone())
            .with_ignored_flag(!there)
    };
    facts.into_iter().map(trial).collect()
}
