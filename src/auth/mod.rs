//! Signs a request for its origin. Credentials are attached last, to the URL that is then sent, and marked as
//! sensitive.

mod assertion;
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
mod token_cache;

use std::time::SystemTime;

use bytes::Bytes;
use http::header::AUTHORIZATION;
use url::Url;

use crate::authoring::Text;
use crate::connection::{Connection, Credential};
use crate::definition::{Auth, LoginPair, Operation, Placed, RequestPlace, TokenPlace};
use crate::error::{Error, ErrorKind, Place, Result};
use crate::secret::Secret;

pub(crate) use csrf::{CsrfCache, CsrfMiss, CsrfToken, is_needed as needs_csrf, is_refused as refuses_csrf};
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

/// The name of this program in requests.
const AGENT: &str = concat!("opnode/", env!("CARGO_PKG_VERSION"));

/// What a request is signed with, besides the values of its connection.
#[derive(Clone, Copy)]
pub(crate) struct Proof<'a> {
    /// The access token, if there is one.
    pub(crate) token: Option<&'a Secret>,
    pub(crate) csrf: Option<&'a CsrfToken>,
    pub(crate) digest: Option<&'a DigestTicket>,
    pub(crate) wall: SystemTime,
}

/// Attaches the connection's credentials if the request goes to one of its own origins.
pub(crate) fn sign(
    connection: &Connection,
    operation: &Operation,
    proof: &Proof<'_>,
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

/// Attaches the credentials.
fn attach(connection: &Connection, proof: &Proof<'_>, request: &mut http::Request<Bytes>) -> Result<()> {
    if let (Some(rule), Some(csrf)) = (&connection.connector.csrf, proof.csrf) {
        csrf.cookies.iter().try_for_each(|cookies| place::put(request, &Credential::Cookie(cookies.clone())))?;
        put_token(connection, &rule.send, csrf.token.expose(), request)?;
    }
    match &connection.connector.auth {
        Auth::None => Ok(()),
        Auth::Basic(_) | Auth::Bearer { .. } | Auth::Keys(_) => {
            let made = match connection.signature.get() {
                Some(made) => made,
                None => {
                    let made = lasting(connection)?;
                    connection.signature.get_or_init(|| made)
                }
            };
            made.iter().try_for_each(|credential| place::put(request, credential))
        }
        Auth::Digest(pair) => match proof.digest {
            Some(ticket) => {
                let (user, password) = login_of(connection, pair)?;
                ticket.answer((&user, &password), &random_text()?, request)
            }
            // The challenge comes first.
            None => Ok(()),
        },
        Auth::Hmac(rule) => {
            let nonce = random_text()?;
            hmac::sign(connection, rule, &hmac::Moment { wall: proof.wall, nonce: &nonce }, request)
        }
        Auth::AwsSigv4(rule) => sigv4::sign(connection, rule, proof.wall, request),
        Auth::Oauth2(rule) => put_token(connection, &rule.send, token(proof)?.expose(), request),
        Auth::Refresh(_) => put_token(connection, &bearer(), token(proof)?.expose(), request),
        Auth::Login(rule) => {
            let token = token(proof)?;
            let own = match &rule.token {
                TokenPlace::Cookie(name) => {
                    place::put(request, &Credential::Cookie(token.clone()))?;
                    cookies::value(token.expose(), name).unwrap_or_default()
                }
                TokenPlace::Body(_) | TokenPlace::Header(_) => token.expose(),
            };
            rule.send.iter().try_for_each(|send| put_token(connection, send, own, request))
        }
    }
}

fn token<'p>(proof: &Proof<'p>) -> Result<&'p Secret> {
    proof.token.ok_or_else(|| Error::new(ErrorKind::Internal, "the request has no access token"))
}

/// How a vendor-specific token is sent.
fn bearer() -> Placed {
    Placed { place: RequestPlace::Header(AUTHORIZATION), value: Text::parse("Bearer {token}").unwrap_or_default() }
}

fn put_token(connection: &Connection, send: &Placed, token: &str, request: &mut http::Request<Bytes>) -> Result<()> {
    let given = |name: &str| if name == "token" { Some(token.into()) } else { connection.value(name) };
    let value = send.value.render(given).map_err(missing)?;
    place::put(request, &place::credential(&send.place, &value)?)
}

/// The credentials that all requests of a connection share, as they are sent.
fn lasting(connection: &Connection) -> Result<Vec<Credential>> {
    let authorization = RequestPlace::Header(AUTHORIZATION);
    match &connection.connector.auth {
        Auth::Basic(pair) => {
            let (user, password) = login_of(connection, pair)?;
            Ok(vec![place::credential(&authorization, &basic::header(&user, &password)?)?])
        }
        Auth::Bearer { token } => {
            Ok(vec![place::credential(&authorization, &format!("Bearer {}", rendered(connection, token)?))?])
        }
        Auth::Keys(keys) => {
            let given = keys.iter().filter_map(|key| Some((&key.place, connection.render(&key.value)?)));
            let given: Vec<Credential> =
                given.map(|(place, value)| place::credential(place, &value)).collect::<Result<_>>()?;
            match keys.first() {
                // At least one is needed; its absence names the first property that is missing.
                Some(first) if given.is_empty() => rendered(connection, &first.value).map(|_| given),
                Some(_) | None => Ok(given),
            }
        }
        Auth::None
        | Auth::Digest(_)
        | Auth::Hmac(_)
        | Auth::AwsSigv4(_)
        | Auth::Oauth2(_)
        | Auth::Login(_)
        | Auth::Refresh(_) => Err(Error::new(ErrorKind::Internal, "these credentials differ from request to request")),
    }
}

fn login_of(connection: &Connection, pair: &LoginPair) -> Result<(String, String)> {
    Ok((rendered(connection, &pair.username)?, rendered(connection, &pair.password)?))
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
    match auth {
        Auth::Login(rule) => match &rule.token {
            TokenPlace::Cookie(name) => place::put(request, &place::masked(&RequestPlace::Cookie(name.clone()))),
            TokenPlace::Body(_) | TokenPlace::Header(_) => Ok(()),
        },
        _ => Ok(()),
    }
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

fn rendered(connection: &Connection, text: &Text) -> Result<String> {
    connection
        .render(text)
        .ok_or_else(|| missing(text.names().find(|n| connection.value(n).is_none()).unwrap_or_default()))
}

fn missing(name: &str) -> Error {
    Error::new(ErrorKind::Connection, format!("the credentials need the property `{name}`"))
        .at(Place::field(format!("/{name}")))
}

/// 128 random bits, as hexadecimal digits.
fn random_text() -> Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|e| {
        Error::new(ErrorKind::Internal, format!("the operating system returned no random numbers: {e}"))
    })?;
    Ok(crate::secret::hex(&bytes, bytes.len()))
}

/// The error of a build without the cryptography library.
#[cfg(not(feature = "tls-ring"))]
fn needs_ring() -> Error {
    Error::new(ErrorKind::Unsupported, "this build cannot sign requests or assertions")
        .advise("build with the feature tls-ring")
}
