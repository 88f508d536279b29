//! Rows 27 and 64 for tokens: whatever the API or the token server echoes, in any form, no error, receipt, plan, log
//! line or file except the store contains it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use libtest_mimic::Trial;
use opnode::FileStore;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use url::form_urlencoded::byte_serialize;

use crate::acme::check_text;
use crate::cleanup;
use crate::server::{Act, JSON, Step, bytes, json as answer, reply};
use crate::stage::block_on;
use crate::tokens::{
    ACCESS, CLIENT, CODE, Case, ISSUED, KINDS, Kind, SEED, Stage, VERIFIER, basic, check_planted, connect, read,
};

/// Characters that encodeURIComponent leaves unescaped.
const SCRIPT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'~')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');

type Form = fn(&str) -> String;

/// The forms in which a server may echo a secret.
const FORMS: [(&str, Form); 15] = [
    ("as it is", str::to_owned),
    ("in capitals", |s| s.to_uppercase()),
    ("percent-encoded", |s| utf8_percent_encode(s, NON_ALPHANUMERIC).to_string()),
    ("as a script encodes it", |s| utf8_percent_encode(s, SCRIPT).to_string()),
    ("as a form encodes it", |s| byte_serialize(s.as_bytes()).collect()),
    ("as .NET encodes it for a URL", |s| {
        let pieces = s.chars().map(|c| if c.is_alphanumeric() { c.to_string() } else { format!("%{:02x}", c as u32) });
        pieces.collect::<String>().replace("%20", "+")
    }),
    ("percent-encoded twice", |s| utf8_percent_encode(&utf8_percent_encode(s, SCRIPT).to_string(), SCRIPT).to_string()),
    ("in base64", |s| STANDARD.encode(s)),
    ("in base64url", |s| URL_SAFE_NO_PAD.encode(s)),
    ("in percent-encoded base64", |s| utf8_percent_encode(&STANDARD.encode(s), NON_ALPHANUMERIC).to_string()),
    ("as JSON", |s| json!({"t": s}).to_string()),
    ("as PHP writes JSON", |s| json!({"t": s}).to_string().replace('/', "\\/")),
    ("as .NET writes JSON", |s| {
        json!({"t": s}).to_string().replace("\\\"", "\\u0022").replace('&', "\\u0026").replace('+', "\\u002B")
    }),
    ("as JSON in JSON", |s| json!({"t": json!({"t": s}).to_string()}).to_string()),
    ("as HTML", |s| s.replace('&', "&amp;").replace('"', "&#34;").replace('/', "&#x2F;").replace('+', "&#43;")),
];

pub fn trials() -> Vec<Trial> {
    let mut trials: Vec<Trial> =
        [api(), statuses(), exchanges(), shapes()].into_iter().flatten().map(Case::trial).collect();
    for kind in KINDS {
        trials
            .push(Trial::test(format!("64 tokens: {kind:?}: the store is the only file that holds them"), move || {
                Ok(store(kind)?)
            }));
    }
    trials.push(Trial::test("64 tokens: the content of a damaged store is not shown", || Ok(damaged()?)));
    trials
}

fn echo(secrets: &[&str], form: Form) -> String {
    let mut all: Vec<String> = secrets.iter().map(|s| form(s)).collect();
    if secrets.contains(&CLIENT) {
        all.push(form(&format!("Basic {}", basic())));
    }
    all.join(" ")
}

/// An API that echoes everything, in every place that errors take text from.
fn api() -> Vec<Case> {
    let mut cases = Vec::new();
    for kind in [Kind::Renewed, Kind::Person, Kind::Own] {
        for (form, write) in FORMS {
            let all = echo(&kind.known(1), write);
            cases.extend(places(&all).into_iter().map(|(place, headers, body)| {
                let script = vec![reply("400 Bad Request", &headers, body)];
                let case = read(
                    "27",
                    format!("{form} in {place} of the API's refusal"),
                    kind,
                    script,
                    "[] rejected/1",
                    (1, 1),
                );
                Case { says: "[secret]", ..case }
            }));
        }
        let all = echo(&kind.known(1), str::to_owned);
        let wide: Vec<u8> = all.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let script = vec![reply("400 Bad Request", "Content-Type: text/plain; charset=utf-16le\r\n", wide)];
        cases.push(read("27", "in UTF-16 in the API's refusal", kind, script, "[] rejected/1", (1, 1)));
        let target = format!("Location: /said?{}\r\n", utf8_percent_encode(&all, SCRIPT));
        let script = vec![reply("302 Found", &target, ""), reply("400 No", "", "")];
        cases.push(read("27", "in the address of a redirect", kind, script, "[] rejected/1", (2, 1)));
        let target = format!("Location: http://[{}/\r\n", all.replace('"', ""));
        cases.push(read(
            "27",
            "in a redirect to no address",
            kind,
            vec![reply("302 Found", &target, "")],
            "[] bad_response/1",
            (1, 1),
        ));
    }
    cases
}

/// (where, headers, body)
fn places(all: &str) -> [(&'static str, String, String); 7] {
    let json = JSON.to_owned();
    [
        ("the message", json.clone(), json!({"message": all}).to_string()),
        ("the code", json.clone(), json!({"code": all}).to_string()),
        (
            "the details",
            json.clone(),
            json!({"message": "m", "errors": [{"code": all, "message": all, "field": all}]}).to_string(),
        ),
        ("a body of no known form", json, json!({"x": all}).to_string()),
        ("plain text", String::new(), all.to_owned()),
        ("the title of a page", "Content-Type: text/html\r\n".into(), format!("<title>{all}</title>{all}")),
        ("the request id", format!("X-Request-Id: {all}\r\n"), "{}".into()),
    ]
}

/// Every status with a meaning of its own. After a 401 a second token is requested, and then echoed too.
fn statuses() -> Vec<Case> {
    let mut cases = Vec::new();
    for kind in KINDS {
        for (status, end, seen) in [
            ("400 Bad Request", "rejected/1", (1, 1)),
            ("401 Unauthorized", "unauthenticated/1", (2, 2)),
            ("403 Forbidden", "forbidden/1", (1, 1)),
            ("404 Not Found", "not_found/1", (1, 1)),
            ("500 Oops", "unavailable/3", (3, 1)),
            ("503 Busy", "unavailable/3", (3, 1)),
            ("200 OK", "bad_response/3", (3, 1)),
        ] {
            let all = echo(&kind.known(seen.1), str::to_owned);
            // With a success status, a text or incomplete JSON causes the error.
            let bodies = if status == "200 OK" { &places(&all)[4..6] } else { &places(&all)[..6] };
            for (place, headers, body) in bodies {
                let script = vec![reply(status, headers, body); 3];
                let case = read("27", format!("{status} with all in {place}"), kind, script, format!("[] {end}"), seen);
                let write = matches!(status.get(..1), Some("4")).then(|| case.clone().post(format!("failed {end}")));
                cases.extend(write);
                cases.push(case);
            }
        }
    }
    cases
}

/// A token server that echoes its request.
fn exchanges() -> Vec<Case> {
    let mut cases = Vec::new();
    for kind in KINDS {
        let known = kind.known(0);
        let refusal = |fact: String, act: Act, end: &str, exchanges: usize| {
            let end = if kind == Kind::Person { format!("sign-in {end}") } else { format!("[] {end}/1") };
            let case = read("27", fact, kind, Vec::new(), end, (0, exchanges));
            Case { tokens: vec![act; 3], ..case }
        };
        let sign_in = |kind_of: &str, attempts: usize| {
            if kind == Kind::Person { format!("{kind_of}/{attempts}") } else { kind_of.to_owned() }
        };
        for (form, write) in FORMS {
            let all = echo(&known, write);
            let said = |place: &str, status: &str, body: Value| {
                let case = refusal(
                    format!("{form} in {place} of a refused exchange"),
                    reply(status, JSON, body.to_string()),
                    &sign_in("unauthenticated", 1),
                    1,
                );
                Case { says: "[secret]", ..case }
            };
            cases.extend([
                said("the description", "400 Bad Request", json!({"error": "invalid_grant", "error_description": all})),
                said("the code", "400 Bad Request", json!({"error": all})),
                said("the code, with 200,", "200 OK", json!({"error": all, "message": all})),
                said("the message", "401 Unauthorized", json!({"message": all})),
            ]);
            let failed = reply("500 Oops", JSON, json!({"message": all}).to_string());
            let fact = format!("{form} in the message of a failed exchange");
            cases.push(Case { says: "[secret]", ..refusal(fact, failed, &sign_in("unavailable", 3), 3) });
        }
    }
    cases
}

/// A token server whose replies have a wrong shape.
fn shapes() -> Vec<Case> {
    let mut cases = Vec::new();
    for kind in KINDS {
        let known = [kind.known(0), vec![ACCESS[0], ISSUED[0]]].concat();
        let all = echo(&known, str::to_owned);
        let page = format!("<html><title>{all}</title><p>{all}</html>");
        let huge = |status: &str| {
            let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n", all.len() * 40_000);
            Act::Answer(vec![Step::Send(head.into()), Step::Times(40_000, all.clone().into_bytes()), Step::Close])
        };
        let quoted = |status: &str, more: Value| reply(status, JSON, kind.grant(0, more));
        let new = format!("{} {}", ACCESS[0], ISSUED[0]);
        let broken = if kind == Kind::Own {
            json!({"data": {"accessToken": [&new]}})
        } else {
            json!({"access_token": [&new], "refresh_token": {"t": &new}})
        };
        let breaks = format!("{}\r\nX-Evil: {}", ACCESS[0], SEED);
        let breaks =
            if kind == Kind::Own { json!({"data": {"accessToken": breaks}}) } else { json!({"access_token": breaks}) };
        for (fact, act, end, exchanges) in [
            ("a page with 200", reply("200 OK", "Content-Type: text/html\r\n", &page), "unavailable", 3),
            ("a page with 400", reply("400 Bad Request", "Content-Type: text/html\r\n", &page), "unauthenticated", 1),
            ("a page with 500", reply("500 Oops", "Content-Type: text/html\r\n", &page), "unavailable", 3),
            ("plain text", reply("200 OK", "", &all), "unavailable", 3),
            ("JSON text", answer(json!(all).to_string()), "unauthenticated", 1),
            ("a list", answer(json!([all]).to_string()), "unauthenticated", 1),
            ("other names", answer(json!({"token": all, "data": {"token": all}}).to_string()), "unauthenticated", 1),
            ("lists for tokens", answer(broken.to_string()), "unauthenticated", 1),
            ("JSON that breaks off", answer(&kind.grant(0, Value::Null)[..60]), "unavailable", 3),
            ("tokens with 500", quoted("500 Oops", json!({"message": &new})), "unavailable", 3),
            ("tokens with 429", quoted("429 Slow down", json!({"message": &new})), "unavailable", 3),
            ("tokens with 403", quoted("403 Forbidden", json!({"message": &new})), "unauthenticated", 1),
            (
                "tokens with an error",
                quoted("200 OK", json!({"error": &new, "error_description": &new})),
                "unauthenticated",
                1,
            ),
            ("2 MB with 200", huge("200 OK"), "limit", 1),
            ("2 MB with 400", huge("400 Bad Request"), "unauthenticated", 1),
            ("2 MB with 500", huge("500 Oops"), "unavailable", 3),
            (
                "an encoding of that name",
                reply("200 OK", &format!("Content-Encoding: {}\r\n", echo(&kind.known(0), str::to_owned)), "\u{e4}x"),
                "unavailable",
                3,
            ),
            ("no HTTP at all", bytes(&all, Step::Close), "network", 3),
        ] {
            let ended = if kind == Kind::Person { format!("sign-in {end}/{exchanges}") } else { format!("[] {end}/1") };
            let case = read("27", format!("the exchange brings {fact}"), kind, Vec::new(), ended, (0, exchanges));
            cases.push(Case { tokens: vec![act; 3], ..case });
        }
        // It is not stored, so the next call asks for another.
        let ended = if kind == Kind::Person { "sign-in bad_response/1" } else { "[] bad_response/1" };
        let fact = "the exchange brings a token that no header can hold";
        let case = read("27", fact, kind, vec![answer("[]")], ended, (0, 1));
        cases.push(Case { tokens: vec![answer(breaks.to_string())], ..case });
    }
    cases
}

/// All files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.into_iter().flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// An old store with too wide permissions is private after the first write; and a second engine masks the tokens in the
/// store.
fn store(kind: Kind) -> Result<(), String> {
    let dir = cleanup::folder();
    let path = dir.path().join("deep/tokens.json");
    std::fs::create_dir(dir.path().join("deep")).unwrap();
    std::fs::write(&path, r#"{"version": 1, "tokens": {}}"#).unwrap();
    let refusal =
        reply("400 Bad Request", JSON, json!({"message": echo(&[ACCESS[0], ISSUED[0]], str::to_owned)}).to_string());
    let script = vec![answer("[]"), refusal];
    let file = Arc::new(FileStore::new(&path));
    let stage = Stage::new(kind, script, vec![answer(kind.grant(0, Value::Null))], Some(file.clone()), None);
    let found = block_on(stage.call("list", None));
    if found.summary != "[] end" {
        return Err(found.told);
    }
    let text = std::fs::read_to_string(&path).unwrap();
    let stored: Value = serde_json::from_str(&text).unwrap();
    let entry = stored["tokens"].as_object().and_then(|all| all.values().next()).ok_or(text)?;
    if entry["access"] != ACCESS[0] || entry["refresh"] != ISSUED[0] {
        return Err(format!("not the tokens that were granted: {entry}"));
    }
    let mut rest = entry.clone();
    rest.as_object_mut().unwrap().retain(|name, _| !matches!(name.as_str(), "access" | "refresh"));
    check_planted(&format!("{rest} {file:?}"))?;
    for secret in [SEED, CLIENT, CODE, VERIFIER] {
        if entry.to_string().contains(secret) {
            return Err(format!("the store holds more than it needs: {entry}"));
        }
    }
    for found in files(dir.path()) {
        if found != path {
            check_planted(&String::from_utf8_lossy(&std::fs::read(&found).unwrap()))?;
        }
        check_planted(&found.display().to_string())?;
        #[cfg(unix)]
        if std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&found).unwrap().permissions()) & 0o077 != 0 {
            return Err(format!("others may look into {}", found.display()));
        }
    }
    let later = connect(kind, &format!("http://{}", stage.api.address), &stage.token_server(), Some(file));
    let found = block_on(crate::stage::call(&later, "list", &Value::Null, None, &Default::default()));
    if found.summary != "[] rejected/1" || !found.told.contains("[secret]") {
        return Err(format!("{} {}", found.summary, found.told));
    }
    check_text(&found.told)?;
    stage.check()
}

/// A truncated store, and one whose content has another shape.
fn damaged() -> Result<(), String> {
    let entry = json!({"access": ACCESS[0], "refresh": ISSUED[0]});
    let whole = json!({"version": 1, "tokens": {"key": entry}}).to_string();
    let other = json!({"version": SEED, "tokens": ACCESS[0]}).to_string();
    let more = json!({"version": 1, "tokens": {"key": {"access": ACCESS[0], ISSUED[0]: "x"}}}).to_string();
    for content in [&whole[..whole.len() - 20], &other, &more] {
        let dir = cleanup::folder();
        let path = dir.path().join("tokens.json");
        std::fs::write(&path, content).unwrap();
        let stage =
            Stage::new(Kind::Own, vec![answer("[]")], vec![answer("{}")], Some(Arc::new(FileStore::new(&path))), None);
        let found = block_on(stage.call("list", None));
        if found.summary != "[] state/1" || stage.api.seen() > 0 {
            return Err(format!("{content}: {} {}", found.summary, found.told));
        }
        check_text(&found.told)?;
    }
    Ok(())
}
