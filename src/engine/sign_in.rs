//! The sign-in of an open connection: with the browser, on another device, or with tokens that the host has stored.

use super::session::Session;
use crate::auth::{self, DevicePoll, DevicePrompt};
use crate::error::Result;
use crate::secret::Secret;

impl Session {
    /// Passes tokens that the host has stored for this connection.
    ///
    /// # Errors
    /// `state` when they cannot be stored.
    pub async fn keep_tokens(&self, tokens: &crate::auth::Tokens) -> Result<()> {
        self.client.token_cache.adopt(&self.client.token_context(), tokens).await
    }

    /// The address of the sign-in page, for connectors that need one. The browser returns to `redirect` with `state`;
    /// `challenge` is the S256 challenge of a verifier (RFC 7636) that only the caller knows.
    ///
    /// # Errors
    /// `usage` when the connector needs no sign-in; `connection` when a property is missing.
    pub fn sign_in_url(&self, redirect: &str, state: &str, challenge: &str) -> Result<String> {
        auth::sign_in_url(&self.client.connection, redirect, state, challenge).map(String::from)
    }

    /// Ends a sign-in: exchanges the returned code for tokens, and stores them.
    ///
    /// # Errors
    /// `unauthenticated` when the code is not accepted; `state` when the tokens cannot be stored.
    pub async fn sign_in(&self, code: &Secret, redirect: &str, verifier: &Secret) -> Result<()> {
        self.client.token_cache.redeem(&self.client.token_context(), code, redirect, verifier).await
    }

    /// Whether a person signs in on another device: with [`begin_device_sign_in`](Self::begin_device_sign_in) instead of
    /// [`sign_in_url`](Self::sign_in_url).
    #[must_use]
    pub fn signs_in_on_device(&self) -> bool {
        self.client.connection.connector.auth.signs_in_on_device()
    }

    /// Starts a sign-in on another device (RFC 8628): returns what to show to the person.
    ///
    /// # Errors
    /// `usage` when the connector has no such sign-in; `unauthenticated` when the client is not accepted.
    pub async fn begin_device_sign_in(&self) -> Result<DevicePrompt> {
        self.client.token_cache.begin_device(&self.client.token_context()).await
    }

    /// Asks once whether the person has signed in; then the tokens are stored. The caller waits
    /// [`interval`](DevicePrompt::interval) seconds between two polls.
    ///
    /// # Errors
    /// `unauthenticated` when the person refused or the codes ended; `state` when the tokens cannot be stored.
    pub async fn poll_device_sign_in(&self, prompt: &DevicePrompt) -> Result<DevicePoll> {
        self.client.token_cache.poll(&self.client.token_context(), prompt).await
    }

    /// Removes the tokens of the connection's account from the store; `true` if there were any. The system is not
    /// informed.
    ///
    /// # Errors
    /// `state` when they cannot be removed; `connection` when they belong to another account.
    pub async fn forget_tokens(&self) -> Result<bool> {
        self.client.token_cache.forget(&self.client.token_context()).await
    }
}
