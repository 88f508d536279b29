//! The text of a file, read in chunks: decompressed, decoded to UTF-8, without a byte order mark, with the position.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use encoding_rs::{Encoding, UTF_16BE, UTF_16LE, WINDOWS_1252};
use flate2::bufread::MultiGzDecoder;

use super::decode::DecodedText;
use super::fault::line_place;
use super::options::{ReadOptions, RowPosition, TextEncoding};
use crate::error::{Error, ErrorKind, Place, Result, io_text};
use crate::output::Compression;

/// Bytes that are read at once.
const CHUNK: usize = 64 << 10;

/// What to do with a byte.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum ByteStep {
    /// Take it, and go on.
    More,
    /// Take it as the last.
    Last,
    /// Stop before it.
    Before,
}

/// A text with the position in it.
pub(super) struct TextSource {
    input: SourceInput,
    name: String,
    packing: Option<Compression>,
    byte: u64,
    line: u64,
    row_bytes: usize,
}

enum SourceInput {
    /// A file whose bytes are the text, from this offset on.
    File(BufReader<File>, u64),
    Stream(Box<dyn BufRead + Send>),
}

impl SourceInput {
    fn fill(&mut self) -> io::Result<&[u8]> {
        match self {
            SourceInput::File(reader, _) => reader.fill_buf(),
            SourceInput::Stream(reader) => reader.fill_buf(),
        }
    }

    fn consume(&mut self, count: usize) {
        match self {
            SourceInput::File(reader, _) => reader.consume(count),
            SourceInput::Stream(reader) => reader.consume(count),
        }
    }
}

impl TextSource {
    /// Opens a file.
    pub(super) fn open(path: &Path, name: String, options: &ReadOptions) -> Result<TextSource> {
        let advised = |e: &io::Error| unread_file(&name, e);
        let mut file = File::open(path).map_err(|e| advised(&e))?;
        let about = file.metadata().map_err(|e| advised(&e))?;
        if about.is_dir() {
            return Err(unread_file(&name, &io::Error::from(io::ErrorKind::IsADirectory)));
        }
        if !about.is_file() {
            return TextSource::of(Box::new(file), name, options);
        }
        let (head, count) = head(&mut file).map_err(|e| advised(&e))?;
        let mark = TextMark::of(head.get(..count).unwrap_or_default(), options.encoding);
        if mark.packing.is_some() || mark.encoding.is_some() {
            file.rewind().map_err(|e| advised(&e))?;
            return TextSource::of(Box::new(file), name, options);
        }
        file.seek(SeekFrom::Start(mark.bytes)).map_err(|e| advised(&e))?;
        let input = SourceInput::File(BufReader::with_capacity(CHUNK, file), mark.bytes);
        TextSource { input, name, packing: None, byte: 0, line: 0, row_bytes: options.row_bytes }.refuse_binary()
    }

    /// Reads a stream.
    pub(super) fn of(input: Box<dyn Read + Send>, name: String, options: &ReadOptions) -> Result<TextSource> {
        let mut source = TextSource {
            input: SourceInput::Stream(Box::new(io::empty())),
            name,
            packing: None,
            byte: 0,
            line: 0,
            row_bytes: options.row_bytes,
        };
        let (mut input, mut mark) = marked(input, options.encoding).map_err(|e| source.unread(&e))?;
        if let Some(packing) = mark.packing {
            source.packing = Some(packing);
            let unpacked = unpacked(packing, input, &source.name)?;
            (input, mark) = marked(unpacked, options.encoding).map_err(|e| source.unread(&e))?;
        }
        source.input = SourceInput::Stream(match mark.encoding {
            Some(encoding) => Box::new(BufReader::with_capacity(CHUNK, DecodedText::new(input, encoding))),
            None => Box::new(BufReader::with_capacity(CHUNK, input)),
        });
        source.refuse_binary()
    }

    /// Refuses a ZIP archive, such as a workbook, and a wrong `.gz` or `.zst`.
    fn refuse_binary(mut self) -> Result<TextSource> {
        let named = Compression::of_name(Path::new(&self.name)).map(|(named, _)| named);
        if let Some(named) = named.filter(|named| self.packing != Some(*named)) {
            let extension = named.extension();
            let message =
                format!("{}: the name ends with .{extension}, but the content is not {}", self.name, named.name());
            return Err(self
                .refuse(message)
                .advise(format!("remove .{extension} from the name, or compress the file")));
        }
        let is_zip = self.input.fill().map(|head| head.starts_with(b"PK\x03\x04"));
        match is_zip {
            Ok(false) => Ok(self),
            Ok(true) => {
                let message = format!("{} is a ZIP archive, not text", self.name);
                Err(self.refuse(message).advise("for an Excel workbook, name the format xlsx; unpack other archives"))
            }
            Err(e) => Err(self.unread(&e)),
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The number of the current line, from 1.
    pub(super) fn line(&self) -> u64 {
        self.line + 1
    }

    pub(super) fn position(&self) -> RowPosition {
        RowPosition { row: 0, byte: self.byte, line: self.line, within: String::new() }
    }

    /// The next byte.
    pub(super) fn peek(&mut self) -> Result<Option<u8>> {
        match self.input.fill() {
            Ok(bytes) => Ok(bytes.first().copied()),
            Err(e) => Err(self.unread(&e)),
        }
    }

    /// Takes the next byte if it is this one.
    pub(super) fn skip(&mut self, byte: u8) -> Result<bool> {
        let is_it = self.peek()? == Some(byte);
        if is_it {
            self.input.consume(1);
            self.byte += 1;
            self.line += u64::from(byte == b'\n');
        }
        Ok(is_it)
    }

    /// Takes bytes until `step` ends it; `false` at the end of the text. Kept bytes are at most a row.
    pub(super) fn take(&mut self, kept: Option<&mut Vec<u8>>, mut step: impl FnMut(u8) -> ByteStep) -> Result<bool> {
        self.take_to(kept, |chunk| {
            chunk.iter().enumerate().find_map(|(at, byte)| match step(*byte) {
                ByteStep::More => None,
                ByteStep::Last => Some(at + 1),
                ByteStep::Before => Some(at),
            })
        })
    }

    /// Takes bytes up to an end, which is found in one of their chunks; `false` if there is none.
    pub(super) fn take_to(
        &mut self,
        mut kept: Option<&mut Vec<u8>>,
        mut end: impl FnMut(&[u8]) -> Option<usize>,
    ) -> Result<bool> {
        let first = self.line();
        loop {
            let chunk = match self.input.fill() {
                Ok(chunk) => chunk,
                Err(e) => return Err(self.unread(&e)),
            };
            if chunk.is_empty() {
                return Ok(false);
            }
            let end = end(chunk);
            let part = chunk.get(..end.unwrap_or(chunk.len())).unwrap_or_default();
            if let Some(kept) = &mut kept {
                if kept.len() + part.len() > self.row_bytes {
                    return Err(self.too_long(first));
                }
                kept.extend_from_slice(part);
            }
            let count = part.len();
            self.line += memchr::memchr_iter(b'\n', part).count() as u64;
            self.byte += count as u64;
            self.input.consume(count);
            if end.is_some() {
                return Ok(true);
            }
        }
    }

    /// Goes forward to a position; `is_behind` says whether a byte may be the last one before it.
    pub(super) fn jump(&mut self, to: &RowPosition, is_behind: impl Fn(u8) -> bool) -> Result<()> {
        if to.byte == 0 || to.byte == self.byte {
            return Ok(());
        }
        let before = to.byte - 1;
        match &mut self.input {
            SourceInput::File(reader, start) => {
                let start = *start;
                reader.seek(SeekFrom::Start(start + before)).map_err(|e| unread_file(&self.name, &e))?;
            }
            SourceInput::Stream(reader) => {
                let count = before.checked_sub(self.byte).ok_or_else(|| changed(&self.name, to))?;
                let passed = io::copy(&mut reader.by_ref().take(count), &mut io::sink());
                if passed.map_err(|e| self.unread(&e))? < count {
                    return Err(changed(&self.name, to));
                }
            }
        }
        let last = self.peek()?.ok_or_else(|| changed(&self.name, to))?;
        self.input.consume(1);
        (self.byte, self.line) = (to.byte, to.line);
        // The last row may have no line end.
        if !is_behind(last) && self.peek()?.is_some() {
            return Err(changed(&self.name, to));
        }
        Ok(())
    }

    /// An error of the content.
    pub(super) fn refuse(&self, message: String) -> Error {
        Error::new(ErrorKind::InvalidItems, message).at(line_place(&self.name, self.line(), None))
    }

    fn too_long(&self, line: u64) -> Error {
        let message =
            format!("line {line} of {}: a row is longer than {} bytes (row_bytes)", self.name, self.row_bytes);
        Error::new(ErrorKind::Limit, message)
            .at(line_place(&self.name, line, None))
            .advise("check quotes and brackets there; or raise the limit")
    }

    fn unread(&self, cause: &io::Error) -> Error {
        let name = &self.name;
        match cause.kind() {
            io::ErrorKind::UnexpectedEof if let Some(packing) = self.packing => {
                self.refuse(format!("{name}: the {} data ends too early", packing.name())).advise("copy the file again")
            }
            // Libraries of the formats report damage in these ways.
            io::ErrorKind::InvalidInput | io::ErrorKind::Other if let Some(packing) = self.packing => self
                .refuse(format!("{name}: the {} data is damaged: {cause}", packing.name()))
                .advise("copy the file again"),
            io::ErrorKind::InvalidData => self
                .refuse(format!("{name} cannot be read: {cause}"))
                .advise("save the text as UTF-8, or name its encoding"),
            _ => unread_file(name, cause),
        }
    }
}

/// The error of a file that the system does not give.
pub(super) fn unread_file(name: &str, cause: &io::Error) -> Error {
    // A stream may have errors of its own.
    if let Some(own) = cause.get_ref().and_then(|cause| cause.downcast_ref::<Error>()) {
        return own.clone();
    }
    let error = Error::new(ErrorKind::State, format!("{name} cannot be read: {}", io_text(cause)))
        .at(Place { file: Some(name.to_owned()), ..Place::default() });
    match cause.kind() {
        io::ErrorKind::NotFound => error.advise("check the path"),
        io::ErrorKind::IsADirectory => error.advise("name a file in it"),
        io::ErrorKind::PermissionDenied => error.advise("give this user read permission"),
        _ => error,
    }
}

fn changed(name: &str, to: &RowPosition) -> Error {
    let message = format!("{name} has changed: no row ends at byte {}, where reading was interrupted", to.byte);
    Error::new(ErrorKind::InvalidItems, message)
        .at(line_place(name, to.line + 1, None))
        .advise("read it from its start")
}

/// What the first bytes say.
struct TextMark {
    packing: Option<Compression>,
    /// The size of the byte order mark.
    bytes: u64,
    /// The encoding, if it is not UTF-8.
    encoding: Option<&'static Encoding>,
}

impl TextMark {
    fn of(head: &[u8], usual: TextEncoding) -> TextMark {
        let (bytes, encoding) = match head {
            [0xEF, 0xBB, 0xBF, ..] => (3, None),
            [0xFF, 0xFE, ..] => (2, Some(UTF_16LE)),
            [0xFE, 0xFF, ..] => (2, Some(UTF_16BE)),
            _ => match usual {
                TextEncoding::Utf8 => (0, None),
                TextEncoding::Utf16Le => (0, Some(UTF_16LE)),
                TextEncoding::Utf16Be => (0, Some(UTF_16BE)),
                TextEncoding::Windows1252 => (0, Some(WINDOWS_1252)),
            },
        };
        let packing = match head {
            [0x1F, 0x8B, ..] => Some(Compression::Gzip),
            [0x28, 0xB5, 0x2F, 0xFD] => Some(Compression::Zstd),
            _ => None,
        };
        TextMark { packing, bytes, encoding }
    }
}

/// The decompressed input.
fn unpacked(packing: Compression, input: Box<dyn Read + Send>, name: &str) -> Result<Box<dyn Read + Send>> {
    match packing {
        Compression::Gzip => Ok(Box::new(MultiGzDecoder::new(BufReader::with_capacity(CHUNK, input)))),
        #[cfg(feature = "zstd")]
        Compression::Zstd => match zstd::stream::read::Decoder::new(input) {
            Ok(decoder) => Ok(Box::new(decoder)),
            Err(e) => Err(unread_file(name, &e)),
        },
        #[cfg(not(feature = "zstd"))]
        Compression::Zstd => {
            Err(Error::new(ErrorKind::Unsupported, format!("{name}: this build does not read files of zstd"))
                .advise("build opnode with the feature `zstd`, or decompress the file"))
        }
    }
}

/// The first bytes, and how many there are.
fn head(input: &mut impl Read) -> io::Result<([u8; 4], usize)> {
    let mut head = [0; 4];
    let mut count = 0;
    while let Some(rest) = head.get_mut(count..).filter(|rest| !rest.is_empty()) {
        match input.read(rest) {
            Ok(0) => break,
            Ok(more) => count += more,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok((head, count))
}

/// The input without its byte order mark, and what its first bytes say.
fn marked(mut input: Box<dyn Read + Send>, usual: TextEncoding) -> io::Result<(Box<dyn Read + Send>, TextMark)> {
    let (head, count) = head(&mut input)?;
    let mark = TextMark::of(head.get(..count).unwrap_or_default(), usual);
    let skipped = if mark.packing.is_some() { 0 } else { mark.bytes as usize };
    let rest: Vec<u8> = head.get(skipped..count).unwrap_or_default().to_vec();
    Ok((Box::new(io::Cursor::new(rest).chain(input)), mark))
}
