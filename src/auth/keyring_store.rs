//! Tokens in the system keyring: one entry per connection. A keyring entry cannot be locked during a refresh, so a lock
//! file beside it is, across processes.

use std::path::PathBuf;

use async_trait::async_trait;

use super::file_store::{FileEntry, Lock, blocking, earlier_key, lock};
use super::store::{EarlierTokens, TokenOwner, TokenSlot, TokenStore, Tokens};
use crate::error::{Error, ErrorKind, Result};

/// The keyring's service name for all of opnode's entries.
pub(crate) const SERVICE: &str = "opnode";

/// A token store in the system's keyring: the Secret Service, the Keychain or the Credential Manager.
#[derive(Clone, Debug)]
pub struct KeyringStore {
    lock: PathBuf,
}

impl KeyringStore {
    /// A store with this lock file, which contains no token.
    #[must_use]
    pub fn new(lock: impl Into<PathBuf>) -> KeyringStore {
        KeyringStore { lock: lock.into() }
    }
}

#[async_trait]
impl TokenStore for KeyringStore {
    async fn open(&self, owner: &TokenOwner) -> Result<Box<dyn TokenSlot>> {
        let path = self.lock.clone();
        let lock = blocking(move || lock(&path)).await?;
        Ok(Box::new(KeyringSlot { owner: owner.clone(), _lock: lock }))
    }
}

struct KeyringSlot {
    owner: TokenOwner,
    _lock: Lock,
}

#[async_trait]
impl TokenSlot for KeyringSlot {
    async fn read(&mut self) -> Result<Option<Tokens>> {
        let user = user(&self.owner.key());
        blocking(move || read(&user)).await
    }

    async fn write(&mut self, tokens: &Tokens) -> Result<()> {
        let (user, entry) = (user(&self.owner.key()), FileEntry::from(tokens));
        blocking(move || write(&user, &entry)).await
    }

    async fn remove(&mut self) -> Result<()> {
        let user = user(&self.owner.key());
        blocking(move || remove(&user)).await
    }

    /// A keyring cannot list entries: tokens of version 0.1 are found only by the connection's own name.
    async fn earlier(&mut self) -> Result<Vec<EarlierTokens>> {
        let Some(name) = self.owner.connection.clone() else { return Ok(Vec::new()) };
        let user = user(&earlier_key(&self.owner, &name));
        let found = blocking(move || read(&user)).await?;
        Ok(found.into_iter().map(|tokens| EarlierTokens { name: name.clone(), tokens }).collect())
    }

    async fn adopt(&mut self, name: &str, tokens: &Tokens) -> Result<()> {
        self.write(tokens).await?;
        let user = user(&earlier_key(&self.owner, name));
        blocking(move || remove(&user)).await
    }
}

/// One that is not there is removed already.
fn remove(user: &str) -> Result<()> {
    match keyring::Entry::new(SERVICE, user).and_then(|entry| entry.delete_credential()) {
        Ok(()) | Err(keyring::Error::NoEntry) => Ok(()),
        Err(why) => Err(state("cannot be removed", user, &why)),
    }
}

fn user(key: &str) -> String {
    format!("tokens of {key}")
}

fn read(user: &str) -> Result<Option<Tokens>> {
    let text = match keyring::Entry::new(SERVICE, user).and_then(|entry| entry.get_password()) {
        Ok(text) => text,
        Err(keyring::Error::NoEntry) => return Ok(None),
        Err(why) => return Err(state("cannot be read", user, &why)),
    };
    // The reader's message may quote the content.
    let entry: FileEntry = serde_json::from_str(&text)
        .map_err(|_| {
            Error::new(ErrorKind::State, format!("the keyring's entry `{user}` of the service {SERVICE} is damaged"))
        })
        .map_err(|e| e.advise("remove the entry and sign in again"))?;
    Ok(Some(Tokens::from(&entry)))
}

fn write(user: &str, entry: &FileEntry) -> Result<()> {
    let text = serde_json::to_string(entry)
        .map_err(|e| Error::new(ErrorKind::Internal, format!("the keyring's entry: {e}")))?;
    keyring::Entry::new(SERVICE, user)
        .and_then(|entry| entry.set_password(&text))
        .map_err(|why| state("cannot be written", user, &why))
}

fn state(what: &str, user: &str, why: &keyring::Error) -> Error {
    let message = format!("the keyring's entry `{user}` of the service {SERVICE} {what}: {}", reason(why));
    Error::new(ErrorKind::State, message)
        .advise("check that the keyring is running and unlocked, or store the tokens in a file")
}

/// If there is no keyring at all, the error of opening the keyring says more than that of the entry.
pub(crate) fn reason(why: &keyring::Error) -> String {
    keyring::Entry::store_status().as_ref().err().map_or_else(|| why.to_string(), ToString::to_string)
}
