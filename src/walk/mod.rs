//! The page loop: delivers pages in order, fetches ahead, and always ends with a reason.

mod result_of_job;
mod submitted;
mod unattached;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use tokio::task::JoinHandle;

use crate::body;
use crate::call::{CallOptions, Resume};
use crate::definition::Operation;
use crate::error::{Error, ErrorKind, Result};
use crate::item::Items;
use crate::options::Options;
use crate::page::Page;
use crate::paging::{Admission, Ended, Pager, PagingStep};
use crate::receipt::{EndSeen, Kept, Receipt, StopReason};
use crate::request::{self, Cursor, Inserted, RequestInput};
use crate::send::{Call, ConnectionClient, JobHandle, Outgoing, Sent};
use crate::step_tag;
use submitted::Submission;

/// A walk over the pages of a list, or over the only reply of an operation without paging. Dropping it stops it.
///
/// ```
/// # use opnode::sandbox::{Sandbox, SandboxOptions};
/// # use opnode::{Catalog, Engine, EngineConfig};
/// use opnode::{CallOptions, Options, StopReason};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> opnode::Result<()> {
/// # let mut catalog = Catalog::empty();
/// # catalog.add_folder("examples/definitions".as_ref())?;
/// # let engine = Engine::new(EngineConfig::new(catalog));
/// # let sandbox = Sandbox::start(engine.catalog().clone(), SandboxOptions::default()).await?;
/// # let session = engine.connect(&sandbox.connection("acme-desk")?)?;
/// let with = CallOptions { items_max: Some(15), ..CallOptions::default() };
/// let mut walk = session.query("getTickets", Options::default(), &with)?;
/// let mut pages = Vec::new();
/// while let Some(page) = walk.next().await {
///     let page = page?;
///     pages.push((page.number, page.items.len()));
/// }
/// assert_eq!(pages, [(1, 10), (2, 5)]);
/// let receipt = walk.receipt();
/// assert_eq!((receipt.stop, receipt.complete), (Some(StopReason::ItemLimit), false));
/// # Ok(())
/// # }
/// ```
pub struct Walk {
    client: Arc<ConnectionClient>,
    call: Arc<Call>,
    options: Options,
    size: Option<u32>,
    pager: Pager,
    items_max: Option<u64>,
    /// Whether an end is an error that was not seen, or that contradicts the server's announcements.
    strict: bool,
    queue: VecDeque<Fetch>,
    started: Option<Duration>,
    /// The shortest time until the first byte of a page.
    quickest: Duration,
    /// The error that prevents the next page.
    broken: Option<Error>,
    /// The cursor of the next page.
    resume: Option<Resume>,
    /// The first reply to a page that was requested twice.
    held: Option<Page>,
    /// The first request, built when the call was checked; `None` once it is sent.
    first: Option<http::Request<Bytes>>,
    /// The options of a call whose result a job computes, until it starts.
    of_job: Option<CallOptions>,
    /// The job, until its result is known.
    submission: Option<Submission>,
    /// The job, once it was accepted.
    job: Option<JobHandle>,
    /// Number of notes before the first request.
    noted: usize,
    /// For each attached field, the number of keys without a record.
    unattached: Vec<u64>,
    receipt: Receipt,
}

/// A checked query.
pub(crate) struct PageReading {
    pub(crate) operation: Arc<Operation>,
    pub(crate) options: Options,
    pub(crate) size: Option<u32>,
    pub(crate) pager: Pager,
    pub(crate) first: http::Request<Bytes>,
    pub(crate) notes: Vec<String>,
}

/// A page in flight.
struct Fetch {
    cursor: Cursor,
    url: String,
    task: JoinHandle<Result<Sent>>,
}

/// One more page is fetched ahead for each such interval that a page takes. This keeps the walk busy with few pages in
/// memory.
const AHEAD_EACH: Duration = Duration::from_millis(2);

/// Start of the note on a changed total; the walk adds it once.
const TOTAL_CHANGED: &str = "the announced total changed";

impl Drop for Fetch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The result of a query.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The items.
    pub items: Items,
    /// The receipt.
    pub receipt: Receipt,
}

impl Walk {
    pub(crate) fn new(client: Arc<ConnectionClient>, call: Call, read: PageReading, with: &CallOptions) -> Walk {
        let (pages, items) = with.resume.as_ref().map_or((0, 0), |r| (r.pages, r.rows));
        let noted = read.notes.len();
        let mut kept = Kept::default();
        with.resume.iter().flat_map(|r| &r.kept).for_each(|(name, json)| kept.put(name, json));
        let (operation, call_of_job, call) = (call.operation.id.clone(), call.operation.job.is_some(), Arc::new(call));
        let receipt = Receipt { operation, pages, items, kept, notes: read.notes, ..Receipt::default() };
        Walk {
            client,
            call,
            options: read.options,
            size: read.size,
            pager: read.pager,
            items_max: with.items_max,
            strict: with.strict,
            queue: VecDeque::new(),
            started: None,
            quickest: Duration::MAX,
            broken: None,
            resume: with.resume.clone(),
            held: None,
            first: Some(read.first),
            of_job: call_of_job.then(|| with.clone()),
            submission: None,
            job: with.resume.as_ref().and_then(|r| r.job.clone()),
            noted,
            unattached: Vec::new(),
            receipt,
        }
    }

    /// The next page in order; `None` at the end and after an error. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Result<Page>> {
        if self.receipt.stop.is_some() {
            return None;
        }
        // Pages that were fetched ahead are dropped, so that cancelling takes effect at once.
        if self.call.cancel.is_cancelled() {
            return Some(Err(self.fail(Error::cancelled())));
        }
        let first = self.started.is_none();
        if first {
            self.started = Some(self.client.clock.now());
            if self.items_max == Some(0) {
                self.end(StopReason::ItemLimit, None, false);
                return None;
            }
            let begun = match self.of_job.take() {
                Some(with) => {
                    let first = self.first.take();
                    self.submission = Some(Submission::start((&self.client, &self.call), &self.options, first, &with));
                    Ok(())
                }
                None => self.fetch(self.start()),
            };
            if let Err(error) = begun {
                return Some(Err(self.fail(error)));
            }
        }
        if let Err(error) = self.submitted().await {
            return Some(Err(self.fail(error)));
        }
        loop {
            if let Some(error) = self.broken.take() {
                return Some(Err(self.fail(error)));
            }
            match self.arrive().await {
                Ok(Some(page)) => return Some(Ok(page)),
                Ok(None) if self.receipt.stop.is_some() => return None,
                Ok(None) => {}
                Err(error) => return Some(Err(self.fail(error))),
            }
        }
    }

    /// Where the walk starts or resumes.
    fn start(&self) -> Cursor {
        // A walk that only has a job begins at the first page.
        let resume = self.resume.as_ref().filter(|resume| resume.pages > 0 || resume.job.is_none());
        resume.map_or_else(|| self.pager.first(), |resume| resume.cursor.clone())
    }

    /// Awaits the next page; `None` when it is not delivered: the walk is over, or another request was made instead.
    async fn arrive(&mut self) -> Result<Option<Page>> {
        if self.over_pages() {
            return Err(Error::new(
                ErrorKind::Limit,
                format!("the walk reached the limit pages ({}) and there is more", self.receipt.pages),
            )
            .advise("narrow the query, use larger pages, or raise `limits: { pages }` of the connection"));
        }
        let arrived = match self.queue.front_mut() {
            Some(fetch) => (&mut fetch.task).await,
            None => return Err(Error::new(ErrorKind::Internal, "the walk has no page in flight")),
        };
        let number = self.receipt.pages + 1;
        let page = match arrived {
            Ok(Ok(sent)) => sent.page,
            // The first reply stays valid.
            Ok(Err(error)) if self.held.is_some() && error.kind() != ErrorKind::Cancelled => Page::default(),
            // A server may refuse a request for a page beyond its announced total.
            Ok(Err(error)) => {
                match self.pager.end_before().filter(|_| matches!(error.http_status, Some(400 | 404 | 416))) {
                    Some(end) => {
                        self.end(end.reason, end.seen, end.complete);
                        return Ok(None);
                    }
                    None => return Err(self.past_the_end(error, number)),
                }
            }
            Err(lost) => return Err(Error::new(ErrorKind::Internal, format!("a page's task failed: {lost}"))),
        };
        let Some(fetch) = self.queue.pop_front() else { return Ok(None) };
        // Of two replies to one request, the one with more rows counts.
        match self.held.take() {
            Some(held) if held.items.len() >= page.items.len() => self.take(held, number, &fetch),
            Some(_) => {
                self.pager.remember(&page);
                self.take(page, number, &fetch)
            }
            None if self.is_delivered(&page, number)? => self.take(page, number, &fetch),
            None => Ok(None),
        }
    }

    /// Whether to deliver a page; `false` if it is the end, or if another request was made instead.
    fn is_delivered(&mut self, page: &Page, number: u64) -> Result<bool> {
        match self.pager.admit(page) {
            Ok(Admission::Take) => return Ok(true),
            Ok(Admission::Instead(cursor)) => {
                self.queue.clear();
                self.fetch(cursor)?;
            }
            // A server may repeat its last page.
            Err(error) => match self.pager.end_before() {
                Some(end) => self.end(end.reason, end.seen, end.complete),
                None => return Err(self.named(error, number)),
            },
        }
        Ok(false)
    }

    /// Accepts a page. The next request starts before the page is delivered.
    fn take(&mut self, mut page: Page, number: u64, fetch: &Fetch) -> Result<Option<Page>> {
        page.number = number;
        let step = self.pager.next(&page, &fetch.url, &fetch.cursor).map_err(|e| self.named(e, number + 1));
        if let Ok(PagingStep::Again) = step {
            self.call.count_retry();
            self.held = Some(page);
            self.fetch(fetch.cursor.clone())?;
            // Pages that were fetched ahead stay, because the walk may need them.
            self.queue.rotate_right(1);
            return Ok(None);
        }
        self.note_total(page.total);
        self.receipt.kept.update(&page.kept);
        self.count_unattached(&page.unattached);
        let notes = self.pager.take_notes();
        self.receipt.notes.extend(notes);
        self.receipt.pages = number;
        let more = !matches!(step, Ok(PagingStep::Stop(_)));
        if let Some(left) = self.items_max.map(|max| max.saturating_sub(self.receipt.items)) {
            let rows = page.items.len() as u64;
            if rows > left || (rows == left && more) {
                page.items = page.items.take(usize::try_from(left).unwrap_or(usize::MAX));
                self.add_items(&page);
                self.end(StopReason::ItemLimit, None, false);
                return Ok(Some(page));
            }
        }
        self.add_items(&page);
        self.resume = match &step {
            Ok(PagingStep::More(next)) => Some(self.resume_at(next.clone())),
            Ok(PagingStep::Stop(_) | PagingStep::Again) | Err(_) => None,
        };
        match step {
            Ok(PagingStep::Stop(Ended { broken: true, .. })) if self.strict => self.broken = Some(self.incomplete()),
            Ok(PagingStep::Stop(Ended { reason, seen, complete, .. })) => self.end(reason, seen, complete),
            Ok(PagingStep::More(next)) => {
                self.broken = self.fill_queue(&page, next).err().map(|e| e.with(|d| d.page = Some(number + 1)))
            }
            Ok(PagingStep::Again) => {}
            Err(error) => self.broken = Some(error),
        }
        Ok(Some(page))
    }

    fn add_items(&mut self, page: &Page) {
        let count = page.items.len() as u64;
        self.receipt.items += count;
        self.call.trace.add_items(count);
    }

    fn resume_at(&self, cursor: Cursor) -> Resume {
        let ledger = self.pager.ledger().clone();
        let (largest, kept) = (self.pager.largest(), self.receipt.kept.texts());
        let (pages, rows) = (self.receipt.pages, self.receipt.items);
        Resume { cursor, pages, rows, largest, ledger, job: self.job.clone(), kept }
    }

    /// Adds page and place to an error. The message may contain values of the reply, so it is masked before it is
    /// shortened.
    fn named(&self, error: Error, page: u64) -> Error {
        error.with(|d| {
            d.message = crate::fault::clean(&self.client.connection.redactor.mask(&d.message));
            d.operation = Some(self.call.operation.id.clone());
            d.page = Some(page);
        })
    }

    /// Adds advice if the server may have refused the page because it does not exist.
    fn past_the_end(&self, error: Error, number: u64) -> Error {
        let counted = number > 1 && self.pager.counts_blindly() && matches!(error.http_status, Some(400 | 404 | 416));
        error.with(|d| {
            d.page = Some(number);
            if counted {
                d.advice = Some(
                    "if the system refuses requests beyond its last page, set in `paging` where its total is (`total: /count`)"
                        .into(),
                );
            }
        })
    }

    /// For a strict walk: the error for an end that contradicts the announcements or was not seen.
    fn incomplete(&self) -> Error {
        let why = self.receipt.notes.iter().skip(self.noted).next_back().map_or("its end was not seen", String::as_str);
        Error::new(ErrorKind::BadResponse, format!("the list may be incomplete: {why}"))
            .advise("the delivered items are valid, but there may be more; run it again, or correct `paging` in the definition")
            .with(|d| d.operation = Some(self.call.operation.id.clone()))
    }

    /// Fills the queue: the next page, and those after it whose cursors are known.
    fn fill_queue(&mut self, page: &Page, next: Cursor) -> Result<()> {
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
        let mut room = self.client.connection.limits.concurrency().min(usize::try_from(worth).unwrap_or(usize::MAX));
        let rows = page.items.len() as u64;
        if let Some(left) = self.items_max.map(|max| max.saturating_sub(self.receipt.items)) {
            room = room.min(usize::try_from(left.div_ceil(rows.max(1))).unwrap_or(usize::MAX)).max(1);
        }
        let pages_left = self.client.connection.limits.pages().saturating_sub(self.receipt.pages);
        room = room.min(usize::try_from(pages_left).unwrap_or(usize::MAX));
        let ahead = self.pager.ahead(page, &next, room.saturating_sub(1));
        for cursor in std::iter::once(next).chain(ahead).take(room).skip(self.queue.len()) {
            self.fetch(cursor)?;
        }
        Ok(())
    }

    fn over_pages(&self) -> bool {
        self.receipt.pages >= self.client.connection.limits.pages()
    }

    fn fetch(&mut self, cursor: Cursor) -> Result<()> {
        let request = self.first.take().map_or_else(|| self.request(&cursor), Ok)?;
        let url = request.uri().to_string();
        let (head, body) = request.into_parts();
        let (client, call) = (Arc::clone(&self.client), Arc::clone(&self.call));
        let sent = async move { client.send(&call, Outgoing::new(&head, &body), None).await };
        let task = tokio::spawn(step_tag::carried(sent));
        self.queue.push_back(Fetch { cursor, url, task });
        Ok(())
    }

    fn request(&self, cursor: &Cursor) -> Result<http::Request<Bytes>> {
        let input = RequestInput { options: &self.options, item: None, page_size: self.size };
        let (connection, operation) = (&*self.client.connection, &*self.call.operation);
        let parts = Inserted { connection, operation, input, cursor };
        body::build(&parts, None).and_then(|body| request::build(&parts, body)).map_err(|error| {
            let foreign = cursor.url.is_some() && error.kind() == ErrorKind::Origin;
            let is_result = self.job.is_some() && self.receipt.pages == 0;
            error.with(|d| {
                d.operation = Some(self.call.operation.id.clone());
                if foreign && is_result {
                    d.message = format!("the address of the job's result has another origin: {}", d.message);
                } else if foreign {
                    d.message = format!("the next page's address has another origin: {}", d.message);
                    d.advice = Some("if a proxy in front of the system changes its address, set `relink: true` in the connection: path and query are then used with the connection's origin".into());
                }
            })
        })
    }

    fn note_total(&mut self, total: Option<u64>) {
        let before = self.receipt.advertised_total;
        if let (Some(before), Some(now)) = (before, total)
            && before != now
            && !self.receipt.notes.iter().any(|n| n.starts_with(TOTAL_CHANGED))
        {
            self.receipt
                .notes
                .push(format!("{TOTAL_CHANGED} from {before} to {now} while it was read: the data changed"));
        }
        self.receipt.advertised_total = total.or(before);
    }

    fn end(&mut self, reason: StopReason, seen: Option<EndSeen>, complete: bool) {
        self.queue.clear();
        (self.receipt.stop, self.receipt.end, self.receipt.complete) = (Some(reason), seen, complete);
        if seen == Some(EndSeen::Assumed) && self.receipt.notes.len() == self.noted {
            self.receipt.notes.push(format!("the end is assumed: {}", crate::paging::NO_LINK));
        }
        if let Some(total) = self.receipt.advertised_total.filter(|t| complete && *t < self.receipt.items) {
            self.receipt.notes.push(format!("the server announced {total} items but delivered {}", self.receipt.items));
        }
        self.note_unattached();
        self.refresh();
    }

    fn fail(&mut self, error: Error) -> Error {
        self.call.trace.failed(error.kind());
        self.end(StopReason::Failed, None, false);
        error
    }

    fn refresh(&mut self) {
        let tally = &self.call.tally;
        self.receipt.requests = tally.requests.load(Ordering::Relaxed);
        self.receipt.retries = tally.retries.load(Ordering::Relaxed);
        self.receipt.bytes = tally.bytes.load(Ordering::Relaxed);
        self.receipt.wait_ms = tally.wait_ms.load(Ordering::Relaxed);
        self.receipt.elapsed_ms =
            self.started.map_or(0, |s| self.client.clock.now().saturating_sub(s).as_millis() as u64);
    }

    /// The receipt so far; final once [`next`](Self::next) has returned `None` or an error.
    #[must_use]
    pub fn receipt(&mut self) -> &Receipt {
        if self.receipt.stop.is_none() {
            self.refresh();
        }
        &self.receipt
    }

    /// Where to resume after the last delivered page, in this process or another; `None` at the end, and if the next
    /// cursor is unknown.
    #[must_use]
    pub fn resume(&self) -> Option<&Resume> {
        self.resume.as_ref()
    }

    /// Reads all pages.
    ///
    /// # Errors
    /// The error of the page that failed; [`next`](Self::next) keeps the pages before it.
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
