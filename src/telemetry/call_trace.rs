//! The span of a call, which its requests share.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use tracing::Span;
use tracing::field::Empty;

use super::metrics;
use super::request_trace::{RequestTrace, TracedRequest};
use crate::error::ErrorKind;

/// The trace of a call; nothing if nobody listens. Clones share it, and the span ends with the last of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct CallTrace(Option<Arc<CallSpan>>);

#[derive(Debug)]
struct CallSpan {
    span: Span,
    operation: String,
    items: AtomicU64,
    /// The first error: a write may have one for each item.
    failed: OnceLock<ErrorKind>,
}

impl CallTrace {
    /// Begins a call within the current span.
    pub(crate) fn begin(operation: &str) -> CallTrace {
        let span = tracing::info_span!(
            "call",
            otel.name = Empty,
            otel.status_code = Empty,
            error.type = Empty,
            opnode.operation = operation,
            opnode.items = Empty,
        );
        if span.is_disabled() && !metrics::is_on() {
            return CallTrace(None);
        }
        span.record("otel.name", format!("call {operation}"));
        let (operation, items, failed) = (operation.to_owned(), AtomicU64::new(0), OnceLock::new());
        CallTrace(Some(Arc::new(CallSpan { span, operation, items, failed })))
    }

    /// Begins a request of the call.
    pub(crate) fn request(&self, sent: &TracedRequest<'_>) -> RequestTrace {
        match &self.0 {
            Some(call) => RequestTrace::begin(&call.span, &call.operation, sent),
            None => RequestTrace::none(),
        }
    }

    /// A request of the call is sent again.
    pub(crate) fn retry(&self) {
        if let Some(call) = &self.0 {
            metrics::retry(&call.operation);
        }
    }

    /// Items were delivered, or outcomes of items.
    pub(crate) fn add_items(&self, count: u64) {
        if let Some(call) = &self.0 {
            call.items.fetch_add(count, Ordering::Relaxed);
        }
    }

    /// The call, or an item of it, has failed.
    pub(crate) fn failed(&self, kind: ErrorKind) {
        if let Some(call) = &self.0 {
            call.failed.get_or_init(|| kind);
        }
    }
}

impl Drop for CallSpan {
    fn drop(&mut self) {
        self.span.record("opnode.items", i64::try_from(self.items.load(Ordering::Relaxed)).unwrap_or(i64::MAX));
        if let Some(kind) = self.failed.get() {
            self.span.record("otel.status_code", "ERROR");
            self.span.record("error.type", kind.name());
        }
    }
}
