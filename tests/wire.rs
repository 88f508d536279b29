//! opnode against hostile and broken servers, over loopback sockets. Every trial is named by its row in the failure
//! catalogue of `docs/reliability.md` and the fact that it shows; `cargo test --test wire -- 05` runs one row.
//!
//! The program starts itself again with an environment that names its own certificate authority as the system's, and a
//! proxy that must not be used. All log output, at the highest level, is searched for the planted credentials.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

#[path = "wire/acme.rs"]
mod acme;
#[path = "wire/case.rs"]
mod case;
#[expect(dead_code, reason = "only a part of it is used here")]
mod cleanup;
#[path = "wire/downloads.rs"]
mod downloads;
#[path = "wire/form.rs"]
mod form;
#[path = "wire/inject.rs"]
mod inject;
#[path = "wire/limits.rs"]
mod limits;
#[path = "wire/network.rs"]
mod network;
#[path = "wire/orderly.rs"]
mod orderly;
#[path = "wire/paging.rs"]
mod paging;
#[path = "wire/part.rs"]
mod part;
#[path = "wire/retries.rs"]
mod retries;
#[expect(dead_code, reason = "only a part of it is used here")]
mod server;
#[path = "wire/stage.rs"]
mod stage;
mod table;
#[path = "wire/tables.rs"]
mod tables;
#[path = "wire/tls.rs"]
mod tls;
#[path = "wire/token_echoes.rs"]
mod token_echoes;
#[path = "wire/token_errors.rs"]
mod token_errors;
#[path = "wire/token_places.rs"]
mod token_places;
#[path = "wire/tokens.rs"]
mod tokens;
#[path = "wire/waits.rs"]
mod waits;
#[path = "wire/writes.rs"]
mod writes;

use std::io::Write;
use std::process::{Command, ExitCode};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use cleanup::Program;
use libtest_mimic::Arguments;
use tracing_subscriber::filter::LevelFilter;

fn main() -> ExitCode {
    if std::env::var_os(tls::FOLDER).is_some() { trials() } else { in_own_environment() }
}

/// Maximum time of all trials.
const PATIENCE: Duration = Duration::from_secs(3600);

fn in_own_environment() -> ExitCode {
    let folder = cleanup::folder();
    tls::create_authority(folder.path());
    let proxy = server::Server::answering(tls::proxy_answer);
    let proxy_url = format!("http://{}@{}", tls::PROXY_USER, proxy.address);
    let mut own = Command::new(std::env::current_exe().unwrap());
    own.args(std::env::args_os().skip(1))
        .env(tls::FOLDER, folder.path())
        .env("SSL_CERT_FILE", folder.path().join("ca.pem"));
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
        own.env(name, &proxy_url).env(name.to_lowercase(), &proxy_url);
    }
    own.env_remove("SSL_CERT_DIR").env_remove("NO_PROXY").env_remove("no_proxy");
    let status = Program::start(&mut own).unwrap().ended(PATIENCE);
    let unasked: Vec<String> =
        proxy.requests().into_iter().map(|r| r.line).filter(|line| !line.contains(tls::PROXIED)).collect();
    if !unasked.is_empty() {
        eprintln!("08: the proxy was used unasked: {unasked:#?}");
        return ExitCode::FAILURE;
    }
    if status.is_some_and(|status| status.success()) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn trials() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // The tests mostly wait.
    arguments.test_threads = arguments.test_threads.or(Some(32));
    tracing_subscriber::fmt().with_max_level(LevelFilter::TRACE).with_ansi(false).with_writer(Mutex::new(Log)).init();
    let all = [
        form::trials(),
        downloads::trials(),
        network::trials(),
        limits::trials(),
        waits::trials(),
        retries::trials(),
        paging::trials(),
        writes::trials(),
        inject::trials(),
        tls::trials(),
        orderly::trials(),
        token_places::trials(),
        token_echoes::trials(),
        token_errors::trials(),
    ];
    let conclusion = libtest_mimic::run(&arguments, all.into_iter().flatten().collect());
    let lines = LINES.load(Ordering::Relaxed);
    let leaks = LEAKS.lock().unwrap();
    println!("64: {lines} lines were logged, {} of them with a credential", leaks.len());
    leaks.iter().take(5).for_each(|leak| println!("{leak}"));
    if conclusion.has_failed() || !leaks.is_empty() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

static LINES: AtomicUsize = AtomicUsize::new(0);
static LEAKS: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Receives the log, and keeps lines with credentials.
struct Log;

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        LINES.fetch_add(1, Ordering::Relaxed);
        if let Err(leak) = acme::check_secrets(&String::from_utf8_lossy(bytes)) {
            LEAKS.lock().unwrap().push(leak);
        }
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
