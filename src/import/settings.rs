//! What the user has said about an import: answers to its questions, and files of the user's own. Pure.

use std::collections::{BTreeMap, HashSet};

use super::report::LeftOut;
use super::tried::Tried;
use super::value::{Doc, Fields};

/// What the user has said.
#[derive(Clone, Debug, Default)]
pub(crate) struct ImportSettings {
    /// The name of the connector.
    pub(crate) connector: String,
    /// Titles and descriptions are made from names, not taken from the document.
    pub(crate) without_texts: bool,
    /// The number of the first page where the document does not say it.
    pub(crate) page_start: Option<u64>,
    /// The paging of lists that take its parameters.
    pub(crate) paging: Option<Doc>,
    /// A list that a reply leaves out is empty.
    pub(crate) optional_lists: bool,
    /// The name of the scheme to sign in with.
    pub(crate) sign_in: Option<String>,
    /// The address of the API.
    pub(crate) base_url: Option<String>,
    /// Only operations with one of these tags, ids, or path beginnings.
    pub(crate) only: Vec<String>,
    /// How the `path` of a patch operation is written, where the document does not say it.
    pub(crate) patch: Option<PatchWord>,
    pub(crate) own: OwnFiles,
    /// What is not a document, but was made one of calls: what that left out.
    pub(crate) seen: Option<SeenNotes>,
    /// What reads of the system have answered.
    pub(crate) tried: Vec<Tried>,
}

/// What is known of calls that became a document.
#[derive(Clone, Debug, Default)]
pub(crate) struct SeenNotes {
    pub(crate) format: &'static str,
    pub(crate) left_out: Vec<LeftOut>,
    pub(crate) notes: Vec<String>,
}

/// How the `path` of a patch operation is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PatchWord {
    /// As the bare name of a field.
    Names,
    /// As a JSON Pointer.
    Pointers,
}

/// Definitions in files that the import did not write: they stay, and come first.
#[derive(Clone, Debug, Default)]
pub(crate) struct OwnFiles {
    /// By verb and path.
    pub(crate) operations: BTreeMap<String, OwnOperation>,
    pub(crate) records: HashSet<String>,
    /// A connector.yaml of the user's own.
    pub(crate) connector: Option<Doc>,
    /// The texts of the files, by name.
    pub(crate) files: Vec<(String, String)>,
}

/// An operation of the user's own.
#[derive(Clone, Debug)]
pub(crate) struct OwnOperation {
    pub(crate) id: String,
    pub(crate) vendor_id: Option<String>,
}

impl OwnFiles {
    /// Whether an own operation stands for this one of the document: it names the document's id as its `vendor_id`, or
    /// has this verb and path and does not stand for another one. Parameters may have other names, and names other letter
    /// cases.
    pub(crate) fn has(&self, verb: &str, path: &str, raw_id: Option<&str>, raw_ids: &HashSet<String>) -> bool {
        if raw_id.is_some_and(|raw| self.operations.values().any(|own| own.vendor_id.as_deref() == Some(raw))) {
            return true;
        }
        let own = self.operations.get(&OwnFiles::key(verb, path));
        own.is_some_and(|own| !own.vendor_id.as_ref().is_some_and(|other| raw_ids.contains(other)))
    }

    /// The key of an own operation.
    pub(crate) fn key(verb: &str, path: &str) -> String {
        identity(verb, path).trim_end_matches('/').to_ascii_lowercase()
    }
}

/// Verb and path without the names of its parameters.
pub(crate) fn identity(verb: &str, path: &str) -> String {
    let mut out = format!("{verb} ");
    let mut is_name = false;
    for c in path.chars() {
        match c {
            '{' => {
                is_name = true;
                out.push_str("{}");
            }
            '}' => is_name = false,
            _ if is_name => {}
            c => out.push(c),
        }
    }
    out
}

impl ImportSettings {
    /// The paging that the user or the own connector says.
    pub(crate) fn said_paging(&self) -> Option<&Doc> {
        self.paging
            .as_ref()
            .or_else(|| self.own.connector.as_ref()?.get("paging"))
            .filter(|paging| paging.map().is_some())
    }

    /// The option sets of the own connector.
    pub(crate) fn sets(&self) -> Option<&Fields> {
        self.own.connector.as_ref()?.get("option_sets")?.map()
    }

    /// Headers that each request has, in lower case.
    pub(crate) fn fixed_headers(&self) -> Vec<String> {
        let own = self.own.connector.as_ref();
        let fixed = own.and_then(|doc| doc.at(&["fixed", "header"])).into_iter().flat_map(Doc::fields);
        fixed.map(|(name, _)| name.to_ascii_lowercase()).collect()
    }
}
