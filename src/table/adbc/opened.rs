//! The databases that are open in this process. A driver that opens a file twice in a process damages it, so that all
//! connections to a file share one database, and it is closed before it is opened anew. Transactions that write take turns.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use adbc_core::Database as _;
use adbc_driver_manager::{ManagedConnection, ManagedDatabase};

use super::super::address::AdbcAddress;
use crate::error::{Error, ErrorKind, Result};

static OPEN: Mutex<BTreeMap<String, OpenDatabase>> = Mutex::new(BTreeMap::new());

struct OpenDatabase {
    address: AdbcAddress,
    database: ManagedDatabase,
    turn: Arc<WriteTurn>,
    users: usize,
}

/// Whether a transaction writes.
#[derive(Default)]
pub(super) struct WriteTurn {
    is_taken: Mutex<bool>,
    freed: Condvar,
}

/// A database that is open as long as this lives.
pub(super) struct SharedDatabase {
    /// What identifies its file.
    key: Option<String>,
    /// Nothing once it is closed.
    database: Option<ManagedDatabase>,
    pub(super) turn: Arc<WriteTurn>,
}

fn all() -> MutexGuard<'static, BTreeMap<String, OpenDatabase>> {
    OPEN.lock().unwrap_or_else(PoisonError::into_inner)
}

impl SharedDatabase {
    /// The database of an address: the one that is open already, or a new one.
    ///
    /// # Errors
    /// Those of `open`; `state` for a file that is open with other options.
    pub(super) fn of(
        address: &AdbcAddress,
        shown: &str,
        open: impl FnOnce() -> Result<ManagedDatabase>,
    ) -> Result<SharedDatabase> {
        let Some(file) = address.file() else {
            return Ok(SharedDatabase { key: None, database: Some(open()?), turn: Arc::default() });
        };
        // Held while it is opened: the next one finds the file that the driver makes.
        let mut all = all();
        if let Some(own) = identity(&file).and_then(|key| Some((key.clone(), all.get_mut(&key)?))) {
            let (key, known) = own;
            if known.address.driver != address.driver || !known.address.other_options().eq(address.other_options()) {
                let message = format!("{shown}: the file is open by another driver or with other options");
                return Err(
                    Error::new(ErrorKind::State, message).advise("write the same options for all of its tables")
                );
            }
            known.users += 1;
            let (database, turn) = (Some(known.database.clone()), Arc::clone(&known.turn));
            return Ok(SharedDatabase { key: Some(key), database, turn });
        }
        let database = open()?;
        let key = identity(&file);
        let turn = Arc::<WriteTurn>::default();
        if let Some(key) = &key {
            let own = OpenDatabase {
                address: address.clone(),
                database: database.clone(),
                turn: Arc::clone(&turn),
                users: 1,
            };
            all.insert(key.clone(), own);
        }
        Ok(SharedDatabase { key, database: Some(database), turn })
    }

    /// A new connection.
    pub(super) fn connect(&self) -> Option<adbc_core::error::Result<ManagedConnection>> {
        self.database.as_ref().map(ManagedDatabase::new_connection)
    }
}

impl Drop for SharedDatabase {
    fn drop(&mut self) {
        let Some(key) = &self.key else { return };
        let mut all = all();
        let Some(own) = all.get_mut(key) else { return };
        own.users -= 1;
        if own.users == 0 {
            all.remove(key);
            // It is closed before another one can be opened.
            drop(self.database.take());
        }
    }
}

/// What two names of one file have in common.
#[cfg(unix)]
fn identity(file: &Path) -> Option<String> {
    use std::os::unix::fs::MetadataExt;
    let found = file.metadata().ok()?;
    Some(format!("{}:{}", found.dev(), found.ino()))
}

#[cfg(not(unix))]
fn identity(file: &Path) -> Option<String> {
    file.canonicalize().ok().map(|path| path.display().to_string())
}

impl WriteTurn {
    /// Waits until no other transaction writes.
    pub(super) fn take(&self) {
        let mut is_taken = self.is_taken.lock().unwrap_or_else(PoisonError::into_inner);
        while *is_taken {
            is_taken = self.freed.wait(is_taken).unwrap_or_else(PoisonError::into_inner);
        }
        *is_taken = true;
    }

    pub(super) fn give_back(&self) {
        *self.is_taken.lock().unwrap_or_else(PoisonError::into_inner) = false;
        self.freed.notify_one();
    }
}
