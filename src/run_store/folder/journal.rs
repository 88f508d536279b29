//! The journal: the facts of a run, one line each with a checksum over it and the line before. Append-only.
//!
//! A line is 16 hexadecimal digits, a space, and a fact as a JSON object, or a list of facts that are valid only
//! together. The digits are the start of the SHA-256 of the previous line's digits and the JSON, so a line that was
//! changed, removed or moved fails its checksum. Only the last line may be incomplete; it is removed.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};

use sha2::Digest;
use tokio::sync::oneshot;

use super::disk;
use super::tail::{Proof, Tail};
use crate::error::{Advice, Error, ErrorKind, Place, Result};
use crate::run_store::extent::Sum;
use crate::run_store::fact::{Fact, JOURNAL_VERSION as VERSION};

/// Facts that are appended together.
struct JournalLine {
    facts: Vec<Fact>,
    /// Files that must be synced before the facts are written.
    before: Vec<(Arc<File>, PathBuf)>,
    done: Option<oneshot::Sender<Result<()>>>,
}

/// Appends facts. Clones share one writer thread, so that many facts share one sync.
#[derive(Clone)]
pub(super) struct Journal {
    entries: mpsc::Sender<JournalLine>,
}

impl Journal {
    /// Creates a journal with its first line, and syncs it: rows may be stored only once a journal names their run.
    pub(super) fn begin(path: &Path, run: &str, watermarks: Option<Sum>, at: u64) -> Result<Journal> {
        let wrong = |e: std::io::Error| disk::failed("written", path, &e);
        let mut file = disk::append(path)?;
        // The file can only contain an incomplete first line.
        file.set_len(0).map_err(wrong)?;
        let mut text = String::new();
        let first = Fact::Journal { version: VERSION, run: run.to_owned(), watermarks };
        let last = line("", &[first, Fact::Begun { at }], &mut text);
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(wrong)?;
        disk::sync_folder(path)?;
        Journal::open(path, Proof { run: run.to_owned(), lines: 1, last })
    }

    /// Opens a journal for appending after its last line.
    pub(super) fn open(path: &Path, whole: Proof) -> Result<Journal> {
        let tail = Tail::open(path, whole.clone())?;
        let file = disk::append(path)?;
        let length = file.metadata().map_err(|e| disk::failed("read", path, &e))?.len();
        let (entries, queue) = mpsc::channel();
        let mut writer =
            Writer { file, path: path.to_owned(), length, lines: whole.lines, last: whole.last, tail, broken: None };
        std::thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || writer.run(&queue))
            .map_err(|e| Error::new(ErrorKind::Internal, format!("the journal's thread cannot be started: {e}")))?;
        Ok(Journal { entries })
    }

    /// Records facts once `before` is synced. They are durable with the next [`commit`](Self::commit).
    pub(super) fn note(&self, facts: Vec<Fact>, before: Vec<(Arc<File>, PathBuf)>) {
        // If the writer has stopped, the next commit returns its error.
        let _gone = self.entries.send(JournalLine { facts, before, done: None });
    }

    /// Records facts and waits until they, and all earlier ones, are durable.
    ///
    /// # Errors
    /// `state` when writing fails; nothing is written after that.
    pub(super) async fn commit(&self, facts: Vec<Fact>, before: Vec<(Arc<File>, PathBuf)>) -> Result<()> {
        let (done, answer) = oneshot::channel();
        let gone = || Error::new(ErrorKind::Internal, "the journal's thread ended");
        self.entries.send(JournalLine { facts, before, done: Some(done) }).map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }
}

struct Writer {
    file: File,
    path: PathBuf,
    /// Length of the journal that is known to be written.
    length: u64,
    lines: u64,
    last: String,
    tail: Tail,
    broken: Option<Error>,
}

impl Writer {
    fn run(&mut self, queue: &mpsc::Receiver<JournalLine>) {
        while let Ok(first) = queue.recv() {
            // All queued entries are written with one sync.
            let batch: Vec<JournalLine> = std::iter::once(first).chain(queue.try_iter()).collect();
            let outcome = match &self.broken {
                Some(error) => Err(error.clone()),
                None => self.write(&batch),
            };
            if let Err(error) = &outcome {
                // After a failed write the end of the file is unknown, so nothing more is appended.
                self.broken = Some(error.clone());
                if batch.iter().flat_map(|e| &e.facts).any(|f| matches!(f, Fact::Ended { .. })) {
                    // A run that was reported as failed must not count as ended: the next run would start from the
                    // beginning.
                    let _as_far_as_the_disk_lets = self.file.set_len(self.length);
                }
            }
            for done in batch.into_iter().filter_map(|e| e.done) {
                let _nobody_waits = done.send(outcome.clone());
            }
        }
    }

    fn write(&mut self, batch: &[JournalLine]) -> Result<()> {
        let files: BTreeMap<&PathBuf, &Arc<File>> =
            batch.iter().flat_map(|e| &e.before).map(|(file, path)| (path, file)).collect();
        for (path, file) in files {
            file.sync_data().map_err(|e| disk::failed("written", path, &e))?;
        }
        let mut text = String::new();
        for entry in batch.iter().filter(|e| !e.facts.is_empty()) {
            self.last = line(&self.last, &entry.facts, &mut text);
            self.lines += 1;
        }
        let wrong = |e: std::io::Error| disk::failed("written", &self.path, &e);
        self.file.write_all(text.as_bytes()).map_err(wrong)?;
        if batch.iter().any(|e| e.done.is_some()) {
            self.file.sync_data().map_err(wrong)?;
            self.tail.record(self.lines, &self.last)?;
        }
        self.length += text.len() as u64;
        Ok(())
    }
}

/// Facts that were recorded together are one line, so that an incomplete line cannot contain half of them.
fn line(last: &str, facts: &[Fact], out: &mut String) -> String {
    let json = match facts {
        [fact] => serde_json::to_string(fact),
        several => serde_json::to_string(several),
    };
    let json = json.unwrap_or_default();
    let digits = digits(last, &json);
    out.push_str(&digits);
    out.push(' ');
    out.push_str(&json);
    out.push('\n');
    digits
}

fn digits(last: &str, json: &str) -> String {
    let digest = sha2::Sha256::new().chain_update(last).chain_update(json).finalize();
    crate::secret::hex(&digest, 8)
}

/// The result of reading a journal.
#[derive(Debug, Default)]
pub(crate) struct Recovered {
    /// The version in its first line.
    pub(crate) version: u32,
    pub(crate) run: String,
    /// Number of facts and of lines.
    pub(crate) facts: u64,
    pub(crate) lines: u64,
    /// The checksum of the last line.
    pub(crate) last: String,
    /// Number of valid bytes.
    pub(crate) length: u64,
    /// Whether an incomplete line follows them.
    pub(crate) torn: bool,
}

/// Reads a journal and passes its facts on one by one, because a run of a million writes has millions. It must have at
/// least the lines of `proof`.
///
/// # Errors
/// `state` with the line number when any line but the last is damaged or a newer version wrote the journal; also when
/// reading fails.
pub(crate) fn recover(
    path: &Path,
    mut text: impl BufRead,
    proof: Option<&Proof>,
    each: &mut dyn FnMut(&Fact),
) -> Result<Recovered> {
    let mut found = Recovered::default();
    let damaged = |number: u64, why: &str| damaged(path, number, why);
    let mut bytes = Vec::new();
    for number in 1_u64.. {
        bytes.clear();
        if text.read_until(b'\n', &mut bytes).map_err(|e| disk::failed("read", path, &e))? == 0 {
            break;
        }
        let Some(line) = bytes.strip_suffix(b"\n") else {
            found.torn = true;
            break;
        };
        let text = std::str::from_utf8(line).map_err(|_| damaged(number, "is no text"))?;
        let (sum, json) = text.split_once(' ').ok_or_else(|| damaged(number, "has no checksum"))?;
        if number == 1 {
            refuse_newer(path, json)?;
        }
        if sum != digits(&found.last, json) {
            return Err(damaged(number, "has a checksum that does not match"));
        }
        let facts = if json.starts_with('[') {
            serde_json::from_str(json)
        } else {
            serde_json::from_str(json).map(|fact| vec![fact])
        };
        let facts: Vec<Fact> = facts.map_err(|e| damaged(number, &format!("is not a valid fact: {e}")))?;
        if (number == 1) != facts.iter().any(|fact| matches!(fact, Fact::Journal { .. })) {
            return Err(damaged(
                number,
                if number == 1 { "is not the first line of a journal" } else { "starts a second journal" },
            ));
        }
        if let [Fact::Journal { version, run, .. }, ..] = facts.as_slice() {
            (found.version, found.run) = (*version, run.clone());
        }
        if let Some(proof) = proof.filter(|p| p.run != found.run || (p.lines == number && p.last != sum)) {
            return Err(foreign(path, proof, number));
        }
        found.last = sum.to_owned();
        facts.iter().for_each(&mut *each);
        found.facts += facts.len() as u64;
        found.lines = number;
        found.length += line.len() as u64 + 1;
    }
    match proof {
        Some(proof) if proof.lines > found.lines => Err(ends_early(path, proof, found.lines)),
        _ => Ok(found),
    }
}

fn damaged(path: &Path, number: u64, why: &str) -> Error {
    let shown = path.display().to_string();
    Error::new(ErrorKind::State, format!("the journal of the run is damaged: line {number} {why}"))
        .at(Place { file: Some(shown), line: Some(number), ..Place::default() })
        .advise(disk::DAMAGED_ADVICE)
}

/// The error for a journal that has lost lines at its end, or all lines.
fn ends_early(path: &Path, proof: &Proof, lines: u64) -> Error {
    let why = match lines {
        0 => format!("it is empty or missing, but {} had {} lines", proof.run, proof.lines),
        _ => format!("it ends with line {lines}, but had {} lines: later facts of the run are missing", proof.lines),
    };
    disk::damaged(path, &why)
}

/// The error for a journal that does not match the file beside it.
fn foreign(path: &Path, proof: &Proof, number: u64) -> Error {
    let beside = super::tail::NAME;
    disk::damaged(
        path,
        &match number {
            1 => format!("it belongs to another run than {beside}, which belongs to {}", proof.run),
            _ => format!("line {number} is not the one that {beside} records"),
        },
    )
}

fn refuse_newer(path: &Path, json: &str) -> Result<()> {
    let first = serde_json::from_str::<serde_json::Value>(json).ok();
    // The first fact of several.
    let first = first.map(|value| value.get(0).cloned().unwrap_or(value));
    let version = first.and_then(|fact| fact.get("version")?.as_u64());
    match version {
        Some(version) if version > u64::from(VERSION) => {
            let shown = path.display().to_string();
            Err(Error::new(
                ErrorKind::State,
                format!(
                    "the run was started by a newer opnode: its journal has version {version}, this build reads {VERSION}"
                ),
            )
            .at(Place { file: Some(shown), line: Some(1), ..Place::default() })
            .advise(Advice::ResumeWithNewerVersion))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::Fact;
    use super::Recovered;
    use super::VERSION;
    use super::line;
    use super::recover;
    use crate::run_store::folder::tail::Proof;

    fn read(text: &[u8]) -> crate::Result<Recovered> {
        recover(Path::new("journal"), text, None, &mut |_| {})
    }

    fn text() -> String {
        let facts = [
            Fact::Journal { version: VERSION, run: "r".into(), watermarks: None },
            Fact::Started { step: "a/b".into() },
            Fact::Intended { step: "a/b".into(), element: 0, first: 3, count: 1 },
        ];
        let (mut out, mut last) = (String::new(), String::new());
        for fact in facts {
            last = line(&last, &[fact], &mut out);
        }
        out
    }

    #[test]
    fn an_incomplete_last_line_is_removed_at_every_byte() {
        let text = text();
        let ends: Vec<usize> = text.match_indices('\n').map(|(at, _)| at + 1).collect();
        for cut in 0..=text.len() {
            let found = read(&text.as_bytes()[..cut]).unwrap();
            assert_eq!(found.facts as usize, ends.iter().filter(|e| **e <= cut).count(), "{cut}");
            assert_eq!(found.torn, !(cut == 0 || ends.contains(&cut)), "{cut}");
        }
    }

    #[test]
    fn a_journal_shorter_than_its_tail_is_refused() {
        let text = text();
        let whole = read(text.as_bytes()).unwrap();
        let proof = Proof { run: "r".into(), lines: 3, last: whole.last.clone() };
        let told = |text: &str, proof: &Proof| {
            recover(Path::new("journal"), text.as_bytes(), Some(proof), &mut |_| {}).map(|r| r.lines)
        };
        assert_eq!(told(&text, &proof).unwrap(), 3);
        for cut in 0..text.len() {
            assert!(told(&text[..cut], &proof).unwrap_err().message.contains("had 3 lines"), "{cut}");
        }
        let mut longer = text.clone();
        line(&whole.last, &[Fact::Started { step: "a/c".into() }], &mut longer);
        assert_eq!(told(&longer, &proof).unwrap(), 4);
        let mut other = String::new();
        let mut last = String::new();
        for fact in [
            Fact::Journal { version: VERSION, run: "r".into(), watermarks: None },
            Fact::Started { step: "a/d".into() },
        ] {
            last = line(&last, &[fact], &mut other);
        }
        line(&last, &[Fact::Started { step: "a/e".into() }], &mut other);
        assert!(told(&other, &proof).unwrap_err().message.contains("line 3 is not the one"));
        assert!(told(&text, &Proof { run: "s".into(), ..proof }).unwrap_err().message.contains("another run"));
    }

    #[test]
    fn facts_recorded_together_survive_together() {
        let together = [Fact::Saved { step: "a/b".into() }, Fact::Job { job: "a".into() }];
        let mut text = text();
        let before = text.len();
        let last = read(text.as_bytes()).unwrap().last;
        line(&last, &together, &mut text);
        for cut in before..text.len() {
            assert_eq!(read(&text.as_bytes()[..cut]).unwrap().facts, 3, "{cut}");
        }
        let mut facts = Vec::new();
        recover(Path::new("journal"), text.as_bytes(), None, &mut |fact| facts.push(fact.clone())).unwrap();
        assert_eq!(facts[3..], together);
    }

    #[test]
    fn anything_else_is_refused() {
        let text = text();
        for at in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[at] ^= 4;
            // Without its line end, the last line is incomplete, and any other line joins the next and fails its
            // checksum.
            let last_end = at == text.len() - 1;
            assert_eq!(read(&bytes).is_ok(), last_end, "byte {at}");
        }
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        for order in [vec![0, 2, 1], vec![1, 2], vec![0, 2], vec![0, 1, 1, 2], vec![1, 0, 2]] {
            let swapped: String = order.iter().map(|i| lines[*i]).collect();
            let error = read(swapped.as_bytes()).unwrap_err();
            assert_eq!(error.kind(), crate::error::ErrorKind::State, "{order:?}");
        }
        let mut newer = String::new();
        line("", &[Fact::Journal { version: VERSION + 1, run: "r".into(), watermarks: None }], &mut newer);
        assert!(read(newer.as_bytes()).unwrap_err().message.contains("newer"));
    }
}
