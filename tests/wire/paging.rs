//! Rows 19, 20, 28 to 39 and 73: servers that page wrongly. What came before an error is kept, and nothing comes twice.

use std::sync::Arc;
use std::time::Duration;

use libtest_mimic::Trial;
use opnode::CallOptions;
use serde_json::{Value, json};

use crate::case::{Case, of, read, saying};
use crate::server::{Act, JSON, Step, json as answer, reply, silence};
use crate::stage::{Stage, TestClock, block_on, call};

const P1: &str = r#"[{"id":1},{"id":2}]"#;
const P2: &str = r#"[{"id":3},{"id":4}]"#;
const BOTH: &str = r#"[{"id":1},{"id":2},{"id":3},{"id":4}] end"#;

pub fn trials() -> Vec<Trial> {
    let all = [loops(), ends(), totals(), origins(), headers(), trouble(), cursors(), options()];
    let mut trials: Vec<Trial> = all.into_iter().flatten().map(Case::trial).collect();
    trials.push(Trial::test("29 tokens without end: the deadline ends it and keeps what came", || Ok(deadline()?)));
    trials
}

/// A server with a page for every token, and another token on every page.
fn deadline() -> Result<(), String> {
    let fresh = Act::Choose(Arc::new(|request| {
        let n: u64 = request.line.split(['=', ' ']).nth(2).and_then(|n| n.parse().ok()).unwrap_or(0);
        page(&ids(n * 2..n * 2 + 2), &format!(r#""next":{}"#, n + 1))
    }));
    let stage = Stage::new("acme", Value::Null, vec![fresh], TestClock { real: true, ..TestClock::default() }, &[]);
    let with = CallOptions { timeout: Some(Duration::from_millis(300)), ..CallOptions::default() };
    let found = block_on(call(&stage.session, "cursor", &Value::Null, None, &with));
    let count = found.receipt.items;
    let whole = found.summary.starts_with(&ids(0..count));
    if found.summary.contains(" timeout/") && count > 2 && whole { Ok(()) } else { Err(found.summary) }
}

/// A page of a list, with this Link header.
fn linked(body: &str, link: &str) -> Act {
    reply("200 OK", &format!("{JSON}Link: {link}\r\n"), body)
}

/// A page of an envelope, with these further members.
fn page(data: &str, more: &str) -> Act {
    answer(format!(r#"{{"data":{data},{more}}}"#))
}

fn ids(range: std::ops::Range<u64>) -> String {
    json!(range.map(|id| json!({"id": id})).collect::<Vec<Value>>()).to_string()
}

/// A server that never gets on.
fn loops() -> Vec<Case> {
    let next = |n: u64| format!("</p?page={n}>; rel=next");
    let stuck = |fact: &str, script: Vec<Act>, items: &str, requests: usize| {
        saying(&["paging stopped"], read("28", fact, script, format!("{items} no_progress/0"), requests))
    };
    let all = format!("{},{}", P1.trim_end_matches(']'), P2.trim_start_matches('['));
    let six = |f: fn(u64) -> Act| (0..6).map(f).collect::<Vec<_>>();
    let fresh = |n: u64| page(&ids(n * 2..n * 2 + 2), &format!(r#""next":"t{n}""#));
    vec![
        of("link", stuck("the same link again", vec![linked(P1, &next(2)), linked(P2, &next(2))], &all, 2)),
        of(
            "link",
            stuck(
                "a link in a circle",
                vec![linked(P1, &next(2)), linked(P2, &next(3)), linked("[{\"id\":5}]", &next(2))],
                r#"[{"id":1},{"id":2},{"id":3},{"id":4},{"id":5}]"#,
                3,
            ),
        ),
        of(
            "next_url",
            stuck("the same address again", vec![page(P1, r#""next":"/p""#), page(P2, r#""next":"/p""#)], P1, 1),
        ),
        of(
            "cursor",
            stuck("the same token again", vec![page(P1, r#""next":"a""#), page(P2, r#""next":"a""#)], &all, 2),
        ),
        of(
            "cursor",
            stuck(
                "tokens in a circle",
                vec![page(P1, r#""next":"a""#), page(P2, r#""next":"b""#), page("[{\"id\":5}]", r#""next":"a""#)],
                r#"[{"id":1},{"id":2},{"id":3},{"id":4},{"id":5}]"#,
                3,
            ),
        ),
        of(
            "cursor",
            stuck("the same page under a new token", vec![page(P1, r#""next":"a""#), page(P1, r#""next":"b""#)], P1, 2),
        ),
        of("number", stuck("a server that ignores the page number", vec![answer(P1)], P1, 2)),
        of(
            "cursor",
            Case {
                limits: json!({"pages": 5}),
                ..saying(
                    &["limit pages (5)"],
                    read(
                        "29",
                        "tokens without end: the limit pages ends it and keeps what came",
                        six(fresh),
                        format!("{} limit/0", ids(0..10)),
                        5,
                    ),
                )
            },
        ),
        of(
            "cursor",
            Case {
                with: CallOptions { items_max: Some(3), ..CallOptions::default() },
                ..saying(
                    &["item_limit"],
                    read("29", "tokens without end: the limit of items", six(fresh), format!("{} end", ids(0..3)), 2),
                )
            },
        )
        .incomplete(),
        of(
            "cursor",
            stuck(
                "pages without rows and without end",
                (0..9).map(|n| page("[]", &format!(r#""next":"t{n}""#))).collect(),
                "[]",
                4,
            ),
        ),
    ]
}

/// What ends a walk, and what does not.
fn ends() -> Vec<Case> {
    let next = |n: u64| format!("</p?page={n}>; rel=next");
    let lines = |lines: &[&str]| lines.iter().map(|l| (*l).to_owned()).collect();
    vec![
        of(
            "cursor",
            read(
                "30",
                "a page without rows is passed over",
                vec![
                    page("[]", r#""next":"a""#),
                    page(P1, r#""next":"b""#),
                    page("[]", r#""next":"c""#),
                    page(P2, r#""next":null"#),
                ],
                BOTH,
                4,
            ),
        ),
        of(
            "link",
            read(
                "31",
                "a short page is no end where links lead on",
                vec![linked("[{\"id\":1}]", &next(2)), answer("[{\"id\":2},{\"id\":3}]")],
                r#"[{"id":1},{"id":2},{"id":3}] end"#,
                2,
            ),
        ),
        of(
            "number",
            read(
                "31",
                "a short page is no end where pages are counted",
                vec![answer("[{\"id\":1}]"), answer("[{\"id\":2},{\"id\":3}]"), answer("[]")],
                r#"[{"id":1},{"id":2},{"id":3}] end"#,
                3,
            ),
        ),
        of(
            "cursor",
            read(
                "31",
                "more: false ends it, whatever the token says",
                vec![page(P1, r#""next":"a","more":false"#)],
                r#"[{"id":1},{"id":2}] end"#,
                1,
            ),
        ),
        of(
            "cursor",
            read(
                "31",
                "no token where more is said: asked once more",
                vec![page(P1, r#""more":true"#)],
                r#"[{"id":1},{"id":2}] end"#,
                2,
            )
            .incomplete(),
        ),
        Case {
            lines: lines(&["GET /p?size=1000&skip=0", "GET /p?size=1000&skip=2", "GET /p?size=1000&skip=4"]),
            ..of(
                "offset",
                read(
                    "32",
                    "asked for 1000, got 2: the offset moves by what came",
                    vec![page(P1, r#""x":0"#), page(P2, r#""x":0"#), page("[]", r#""x":0"#)],
                    BOTH,
                    3,
                ),
            )
        },
        Case {
            lines: lines(&["GET /p", "GET /p?after=2", "GET /p?after=4"]),
            ..of(
                "keyset",
                read(
                    "33",
                    "a walk by key goes on after the last key",
                    vec![answer(P1), answer(P2), answer("[]")],
                    BOTH,
                    3,
                ),
            )
        },
        saying(
            &["no `/id` to go on from"],
            of(
                "keyset",
                read(
                    "33",
                    "a walk by key needs the key",
                    vec![answer("[{\"name\":\"a\"}]")],
                    r#"[{"name":"a"}] bad_response/0"#,
                    1,
                ),
            ),
        ),
    ]
}

/// A total is a hint.
fn totals() -> Vec<Case> {
    let walk = |total: &str| {
        vec![
            page(P1, &format!(r#""total":{total}"#)),
            page(P2, &format!(r#""total":{total}"#)),
            page("[]", &format!(r#""total":{total}"#)),
        ]
    };
    let mut cases: Vec<Case> =
        ["0", "3", "-1", "\"4\"", "\"many\"", "null", "1e400", "4.5", "[4]", "99999999999999999999999", "true"]
            .into_iter()
            .map(|total| of("offset", read("34", format!("a total of {total} loses nothing"), walk(total), BOTH, 3)))
            .collect();
    cases.push(saying(
        &["changed from 4 to 9", "announced 9 items and delivered 4"],
        of(
            "offset",
            read(
                "33",
                "a total that changes on the way is told",
                vec![
                    page(P1, r#""total":4"#),
                    page(P2, r#""total":9"#),
                    page("[]", r#""total":9"#),
                    page("[]", r#""total":9"#),
                ],
                BOTH,
                4,
            ),
        )
        .incomplete(),
    ));
    cases.push(saying(
        &["announced 5 items and delivered 4"],
        of("offset", read("34", "a total that is not reached is told", walk("5"), BOTH, 4)).incomplete(),
    ));
    cases
}

/// Where a next link may lead. The second server must see nothing; [`crate::case`] looks.
fn origins() -> Vec<Case> {
    let mut cases = Vec::new();
    for target in [
        "http://127.0.0.1:OTHER/p?page=2",
        "//127.0.0.1:OTHER/p?page=2",
        "\\\\\\\\127.0.0.1:OTHER\\\\p",
        "http://localhost:MYOWN/p?page=2",
        "http://robot:pw@127.0.0.1:MYOWN/p?page=2",
        "http://127.0.0.1@127.0.0.1:OTHER/p",
        "http://127.0.0.1:MYOWN@127.0.0.1:OTHER/p",
        "ftp://127.0.0.1:MYOWN/p",
        "file:///etc/passwd",
        "data:application/json,[]",
    ] {
        let end = r#"[{"id":1},{"id":2}] origin/0"#;
        let plain = target.replace("\\\\", "\\");
        cases.push(of(
            "next_url",
            read(
                "35",
                format!("a next address {plain}"),
                vec![page(P1, &format!(r#""next":"{target}""#)), page(P2, r#""x":0"#)],
                end,
                1,
            ),
        ));
        cases.push(of(
            "link",
            read(
                "35",
                format!("a next link {plain}"),
                vec![linked(P1, &format!("<{plain}>; rel=next")), answer(P2)],
                end,
                1,
            ),
        ));
    }
    for target in [
        "http://127.0.0.1:MYOWN/p?page=2",
        // Another scheme for the own host and port.
        "https://127.0.0.1:MYOWN/p?page=2",
        "HTTP://127.0.0.1:MYOWN/p?page=2",
        "//127.0.0.1:MYOWN/p?page=2",
        "/p?page=2",
        "p?page=2",
        "?page=2",
        "./x/../p?page=2#top",
    ] {
        let lines = vec!["GET /p".to_owned(), "GET /p?page=2".to_owned()];
        cases.push(Case {
            lines,
            ..of(
                "next_url",
                read(
                    "35",
                    format!("a next address {target}"),
                    vec![page(P1, &format!(r#""next":"{target}""#)), page(P2, r#""x":0"#)],
                    BOTH,
                    2,
                ),
            )
        });
    }
    cases.push(of(
        "next_url",
        read(
            "35",
            "a next address that is none",
            vec![page(P1, r#""next":"http://[::1""#)],
            r#"[{"id":1},{"id":2}] bad_response/0"#,
            1,
        ),
    ));
    let rubbish = r#""http://[key-7f3a91c2e5d84b60\u001b[31m""#;
    let end = r#"[{"id":1},{"id":2}] bad_response/0"#;
    let shown = "a next address that is none is shown without credential and escape codes";
    cases.push(of("next_url", read("76", shown, vec![page(P1, &format!(r#""next":{rubbish}"#))], end, 1)));
    let shown = "a number of pages that is none is shown without credential";
    cases.push(of("number_pages", read("27", shown, vec![page(P1, &format!(r#""pages":{rubbish}"#))], end, 1)));
    let path = "a next address with a credential of ours goes to its own origin, and errors mask it";
    let next = r#""next":"/p?k=key-7f3a91c2e5d84b60""#;
    cases.push(of(
        "next_url",
        read("63", path, vec![page(P1, next), reply("400 No", "", "")], r#"[{"id":1},{"id":2}] rejected/1"#, 2),
    ));
    cases
}

/// Link headers (RFC 8288).
fn headers() -> Vec<Case> {
    [
        ("two fields", "</p?page=1>; rel=first\r\nLink: </p?page=2>; rel=\"next\""),
        ("commas and semicolons in an address", "</p?a=1,2;3>; rel=last, </p?page=2>; rel=next"),
        ("capitals", "</p?page=2>; REL=\"NEXT\""),
        ("an anchor means another page", "</p?page=9>; rel=next; anchor=\"/x\", </p?page=2>; rel=next"),
        ("rel twice: the first counts", "</p?page=2>; rel=next; rel=prev"),
        ("several relations", "</p?page=2>; rel=\"prev next\""),
        ("a link in a title", "</p?page=0>; title=\"a, </p?page=9>; rel=next\"; rel=prev, </p?page=2>; rel=next"),
        ("white space", " </p?page=2> ; rel = next"),
        ("bytes that are no UTF-8", "</p?page=2>; title=\"\u{e9}\"; rel=next"),
    ]
    .into_iter()
    .map(|(fact, link)| {
        let lines = vec!["GET /p?size=2".into(), "GET /p?page=2".into()];
        Case { lines, ..of("link", read("36", format!("Link: {fact}"), vec![linked(P1, link), answer(P2)], BOTH, 2)) }
    })
    .chain([of(
        "link",
        read(
            "36",
            "Link: nothing but prev",
            vec![linked(P1, "</p?page=9>; rel=prev")],
            r#"[{"id":1},{"id":2}] end"#,
            1,
        ),
    )])
    .collect()
}

/// Trouble on a later page.
fn trouble() -> Vec<Case> {
    let expired = |status: &str| {
        vec![
            page(P1, r#""next":"a""#),
            reply(status, JSON, r#"{"code":"Expired","message":"cursor expired"}"#),
            page(P2, r#""x":0"#),
        ]
    };
    let fifty = |trouble: Option<Act>| {
        let mut script: Vec<Act> =
            (0..50).map(|n| linked(&ids(n * 2..n * 2 + 2), &format!("</p?page={}>; rel=next", n + 2))).collect();
        script[49] = answer(ids(98..100));
        script.splice(36..36, trouble);
        script
    };
    let path = |n: usize| if n == 1 { "GET /p?size=2".to_owned() } else { format!("GET /p?page={n}") };
    let again: Vec<String> = (1..=37).chain(37..=50).map(path).collect();
    let whole = format!("{} end", ids(0..100));
    let page_37 = |fact: &str, act: Act| Case {
        lines: again.clone(),
        ..of("link", read("38", fact, fifty(Some(act)), whole.clone(), 51))
    };
    let until_36 = format!("{} unauthenticated/1", ids(0..72));
    vec![
        of(
            "cursor",
            saying(
                &["cursor expired", "\"page\":2"],
                read(
                    "37",
                    "a cursor that expired: 400",
                    expired("400 Bad Request"),
                    r#"[{"id":1},{"id":2}] rejected/1"#,
                    2,
                ),
            ),
        ),
        of(
            "cursor",
            saying(
                &["cursor expired", "\"page\":2"],
                read("37", "a cursor that expired: 410", expired("410 Gone"), r#"[{"id":1},{"id":2}] not_found/1"#, 2),
            ),
        ),
        page_37("429 on page 37 of 50: that page alone is repeated", reply("429 Slow", "Retry-After: 1\r\n", "")),
        page_37("503 on page 37 of 50: that page alone is repeated", reply("503 Busy", "", "")),
        page_37("a reset on page 37 of 50: that page alone is repeated", silence(Step::Reset)),
        page_37(
            "a maintenance page on page 37 of 50: that page alone is repeated",
            reply("200 OK", "Content-Type: text/html\r\n", "<html>"),
        ),
        saying(
            &["\"page\":37"],
            of(
                "link",
                read(
                    "38",
                    "401 on page 37 of 50: what came before is kept",
                    fifty(Some(reply("401 No", "", ""))),
                    until_36,
                    37,
                ),
            ),
        ),
        of("link", read("38", "50 pages", fifty(None), whole.clone(), 50)),
        Case {
            limits: json!({"concurrency": 4}),
            ..of(
                "linked_on",
                read(
                    "28",
                    "a last page beyond 64 bits",
                    vec![
                        linked(
                            P1,
                            "</p?page=18446744073709551615>; rel=next, </p?page=18446744073709551615>; rel=last",
                        ),
                        answer(P2),
                    ],
                    BOTH,
                    2,
                ),
            )
        },
    ]
}

/// Cursors go back as they came.
fn cursors() -> Vec<Case> {
    let sent = |row: &'static str, token: &str, line: &str| Case {
        lines: vec!["GET /p".into(), format!("GET /p?page={line}")],
        ..of(
            "cursor",
            read(
                row,
                format!("the cursor {token} goes back as it came"),
                vec![page(P1, &format!(r#""next":{token}"#)), page(P2, r#""x":0"#)],
                BOTH,
                2,
            ),
        )
    };
    let none = |token: &str| {
        of(
            "cursor",
            read(
                "28",
                format!("the cursor {token} means that there is none"),
                vec![page(P1, &format!(r#""next":{token}"#))],
                r#"[{"id":1},{"id":2}] end"#,
                1,
            ),
        )
    };
    let bad = |row: &'static str, token: &str| {
        of(
            "cursor",
            read(
                row,
                format!("the cursor {token} cannot be used, and that is no end"),
                vec![page(P1, &format!(r#""next":{token}"#))],
                "",
                1,
            ),
        )
    };
    vec![
        sent("20", "12345678901234567890123", "12345678901234567890123"),
        sent("20", "9007199254740993", "9007199254740993"),
        sent("20", "1.10", "1.10"),
        sent("20", "1e400", "1e400"),
        sent("20", "-0", "-0"),
        sent("72", r#""a&b=c#d e+f%2e/g""#, "a%26b%3Dc%23d%20e%2Bf%252e%2Fg"),
        sent("72", r#""é\u0000\r\n""#, "%C3%A9%00%0D%0A"),
        sent("72", r#""\\u0041""#, "%5Cu0041"),
        none("null"),
        none("false"),
        none("\"\""),
        ends_with(bad("28", "[\"a\"]"), r#"[{"id":1},{"id":2}] bad_response/0"#),
        ends_with(bad("28", "{\"a\":1}"), r#"[{"id":1},{"id":2}] bad_response/0"#),
        ends_with(bad("19", r#""\ud800abc""#), "[] bad_response/1"),
        ends_with(of("cursor_header", bad("73", r#""a\r\nX-Evil: 1""#)), r#"[{"id":1},{"id":2}] bad_response/0"#),
        ends_with(of("cursor_header", bad("73", r#""a\u0000b""#)), r#"[{"id":1},{"id":2}] bad_response/0"#),
        of(
            "cursor_header",
            read(
                "73",
                "a cursor with wide characters in a header",
                vec![page(P1, r#""next":"\u010d\u010a""#), page(P2, r#""x":0"#)],
                BOTH,
                2,
            ),
        ),
        Case {
            lines: vec!["GET /p".into(), "GET /p?after=12345678901234567890123".into()],
            ..of(
                "keyset",
                read(
                    "20",
                    "a key keeps its digits",
                    vec![answer(r#"[{"id":12345678901234567890123,"x":1e400}]"#), answer("[]")],
                    r#"[{"id":12345678901234567890123,"x":1e400}] end"#,
                    2,
                ),
            )
        },
    ]
}

fn ends_with(case: Case, end: &str) -> Case {
    Case { end: end.into(), ..case }
}

/// Paging is inside: a caller cannot steer it.
fn options() -> Vec<Case> {
    let refused = |operation: &'static str, options: Value| {
        of(
            operation,
            Case {
                ..read(
                    "39",
                    format!("{operation} with {options} is refused"),
                    vec![answer("[]")],
                    "refused invalid_options/0",
                    0,
                )
            }
            .with_options(options),
        )
    };
    vec![
        refused("number", json!({"page": 2})),
        refused("number", json!({"size": 0})),
        refused("number", json!({"size": "5"})),
        refused("offset", json!({"skip": 10})),
        refused("cursor", json!({"page": "a"})),
        refused("cursor", json!({"pageSize": 5})),
        refused("link", json!({"page": 2})),
        Case {
            lines: vec!["GET /p?size=1&page=1".into(), "GET /p?size=1&page=2".into()],
            ..of(
                "number",
                read(
                    "39",
                    "the size of a page may be chosen",
                    vec![answer("[{\"id\":1}]"), answer("[]")],
                    r#"[{"id":1}] end"#,
                    2,
                ),
            )
        }
        .with_options(json!({"size": 1})),
    ]
}
