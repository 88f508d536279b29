//! The memory of a run depends on the size of a page, not on the number of items. Measured on a separate process.
//! `ITEMS=1000000 cargo test --release --test processes memory -- --nocapture` tries a million.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, ExitStatus};
use std::time::Duration;

use crate::cleanup::{self, Program};
use crate::server::{Act, JSON, Server, reply};

/// In KiB: more than the program and its pages in flight need, and much less than all items.
const MEMORY_MAX: u64 = 160 << 10;
const PAGE: u64 = 1000;

const BATCH: &str = r#"
version: 1
name: many
connections: { here: { connector: depot, siteUrl: "SITE", user: robot, apiKey: key } }
steps:
  - id: parts
    query: listParts
    where: ${{ item.id % 10 != 0 }}
    map: { id: "${{ item.id }}", name: "${{ item.name | upper }}", kind: "${{ item.kind.name }}", price: "${{ item.price }}" }
    save: out/parts.csv
"#;

/// A page with this many parts.
fn page(items: u64, number: u64) -> Act {
    let first = (number - 1) * PAGE + 1;
    let note = "x".repeat(300);
    let part = |id| {
        format!(r#"{{"id":{id},"name":"Part {id}","price":{id}.10,"kind":{{"id":2,"name":"Metal"}},"note":"{note}"}}"#)
    };
    let body = format!("[{}]", (first..(first + PAGE).min(items + 1)).map(part).collect::<Vec<_>>().join(","));
    let next = format!("Link: </api/parts?page={}>; rel=\"next\"\r\n", number + 1);
    reply("200 OK", &format!("{JSON}{}", if first + PAGE > items { "" } else { &next }), body)
}

/// Waits for a program; returns its peak memory in KiB.
fn watch(mut program: Program) -> (ExitStatus, u64) {
    let mut most = 0;
    loop {
        let status = std::fs::read_to_string(format!("/proc/{}/status", program.id())).unwrap_or_default();
        let peak = status.lines().find_map(|l| l.strip_prefix("VmHWM:")?.split_whitespace().next()?.parse().ok());
        most = most.max(peak.unwrap_or(0));
        if let Some(status) = program.status() {
            return (status, most);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn memory_depends_on_the_page_size_only() {
    let items: u64 = std::env::var("ITEMS").ok().and_then(|n| n.parse().ok()).unwrap_or(60_000);
    let folder = cleanup::folder();
    let server = Server::answering(move |request| page(items, request.query("page").map_or(1, |n| n.parse().unwrap())));
    std::fs::write(folder.path().join("batch.yaml"), BATCH.replace("SITE", &server.url())).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_opnode"));
    command
        .args(["run", "batch.yaml", "--quiet", "--definitions"])
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/definitions"))
        .current_dir(folder.path())
        .env("HOME", folder.path());
    let (status, most) = watch(Program::start(&mut command).unwrap());
    assert!(status.success(), "{status}");
    let rows = BufReader::new(std::fs::File::open(folder.path().join("out/parts.csv")).unwrap()).lines().count() as u64;
    println!("{items} items, {rows} lines, {} MiB", most >> 10);
    assert_eq!(rows, items - items / 10 + 1);
    assert!(most > 0 && most < MEMORY_MAX, "{most} KiB");
}
