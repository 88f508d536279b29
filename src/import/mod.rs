//! Imports descriptions of APIs: an OpenAPI document becomes the definition files of a connector. What the document says
//! is written; what is only likely has a comment; what it does not say is asked. Pure.

mod api;
mod asked;
mod body;
mod build;
mod calls;
mod compare;
mod connector;
mod envelope;
mod extensions;
mod found;
mod names;
mod operation;
mod options;
mod overlay;
mod pager;
mod paging;
mod prose;
mod refs;
mod reply;
mod report;
mod schemas;
mod sets;
mod settings;
mod sign_in;
mod trial;
mod tried;
mod value;
mod write;

pub(crate) use build::{Imported, import};
pub(crate) use calls::{SeenCalls, read_curl, read_har, read_postman};
pub(crate) use compare::{Changes, ImportedEntries, compare, difference};
pub(crate) use names::digest;
pub(crate) use operation::OperationDraft;
pub(crate) use overlay::apply as apply_overlay;
pub(crate) use refs::Files;
pub(crate) use report::ImportQuestion;
pub(crate) use settings::{ImportSettings, OwnFiles, OwnOperation, PatchWord, SeenNotes};
pub(crate) use trial::{SecondRead, Trial, TrialQuestion, trials};
pub(crate) use tried::Tried;
pub(crate) use value::{Doc, Fields};
pub(crate) use write::pair as write_pair;
