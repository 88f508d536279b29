//! The lock of a run folder. The operating system releases it when the process ends for any reason.
//!
//! A process that wants the lock first takes a second lock, the gate, and keeps it until its name is in the lock file.
//! So a process that finds the lock taken reads the name of the current holder and not of an earlier one, even if both
//! started at the same instant.

use std::fs::{File, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::disk;
use crate::error::{Error, ErrorKind, Place, Result};

/// Maximum time to wait for the gate: its holder makes only three system calls.
const PATIENCE: Duration = Duration::from_millis(900);

/// The process that holds a folder.
#[derive(Serialize, Deserialize)]
struct Holder {
    pid: u32,
    host: String,
    since: String,
}

/// Locks a folder.
///
/// # Errors
/// `state` with the name of the other process that holds the lock, or when the disk refuses.
pub(super) fn hold(root: &Path, host: &str, since: String) -> Result<File> {
    let gate = open(&root.join("gate"))?;
    pass(&gate, &root.join("gate"))?;
    let path = root.join("lock");
    let mut file = open(&path)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(taken(&path, file)),
        Err(TryLockError::Error(e)) => return Err(disk::failed("locked", &path, &e)),
    }
    let holder = Holder { pid: std::process::id(), host: host.to_owned(), since };
    let text = serde_json::to_string(&holder).unwrap_or_default();
    let written = file.set_len(0).and_then(|()| file.rewind()).and_then(|()| file.write_all(text.as_bytes()));
    written.map_err(|e| disk::failed("written", &path, &e))?;
    Ok(file)
}

fn open(path: &Path) -> Result<File> {
    disk::open(path, File::options().read(true).write(true).create(true).truncate(false))
}

/// Waits for the gate. Closing its file releases it.
fn pass(gate: &File, path: &Path) -> Result<()> {
    let since = Instant::now();
    loop {
        match gate.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) if since.elapsed() < PATIENCE => std::thread::sleep(Duration::from_millis(2)),
            Err(TryLockError::WouldBlock) => {
                let message = format!("{}: other processes that want to run this batch hang", path.display());
                return Err(
                    Error::new(ErrorKind::State, message).advise("end any of them that is stopped, and try again")
                );
            }
            Err(TryLockError::Error(e)) => return Err(disk::failed("locked", path, &e)),
        }
    }
}

fn taken(path: &Path, mut file: File) -> Error {
    let mut text = String::new();
    let _unreadable_then_unnamed = file.read_to_string(&mut text);
    // Only a file that another program has changed contains no holder.
    let who = serde_json::from_str::<Holder>(&text).map_or_else(
        |_| format!("a process that is not named in {}", path.display()),
        |h| format!("process {} on {} (since {})", h.pid, h.host, h.since),
    );
    Error::new(ErrorKind::State, format!("{who} is running this batch"))
        .at(Place { file: Some(path.display().to_string()), ..Place::default() })
        .advise("wait until it has ended, or stop it; then start this again")
}

/// Returns an error if a process holds the folder; the error names it.
pub(crate) fn check(root: &Path) -> Result<()> {
    let Ok(gate) = File::open(root.join("gate")) else { return Ok(()) };
    pass(&gate, root)?;
    let Ok(file) = File::open(root.join("lock")) else { return Ok(()) };
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => Err(taken(&root.join("lock"), file)),
        _ => Ok(()),
    }
}

/// Whether a process holds a folder. The shared lock does not make a starting run find the folder taken.
pub(super) fn is_held(root: &Path) -> bool {
    check(root).is_err()
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Barrier};

    use super::hold;
    use super::is_held;

    #[test]
    fn of_several_simultaneous_holders_one_wins_and_the_others_name_it() {
        let folder = tempfile::tempdir().unwrap();
        // The name that a killed run left.
        std::fs::write(folder.path().join("lock"), r#"{"pid":1,"host":"stale","since":"2020-01-01T00:00:00Z"}"#)
            .unwrap();
        for round in 0..40 {
            let barrier = Arc::new(Barrier::new(9));
            let threads: Vec<_> = (0..8)
                .map(|number| {
                    let (root, barrier) = (folder.path().to_owned(), Arc::clone(&barrier));
                    std::thread::spawn(move || {
                        barrier.wait();
                        let held = hold(&root, &format!("h{round}-{number}"), String::new());
                        // The locks are kept until all threads have tried.
                        barrier.wait();
                        (number, held)
                    })
                })
                .collect();
            barrier.wait();
            let seen = is_held(folder.path());
            barrier.wait();
            let all: Vec<_> = threads.into_iter().map(|t| t.join().unwrap()).collect();
            let holders: Vec<_> = all
                .iter()
                .filter(|(_, held)| held.is_ok())
                .map(|(number, _)| format!(" on h{round}-{number} "))
                .collect();
            let [holder] = holders.as_slice() else { panic!("{holders:?} hold it at once, looked at: {seen}") };
            for (_, held) in &all {
                let Err(error) = held else { continue };
                assert!(error.message.contains(holder), "{} instead of{holder}", error.message);
            }
        }
    }
}
