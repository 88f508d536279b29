//! Row 58: writes of twenty items, one of which fails. Writes of few items are in `tests/wire/cases/writes/`.

use std::sync::Arc;

use libtest_mimic::Trial;
use opnode::CallOptions;
use serde_json::{Value, json};

use crate::server::{Act, JSON, Request, Step, json as answer, reply, silence};
use crate::stage::{Stage, TestClock, block_on, call};

pub fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for (fact, act, at_7, stop) in TWENTY {
        for concurrency in [1, 4] {
            let name = format!("58 {fact}, {concurrency} at once");
            trials.push(Trial::test(name, move || Ok(twenty(act, at_7, stop, concurrency)?)));
        }
    }
    trials
}

/// The failure of item 7 of 20: the fact, the reply, its outcome, and whether the caller stops there.
type Seventh = (&'static str, fn(&Request) -> Act, &'static str, bool);

const TWENTY: [Seventh; 5] = [
    (
        "item 7 of 20 is refused: the others are done",
        |r| seventh(r, reply("400 Bad Request", JSON, r#"{"message":"no"}"#)),
        "failed rejected/1",
        false,
    ),
    (
        "item 7 of 20 is lost: it alone is unknown",
        |r| seventh(r, silence(Step::Reset)),
        "unknown unknown_outcome/1",
        false,
    ),
    (
        "item 7 of 20 is answered by no JSON: it alone is unknown",
        |r| seventh(r, answer("{")),
        "unknown unknown_outcome/1",
        false,
    ),
    (
        "item 7 of 20 is refused, and the caller stops",
        |r| seventh(r, reply("400 Bad Request", JSON, "{}")),
        "failed rejected/1",
        true,
    ),
    (
        "item 7 of 20 is lost, and the caller stops",
        |r| seventh(r, silence(Step::Reset)),
        "unknown unknown_outcome/1",
        true,
    ),
];

/// Sends this reply to the seventh item, and echoes the others.
fn seventh(request: &Request, act: Act) -> Act {
    if request.body == br#"{"n":7}"# { act } else { answer(&request.body) }
}

fn twenty(act: fn(&Request) -> Act, at_7: &str, stop: bool, concurrency: u16) -> Result<(), String> {
    let stage = Stage::new(
        "acme",
        json!({"concurrency": concurrency}),
        vec![Act::Choose(Arc::new(act))],
        TestClock::default(),
        &[],
    );
    let items = json!((1..=20).map(|n| json!({"n": n})).collect::<Vec<Value>>()).to_string();
    let with = CallOptions { stop_on_error: stop, ..CallOptions::default() };
    let found = block_on(call(&stage.session, "add", &Value::Null, Some(&items), &with));
    let parts: Vec<&str> = found.summary.split(", ").collect();
    let requests = stage.server.requests();
    let mut bodies: Vec<String> = requests.iter().map(|r| String::from_utf8_lossy(&r.body).into_owned()).collect();
    bodies.sort();
    let count = bodies.len();
    bodies.dedup();
    if bodies.len() != count {
        return Err(format!("an item was sent twice: {bodies:?}"));
    }
    // Requests in flight beside item 7 are finished; none is started after it.
    let sent = if stop { 7..7 + usize::from(concurrency) } else { 20..21 };
    if !sent.contains(&count) || parts.len() != 20 {
        return Err(format!("{count} requests, {} outcomes: {}", parts.len(), found.summary));
    }
    for (index, part) in parts.iter().enumerate() {
        let n = index + 1;
        let expected = match n {
            7 => at_7.to_owned(),
            n if bodies.contains(&format!(r#"{{"n":{n}}}"#)) => format!(r#"ok/1 [{{"n":{n}}}]"#),
            _ => "skipped/0".to_owned(),
        };
        if *part != expected {
            return Err(format!("item {n}: {part}, not {expected}\n{}", found.summary));
        }
    }
    Ok(())
}
