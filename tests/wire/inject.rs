//! Rows 71 to 74: values that try to be more than values. The raw request line of the server is what counts.

use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::acme::{PASSWORD, check_text, engine, spec};
use crate::case::{Case, post, read};
use crate::server::{json as answer, reply};
use crate::stage::{Stage, block_on, call, told};

const ONE: &str = r#"{"id":1}"#;
/// A call is refused before its first page is asked for.
const REFUSED: &str = "refused invalid_options/0";
const UNKNOWN_OPTION: &str = "refused invalid_options/0";

pub fn trials() -> Vec<Trial> {
    let mut trials: Vec<Trial> = [paths(), queries(), headers()].into_iter().flatten().map(Case::trial).collect();
    for (fact, value, line) in HEADER_VALUES {
        trials.push(Trial::test(format!("73 a header option {fact}"), move || Ok(as_header(value, line)?)));
    }
    for (typed, expected) in ADDRESSES {
        trials.push(Trial::test(format!("74 the address {typed:?}"), move || Ok(address(typed, expected)?)));
    }
    for (name, value) in [
        ("note", "a\r\nX-Evil: 1"),
        ("note", "a\nb"),
        ("note", "a\0b"),
        ("note", "a\u{7f}b"),
        ("apiKey", "k\r\nb"),
        ("password", "p\tw"),
        ("username", "a:b"),
    ] {
        trials.push(Trial::test(format!("73 the property {name} = {value:?} is refused"), move || {
            Ok(property(name, value)?)
        }));
    }
    trials.push(Trial::test("73 names and types of a form cannot break out of it", || Ok(form()?)));
    trials
}

/// A path value is one segment, whatever it holds; what no encoding makes one is refused.
fn paths() -> Vec<Case> {
    let sent = |value: Value, segment: &str| {
        let row =
            read("71", format!("the path value {value} is one segment"), vec![answer(ONE)], r#"[{"id":1}] end"#, 1);
        Case { operation: "thing", options: json!({"id": value}), lines: vec![format!("GET /things/{segment}")], ..row }
    };
    let refused = |value: Value| {
        let row = read("71", format!("the path value {value} is refused"), vec![answer(ONE)], REFUSED, 0);
        Case { operation: "thing", options: json!({"id": value}), ..row }
    };
    let both = |id: &str, name: &str, end: &str, line: &str| Case {
        operation: "field",
        options: json!({"id": id, "name": name}),
        lines: if line.is_empty() { Vec::new() } else { vec![line.to_owned()] },
        ..read(
            "71",
            format!("the path values {id:?} and {name:?}"),
            vec![answer(ONE)],
            end,
            usize::from(!line.is_empty()),
        )
    };
    vec![
        sent(json!("a/b"), "a%2Fb"),
        sent(json!("a\\b"), "a%5Cb"),
        sent(json!("%2e%2e"), "%252e%252e"),
        sent(json!("%2E"), "%252E"),
        sent(json!("..%2f"), "..%252f"),
        sent(json!("../x"), "..%2Fx"),
        sent(json!("..;"), "..%3B"),
        sent(json!("..."), "..."),
        sent(json!(".git"), ".git"),
        sent(json!("?a=b"), "%3Fa%3Db"),
        sent(json!("#top"), "%23top"),
        sent(json!("a b"), "a%20b"),
        sent(json!("a+b"), "a%2Bb"),
        sent(json!("a;b=c"), "a%3Bb%3Dc"),
        sent(json!("a:b@c"), "a%3Ab%40c"),
        sent(json!("http://evil.example/"), "http%3A%2F%2Fevil.example%2F"),
        sent(json!("é€"), "%C3%A9%E2%82%AC"),
        sent(json!("\u{ff0e}\u{ff0e}"), "%EF%BC%8E%EF%BC%8E"),
        sent(json!("a\u{2028}b"), "a%E2%80%A8b"),
        sent(json!(12), "12"),
        sent(json!(-1.5), "-1.5"),
        sent(json!(true), "true"),
        refused(json!("")),
        refused(json!(" ")),
        refused(json!("\u{a0}")),
        refused(json!("\u{2028}")),
        refused(json!(".")),
        refused(json!("..")),
        refused(json!(" .. ")),
        refused(json!("..\u{2003}")),
        refused(json!("a\r\nX-Evil: 1")),
        refused(json!("a\nb")),
        refused(json!("a\u{0}b")),
        refused(json!("a\tb")),
        refused(json!("a\u{7f}")),
        refused(json!("a\u{85}b")),
        refused(json!(null)),
        refused(json!([])),
        refused(json!(["a"])),
        refused(json!({"a": 1})),
        both("..", "x", REFUSED, ""),
        both("a", "..", REFUSED, ""),
        both("a/../..", "b", r#"[{"id":1}] end"#, "GET /things/a%2F..%2F../fields/b"),
    ]
}

/// A query value is encoded once.
fn queries() -> Vec<Case> {
    let sent = |options: Value, query: &str| {
        let row = read("72", format!("the query {options} is encoded once"), vec![answer("[]")], "[] end", 1);
        Case { operation: "filter", options, lines: vec![format!("GET /things?{query}")], ..row }
    };
    let refused = |options: Value| Case {
        operation: "filter",
        options: options.clone(),
        ..read("72", format!("the query {options} is refused"), vec![answer("[]")], REFUSED, 0)
    };
    vec![
        sent(json!({"q": "a=\"b&c\" and d like '%x%'"}), "q=a%3D%22b%26c%22%20and%20d%20like%20%27%25x%25%27"),
        sent(json!({"q": "a+b#c?d/e"}), "q=a%2Bb%23c%3Fd%2Fe"),
        sent(json!({"q": "%20"}), "q=%2520"),
        sent(json!({"q": "a\r\nX-Evil: 1"}), "q=a%0D%0AX-Evil%3A%201"),
        sent(json!({"q": "\u{0}"}), "q=%00"),
        sent(json!({"q": "a&admin=true"}), "q=a%26admin%3Dtrue"),
        sent(json!({"q": ""}), "q="),
        sent(json!({"q": "é"}), "q=%C3%A9"),
        sent(json!({"q": false}), "q=false"),
        sent(json!({"ids": [1, "a,b", "c&d"]}), "ids=1,a%2Cb,c%26d"),
        sent(json!({"each": ["a", "b&c"]}), "each=a&each=b%26c"),
        refused(json!({"q": {"a": 1}})),
        Case { fact: "a query of 100,000 characters is refused".into(), ..refused(json!({"q": "x".repeat(100_000)})) },
        refused(json!({"ids": [[1]]})),
        refused(json!({"ids": [null]})),
        Case { end: UNKNOWN_OPTION.into(), ..refused(json!({"q&admin": "true"})) },
    ]
}

/// Nothing gets into the head of a request that is not meant to.
fn headers() -> Vec<Case> {
    let refused = |value: Value| Case {
        operation: "filter",
        options: json!({"X-Opt": value}),
        ..read("73", format!("the header value {value} is refused"), vec![answer("[]")], REFUSED, 0)
    };
    vec![
        refused(json!("a\r\nX-Evil: 1")),
        refused(json!("a\nX-Evil: 1")),
        refused(json!("a\rb")),
        refused(json!("a\u{0}b")),
        refused(json!("a\u{7f}b")),
        refused(json!({"a": 1})),
        Case {
            operation: "filter",
            options: json!({"Content-Length": "5"}),
            ..read("73", "a framing header is no option", vec![answer("[]")], UNKNOWN_OPTION, 0)
        },
        Case {
            operation: "filter",
            options: json!({"Host": "evil.example"}),
            ..read("73", "the host is no option", vec![answer("[]")], UNKNOWN_OPTION, 0)
        },
        Case {
            operation: "keyed",
            options: json!({"Idempotency-Key": "mine"}),
            ..post("73", "the key of a write is no option", vec![answer("{}")], UNKNOWN_OPTION, 0)
        },
    ]
}

/// Values that a header can hold, and how they arrive.
const HEADER_VALUES: [(&str, &str, &str); 5] = [
    ("with wide characters whose low bytes are CR and LF", "a\u{10d}\u{10a}X-Evil: 1", "a\u{10d}\u{10a}X-Evil: 1"),
    (
        "with characters of Asia whose low bytes are CR and LF",
        "a\u{560d}\u{560a}X-Evil: 1",
        "a\u{560d}\u{560a}X-Evil: 1",
    ),
    ("with a tab", "a\tb", "a\tb"),
    ("that is empty", "", ""),
    ("with a comma and a colon", "a, X-Evil: 1", "a, X-Evil: 1"),
];

fn as_header(value: &str, expected: &str) -> Result<(), String> {
    let stage = Stage::plain(vec![answer("[]")]);
    let found = block_on(call(&stage.session, "filter", &json!({"X-Opt": value}), None, &Default::default()));
    let requests = stage.server.requests();
    let request = requests.first().ok_or(format!("{}\n{}", found.summary, told(&found.errors)))?;
    if request.header("x-opt") != [expected] || !request.header("x-evil").is_empty() {
        return Err(format!("{request:?}"));
    }
    Ok(())
}

/// Addresses as people paste them, and the base address, or what is said against it. Nothing is sent.
const ADDRESSES: [(&str, Result<&str, &str>); 26] = [
    ("https://site.example", Ok("https://site.example/")),
    ("site.example", Ok("https://site.example/")),
    ("  https://site.example/  ", Ok("https://site.example/")),
    ("https://site.example/a/b/", Ok("https://site.example/a/b")),
    ("https://SITE.example:443/", Ok("https://site.example/")),
    ("https://site.example/a/../b/./c", Ok("https://site.example/b/c")),
    ("https://b\u{fc}cher.example", Ok("https://xn--bcher-kva.example/")),
    ("https://xn--bcher-kva.example", Ok("https://xn--bcher-kva.example/")),
    ("http://127.0.0.1:8080", Ok("http://127.0.0.1:8080/")),
    ("http://2130706433:8080", Ok("http://127.0.0.1:8080/")),
    ("http://localhost:8080", Ok("http://localhost:8080/")),
    ("http://[::1]:8080", Ok("http://[::1]:8080/")),
    ("http://site.example", Err("unencrypted")),
    ("http://localhost.evil.example", Err("unencrypted")),
    ("http://127.0.0.1.evil.example", Err("unencrypted")),
    ("http://0.0.0.0", Err("unencrypted")),
    ("https://robot:pw@site.example", Err("user name or password")),
    ("https://robot@site.example", Err("user name or password")),
    ("https://site.example/?a=b", Err("query or fragment")),
    ("https://site.example/#a", Err("query or fragment")),
    ("https://site .example", Err("not an address")),
    ("https://site.example:99999", Err("not an address")),
    ("https://", Err("not an address")),
    ("ftp://site.example", Err("https address")),
    ("file:///etc/passwd", Err("https address")),
    ("https://site.example\r\nX-Evil: 1", Err("control character")),
];

fn address(typed: &str, expected: Result<&str, &str>) -> Result<(), String> {
    let mut spec = spec("acme", typed, json!({}), &[]);
    spec.allow_http = false;
    let connection = opnode::connection::Connection::open(engine(false).catalog().connector("acme").unwrap(), &spec);
    match (connection, expected) {
        (Ok(found), Ok(base)) if found.base().as_str() == base => Ok(()),
        (Err(error), Err(says)) if error.to_json().to_string().contains(says) => check_text(&told(&[error])),
        (Ok(found), _) => Err(format!("{}, expected {expected:?}", found.base())),
        (Err(error), _) => Err(format!("{}, expected {expected:?}", error.to_json())),
    }
}

/// A value that would end its header is refused by the connection, or by the first call, and shown nowhere.
fn property(name: &str, value: &str) -> Result<(), String> {
    let url = "http://127.0.0.1:1";
    let error = match engine(false).connect(&spec("acme", url, json!({}), &[(name, value)])) {
        Err(error) => error,
        Ok(session) => {
            let mut found = block_on(call(&session, "list", &Value::Null, None, &Default::default()));
            found.errors.pop().ok_or(found.summary)?
        }
    };
    let text = told(&[error]);
    check_text(&text)?;
    if !text.starts_with(|c: char| c.is_lowercase()) || text.contains(PASSWORD) || !text.contains("connection") {
        return Err(text);
    }
    Ok(())
}

/// A form's own field names, file names and types come from items.
fn form() -> Result<(), String> {
    let stage = Stage::plain(vec![reply("200 OK", "", "")]);
    let items = r#"[{"a\"\r\nX-Evil: 1":"v\r\n--x","f":{"fileName":"a\"\r\nb.txt","contentType":"text/plain\r\nX-Evil: 1","data":"eA=="}}]"#;
    let found = block_on(call(&stage.session, "upload", &Value::Null, Some(items), &Default::default()));
    let requests = stage.server.requests();
    let Some(request) = requests.first() else { return Err(found.summary) };
    let body = String::from_utf8_lossy(&request.body).into_owned();
    let kind = request.header("content-type")[0].to_owned();
    let boundary = kind.split_once("boundary=").map(|(_, b)| format!("--{b}")).ok_or(kind)?;
    let heads: Vec<&str> =
        body.split(&boundary).filter_map(|p| p.split_once("\r\n\r\n")).map(|(head, _)| head.trim()).collect();
    let expected = [
        "Content-Disposition: form-data; name=\"a%22%0D%0AX-Evil: 1\"",
        "Content-Disposition: form-data; name=\"f\"; filename=\"a%22%0D%0Ab.txt\"\r\nContent-Type: application/octet-stream",
    ];
    if heads == expected { Ok(()) } else { Err(format!("{heads:#?}")) }
}
