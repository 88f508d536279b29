//! The styles of paging, one per file. Each determines where the next page starts. They are stateless.

pub(super) mod cursor;
pub(super) mod keyset;
pub(super) mod link;
pub(super) mod number;
pub(super) mod offset;
