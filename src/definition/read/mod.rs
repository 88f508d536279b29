//! From a file as it is typed to the checked model; every fault has its place.

mod auth;
mod auth_texts;
mod connector;
mod credentials;
mod effects;
mod job;
mod login;
mod oauth;
mod operation;
mod option;
mod option_set;
mod paging;
mod paging_use;
mod placed;
mod record_refs;
mod refuse;
mod reply;
mod reply_effects;
mod request;
mod request_effects;
mod request_line;
mod response;
mod xml_template;

pub(super) use connector::read_connector;
pub(super) use operation::{OwnRecords, check_record, read_operation, read_record, record_schema};
pub(super) use record_refs::OtherRecords;
#[cfg(feature = "sandbox")]
pub(super) use request_line::read_request_line;
pub(super) use request_line::shown_request_line;
