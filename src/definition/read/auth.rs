//! Converts `auth` of the connector file to the checked model. Pure.

use super::auth_texts::AuthTexts;
use super::login::login;
use super::oauth::oauth2;
use super::placed::{Content, login_pair, place, placed};
use super::request_line::request_line;
use crate::authoring::{Checker, Ordered, Text};
use crate::definition::auth::{Auth, AwsSigv4, Hmac, Refresh, SIGNED_NAMES};
use crate::definition::connector::Property;
use crate::definition::file::{
    AuthFile, AwsSigv4File, BearerFile, HmacAlgorithmFile, HmacFile, KeyEncodingFile, KeysFile, RefreshFile,
    SignatureEncodingFile, TimestampFile,
};
use crate::definition::placed::PlacedText;
use crate::definition::placed::RequestPlace;
use crate::json_pointer::escape;

pub(super) fn auth(c: &mut Checker<'_>, file: AuthFile, properties: &[Property]) -> Auth {
    let mut t = AuthTexts::new(c, properties);
    match file {
        AuthFile::None => Auth::None,
        AuthFile::Basic(pair) => Auth::Basic(login_pair(&mut t, "/auth/basic", &pair)),
        AuthFile::Digest(pair) => Auth::Digest(login_pair(&mut t, "/auth/digest", &pair)),
        AuthFile::Bearer(BearerFile::Token(token)) => Auth::Bearer { token: t.text("/auth/bearer", &token) },
        AuthFile::Bearer(BearerFile::Keyed(file)) => Auth::Bearer { token: t.text("/auth/bearer/token", &file.token) },
        AuthFile::ApiKey(file) => {
            Auth::Keys(placed(&mut t, "/auth/api_key", &file, Content::Key).into_iter().collect())
        }
        AuthFile::Keys(file) => keys(&mut t, file),
        AuthFile::Hmac(file) => hmac(&mut t, *file),
        AuthFile::AwsSigv4(file) => aws_sigv4(&mut t, &file),
        AuthFile::Oauth2(file) => oauth2(&mut t, *file),
        AuthFile::Login(file) => login(&mut t, *file).map_or(Auth::None, |rule| Auth::Login(Box::new(rule))),
        AuthFile::Refresh(file) => refresh(&mut t, *file).map_or(Auth::None, Auth::Refresh),
    }
}

fn keys(t: &mut AuthTexts<'_, '_>, file: KeysFile) -> Auth {
    let mut keys: Vec<PlacedText> = Vec::new();
    for (kind, values) in [("header", file.header), ("query", file.query), ("cookie", file.cookie)] {
        for (name, value) in values {
            let at = format!("/auth/keys/{kind}/{}", escape(&name));
            let value = t.text(&at, &value);
            let Some(place) = place(t, &at, kind, &name) else { continue };
            if keys.iter().any(|key| key.place == place) {
                t.c.fault(&at, format!("the header {name} is given twice; header names are case-insensitive"), None);
            }
            keys.push(PlacedText { place, value });
        }
    }
    if keys.is_empty() {
        t.c.fault("/auth/keys", "`keys` names no key", None);
    }
    Auth::Keys(keys)
}

fn hmac(t: &mut AuthTexts<'_, '_>, file: HmacFile) -> Auth {
    let text = t.text_with("/auth/hmac/text", &file.text, &SIGNED_NAMES);
    let headers = t.headers_with("/auth/hmac/headers", file.headers, &SIGNED_NAMES);
    let query = signed_query(t, file.query);
    let send = placed(t, "/auth/hmac/send", &file.send, Content::Signature);
    let used = || headers.iter().map(|(_, t)| t).chain(query.iter().map(|(_, t)| t)).chain([&text]);
    if file.timestamp.is_some() && !used().flat_map(Text::names).any(|name| name == "timestamp") {
        t.c.fault("/auth/hmac/timestamp", "`timestamp` has no effect: no text contains {timestamp}", None);
    }
    if text.names().next().is_none() {
        t.c.fault(
            "/auth/hmac/text",
            "the signed text has no placeholder, so every request would have one signature",
            None,
        );
    }
    let key = t.text("/auth/hmac/key", &file.key);
    let Some(send) = send else { return Auth::None };
    let is_taken = match &send.place {
        RequestPlace::Header(name) => headers.iter().any(|(own, _)| own == name),
        RequestPlace::Query(name) => query.iter().any(|(own, _)| own == name),
        RequestPlace::Cookie(_) => false,
    };
    if is_taken {
        let message = format!("the signature and a value beside it are sent in one place: {}", send.place);
        t.c.fault("/auth/hmac/send", message, None);
    }
    Auth::Hmac(Box::new(Hmac {
        key,
        key_encoding: file.key_encoding.unwrap_or(KeyEncodingFile::Text),
        algorithm: file.algorithm.unwrap_or(HmacAlgorithmFile::Sha256),
        encoding: file.encoding.unwrap_or(SignatureEncodingFile::Hex),
        text,
        timestamp: file.timestamp.unwrap_or(TimestampFile::Unix),
        send,
        headers,
        query,
    }))
}

/// The query parameters that are sent with a signature. They are part of the query, so they cannot contain it.
fn signed_query(t: &mut AuthTexts<'_, '_>, file: Ordered<String>) -> Vec<(String, Text)> {
    let mut query = Vec::new();
    for (name, value) in file {
        let at = format!("/auth/hmac/query/{}", escape(&name));
        let text = t.text_with(&at, &value, &SIGNED_NAMES);
        if let Some(own) = text.names().find(|n| matches!(*n, "query" | "url")) {
            t.c.fault(&at, format!("a query parameter cannot contain {{{own}}}, which contains it"), None);
        }
        query.push((name, text));
    }
    query
}

fn aws_sigv4(t: &mut AuthTexts<'_, '_>, file: &AwsSigv4File) -> Auth {
    Auth::AwsSigv4(AwsSigv4 {
        access_key: t.text("/auth/aws_sigv4/access_key", &file.access_key),
        secret_key: t.text("/auth/aws_sigv4/secret_key", &file.secret_key),
        session_token: file.session_token.as_ref().map(|text| t.text("/auth/aws_sigv4/session_token", text)),
        region: t.text("/auth/aws_sigv4/region", &file.region),
        service: t.text("/auth/aws_sigv4/service", &file.service),
    })
}

fn refresh(t: &mut AuthTexts<'_, '_>, file: RefreshFile) -> Option<Refresh> {
    let line = request_line(t.c, "/auth/refresh/request", &file.request);
    if let Some((_, path)) = &line {
        t.check("/auth/refresh/request", path, &[]);
    }
    let headers = t.headers_with("/auth/refresh/header", file.header, &[]);
    let access_token = t.c.pointer("/auth/refresh/access_token", &file.access_token);
    let refresh_token = t.c.pointer("/auth/refresh/refresh_token", &file.refresh_token);
    let expires_in = file.expires_in.and_then(|p| t.c.pointer("/auth/refresh/expires_in", &p));
    // A refresh token that no header carries could never be exchanged.
    if !headers.iter().flat_map(|(_, text)| text.names()).any(|name| t.is_secret(name)) {
        let message = "no header carries the refresh token: name a property that is `secret: true`";
        t.c.fault("/auth/refresh/header", message, None);
    }
    let (verb, path) = line?;
    Some(Refresh { verb, path, headers, access_token: access_token?, refresh_token: refresh_token?, expires_in })
}
