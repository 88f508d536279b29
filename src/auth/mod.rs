//! Signs a request for its origin. Credentials are attached last, to the URL that is then sent, and marked as
//! sensitive.

mod assertion;
mod attach;
mod basic;
mod challenge;
mod cookies;
mod csrf;
mod device;
mod digest;
mod file_store;
mod grant;
mod granted;
mod hmac;
mod keyed_hash;
#[cfg(feature = "keyring")]
mod keyring_store;
mod login;
mod owner;
mod place;
mod renew;
mod renewals;
mod signing_key;
mod sigv4;
mod store;
mod texts;
mod token_cache;

use bytes::Bytes;
use url::Url;

use crate::authoring::Text;
use crate::connection::Connection;
use crate::definition::{Auth, Operation, RequestPlace, TokenPlace};
use crate::error::{Error, ErrorKind, Result};

use attach::{attach, lasting};
use texts::rendered;

pub(crate) use attach::{CsrfToken, RequestProof};
pub(crate) use csrf::{CsrfCache, CsrfMiss, is_needed as needs_csrf, is_refused as refuses_csrf};
pub use device::{DevicePoll, DevicePrompt};
pub(crate) use digest::{DigestState, DigestTicket};
pub use file_store::FileStore;
pub(crate) use grant::sign_in_url;
#[cfg(feature = "keyring")]
pub use keyring_store::KeyringStore;
#[cfg(all(feature = "keyring", feature = "cli"))]
pub(crate) use keyring_store::{SERVICE, reason};
pub(crate) use renew::TokenContext;
pub use renewals::wait_for_renewals;
pub use store::{EarlierTokens, MemoryStore, TokenOwner, TokenSlot, TokenStore, Tokens};
pub(crate) use token_cache::{Access, TokenCache};

/// Attaches the connection's credentials if the request goes to one of its own origins.
pub(crate) fn sign(
    connection: &Connection,
    operation: &Operation,
    proof: &RequestProof<'_>,
    request: &mut http::Request<Bytes>,
) -> Result<()> {
    check_origin(connection, operation, request)?;
    if operation.anonymous { Ok(()) } else { attach(connection, proof, request) }
}

fn check_origin(connection: &Connection, operation: &Operation, request: &http::Request<Bytes>) -> Result<()> {
    if connection.is_home(request.uri()) {
        return Ok(());
    }
    let url = Url::parse(&request.uri().to_string())
        .map_err(|e| Error::new(ErrorKind::Internal, format!("the request's URL: {e}")))?;
    connection.check_request(operation, &url)
}

/// Shows in a plan where the credentials would be, masked. Credentials that cannot be sent are an error here too.
pub(crate) fn mask(connection: &Connection, operation: &Operation, request: &mut http::Request<Bytes>) -> Result<()> {
    check_origin(connection, operation, request)?;
    if operation.anonymous {
        return Ok(());
    }
    check_complete(connection)?;
    let csrf = connection.connector.csrf.as_ref().filter(|_| csrf::is_needed(connection, operation));
    csrf.into_iter().try_for_each(|rule| place::put(request, &place::masked(&rule.send.place)))?;
    let auth = &connection.connector.auth;
    let absent = |key: &RequestPlace| match auth {
        Auth::Keys(keys) => keys.iter().any(|k| k.place == *key && connection.render(&k.value).is_none()),
        Auth::AwsSigv4(rule) => {
            is_token_header(key) && rule.session_token.as_ref().is_none_or(|t| connection.render(t).is_none())
        }
        Auth::None
        | Auth::Basic(_)
        | Auth::Bearer { .. }
        | Auth::Digest(_)
        | Auth::Hmac(_)
        | Auth::Oauth2(_)
        | Auth::Login(_)
        | Auth::Refresh(_) => false,
    };
    let places = auth.places();
    places.iter().filter(|key| !absent(key)).try_for_each(|key| place::put(request, &place::masked(key)))?;
    match if let Auth::Login(rule) = auth { Some(&rule.token) } else { None } {
        Some(TokenPlace::Cookie(name)) => place::put(request, &place::masked(&RequestPlace::Cookie(name.clone()))),
        Some(TokenPlace::Body(_) | TokenPlace::Header(_)) | None => Ok(()),
    }
}

/// The same, but credentials that all requests share are shown as they are sent, and tokens within their texts.
#[cfg(feature = "cli")]
pub(crate) fn show(connection: &Connection, operation: &Operation, request: &mut http::Request<Bytes>) -> Result<()> {
    mask(connection, operation, request)?;
    if operation.anonymous { Ok(()) } else { attach::show(connection, request) }
}

fn is_token_header(place: &RequestPlace) -> bool {
    matches!(place, RequestPlace::Header(name) if name.as_str() == "x-amz-security-token")
}

/// Checks that the credentials of a connection can be used in this build, and that keys are written as they must be, so
/// that a fault is reported before anything is sent. Absent ones are no fault: an operation may need none.
pub(crate) fn check(connection: &Connection) -> Result<()> {
    let works = || keyed_hash::keyed_hash(keyed_hash::Hash::Sha256, b"", b"").map(drop);
    match &connection.connector.auth {
        Auth::Hmac(rule) if connection.render(&rule.key).is_some() => hmac::key(connection, rule).and_then(|_| works()),
        Auth::Hmac(_) | Auth::AwsSigv4(_) => works(),
        Auth::Oauth2(rule) => rule.assertion.iter().try_for_each(|rule| assertion::check(connection, rule)),
        Auth::None
        | Auth::Basic(_)
        | Auth::Bearer { .. }
        | Auth::Keys(_)
        | Auth::Digest(_)
        | Auth::Login(_)
        | Auth::Refresh(_) => Ok(()),
    }
}

/// Checks that no credential of the connection is absent.
fn check_complete(connection: &Connection) -> Result<()> {
    let all = |texts: &[&Text]| texts.iter().try_for_each(|text| rendered(connection, text).map(drop));
    match &connection.connector.auth {
        Auth::Basic(_) | Auth::Bearer { .. } | Auth::Keys(_) => lasting(connection).map(drop),
        Auth::Digest(pair) => all(&pair.texts()),
        Auth::Hmac(rule) => all(&[&rule.key]),
        Auth::AwsSigv4(rule) => all(&[&rule.access_key, &rule.secret_key, &rule.region, &rule.service]),
        Auth::None | Auth::Oauth2(_) | Auth::Login(_) | Auth::Refresh(_) => Ok(()),
    }
}

/// Whether an operation's requests carry a renewable access token.
pub(crate) fn uses_tokens(connection: &Connection, operation: &Operation) -> bool {
    !operation.anonymous && connection.connector.auth.has_tokens()
}

/// Whether an operation's requests answer a challenge.
pub(crate) fn uses_challenges(connection: &Connection, operation: &Operation) -> bool {
    !operation.anonymous && matches!(connection.connector.auth, Auth::Digest(_))
}
