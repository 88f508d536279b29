//! Waits of the host's threads, each until a point in time.

use std::sync::{Condvar, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Waits for a signal or the deadline; returns whether time is left.
pub(in crate::ffi) fn wait<'m, T>(
    signal: &Condvar,
    guard: MutexGuard<'m, T>,
    until: Option<Instant>,
) -> (MutexGuard<'m, T>, bool) {
    let Some(until) = until else { return (signal.wait(guard).unwrap_or_else(PoisonError::into_inner), true) };
    let left = until.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return (guard, false);
    }
    let (guard, _) = signal.wait_timeout(guard, left).unwrap_or_else(PoisonError::into_inner);
    (guard, true)
}

/// A timeout in milliseconds, negative for none, as a deadline.
pub(in crate::ffi) fn until(timeout_ms: i64) -> Option<Instant> {
    u64::try_from(timeout_ms).ok().and_then(|ms| Instant::now().checked_add(Duration::from_millis(ms)))
}
