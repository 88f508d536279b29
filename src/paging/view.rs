//! The context of a style's decision, and the open announcements at an end. Pure.

use url::Url;

use super::addresses::{self, Links};
use super::counter;
use super::ledger::Ledger;
use super::signal;
use super::step::{Ended, PagingStep};
use crate::authoring::Source;
use crate::definition::{Advance, EndRule, Location, Operation, Paging, Style, TokenRule};
use crate::error::Result;
use crate::page::Page;
use crate::receipt::{EndSeen, StopReason};
use crate::request::Cursor;

/// One page in its walk.
#[derive(Clone, Copy)]
pub(crate) struct View<'p> {
    pub(super) page: &'p Page,
    /// URL of the request that gave the page.
    pub(super) url: &'p str,
    /// Cursor of that request.
    pub(super) cursor: &'p Cursor,
    pub(super) operation: &'p Operation,
    pub(super) paging: &'p Paging,
    pub(super) links: &'p Links,
    /// The announcements, including those of this page.
    pub(super) ledger: &'p Ledger,
    /// Rows so far, including this page.
    pub(super) rows: u64,
    /// The page's number, from 1.
    pub(super) number: u64,
    /// Rows of the largest page so far, including this one.
    pub(super) largest: u64,
    /// Requested rows.
    pub(super) asked: Option<u32>,
}

impl View<'_> {
    pub(super) fn is_paged(&self) -> bool {
        self.paging.is_paged()
    }

    /// The end after the only page of a list without paging. Whether there is more is not known if nobody has said so.
    pub(super) fn only_page(&self) -> Ended {
        let end = Ended { reason: StopReason::NotPaged, seen: None, complete: true, broken: false };
        match () {
            () if !self.paging.is_unknown => end,
            () if self.rows == 0 => Ended { seen: Some(EndSeen::EmptyPage), ..end },
            () if self.has_exact_total() && self.total_left() == 0 => Ended { seen: Some(EndSeen::Total), ..end },
            () => Ended { complete: false, ..end },
        }
    }

    /// The end, if the paging flag says that there is no more.
    pub(super) fn flagged_end(&self) -> Result<Option<PagingStep>> {
        let Some(flag) = &self.paging.more else { return Ok(None) };
        let over = signal::flag(self.page, flag)? == Some(false);
        Ok(over.then(|| PagingStep::stop(StopReason::HasMoreFalse, EndSeen::Signal)))
    }

    /// The end by a token that names no next page: by its value, or by its absence after it was present or if absence
    /// is declared.
    pub(super) fn no_next(&self, token: &TokenRule) -> PagingStep {
        if self.page.signal(&token.at).is_some() {
            return PagingStep::stop(StopReason::NoNext, EndSeen::Signal);
        }
        self.silent(StopReason::NoNext, token.absent_ends)
    }

    /// The end by an absent value.
    pub(super) fn silent(&self, reason: StopReason, absent_ends: bool) -> PagingStep {
        // It was never present, and the page is full: the pointer may be misspelt.
        let is_full = self.asked.is_some_and(|asked| self.page.items.len() as u64 >= u64::from(asked));
        let known = self.ledger.found.first() == Some(&true) || (absent_ends && !is_full);
        let seen = match self.page.items.is_empty() {
            _ if known => EndSeen::Signal,
            true => EndSeen::EmptyPage,
            false => EndSeen::Assumed,
        };
        PagingStep::stop(reason, seen)
    }

    /// How the end is seen if no reply contained the style's own sign.
    pub(super) fn without_signal(&self) -> EndSeen {
        let rows = self.page.items.len() as u64;
        match self.asked {
            _ if rows == 0 => EndSeen::EmptyPage,
            Some(asked) if rows < u64::from(asked) => EndSeen::ShortPage,
            Some(_) => EndSeen::Assumed,
            // Without a page size, no page is full; a missing next link is the protocol's sign for the last page.
            None => EndSeen::Signal,
        }
    }

    /// Without a sign from the server, only an empty page ends the walk: a short one may be the server's own page size.
    pub(super) fn by_rows(&self, on: impl Fn() -> PagingStep) -> PagingStep {
        if self.page.items.is_empty() { PagingStep::stop(StopReason::EmptyPage, EndSeen::EmptyPage) } else { on() }
    }

    /// The progress of the walk, in rows as the server counts them: by the offset only if the server has shown that it
    /// respects the size.
    fn position(&self) -> u64 {
        match &self.paging.style {
            Style::Offset { offset, start, advance, .. }
                if self.ledger.leaves_out || (*advance == Some(Advance::Requested) && self.ledger.full) =>
            {
                let skipped = counter::offset(offset, self.cursor).saturating_sub(*start);
                skipped.saturating_add(self.asked.map_or(0, u64::from)).max(self.rows)
            }
            _ => self.rows,
        }
    }

    /// Announced rows that have not arrived.
    pub(super) fn total_left(&self) -> u64 {
        self.ledger.total.unwrap_or_default().saturating_sub(self.position())
    }

    fn has_exact_total(&self) -> bool {
        self.ledger.total.is_some() && self.operation.response.total.as_ref().is_some_and(|t| t.exact)
    }

    /// Whether a reliable total shows that this was the last page. If the server still names a next page, it is
    /// followed.
    pub(super) fn is_reached(&self, next: &PagingStep) -> bool {
        let counted = matches!(self.paging.style, Style::Number { end: None, .. } | Style::Offset { .. })
            && self.paging.more.is_none();
        self.has_exact_total() && self.total_left() == 0 && (counted || !matches!(next, PagingStep::More(_)))
    }

    /// Whether a cursor is the one that gave this page.
    pub(super) fn names_itself(&self, next: &Cursor) -> bool {
        next == self.cursor || next.url.as_deref() == Some(self.url)
    }

    /// The number of this page, from 1, if the style counts pages.
    pub(super) fn counted(&self) -> u64 {
        let found = match &self.paging.style {
            Style::Number { page, start, .. } => {
                counter::page(page, self.cursor).ok().map(|current| counter::ordinal(current, *start))
            }
            Style::Link { .. } => self
                .ledger
                .page_parameter
                .as_ref()
                .and_then(|name| addresses::number(self.url, name))
                .map(|(_, number)| number),
            Style::None | Style::Offset { .. } | Style::Cursor { .. } | Style::NextUrl { .. } | Style::Keyset(_) => {
                None
            }
        };
        found.unwrap_or(self.number)
    }

    /// Whether the server itself names the next page, so that each page after the first was announced.
    fn is_named(&self) -> bool {
        match &self.paging.style {
            Style::Link { .. } | Style::Cursor { .. } | Style::NextUrl { .. } => true,
            Style::Number { end, .. } => end.is_some() || self.paging.more.is_some(),
            Style::Keyset(_) => self.ledger.links || self.paging.more.is_some(),
            Style::None | Style::Offset { .. } => false,
        }
    }

    /// The server's open announcements if the walk ended here.
    pub(super) fn open_promise(&self) -> Result<Option<Promise>> {
        if let Some(pages) = self.ledger.pages {
            let current = self.counted();
            if current < pages {
                return Ok(firm(format!("the server announced {pages} pages, and the walk ended on page {current}")));
            }
        }
        if self.page.is_blank()
            && self.number > 1
            && (self.is_named() || self.ledger.pages.is_some_and(|pages| self.counted() <= pages))
        {
            return Ok(firm(format!("page {}, which the server announced, had no body", self.number)));
        }
        if self.total_left() > 0 {
            let total = self.ledger.total.unwrap_or_default();
            let what = format!("the server announced {total} items but delivered {}", self.rows);
            return Ok(Some(Promise { what, firm: self.operation.response.total.as_ref().is_some_and(|t| t.exact) }));
        }
        let more = self.paging.more.as_ref().map(|flag| signal::flag(self.page, flag)).transpose()?.flatten();
        let broken = "the server reported more items but named no next page";
        Ok(if more == Some(true) { firm(broken.to_owned()) } else { None })
    }

    /// Notes for the user about the end.
    pub(super) fn closing_notes(&self, end: &mut Ended, lost: u64) -> Vec<String> {
        let mut notes = Vec::new();
        notes.extend(self.untold_total(end));
        if !self.paging.is_paged() {
            let is_open = self.paging.is_unknown && !end.complete;
            notes.extend(is_open.then(|| UNKNOWN.to_owned()));
            return notes;
        }
        if self.ledger.shrunk && matches!(self.paging.style, Style::Number { .. } | Style::Offset { .. }) {
            end.complete = false;
            notes.push(
                "the announced total decreased while the list was read: a record may have been skipped".to_owned(),
            );
        }
        if lost > 0 {
            notes.push(format!("{lost} of the announced pages had no body"));
        }
        let total = self.ledger.total.unwrap_or_default();
        if end.complete && total > self.rows {
            end.complete = false;
            notes.push(format!("the server counted {total} items but omitted {} of them", total - self.rows));
        }
        if total < self.rows && self.has_exact_total() {
            (end.complete, end.broken) = (false, true);
            notes.push(format!("the total of {total} is not exact: {} items were returned", self.rows));
        }
        let unresolved = self.unresolved(end);
        end.broken |= !unresolved.is_empty();
        notes.extend(unresolved);
        if end.seen == Some(EndSeen::Assumed) && !end.broken {
            let what = match &self.paging.style {
                Style::Link { .. } => NO_LINK.to_owned(),
                _ => {
                    let places: Vec<String> = self.paging.steering().into_iter().map(ToString::to_string).collect();
                    format!("the page is full and no reply contained {}", places.join(" or "))
                }
            };
            notes.push(format!("the end is assumed: {what}"));
        }
        notes
    }

    /// A declared sign of the end that the first page does not have: its place may be misspelt.
    pub(super) fn untold_end(&self) -> Option<String> {
        let flag = self.paging.more.as_ref().filter(|flag| !flag.absent_ends).map(|flag| &flag.at);
        let pages = match &self.paging.style {
            Style::Number { end: Some(EndRule::TotalPages(source)), .. } => Some(source),
            Style::None
            | Style::Link { .. }
            | Style::Number { .. }
            | Style::Offset { .. }
            | Style::Cursor { .. }
            | Style::NextUrl { .. }
            | Style::Keyset(_) => None,
        };
        let missing = flag.into_iter().chain(pages).find(|source| self.page.signal(source).is_none())?;
        Some(format!("the reply has no {missing}, which `paging` names: the list is read until a page is empty"))
    }

    /// A declared total that no reply contained.
    fn untold_total(&self, end: &mut Ended) -> Option<String> {
        let total = self.operation.response.total.as_ref()?;
        if self.rows == 0 || self.ledger.found.last() != Some(&false) {
            return None;
        }
        end.broken |= total.exact;
        end.complete &= !total.exact;
        Some(format!("no reply contained the total, {}", total.at))
    }

    /// Paging values that no reply contained.
    fn unresolved(&self, end: &Ended) -> Vec<String> {
        if self.rows == 0 {
            return Vec::new();
        }
        let sources = self.paging.steering();
        let missing =
            sources.into_iter().zip(&self.ledger.found).filter(|(_, found)| !**found).map(|(source, _)| source);
        // If the flag says that there is no more, no next page is needed.
        let flagged = end.reason == StopReason::HasMoreFalse && end.seen == Some(EndSeen::Signal);
        let needless = |source: &&Source| flagged && self.paging.more.as_ref().is_some_and(|flag| flag.at != **source);
        missing.filter(|source| !self.may_be_absent(source) && !needless(source)).map(untold).collect()
    }

    fn may_be_absent(&self, source: &Source) -> bool {
        let token = match &self.paging.style {
            Style::Cursor { token, .. } | Style::NextUrl { token, .. } => Some(token),
            Style::Number { end: Some(crate::definition::EndRule::NextPage(token)), .. } => Some(token),
            Style::None | Style::Link { .. } | Style::Number { .. } | Style::Offset { .. } | Style::Keyset(_) => None,
        };
        token.is_some_and(|t| t.at == *source && t.absent_ends)
            || self.paging.more.as_ref().is_some_and(|f| f.at == *source && f.absent_ends)
    }

    /// A next link that omits options of the caller: the server may no longer apply them.
    pub(super) fn options_left_out(&self, next: &Cursor) -> Option<String> {
        let names = |url: &str| -> Vec<String> {
            Url::parse(url).map(|u| u.query_pairs().map(|(name, _)| name.into_owned()).collect()).unwrap_or_default()
        };
        let kept = names(next.url.as_deref()?);
        let given = names(self.url);
        let own = |name: &&String| self.operation.option(name).is_some_and(|o| o.location == Location::Query);
        let missing: Vec<String> =
            given.iter().filter(own).filter(|name| !kept.contains(*name)).map(|n| format!("`{n}`")).collect();
        (!missing.is_empty()).then(|| {
            format!("the server's next link omits {}; check that later pages still apply it", missing.join(", "))
        })
    }
}

/// An announcement of the server.
pub(super) struct Promise {
    /// The open part of it.
    pub(super) what: String,
    /// It is more than a hint.
    pub(super) firm: bool,
}

fn firm(what: String) -> Option<Promise> {
    Some(Promise { what, firm: true })
}

/// Why a list of which one page was read is not complete.
const UNKNOWN: &str = "one page was read; the definition does not say how the next is asked for (`paging: unknown`)";

/// Why the end of a walk by links is only assumed.
pub(crate) const NO_LINK: &str = "the page is full and no reply had a Link header; `last: { query: … }` names the parameter that requests the next page";

fn untold(source: &Source) -> String {
    format!(
        "no reply contained {source}; correct it in `paging`, or write `{{ at: …, absent: end }}` if the server omits it at the end"
    )
}
