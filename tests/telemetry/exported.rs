//! What a collector and the called system receive.

use std::collections::BTreeSet;

use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;

use crate::cleanup;
use crate::collector::{Collector, attribute, hex};
use crate::system::{self, PASSWORD, WHO};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";

fn named<'s>(spans: &'s [Span], name: &str) -> &'s Span {
    let mut found = spans.iter().filter(|span| span.name == name);
    let span = found.next().unwrap_or_else(|| panic!("no span {name}"));
    assert!(found.next().is_none(), "two spans {name}");
    span
}

fn field(span: &Span, name: &str) -> Option<String> {
    attribute(&span.attributes, name)
}

fn is_error(span: &Span) -> bool {
    span.status.as_ref().is_some_and(|status| status.code() == StatusCode::Error)
}

/// The headers of this name that the system received.
fn received(system: &crate::server::Server, name: &str) -> Vec<String> {
    system
        .requests()
        .iter()
        .flat_map(|request| request.header(name).iter().map(ToString::to_string).collect::<Vec<_>>())
        .collect()
}

#[test]
fn a_run_is_a_tree_of_spans_and_each_request_carries_its_own() {
    let (collector, system, folder) = (Collector::start(), system::start(), cleanup::folder());
    system::write(folder.path(), &system, &["acme"], "");
    let parent = format!("00-{TRACE}-{CALLER}-01");
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url()),
        ("OTEL_EXPORTER_OTLP_HEADERS", "x-api-key=of-the-collector".to_owned()),
        ("OTEL_SERVICE_NAME", "nights".to_owned()),
        ("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test".to_owned()),
        ("TRACEPARENT", parent),
        ("TRACESTATE", "vendor=7".to_owned()),
    ];
    let output = system::run(folder.path(), &variables.each_ref().map(|(name, value)| (*name, value.as_str())));
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(opnode::ErrorKind::Partial.exit_code().into()), "{stderr}");
    assert!(!stderr.contains("telemetry"), "{stderr}");

    let spans = collector.spans();
    assert!(spans.iter().all(|span| hex(&span.trace_id) == TRACE));
    let parent_of =
        |span: &Span| spans.iter().find(|other| other.span_id == span.parent_span_id).map(|span| span.name.as_str());
    let run = named(&spans, "run nightly");
    assert_eq!(hex(&run.parent_span_id), CALLER);
    assert_eq!(
        (field(run, "opnode.batch"), field(run, "opnode.end")),
        (Some("nightly".into()), Some("partial".into()))
    );
    assert!(field(run, "opnode.run").is_some() && is_error(run));
    for (child, expected) in [
        ("step read", "run nightly"),
        ("step write", "run nightly"),
        ("call listThings", "step read"),
        ("call addThing", "step write"),
    ] {
        assert_eq!(parent_of(named(&spans, child)), Some(expected), "{child}");
    }
    let (read, write) = (named(&spans, "step read"), named(&spans, "step write"));
    let counts =
        |span: &Span| ["", ".failed", ".unknown"].map(|end| field(span, &format!("opnode.items{end}")).unwrap());
    assert_eq!((counts(read), counts(write)), (["3", "0", "0"].map(String::from), ["3", "1", "0"].map(String::from)));
    assert_eq!(field(named(&spans, "call addThing"), "error.type").as_deref(), Some("rejected"));

    // The first GET has failed; the second is a span of its own.
    let mut reads: Vec<&Span> = spans.iter().filter(|span| span.name == "GET").collect();
    reads.sort_by_key(|span| span.start_time_unix_nano);
    let seen = |span: &&Span| {
        let name = |name: &str| field(span, name);
        (
            name("http.response.status_code").unwrap(),
            name("http.request.resend_count"),
            name("error.type"),
            is_error(span),
        )
    };
    let expected = [("503".into(), None, Some("503".into()), true), ("200".into(), Some("1".into()), None, false)];
    assert_eq!(reads.iter().map(seen).collect::<Vec<_>>(), expected);
    assert!(reads.iter().all(|span| span.kind() == SpanKind::Client && parent_of(span) == Some("call listThings")));
    let (port, url) = (system.address.port(), format!("{}/things?who=REDACTED", system.url()));
    let expected = [
        ("http.request.method", "GET".to_owned()),
        ("url.full", url),
        ("server.address", "127.0.0.1".to_owned()),
        ("server.port", port.to_string()),
        ("opnode.operation", "listThings".to_owned()),
    ];
    for (name, value) in expected {
        assert_eq!(field(reads[1], name), Some(value));
    }
    assert_eq!(spans.iter().filter(|span| span.name == "POST").count(), 3);

    let own: BTreeSet<String> = spans
        .iter()
        .filter(|span| span.kind() == SpanKind::Client)
        .map(|span| format!("00-{TRACE}-{}-01", hex(&span.span_id)))
        .collect();
    assert_eq!(received(&system, "traceparent").into_iter().collect::<BTreeSet<_>>(), own);
    assert_eq!((own.len(), received(&system, "tracestate")), (5, vec!["vendor=7".to_owned(); 5]));

    let resource = collector.resource().attributes;
    assert_eq!(attribute(&resource, "service.name").as_deref(), Some("nights"));
    assert_eq!(attribute(&resource, "deployment.environment.name").as_deref(), Some("test"));
    assert!(received(collector.server(), "x-api-key").iter().all(|key| key == "of-the-collector"));
    assert_nothing_secret(&collector);
    check_metrics(&collector, port);
}

fn assert_nothing_secret(collector: &Collector) {
    let bytes = collector.bytes();
    // Raw, URL-encoded and base64 forms; and the values of queries.
    for secret in ["S3cret", "Pass%20word", "Pass+word", "cm9ib3Q6UzNj", PASSWORD, WHO, "of-the-collector"] {
        assert!(memchr::memmem::find(&bytes, secret.as_bytes()).is_none(), "{secret} was sent");
    }
}

fn check_metrics(collector: &Collector, port: u16) {
    let points = |name: &str| -> Vec<(String, u64)> {
        collector.metric(name).into_iter().map(|(attributes, count)| (attributes.join(" "), count)).collect()
    };
    let expected =
        |points: &[(&str, u64)]| points.iter().map(|(text, count)| ((*text).to_owned(), *count)).collect::<Vec<_>>();
    assert_eq!(
        points("opnode.requests"),
        expected(&[
            ("error.type=422 http.response.status_code=422 opnode.operation=addThing", 1),
            ("error.type=503 http.response.status_code=503 opnode.operation=listThings", 1),
            ("http.response.status_code=200 opnode.operation=listThings", 1),
            ("http.response.status_code=201 opnode.operation=addThing", 2),
        ])
    );
    assert_eq!(points("opnode.retries"), expected(&[("opnode.operation=listThings", 1)]));
    assert_eq!(
        points("opnode.items"),
        expected(&[
            ("opnode.batch=nightly opnode.outcome=failed opnode.step=write", 1),
            ("opnode.batch=nightly opnode.outcome=ok opnode.step=read", 3),
            ("opnode.batch=nightly opnode.outcome=ok opnode.step=write", 2),
        ])
    );
    assert_eq!(points("opnode.runs"), expected(&[("opnode.batch=nightly opnode.end=partial", 1)]));
    let durations = points("http.client.request.duration");
    assert_eq!(durations.iter().map(|(_, count)| count).sum::<u64>(), 5);
    let ok =
        format!("http.request.method=GET http.response.status_code=200 server.address=127.0.0.1 server.port={port}");
    assert!(durations.contains(&(ok, 1)), "{durations:?}");
}

#[test]
fn each_job_of_a_matrix_has_a_span() {
    let (collector, system, folder) = (Collector::start(), system::start(), cleanup::folder());
    system::write(folder.path(), &system, &["north", "south"], "");
    system::run(folder.path(), &[("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url())]);
    let spans = collector.spans();
    let run = named(&spans, "run nightly");
    assert!(run.parent_span_id.is_empty());
    for job in ["job north", "job south"] {
        let job = named(&spans, job);
        assert_eq!(job.parent_span_id, run.span_id);
        let mut steps: Vec<&str> =
            spans.iter().filter(|span| span.parent_span_id == job.span_id).map(|span| span.name.as_str()).collect();
        steps.sort_unstable();
        assert_eq!(steps, ["step read", "step write"]);
    }
}

/// A resumed run counts only what it has done itself.
#[test]
fn a_run_that_continues_counts_its_own_items() {
    let (collector, system, folder) = (Collector::start(), system::start(), cleanup::folder());
    system::write(folder.path(), &system, &["acme"], "");
    let endpoint = [("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url())];
    let endpoint = endpoint.each_ref().map(|(name, value)| (*name, value.as_str()));
    system::opnode(folder.path(), &["run", "nightly.yaml", "--until", "write"], &endpoint);
    system::run(folder.path(), &endpoint);
    let of_write = ["opnode.batch=nightly", "opnode.outcome=failed", "opnode.step=write"].map(String::from).to_vec();
    let items = collector.metric("opnode.items");
    assert!(items.contains(&(of_write, 1)), "{items:?}");
    assert!(items.iter().all(|(attributes, _)| !attributes.contains(&"opnode.step=read".to_owned())), "{items:?}");
    assert_eq!(collector.spans().iter().filter(|span| span.name == "step read").count(), 1);
}

#[test]
fn a_call_of_the_command_line_is_part_of_the_callers_trace() {
    let (collector, system, folder) = (Collector::start(), system::start(), cleanup::folder());
    system::write(folder.path(), &system, &["acme"], "");
    let (endpoint, parent) = (collector.url(), format!("00-{TRACE}-{CALLER}-01"));
    let variables = [("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()), ("TRACEPARENT", &parent)];
    let arguments = ["query", "listThings", "--connection", "acme", "--set", "key=an-api-key-77"];
    let output = system::opnode(folder.path(), &arguments, &variables);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let spans = collector.spans();
    let call = named(&spans, "call listThings");
    assert_eq!((hex(&call.parent_span_id), field(call, "opnode.items")), (CALLER.to_owned(), Some("3".to_owned())));
    let default = attribute(&collector.resource().attributes, "service.name");
    assert_eq!(default.as_deref(), Some("opnode"));
    assert!(memchr::memmem::find(&collector.bytes(), b"an-api-key-77").is_none());
}

/// Environment variables.
type Variables<'v> = &'v [(&'v str, &'v str)];

/// Variables, whether the system gets `traceparent`, and whether the collector gets spans and metrics.
#[test]
fn nothing_is_sent_unless_asked_for() {
    let collector = Collector::start();
    let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url());
    let endpoint = (endpoint.0, endpoint.1.as_str());
    let metrics_only = ("OTEL_TRACES_EXPORTER", "none");
    let cases: [(Variables<'_>, bool, &[&str]); 4] = [
        (&[], false, &[]),
        (&[endpoint, ("OTEL_SDK_DISABLED", "true")], false, &[]),
        (&[endpoint, metrics_only], false, &["/v1/metrics"]),
        (&[endpoint, ("OTEL_TRACES_SAMPLER", "always_off"), ("OTEL_METRICS_EXPORTER", "none")], true, &[]),
    ];
    let mut before = 0;
    for (variables, has_header, paths) in cases {
        let (system, folder) = (system::start(), cleanup::folder());
        system::write(folder.path(), &system, &["acme"], "");
        let parent = ("TRACEPARENT", format!("00-{TRACE}-{CALLER}-01"));
        let all: Vec<(&str, &str)> = variables.iter().copied().chain([(parent.0, parent.1.as_str())]).collect();
        system::run(folder.path(), &all);
        let headers = received(&system, "traceparent");
        assert_eq!(headers.len(), if has_header { system.seen() } else { 0 }, "{variables:?}");
        // A trace that is not recorded says so.
        assert!(headers.iter().all(|header| header.starts_with(&format!("00-{TRACE}-")) && header.ends_with("-00")));
        let requests = collector.server().requests();
        let got: Vec<&str> = requests.iter().skip(before).map(|request| request.target()).collect();
        assert_eq!(got, paths, "{variables:?}");
        before = requests.len();
    }
}

#[test]
fn a_connectors_own_header_wins() {
    let (collector, system, folder) = (Collector::start(), system::start(), cleanup::folder());
    system::write(folder.path(), &system, &["acme"], "headers: { traceparent: of-the-connector }");
    system::run(folder.path(), &[("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url())]);
    let headers = received(&system, "traceparent");
    assert_eq!(headers, vec!["of-the-connector".to_owned(); system.seen()]);
    assert_eq!(collector.spans().iter().filter(|span| span.name == "POST").count(), 3);
}
