//! Turns one request into one checked page: rate limit, sign, send, judge, retry. Only this module retries.

mod accepted;
mod budget;
mod call;
mod exchange;
mod job_handle;
mod judge;
mod log;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use http::Method as Verb;
use http::request::Parts;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::auth::{CsrfCache, DigestState, TokenCache, TokenContext, TokenStore};
use crate::clock::Clock;
use crate::connection::Connection;
use crate::definition::Repeat;
use crate::error::{Advice, Cause, Error, ErrorKind, Result};
use crate::fault;
use crate::lock::lock;
use crate::page::Page;
use crate::reply::Response;
use crate::retry::{self, Signal, Verdict};
use crate::transport::{ExchangeLimits, Transport};
pub(crate) use accepted::text_at;
pub(crate) use budget::Budget;
pub use budget::Budgets;
pub(crate) use call::{Announce, Call, Outgoing};
pub use call::{Cancel, Gate};
pub use job_handle::{JobHandle, JobState};

/// Maximum time of a download that is written to disk, without a limit of the connection: it ends by `idle_s`.
const DOWNLOAD_S: u32 = 24 * 60 * 60;

/// Maximum number of redirects of one read.
const REDIRECTS_MAX: u32 = 5;

/// A page and the exchange that returned it.
#[derive(Debug)]
pub(crate) struct Sent {
    pub(crate) page: Page,
    pub(crate) status: u16,
    pub(crate) attempts: u32,
    pub(crate) location: Option<String>,
    /// The job that does the work.
    pub(crate) job: Option<JobHandle>,
    /// The reply itself, if it is the state of a job.
    pub(crate) reply: Option<Box<Response>>,
}

impl Sent {
    /// The success of a job without a result.
    pub(crate) fn done(location: Option<String>) -> Sent {
        Sent { attempts: 1, ..Sent::of(Page::default(), 200, location) }
    }

    /// A success.
    fn of(page: Page, status: u16, location: Option<String>) -> Sent {
        Sent { page, status, attempts: 0, location, job: None, reply: None }
    }
}

/// A connection's HTTP client, shared by all its calls.
pub(crate) struct ConnectionClient {
    pub(crate) connection: Arc<Connection>,
    pub(crate) transport: Arc<dyn Transport>,
    /// The same for requests of the sign-in.
    sign_in: Arc<dyn Transport>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) store: Arc<dyn TokenStore>,
    pub(crate) token_cache: TokenCache,
    csrf: CsrfCache,
    digest: DigestState,
    /// Limits the requests in flight of this connection.
    permits: Semaphore,
    /// The budget that it shares with other connections to the account.
    budget: Arc<Budget>,
}

/// The permits of a request in flight: one of the connection, one of the account.
struct Turn<'w>(#[expect(dead_code, reason = "held, not read")] [SemaphorePermit<'w>; 2]);

/// An attempt without a page.
struct SendMiss {
    error: Error,
    /// The kind of failure; `None` for a final answer.
    signal: Option<Signal>,
    asked: Option<Duration>,
    /// A rule says that the system refused the request before processing.
    is_refused: bool,
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
            sign_in: Arc::clone(&transport),
            transport,
            clock,
            store,
            token_cache: TokenCache::default(),
            csrf: CsrfCache::default(),
            digest: DigestState::default(),
            permits,
            budget,
        }
    }

    /// Another transport for the requests of the sign-in.
    #[cfg(feature = "cli")]
    pub(crate) fn sign_in_by(self, sign_in: Arc<dyn Transport>) -> ConnectionClient {
        ConnectionClient { sign_in, ..self }
    }

    /// The dependencies of a token request.
    pub(crate) fn token_context(&self) -> TokenContext {
        let (connection, transport) = (Arc::clone(&self.connection), Arc::clone(&self.sign_in));
        TokenContext { connection, transport, clock: Arc::clone(&self.clock), store: Arc::clone(&self.store) }
    }

    /// Sends a request until it has an answer, its budget is spent, or its outcome is unknown.
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
        let sends = AtomicU32::new(0);
        let request = Outgoing { sends: Some(&sends), ..request };
        let begun = self.clock.now();
        loop {
            let place = self.turn(call).await.map_err(|e| self.name(call, request, attempts, settle(e, ambiguous)))?;
            if let Some(announce) = announce.as_ref().filter(|_| attempts == 0) {
                self.announce(call, announce).await.map_err(|e| self.name(call, request, 0, e))?;
            }
            attempts += 1;
            // A separate boxed future keeps this one small: large allocations are slow.
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
                    // An earlier attempt of this call may have deleted it.
                    let status = miss.error.http_status.unwrap_or(404);
                    return Ok(Sent { attempts, ..Sent::of(Page::default(), status, None) });
                }
                // A final answer to this attempt does not show whether an earlier one took effect.
                return Err(named(settle(miss.error, ambiguous)));
            };
            let refused = miss.is_refused;
            // A declared refusal changed nothing, whatever its status means elsewhere.
            ambiguous |= repeat != Repeat::SafeRead && !refused && retry::is_ambiguous(signal);
            match retry::judge(repeat, signal, refused) {
                Verdict::Unknown => return Err(named(settle(miss.error, true))),
                Verdict::Repeat => {}
            }
            // Waits for a system that is restarting, unless the number of attempts is configured.
            let limits = &self.connection.limits;
            let waits =
                call.patient && call.attempts.is_none() && limits.attempts.is_none() && retry::is_outage(signal);
            let goes_on = attempts < call.attempts.unwrap_or_else(|| limits.attempts())
                || (waits && self.clock.now().saturating_sub(begun) < retry::PATIENCE);
            let cost = if goes_on { lock(&self.budget.retries).take(signal) } else { None };
            let Some(cost) = cost else { return Err(named(settle(miss.error, ambiguous))) };
            spent += cost;
            let wait = retry::backoff(signal, attempts, self.clock.chance()).max(miss.asked.unwrap_or_default());
            let beyond = call.deadline.is_some_and(|d| self.clock.now() + wait > d);
            let too_long = miss.asked.filter(|asked| *asked > self.connection.limits.longest_wait());
            if let (Some(asked), Signal::Throttled | Signal::Busy) = (too_long, signal) {
                // No other request of the connection is sent before then.
                lock(&self.budget.rate_limiter).hold(self.clock.now() + asked);
            }
            if too_long.is_some() || beyond {
                return Err(named(settle(miss.error, ambiguous)));
            }
            if let (Some(asked), Signal::Throttled | Signal::Busy) = (miss.asked, signal) {
                // The wait applies to the whole connection, not only to this request.
                lock(&self.budget.rate_limiter).hold(self.clock.now() + asked);
            }
            tracing::debug!(operation = %call.operation.id, account = self.connection.account(), attempts, wait_ms = wait.as_millis() as u64, why = %self.connection.redactor.mask(&miss.error.message), "retry");
            call.count_retry();
            if let Err(stopped) = self.pause(call, wait).await {
                return Err(named(settle(in_place_of(miss.error, stopped), ambiguous)));
            }
        }
    }

    /// Calls the gate for the items, once nothing else is waited for.
    async fn announce(&self, call: &Call, announce: &Announce<'_>) -> Result<()> {
        announce.gate.before(announce.first, announce.count).await?;
        if call.cancel.is_cancelled() { Err(Error::cancelled()) } else { Ok(()) }
    }

    /// Waits for permits and for the rate limit.
    async fn turn(&self, call: &Call) -> Result<Turn<'_>> {
        let place = self.place(call).await?;
        let held = lock(&self.budget.rate_limiter).held(self.clock.now());
        if held > self.connection.limits.longest_wait() {
            // An announced wait is not shortened.
            let message = format!(
                "{} allows no further request for {} s",
                self.connection.connector.title,
                held.as_secs_f64().ceil()
            );
            let advice = "try again later, or raise `limits: { wait_s }` of the connection to wait for it";
            return Err(Error::new(ErrorKind::RateLimited, message)
                .advise(advice)
                .with(|d| d.retry_after_ms = Some(held.as_millis() as u64)));
        }
        let wait = lock(&self.budget.rate_limiter).reserve(self.connection.rate(), self.clock.now());
        log::turn(&self.connection, call, wait);
        self.pause(call, wait).await?;
        Ok(place)
    }

    /// The connection's own permit comes first, so that waiting requests of a busy connection do not occupy the
    /// account's permits.
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
        let permit = permit
            .map_err(|_| Error::new(ErrorKind::Timeout, "the call's deadline passed before a request slot was free"))?;
        permit.map_err(|closed| Error::new(ErrorKind::Internal, format!("the connection is closed: {closed}")))
    }

    pub(crate) async fn pause(&self, call: &Call, wait: Duration) -> Result<()> {
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

    /// One attempt, including redirects of reads.
    async fn attempt(&self, call: &Call, request: Outgoing<'_>) -> Result<Sent, SendMiss> {
        let mut moved: Option<Box<Parts>> = None;
        for _ in 0..=REDIRECTS_MAX {
            let current = Outgoing { head: moved.as_deref().unwrap_or(request.head), ..request };
            let response = self.exchange(call, current).await?;
            let Some(next) = self.redirect(call, current, &response)? else {
                let rule = &call.operation.response;
                let declared = rule.ok.iter().chain(&rule.empty).any(|s| *s == response.status.as_u16());
                let is_ruled = || crate::fault::early_rule(&call.operation, &response).is_some();
                let written = call.operation.repeat != Repeat::SafeRead
                    && response.status.is_redirection()
                    && !declared
                    && !is_ruled();
                return if written {
                    self.redirected(call, current, &response)
                } else {
                    self.judge(call, current, response)
                };
            };
            let address = next.as_str().parse().map_err(|e| {
                fatal(Error::new(ErrorKind::BadResponse, format!("the redirect's address cannot be used: {e}")))
            })?;
            moved.get_or_insert_with(|| Box::new(request.head.clone())).uri = address;
        }
        Err(fatal(Error::new(ErrorKind::NoProgress, format!("more than {REDIRECTS_MAX} redirects in a row"))))
    }

    fn exchange_limits(&self, call: &Call) -> ExchangeLimits {
        let limits = &self.connection.limits;
        let seconds = |value: Option<u32>, default: u32| Duration::from_secs(u64::from(value.unwrap_or(default)));
        let total = seconds(limits.timeout_s, if call.downloads_to().is_some() { DOWNLOAD_S } else { 120 });
        let left = call.deadline.map(|d| d.saturating_sub(self.clock.now()));
        ExchangeLimits {
            first_byte: seconds(limits.first_byte_s, 60).min(total),
            idle: seconds(limits.idle_s, 30),
            total: left.map_or(total, |left| left.min(total)),
            body_max: limits.page_bytes(),
            ratio_max: limits.inflate_ratio.unwrap_or(200) as usize,
            header_max: limits.header_bytes.unwrap_or(64 << 10) as usize,
        }
    }

    /// Adds request, operation and attempts to an error.
    fn name(&self, call: &Call, request: Outgoing<'_>, attempts: u32, error: Error) -> Error {
        let mask = |text: &str| self.connection.redactor.mask(text).into_owned();
        let line = fault::clean(&mask(&format!("{} {}", request.head.method, request.head.uri)));
        error.with(|d| {
            // These texts may contain values from the server, such as the host of a redirect.
            d.message = mask(&d.message);
            d.cause = d.cause.as_ref().map(|cause| Cause::of(mask(cause.as_str())));
            d.operation = Some(call.operation.id.clone());
            // The error of a token request has its own request line.
            d.request.get_or_insert(line);
            d.attempts = attempts;
        })
    }
}

/// The error when waiting for another attempt was stopped; keeps the last answer.
fn in_place_of(answer: Error, stopped: Error) -> Error {
    let cause = Cause::of(format_args!("{}: {}", answer.kind(), answer.message));
    stopped.with(|d| {
        d.cause = Some(cause);
        d.http_status = answer.http_status;
        d.provider = answer.provider.clone();
    })
}

/// The error of a request that may have taken effect.
pub(crate) fn settle(error: Error, ambiguous: bool) -> Error {
    if !ambiguous || error.kind() == ErrorKind::UnknownOutcome {
        return error;
    }
    error.with(|d| {
        d.cause = Some(Cause::of(format_args!("{}: {}", d.kind, d.message)));
        d.message = format!("it is not known whether the write took effect: {}", d.message);
        // Advice on the definition is still useful; advice on a refusal is not.
        let more = d.advice.take().filter(|_| d.kind == ErrorKind::BadResponse);
        let look = Advice::from("check the record before sending it again");
        d.kind = ErrorKind::UnknownOutcome;
        d.advice = Some(match more {
            Some(more) => look.and(more),
            None => look,
        });
    })
}

fn fatal(error: Error) -> SendMiss {
    SendMiss { error, signal: None, asked: None, is_refused: false }
}
