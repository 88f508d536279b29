//! Errors as people read them: what failed, where, and what to do next.

pub(crate) mod diagnose;
mod excerpt;
