//! Why a call of the C interface returns early. Plain data.

use crate::error::Error;

/// Why a call ends here.
pub(in crate::ffi) enum Stop {
    Status(i32),
    Error(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Stop {
        Stop::Error(error)
    }
}

impl From<i32> for Stop {
    fn from(status: i32) -> Stop {
        Stop::Status(status)
    }
}
