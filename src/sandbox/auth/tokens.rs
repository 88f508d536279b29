//! The tokens of a sandbox: which are valid, which are used up, and their lifetimes. Callers pass the time; it knows no
//! requests.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::Digest as _;

use crate::lock::lock;

/// Maximum number of valid tokens and of pending sign-ins; the oldest are dropped.
const TOKENS_MAX: usize = 1_000;
const CODES_MAX: usize = 100;

/// The lifetime of access tokens.
#[derive(Clone, Copy, Debug)]
pub(in crate::sandbox) struct Lifetime {
    /// Number of calls with one access token.
    pub(in crate::sandbox) calls: Option<u32>,
    /// Seconds since it was issued.
    pub(in crate::sandbox) seconds: Option<u64>,
    /// Whether each use of a refresh token replaces it.
    pub(in crate::sandbox) rotate: bool,
}

/// The result of an exchange.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::sandbox) struct TokenPair {
    pub(in crate::sandbox) access: String,
    /// `None` when the old refresh token stays valid.
    pub(in crate::sandbox) refresh: Option<String>,
    pub(in crate::sandbox) seconds: Option<u64>,
}

/// A pending sign-in.
#[derive(Clone, Debug)]
pub(in crate::sandbox) struct SignIn {
    /// The PKCE challenge (RFC 7636, S256).
    pub(in crate::sandbox) challenge: String,
    pub(in crate::sandbox) redirect: String,
}

impl SignIn {
    /// A sign-in on another device, which has been asked about: a challenge that no verifier has.
    const ASKED: &'static str = "asked";
}

/// The tokens of one connector. Their texts contain a number: `acme-refresh-7`.
pub(in crate::sandbox) struct IssuedTokens {
    connector: String,
    /// The refresh token of the sandbox's connection; its number is 0.
    seed: Option<String>,
    lifetime: Lifetime,
    state: Mutex<TokenState>,
}

#[derive(Default)]
struct TokenState {
    /// The highest number that was issued.
    serial: u64,
    access: BTreeMap<u64, AccessToken>,
    refresh: BTreeSet<u64>,
    codes: BTreeMap<u64, SignIn>,
    reused: u64,
}

/// The remaining lifetime of an access token.
struct AccessToken {
    calls: Option<u32>,
    until: Option<Instant>,
}

impl AccessToken {
    fn is_good(&self, now: Instant) -> bool {
        self.calls != Some(0) && self.until.is_none_or(|until| now < until)
    }
}

impl IssuedTokens {
    pub(in crate::sandbox) fn new(connector: &str, seed: Option<String>, lifetime: Lifetime) -> IssuedTokens {
        let state = TokenState { refresh: seed.iter().map(|_| 0).collect(), ..TokenState::default() };
        IssuedTokens { connector: connector.to_owned(), seed, lifetime, state: Mutex::new(state) }
    }

    /// Whether an access token is valid.
    pub(in crate::sandbox) fn admits(&self, access: &str, now: Instant) -> bool {
        let number = self.number("access", access);
        let state = lock(&self.state);
        number.and_then(|n| state.access.get(&n)).is_some_and(|token| token.is_good(now))
    }

    /// The same, and counts the call.
    pub(in crate::sandbox) fn spend(&self, access: &str, now: Instant) -> bool {
        let number = self.number("access", access);
        let mut state = lock(&self.state);
        let Some(token) = number.and_then(|n| state.access.get_mut(&n)).filter(|token| token.is_good(now)) else {
            return false;
        };
        token.calls = token.calls.map(|left| left.saturating_sub(1));
        true
    }

    /// An access token for the client credentials grant.
    pub(in crate::sandbox) fn grant(&self, now: Instant) -> TokenPair {
        self.issue(&mut lock(&self.state), now, false)
    }

    /// Exchanges a refresh token; `Err` is the reason for a refusal.
    pub(in crate::sandbox) fn exchange(&self, refresh: &str, now: Instant) -> Result<TokenPair, &'static str> {
        let seed = self.seed.as_deref() == Some(refresh);
        let number = if seed { 0 } else { self.number("refresh", refresh).ok_or("the refresh token is unknown")? };
        let mut state = lock(&self.state);
        if number > state.serial {
            // An earlier sandbox issued this token, and the client still has it.
            state.serial = number;
        } else if !state.refresh.contains(&number) {
            state.reused += 1;
            return Err("the refresh token was used already");
        }
        if self.lifetime.rotate {
            state.refresh.remove(&number);
        } else {
            state.refresh.insert(number);
        }
        Ok(self.issue(&mut state, now, self.lifetime.rotate))
    }

    /// Starts a sign-in; returns its code.
    pub(in crate::sandbox) fn begin(&self, sign_in: SignIn) -> String {
        let mut state = lock(&self.state);
        state.serial += 1;
        let number = state.serial;
        if state.codes.len() >= CODES_MAX {
            state.codes.pop_first();
        }
        state.codes.insert(number, sign_in);
        self.text("code", number)
    }

    /// Exchanges the code of a sign-in, once; `Err` is the reason for a refusal.
    pub(in crate::sandbox) fn redeem(
        &self,
        code: &str,
        redirect: &str,
        verifier: &str,
        now: Instant,
    ) -> Result<TokenPair, &'static str> {
        let mut state = lock(&self.state);
        let sign_in = self
            .number("code", code)
            .and_then(|n| state.codes.remove(&n))
            .ok_or("the code is unknown or was used already")?;
        if sign_in.redirect != redirect {
            return Err("redirect_uri is not that of the sign-in");
        }
        if URL_SAFE_NO_PAD.encode(sha2::Sha256::digest(verifier.as_bytes())) != sign_in.challenge {
            return Err("code_verifier does not fit the code_challenge of the sign-in");
        }
        Ok(self.issue(&mut state, now, true))
    }

    /// Whether the code of a sign-in on another device is asked about for the first time.
    pub(in crate::sandbox) fn is_new(&self, code: &str) -> bool {
        let mut state = lock(&self.state);
        let sign_in = self.number("code", code).and_then(|n| state.codes.get_mut(&n));
        let Some(sign_in) = sign_in.filter(|sign_in| sign_in.challenge.is_empty()) else { return false };
        SignIn::ASKED.clone_into(&mut sign_in.challenge);
        true
    }

    /// Exchanges the code of a sign-in on another device, once; `Err` is the reason for a refusal.
    pub(in crate::sandbox) fn redeem_device(&self, code: &str, now: Instant) -> Result<TokenPair, &'static str> {
        let mut state = lock(&self.state);
        let sign_in = self.number("code", code).and_then(|n| state.codes.remove(&n));
        sign_in.filter(|s| s.challenge == SignIn::ASKED).ok_or("the code is unknown or was used already")?;
        Ok(self.issue(&mut state, now, true))
    }

    /// How often a used refresh token was sent.
    pub(in crate::sandbox) fn reused(&self) -> u64 {
        lock(&self.state).reused
    }

    /// Resets the counter. Tokens stay valid, because open connections have them.
    pub(in crate::sandbox) fn forget_reuse(&self) {
        lock(&self.state).reused = 0;
    }

    fn issue(&self, state: &mut TokenState, now: Instant, with_refresh: bool) -> TokenPair {
        state.serial += 1;
        let number = state.serial;
        let seconds = self.lifetime.seconds;
        let until = seconds.and_then(|s| now.checked_add(Duration::from_secs(s)));
        if state.access.len() >= TOKENS_MAX {
            state.access.pop_first();
        }
        state.access.insert(number, AccessToken { calls: self.lifetime.calls, until });
        if with_refresh {
            if state.refresh.len() >= TOKENS_MAX {
                state.refresh.pop_first();
            }
            state.refresh.insert(number);
        }
        TokenPair {
            access: self.text("access", number),
            refresh: with_refresh.then(|| self.text("refresh", number)),
            seconds,
        }
    }

    fn text(&self, kind: &str, number: u64) -> String {
        format!("{}-{kind}-{number}", self.connector)
    }

    fn number(&self, kind: &str, text: &str) -> Option<u64> {
        let number = text.strip_prefix(&self.connector)?.strip_prefix('-')?.strip_prefix(kind)?.strip_prefix('-')?;
        number.parse().ok().filter(|n| *n > 0 && *n < u64::MAX / 2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(calls: Option<u32>, seconds: Option<u64>, rotate: bool) -> IssuedTokens {
        IssuedTokens::new("acme", Some("seed".into()), Lifetime { calls, seconds, rotate })
    }

    #[test]
    fn a_rotated_token_fails_the_second_time() {
        let (tokens, now) = (tokens(None, None, true), Instant::now());
        let first = tokens.exchange("seed", now).unwrap();
        assert_eq!(
            first,
            TokenPair { access: "acme-access-1".into(), refresh: Some("acme-refresh-1".into()), seconds: None }
        );
        assert!(tokens.exchange("seed", now).is_err());
        assert!(tokens.exchange("other", now).is_err());
        assert_eq!(tokens.reused(), 1);
        assert!(tokens.exchange("acme-refresh-1", now).is_ok());
        assert!(tokens.exchange("acme-refresh-1", now).is_err());
        assert_eq!(tokens.reused(), 2);
        tokens.forget_reuse();
        assert_eq!(tokens.exchange("acme-refresh-90", now).unwrap().refresh.as_deref(), Some("acme-refresh-91"));
        assert_eq!(tokens.reused(), 0);
    }

    #[test]
    fn a_token_without_rotation_can_be_used_again() {
        let (tokens, now) = (tokens(None, None, false), Instant::now());
        assert_eq!(tokens.exchange("seed", now).unwrap().refresh, None);
        assert!(tokens.exchange("seed", now).is_ok());
        assert_eq!(tokens.reused(), 0);
    }

    #[test]
    fn access_tokens_expire() {
        let (tokens, now) = (tokens(Some(2), Some(10), true), Instant::now());
        let later = now + Duration::from_secs(10);
        let pair = tokens.grant(now);
        assert!(
            tokens.admits(&pair.access, now)
                && !tokens.admits(&pair.access, later)
                && !tokens.admits("acme-access-9", now)
        );
        assert!(tokens.spend(&pair.access, now) && tokens.spend(&pair.access, now) && !tokens.spend(&pair.access, now));
        assert_eq!((pair.refresh, pair.seconds), (None, Some(10)));
    }

    #[test]
    fn a_code_needs_its_verifier_and_works_once() {
        let (tokens, now) = (tokens(None, None, false), Instant::now());
        // RFC 7636, appendix B.
        let begin = || {
            let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM".to_owned();
            tokens.begin(SignIn { challenge, redirect: "http://127.0.0.1/cb".into() })
        };
        let (verifier, redirect) = ("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "http://127.0.0.1/cb");
        assert!(tokens.redeem(&begin(), redirect, "wrong", now).is_err());
        assert!(tokens.redeem(&begin(), "http://127.0.0.1/other", verifier, now).is_err());
        let code = begin();
        assert!(tokens.redeem(&code, redirect, verifier, now).unwrap().refresh.is_some());
        assert!(tokens.redeem(&code, redirect, verifier, now).is_err());
    }
}
