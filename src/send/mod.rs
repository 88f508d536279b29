//! One request to one checked page: pace, sign, send, judge, repeat. Retries happen here and nowhere else.

mod budget;
mod call;
mod judge;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use http::Method as Verb;
use http::request::Parts;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::auth::{self, Access, TokenCache, TokenContext, TokenStore};
use crate::clock::Clock;
use crate::connection::Connection;
use crate::definition::Repeat;
use crate::error::{Advice, Cause, Error, ErrorKind, Result};
use crate::fault;
use crate::fault::refuses_token;
use crate::lock::lock;
use crate::page::Page;
use crate::reply::Response;
use crate::retry::{self, Signal, Verdict};
use crate::secret::Secret;
use crate::transport::{ExchangeLimits, Failure, FailureKind, Transport};
pub(crate) use budget::Budget;
pub use budget::Budgets;
pub(crate) use call::{Announce, Call, Outgoing, Tally};
pub use call::{Cancel, Gate};

/// Redirects that one read may follow.
const REDIRECTS_MAX: u32 = 5;

/// Replays of one attempt with tokens that others renewed.
const REPLAYS_MAX: u32 = 8;
/// How long another process, which meets the end of the same token, is given to renew it.
const OTHERS_RENEW: Duration = Duration::from_millis(100);

/// How often one attempt is sent again because the peer did not process it: so many times at once, and then after pauses that grow.
const UNPROCESSED_MAX: u32 = 100;
const UNPROCESSED_AT_ONCE: u32 = 5;
const UNPROCESSED_PAUSE: Duration = Duration::from_millis(5);

/// A page and what it took to get it.
#[derive(Debug)]
pub(crate) struct Sent {
    pub(crate) page: Page,
    pub(crate) status: u16,
    pub(crate) attempts: u32,
    pub(crate) location: Option<String>,
}

/// A connection's way to the network, shared by all its calls.
pub(crate) struct ConnectionClient {
    pub(crate) connection: Arc<Connection>,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) store: Arc<dyn TokenStore>,
    pub(crate) token_cache: TokenCache,
    /// Requests of this connection that may be under way at once.
    permits: Semaphore,
    /// What it shares with other connections to the account.
    budget: Arc<Budget>,
}

/// A place among the requests of the connection, and one among those of the account.
struct Turn<'w>(#[expect(dead_code, reason = "held, not read")] [SemaphorePermit<'w>; 2]);

/// An attempt that gave no page.
struct Miss {
    error: Error,
    /// What kind of trouble; `None` for an answer that is final.
    signal: Option<Signal>,
    asked: Option<Duration>,
}

impl ConnectionClient {
    pub(crate) fn new(
        connection: Connection,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
        store: Arc<dyn TokenStore>,
        budget: Arc<Budget>,
    ) -> ConnectionClient {
        let permits = Semaphore::new(connection.limits.concurrency());
        ConnectionClient {
            connection: Arc::new(connection),
            transport,
            clock,
            store,
            token_cache: TokenCache::default(),
            permits,
            budget,
        }
    }

    /// What buying tokens needs.
    pub(crate) fn token_context(&self) -> TokenContext {
        let (connection, transport) = (Arc::clone(&self.connection), Arc::clone(&self.transport));
        TokenContext { connection, transport, clock: Arc::clone(&self.clock), store: Arc::clone(&self.store) }
    }

    /// Sends a request until it has an answer, its budget is spent, or its fate is unknown.
    pub(crate) async fn send(
        &self,
        call: &Call,
        request: Outgoing<'_>,
        announce: Option<Announce<'_>>,
    ) -> Result<Sent> {
        let repeat = call.operation.repeat;
        let mut attempts = 0;
        let mut ambiguous = false;
        let mut spent = 0;
        let begun = self.clock.now();
        loop {
            let place = self.turn(call).await.map_err(|e| self.name(call, request, attempts, settle(e, ambiguous)))?;
            if let Some(announce) = announce.as_ref().filter(|_| attempts == 0) {
                self.announce(call, announce).await.map_err(|e| self.name(call, request, 0, e))?;
            }
            attempts += 1;
            // Apart from what waits for a turn and between attempts, so that neither is large: large blocks cost more to have and to give back.
            let attempt = Box::pin(self.attempt(call, request)).await;
            drop(place);
            let miss = match attempt {
                Ok(mut sent) => {
                    lock(&self.budget.retries).give(spent);
                    sent.attempts = attempts;
                    return Ok(sent);
                }
                Err(miss) => miss,
            };
            let named = |error| self.name(call, request, attempts, error);
            let Some(signal) = miss.signal else {
                if ambiguous && request.head.method == Verb::DELETE && miss.error.kind() == ErrorKind::NotFound {
                    // An own earlier attempt may well be why it is gone.
                    let status = miss.error.http_status.unwrap_or(404);
                    return Ok(Sent { page: Page::default(), status, attempts, location: None });
                }
                // A final answer to this attempt says nothing about an earlier one that may have taken effect.
                return Err(named(settle(miss.error, ambiguous)));
            };
            let refused = miss.error.http_status.is_some_and(|s| self.is_refusal(s));
            // What is declared as refused before processing has changed nothing, whatever its status says elsewhere.
            ambiguous |= repeat != Repeat::SafeRead && !refused && retry::is_ambiguous(signal);
            match retry::judge(repeat, signal, refused) {
                Verdict::Unknown => return Err(named(settle(miss.error, true))),
                Verdict::Repeat => {}
            }
            // A system that is being started anew is waited for, unless somebody has said how many attempts there are.
            let waits = call.patient && self.connection.limits.attempts.is_none() && retry::is_outage(signal);
            let goes_on = attempts < self.connection.limits.attempts()
                || (waits && self.clock.now().saturating_sub(begun) < retry::PATIENCE);
            let cost = if goes_on { lock(&self.budget.retries).take(signal) } else { None };
            let Some(cost) = cost else { return Err(named(settle(miss.error, ambiguous))) };
            spent += cost;
            let wait = retry::backoff(signal, attempts, self.clock.chance()).max(miss.asked.unwrap_or_default());
            let beyond = call.deadline.is_some_and(|d| self.clock.now() + wait > d);
            let too_long = miss.asked.filter(|asked| *asked > self.connection.limits.longest_wait());
            if let (Some(asked), Signal::Throttled | Signal::Busy) = (too_long, signal) {
                // Nobody else of the connection need ask before then.
                lock(&self.budget.rate_limiter).hold(self.clock.now() + asked);
            }
            if too_long.is_some() || beyond {
                return Err(named(settle(miss.error, ambiguous)));
            }
            if let (Some(asked), Signal::Throttled | Signal::Busy) = (miss.asked, signal) {
                // The whole connection is asked to wait, not this request alone.
                lock(&self.budget.rate_limiter).hold(self.clock.now() + asked);
            }
            tracing::debug!(operation = %call.operation.id, account = self.connection.account(), attempts, wait_ms = wait.as_millis() as u64, why = %self.connection.redactor.mask(&miss.error.message), "retry");
            call.tally.retries.fetch_add(1, Ordering::Relaxed);
            if let Err(stopped) = self.pause(call, wait).await {
                return Err(named(settle(in_place_of(miss.error, stopped), ambiguous)));
            }
        }
    }

    /// Has the items noted as about to be sent, now that nothing else is waited for.
    async fn announce(&self, call: &Call, announce: &Announce<'_>) -> Result<()> {
        announce.gate.before(announce.first, announce.count).await?;
        if call.cancel.is_cancelled() { Err(Error::cancelled()) } else { Ok(()) }
    }

    /// Whether the connector declares a status as refused before processing.
    fn is_refusal(&self, status: u16) -> bool {
        self.connection.connector.errors.refused.contains(&status)
    }

    /// Waits for a place among the requests under way, and for this request's turn in the pace of the connection.
    async fn turn(&self, call: &Call) -> Result<Turn<'_>> {
        let place = self.place(call).await?;
        let held = lock(&self.budget.rate_limiter).held(self.clock.now());
        if held > self.connection.limits.longest_wait() {
            // A wait that was announced is not cut short.
            let message = format!(
                "{} allows no further request for {} s",
                self.connection.connector.title,
                held.as_secs_f64().ceil()
            );
            let advice = "run at another time, or raise `limits: { wait_s }` of the connection to wait for it";
            return Err(Error::new(ErrorKind::RateLimited, message)
                .advise(advice)
                .with(|d| d.retry_after_ms = Some(held.as_millis() as u64)));
        }
        let wait = lock(&self.budget.rate_limiter).reserve(self.connection.rate(), self.clock.now());
        self.pause(call, wait).await?;
        Ok(place)
    }

    /// The connection's own permits first, so that one with many calls does not fill the account's with those that wait.
    async fn place(&self, call: &Call) -> Result<Turn<'_>> {
        let own = self.permit_of(call, &self.permits).await?;
        let shared = self.permit_of(call, &self.budget.permits).await?;
        Ok(Turn([own, shared]))
    }

    async fn permit_of<'s>(&self, call: &Call, permits: &'s Semaphore) -> Result<SemaphorePermit<'s>> {
        match permits.try_acquire() {
            Ok(permit) => Ok(permit),
            Err(_) => Box::pin(self.later_permit(call, permits)).await,
        }
    }

    async fn later_permit<'s>(&self, call: &Call, permits: &'s Semaphore) -> Result<SemaphorePermit<'s>> {
        let left = call.deadline.map_or(Duration::MAX, |d| d.saturating_sub(self.clock.now()));
        let permit = tokio::select! {
            permit = tokio::time::timeout(left, permits.acquire()) => permit,
            () = call.cancel.cancelled() => return Err(Error::cancelled()),
        };
        let permit = permit.map_err(|_| {
            Error::new(ErrorKind::Timeout, "the call's deadline passed before there was a place for its request")
        })?;
        permit.map_err(|closed| Error::new(ErrorKind::Internal, format!("the connection is closed: {closed}")))
    }

    async fn pause(&self, call: &Call, wait: Duration) -> Result<()> {
        if call.cancel.is_cancelled() {
            return Err(Error::cancelled());
        }
        if call.deadline.is_some_and(|d| self.clock.now() + wait >= d) {
            let message = match wait.as_millis() {
                0 => "the call's deadline passed before this request was sent".to_owned(),
                wait => format!("the deadline passes before the {wait} ms wait for the next request ends"),
            };
            return Err(Error::new(ErrorKind::Timeout, message));
        }
        if wait.is_zero() {
            return Ok(());
        }
        call.tally.wait_ms.fetch_add(wait.as_millis() as u64, Ordering::Relaxed);
        let slept = async {
            tokio::select! {
                () = self.clock.sleep(wait) => Ok(()),
                () = call.cancel.cancelled() => Err(Error::cancelled()),
            }
        };
        Box::pin(slept).await
    }

    /// One attempt, redirects of reads included.
    async fn attempt(&self, call: &Call, request: Outgoing<'_>) -> Result<Sent, Miss> {
        let mut moved: Option<Box<Parts>> = None;
        for _ in 0..=REDIRECTS_MAX {
            let current = Outgoing { head: moved.as_deref().unwrap_or(request.head), ..request };
            let response = self.exchange(call, current).await?;
            let Some(next) = self.redirect(call, current, &response)? else {
                let rule = &call.operation.response;
                let declared = rule.ok.iter().chain(&rule.empty).any(|s| *s == response.status.as_u16());
                let written =
                    call.operation.repeat != Repeat::SafeRead && response.status.is_redirection() && !declared;
                return if written { self.redirected(call, current, &response) } else { self.judge(call, response) };
            };
            let address = next.as_str().parse().map_err(|e| {
                fatal(Error::new(ErrorKind::BadResponse, format!("the redirect's address cannot be used: {e}")))
            })?;
            moved.get_or_insert_with(|| Box::new(request.head.clone())).uri = address;
        }
        Err(fatal(Error::new(ErrorKind::NoProgress, format!("more than {REDIRECTS_MAX} redirects in a row"))))
    }

    /// One signed exchange. A token that is not accepted buys one new token and one replay: the request was not processed.
    async fn exchange(&self, call: &Call, request: Outgoing<'_>) -> Result<Response, Miss> {
        if !auth::uses_tokens(&self.connection, &call.operation) {
            return self.signed(call, request, None).await;
        }
        let token = Box::pin(self.token(call, None)).await?;
        let response = self.signed(call, request, Some(&token.token)).await?;
        if !refuses_token(&response) {
            return Ok(response);
        }
        let renewed = match Box::pin(self.token(call, Some(&token.token))).await {
            Ok(renewed) => renewed,
            // Nothing to renew it with: what the remote system itself says is the better answer.
            Err(miss) if miss.error.kind() == ErrorKind::Unauthenticated && miss.error.attempts == 0 => {
                return Ok(response);
            }
            Err(miss) => return Err(miss),
        };
        Box::pin(self.replay(call, request, renewed)).await
    }

    /// Sends again with a new token. A 401 for one that was bought for it is final, unless others have renewed it meanwhile: then they used it up.
    async fn replay(&self, call: &Call, request: Outgoing<'_>, mut access: Access) -> Result<Response, Miss> {
        for _ in 0..REPLAYS_MAX {
            call.tally.retries.fetch_add(1, Ordering::Relaxed);
            let response = self.signed(call, request, Some(&access.token)).await?;
            if !refuses_token(&response) {
                return Ok(response);
            }
            self.pause(call, OTHERS_RENEW).await.map_err(fatal)?;
            access = match self.token_cache.newer(&self.token_context(), &access.token).await.map_err(fatal)? {
                Some(newer) => newer,
                None if access.is_bought => return Ok(response),
                // It was found in the store, where it may have ended long ago.
                None => Box::pin(self.token(call, Some(&access.token))).await?,
            };
        }
        self.signed(call, request, Some(&access.token)).await
    }

    async fn token(&self, call: &Call, rejected: Option<&Secret>) -> Result<Access, Miss> {
        let context = self.token_context();
        let left =
            call.deadline.map_or(Duration::from_secs(u64::from(u32::MAX)), |d| d.saturating_sub(self.clock.now()));
        // The exchange itself goes on in its own task, so that a rotated token is not lost.
        tokio::select! {
            token = tokio::time::timeout(left, self.token_cache.access(&context, rejected)) => match token {
                Ok(token) => token.map_err(fatal),
                Err(_) => Err(fatal(Error::new(ErrorKind::Timeout, "the call's deadline passed while its access token was being renewed"))),
            },
            () = call.cancel.cancelled() => Err(fatal(Error::cancelled())),
        }
    }

    /// Signs a copy and hands it to the transport.
    fn exchanged<'s>(
        &'s self,
        call: &Call,
        request: Outgoing<'_>,
        token: Option<&Secret>,
    ) -> Result<impl Future<Output = Result<Response, Failure>> + Send + use<'s>, Miss> {
        let mut signed = http::Request::from_parts(request.head.clone(), request.body.clone());
        auth::sign(&self.connection, &call.operation, token, &mut signed).map_err(fatal)?;
        call.tally.requests.fetch_add(1, Ordering::Relaxed);
        Ok(self.transport.send(signed, self.exchange_limits(call)))
    }

    async fn signed(&self, call: &Call, request: Outgoing<'_>, token: Option<&Secret>) -> Result<Response, Miss> {
        let response = self.processed(call, request, token).await?;
        call.tally.bytes.fetch_add(response.body.len() as u64, Ordering::Relaxed);
        if let Some(wait) = retry::announced_wait(&response.headers, self.clock.wall()) {
            lock(&self.budget.rate_limiter).hold(self.clock.now() + wait);
        }
        let (status, bytes) = (response.status.as_u16(), response.body.len());
        let url = || self.connection.redactor.mask(&request.head.uri.to_string()).into_owned();
        tracing::debug!(operation = %call.operation.id, account = self.connection.account(), verb = %request.head.method, url = %url(), status, bytes, "exchange");
        Ok(response)
    }

    /// One exchange. A request that is certain not to have been processed is sent again at once, and that counts as no attempt.
    async fn processed(&self, call: &Call, request: Outgoing<'_>, token: Option<&Secret>) -> Result<Response, Miss> {
        let write = call.operation.repeat != Repeat::SafeRead;
        let mut unprocessed = 0;
        loop {
            let exchange = self.exchanged(call, request, token)?;
            let outcome = tokio::select! {
                outcome = exchange => outcome,
                () = call.cancel.cancelled() => return Err(fatal(settle(Error::cancelled(), write))),
            };
            match outcome {
                Err(failure) if failure.kind == FailureKind::Unprocessed && unprocessed < UNPROCESSED_MAX => {
                    unprocessed += 1
                }
                Err(failure) => return self.without_body(call, &failure).ok_or_else(|| self.failure(call, failure)),
                Ok(response) => return Ok(response),
            }
            call.tally.retries.fetch_add(1, Ordering::Relaxed);
            self.pause(call, UNPROCESSED_PAUSE * unprocessed.saturating_sub(UNPROCESSED_AT_ONCE))
                .await
                .map_err(fatal)?;
        }
    }

    fn exchange_limits(&self, call: &Call) -> ExchangeLimits {
        let limits = &self.connection.limits;
        let seconds = |value: Option<u32>, default: u32| Duration::from_secs(u64::from(value.unwrap_or(default)));
        let total = seconds(limits.timeout_s, 120);
        let left = call.deadline.map(|d| d.saturating_sub(self.clock.now()));
        ExchangeLimits {
            first_byte: seconds(limits.first_byte_s, 60).min(total),
            idle: seconds(limits.idle_s, 30),
            total: left.map_or(total, |left| left.min(total)),
            body_max: limits.page_bytes.unwrap_or(64 << 20) as usize,
            ratio_max: limits.inflate_ratio.unwrap_or(200) as usize,
            header_max: limits.header_bytes.unwrap_or(64 << 10) as usize,
        }
    }

    /// Adds what every error of a request carries.
    fn name(&self, call: &Call, request: Outgoing<'_>, attempts: u32, error: Error) -> Error {
        let mask = |text: &str| self.connection.redactor.mask(text).into_owned();
        let line = fault::clean(&mask(&format!("{} {}", request.head.method, request.head.uri)));
        error.with(|d| {
            // Whatever a server may have put into them: a host in a redirect, a text in a reply of the wrong shape.
            d.message = mask(&d.message);
            d.cause = d.cause.as_ref().map(|cause| Cause::of(mask(cause.as_str())));
            d.operation = Some(call.operation.id.clone());
            // A token request that failed is named already.
            d.request.get_or_insert(line);
            d.attempts = attempts;
        })
    }
}

/// The end of a wait for one more attempt: what the last one was answered stays with it.
fn in_place_of(answer: Error, stopped: Error) -> Error {
    let cause = Cause::of(format_args!("{}: {}", answer.kind(), answer.message));
    stopped.with(|d| {
        d.cause = Some(cause);
        d.http_status = answer.http_status;
        d.provider = answer.provider.clone();
    })
}

/// The end of a request that may have taken effect.
fn settle(error: Error, ambiguous: bool) -> Error {
    if !ambiguous || error.kind() == ErrorKind::UnknownOutcome {
        return error;
    }
    error.with(|d| {
        d.cause = Some(Cause::of(format_args!("{}: {}", d.kind, d.message)));
        d.message = format!("it is not known whether the write took effect: {}", d.message);
        // What a definition could say of such a reply helps next time; what helps against a refusal does not.
        let more = d.advice.take().filter(|_| d.kind == ErrorKind::BadResponse);
        let look = Advice::from("look at the record before sending it again");
        d.kind = ErrorKind::UnknownOutcome;
        d.advice = Some(match more {
            Some(more) => look.and(more),
            None => look,
        });
    })
}

fn fatal(error: Error) -> Miss {
    Miss { error, signal: None, asked: None }
}
