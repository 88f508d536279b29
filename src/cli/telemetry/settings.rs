//! The environment variables of OpenTelemetry that decide whether and where this process exports.

use std::time::Duration;

use url::Url;

use crate::connection::TlsSpec;

/// The time limit of one export without a variable.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The only protocol of this build.
const PROTOCOL: &str = "http/protobuf";

/// What is exported.
#[derive(Debug, Default)]
pub(super) struct Settings {
    pub(super) traces: Option<OtlpSignal>,
    pub(super) metrics: Option<OtlpSignal>,
    /// Settings that cannot be used.
    pub(super) warnings: Vec<String>,
}

/// Where traces or metrics go.
#[derive(Debug)]
pub(super) struct OtlpSignal {
    pub(super) url: Url,
    pub(super) timeout: Duration,
    pub(super) trust: Option<TlsSpec>,
}

impl Settings {
    pub(super) fn read(env: &dyn Fn(&str) -> Option<String>) -> Settings {
        let mut settings = Settings::default();
        let variable = |name: &str| env(name).filter(|value| !value.trim().is_empty());
        if variable("OTEL_SDK_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true")) {
            return settings;
        }
        for (name, path) in [("TRACES", "v1/traces"), ("METRICS", "v1/metrics")] {
            let signal = signal(name, path, &variable).unwrap_or_else(|warning| {
                settings.warnings.push(warning);
                None
            });
            match name {
                "TRACES" => settings.traces = signal,
                _ => settings.metrics = signal,
            }
        }
        settings.warnings.dedup();
        settings
    }

    /// Whether a collector is named.
    #[cfg(test)]
    fn is_on(&self) -> (bool, bool) {
        (self.traces.is_some(), self.metrics.is_some())
    }
}

/// Traces or metrics; nothing without an endpoint. The error is a warning.
fn signal(name: &str, path: &str, variable: &dyn Fn(&str) -> Option<String>) -> Result<Option<OtlpSignal>, String> {
    // A variable of one signal counts before that of all.
    let otlp = |key: &str| {
        let names = [format!("OTEL_EXPORTER_OTLP_{name}_{key}"), format!("OTEL_EXPORTER_OTLP_{key}")];
        names.into_iter().find_map(|name| variable(&name).map(|value| (name, value)))
    };
    let Some((endpoint, text)) = otlp("ENDPOINT") else { return Ok(None) };
    let exporter = format!("OTEL_{name}_EXPORTER");
    match variable(&exporter).as_deref() {
        None => {}
        Some("none") => return Ok(None),
        Some(list) if list.split(',').any(|entry| entry.trim() == "otlp") => {}
        Some(other) => {
            return Err(format!("{exporter} is {other}, and only otlp and none are supported: nothing is sent"));
        }
    }
    if let Some((variable, protocol)) = otlp("PROTOCOL").filter(|(_, protocol)| protocol != PROTOCOL) {
        return Err(format!("{variable} is {protocol}, and only {PROTOCOL} is supported: nothing is sent"));
    }
    let refused = || format!("{endpoint} is not an http or https address: nothing is sent");
    let mut url = Url::parse(&text).map_err(|_| refused())?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(refused());
    }
    if endpoint == "OTEL_EXPORTER_OTLP_ENDPOINT" {
        url.set_path(&format!("{}/{path}", url.path().trim_end_matches('/')));
    }
    let timeout = match otlp("TIMEOUT") {
        None => TIMEOUT,
        Some((variable, text)) => text
            .parse()
            .map(Duration::from_millis)
            .map_err(|_| format!("{variable} is {text}, and not a number of milliseconds: nothing is sent"))?,
    };
    let file = |key: &str| otlp(key).map(|(_, path)| path);
    let (ca, certificate, key) = (file("CERTIFICATE"), file("CLIENT_CERTIFICATE"), file("CLIENT_KEY"));
    let trust = (ca.is_some() || certificate.is_some()).then_some(TlsSpec { ca, certificate, key, only_ca: false });
    Ok(Some(OtlpSignal { url, timeout, trust }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Environment variables.
    type Variables<'v> = &'v [(&'v str, &'v str)];

    fn read(pairs: Variables<'_>) -> Settings {
        let find = |name: &str| pairs.iter().find(|(own, _)| *own == name).map(|(_, value)| (*value).to_owned());
        Settings::read(&find)
    }

    const ALL: (&str, &str) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318");

    /// Variables, and whether traces and metrics are exported.
    #[test]
    fn what_is_exported() {
        let cases: [(Variables<'_>, (bool, bool)); 8] = [
            (&[], (false, false)),
            (&[("OTEL_EXPORTER_OTLP_ENDPOINT", " ")], (false, false)),
            (&[ALL], (true, true)),
            (&[ALL, ("OTEL_SDK_DISABLED", "TRUE")], (false, false)),
            (&[ALL, ("OTEL_SDK_DISABLED", "false")], (true, true)),
            (&[ALL, ("OTEL_TRACES_EXPORTER", "none")], (false, true)),
            (&[ALL, ("OTEL_METRICS_EXPORTER", "otlp"), ("OTEL_TRACES_EXPORTER", "otlp")], (true, true)),
            (&[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://example.com/x")], (true, false)),
        ];
        for (variables, expected) in cases {
            let settings = read(variables);
            assert_eq!(settings.is_on(), expected, "{variables:?}");
            assert!(settings.warnings.is_empty(), "{variables:?}: {:?}", settings.warnings);
        }
    }

    #[test]
    fn addresses_get_the_path_of_their_signal() {
        let settings = read(&[ALL, ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "https://example.com/own")]);
        assert_eq!(settings.traces.unwrap().url.as_str(), "http://127.0.0.1:4318/v1/traces");
        assert_eq!(settings.metrics.unwrap().url.as_str(), "https://example.com/own");
        let below = read(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://example.com/otlp/")]);
        assert_eq!(below.traces.unwrap().url.as_str(), "http://example.com/otlp/v1/traces");
    }

    #[test]
    fn what_cannot_be_used_is_a_warning() {
        let cases = [
            (
                [ALL, ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")],
                "OTEL_EXPORTER_OTLP_PROTOCOL is grpc, and only http/protobuf",
            ),
            ([ALL, ("OTEL_EXPORTER_OTLP_TIMEOUT", "soon")], "OTEL_EXPORTER_OTLP_TIMEOUT is soon, and not a number"),
            (
                [("OTEL_EXPORTER_OTLP_ENDPOINT", "127.0.0.1:4318"), ("", "")],
                "OTEL_EXPORTER_OTLP_ENDPOINT is not an http",
            ),
        ];
        for (variables, expected) in cases {
            let settings = read(&variables);
            assert_eq!(settings.is_on(), (false, false));
            assert_eq!(settings.warnings.len(), 1, "{:?}", settings.warnings);
            assert!(settings.warnings[0].starts_with(expected), "{:?}", settings.warnings);
        }
        let zipkin = read(&[ALL, ("OTEL_TRACES_EXPORTER", "zipkin")]);
        assert_eq!(zipkin.is_on(), (false, true));
        assert_eq!(zipkin.warnings.len(), 1);
    }
}
