//! Rows 35 and 63 for tokens: wherever redirects and next links lead, an access token is sent only to the API, and
//! credentials for tokens only to the token server.

use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::server::{Act, JSON, json as answer, reply};
use crate::stage::block_on;
use crate::tls::{Certificate, tls};
use crate::tokens::{ACCESS, APART, Case, KINDS, Kind, Stage, read};

const ONE: &str = r#"[{"id":1}]"#;
const WHOLE: &str = r#"[{"id":1}] end"#;
const P1: &str = r#"[{"id":1},{"id":2}]"#;
const STATUSES: [&str; 5] = ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"];

pub fn trials() -> Vec<Trial> {
    let cases = [redirects(), links(), downgrades(), redirected_exchanges()];
    let mut trials: Vec<Trial> = cases.into_iter().flatten().map(Case::trial).collect();
    for kind in APART {
        trials.push(Trial::test(format!("63 tokens: {kind:?}: an operation of the token server"), move || {
            Ok(at_home(kind)?)
        }));
    }
    trials
}

/// The token server's own operations are called there with the access token, and lead to no other origin.
fn at_home(kind: Kind) -> Result<(), String> {
    for (said, end) in
        [(answer(r#"{"id":1}"#), WHOLE), (to("307 Temporary", "http://127.0.0.1:OTHER/me"), "[] origin/1")]
    {
        let stage = Stage::new(kind, Vec::new(), vec![answer(kind.grant(0, Value::Null)), said], None, None);
        let found = block_on(stage.call("me", None));
        let (api, tokens) = stage.requests();
        let signed = tokens.get(1).is_some_and(|r| {
            r.line.starts_with("GET /me ") && r.header("authorization") == [format!("Bearer {}", ACCESS[0])]
        });
        if found.summary != end || !signed || !api.is_empty() || tokens.len() != 2 {
            return Err(format!("{} {tokens:?}", found.told));
        }
    }
    Ok(())
}

fn to(status: &str, target: &str) -> Act {
    reply(status, &format!("Location: {target}\r\n"), "")
}

/// Redirects of the API.
fn redirects() -> Vec<Case> {
    let mut cases = Vec::new();
    for kind in KINDS {
        for status in STATUSES {
            let there = |target: &str, end: &str, requests: usize| {
                let script = vec![to(status, target), answer(ONE)];
                read("63", format!("{status} of the API to {target}"), kind, script, end, (requests, 1))
            };
            let unknown = !status.starts_with("307") && !status.starts_with("308");
            for target in targets(kind) {
                let case = there(target, "[] origin/1", 1);
                cases.push(case.clone().post(if unknown { "unknown unknown_outcome/1" } else { "failed origin/1" }));
                cases.push(case);
            }
            cases.push(there("/there", WHOLE, 2));
        }
        let hops = vec![to("302 Found", "/there"), to("307 Temporary", "http://127.0.0.1:OTHER/")];
        cases.push(read("63", "a redirect within the API and then out of it", kind, hops, "[] origin/1", (2, 1)));
        let renewed = vec![reply("401 No", "", ""), to("302 Found", "http://127.0.0.1:OTHER/")];
        cases.push(read(
            "63",
            "a redirect of what was sent again with a new token",
            kind,
            renewed,
            "[] origin/1",
            (2, 2),
        ));
    }
    cases
}

/// Addresses that are not the API's.
fn targets(kind: Kind) -> Vec<&'static str> {
    let mut all = vec![
        "http://127.0.0.1:OTHER/there",
        "//127.0.0.1:OTHER/there",
        "http://127.0.0.1:APIII@127.0.0.1:OTHER/p",
        "http://robot:pw@127.0.0.1:MYOWN/p",
        "https://127.0.0.1:MYOWN/p",
        "http://localhost:MYOWN/p",
    ];
    if APART.contains(&kind) {
        all.extend(["http://127.0.0.1:TOKEN/there", "//127.0.0.1:TOKEN/token"]);
    }
    all
}

/// Next links of the API.
fn links() -> Vec<Case> {
    let mut cases = Vec::new();
    let end = format!("{P1} origin/0");
    for kind in KINDS {
        for target in targets(kind).into_iter().filter(|t| !t.starts_with("https:")) {
            let header = reply("200 OK", &format!("{JSON}Link: <{target}>; rel=next\r\n"), P1);
            cases.push(
                read("35", format!("a next link to {target}"), kind, vec![header, answer(ONE)], &end, (1, 1))
                    .of("link"),
            );
            let body = answer(format!(r#"{{"data":{P1},"next":"{target}"}}"#));
            cases.push(
                read("35", format!("a next address {target}"), kind, vec![body, answer("{}")], &end, (1, 1))
                    .of("next_url"),
            );
        }
        let pages =
            vec![reply("200 OK", &format!("{JSON}Link: </p?page=2>; rel=next\r\n"), P1), answer(r#"[{"id":3}]"#)];
        let all = r#"[{"id":1},{"id":2},{"id":3}] end"#;
        cases.push(read("35", "a next link of its own", kind, pages, all, (2, 1)).of("link"));
    }
    cases
}

/// From https to http on the same host and port.
fn downgrades() -> Vec<Case> {
    let target = "http://127.0.0.1:MYOWN/p?page=2";
    let mut cases = Vec::new();
    for kind in KINDS {
        let tls = || tls(Certificate::Good);
        let link = reply("200 OK", &format!("{JSON}Link: <{target}>; rel=next\r\n"), P1);
        // The own host with another scheme: the own origin is used, with https.
        let all = r#"[{"id":1},{"id":2},{"id":3}] end"#;
        let script = vec![link, answer(r#"[{"id":3}]"#)];
        let next = read("35", "a next link from https to http stays at https", kind, script, all, (2, 1)).of("link");
        cases.push(Case { tls: tls(), ..next });
        let away =
            read("63", "a redirect from https to http", kind, vec![to("307 Temporary", target)], "[] origin/1", (1, 1));
        cases.push(Case { tls: tls(), ..away });
    }
    cases
}

/// Redirects of the token server: credentials are not sent elsewhere, and no token is accepted from there.
fn redirected_exchanges() -> Vec<Case> {
    let mut cases = Vec::new();
    for kind in KINDS {
        for status in STATUSES {
            for target in [
                "http://127.0.0.1:OTHER/token",
                "//127.0.0.1:OTHER/token",
                "http://127.0.0.1:APIII/token",
                "/elsewhere",
            ] {
                let end = if kind == Kind::Person { "sign-in unauthenticated/1" } else { "[] unauthenticated/1" };
                let away = reply(
                    status,
                    &format!("{JSON}Location: {target}\r\n"),
                    kind.grant(0, json!({"message": Value::Null})),
                );
                let case = read(
                    "63",
                    format!("{status} of the token server to {target}"),
                    kind,
                    vec![answer(ONE)],
                    end,
                    (0, 1),
                );
                cases.push(Case { tokens: vec![away, answer(kind.grant(1, Value::Null))], ..case });
            }
        }
    }
    cases
}
