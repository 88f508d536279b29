//! OpenTelemetry of the command line: exports spans and metrics over OTLP if the environment names a collector. A
//! collector that is down, slow or hostile changes no result.

mod collector;
mod delivery;
mod settings;
mod watched;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use opentelemetry::metrics::MeterProvider as _;
use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry::{Context, ContextGuard, InstrumentationScope, Key, KeyValue};
use opentelemetry_otlp::{ExporterBuildError, MetricExporter, RetryPolicy, SpanExporter, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::{PeriodicReader, SdkMeterProvider};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{BatchSpanProcessor, SdkTracerProvider};
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::{LevelFilter, filter_fn};

use self::collector::Collector;
use self::delivery::Delivery;
use self::settings::{OtlpSignal, Settings};
use self::watched::{CountedSpans, WatchedMetrics, WatchedSpans};
use super::messages::Screen;
use super::trace::SpanLayer;
use crate::error::{Error, ErrorKind, Result};

/// How long the end of the process waits for the collector.
const FLUSH: Duration = Duration::from_secs(5);

/// The export of this process.
pub(crate) struct Telemetry {
    screen: Screen,
    exports: Vec<Export>,
    /// The trace of the caller, while this exists.
    _caller: Option<ContextGuard>,
}

/// The export of spans or of metrics.
struct Export {
    /// Delivers what is left, and ends.
    close: Box<dyn FnOnce() + Send>,
    delivery: Arc<Delivery>,
}

impl Telemetry {
    /// Starts the export that the environment asks for. Returns it with the layer that receives the spans. A setting
    /// that cannot be used is a warning.
    pub(crate) fn start(screen: Screen) -> (Telemetry, Option<SpanLayer>) {
        let mut telemetry = Telemetry { screen, exports: Vec::new(), _caller: None };
        let Settings { traces, metrics, warnings } = Settings::read(&|name| std::env::var(name).ok());
        warnings.iter().for_each(|warning| telemetry.warn(warning));
        let mut layer = None;
        if let Some((provider, delivery)) = traces.as_ref().and_then(|signal| telemetry.usable(spans_to(signal))) {
            telemetry._caller = Some(caller().attach());
            layer = Some(layer_of(&provider));
            let close = Box::new(move || drop(provider.shutdown_with_timeout(FLUSH)));
            telemetry.exports.push(Export { close, delivery });
        }
        if let Some((provider, delivery)) = metrics.as_ref().and_then(|signal| telemetry.usable(metrics_to(signal))) {
            crate::telemetry::measure(&provider.meter_with_scope(scope()));
            telemetry.exports.push(Export { close: Box::new(move || drop(provider.shutdown())), delivery });
        }
        (telemetry, layer)
    }

    fn usable<T>(&self, started: Result<T>) -> Option<T> {
        started.map_err(|error| self.warn(&error.message)).ok()
    }

    fn warn(&self, text: &str) {
        self.screen.warn(&format!("telemetry: {text}"));
    }

    /// Delivers what is left, and warns once if something was not delivered.
    pub(crate) fn finish(mut self) {
        let (closed, ends) = channel();
        let mut deliveries = Vec::new();
        // Each in a thread of its own: one that hangs delays neither the other nor the process.
        for Export { close, delivery } in std::mem::take(&mut self.exports) {
            let closed = closed.clone();
            let work = move || {
                close();
                let _no_longer_waited_for = closed.send(());
            };
            let _lost_then = std::thread::Builder::new().spawn(work);
            deliveries.push(delivery);
        }
        drop(closed);
        let until = Instant::now() + FLUSH;
        while ends.recv_timeout(until.saturating_duration_since(Instant::now())).is_ok() {}
        let lost: Vec<String> = deliveries.iter().filter_map(|delivery| delivery.lost()).collect();
        if !lost.is_empty() {
            self.warn(&lost.join("; "));
        }
    }
}

/// The trace that the caller of this process is part of: TRACEPARENT and TRACESTATE.
fn caller() -> Context {
    let variable = |name: &str| std::env::var(name.to_uppercase()).ok().map(|value| (name.to_owned(), value));
    let named: HashMap<String, String> = ["traceparent", "tracestate"].into_iter().filter_map(variable).collect();
    TraceContextPropagator::new().extract(&named)
}

/// A collector that restarts is waited for, but the end of the process is not delayed for long.
fn retries() -> RetryPolicy {
    RetryPolicy::default()
        .with_max_retries(3)
        .with_initial_delay(Duration::from_millis(100))
        .with_max_delay(Duration::from_secs(1))
}

fn spans_to(signal: &OtlpSignal) -> Result<(SdkTracerProvider, Arc<Delivery>)> {
    let delivery = Arc::new(Delivery::new("spans", &signal.url));
    let client = Collector::new(signal, Arc::clone(&delivery))?;
    let builder = SpanExporter::builder().with_http().with_http_client(client).with_retry_policy(retries());
    let inner = builder.build().map_err(refused)?;
    let inner = BatchSpanProcessor::builder(WatchedSpans { inner, delivery: Arc::clone(&delivery) }).build();
    let counted = CountedSpans { inner, delivery: Arc::clone(&delivery) };
    Ok((SdkTracerProvider::builder().with_resource(resource()).with_span_processor(counted).build(), delivery))
}

fn metrics_to(signal: &OtlpSignal) -> Result<(SdkMeterProvider, Arc<Delivery>)> {
    let delivery = Arc::new(Delivery::new("metrics", &signal.url));
    let client = Collector::new(signal, Arc::clone(&delivery))?;
    let builder = MetricExporter::builder().with_http().with_http_client(client).with_retry_policy(retries());
    let inner = builder.build().map_err(refused)?;
    let reader = PeriodicReader::builder(WatchedMetrics { inner, delivery: Arc::clone(&delivery) }).build();
    Ok((SdkMeterProvider::builder().with_resource(resource()).with_reader(reader).build(), delivery))
}

fn refused(error: ExporterBuildError) -> Error {
    Error::new(ErrorKind::Usage, format!("nothing is sent: {error}"))
}

fn scope() -> InstrumentationScope {
    InstrumentationScope::builder("opnode").with_version(env!("CARGO_PKG_VERSION")).build()
}

/// The process, as OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES describe it; else `opnode` with a random instance.
fn resource() -> Resource {
    let given = Resource::builder().build();
    let has =
        |name: &'static str| given.get(&Key::new(name)).is_some_and(|v| !v.as_str().starts_with("unknown_service"));
    let own = [
        ("service.name", "opnode".to_owned()),
        ("service.version", env!("CARGO_PKG_VERSION").to_owned()),
        ("service.instance.id", format!("{:032x}", fastrand::u128(..))),
    ];
    let own = own.into_iter().filter(|(name, _)| !has(name)).map(|(name, value)| KeyValue::new(name, value));
    Resource::builder().with_attributes(own.collect::<Vec<_>>()).build()
}

/// Receives the spans of this crate, which are masked; events and those of libraries are not exported.
fn layer_of(provider: &SdkTracerProvider) -> SpanLayer {
    let own = filter_fn(|metadata| metadata.is_span() && metadata.target().starts_with("opnode"));
    tracing_opentelemetry::layer()
        .with_tracer(provider.tracer_with_scope(scope()))
        .with_location(false)
        .with_threads(false)
        .with_target(false)
        .with_tracked_inactivity(false)
        .with_context_activation(false)
        .with_filter(own.with_max_level_hint(LevelFilter::INFO))
        .boxed()
}
