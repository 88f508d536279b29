//! A collector that is down, slow or hostile changes neither the result nor the exit code; there is one warning.

use std::path::Path;
use std::process::Output;
use std::time::Duration;

use crate::cleanup;
use crate::server::{Act, Server, Step, head_and, reply, silence};
use crate::system;

fn run(variables: &[(&str, &str)]) -> (Output, usize, Vec<u8>) {
    let (system, folder) = (system::start(), cleanup::folder());
    system::write(folder.path(), &system, &["acme"], "");
    let output = system::run(folder.path(), variables);
    (output, system.seen(), rows(folder.path()))
}

/// The rows that the run has stored.
fn rows(folder: &Path) -> Vec<u8> {
    let spool = folder.join(".opnode/runs/nightly/spool/main");
    let rows = ["read", "write"].map(|step| std::fs::read(spool.join(format!("{step}.ndjson"))).unwrap());
    assert!(rows.iter().all(|rows| !rows.is_empty()));
    rows.concat()
}

#[test]
fn the_result_is_the_same() {
    let (plain, requests, rows) = run(&[]);
    let mut down = Server::start(vec![silence(Step::Close)]);
    down.close();
    let forever = Act::Answer(vec![
        Step::Send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec()),
        Step::Forever(b"4000\r\n".iter().copied().chain([0; 0x4000]).chain(*b"\r\n").collect(), Duration::ZERO),
    ]);
    let away = reply("307 Away", "Location: http://127.0.0.1:1/v1/traces\r\n", "");
    let wait = reply("429 Wait", "Retry-After: 3600\r\n", "");
    let junk = Act::Answer(vec![Step::Send(head_and("400 No", "", &[0xff; 4096]))]);
    let collectors = [
        ("down", down),
        ("hangs", Server::start(vec![silence(Step::Hang)])),
        ("deaf", Server::start(vec![Act::Deaf])),
        ("resets", Server::start(vec![Act::Refuse])),
        ("endless", Server::start(vec![forever])),
        ("redirects", Server::start(vec![away])),
        ("waits", Server::start(vec![wait])),
        ("refuses", Server::start(vec![junk])),
    ];
    // Some take as long as the end of a process waits at most.
    std::thread::scope(|scope| {
        for (name, collector) in &collectors {
            let (plain, rows) = (&plain, &rows);
            scope.spawn(move || {
                let (output, seen, own) = run(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url())]);
                let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
                assert_eq!(
                    (output.status.code(), &output.stdout),
                    (plain.status.code(), &plain.stdout),
                    "{name}: {stderr}"
                );
                assert_eq!((seen, &own), (requests, rows), "{name}");
                let warnings: Vec<&str> = stderr.lines().filter(|line| line.contains("telemetry")).collect();
                assert_eq!(warnings.len(), 1, "{name}: {stderr}");
                assert!(warnings[0].contains("10 of 10 spans could not be delivered"), "{name}: {warnings:?}");
                assert!(warnings[0].contains("metrics could not be delivered"), "{name}: {warnings:?}");
            });
        }
    });
}

#[test]
fn a_setting_that_cannot_be_used_is_a_warning() {
    let (plain, ..) = run(&[]);
    let variables = [("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1"), ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")];
    let (output, ..) = run(&variables);
    assert_eq!((output.status.code(), &output.stdout), (plain.status.code(), &plain.stdout));
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    let warnings: Vec<&str> = stderr.lines().filter(|line| line.contains("telemetry")).collect();
    assert_eq!(warnings.len(), 1, "{stderr}");
    assert!(warnings[0].contains("OTEL_EXPORTER_OTLP_PROTOCOL is grpc"), "{stderr}");
}
