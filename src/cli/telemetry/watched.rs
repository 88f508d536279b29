//! Exporters and a span processor that count what is delivered.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry_otlp::{MetricExporter, SpanExporter};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::metrics::Temporality;
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use opentelemetry_sdk::metrics::exporter::PushMetricExporter;
use opentelemetry_sdk::trace::{BatchSpanProcessor, Span, SpanData, SpanExporter as ExportSpans, SpanProcessor};

use super::delivery::Delivery;

/// Counts the spans that end, those that find no place in the queue included.
#[derive(Debug)]
pub(super) struct CountedSpans {
    pub(super) inner: BatchSpanProcessor,
    pub(super) delivery: Arc<Delivery>,
}

impl SpanProcessor for CountedSpans {
    fn on_start(&self, span: &mut Span, context: &Context) {
        self.inner.on_start(span, context);
    }
    fn on_end(&self, span: SpanData) {
        if span.span_context.is_sampled() {
            self.delivery.give(1);
        }
        self.inner.on_end(span);
    }
    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }
    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }
    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

/// Counts the spans that the collector accepts.
#[derive(Debug)]
pub(super) struct WatchedSpans {
    pub(super) inner: SpanExporter,
    pub(super) delivery: Arc<Delivery>,
}

impl ExportSpans for WatchedSpans {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let count = batch.len() as u64;
        let exported = self.inner.export(batch).await;
        if exported.is_ok() {
            self.delivery.delivered(count);
        }
        exported
    }
    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }
    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }
    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

/// Notes whether the last state of the metrics was delivered.
pub(super) struct WatchedMetrics {
    pub(super) inner: MetricExporter,
    pub(super) delivery: Arc<Delivery>,
}

impl PushMetricExporter for WatchedMetrics {
    async fn export(&self, metrics: &ResourceMetrics) -> OTelSdkResult {
        self.delivery.give(1);
        let exported = self.inner.export(metrics).await;
        if exported.is_ok() {
            self.delivery.all_delivered();
        }
        exported
    }
    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }
    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }
    fn temporality(&self) -> Temporality {
        self.inner.temporality()
    }
}
