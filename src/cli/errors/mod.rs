//! Errors as text: what failed, where, and what to do next.

mod advice;
mod diagnose;
mod excerpt;
mod next_step;
pub(crate) mod stored_error;

pub(crate) use advice::worded;
pub(crate) use diagnose::Diagnosis;
pub(crate) use next_step::next_step;
