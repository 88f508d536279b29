//! What memory a run takes: that of its pages, however many items it reads. Measured on a process of its own.
//! `ITEMS=1000000 cargo test --release --test memory -- --nocapture` tries it with a million.
#![cfg(all(feature = "cli", target_os = "linux"))]

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, ExitStatus};
use std::time::Duration;

/// More than the pages under way and the program need, in KiB; far less than the items.
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

/// Serves pages of parts until the test ends.
fn serve(items: u64) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || answer(&stream, items));
        }
    });
    format!("http://{address}")
}

fn answer(stream: &TcpStream, items: u64) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    while reader.read_line(&mut line)? > 0 {
        let page = line.split("page=").nth(1).and_then(|rest| rest.split(['&', ' ']).next()?.parse().ok()).unwrap_or(1);
        while line.trim() != "" {
            line.clear();
            reader.read_line(&mut line)?;
        }
        line.clear();
        let first = (page - 1) * PAGE + 1;
        let note = "x".repeat(300);
        let part = |id| {
            format!(
                r#"{{"id":{id},"name":"Part {id}","price":{id}.10,"kind":{{"id":2,"name":"Metal"}},"note":"{note}"}}"#
            )
        };
        let body = format!("[{}]", (first..(first + PAGE).min(items + 1)).map(part).collect::<Vec<_>>().join(","));
        let next = if first + PAGE > items {
            String::new()
        } else {
            format!("link: </api/parts?page={}>; rel=\"next\"\r\n", page + 1)
        };
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n{next}\r\n",
            body.len()
        );
        let mut stream = stream;
        stream.write_all(head.as_bytes())?;
        stream.write_all(body.as_bytes())?;
    }
    Ok(())
}

/// Waits for a process; gives the most memory that it had, in KiB.
fn watch(mut child: Child) -> (ExitStatus, u64) {
    let mut most = 0;
    loop {
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let peak = status.lines().find_map(|l| l.strip_prefix("VmHWM:")?.split_whitespace().next()?.parse().ok());
        most = most.max(peak.unwrap_or(0));
        if let Some(status) = child.try_wait().unwrap() {
            return (status, most);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn memory_is_that_of_the_pages() {
    let items: u64 = std::env::var("ITEMS").ok().and_then(|n| n.parse().ok()).unwrap_or(60_000);
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("batch.yaml"), BATCH.replace("SITE", &serve(items))).unwrap();
    let child = Command::new(env!("CARGO_BIN_EXE_opnode"))
        .args(["run", "batch.yaml", "--quiet", "--definitions"])
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/definitions"))
        .current_dir(folder.path())
        .env("HOME", folder.path())
        .spawn();
    let (status, most) = watch(child.unwrap());
    assert!(status.success(), "{status}");
    let rows = BufReader::new(std::fs::File::open(folder.path().join("out/parts.csv")).unwrap()).lines().count() as u64;
    println!("{items} items, {rows} lines, {} MiB", most >> 10);
    assert_eq!(rows, items - items / 10 + 1);
    assert!(most > 0 && most < MEMORY_MAX, "{most} KiB");
}
