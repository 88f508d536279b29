//! Output of items: the formats, and the places they are written to. One page in memory at a time.

mod items;
mod place;
mod receipt;
mod records;
mod standard;
mod table_output;

pub(crate) use items::{BUFFER_SIZE, ItemsOutput};
pub(crate) use place::{Flow, OldPartial, OutputPlace, refuse_inputs, refuse_same_path};
pub(crate) use receipt::ReceiptFile;
pub(crate) use records::TableStyle;
pub(crate) use standard::standard_output;
pub(crate) use table_output::{TableOutput, password};
