//! Fetches the secrets that a connections file refers to: from an environment variable, a file, or the system keyring.
//! Does not read the environment: the host passes the variables.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::file::{ConnectionFile, Reference};
use crate::connection::{ConnectionSpec, TlsSpec};
use crate::error::{Error, ErrorKind, Place, Result};
use crate::json_pointer::escape;
#[cfg(feature = "studio")]
use crate::secret::Secret;
use crate::text_file::read_text;

/// Maximum size of a secret, in bytes.
const SECRET_MAX: u64 = 64 << 10;

/// Reads an environment variable of the host.
pub type Variables = Arc<dyn Fn(&str) -> Option<OsString> + Send + Sync>;

/// The sources of secrets.
#[derive(Clone)]
pub struct Secrets {
    /// The environment variables of `{ env: NAME }`.
    pub variables: Variables,
    /// The folder for `~/` in `{ file: PATH }`.
    pub home: Option<PathBuf>,
}

impl Default for Secrets {
    /// No variables, no home folder.
    fn default() -> Secrets {
        Secrets { variables: Arc::new(|_| None), home: None }
    }
}

impl Secrets {
    /// A connection with its secrets fetched. Relative paths start at `folder`, that of the connections file; `place`
    /// gives the place of a property.
    ///
    /// # Errors
    /// `connection` with the property when a secret is missing or cannot be read; `unsupported` for the keyring in a
    /// build without it.
    pub fn fetch(
        &self,
        folder: &Path,
        name: &str,
        connection: &ConnectionFile,
        place: impl Fn(&str) -> Option<Place>,
    ) -> Result<ConnectionSpec> {
        let spec = connection.resolve(|property, reference| {
            self.value(folder, property, reference).map_err(|e| {
                let message = format!("the connection {name}: {}", e.message);
                let error = e.with(|d| d.message = message);
                let field =
                    || Place::field(format!("/{}", property.split('/').map(escape).collect::<Vec<_>>().join("/")));
                error.at(place(property).unwrap_or_else(field))
            })
        })?;
        let tls = spec.tls.map(|tls| TlsSpec {
            ca: tls.ca.map(|text| self.below(folder, text)),
            certificate: tls.certificate.map(|text| self.below(folder, text)),
            key: tls.key.map(|text| self.below(folder, text)),
            ..tls
        });
        Ok(ConnectionSpec { name: Some(name.to_owned()), tls, ..spec })
    }

    /// The path of a file that the connections file names; PEM text stays as it is.
    fn below(&self, folder: &Path, text: String) -> String {
        let is_path = !text.contains("-----BEGIN ") && !text.trim().is_empty();
        if is_path { self.place(folder, &text).display().to_string() } else { text }
    }

    fn place(&self, folder: &Path, path: &str) -> PathBuf {
        match path.strip_prefix("~/").zip(self.home.as_ref()) {
            Some((rest, home)) => home.join(rest),
            None => folder.join(path),
        }
    }

    fn value(&self, folder: &Path, property: &str, reference: &Reference) -> Result<String> {
        match reference {
            Reference::Env(name) => self.variable(property, name),
            Reference::File(path) => self.file(folder, property, path),
            Reference::Keyring(name) => from_keyring(property, name),
        }
    }

    fn variable(&self, property: &str, name: &str) -> Result<String> {
        let wrong = |why: &str| {
            missing(format!("`{property}`: the environment variable {name} {why}"))
                .advise(format!("set {name} to the secret, and run it again"))
        };
        match (self.variables)(name).map(OsString::into_string) {
            Some(Ok(value)) if !value.is_empty() => Ok(value),
            Some(Ok(_)) => Err(wrong("is empty")),
            None => Err(wrong("is not set")),
            Some(Err(_)) => Err(wrong("is not text")),
        }
    }

    fn file(&self, folder: &Path, property: &str, path: &str) -> Result<String> {
        let place = self.place(folder, path);
        let text = read_text(&place, SECRET_MAX)
            .map_err(|why| missing(format!("`{property}`: the file {} cannot be read: {why}", place.display())))
            .map_err(|e| e.advise("write the secret into this file, readable for this user only"))?;
        let value = text.trim_end_matches(['\n', '\r']);
        if value.is_empty() {
            return Err(missing(format!("`{property}`: the file {} is empty", place.display())));
        }
        Ok(value.to_owned())
    }
}

#[cfg(feature = "keyring")]
fn from_keyring(property: &str, name: &str) -> Result<String> {
    let entry = keyring::Entry::new(crate::auth::SERVICE, name).and_then(|entry| entry.get_password());
    entry.map_err(|why| {
        let why = crate::auth::reason(&why);
        missing(format!("`{property}`: the system's keyring has no value for `{name}` of the service opnode: {why}"))
            .advise("check that the keyring is running and unlocked, or use { env: NAME } or { file: PATH }")
    })
}

#[cfg(not(feature = "keyring"))]
fn from_keyring(property: &str, name: &str) -> Result<String> {
    Err(Error::new(
        ErrorKind::Unsupported,
        format!("`{property}`: this build cannot read `{name}` from the system's keyring"),
    )
    .advise("use { env: NAME } or { file: PATH } instead, or build opnode with the feature `keyring`"))
}

/// Keeps a secret in the system's keyring, for `{ keyring: NAME }`.
///
/// # Errors
/// `state` when the keyring does not take it; `unsupported` in a build without it.
#[cfg(all(feature = "studio", feature = "keyring"))]
pub fn keep_in_keyring(name: &str, secret: &Secret) -> Result<()> {
    let entry = keyring::Entry::new(crate::auth::SERVICE, name);
    entry.and_then(|entry| entry.set_password(secret.expose())).map_err(|why| {
        let why = crate::auth::reason(&why);
        Error::new(ErrorKind::State, format!("the system's keyring did not take the secret: {why}"))
            .advise("unlock the keyring, or keep the secret in a variable or a file")
    })
}

/// Keeps a secret in the system's keyring, for `{ keyring: NAME }`.
///
/// # Errors
/// `unsupported`, because this build has no keyring.
#[cfg(all(feature = "studio", not(feature = "keyring")))]
pub fn keep_in_keyring(_name: &str, _secret: &Secret) -> Result<()> {
    Err(Error::new(ErrorKind::Unsupported, "this build cannot write to the system's keyring")
        .advise("keep the secret in a variable or a file"))
}

fn missing(message: String) -> Error {
    Error::new(ErrorKind::Connection, message)
}
