//! The kinds of failure: name, number and exit code of each. Plain data.

use std::fmt;

use serde::{Serialize, Serializer};

/// Why a call failed, grouped by who must act. Numbers never change once released.
///
/// ```
/// use opnode::ErrorKind;
///
/// let kind = ErrorKind::RateLimited;
/// assert_eq!((kind.name(), kind.number(), kind.exit_code()), ("rate_limited", 40, 6));
/// // A later attempt may succeed without a change by anybody.
/// let is_temporary = matches!(
///     kind,
///     ErrorKind::RateLimited | ErrorKind::Unavailable | ErrorKind::Network | ErrorKind::Timeout
/// );
/// assert!(is_temporary);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A bug of opnode.
    Internal,
    /// An invalid call or command line.
    Usage,
    /// A definition, connection or template file is invalid.
    Definition,
    /// No operation, template or connector has this name, or the operation has another method.
    UnknownOperation,
    /// The options do not fit the operation.
    InvalidOptions,
    /// The items do not fit the operation.
    InvalidItems,
    /// The definition needs something that this build cannot do.
    Unsupported,
    /// The connection's values are missing or wrong.
    Connection,
    /// The remote system did not accept the credentials (401).
    Unauthenticated,
    /// The credentials are valid but do not allow this (403).
    Forbidden,
    /// The call would leave the connection's own origins; nothing was sent there.
    Origin,
    /// The record does not exist (404, 410).
    NotFound,
    /// The record is in use or has changed (409, 412).
    Conflict,
    /// The remote system refused the request (other 4xx, or a reported failure).
    Rejected,
    /// The reply is not as declared, or not readable.
    BadResponse,
    /// The remote system repeats pages or cursors: paging would never end.
    NoProgress,
    /// A limit of the connection was reached; its name is in the message.
    Limit,
    /// Too many requests (429), also after waiting.
    RateLimited,
    /// The remote system replies with 5xx.
    Unavailable,
    /// No connection, or it broke.
    Network,
    /// A time limit passed.
    Timeout,
    /// A write was sent and its outcome is unknown.
    UnknownOutcome,
    /// Some items of a write failed; the outcomes say which.
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

    /// Number, name and exit code together, so that a new kind does not compile without all three.
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

    /// The kind's name in snake_case, as in JSON.
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
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::ErrorKind;

    #[test]
    fn numbers_are_ascending_and_all_kinds_are_listed() {
        let numbers: Vec<i32> = ErrorKind::ALL.iter().map(|k| k.number()).collect();
        assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
    }
}
