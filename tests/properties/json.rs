//! JSON comes out byte for byte: from a server's reply through a file of lines to another server's request.

use std::sync::{Arc, Mutex};

use opnode::{CallOptions, Catalog, ConnectionSpec, Engine, EngineConfig, Items};
use serde_json::Value;

use crate::prove;
use crate::scripted::{Scripted, TestClock, block_on, reply};

const CONNECTOR: &str =
    "version: 1\nconnector: acme\ntitle: Acme\nconnection: {}\nbase_url: https://acme.example.com\nauth: none\n";
const OPERATIONS: &str = "
version: 1
operations:
  list: { title: L, method: query, request: GET /things, response: { result: list, items: /data } }
  add: { title: A, method: mutate, request: POST /things, items: { send: each }, response: { result: none } }
  bulk: { title: B, method: mutate, request: POST /bulk, items: { send: all }, response: { result: none } }
";

const NUMBERS: [&str; 22] = [
    "0",
    "-0",
    "-0.0",
    "1",
    "1.10",
    "1.0",
    "100",
    "1e2",
    "1E+2",
    "1e-7",
    "0.1000",
    "9007199254740993",
    "9223372036854775808",
    "18446744073709551616",
    "-9223372036854775809",
    "3.14159265358979323846264338327950288",
    "1e400",
    "-1e-400",
    "123456789012345678901234567890",
    "5e-324",
    "1.7976931348623157e308",
    "0.30000000000000004",
];

const TEXTS: [&str; 18] = [
    "",
    "a",
    "id",
    "é",
    "日本",
    "😀",
    "\\u00e9",
    "\\ud83d\\ude00",
    "\\n\\r\\t\\b\\f",
    "\\\"",
    "\\\\",
    "\\/",
    "/",
    "\\u0000",
    "\u{2028}",
    "</script>",
    "}{][,:",
    "$serde_json::private::Number",
];

fn space(dice: &mut fastrand::Rng) -> &'static str {
    dice.choice(["", "", "", " ", "  ", "\t", "\n", "\r\n", "\n  "]).unwrap()
}

fn text(dice: &mut fastrand::Rng) -> String {
    let parts: String = (0..dice.usize(..3)).map(|_| dice.choice(TEXTS).unwrap()).collect();
    format!("\"{parts}\"")
}

fn value(dice: &mut fastrand::Rng, depth: u32) -> String {
    match dice.u8(..if depth == 0 { 4 } else { 6 }) {
        0 => dice.choice(["null", "true", "false"]).unwrap().to_owned(),
        1 | 2 => dice.choice(NUMBERS).unwrap().to_owned(),
        3 => text(dice),
        4 => {
            let parts: Vec<String> = (0..dice.usize(..4))
                .map(|_| format!("{}{}{}", space(dice), value(dice, depth - 1), space(dice)))
                .collect();
            format!("[{}{}]", space(dice), parts.join(","))
        }
        _ => object(dice, depth - 1),
    }
}

/// An object; now and then it has a key twice.
fn object(dice: &mut fastrand::Rng, depth: u32) -> String {
    let field = |dice: &mut fastrand::Rng| {
        let (before, name, after, value, end) = (space(dice), text(dice), space(dice), value(dice, depth), space(dice));
        format!("{before}{name}{after}:{value}{end}")
    };
    let parts: Vec<String> = (0..dice.usize(..5)).map(|_| field(dice)).collect();
    format!("{{{}{}}}", space(dice), parts.join(","))
}

/// As an item shows it: on one line, nothing else changed.
fn one_line(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
}

#[test]
fn json_keeps_its_bytes() {
    prove("JSON keeps its bytes", 100, |dice| {
        let given: Vec<String> = (0..dice.usize(1..6)).map(|_| object(dice, 4)).collect();
        let body = format!(
            "{}{{ \"data\":[{}] }}{}",
            space(dice),
            given.join(dice.choice([",", " ,\n", ",\t"]).unwrap()),
            space(dice)
        );
        let sent: Arc<Mutex<Vec<String>>> = Arc::default();
        let log = Arc::clone(&sent);
        let server = Arc::new(Scripted::new(move |_, request| {
            if request.method() == http::Method::GET {
                return Ok(reply(200, body.clone()));
            }
            log.lock().unwrap().push(String::from_utf8(request.body().to_vec()).unwrap());
            Ok(reply(204, ""))
        }));
        let mut catalog = Catalog::empty();
        catalog.add("acme", "connector.yaml", CONNECTOR);
        catalog.add("acme", "operations.yaml", OPERATIONS);
        let clock = Some(Arc::new(TestClock::new(1)) as Arc<dyn opnode::Clock>);
        let engine = Engine::new(EngineConfig { catalog, transport: Some(server), clock, ..EngineConfig::default() });
        let limits = serde_json::from_value(serde_json::json!({"concurrency": 1})).unwrap();
        let session =
            engine.connect(&ConnectionSpec { connector: "acme".into(), limits, ..ConnectionSpec::default() }).unwrap();
        let with = CallOptions::default();
        block_on(async {
            let read = session.query("list", &Value::Null, &with).unwrap().collect().await.unwrap();
            let file: String = read.items.iter().map(|item| format!("{}\n", item.as_str())).collect();
            let expected: Vec<String> = given.iter().map(|item| one_line(item)).collect();
            assert_eq!(file.lines().collect::<Vec<_>>(), expected, "the file");
            let items = Items::from_ndjson(file).unwrap();
            let writes = session
                .mutate("add", &Value::Null, Some(items.clone()), &with)
                .unwrap_or_else(|e| panic!("{given:#?}: {}", e.to_json()));
            writes.collect().await;
            assert_eq!(*sent.lock().unwrap(), expected, "one by one");
            sent.lock().unwrap().clear();
            session.mutate("bulk", &Value::Null, Some(items), &with).unwrap().collect().await;
            assert_eq!(*sent.lock().unwrap(), [format!("[{}]", expected.join(","))], "all at once");
        });
    });
}
