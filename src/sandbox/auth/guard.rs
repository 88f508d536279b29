//! Checks that a request has the credentials of the sandbox's connection. Pure. It shares no code with `crate::auth`,
//! so that each tests the other.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::WWW_AUTHENTICATE;

use crate::connection::Connection;
use crate::definition::Auth;
use crate::sandbox::http::{Refusal, RefusalKind, SandboxCall};

/// Whether the credentials are those of the connection.
pub(in crate::sandbox) fn admits(connection: &Connection, call: &SandboxCall) -> bool {
    match &connection.connector().auth {
        Auth::None => true,
        // The authorization server checks these tokens.
        Auth::Oauth2(_) | Auth::Refresh(_) => false,
        Auth::Basic { username, password } => {
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
        Auth::ApiKey { header, value } => {
            let given = call.headers.get(header).map(http::HeaderValue::as_bytes);
            connection.render(value).is_some_and(|wanted| given == Some(wanted.as_bytes()))
        }
    }
}

/// The refusal of a request with missing or wrong credentials.
pub(in crate::sandbox) fn refusal(connection: &Connection) -> Refusal {
    let refusal = Refusal::new(
        RefusalKind::Unauthorized,
        "the credentials are missing or not those of the sandbox; its address without a path shows them",
    );
    match &connection.connector().auth {
        Auth::Basic { .. } => refusal.with(WWW_AUTHENTICATE, "Basic realm=\"sandbox\", charset=\"UTF-8\""),
        Auth::Bearer { .. } => refusal.with(WWW_AUTHENTICATE, "Bearer"),
        Auth::Oauth2(_) | Auth::Refresh(_) => {
            let refusal = Refusal::new(
                RefusalKind::Unauthorized,
                "the access token is missing, has ended or is not one of the sandbox's",
            );
            refusal.with(WWW_AUTHENTICATE, "Bearer error=\"invalid_token\"")
        }
        Auth::None | Auth::ApiKey { .. } => refusal,
    }
}
