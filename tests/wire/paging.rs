//! Rows 29 and 38: walks over many pages. Those over a few pages are in `tests/wire/cases/paging/`.

use std::sync::Arc;
use std::time::Duration;

use libtest_mimic::{Failed, Trial};
use opnode::CallOptions;
use serde_json::{Value, json};

use crate::case::Case;
use crate::server::{Act, JSON, Step, json as answer, reply, silence};
use crate::stage::{Stage, TestClock, block_on, call};

pub fn trials() -> Vec<Trial> {
    let mut trials =
        vec![Trial::test("29 endless tokens: the deadline ends the walk and keeps the items", || Ok(deadline()?))];
    let whole = format!("{} end", ids(0..100));
    for (fact, trouble) in [
        ("429 on page 37 of 50: only that page is repeated", reply("429 Slow", "Retry-After: 1\r\n", "")),
        ("503 on page 37 of 50: only that page is repeated", reply("503 Busy", "", "")),
        ("a reset on page 37 of 50: only that page is repeated", silence(Step::Reset)),
        (
            "a maintenance page on page 37 of 50: only that page is repeated",
            reply("200 OK", "Content-Type: text/html\r\n", "<html>"),
        ),
    ] {
        let lines = (1..=37).chain(37..=50).map(line).collect();
        let case = Case { lines, ..Case::read("link", fifty(Some(trouble)), whole.clone(), 51) };
        trials.push(Trial::test(format!("38 {fact}"), move || case.run().map_err(Failed::from)));
    }
    let refused = Case {
        says: vec![r#""page":37"#.to_owned()],
        ..Case::read("link", fifty(Some(reply("401 No", "", ""))), format!("{} unauthenticated/1", ids(0..72)), 37)
    };
    let all = Case::read("link", fifty(None), whole, 50);
    for (fact, case) in [("401 on page 37 of 50: what came before is kept", refused), ("50 pages", all)] {
        trials.push(Trial::test(format!("38 {fact}"), move || case.run().map_err(Failed::from)));
    }
    trials
}

/// 50 pages, with this failure before the 37th.
fn fifty(trouble: Option<Act>) -> Vec<Act> {
    let mut script: Vec<Act> =
        (0..50).map(|n| linked(&ids(n * 2..n * 2 + 2), &format!("</p?page={}>; rel=next", n + 2))).collect();
    script[49] = answer(ids(98..100));
    script.splice(36..36, trouble);
    script
}

/// The request line of a page.
fn line(page: u64) -> String {
    if page == 1 { "GET /p?size=2".to_owned() } else { format!("GET /p?page={page}") }
}

/// A server that has a page for every token, and a new token on every page.
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
