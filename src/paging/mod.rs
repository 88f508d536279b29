//! Paging: one page's reply to the next page's cursor, or the reason to stop. Pure; one strategy a file, the guards in `guard`.
//!
//! The rule of the end, for all strategies: a stop that contradicts what the server has announced is not an end. The page is requested once
//! more, then the walk goes on where its style allows, and if the contradiction stays, the walk is not complete.

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
pub(crate) use step::{Admission, Ended, Step};
use view::Promise;
pub(crate) use view::{NO_LINK, View};

use crate::definition::{Advance, End, Operation, Paging, Style};
use crate::error::{Error, ErrorKind, Place, Result};
use crate::options::Options;
use crate::page::Page;
use crate::receipt::{EndSeen, StopReason};
use crate::request::Cursor;
use guard::Bound;
use style::{cursor, keyset, link, number, offset};

/// Walks one list. Holds the guards and the ledger; the strategies hold nothing.
pub(crate) struct Pager {
    operation: Arc<Operation>,
    /// The operation's own, or the keyset walk that the caller chose.
    paging: Paging,
    with: Vec<(String, String)>,
    links: Links,
    guard: guard::Guard,
    ledger: Ledger,
    rows: u64,
    pages: u64,
    asked: Option<u32>,
    largest: u64,
    /// A page that was announced and comes without a body is an error.
    strict: bool,
    /// The page under way was not named by the server: it is asked for to see whether it is there.
    probing: bool,
    /// The page that was asked for once more.
    again: Option<Cursor>,
    /// The cursor of the page taken last.
    before: Option<Cursor>,
    /// What a person should know.
    notes: Vec<String>,
}

impl Pager {
    /// A pager for a call. `forward_only` asks for the connector's keyset walk.
    pub(crate) fn new(
        operation: Arc<Operation>,
        options: &Options,
        forward_only: bool,
        asked: Option<u32>,
    ) -> Result<Pager> {
        let paging = if forward_only { forward(&operation, options)? } else { operation.paging.clone() };
        let with = match &paging.style {
            Style::Offset { with, .. } => with
                .iter()
                .filter(|(name, _)| operation.option(name).is_some() && !options.contains(name))
                .cloned()
                .collect(),
            _ => Vec::new(),
        };
        let links = Links { relink: paging.relinks(), hosts: operation.connector.hosts.clone() };
        Ok(Pager {
            operation,
            paging,
            with,
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

    /// Takes next addresses at the connection's own origin; is strict about pages without a body.
    pub(crate) fn with(mut self, relink: bool, strict: bool) -> Pager {
        self.links.relink |= relink;
        self.strict = strict;
        self
    }

    /// Goes on within a walk that was begun earlier.
    pub(crate) fn go_on_from(&mut self, (pages, rows, largest): (u64, u64, u64), ledger: Ledger) {
        (self.pages, self.rows, self.largest, self.ledger) = (pages, rows, largest, ledger);
    }

    /// The largest page so far, in rows.
    pub(crate) fn largest(&self) -> u64 {
        self.largest
    }

    /// What the server has announced so far.
    pub(crate) fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// What a person should know, since this was asked last.
    pub(crate) fn take_notes(&mut self) -> Vec<String> {
        std::mem::take(&mut self.notes)
    }

    /// The first page's cursor.
    pub(crate) fn first(&self) -> Cursor {
        let mut cursor = match &self.paging.style {
            Style::Keyset(keyset) => keyset::first(keyset),
            Style::Number { page, start, .. } => counter::at(page, *start),
            Style::Offset { offset, .. } => counter::at(offset, 0),
            Style::None | Style::Link { .. } | Style::Cursor { .. } | Style::NextUrl { .. } => Cursor::default(),
        };
        cursor.query.extend(self.with.iter().cloned());
        cursor
    }

    /// Looks at a page before it is taken: one that must not be delivered is refused, or another one is asked for instead.
    ///
    /// # Errors
    /// `no_progress` for the page before again, or for one that begins with its records.
    pub(crate) fn admit(&mut self, page: &Page) -> Result<Admission> {
        let counted = self.is_counted();
        let overlaps = self.guard.page(&page.items, self.asked, counted)?;
        // Of a walk that goes on, the guard has not seen the page before.
        let met_again = counted && self.before.is_none() && self.pages > 0 && self.ledger.is_met_again(page);
        if !overlaps && !met_again {
            return Ok(Admission::Take);
        }
        let offset = match &self.paging.style {
            Style::Offset { offset, advance: None, .. } if !self.ledger.full => Some(offset),
            _ => None,
        };
        let (Some(offset), Some(before), Some(asked)) = (offset, &self.before, self.asked) else {
            let why = "the page begins with a record of the page before; its records moved, or the server counts in another way";
            let cure = match &self.paging.style {
                Style::Offset { .. } => {
                    "or say in the definition how the offset moves: `advance: requested | received`"
                }
                Style::Number { .. } => {
                    "or see whether the system counts records, and not pages, in this parameter: then it is an `offset`"
                }
                _ => "or see whether the system leaves out the record of the key that it gets",
            };
            return Err(guard::no_progress(why).advise(format!("sort by a unique field if the system can; {cure}")));
        };
        let mut instead = counter::at(offset, counter::offset(offset, before).saturating_add(u64::from(asked)));
        instead.query.extend(self.with.iter().cloned());
        (self.ledger.full, self.ledger.leaves_out) = (true, true);
        Ok(Admission::Instead(instead))
    }

    /// The end of the walk when the page under way is refused or repeats itself: where everything that was announced has come, or the server did
    /// not name that page.
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

    /// Whether opnode itself counts where the next page begins, so that one may begin within the page before.
    fn is_counted(&self) -> bool {
        matches!(self.paging.style, Style::Offset { .. } | Style::Number { .. } | Style::Keyset(_))
    }

    /// Takes notice of a page that came when it was asked for once more.
    pub(crate) fn remember(&mut self, page: &Page) {
        self.guard.remember(&page.items, self.is_counted());
    }

    /// Whether nothing but a page without rows could tell the end.
    pub(crate) fn counts_blindly(&self) -> bool {
        let counted = matches!(self.paging.style, Style::Number { end: None, .. } | Style::Offset { .. });
        counted && self.paging.more.is_none() && self.ledger.total.is_none()
    }

    /// Decides what follows a page. The page itself is good even if what it names is not.
    ///
    /// # Errors
    /// `no_progress` when a cursor or page comes back; `bad_response` when the reply's own paging values are unusable.
    pub(crate) fn next(&mut self, page: &Page, url: &str, cursor: &Cursor) -> Result<Step> {
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
            step if view.is_paged() && view.is_reached(&step) => Step::stop(StopReason::TotalReached, EndSeen::Total),
            step => step,
        };
        let (mut step, promise) = match wanted {
            Step::Stop(end) => against_promises(&view, end, self.again.as_ref() == Some(cursor))?,
            on @ (Step::More(_) | Step::Again) => (on, None),
        };
        if step == Step::Again {
            self.again = Some(cursor.clone());
            return Ok(step);
        }
        let is_lost = promise.is_some() && page.is_blank();
        if let Some(promise) = promise.as_ref().filter(|_| is_lost && self.strict) {
            // The place before stays the one to go on from.
            return Err(Error::new(ErrorKind::BadResponse, format!("the list may not be whole: {}", promise.what))
                .advise("run it again: it goes on at this page"));
        }
        let lost = ledger.lost + u64::from(is_lost);
        let mut notes = Vec::new();
        match &mut step {
            Step::Stop(end) => {
                end.broken |= lost > 0 || promise.as_ref().is_some_and(|p| p.firm);
                notes.extend(promise.map(|p| p.what));
                notes.extend(view.closing_notes(end, lost));
                end.complete &= lost == 0;
            }
            Step::More(next) => {
                if next.url.is_none() {
                    next.query.extend(self.with.iter().cloned());
                } else if self.pages == 0 {
                    notes.extend(view.options_left_out(next));
                }
                let admitted = self.guard.admit(next, &view, bound(&view));
                // What was announced is there; a server that names the same place again has no other.
                let over = page.items.is_empty()
                    && view.names_itself(next)
                    && ledger.total.is_some()
                    && view.total_left() == 0;
                match admitted {
                    Err(_) if over => step = Step::stop(StopReason::TotalReached, EndSeen::Total),
                    other => other?,
                }
            }
            Step::Again => {}
        }
        (self.rows, self.largest) = (view.rows, largest);
        self.pages += 1;
        self.probing = matches!((&step, &self.paging.style), (Step::More(_), Style::Link { .. })) && !ledger.links;
        self.before = Some(cursor.clone());
        self.ledger = ledger;
        self.ledger.lost = lost;
        self.notes.append(&mut notes);
        Ok(step)
    }

    /// Cursors that will follow `next` as far as the reply tells, at most `count`: they are fetched ahead and used only if the walk gets there.
    pub(crate) fn ahead(&self, page: &Page, next: &Cursor, count: usize) -> Vec<Cursor> {
        let to = (next, count);
        let ahead = match &self.paging.style {
            Style::Link { last: Some(last), .. } => link::ahead(last, page, next, count),
            Style::Number { page: name, start, end: Some(End::TotalPages(source)) } => {
                number::ahead(name, *start, source, page, to)
            }
            Style::Number { page: name, .. } => number::ahead_by_total(name, self.rows, self.largest, page, to),
            Style::Offset { offset, advance, .. } => {
                let honoured = self.ledger.full || *advance == Some(Advance::Requested);
                let step = self.asked.map(u64::from).filter(|_| honoured).unwrap_or(self.largest);
                offset::ahead(offset, page, step, to)
            }
            Style::None | Style::Link { .. } | Style::Cursor { .. } | Style::NextUrl { .. } | Style::Keyset(_) => {
                Vec::new()
            }
        };
        ahead
            .into_iter()
            .map(|mut cursor| {
                if cursor.url.is_none() {
                    cursor.query.extend(self.with.iter().cloned());
                }
                cursor
            })
            .collect()
    }
}

/// Where the walk goes on against a contradiction: the next page below the announced number or total.
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
        Style::Offset { offset, .. } => {
            let next = counter::offset(offset, view.cursor).saturating_add(size);
            (next < view.ledger.total.unwrap_or_default()).then(|| counter::at(offset, next))
        }
        Style::Link { .. } => {
            let (name, next) = (view.ledger.page_parameter.as_ref()?, view.counted().saturating_add(1));
            (Some(next) <= view.ledger.pages).then(|| link::page_at(name, view, next)).flatten()
        }
        Style::None | Style::Cursor { .. } | Style::NextUrl { .. } | Style::Keyset(_) => None,
    }
}

/// What becomes of an end while a promise of the server is open, and the promise: the page is requested once more; after that the walk goes on where its style
/// allows, or ends and is not complete.
fn against_promises(view: &View<'_>, end: Ended, was_again: bool) -> Result<(Step, Option<Promise>)> {
    let Some(promise) = view.open_promise()? else { return Ok((Step::Stop(end), None)) };
    // What is not paged comes whole or not at all.
    if !was_again && view.is_paged() {
        return Ok((Step::Again, None));
    }
    let step = onward(view).map_or(Step::Stop(Ended { complete: false, ..end }), Step::More);
    Ok((step, Some(promise)))
}

/// What bounds the walk behind a page.
fn bound(view: &View<'_>) -> Bound {
    match () {
        () if view.ledger.pages.is_some_and(|pages| view.number < pages) => Bound::Pages,
        () if view.total_left() > 0 => Bound::Total,
        () => Bound::None,
    }
}

/// The next step by the style of paging alone.
fn strategy(view: &View<'_>) -> Result<Step> {
    match &view.paging.style {
        Style::None => {
            Ok(Step::Stop(Ended { reason: StopReason::NotPaged, seen: None, complete: true, broken: false }))
        }
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

/// The keyset walk that the caller asked for, if the operation and the other options allow it.
fn forward(operation: &Operation, options: &Options) -> Result<Paging> {
    let Some(Paging { style: Style::Keyset(keyset), more, .. }) = &operation.forward_only else {
        return Err(Error::new(ErrorKind::InvalidOptions, format!("{} cannot be walked forward only", operation.id))
            .advise("leave forward_only out"));
    };
    if let Some(name) = keyset.unless.iter().find(|name| options.contains(name)) {
        return Err(Error::new(
            ErrorKind::InvalidOptions,
            format!("`{name}` cannot be given together with a forward-only walk"),
        )
        .at(Place::field(format!("/{name}")))
        .advise(format!("leave `{name}` out, or walk by pages")));
    }
    Ok(Paging { style: Style::Keyset(keyset.clone()), size: operation.paging.size.clone(), more: more.clone() })
}
