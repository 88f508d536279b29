//! Events for the host: log lines from the engine's own threads, and tokens that the host must store. No logger of the
//! process is used.

use std::cell::Cell;
use std::collections::VecDeque;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use serde_json::{Map, Value, json};
use tracing::field::{Field, Visit};
use tracing::span;
use tracing::{Level, Metadata, Subscriber};

use crate::error::Result;
use crate::lock::lock;
use crate::{MemoryStore, TokenOwner, TokenSlot, TokenStore, Tokens};

/// Maximum number of queued log events.
const RING: usize = 1024;

/// Kinds of events.
pub(in crate::ffi) const LOG: i32 = 1;
const CREDENTIAL: i32 = 2;

/// Receives events.
pub(in crate::ffi) type Sink = Arc<dyn Fn(i32, Value) + Send + Sync>;

/// Queued events: the newest log lines, with the number of dropped ones; all tokens.
#[derive(Default)]
pub(super) struct Waiting(Mutex<KeptEvent>);

#[derive(Default)]
struct KeptEvent {
    log: VecDeque<Value>,
    dropped: u64,
    credentials: VecDeque<Value>,
}

impl KeptEvent {
    /// The line about log lines that were dropped since the last such line.
    fn gap(&mut self) -> Option<Value> {
        let dropped = std::mem::take(&mut self.dropped);
        let message = || format!("{dropped} older log events were dropped");
        (dropped > 0).then(|| json!({ "kind": "log", "level": "warn", "message": message(), "dropped": dropped }))
    }
}

impl Waiting {
    pub(super) fn push(&self, kind: i32, event: Value) {
        let mut kept = lock(&self.0);
        if kind == CREDENTIAL {
            kept.credentials.push_back(event);
            return;
        }
        if kept.log.len() >= RING {
            kept.log.pop_front();
            kept.dropped += 1;
        }
        kept.log.push_back(event);
    }

    /// All queued events, credentials first.
    pub(super) fn take(&self) -> Vec<Value> {
        let mut kept = lock(&self.0);
        let mut all: Vec<Value> = std::mem::take(&mut kept.credentials).into();
        all.extend(kept.gap());
        all.extend(std::mem::take(&mut kept.log));
        all
    }

    pub(super) fn next_credential(&self) -> Option<(i32, Value)> {
        lock(&self.0).credentials.pop_front().map(|event| (CREDENTIAL, event))
    }

    pub(super) fn next_log(&self) -> Option<(i32, Value)> {
        let mut kept = lock(&self.0);
        kept.gap().or_else(|| kept.log.pop_front()).map(|event| (LOG, event))
    }
}

/// Converts this crate's own trace events to log events. Spans are not used.
pub(in crate::ffi) struct HostLog {
    pub(in crate::ffi) level: Level,
    pub(in crate::ffi) sink: Sink,
}

impl Subscriber for HostLog {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        // Only this crate's texts are masked; those of other libraries are not.
        metadata.is_event() && *metadata.level() <= self.level && metadata.target().starts_with("opnode")
    }
    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }
    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
    fn event(&self, event: &tracing::Event<'_>) {
        let mut fields = EventFields(Map::new());
        event.record(&mut fields);
        let mut line = fields.0;
        line.insert("kind".into(), "log".into());
        line.insert("level".into(), event.metadata().level().as_str().to_lowercase().into());
        (self.sink)(LOG, Value::Object(line));
    }
}

struct EventFields(Map<String, Value>);

impl Visit for EventFields {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ok = write!(text, "{value:?}");
        self.0.insert(field.name().to_owned(), text.into());
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.into());
    }
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.insert(field.name().to_owned(), value.into());
    }
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.0.insert(field.name().to_owned(), value.into());
    }
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

thread_local! {
    static GIVEN: Cell<bool> = const { Cell::new(false) };
}

/// Runs a function on this thread that stores tokens from the host, so that no event is sent.
pub(in crate::ffi) fn as_given<T>(run: impl FnOnce() -> T) -> T {
    GIVEN.set(true);
    let ended = run();
    GIVEN.set(false);
    ended
}

/// Stores tokens in memory and sends the host every new pair before it is used.
pub(in crate::ffi) struct ToldStore {
    pub(in crate::ffi) inner: MemoryStore,
    pub(in crate::ffi) sink: Sink,
}

struct ToldSlot {
    inner: Box<dyn TokenSlot>,
    owner: TokenOwner,
    sink: Sink,
}

#[async_trait]
impl TokenStore for ToldStore {
    async fn open(&self, owner: &TokenOwner) -> Result<Box<dyn TokenSlot>> {
        let inner = self.inner.open(owner).await?;
        Ok(Box::new(ToldSlot { inner, owner: owner.clone(), sink: Arc::clone(&self.sink) }))
    }
}

#[async_trait]
impl TokenSlot for ToldSlot {
    async fn read(&mut self) -> Result<Option<Tokens>> {
        self.inner.read().await
    }
    async fn write(&mut self, tokens: &Tokens) -> Result<()> {
        if GIVEN.get() {
            return self.inner.write(tokens).await;
        }
        let event = json!({
            "kind": "credential", "connection": self.owner.connection, "account": tokens.account, "key": self.owner.key(), "access_token": tokens.access.expose(),
            "refresh_token": tokens.refresh.as_ref().map(crate::Secret::expose), "expires_at": tokens.expires_at, "seed": tokens.seed,
        });
        (self.sink)(CREDENTIAL, event);
        self.inner.write(tokens).await
    }
}
