//! The one error of this crate. Knows nothing of where it is shown: hosts read its fields, its JSON form or its kind's number.
//!
//! One type, because a caller's next move depends on the kind and not on the layer that failed.

use std::fmt;

use serde::Serialize;

/// What failed, sorted by whose move it is. Numbers never change once released.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A fault of opnode itself.
    Internal,
    /// The call or command line was put together wrongly.
    Usage,
    /// A definition, connection or template file is wrong.
    Definition,
    /// No operation, template or connector has this name, or the method is not the operation's.
    UnknownOperation,
    /// The options do not fit the operation.
    InvalidOptions,
    /// The items do not fit the operation.
    InvalidItems,
    /// The definition asks for something that this build cannot do.
    Unsupported,
    /// The connection's values are missing or wrong.
    Connection,
    /// The remote system did not accept the credentials (401).
    Unauthenticated,
    /// The credentials are good but do not allow this (403).
    Forbidden,
    /// The call would leave the connection's own origins; nothing was sent there.
    Origin,
    /// The record does not exist (404, 410).
    NotFound,
    /// The record is in use or was changed meanwhile (409, 412).
    Conflict,
    /// The remote system refused the request (other 4xx, or a reported failure).
    Rejected,
    /// The reply is not what the definition declares, or not readable.
    BadResponse,
    /// The remote system repeats pages or cursors: the walk would never end.
    NoProgress,
    /// A limit of the connection was reached; its name is in the message.
    Limit,
    /// Too many requests (429), also after waiting.
    RateLimited,
    /// The remote system answers 5xx.
    Unavailable,
    /// No connection, or it broke.
    Network,
    /// A time limit passed.
    Timeout,
    /// A write was sent and no answer tells whether it took effect.
    UnknownOutcome,
    /// Some items of a write failed; the outcomes tell which.
    Partial,
    /// A local file, lock or checkpoint failed.
    State,
    /// The caller cancelled.
    Cancelled,
}

impl ErrorKind {
    /// Every kind, in the order of their numbers.
    pub const ALL: [ErrorKind; 25] = {
        use ErrorKind::*;
        [
            Internal,
            Usage,
            Definition,
            UnknownOperation,
            InvalidOptions,
            InvalidItems,
            Unsupported,
            Connection,
            Unauthenticated,
            Forbidden,
            Origin,
            NotFound,
            Conflict,
            Rejected,
            BadResponse,
            NoProgress,
            Limit,
            RateLimited,
            Unavailable,
            Network,
            Timeout,
            UnknownOutcome,
            Partial,
            State,
            Cancelled,
        ]
    };

    /// Number, name and exit code in one place, so that a new kind does not compile without all three.
    const fn row(self) -> (i32, &'static str, u8) {
        match self {
            ErrorKind::Internal => (1, "internal", 1),
            ErrorKind::Usage => (2, "usage", 2),
            ErrorKind::Definition => (10, "definition", 3),
            ErrorKind::UnknownOperation => (11, "unknown_operation", 3),
            ErrorKind::InvalidOptions => (12, "invalid_options", 3),
            ErrorKind::InvalidItems => (13, "invalid_items", 3),
            ErrorKind::Unsupported => (14, "unsupported", 3),
            ErrorKind::Connection => (20, "connection", 4),
            ErrorKind::Unauthenticated => (21, "unauthenticated", 4),
            ErrorKind::Forbidden => (22, "forbidden", 4),
            ErrorKind::Origin => (23, "origin", 4),
            ErrorKind::NotFound => (30, "not_found", 5),
            ErrorKind::Conflict => (31, "conflict", 5),
            ErrorKind::Rejected => (32, "rejected", 5),
            ErrorKind::BadResponse => (33, "bad_response", 5),
            ErrorKind::NoProgress => (34, "no_progress", 5),
            ErrorKind::Limit => (35, "limit", 5),
            ErrorKind::RateLimited => (40, "rate_limited", 6),
            ErrorKind::Unavailable => (41, "unavailable", 6),
            ErrorKind::Network => (42, "network", 6),
            ErrorKind::Timeout => (43, "timeout", 6),
            ErrorKind::UnknownOutcome => (50, "unknown_outcome", 7),
            ErrorKind::Partial => (51, "partial", 8),
            ErrorKind::State => (60, "state", 9),
            ErrorKind::Cancelled => (70, "cancelled", 10),
        }
    }

    /// The kind's fixed number (C status codes are its negative).
    #[must_use]
    pub const fn number(self) -> i32 {
        self.row().0
    }

    /// The kind's name in snake_case, as it stands in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.row().1
    }

    /// The exit code of the command line. A cancel by signal exits with 130 instead.
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        self.row().2
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for ErrorKind {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// A place in a file or in an argument.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Place {
    /// File name as the caller gave it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Line, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// Column in characters, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<u64>,
    /// Field as a JSON Pointer (RFC 6901).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
}

impl Place {
    /// A field of an argument that has no file.
    #[must_use]
    pub fn field(pointer: impl Into<String>) -> Place {
        Place { field: Some(pointer.into()), ..Place::default() }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        if let Some(file) = &self.file {
            let mut text = file.clone();
            if let Some(line) = self.line {
                text.push_str(&format!(":{line}"));
                if let Some(column) = self.column {
                    text.push_str(&format!(":{column}"));
                }
            }
            parts.push(text);
        }
        if let Some(field) = self.field.as_deref().filter(|f| !f.is_empty()) {
            parts.push(field.to_owned());
        }
        f.write_str(&parts.join(" "))
    }
}

/// One of several faults that are reported together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// Where it is.
    #[serde(flatten)]
    pub place: Place,
    /// What is wrong.
    pub message: String,
    /// What to do, where there is something to say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
}

/// One field that the remote system complained about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ProviderDetail {
    /// The provider's code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The provider's text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The field's name at the provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
}

/// What the remote system said, in its own words (credentials masked, length capped).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Provider {
    /// Its error code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Its message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Its id of the request, for a support case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// By field.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<ProviderDetail>,
    /// The start of a body that is not in the provider's error form.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub excerpt: Option<String>,
}

impl Provider {
    fn is_empty(&self) -> bool {
        *self == Provider::default()
    }
}

/// All that is known about a failure. Reached through [`Error`]'s `Deref`.
#[derive(Clone, Debug, Serialize)]
pub struct Details {
    /// The kind.
    pub kind: ErrorKind,
    /// One lower-case line: what failed, and why.
    pub message: String,
    /// What to do next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
    /// OperationId of the call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// Where the fault is, when it is in a file or an argument.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// All faults, when several were found at once.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<Fault>,
    /// Verb and URL of the request, secrets masked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// HTTP status of the last reply.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http_status: Option<u16>,
    /// What the remote system said.
    #[serde(skip_serializing_if = "Provider::is_empty")]
    pub provider: Provider,
    /// Requests made for this call's failing step; 0 when nothing was sent.
    pub attempts: u32,
    /// Milliseconds that the remote system asked to wait.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
    /// Page of the walk (from 1) on which it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page: Option<u64>,
    /// The cause below, as text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
}

/// A failure. One pointer wide; see [`Details`] for its fields.
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
        }))
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
        if more > 0 {
            error.0.faults = faults;
        }
        error
    }

    /// Adds what to do next.
    #[must_use]
    pub fn advise(mut self, advice: impl Into<String>) -> Error {
        self.0.advice = Some(advice.into());
        self
    }

    /// Adds the place of the fault.
    #[must_use]
    pub fn at(mut self, place: Place) -> Error {
        self.0.place = Some(place);
        self
    }

    /// Adds the cause, as text.
    #[must_use]
    pub fn caused_by(mut self, cause: impl fmt::Display) -> Error {
        self.0.cause = Some(cause.to_string());
        self
    }

    /// Changes fields in place; for layers that know more than the one that failed.
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

    /// The JSON form that hosts get.
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

impl std::error::Error for Error {}

/// The nearest of some names, for "did you mean": close enough to be a slip of the hand, or the same without case and separators.
#[must_use]
pub fn nearest<'a>(wrong: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let flat = |s: &str| s.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_lowercase();
    let target = flat(wrong);
    names
        .into_iter()
        .map(|name| {
            let candidate = flat(name);
            let near = if !target.is_empty() && (candidate.starts_with(&target) || target.starts_with(&candidate)) {
                0.05
            } else {
                0.0
            };
            (strsim::jaro_winkler(&candidate, &target) + near, name)
        })
        .filter(|(score, _)| *score > 0.82)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

/// The system's own words, without Rust's number behind them.
#[cfg(feature = "batch")]
pub(crate) fn io_text(cause: &std::io::Error) -> String {
    let text = cause.to_string();
    let text = text.split(" (os error").next().unwrap_or(&text);
    let mut chars = text.chars();
    chars.next().map(|first| first.to_lowercase().chain(chars).collect()).unwrap_or_default()
}

/// "; did you mean `x`?" or nothing.
pub(crate) fn did_you_mean<'a>(wrong: &str, names: impl IntoIterator<Item = &'a str>) -> String {
    nearest(wrong, names).map(|n| format!("; did you mean `{n}`?")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{ErrorKind, nearest};

    #[test]
    fn numbers_are_ascending_and_all_kinds_are_listed() {
        let numbers: Vec<i32> = ErrorKind::ALL.iter().map(|k| k.number()).collect();
        assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
    }

    #[test]
    fn nearest_finds_slips_and_refuses_strangers() {
        assert_eq!(nearest("pagesize", ["conditions", "pageSize"]), Some("pageSize"));
        assert_eq!(nearest("getSystemMember", ["getSystemMembers", "getSystemInfo"]), Some("getSystemMembers"));
        assert_eq!(nearest("zzz", ["conditions", "pageSize"]), None);
    }
}
