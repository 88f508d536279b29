//! Requests to the collector: by opnode's own HTTP transport, on the thread of the exporter.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use opentelemetry_http::{HttpClient, HttpError};
use tokio::runtime::Runtime;
use url::{Host, Url};

use super::delivery::Delivery;
use super::settings::OtlpSignal;
use crate::error::{Error, ErrorKind, Result};
use crate::lock::lock;
use crate::{ExchangeLimits, HttpOptions, HttpTransport, Transport};

/// The largest reply: it only says what was refused.
const REPLY_MAX: usize = 1 << 20;

/// An HTTP client for one exporter. It blocks: its exporter has a thread of its own.
pub(super) struct Collector {
    /// Only driven during a request; no connection is kept between requests.
    runtime: Mutex<Runtime>,
    transport: HttpTransport,
    limits: ExchangeLimits,
    delivery: Arc<Delivery>,
}

impl Collector {
    pub(super) fn new(signal: &OtlpSignal, delivery: Arc<Delivery>) -> Result<Collector> {
        let timeout = signal.timeout;
        let transport = HttpTransport::new(HttpOptions {
            connect: timeout.min(Duration::from_secs(5)),
            idle_connections: 0,
            tls: signal.url.scheme() == "https",
            system_proxy: !is_loopback(&signal.url),
            trust: signal.trust.clone(),
            proxy: None,
            public_hosts: Vec::new(),
        })?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|e| Error::new(ErrorKind::Internal, format!("the exporter cannot start: {e}")))?;
        let limits = ExchangeLimits {
            first_byte: timeout,
            idle: timeout,
            total: timeout,
            body_max: REPLY_MAX,
            ratio_max: 200,
            header_max: 64 << 10,
        };
        Ok(Collector { runtime: Mutex::new(runtime), transport, limits, delivery })
    }
}

/// Whether an address is of this machine: a proxy would reach another one.
fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

impl fmt::Debug for Collector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Collector").finish_non_exhaustive()
    }
}

#[async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: http::Request<Bytes>) -> std::result::Result<http::Response<Bytes>, HttpError> {
        let sent = lock(&self.runtime).block_on(self.transport.send(request, self.limits));
        let reply = sent.map_err(|failure| {
            self.delivery.failed(failure.message.clone());
            HttpError::from(failure.message)
        })?;
        if !reply.status.is_success() {
            self.delivery.failed(format!("it replied with {}", reply.status));
        }
        let mut response = http::Response::new(Bytes::from(reply.body.into_bytes()));
        *response.status_mut() = reply.status;
        *response.headers_mut() = reply.headers;
        Ok(response)
    }
}
