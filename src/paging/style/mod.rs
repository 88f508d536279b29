//! The styles of paging, one a file: each says where the next page starts. They hold no state.

pub(super) mod cursor;
pub(super) mod keyset;
pub(super) mod link;
pub(super) mod number;
pub(super) mod offset;
