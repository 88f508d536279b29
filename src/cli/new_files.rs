//! Files that commands write for the user: definitions and connections files. Written aside and renamed.

use std::path::Path;

use crate::durable;
use crate::error::{Error, ErrorKind, Place, Result, io_text};
use crate::private_file;

/// An error of a file.
pub(crate) fn failed(path: &Path, what: &str, cause: &std::io::Error) -> Error {
    let shown = path.display().to_string();
    Error::new(ErrorKind::State, format!("{shown} cannot be {what}: {}", io_text(cause)))
        .at(Place { file: Some(shown), ..Place::default() })
}

/// Writes a file, with its folder; the old one stays until the new one is complete. A file behind a link is written, not the link.
pub(crate) fn replace(path: &Path, text: &str) -> Result<()> {
    write(path, text, false)
}

/// The same for a file that only its owner may read, if it is new.
pub(crate) fn replace_private(path: &Path, text: &str) -> Result<()> {
    write(path, text, true)
}

fn write(path: &Path, text: &str, is_private: bool) -> Result<()> {
    let wrong = |cause: std::io::Error| failed(path, "written", &cause);
    let real = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    std::fs::create_dir_all(durable::folder(&real)).map_err(wrong)?;
    let name = real.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let aside = real.with_file_name(format!(".{name}.new"));
    let mut file = private_file::begin(&aside, is_private).map_err(wrong)?;
    let done = std::io::Write::write_all(&mut file, text.as_bytes())
        .and_then(|()| match std::fs::metadata(&real) {
            Ok(old) => file.set_permissions(old.permissions()),
            Err(_) => Ok(()),
        })
        .and_then(|()| durable::replace(&file, &aside, &real))
        .and_then(|()| durable::sync_folder(&real));
    done.map_err(|cause| {
        let _gone = std::fs::remove_file(&aside);
        wrong(cause)
    })
}
