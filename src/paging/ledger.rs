//! The server's announcements during a walk, and which of them are not fulfilled yet. Pure data; stored with the
//! progress of a walk.

use serde::{Deserialize, Serialize};

use super::signal;
use crate::definition::{EndRule, Operation, Paging, Style};
use crate::error::{Error, ErrorKind, Result};
use crate::page::Page;

/// The announcements so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Ledger {
    /// The total from the newest page with rows: an empty page may have a wrong total, but may announce more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) total: Option<u64>,
    /// The largest number of pages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pages: Option<u64>,
    /// The query parameter with the page number in links: as declared, or the one in which the next link and the last
    /// differ.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) page_parameter: Option<String>,
    /// The address of the last page, if links name it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) last_url: Option<String>,
    /// The total decreased during the walk.
    pub(super) shrunk: bool,
    /// Which paging values were in some reply, in the order of the definition; the last is that of the total.
    pub(crate) found: Vec<bool>,
    /// A reply had a Link header.
    pub(crate) links: bool,
    /// A page was full: the server respects the page size.
    pub(crate) full: bool,
    /// The server omits rows after counting them: offsets, and not rows, show the progress.
    pub(super) leaves_out: bool,
    /// The digests of the last page, to compare with the next one if another process resumes the walk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) before: Option<Ends>,
    /// Announced pages without a body.
    pub(crate) lost: u64,
}

/// The first and last row of a page, by their digests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ends {
    rows: u64,
    first: u64,
    last: u64,
}

impl Ends {
    fn of(page: &Page) -> Option<Ends> {
        let count = page.items.len();
        let digest = |index: usize| page.items.get(index).map(|item| short_digest(item.as_str()));
        Some(Ends { rows: count as u64, first: digest(0)?, last: digest(count.checked_sub(1)?)? })
    }
}

/// Stable over processes and releases.
fn short_digest(text: &str) -> u64 {
    use sha2::Digest;
    let digest = sha2::Sha256::digest(text.as_bytes());
    digest.iter().take(8).fold(0, |number, byte| (number << 8) | u64::from(*byte))
}

impl Ledger {
    /// Whether a page, the first after an interruption, repeats the previous one or starts with its last row.
    pub(super) fn is_met_again(&self, page: &Page) -> bool {
        let (Some(before), Some(now)) = (self.before, Ends::of(page)) else { return false };
        before.rows > 1 && (before == now || before.last == now.first)
    }

    /// Records a page's announcements.
    pub(super) fn hear(
        &mut self,
        operation: &Operation,
        paging: &Paging,
        page: &Page,
        asked: Option<u32>,
    ) -> Result<()> {
        let sources = paging.steering().into_iter().chain(operation.response.total.as_ref().map(|t| &t.at));
        let there: Vec<bool> = sources.map(|source| page.signal(source).is_some()).collect();
        self.found.resize(there.len(), false);
        self.found.iter_mut().zip(there).for_each(|(found, there)| *found |= there);
        self.before = Ends::of(page).or(self.before);
        self.links |= page.has_links();
        self.full |= asked.is_some_and(|asked| page.items.len() as u64 >= u64::from(asked));
        self.shrunk |= !page.items.is_empty() && page.total.is_some() && page.total < self.total;
        self.total = if page.items.is_empty() { self.total.max(page.total) } else { page.total.or(self.total) };
        if let Some(total) = operation
            .response
            .total
            .as_ref()
            .filter(|t| t.exact && page.total.is_none() && page.signal(&t.at).is_some())
        {
            return Err(Error::new(
                ErrorKind::BadResponse,
                format!("{}: expected a number of items, which decides where the list ends", total.at),
            )
            .advise("without `exact: true` in the definition, a total is a hint only"));
        }
        match &paging.style {
            Style::Number { end: Some(EndRule::TotalPages(source)), .. } => {
                self.pages = self.pages.max(signal::number(page, source)?)
            }
            Style::Link { last, .. } => {
                if self.page_parameter.is_none() {
                    self.page_parameter = last
                        .as_ref()
                        .map(|last| last.name().to_owned())
                        .or_else(|| super::addresses::counting(page.link("next")?, page.link("last")?));
                }
                if let (Some(target), Some(parameter)) = (page.link("last"), &self.page_parameter)
                    && let Some((_, number)) = super::addresses::number(target, parameter)
                    && self.pages < Some(number)
                {
                    (self.pages, self.last_url) = (Some(number), Some(target.to_owned()));
                }
            }
            Style::None
            | Style::Number { .. }
            | Style::Offset { .. }
            | Style::Cursor { .. }
            | Style::NextUrl { .. }
            | Style::Keyset(_) => {}
        }
        Ok(())
    }
}
