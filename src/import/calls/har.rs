//! HAR files: what a browser or a proxy has recorded. Calls of the system's own API are those that return JSON. Pure.

use std::collections::BTreeMap;

use super::super::report::LeftOut;
use super::super::value::Doc;
use super::{SeenAuth, SeenBody, SeenCall, SeenCalls, SeenParameter, SeenReply, split_origin, tells};
use crate::draft::{is_secret_name, read_address, sign_in_of};

/// Reads a HAR file. `origin`: that of the API, if the user says it. `Err` says why it is none.
pub(crate) fn read(doc: &Doc, origin: Option<&str>) -> Result<SeenCalls, String> {
    let entries = doc.at(&["log", "entries"]).ok_or("it is no HAR file: `log.entries` is missing")?.list();
    let mut read: Vec<(SeenCall, bool)> = Vec::new();
    let mut seen = SeenCalls { format: "HAR", ..SeenCalls::default() };
    for (index, entry) in entries.iter().enumerate() {
        match call(entry) {
            Ok(found) => read.push(found),
            Err(why) => seen.left_out.push(LeftOut::new(&format!("entry {}", index + 1), why)),
        }
    }
    let of = |call: &SeenCall| split_origin(&call.base).0.to_owned();
    let said = origin.map(|url| split_origin(url).0.to_owned());
    let usual = super::most(read.iter().filter(|(_, is_api)| *is_api).map(|(call, _)| of(call)));
    let Some(chosen) = said.or(usual) else { return Err("it has no call that returns or sends JSON".to_owned()) };
    let mut others: BTreeMap<String, usize> = BTreeMap::new();
    for (call, is_api) in read {
        if of(&call) == chosen && is_api {
            seen.calls.push(call);
        } else {
            *others.entry(of(&call)).or_default() += 1;
        }
    }
    if seen.calls.is_empty() {
        return Err(format!("it has no call of {chosen} that returns or sends JSON"));
    }
    for (origin, count) in others {
        let why = if origin == chosen {
            "pages, scripts, images and other files"
        } else {
            "another system; --base-url chooses it"
        };
        let calls = if count == 1 { "1 call".to_owned() } else { format!("{count} calls") };
        seen.notes.push(format!("{calls} of {origin} left out: {why}"));
    }
    if seen.calls.iter().all(|call| call.auth.is_none()) {
        seen.notes.push(
            "no call shows a sign-in but perhaps cookies, which are left out: write `auth` in overrides.yaml"
                .to_owned(),
        );
    }
    let host = chosen.split("://").nth(1).unwrap_or_default();
    seen.title = host.to_owned();
    Ok(seen)
}

/// A call, and whether it is one of an API.
fn call(entry: &Doc) -> Result<(SeenCall, bool), String> {
    let request = entry.get("request").ok_or("it has no request")?;
    let verb = request.text_of("method").ok_or("it has no method")?.to_ascii_uppercase();
    let address = read_address(request.text_of("url").ok_or("it has no address")?)?;
    let headers = pairs(request.get("headers"));
    let auth = sign_in_of(&headers, &address.query).and_then(|auth| SeenAuth::of(&auth));
    let query = address
        .query
        .into_iter()
        .filter(|(name, _)| !is_secret_name(name))
        .map(|(name, value)| SeenParameter { name, value: Some(value), description: None });
    let body = request.get("postData").and_then(body);
    let reply = entry.get("response").and_then(reply);
    let is_api = matches!(body, Some(SeenBody::Json(_)))
        || reply.as_ref().is_some_and(|reply| reply.body.is_some() || reply.kind.contains("json"))
        // A write without a body, such as DELETE.
        || !matches!(verb.as_str(), "GET" | "HEAD" | "POST" | "OPTIONS");
    let call = SeenCall {
        verb,
        base: address.base,
        path: address.path,
        query: query.collect(),
        body,
        replies: reply.into_iter().collect(),
        auth,
        ..SeenCall::default()
    };
    Ok((call, is_api))
}

/// Headers or fields as names in lower case, with values.
fn pairs(list: Option<&Doc>) -> Vec<(String, String)> {
    let pair = |pair: &Doc| Some((pair.text_of("name")?.to_ascii_lowercase(), pair.get("value")?.text()?.to_owned()));
    list.map(Doc::list).unwrap_or_default().iter().filter_map(pair).collect()
}

fn body(data: &Doc) -> Option<SeenBody> {
    let kind = data.text_of("mimeType").unwrap_or_default().split(';').next().unwrap_or_default().trim();
    let text = data.get("text").and_then(Doc::text).unwrap_or_default();
    let fields = || {
        let given = data.get("params").map(Doc::list).unwrap_or_default();
        let field = |field: &Doc| {
            Some((field.text_of("name")?.to_owned(), field.get("value").and_then(Doc::text).map(str::to_owned)))
        };
        let given: Vec<_> = given.iter().filter_map(field).collect();
        let of_text = || {
            url::form_urlencoded::parse(text.as_bytes()).map(|(n, v)| (n.into_owned(), Some(v.into_owned()))).collect()
        };
        if given.is_empty() { of_text() } else { given }
    };
    match kind {
        "application/x-www-form-urlencoded" => Some(SeenBody::Form(fields(), "application/x-www-form-urlencoded")),
        "multipart/form-data" => Some(SeenBody::Form(fields(), "multipart/form-data")),
        _ if super::super::reply::is_json(kind) => serde_json::from_str(text).ok().map(SeenBody::Json),
        "" => None,
        kind => Some(SeenBody::Other(kind.to_owned())),
    }
}

/// The reply; none if the call was cancelled or answered from a cache.
fn reply(doc: &Doc) -> Option<SeenReply> {
    let status =
        doc.get("status").and_then(Doc::whole).filter(|status| (200..600).contains(status) && *status != 304)?;
    let content = doc.get("content");
    let kind = content.and_then(|content| content.text_of("mimeType")).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_owned();
    let text = content.and_then(|content| content.text_of("text")).unwrap_or_default();
    let decoded = match content.and_then(|content| content.text_of("encoding")) {
        Some("base64") => {
            use base64::Engine as _;
            let bytes = base64::engine::general_purpose::STANDARD.decode(text.trim()).unwrap_or_default();
            String::from_utf8(bytes).unwrap_or_default()
        }
        _ => text.to_owned(),
    };
    let body = serde_json::from_str(&decoded).ok().filter(|_| super::super::reply::is_json(&kind));
    let headers = pairs(doc.get("headers")).into_iter().map(|(name, _)| name).filter(|name| tells(name)).collect();
    let is_empty = decoded.is_empty()
        && content.and_then(|content| content.get("size")).and_then(Doc::whole).unwrap_or_default() == 0;
    Some(SeenReply { status, kind: if is_empty { String::new() } else { kind }, headers, body })
}
