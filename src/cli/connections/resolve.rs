//! Fetches what a connection keeps elsewhere: from the environment, a file, or the system's keyring. Never from an argument.

use std::path::{Path, PathBuf};

use crate::cli::text_file::read_text;
use crate::connections::Reference;
use crate::error::{Error, ErrorKind, Result};

/// Largest secret, in bytes; a file that is larger is none.
const SECRET_MAX: u64 = 64 << 10;

/// The value that a reference of a property leads to. Relative paths start at the folder of the connections file.
pub(crate) fn resolve(folder: &Path, property: &str, reference: &Reference) -> Result<String> {
    match reference {
        Reference::Env(name) => from_environment(property, name),
        Reference::File(path) => from_file(folder, property, path),
        Reference::Keyring(name) => from_keyring(property, name),
    }
}

fn from_environment(property: &str, name: &str) -> Result<String> {
    match std::env::var(name) {
        Ok(value) if !value.is_empty() => Ok(value),
        Ok(_) => Err(missing(format!("`{property}` is kept in the environment variable {name}, which is empty"))),
        Err(std::env::VarError::NotPresent) => {
            Err(missing(format!("`{property}` is kept in the environment variable {name}, which is not set")))
        }
        Err(std::env::VarError::NotUnicode(_)) => {
            Err(missing(format!("`{property}` is kept in the environment variable {name}, which is not text")))
        }
    }
}

fn from_file(folder: &Path, property: &str, path: &str) -> Result<String> {
    let place = expand(folder, path);
    let text = read_text(&place, SECRET_MAX).map_err(|why| {
        missing(format!("`{property}` is kept in the file {}, which cannot be read: {why}", place.display()))
    })?;
    let value = text.trim_end_matches(['\n', '\r']);
    if value.is_empty() {
        return Err(missing(format!("`{property}` is kept in the file {}, which is empty", place.display())));
    }
    Ok(value.to_owned())
}

/// `~/` is the user's home.
fn expand(folder: &Path, path: &str) -> PathBuf {
    match path.strip_prefix("~/").zip(etcetera::home_dir().ok()) {
        Some((rest, home)) => home.join(rest),
        None => folder.join(path),
    }
}

#[cfg(feature = "keyring")]
fn from_keyring(property: &str, name: &str) -> Result<String> {
    let entry = keyring::Entry::new(crate::auth::SERVICE, name).and_then(|entry| entry.get_password());
    entry.map_err(|why| {
        let why = crate::auth::reason(&why);
        missing(format!("`{property}` is kept in the system's keyring as `{name}` of the service opnode, which gives no value: {why}"))
            .advise("is the keyring there and unlocked? { env: NAME } and { file: PATH } need none")
    })
}

#[cfg(not(feature = "keyring"))]
fn from_keyring(property: &str, name: &str) -> Result<String> {
    Err(Error::new(
        ErrorKind::Unsupported,
        format!("`{property}` is kept in the system's keyring as `{name}`, and this build cannot read the keyring"),
    )
    .advise("use { env: NAME } or { file: PATH } instead, or build opnode with the feature `keyring`"))
}

fn missing(message: String) -> Error {
    Error::new(ErrorKind::Connection, message)
}
