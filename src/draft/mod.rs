//! Drafts definitions from what an API has shown: an operation from a request and its reply, a request from a curl
//! command line, a connector from an address and a kind of sign-in. What is a guess says why, in a comment. Pure.

mod body;
mod connector;
mod curl;
mod edit;
mod items;
mod names;
mod operation;
mod page;
mod paging;
mod personal;
mod raw;
mod shape;
#[cfg(test)]
mod tests;
mod tree;
pub(crate) use tree::plain;
pub(crate) use yaml::{comment_within, scalar};
mod yaml;

pub(crate) use connector::{AuthDraft, ConnectorDraft, PagingKind, variable};
pub(crate) use curl::{
    Address, Curl, is_kept as is_kept_header, is_secret_header, is_secret_name, looks_like_id, parse as parse_curl,
    read_address, sign_in_of,
};
pub(crate) use edit::{Section, add as add_entry, add_key};
pub(crate) use names::{SEARCHES, area_of, capitalized, last_noun, record_name, singular, title_of, words};
pub(crate) use operation::{Chosen, Draft, RecordChoice, Seen};
pub(crate) use page::SeenPage;
pub(crate) use paging::{KnownParameters, NextPage, PagingDraft};
pub(crate) use raw::{RawBody, RawRequest};
