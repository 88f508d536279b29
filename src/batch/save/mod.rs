//! The files of a step's rows: their paths, what must not be overwritten, and how rows get into them. All files of a
//! step are complete beside their places before the first of them changes.

mod append;
mod form_writer;
mod packed;
mod parts;
mod place;
mod protected;
mod template;

pub(super) use append::{AppendedFile, header_fault};
pub(super) use form_writer::{FormWriter, fill};
pub(super) use packed::PackedSink;
pub(super) use parts::{PartFiles, PartsInput, folder_of, write_parts};
pub(super) use place::{SavePlace, SaveTarget, target, writable};
pub(super) use protected::Protected;
pub(super) use template::PathTemplate;
