//! Rows 9, 45, 49 and 50: how long a server makes us wait, in all the ways in which it can say so.

use std::time::{Duration, SystemTime};

use libtest_mimic::Trial;
use opnode::CallOptions;
use serde_json::Value;

use crate::acme::check_text;
use crate::server::{JSON, json as answer, reply};
use crate::stage::{Found, Stage, TestClock, block_on, call, wall_time};

const ONE: &str = r#"[{"id":1}]"#;
const WHOLE: &str = r#"[{"id":1}] end"#;

/// At least and at most so many ms.
type Range = (u64, u64);

pub fn trials() -> Vec<Trial> {
    let mut trials = vec![Trial::test("49 a date is measured against the server's own clock", || Ok(skewed_clock()?))];
    for (fact, headers, wait) in asked_waits() {
        trials.push(Trial::test(format!("49 {fact}"), move || Ok(waits_as_asked(&headers, wait)?)));
    }
    for (fact, headers, wait) in announced_waits() {
        trials.push(Trial::test(format!("50 {fact}"), move || Ok(waits_as_announced(&headers, wait)?)));
    }
    trials
}

/// A time on the clock of the trials, in the form of HTTP.
fn date(ahead: i64) -> String {
    httpdate::fmt_http_date(at(ahead))
}

/// What `Retry-After` may say, and the wait in ms that follows, at least and at most; none for a wait that is not begun.
fn asked_waits() -> Vec<(&'static str, String, Option<Range>)> {
    let backoff = Some((0, 1000));
    let plain = |text: &str| format!("Retry-After: {text}\r\n");
    let with_date = |ahead: i64| format!("Date: {}\r\n{}", date(0), plain(&date(ahead)));
    vec![
        ("seconds", plain("3"), Some((3000, 3000))),
        ("nothing", "".into(), backoff),
        ("no seconds", plain("0"), backoff),
        ("a negative number", plain("-5"), backoff),
        ("a fraction counts up", plain("1.5"), Some((2_000, 2_000))),
        ("garbage", plain("soon"), backoff),
        ("an empty field", plain(""), backoff),
        ("seconds with a unit", plain("3s"), backoff),
        ("a date", with_date(3), Some((3000, 3000))),
        ("a date without the server's own", plain(&date(4)), Some((4000, 4000))),
        (
            "a date in the form of RFC 850",
            "Date: Sunday, 06-Nov-94 08:49:37 GMT\r\nRetry-After: Sunday, 06-Nov-94 08:49:40 GMT\r\n".into(),
            Some((3000, 3000)),
        ),
        (
            "a date in the form of asctime",
            "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nRetry-After: Sun Nov  6 08:49:40 1994\r\n".into(),
            Some((3000, 3000)),
        ),
        ("a date that has passed", with_date(-100), backoff),
        ("a date that is none", plain("Mon, 32 Foo 2026 25:61:61 GMT"), backoff),
        ("two values", "Retry-After: 2\r\nRetry-After: 3\r\n".into(), Some((2000, 3000))),
        ("the far future in seconds", plain("1000000000"), None),
        ("seconds beyond 64 bits", plain("99999999999999999999999"), None),
        ("a date in the far future", with_date(1_000_000_000), None),
    ]
}

fn at(ahead: i64) -> SystemTime {
    let by = Duration::from_secs(ahead.unsigned_abs());
    if ahead < 0 { wall_time() - by } else { wall_time() + by }
}

async fn read_list(stage: &Stage) -> Found {
    call(&stage.session, "list", &Value::Null, None, &CallOptions::default()).await
}

fn in_range(waits: &[Duration], (least, most): Range) -> Result<(), String> {
    let sum = waits.iter().sum::<Duration>().as_millis();
    if (u128::from(least)..=u128::from(most)).contains(&sum) {
        Ok(())
    } else {
        Err(format!("waited {waits:?}, not {least} to {most} ms"))
    }
}

fn waits_as_asked(headers: &str, wait: Option<Range>) -> Result<(), String> {
    for status in ["429 Slow down", "503 Busy"] {
        let stage = Stage::plain(vec![reply(status, headers, ""), answer(ONE)]);
        let found = block_on(read_list(&stage));
        check_text(&found.told)?;
        let Some(range) = wait else {
            let asked = found.errors.first().and_then(|e| e.retry_after_ms);
            if asked.is_none_or(|ms| ms < 1_000_000_000) || !stage.clock.waits().is_empty() || stage.server.seen() != 1
            {
                return Err(format!("{status}: {} asked {asked:?}, waits {:?}", found.summary, stage.clock.waits()));
            }
            continue;
        };
        if found.summary != WHOLE {
            return Err(format!("{status}: {}\n{}", found.summary, found.told));
        }
        in_range(&stage.clock.waits(), range)?;
    }
    Ok(())
}

/// Our wall clock is 10 hours off; the server's is what its date is measured by.
fn skewed_clock() -> Result<(), String> {
    let headers =
        format!("Date: {}\r\nRetry-After: {}\r\n", httpdate::fmt_http_date(at(0)), httpdate::fmt_http_date(at(5)));
    let clock = TestClock { wall_shift: Duration::from_secs(36_000), ..TestClock::default() };
    let stage = Stage::new("acme", Value::Null, vec![reply("429 Slow down", &headers, ""), answer(ONE)], clock, &[]);
    block_on(read_list(&stage));
    in_range(&stage.clock.waits(), (5_000, 5_000))
}

/// What a success may say about its limits, and the wait in ms before the next request.
fn announced_waits() -> Vec<(&'static str, String, Range)> {
    let epoch = at(4).duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let x = |left: &str, reset: &str| format!("X-RateLimit-Remaining: {left}\r\nX-RateLimit-Reset: {reset}\r\n");
    vec![
        ("nothing is left, for seconds", x("0", "3"), (3_000, 3_000)),
        ("nothing is left, until a Unix time", x("0", &epoch.to_string()), (4_000, 4_000)),
        (
            "nothing is left, by the names of the draft",
            "RateLimit-Remaining: 0\r\nRateLimit-Reset: 3\r\n".into(),
            (3_000, 3_000),
        ),
        (
            "nothing is left, by other names",
            "X-Rate-Limit-Remaining: 0\r\nX-Rate-Limit-Reset: 3\r\n".into(),
            (3_000, 3_000),
        ),
        ("nothing is left, as a structured field", "RateLimit: \"default\";r=0;t=3\r\n".into(), (3_000, 3_000)),
        (
            "nothing is left, as a list of fields",
            "RateLimit: limit=10, remaining=0, reset=3\r\n".into(),
            (3_000, 3_000),
        ),
        ("something is left", x("1", "3"), (0, 0)),
        ("something is left, as a structured field", "RateLimit: \"default\";r=50;t=3\r\n".into(), (0, 0)),
        ("nothing is left, but until when is not said", "X-RateLimit-Remaining: 0\r\n".into(), (0, 0)),
        ("garbage", x("none", "soon"), (0, 0)),
        ("a time that has passed", x("0", "1000000000"), (0, 0)),
        ("numbers beyond 64 bits", x("0", "99999999999999999999"), (0, 0)),
    ]
}

fn waits_as_announced(headers: &str, range: Range) -> Result<(), String> {
    let stage = Stage::plain(vec![reply("200 OK", &format!("{JSON}{headers}"), ONE), answer(ONE)]);
    block_on(async {
        for _ in 0..2 {
            let found = read_list(&stage).await;
            if found.summary != WHOLE {
                return Err(format!("{}\n{}", found.summary, found.told));
            }
        }
        in_range(&stage.clock.waits(), range)
    })
}
