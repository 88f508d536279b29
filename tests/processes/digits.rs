//! Numbers in options keep their digits: every spelling, in every place of a request, through every interface. The
//! server's requests are compared.

use std::cell::Cell;
use std::path::Path;
use std::process::Command;

use opnode::{CallOptions, Catalog, ConnectionSpec, Engine, EngineConfig, Options};

use crate::cleanup::{self, Program};
use crate::server::{Request, Server, json};

/// Spellings of numbers that people and systems use.
const SPELLINGS: &[&str] = &[
    "1.10",
    "1e2",
    "100.0",
    "-0",
    "0",
    "9007199254740993",
    "18446744073709551616",
    "18446744073709551617",
    "-9223372036854775809",
    "123456789012345678901234567890",
    "0.1000000000000000055",
    "1.2E+3",
    "5e-7",
];

const CONNECTOR: &str = "
version: 1
connector: acme
title: Acme
connection:
  url: { format: uri }
  password: { secret: true, default: pw }
base_url: '{url}'
auth: { basic: { username: robot, password: '{password}' } }
errors: { code: /code, message: /message }
";

const OPERATIONS: &str = "
version: 1
operations:
  send:
    title: S
    method: mutate
    request: 'POST /p/{id}'
    options:
      id: { type: number }
      q: { type: number }
      list: { type: array, items: { type: number } }
      label: { type: string }
      x-n: { type: number, in: header }
      n: { type: number, in: body }
      deep: { type: object, in: body }
    response: { result: none }
  read: { title: R, method: query, request: 'GET /p/{id}', options: { id: { type: number }, q: { type: number } }, response: { result: object } }
  drop: { title: D, method: delete, request: 'DELETE /p/{id}', options: { id: { type: integer } }, response: { result: none } }
  list: { title: L, method: query, request: GET /rows, options: { since: { type: number } }, response: { result: list } }
";

/// A received request: verb and address, the header `x-n`, the body.
#[derive(Debug, PartialEq)]
struct Seen {
    line: String,
    header: String,
    body: String,
}

impl Seen {
    fn of(request: &Request) -> Seen {
        let header = request.header("x-n").concat();
        Seen { line: request.call().to_owned(), header, body: request.text() }
    }
}

/// A server, and the number of its requests that were checked.
struct Desk {
    server: Server,
    looked_at: Cell<usize>,
}

impl Desk {
    /// `rows` is the reply to GET /rows.
    fn open(rows: &str) -> Desk {
        let rows = rows.to_owned();
        let answer = move |request: &Request| json(if request.call().starts_with("GET /rows") { &rows } else { "{}" });
        Desk { server: Server::answering(answer), looked_at: Cell::new(0) }
    }

    fn next(&self) -> Seen {
        let at = self.looked_at.replace(self.looked_at.get() + 1);
        Seen::of(self.server.requests().get(at).expect("the server received nothing"))
    }
}

/// The expected request for a spelling.
fn expected(n: &str) -> Seen {
    let coded = n.replace('+', "%2B");
    Seen {
        line: format!("POST /p/{coded}?q={coded}&list={coded},1.50&label=id-{coded}"),
        header: n.to_owned(),
        body: format!("{{\"deep\":{{\"a\":[{n}]}},\"n\":{n}}}"),
    }
}

fn options(n: &str) -> String {
    format!(r#"{{"id":{n},"q":{n},"list":[{n},1.50],"label":"id-{n}","x-n":{n},"n":{n},"deep":{{"a":[{n}]}}}}"#)
}

fn folder(server: &Desk) -> tempfile::TempDir {
    let folder = cleanup::folder();
    let pack = folder.path().join("defs/operations/acme");
    std::fs::create_dir_all(&pack).unwrap();
    std::fs::write(pack.join("connector.yaml"), CONNECTOR).unwrap();
    std::fs::write(pack.join("operations.yaml"), OPERATIONS).unwrap();
    let connections = format!(
        "version: 1\nconnections:\n  c: {{ connector: acme, url: '{}', allow_http: true }}\n",
        server.server.url()
    );
    std::fs::write(folder.path().join("connections.yaml"), connections).unwrap();
    folder
}

fn template(folder: &Path, n: &str) {
    let pack = folder.join("defs/templates/acme");
    std::fs::create_dir_all(&pack).unwrap();
    let text =
        format!("version: 1\ntemplates:\n  ready: {{ title: T, operation: send, options: {} }}\n", yaml_options(n));
    std::fs::write(pack.join("templates.yaml"), text).unwrap();
}

fn yaml_options(n: &str) -> String {
    format!("{{ id: {n}, q: {n}, list: [{n}, 1.50], label: id-{n}, x-n: {n}, n: {n}, deep: {{ a: [{n}] }} }}")
}

/// The same options as expressions of one value, and the text that contains it.
fn expressions(value: &str) -> String {
    format!(
        "{{ id: '${{{{ {value} }}}}', q: '${{{{ {value} }}}}', list: ['${{{{ {value} }}}}', 1.50], label: 'id-${{{{ {value} }}}}', \
         x-n: '${{{{ {value} }}}}', n: '${{{{ {value} }}}}', deep: {{ a: ['${{{{ {value} }}}}'] }} }}"
    )
}

fn opnode(folder: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_opnode"));
    command
        .current_dir(folder)
        .env_clear()
        .env("HOME", folder)
        .env("NO_COLOR", "1")
        .args(arguments)
        .args(["--definitions", "defs"]);
    let run = Program::output(&mut command).unwrap();
    let errors = String::from_utf8(run.stderr).unwrap();
    assert!(run.status.success(), "{arguments:?}: {errors}");
    String::from_utf8(run.stdout).unwrap()
}

fn call(folder: &Path, arguments: &[&str]) -> String {
    let all = [&["mutate"], arguments, &["--connections", "connections.yaml", "--connection", "c"]].concat();
    opnode(folder, &all)
}

fn batch(folder: &Path, head: &str, step: &str, more: &[&str]) {
    let text = format!("version: 1\nconnections: connections.yaml\nconnection: c\n{head}\nsteps:\n{step}\n");
    std::fs::write(folder.join("batch.yaml"), text).unwrap();
    let _old_runs = std::fs::remove_dir_all(folder.join(".opnode"));
    opnode(folder, &[&["run", "batch.yaml"], more].concat());
}

#[test]
fn the_command_line_sends_what_was_typed() {
    let server = Desk::open("[]");
    let folder = folder(&server);
    for n in SPELLINGS {
        let options = options(n);
        call(folder.path(), &["send", "--options", &options]);
        assert_eq!(server.next(), expected(n), "--options {n}");
        let sets: Vec<String> = [
            format!("id={n}"),
            format!("q={n}"),
            format!("list={n}"),
            "list=1.50".to_owned(),
            format!("label=id-{n}"),
            format!("x-n={n}"),
            format!("n={n}"),
            format!("deep={{\"a\":[{n}]}}"),
        ]
        .iter()
        .flat_map(|set| ["--set".to_owned(), set.clone()])
        .collect();
        let words: Vec<&str> = std::iter::once("send").chain(sets.iter().map(String::as_str)).collect();
        call(folder.path(), &words);
        assert_eq!(server.next(), expected(n), "--set {n}");
        template(folder.path(), n);
        call(folder.path(), &["--template", "ready"]);
        assert_eq!(server.next(), expected(n), "--template {n}");
        let plan = call(folder.path(), &["send", "--options", &options, "--plan", "--format", "json"]);
        let coded = n.replace('+', "%2B");
        for part in [format!("/p/{coded}?"), format!(r#"["x-n","{n}"]"#), format!(r#"\"n\":{n}}}"#)] {
            assert!(plan.contains(&part), "--plan {n}: {plan}");
        }
        let command = opnode(folder.path(), &["template", "ready"]);
        assert!(command.contains(&format!("--set id={n} ")), "{command}");
        let step = opnode(folder.path(), &["template", "ready", "--as", "batch"]);
        assert!(step.contains(&format!("id: {n}\n")) && step.contains(&format!("- {n}\n")), "{step}");
    }
}

#[test]
fn a_batch_sends_written_and_read_numbers_unchanged() {
    let by = |value: &str, each: &str| {
        format!("  - {{ id: s, mutate: send, for: {each}, options: {} }}", expressions(value))
    };
    for n in SPELLINGS {
        let server = Desk::open(&format!(r#"[{{"n":{n}, "a":{{"b":[{{"c":{n}}}]}}}}]"#));
        let folder = folder(&server);
        let literal = format!("  - {{ id: s, mutate: send, options: {} }}", yaml_options(n));
        let plain = format!("  - {{ id: s, mutate: send, options: {} }}", expressions("vars.n"));
        let var = format!("n={n}");
        template(folder.path(), n);
        for (what, head, step, more) in [
            ("literal", String::new(), literal, vec![]),
            ("template", String::new(), "  - { id: s, template: ready }".into(), vec![]),
            ("vars", format!("vars: {{ n: {n} }}"), plain.clone(), vec![]),
            ("--var", "vars: { n: 5 }".into(), plain, vec!["--var", &var]),
            ("for", String::new(), by("item.n", &format!("[{{ n: {n} }}]")), vec![]),
        ] {
            batch(folder.path(), &head, &step, &more);
            assert_eq!(server.next(), expected(n), "{what} {n}");
        }
        for (what, value, each) in [
            ("item", "item.n", "'${{ steps.r.items }}'"),
            ("item.a.b[0].c", "item.a.b[0].c", "'${{ steps.r.items }}'"),
            ("steps.r.items[0]", "steps.r.items[0].a.b[0].c", "[1]"),
        ] {
            batch(folder.path(), "", &format!("  - {{ id: r, query: list }}\n{}", by(value, each)), &[]);
            assert_eq!(server.next().line, "GET /rows", "{what} {n}");
            assert_eq!(server.next(), expected(n), "{what} {n}");
        }
    }
}

#[test]
fn a_watermark_keeps_its_digits_from_run_to_run() {
    let server = Desk::open(r#"[{"n":18446744073709551617},{"n":18446744073709551616}]"#);
    let folder = folder(&server);
    let step = "version: 1\nconnections: connections.yaml\nconnection: c\nsteps:\n  - { id: r, query: list, \
                watermark: { pointer: /n, start: 1.10 }, options: { since: '${{ watermark }}' } }\n";
    std::fs::write(folder.path().join("batch.yaml"), step).unwrap();
    for since in ["1.10", "18446744073709551617", "18446744073709551617"] {
        opnode(folder.path(), &["run", "batch.yaml"]);
        assert_eq!(server.next().line, format!("GET /rows?since={since}"));
    }
}

#[tokio::test]
async fn rust_sends_what_was_parsed() {
    let server = Desk::open("[]");
    let mut catalog = Catalog::empty();
    catalog.add("acme", "connector.yaml", CONNECTOR);
    catalog.add("acme", "operations.yaml", OPERATIONS);
    let engine = Engine::new(EngineConfig { catalog, ..EngineConfig::default() });
    let spec = ConnectionSpec {
        connector: "acme".into(),
        values: [("url".to_owned(), server.server.url())].into(),
        allow_http: true,
        ..ConnectionSpec::default()
    };
    let session = engine.connect(&spec).unwrap();
    let with = CallOptions::default();
    for n in SPELLINGS {
        let options = Options::parse(&options(n)).unwrap();
        session.mutate("send", &options, None, &with).unwrap().collect().await.check().unwrap();
        assert_eq!(server.next(), expected(n), "{n}");
        let pair = Options::parse(&format!("{{\"id\":{n},\"q\":{n}}}")).unwrap();
        session.query("read", pair, &with).unwrap().collect().await.unwrap();
        let coded = n.replace('+', "%2B");
        assert_eq!(server.next().line, format!("GET /p/{coded}?q={coded}"), "{n}");
    }
    // A value has its own spelling of the number.
    session.query("read", &serde_json::json!({"id": 7, "q": 1.5}), &with).unwrap().collect().await.unwrap();
    assert_eq!(server.next().line, "GET /p/7?q=1.5");
    for (options, whole) in
        [("18446744073709551617", true), ("1e2", true), ("12345678901234567890.5", false), ("1e-400", false)]
    {
        let options = Options::parse(&format!("{{\"id\":{options}}}")).unwrap();
        assert_eq!(session.delete("drop", &options, None, &with).is_ok(), whole, "{options:?}");
    }
    let error = session.query("read", &serde_json::json!([1]), &with).err().unwrap();
    assert_eq!(error.message, "the options of read are an object, not a list");
}
