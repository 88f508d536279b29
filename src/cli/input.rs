//! What an argument stands for: its own text, a file's (`@FILE`) or standard input's (`-`). Reads; gives no meaning to the text.

use std::fs::{File, Metadata};
use std::io::Read;
use std::path::Path;

use super::screen::io_text;
use crate::error::{Error, ErrorKind, Place, Result};

/// Largest input, in bytes.
const INPUT_MAX: u64 = 4 << 30;

/// A text and where it came from.
pub(crate) struct Input {
    pub(crate) text: String,
    /// The file's name; `None` for the command line itself.
    pub(crate) file: Option<String>,
}

/// Reads the input of a flag. A fault is one of the call, before anything is sent.
pub(crate) fn input(flag: &str, argument: &str, kind: ErrorKind) -> Result<Input> {
    let (file, text) = match (argument, argument.strip_prefix('@')) {
        ("-", _) => ("standard input".to_owned(), decode(read_all(std::io::stdin().lock(), 0, INPUT_MAX))),
        (_, Some("")) => {
            return Err(Error::new(ErrorKind::Usage, format!("{flag} @ needs a file name, such as @records.json")));
        }
        (_, Some(path)) => (path.to_owned(), read_text(Path::new(path), INPUT_MAX)),
        _ => return Ok(Input { text: argument.to_owned(), file: None }),
    };
    match text {
        Ok(text) => Ok(Input { text, file: Some(file) }),
        Err(why) => Err(Error::new(kind, format!("{flag}: {file} cannot be read: {why}"))
            .at(Place { file: Some(file), ..Place::default() })),
    }
}

/// A file's text, a mark of its byte order left out; `Err` says why not, for people.
pub(crate) fn read_text(path: &Path, bytes_max: u64) -> Result<String, String> {
    let file = File::open(path).map_err(|e| io_text(&e))?;
    let about = file.metadata().ok();
    if about.as_ref().is_some_and(Metadata::is_dir) {
        return Err("it is a folder".to_owned());
    }
    decode(read_all(file, about.map_or(0, |m| m.len()), bytes_max))
}

/// Reads what comes, `expected` bytes or more or less.
fn read_all(from: impl Read, expected: u64, bytes_max: u64) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    // A byte more, so that the end is seen without more room.
    let _room_as_it_comes = bytes.try_reserve_exact(usize::try_from(expected.min(bytes_max) + 1).unwrap_or(0));
    from.take(bytes_max + 1).read_to_end(&mut bytes).map_err(|e| io_text(&e))?;
    if bytes.len() as u64 > bytes_max {
        return Err(format!("it is larger than {bytes_max} bytes"));
    }
    Ok(bytes)
}

fn decode(bytes: Result<Vec<u8>, String>) -> Result<String, String> {
    match String::from_utf8(bytes?) {
        Ok(text) => Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text)),
        Err(e) => Err(format!("it is not UTF-8 text (byte {})", e.utf8_error().valid_up_to() + 1)),
    }
}
