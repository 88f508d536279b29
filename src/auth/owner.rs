//! Decides which tokens belong to a connection, including tokens from a host or an earlier version. Pure.

use super::grant;
use super::store::{EarlierTokens, TokenOwner, Tokens};
use crate::connection::Connection;
use crate::definition::Auth;
use crate::error::{Error, ErrorKind, Place, Result};
use crate::secret::{Secret, digest};

/// The token owner of a connection.
pub(super) fn of(connection: &Connection) -> TokenOwner {
    let refresh = grant::seed(connection);
    TokenOwner {
        connector: connection.connector.name.clone(),
        address: connection.base().to_string(),
        account: connection.account.clone(),
        seed: seed(connection, refresh.as_ref()),
        is_seeded: refresh.is_some(),
        connection: connection.name.clone(),
    }
}

/// The origin of tokens that a host gives.
#[derive(Debug)]
pub(super) enum Begun {
    /// The connection's own refresh token or client.
    Connection,
    /// The tokens themselves, or their `seed`: the connection has no refresh token.
    Tokens(String),
    /// Another refresh token than the connection's.
    Another,
}

/// Whether tokens that a host gives with a connection can belong to it.
///
/// # Errors
/// `connection` when they are of another account.
pub(super) fn begun_by(connection: &Connection, tokens: &Tokens) -> Result<Begun> {
    // Also not if one side lacks the account.
    if tokens.account != connection.account {
        return Err(of_another(&of(connection), tokens.account.as_deref()));
    }
    let refresh = grant::seed(connection);
    let own = seed(connection, refresh.as_ref());
    Ok(match (&tokens.seed, &refresh) {
        (None, Some(_)) => Begun::Connection,
        (Some(seed), _) if *seed == own => Begun::Connection,
        (Some(_), Some(_)) => Begun::Another,
        (Some(seed), None) => Begun::Tokens(seed.clone()),
        (None, None) => Begun::Tokens(digest([tokens.refresh.as_ref().unwrap_or(&tokens.access).expose()])),
    })
}

/// Tokens, marked as the owner's own.
pub(super) fn with(owner: &TokenOwner, tokens: Tokens) -> Tokens {
    Tokens { account: owner.account.clone(), seed: Some(owner.seed.clone()), ..tokens }
}

/// Which tokens of version 0.1 belong to a connection.
pub(super) enum Earlier {
    Own(EarlierTokens),
    None,
    Ambiguous,
}

/// Tokens that come from the connection's own refresh token belong to it. Tokens of a sign-in are known by the
/// connection's name alone, which is enough if there are no others.
pub(super) fn of_earlier(connection: &Connection, kept: Vec<EarlierTokens>) -> Earlier {
    let refresh = grant::seed(connection).map(|r| seed(connection, Some(&r)));
    if refresh.is_none() && has_own_way(&connection.connector.auth) {
        // The client's own credentials get new ones.
        return Earlier::None;
    }
    let mut fitting: Vec<EarlierTokens> = kept.into_iter().filter(|k| k.tokens.seed == refresh).collect();
    match (fitting.pop(), fitting.is_empty(), &refresh) {
        (None, _, _) => Earlier::None,
        (Some(one), true, Some(_)) => Earlier::Own(one),
        (Some(one), true, None) if Some(&one.name) == connection.name.as_ref() => Earlier::Own(one),
        // The connection's own refresh token may still work.
        (Some(_), _, Some(_)) => Earlier::None,
        (Some(_), _, None) => Earlier::Ambiguous,
    }
}

/// Whether the connection can obtain tokens by itself.
fn has_own_way(auth: &Auth) -> bool {
    match auth {
        Auth::Oauth2(rule) => !rule.needs_person(),
        Auth::Login(_) => true,
        Auth::None
        | Auth::Basic(_)
        | Auth::Bearer { .. }
        | Auth::Keys(_)
        | Auth::Digest(_)
        | Auth::Hmac(_)
        | Auth::AwsSigv4(_)
        | Auth::Refresh(_) => false,
    }
}

/// The error for tokens of one account in a connection that names another.
pub(super) fn of_another(owner: &TokenOwner, account: Option<&str>) -> Error {
    let called =
        |account: Option<&str>| account.map_or_else(|| "no account".to_owned(), |a| format!("the account `{a}`"));
    let message = format!(
        "the tokens belong to {}, but the connection names {}",
        called(account),
        called(owner.account.as_deref())
    );
    Error::new(ErrorKind::Connection, message).at(Place::field("/account")).advise(
        "use the same `account` in all connections to one account; another account needs its own sign-in or refresh token",
    )
}

/// Digest of the origin of a connection's tokens: its own refresh token, which belongs to one account only, or else the
/// client. Version 0.1 used the same digest for a refresh token.
fn seed(connection: &Connection, refresh: Option<&Secret>) -> String {
    match refresh {
        Some(refresh) => digest([refresh.expose()]),
        None => digest(grant::client(connection).iter().map(String::as_str)),
    }
}
