//! A file that is being downloaded: it is written beside its place, and removed unless it gets its name.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use sha2::{Digest, Sha256};

use crate::claim::{Claim, claim};
use crate::durable;
use crate::secret::hex;

/// Where a file that a system returns is written, instead of into its item.
///
/// ```
/// use opnode::{CallOptions, FileTarget};
///
/// let with = CallOptions { files: Some(FileTarget::Folder("downloads".into())), ..CallOptions::default() };
/// # drop(with);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileTarget {
    /// A folder, which is created if it is missing. The system names the file; an existing file is never replaced.
    Folder(PathBuf),
    /// A file, which is replaced.
    File(PathBuf),
}

impl FileTarget {
    /// The folder that the file will be in.
    pub(crate) fn folder(&self) -> PathBuf {
        match self {
            FileTarget::Folder(folder) => folder.clone(),
            FileTarget::File(path) => durable::folder(&real(path)).to_owned(),
        }
    }
}

/// A link is followed: its target is replaced, not the link.
fn real(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

/// A file that grows.
pub(crate) struct PartFile {
    file: File,
    aside: PathBuf,
    digest: Sha256,
    size: u64,
    /// Whether the file has its content; until then it is removed.
    is_whole: bool,
}

/// Maximum number of downloads into one folder at a time.
const NAMES_MAX: u32 = 1000;

impl PartFile {
    /// Creates a file in a folder. Remains of processes that were killed are replaced.
    pub(crate) fn begin(folder: &Path) -> io::Result<PartFile> {
        fs::create_dir_all(folder)?;
        for number in 0..NAMES_MAX {
            let aside = folder.join(format!(".download-{number}.opnode"));
            if let Claim::Mine(file, _) = claim(&aside, true)? {
                return Ok(PartFile { file, aside, digest: Sha256::new(), size: 0, is_whole: false });
            }
        }
        Err(io::Error::other("too many downloads at a time"))
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.digest.update(bytes);
        self.size += bytes.len() as u64;
        Ok(())
    }

    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// The file with its whole content.
    pub(crate) fn finish(mut self) -> io::Result<Download> {
        let digest = self.digest.finalize_reset();
        let file = self.file.try_clone()?;
        self.is_whole = true;
        let sha256 = hex(&digest, digest.len());
        Ok(Download { file, aside: self.aside.clone(), size: self.size, sha256, path: OnceLock::new() })
    }
}

impl Drop for PartFile {
    fn drop(&mut self) {
        if !self.is_whole {
            let _gone = fs::remove_file(&self.aside);
        }
    }
}

/// A complete file, which is removed unless it gets its name.
pub(crate) struct Download {
    /// Is open so that no other process takes the file for a leftover.
    file: File,
    aside: PathBuf,
    pub(crate) size: u64,
    /// In hexadecimal.
    pub(crate) sha256: String,
    path: OnceLock<PathBuf>,
}

impl Download {
    /// Writes bytes that are in memory.
    pub(crate) fn of(folder: &Path, bytes: &[u8]) -> io::Result<Download> {
        let mut part = PartFile::begin(folder)?;
        part.write(bytes)?;
        part.finish()
    }

    /// Where it is; `None` until it has its name.
    pub(crate) fn path(&self) -> Option<&Path> {
        self.path.get().map(PathBuf::as_path)
    }

    /// Brings it to disk and gives it its name; in a folder `name`, or one with a number if there is such a file.
    pub(crate) fn place(&self, target: &FileTarget, name: &str) -> io::Result<()> {
        let path = match target {
            FileTarget::File(path) => {
                let path = real(path);
                // Renaming a file over a device or a pipe would remove it.
                if fs::metadata(&path).is_ok_and(|found| !found.is_file()) {
                    return Err(io::Error::other("it is not a regular file"));
                }
                durable::replace(&self.file, &self.aside, &path)?;
                path
            }
            FileTarget::Folder(folder) => {
                self.file.sync_all()?;
                self.free_name(folder, name)?
            }
        };
        durable::sync_folder(&path)?;
        let _is_first = self.path.set(path);
        Ok(())
    }

    fn free_name(&self, folder: &Path, name: &str) -> io::Result<PathBuf> {
        let (stem, end) = match name.rfind('.').filter(|at| *at > 0) {
            Some(at) => name.split_at(at),
            None => (name, ""),
        };
        for number in 1..=NAMES_MAX {
            let path = folder.join(if number == 1 { name.to_owned() } else { format!("{stem}-{number}{end}") });
            if moved(&self.aside, &path)? {
                return Ok(path);
            }
        }
        Err(io::Error::other("too many files of this name"))
    }
}

/// Renames a file unless there is one of the new name. A link fails if there is; some file systems have none.
fn moved(from: &Path, to: &Path) -> io::Result<bool> {
    match fs::hard_link(from, to) {
        Ok(()) => fs::remove_file(from).map(|()| true),
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(_) if to.symlink_metadata().is_ok() => Ok(false),
        Err(_) => fs::rename(from, to).map(|()| true),
    }
}

impl Drop for Download {
    fn drop(&mut self) {
        if self.path.get().is_none() {
            let _gone = fs::remove_file(&self.aside);
        }
    }
}

impl fmt::Debug for Download {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Download({:?}, {} bytes)", self.path(), self.size)
    }
}

#[cfg(test)]
mod tests {
    use super::{Download, FileTarget, PartFile};

    fn names(folder: &std::path::Path) -> Vec<String> {
        let names = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_appears_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let new = folder.path().join("new");
        let target = FileTarget::Folder(new.clone());
        std::fs::create_dir(&new).unwrap();
        // The remains of a killed process are replaced.
        std::fs::write(new.join(".download-0.opnode"), "old").unwrap();
        let mut part = PartFile::begin(&new).unwrap();
        part.write(b"a").unwrap();
        drop(part);
        drop(Download::of(&new, b"b").unwrap());
        assert_eq!(names(&new), [""; 0]);

        let (first, second) = (Download::of(&new, b"c").unwrap(), Download::of(&new, b"d").unwrap());
        first.place(&target, "x.tar.gz").unwrap();
        second.place(&target, "x.tar.gz").unwrap();
        let third = Download::of(&new, b"e").unwrap();
        third.place(&FileTarget::File(new.join("x.tar.gz")), "other").unwrap();
        drop((first, second, third));
        assert_eq!(names(&new), ["x.tar-2.gz", "x.tar.gz"]);
        assert_eq!(std::fs::read(new.join("x.tar.gz")).unwrap(), b"e");
        assert_eq!(std::fs::read(new.join("x.tar-2.gz")).unwrap(), b"d");
    }
}
