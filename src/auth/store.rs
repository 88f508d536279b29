//! Where tokens are kept between calls: a trait, and a store in memory. A rotated token is written before it is used.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

use crate::error::{Error, ErrorKind, Result};
use crate::secret::Secret;

/// Whose tokens: a connection uses those of its own owner and no others.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TokenOwner {
    /// The connector's name.
    pub connector: String,
    /// Where its requests go.
    pub address: String,
    /// The account that the connection names.
    pub account: Option<String>,
    /// Digest of what its tokens began with: the client, and the refresh token that the connection itself holds. Another one there begins anew.
    pub seed: String,
    /// Whether a refresh token is among that, which belongs to one account alone.
    pub is_seeded: bool,
    /// The connection's name, for messages; no part of who it is.
    pub connection: Option<String>,
}

impl TokenOwner {
    /// The name of its slot. A refresh token is the same whatever the account is called that it is said to be of, so that two such claims meet here.
    #[must_use]
    pub fn key(&self) -> String {
        let TokenOwner { connector, address, account, seed, is_seeded, .. } = self;
        match account {
            Some(account) if !is_seeded => format!("{connector}|{address}|{account}|{seed}"),
            Some(_) | None => format!("{connector}|{address}||{seed}"),
        }
    }

    /// Whether tokens are its own.
    pub(crate) fn owns(&self, tokens: &Tokens) -> bool {
        tokens.account == self.account && tokens.seed.as_ref() == Some(&self.seed)
    }
}

/// What an authorization server issued.
#[derive(Clone, Debug)]
pub struct Tokens {
    /// Goes with every request.
    pub access: Secret,
    /// Buys the next pair; of rotating ones, only the newest works.
    pub refresh: Option<Secret>,
    /// When the access token ends, in seconds since 1970; `None` when the server did not say.
    pub expires_at: Option<u64>,
    /// The account that they are of, as its connections call it.
    pub account: Option<String>,
    /// Digest of what they began with, as in [`TokenOwner::seed`].
    pub seed: Option<String>,
}

/// Tokens that an earlier version kept, which did not know of accounts.
#[derive(Clone, Debug)]
pub struct EarlierTokens {
    /// The connection's name, or what stood for it.
    pub name: String,
    /// The tokens; their seed, if any, is the digest of a refresh token alone.
    pub tokens: Tokens,
}

/// Keeps tokens by owner. Hosts that keep their own implement it.
#[async_trait]
pub trait TokenStore: Send + Sync {
    /// Opens an owner's slot for one holder at a time, over all processes that share the store. Dropping the slot closes it.
    ///
    /// # Errors
    /// `state` when the store cannot be read or locked.
    async fn open(&self, owner: &TokenOwner) -> Result<Box<dyn TokenSlot>>;
}

/// The slot of one owner, held exclusively.
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

    /// Whether there is room to write: asked before a token is spent for what is then to be written.
    ///
    /// # Errors
    /// `state` when there is none.
    async fn ready(&mut self) -> Result<()> {
        Ok(())
    }

    /// Removes what is stored, durably.
    ///
    /// # Errors
    /// `unsupported` where the store removes nothing; `state` when it cannot be written.
    async fn remove(&mut self) -> Result<()> {
        Err(Error::new(ErrorKind::Unsupported, "this token store removes nothing"))
    }

    /// What version 0.1 has kept for the owner's connector and address.
    ///
    /// # Errors
    /// `state` when it cannot be read.
    async fn earlier(&mut self) -> Result<Vec<EarlierTokens>> {
        Ok(Vec::new())
    }

    /// Makes tokens of version 0.1, by their name, the owner's own: they are then nobody else's.
    ///
    /// # Errors
    /// `state` when it cannot be written.
    async fn adopt(&mut self, _name: &str, tokens: &Tokens) -> Result<()> {
        self.write(tokens).await
    }
}

type Slot = Arc<AsyncMutex<Option<Tokens>>>;

/// Keeps tokens in memory, for as long as the engine lives.
#[derive(Default)]
pub struct MemoryStore {
    slots: Mutex<HashMap<String, Slot>>,
}

#[async_trait]
impl TokenStore for MemoryStore {
    async fn open(&self, owner: &TokenOwner) -> Result<Box<dyn TokenSlot>> {
        let slot =
            Arc::clone(self.slots.lock().unwrap_or_else(PoisonError::into_inner).entry(owner.key()).or_default());
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
    async fn remove(&mut self) -> Result<()> {
        *self.0 = None;
        Ok(())
    }
}
