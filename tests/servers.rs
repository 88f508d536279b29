//! The built `opnode` against third-party servers on loopback. The servers' own logs are compared. Servers that are not
//! installed are skipped and listed; `.ci/run` installs them all. `cargo test --test servers -- nginx` runs the trials
//! of one.
//!
//! NODE_PATH is where npm packages are searched for, SERVERS_PYTHON names the Python interpreter.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

use std::process::Command;

use libtest_mimic::{Arguments, Failed, Trial};

#[expect(dead_code, reason = "only a part of it is used here")]
mod cleanup;
#[path = "servers/django.rs"]
mod django;
#[path = "servers/express.rs"]
mod express;
#[path = "servers/graphql.rs"]
mod graphql;
#[path = "servers/json_server.rs"]
mod json_server;
#[path = "servers/nginx.rs"]
mod nginx;
#[path = "servers/oidc.rs"]
mod oidc;
#[path = "servers/own_certificates.rs"]
mod own_certificates;
#[path = "servers/prism.rs"]
mod prism;
#[path = "servers/proxy.rs"]
mod proxy;
#[path = "servers/s3.rs"]
mod s3;
#[path = "servers/setup.rs"]
mod setup;
#[path = "servers/sign_ins.rs"]
mod sign_ins;

fn main() {
    let mut arguments = Arguments::from_args();
    // Each trial starts programs of its own.
    arguments.test_threads = arguments.test_threads.or(Some(2));
    let trials = [
        django::trials(),
        express::trials(),
        graphql::trials(),
        json_server::trials(),
        nginx::trials(),
        oidc::trials(),
        own_certificates::trials(),
        prism::trials(),
        proxy::trials(),
        s3::trials(),
        sign_ins::trials(),
    ];
    libtest_mimic::run(&arguments, trials.into_iter().flatten().collect()).exit();
}

/// A server's trials: names and functions.
type Facts = Vec<(&'static str, fn() -> Result<(), String>)>;

/// The trials of a server; skipped when the command that detects it fails.
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
