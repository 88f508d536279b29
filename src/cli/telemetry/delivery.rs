//! What was delivered to the collector, and why the rest was not.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use url::Url;

use crate::lock::lock;

/// The delivery of one signal.
#[derive(Debug)]
pub(super) struct Delivery {
    /// `spans` or `metrics`.
    what: &'static str,
    /// Without credentials and query.
    address: String,
    given: AtomicU64,
    delivered: AtomicU64,
    /// Why the last request failed.
    reason: Mutex<Option<String>>,
}

impl Delivery {
    pub(super) fn new(what: &'static str, url: &Url) -> Delivery {
        let address = url.origin().ascii_serialization();
        Delivery { what, address, given: AtomicU64::new(0), delivered: AtomicU64::new(0), reason: Mutex::default() }
    }

    /// Spans that ended, or states of the metrics, which have to be delivered.
    pub(super) fn give(&self, count: u64) {
        self.given.fetch_add(count, Ordering::Relaxed);
    }

    pub(super) fn delivered(&self, count: u64) {
        self.delivered.fetch_add(count, Ordering::Relaxed);
    }

    /// A state of the metrics was delivered: it includes the earlier ones.
    pub(super) fn all_delivered(&self) {
        self.delivered.store(self.given.load(Ordering::Relaxed), Ordering::Relaxed);
    }

    /// A request failed.
    pub(super) fn failed(&self, why: String) {
        *lock(&self.reason) = Some(why);
    }

    /// What was not delivered, and why; `None` if everything was.
    pub(super) fn lost(&self) -> Option<String> {
        let (given, delivered) = (self.given.load(Ordering::Relaxed), self.delivered.load(Ordering::Relaxed));
        let lost = given.checked_sub(delivered).filter(|lost| *lost > 0)?;
        let what = match self.what {
            "spans" => format!("{lost} of {given} spans"),
            other => other.to_owned(),
        };
        let why = lock(&self.reason).clone().unwrap_or_else(|| "the collector is too slow".to_owned());
        Some(format!("{what} could not be delivered to {}: {why}", self.address))
    }
}
