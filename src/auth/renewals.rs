//! Token renewals in progress in this process, for code that ends the process.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Notify;

/// The renewals in progress in this process, for code that ends it.
static RENEWALS: AtomicU64 = AtomicU64::new(0);

static RENEWED: Notify = Notify::const_new();

/// One renewal.
pub(super) struct Renewal;

impl Renewal {
    pub(super) fn begin() -> Renewal {
        RENEWALS.fetch_add(1, Ordering::SeqCst);
        Renewal
    }
}

impl Drop for Renewal {
    fn drop(&mut self) {
        RENEWALS.fetch_sub(1, Ordering::SeqCst);
        RENEWED.notify_waiters();
    }
}

/// Waits until no renewal is in progress: a process that ends during one loses the account's rotating tokens.
#[cfg(any(feature = "cli", feature = "ffi"))]
pub(crate) async fn settled() {
    loop {
        let renewed = RENEWED.notified();
        let mut renewed = std::pin::pin!(renewed);
        renewed.as_mut().enable();
        if RENEWALS.load(Ordering::SeqCst) == 0 {
            return;
        }
        renewed.await;
    }
}
