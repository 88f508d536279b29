//! Attaches the credentials of a connection to a request, each in its place.

use std::time::SystemTime;

use bytes::Bytes;
use http::header::AUTHORIZATION;

use super::digest::DigestTicket;
use super::texts::{missing, random_text, rendered};
use super::{basic, cookies, hmac, place, sigv4};
use crate::authoring::Text;
use crate::connection::{Connection, Credential};
use crate::definition::{Auth, LoginPair, PlacedText, RequestPlace, TokenPlace};
use crate::error::{Error, ErrorKind, Result};
#[cfg(feature = "cli")]
use crate::secret::MASK;
use crate::secret::Secret;

/// What a request is signed with, besides the values of its connection.
#[derive(Clone, Copy)]
pub(crate) struct RequestProof<'a> {
    /// The access token, if there is one.
    pub(crate) token: Option<&'a Secret>,
    pub(crate) csrf: Option<&'a CsrfToken>,
    pub(crate) digest: Option<&'a DigestTicket>,
    pub(crate) wall: SystemTime,
}

/// A token against cross-site request forgery, with the cookies that it belongs to.
#[derive(Clone)]
pub(crate) struct CsrfToken {
    pub(super) token: Secret,
    pub(super) cookies: Option<Secret>,
    /// The access token of the session that it belongs to.
    pub(super) access: Option<Secret>,
}

/// Attaches the credentials.
pub(super) fn attach(
    connection: &Connection,
    proof: &RequestProof<'_>,
    request: &mut http::Request<Bytes>,
) -> Result<()> {
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

/// Attaches credentials that all requests share, and a mask in the place of an access token.
#[cfg(feature = "cli")]
pub(super) fn show(connection: &Connection, request: &mut http::Request<Bytes>) -> Result<()> {
    match &connection.connector.auth {
        Auth::Basic(_) | Auth::Bearer { .. } | Auth::Keys(_) => {
            lasting(connection)?.iter().try_for_each(|credential| place::put(request, credential))
        }
        Auth::Oauth2(rule) => put_token(connection, &rule.send, MASK, request),
        Auth::Refresh(_) => put_token(connection, &bearer(), MASK, request),
        Auth::Login(rule) => rule.send.iter().try_for_each(|send| put_token(connection, send, MASK, request)),
        Auth::None | Auth::Digest(_) | Auth::Hmac(_) | Auth::AwsSigv4(_) => Ok(()),
    }
}

fn token<'p>(proof: &RequestProof<'p>) -> Result<&'p Secret> {
    proof.token.ok_or_else(|| Error::new(ErrorKind::Internal, "the request has no access token"))
}

/// How a vendor-specific token is sent.
fn bearer() -> PlacedText {
    PlacedText { place: RequestPlace::Header(AUTHORIZATION), value: Text::parse("Bearer {token}").unwrap_or_default() }
}

fn put_token(
    connection: &Connection,
    send: &PlacedText,
    token: &str,
    request: &mut http::Request<Bytes>,
) -> Result<()> {
    let given = |name: &str| if name == "token" { Some(token.into()) } else { connection.value(name) };
    let value = send.value.render(given).map_err(missing)?;
    place::put(request, &place::credential(&send.place, &value)?)
}

/// The credentials that all requests of a connection share, as they are sent.
pub(super) fn lasting(connection: &Connection) -> Result<Vec<Credential>> {
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
