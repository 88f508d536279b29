//! Taking a lock, whatever became of its last holder. Only for values that every holder leaves whole.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// A lock whose holder panicked still holds whole values: those that are kept this way are changed by single calls.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
