//! What a replayed call sees instead of the machine: a clock that does not wait, and tokens that are always there.

use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;

use crate::auth::{TokenOwner, TokenSlot, TokenStore, Tokens};
use crate::clock::Clock;
use crate::error::Result;
use crate::lock::lock;
use crate::secret::{MASK, Secret};

/// Time passes only in waits, which return at once.
#[derive(Default)]
pub(crate) struct ReplayClock(Mutex<Duration>);

#[async_trait]
impl Clock for ReplayClock {
    fn now(&self) -> Duration {
        *lock(&self.0)
    }
    fn wall(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + self.now()
    }
    fn chance(&self) -> f64 {
        0.5
    }
    async fn sleep(&self, duration: Duration) {
        *lock(&self.0) += duration;
    }
}

/// A store with a token for everybody: a recording need not have a sign-in.
pub(crate) struct ReplayTokens;

#[async_trait]
impl TokenStore for ReplayTokens {
    async fn open(&self, owner: &TokenOwner) -> Result<Box<dyn TokenSlot>> {
        let access = Secret::new(MASK);
        let (account, seed) = (owner.account.clone(), Some(owner.seed.clone()));
        Ok(Box::new(ReplaySlot(Some(Tokens { access, refresh: None, expires_at: None, account, seed }))))
    }
}

struct ReplaySlot(Option<Tokens>);

#[async_trait]
impl TokenSlot for ReplaySlot {
    async fn read(&mut self) -> Result<Option<Tokens>> {
        Ok(self.0.clone())
    }
    async fn write(&mut self, tokens: &Tokens) -> Result<()> {
        self.0 = Some(tokens.clone());
        Ok(())
    }
    async fn remove(&mut self) -> Result<()> {
        self.0 = None;
        Ok(())
    }
}
