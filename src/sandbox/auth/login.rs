//! The login request of a connector: checks the credentials, and returns a token where the definition reads it. Pure. It
//! shares no code with `crate::auth`, so that each tests the other.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use http::header::SET_COOKIE;
use url::form_urlencoded::parse;

use super::tokens::TokenPair;
use crate::connection::Connection;
use crate::definition::{Expiry, Login, LoginBody, PropertyTypeFile, TokenPlace};
use crate::sandbox::http::{Refusal, RefusalKind, ReplyContent, SandboxCall, SandboxReply};
use crate::sandbox::records::Tree;

/// The reply to a login request.
pub(super) fn answer(
    connection: &Connection,
    rule: &Login,
    call: &SandboxCall,
    issue: impl FnOnce() -> TokenPair,
) -> Result<SandboxReply, Refusal> {
    if !is_right(connection, rule, call) {
        let why = "the credentials of the login are not those of the sandbox's connection";
        return Err(Refusal::new(RefusalKind::Unauthorized, why));
    }
    let pair = issue();
    let mut body = Tree::object();
    if let (Some(Expiry::At(pointer)), Some(seconds)) = (&rule.expires, pair.seconds) {
        body.put(pointer, Tree::number(seconds));
    }
    Ok(with_token(&rule.token, &pair.access, body))
}

/// A reply with a token in its place.
pub(super) fn with_token(place: &TokenPlace, token: &str, mut body: Tree) -> SandboxReply {
    match place {
        TokenPlace::Body(pointer) if pointer.tokens().is_empty() => {
            SandboxReply { content: ReplyContent::Json(Tree::text(token)), ..SandboxReply::blank(StatusCode::OK) }
        }
        TokenPlace::Body(pointer) => {
            body.put(pointer, Tree::text(token));
            SandboxReply::json(StatusCode::OK, &body)
        }
        TokenPlace::Header(name) => {
            let mut reply = SandboxReply::json(StatusCode::OK, &body);
            reply.set(name.clone(), token);
            reply
        }
        TokenPlace::Cookie(name) => {
            let mut reply = SandboxReply::json(StatusCode::OK, &body);
            reply.set(SET_COOKIE, &format!("{name}={token}; Path=/; HttpOnly"));
            reply
        }
    }
}

fn is_right(connection: &Connection, rule: &Login, call: &SandboxCall) -> bool {
    let render = |text| connection.render(text);
    let headers = rule.headers.iter().filter_map(|(name, text)| Some((name, render(text)?)));
    let query = rule.query.iter().filter_map(|(name, text)| Some((name, render(text)?)));
    let basic = rule.basic.as_ref().is_none_or(|pair| {
        let wanted = render(&pair.username).zip(render(&pair.password)).map(|(user, pass)| format!("{user}:{pass}"));
        let given = call.after_scheme("basic").and_then(|text| STANDARD.decode(text).ok());
        given.as_deref() == wanted.as_deref().map(str::as_bytes)
    });
    let body = call.body.as_deref().unwrap_or_default();
    let body = match &rule.body {
        LoginBody::None => true,
        LoginBody::Form(fields) => {
            let given: Vec<(String, String)> = parse(body).into_owned().collect();
            let wanted = fields.iter().filter_map(|(name, text)| Some((name.clone(), render(text)?)));
            wanted.into_iter().all(|pair| given.contains(&pair))
        }
        LoginBody::Json(json) => {
            let kind = |name: &str| connection.connector().property(name).map_or(PropertyTypeFile::String, |p| p.kind);
            let wanted = json.render(&|name| connection.value(name), &kind);
            serde_json::from_slice::<serde_json::Value>(body).ok() == wanted
        }
    };
    let mut headers = headers.map(|(name, value)| call.header(name) == Some(&*value));
    let mut query = query.map(|(name, value)| call.parameter(name) == Some(&*value));
    basic && body && headers.all(|good| good) && query.all(|good| good)
}
