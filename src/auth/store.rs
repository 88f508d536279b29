//! Token stores: the trait, and a store in memory. A rotated token is written before it is used.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

use crate::error::{Error, ErrorKind, Result};
use crate::secret::Secret;

/// The owner of tokens: a connection uses only tokens of its own owner.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TokenOwner {
    /// The connector's name.
    pub connector: String,
    /// The address of its requests.
    pub address: String,
    /// The account that the connection names.
    pub account: Option<String>,
    /// Digest of the origin of its tokens: the client, and the refresh token in the connection. Tokens with another
    /// digest are not used.
    pub seed: String,
    /// Whether the digest includes a refresh token, which belongs to one account only.
    pub is_seeded: bool,
    /// The connection's name, for messages only.
    pub connection: Option<String>,
}

impl TokenOwner {
    /// The name of its slot. It is the same for one refresh token under different account names, so that such conflicts
    /// are detected.
    #[must_use]
    pub fn key(&self) -> String {
        let TokenOwner { connector, address, account, seed, is_seeded, .. } = self;
        match account {
            Some(account) if !is_seeded => format!("{connector}|{address}|{account}|{seed}"),
            Some(_) | None => format!("{connector}|{address}||{seed}"),
        }
    }

    /// Whether tokens belong to it.
    pub(crate) fn owns(&self, tokens: &Tokens) -> bool {
        tokens.account == self.account && tokens.seed.as_ref() == Some(&self.seed)
    }
}

/// The tokens that an authorization server issued.
#[derive(Clone, Debug)]
pub struct Tokens {
    /// Sent with every request.
    pub access: Secret,
    /// Exchanged for the next pair; of rotating ones, only the newest works.
    pub refresh: Option<Secret>,
    /// When the access token expires, in seconds since 1970; `None` if the server did not say.
    pub expires_at: Option<u64>,
    /// The account of the tokens, as named by its connections.
    pub account: Option<String>,
    /// Digest of their origin, as in [`TokenOwner::seed`].
    pub seed: Option<String>,
}

/// Tokens that an earlier version without accounts stored.
#[derive(Clone, Debug)]
pub struct EarlierTokens {
    /// The connection's name, or its substitute.
    pub name: String,
    /// The tokens; their seed, if any, is the digest of a refresh token.
    pub tokens: Tokens,
}

/// Stores tokens by owner. A host can implement it.
///
/// ```
/// use std::collections::HashMap;
/// use std::sync::Arc;
///
/// use opnode::{Result, TokenOwner, TokenSlot, TokenStore, Tokens};
/// use tokio::sync::{Mutex, OwnedMutexGuard};
///
/// /// A table of the host, held by one caller at a time.
/// #[derive(Default)]
/// struct Table(Arc<Mutex<HashMap<String, Tokens>>>);
///
/// struct Row {
///     key: String,
///     table: OwnedMutexGuard<HashMap<String, Tokens>>,
/// }
///
/// #[async_trait::async_trait]
/// impl TokenStore for Table {
///     async fn open(&self, owner: &TokenOwner) -> Result<Box<dyn TokenSlot>> {
///         Ok(Box::new(Row { key: owner.key(), table: Arc::clone(&self.0).lock_owned().await }))
///     }
/// }
///
/// #[async_trait::async_trait]
/// impl TokenSlot for Row {
///     async fn read(&mut self) -> Result<Option<Tokens>> {
///         Ok(self.table.get(&self.key).cloned())
///     }
///     async fn write(&mut self, tokens: &Tokens) -> Result<()> {
///         self.table.insert(self.key.clone(), tokens.clone()); // a real table: commit, then return
///         Ok(())
///     }
///     async fn remove(&mut self) -> Result<()> {
///         self.table.remove(&self.key);
///         Ok(())
///     }
/// }
/// # let config = opnode::EngineConfig { tokens: Some(Arc::new(Table::default())), ..Default::default() };
/// ```
#[async_trait]
pub trait TokenStore: Send + Sync {
    /// Opens an owner's slot for one holder at a time, across all processes that share the store. Dropping the slot
    /// closes it.
    ///
    /// # Errors
    /// `state` when the store cannot be read or locked.
    async fn open(&self, owner: &TokenOwner) -> Result<Box<dyn TokenSlot>>;
}

/// The exclusively held slot of one owner.
#[async_trait]
pub trait TokenSlot: Send {
    /// The stored tokens.
    ///
    /// # Errors
    /// `state` when it cannot be read.
    async fn read(&mut self) -> Result<Option<Tokens>>;

    /// Stores durably: when this returns, the tokens survive a crash.
    ///
    /// # Errors
    /// `state` when it cannot be written; the new tokens are then not used.
    async fn write(&mut self, tokens: &Tokens) -> Result<()>;

    /// Whether new tokens can be written: checked before a token is used up.
    ///
    /// # Errors
    /// `state` when they cannot.
    async fn ready(&mut self) -> Result<()> {
        Ok(())
    }

    /// Removes the stored tokens, durably.
    ///
    /// # Errors
    /// `unsupported` if the store cannot remove tokens; `state` when it cannot be written.
    async fn remove(&mut self) -> Result<()> {
        Err(Error::new(ErrorKind::Unsupported, "this token store cannot remove tokens"))
    }

    /// Tokens that version 0.1 stored for the owner's connector and address.
    ///
    /// # Errors
    /// `state` when it cannot be read.
    async fn earlier(&mut self) -> Result<Vec<EarlierTokens>> {
        Ok(Vec::new())
    }

    /// Assigns tokens of version 0.1, by name, to the owner; no other owner can then take them.
    ///
    /// # Errors
    /// `state` when it cannot be written.
    async fn adopt(&mut self, _name: &str, tokens: &Tokens) -> Result<()> {
        self.write(tokens).await
    }
}

type Slot = Arc<AsyncMutex<Option<Tokens>>>;

/// Stores tokens in memory, for the life of the engine.
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
