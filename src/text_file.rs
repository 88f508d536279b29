//! Reads text files whole, up to a size limit.

use std::fmt;
use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::path::Path;

use crate::error::io_text;

/// Why a text was not read; the text is for users.
#[derive(Debug)]
pub(crate) enum Unreadable {
    Io(io::Error),
    IsFolder,
    /// The limit in bytes.
    TooLarge(u64),
    /// The number of valid bytes before the first invalid one.
    NotUtf8(usize),
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unreadable::Io(cause) => f.write_str(&io_text(cause)),
            Unreadable::IsFolder => f.write_str("it is a folder"),
            Unreadable::TooLarge(max) => write!(f, "it is larger than {max} bytes"),
            Unreadable::NotUtf8(valid) => write!(f, "it is not UTF-8 text (byte {})", valid + 1),
        }
    }
}

/// A file's text without its byte order mark.
pub(crate) fn read_text(path: &Path, bytes_max: u64) -> Result<String, Unreadable> {
    let file = File::open(path).map_err(Unreadable::Io)?;
    let about = file.metadata().ok();
    if about.as_ref().is_some_and(Metadata::is_dir) {
        return Err(Unreadable::IsFolder);
    }
    decode(read_all(file, about.map_or(0, |m| m.len()), bytes_max))
}

/// `None` instead of an error when the file does not exist.
pub(crate) fn if_there<T>(read: io::Result<T>) -> io::Result<Option<T>> {
    match read {
        Ok(content) => Ok(Some(content)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e),
    }
}

/// Reads all bytes up to the limit; `expected` is only a hint for the buffer.
pub(crate) fn read_all(from: impl Read, expected: u64, bytes_max: u64) -> Result<Vec<u8>, Unreadable> {
    let mut bytes = Vec::new();
    // One byte more, so that the end is detected without another allocation.
    let _room_as_it_comes = bytes.try_reserve_exact(usize::try_from(expected.min(bytes_max) + 1).unwrap_or(0));
    from.take(bytes_max + 1).read_to_end(&mut bytes).map_err(Unreadable::Io)?;
    if bytes.len() as u64 > bytes_max {
        return Err(Unreadable::TooLarge(bytes_max));
    }
    Ok(bytes)
}

pub(crate) fn decode(bytes: Result<Vec<u8>, Unreadable>) -> Result<String, Unreadable> {
    match String::from_utf8(bytes?) {
        Ok(text) => Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text)),
        Err(e) => Err(Unreadable::NotUtf8(e.utf8_error().valid_up_to())),
    }
}
