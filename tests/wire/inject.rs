//! Rows 72 to 74: injection through values: header options, addresses, properties, forms. Paths and queries are in
//! `tests/wire/cases/values/`.

use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::acme::{PASSWORD, check_text, engine, spec};
use crate::case::Case;
use crate::server::{json as answer, reply};
use crate::stage::{Stage, block_on, call, told};
use crate::tables::table;

pub fn trials() -> Vec<Trial> {
    let mut trials = vec![
        Trial::test("73 names and types of a form cannot break out of it", || Ok(form()?)),
        Trial::test("72 a query of 100,000 characters is refused", || Ok(long_query()?)),
    ];
    for (fact, value, arrives) in table::<(String, String, String)>("header-values") {
        trials.push(Trial::test(format!("73 a header option {fact}"), move || Ok(as_header(&value, &arrives)?)));
    }
    for (typed, base, says) in table::<(String, Option<String>, Option<String>)>("addresses") {
        let expected = base.ok_or(says.unwrap_or_default());
        trials.push(Trial::test(format!("74 the address {typed:?}"), move || Ok(address(&typed, &expected)?)));
    }
    for (name, value) in table::<(String, String)>("properties") {
        trials.push(Trial::test(format!("73 the property {name} = {value:?} is refused"), move || {
            Ok(property(&name, &value)?)
        }));
    }
    trials
}

/// The call is refused before its first request.
fn long_query() -> Result<(), String> {
    let options = json!({"q": "x".repeat(100_000)});
    Case { options, ..Case::read("filter", vec![answer("[]")], "refused invalid_options/0", 0) }.run()
}

fn as_header(value: &str, expected: &str) -> Result<(), String> {
    let stage = Stage::plain(vec![answer("[]")]);
    let found = block_on(call(&stage.session, "filter", &json!({"X-Opt": value}), None, &Default::default()));
    let requests = stage.server.requests();
    let request = requests.first().ok_or(format!("{}\n{}", found.summary, told(&found.errors)))?;
    if request.header("x-opt") != [expected] || !request.header("x-evil").is_empty() {
        return Err(format!("{request:?}"));
    }
    Ok(())
}

/// The base address from the input, or the error.
fn address(typed: &str, expected: &Result<String, String>) -> Result<(), String> {
    let mut spec = spec("acme", typed, json!({}), &[]);
    spec.allow_http = false;
    let connection = opnode::connection::Connection::open(engine(false).catalog().connector("acme").unwrap(), &spec);
    match (connection, expected) {
        (Ok(found), Ok(base)) if found.base().as_str() == base => Ok(()),
        (Err(error), Err(says)) if error.to_json().to_string().contains(says) => check_text(&told(&[error])),
        (Ok(found), _) => Err(format!("{}, expected {expected:?}", found.base())),
        (Err(error), _) => Err(format!("{}, expected {expected:?}", error.to_json())),
    }
}

/// A value with a line break is refused by the connection or the first call, and never shown.
fn property(name: &str, value: &str) -> Result<(), String> {
    let url = "http://127.0.0.1:1";
    let error = match engine(false).connect(&spec("acme", url, json!({}), &[(name, value)])) {
        Err(error) => error,
        Ok(session) => {
            let mut found = block_on(call(&session, "list", &Value::Null, None, &Default::default()));
            found.errors.pop().ok_or(found.summary)?
        }
    };
    let text = told(&[error]);
    check_text(&text)?;
    if !text.starts_with(|c: char| c.is_lowercase()) || text.contains(PASSWORD) || !text.contains("connection") {
        return Err(text);
    }
    Ok(())
}

/// A form's field names, file names and types come from items.
fn form() -> Result<(), String> {
    let stage = Stage::plain(vec![reply("200 OK", "", "")]);
    let refused = r#"[{"f":{"contentType":"text/plain\r\nX-Evil: 1","data":"eA=="}}]"#;
    let found = block_on(call(&stage.session, "upload", &Value::Null, Some(refused), &Default::default()));
    if !stage.server.requests().is_empty() || !found.summary.contains("invalid_items") {
        return Err(found.summary);
    }
    let items = r#"[{"a\"\r\nX-Evil: 1":"v\r\n--x","f":{"fileName":"a\"\r\nb.txt","contentType":"text/plain; x=1","data":"eA=="}}]"#;
    let found = block_on(call(&stage.session, "upload", &Value::Null, Some(items), &Default::default()));
    let requests = stage.server.requests();
    let Some(request) = requests.first() else { return Err(found.summary) };
    let body = String::from_utf8_lossy(&request.body).into_owned();
    let kind = request.header("content-type")[0].to_owned();
    let boundary = kind.split_once("boundary=").map(|(_, b)| format!("--{b}")).ok_or(kind)?;
    let heads: Vec<&str> =
        body.split(&boundary).filter_map(|p| p.split_once("\r\n\r\n")).map(|(head, _)| head.trim()).collect();
    let expected = [
        "Content-Disposition: form-data; name=\"a%22%0D%0AX-Evil: 1\"",
        "Content-Disposition: form-data; name=\"f\"; filename=\"a%22%0D%0Ab.txt\"\r\nContent-Type: text/plain; x=1",
    ];
    if heads == expected { Ok(()) } else { Err(format!("{heads:#?}")) }
}
