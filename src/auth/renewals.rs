//! Renewals of tokens that are in progress in this process, for those who end it.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Notify;

/// Renewals under way in this process, for those who end it.
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

/// Waits until no token renewal is in flight in this process. Call it before the process ends: one that ends during a renewal loses the account of tokens
/// that rotate.
pub async fn wait_for_renewals() {
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
