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

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::sync::{Arc, Mutex};

    use bytes::Bytes;
    use http::StatusCode;

    use crate::auth::DevicePoll;
    use crate::connection::ConnectionSpec;
    use crate::definition::Catalog;
    use crate::engine::{Engine, EngineConfig, Session};
    use crate::error::ErrorKind;
    use crate::reply::Response;
    use crate::transport::{ExchangeLimits, Failure, Transport};

    const CONNECTOR: &str = "
version: 1
connector: acme
title: Acme
connection: { url: { format: uri } }
base_url: '{url}'
auth:
  oauth2: { flow: device_code, token: '{url}/token', device: '{url}/device', client_id: app, scopes: [a, b], authorize_parameters: { audience: x } }
";

    /// Answers with these statuses and bodies, and keeps the bodies of the requests.
    #[derive(Default)]
    struct Scripted {
        replies: Mutex<VecDeque<(u16, &'static str)>>,
        sent: Mutex<Vec<String>>,
    }

    #[async_trait::async_trait]
    impl Transport for Scripted {
        async fn send(&self, request: http::Request<Bytes>, _: ExchangeLimits) -> Result<Response, Failure> {
            let body = String::from_utf8_lossy(request.body()).into_owned();
            self.sent.lock().unwrap().push(format!("{} {body}", request.uri().path()));
            let (status, body) = self.replies.lock().unwrap().pop_front().unwrap();
            let status = StatusCode::from_u16(status).unwrap();
            Ok(Response { status, body: body.as_bytes().to_vec().into(), ..Response::default() })
        }
    }

    fn session(replies: &[(u16, &'static str)]) -> (Session, Arc<Scripted>) {
        let mut catalog = Catalog::empty();
        catalog.add("acme", "connector.yaml", CONNECTOR);
        let script = Scripted { replies: Mutex::new(replies.iter().copied().collect()), ..Scripted::default() };
        let transport = Arc::new(script);
        let engine = Engine::new(EngineConfig { transport: Some(transport.clone()), ..EngineConfig::new(catalog) });
        let spec = ConnectionSpec {
            connector: "acme".into(),
            account: Some("main".into()),
            values: [("url".to_owned(), "https://acme.example".to_owned())].into(),
            ..ConnectionSpec::default()
        };
        (engine.connect(&spec).unwrap(), transport)
    }

    const CODES: &str = r#"{"device_code":"device-S3cret","user_code":"AB-12","verification_uri":"https://acme.example/go","expires_in":60,"interval":7}"#;

    #[tokio::test]
    async fn a_device_waits_slows_down_and_signs_in() {
        let (session, script) = session(&[
            (200, CODES),
            (400, r#"{"error":"authorization_pending"}"#),
            (400, r#"{"error":"slow_down"}"#),
            (200, r#"{"access_token":"access-S3cret","refresh_token":"r"}"#),
        ]);
        assert!(session.signs_in_on_device());
        let prompt = session.begin_device_sign_in().await.unwrap();
        assert_eq!((prompt.user_code.as_str(), prompt.interval, prompt.expires_in), ("AB-12", 7, 60));
        assert!(!format!("{prompt:?}").contains("S3cret"));
        let mut said = Vec::new();
        for _ in 0..3 {
            said.push(session.poll_device_sign_in(&prompt).await.unwrap());
        }
        assert_eq!(said, [DevicePoll::Pending, DevicePoll::SlowDown, DevicePoll::SignedIn]);
        let sent = script.sent.lock().unwrap();
        assert_eq!(sent[0], "/device scope=a%20b&audience=x&client_id=app");
        let grant = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code&device_code=device-S3cret";
        assert_eq!(sent[3], format!("/token {grant}&client_id=app"));
    }

    #[tokio::test]
    async fn refusals_are_final_and_show_no_code() {
        for (status, reply) in [(400, r#"{"error":"access_denied"}"#), (400, r#"{"error":"expired_token"}"#)] {
            let (session, _) = session(&[(200, CODES), (status, reply)]);
            let prompt = session.begin_device_sign_in().await.unwrap();
            let error = session.poll_device_sign_in(&prompt).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{reply}");
        }
        let bad = [
            (400, r#"{"error":"invalid_client","error_description":"device-S3cret"}"#, ErrorKind::Unauthenticated),
            (200, r#"{"device_code":"device-S3cret"}"#, ErrorKind::BadResponse),
            (200, "<html>", ErrorKind::BadResponse),
            (503, "", ErrorKind::Unavailable),
        ];
        for (status, reply, kind) in bad {
            let (session, _) = session(&[(status, reply)]);
            assert_eq!(session.begin_device_sign_in().await.unwrap_err().kind(), kind, "{reply}");
        }
    }
}
