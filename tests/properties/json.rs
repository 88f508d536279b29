//! JSON keeps its bytes: from a server's reply through an NDJSON file to another server's request.

use std::sync::{Arc, Mutex};

use opnode::{CallOptions, Catalog, ConnectionSpec, Engine, EngineConfig, Items};
use proptest::collection::vec;
use proptest::prop_oneof;
use proptest::sample::select;
use proptest::strategy::Strategy;
use serde_json::Value;

use crate::scripted::{Scripted, TestClock, block_on, reply};
use crate::{prove, regressions};

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

fn space() -> impl Strategy<Value = &'static str> {
    select(&["", "", "", " ", "  ", "\t", "\n", "\r\n", "\n  "][..])
}

fn text() -> impl Strategy<Value = String> {
    vec(select(&TEXTS[..]), 0..3).prop_map(|parts| format!("\"{}\"", parts.concat()))
}

fn value() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        1 => select(&["null", "true", "false"][..]).prop_map(str::to_owned),
        2 => select(&NUMBERS[..]).prop_map(str::to_owned),
        1 => text(),
    ];
    leaf.prop_recursive(3, 40, 4, |inner| {
        let part =
            (space(), inner.clone(), space()).prop_map(|(before, value, after)| [before, &value, after].concat());
        let list = (space(), vec(part, 0..4)).prop_map(|(space, parts)| format!("[{space}{}]", parts.join(",")));
        prop_oneof![list, object(inner)]
    })
}

/// An object, sometimes with a duplicate key.
fn object(value: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    let field = (space(), text(), space(), value, space())
        .prop_map(|(before, name, after, value, end)| format!("{before}{name}{after}:{value}{end}"));
    (space(), vec(field, 0..5)).prop_map(|(space, fields)| format!("{{{space}{}}}", fields.join(",")))
}

/// A server's reply, and the items in it.
fn replies() -> impl Strategy<Value = (Vec<String>, String)> {
    let comma = select(&[",", " ,\n", ",\t"][..]);
    (vec(object(value()), 1..6), comma, space(), space()).prop_map(|(items, comma, before, after)| {
        let body = format!("{before}{{ \"data\":[{}] }}{after}", items.join(comma));
        (items, body)
    })
}

/// The text as an item has it: on one line, otherwise unchanged.
fn one_line(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
}

#[test]
fn json_keeps_its_bytes() {
    prove(regressions!("json"), 100, &replies(), |(given, body)| {
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
