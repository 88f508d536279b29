//! The text of an argument: literal, from a file (`@FILE`) or from standard input (`-`).

use std::path::Path;

use crate::error::{Error, ErrorKind, Place, Result};
use crate::text_file::{Unreadable, decode, read_all, read_text};

/// Largest input, in bytes.
pub(crate) const INPUT_MAX: u64 = 4 << 30;

/// A text and its source.
pub(crate) struct ArgumentText {
    pub(crate) text: String,
    /// The name of the file; `None` for a literal text.
    pub(crate) file: Option<String>,
}

/// Reads the text of a flag.
pub(crate) fn input(flag: &str, argument: &str, kind: ErrorKind) -> Result<ArgumentText> {
    let (file, text) = match (argument, argument.strip_prefix('@')) {
        ("-", _) => ("standard input".to_owned(), decode(read_all(std::io::stdin().lock(), 0, INPUT_MAX))),
        (_, Some("")) => {
            return Err(Error::new(ErrorKind::Usage, format!("{flag} @ needs a file name, such as @records.json")));
        }
        (_, Some(path)) => (path.to_owned(), read_text(Path::new(path), INPUT_MAX)),
        _ => return Ok(ArgumentText { text: argument.to_owned(), file: None }),
    };
    match text {
        Ok(text) => Ok(ArgumentText { text, file: Some(file) }),
        Err(why) => Err(Error::new(kind, format!("{flag}: {file} cannot be read: {why}"))
            .at(Place { file: Some(file), ..Place::default() })
            .advise(match why {
                Unreadable::NotUtf8(_) => "save the text as UTF-8",
                Unreadable::TooLarge(_) => "give less in one call",
                Unreadable::Io(cause) if cause.kind() == std::io::ErrorKind::OutOfMemory => "give less in one call",
                Unreadable::Io(_) | Unreadable::IsFolder => {
                    "check that the file exists; its path is relative to the current folder"
                }
            })),
    }
}
