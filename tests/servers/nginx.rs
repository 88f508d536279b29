//! nginx as a proxy with HTTP/2 over TLS: few streams and few requests per connection, reloads during writes, and a
//! rate limit.

use std::process::Command;
use std::time::Duration;

use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::setup::{CommandOutput, Setup, free_port, same, source, told};

pub fn trials() -> Vec<Trial> {
    crate::trials(
        "nginx",
        "PATH=$PATH:/usr/sbin; command -v nginx",
        vec![
            ("200 POSTs over connections of five requests are done once each", || writes("add", "POST", Reloads::None)),
            ("200 POSTs while it reloads are done once each", || writes("add", "POST", Reloads::Many)),
            ("200 PUTs while it reloads are done once each", || writes("put", "PUT", Reloads::Many)),
            ("200 POSTs without a body are done once each", || writes("touch", "POST", Reloads::None)),
            ("200 deletes while it reloads are all done", || writes("remove", "DELETE", Reloads::Many)),
            ("writes further apart than its keep-alive are done once each", apart),
            ("a request limit without Retry-After is retried", limited),
            ("a private authority is trusted as the error says", authority),
            ("a 401 to a request without credentials names the requested scheme", unsigned),
        ],
    )
}

/// The proxy with the connection `front`; its port, and that of the inner server with plain HTTP.
pub fn front() -> (Setup, u16, u16) {
    let mut setup = Setup::new("nginx");
    setup.certify();
    let (secure, plain) = (free_port(), free_port());
    let text = std::fs::read_to_string(source("nginx").join("nginx.conf")).unwrap();
    let text = text.replace("FOLDER", &setup.folder()).replace("SECURE", &secure.to_string());
    setup.write("nginx.conf", &text.replace("PLAIN", &plain.to_string()));
    setup.write("nobody", "");
    let mut nginx = Command::new("sh");
    nginx.args(["-c", "PATH=$PATH:/usr/sbin; exec nginx -e error.log -p . -c nginx.conf"]);
    setup.serve(nginx, secure);
    connect(&setup, secure, "{ concurrency: 4 }");
    (setup, secure, plain)
}

fn connect(setup: &Setup, port: u16, limits: &str) {
    setup.connections(&format!(
        "  front:\n    connector: nginx\n    url: https://127.0.0.1:{port}\n    limits: {limits}\n"
    ));
}

#[derive(Clone, Copy, PartialEq)]
enum Reloads {
    None,
    Many,
}

const COUNT: usize = 200;

/// 200 writes, eight at a time. None may be sent twice, lost or reported as unknown; failed connections do not count as
/// attempts.
fn writes(operation: &str, verb: &str, reloads: Reloads) -> Result<(), String> {
    let (setup, port, _) = front();
    connect(&setup, port, "{ concurrency: 8, attempts: 2 }");
    let items: String = (0..COUNT).map(|id| format!("{}\n", json!({"id": id}))).collect();
    setup.write("items.ndjson", &items);
    let method = if operation == "remove" { "delete" } else { "mutate" };
    let command = setup.command(&[
        method,
        operation,
        "--items",
        "@items.ndjson",
        "--outcomes",
        "outcomes.ndjson",
        "--receipt",
        "receipt.json",
    ]);
    let running = std::thread::spawn(move || told(command));
    while !running.is_finished() {
        if reloads == Reloads::Many {
            setup.server().signal(rustix::process::Signal::HUP);
        }
        std::thread::sleep(Duration::from_millis(150));
    }
    judge(&setup, running.join().unwrap(), verb)
}

fn judge(setup: &Setup, told: CommandOutput, verb: &str) -> Result<(), String> {
    let outcomes = setup.lines("outcomes.ndjson", |_| true);
    let statuses: Vec<Value> =
        outcomes.iter().map(|line| serde_json::from_str::<Value>(line).unwrap()["status"].clone()).collect();
    let bad = statuses.iter().filter(|s| *s != "ok").count();
    if bad > 0 || statuses.len() != COUNT {
        return Err(format!(
            "{bad} of {} outcomes are not ok:\n{}\n{}",
            statuses.len(),
            told.stdout.lines().count(),
            told.stderr
        ));
    }
    let told = told.ended(0)?;
    same("writes done", setup.lines("inner.log", |line| line.starts_with(verb)).len(), COUNT)
        .map_err(|e| format!("{e}\n{}", told.stderr))
}

fn apart() -> Result<(), String> {
    let (setup, port, _) = front();
    connect(&setup, port, "{ concurrency: 1, attempts: 1, rate: { requests: 1, per_s: 2 } }");
    setup.run(&["mutate", "add", "--items", "[{},{},{}]"]).ended(0)?;
    same("writes done", setup.lines("inner.log", |line| line.starts_with("POST")).len(), 3)
}

/// Twelve requests at once; five per second are served.
fn limited() -> Result<(), String> {
    let (setup, _, _) = front();
    let calls: Vec<_> =
        (0..12).map(|_| setup.command(&["query", "busy"])).map(|c| std::thread::spawn(move || told(c))).collect();
    for call in calls {
        call.join().unwrap().ended(0)?;
    }
    match setup.lines("front.log", |line| line.ends_with("503")).len() {
        0 => Err("the limit was never met".to_owned()),
        _ => Ok(()),
    }
}

/// Follows the advice of the error: either variable makes the same call succeed.
fn authority() -> Result<(), String> {
    let (setup, _, _) = front();
    let mut unknown = setup.command(&["query", "list"]);
    unknown.env_remove("SSL_CERT_FILE");
    told(unknown).ended(6)?.has_stderr(&["UnknownIssuer", "SSL_CERT_FILE", "SSL_CERT_DIR"])?;
    same("requests", setup.lines("front.log", |_| true).len(), 0)?;
    setup.run(&["query", "list"]).ended(0)?;
    std::fs::create_dir(setup.path("authorities")).unwrap();
    std::fs::copy(setup.path("ca.pem"), setup.path("authorities/own.pem")).unwrap();
    let mut by_folder = setup.command(&["query", "list"]);
    by_folder.env_remove("SSL_CERT_FILE").env("SSL_CERT_DIR", "authorities");
    told(by_folder).ended(0).map(|_| ())
}

fn unsigned() -> Result<(), String> {
    let (setup, _, _) = front();
    setup.run(&["query", "private"]).ended(4)?.has_stderr(&["requires authentication", "Basic", "`auth: none`"])?;
    same("requests", setup.lines("front.log", |line| line.ends_with("401")).len(), 1)
}
