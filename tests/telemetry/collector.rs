//! A collector on loopback: receives OTLP over HTTP, and decodes it.

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;

use crate::server::{Server, reply};

/// A collector that accepts everything.
pub struct Collector(Server);

impl Collector {
    pub fn start() -> Collector {
        Collector(Server::start(vec![reply("200 OK", "Content-Type: application/x-protobuf\r\n", "")]))
    }

    pub fn url(&self) -> String {
        self.0.url()
    }

    pub fn server(&self) -> &Server {
        &self.0
    }

    fn traces(&self) -> Vec<ExportTraceServiceRequest> {
        let requests = self.0.requests().into_iter().filter(|request| request.target() == "/v1/traces");
        requests.map(|request| ExportTraceServiceRequest::decode(request.body.as_slice()).unwrap()).collect()
    }

    pub fn spans(&self) -> Vec<Span> {
        let all = self.traces().into_iter().flat_map(|request| request.resource_spans);
        all.flat_map(|spans| spans.scope_spans).flat_map(|spans| spans.spans).collect()
    }

    pub fn resource(&self) -> Resource {
        self.traces()[0].resource_spans[0].resource.clone().unwrap()
    }

    /// The points of a metric in its last state: attributes as `name=value`, and the sum, or the count of a histogram.
    pub fn metric(&self, name: &str) -> Vec<(Vec<String>, u64)> {
        let mut requests = self.0.requests().into_iter().filter(|request| request.target() == "/v1/metrics");
        let last = requests.next_back().expect("no metrics were sent");
        let request = ExportMetricsServiceRequest::decode(last.body.as_slice()).unwrap();
        let all = request.resource_metrics.into_iter().flat_map(|metrics| metrics.scope_metrics);
        let metric = all.flat_map(|metrics| metrics.metrics).find(|metric| metric.name == name);
        let mut points: Vec<(Vec<String>, u64)> = match metric.and_then(|metric| metric.data) {
            None => Vec::new(),
            Some(Data::Sum(sum)) => sum
                .data_points
                .iter()
                .map(|point| match point.value {
                    Some(number_data_point::Value::AsInt(number)) => (texts(&point.attributes), number as u64),
                    ref other => panic!("{other:?}"),
                })
                .collect(),
            Some(Data::Histogram(histogram)) => {
                histogram.data_points.iter().map(|point| (texts(&point.attributes), point.count)).collect()
            }
            Some(other) => panic!("{other:?}"),
        };
        points.sort();
        points
    }

    /// Everything that it received.
    pub fn bytes(&self) -> Vec<u8> {
        self.0.requests().into_iter().flat_map(|request| request.body).collect()
    }
}

/// An attribute as text.
pub fn attribute(attributes: &[KeyValue], name: &str) -> Option<String> {
    let value = attributes.iter().find(|own| own.key == name)?.value.clone()?.value?;
    Some(match value {
        Value::StringValue(text) => text,
        Value::IntValue(number) => number.to_string(),
        other => panic!("{other:?}"),
    })
}

fn texts(attributes: &[KeyValue]) -> Vec<String> {
    let mut texts: Vec<String> =
        attributes.iter().map(|own| format!("{}={}", own.key, attribute(attributes, &own.key).unwrap())).collect();
    texts.sort();
    texts
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
