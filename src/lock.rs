//! Takes a lock even if its last holder panicked. Only for values that every holder leaves consistent.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// A lock whose holder panicked still contains consistent values: they are changed by single calls.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
