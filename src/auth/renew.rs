//! Renews an access token: from the store if another process renewed it, otherwise by an exchange with the auth server.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, UNIX_EPOCH};

use super::assertion::Stamp;
use super::attach::RequestProof;
use super::device::{self, DevicePrompt};
use super::grant::{self, Offer};
use super::granted::{self, Granted};
use super::login;
use super::owner::{self, Earlier};
use super::store::{TokenOwner, TokenSlot, TokenStore, Tokens};
use super::texts::random_text;
use crate::clock::Clock;
use crate::connection::Connection;
use crate::definition::{Auth, GrantFlow};
use crate::error::{Advice, Error, ErrorKind, Result};
use crate::retry::{Signal, asked_wait, backoff};
use crate::secret::Secret;
use crate::transport::{ExchangeLimits, Failure, FailureKind, Transport};

/// Maximum attempts of one exchange.
const ATTEMPTS: u32 = 3;
/// Maximum time before expiry at which a token is renewed.
const MARGIN_S: u64 = 60;

/// The token in use.
#[derive(Clone)]
pub(super) struct Live {
    pub(super) access: Secret,
    /// Monotonic time of expiry; `None` until the first 401.
    pub(super) until: Option<Duration>,
    /// This connection renewed it, and no other process can have replaced it.
    pub(super) is_bought: bool,
}

/// The values of the connection that an exchange needs.
#[derive(Clone)]
pub(crate) struct TokenContext {
    pub(crate) connection: Arc<Connection>,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) store: Arc<dyn TokenStore>,
}

/// An exchange without tokens.
struct TokenMiss {
    error: Error,
    /// When to retry; `None` if the failure is final.
    signal: Option<Signal>,
    asked: Option<Duration>,
    /// The server may have processed the request, but the reply was lost.
    is_lost: bool,
}

impl TokenContext {
    /// A fresh token, from another process or renewed. Holds the store's slot throughout, so that no two exchanges use
    /// one refresh token.
    pub(super) async fn renew(&self, owner: &TokenOwner, rejected: Option<&Secret>) -> Result<Live> {
        let mut slot = self.store.open(owner).await?;
        let stored = self.stored(slot.as_mut(), owner).await?;
        if let Some(live) = stored.as_ref().and_then(|s| self.still_good(s, rejected)) {
            return Ok(live);
        }
        let refresh = stored.as_ref().and_then(|s| s.refresh.clone()).or_else(|| grant::seed(&self.connection));
        let offer = match (&refresh, &self.connection.connector.auth) {
            (Some(token), _) => Offer::Refresh(token),
            (None, Auth::Oauth2(rule)) if !rule.needs_person() => Offer::Own,
            (None, Auth::Login(_)) => Offer::Own,
            (None, _) => return Err(self.nobody(stored.is_some())),
        };
        if matches!(offer, Offer::Refresh(_)) {
            // If the new token cannot be stored, using up the old one would lose the account.
            slot.ready().await?;
        }
        let bought = match self.buy(offer).await {
            Err(error) if error.kind() == ErrorKind::Unauthenticated => {
                // A process that does not take the lock may have been faster.
                let again = self.stored(slot.as_mut(), owner).await?.and_then(|s| s.refresh);
                match again.filter(|a| refresh.as_ref().is_some_and(|r| r.expose() != a.expose())) {
                    Some(newer) => self.buy(Offer::Refresh(&newer)).await,
                    None => Err(error),
                }
            }
            other => other,
        };
        let granted = bought?;
        let kept = Granted { refresh: granted.refresh.or(refresh), ..granted };
        self.keep(slot.as_mut(), kept, owner).await
    }

    /// The owner's stored tokens; tokens of version 0.1 are taken if they cannot belong to another connection.
    pub(super) async fn stored(&self, slot: &mut dyn TokenSlot, owner: &TokenOwner) -> Result<Option<Tokens>> {
        let stored = match slot.read().await? {
            Some(stored) => Some(stored),
            None => self.earlier(slot, owner).await?,
        };
        let redactor = &self.connection.redactor;
        for token in stored.iter().flat_map(|s| std::iter::once(&s.access).chain(&s.refresh)) {
            redactor.learn(token.expose());
        }
        match stored {
            Some(stored) if owner.owns(&stored) => Ok(Some(stored)),
            // One refresh token under two accounts: using it would invalidate the other.
            Some(stored) if stored.seed.as_ref() == Some(&owner.seed) => {
                Err(owner::of_another(owner, stored.account.as_deref()))
            }
            Some(_) | None => Ok(None),
        }
    }

    async fn earlier(&self, slot: &mut dyn TokenSlot, owner: &TokenOwner) -> Result<Option<Tokens>> {
        let kept = slot.earlier().await?;
        if kept.is_empty() {
            return Ok(None);
        }
        match owner::of_earlier(&self.connection, kept) {
            Earlier::Own(found) => {
                let tokens = owner::with(owner, found.tokens);
                slot.adopt(&found.name, &tokens).await?;
                Ok(Some(tokens))
            }
            Earlier::None => Ok(None),
            Earlier::Ambiguous => {
                let title = &self.connection.connector.title;
                let message =
                    format!("tokens of {title} that version 0.1 stored do not name their account; they are ignored");
                Err(Error::new(ErrorKind::Unauthenticated, message).advise(self.way_in()))
            }
        }
    }

    pub(super) fn still_good(&self, stored: &Tokens, rejected: Option<&Secret>) -> Option<Live> {
        if rejected.is_some_and(|r| r.expose() == stored.access.expose()) {
            return None;
        }
        let now = self.unix();
        let left = stored.expires_at.map(|at| at.saturating_sub(now));
        if left == Some(0) {
            return None;
        }
        Some(Live {
            access: stored.access.clone(),
            until: left.map(|s| self.clock.now() + Duration::from_secs(s)),
            is_bought: false,
        })
    }

    /// Stores the tokens durably before they are used.
    pub(super) async fn keep(&self, slot: &mut dyn TokenSlot, granted: Granted, owner: &TokenOwner) -> Result<Live> {
        let life = granted.expires_in.map(|s| s - MARGIN_S.min(s / 10));
        let expires_at = life.map(|s| self.unix() + s);
        let tokens =
            Tokens { access: granted.access.clone(), refresh: granted.refresh, expires_at, account: None, seed: None };
        slot.write(&owner::with(owner, tokens)).await?;
        Ok(Live {
            access: granted.access,
            until: life.map(|s| self.clock.now() + Duration::from_secs(s)),
            is_bought: true,
        })
    }

    /// One exchange, retried while the token server is unavailable. A retry after a lost reply may meet a token that
    /// was already used up.
    pub(super) async fn buy(&self, offer: Offer<'_>) -> Result<Granted> {
        let mut lost = false;
        let mut attempt = 0;
        loop {
            attempt += 1;
            let exchanged = self.exchange(offer).await;
            let TokenMiss { error, signal, asked, is_lost } = match exchanged {
                Ok(granted) => return Ok(granted),
                Err(miss) => miss,
            };
            lost |= is_lost;
            let too_long = asked.is_some_and(|a| a > self.connection.limits.longest_wait());
            let Some(signal) = signal.filter(|_| attempt < ATTEMPTS && !too_long) else {
                let spent = matches!(offer, Offer::Refresh(_))
                    && error.kind() == ErrorKind::Unauthenticated
                    && !is_of_client(&error);
                let error = if lost && spent { rotation_lost(error) } else { self.explain(error, offer) };
                return Err(error.with(|d| d.attempts = attempt));
            };
            self.clock.sleep(backoff(signal, attempt, self.clock.chance()).max(asked.unwrap_or_default())).await;
        }
    }

    /// One attempt. A secret that is refused in the header is tried once in the form if the definition allows it (RFC
    /// 6749, section 2.3.1, has both): an unknown client has not used up its grant.
    async fn exchange(&self, offer: Offer<'_>) -> Result<Granted, TokenMiss> {
        let first = match self.once(offer).await {
            Err(miss) if is_unknown_client(&miss.error) && grant::may_try_form(&self.connection) => miss,
            other => return other,
        };
        self.connection.secret_in_form.store(true, Ordering::Relaxed);
        match self.once(offer).await {
            Err(second) if second.error.kind() == ErrorKind::Unauthenticated => {
                self.connection.secret_in_form.store(false, Ordering::Relaxed);
                Err(first)
            }
            other => other,
        }
    }

    async fn once(&self, offer: Offer<'_>) -> Result<Granted, TokenMiss> {
        let request = self.request(|stamp| grant::request(&self.connection, offer, stamp))?;
        let line = self.connection.redactor.mask(&format!("{} {}", request.method(), request.uri())).into_owned();
        let host = request.uri().host().unwrap_or_default().to_owned();
        let began = self.clock.now();
        let sent = self.transport.send(request, self.limits()).await;
        let ms = self.clock.now().saturating_sub(began).as_millis() as u64;
        let (verb, url) = line.split_once(' ').unwrap_or_default();
        let account = self.connection.account();
        let miss = match sent {
            Ok(response) => {
                let (status, bytes) = (response.status.as_u16(), response.body.len());
                tracing::debug!(account, verb, url, status, bytes, ms, "exchange");
                let asked = asked_wait(&response.headers, self.clock.wall());
                let read = if let Auth::Login(rule) = &self.connection.connector.auth {
                    login::read(&self.connection, rule, response)
                } else {
                    granted::read(&self.connection, response)
                };
                let error = match read {
                    Ok(granted) => return Ok(granted),
                    Err(error) => error,
                };
                // A final refusal is not retried.
                let asked = asked.filter(|_| error.kind() == ErrorKind::Unavailable);
                let error = error.with(|d| d.retry_after_ms = asked.map(|a| a.as_millis() as u64));
                let signal = if asked.is_some() { Signal::Throttled } else { Signal::Transient(503) };
                // Whoever polls for a person's answer waits on their own.
                let polled = matches!(offer, Offer::Device { .. }) && device::poll(&error).is_some();
                let signal = (error.kind() == ErrorKind::Unavailable && !polled).then_some(signal);
                TokenMiss { error, signal, asked, is_lost: false }
            }
            Err(failure) => {
                let is_lost = is_lost(failure.kind);
                let (error, is_final) = self.unreached(&format!("the token server {host}"), failure);
                tracing::debug!(account, verb, url, why = %error.message, ms, "no reply");
                TokenMiss { error, signal: (!is_final).then_some(Signal::Transient(503)), asked: None, is_lost }
            }
        };
        Err(TokenMiss { error: miss.error.with(|d| d.request = Some(line)), ..miss })
    }

    /// Builds a token request.
    fn request<R>(&self, build: impl FnOnce(Stamp<'_>) -> Result<R>) -> Result<R, TokenMiss> {
        let built = random_text().and_then(|id| build(Stamp { unix: self.unix(), id: &id }));
        built.map_err(|error| TokenMiss { error, signal: None, asked: None, is_lost: false })
    }

    /// Asks for the codes of a sign-in on another device.
    pub(super) async fn device(&self) -> Result<DevicePrompt> {
        let request = self.request(|stamp| device::request(&self.connection, stamp)).map_err(|miss| miss.error)?;
        let line = self.connection.redactor.mask(&format!("{} {}", request.method(), request.uri())).into_owned();
        let host = request.uri().host().unwrap_or_default().to_owned();
        let read = match self.transport.send(request, self.limits()).await {
            Ok(response) => device::read(&self.connection, response),
            Err(failure) => Err(self.unreached(&format!("the token server {host}"), failure).0),
        };
        read.map_err(|error| error.with(|d| d.request = Some(line)))
    }

    /// What a request of the connection is signed with.
    pub(super) fn proof<'p>(&self, token: Option<&'p Secret>) -> RequestProof<'p> {
        RequestProof { token, csrf: None, digest: None, wall: self.clock.wall() }
    }

    /// The error of an exchange without a reply with `peer`, and whether it is final.
    pub(super) fn unreached(&self, peer: &str, failure: Failure) -> (Error, bool) {
        let message = self.connection.redactor.mask(&failure.message).into_owned();
        let (kind, text, is_final) = match failure.kind {
            FailureKind::Private => (ErrorKind::Origin, message, true),
            FailureKind::Proxy => (ErrorKind::Connection, message, true),
            FailureKind::TooLarge => (ErrorKind::Limit, format!("the reply of {peer}: {message}"), true),
            FailureKind::NotSent | FailureKind::Unprocessed | FailureKind::Refused | FailureKind::Untrusted => {
                (ErrorKind::Network, format!("{peer} cannot be reached: {message}"), false)
            }
            FailureKind::Broken | FailureKind::TimedOut => {
                (ErrorKind::Network, format!("{peer} did not answer: {message}"), false)
            }
            FailureKind::Encoding | FailureKind::Unsaved => {
                (ErrorKind::Unavailable, format!("the reply of {peer} cannot be read: {message}"), false)
            }
        };
        let advice = match failure.kind {
            FailureKind::NotSent => Some("check the address of the token server and the network"),
            other => other.advice(),
        };
        let error = Error::new(kind, text).with(|d| {
            d.advice = advice.map(Advice::from);
            d.http_status = failure.status;
        });
        (error, is_final)
    }

    pub(super) fn limits(&self) -> ExchangeLimits {
        let limit = Duration::from_secs(30);
        ExchangeLimits {
            first_byte: limit,
            idle: limit,
            total: limit,
            body_max: 1 << 20,
            ratio_max: 200,
            header_max: 64 << 10,
        }
    }

    fn unix(&self) -> u64 {
        self.clock.wall().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs())
    }

    fn nobody(&self, ended: bool) -> Error {
        let title = &self.connection.connector.title;
        let message = match ended {
            true => format!(
                "{title} no longer accepts the token of this connection, and there is no refresh token to renew it"
            ),
            false => format!("this connection is not signed in to {title} yet"),
        };
        Error::new(ErrorKind::Unauthenticated, message).advise(self.way_in())
    }

    /// What to do about a refusal, by kind of grant.
    fn explain(&self, error: Error, offer: Offer<'_>) -> Error {
        if error.kind() != ErrorKind::Unauthenticated || error.advice.is_some() {
            return error;
        }
        let advice = match (error.provider.code.as_deref(), offer) {
            (Some("invalid_scope"), _) => {
                "the client is not allowed one of the `scopes` in the connector's definition".into()
            }
            (Some("invalid_client" | "unauthorized_client"), _) | (_, Offer::Own) => self.own_advice(),
            (_, Offer::Code { .. } | Offer::Device { .. }) => self.way_in(),
            (_, Offer::Refresh(_)) => {
                Advice::from("the refresh token has expired, was revoked or was used elsewhere").and(self.way_in())
            }
        };
        error.advise(advice)
    }

    /// What to do about the connection's own credentials.
    fn own_advice(&self) -> Advice {
        let flow = if let Auth::Oauth2(rule) = &self.connection.connector.auth { Some(&rule.flow) } else { None };
        match flow {
            Some(GrantFlow::ClientCredentials | GrantFlow::AuthorizationCode | GrantFlow::DeviceCode) => {
                "check the client id and secret of the connection".into()
            }
            Some(GrantFlow::Password(_)) => "check the user name and password of the connection, and its client".into(),
            Some(GrantFlow::JwtBearer) => {
                "check the key of the connection, and that the system knows its issuer and subject".into()
            }
            Some(GrantFlow::TokenExchange(_)) => "check the token that the connection exchanges, and its client".into(),
            None => "check the user name and password of the connection; no login is repeated with refused ones".into(),
        }
    }

    fn way_in(&self) -> Advice {
        match &self.connection.connector.auth {
            Auth::Oauth2(rule) if rule.needs_person() => Advice::SignIn(self.connection.name.clone()),
            _ => "put a new refresh token, or new client credentials, into the connection".into(),
        }
    }
}

/// Whether the server may have processed a request that has no reply.
fn is_lost(kind: FailureKind) -> bool {
    match kind {
        FailureKind::NotSent
        | FailureKind::Unprocessed
        | FailureKind::Refused
        | FailureKind::Untrusted
        | FailureKind::Private
        | FailureKind::Proxy => false,
        FailureKind::Broken
        | FailureKind::TimedOut
        | FailureKind::TooLarge
        | FailureKind::Encoding
        | FailureKind::Unsaved => true,
    }
}

/// Whether a refusal concerns the client and not the grant.
fn is_of_client(error: &Error) -> bool {
    matches!(error.provider.code.as_deref(), Some("invalid_client" | "unauthorized_client"))
}

fn is_unknown_client(error: &Error) -> bool {
    error.provider.code.as_deref() == Some("invalid_client") && matches!(error.http_status, Some(400 | 401))
}

/// The server may have rotated the token, but the reply was lost.
fn rotation_lost(error: Error) -> Error {
    error.with(|d| {
        d.message = format!(
            "a token rotation was lost: the server accepted the refresh token, its reply did not arrive, and the token no longer works ({})",
            d.message
        );
        d.advice = Some("the lost token cannot be recovered: sign in again, or put a new refresh token into the connection".into());
    })
}
