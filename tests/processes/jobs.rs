//! A batch that is killed while a system works at its job goes on asking for the state; nothing is submitted twice.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::cleanup::{self, Program};
use crate::server::{Act, JSON, Request, Server, Step, json, reply, silence};

/// Maximum time until a program has done what is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

const CONNECTOR: &str = r#"
version: 2
connector: acme-exports
title: Acme Exports
connection: { url: { type: string, format: uri } }
base_url: "{url}"
auth: none
"#;

const OPERATIONS: &str = r#"
version: 2
operations:
  exportRows:
    title: Export rows
    method: query
    request: POST /exports
    options: { since: { type: string, in: body } }
    job:
      id: /id
      poll: GET /exports/{job}
      every_s: 1
      done: { at: /status, is: done }
      failed: { at: /status, is: failed }
      result: GET /exports/{job}/rows
    paging: none
    response: { result: list, items: /rows }
  importRow:
    title: Import a row
    method: mutate
    request: POST /imports
    items: { send: each, schema: { type: object } }
    job: { id: /id, poll: "GET /imports/{job}", every_s: 1, done: { at: /status, is: done }, failed: { at: /status, is: failed } }
    response: { result: object, items: /record }
  importRows:
    title: Import several rows
    method: mutate
    request: POST /imports
    items: { send: { chunk: 2 }, schema: { type: object } }
    job: { id: /id, poll: "GET /imports/{job}", every_s: 1, done: { at: /status, is: done } }
    response: { result: none }
  exportPages:
    title: Export rows in pages
    method: query
    request: POST /exports
    job: { id: /id, poll: "GET /exports/{job}", every_s: 1, done: { at: /status, is: done }, result: "GET /exports/{job}/pages" }
    paging: { number: { page: { query: page }, end: { total_pages: /pages } } }
    response: { result: list, items: /rows }
"#;

const READS: &str = "
version: 1
name: told
connection: acme
steps:
  - { id: rows, query: exportRows, options: { since: '2026-01-01' }, save: saved.ndjson }
";

const WRITES: &str = "
version: 1
name: told
connection: acme
steps:
  - { id: rows, mutate: importRow, items: [{ n: 1 }, { n: 2 }, { n: 3 }], save: saved.ndjson }
";

const CHUNKS: &str = "
version: 1
name: told
connection: acme
steps:
  - { id: rows, mutate: importRows, items: [{ n: 1 }, { n: 2 }, { n: 3 }, { n: 4 }, { n: 5 }] }
";

const PAGES: &str = "
version: 1
name: told
connection: acme
steps:
  - { id: rows, query: exportPages, save: saved.ndjson }
";

/// A system whose jobs take until `released`; the import of the first row is done at once. It can keep silent at a
/// submission.
struct System {
    server: Server,
    released: Arc<AtomicBool>,
    silent: Arc<AtomicBool>,
}

fn system() -> System {
    let (released, silent) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let (done, mute) = (Arc::clone(&released), Arc::clone(&silent));
    let server =
        Server::answering(move |request| answer(request, done.load(Ordering::SeqCst), mute.load(Ordering::SeqCst)));
    System { server, released, silent }
}

fn answer(request: &Request, released: bool, silent: bool) -> Act {
    let accepted = |id: &str| reply("202 Accepted", JSON, json!({ "id": id }).to_string());
    let number = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    match request.call() {
        call if call.starts_with("POST ") && silent => silence(Step::Hang),
        "POST /exports" => accepted("e7"),
        "POST /imports" => accepted(&format!("i{}", number(&request.text()))),
        "GET /exports/e7/pages?page=1" => json(json!({"rows": [{"id": 1}], "pages": 2}).to_string()),
        "GET /exports/e7/pages?page=2" => json(json!({"rows": [{"id": 2}], "pages": 2}).to_string()),
        "GET /exports/e7/rows" => json(json!({"rows": [{"id": 1}, {"id": 2}]}).to_string()),
        call => {
            let is_done = released || call == "GET /imports/i1";
            let status = if is_done { "done" } else { "running" };
            json(json!({"status": status, "record": {"id": number(call)}}).to_string())
        }
    }
}

impl System {
    /// Number of requests of this verb and path.
    fn seen(&self, call: &str) -> usize {
        self.server.requests().iter().filter(|request| request.call() == call).count()
    }
}

/// A folder with the connector, a connection with these limits, and a batch file.
fn folder(system: &System, limits: &str, batch: &str) -> tempfile::TempDir {
    let folder = cleanup::folder();
    let own = folder.path().join("definitions/operations/acme-exports");
    std::fs::create_dir_all(&own).unwrap();
    std::fs::write(own.join("connector.yaml"), CONNECTOR).unwrap();
    std::fs::write(own.join("operations.yaml"), OPERATIONS).unwrap();
    connect(folder.path(), system, limits);
    std::fs::write(folder.path().join("batch.yaml"), batch).unwrap();
    folder
}

fn connect(folder: &Path, system: &System, limits: &str) {
    let connections = format!(
        "version: 1\nconnections:\n  acme: {{ connector: acme-exports, url: '{}', limits: {limits} }}\n",
        system.server.url()
    );
    std::fs::write(folder.join("connections.yaml"), connections).unwrap();
}

fn run(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_opnode"));
    command.args(["run", "batch.yaml"]).current_dir(folder).env_clear().env("HOME", folder).stdin(Stdio::null());
    command
}

/// Starts the batch, and kills it when this holds.
fn killed(folder: &Path, when: impl Fn() -> bool) {
    let status = stopped(folder, Signal::KILL, when);
    assert!(status.code().is_none(), "it is not killed: {status}");
}

/// Starts the batch, and sends it a signal when this holds.
fn stopped(folder: &Path, signal: Signal, when: impl Fn() -> bool) -> std::process::ExitStatus {
    let told = std::fs::File::create(folder.join("told")).unwrap();
    let mut program = Program::start(run(folder).stdout(Stdio::null()).stderr(told)).unwrap();
    let begun = Instant::now();
    while !when() {
        let told = || std::fs::read_to_string(folder.join("told")).unwrap();
        assert!(program.status().is_none(), "it has ended: {}", told());
        assert!(begun.elapsed() < PATIENCE, "it hangs: {}", told());
        std::thread::sleep(Duration::from_millis(5));
    }
    program.signal(signal);
    program.ended(PATIENCE).expect("it does not end")
}

/// Runs the batch to its end: its exit code and what it told.
fn ended(folder: &Path) -> (Option<i32>, String) {
    let output = Program::output(&mut run(folder)).unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// Whether the journal names this job: the run has stored that it was accepted.
fn stored<'f>(folder: &'f Path, job: &'f str) -> impl Fn() -> bool + 'f {
    let journal = folder.join(".opnode/runs/told/journal");
    move || std::fs::read_to_string(&journal).is_ok_and(|text| text.contains(&format!("\"{job}\"")))
}

fn saved(folder: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(folder.join("saved.ndjson")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The second request waits until the run is killed.
const SLOWLY: &str = "{ rate: { requests: 1, per_s: 60 } }";
const ONE_BY_ONE: &str = "{ concurrency: 1 }";

#[test]
fn a_query_that_is_killed_while_it_polls_goes_on_polling() {
    let system = system();
    let folder = folder(&system, "{}", READS);
    // Killed twice: each run asks at least twice.
    for polls in [2, 4] {
        killed(folder.path(), || system.seen("GET /exports/e7") >= polls);
    }
    let before = system.seen("GET /exports/e7");
    system.released.store(true, Ordering::SeqCst);
    let (exit, told) = ended(folder.path());
    assert_eq!(exit, Some(0), "{told}");
    assert_eq!(system.seen("POST /exports"), 1, "{told}");
    assert_eq!(system.seen("GET /exports/e7"), before + 1, "{told}");
    assert_eq!(system.seen("GET /exports/e7/rows"), 1, "{told}");
    assert_eq!(saved(folder.path()), [json!({"id": 1}), json!({"id": 2})]);
}

#[test]
fn a_query_that_is_killed_before_its_first_poll_polls() {
    let system = system();
    let folder = folder(&system, SLOWLY, READS);
    killed(folder.path(), stored(folder.path(), "e7"));
    assert_eq!((system.seen("POST /exports"), system.seen("GET /exports/e7")), (1, 0));
    connect(folder.path(), &system, ONE_BY_ONE);
    system.released.store(true, Ordering::SeqCst);
    let (exit, told) = ended(folder.path());
    assert_eq!(exit, Some(0), "{told}");
    assert_eq!((system.seen("POST /exports"), system.seen("GET /exports/e7")), (1, 1), "{told}");
    assert_eq!(saved(folder.path()).len(), 2);
}

#[test]
fn a_query_that_is_killed_before_the_reply_to_its_submission_is_submitted_again() {
    let system = system();
    system.silent.store(true, Ordering::SeqCst);
    let folder = folder(&system, "{}", READS);
    killed(folder.path(), || system.seen("POST /exports") == 1);
    system.silent.store(false, Ordering::SeqCst);
    system.released.store(true, Ordering::SeqCst);
    let (exit, told) = ended(folder.path());
    assert_eq!(exit, Some(0), "{told}");
    // A query may be repeated; nothing has told the id of the first job.
    assert_eq!(system.seen("POST /exports"), 2, "{told}");
}

#[test]
fn a_write_that_is_killed_while_it_polls_goes_on_polling() {
    let system = system();
    let folder = folder(&system, ONE_BY_ONE, WRITES);
    killed(folder.path(), || system.seen("GET /imports/i2") >= 2);
    assert_eq!(system.seen("POST /imports"), 2);
    system.released.store(true, Ordering::SeqCst);
    let (exit, told) = ended(folder.path());
    assert_eq!(exit, Some(0), "{told}");
    assert!(told.contains("1 item waits for a job of the system") && !told.contains("unknown"), "{told}");
    assert_eq!(system.seen("POST /imports"), 3, "{told}");
    assert_eq!(saved(folder.path()), [json!({"id": "1"}), json!({"id": "2"}), json!({"id": "3"})]);
}

#[test]
fn a_write_that_is_killed_before_its_first_poll_polls() {
    let system = system();
    let folder = folder(&system, SLOWLY, WRITES);
    killed(folder.path(), stored(folder.path(), "i1"));
    assert_eq!((system.seen("POST /imports"), system.seen("GET /imports/i1")), (1, 0));
    connect(folder.path(), &system, ONE_BY_ONE);
    system.released.store(true, Ordering::SeqCst);
    let (exit, told) = ended(folder.path());
    assert_eq!(exit, Some(0), "{told}");
    assert_eq!((system.seen("POST /imports"), system.seen("GET /imports/i1")), (3, 1), "{told}");
    assert_eq!(saved(folder.path()).len(), 3);
}

#[test]
fn a_write_that_is_killed_before_the_reply_to_its_submission_is_unknown() {
    let system = system();
    system.silent.store(true, Ordering::SeqCst);
    let folder = folder(&system, ONE_BY_ONE, WRITES);
    killed(folder.path(), || system.seen("POST /imports") == 1);
    system.silent.store(false, Ordering::SeqCst);
    system.released.store(true, Ordering::SeqCst);
    let (exit, told) = ended(folder.path());
    assert_ne!(exit, Some(0), "{told}");
    assert!(told.contains("unknown"), "{told}");
    // The first row is not sent again; the step stops there.
    let first =
        system.server.requests().iter().filter(|r| r.call() == "POST /imports" && r.text().contains('1')).count();
    assert_eq!(first, 1, "{told}");
}

#[test]
fn all_jobs_of_several_items_go_on() {
    let system = system();
    let folder = folder(&system, "{}", CHUNKS);
    let stored = ["i12", "i34", "i5"].map(|job| stored(folder.path(), job));
    killed(folder.path(), || stored.iter().all(|stored| stored()));
    assert_eq!(system.seen("POST /imports"), 3);
    system.released.store(true, Ordering::SeqCst);
    let (exit, told) = ended(folder.path());
    assert_eq!(exit, Some(0), "{told}");
    assert_eq!(system.seen("POST /imports"), 3, "{told}");
    assert!(["i12", "i34", "i5"].iter().all(|job| system.seen(&format!("GET /imports/{job}")) > 0), "{told}");
}

#[test]
fn a_result_in_pages_begins_at_its_first_page() {
    let system = system();
    let folder = folder(&system, "{}", PAGES);
    killed(folder.path(), || system.seen("GET /exports/e7") >= 1);
    system.released.store(true, Ordering::SeqCst);
    let (exit, told) = ended(folder.path());
    assert_eq!(exit, Some(0), "{told}");
    assert_eq!(saved(folder.path()), [json!({"id": 1}), json!({"id": 2})], "{told}");
    assert_eq!(system.seen("POST /exports"), 1, "{told}");
}

#[test]
fn a_run_that_is_stopped_goes_on_polling_too() {
    let system = system();
    let folder = folder(&system, ONE_BY_ONE, WRITES);
    stopped(folder.path(), Signal::TERM, || system.seen("GET /imports/i2") >= 1);
    assert_eq!(system.seen("POST /imports"), 2);
    system.released.store(true, Ordering::SeqCst);
    let (exit, told) = ended(folder.path());
    assert_eq!(exit, Some(0), "{told}");
    assert_eq!(system.seen("POST /imports"), 3, "{told}");
    assert_eq!(saved(folder.path()), [json!({"id": "1"}), json!({"id": "2"}), json!({"id": "3"})]);
}
