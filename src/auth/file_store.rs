//! Tokens in one file per user: mode 0600, locked across processes, replaced atomically and synced before a token is
//! used.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::store::{EarlierTokens, TokenOwner, TokenSlot, TokenStore, Tokens};
use crate::durable;
use crate::error::{Error, ErrorKind, Place, Result};
use crate::private_file;
use crate::secret::Secret;
use crate::text_file::if_there;

/// A token store in a file. Several processes may share it.
#[derive(Clone, Debug)]
pub struct FileStore {
    path: PathBuf,
}

impl FileStore {
    /// A store in this file; file and folder are created when the first token is written.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> FileStore {
        FileStore { path: path.into() }
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// The file version that this build writes. Version 1 had no accounts.
const VERSION: u32 = 2;

/// The file's content. Secrets are plain text in it; the file mode protects them.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    version: u32,
    /// Tokens by the owner's key.
    tokens: BTreeMap<String, FileEntry>,
    /// Tokens of version 1 that no connection has taken yet, by connector, address and the connection's name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    earlier: BTreeMap<String, FileEntry>,
}

/// The stored tokens of one connection.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileEntry {
    access: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    refresh: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_at: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    account: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seed: Option<String>,
}

impl From<&Tokens> for FileEntry {
    fn from(tokens: &Tokens) -> FileEntry {
        FileEntry {
            access: tokens.access.expose().to_owned(),
            refresh: tokens.refresh.as_ref().map(|r| r.expose().to_owned()),
            expires_at: tokens.expires_at,
            account: tokens.account.clone(),
            seed: tokens.seed.clone(),
        }
    }
}

impl From<&FileEntry> for Tokens {
    fn from(entry: &FileEntry) -> Tokens {
        Tokens {
            access: Secret::new(entry.access.clone()),
            refresh: entry.refresh.clone().map(Secret::new),
            expires_at: entry.expires_at,
            account: entry.account.clone(),
            seed: entry.seed.clone(),
        }
    }
}

#[async_trait]
impl TokenStore for FileStore {
    async fn open(&self, owner: &TokenOwner) -> Result<Box<dyn TokenSlot>> {
        let (path, owner) = (self.path.clone(), owner.clone());
        // Waiting for another process must not block this process's other calls.
        let lock = blocking(move || lock(&path.with_extension("lock"))).await?;
        Ok(Box::new(FileSlot { path: self.path.clone(), owner, _lock: lock }))
    }
}

struct FileSlot {
    path: PathBuf,
    owner: TokenOwner,
    _lock: Lock,
}

impl FileSlot {
    /// Replaces the file's content.
    async fn change(&self, change: impl FnOnce(&mut Stored) + Send + 'static) -> Result<()> {
        let path = self.path.clone();
        blocking(move || {
            let mut stored = load(&path)?;
            change(&mut stored);
            save(&path, &stored)
        })
        .await
    }
}

#[async_trait]
impl TokenSlot for FileSlot {
    async fn read(&mut self) -> Result<Option<Tokens>> {
        let (path, key) = (self.path.clone(), self.owner.key());
        blocking(move || Ok(load(&path)?.tokens.get(&key).map(Tokens::from))).await
    }

    async fn write(&mut self, tokens: &Tokens) -> Result<()> {
        let (key, entry) = (self.owner.key(), FileEntry::from(tokens));
        self.change(move |stored| drop(stored.tokens.insert(key, entry))).await
    }

    async fn remove(&mut self) -> Result<()> {
        let key = self.owner.key();
        self.change(move |stored| drop(stored.tokens.remove(&key))).await
    }

    /// Whether the file can be written again.
    async fn ready(&mut self) -> Result<()> {
        self.change(|_| {}).await
    }

    async fn earlier(&mut self) -> Result<Vec<EarlierTokens>> {
        let (path, place) = (self.path.clone(), earlier_key(&self.owner, ""));
        blocking(move || {
            let of = |(key, entry): (&String, &FileEntry)| {
                key.strip_prefix(&place)
                    .map(|name| EarlierTokens { name: name.to_owned(), tokens: Tokens::from(entry) })
            };
            Ok(load(&path)?.earlier.iter().filter_map(of).collect())
        })
        .await
    }

    async fn adopt(&mut self, name: &str, tokens: &Tokens) -> Result<()> {
        let (key, earlier, entry) = (self.owner.key(), earlier_key(&self.owner, name), FileEntry::from(tokens));
        self.change(move |stored| {
            stored.earlier.remove(&earlier);
            stored.tokens.insert(key, entry);
        })
        .await
    }
}

/// The key of version 1.
pub(super) fn earlier_key(owner: &TokenOwner, name: &str) -> String {
    format!("{}|{}|{name}", owner.connector, owner.address)
}

/// Held until dropped; the operating system releases it when the process dies.
pub(super) struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing the file is not enough after a fork: the child has the file open too, and with it the lock.
        let _closed_after_all = self.0.unlock();
    }
}

pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|e| Error::new(ErrorKind::Internal, format!("the token store's task failed: {e}")))?
}

/// The lock is a separate file, because each write replaces the store's file.
pub(super) fn lock(path: &Path) -> Result<Lock> {
    let folder = durable::folder(path);
    private_file::folder(folder).map_err(|e| state("the folder of the token store cannot be created", folder, &e))?;
    // Whoever can write to the folder could put the tokens of another account there.
    if private_file::is_open(folder, 0o002) {
        return Err(state(
            "tokens are not stored here",
            folder,
            &"every user of this machine can write to this folder",
        )
        .advise("use a folder of your own; it is created if it is missing"));
    }
    let file = private_file::open(path, File::options().write(true).create(true).truncate(false))
        .map_err(|e| state("the lock of the token store cannot be opened", path, &e))?;
    file.lock().map_err(|e| state("the token store cannot be locked", path, &e))?;
    Ok(Lock(file))
}

fn load(path: &Path) -> Result<Stored> {
    let read = if_there(std::fs::read_to_string(path));
    let Some(text) = read.map_err(|e| state("the token store cannot be read", path, &e))? else {
        return Ok(Stored { version: VERSION, ..Stored::default() });
    };
    #[derive(Deserialize)]
    struct StoreVersion {
        version: u32,
    }
    let newer = serde_json::from_str::<StoreVersion>(&text).ok().filter(|v| v.version > VERSION);
    if let Some(StoreVersion { version }) = newer {
        return Err(state(
            "the token store cannot be read",
            path,
            &format!("a newer opnode wrote it (version {version})"),
        )
        .advise("use that version, or store tokens in another file"));
    }
    let mut stored: Stored = serde_json::from_str(&text).map_err(|e| {
        // The parser's message may quote the content; its position is enough.
        let place = format!("line {}, column {}", e.line(), e.column());
        state("the token store is damaged", path, &place).advise("move the file away and sign in again")
    })?;
    if stored.version < VERSION {
        stored = Stored { version: VERSION, tokens: BTreeMap::new(), earlier: stored.tokens };
    }
    Ok(stored)
}

/// At every instant the old or the new content is there.
fn save(path: &Path, stored: &Stored) -> Result<()> {
    let fault = |e: std::io::Error| state("the token store cannot be written", path, &e);
    // The name is constant, under the lock: the next write replaces what a killed process left.
    let aside = path.with_extension("tmp");
    let text = serde_json::to_vec_pretty(stored)
        .map_err(|e| Error::new(ErrorKind::Internal, format!("the token store: {e}")))?;
    let written = private_file::begin(&aside, true)
        .and_then(|mut file| file.write_all(&text).and_then(|()| durable::replace(&file, &aside, path)));
    if let Err(e) = written {
        // Leaving it would leave tokens behind; a failure to remove it is ignored.
        let _gone = std::fs::remove_file(&aside);
        return Err(fault(e));
    }
    durable::sync_folder(path).map_err(fault)
}

fn state(what: &str, path: &Path, cause: &dyn std::fmt::Display) -> Error {
    let file = path.display().to_string();
    Error::new(ErrorKind::State, format!("{what}: {cause}")).at(Place { file: Some(file), ..Place::default() })
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    /// A forked child shares the open file, like a duplicate descriptor.
    #[test]
    fn a_lock_ends_while_a_forked_child_has_its_file_open() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokens.lock");
        let held = super::lock(&path).unwrap();
        let of_a_child = held.0.try_clone().unwrap();
        let next = File::options().write(true).open(&path).unwrap();
        assert!(next.try_lock().is_err(), "held");
        drop(held);
        assert!(next.try_lock().is_ok(), "given back");
        drop(of_a_child);
    }
}
