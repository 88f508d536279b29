//! `log.ndjson`: what happened in a run, one JSON line per event, for people and for `runs show`. Nothing depends on it:
//! it is appended without a sync, and an error only ends it.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::disk;

/// The file's name; it is beside the journal.
pub(crate) const NAME: &str = "log.ndjson";

/// Bytes after which only lines are added that are always kept, and bytes after which none is.
const SOFT_MAX: u64 = 10 << 20;
const HARD_MAX: u64 = 12 << 20;

/// The log of a run that this process has locked.
pub(super) struct RunLog {
    path: PathBuf,
    /// Opened with the first line.
    open: Mutex<LogFile>,
}

enum LogFile {
    Closed,
    Open { file: File, bytes: u64, is_full: bool },
    Broken,
}

impl RunLog {
    pub(super) fn new(root: &Path) -> RunLog {
        RunLog { path: root.join(NAME), open: Mutex::new(LogFile::Closed) }
    }

    /// Adds a line. Those that are always kept still fit when the file is full of others.
    pub(super) fn add(&self, line: &str, is_kept: bool) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(*open, LogFile::Closed) {
            *open = opened(&self.path).unwrap_or(LogFile::Broken);
        }
        let LogFile::Open { file, bytes, is_full } = &mut *open else { return };
        let mut text = String::with_capacity(line.len() + 1);
        if *bytes + line.len() as u64 >= if is_kept { HARD_MAX } else { SOFT_MAX } {
            if std::mem::replace(is_full, true) {
                return;
            }
            text.push_str("{\"event\":\"full\",\"message\":\"the log is full: from here on it has only starts, ends and outages\"}");
        } else {
            text.push_str(line);
        }
        text.push('\n');
        match file.write_all(text.as_bytes()) {
            Ok(()) => *bytes += text.len() as u64,
            Err(_) => *open = LogFile::Broken,
        }
    }
}

fn opened(path: &Path) -> Option<LogFile> {
    let mut file = disk::open(path, OpenOptions::new().read(true).append(true).create(true)).ok()?;
    let mut bytes = file.metadata().ok()?.len();
    let mut last = [b'\n'];
    if bytes > 0 {
        file.seek(SeekFrom::End(-1)).and_then(|_| file.read_exact(&mut last)).ok()?;
    }
    // A killed process may have left an incomplete line.
    if last != [b'\n'] {
        file.write_all(b"\n").ok()?;
        bytes += 1;
    }
    Some(LogFile::Open { file, bytes, is_full: bytes >= SOFT_MAX })
}

#[cfg(test)]
mod tests {
    use super::{HARD_MAX, NAME, RunLog, SOFT_MAX};

    #[test]
    fn the_log_is_bounded_and_keeps_starts_and_ends() {
        let folder = tempfile::tempdir().unwrap();
        let (log, line) = (RunLog::new(folder.path()), format!("{{\"note\":\"{}\"}}", "x".repeat(64 << 10)));
        let path = folder.path().join(NAME);
        for _ in 0..SOFT_MAX / (64 << 10) + 20 {
            log.add(&line, false);
        }
        log.add("{\"event\":\"ended\"}", true);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.len() as u64 <= SOFT_MAX + 200, "{}", text.len());
        assert!(text.ends_with("{\"event\":\"ended\"}\n"));
        assert_eq!(text.matches("\"full\"").count(), 1);
        for _ in 0..HARD_MAX / (64 << 10) {
            log.add(&line, true);
        }
        assert!(std::fs::metadata(&path).unwrap().len() <= HARD_MAX + 200);
    }

    #[test]
    fn a_torn_line_does_not_spoil_the_next_and_a_missing_folder_is_no_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(NAME);
        std::fs::write(&path, "{\"event\":\"no").unwrap();
        RunLog::new(folder.path()).add("{\"event\":\"begun\"}", true);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "{\"event\":\"no\n{\"event\":\"begun\"}\n");
        RunLog::new(&folder.path().join("missing")).add("{}", true);
    }
}
