//! Django REST framework: its three paginations, and writes, counted in its log.

use std::process::Command;

use libtest_mimic::Trial;
use serde_json::json;

use crate::setup::{Setup, free_port, ids, same, source};

/// The interpreter with the packages of these tests.
pub const PYTHON: &str = "${SERVERS_PYTHON:-python3}";

pub fn trials() -> Vec<Trial> {
    crate::trials(
        "django",
        &format!("{PYTHON} -c 'import django, rest_framework'"),
        vec![
            ("PageNumberPagination returns each row once", || walk("number", 25)),
            ("PageNumberPagination with full pages returns each row once", || walk("number", 30)),
            ("PageNumberPagination without rows is an empty list", || walk("number", 0)),
            ("its next links return each row once", || walk("next", 30)),
            ("LimitOffsetPagination returns each row once", || walk("offset", 25)),
            ("LimitOffsetPagination with full pages returns each row once", || walk("offset", 30)),
            ("CursorPagination returns each row once", || walk("cursor", 25)),
            ("CursorPagination with full pages returns each row once", || walk("cursor", 30)),
            ("creates, changes and deletes are each done once", writes),
            ("the error of a refused record has the server's own message", refused),
        ],
    )
}

/// A store with this many things, and the name of the server's log.
fn things(count: usize) -> (Setup, String) {
    let mut setup = Setup::new("django");
    let port = free_port();
    let app = source("django").join("app.py");
    let mut server = Command::new("sh");
    server.args(["-c", &format!("exec {PYTHON} -B \"$0\" {port} {count}"), app.to_str().unwrap()]);
    setup.serve(server, port);
    setup.connections(&format!(
        "  things:\n    connector: django\n    url: http://127.0.0.1:{port}\n    limits: {{ concurrency: 4 }}\n"
    ));
    (setup, format!("server-{port}.log"))
}

fn walk(operation: &str, count: usize) -> Result<(), String> {
    let (setup, _) = things(count);
    let told = setup.run(&["query", operation, "--receipt", "receipt.json"]).ended(0)?;
    same("ids", ids(&told), (1..=count as u64).collect())?;
    same("complete", setup.json("receipt.json")["complete"].clone(), json!(true))
}

fn writes() -> Result<(), String> {
    let (setup, log) = things(10);
    let lines = |range: std::ops::RangeInclusive<u64>, name: &str| {
        range.map(|id| format!("{}\n", json!({"id": id, "name": name}))).collect::<String>()
    };
    setup.write("new.ndjson", &lines(11..=50, "new"));
    setup.write("changed.ndjson", &lines(1..=10, "changed"));
    setup.write("gone.ndjson", &lines(31..=50, ""));
    setup.run(&["mutate", "add", "--items", "@new.ndjson"]).ended(0)?;
    setup.run(&["mutate", "put", "--items", "@changed.ndjson"]).ended(0)?;
    setup.run(&["delete", "remove", "--items", "@gone.ndjson"]).ended(0)?;
    for (verb, status, count) in [("POST", 201, 40), ("PUT", 200, 10), ("DELETE", 204, 20)] {
        let lines = setup.lines(&log, |line| line.contains(&format!("\"{verb} ")));
        same(
            verb,
            (lines.len(), lines.iter().filter(|l| l.contains(&format!("\" {status} "))).count()),
            (count, count),
        )?;
    }
    same("rows", ids(&setup.run(&["query", "next"]).ended(0)?), (1..=30).collect())
}

fn refused() -> Result<(), String> {
    let (setup, log) = things(1);
    let told = setup
        .run(&["mutate", "add", "--items", r#"[{"name":""}]"#])
        .ended(5)?
        .has_stderr(&["(400)", "may not be blank"])?;
    same("records", told.items().len(), 0)?;
    same("POSTs", setup.lines(&log, |line| line.contains("\"POST ")).len(), 1)
}
