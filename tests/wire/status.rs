//! Rows 26, 27, 46, 47, 56, 63 and 76: what a status says, what an error body may do, and where a redirect may lead.

use std::time::Duration;

use libtest_mimic::Trial;
use serde_json::json;

use crate::acme::{ECHO, LONG};
use crate::case::{Case, delete, post, put, read, saying};
use crate::server::{Act, JSON, Step, bytes, json as answer, reply};

const ONE: &str = r#"[{"id":1}]"#;
const WHOLE: &str = r#"[{"id":1}] end"#;
const UNKNOWN: &str = "unknown unknown_outcome/1";

pub fn trials() -> Vec<Trial> {
    let all = [statuses(), error_bodies(), echoes(), accounts(), read_redirects(), write_redirects()];
    all.into_iter().flatten().map(Case::trial).collect()
}

fn made() -> Act {
    answer(r#"{"id":1}"#)
}

/// Statuses that are rare or made up: what a read and a POST come to, and in how many requests. An answer that would do follows each.
const STATUSES: [(&str, &str, &str, usize); 19] = [
    ("101 Switching Protocols", "[] bad_response/1", UNKNOWN, 1),
    ("300 Multiple Choices", "[] rejected/1", UNKNOWN, 1),
    ("301 Moved Permanently", "[] rejected/1", UNKNOWN, 1),
    ("302 Found", "[] rejected/1", UNKNOWN, 1),
    ("303 See Other", "[] rejected/1", UNKNOWN, 1),
    ("304 Not Modified", "[] rejected/1", UNKNOWN, 1),
    ("307 Temporary Redirect", "[] rejected/1", "failed rejected/1", 1),
    ("308 Permanent Redirect", "[] rejected/1", "failed rejected/1", 1),
    ("400 Bad Request", "[] rejected/1", "failed rejected/1", 1),
    ("404 Not Found", "[] not_found/1", "failed not_found/1", 1),
    ("409 Conflict", "[] conflict/1", "failed conflict/1", 1),
    ("410 Gone", "[] not_found/1", "failed not_found/1", 1),
    ("418 I'm a teapot", "[] rejected/1", "failed rejected/1", 1),
    ("499 Client Closed Request", "[] rejected/1", "failed rejected/1", 1),
    ("501 Not Implemented", "[] rejected/1", "failed rejected/1", 1),
    ("599 Network Connect Timeout", WHOLE, UNKNOWN, 2),
    ("600 Unparseable", "[] bad_response/1", UNKNOWN, 1),
    ("777 ", "[] bad_response/1", UNKNOWN, 1),
    ("999 Request denied", "[] bad_response/1", UNKNOWN, 1),
];

fn statuses() -> Vec<Case> {
    let rows = STATUSES.into_iter();
    rows.flat_map(|(status, of_read, of_post, requests)| {
        let script = |then: Act| vec![reply(status, JSON, "{}"), then];
        [
            read("26", format!("{status}: a read"), script(answer(ONE)), of_read, requests),
            post("26", format!("{status}: a POST is sent once"), script(made()), of_post, 1),
        ]
    })
    .chain(["200 OK", "202 Accepted", "204 No Content", "299 Nearly"].map(|status| Case {
        operation: "add-exactly",
        ..post(
            "26",
            format!("{status} where 201 is expected: the POST may have worked"),
            vec![reply(status, JSON, "{}"), made()],
            UNKNOWN,
            1,
        )
    }))
    .collect()
}

/// An error body is looked at as far as it helps, and can make nothing worse than its status is.
fn error_bodies() -> Vec<Case> {
    let quick = Some((Duration::ZERO, Duration::from_secs(3)));
    let large = |status: &str| {
        let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n", 800 << 16);
        Act::Answer(vec![Step::Send(head.into()), Step::Times(800, vec![b'x'; 1 << 16])])
    };
    let packed =
        |status: &str, label: &str| reply(status, &format!("Content-Encoding: {label}\r\n"), "no such encoding");
    let endless = |status: &str| {
        Act::Answer(vec![
            Step::Send(format!("HTTP/1.1 {status}\r\n\r\n").into()),
            Step::Forever(b"<p>still here", Duration::from_millis(1)),
        ])
    };
    let cut = |status: &str| bytes(format!("HTTP/1.1 {status}\r\nContent-Length: 999\r\n\r\nnot all of"), Step::Close);
    let stalled =
        |status: &str| bytes(format!("HTTP/1.1 {status}\r\nContent-Length: 999\r\n\r\nnot all of"), Step::Hang);
    vec![
        Case {
            takes: quick,
            ..read("27", "50 MB with a 400: a read", vec![large("400 Bad Request")], "[] rejected/1", 1)
        },
        Case {
            takes: quick,
            ..post(
                "27",
                "50 MB with a 400: a POST has failed",
                vec![large("400 Bad Request"), made()],
                "failed rejected/1",
                1,
            )
        },
        Case {
            takes: quick,
            ..read("27", "50 MB with a 503: a read is repeated", vec![large("503 Busy"), answer(ONE)], WHOLE, 2)
        },
        Case {
            limits: json!({"page_bytes": 1000}),
            ..read(
                "27",
                "more than page_bytes with a 500: a read is repeated",
                vec![large("500 Oops"), answer(ONE)],
                WHOLE,
                2,
            )
        },
        Case {
            limits: json!({"page_bytes": 1000}),
            ..read(
                "27",
                "more than page_bytes with a 403 is forbidden",
                vec![large("403 Forbidden")],
                "[] forbidden/1",
                1,
            )
        },
        Case {
            limits: json!({"page_bytes": 1000}),
            ..post(
                "27",
                "more than page_bytes with a 502: a POST is unknown",
                vec![large("502 Bad Gateway"), made()],
                UNKNOWN,
                1,
            )
        },
        Case {
            takes: quick,
            ..read("27", "without end with a 404", vec![endless("404 Not Found")], "[] not_found/1", 1)
        },
        read(
            "27",
            "packed in an unknown way with a 401",
            vec![packed("401 Unauthorized", "br"), answer(ONE)],
            "[] unauthenticated/1",
            1,
        ),
        read(
            "27",
            "packed in an unknown way with a 503: a read is repeated",
            vec![packed("503 Busy", "br"), answer(ONE)],
            WHOLE,
            2,
        ),
        post(
            "27",
            "wrongly packed with a 429: a POST is repeated",
            vec![packed("429 Slow down", "gzip"), made()],
            r#"ok/2 [{"id":1}]"#,
            2,
        ),
        post(
            "27",
            "wrongly packed with a 504: a POST is unknown",
            vec![packed("504 Gateway Timeout", "gzip"), made()],
            UNKNOWN,
            1,
        ),
        post(
            "27",
            "wrongly packed with a 422: a POST has failed",
            vec![packed("422 No", "gzip"), made()],
            "failed rejected/1",
            1,
        ),
        read("27", "cut with a 404", vec![cut("404 Not Found")], "[] not_found/1", 1),
        post("27", "cut with a 400: a POST has failed", vec![cut("400 Bad Request"), made()], "failed rejected/1", 1),
        post("27", "cut with a 502: a POST is unknown", vec![cut("502 Bad Gateway"), made()], UNKNOWN, 1),
        post(
            "27",
            "stalled with a 400: a POST has failed",
            vec![stalled("400 Bad Request"), made()],
            "failed rejected/1",
            1,
        ),
        saying(
            &["not all of"],
            read("27", "what came of it is kept", vec![cut("400 Bad Request")], "[] rejected/1", 1),
        ),
    ]
}

/// Our credentials thrown back at every place from which an error takes text. [`crate::case`] looks for them in all that is told.
fn echoes() -> Vec<Case> {
    let all = ECHO.join(" ");
    let failed = |row: &'static str, fact: &str, headers: &str, body: String| {
        read(row, fact, vec![reply("400 Bad Request", headers, body)], "[] rejected/1", 1)
    };
    let secret: &[&str] = &["[secret]"];
    let escapes = "\x1b]0;owned\x07\x1b[2J\u{9b}31m";
    vec![
        saying(secret, failed("27", "credentials in the message", JSON, json!({"message": &all}).to_string())),
        saying(secret, failed("27", "credentials in the code", JSON, json!({"code": &all}).to_string())),
        saying(
            secret,
            failed(
                "27",
                "credentials in the details",
                JSON,
                json!({"message": "m", "errors": [{"code": &all, "message": &all, "field": &all}]}).to_string(),
            ),
        ),
        saying(secret, failed("27", "credentials in a body of no known form", JSON, json!({"x": &all}).to_string())),
        saying(secret, failed("27", "credentials in plain text", "", all.clone())),
        saying(
            secret,
            failed(
                "27",
                "credentials in the title of a page",
                "Content-Type: text/html\r\n",
                format!("<title>{all}</title>"),
            ),
        ),
        saying(secret, failed("27", "credentials in the request id", &format!("X-Request-Id: {all}\r\n"), "{}".into())),
        failed("27", "a credential across the end of the excerpt", "", format!("{}{all}", "x".repeat(490))),
        failed("27", "a credential across the end of what is looked at", "", format!("{}{all}", " ".repeat(3_990))),
        saying(
            secret,
            failed("27", "credentials as PHP writes JSON", JSON, json!({"x": &all}).to_string().replace('/', "\\/")),
        ),
        saying(
            secret,
            failed(
                "27",
                "credentials as .NET writes JSON",
                JSON,
                json!({"x": &all}).to_string().replace('&', "\\u0026").replace('+', "\\u002B"),
            ),
        ),
        saying(
            secret,
            failed(
                "27",
                "credentials as HTML writes them",
                "",
                format!("<title>{0}</title><p>{0}", all.replace('&', "&amp;").replace('/', "&#x2F;")),
            ),
        ),
        failed("27", "a credential again and again", "", ECHO[4].repeat(2_000)),
        failed("27", "a credential of 2,000 characters again and again", "", format!("Bearer {} ", LONG).repeat(20))
            .with_long_key(),
        saying(
            secret,
            read(
                "27",
                "credentials in a page with 200",
                vec![reply("200 OK", "Content-Type: text/html\r\n", format!("<title>{all}</title>{all}"))],
                "[] bad_response/3",
                3,
            ),
        ),
        saying(
            secret,
            post(
                "27",
                "credentials in the answer to a POST",
                vec![reply("400 Bad Request", JSON, json!({"message": &all}).to_string())],
                "failed rejected/1",
                1,
            ),
        ),
        read(
            "27",
            "credentials in the address of a redirect",
            vec![reply("302 Found", &format!("Location: http://{}.evil.example/?{}\r\n", ECHO[1], ECHO[4]), "")],
            "[] origin/1",
            1,
        ),
        read(
            "27",
            "credentials in an address that is none",
            vec![reply("302 Found", &format!("Location: http://[{}/\r\n", ECHO[0]), "")],
            "[] bad_response/1",
            1,
        ),
        read(
            "27",
            "credentials in the path of a redirect",
            vec![reply("302 Found", &format!("Location: /{}?k={}\r\n", ECHO[2], ECHO[1]), ""), reply("400 No", "", "")],
            "[] rejected/1",
            2,
        ),
        failed("76", "escape codes in the message", JSON, json!({"message": escapes}).to_string()),
        failed(
            "76",
            "escape codes in the code and details",
            JSON,
            json!({"code": escapes, "errors": [{"code": escapes, "message": escapes, "field": escapes}]}).to_string(),
        ),
        failed("76", "escape codes in plain text", "", escapes.into()),
        failed("76", "escape codes in the title of a page", "", format!("<title>{escapes}</title>")),
        failed("76", "control bytes in the request id", "X-Request-Id: a\tb\u{9b}31m\r\n", "{}".into()),
    ]
}

/// A wrong key is tried once, so that nobody's account is locked.
fn accounts() -> Vec<Case> {
    let no = || reply("401 Unauthorized", JSON, r#"{"message":"who?"}"#);
    vec![
        saying(
            &["who?", "tried once"],
            read("47", "401: a read is not repeated", vec![no(), answer(ONE)], "[] unauthenticated/1", 1),
        ),
        post("47", "401: a POST is not repeated", vec![no(), made()], "failed unauthenticated/1", 1),
        Case {
            items: Some(r#"[{"n":1},{"n":2},{"n":3}]"#),
            ..post(
                "47",
                "401: the items after it are not sent",
                vec![no(), made()],
                "failed unauthenticated/1, skipped/0, skipped/0",
                1,
            )
        },
        read(
            "47",
            "401 with Retry-After: not repeated either",
            vec![reply("401 No", "Retry-After: 1\r\n", ""), answer(ONE)],
            "[] unauthenticated/1",
            1,
        ),
        saying(
            &["a proxy that did not accept its user name and password", "HTTPS_PROXY"],
            read(
                "08",
                "a 407 is the proxy's, whoever passes it on",
                vec![reply("407 No", "", ""), answer(ONE)],
                "[] connection/1",
                1,
            ),
        ),
        read(
            "46",
            "403 is another thing than 401, and not repeated",
            vec![reply("403 Forbidden", JSON, "{}"), answer(ONE)],
            "[] forbidden/1",
            1,
        ),
        post(
            "46",
            "403: a POST is not repeated",
            vec![reply("403 Forbidden", JSON, "{}"), made()],
            "failed forbidden/1",
            1,
        ),
    ]
}

/// A redirect to this address.
fn to(status: &str, target: &str) -> Act {
    reply(status, &format!("Location: {target}\r\n"), "")
}

/// Another origin gets nothing: [`crate::case`] fails any case in which a second server is called.
fn read_redirects() -> Vec<Case> {
    let mut cases = Vec::new();
    for status in ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"] {
        let there = |row: &'static str, target: &str, end: &str, requests: usize| {
            read(row, format!("{status} to {target}: a read"), vec![to(status, target), answer(ONE)], end, requests)
        };
        cases.extend([
            there("63", "http://127.0.0.1:MYOWN/there", WHOLE, 2),
            there("63", "/there", WHOLE, 2),
            there("63", "http://127.0.0.1:OTHER/there", "[] origin/1", 1),
            there("63", "//127.0.0.1:OTHER/there", "[] origin/1", 1),
        ]);
    }
    let other = |target: &str, end: &'static str| {
        read("63", format!("a redirect to {target}: a read"), vec![to("302 Found", target), answer(ONE)], end, 1)
    };
    let hop = |n: usize| to("302 Found", &format!("/hop{n}"));
    let hops = |n: usize| (0..n).map(hop).collect::<Vec<_>>();
    cases.extend([
        other("https://127.0.0.1:MYOWN/there", "[] origin/1"),
        other("http://localhost:MYOWN/there", "[] origin/1"),
        other("http://acme+robot:pw@127.0.0.1:MYOWN/there", "[] origin/1"),
        other("http://127.0.0.1@127.0.0.1:OTHER/there", "[] origin/1"),
        other("http://127.0.0.1:OTHER\\@127.0.0.1:MYOWN/", "[] origin/1"),
        other("file:///etc/passwd", "[] origin/1"),
        other("javascript:alert(1)", "[] origin/1"),
        other("data:application/json,[]", "[] origin/1"),
        other("http://", "[] bad_response/1"),
        other("http://[::1", "[] bad_response/1"),
        other("\u{e9}", "[] rejected/1"),
        read(
            "63",
            "a redirect within the origin and then out of it",
            vec![to("302 Found", "/there"), to("302 Found", "http://127.0.0.1:OTHER/")],
            "[] origin/1",
            2,
        ),
        read(
            "63",
            "a redirect to the same place by another spelling",
            vec![to("302 Found", "HTTP://127.1:MYOWN/x/../there#top"), answer(ONE)],
            WHOLE,
            2,
        ),
        read("26", "a redirect to itself ends", vec![to("302 Found", "/things")], "[] no_progress/1", 6),
        read("26", "a redirect to nowhere, which means itself, ends", vec![to("302 Found", "")], "[] no_progress/1", 6),
        read(
            "26",
            "redirects in a circle end",
            vec![hop(1), hop(2), hop(1), hop(2), hop(1), hop(2), answer(ONE)],
            "[] no_progress/1",
            6,
        ),
        read("26", "5 redirects are followed", [hops(5), vec![answer(ONE)]].concat(), WHOLE, 6),
        read("26", "6 redirects are not", [hops(6), vec![answer(ONE)]].concat(), "[] no_progress/1", 6),
        read(
            "26",
            "trouble behind a redirect: all of it is repeated",
            vec![hop(1), reply("503 Busy", "", ""), hop(1), answer(ONE)],
            WHOLE,
            4,
        ),
        Case {
            operation: "search",
            options: json!({"term": "x"}),
            ..read(
                "56",
                "307: a search by POST goes on with its body",
                vec![to("307 T", "/there"), answer(ONE)],
                WHOLE,
                2,
            )
        },
        Case {
            operation: "search",
            options: json!({"term": "x"}),
            ..read(
                "56",
                "303: a search by POST is not turned into a GET",
                vec![to("303 S", "/there"), answer(ONE)],
                "[] rejected/1",
                1,
            )
        },
    ]);
    cases
}

fn write_redirects() -> Vec<Case> {
    let mut cases = Vec::new();
    for (status, slash) in [
        ("301 Moved", "failed rejected/1"),
        ("302 Found", "failed rejected/1"),
        // "See Other" is said after the work was done (RFC 9110, section 15.4.4).
        ("303 See Other", UNKNOWN),
    ] {
        let there = |target: &str| vec![to(status, target), made()];
        cases.extend([
            post("56", format!("{status}: a POST is not turned into a GET"), there("/there"), UNKNOWN, 1),
            post(
                "56",
                format!("{status} to another origin: a POST goes nowhere"),
                there("http://127.0.0.1:OTHER/"),
                UNKNOWN,
                1,
            ),
            post(
                "56",
                format!("{status} to the same path with a slash: a POST was not done"),
                there("/things/"),
                slash,
                1,
            ),
            put("56", format!("{status}: a PUT is not turned into a GET"), there("/there"), UNKNOWN, 1),
            delete("56", format!("{status}: a DELETE is not turned into a GET"), there("/there"), UNKNOWN, 1),
        ]);
    }
    for status in ["307 Temporary", "308 Permanent"] {
        let there = |target: &str| vec![to(status, target), made()];
        cases.extend([
            post("56", format!("{status}: a POST goes on within the origin"), there("/there"), r#"ok/1 [{"id":1}]"#, 2),
            put("56", format!("{status}: a PUT goes on within the origin"), there("/there"), r#"ok/1 [{"id":1}]"#, 2),
            delete(
                "56",
                format!("{status}: a DELETE goes on within the origin"),
                vec![to(status, "/there"), reply("204 No Content", "", "")],
                "ok/1",
                2,
            ),
            post(
                "56",
                format!("{status} to another origin: a POST goes nowhere"),
                there("http://127.0.0.1:OTHER/there"),
                "failed origin/1",
                1,
            ),
            put(
                "56",
                format!("{status} to another origin: a PUT goes nowhere"),
                there("//127.0.0.1:OTHER/there"),
                "failed origin/1",
                1,
            ),
            delete(
                "56",
                format!("{status} to another origin: a DELETE goes nowhere"),
                there("http://127.0.0.1:OTHER/"),
                "failed origin/1",
                1,
            ),
            post(
                "56",
                format!("{status} and then a reset: a POST is unknown"),
                vec![to(status, "/there"), bytes("", Step::Reset), made()],
                UNKNOWN,
                2,
            ),
            post(
                "56",
                format!("{status} in a circle: a POST ends"),
                vec![to(status, "/things")],
                "failed no_progress/1",
                6,
            ),
        ]);
    }
    cases
}
