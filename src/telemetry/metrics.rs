//! The metrics of OpenTelemetry: recorded once a host has given a meter.

use std::sync::OnceLock;

use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Histogram, Meter};

use super::ended_request::EndedRequest;

/// Limits of the buckets in seconds: those of OpenTelemetry's conventions for HTTP.
const SECONDS: [f64; 14] = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

static INSTRUMENTS: OnceLock<Instruments> = OnceLock::new();

struct Instruments {
    requests: Counter<u64>,
    retries: Counter<u64>,
    #[cfg(feature = "batch")]
    items: Counter<u64>,
    #[cfg(feature = "batch")]
    runs: Counter<u64>,
    duration: Histogram<f64>,
}

/// Records the metrics of this process with a meter. Only the first meter counts.
pub fn measure(meter: &Meter) {
    INSTRUMENTS.get_or_init(|| Instruments {
        requests: meter
            .u64_counter("opnode.requests")
            .with_unit("{request}")
            .with_description("HTTP requests of calls")
            .build(),
        retries: meter
            .u64_counter("opnode.retries")
            .with_unit("{request}")
            .with_description("Requests that were sent again")
            .build(),
        #[cfg(feature = "batch")]
        items: meter.u64_counter("opnode.items").with_unit("{item}").with_description("Items of batch steps").build(),
        #[cfg(feature = "batch")]
        runs: meter.u64_counter("opnode.runs").with_unit("{run}").with_description("Batch runs that ended").build(),
        duration: meter
            .f64_histogram("http.client.request.duration")
            .with_unit("s")
            .with_description("Duration of HTTP client requests")
            .with_boundaries(SECONDS.to_vec())
            .build(),
    });
}

/// Whether metrics are recorded.
pub(super) fn is_on() -> bool {
    INSTRUMENTS.get().is_some()
}

pub(super) fn request(ended: &EndedRequest<'_>) {
    let Some(instruments) = INSTRUMENTS.get() else { return };
    let status = ended.status.map(|status| KeyValue::new("http.response.status_code", i64::from(status)));
    let error = ended.error.map(|error| KeyValue::new("error.type", error.to_owned()));
    let end: Vec<KeyValue> = status.into_iter().chain(error).collect();
    let mut counted = vec![KeyValue::new("opnode.operation", ended.operation.to_owned())];
    counted.extend(end.iter().cloned());
    instruments.requests.add(1, &counted);
    let mut timed = vec![
        KeyValue::new("http.request.method", ended.verb.as_str().to_owned()),
        KeyValue::new("server.address", ended.host.to_owned()),
        KeyValue::new("server.port", i64::from(ended.port)),
    ];
    timed.extend(end);
    instruments.duration.record(ended.took.as_secs_f64(), &timed);
}

pub(super) fn retry(operation: &str) {
    if let Some(instruments) = INSTRUMENTS.get() {
        instruments.retries.add(1, &[KeyValue::new("opnode.operation", operation.to_owned())]);
    }
}

/// Items of a step, by outcome.
#[cfg(feature = "batch")]
pub(super) fn items(batch: &str, step: &str, counts: &[(&'static str, u64)]) {
    let Some(instruments) = INSTRUMENTS.get() else { return };
    for (outcome, count) in counts.iter().filter(|(_, count)| *count > 0) {
        let attributes = [
            KeyValue::new("opnode.batch", batch.to_owned()),
            KeyValue::new("opnode.step", step.to_owned()),
            KeyValue::new("opnode.outcome", *outcome),
        ];
        instruments.items.add(*count, &attributes);
    }
}

#[cfg(feature = "batch")]
pub(super) fn run(batch: &str, end: &'static str) {
    if let Some(instruments) = INSTRUMENTS.get() {
        instruments.runs.add(1, &[KeyValue::new("opnode.batch", batch.to_owned()), KeyValue::new("opnode.end", end)]);
    }
}
