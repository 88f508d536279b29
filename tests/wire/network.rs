//! Rows 1 to 10: connections that fail, break, stall or lie about their length.

use std::time::Duration;

use libtest_mimic::Trial;
use opnode::CallOptions;
use serde_json::{Value, json};

use crate::acme::check_text;
use crate::case::{Case, delete, post, put, read};
use crate::server::{Act, JSON, Step, bytes, head_and, json as answer, reply, silence};
use crate::stage::{Stage, TestClock, block_on, call};

const ONE: &str = r#"[{"id":1}]"#;
const MADE: &str = r#"{"id":1}"#;
const UNKNOWN: &str = "unknown unknown_outcome/1";
const MS: Duration = Duration::from_millis(1);

/// Answers whose bytes so far are whole JSON, but whose end is missing.
fn cut_ends() -> Vec<(&'static str, Vec<u8>, Step)> {
    let long = |end: &str| format!("HTTP/1.1 200 OK\r\n{JSON}Content-Length: 40\r\n\r\n{end}").into_bytes();
    let chunked =
        |rest: &str| format!("HTTP/1.1 200 OK\r\n{JSON}Transfer-Encoding: chunked\r\n\r\n{rest}").into_bytes();
    vec![
        ("a Content-Length longer than the body, then FIN", long(ONE), Step::Close),
        ("a Content-Length longer than the body, then RST", long(ONE), Step::Reset),
        ("chunks without the last one, then FIN", chunked("a\r\n[{\"id\":1}]\r\n"), Step::Close),
        ("chunks without the last one, then RST", chunked("a\r\n[{\"id\":1}]\r\n"), Step::Reset),
        ("a last chunk without its final line", chunked("a\r\n[{\"id\":1}]\r\n0\r\n"), Step::Close),
        ("a chunk that is shorter than its size", chunked("ff\r\n[{\"id\":1}]"), Step::Close),
        ("a chunk size that is no number", chunked("a\r\n[{\"id\":1}]\r\nzz\r\n"), Step::Hang),
        ("a chunk size beyond 64 bits", chunked("a\r\n[{\"id\":1}]\r\nfffffffffffffffff\r\n"), Step::Hang),
        ("a chunk without its line end", chunked("a\r\n[{\"id\":1}]xx0\r\n\r\n"), Step::Hang),
    ]
}

pub fn trials() -> Vec<Trial> {
    let cases = [reach(), resets(), silences(), lengths(), cuts(), slowness()];
    let mut trials: Vec<Trial> = cases.into_iter().flatten().map(Case::trial).collect();
    trials.extend([
        Trial::test("02 a connect that hangs ends by the limit connect_s, and a POST is tried again", || {
            Ok(connect_hangs(5)?)
        }),
        // The clock of first_byte_s runs while the connection is made, and says that the request may have been sent.
        Trial::test("02 a connect that hangs, with first_byte_s as short", || Ok(connect_hangs(1)?)),
        Trial::test("05 no prefix of an answer is ever taken for the whole", || Ok(every_prefix()?)),
        Trial::test("09 a clock that jumps in a wait causes no burst", || Ok(clock_jumps()?)),
        Trial::test("10 a connection whose body failed is not used again", || Ok(failed_bodies()?)),
        Trial::test("10 bytes after an answer are never the next one's", || Ok(smuggled()?)),
        Trial::test("10 no more connections are kept than are used at once", || Ok(pool_bound()?)),
    ]);
    trials
}

fn same<T: PartialEq + std::fmt::Debug>(found: T, expected: T, what: &str) -> Result<(), String> {
    if found == expected { Ok(()) } else { Err(format!("{what}: found {found:?}, expected {expected:?}")) }
}

fn ok() -> Act {
    answer(ONE)
}

fn made() -> Act {
    answer(MADE)
}

fn at_most(ms: u64) -> Option<(Duration, Duration)> {
    Some((Duration::ZERO, Duration::from_millis(ms)))
}

fn two_attempts() -> Value {
    json!({"attempts": 2})
}

/// Nothing was sent, so a write is as safe to repeat as a read.
fn reach() -> Vec<Case> {
    vec![
        Case {
            says: &["127.0.0.1", "check the address"],
            ..read("01", "a refused connection: a read is tried 3 times", vec![], "[] network/3", 0)
        },
        post("01", "a refused connection: a POST is tried 3 times and has failed", vec![], "failed network/3", 0),
        Case {
            values: &[("url", "http://no-such-host.invalid")],
            limits: two_attempts(),
            says: &["no-such-host.invalid cannot be reached"],
            ..read("01", "an unknown host name is network trouble", vec![ok()], "[] network/2", 0)
        },
    ]
}

/// Whether the server acted cannot be known once the request is out.
fn resets() -> Vec<Case> {
    let lost = |end: Step| silence(end);
    vec![
        read(
            "03",
            "a reset before any byte: a read is repeated",
            vec![lost(Step::Reset), ok()],
            r#"[{"id":1}] end"#,
            2,
        ),
        read("03", "a reset before any byte: a read ends after 3", vec![lost(Step::Reset)], "[] network/3", 3),
        read("03", "an end before any byte: a read is repeated", vec![lost(Step::Close), ok()], r#"[{"id":1}] end"#, 2),
        post(
            "03",
            "a reset before any byte: a POST is unknown, and not repeated",
            vec![lost(Step::Reset), made()],
            UNKNOWN,
            1,
        ),
        post(
            "03",
            "an end before any byte: a POST is unknown, and not repeated",
            vec![lost(Step::Close), made()],
            UNKNOWN,
            1,
        ),
        put(
            "03",
            "a reset before any byte: a PUT is repeated",
            vec![lost(Step::Reset), made()],
            r#"ok/2 [{"id":1}]"#,
            2,
        ),
        put(
            "03",
            "a reset before any byte, 3 times: a PUT is unknown",
            vec![lost(Step::Reset)],
            "unknown unknown_outcome/3",
            3,
        ),
        delete(
            "03",
            "a reset before any byte: a DELETE is repeated",
            vec![lost(Step::Reset), reply("204 No Content", "", "")],
            "ok/2",
            2,
        ),
        Case {
            before: Some("list"),
            ..post(
                "03",
                "a reset on a kept connection: a POST is unknown, and not repeated",
                vec![ok(), lost(Step::Reset), made()],
                UNKNOWN,
                2,
            )
        },
        Case {
            before: Some("list"),
            ..post(
                "03",
                "an end on a kept connection: a POST is unknown, and not repeated",
                vec![ok(), lost(Step::Close), made()],
                UNKNOWN,
                2,
            )
        },
        Case {
            before: Some("list"),
            ..read(
                "03",
                "a reset on a kept connection: a read is repeated",
                vec![ok(), lost(Step::Reset), ok()],
                r#"[{"id":1}] end"#,
                3,
            )
        },
        Case {
            before: Some("list"),
            ..post(
                "03",
                "a connection that ended while idle is not used again",
                vec![bytes(head_and("200 OK", JSON, ONE.as_bytes()), Step::Close), made()],
                r#"ok/1 [{"id":1}]"#,
                2,
            )
        },
        read("03", "a reset before the request is read: a read ends after 3", vec![Act::Refuse], "[] network/3", 0),
    ]
}

/// Accepted by the kernel, never read: the limits end it.
fn silences() -> Vec<Case> {
    let large: &'static str = Box::leak(format!(r#"[{{"a":"{}"}}]"#, "x".repeat(20_000_000)).into_boxed_str());
    vec![
        Case {
            limits: two_attempts(),
            takes: at_most(3500),
            ..read("03", "a server that accepts and never reads: a read ends", vec![Act::Deaf], "[] timeout/2", 0)
        },
        Case {
            takes: at_most(8000),
            items: Some(large),
            ..post("03", "a server that never reads a large body: a POST is unknown", vec![Act::Deaf], UNKNOWN, 0)
        },
        Case {
            takes: at_most(8000),
            ..post("03", "a server that accepts and never reads: a POST is unknown", vec![Act::Deaf], UNKNOWN, 0)
        },
        Case {
            limits: two_attempts(),
            takes: at_most(3500),
            says: &["first_byte_s"],
            ..read(
                "03",
                "no answer at all: a read ends by the limit first_byte_s",
                vec![silence(Step::Hang)],
                "[] timeout/2",
                2,
            )
        },
        Case {
            takes: at_most(2500),
            says: &["first_byte_s"],
            ..post("03", "no answer at all: a POST is unknown", vec![silence(Step::Hang)], UNKNOWN, 1)
        },
    ]
}

/// A body without length ends with its connection; only what is whole counts.
fn lengths() -> Vec<Case> {
    vec![
        read(
            "05",
            "a body without length, cut by FIN, is no JSON",
            vec![bytes(b"HTTP/1.1 200 OK\r\n\r\n[{\"id\":1},", Step::Close)],
            "[] bad_response/3",
            3,
        ),
        read(
            "05",
            "a body without length, cut by RST, is network trouble",
            vec![bytes(b"HTTP/1.1 200 OK\r\n\r\n[{\"id\":1}]", Step::Reset)],
            "[] network/3",
            3,
        ),
        read(
            "05",
            "a whole body without length counts",
            vec![bytes(b"HTTP/1.1 200 OK\r\n\r\n[{\"id\":1}]", Step::Close)],
            r#"[{"id":1}] end"#,
            1,
        ),
        read(
            "05",
            "a Content-Length shorter than the body cuts it",
            vec![bytes(format!("HTTP/1.1 200 OK\r\n{JSON}Content-Length: 9\r\n\r\n{ONE}"), Step::Close)],
            "[] bad_response/3",
            3,
        ),
    ]
}

/// An idle limit alone would let one byte a second go on for ever.
fn slowness() -> Vec<Case> {
    vec![
        Case {
            limits: json!({"timeout_s": 1, "attempts": 1}),
            takes: Some((950 * MS, 1250 * MS)),
            says: &["timeout_s"],
            ..read(
                "06",
                "a body that drips ends at the total limit",
                vec![Act::Answer(vec![
                    Step::Send(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n".to_vec()),
                    Step::Forever(b" ", 100 * MS),
                ])],
                "[] timeout/1",
                1,
            )
        },
        Case {
            limits: json!({"attempts": 1}),
            takes: Some((950 * MS, 1250 * MS)),
            says: &["first_byte_s"],
            ..read(
                "06",
                "a head that drips ends at the limit first_byte_s",
                vec![Act::Answer(vec![
                    Step::Drip(b"HTTP/1.1 200 OK\r\nX-A: aaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n".to_vec(), 100 * MS),
                    Step::Hang,
                ])],
                "[] timeout/1",
                1,
            )
        },
        Case {
            limits: json!({"attempts": 1}),
            takes: Some((950 * MS, 1250 * MS)),
            says: &["idle_s"],
            ..read(
                "06",
                "a body that stalls ends at the limit idle_s",
                vec![bytes(format!("HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n{ONE}"), Step::Hang)],
                "[] timeout/1",
                1,
            )
        },
        Case {
            limits: json!({"attempts": 1}),
            takes: Some((950 * MS, 1250 * MS)),
            ..read(
                "06",
                "endless 100 Continue ends at the limit first_byte_s",
                vec![Act::Answer(vec![Step::Forever(b"HTTP/1.1 100 Continue\r\n\r\n", 5 * MS)])],
                "[] timeout/1",
                1,
            )
        },
        Case {
            with: CallOptions { timeout: Some(400 * MS), ..CallOptions::default() },
            takes: Some((400 * MS, 650 * MS)),
            says: &["deadline"],
            real_time: true,
            ..read(
                "06",
                "the call's deadline ends a body that drips",
                vec![Act::Answer(vec![
                    Step::Send(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n".to_vec()),
                    Step::Forever(b" ", 50 * MS),
                ])],
                "[] timeout/1",
                1,
            )
        },
        Case {
            with: CallOptions { timeout: Some(400 * MS), ..CallOptions::default() },
            takes: Some((400 * MS, 650 * MS)),
            says: &["deadline"],
            real_time: true,
            ..post("06", "the call's deadline in a POST leaves it unknown", vec![silence(Step::Hang)], UNKNOWN, 1)
        },
    ]
}

/// What is whole JSON so far, and yet not all.
fn cuts() -> Vec<Case> {
    let case = |(fact, cut, end): (&str, Vec<u8>, Step)| {
        let script = bytes(cut, end);
        [
            Case { limits: two_attempts(), ..read("05", fact, vec![script.clone()], "[] network/2", 2) },
            post("05", format!("{fact}: a POST is unknown"), vec![script, made()], UNKNOWN, 1),
        ]
    };
    cut_ends().into_iter().flat_map(case).collect()
}

/// Connections that nobody accepts fill the queue of a listener; the next one hangs.
fn connect_hangs(first_byte_s: u32) -> Result<(), String> {
    let (address, _held, _listener) = crate::server::full();
    let limits = json!({"connect_s": 1, "first_byte_s": first_byte_s, "attempts": 2});
    let stage = Stage::new("acme", limits, vec![], TestClock::default(), &[("url", &format!("http://{address}"))]);
    let started = std::time::Instant::now();
    let found = block_on(call(&stage.session, "add", &Value::Null, Some("[{}]"), &CallOptions::default()));
    same(found.summary.as_str(), "failed network/2", "a POST to a host that does not answer")?;
    check_text(&found.told)?;
    let took = started.elapsed();
    if took < 1700 * MS || took > 4000 * MS {
        Err(format!("2 attempts with connect_s 1 took {took:?}"))
    } else {
        Ok(())
    }
}

/// Every answer cut after each of its bytes, by FIN and by RST: only the whole one counts.
fn every_prefix() -> Result<(), String> {
    let chunked =
        format!("HTTP/1.1 200 OK\r\n{JSON}Transfer-Encoding: chunked\r\n\r\n4\r\n[{{\"i\r\n6\r\nd\":1}}]\r\n0\r\n\r\n")
            .into_bytes();
    for (operation, items, whole, nothing, all) in [
        ("list", None, head_and("200 OK", JSON, ONE.as_bytes()), "[] network/1", "[{\"id\":1}] end"),
        ("list", None, chunked, "[] network/1", "[{\"id\":1}] end"),
        ("add", Some("[{}]"), head_and("201 Created", JSON, MADE.as_bytes()), UNKNOWN, "ok/1 [{\"id\":1}]"),
    ] {
        let ends = [Step::Close, Step::Reset];
        let acts: Vec<Act> =
            ends.iter().flat_map(|end| (0..whole.len()).map(|at| bytes(&whole[..at], end.clone()))).collect();
        let count = acts.len();
        let last = bytes(whole.clone(), Step::Close);
        let stage = Stage::new("acme", json!({"attempts": 1}), [acts, vec![last]].concat(), TestClock::default(), &[]);
        block_on(async {
            for at in 0..=count {
                let found = call(&stage.session, operation, &Value::Null, items, &CallOptions::default()).await;
                let expected = if at < count { nothing } else { all };
                same(
                    found.summary.as_str(),
                    expected,
                    &format!("{operation}, cut after byte {} of {}", at % whole.len(), whole.len()),
                )?;
            }
            Ok::<_, String>(())
        })?;
        same(stage.server.seen(), count + 1, "requests")?;
    }
    Ok(())
}

/// Of a rate of 2 a second, 2 may go at once after any pause, and no more.
fn clock_jumps() -> Result<(), String> {
    let limits = json!({"rate": {"requests": 2, "per_s": 1}});
    let stage = Stage::new("acme", limits, vec![answer(ONE)], TestClock::default(), &[]);
    block_on(async {
        for request in 1..=7 {
            if request == 5 {
                stage.clock.jump(Duration::from_secs(36_000));
            }
            call(&stage.session, "list", &Value::Null, None, &CallOptions::default()).await;
            let waits = [0, 0, 1, 2, 2, 2, 3][request - 1];
            same(stage.clock.waits().len(), waits, &format!("waits after request {request}"))?;
        }
        Ok(())
    })
}

/// What a failed answer leaves on its connection is never read as the next answer.
fn failed_bodies() -> Result<(), String> {
    let gzip = format!("{JSON}Content-Encoding: gzip\r\n");
    let chunked = format!("HTTP/1.1 200 OK\r\n{JSON}Transfer-Encoding: chunked\r\n\r\n");
    for (fact, act, reusable) in [
        ("broken gzip", reply("200 OK", &gzip, "no gzip at all"), true),
        ("too large", reply("200 OK", JSON, vec![b' '; 5_000_000]), false),
        (
            "a wrong chunk",
            bytes(format!("{chunked}zz\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]"), Step::Hang),
            false,
        ),
        ("a stall", bytes(format!("HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n{ONE}"), Step::Hang), false),
    ] {
        let limits = json!({"attempts": 1, "idle_s": 1, "page_bytes": 4000});
        let stage = Stage::new("acme", limits, vec![act, answer(ONE)], TestClock::default(), &[]);
        let calls = async || call(&stage.session, "list", &Value::Null, None, &CallOptions::default()).await.summary;
        let (first, second) = block_on(async { (calls().await, calls().await) });
        let requests = stage.server.requests();
        if first.ends_with("end") {
            return Err(format!("{fact}: {first}"));
        }
        same(second.as_str(), "[{\"id\":1}] end", fact)?;
        if !reusable && requests[0].connection == requests[1].connection {
            return Err(format!("{fact}: the connection was used again"));
        }
    }
    Ok(())
}

/// Two answers to one request: the second belongs to nobody.
fn smuggled() -> Result<(), String> {
    let evil = head_and("200 OK", JSON, b"[{\"id\":666}]");
    let whole = |first: Vec<u8>| Act::Answer(vec![Step::Send([first, evil.clone()].concat())]);
    for (fact, act) in [
        ("after a Content-Length", whole(head_and("200 OK", JSON, ONE.as_bytes()))),
        (
            "after the last chunk",
            whole(
                format!("HTTP/1.1 200 OK\r\n{JSON}Transfer-Encoding: chunked\r\n\r\na\r\n{ONE}\r\n0\r\n\r\n")
                    .into_bytes(),
            ),
        ),
        ("after a 204", whole(b"HTTP/1.1 204 No Content\r\n\r\n".to_vec())),
        ("after a 204 with a length", whole(head_and("204 No Content", "", b""))),
        ("after a 304", whole(b"HTTP/1.1 304 Not Modified\r\n\r\n".to_vec())),
    ] {
        let stage = Stage::plain(vec![act, answer("[{\"id\":2}]")]);
        let calls = async || call(&stage.session, "list", &Value::Null, None, &CallOptions::default()).await.summary;
        let (first, second) = block_on(async { (calls().await, calls().await) });
        if first.contains("666") {
            return Err(format!("{fact}: {first}"));
        }
        same(second.as_str(), "[{\"id\":2}] end", fact)?;
    }
    Ok(())
}

/// 12 calls at once over a connection for 2.
fn pool_bound() -> Result<(), String> {
    let stage = Stage::new("acme", json!({"concurrency": 2}), vec![answer(ONE)], TestClock::default(), &[]);
    block_on(async {
        let options = Value::Null;
        let with = CallOptions::default();
        let calls = (0..12).map(|_| call(&stage.session, "list", &options, None, &with));
        for found in futures_util::future::join_all(calls).await {
            same(found.summary.as_str(), "[{\"id\":1}] end", "a call")?;
        }
        same(stage.server.connections(), 2, "connections for 12 calls")
    })
}
