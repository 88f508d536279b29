//! The page loop: pages in order, fetched ahead. Ends always, and says why.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use serde::{Deserialize, Serialize};
use tokio::task::JoinHandle;

use crate::engine::{CallOptions, Reading};
use crate::error::{Error, ErrorKind, Result};
use crate::item::Items;
use crate::options::Options;
use crate::page::Page;
use crate::paging::{Pager, Step};
use crate::receipt::{Receipt, StopReason};
use crate::request::{self, Cursor, Input};
use crate::send::{Call, Outgoing, Sent, Wire, cancelled};

/// A walk over the pages of a list, or the one reply of anything else. Dropping it stops it.
pub struct Walk {
    wire: Arc<Wire>,
    call: Arc<Call>,
    options: Options,
    size: Option<(String, u32)>,
    pager: Pager,
    items_max: Option<u64>,
    queue: VecDeque<Fetch>,
    started: Option<Duration>,
    /// The shortest time until a page began.
    quickest: Duration,
    /// Why there is no page after the one delivered last.
    broken: Option<Error>,
    /// Where the page after the one delivered last starts.
    resume: Option<Resume>,
    /// Made when the call was checked; until it is sent.
    first: Option<http::Request<Bytes>>,
    receipt: Receipt,
}

/// How far a walk has come: enough to go on in another process.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resume {
    /// Where the next page starts.
    pub cursor: Cursor,
    /// Pages delivered.
    pub pages: u64,
    /// Items delivered.
    pub rows: u64,
    /// Rows of the largest page.
    pub largest: u64,
}

/// A page under way.
struct Fetch {
    cursor: Cursor,
    url: String,
    task: JoinHandle<Result<Sent>>,
}

/// For each of these that a page lets wait, one more page is fetched ahead: enough to keep the walk busy, and no more held in memory than that takes.
const AHEAD_EACH: Duration = Duration::from_millis(2);

impl Drop for Fetch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Everything that a query gave.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The items.
    pub items: Items,
    /// What it took.
    pub receipt: Receipt,
}

impl Walk {
    pub(crate) fn new(wire: Arc<Wire>, call: Call, read: Reading, with: &CallOptions) -> Walk {
        let (pages, items) = with.resume.as_ref().map_or((0, 0), |r| (r.pages, r.rows));
        let receipt = Receipt { operation: call.operation.id.clone(), pages, items, ..Receipt::default() };
        Walk {
            wire,
            call: Arc::new(call),
            options: read.options,
            size: read.size,
            pager: read.pager,
            items_max: with.items_max,
            queue: VecDeque::new(),
            started: None,
            quickest: Duration::MAX,
            broken: None,
            resume: with.resume.clone(),
            first: Some(read.first),
            receipt,
        }
    }

    /// The next page in order; `None` at the end. After an error there are no more pages. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Result<Page>> {
        if self.receipt.stop.is_some() {
            return None;
        }
        // Pages that are there already come no more either: a cancel is heard at once, however far ahead was read.
        if self.call.cancel.is_cancelled() {
            return Some(Err(self.fail(cancelled())));
        }
        let first = self.started.is_none();
        if first {
            self.started = Some(self.wire.clock.now());
            if self.items_max == Some(0) {
                self.end(StopReason::ItemLimit);
                return None;
            }
            let cursor = self.resume.as_ref().map_or_else(|| self.pager.first(), |r| r.cursor.clone());
            if let Err(error) = self.fetch(cursor) {
                return Some(Err(self.fail(error)));
            }
        }
        if let Some(error) = self.broken.take() {
            return Some(Err(self.fail(error)));
        }
        if self.over_pages() {
            let error =
                Error::new(ErrorKind::Limit, format!("the walk reached the limit pages ({}) and there is more", self.receipt.pages))
                    .advise("narrow the query, ask for larger pages, or raise `limits: { pages }` of the connection");
            return Some(Err(self.fail(error)));
        }
        let arrived = match self.queue.front_mut() {
            Some(fetch) => (&mut fetch.task).await,
            None => return Some(Err(self.fail(Error::new(ErrorKind::Internal, "the walk has no page under way")))),
        };
        let number = self.receipt.pages + 1;
        let sent = match arrived {
            Ok(Ok(sent)) => sent,
            Ok(Err(error)) => return Some(Err(self.fail(error.with(|d| d.page = Some(number))))),
            Err(lost) => return Some(Err(self.fail(Error::new(ErrorKind::Internal, format!("a page's task ended: {lost}"))))),
        };
        let fetch = self.queue.pop_front()?;
        Some(self.take(sent.page, number, &fetch).map_err(|error| self.fail(error)))
    }

    /// Takes a page in: what follows it is under way before the caller gets it.
    fn take(&mut self, mut page: Page, number: u64, fetch: &Fetch) -> Result<Page> {
        page.number = number;
        self.note_total(page.total);
        let named = |e: Error, page| {
            e.with(|d| {
                // A reply's own values may stand in the message.
                d.message = crate::fault::clean(&self.wire.connection.redactor.mask(&d.message));
                d.operation = Some(self.call.operation.id.clone());
                d.page = Some(page);
            })
        };
        self.pager.admit(&page).map_err(|e| named(e, number))?;
        let step = self.pager.next(&page, &fetch.url, &fetch.cursor).map_err(|e| named(e, number + 1));
        self.receipt.pages = number;
        let more = !matches!(step, Ok(Step::Stop(_)));
        if let Some(left) = self.items_max.map(|max| max.saturating_sub(self.receipt.items)) {
            let rows = page.items.len() as u64;
            if rows > left || (rows == left && more) {
                page.items = page.items.take(usize::try_from(left).unwrap_or(usize::MAX));
                self.receipt.items += page.items.len() as u64;
                self.end(StopReason::ItemLimit);
                return Ok(page);
            }
        }
        self.receipt.items += page.items.len() as u64;
        self.resume = match &step {
            Ok(Step::More(next)) => {
                Some(Resume { cursor: next.clone(), pages: number, rows: self.receipt.items, largest: self.pager.largest() })
            }
            Ok(Step::Stop(_)) | Err(_) => None,
        };
        match step {
            Ok(Step::Stop(reason)) => self.end(reason),
            Ok(Step::More(next)) => self.broken = self.go_on(&page, next).err().map(|e| e.with(|d| d.page = Some(number + 1))),
            Err(error) => self.broken = Some(error),
        }
        Ok(page)
    }

    /// Keeps the queue filled: the next page, and those after it as far as they are known.
    fn go_on(&mut self, page: &Page, next: Cursor) -> Result<()> {
        if self.queue.front().is_some_and(|f| f.cursor != next) {
            self.queue.clear();
        }
        if self.over_pages() {
            return Ok(());
        }
        if !page.waited.is_zero() {
            self.quickest = self.quickest.min(page.waited);
        }
        let worth = 2 + self.quickest.as_millis() / AHEAD_EACH.as_millis();
        let mut room = self.wire.connection.limits.concurrency().min(usize::try_from(worth).unwrap_or(usize::MAX));
        let rows = page.items.len() as u64;
        if let Some(left) = self.items_max.map(|max| max.saturating_sub(self.receipt.items)) {
            room = room.min(usize::try_from(left.div_ceil(rows.max(1))).unwrap_or(usize::MAX)).max(1);
        }
        let pages_left = self.wire.connection.limits.pages().saturating_sub(self.receipt.pages);
        room = room.min(usize::try_from(pages_left).unwrap_or(usize::MAX));
        let ahead = self.pager.ahead(page, &next, room.saturating_sub(1));
        for cursor in std::iter::once(next).chain(ahead).take(room).skip(self.queue.len()) {
            self.fetch(cursor)?;
        }
        Ok(())
    }

    fn over_pages(&self) -> bool {
        self.receipt.pages >= self.wire.connection.limits.pages()
    }

    fn fetch(&mut self, cursor: Cursor) -> Result<()> {
        let request = self.first.take().map_or_else(|| self.request(&cursor), Ok)?;
        let url = request.uri().to_string();
        let (head, body) = request.into_parts();
        let (wire, call) = (Arc::clone(&self.wire), Arc::clone(&self.call));
        let task = tokio::spawn(async move { wire.send(&call, Outgoing { head: &head, body: &body }, None).await });
        self.queue.push_back(Fetch { cursor, url, task });
        Ok(())
    }

    fn request(&self, cursor: &Cursor) -> Result<http::Request<Bytes>> {
        let size = self.size.as_ref().map(|(name, n)| (name.as_str(), *n));
        let input = Input { options: &self.options, item: None, body: None, page_size: size };
        request::build(&self.wire.connection, &self.call.operation, input, cursor)
            .map_err(|e| e.with(|d| d.operation = Some(self.call.operation.id.clone())))
    }

    fn note_total(&mut self, total: Option<u64>) {
        let before = self.receipt.advertised_total;
        if let (Some(before), Some(now), true) = (before, total, self.receipt.notes.is_empty())
            && before != now
        {
            let note = format!("the announced total changed from {before} to {now} during the walk; records may be missing or twice");
            self.receipt.notes.push(note);
        }
        self.receipt.advertised_total = total.or(before);
    }

    fn end(&mut self, reason: StopReason) {
        self.queue.clear();
        self.receipt.stop = Some(reason);
        self.receipt.complete = reason.is_complete();
        if let Some(total) = self.receipt.advertised_total.filter(|t| reason.is_complete() && *t != self.receipt.items) {
            self.receipt.notes.push(format!("the server announced {total} items and delivered {}", self.receipt.items));
        }
        self.refresh();
    }

    fn fail(&mut self, error: Error) -> Error {
        self.end(StopReason::Failed);
        error
    }

    fn refresh(&mut self) {
        let tally = &self.call.tally;
        self.receipt.requests = tally.requests.load(Ordering::Relaxed);
        self.receipt.retries = tally.retries.load(Ordering::Relaxed);
        self.receipt.bytes = tally.bytes.load(Ordering::Relaxed);
        self.receipt.wait_ms = tally.wait_ms.load(Ordering::Relaxed);
        self.receipt.elapsed_ms = self.started.map_or(0, |s| self.wire.clock.now().saturating_sub(s).as_millis() as u64);
    }

    /// What the walk did so far; final once [`next`](Self::next) has given `None` or an error.
    #[must_use]
    pub fn receipt(&mut self) -> &Receipt {
        if self.receipt.stop.is_none() {
            self.refresh();
        }
        &self.receipt
    }

    /// Where to go on after the page delivered last, in this process or another; `None` at the end, and before a page whose place is not known.
    #[must_use]
    pub fn resume(&self) -> Option<&Resume> {
        self.resume.as_ref()
    }

    /// Reads all pages.
    ///
    /// # Errors
    /// That of the page which failed; use [`next`](Self::next) to keep the pages before it.
    pub async fn collect(mut self) -> Result<Reply> {
        let mut parts = Vec::new();
        while let Some(page) = self.next().await {
            parts.push(page?.items);
        }
        Ok(Reply { items: Items::concat(parts), receipt: self.receipt.clone() })
    }

    /// The pages as a stream.
    pub fn into_stream(self) -> impl Stream<Item = Result<Page>> {
        futures_util::stream::unfold(self, |mut walk| async move { walk.next().await.map(|page| (page, walk)) })
    }
}
