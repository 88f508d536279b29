//! Outages are waited out: while the system of an account does not answer, or refuses more requests for now, the steps
//! that use it pause, and one of them asks from time to time.

use std::time::Duration;

use super::context::{Task, stopped};
use crate::batch::event::Event;
use crate::error::{Error, ErrorKind, Result};
use crate::lock::lock;

/// Waits between two questions: the first, and the longest.
const WAIT: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(60));

/// The outages since the last success.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct OutagesPast {
    number: u32,
    /// When the first of them began, by the monotonic clock.
    since: Option<Duration>,
}

/// Whether an error shows that the system is not available at the moment, or accepts no more requests for now.
pub(super) fn is_outage(error: &Error) -> bool {
    let gateway = |status: u16| matches!(status, 429 | 502..=504 | 521 | 523 | 525 | 526);
    match error.kind() {
        ErrorKind::RateLimited => true,
        // No connection, or it broke. A certificate that is not trusted stays so.
        ErrorKind::Network => error.attempts > 0 && !error.is_lasting,
        ErrorKind::Unavailable => error.http_status.is_none_or(gateway),
        // No reply to a request; without an attempt, it is the deadline of the call.
        ErrorKind::Timeout => error.attempts > 0 && error.http_status.is_none(),
        // A write that may have taken effect.
        ErrorKind::UnknownOutcome => error.attempts > 0 && error.http_status.is_some_and(gateway),
        _ => false,
    }
}

impl Task<'_> {
    /// Waits until the system answers again. The more outages there were since the last success, the longer the first wait
    /// is; all of them together are one outage, because without a probe the step itself has to try.
    ///
    /// # Errors
    /// The error itself when the outage lasts longer than the step waits; `cancelled` when the run stops.
    pub(super) async fn wait_out(&self, error: Error, past: &mut OutagesPast) -> Result<()> {
        let effects = &self.context.effects;
        let account = self.context.outages.account(&effects.account(self.connection));
        let (now, known) = (self.clock().now(), *lock(&account.ended));
        let (since, again) = (*past.since.get_or_insert(now), past.number);
        past.number += 1;
        let asking = tokio::select! {
            asking = account.asking.lock() => asking,
            () = self.context.ledger.stop.cancelled() => return Err(stopped()),
        };
        if *lock(&account.ended) > known {
            // Another step has seen its end.
            return Ok(());
        }
        let result = self.ask(error, since, again).await;
        if result.is_ok() {
            *lock(&account.ended) += 1;
        }
        drop(asking);
        result
    }

    async fn ask(&self, error: Error, since: Duration, again: u32) -> Result<()> {
        let limit = self.step.limits.wait_up_to.min(self.time_left().unwrap_or(Duration::MAX));
        let mut asked = error.retry_after_ms.map(Duration::from_millis).unwrap_or_default();
        for number in again.. {
            let spent = self.clock().now().saturating_sub(since);
            let left = limit.saturating_sub(spent);
            let wait = WAIT.0.saturating_mul(1 << number.min(10)).min(WAIT.1).min(left).max(asked);
            if left.is_zero() || wait > left {
                break;
            }
            let (next_ms, left_ms) = (wait.as_millis() as u64, limit.saturating_sub(spent).as_millis() as u64);
            let connection = self.connection.to_owned();
            let event = Event::Outage { step: self.name(), connection, error: error.clone(), next_ms, left_ms };
            self.context.tell(event).await;
            self.pause(wait).await?;
            asked = match self.context.effects.probe(self.connection, &self.context.ledger.stop).await {
                Err(again) if is_outage(&again) => again.retry_after_ms.map(Duration::from_millis).unwrap_or_default(),
                Err(cancelled) if cancelled.kind() == ErrorKind::Cancelled => return Err(stopped()),
                // Without a probe, the step itself tries.
                Ok(()) | Err(_) => return Ok(()),
            };
        }
        let waited = self.clock().now().saturating_sub(since).as_secs();
        Err(error.with(|d| {
            if waited > 0 {
                d.message = format!("{} (waited {waited} s for the end of the outage)", d.message);
            }
            let more = "run it again to resume, or raise `wait_up_to` in the step or under `run`";
            d.advice = Some(d.advice.take().map_or_else(|| more.into(), |own| own.and(more)));
        }))
    }

    async fn pause(&self, wait: Duration) -> Result<()> {
        tokio::select! {
            () = self.clock().sleep(wait) => Ok(()),
            () = self.context.ledger.stop.cancelled() => Err(stopped()),
        }
    }

    /// Whether the step waits for the end of an outage.
    pub(super) fn waits(&self) -> bool {
        !self.step.limits.wait_up_to.is_zero() && !self.context.ledger.stop.is_cancelled()
    }
}

#[cfg(test)]
mod tests {
    use super::is_outage;
    use crate::error::{Error, ErrorKind};

    #[test]
    fn outages_are_what_ends_by_itself() {
        let network = |attempts, is_lasting| {
            Error::new(ErrorKind::Network, "x").with(|d| (d.attempts, d.is_lasting) = (attempts, is_lasting))
        };
        assert!(is_outage(&network(3, false)));
        assert!(!is_outage(&network(1, true)));
        assert!(!is_outage(&network(0, false)));
        let status = |kind, status| Error::new(kind, "x").with(|d| (d.attempts, d.http_status) = (1, Some(status)));
        for (kind, code, expected) in [
            (ErrorKind::RateLimited, 429, true),
            (ErrorKind::Unavailable, 503, true),
            (ErrorKind::Unavailable, 500, false),
            (ErrorKind::UnknownOutcome, 502, true),
            (ErrorKind::UnknownOutcome, 500, false),
            (ErrorKind::Unauthenticated, 401, false),
        ] {
            assert_eq!(is_outage(&status(kind, code)), expected, "{kind} {code}");
        }
    }
}
