//! Rows 51 to 57: what is repeated, how often, and how a call is stopped.

use std::time::Duration;

use libtest_mimic::Trial;
use opnode::CallOptions;
use serde_json::{Value, json};

use crate::case::{Case, Stop, delete, post, put, read};
use crate::server::{Act, JSON, Step, bytes, json as answer, reply, silence};
use crate::stage::{Stage, TestClock, block_on, call};

const ONE: &str = r#"[{"id":1}]"#;
const WHOLE: &str = r#"[{"id":1}] end"#;
const UNKNOWN: &str = "unknown unknown_outcome/1";

/// What an operation does with a signal.
#[derive(Clone, Copy)]
enum Then {
    /// Repeats it, and then succeeds.
    Again,
    /// Ends so, after one request.
    Ends(&'static str),
}

/// The retry table of `docs/reliability.md`: a signal; a read; an idempotent write; another write.
fn table() -> Vec<(&'static str, Act, [Then; 3])> {
    use Then::{Again, Ends};
    let status = |line: &str| reply(line, JSON, "{}");
    let asking = |line: &str| reply(line, "Retry-After: 1\r\n", "{}");
    let never = [Again, Again, Ends(UNKNOWN)];
    vec![
        ("429", status("429 Too Many Requests"), [Again, Again, Again]),
        ("429 with Retry-After", asking("429 Too Many Requests"), [Again, Again, Again]),
        ("503 with Retry-After", asking("503 Service Unavailable"), never),
        ("408", status("408 Request Timeout"), never),
        ("500", status("500 Internal Server Error"), never),
        ("502", status("502 Bad Gateway"), never),
        ("503", status("503 Service Unavailable"), never),
        ("504", status("504 Gateway Timeout"), never),
        (
            "505",
            status("505 HTTP Version Not Supported"),
            [Ends("[] rejected/1"), Ends("failed rejected/1"), Ends("failed rejected/1")],
        ),
        ("521", status("521 Web Server Is Down"), [Again, Again, Again]),
        ("425", status("425 Too Early"), [Again, Again, Again]),
        ("a reset before the answer", silence(Step::Reset), never),
        ("an end before the answer", silence(Step::Close), never),
        ("a reset in the head", bytes("HTTP/1.1 200 OK\r\nX-", Step::Reset), never),
        ("an end in the body", bytes("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n[", Step::Close), never),
        ("no answer", silence(Step::Hang), never),
        ("a page for people", reply("200 OK", JSON, "<html>"), [Again, Ends(UNKNOWN), Ends(UNKNOWN)]),
        ("no JSON", reply("200 OK", JSON, "{oops"), [Again, Ends(UNKNOWN), Ends(UNKNOWN)]),
    ]
}

/// The operations of each column: name, options, items, an answer that does, and what it comes to.
type Column = [(&'static str, Value, Option<&'static str>, Act, &'static str)];

fn matrix() -> Vec<Case> {
    let id = || json!({"id": 7});
    let made = || answer(r#"{"id":1}"#);
    let done = r#"ok/2 [{"id":1}]"#;
    let columns: [Box<Column>; 3] = [
        Box::new([
            ("list", Value::Null, None, answer(ONE), WHOLE),
            ("search", json!({"term": "x"}), None, answer(ONE), WHOLE),
        ]),
        Box::new([
            ("put", id(), Some("[{}]"), made(), done),
            ("keyed", Value::Null, Some("[{}]"), made(), done),
            ("remove", id(), None, reply("204 No Content", "", ""), "ok/2"),
        ]),
        Box::new([
            ("add", Value::Null, Some("[{}]"), made(), done),
            ("patch", id(), Some(r#"[{"a":1}]"#), made(), done),
        ]),
    ];
    let mut cases = Vec::new();
    for (signal, act, thens) in table() {
        for (column, then) in columns.iter().zip(thens) {
            for (operation, options, items, success, done) in column.iter().cloned() {
                let (end, requests) = match then {
                    Then::Again => (done, 2),
                    Then::Ends(end) => (end, 1),
                };
                let base = read("53", format!("{signal}: {operation}"), vec![act.clone(), success], end, requests);
                cases.push(Case { operation, options, items, ..base });
            }
        }
    }
    cases
}

pub fn trials() -> Vec<Trial> {
    let cases = [matrix(), ends(), deletes(), stops()].into_iter().flatten();
    let mut trials: Vec<Trial> = cases.map(Case::trial).collect();
    trials.extend([
        Trial::test("51 1000 reads of a dead server are at most 1035 requests", || {
            Ok(storm(reply("500 Oops", "", ""), 1035)?)
        }),
        Trial::test("51 1000 reads of a server that is away are at most 1100 requests", || {
            Ok(storm(reply("503 Busy", "", ""), 1100)?)
        }),
        Trial::test("51 1000 reads that are throttled for ever are at most 1100 requests", || {
            Ok(storm(reply("429 Slow down", "", ""), 1100)?)
        }),
        Trial::test("51 1000 reads that are reset are at most 1035 requests", || {
            Ok(storm(silence(Step::Reset), 1035)?)
        }),
        Trial::test("54 an item has one key for all its attempts, and another than the next", || Ok(keys()?)),
    ]);
    trials
}

/// How often, and what is counted.
fn ends() -> Vec<Case> {
    let busy = || reply("503 Busy", "", "");
    let says = |says, case| Case { says, ..case };
    vec![
        says(
            &[r#""requests":3,"retries":2"#],
            read("52", "requests and retries are counted", vec![busy(), busy(), answer(ONE)], WHOLE, 3),
        ),
        says(&[r#""attempts":3"#], read("53", "a read ends after 3 attempts", vec![busy()], "[] unavailable/3", 3)),
        put("53", "a PUT that is answered 503 for ever is unknown", vec![busy()], "unknown unknown_outcome/3", 3),
        put(
            "53",
            "a PUT that may have been done once is unknown",
            vec![reply("502 Oops", "", ""), busy(), busy()],
            "unknown unknown_outcome/3",
            3,
        ),
        put(
            "53",
            "a PUT that may have been done, and is then refused, is unknown",
            vec![silence(Step::Reset), reply("409 Conflict", "", "")],
            "unknown unknown_outcome/2",
            2,
        ),
        put(
            "53",
            "a PUT that may have been done, and then lacks its record, is unknown",
            vec![silence(Step::Reset), reply("404 Not Found", "", "")],
            "unknown unknown_outcome/2",
            2,
        ),
        put(
            "53",
            "a PUT that was throttled, and is then refused for good, has failed",
            vec![reply("429 Slow down", "", ""), reply("409 Conflict", "", "")],
            "failed conflict/2",
            2,
        ),
        Case {
            operation: "keyed",
            ..post(
                "53",
                "a keyed POST that may have been done, and is then refused, is unknown",
                vec![silence(Step::Reset), reply("409 Conflict", "", "")],
                "unknown unknown_outcome/2",
                2,
            )
        },
        Case {
            limits: json!({"attempts": 1}),
            ..read("53", "the limit attempts counts the first", vec![busy(), answer(ONE)], "[] unavailable/1", 1)
        },
        Case {
            limits: json!({"attempts": null}),
            ..read(
                "53",
                "a system that is being started anew is waited for",
                [
                    vec![busy(), silence(Step::Reset), reply("502 Bad Gateway", "", "")],
                    vec![busy(); 3],
                    vec![answer(ONE)],
                ]
                .concat(),
                WHOLE,
                7,
            )
        },
        Case {
            limits: json!({"attempts": 5}),
            ..read("53", "5 attempts", vec![busy(), busy(), busy(), busy(), answer(ONE)], WHOLE, 5)
        },
        Case {
            connector: "polite",
            ..post("53", "a status declared as refused: a POST is repeated", vec![busy(), answer("{}")], "ok/2 [{}]", 2)
        },
        Case {
            connector: "polite",
            ..post(
                "53",
                "declared as refused, with Retry-After: a POST is repeated",
                vec![reply("503 Busy", "Retry-After: 1\r\n", ""), answer("{}")],
                "ok/2 [{}]",
                2,
            )
        },
        Case {
            connector: "polite",
            ..post(
                "53",
                "declared as refused, and then refused for good: a POST has failed",
                vec![reply("503 Busy", "Retry-After: 1\r\n", ""), reply("409 Conflict", "", "")],
                "failed conflict/2",
                2,
            )
        },
        Case {
            connector: "polite",
            ..post("53", "declared as refused, 3 times: a POST has failed", vec![busy()], "failed unavailable/3", 3)
        },
        says(
            &["retry_after_ms\":30000"],
            Case {
                with: within(1000),
                ..read(
                    "49",
                    "a wait beyond the deadline is not begun",
                    vec![reply("429 Slow", "Retry-After: 30\r\n", "")],
                    "[] rate_limited/1",
                    1,
                )
            },
        ),
        says(
            &["retry_after_ms\":6000"],
            Case {
                limits: json!({"wait_s": 5}),
                ..read(
                    "49",
                    "a wait above wait_s is not begun",
                    vec![reply("429 Slow", "Retry-After: 6\r\n", "")],
                    "[] rate_limited/1",
                    1,
                )
            },
        ),
        says(
            &["retry_after_ms"],
            Case {
                limits: json!({"wait_s": 5}),
                ..post(
                    "49",
                    "a POST that is asked to wait above wait_s has failed",
                    vec![reply("429 Slow", "Retry-After: 6\r\n", "")],
                    "failed rate_limited/1",
                    1,
                )
            },
        ),
    ]
}

fn deletes() -> Vec<Case> {
    let gone = || reply("404 Not Found", JSON, "{}");
    vec![
        delete(
            "55",
            "404 after an own attempt that may have done it is a success",
            vec![silence(Step::Reset), gone()],
            "ok/2",
            2,
        ),
        delete(
            "55",
            "410 after an own attempt that may have done it is a success",
            vec![reply("502 Oops", "", ""), reply("410 Gone", "", "")],
            "ok/2",
            2,
        ),
        delete("55", "404 at once is an error", vec![gone()], "failed not_found/1", 1),
        delete(
            "55",
            "404 after attempts that were refused is an error",
            vec![reply("429 Slow", "", ""), gone()],
            "failed not_found/2",
            2,
        ),
    ]
}

fn within(ms: u64) -> CallOptions {
    CallOptions { timeout: Some(Duration::from_millis(ms)), ..CallOptions::default() }
}

/// Cancelling and deadlines. The time of a cancelled call counts from its cancel.
fn stops() -> Vec<Case> {
    let asked = || reply("429 Slow down", "Retry-After: 30\r\n", "");
    let at_once = Some((Duration::ZERO, Duration::from_secs(1)));
    let stopped = |at: Stop, case: Case| Case {
        stop: Some(at),
        takes: at_once,
        real_time: true,
        limits: json!({"timeout_s": 20, "first_byte_s": 20}),
        ..case
    };
    let made = || answer("{}");
    let five = Some(r#"[{"n":1},{"n":2},{"n":3},{"n":4},{"n":5}]"#);
    let exact = |ms: u64, case: Case| Case {
        with: within(ms),
        takes: Some((Duration::from_millis(ms), Duration::from_millis(ms + 250))),
        real_time: true,
        ..case
    };
    vec![
        stopped(
            Stop::Seen(1),
            read("57", "a cancel in the wait that a server asked for", vec![asked(), answer(ONE)], "[] cancelled/1", 1),
        ),
        stopped(
            Stop::Seen(1),
            post(
                "57",
                "a cancel in a wait: a POST that was refused has failed",
                vec![asked(), made()],
                "failed cancelled/1",
                1,
            ),
        ),
        stopped(
            Stop::Seen(1),
            put(
                "57",
                "a cancel in a wait after an unclear attempt leaves a PUT unknown",
                vec![reply("502 Oops", "Retry-After: 30\r\n", ""), made()],
                UNKNOWN,
                1,
            ),
        ),
        Case {
            limits: json!({"rate": {"requests": 1, "per_s": 60}}),
            ..stopped(
                Stop::Seen(1),
                put(
                    "57",
                    "a cancel in the pace after an unclear attempt leaves a PUT unknown",
                    vec![reply("502 Oops", "", ""), made()],
                    UNKNOWN,
                    1,
                ),
            )
        },
        stopped(
            Stop::Seen(1),
            read("57", "a cancel in flight: a read", vec![silence(Step::Hang)], "[] cancelled/1", 1),
        ),
        stopped(
            Stop::Seen(1),
            read(
                "57",
                "a cancel in the middle of a body: a read",
                vec![bytes("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n[", Step::Hang)],
                "[] cancelled/1",
                1,
            ),
        ),
        stopped(
            Stop::Seen(1),
            post("57", "a cancel in flight leaves a POST unknown", vec![silence(Step::Hang), made()], UNKNOWN, 1),
        ),
        stopped(
            Stop::Seen(1),
            put("57", "a cancel in flight leaves a PUT unknown", vec![silence(Step::Hang), made()], UNKNOWN, 1),
        ),
        stopped(
            Stop::Seen(1),
            delete("57", "a cancel in flight leaves a DELETE unknown", vec![silence(Step::Hang)], UNKNOWN, 1),
        ),
        stopped(
            Stop::Seen(3),
            Case {
                items: five,
                ..post(
                    "57",
                    "a cancel at item 3 of 5: the first 2 are done, the last 2 are not sent",
                    vec![made(), made(), silence(Step::Hang)],
                    "ok/1 [{}], ok/1 [{}], unknown unknown_outcome/1, skipped/0, skipped/0",
                    3,
                )
            },
        ),
        Case {
            limits: json!({"rate": {"requests": 1, "per_s": 60}}),
            ..stopped(
                Stop::Seen(1),
                Case {
                    items: Some("[{},{},{}]"),
                    ..post(
                        "57",
                        "a cancel in the pace: what waited was not sent",
                        vec![made()],
                        "ok/1 [{}], skipped cancelled/0, skipped/0",
                        1,
                    )
                },
            )
        },
        stopped(
            Stop::Before,
            read(
                "57",
                "a call that is cancelled before it starts sends nothing",
                vec![answer(ONE)],
                "[] cancelled/0",
                0,
            ),
        ),
        stopped(
            Stop::Before,
            Case {
                items: Some("[{},{}]"),
                ..post(
                    "57",
                    "writes that are cancelled before they start are not sent",
                    vec![made()],
                    "skipped cancelled/0, skipped/0",
                    0,
                )
            },
        ),
        exact(300, read("57", "the deadline in flight: a read", vec![silence(Step::Hang)], "[] timeout/1", 1)),
        exact(300, put("57", "the deadline in flight leaves a PUT unknown", vec![silence(Step::Hang)], UNKNOWN, 1)),
        exact(
            300,
            delete("57", "the deadline in flight leaves a DELETE unknown", vec![silence(Step::Hang)], UNKNOWN, 1),
        ),
        exact(
            300,
            Case {
                items: Some("[{},{},{}]"),
                ..post(
                    "57",
                    "the deadline in flight: what was not sent by then is skipped",
                    vec![made(), silence(Step::Hang), made()],
                    "ok/1 [{}], unknown unknown_outcome/1, skipped timeout/0",
                    2,
                )
            },
        ),
        Case {
            with: within(300),
            limits: json!({"rate": {"requests": 1, "per_s": 60}}),
            items: Some("[{},{}]"),
            ..post(
                "57",
                "a wait for the pace beyond the deadline is not begun",
                vec![made()],
                "ok/1 [{}], skipped timeout/0",
                1,
            )
        },
    ]
}

/// 1000 reads, one after the other and 8 at a time, of a server that never gets well.
fn storm(act: Act, most: usize) -> Result<(), String> {
    let stage = Stage::new("acme", json!({"concurrency": 8}), vec![act], TestClock::default(), &[]);
    let with = CallOptions::default();
    block_on(async {
        for _ in 0..125 {
            for found in
                futures_util::future::join_all((0..8).map(|_| call(&stage.session, "list", &Value::Null, None, &with)))
                    .await
            {
                if found.errors.is_empty() {
                    return Err(found.summary);
                }
            }
        }
        Ok(())
    })?;
    let waits = stage.clock.waits();
    let distinct: std::collections::HashSet<u128> = waits.iter().map(|w| w.as_millis() / 10).collect();
    match stage.server.seen() {
        seen if !(1000..=most).contains(&seen) => Err(format!("{seen} requests")),
        _ if distinct.len() < 10 => Err(format!("the waits do not spread: {waits:?}")),
        _ => Ok(()),
    }
}

/// Three items: the first is reset twice, the second is refused once.
fn keys() -> Result<(), String> {
    let reset = || silence(Step::Reset);
    let script = vec![reset(), reset(), answer("{}"), reply("503 Busy", "", ""), answer("{}"), answer("{}")];
    let stage = Stage::plain(script);
    let items = Some(r#"[{"n":1},{"n":1},{"n":3}]"#);
    let found = block_on(call(&stage.session, "keyed", &Value::Null, items, &CallOptions::default()));
    if found.summary != "ok/3 [{}], ok/2 [{}], ok/1 [{}]" {
        return Err(found.summary);
    }
    let requests = stage.server.requests();
    let keys: Vec<&str> = requests.iter().map(|r| r.header("idempotency-key")[0]).collect();
    let expected = [keys[0], keys[0], keys[0], keys[3], keys[3], keys[5]];
    if keys != expected || keys[0] == keys[3] || keys[3] == keys[5] || keys.iter().any(|k| k.len() < 16) {
        return Err(format!("{keys:?}"));
    }
    // The same call again is another call.
    let again = Stage::plain(vec![answer("{}")]);
    block_on(call(&again.session, "keyed", &Value::Null, items, &CallOptions::default()));
    match again.server.requests().iter().find(|r| keys.contains(&r.header("idempotency-key")[0])) {
        Some(request) => Err(format!("a key was used for another call: {request:?}")),
        None => Ok(()),
    }
}
