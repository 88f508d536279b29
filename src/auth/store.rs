//! Where tokens are kept between calls: a trait, and a store in memory. A rotated token is written before it is used.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

use crate::error::Result;
use crate::secret::Secret;

/// What an authorization server issued.
#[derive(Clone, Debug)]
pub struct Tokens {
    /// Goes with every request.
    pub access: Secret,
    /// Buys the next pair; of rotating ones, only the newest works.
    pub refresh: Option<Secret>,
    /// When the access token ends, in seconds since 1970; `None` when the server did not say.
    pub expires_at: Option<u64>,
    /// Digest of the refresh token that the connection itself held when this chain began: another one there begins a new chain.
    pub seed: Option<String>,
}

/// Keeps tokens by key. Hosts that keep their own implement it.
#[async_trait]
pub trait TokenStore: Send + Sync {
    /// Opens a key's slot for one holder at a time, over all processes that share the store. Dropping the slot closes it.
    ///
    /// # Errors
    /// `state` when the store cannot be read or locked.
    async fn open(&self, key: &str) -> Result<Box<dyn TokenSlot>>;
}

/// The slot of one key, held exclusively.
#[async_trait]
pub trait TokenSlot: Send {
    /// What is stored now.
    ///
    /// # Errors
    /// `state` when it cannot be read.
    async fn read(&mut self) -> Result<Option<Tokens>>;

    /// Stores durably: when this returns, the tokens survive a crash.
    ///
    /// # Errors
    /// `state` when it cannot be written; the new tokens are then not used.
    async fn write(&mut self, tokens: &Tokens) -> Result<()>;
}

type Slot = Arc<AsyncMutex<Option<Tokens>>>;

/// Keeps tokens in memory, for as long as the engine lives.
#[derive(Default)]
pub struct MemoryStore {
    slots: Mutex<HashMap<String, Slot>>,
}

#[async_trait]
impl TokenStore for MemoryStore {
    async fn open(&self, key: &str) -> Result<Box<dyn TokenSlot>> {
        let slot = Arc::clone(self.slots.lock().unwrap_or_else(PoisonError::into_inner).entry(key.to_owned()).or_default());
        Ok(Box::new(MemorySlot(slot.lock_owned().await)))
    }
}

struct MemorySlot(OwnedMutexGuard<Option<Tokens>>);

#[async_trait]
impl TokenSlot for MemorySlot {
    async fn read(&mut self) -> Result<Option<Tokens>> {
        Ok(self.0.clone())
    }
    async fn write(&mut self, tokens: &Tokens) -> Result<()> {
        *self.0 = Some(tokens.clone());
        Ok(())
    }
}
