//! A build that exports nothing.

use super::messages::Screen;
use super::trace::SpanLayer;

/// The export of this process.
pub(crate) struct NoTelemetry;

impl NoTelemetry {
    /// Starts nothing. With `-v`, an endpoint that has no effect is noted.
    pub(crate) fn start(screen: Screen) -> (NoTelemetry, Option<SpanLayer>) {
        let is_asked = std::env::var_os("OTEL_EXPORTER_OTLP_ENDPOINT").is_some_and(|value| !value.is_empty());
        if is_asked && screen.is_verbose() {
            screen.note("this build exports no telemetry: it was built without the feature `otel`");
        }
        (NoTelemetry, None)
    }

    /// Delivers nothing.
    pub(crate) fn finish(self) {}
}
