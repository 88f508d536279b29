//! Checks that a request has the credentials of the sandbox's connection. Pure. It shares no code with `crate::auth`,
//! so that each tests the other.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::WWW_AUTHENTICATE;

use super::{place, signed};
use crate::connection::Connection;
use crate::definition::{Auth, LoginPair, RequestPlace};
use crate::sandbox::http::{Refusal, RefusalKind, SandboxCall};

/// Whether the credentials are those of the connection.
pub(in crate::sandbox) fn admits(connection: &Connection, call: &SandboxCall) -> bool {
    match &connection.connector().auth {
        Auth::None => true,
        // The authorization server checks these tokens.
        Auth::Oauth2(_) | Auth::Login(_) | Auth::Refresh(_) => false,
        Auth::Basic(LoginPair { username, password }) => {
            let given = call.after_scheme("basic").and_then(|text| STANDARD.decode(text).ok());
            let wanted = connection
                .render(username)
                .zip(connection.render(password))
                .map(|(user, secret)| format!("{user}:{secret}"));
            wanted.is_some_and(|wanted| given.as_deref() == Some(wanted.as_bytes()))
        }
        Auth::Bearer { token } => {
            connection.render(token).is_some_and(|wanted| call.after_scheme("bearer") == Some(wanted.as_str()))
        }
        Auth::Keys(keys) => {
            let wanted: Vec<_> =
                keys.iter().filter_map(|key| Some((&key.place, connection.render(&key.value)?))).collect();
            !wanted.is_empty() && wanted.iter().all(|(place, value)| is_given(call, place, value))
        }
        Auth::Digest(pair) => signed::answers(connection, pair, call),
        Auth::Hmac(rule) => signed::is_signed(connection, rule, call),
        Auth::AwsSigv4(rule) => signed::has_scope(connection, rule, call),
    }
}

/// Whether a value is in its place; a header need not be UTF-8.
fn is_given(call: &SandboxCall, place: &RequestPlace, wanted: &str) -> bool {
    match place {
        RequestPlace::Header(name) => {
            call.headers.get(name).map(http::HeaderValue::as_bytes) == Some(wanted.as_bytes())
        }
        RequestPlace::Query(_) | RequestPlace::Cookie(_) => place::given(call, place) == Some(wanted),
    }
}

/// The refusal of a request with missing or wrong credentials.
pub(in crate::sandbox) fn refusal(connection: &Connection) -> Refusal {
    let refusal = Refusal::new(
        RefusalKind::Unauthorized,
        "the credentials are missing or not those of the sandbox; its address without a path shows them",
    );
    match &connection.connector().auth {
        Auth::Basic(_) => refusal.with(WWW_AUTHENTICATE, "Basic realm=\"sandbox\", charset=\"UTF-8\""),
        Auth::Bearer { .. } => refusal.with(WWW_AUTHENTICATE, "Bearer"),
        Auth::Digest(_) => refusal.with(WWW_AUTHENTICATE, signed::CHALLENGE),
        Auth::Oauth2(_) | Auth::Login(_) | Auth::Refresh(_) => {
            let refusal = Refusal::new(
                RefusalKind::Unauthorized,
                "the access token is missing, has ended or is not one of the sandbox's",
            );
            refusal.with(WWW_AUTHENTICATE, "Bearer error=\"invalid_token\"")
        }
        Auth::None | Auth::Keys(_) | Auth::Hmac(_) | Auth::AwsSigv4(_) => refusal,
    }
}
