//! How far an operation is, as the header declares it.

use crate::receipt::Receipt;

/// `opnode_progress`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Progress {
    pub(crate) struct_size: u32,
    pub(crate) state: i32,
    pub(crate) requests: i64,
    pub(crate) retries: i64,
    pub(crate) pages: i64,
    pub(crate) items_in: i64,
    pub(crate) items_out: i64,
    pub(crate) bytes_in: i64,
    pub(crate) bytes_out: i64,
    pub(crate) total_items: i64,
    pub(crate) wait_ms: i64,
}

impl Progress {
    pub(crate) fn new() -> Progress {
        Progress { struct_size: size_of::<Progress>() as u32, total_items: -1, ..Progress::default() }
    }

    /// Takes a receipt in; of a write that is made of several calls, on top of the calls before.
    pub(crate) fn take(&mut self, receipt: &Receipt, before: &Progress) {
        let whole = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        self.requests = before.requests + whole(receipt.requests);
        self.retries = before.retries + whole(receipt.retries);
        self.pages = whole(receipt.pages);
        self.bytes_in = before.bytes_in + whole(receipt.bytes);
        self.wait_ms = before.wait_ms + whole(receipt.wait_ms);
        self.total_items = receipt.advertised_total.map_or(-1, whole);
    }
}
