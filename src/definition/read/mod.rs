//! From a file as it is typed to the checked model; every fault has its place.

mod auth;
mod auth_texts;
mod connector;
mod effects;
mod login;
mod oauth;
mod operation;
mod option;
mod paging;
mod placed;

pub(super) use connector::read_connector;
pub(super) use operation::{read_operation, read_record};
