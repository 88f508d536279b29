//! The retry table, the backoff, the retry budget and the rate limiter. Pure: time and random numbers are arguments.

mod limits;

use std::time::Duration;

pub(crate) use limits::{announced_wait, asked_wait, told_wait};

use http::header::RETRY_AFTER;
use http::{HeaderMap, StatusCode};

use crate::definition::{Rate, Repeat};

/// The result of a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    /// Nothing was sent: no connection, no name, no TLS.
    NotSent,
    /// 429, or 403 with a wait or nothing remaining.
    Throttled,
    /// 425; or 521, 523, 525 and 526 of a gateway, which did not reach the system: not processed.
    Unprocessed,
    /// A status that the connector declares as refused before processing, and that has no other meaning here.
    Refused,
    /// 503 with Retry-After.
    Busy,
    /// 408, 500, 502, 503, 504 and other 5xx.
    Transient(u16),
    /// Sent, and then no reply or an incomplete one.
    Lost,
    /// A success status with a body that cannot be read.
    Unreadable,
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Try again after a wait.
    Repeat,
    /// The outcome is unknown.
    Unknown,
}

/// The table. `refused` says that the connector declares this status as refused before processing.
///
/// The criterion is whether the system could have processed the request: a gateway may reply 5xx for a request that it
/// has forwarded, and the system itself may fail after it has written.
pub(crate) fn judge(repeat: Repeat, signal: Signal, refused: bool) -> Verdict {
    match (signal, repeat) {
        (Signal::NotSent | Signal::Throttled | Signal::Unprocessed | Signal::Refused, _) => Verdict::Repeat,
        (Signal::Busy | Signal::Transient(_), _) if refused => Verdict::Repeat,
        (Signal::Unreadable, Repeat::SafeRead) => Verdict::Repeat,
        (Signal::Unreadable, Repeat::IdempotentWrite | Repeat::OtherWrite) => Verdict::Unknown,
        (Signal::Busy | Signal::Lost | Signal::Transient(_), Repeat::SafeRead | Repeat::IdempotentWrite) => {
            Verdict::Repeat
        }
        (Signal::Busy | Signal::Lost | Signal::Transient(_), Repeat::OtherWrite) => Verdict::Unknown,
    }
}

/// Whether a write that saw this signal may have taken effect.
pub(crate) fn is_ambiguous(signal: Signal) -> bool {
    match signal {
        Signal::Lost | Signal::Unreadable | Signal::Busy | Signal::Transient(_) => true,
        Signal::NotSent | Signal::Throttled | Signal::Unprocessed | Signal::Refused => false,
    }
}

/// Whether this looks like a system that restarts or is overloaded for a moment, which is waited for.
pub(crate) fn is_outage(signal: Signal) -> bool {
    match signal {
        Signal::NotSent | Signal::Busy | Signal::Lost | Signal::Unprocessed | Signal::Transient(502..=504) => true,
        Signal::Throttled | Signal::Refused | Signal::Unreadable | Signal::Transient(_) => false,
    }
}

/// How long an unavailable system is waited for at least, if no number of attempts is set.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The signal of a status; `None` for those that are not retried. 501, 505 and 511 mean that the request was not done,
/// and will not be.
pub(crate) fn signal(status: StatusCode, headers: &HeaderMap) -> Option<Signal> {
    match status.as_u16() {
        429 => Some(Signal::Throttled),
        403 if headers.contains_key(RETRY_AFTER) || limits::is_used_up(headers) => Some(Signal::Throttled),
        425 | 521 | 523 | 525 | 526 => Some(Signal::Unprocessed),
        503 if headers.contains_key(RETRY_AFTER) => Some(Signal::Busy),
        501 | 505 | 511 => None,
        code @ (408 | 500..=599) => Some(Signal::Transient(code)),
        _ => None,
    }
}

const BASE: Duration = Duration::from_millis(200);
const BASE_OUTAGE: Duration = Duration::from_millis(500);
const BASE_THROTTLED: Duration = Duration::from_secs(1);
const CAP: Duration = Duration::from_secs(20);

/// Full jitter: a random wait up to the doubled base, capped; for an outage at least half of that, so that few attempts
/// span it. `chance` is in 0..1.
pub(crate) fn backoff(signal: Signal, attempt: u32, chance: f64) -> Duration {
    let chance = chance.clamp(0.0, 1.0);
    let (base, chance) = match signal {
        Signal::Throttled | Signal::Busy | Signal::Refused => (BASE_THROTTLED, chance),
        signal if is_outage(signal) => (BASE_OUTAGE, 0.5 + chance / 2.0),
        _ => (BASE, chance),
    };
    let ceiling = base.saturating_mul(1 << attempt.saturating_sub(1).min(16)).min(CAP);
    ceiling.mul_f64(chance)
}

/// The retry budget of a connection: a failing server gets a few percent more requests, not a storm.
#[derive(Debug)]
pub(crate) struct RetryBudget(u32);

const TOKENS_MAX: u32 = 500;
const COST_TRANSIENT: u32 = 14;
const COST_THROTTLED: u32 = 5;

impl Default for RetryBudget {
    fn default() -> Self {
        RetryBudget(TOKENS_MAX)
    }
}

impl RetryBudget {
    /// Takes a retry's cost; `None` if the budget is used up.
    pub(crate) fn take(&mut self, signal: Signal) -> Option<u32> {
        let waits = is_outage(signal) && signal != Signal::Lost;
        let cost = if waits || matches!(signal, Signal::Throttled | Signal::Refused) {
            COST_THROTTLED
        } else {
            COST_TRANSIENT
        };
        self.0 = self.0.checked_sub(cost)?;
        Some(cost)
    }

    /// A success returns the cost of its retries, and a little if it needed none.
    pub(crate) fn give(&mut self, cost: u32) {
        self.0 = self.0.saturating_add(cost.max(1)).min(TOKENS_MAX);
    }
}

/// The rate limiter of a connection: requests per time (GCRA), and never before a time that the server named.
#[derive(Debug, Default)]
pub(crate) struct RateLimiter {
    /// Theoretical arrival time of the next request.
    arrival: Duration,
    not_before: Duration,
}

impl RateLimiter {
    /// Reserves a slot; returns how long to wait for it. `now` is monotonic.
    pub(crate) fn reserve(&mut self, rate: Option<Rate>, now: Duration) -> Duration {
        let held = self.not_before.saturating_sub(now);
        let Some(rate) = rate else { return held };
        let window = Duration::from_secs(u64::from(rate.per_s));
        let interval = window / rate.requests.max(1);
        let arrival = self.arrival.max(now + held);
        self.arrival = arrival + interval;
        // A burst of a whole window is allowed; beyond it, one request per interval.
        held.max((arrival + interval).saturating_sub(window).saturating_sub(now))
    }

    /// No request is sent before then.
    pub(crate) fn hold(&mut self, until: Duration) {
        self.not_before = self.not_before.max(until);
    }

    /// The rest of the wait that the server requested.
    pub(crate) fn held(&self, now: Duration) -> Duration {
        self.not_before.saturating_sub(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table() {
        use Repeat::{IdempotentWrite, OtherWrite, SafeRead};
        use Verdict::{Repeat as Again, Unknown};
        let rows = [
            (Signal::NotSent, [Again, Again, Again]),
            (Signal::Throttled, [Again, Again, Again]),
            (Signal::Unprocessed, [Again, Again, Again]),
            (Signal::Refused, [Again, Again, Again]),
            (Signal::Busy, [Again, Again, Unknown]),
            (Signal::Transient(408), [Again, Again, Unknown]),
            (Signal::Transient(500), [Again, Again, Unknown]),
            (Signal::Transient(503), [Again, Again, Unknown]),
            (Signal::Lost, [Again, Again, Unknown]),
            (Signal::Unreadable, [Again, Unknown, Unknown]),
        ];
        for (signal, verdicts) in rows {
            let found = [SafeRead, IdempotentWrite, OtherWrite].map(|r| judge(r, signal, false));
            assert_eq!(found, verdicts, "{signal:?}");
        }
        assert_eq!(judge(OtherWrite, Signal::Busy, true), Again);
        assert_eq!(judge(OtherWrite, Signal::Transient(500), true), Again);
    }

    #[test]
    fn an_outage_of_half_a_minute_is_spanned_by_few_attempts() {
        let spent =
            |attempts: u32, chance| (1..attempts).map(|n| backoff(Signal::NotSent, n, chance)).sum::<Duration>();
        assert!(spent(9, 0.0) >= PATIENCE, "{:?}", spent(9, 0.0));
        assert!(spent(7, 1.0) >= PATIENCE, "{:?}", spent(7, 1.0));
    }

    #[test]
    fn the_budget_allows_35_retries_and_then_none() {
        let mut tokens = RetryBudget::default();
        assert_eq!((0..1000).filter(|_| tokens.take(Signal::Transient(500)).is_some()).count(), 35);
    }

    #[test]
    fn the_rate_limit_allows_a_burst_and_then_spreads() {
        let mut rate_limiter = RateLimiter::default();
        let rate = Some(Rate { requests: 10, per_s: 10 });
        let waits: Vec<Duration> = (0..12).map(|_| rate_limiter.reserve(rate, Duration::from_secs(100))).collect();
        assert!(waits[..10].iter().all(Duration::is_zero), "{waits:?}");
        assert_eq!(waits[10..], [Duration::from_secs(1), Duration::from_secs(2)]);
        rate_limiter.hold(Duration::from_secs(130));
        assert!(rate_limiter.reserve(rate, Duration::from_secs(120)) >= Duration::from_secs(10));
    }
}
