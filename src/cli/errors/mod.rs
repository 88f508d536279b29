//! Errors as people read them: what failed, where, and what to do next.

mod advice;
mod diagnose;
mod excerpt;

pub(crate) use diagnose::Diagnosis;
