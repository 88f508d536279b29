//! Converts a login request and `csrf` to the checked models. Pure.

use super::auth_texts::AuthTexts;
use super::effects;
use super::paging::values;
use super::placed::{Content, login_pair, placed, send};
use super::request_line::request_line;
use crate::authoring::{Checker, Text};
use crate::definition::connector::Property;
use crate::definition::file::{CsrfFile, CsrfScopeFile, FailedFile, LoginFile, NamedPlaceFile, TokenPlaceFile};
use crate::definition::login::{Csrf, Expiry, Failed, Login, LoginBody, TokenPlace};
use crate::definition::placed::{PlacedText, RequestPlace};

const AT: &str = "/auth/login";

pub(super) fn login(t: &mut AuthTexts<'_, '_>, file: LoginFile) -> Option<Login> {
    let line = line(t, &format!("{AT}/request"), &file.request);
    let base_url = t.optional(&format!("{AT}/base_url"), file.base_url.as_ref());
    if let Some(base) = &base_url {
        effects::address(t.c, &format!("{AT}/base_url"), base, "query: { api-version: \"2024-01-01\" }");
    }
    let headers = t.headers_with(&format!("{AT}/headers"), file.headers, &[]);
    let basic = file.basic.as_ref().map(|pair| login_pair(t, &format!("{AT}/basic"), pair));
    if basic.is_some() && headers.iter().any(|(name, _)| *name == http::header::AUTHORIZATION) {
        t.c.fault(&format!("{AT}/basic"), "`headers` sets Authorization already", None);
    }
    let query = t.map(&format!("{AT}/query"), file.query);
    let body = match (&file.json, file.form.is_empty()) {
        (Some(_), false) => {
            t.c.fault(&format!("{AT}/form"), "the body is `json` or `form`, not both", None);
            LoginBody::None
        }
        (Some(json), true) => t.json(&format!("{AT}/json"), json).map_or(LoginBody::None, LoginBody::Json),
        (None, false) => LoginBody::Form(t.map(&format!("{AT}/form"), file.form)),
        (None, true) => LoginBody::None,
    };
    if let Some((verb, _)) = line.as_ref().filter(|(verb, _)| !may_have_body(verb))
        && !matches!(body, LoginBody::None)
    {
        t.c.fault(&format!("{AT}/request"), format!("{verb} has no body"), None);
    }
    let expires = expires(t, file.expires_in.as_deref(), file.expires_s);
    let token = token(t, &format!("{AT}/token"), file.token);
    let send = match (&token, &file.send) {
        // The cookies themselves are sent.
        (Some(TokenPlace::Cookie(_)), None) => None,
        (_, send) => Some(self::send(t, &format!("{AT}/send"), send.as_ref())),
    };
    no_double_cookie(t, token.as_ref(), send.as_ref());
    let failed = file.failed.and_then(|failed| self::failed(t, failed));
    let (verb, path) = line?;
    Some(Login { verb, path, base_url, headers, query, body, basic, token: token?, expires, send, failed })
}

/// The cookies of a login are sent as they are, so that none can be sent twice.
fn no_double_cookie(t: &mut AuthTexts<'_, '_>, token: Option<&TokenPlace>, send: Option<&PlacedText>) {
    if let (Some(TokenPlace::Cookie(_)), Some(PlacedText { place: RequestPlace::Cookie(_), .. })) = (token, send) {
        t.c.fault(&format!("{AT}/send"), "the cookies of the login are sent anyway", None);
    }
}

fn line(t: &mut AuthTexts<'_, '_>, at: &str, text: &str) -> Option<(http::Method, Text)> {
    let line = request_line(t.c, at, text)?;
    t.check(at, &line.1, &[]);
    Some(line)
}

fn may_have_body(verb: &http::Method) -> bool {
    matches!(*verb, http::Method::POST | http::Method::PUT | http::Method::PATCH | http::Method::DELETE)
}

fn expires(t: &mut AuthTexts<'_, '_>, pointer: Option<&str>, seconds: Option<u32>) -> Option<Expiry> {
    let at = format!("{AT}/expires_s");
    match (pointer, seconds) {
        (Some(_), Some(_)) => {
            t.c.fault(&at, "the lifetime is given by `expires_in` already", None);
            None
        }
        (None, Some(0)) => {
            t.c.fault(&at, "the lifetime must be at least 1 second", None);
            None
        }
        (Some(pointer), None) => t.c.pointer(&format!("{AT}/expires_in"), pointer).map(Expiry::At),
        (None, Some(seconds)) => Some(Expiry::Seconds(u64::from(seconds))),
        (None, None) => None,
    }
}

fn token(t: &mut AuthTexts<'_, '_>, at: &str, file: TokenPlaceFile) -> Option<TokenPlace> {
    match file {
        TokenPlaceFile::Pointer(pointer) => t.c.pointer(at, &pointer).map(TokenPlace::Body),
        TokenPlaceFile::Named(NamedPlaceFile::Header(name)) => {
            t.c.reply_header(&format!("{at}/header"), &name).map(TokenPlace::Header)
        }
        TokenPlaceFile::Named(NamedPlaceFile::Cookie(name)) => Some(TokenPlace::Cookie(name)),
    }
}

fn failed(t: &mut AuthTexts<'_, '_>, file: FailedFile) -> Option<Failed> {
    let at = format!("{AT}/failed");
    match file {
        FailedFile::Pointer(pointer) => Some(Failed { at: t.c.pointer(&at, &pointer)?, is: None }),
        FailedFile::Values(file) => {
            if file.is.is_empty() {
                t.c.fault(&format!("{at}/is"), "the list of values is empty", None);
            }
            let is = values(t.c, &format!("{at}/is"), file.is);
            Some(Failed { at: t.c.pointer(&format!("{at}/at"), &file.at)?, is: Some(is) })
        }
    }
}

/// Reads `csrf`.
pub(super) fn csrf(c: &mut Checker<'_>, file: CsrfFile, properties: &[Property]) -> Option<Csrf> {
    let mut t = AuthTexts::new(c, properties);
    let line = line(&mut t, "/csrf/request", &file.request);
    if let Some((verb, _)) = line.as_ref().filter(|(verb, _)| may_have_body(verb) && *verb != http::Method::POST) {
        t.c.fault("/csrf/request", format!("{verb} does not fetch a token: write GET, HEAD or POST"), None);
    }
    let headers = t.headers_with("/csrf/headers", file.headers, &[]);
    let token = token(&mut t, "/csrf/token", file.token);
    let send = placed(&mut t, "/csrf/send", &file.send, Content::Token);
    for (i, status) in file.renew_on.iter().enumerate().filter(|(_, status)| !(400..=499).contains(*status)) {
        t.c.fault(
            &format!("/csrf/renew_on/{i}"),
            format!("`{status}` is not a status of a refusal (400 to 499)"),
            None,
        );
    }
    if file.renew_on.contains(&401) {
        t.c.fault("/csrf/renew_on", "401 concerns the credentials of `auth`, not this token", None);
    }
    let (verb, path) = line?;
    let for_reads = file.scope == Some(CsrfScopeFile::All);
    Some(Csrf { verb, path, headers, token: token?, send: send?, for_reads, renew_on: file.renew_on })
}
