//! Items to bytes to a place: the forms and the places. One page in memory at a time.

mod items;
mod place;
mod receipt;
mod records;
mod standard;

pub(crate) use items::{ItemsOutput, TOGETHER};
pub(crate) use place::{EarlierFile, Flow, OutputPlace, apart};
pub(crate) use receipt::ReceiptFile;
pub(crate) use records::Look;
pub(crate) use standard::standard_output;
