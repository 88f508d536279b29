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

/// The body of a reply as JSON, if it is.
pub(crate) fn json_of(reply: &Response) -> Option<serde_json::Value> {
    let (text, _) = charset::decode(&mut reply.clone()).ok()?;
    serde_json::from_str(&text).ok()
}
