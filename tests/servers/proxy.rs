//! proxy.py as a forward proxy with a password, before nginx. The address 0.0.0.0 is this machine too, but not a
//! loopback address, so opnode reaches it through the proxy.

use std::process::Command;
use std::time::Duration;

use libtest_mimic::Trial;

use crate::django::PYTHON;
use crate::nginx::front;
use crate::setup::{CommandOutput, Setup, free_port, same, told};

const RIGHT: &str = "robot:pr0xy-S3cret@";
const WRONG: &str = "robot:wr0ng-S3cret@";
const ITEM: [&str; 4] = ["mutate", "add", "--items", "[{}]"];

pub fn trials() -> Vec<Trial> {
    crate::trials(
        "proxy.py",
        &format!("PATH=$PATH:/usr/sbin; command -v nginx && {PYTHON} -c 'import proxy'"),
        vec![
            ("https goes through a tunnel", || through("https", "CONNECT 0.0.0.0")),
            ("http uses it without a tunnel", || through("http", "GET 0.0.0.0")),
            ("a wrong password is tried once, before https", || {
                refused("https", WRONG, "did not accept its user name and password")
            }),
            ("a wrong password is tried once, before http", || {
                refused("http", WRONG, "did not accept its user name and password")
            }),
            ("a missing password is named, before https", || refused("https", "", "asks for a user name and password")),
            ("a missing password is named, before http", || refused("http", "", "asks for a user name and password")),
            ("a host that it cannot reach is distinguished from a proxy that is down", beyond),
            ("NO_PROXY bypasses it", past),
            ("a connection names it, with a password from a reference", of_connection),
            ("a wrong password of a connection is tried once", refused_of_connection),
            ("a flag names it, and a connection can use none", of_flag),
        ],
    )
}

/// A proxy and its port, and the connection `far` to the server behind it.
fn proxy(scheme: &str) -> (Setup, u16) {
    let (mut setup, secure, plain) = front();
    let port = free_port();
    let mut server = Command::new("sh");
    let options = format!(
        "--hostname 127.0.0.1 --port {port} --num-workers 1 --num-acceptors 1 --basic-auth robot:pr0xy-S3cret --log-file proxy.log"
    );
    server.args(["-c", &format!("exec {PYTHON} -B -m proxy {options}")]);
    setup.serve(server, port);
    let behind = if scheme == "https" { secure } else { plain };
    setup.connections(&format!(
        "  far:\n    connector: nginx\n    url: {scheme}://0.0.0.0:{behind}\n    allow_http: true\n"
    ));
    (setup, port)
}

fn call(setup: &Setup, line: &[&str], login: &str, port: u16) -> CommandOutput {
    let mut command = setup.command(line);
    for name in ["HTTP_PROXY", "HTTPS_PROXY"] {
        command.env(name, format!("http://{login}127.0.0.1:{port}"));
    }
    told(command)
}

/// Matching lines of the proxy's log. It writes them when a connection ends, and opnode has ended by then.
fn asked(setup: &Setup, what: &str) -> usize {
    (0..100)
        .find_map(|_| {
            let count = setup.lines("proxy.log", |line| line.contains(what)).len();
            if count == 0 {
                std::thread::sleep(Duration::from_millis(50));
            }
            (count > 0).then_some(count)
        })
        .unwrap_or_default()
}

fn done(setup: &Setup) -> usize {
    setup.lines("inner.log", |line| line.starts_with("POST")).len()
}

fn through(scheme: &str, line: &str) -> Result<(), String> {
    let (setup, port) = proxy(scheme);
    // A read: over plain HTTP, this proxy duplicates the length of a body if its header is in lower case.
    same("rows", call(&setup, &["query", "list"], RIGHT, port).ended(0)?.items().len(), 1)?;
    same("requests to the proxy", asked(&setup, line), 1)
}

fn refused(scheme: &str, login: &str, says: &str) -> Result<(), String> {
    let (setup, port) = proxy(scheme);
    let line = [&ITEM[..], &["--outcomes", "outcomes.ndjson"]].concat();
    let failed = call(&setup, &line, login, port).ended(4)?;
    let variable = format!("{}_PROXY", scheme.to_uppercase());
    let failed = failed.has_stderr(&[says, &format!("the proxy 127.0.0.1:{port}"), &variable, "[connection]"])?;
    if failed.stderr.contains("S3cret") || failed.stderr.contains("did not accept the credentials") {
        return Err(failed.stderr);
    }
    same("outcomes", setup.lines("outcomes.ndjson", |line| line.contains(r#""status":"failed""#)).len(), 1)?;
    same("tries of the password", asked(&setup, "ProxyAuthenticationFailed"), 1)?;
    same("writes done", done(&setup), 0)
}

fn beyond() -> Result<(), String> {
    let (setup, port) = proxy("https");
    setup.connections("  far:\n    connector: nginx\n    url: https://far.invalid\n    limits: { attempts: 1 }\n");
    let failed = call(&setup, &["query", "list"], RIGHT, port).ended(6)?;
    failed.has_stderr(&["far.invalid cannot be reached", &format!("the proxy 127.0.0.1:{port} refused the tunnel")])?;
    let away = call(&setup, &["query", "list"], RIGHT, free_port()).ended(6)?;
    away.has_stderr(&["the proxy 127.0.0.1:", "(from HTTPS_PROXY) cannot be reached"]).map(|_| ())
}

fn past() -> Result<(), String> {
    let (setup, port) = proxy("https");
    let mut command = setup.command(&ITEM);
    command.env("HTTPS_PROXY", format!("http://{WRONG}127.0.0.1:{port}")).env("NO_PROXY", "0.0.0.0");
    told(command).ended(0)?;
    same("writes done", done(&setup), 1)
}

/// The connection `far` with this `proxy`.
fn connect(setup: &Setup, proxy: &str) {
    let text = std::fs::read_to_string(setup.path("connections.yaml")).unwrap();
    setup.write("connections.yaml", &format!("{text}    proxy: {proxy}\n"));
}

fn of_connection() -> Result<(), String> {
    let (setup, port) = proxy("https");
    connect(&setup, &format!("{{ url: 'http://127.0.0.1:{port}', username: robot, password: {{ env: PROXY_WORD }} }}"));
    let mut command = setup.command(&["query", "list"]);
    // The variable is not used.
    command.env("PROXY_WORD", "pr0xy-S3cret").env("HTTPS_PROXY", "http://127.0.0.1:9");
    same("rows", told(command).ended(0)?.items().len(), 1)?;
    same("requests to the proxy", asked(&setup, "CONNECT 0.0.0.0"), 1)
}

fn refused_of_connection() -> Result<(), String> {
    let (setup, port) = proxy("http");
    connect(&setup, &format!("{{ url: 'http://127.0.0.1:{port}', username: robot, password: wr0ng-S3cret }}"));
    let failed = setup.run(&ITEM).ended(4)?;
    let failed =
        failed.has_stderr(&["did not accept its user name and password", "from the setting `proxy`", "plain text"])?;
    same("secret", failed.stderr.contains("S3cret"), false)?;
    same("tries of the password", asked(&setup, "ProxyAuthenticationFailed"), 1)?;
    same("writes done", done(&setup), 0)
}

fn of_flag() -> Result<(), String> {
    let (setup, port) = proxy("https");
    let url = format!("http://{RIGHT}127.0.0.1:{port}");
    same("rows", setup.run(&["query", "list", "--proxy", &url]).ended(0)?.items().len(), 1)?;
    same("requests to the proxy", asked(&setup, "CONNECT 0.0.0.0"), 1)?;
    setup
        .run(&["query", "list", "--proxy", "socks5://127.0.0.1:1080"])
        .ended(4)?
        .has_stderr(&["http and https proxies only"])?;
    connect(&setup, "none");
    same("rows", setup.run(&["query", "list", "--proxy", &url]).ended(0)?.items().len(), 1)?;
    same("requests to the proxy", asked(&setup, "CONNECT 0.0.0.0"), 1)
}
