//! Rows 51 and 54: a thousand calls to a failing server, and the keys of repeated writes. The single calls are in
//! `tests/wire/cases/retries/`.

use libtest_mimic::Trial;
use opnode::CallOptions;
use serde_json::{Value, json};

use crate::server::{Act, Step, json as answer, reply, silence};
use crate::stage::{Stage, TestClock, block_on, call};

pub fn trials() -> Vec<Trial> {
    vec![
        Trial::test("51 1000 reads of a dead server are at most 1035 requests", || {
            Ok(storm(reply("500 Oops", "", ""), 1035)?)
        }),
        Trial::test("51 1000 reads of an unavailable server are at most 1100 requests", || {
            Ok(storm(reply("503 Busy", "", ""), 1100)?)
        }),
        Trial::test("51 1000 reads that are always throttled are at most 1100 requests", || {
            Ok(storm(reply("429 Slow down", "", ""), 1100)?)
        }),
        Trial::test("51 1000 reads that are reset are at most 1035 requests", || {
            Ok(storm(silence(Step::Reset), 1035)?)
        }),
        Trial::test("54 an item has one key for all its attempts, and the next item has another", || Ok(keys()?)),
    ]
}

/// 1000 reads, sequentially and 8 at a time, from a server that never recovers.
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
    // The same call again is another call with another key.
    let again = Stage::plain(vec![answer("{}")]);
    block_on(call(&again.session, "keyed", &Value::Null, items, &CallOptions::default()));
    match again.server.requests().iter().find(|r| keys.contains(&r.header("idempotency-key")[0])) {
        Some(request) => Err(format!("a key was used for another call: {request:?}")),
        None => Ok(()),
    }
}
