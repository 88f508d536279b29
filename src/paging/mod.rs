//! Paging: one page's reply to the next page's cursor, or the reason to stop. Pure; one strategy a file, the guards in `guard`.

mod cursor;
mod guard;
mod keyset;
mod link;
mod number;
mod offset;

use std::sync::Arc;

pub(crate) use link::parse as parse_links;

use crate::definition::{End, Keyset, Operation, Paging, Pointer, Source};
use crate::error::{Error, ErrorKind, Place, Result};
use crate::options::Options;
use crate::page::Page;
use crate::receipt::StopReason;
use crate::request::Cursor;

/// What follows a page.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    More(Cursor),
    Stop(StopReason),
}

/// What a strategy knows when it decides.
pub(crate) struct View<'p> {
    pub(crate) page: &'p Page,
    /// URL of the request that gave the page.
    pub(crate) url: &'p str,
    /// Cursor of that request.
    pub(crate) cursor: &'p Cursor,
    /// Rows so far, this page included.
    pub(crate) rows: u64,
    /// Whether the page has fewer rows than the largest seen, or than asked for when it is the first.
    pub(crate) short: bool,
}

impl View<'_> {
    /// Whether exactly as many rows came as the server announced. A hint: only a short page makes it an end, and more rows than announced
    /// show that the announcement is wrong.
    pub(crate) fn total_reached(&self) -> bool {
        self.short && self.page.total == Some(self.rows)
    }
}

enum Strategy {
    None,
    Keyset(Keyset),
    Declared,
}

/// Walks one list. Holds the guards; the strategies hold nothing.
pub(crate) struct Pager {
    operation: Arc<Operation>,
    strategy: Strategy,
    with: Vec<(String, String)>,
    guard: guard::Guard,
    rows: u64,
    asked: Option<u32>,
    largest: u64,
}

impl Pager {
    /// A pager for a call. `forward_only` asks for the connector's keyset walk.
    pub(crate) fn new(operation: Arc<Operation>, options: &Options, forward_only: bool, asked: Option<u32>) -> Result<Pager> {
        let strategy = match (&operation.paging, forward_only) {
            (Paging::None, false) => Strategy::None,
            (_, false) => Strategy::Declared,
            (_, true) => Strategy::Keyset(forward(&operation, options)?),
        };
        let with = match &operation.paging {
            Paging::Offset { with, .. } => {
                with.iter().filter(|(name, _)| operation.option(name).is_some() && !options.contains(name)).cloned().collect()
            }
            _ => Vec::new(),
        };
        Ok(Pager { operation, strategy, with, guard: guard::Guard::default(), rows: 0, asked, largest: 0 })
    }

    /// Goes on within a walk that was begun earlier.
    pub(crate) fn go_on_from(&mut self, rows: u64, largest: u64) {
        self.rows = rows;
        self.largest = largest;
    }

    /// The largest page so far, in rows.
    pub(crate) fn largest(&self) -> u64 {
        self.largest
    }

    /// The first page's cursor.
    pub(crate) fn first(&self) -> Cursor {
        let mut cursor = match (&self.strategy, &self.operation.paging) {
            (Strategy::None, _) => Cursor::default(),
            (Strategy::Keyset(keyset), _) | (Strategy::Declared, Paging::Keyset(keyset)) => keyset::first(keyset),
            (Strategy::Declared, Paging::Number { page, start, .. }) => number::at(page, *start),
            (Strategy::Declared, Paging::Offset { offset, .. }) => offset::at(offset, 0),
            (Strategy::Declared, Paging::None | Paging::Link { .. } | Paging::Cursor { .. } | Paging::NextUrl { .. }) => Cursor::default(),
        };
        cursor.query.extend(self.with.iter().cloned());
        cursor
    }

    /// Refuses a page that must not be delivered: the one before again.
    ///
    /// # Errors
    /// `no_progress`.
    pub(crate) fn admit(&mut self, page: &Page) -> Result<()> {
        self.guard.page(&page.items, self.asked)
    }

    /// Decides what follows a page. The page itself is good even if what it names is not.
    ///
    /// # Errors
    /// `no_progress` when a cursor or page comes back; `bad_response` when the reply's own paging values are unusable.
    pub(crate) fn next(&mut self, page: &Page, url: &str, cursor: &Cursor) -> Result<Step> {
        let rows = page.items.len() as u64;
        self.rows += rows;
        let short = if self.largest == 0 { self.asked.is_some_and(|asked| rows < u64::from(asked)) } else { rows < self.largest };
        self.largest = self.largest.max(rows);
        let view = View { page, url, cursor, rows: self.rows, short };
        let mut step = match (&self.strategy, &self.operation.paging) {
            (Strategy::None, _) | (Strategy::Declared, Paging::None) => Step::Stop(StopReason::NotPaged),
            (Strategy::Keyset(keyset), _) | (Strategy::Declared, Paging::Keyset(keyset)) => keyset::next(keyset, &view)?,
            (Strategy::Declared, Paging::Link { .. }) => link::next(&view)?,
            (Strategy::Declared, Paging::Number { page, end, .. }) => number::next(page, end.as_ref(), &view)?,
            (Strategy::Declared, Paging::Offset { offset, .. }) => offset::next(offset, &view),
            (Strategy::Declared, Paging::Cursor { token, send, has_more, .. }) => cursor::next(token, send, has_more.as_ref(), &view)?,
            (Strategy::Declared, Paging::NextUrl { pointer, .. }) => cursor::next_url(pointer, &view)?,
        };
        if let Step::More(next) = &mut step {
            if next.url.is_none() {
                next.query.extend(self.with.iter().cloned());
            }
            self.guard.admit(next, &view)?;
        }
        Ok(step)
    }

    /// Cursors that will follow `next` as far as the reply tells, at most `count`: they are fetched ahead and used only if the walk gets there.
    pub(crate) fn ahead(&self, page: &Page, next: &Cursor, count: usize) -> Vec<Cursor> {
        let ahead = match (&self.strategy, &self.operation.paging) {
            (Strategy::Declared, Paging::Link { last: Some(last), .. }) => link::ahead(last, page, next, count),
            (Strategy::Declared, Paging::Number { page: name, end: Some(End::TotalPages(source)), .. }) => {
                number::ahead(name, source, page, next, count)
            }
            (Strategy::Declared, Paging::Number { page: name, .. }) => {
                number::ahead_by_total(name, self.rows, self.largest, page, next, count)
            }
            (Strategy::Declared, Paging::Offset { offset, .. }) => offset::ahead(offset, self.rows, page, self.largest, count),
            _ => Vec::new(),
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

/// The keyset walk that the caller asked for, if the operation and the other options allow it.
fn forward(operation: &Operation, options: &Options) -> Result<Keyset> {
    let Some(keyset) = &operation.forward_only else {
        return Err(Error::new(ErrorKind::InvalidOptions, format!("{} cannot be walked forward only", operation.id))
            .advise("leave forward_only out"));
    };
    if let Some(name) = keyset.unless.iter().find(|name| options.contains(name)) {
        return Err(Error::new(ErrorKind::InvalidOptions, format!("`{name}` cannot be given together with a forward-only walk"))
            .at(Place::field(format!("/{name}")))
            .advise(format!("leave `{name}` out, or walk by pages")));
    }
    Ok(keyset.clone())
}

/// The body pointers that an operation's paging reads, beside the items themselves.
pub(crate) fn wants(paging: &Paging) -> Vec<&Pointer> {
    if let Paging::NextUrl { pointer, .. } = paging {
        return vec![pointer];
    }
    let pointers = sources(paging).into_iter().filter_map(|source| match source {
        Source::Body(pointer) => Some(pointer),
        Source::Header(_) => None,
    });
    pointers.collect()
}

/// Where a reply tells what an operation's paging needs.
pub(crate) fn sources(paging: &Paging) -> Vec<&Source> {
    match paging {
        Paging::None | Paging::Link { .. } | Paging::Keyset(_) | Paging::NextUrl { .. } => Vec::new(),
        Paging::Number { end, total, .. } => {
            let end = end.as_ref().map(|e| match e {
                End::TotalPages(source) | End::NextPage(source) | End::HasMore(source) => source,
            });
            end.into_iter().chain(total).collect()
        }
        Paging::Offset { total, .. } => total.iter().collect(),
        Paging::Cursor { token, has_more, .. } => std::iter::once(token).chain(has_more).collect(),
    }
}

/// Where a paging style tells the total.
pub(crate) fn total(paging: &Paging) -> Option<&Source> {
    match paging {
        Paging::Number { total, .. } | Paging::Offset { total, .. } => total.as_ref(),
        Paging::None | Paging::Link { .. } | Paging::Cursor { .. } | Paging::NextUrl { .. } | Paging::Keyset(_) => None,
    }
}
