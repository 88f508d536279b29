//! `traceparent` and `tracestate` of a request (W3C Trace Context).

use http::header::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::TraceFlags;
use opentelemetry::trace::TraceContextExt as _;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

const PARENT: HeaderName = HeaderName::from_static("traceparent");
const STATE: HeaderName = HeaderName::from_static("tracestate");

/// Adds the headers if the span is part of a trace, and the request has none of its own.
pub(super) fn insert(span: &Span, headers: &mut HeaderMap) {
    let context = span.context();
    let current = context.span();
    let trace = current.span_context();
    if !trace.is_valid() || headers.contains_key(&PARENT) {
        return;
    }
    let (id, own, flags) = (trace.trace_id(), trace.span_id(), trace.trace_flags() & TraceFlags::SAMPLED);
    let Ok(parent) = HeaderValue::try_from(format!("00-{id}-{own}-{flags:02x}")) else { return };
    headers.insert(PARENT, parent);
    let state = trace.trace_state().header();
    if state.is_empty() || headers.contains_key(&STATE) {
        return;
    }
    if let Ok(state) = HeaderValue::try_from(state) {
        headers.insert(STATE, state);
    }
}
