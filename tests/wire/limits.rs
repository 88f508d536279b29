//! The limits of a connection, each at the limit and one past it. What is past it is told by the limit's name and how to raise it.

use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::broken::gzip;
use crate::case::{Case, of, post, read, saying};
use crate::server::{Act, JSON, Step, bytes, json as answer, reply};

const THREE: &str = r#"[{"id":1},{"id":2},{"id":3}]"#;
const PAST: &str = "[] limit/1";

pub fn trials() -> Vec<Trial> {
    [sizes(), counts(), headers(), depths(), packed(), pages(), excerpts()]
        .into_iter()
        .flatten()
        .map(Case::trial)
        .collect()
}

/// A reply at the limit that is named, and the same one past it.
fn both(name: &'static str, says: &'static [&'static str], limit: usize, script: &[Act], end: &str) -> Vec<Case> {
    let with = |limit: usize| -> Value { json!({ name: limit }) };
    vec![
        Case { limits: with(limit), ..read("21", format!("{name}: at the limit"), script.to_vec(), end, 1) },
        saying(
            says,
            Case {
                limits: with(limit - 1),
                ..read("21", format!("{name}: one past the limit"), script.to_vec(), PAST, 1)
            },
        ),
    ]
}

fn sizes() -> Vec<Case> {
    let says: &[&str] = &["limit page_bytes (27)", "raise the limit in the connection's `limits`"];
    let end = format!("{THREE} end");
    let mut cases = both("page_bytes", says, THREE.len(), &[answer(THREE)], &end);
    let open = bytes(format!("HTTP/1.1 200 OK\r\n{JSON}\r\n{THREE}"), Step::Close);
    cases.extend(
        both("page_bytes", says, THREE.len(), &[open], &end)
            .into_iter()
            .map(|c| Case { fact: format!("{}, no length", c.fact), ..c }),
    );
    let small = reply("200 OK", &format!("{JSON}Content-Encoding: gzip\r\n"), gzip(THREE.as_bytes()));
    // What was sent is a little larger than what comes out of it.
    let large = reply(
        "200 OK",
        &format!("{JSON}Content-Encoding: gzip\r\n"),
        gzip(format!("{THREE}{}", " ".repeat(1000)).as_bytes()),
    );
    let named = |what: &str, c: Case| Case { fact: format!("page_bytes: {what}"), ..c };
    cases.push(named(
        "unpacked, at the limit",
        Case { limits: json!({"page_bytes": 1028}), ..read("21", "", vec![large.clone()], &end, 1) },
    ));
    cases.push(named(
        "unpacked, one past the limit",
        Case { limits: json!({"page_bytes": 1027}), ..read("21", "", vec![large], PAST, 1) },
    ));
    cases.push(named(
        "packed larger than unpacked",
        Case { limits: json!({"page_bytes": 28}), ..read("21", "", vec![small], PAST, 1) },
    ));
    cases
}

fn counts() -> Vec<Case> {
    let says: &[&str] = &["limit page_items (2)", "raise `limits: { page_items }`"];
    let mut cases = both("page_items", says, 3, &[answer(THREE)], &format!("{THREE} end"));
    let table = answer(r#"{"columns":["id"],"rows":[[1],[2],[3]]}"#);
    let named = |what: &str, c: Case| Case { fact: format!("{}: {what}", c.fact), ..c };
    cases.extend(
        both("page_items", says, 3, &[table], &format!("{THREE} end"))
            .into_iter()
            .map(|c| of("report", named("a report", c))),
    );
    let one = Case {
        options: json!({"id": 1}),
        limits: json!({"page_items": 2}),
        ..read("21", "page_items: a list as a record", vec![answer(THREE)], PAST, 1)
    };
    cases.push(of("thing", saying(says, one)));
    let written =
        post("21", "page_items: past the limit after a write", vec![answer(THREE)], "unknown unknown_outcome/1", 1);
    cases.push(Case { limits: json!({"page_items": 2}), ..written });
    cases
}

/// Name, value, colon, space and line end of each field count.
fn headers() -> Vec<Case> {
    let says: &[&str] = &["limit header_bytes (899)", "raise the limit in the connection's `limits`"];
    let own = "content-type".len() + "application/json".len() + 4 + "content-length".len() + 2 + 4;
    let fill = format!("{JSON}X-Fill: {}\r\n", "a".repeat(900 - own - "x-fill".len() - 4));
    let small = json!({"header_bytes": 899});
    let mut cases = both("header_bytes", says, 900, &[reply("200 OK", &fill, THREE)], &format!("{THREE} end"));
    let made = post(
        "21",
        "header_bytes: past the limit after a write",
        vec![reply("200 OK", &fill, "{\"a\":\"12345\"}")],
        "unknown unknown_outcome/1",
        1,
    );
    cases.push(Case { limits: small.clone(), ..made });
    let gone = read(
        "21",
        "header_bytes: past the limit in an error, which counts",
        vec![reply("404 No", &fill, "{}          ")],
        "[] not_found/1",
        1,
    );
    cases.push(Case { limits: small, ..gone });
    cases
}

fn depths() -> Vec<Case> {
    let deep = |n: usize| format!("[{}1{}]", "[".repeat(n), "]".repeat(n));
    let says: &[&str] = &["limit json_depth (127)", "this limit is fixed"];
    vec![
        read("21", "json_depth: at the limit", vec![answer(deep(127))], format!("{} end", deep(127)), 1),
        saying(says, read("21", "json_depth: one past the limit", vec![answer(deep(128))], PAST, 1)),
    ]
}

fn packed() -> Vec<Case> {
    let plain = format!("[{}]", " ".repeat(2 << 20));
    let small = gzip(plain.as_bytes());
    let ratio = plain.len() / small.len();
    let script = [reply("200 OK", &format!("{JSON}Content-Encoding: gzip\r\n"), small)];
    both(
        "inflate_ratio",
        &["limit inflate_ratio (", "raise the limit in the connection's `limits`"],
        ratio,
        &script,
        "[] end",
    )
}

fn pages() -> Vec<Case> {
    let page = |id: u64, next: &str| answer(format!(r#"{{"data":[{{"id":{id}}}],"next":{next}}}"#));
    let script = || vec![page(1, r#""a""#), page(2, r#""b""#), page(3, "null")];
    let walk = |fact, limit: u64, end: &str, requests| {
        of("cursor", Case { limits: json!({"pages": limit}), ..read("29", fact, script(), end, requests) })
    };
    vec![
        walk("pages: at the limit", 3, &format!("{THREE} end"), 3),
        saying(
            &["limit pages (2)", "raise `limits: { pages }`"],
            walk("pages: one past the limit", 2, r#"[{"id":1},{"id":2}] limit/0"#, 2),
        ),
    ]
}

/// An excerpt is cut and not refused: 500 characters stay.
fn excerpts() -> Vec<Case> {
    let says = |count: usize| -> &'static [&'static str] {
        let shown: &'static str = Box::leak(format!("\"excerpt\":\"{}\"", "x".repeat(count)).into_boxed_str());
        Box::leak(Box::new([shown]))
    };
    let case = |fact, count, shown| {
        saying(
            says(shown),
            read(
                "27",
                fact,
                vec![reply("400 Bad Request", "Content-Type: text/plain\r\n", "x".repeat(count))],
                "[] rejected/1",
                1,
            ),
        )
    };
    vec![case("an excerpt of 500 characters is whole", 500, 500), case("an excerpt of 501 characters is cut", 501, 500)]
}
