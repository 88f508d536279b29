//! A reply as bytes: its body as it arrives, its charset, its JSON and its Link header. Independent of operations.
//! Pure.

mod body;
pub(crate) mod charset;
mod found_rows;
mod link_header;
mod response;
pub(crate) mod scan;

pub use body::Body;
pub(crate) use found_rows::FoundRows;
pub(crate) use link_header::parse as parse_links;
pub use response::Response;
pub(crate) use response::{BodyForm, declared_form, in_lower_case, is_binary};
