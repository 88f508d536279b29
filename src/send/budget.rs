//! What connections to one account share within a process: requests in flight, their rate, and the retry budget.
//! Vendors count the requests of an account together.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, Weak};

use tokio::sync::Semaphore;

use crate::connection::Connection;
use crate::lock::lock;
use crate::retry::{RateLimiter, RetryBudget};
use crate::secret::digest;

/// The budget of one account.
pub(crate) struct Budget {
    /// The largest number of requests in flight that one of its connections allows.
    pub(super) permits: Semaphore,
    size: Mutex<usize>,
    pub(super) retries: Mutex<RetryBudget>,
    pub(super) rate_limiter: Mutex<RateLimiter>,
}

/// What connections to one account share, whichever engine opened them: requests in flight, their rate, and the retry
/// budget. Engines share one `Budgets` per process; a host that runs several tenants in one process, or a test, may
/// give engines their own.
///
/// ```
/// use std::sync::Arc;
///
/// use opnode::{Budgets, Engine, EngineConfig};
///
/// // Two tenants whose accounts have the same name, and that must not slow each other down.
/// let first = Engine::with_budgets(EngineConfig::default(), Arc::new(Budgets::default()));
/// let second = Engine::with_budgets(EngineConfig::default(), Arc::new(Budgets::default()));
/// # drop((first, second));
/// ```
#[derive(Default)]
pub struct Budgets(Mutex<BTreeMap<String, Weak<Budget>>>);

impl Budgets {
    /// The budgets of all engines of this process that use the real clock and network.
    pub(crate) fn of_process() -> Arc<Budgets> {
        static ALL: OnceLock<Arc<Budgets>> = OnceLock::new();
        Arc::clone(ALL.get_or_init(Arc::default))
    }

    /// The budget of a connection's account.
    pub(crate) fn of(&self, connection: &Connection) -> Arc<Budget> {
        let mut all = lock(&self.0);
        all.retain(|_, budget| budget.strong_count() > 0);
        let key = key(connection);
        let budget = all.get(&key).and_then(Weak::upgrade).unwrap_or_default();
        budget.allow(connection.limits.concurrency());
        all.insert(key, Arc::downgrade(&budget));
        budget
    }
}

impl Default for Budget {
    fn default() -> Self {
        Budget {
            permits: Semaphore::new(0),
            size: Mutex::new(0),
            retries: Mutex::default(),
            rate_limiter: Mutex::default(),
        }
    }
}

impl Budget {
    fn allow(&self, concurrency: usize) {
        let mut size = lock(&self.size);
        if concurrency > *size {
            self.permits.add_permits(concurrency - *size);
            *size = concurrency;
        }
    }
}

/// The key of an account: its name, or a digest of the credentials.
fn key(connection: &Connection) -> String {
    let who = connection.account().map_or_else(|| credentials(connection), |account| format!("account {account}"));
    format!("{}|{}|{who}", connection.connector.name, connection.base())
}

/// A digest, because keys are in memory that is not wiped.
fn credentials(connection: &Connection) -> String {
    let texts: Vec<String> =
        connection.connector.auth.texts().into_iter().map(|text| connection.render(text).unwrap_or_default()).collect();
    digest(texts.iter().map(String::as_str))
}
