//! Rows 20 and 58 to 62: writes of many items.

use std::sync::Arc;

use libtest_mimic::Trial;
use opnode::CallOptions;
use serde_json::{Value, json};

use crate::case::{Case, delete, post, put, saying};
use crate::server::{Act, JSON, Request, Step, json as answer, reply, silence};
use crate::stage::{Stage, TestClock, block_on, call};

pub fn trials() -> Vec<Trial> {
    let mut trials: Vec<Trial> = [bulk(), records(), refused()].into_iter().flatten().map(Case::trial).collect();
    for (fact, act, at_7, stop) in TWENTY {
        for concurrency in [1, 4] {
            let name = format!("58 {fact}, {concurrency} at once");
            trials.push(Trial::test(name, move || Ok(twenty(act, at_7, stop, concurrency)?)));
        }
    }
    trials
}

/// What item 7 of 20 meets: the fact, the answer, its outcome, and whether the caller stops there.
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

/// Gives the seventh item this answer, and the others their own back.
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
    // What was under way beside item 7 is finished; nothing is begun after it.
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

/// One reply for many items.
fn bulk() -> Vec<Case> {
    let three = Some(r#"[{"n":1},{"n":2},{"n":3}]"#);
    let case = |operation: &'static str, fact: &str, status: &str, results: &str, end: &'static str| Case {
        operation,
        items: three,
        ..post("59", fact, vec![reply(status, JSON, format!(r#"{{"results":{results}}}"#)), answer("{}")], end, 1)
    };
    let good = |n: u64| format!(r#"{{"index":{n},"ok":true,"data":{{"id":{n}}}}}"#);
    let unknown = "unknown unknown_outcome/1";
    let all_unknown = "unknown unknown_outcome/1, unknown unknown_outcome/1, unknown unknown_outcome/1";
    let whole = r#"ok/1 [{"id":0}], ok/1 [{"id":1}], ok/1 [{"id":2}]"#;
    let mixed = r#"ok/1 [{"id":0}], failed rejected/1, ok/1 [{"id":2}]"#;
    let gap = Box::leak(format!(r#"ok/1 [{{"id":0}}], {unknown}, ok/1 [{{"id":2}}]"#).into_boxed_str());
    let no = r#"{"index":1,"ok":false,"error":"too long"}"#;
    vec![
        case("bulk", "all are done", "200 OK", &format!("[{},{},{}]", good(0), good(1), good(2)), whole),
        case(
            "bulk",
            "out of order: each by its index",
            "200 OK",
            &format!("[{},{},{}]", good(2), good(0), good(1)),
            whole,
        ),
        saying(
            &["too long"],
            case("bulk", "one is refused", "207 Multi-Status", &format!("[{},{no},{}]", good(0), good(2)), mixed),
        ),
        case("bulk", "one is not reported: it is unknown", "200 OK", &format!("[{},{}]", good(0), good(2)), gap),
        case(
            "bulk",
            "one that nobody sent is reported",
            "200 OK",
            &format!("[{},{},{},{}]", good(0), good(1), good(2), good(9)),
            whole,
        ),
        case(
            "bulk",
            "no index at all: all are unknown",
            "200 OK",
            r#"[{"ok":true},{"ok":true},{"ok":true}]"#,
            all_unknown,
        ),
        case("bulk", "nothing is reported: all are unknown", "200 OK", "[]", all_unknown),
        case("bulk", "no list of results: all are unknown", "200 OK", "null", all_unknown),
        case("bulk", "results of another kind: all are unknown", "200 OK", "{}", all_unknown),
        case(
            "bulk",
            "a flag that is missing or null tells nothing",
            "200 OK",
            r#"[{"index":0},{"index":1,"ok":null},{"index":2,"ok":"no"}]"#,
            "unknown unknown_outcome/1, unknown unknown_outcome/1, failed rejected/1",
        ),
        case(
            "row_by_row",
            "by place: one result too few, all are unknown",
            "200 OK",
            &format!("[{},{}]", good(0), good(1)),
            all_unknown,
        ),
        case(
            "row_by_row",
            "by place: one result too many, all are unknown",
            "200 OK",
            &format!("[{},{},{},{}]", good(0), good(1), good(2), good(3)),
            all_unknown,
        ),
        Case {
            items: three,
            operation: "bulk",
            ..post(
                "59",
                "a reply that is lost: all are unknown",
                vec![silence(Step::Reset), answer("{}")],
                all_unknown,
                1,
            )
        },
        Case {
            items: three,
            operation: "bulk",
            ..post(
                "59",
                "all are refused at once",
                vec![reply("400 No", JSON, "{}")],
                "failed rejected/1, failed rejected/1, failed rejected/1",
                1,
            )
        },
        case(
            "bulk",
            "a reason with a credential is masked",
            "200 OK",
            &format!(r#"[{},{{"index":1,"ok":false,"error":"bad key key-7f3a91c2e5d84b60"}},{}]"#, good(0), good(2)),
            mixed,
        ),
        case(
            "bulk",
            "a reason with escape codes is made harmless",
            "200 OK",
            &format!(r#"[{},{{"index":1,"ok":false,"error":"\u001b[31mred"}},{}]"#, good(0), good(2)),
            mixed,
        ),
        case(
            "bulk",
            "a result keeps its digits",
            "200 OK",
            r#"[{"index":0,"ok":true,"data":{"n":1.10}},{"index":1,"ok":true,"data":{"n":12345678901234567890123}},{"index":2,"ok":true,"data":{"n":1e400}}]"#,
            r#"ok/1 [{"n":1.10}], ok/1 [{"n":12345678901234567890123}], ok/1 [{"n":1e400}]"#,
        ),
    ]
}

/// What comes back belongs to its item; what goes out is what was given.
fn records() -> Vec<Case> {
    let id = |id: &str| format!("PUT /things/{id}");
    let by_item = |items: &'static str, line: String| Case {
        items: Some(items),
        lines: vec![line],
        ..put("20", format!("{items}: the address keeps its digits"), vec![answer("{}")], "ok/1 [{}]", 1)
    };
    vec![
        Case {
            items: Some(r#"[{"n":1},{"n":2},{"n":3}]"#),
            ..post(
                "60",
                "each record comes back with its item",
                vec![
                    answer(r#"{"id":"a"}"#),
                    reply("201 Created", "Location: /things/b\r\n", ""),
                    answer(r#"[{"id":"c"},{"id":"d"}]"#),
                ],
                r#"ok/1 [{"id":"a"}], ok/1 at /things/b, ok/1 [{"id":"c"},{"id":"d"}]"#,
                3,
            )
        },
        Case { items: Some("[]"), ..post("61", "no items: no request, no outcome", vec![answer("{}")], "", 0) },
        Case {
            items: Some("[]"),
            operation: "bulk",
            ..post("61", "no items for one request: no request, no outcome", vec![answer("{}")], "", 0)
        },
        by_item(r#"[{"id":12345678901234567890123}]"#, id("12345678901234567890123")),
        by_item(r#"[{"id":9007199254740993}]"#, id("9007199254740993")),
        by_item(r#"[{"id":1.10}]"#, id("1.10")),
        by_item(r#"[{"id":"007"}]"#, id("007")),
    ]
}

/// What is refused before the first request, and that it is.
fn refused() -> Vec<Case> {
    let items = |row: &'static str, fact: &str, operation: &'static str, items: &'static str, kind: &str| Case {
        operation,
        items: Some(items),
        ..post(row, fact, vec![answer("{}")], format!("refused {kind}/0"), 0)
    };
    let id = |value: Value, fact: &str| {
        delete("62", fact, vec![reply("204 No Content", "", "")], "refused invalid_options/0", 0)
            .with_options(json!({"id": value}))
    };
    vec![
        items("61", "an item that is no object", "add", "[{},{},7]", "invalid_items"),
        items("61", "a list as an item", "add", "[[]]", "invalid_items"),
        items("61", "null as an item", "add", "[null]", "invalid_items"),
        id(json!(""), "a delete of an empty id"),
        id(json!("  "), "a delete of a blank id"),
        id(json!("."), "a delete of the id ."),
        id(json!(".."), "a delete of the id .."),
        id(json!(" .. "), "a delete of the id .. between spaces"),
        id(json!(null), "a delete of no id"),
        id(json!([7]), "a delete of a list of ids"),
        id(json!({}), "a delete of an object as id"),
        delete("62", "a delete without id", vec![answer("{}")], "refused invalid_options/0", 0).with_options(json!({})),
        items("62", "a delete by item with an empty id", "remove", r#"[{"id":7},{"id":""}]"#, "invalid_items"),
        items("62", "a delete by item with the id ..", "remove", r#"[{"id":7},{"id":".."}]"#, "invalid_items"),
        items("62", "a delete by item without id", "remove", r#"[{"id":7},{"name":"x"}]"#, "invalid_items"),
        items("62", "a delete by item with null as id", "remove", r#"[{"id":7},{"id":null}]"#, "invalid_items"),
        items(
            "62",
            "a delete by item with a line break in the id",
            "remove",
            r#"[{"id":"a\r\nb"}]"#,
            "invalid_options",
        ),
    ]
}
