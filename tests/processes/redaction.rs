//! Runs the command line and batches against a server that echoes their credentials in every form, in errors and
//! bodies: no output except the items contains a credential, even at the highest log level.

use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use crate::cleanup::{self, Program};
use crate::server::{Act, Request, Server, reply};

const PASSWORD: &str = "S3cret&Pass word/\"9\\x";
const API_KEY: &str = "key-7f3a91c2e5d84b60";
/// Two lines; each is a secret.
const PHRASE: &str = "first-of-two-lines-77\nonly-in-an-option-5521";
/// Parts of the credentials in raw, URL-encoded, JSON-escaped and base64 form; none may appear.
const TRACES: [&str; 8] =
    ["S3cret", "of-two-lines", "word/", "a91c2e5d", "an-option-5521", "UzNjcmV0", "a2V5LTdmM2E5", "cm9ib3Q6UzNj"];

const CONNECTOR: &str = "
version: 1
connector: echo
title: Echo
connection:
  url: { format: uri }
  user: {}
  password: { secret: true }
  apiKey: { secret: true }
base_url: '{url}'
auth: { basic: { username: '{user}', password: '{password}' } }
headers: { X-Api-Key: '{apiKey}' }
paging: { link: { size: { query: size, default: 2 } } }
errors: { code: /code, message: /message, details: { list: /errors }, request_id: { header: x-request-id } }
probe: listThings
";

const OPERATIONS: &str = "
version: 1
operations:
  listThings: { title: L, method: query, request: 'GET /{how}/things', options: { how: {} }, response: { result: list } }
  getThing: { title: G, method: query, request: 'GET /{how}/thing', options: { how: {} }, response: { result: object } }
  unlock: { title: U, method: query, request: GET /400/things, options: { phrase: { secret: true } }, response: { result: list } }
  addThing: { title: A, method: mutate, request: 'POST /{how}/things', options: { how: {} }, items: { send: each }, response: { result: object } }
  removeThing: { title: R, method: delete, request: 'DELETE /{how}/things', options: { how: {} }, response: { result: none } }
";

/// The server's behaviours, named by the first segment of the path.
const HOWS: [&str; 14] =
    ["400", "401", "403", "404", "409", "422", "429", "500", "502", "text", "page", "away", "nowhere", "junk"];

/// Every form of the credentials, with the phrase of the request's own query.
fn echoes(target: &str) -> String {
    let pair = format!("robot:{PASSWORD}");
    let mut all = Vec::new();
    let phrase = target.contains("phrase=").then_some(PHRASE);
    for value in [PASSWORD, API_KEY, &pair].into_iter().chain(phrase) {
        let url: String = url::form_urlencoded::byte_serialize(value.as_bytes()).collect();
        all.extend([
            value.to_owned(),
            url.replace('+', "%20"),
            url,
            STANDARD.encode(value),
            URL_SAFE_NO_PAD.encode(value),
            serde_json::json!(value).to_string(),
            serde_json::json!(serde_json::json!(value).to_string()).to_string(),
            value.to_uppercase(),
        ]);
    }
    all.push(target.to_owned());
    all.join(" | ")
}

/// Replies with all credentials and the request itself, in the way that the path names.
fn answer(request: &Request) -> Act {
    let target = request.target();
    let head = request.headers.iter().map(|(name, value)| format!("{name}: {value}"));
    let head: Vec<String> = std::iter::once(request.line.clone()).chain(head).collect();
    let (how, all) =
        (target.split('/').nth(1).unwrap_or_default(), format!("{} | {}", echoes(target), head.join(" | ")));
    let json =
        serde_json::json!({"code": all, "message": all, "errors": [{"code": all, "message": all, "field": all}]})
            .to_string();
    let (status, kind, body) = match how {
        "good" if target.ends_with("page=2") => {
            ("200 OK", "application/json", format!("[{{\"id\":3,\"note\":{}}}]", serde_json::json!(all)))
        }
        "good" => ("200 OK", "application/json", r#"[{"id":1},{"id":2}]"#.to_owned()),
        "text" => ("400 No", "text/plain", all.clone()),
        "page" => ("200 OK", "text/html", format!("<html><title>{all}</title>{all}")),
        "junk" => ("200 OK", "application/json", format!("[] {all}")),
        "away" | "nowhere" => ("302 Found", "text/plain", String::new()),
        number => (if number.len() == 3 { number } else { "500" }, "application/json", json),
    };
    let encoded: String = url::form_urlencoded::byte_serialize(all.as_bytes()).collect();
    let more = match how {
        "good" if !target.ends_with("page=2") => "Link: </good/things?page=2>; rel=\"next\"\r\n".to_owned(),
        "away" => format!("Location: https://elsewhere.example/{encoded}\r\n"),
        "nowhere" => format!("Location: http://[{encoded}\r\n"),
        _ => format!("X-Request-Id: {encoded}\r\n"),
    };
    reply(status, &format!("Content-Type: {kind}\r\n{more}"), body)
}

struct Desk {
    folder: tempfile::TempDir,
    _server: Server,
}

impl Desk {
    fn new() -> Desk {
        let folder = cleanup::folder();
        let server = Server::answering(answer);
        let place = |name: &str| folder.path().join(name);
        std::fs::create_dir_all(place("definitions/operations/echo")).unwrap();
        std::fs::write(place("definitions/operations/echo/connector.yaml"), CONNECTOR).unwrap();
        std::fs::write(place("definitions/operations/echo/things.yaml"), OPERATIONS).unwrap();
        std::fs::write(place("key"), format!("{API_KEY}\n")).unwrap();
        let connections = format!(
            "version: 1\nconnections:\n  echo:\n    connector: echo\n    url: {}\n    user: robot\n    password: {{ env: ECHO_PASSWORD }}\n    apiKey: {{ file: key }}\n    limits: {{ attempts: 2, wait_s: 1 }}\n",
            server.url()
        );
        std::fs::write(place("connections.yaml"), connections).unwrap();
        Desk { folder, _server: server }
    }

    /// Runs `opnode` and returns its output and its exit code.
    fn run(&self, arguments: &[&str]) -> (String, String, Option<i32>) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_opnode"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .envs([("HOME", self.folder.path().as_os_str()), ("OPNODE_DEFINITIONS", "definitions".as_ref())])
            .env("ECHO_PASSWORD", PASSWORD);
        let out = Program::output(&mut command).unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (text(&out.stdout), text(&out.stderr), out.status.code())
    }

    fn files(&self, inside: &str) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut folders = vec![self.folder.path().join(inside)];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).into_iter().flatten() {
                let path = entry.unwrap().path();
                if path.is_dir() { folders.push(path) } else { found.push(path) }
            }
        }
        found
    }
}

#[track_caller]
fn clean(what: &str, text: &str) {
    let leaked: Vec<&&str> =
        TRACES.iter().filter(|trace| text.to_lowercase().contains(&trace.to_lowercase())).collect();
    assert!(leaked.is_empty(), "{what} shows {leaked:?}:\n{text}");
}

fn clean_file(file: &Path) {
    let bytes = std::fs::read(file).unwrap();
    clean(&file.display().to_string(), &String::from_utf8_lossy(&bytes));
}

/// Whether `-v` has logged a request on a line of its own.
fn tells_requests(stderr: &str) -> bool {
    stderr.lines().any(|line| ["GET ", "POST ", "DELETE "].iter().any(|verb| line.starts_with(verb)))
}

#[test]
fn errors_of_every_kind_and_the_log_show_no_credential() {
    // In parallel, because most of the time is waiting.
    std::thread::scope(|scope| {
        for hows in HOWS.chunks(HOWS.len().div_ceil(4)) {
            scope.spawn(|| hows.iter().for_each(|how| errors_show_none(how)));
        }
    });
    let phrase = format!("phrase={PHRASE}");
    let (stdout, stderr, _) = Desk::new().run(&["query", "unlock", "-c", "echo", "--set", &phrase, "-vv"]);
    clean("a secret option", &format!("{stdout}{stderr}"));
    assert!(stderr.contains("[secret]"), "{stderr}");
}

fn errors_show_none(how: &str) {
    let desk = Desk::new();
    for form in ["text", "json"] {
        let set = format!("how={how}");
        let common = ["-c", "echo", "--set", &set, "-vv", "--error-format", form];
        for call in [
            &["query", "listThings", "--receipt", "receipt.json"][..],
            &["query", "getThing"],
            &["mutate", "addThing", "--items", r#"[{"a":1},{"a":2}]"#, "--outcomes", "outcomes.ndjson"],
            &["delete", "removeThing"],
        ] {
            let (stdout, stderr, code) = desk.run(&[call, &common[..]].concat());
            // No record is returned for it, so its status is enough whatever the body is.
            let done = call[0] == "delete" && how == "junk" && code == Some(0);
            assert!(done || code.is_some_and(|c| c > 2), "{call:?} {how}: {code:?}\n{stderr}");
            assert!(tells_requests(&stderr), "{call:?} {how} logs nothing: {stderr}");
            clean(&format!("{call:?} {how}"), &stderr);
            // The outcomes of a write contain errors, but nothing from a server that refused.
            clean(&format!("{call:?} {how}, standard output"), &stdout);
        }
    }
    for name in ["receipt.json", "outcomes.ndjson"] {
        clean_file(&desk.folder.path().join(name));
    }
}

#[test]
fn plans_and_tests_of_a_connection_show_no_credential() {
    let desk = Desk::new();
    let phrase = format!("phrase={PHRASE}");
    for form in ["text", "json"] {
        for call in [
            &["query", "listThings", "--set", "how=good", "--plan"][..],
            &["query", "unlock", "--set", &phrase, "--plan"],
            &["mutate", "addThing", "--set", "how=good", "--items", "[{}]", "--plan"],
        ] {
            let (stdout, stderr, code) = desk.run(
                &[call, &["-c", "echo", "-vv", "--format", if form == "json" { "json" } else { "ndjson" }]].concat(),
            );
            assert_eq!(code, Some(0), "{stderr}");
            clean(&format!("{call:?}"), &format!("{stdout}{stderr}"));
        }
        let (stdout, stderr, _) = desk.run(&["connection", "test", "echo", "-vv", "--error-format", form]);
        clean("connection test", &format!("{stdout}{stderr}"));
        let (stdout, stderr, _) = desk.run(&["connection", "list"]);
        clean("connection list", &format!("{stdout}{stderr}"));
    }
}

/// Spools and saved files contain the server's items; no other file may contain credentials.
#[test]
fn batches_show_no_credential_except_in_the_items_of_the_server() {
    let desk = Desk::new();
    let steps: String = HOWS
        .iter()
        .map(|how| {
            format!(
                "  - {{ id: read_{how}, for: [1], query: listThings, options: {{ how: '{how}' }}, on_error: continue }}\n  - {{ id: write_{how}, mutate: addThing, options: {{ how: '{how}' }}, items: [{{ a: 1 }}, {{ a: 2 }}], on_error: continue }}\n"
            )
        })
        .collect();
    let batch = format!(
        "version: 1\nname: echoes\nconnections: connections.yaml\nconnection: echo\nrun: {{ wait_up_to: 0s }}\nsteps:\n  - {{ id: good, query: listThings, options: {{ how: good }}, save: out/good.ndjson }}\n{steps}"
    );
    std::fs::write(desk.folder.path().join("batch.yaml"), batch).unwrap();
    let (stdout, stderr, _) = desk.run(&["run", "batch.yaml", "--plan", "-vv"]);
    clean("the plan", &format!("{stdout}{stderr}"));
    let (stdout, stderr, code) = desk.run(&["run", "batch.yaml", "-vv", "--report", "report.json"]);
    assert!(code.is_some_and(|c| c > 2) && tells_requests(&stderr), "{code:?}\n{stderr}");
    clean("the run", &format!("{stdout}{stderr}"));
    let (stdout, stderr, _) =
        desk.run(&["run", "batch.yaml", "-vv", "--error-format", "json", "--report", "-", "--retry-failed"]);
    clean("the run that tries again", &format!("{stdout}{stderr}"));
    let (stdout, stderr, _) = desk.run(&["runs", "echoes", "--format", "json"]);
    clean("the list of runs", &format!("{stdout}{stderr}"));
    clean_file(&desk.folder.path().join("report.json"));
    let kept = desk.files(".opnode");
    let holds_items = |file: &Path| {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        name == "good.ndjson"
    };
    for name in ["journal", "run.json", "failed/main/read_400.ndjson", "failed/main/write_422.ndjson"] {
        assert!(kept.iter().any(|f| f.ends_with(name)), "{name} is not among {kept:?}");
    }
    kept.iter().filter(|f| !holds_items(f)).for_each(|f| clean_file(f));
    // Delivered data is not masked.
    let delivered = std::fs::read_to_string(desk.folder.path().join("out/good.ndjson")).unwrap();
    assert!(delivered.contains(API_KEY) && delivered.contains("S3cret"), "{delivered}");
}
