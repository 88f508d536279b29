//! The progress of an operation, as the header declares it.

use crate::Receipt;

/// `opnode_progress`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::ffi) struct Progress {
    pub(in crate::ffi) struct_size: u32,
    pub(in crate::ffi) state: i32,
    pub(in crate::ffi) requests: i64,
    pub(in crate::ffi) retries: i64,
    pub(in crate::ffi) pages: i64,
    pub(in crate::ffi) items_in: i64,
    pub(in crate::ffi) items_out: i64,
    bytes_in: i64,
    pub(in crate::ffi) bytes_out: i64,
    total_items: i64,
    pub(in crate::ffi) wait_ms: i64,
}

impl Progress {
    pub(in crate::ffi) fn new() -> Progress {
        Progress { struct_size: size_of::<Progress>() as u32, total_items: -1, ..Progress::default() }
    }

    /// Adds a receipt.
    pub(in crate::ffi) fn take(&mut self, receipt: &Receipt) {
        let whole = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        self.requests = whole(receipt.requests);
        self.retries = whole(receipt.retries);
        self.pages = whole(receipt.pages);
        self.bytes_in = whole(receipt.bytes);
        self.wait_ms = whole(receipt.wait_ms);
        self.total_items = receipt.advertised_total.map_or(-1, whole);
    }
}

#[cfg(test)]
mod tests {
    use std::mem::offset_of;

    use super::Progress;

    /// As `tests/ffi/signatures.c` has it for the header.
    #[test]
    fn the_layout_matches_the_header() {
        let offsets = [
            offset_of!(Progress, struct_size),
            offset_of!(Progress, state),
            offset_of!(Progress, requests),
            offset_of!(Progress, retries),
            offset_of!(Progress, pages),
            offset_of!(Progress, items_in),
            offset_of!(Progress, items_out),
            offset_of!(Progress, bytes_in),
            offset_of!(Progress, bytes_out),
            offset_of!(Progress, total_items),
            offset_of!(Progress, wait_ms),
            size_of::<Progress>(),
        ];
        assert_eq!(offsets, [0, 4, 8, 16, 24, 32, 40, 48, 56, 64, 72, 80]);
    }
}
