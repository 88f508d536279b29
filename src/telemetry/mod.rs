//! Spans and metrics of runs and calls.
//!
//! opnode opens `tracing` spans, whatever the features of the build: a program that embeds it sees them in its own
//! subscriber, as children of the span that it has entered. Without a subscriber they cost nearly nothing.
//!
//! ```
//! # use opnode::sandbox::{Sandbox, SandboxOptions};
//! # use opnode::{Catalog, Engine, EngineConfig};
//! use opnode::{CallOptions, Options};
//! use tracing_subscriber::fmt::format::FmtSpan;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> opnode::Result<()> {
//! # let mut catalog = Catalog::empty();
//! # catalog.add_folder("examples/definitions".as_ref())?;
//! # let engine = Engine::new(EngineConfig::new(catalog));
//! # let sandbox = Sandbox::start(engine.catalog().clone(), SandboxOptions::default()).await?;
//! # let session = engine.connect(&sandbox.connection("acme-desk")?)?;
//! // A line for each call and each request when it ends, with its fields and its time.
//! let lines = tracing_subscriber::fmt().with_span_events(FmtSpan::CLOSE).with_writer(std::io::stderr).finish();
//! let _for_this_thread = tracing::subscriber::set_default(lines);
//! session.query("getTickets", Options::default(), &CallOptions::default())?.collect().await?;
//! # Ok(())
//! # }
//! ```
//!
//! | span | opened for | fields |
//! |---|---|---|
//! | `run` | a batch run of this process | `opnode.batch`, `opnode.run` |
//! | `job` | a connection of a matrix | `opnode.job` |
//! | `step` | a step that is not done yet | `opnode.step`, `opnode.operation`, `opnode.items` |
//! | `call` | a query or a write | `opnode.operation`, `opnode.items` |
//! | `request` | an HTTP request, each attempt its own | those of HTTP clients in OpenTelemetry's conventions |
//!
//! Addresses are masked: secrets are replaced, and so are all values of the query. With the feature `otel`, requests
//! carry a `traceparent` if the subscriber has a layer of `tracing-opentelemetry` that follows these spans, and
//! `telemetry::measure` records metrics. `docs/telemetry.md` has all fields and metrics.

#[cfg(feature = "batch")]
mod batch_spans;
mod call_trace;
mod ended_request;
#[cfg(feature = "otel")]
mod metrics;
#[cfg(not(feature = "otel"))]
#[path = "no_metrics.rs"]
mod metrics;
mod request_trace;
#[cfg(feature = "otel")]
mod trace_header;

#[cfg(feature = "batch")]
pub(crate) use batch_spans::{StepSpan, TracedItems, job_span, run_ended, run_span};
pub(crate) use call_trace::CallTrace;
#[cfg(feature = "otel")]
pub use metrics::measure;
pub(crate) use request_trace::{RequestTrace, TracedRequest};
