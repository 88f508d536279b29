//! The retry table, the backoff, the retry budget and the pace of requests. Pure: time and chance come in as values.

use std::time::Duration;

use http::{HeaderMap, HeaderName, StatusCode};

use crate::definition::{Rate, Repeat};

/// What an attempt came to, when it did not succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    /// Nothing was sent: no connection, no name, no TLS.
    NotSent,
    /// 429.
    Throttled,
    /// 503 with Retry-After.
    Busy,
    /// 408, 500, 502, 503, 504 and other 5xx.
    Transient(u16),
    /// Sent, and then no answer or half of one.
    Lost,
    /// A success status with a body that cannot be read.
    Unreadable,
}

/// What follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Try again after a wait.
    Repeat,
    /// The call failed; it did not take effect.
    Fail,
    /// Nobody knows whether it took effect.
    Unknown,
}

/// The table. `refused` says that the connector declares this status as refused before processing.
pub(crate) fn judge(repeat: Repeat, signal: Signal, refused: bool) -> Verdict {
    match (signal, repeat) {
        (Signal::NotSent | Signal::Throttled, _) => Verdict::Repeat,
        (Signal::Busy | Signal::Transient(_), _) if refused => Verdict::Repeat,
        (Signal::Unreadable, Repeat::SafeRead) => Verdict::Repeat,
        (Signal::Unreadable, Repeat::IdempotentWrite | Repeat::OtherWrite) => Verdict::Unknown,
        (_, Repeat::SafeRead | Repeat::IdempotentWrite) => Verdict::Repeat,
        (Signal::Busy | Signal::Lost, Repeat::OtherWrite) => Verdict::Unknown,
        (Signal::Transient(502 | 504 | 408), Repeat::OtherWrite) => Verdict::Unknown,
        (Signal::Transient(_), Repeat::OtherWrite) => Verdict::Fail,
    }
}

/// Whether a write that saw this signal may have taken effect.
pub(crate) fn is_ambiguous(signal: Signal) -> bool {
    match signal {
        Signal::Lost | Signal::Unreadable | Signal::Busy | Signal::Transient(502 | 504 | 408) => true,
        Signal::NotSent | Signal::Throttled | Signal::Transient(_) => false,
    }
}

/// The signal of a status; `None` for those that repeat nothing.
pub(crate) fn signal(status: StatusCode, headers: &HeaderMap) -> Option<Signal> {
    match status.as_u16() {
        429 => Some(Signal::Throttled),
        503 if headers.contains_key(http::header::RETRY_AFTER) => Some(Signal::Busy),
        code @ (408 | 500..=599) => Some(Signal::Transient(code)),
        _ => None,
    }
}

const BASE: Duration = Duration::from_millis(200);
const BASE_THROTTLED: Duration = Duration::from_secs(1);
const CAP: Duration = Duration::from_secs(20);

/// Full jitter: anything between nothing and the doubled base, capped. `chance` lies in 0..1.
pub(crate) fn backoff(signal: Signal, attempt: u32, chance: f64) -> Duration {
    let base = if matches!(signal, Signal::Throttled | Signal::Busy) { BASE_THROTTLED } else { BASE };
    let ceiling = base.saturating_mul(1 << attempt.saturating_sub(1).min(16)).min(CAP);
    ceiling.mul_f64(chance.clamp(0.0, 1.0))
}

/// The wait that a server asks for (RFC 9110, section 10.2.3): seconds, or a date measured against the server's own Date. Garbage is no wait.
pub(crate) fn asked_wait(headers: &HeaderMap, now: std::time::SystemTime) -> Option<Duration> {
    let text = headers.get(http::header::RETRY_AFTER)?.to_str().ok()?.trim();
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        // More digits than a number holds are the far future, not garbage.
        let seconds = text.parse::<u64>().unwrap_or(u64::MAX);
        return (seconds > 0).then_some(Duration::from_secs(seconds.min(u64::from(u32::MAX))));
    }
    let until = httpdate::parse_http_date(text).ok()?;
    let server = headers.get(http::header::DATE).and_then(|v| v.to_str().ok()).and_then(|v| httpdate::parse_http_date(v).ok());
    until.duration_since(server.unwrap_or(now)).ok().filter(|d| !d.is_zero())
}

/// The retry budget of a connection: a dead server draws a few percent more requests, not a storm.
#[derive(Debug)]
pub(crate) struct Tokens(u32);

const TOKENS_MAX: u32 = 500;
const COST_TRANSIENT: u32 = 14;
const COST_THROTTLED: u32 = 5;

impl Default for Tokens {
    fn default() -> Self {
        Tokens(TOKENS_MAX)
    }
}

impl Tokens {
    /// Takes a retry's cost; `None` when the budget is spent.
    pub(crate) fn take(&mut self, signal: Signal) -> Option<u32> {
        let cost = if matches!(signal, Signal::Throttled | Signal::Busy) { COST_THROTTLED } else { COST_TRANSIENT };
        self.0 = self.0.checked_sub(cost)?;
        Some(cost)
    }

    /// A success gives back what its retries cost, and a little when it needed none.
    pub(crate) fn give(&mut self, cost: u32) {
        self.0 = self.0.saturating_add(cost.max(1)).min(TOKENS_MAX);
    }
}

/// The pace of a connection: so many requests per time (GCRA), and never before a time that the server named.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    /// Theoretical arrival time of the next request.
    arrival: Duration,
    not_before: Duration,
}

impl Pace {
    /// Reserves a place; the answer is how long to wait for it. `now` is monotonic.
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

    /// Nobody sends before then.
    pub(crate) fn hold(&mut self, until: Duration) {
        self.not_before = self.not_before.max(until);
    }
}

/// What remains, and when the window starts anew, by the names in use.
static LIMIT_FIELDS: [(HeaderName, HeaderName); 3] = [
    (HeaderName::from_static("ratelimit-remaining"), HeaderName::from_static("ratelimit-reset")),
    (HeaderName::from_static("x-ratelimit-remaining"), HeaderName::from_static("x-ratelimit-reset")),
    (HeaderName::from_static("x-rate-limit-remaining"), HeaderName::from_static("x-rate-limit-reset")),
];

/// Both in one.
static LIMIT_FIELD: HeaderName = HeaderName::from_static("ratelimit");

/// The wait that limit headers announce before a 429 is due: nothing remaining, and when the window starts anew
/// (in seconds, or as Unix time).
pub(crate) fn announced_wait(headers: &HeaderMap, now: std::time::SystemTime) -> Option<Duration> {
    let text = |name: &HeaderName| headers.get(name).and_then(|v| v.to_str().ok());
    let number = |name: &HeaderName| text(name).and_then(|v| v.trim().parse::<u64>().ok());
    let (left, reset) =
        LIMIT_FIELDS.iter().find_map(|(left, reset)| Some((number(left)?, number(reset)?))).or_else(|| one_field(text(&LIMIT_FIELD)?))?;
    if left > 0 {
        return None;
    }
    const DAY: u64 = 86_400;
    if reset <= DAY {
        return Some(Duration::from_secs(reset));
    }
    let epoch = now.duration_since(std::time::UNIX_EPOCH).ok()?.as_secs();
    reset.checked_sub(epoch).filter(|wait| *wait <= DAY).map(Duration::from_secs)
}

/// What remains and when it starts anew, from the one field of draft-ietf-httpapi-ratelimit-headers: `"name";r=0;t=3`, or in its older form
/// `limit=10, remaining=0, reset=3`. Of several policies, the first.
fn one_field(text: &str) -> Option<(u64, u64)> {
    let number = |long: &str, short: &str| {
        let found = text.split([';', ',']).filter_map(|p| p.split_once('=')).find(|(name, _)| [long, short].contains(&name.trim()));
        found.and_then(|(_, value)| value.trim().parse::<u64>().ok())
    };
    Some((number("remaining", "r")?, number("reset", "t")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table() {
        use Repeat::{IdempotentWrite, OtherWrite, SafeRead};
        use Verdict::{Fail, Repeat as Again, Unknown};
        let rows = [
            (Signal::NotSent, [Again, Again, Again]),
            (Signal::Throttled, [Again, Again, Again]),
            (Signal::Busy, [Again, Again, Unknown]),
            (Signal::Transient(408), [Again, Again, Unknown]),
            (Signal::Transient(500), [Again, Again, Fail]),
            (Signal::Transient(502), [Again, Again, Unknown]),
            (Signal::Transient(503), [Again, Again, Fail]),
            (Signal::Transient(504), [Again, Again, Unknown]),
            (Signal::Lost, [Again, Again, Unknown]),
            (Signal::Unreadable, [Again, Unknown, Unknown]),
        ];
        for (signal, verdicts) in rows {
            let found = [SafeRead, IdempotentWrite, OtherWrite].map(|r| judge(r, signal, false));
            assert_eq!(found, verdicts, "{signal:?}");
        }
        assert_eq!(judge(OtherWrite, Signal::Busy, true), Again);
    }

    #[test]
    fn waits_are_read_in_both_forms() {
        let wait = |value: &str, date: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("retry-after", value.parse().unwrap());
            headers.insert("date", date.parse().unwrap());
            asked_wait(&headers, std::time::UNIX_EPOCH)
        };
        let date = "Mon, 23 Nov 2026 10:00:00 GMT";
        assert_eq!(wait("7", date), Some(Duration::from_secs(7)));
        assert_eq!(wait("Mon, 23 Nov 2026 10:00:09 GMT", date), Some(Duration::from_secs(9)));
        for garbage in ["0", "-1", "soon", "Mon, 23 Nov 2026 09:00:00 GMT", "1.5"] {
            assert_eq!(wait(garbage, date), None, "{garbage}");
        }
    }

    #[test]
    fn the_budget_allows_35_retries_and_then_none() {
        let mut tokens = Tokens::default();
        assert_eq!((0..1000).filter(|_| tokens.take(Signal::Transient(503)).is_some()).count(), 35);
    }

    #[test]
    fn the_pace_lets_a_burst_through_and_then_spreads() {
        let mut pace = Pace::default();
        let rate = Some(Rate { requests: 10, per_s: 10 });
        let waits: Vec<Duration> = (0..12).map(|_| pace.reserve(rate, Duration::from_secs(100))).collect();
        assert!(waits[..10].iter().all(Duration::is_zero), "{waits:?}");
        assert_eq!(waits[10..], [Duration::from_secs(1), Duration::from_secs(2)]);
        pace.hold(Duration::from_secs(130));
        assert!(pace.reserve(rate, Duration::from_secs(120)) >= Duration::from_secs(10));
    }
}
