//! The spans of a batch: run, job and step.

use tracing::Span;
use tracing::field::Empty;

use super::metrics;
use crate::error::ErrorKind;

/// The span of a run.
pub(crate) fn run_span(batch: &str, run: &str) -> Span {
    let span = tracing::info_span!(
        "run",
        otel.name = Empty,
        otel.status_code = Empty,
        error.type = Empty,
        opnode.batch = batch,
        opnode.run = run,
        opnode.end = Empty,
    );
    if !span.is_disabled() {
        span.record("otel.name", format!("run {batch}"));
    }
    span
}

/// The end of a run: `done`, `partial`, `failed` or `stopped`.
pub(crate) fn run_ended(span: &Span, batch: &str, error: Option<ErrorKind>) {
    let end = match error {
        None => "done",
        Some(ErrorKind::Partial) => "partial",
        Some(ErrorKind::Cancelled) => "stopped",
        Some(_) => "failed",
    };
    span.record("opnode.end", end);
    fail(span, error);
    metrics::run(batch, end);
}

/// The span of a job of a matrix.
pub(crate) fn job_span(job: &str) -> Span {
    let span = tracing::info_span!("job", otel.name = Empty, opnode.job = job);
    if !span.is_disabled() {
        span.record("otel.name", format!("job {job}"));
    }
    span
}

/// Items of a step by outcome; records that were read are `ok`.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct TracedItems {
    pub(crate) ok: u64,
    pub(crate) failed: u64,
    pub(crate) unknown: u64,
}

impl TracedItems {
    /// Those that came after others.
    fn since(self, earlier: TracedItems) -> TracedItems {
        TracedItems {
            ok: self.ok.saturating_sub(earlier.ok),
            failed: self.failed.saturating_sub(earlier.failed),
            unknown: self.unknown.saturating_sub(earlier.unknown),
        }
    }
}

/// The span of a step, and what earlier runs have done of it.
pub(crate) struct StepSpan {
    span: Span,
    earlier: TracedItems,
}

impl StepSpan {
    /// Begins a step within the current span.
    pub(crate) fn begin(step: &str, operation: &str, earlier: TracedItems) -> StepSpan {
        let span = tracing::info_span!(
            "step",
            otel.name = Empty,
            otel.status_code = Empty,
            error.type = Empty,
            opnode.step = step,
            opnode.operation = operation,
            opnode.status = Empty,
            opnode.items = Empty,
            opnode.items.failed = Empty,
            opnode.items.unknown = Empty,
        );
        if !span.is_disabled() {
            span.record("otel.name", format!("step {step}"));
        }
        StepSpan { span, earlier }
    }

    /// The span, for the work of the step.
    pub(crate) fn span(&self) -> Span {
        self.span.clone()
    }

    /// Ends it.
    pub(crate) fn end(
        self,
        (batch, step): (&str, &str),
        status: &'static str,
        now: TracedItems,
        error: Option<ErrorKind>,
    ) {
        let new = now.since(self.earlier);
        let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        self.span.record("opnode.status", status);
        self.span.record("opnode.items", number(new.ok + new.failed + new.unknown));
        self.span.record("opnode.items.failed", number(new.failed));
        self.span.record("opnode.items.unknown", number(new.unknown));
        fail(&self.span, error);
        metrics::items(batch, step, &[("ok", new.ok), ("failed", new.failed), ("unknown", new.unknown)]);
    }
}

fn fail(span: &Span, error: Option<ErrorKind>) {
    if let Some(kind) = error {
        span.record("otel.status_code", "ERROR");
        span.record("error.type", kind.name());
    }
}
