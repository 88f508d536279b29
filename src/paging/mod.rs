//! Paging: decides from a reply what follows: the next cursor, or the end. Pure; one file per style, the guards in
//! `guard`.
//!
//! The rule of the end, for all styles: a stop that contradicts the server's announcements is not an end. The page is
//! requested once more, then the walk continues if its style allows, and if the contradiction remains, the walk is not
//! complete.

mod addresses;
mod counter;
mod guard;
mod ledger;
mod signal;
mod step;
mod style;
mod view;

use std::sync::Arc;

pub(crate) use addresses::Links;
pub use ledger::Ledger;
pub(crate) use step::{Admission, Ended, PagingStep};
use view::Promise;
pub(crate) use view::{NO_LINK, View};

use crate::definition::{Advance, EndRule, Operation, Paging, Style};
use crate::error::{Error, ErrorKind, Place, Result};
use crate::options::Options;
use crate::page::Page;
use crate::receipt::{EndSeen, StopReason};
use crate::request::Cursor;
use guard::Bound;
use style::{cursor, keyset, link, number, offset};

/// Walks one list. Contains the guards and the ledger; the styles are stateless.
pub(crate) struct Pager {
    operation: Arc<Operation>,
    /// The operation's own paging, or the keyset paging that the caller chose.
    paging: Paging,
    links: Links,
    guard: guard::Guard,
    ledger: Ledger,
    rows: u64,
    pages: u64,
    asked: Option<u32>,
    largest: u64,
    /// An announced page without a body is an error.
    strict: bool,
    /// The requested page was not named by the server: it may not exist.
    probing: bool,
    /// The page that was requested once more.
    again: Option<Cursor>,
    /// The cursor of the last page.
    before: Option<Cursor>,
    /// Notes for the user.
    notes: Vec<String>,
}

impl Pager {
    /// A pager for a call. `forward_only` selects the connector's keyset paging.
    pub(crate) fn new(
        operation: Arc<Operation>,
        options: &Options,
        forward_only: bool,
        asked: Option<u32>,
    ) -> Result<Pager> {
        let paging = if forward_only { forward(&operation, options)? } else { operation.paging.clone() };
        let credentials = operation.connector.auth.query_names();
        let links = Links { relink: paging.relinks(), hosts: operation.connector.hosts.clone(), credentials };
        Ok(Pager {
            operation,
            paging,
            links,
            guard: guard::Guard::default(),
            ledger: Ledger::default(),
            rows: 0,
            pages: 0,
            asked,
            largest: 0,
            strict: false,
            probing: false,
            again: None,
            before: None,
            notes: Vec::new(),
        })
    }

    /// Uses only path and query of next links; is strict about pages without a body.
    pub(crate) fn with(mut self, relink: bool, strict: bool) -> Pager {
        self.links.relink |= relink;
        self.strict = strict;
        self
    }

    /// Continues an earlier walk.
    pub(crate) fn go_on_from(&mut self, (pages, rows, largest): (u64, u64, u64), ledger: Ledger) {
        (self.pages, self.rows, self.largest, self.ledger) = (pages, rows, largest, ledger);
    }

    /// The number of rows of the largest page so far.
    pub(crate) fn largest(&self) -> u64 {
        self.largest
    }

    /// The server's announcements so far.
    pub(crate) fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Notes for the user since the last call.
    pub(crate) fn take_notes(&mut self) -> Vec<String> {
        std::mem::take(&mut self.notes)
    }

    /// The first page's cursor.
    pub(crate) fn first(&self) -> Cursor {
        match &self.paging.style {
            Style::Keyset(keyset) => keyset::first(keyset),
            Style::Number { page, start, .. } => counter::at(page, *start),
            Style::Offset { offset, start, .. } => counter::at(offset, *start),
            Style::None | Style::Link { .. } | Style::Cursor { .. } | Style::NextUrl { .. } => Cursor::default(),
        }
    }

    /// Checks a page before it is used: one that must not be delivered is refused, or replaced by another request.
    ///
    /// # Errors
    /// `no_progress` for a page that repeats the previous one, or starts with its records.
    pub(crate) fn admit(&mut self, page: &Page) -> Result<Admission> {
        let counted = self.is_counted();
        let overlaps = self.guard.page(&page.items, self.asked, counted)?;
        // In a resumed walk, the guard has not seen the previous page.
        let met_again = counted && self.before.is_none() && self.pages > 0 && self.ledger.is_met_again(page);
        if !overlaps && !met_again {
            return Ok(Admission::Take);
        }
        let offset = match &self.paging.style {
            Style::Offset { offset, advance: None, .. } if !self.ledger.full => Some(offset),
            _ => None,
        };
        let (Some(offset), Some(before), Some(asked)) = (offset, &self.before, self.asked) else {
            let why =
                "the page starts with a record of the previous page: records moved, or the server counts differently";
            let cure = match &self.paging.style {
                Style::Offset { .. } => {
                    "or set in the definition how the offset advances: `advance: requested | received`"
                }
                Style::Number { .. } => {
                    "or check whether this parameter counts records, not pages: then declare it as `offset`"
                }
                _ => "or check whether the system excludes the record with the given key",
            };
            return Err(guard::no_progress(why).advise(format!("sort by a unique field if the system can; {cure}")));
        };
        let instead = counter::at(offset, counter::offset(offset, before).saturating_add(u64::from(asked)));
        (self.ledger.full, self.ledger.leaves_out) = (true, true);
        Ok(Admission::Instead(instead))
    }

    /// The end of the walk if the current page is refused or repeats itself: if everything announced has arrived, or
    /// the server did not name that page.
    pub(crate) fn end_before(&self) -> Option<Ended> {
        let total = self.ledger.total.is_some_and(|total| self.rows >= total);
        let pages = self.ledger.total.is_none() && self.ledger.pages.is_some_and(|pages| self.pages >= pages);
        match self.probing {
            _ if total => Some(Ended::seen(StopReason::TotalReached, EndSeen::Total)),
            _ if pages => Some(Ended::seen(StopReason::LastPage, EndSeen::Signal)),
            true => Some(Ended::seen(StopReason::NoNext, EndSeen::Assumed)),
            false => None,
        }
    }

    /// Whether opnode itself computes the start of the next page, so that pages may overlap.
    fn is_counted(&self) -> bool {
        matches!(self.paging.style, Style::Offset { .. } | Style::Number { .. } | Style::Keyset(_))
    }

    /// Records the page of a repeated request.
    pub(crate) fn remember(&mut self, page: &Page) {
        self.guard.remember(&page.items, self.is_counted());
    }

    /// Whether only an empty page could show the end.
    pub(crate) fn counts_blindly(&self) -> bool {
        let counted = matches!(self.paging.style, Style::Number { end: None, .. } | Style::Offset { .. });
        counted && self.paging.more.is_none() && self.ledger.total.is_none()
    }

    /// Decides what follows a page. The page itself is valid even if its next link is not.
    ///
    /// # Errors
    /// `no_progress` when a cursor or page repeats; `bad_response` when the reply's paging values are unusable.
    pub(crate) fn next(&mut self, page: &Page, url: &str, cursor: &Cursor) -> Result<PagingStep> {
        let mut ledger = self.ledger.clone();
        ledger.hear(&self.operation, &self.paging, page, self.asked)?;
        let rows = page.items.len() as u64;
        let largest = self.largest.max(rows);
        let view = View {
            page,
            url,
            cursor,
            operation: &self.operation,
            paging: &self.paging,
            links: &self.links,
            ledger: &ledger,
            rows: self.rows + rows,
            number: self.pages + 1,
            largest,
            asked: self.asked,
        };
        let wanted = match strategy(&view)? {
            step if view.is_paged() && view.is_reached(&step) => {
                PagingStep::stop(StopReason::TotalReached, EndSeen::Total)
            }
            step => step,
        };
        let (mut step, promise) = match wanted {
            PagingStep::Stop(end) => against_promises(&view, end, self.again.as_ref() == Some(cursor))?,
            on @ (PagingStep::More(_) | PagingStep::Again) => (on, None),
        };
        if step == PagingStep::Again {
            self.again = Some(cursor.clone());
            return Ok(step);
        }
        let is_lost = promise.is_some() && page.is_blank();
        if let Some(promise) = promise.as_ref().filter(|_| is_lost && self.strict) {
            // The previous cursor remains the one to resume from.
            return Err(Error::new(ErrorKind::BadResponse, format!("the list may be incomplete: {}", promise.what))
                .advise("run it again to resume at this page"));
        }
        let lost = ledger.lost + u64::from(is_lost);
        let mut notes = Vec::new();
        match &mut step {
            PagingStep::Stop(end) => {
                end.broken |= lost > 0 || promise.as_ref().is_some_and(|p| p.firm);
                notes.extend(promise.map(|p| p.what));
                notes.extend(view.closing_notes(end, lost));
                end.complete &= lost == 0;
            }
            PagingStep::More(next) => {
                if self.pages == 0 {
                    notes.extend(view.untold_end());
                }
                if next.url.is_some() && self.pages == 0 {
                    notes.extend(view.options_left_out(next));
                }
                let admitted = self.guard.admit(next, &view, bound(&view));
                match admitted {
                    Err(_) if has_all(&view, next) => step = PagingStep::stop(StopReason::TotalReached, EndSeen::Total),
                    other => other?,
                }
            }
            PagingStep::Again => {}
        }
        (self.rows, self.largest) = (view.rows, largest);
        self.pages += 1;
        self.probing =
            matches!((&step, &self.paging.style), (PagingStep::More(_), Style::Link { .. })) && !ledger.links;
        self.before = Some(cursor.clone());
        self.ledger = ledger;
        self.ledger.lost = lost;
        self.notes.append(&mut notes);
        Ok(step)
    }

    /// Cursors after `next` as far as the reply shows them, at most `count`: they are fetched ahead and used only if
    /// the walk gets there.
    pub(crate) fn ahead(&self, page: &Page, next: &Cursor, count: usize) -> Vec<Cursor> {
        let to = (next, count);
        match &self.paging.style {
            Style::Link { last: Some(last), .. } => link::ahead(last.name(), page, next, count),
            Style::Number { page: name, start, end: Some(EndRule::TotalPages(source)) } => {
                number::ahead(name, *start, source, page, to)
            }
            Style::Number { page: name, .. } => number::ahead_by_total(name, self.rows, self.largest, page, to),
            Style::Offset { offset, start, advance, .. } => {
                let honoured = self.ledger.full || *advance == Some(Advance::Requested);
                let step = self.asked.map(u64::from).filter(|_| honoured).unwrap_or(self.largest);
                offset::ahead(offset, page, (*start, step), to)
            }
            Style::None | Style::Link { .. } | Style::Cursor { .. } | Style::NextUrl { .. } | Style::Keyset(_) => {
                Vec::new()
            }
        }
    }
}

/// Whether everything announced has arrived: a server that names the same cursor again has no other.
fn has_all(view: &View<'_>, next: &Cursor) -> bool {
    let is_empty = view.page.items.is_empty();
    is_empty && view.names_itself(next) && view.ledger.total.is_some() && view.total_left() == 0
}

/// Where the walk continues despite a contradiction: the next page below the announced number or total.
fn onward(view: &View<'_>) -> Option<Cursor> {
    let size = view.asked.map_or(view.largest, u64::from).max(1);
    match &view.paging.style {
        Style::Number { page, .. } => {
            let below = match view.ledger.pages {
                Some(pages) => view.counted() < pages,
                None => view.counted().saturating_mul(size) < view.ledger.total.unwrap_or_default(),
            };
            below
                .then(|| {
                    counter::page(page, view.cursor).ok().map(|current| counter::at(page, current.saturating_add(1)))
                })
                .flatten()
        }
        Style::Offset { offset, start, .. } => {
            let next = counter::offset(offset, view.cursor).saturating_add(size);
            let skipped = next.saturating_sub(*start);
            (skipped < view.ledger.total.unwrap_or_default()).then(|| counter::at(offset, next))
        }
        Style::Link { .. } => {
            let (name, next) = (view.ledger.page_parameter.as_ref()?, view.counted().saturating_add(1));
            (Some(next) <= view.ledger.pages).then(|| link::page_at(name, view, next)).flatten()
        }
        Style::None | Style::Cursor { .. } | Style::NextUrl { .. } | Style::Keyset(_) => None,
    }
}

/// What to do at an end while an announcement is open, and which: the page is requested once more; then the walk
/// continues if its style allows, or ends and is not complete.
fn against_promises(view: &View<'_>, end: Ended, was_again: bool) -> Result<(PagingStep, Option<Promise>)> {
    let Some(promise) = view.open_promise()? else { return Ok((PagingStep::Stop(end), None)) };
    // A list without paging is either complete or missing.
    if !was_again && view.is_paged() {
        return Ok((PagingStep::Again, None));
    }
    let step = onward(view).map_or(PagingStep::Stop(Ended { complete: false, ..end }), PagingStep::More);
    Ok((step, Some(promise)))
}

/// What bounds the walk after a page.
fn bound(view: &View<'_>) -> Bound {
    match () {
        () if view.ledger.pages.is_some_and(|pages| view.number < pages) => Bound::Pages,
        () if view.total_left() > 0 => Bound::Total,
        () => Bound::None,
    }
}

/// The next step by the paging style alone.
fn strategy(view: &View<'_>) -> Result<PagingStep> {
    match &view.paging.style {
        Style::None => Ok(PagingStep::Stop(view.only_page())),
        Style::Keyset(keyset) => keyset::next(keyset, view),
        Style::Link { .. } => link::next(view),
        Style::Number { page, start, end } => number::next(page, *start, end.as_ref(), view),
        Style::Offset { offset, advance, .. } => match view.flagged_end()? {
            Some(end) => Ok(end),
            None => Ok(offset::next(offset, *advance, view)),
        },
        Style::Cursor { token, send } => cursor::next(token, send, view),
        Style::NextUrl { token, .. } => cursor::next_url(token, view),
    }
}

/// The keyset paging that the caller chose, if the operation and the other options allow it.
fn forward(operation: &Operation, options: &Options) -> Result<Paging> {
    let Some(Paging { style: Style::Keyset(keyset), more, .. }) = &operation.forward_only else {
        return Err(Error::new(ErrorKind::InvalidOptions, format!("{} does not support forward_only", operation.id))
            .advise("remove forward_only"));
    };
    if let Some(name) = keyset.unless.iter().find(|name| options.contains(name)) {
        return Err(Error::new(ErrorKind::InvalidOptions, format!("`{name}` cannot be combined with forward_only"))
            .at(Place::field(format!("/{name}")))
            .advise(format!("remove `{name}` or forward_only")));
    }
    let style = Style::Keyset(keyset.clone());
    Ok(Paging { style, size: operation.paging.size.clone(), more: more.clone(), is_unknown: false })
}
