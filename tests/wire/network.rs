//! Rows 2, 5, 9 and 10, as far as they need several calls: a hanging connection, every prefix of a reply, clock jumps,
//! kept connections. The single calls are in `tests/wire/cases/network/`.

use std::time::Duration;

use libtest_mimic::Trial;
use opnode::CallOptions;
use serde_json::{Value, json};

use crate::acme::check_text;
use crate::server::{Act, JSON, Step, bytes, head_and, json as answer, reply};
use crate::stage::{Stage, TestClock, block_on, call};

const ONE: &str = r#"[{"id":1}]"#;
const MADE: &str = r#"{"id":1}"#;
const UNKNOWN: &str = "unknown unknown_outcome/1";
const MS: Duration = Duration::from_millis(1);

pub fn trials() -> Vec<Trial> {
    vec![
        Trial::test("02 a connect that hangs ends by the limit connect_s, and a POST is tried again", || {
            Ok(connect_hangs(5)?)
        }),
        // The time of first_byte_s includes connecting, and the error says that the request may have been sent.
        Trial::test("02 a connect that hangs, with first_byte_s as short", || Ok(connect_hangs(1)?)),
        Trial::test("05 no prefix of a reply is accepted as complete", || Ok(every_prefix()?)),
        Trial::test("09 a clock that jumps in a wait causes no burst", || Ok(clock_jumps()?)),
        Trial::test("10 a connection whose body failed is not used again", || Ok(failed_bodies()?)),
        Trial::test("10 bytes after a reply are never part of the next one", || Ok(smuggled()?)),
        Trial::test("10 no more connections are kept than were used at once", || Ok(pool_bound()?)),
    ]
}

fn same<T: PartialEq + std::fmt::Debug>(found: T, expected: T, what: &str) -> Result<(), String> {
    if found == expected { Ok(()) } else { Err(format!("{what}: found {found:?}, expected {expected:?}")) }
}

/// Connections that are never accepted fill the queue of a listener; the next one hangs.
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

/// Every reply cut after each of its bytes, by FIN and by RST: only the complete one is accepted.
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

/// At 2 requests per second, a pause of any length allows a burst of 2, and no more.
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

/// The rest of a failed reply is never read as the next reply.
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

/// Two replies to one request: the second is discarded.
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

/// 12 concurrent calls over a connection that allows 2.
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
