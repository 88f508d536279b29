//! OpenTelemetry of batch runs and calls, with a collector on loopback: spans, headers of requests, metrics; and
//! collectors that are down, hang or misbehave.

#[expect(dead_code, reason = "only a part of it is used here")]
mod cleanup;
#[expect(dead_code, unused_imports, reason = "only a part of it is used here")]
mod server;

#[path = "telemetry/collector.rs"]
mod collector;
#[path = "telemetry/embedded.rs"]
mod embedded;
#[path = "telemetry/exported.rs"]
mod exported;
#[path = "telemetry/faults.rs"]
mod faults;
#[path = "telemetry/system.rs"]
mod system;
