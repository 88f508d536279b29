//! The length of the journal, in a small file beside it. Without it, a journal that lost lines at its end would look
//! complete.
//!
//! The file has two lines of 512 bytes, written alternately and in place, so that one of them is complete after a kill
//! or a power cut. Each contains the number of journal lines that were durable before it was written, and the checksum
//! of the last of them. The file is not synced: it may be older than the journal, but never newer.

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::disk;
use crate::error::{Error, ErrorKind, Result};
use crate::run_store::extent::Sum;

/// The file's name; it is beside the journal.
pub(super) const NAME: &str = "journal.tail";
/// Bytes of a line; disks write 512 bytes atomically.
const LINE: usize = 512;

/// The known length of a journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Proof {
    pub(crate) run: String,
    pub(crate) lines: u64,
    /// The checksum of the last line.
    pub(crate) last: String,
}

/// The file of a running run.
pub(super) struct Tail {
    file: File,
    path: PathBuf,
    run: String,
    /// Index of the line that is written next.
    next: u64,
}

/// The content of the file beside a journal; `None` when the file is missing or both of its lines are incomplete.
///
/// # Errors
/// `state` when it cannot be read.
pub(super) fn read(journal: &Path) -> Result<Option<Proof>> {
    let text = disk::read_bytes(&journal.with_file_name(NAME))?.unwrap_or_default();
    Ok(text.chunks(LINE).filter_map(parse).max_by_key(|proof| proof.lines))
}

impl Tail {
    /// Creates or opens the file, writes the same content to both lines, and syncs them.
    ///
    /// # Errors
    /// `state` when writing fails.
    pub(super) fn open(journal: &Path, proof: Proof) -> Result<Tail> {
        let path = journal.with_file_name(NAME);
        let text = line(&proof)?.repeat(2);
        let mut file = disk::open(&path, File::options().write(true).create(true).truncate(false))?;
        let wrong = |e: std::io::Error| disk::failed("written", &path, &e);
        file.write_all(text.as_bytes())
            .and_then(|()| file.set_len(text.len() as u64))
            .and_then(|()| file.sync_all())
            .map_err(wrong)?;
        disk::sync_folder(&path)?;
        Ok(Tail { file, path, run: proof.run, next: 0 })
    }

    /// Records the length of a journal whose lines are durable.
    pub(super) fn record(&mut self, lines: u64, last: &str) -> Result<()> {
        let text = line(&Proof { run: self.run.clone(), lines, last: last.to_owned() })?;
        let written =
            self.file.seek(SeekFrom::Start(self.next * LINE as u64)).and_then(|_| self.file.write_all(text.as_bytes()));
        written.map_err(|e| disk::failed("written", &self.path, &e))?;
        self.next = 1 - self.next;
        Ok(())
    }
}

fn line(proof: &Proof) -> Result<String> {
    let json = serde_json::to_string(proof).unwrap_or_default();
    let text = format!("{} {json}", Sum::of(json.as_bytes()));
    if text.len() >= LINE {
        return Err(Error::new(ErrorKind::Internal, format!("{NAME} has no room for {json}")));
    }
    Ok(format!("{text:<width$}\n", width = LINE - 1))
}

/// Parses a complete line.
fn parse(line: &[u8]) -> Option<Proof> {
    let text = std::str::from_utf8(line).ok().filter(|text| text.len() == LINE)?;
    let (sum, json) = text.strip_suffix('\n')?.trim_end_matches(' ').split_once(' ')?;
    if sum != Sum::of(json.as_bytes()).to_string() {
        return None;
    }
    serde_json::from_str(json).ok()
}

#[cfg(test)]
mod tests {
    use super::LINE;
    use super::NAME;
    use super::Proof;
    use super::Tail;
    use super::read;

    fn proof(lines: u64) -> Proof {
        Proof { run: "r".into(), lines, last: format!("{lines:016x}") }
    }

    #[test]
    fn one_of_the_lines_is_always_complete() {
        let folder = tempfile::tempdir().unwrap();
        let journal = folder.path().join("journal");
        assert_eq!(read(&journal).unwrap(), None);
        let mut tail = Tail::open(&journal, proof(1)).unwrap();
        for lines in 2..5 {
            let before = std::fs::read(folder.path().join(NAME)).unwrap();
            tail.record(lines, &proof(lines).last).unwrap();
            let after = std::fs::read(folder.path().join(NAME)).unwrap();
            for at in 0..=2 * LINE {
                // A kill during its write leaves some new bytes and some old ones; both orders are tried.
                for torn in [[&after[..at], &before[at..]].concat(), [&before[..at], &after[at..]].concat()] {
                    std::fs::write(folder.path().join(NAME), torn).unwrap();
                    let found = read(&journal).unwrap().unwrap();
                    assert!(found == proof(lines) || found == proof(lines - 1), "{at}: {found:?}");
                }
            }
            std::fs::write(folder.path().join(NAME), after).unwrap();
        }
        std::fs::write(folder.path().join(NAME), "short").unwrap();
        assert_eq!(read(&journal).unwrap(), None);
    }
}
