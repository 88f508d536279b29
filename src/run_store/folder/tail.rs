//! How long the journal is, in a small file beside it: a journal that lost lines at its end would look like one that never had them.
//!
//! The file has two lines of 512 bytes, written in turn and in place, so that one of them is whole whenever the process is killed or the power goes. Each
//! tells a number of lines that were safe on disk before it was written, and the digits of the last of them. It is not synced itself: what it tells may be
//! older than the journal, and is never ahead of it.

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::disk;
use crate::error::{Error, ErrorKind, Result};
use crate::run_store::extent::Sum;

/// The file's name, beside the journal.
pub(super) const NAME: &str = "journal.tail";
/// Bytes of a line; a disk writes as many at once.
const LINE: usize = 512;

/// What is known of a journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Proof {
    pub(crate) run: String,
    pub(crate) lines: u64,
    /// The digits of the last of the lines.
    pub(crate) last: String,
}

/// The file, open for a run.
pub(super) struct Tail {
    file: File,
    path: PathBuf,
    run: String,
    /// The line that is written next.
    next: u64,
}

/// What the file beside a journal tells; nothing, when there is none or neither of its lines is whole.
///
/// # Errors
/// `state` when it cannot be read.
pub(super) fn read(journal: &Path) -> Result<Option<Proof>> {
    let text = disk::read_bytes(&journal.with_file_name(NAME))?.unwrap_or_default();
    Ok(text.chunks(LINE).filter_map(parse).max_by_key(|proof| proof.lines))
}

impl Tail {
    /// Begins or opens the file. Both of its lines tell the same from now on, durably.
    ///
    /// # Errors
    /// `state` when the disk refuses.
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

    /// Tells of a journal whose lines are durable.
    pub(super) fn tell(&mut self, lines: u64, last: &str) -> Result<()> {
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

/// A line that is whole.
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
    fn one_of_the_lines_is_always_whole() {
        let folder = tempfile::tempdir().unwrap();
        let journal = folder.path().join("journal");
        assert_eq!(read(&journal).unwrap(), None);
        let mut tail = Tail::open(&journal, proof(1)).unwrap();
        for lines in 2..5 {
            let before = std::fs::read(folder.path().join(NAME)).unwrap();
            tail.tell(lines, &proof(lines).last).unwrap();
            let after = std::fs::read(folder.path().join(NAME)).unwrap();
            for at in 0..=2 * LINE {
                // Killed in the middle of its write: some bytes are new, the rest is old, and both orders are tried.
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
