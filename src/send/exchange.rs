//! One exchange of an attempt: with an access token, a csrf token and the answer to a challenge, each renewed when the
//! system refuses it. A request that was refused for one of these was not processed, so it is sent again.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::{Call, ConnectionClient, Outgoing, SendMiss, fatal, log, settle};
use crate::auth::{self, Access, CsrfMiss, CsrfToken, DigestTicket, RequestProof};
use crate::definition::Repeat;
use crate::error::{Error, ErrorKind};
use crate::fault::{self, refuses_token};
use crate::lock::lock;
use crate::reply::Response;
use crate::retry;
use crate::secret::Secret;
use crate::telemetry::{RequestTrace, TracedRequest};
use crate::transport::{Failure, FailureKind, SpillFolder};

/// Maximum number of replays of one attempt with tokens that others renewed.
const REPLAYS_MAX: u32 = 8;
/// How long to wait for another process to renew the same token.
const OTHERS_RENEW: Duration = Duration::from_millis(100);

/// Maximum number of times that one attempt is sent again because the peer did not process it. The first few are
/// immediate, later ones wait longer each time.
const UNPROCESSED_MAX: u32 = 100;
const UNPROCESSED_AT_ONCE: u32 = 5;
const UNPROCESSED_PAUSE: Duration = Duration::from_millis(5);

/// How often one request is sent again for a new challenge.
const CHALLENGES_MAX: usize = 2;

/// The outcome of one exchange.
type Result<T, E = SendMiss> = std::result::Result<T, E>;

impl ConnectionClient {
    /// One signed exchange. If the token is not accepted, a new one is requested and the request is replayed, because
    /// it was not processed.
    pub(super) async fn exchange(&self, call: &Call, request: Outgoing<'_>) -> Result<Response> {
        if self.is_public(request) {
            return Box::pin(self.signed(call, request, None)).await;
        }
        if !auth::uses_tokens(&self.connection, &call.operation) {
            return self.proved(call, request, None).await;
        }
        let token = Box::pin(self.token(call, None)).await?;
        let response = self.proved(call, request, Some(&token.token)).await?;
        if !refuses(call, &response) {
            return Ok(response);
        }
        let renewed = match Box::pin(self.token(call, Some(&token.token))).await {
            Ok(renewed) => renewed,
            // The token cannot be renewed, so the remote system's own error is returned.
            Err(miss) if miss.error.kind() == ErrorKind::Unauthenticated && miss.error.attempts == 0 => {
                return Ok(response);
            }
            Err(miss) => return Err(miss),
        };
        Box::pin(self.replay(call, request, renewed)).await
    }

    /// Whether a request goes to a public origin: nothing of the connection is sent there.
    fn is_public(&self, request: Outgoing<'_>) -> bool {
        !self.connection.connector.public_origins.is_empty()
            && !self.connection.is_home(&request.head.uri)
            && request.head.method == http::Method::GET
            && url::Url::parse(&request.head.uri.to_string()).is_ok_and(|url| self.connection.is_public(&url))
    }

    /// Replays with a new token. A 401 for a token that was just issued is final, unless another process has renewed it
    /// since and so invalidated it.
    async fn replay(&self, call: &Call, request: Outgoing<'_>, mut access: Access) -> Result<Response> {
        for _ in 0..REPLAYS_MAX {
            call.count_retry();
            let response = self.proved(call, request, Some(&access.token)).await?;
            if !refuses(call, &response) {
                return Ok(response);
            }
            self.pause(call, OTHERS_RENEW).await.map_err(fatal)?;
            access = match self.token_cache.newer(&self.token_context(), &access.token).await.map_err(fatal)? {
                Some(newer) => newer,
                None if access.is_bought => return Ok(response),
                // The token came from the store and may have expired long ago.
                None => Box::pin(self.token(call, Some(&access.token))).await?,
            };
        }
        self.proved(call, request, Some(&access.token)).await
    }

    async fn token(&self, call: &Call, rejected: Option<&Secret>) -> Result<Access> {
        let context = self.token_context();
        // The token request continues in its own task, so that a rotated token is not lost.
        tokio::select! {
            token = tokio::time::timeout(self.left(call), self.token_cache.access(&context, rejected)) => match token {
                Ok(token) => token.map_err(fatal),
                Err(_) => Err(fatal(Error::new(ErrorKind::Timeout, "the call's deadline passed while its access token was being renewed"))),
            },
            () = call.cancel.cancelled() => Err(fatal(Error::cancelled())),
        }
    }

    /// The time until the deadline.
    fn left(&self, call: &Call) -> Duration {
        call.deadline.map_or(Duration::from_secs(u64::from(u32::MAX)), |d| d.saturating_sub(self.clock.now()))
    }

    /// An exchange with the csrf token, if the request needs one. One that is refused is fetched anew, once.
    async fn proved(&self, call: &Call, request: Outgoing<'_>, token: Option<&Secret>) -> Result<Response> {
        if !auth::needs_csrf(&self.connection, &call.operation) {
            return self.answering(call, request, (token, None)).await;
        }
        let csrf = match Box::pin(self.csrf(call, token, None)).await? {
            Ok(csrf) => csrf,
            Err(refusal) => return Ok(refusal),
        };
        let response = self.answering(call, request, (token, Some(&csrf))).await?;
        if !auth::refuses_csrf(&self.connection, &response) {
            return Ok(response);
        }
        let csrf = match Box::pin(self.csrf(call, token, Some(&csrf))).await? {
            Ok(csrf) => csrf,
            Err(refusal) => return Ok(refusal),
        };
        call.count_retry();
        self.answering(call, request, (token, Some(&csrf))).await
    }

    /// A csrf token, or the reply that refuses the credentials.
    async fn csrf(
        &self,
        call: &Call,
        token: Option<&Secret>,
        rejected: Option<&CsrfToken>,
    ) -> Result<Result<CsrfToken, Response>> {
        let context = self.token_context();
        let fetched = self.csrf.token(&context, token, rejected);
        let fetched = tokio::select! {
            fetched = tokio::time::timeout(self.left(call), fetched) => fetched,
            () = call.cancel.cancelled() => return Err(fatal(Error::cancelled())),
        };
        match fetched {
            Ok(Ok(csrf)) => Ok(Ok(csrf)),
            Ok(Err(CsrfMiss::Refused(reply))) => Ok(Err(*reply)),
            Ok(Err(CsrfMiss::Failed { error, signal, asked })) => {
                Err(SendMiss { error, signal, asked, is_refused: false })
            }
            Err(_) => {
                let message = "the call's deadline passed while its csrf token was being fetched";
                Err(fatal(Error::new(ErrorKind::Timeout, message)))
            }
        }
    }

    /// An exchange that answers a challenge of the system: the reply with the challenge is neither an attempt nor a
    /// failure.
    async fn answering(
        &self,
        call: &Call,
        request: Outgoing<'_>,
        (token, csrf): (Option<&Secret>, Option<&CsrfToken>),
    ) -> Result<Response> {
        fn proof<'p>(
            (token, csrf): (Option<&'p Secret>, Option<&'p CsrfToken>),
            digest: Option<&'p DigestTicket>,
            wall: std::time::SystemTime,
        ) -> RequestProof<'p> {
            RequestProof { token, csrf, digest, wall }
        }
        if !auth::uses_challenges(&self.connection, &call.operation) {
            return self.signed(call, request, Some(&proof((token, csrf), None, self.clock.wall()))).await;
        }
        let mut ticket: Option<DigestTicket> = self.digest.ticket();
        for _ in 0..CHALLENGES_MAX {
            let response =
                self.signed(call, request, Some(&proof((token, csrf), ticket.as_ref(), self.clock.wall()))).await?;
            if !self.digest.read(&response, ticket.as_ref()).map_err(fatal)? {
                return Ok(response);
            }
            ticket = self.digest.ticket();
        }
        self.signed(call, request, Some(&proof((token, csrf), ticket.as_ref(), self.clock.wall()))).await
    }

    /// Signs a copy of the request and sends it; without a proof, only what says which data are wanted.
    fn exchanged<'s>(
        &'s self,
        call: &Call,
        request: Outgoing<'_>,
        proof: Option<&RequestProof<'_>>,
        trace: &RequestTrace,
    ) -> Result<impl Future<Output = Result<Response, Failure>> + Send + use<'s>> {
        let mut signed = http::Request::from_parts(request.head.clone(), request.body.clone());
        // Before it is signed, and before a public origin removes all headers of the connection.
        trace.add_headers(signed.headers_mut());
        match proof {
            Some(proof) => auth::sign(&self.connection, &call.operation, proof, &mut signed).map_err(fatal)?,
            None => keep_public(&mut signed),
        }
        if let Some(target) = call.downloads_to() {
            signed.extensions_mut().insert(SpillFolder(target.folder()));
        }
        call.tally.requests.fetch_add(1, Ordering::Relaxed);
        Ok(self.transport.send(signed, self.exchange_limits(call)))
    }

    /// Begins the trace of a request.
    fn traced(&self, call: &Call, request: Outgoing<'_>) -> RequestTrace {
        let resends = request.count_send();
        let (verb, uri, redactor) = (&request.head.method, &request.head.uri, &self.connection.redactor);
        call.trace.request(&TracedRequest { verb, uri, redactor, resends })
    }

    async fn signed(&self, call: &Call, request: Outgoing<'_>, proof: Option<&RequestProof<'_>>) -> Result<Response> {
        let began = self.clock.now();
        let took = || self.clock.now().saturating_sub(began);
        let response = match self.processed(call, request, proof).await {
            Ok(response) => response,
            Err(miss) => {
                log::no_reply(&self.connection, call, request, &miss.error.message, took());
                return Err(miss);
            }
        };
        log::exchange(&self.connection, call, request, &response, took());
        call.tally.bytes.fetch_add(response.body.size(), Ordering::Relaxed);
        if let Some(wait) = retry::announced_wait(&response.headers, self.clock.wall()) {
            lock(&self.budget.rate_limiter).hold(self.clock.now() + wait);
        }
        Ok(response)
    }

    /// One exchange. A request that certainly was not processed is sent again, and that does not count as an attempt.
    async fn processed(
        &self,
        call: &Call,
        request: Outgoing<'_>,
        proof: Option<&RequestProof<'_>>,
    ) -> Result<Response> {
        let write = call.operation.repeat != Repeat::SafeRead;
        let mut unprocessed = 0;
        loop {
            let trace = self.traced(call, request);
            let exchange = self.exchanged(call, request, proof, &trace)?;
            let began = self.clock.now();
            let took = || self.clock.now().saturating_sub(began);
            let outcome = tokio::select! {
                outcome = exchange => outcome,
                () = call.cancel.cancelled() => {
                    trace.failed(ErrorKind::Cancelled, took());
                    return Err(fatal(settle(Error::cancelled(), write)));
                }
            };
            match outcome {
                Err(failure) if failure.kind == FailureKind::Unprocessed && unprocessed < UNPROCESSED_MAX => {
                    unprocessed += 1;
                    trace.failed(ErrorKind::Network, took());
                }
                outcome => {
                    let ended = outcome.or_else(|failure| {
                        self.without_body(call, &failure).ok_or_else(|| self.failure(call, failure))
                    });
                    match &ended {
                        Ok(response) => trace.answered(response.status.as_u16(), took()),
                        Err(miss) => trace.failed(miss.error.kind(), took()),
                    }
                    return ended;
                }
            }
            call.count_retry();
            self.pause(call, UNPROCESSED_PAUSE * unprocessed.saturating_sub(UNPROCESSED_AT_ONCE))
                .await
                .map_err(fatal)?;
        }
    }
}

/// Headers that are sent to a public origin.
const PUBLIC_HEADERS: [http::HeaderName; 2] = [http::header::ACCEPT, http::header::USER_AGENT];

/// Removes all that is of the connection.
fn keep_public(request: &mut http::Request<bytes::Bytes>) {
    let kept =
        PUBLIC_HEADERS.into_iter().filter_map(|name| request.headers_mut().remove(&name).map(|value| (name, value)));
    *request.headers_mut() = kept.collect::<Vec<_>>().into_iter().collect();
    *request.body_mut() = bytes::Bytes::new();
}

/// Whether a reply refuses the access token, by the protocol or by a rule.
fn refuses(call: &Call, response: &Response) -> bool {
    refuses_token(response) || fault::is_unauthenticated(&call.operation, response)
}
