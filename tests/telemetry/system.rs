//! The system that is called: it fails once, and refuses one item. With the command that runs a batch over it.

use std::path::Path;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::cleanup::Program;
use crate::server::{Act, JSON, Request, Server, json, reply};

pub const PASSWORD: &str = "S3cret&Pass word";
/// A value of an option; not a secret, but the value of a query.
pub const WHO: &str = "jane-of-accounting";

const CONNECTOR: &str = "
version: 2
connector: acme
title: Acme
connection: { url: { type: string, format: uri }, user: { type: string }, password: { type: string, secret: true } }
base_url: '{url}'
auth: { basic: { username: '{user}', password: '{password}' } }
HEADERS
";

const OPERATIONS: &str = "
version: 2
operations:
  listThings: { title: L, method: query, request: GET /things, options: { who: { type: string }, key: { type: string, secret: true } }, paging: none, response: { result: list } }
  addThing: { title: A, method: mutate, request: POST /things, items: { send: each }, response: { result: object } }
";

const BATCH: &str = "
version: 1
name: nightly
CONNECTIONS
steps:
  - { id: read, query: listThings, options: { who: jane-of-accounting } }
  - { id: write, mutate: addThing, items: \"${{ steps.read.items }}\", on_error: continue }
";

/// 503 for the first request, then three things; the second of them is refused.
pub fn start() -> Server {
    let has_failed = AtomicBool::new(false);
    Server::answering(move |request: &Request| answer(request, &has_failed))
}

fn answer(request: &Request, has_failed: &AtomicBool) -> Act {
    if !has_failed.swap(true, Ordering::SeqCst) {
        return reply("503 Busy", "", "");
    }
    if request.call().starts_with("GET") {
        return json(r#"[{"id":1},{"id":2},{"id":3}]"#);
    }
    match request.text().contains("2") {
        true => reply("422 No", JSON, "{}"),
        false => reply("201 Created", JSON, request.text()),
    }
}

/// Writes the files of a batch over the system. Each name is a connection; two make a matrix.
pub fn write(folder: &Path, system: &Server, names: &[&str], headers: &str) {
    let write = |name: &str, text: String| {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write("definitions/operations/acme/connector.yaml", CONNECTOR.replace("HEADERS", headers));
    write("definitions/operations/acme/things.yaml", OPERATIONS.to_owned());
    let connection = |name: &&str| {
        let values = format!("url: {}, user: robot, password: \"{PASSWORD}\"", system.url());
        format!("  {name}: {{ connector: acme, {values} }}\n")
    };
    let all: String = names.iter().map(connection).collect();
    write("connections.yaml", format!("version: 1\nconnections:\n{all}"));
    let used = match names {
        [one] => format!("connection: {one}"),
        several => format!("matrix: {{ connection: [{}] }}", several.join(", ")),
    };
    write("nightly.yaml", BATCH.replace("CONNECTIONS", &used));
}

/// The command line in this folder, with these variables.
pub fn opnode(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_opnode"));
    command.current_dir(folder).args(["--connections", "connections.yaml"]).args(arguments);
    let inherited = std::env::vars_os().map(|(name, _)| name);
    let own = inherited
        .filter(|name| name.to_string_lossy().starts_with("OTEL_") || name.to_string_lossy().starts_with("TRACE"));
    own.for_each(|name| {
        command.env_remove(name);
    });
    command.envs(variables.iter().copied());
    Program::output(&mut command).unwrap()
}

/// Runs the batch.
pub fn run(folder: &Path, variables: &[(&str, &str)]) -> Output {
    opnode(folder, &["run", "nightly.yaml"], variables)
}
