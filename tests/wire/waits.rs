//! Rows 9, 45, 49 and 50: the waits that a server requests, in all forms.

use std::time::{Duration, SystemTime};

use libtest_mimic::Trial;
use opnode::CallOptions;
use serde_json::Value;

use crate::acme::check_text;
use crate::server::{JSON, json as answer, reply};
use crate::stage::{Found, Stage, TestClock, block_on, call, wall_time};
use crate::tables::table;

const ONE: &str = r#"[{"id":1}]"#;
const WHOLE: &str = r#"[{"id":1}] end"#;

/// Minimum and maximum in ms.
type Range = (u64, u64);

pub fn trials() -> Vec<Trial> {
    let mut trials = vec![Trial::test("49 a date is measured against the server's own clock", || Ok(skewed_clock()?))];
    for (fact, headers, wait) in table::<(String, Vec<String>, Option<Range>)>("asked-waits") {
        trials.push(Trial::test(format!("49 {fact}"), move || Ok(waits_as_asked(&head(&headers), wait)?)));
    }
    for (fact, headers, wait) in table::<(String, Vec<String>, Range)>("announced-waits") {
        trials.push(Trial::test(format!("50 {fact}"), move || Ok(waits_as_announced(&head(&headers), wait)?)));
    }
    trials
}

/// Header lines with times inserted.
fn head(lines: &[String]) -> String {
    let unix = |ahead| at(ahead).duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs().to_string();
    let dates =
        |line: &String| moments(&moments(line, "{date", &|ahead| httpdate::fmt_http_date(at(ahead))), "{unix", &unix);
    lines.iter().map(|line| dates(line) + "\r\n").collect()
}

/// Replaces `{FORM+SECONDS}` and `{FORM-SECONDS}` by times on the clock of the trials.
fn moments(line: &str, form: &str, shown: &dyn Fn(i64) -> String) -> String {
    let mut parts = line.split(form);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (ahead, rest) = part.split_once('}').unwrap();
        out.push_str(&shown(ahead.trim_start_matches('+').parse().unwrap()));
        out.push_str(rest);
    }
    out
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

/// The local wall clock is wrong by 10 hours, so the wait is computed from the server's own Date.
fn skewed_clock() -> Result<(), String> {
    let headers =
        format!("Date: {}\r\nRetry-After: {}\r\n", httpdate::fmt_http_date(at(0)), httpdate::fmt_http_date(at(5)));
    let clock = TestClock { wall_shift: Duration::from_secs(36_000), ..TestClock::default() };
    let stage = Stage::new("acme", Value::Null, vec![reply("429 Slow down", &headers, ""), answer(ONE)], clock, &[]);
    block_on(read_list(&stage));
    in_range(&stage.clock.waits(), (5_000, 5_000))
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
