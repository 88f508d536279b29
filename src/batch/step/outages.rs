//! The outages of a run: the steps that use one account wait together, and one of them asks.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use crate::lock::lock;

/// The outages of a run, by account.
#[derive(Default)]
pub(in crate::batch) struct Outages(Mutex<BTreeMap<String, Arc<AccountOutage>>>);

/// One account. The lock is held by the step that asks.
#[derive(Default)]
pub(super) struct AccountOutage {
    pub(super) asking: tokio::sync::Mutex<()>,
    /// Number of outages that have ended.
    pub(super) ended: Mutex<u64>,
}

impl Outages {
    pub(super) fn account(&self, name: &str) -> Arc<AccountOutage> {
        Arc::clone(lock(&self.0).entry(name.to_owned()).or_default())
    }
}
