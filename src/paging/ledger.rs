//! What a server has announced on a walk so far, and which of its promises are still open. Pure data; kept with the place of a walk.

use serde::{Deserialize, Serialize};

use super::signal;
use crate::definition::{End, Operation, Paging, Style};
use crate::error::{Error, ErrorKind, Result};
use crate::page::Page;

/// What was announced so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Ledger {
    /// The total, as the newest page with rows tells it: one without may tell nonsense, but may announce more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) total: Option<u64>,
    /// The largest number of pages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pages: Option<u64>,
    /// The address of the last page, where links name it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) last_url: Option<String>,
    /// Which of the places that steer the walk were in some reply, in the order of the definition; the last is that of the total.
    pub(crate) found: Vec<bool>,
    /// A reply had a Link header.
    pub(crate) links: bool,
    /// A page came with as many rows as were asked for: the server honours the size.
    pub(crate) full: bool,
    /// The server leaves out rows after it has counted them: offsets, and not rows, tell how far the walk is.
    pub(crate) leaves_out: bool,
    /// Pages without a body that were announced.
    pub(crate) lost: u64,
}

impl Ledger {
    /// Takes in what a page announces.
    pub(super) fn hear(&mut self, operation: &Operation, paging: &Paging, page: &Page, asked: Option<u32>) -> Result<()> {
        let sources = paging.steering().into_iter().chain(operation.response.total.as_ref().map(|t| &t.at));
        let there: Vec<bool> = sources.map(|source| page.signal(source).is_some()).collect();
        self.found.resize(there.len(), false);
        self.found.iter_mut().zip(there).for_each(|(found, there)| *found |= there);
        self.links |= page.has_links();
        self.full |= asked.is_some_and(|asked| page.items.len() as u64 >= u64::from(asked));
        self.total = if page.items.is_empty() { self.total.max(page.total) } else { page.total.or(self.total) };
        if let Some(total) = operation.response.total.as_ref().filter(|t| t.exact && page.total.is_none() && page.signal(&t.at).is_some()) {
            return Err(Error::new(
                ErrorKind::BadResponse,
                format!("{} should be a number of items, because the walk ends by it", total.at),
            )
            .advise("without `exact: true` in the definition, a total is a hint only"));
        }
        match &paging.style {
            Style::Number { end: Some(End::TotalPages(source)), .. } => self.pages = self.pages.max(signal::number(page, source)?),
            Style::Link { last: Some(parameter), .. } => {
                if let Some(target) = page.link("last")
                    && let Some((_, number)) = super::link::number(target, parameter)
                    && self.pages < Some(number)
                {
                    (self.pages, self.last_url) = (Some(number), Some(target.to_owned()));
                }
            }
            Style::None
            | Style::Link { .. }
            | Style::Number { .. }
            | Style::Offset { .. }
            | Style::Cursor { .. }
            | Style::NextUrl { .. }
            | Style::Keyset(_) => {}
        }
        Ok(())
    }
}
