//! Files that commands write for the user: definitions and connections files. Written aside and renamed.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::claim::{Claim, claim};
use crate::durable;
use crate::error::{Error, ErrorKind, Place, Result, io_text};
use crate::private_file;
use crate::text_file::if_there;

/// An error of a file.
pub(crate) fn failed(path: &Path, what: &str, cause: &std::io::Error) -> Error {
    let shown = path.display().to_string();
    Error::new(ErrorKind::State, format!("{shown} cannot be {what}: {}", io_text(cause)))
        .at(Place { file: Some(shown), ..Place::default() })
}

/// The text of a file to which something is added; empty when there is no such file.
pub(crate) fn text_before(path: &Path) -> Result<String> {
    let read = if_there(std::fs::read_to_string(path)).map_err(|cause| failed(path, "read", &cause))?;
    Ok(read.unwrap_or_default())
}

/// Writes a file, with its folder; the old one stays until the new one is complete. A file behind a link is written, not the link.
pub(crate) fn replace(path: &Path, text: &str) -> Result<()> {
    write(path, text.as_bytes(), false)
}

/// The same for bytes.
pub(crate) fn replace_bytes(path: &Path, bytes: &[u8]) -> Result<()> {
    write(path, bytes, false)
}

/// The same for a file that only its owner may read, if it is new.
pub(crate) fn replace_private(path: &Path, text: &str) -> Result<()> {
    write(path, text.as_bytes(), true)
}

fn write(path: &Path, bytes: &[u8], is_private: bool) -> Result<()> {
    let wrong = |cause: std::io::Error| failed(path, "written", &cause);
    let real = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    std::fs::create_dir_all(durable::folder(&real)).map_err(wrong)?;
    let name = real.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    // Two processes may write the same file.
    let aside = real.with_file_name(format!(".{name}.{}.new", std::process::id()));
    let mut file = private_file::begin(&aside, is_private).map_err(wrong)?;
    let done = std::io::Write::write_all(&mut file, bytes)
        .and_then(|()| match std::fs::metadata(&real) {
            Ok(old) => file.set_permissions(old.permissions()),
            Err(_) => Ok(()),
        })
        .and_then(|()| durable::replace(&file, &aside, &real))
        .and_then(|()| durable::sync_folder(&real));
    done.map_err(|cause| {
        let _gone = std::fs::remove_file(&aside);
        wrong(cause)
    })
}

/// How long another process may take to write its file.
const HELD_MAX: Duration = Duration::from_secs(10);
const HELD_PAUSE: Duration = Duration::from_millis(20);

/// A folder whose files no other process of opnode changes. It is free again when this is dropped.
pub(crate) struct HeldFolder {
    path: PathBuf,
    /// The folder, if it was created for this.
    created: Option<PathBuf>,
    _lock: File,
}

impl Drop for HeldFolder {
    fn drop(&mut self) {
        let _gone = std::fs::remove_file(&self.path);
        // If nothing was written into a folder that was created for it.
        if let Some(folder) = self.created.as_ref() {
            let _kept = std::fs::remove_dir(folder);
        }
    }
}

/// Waits until no other process changes files of a folder, which is created if it is missing.
pub(crate) fn hold(folder: &Path) -> Result<HeldFolder> {
    let path = folder.join(".opnode.lock");
    let created = (!folder.exists()).then(|| folder.to_owned());
    let begun = Instant::now();
    loop {
        // Another process may have removed the folder that it had created.
        std::fs::create_dir_all(folder).map_err(|cause| failed(folder, "created", &cause))?;
        match claim(&path, true).map_err(|cause| failed(&path, "written", &cause))? {
            Claim::Mine(lock, _) => return Ok(HeldFolder { path, created, _lock: lock }),
            Claim::Held | Claim::Left(_) if begun.elapsed() < HELD_MAX => std::thread::sleep(HELD_PAUSE),
            Claim::Held | Claim::Left(_) => {
                let message = format!("another process has been writing in {} for {HELD_MAX:?}", folder.display());
                return Err(Error::new(ErrorKind::State, message).advise("wait for it, then run this again"));
            }
        }
    }
}
