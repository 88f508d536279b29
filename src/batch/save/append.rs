//! Rows at the end of a file that exists, exactly once. They are written beside the file first; then the journal records
//! the length of the file and the digest of what is added; then they are added. A resumed run compares what is there.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use csv::ReaderBuilder;

use super::form_writer::{FormWriter, fill};
use super::parts::folder_of;
use crate::batch::save_file::SaveFormat;
use crate::batch::save_plan::Save;
use crate::error::{Error, ErrorKind, Place, Result};
use crate::output::Form;
use crate::real_path::real_path;
use crate::run_store::{AddedRows, Addition, Extent, Measure, RowReader, Sum};
use crate::sink::{FileSink, failed, sync_folder};

/// The bytes before the addition whose digest is recorded.
const BEFORE: u64 = 64 << 10;
/// The longest header that is read.
const HEADER_MAX: u64 = 1 << 20;
const BUFFER: usize = 64 << 10;

/// Rows that are complete beside the file to which they are added.
pub(in crate::batch) struct AppendedFile {
    sink: FileSink,
    rows: AddedRows,
}

/// Where an addition begins.
#[derive(Clone)]
struct Start {
    start: u64,
    before: Sum,
    first: u64,
    replaced: Vec<Extent>,
}

impl AppendedFile {
    /// Writes the rows beside the file. `known` is what this run has added to it before.
    ///
    /// # Errors
    /// `state` when the file ends within a line, has another header or is written by another process, or when the disk
    /// fails; those of the rows and of `check`.
    pub(in crate::batch) fn prepare(
        rows: &mut dyn RowReader,
        (path, save, format): (&Path, &Save, SaveFormat),
        (known, count): (Option<&Addition>, u64),
        check: &dyn Fn() -> Result<()>,
    ) -> Result<(AppendedFile, Form)> {
        let path = real_path(path);
        folder_of(&path)?;
        // The lock of its temporary file is the lock of the file.
        let mut sink = FileSink::begin(&path, false)?;
        let start = begin(&path, known)?;
        let mut measure = Measure::default();
        let writer = FormWriter::new(save, format, start.start > 0);
        let mut out = |bytes: &[u8]| {
            measure.add(bytes);
            sink.write(bytes)
        };
        let form = fill(rows, start.first, writer, &mut out, check)?;
        if start.start > 0 {
            compare_header(&path, save, format, &form.titles())?;
        }
        sink.seal()?;
        let (added, shown) = (measure.extent(), path.display().to_string());
        let Start { start, before, first, mut replaced } = start;
        let unfinished = known.filter(|known| known.rows.start == start && !known.is_current());
        replaced.extend(unfinished.map(|known| known.rows.added).filter(|old| *old != added));
        let rows = AddedRows { path: shown, start, before, first, rows: count, added, replaced };
        Ok((AppendedFile { sink, rows }, form))
    }

    /// What the journal records before the file changes.
    pub(in crate::batch) fn fact(&self) -> AddedRows {
        self.rows.clone()
    }

    /// Adds the rows.
    ///
    /// # Errors
    /// `state` when the file has changed since the run began to write it, or the disk fails.
    pub(in crate::batch) fn add(mut self) -> Result<()> {
        let path = self.sink.path().to_owned();
        let is_new = !path.exists();
        let options = OpenOptions::new().read(true).write(true).create(true).truncate(false).clone();
        let mut file = options.open(&path).map_err(|e| failed("opened", &path, &e))?;
        let there = self.there(&mut file, &path)?;
        if there < self.rows.added.bytes {
            let added = self.write(&mut file, there);
            if let Err(cause) = added {
                // A resumed run also does this.
                let _best_effort = file.set_len(self.rows.start);
                return Err(failed("written", &path, &cause));
            }
        }
        file.sync_all().map_err(|e| failed("written", &path, &e))?;
        if is_new { sync_folder(&path) } else { Ok(()) }
    }

    fn write(&mut self, file: &mut File, there: u64) -> io::Result<()> {
        let start = self.rows.start + there;
        if file.metadata()?.len() > start {
            file.set_len(start)?;
        }
        file.seek(SeekFrom::Start(start))?;
        let content = self.sink.content().map_err(io::Error::other)?;
        content.seek(SeekFrom::Start(there))?;
        let mut buffer = vec![0; BUFFER];
        loop {
            let read = content.read(&mut buffer)?;
            match buffer.get(..read).filter(|piece| !piece.is_empty()) {
                Some(piece) => file.write_all(piece)?,
                None => return Ok(()),
            }
        }
    }

    /// How many of the added bytes are in the file already.
    fn there(&mut self, file: &mut File, path: &Path) -> Result<u64> {
        let wrong = |e: io::Error| failed("read", path, &e);
        let length = file.metadata().map_err(wrong)?.len();
        let AddedRows { start, before, added, .. } = self.rows;
        if length < start {
            return Err(changed(path, &format!("it has {length} bytes, and had {start}"), start));
        }
        if before_digest(file, start).map_err(wrong)? != before {
            return Err(changed(path, "its last lines before them differ", start));
        }
        file.seek(SeekFrom::Start(start)).map_err(wrong)?;
        let same = common(file, self.sink.content()?).map_err(wrong)?;
        let is_whole = same == added.bytes;
        let found = length - start;
        // Old rows may begin with the new ones.
        let fits = |old: &&Extent| (1..=found).contains(&old.bytes) && (!is_whole || old.bytes > added.bytes);
        for old in self.rows.replaced.iter().filter(fits) {
            match digest(file, start, old.bytes).map_err(wrong)?.sum == old.sum {
                true if old.bytes == found => return Ok(0),
                true => return Err(changed(path, "others have added rows behind them", start)),
                false => {}
            }
        }
        if is_whole {
            return Ok(same);
        }
        // After a power cut, a file may end with zeros that nobody has written.
        file.seek(SeekFrom::Start(start + same)).map_err(wrong)?;
        match is_zero(file).map_err(wrong)? {
            true => Ok(same),
            false => Err(changed(path, "what follows them is not from this run", start)),
        }
    }
}

/// Where the addition begins, if the file is as it should be.
fn begin(path: &Path, known: Option<&Addition>) -> Result<Start> {
    let again = |rows: &AddedRows, replaced: Vec<Extent>| {
        let (start, before, first) = (rows.start, rows.before, rows.first);
        Start { start, before, first, replaced }
    };
    match known {
        None => fresh(path, 0),
        Some(Addition { rows, is_whole: true, is_outdated: false }) => fresh(path, rows.rows),
        Some(Addition { rows, is_outdated: true, .. }) if rows.first > 0 => {
            let why = "the step has run again since, and its rows are in several parts of the file";
            Err(changed(path, why, rows.start))
        }
        Some(Addition { rows, is_whole: false, .. }) => Ok(again(rows, rows.replaced.clone())),
        Some(Addition { rows, .. }) => Ok(again(rows, Vec::new())),
    }
}

/// The end of the file.
fn fresh(path: &Path, first: u64) -> Result<Start> {
    let wrong = |e: io::Error| failed("read", path, &e);
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            return Ok(Start { start: 0, before: Sum::default(), first, replaced: Vec::new() });
        }
        Err(e) => return Err(wrong(e)),
    };
    let start = file.metadata().map_err(wrong)?.len();
    let mut last = [b'\n'];
    if start > 0 {
        file.seek(SeekFrom::Start(start - 1)).and_then(|_| file.read_exact(&mut last)).map_err(wrong)?;
    }
    if last != [b'\n'] {
        return Err(refused(path, "its last line has no line end, so it may be incomplete")
            .advise("complete or remove its last line, and run it again to resume"));
    }
    let before = before_digest(&mut file, start).map_err(wrong)?;
    Ok(Start { start, before, first, replaced: Vec::new() })
}

/// The header that a file has must be that of the rows.
fn compare_header(path: &Path, save: &Save, format: SaveFormat, own: &[String]) -> Result<()> {
    match header_fault(path, save, format, own)? {
        Some(why) => Err(refused(path, &why)
            .advise("set `columns` to those of the file, or save to another file, and run it again to resume")),
        None => Ok(()),
    }
}

/// Why rows with these columns cannot be added to a file; also asked before a run.
///
/// # Errors
/// `state` when the file cannot be read.
pub(in crate::batch) fn header_fault(
    path: &Path,
    save: &Save,
    format: SaveFormat,
    own: &[String],
) -> Result<Option<String>> {
    if own.is_empty() || !matches!(format, SaveFormat::Csv | SaveFormat::Tsv) {
        return Ok(None);
    }
    let file = match File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(failed("read", path, &e)),
    };
    let mut start = Vec::new();
    file.take(HEADER_MAX).read_to_end(&mut start).map_err(|e| failed("read", path, &e))?;
    // A killed run may leave a part of a header.
    if !start.contains(&b'\n') {
        return Ok(None);
    }
    let start = start.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&start);
    let delimiter = save.table.options(format, true).delimiter;
    let mut reader = ReaderBuilder::new().has_headers(false).flexible(true).delimiter(delimiter).from_reader(start);
    let header: Vec<String> = match reader.byte_records().next() {
        Some(Ok(record)) => record.iter().map(|cell| String::from_utf8_lossy(cell).into_owned()).collect(),
        Some(Err(_)) | None => Vec::new(),
    };
    let other = header.iter().zip(own).position(|(there, own)| there != own);
    Ok(match other {
        _ if header == own => None,
        Some(at) => {
            let (there, own) = (header.get(at).map_or("", String::as_str), own.get(at).map_or("", String::as_str));
            Some(format!("column {} is `{there}` in its header, and `{own}` in the rows", at + 1))
        }
        None => Some(format!("its header has {} columns, and the rows have {}", header.len(), own.len())),
    })
}

/// The bytes that two files have in common, from where they are.
fn common(a: &mut File, b: &mut File) -> io::Result<u64> {
    let (mut a, mut b) = (io::BufReader::with_capacity(BUFFER, a), io::BufReader::with_capacity(BUFFER, b));
    let mut same = 0;
    loop {
        use io::BufRead;
        let equal = {
            let (x, y) = (a.fill_buf()?, b.fill_buf()?);
            x.iter().zip(y).take_while(|(x, y)| x == y).count()
        };
        if equal == 0 {
            return Ok(same);
        }
        same += equal as u64;
        a.consume(equal);
        b.consume(equal);
    }
}

/// Whether the rest of a file is zeros.
fn is_zero(file: &mut File) -> io::Result<bool> {
    let mut buffer = vec![0; BUFFER];
    loop {
        let read = file.read(&mut buffer)?;
        match buffer.get(..read).filter(|piece| !piece.is_empty()) {
            Some(piece) if piece.iter().any(|byte| *byte != 0) => return Ok(false),
            Some(_) => {}
            None => return Ok(true),
        }
    }
}

/// The digest of the last bytes before a place.
fn before_digest(file: &mut File, start: u64) -> io::Result<Sum> {
    let from = start.saturating_sub(BEFORE);
    digest(file, from, start - from).map(|extent| extent.sum)
}

/// A part of a file.
fn digest(file: &mut File, from: u64, bytes: u64) -> io::Result<Extent> {
    file.seek(SeekFrom::Start(from))?;
    let mut part = file.take(bytes);
    let (mut measure, mut buffer) = (Measure::default(), vec![0; BUFFER]);
    loop {
        let read = part.read(&mut buffer)?;
        match buffer.get(..read).filter(|piece| !piece.is_empty()) {
            Some(piece) => measure.add(piece),
            None => return Ok(measure.extent()),
        }
    }
}

fn refused(path: &Path, why: &str) -> Error {
    let shown = path.display().to_string();
    Error::new(ErrorKind::State, format!("rows cannot be added to {shown}: {why}"))
        .at(Place { file: Some(shown), ..Place::default() })
}

/// The error for a file that another process has changed while the run was interrupted.
fn changed(path: &Path, why: &str, start: u64) -> Error {
    refused(path, &format!("it has changed since the run began to add its rows at byte {start}: {why}")).advise(
        format!(
            "keep what others have added, cut the file to {start} bytes without the rows of this run, and run it again to resume"
        ),
    )
}

#[cfg(test)]
#[path = "append_tests.rs"]
mod tests;
