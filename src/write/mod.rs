//! The write loop: items to outcomes, several under way at once, in input order. Every item ends in exactly one outcome.

mod outcomes;

use std::borrow::Cow;
use std::collections::VecDeque;
use std::future::Future;
use std::pin::pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use serde_json::{Map, Value};
use tokio::task::JoinHandle;

use crate::authoring::scalar;
use crate::body::{self, Chunk};
use crate::definition::{Operation, OptionRule, Send, Strangers};
use crate::engine::CallOptions;
use crate::error::{Error, ErrorKind, Fault, Place, Result};
use crate::item::{Item, Items};
use crate::options::{Given, Options};
use crate::receipt::{Outcome, OutcomeCounts, OutcomeStatus, Receipt};
use crate::request::{self, Cursor, Input};
use crate::send::{Announce, Call, ConnectionClient, Gate, Outgoing, Sent};

/// A write under way. Dropping it stops what was not sent yet.
pub struct Writes {
    client: Arc<ConnectionClient>,
    call: Arc<Call>,
    options: Options,
    items: Items,
    chunks: VecDeque<Chunk>,
    queue: VecDeque<(Chunk, JoinHandle<Result<Sent>>)>,
    ready: VecDeque<Outcome>,
    stop_on_error: bool,
    gate: Option<Arc<dyn Gate>>,
    key: Option<Arc<str>>,
    model: Arc<Model>,
    base: u64,
    stopped: bool,
    started: Option<Duration>,
    receipt: Receipt,
}

/// Everything that a write gave.
#[derive(Debug)]
pub struct WriteReply {
    /// The records that came back for the items that took effect, in input order.
    pub items: Items,
    /// One outcome per input item.
    pub outcomes: Vec<Outcome>,
    /// What it took.
    pub receipt: Receipt,
}

impl WriteReply {
    /// `Ok` when every item took effect; else one error that stands for the whole: `unknown_outcome` before all, `partial` when some took
    /// effect, and the items' own error when none did.
    ///
    /// # Errors
    /// As said.
    pub fn check(&self) -> Result<()> {
        let mut first = None;
        self.outcomes
            .iter()
            .filter_map(|o| Some((o.index, o.error.as_ref()?)))
            .for_each(|(index, error)| weigh(&mut first, index, error));
        self.receipt.outcomes.unwrap_or_default().check(first.as_ref().map(|(index, error)| (*index, error)))
    }
}

/// Keeps the error that stands for all: the first of which it is not known whether it took effect, else the first.
pub(crate) fn weigh(first: &mut Option<(u64, Error)>, index: u64, error: &Error) {
    let unknown = |e: &Error| e.kind() == ErrorKind::UnknownOutcome;
    if first.as_ref().is_none_or(|(_, before)| unknown(error) && !unknown(before)) {
        *first = Some((index, error.clone()));
    }
}

impl OutcomeCounts {
    /// As [`WriteReply::check`], for callers that let the outcomes go by: from the counts and the first outcome that has an error.
    ///
    /// # Errors
    /// As said there.
    pub fn check(&self, first: Option<(u64, &Error)>) -> Result<()> {
        let all = self.ok + self.failed + self.unknown + self.skipped;
        let Some((index, error)) = first else {
            return match self.skipped {
                0 => Ok(()),
                n => Err(Error::new(
                    ErrorKind::Cancelled,
                    format!("{n} of {all} items were not sent: the call was cancelled"),
                )),
            };
        };
        let kind = match (self.unknown, self.ok) {
            (0, 0) => error.kind(),
            (0, _) => ErrorKind::Partial,
            _ => ErrorKind::UnknownOutcome,
        };
        let message = match all {
            1 => error.message.clone(),
            _ if self.unknown > 0 => {
                format!(
                    "{} of {all} items did not succeed, {} of them unknown; of these the first is item {index}: {}",
                    all - self.ok,
                    self.unknown,
                    error.message
                )
            }
            _ => format!(
                "{} of {all} items did not succeed; the first is item {index}: {}",
                all - self.ok,
                error.message
            ),
        };
        Err(Error::new(kind, message).with(|d| {
            d.advice = error.advice.clone();
            d.operation = error.operation.clone();
            d.request = error.request.clone();
            d.http_status = error.http_status;
            d.provider = error.provider.clone();
            d.attempts = error.attempts;
        }))
    }
}

/// Checks items before anything is sent: their number, each against the schema, and that each names its record. Gives the fields that the operation does
/// not have.
pub(crate) fn check_items(operation: &Operation, options: &Options, items: Option<&Items>) -> Result<Vec<Fault>> {
    let invalid = |message: String| {
        Err(Error::new(ErrorKind::InvalidItems, message).with(|d| d.operation = Some(operation.id.clone())))
    };
    let names: Vec<&str> = operation
        .options
        .iter()
        .filter(|o| operation.item_may_fill(o) && !options.contains(&o.name))
        .map(|o| o.name.as_str())
        .collect();
    let Some(items) = items else {
        if operation.items.as_ref().is_some_and(|r| r.required) {
            return invalid(format!("{} needs items: the records to send", operation.id));
        }
        if let Some(name) = names.first() {
            return Err(Error::new(
                ErrorKind::InvalidOptions,
                format!("`{name}` is missing: give it as an option, or give items with a field of this name"),
            )
            .at(Place::field(format!("/{name}")))
            .with(|d| d.operation = Some(operation.id.clone())));
        }
        return Ok(Vec::new());
    };
    if operation.items.is_none() && names.is_empty() && !items.is_empty() {
        let fills = operation.options.iter().find(|o| operation.item_may_fill(o));
        return invalid(match fills {
            Some(option) => {
                format!(
                    "{0} takes `{1}` as an option or in items, not both: leave out `{1}` or the items",
                    operation.id, option.name
                )
            }
            None => format!("{} takes no items", operation.id),
        });
    }
    let mut faults = Vec::new();
    let mut strangers = Strangers::of(operation);
    let mut given = options.clone();
    for (index, item) in items.iter().enumerate() {
        check_item(operation, (&names, &mut given), index, item, (&mut faults, &mut strangers))?;
        if faults.len() >= FAULTS_MAX {
            break;
        }
    }
    check_shared(operation, &names, items, &mut faults);
    if faults.is_empty() {
        return Ok(strangers.faults());
    }
    Err(operation.refuse(ErrorKind::InvalidItems, &format!("the items for {} do not fit", operation.id), faults))
}

/// Faults that are reported at once.
const FAULTS_MAX: usize = 100;

/// `names` are the options that the item fills, beside those that are given.
fn check_item(
    operation: &Operation,
    (names, given): (&[&str], &mut Options),
    index: usize,
    item: Item<'_>,
    (faults, strangers): (&mut Vec<Fault>, &mut Strangers<'_>),
) -> Result<()> {
    let mut fault = |pointer: String, message: String| {
        let advice = Some(format!("`opnode describe {}` shows an item", operation.id));
        faults.push(Fault {
            place: Place::field(format!("/{index}{pointer}")),
            message: format!("item {index}: {message}"),
            advice,
        });
    };
    let value = match crate::item::value_of(item.as_str()) {
        Ok(value) => value,
        Err(e) => {
            fault(String::new(), format!("it cannot be read: {e}"));
            return Ok(());
        }
    };
    if let Some(rule) = &operation.items {
        // In a patch, null removes a field; whether it may be removed is the remote system's to say.
        let patched = matches!(rule.send, Send::JsonPatch).then(|| without_nulls(&value)).flatten();
        operation
            .check_item_text(rule, patched.as_ref().unwrap_or(&value), item.as_str())?
            .into_iter()
            .for_each(|f| fault(f.pointer, f.message));
        strangers.look(index, &value);
    } else if !value.is_object() {
        fault(String::new(), "it must be an object".into());
        return Ok(());
    }
    // A path that ends with a record's name is that record's; elsewhere an item may have a field of the same name that is its own.
    let own = |name: &str| operation.path.last_name() == Some(name) && operation.verb != http::Method::POST;
    let drops = operation.items.as_ref().is_none_or(|rule| rule.drop_path_fields);
    let same =
        |o: &&OptionRule| operation.item_may_fill(o) && !names.contains(&o.name.as_str()) && (drops || own(&o.name));
    for option in operation.options.iter().filter(same) {
        let text = |value: Option<&Value>| value.and_then(scalar);
        if let (Some(own), Some(said)) = (text(value.get(&option.name)), text(given.values().get(&option.name)))
            && own != said
        {
            let name = &option.name;
            fault(
                format!("/{name}"),
                format!("it is the record `{name}` {own}, and the option `{name}` is {said}: leave out one of them"),
            );
        }
    }
    for name in names {
        let field = format!("/{name}");
        match value.get(name).map(|v| (v, scalar(v))) {
            Some((own, Some(text))) if !matches!(text.trim(), "" | "." | "..") => {
                let raw = crate::digits::is_long(item.as_str()).then(|| item.raw(&[(*name).to_owned()])).flatten();
                if let Some(misfit) = operation.check_filled(given, name, Given::new(own, raw))? {
                    fault(field, misfit);
                }
            }
            Some(_) => fault(field, format!("`{name}` cannot stand in the address")),
            None => fault(field, format!("`{name}` is missing, which says which record is meant")),
        }
    }
    Ok(())
}

fn without_nulls(value: &Value) -> Option<Value> {
    let fields = value.as_object()?;
    Some(fields.iter().filter(|(_, v)| !v.is_null()).map(|(k, v)| (k.clone(), v.clone())).collect::<Map<_, _>>().into())
}

/// Items that go out together must name the same record where the address takes it from them.
fn check_shared(operation: &Operation, names: &[&str], items: &Items, faults: &mut Vec<Fault>) {
    let together = operation.items.as_ref().is_some_and(|r| matches!(r.send, Send::All | Send::Chunk(_)));
    if !together || names.is_empty() {
        return;
    }
    let key = |item: Item<'_>| {
        let fields = item.fields().unwrap_or_default();
        names
            .iter()
            .map(|name| fields.iter().find(|(n, _)| n == name).map(|(_, raw)| raw.get().to_owned()))
            .collect::<Vec<_>>()
    };
    let first = items.get(0).map(key);
    if let Some((index, _)) = items.iter().enumerate().find(|(_, item)| Some(key(*item)) != first) {
        let message = format!(
            "item {index}: it names another record than item 0, but the items go out in one request to one address"
        );
        let advice = Some(format!("call {} once per {}", operation.id, names.join(" and ")));
        faults.push(Fault { place: Place::field(format!("/{index}")), message, advice });
    }
}

/// The chunks of a call: by the operation's rule; by item where only the address takes them; one request when there are none at all.
pub(crate) fn plan(operation: &Operation, items: Option<&Items>) -> Vec<Chunk> {
    match (items, &operation.items) {
        (None, _) => vec![Chunk { first: 0, count: 1 }],
        (Some(items), Some(rule)) => body::chunks(rule, items.len()),
        (Some(items), None) => (0..items.len()).map(|first| Chunk { first, count: 1 }).collect(),
    }
}

/// What the requests of one call have in common, once the first was made, where no item is part of the address: all but bodies of one media type.
pub(crate) type Model = OnceLock<(String, Parts)>;

/// What an item's idempotency key is made from.
#[derive(Clone, Copy)]
pub(crate) enum Key<'a> {
    /// The same for every plan: a plan sends nothing.
    Planned,
    /// A call without a name is a run of its own.
    Own,
    /// The run's name, and the index of the first item of the call in it.
    Run(&'a str, u64),
}

/// What a plan shows in the place of an idempotency key.
const PLANNED_KEY: &str = "(one for each item and run)";

/// The request of one chunk.
pub(crate) fn build<'m>(
    client: &ConnectionClient,
    operation: &Operation,
    options: &Options,
    items: &Items,
    chunk: Chunk,
    key: Key<'_>,
    model: &'m Model,
) -> Result<(Cow<'m, Parts>, Bytes)> {
    let body = match &operation.items {
        Some(rule) => body::body(operation, rule, options, items, chunk)?,
        None => None,
    };
    let (mut head, body) = match (model.get(), body) {
        (Some((media, model)), Some(body)) if *media == body.content_type => (Cow::Borrowed(model), body.bytes),
        (_, body) => {
            let input = Input { options, item: items.get(chunk.first), body: body.as_ref(), page_size: None };
            let (head, bytes) = request::build(&client.connection, operation, input, &Cursor::default())?.into_parts();
            if let Some(body) = body.filter(|_| operation.path.names().all(|name| options.contains(name))) {
                model.get_or_init(|| (body.content_type, head.clone()));
            }
            (Cow::Owned(head), bytes)
        }
    };
    if let Some(name) = &operation.idempotency_key {
        let value = client.connection.header_value(name, &idempotency_key(&head.uri, &body, chunk, key))?;
        head.to_mut().headers.insert(name.clone(), value);
    }
    Ok((head, body))
}

/// One key per item and run, the same for every attempt, another for another body.
fn idempotency_key(uri: &http::Uri, body: &[u8], chunk: Chunk, key: Key<'_>) -> String {
    use sha2::Digest;
    let base = match key {
        Key::Planned => return PLANNED_KEY.to_owned(),
        Key::Own => 0,
        Key::Run(_, base) => base,
    };
    let mut digest = sha2::Sha256::new();
    digest.update(uri.to_string());
    digest.update(body);
    digest.update((chunk.first as u64 + base).to_le_bytes());
    match key {
        Key::Run(name, _) => digest.update(name),
        Key::Own | Key::Planned => digest.update(fastrand::u128(..).to_le_bytes()),
    }
    digest.finalize().iter().take(16).map(|b| format!("{b:02x}")).collect()
}

impl Writes {
    pub(crate) fn new(
        client: Arc<ConnectionClient>,
        call: Call,
        options: Options,
        items: Option<Items>,
        with: &CallOptions,
        notes: Vec<String>,
    ) -> Writes {
        let chunks = plan(&call.operation, items.as_ref()).into();
        let items = items.unwrap_or_default();
        let receipt = Receipt {
            operation: call.operation.id.clone(),
            items_in: items.len() as u64,
            outcomes: Some(OutcomeCounts::default()),
            notes,
            ..Receipt::default()
        };
        Writes {
            client,
            call: Arc::new(call),
            options,
            items,
            chunks,
            queue: VecDeque::new(),
            ready: VecDeque::new(),
            stop_on_error: with.stop_on_error,
            gate: with.gate.clone(),
            key: with.key.as_deref().map(Arc::from),
            model: Arc::default(),
            base: with.first,
            stopped: false,
            started: None,
            receipt,
        }
    }

    /// Sends no further item; those under way end, and the rest are `skipped`.
    pub fn stop(&mut self) {
        self.stopped = true;
    }

    /// The next outcome in input order; `None` at the end. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Outcome> {
        if self.started.is_none() {
            self.started = Some(self.client.clock.now());
        }
        loop {
            if let Some(mut outcome) = self.ready.pop_front() {
                outcome.index += self.base;
                self.count(&outcome);
                return Some(outcome);
            }
            self.fill();
            let Some((chunk, task)) = self.queue.front_mut() else {
                // What was never sent has just been put there.
                if !self.ready.is_empty() {
                    continue;
                }
                self.finish();
                return None;
            };
            let sent = match task.await {
                Ok(sent) => sent,
                Err(lost) => Err(Error::new(ErrorKind::UnknownOutcome, format!("the request's task ended: {lost}"))),
            };
            let chunk = *chunk;
            self.queue.pop_front();
            let outcomes =
                outcomes::outcomes(&self.call.operation, &self.items, chunk, sent, &self.client.connection.redactor);
            let bad = outcomes.iter().any(|o| o.status != OutcomeStatus::Ok);
            let over = outcomes.iter().filter_map(|o| o.error.as_ref()).any(|e| match e.kind() {
                ErrorKind::Cancelled | ErrorKind::Unauthenticated | ErrorKind::State => true,
                // The deadline has passed.
                ErrorKind::Timeout | ErrorKind::RateLimited => e.attempts == 0,
                _ => false,
            });
            self.stopped |= over || (bad && self.stop_on_error) || self.call.cancel.is_cancelled();
            self.ready.extend(outcomes);
        }
    }

    /// The next outcome if it need not be waited for: what comes together can be written down together, before the next wait.
    pub async fn ready(&mut self) -> Poll<Option<Outcome>> {
        let mut next = pin!(self.next());
        std::future::poll_fn(|cx| Poll::Ready(next.as_mut().poll(cx))).await
    }

    fn fill(&mut self) {
        if self.stopped {
            // Those under way come first, so that outcomes stay in input order.
            if self.queue.is_empty() {
                self.ready.extend(
                    self.chunks.drain(..).flat_map(|chunk| chunk.first..chunk.first + chunk.count).map(skipped),
                );
            }
            return;
        }
        while self.queue.len() < self.client.connection.limits.concurrency() {
            let Some(chunk) = self.chunks.pop_front() else { return };
            let (client, call, options, items) =
                (Arc::clone(&self.client), Arc::clone(&self.call), self.options.clone(), self.items.clone());
            let (gate, key, base, model) = (self.gate.clone(), self.key.clone(), self.base, Arc::clone(&self.model));
            let task = tokio::spawn(async move {
                let key = key.as_deref().map_or(Key::Own, |name| Key::Run(name, base));
                let (head, body) = build(&client, &call.operation, &options, &items, chunk, key, &model)?;
                let announce = |gate| Announce { gate, first: base + chunk.first as u64, count: chunk.count as u64 };
                client.send(&call, Outgoing { head: &head, body: &body }, gate.as_deref().map(announce)).await
            });
            self.queue.push_back((chunk, task));
        }
    }

    fn count(&mut self, outcome: &Outcome) {
        self.receipt.items += outcome.items.len() as u64;
        self.receipt.outcomes.get_or_insert_default().add(outcome.status);
    }

    fn finish(&mut self) {
        let tally = &self.call.tally;
        let counts = self.receipt.outcomes.unwrap_or_default();
        self.receipt.requests = tally.requests.load(Ordering::Relaxed);
        self.receipt.retries = tally.retries.load(Ordering::Relaxed);
        self.receipt.bytes = tally.bytes.load(Ordering::Relaxed);
        self.receipt.wait_ms = tally.wait_ms.load(Ordering::Relaxed);
        self.receipt.elapsed_ms =
            self.started.map_or(0, |s| self.client.clock.now().saturating_sub(s).as_millis() as u64);
        self.receipt.complete =
            counts.failed + counts.unknown + counts.skipped == 0 && self.queue.is_empty() && self.chunks.is_empty();
    }

    /// What was done so far; final once [`next`](Self::next) has given `None`.
    pub fn receipt(&mut self) -> &Receipt {
        self.finish();
        &self.receipt
    }

    /// Runs to the end. Failed items are outcomes, not errors; see [`WriteReply::check`].
    pub async fn collect(mut self) -> WriteReply {
        let mut outcomes = Vec::new();
        while let Some(outcome) = self.next().await {
            outcomes.push(outcome);
        }
        let items = Items::concat(outcomes.iter().map(|o| o.items.clone()).collect());
        WriteReply { items, outcomes, receipt: self.receipt.clone() }
    }
}

fn skipped(index: usize) -> Outcome {
    Outcome {
        index: index as u64,
        status: OutcomeStatus::Skipped,
        http_status: None,
        items: Items::default(),
        location: None,
        error: None,
        attempts: 0,
    }
}
