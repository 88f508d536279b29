//! The error type of this crate. Independent of presentation: hosts read its fields, its JSON form or its kind's
//! number.
//!
//! One type, because a caller's next action depends on the kind and not on the layer that failed.

mod advice;
mod kind;
mod nearest;
mod place;
mod provider;

pub use advice::Advice;
pub use kind::ErrorKind;
pub use nearest::{did_you_mean, nearest};
pub use place::{Fault, Place};
pub use provider::{Provider, ProviderDetail};

use std::fmt;

use serde::Serialize;

/// All details of a failure. Reached through [`Error`]'s `Deref`.
#[derive(Clone, Debug, Serialize)]
pub struct Details {
    /// The kind.
    pub kind: ErrorKind,
    /// One lower-case line: what failed, and why.
    pub message: String,
    /// What to do next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advice: Option<Advice>,
    /// OperationId of the call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// Where the fault is, if it is in a file or an argument.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// All faults of a file or an argument that was checked as a whole. JSON contains them if there are several.
    #[serde(skip_serializing_if = "is_single")]
    pub faults: Vec<Fault>,
    /// Verb and URL of the request, secrets masked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// HTTP status of the last reply.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http_status: Option<u16>,
    /// The remote system's own error.
    #[serde(skip_serializing_if = "Provider::is_empty")]
    pub provider: Provider,
    /// Requests made for this call's failing step; 0 when nothing was sent.
    pub attempts: u32,
    /// Milliseconds to wait, as the remote system asks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
    /// Page of the walk (from 1) on which it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page: Option<u64>,
    /// The underlying cause.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    /// Sending it again would fail in the same way, such as for a certificate that is not trusted.
    #[serde(skip)]
    pub(crate) is_lasting: bool,
    /// Whether it is about a file of the user or of the run folder, as far as that is known.
    #[cfg(feature = "batch")]
    #[serde(skip)]
    pub(crate) file_owner: Option<FileOwner>,
}

/// Whose file an error is about.
#[cfg(feature = "batch")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileOwner {
    /// Files that a batch reads or saves: other steps can go on.
    User,
    /// The run folder: nothing more can be recorded.
    Run,
}

/// A failure. One pointer wide; see [`Details`] for its fields.
///
/// ```
/// use opnode::error::Place;
/// use opnode::{Error, ErrorKind};
///
/// // As a host's own token store or gate returns it.
/// let error = Error::new(ErrorKind::State, "the token table cannot be read")
///     .advise("check the database")
///     .at(Place { file: Some("product.db".into()), ..Place::default() })
///     .caused_by(std::io::Error::from(std::io::ErrorKind::TimedOut));
///
/// assert_eq!(error.kind(), ErrorKind::State);
/// assert_eq!(error.to_string(), "the token table cannot be read");
/// assert_eq!(error.advice.as_ref().unwrap().to_string(), "check the database");
/// assert_eq!(error.to_json()["kind"], "state");
/// ```
#[derive(Clone)]
pub struct Error(Box<Details>);

/// The crate's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// A failure of a kind with its one-line message.
    #[must_use]
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Error {
        Error(Box::new(Details {
            kind,
            message: message.into(),
            advice: None,
            operation: None,
            place: None,
            faults: Vec::new(),
            request: None,
            http_status: None,
            provider: Provider::default(),
            attempts: 0,
            retry_after_ms: None,
            page: None,
            cause: None,
            is_lasting: false,
            #[cfg(feature = "batch")]
            file_owner: None,
        }))
    }

    /// The error of a call that its caller has cancelled.
    #[must_use]
    pub fn cancelled() -> Error {
        Error::new(ErrorKind::Cancelled, "the call was cancelled")
    }

    /// Several faults as one error: the first is the message, all are listed.
    #[must_use]
    pub fn from_faults(kind: ErrorKind, what: &str, mut faults: Vec<Fault>) -> Error {
        faults.sort_by_key(|f| (f.place.file.clone(), f.place.line, f.place.column));
        let Some(first) = faults.first() else {
            return Error::new(ErrorKind::Internal, format!("{what}: refused without a fault"));
        };
        let more = faults.len() - 1;
        let text = match more {
            0 => format!("{what}: {}", first.message),
            1 => format!("{what}: {} (and 1 more fault)", first.message),
            n => format!("{what}: {} (and {n} more faults)", first.message),
        };
        let mut error = Error::new(kind, text);
        error.0.place = Some(first.place.clone());
        error.0.advice = first.advice.clone();
        error.0.faults = faults;
        error
    }

    /// Adds advice.
    #[must_use]
    pub fn advise(mut self, advice: impl Into<Advice>) -> Error {
        self.0.advice = Some(advice.into());
        self
    }

    /// Says whose file it is about, unless that is known already.
    #[cfg(feature = "batch")]
    pub(crate) fn of_files(self, owner: FileOwner) -> Error {
        self.with(|d| d.file_owner = d.file_owner.or(Some(owner)))
    }

    /// Adds the place of the fault.
    #[must_use]
    pub fn at(mut self, place: Place) -> Error {
        self.0.place = Some(place);
        self
    }

    /// Adds the cause.
    #[must_use]
    pub fn caused_by(mut self, cause: impl fmt::Display) -> Error {
        self.0.cause = Some(Cause::of(cause));
        self
    }

    /// The faults; of any other error, itself as one.
    #[must_use]
    pub fn to_faults(&self) -> Vec<Fault> {
        if !self.0.faults.is_empty() {
            return self.0.faults.clone();
        }
        let place = self.0.place.clone().unwrap_or_default();
        vec![Fault { place, message: self.0.message.clone(), advice: self.0.advice.clone() }]
    }

    /// The error with its advice in a face's own words; see [`Advice::worded`].
    #[must_use]
    pub fn worded(mut self, own: &dyn Fn(&Advice) -> Option<String>) -> Error {
        let word = |advice: &mut Option<Advice>| *advice = advice.take().map(|a| Advice::from(a.worded(own)));
        word(&mut self.0.advice);
        self.0.faults.iter_mut().for_each(|fault| word(&mut fault.advice));
        self
    }

    /// Changes fields in place; for callers that know more than the failing layer.
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Details)) -> Error {
        change(&mut self.0);
        self
    }

    /// The kind.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The JSON form for hosts.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::to_value(&*self.0).unwrap_or_default()
    }
}

impl std::ops::Deref for Error {
    type Target = Details;
    fn deref(&self) -> &Details {
        &self.0
    }
}

impl Serialize for Error {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.kind, self.0.message)?;
        if let Some(cause) = &self.0.cause {
            write!(f, ": {cause}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.cause.as_ref().map(|cause| cause as _)
    }
}

/// The cause of a failure. It has no cause of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Cause(String);

impl Cause {
    /// A cause, by its text.
    #[must_use]
    pub fn of(text: impl fmt::Display) -> Cause {
        Cause(text.to_string())
    }

    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Cause {}

fn is_single(faults: &[Fault]) -> bool {
    faults.len() < 2
}

/// The system's message for an I/O error, such as `no such file or directory`, without Rust's `(os error 2)`.
#[must_use]
pub fn io_text(cause: &std::io::Error) -> String {
    use std::io::ErrorKind as Io;
    let text = match cause.kind() {
        Io::NotFound => "no such file or directory",
        Io::PermissionDenied => "permission denied",
        Io::AlreadyExists => "file exists",
        Io::StorageFull => "no space left on device",
        Io::QuotaExceeded => "disk quota exceeded",
        Io::FileTooLarge => "file too large",
        Io::NotADirectory => "not a directory",
        Io::IsADirectory => "is a directory",
        Io::DirectoryNotEmpty => "directory not empty",
        Io::ReadOnlyFilesystem => "read-only file system",
        Io::InvalidFilename => "file name too long",
        Io::BrokenPipe => "broken pipe",
        Io::ConnectionRefused
        | Io::ConnectionReset
        | Io::ConnectionAborted
        | Io::NotConnected
        | Io::AddrInUse
        | Io::AddrNotAvailable
        | Io::HostUnreachable
        | Io::NetworkUnreachable
        | Io::NetworkDown
        | Io::TimedOut => return cause.kind().to_string(),
        _ => return cause.to_string(),
    };
    text.to_owned()
}
