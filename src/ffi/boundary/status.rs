//! Results for C: 0 and above for success, negative error numbers, and four failures of the interface itself.

use std::ffi::CStr;

use crate::error::ErrorKind;

/// The interface's version: major << 16 | minor.
pub(in crate::ffi) const ABI_VERSION: u32 = 0x0001_0002;

pub(in crate::ffi) const OK: i32 = 0;
pub(in crate::ffi) const DONE: i32 = 1;
pub(in crate::ffi) const AGAIN: i32 = 2;
pub(in crate::ffi) const OPEN: i32 = 3;
pub(in crate::ffi) const HANDLE: i32 = -90;
pub(in crate::ffi) const ABI: i32 = -91;
pub(super) const FORKED: i32 = -92;
pub(in crate::ffi) const MISUSE: i32 = -93;

/// The number of an error kind.
pub(in crate::ffi) fn of(kind: ErrorKind) -> i32 {
    -kind.number()
}

/// A result's name.
pub(in crate::ffi) fn name(status: i32) -> &'static CStr {
    match status {
        OK => c"ok",
        DONE => c"done",
        AGAIN => c"again",
        OPEN => c"open",
        HANDLE => c"handle",
        ABI => c"abi",
        FORKED => c"forked",
        MISUSE => c"misuse",
        other => ErrorKind::ALL.into_iter().find(|kind| of(*kind) == other).map_or(c"unknown", kind_name),
    }
}

/// The kind's name followed by a NUL.
fn kind_name(kind: ErrorKind) -> &'static CStr {
    match kind {
        ErrorKind::Internal => c"internal",
        ErrorKind::Usage => c"usage",
        ErrorKind::Definition => c"definition",
        ErrorKind::UnknownOperation => c"unknown_operation",
        ErrorKind::InvalidOptions => c"invalid_options",
        ErrorKind::InvalidItems => c"invalid_items",
        ErrorKind::Unsupported => c"unsupported",
        ErrorKind::Connection => c"connection",
        ErrorKind::Unauthenticated => c"unauthenticated",
        ErrorKind::Forbidden => c"forbidden",
        ErrorKind::Origin => c"origin",
        ErrorKind::NotFound => c"not_found",
        ErrorKind::Conflict => c"conflict",
        ErrorKind::Rejected => c"rejected",
        ErrorKind::BadResponse => c"bad_response",
        ErrorKind::NoProgress => c"no_progress",
        ErrorKind::Limit => c"limit",
        ErrorKind::RateLimited => c"rate_limited",
        ErrorKind::Unavailable => c"unavailable",
        ErrorKind::Network => c"network",
        ErrorKind::Timeout => c"timeout",
        ErrorKind::UnknownOutcome => c"unknown_outcome",
        ErrorKind::Partial => c"partial",
        ErrorKind::State => c"state",
        ErrorKind::Cancelled => c"cancelled",
    }
}

#[cfg(test)]
mod tests {
    use crate::error::ErrorKind;

    #[test]
    fn every_kind_has_its_own_name() {
        for kind in ErrorKind::ALL {
            assert_eq!(super::name(super::of(kind)).to_str(), Ok(kind.name()));
        }
        assert_eq!(super::name(-12345), c"unknown");
    }
}
