//! One HTTP exchange. The only module that uses the HTTP client. It neither retries nor follows redirects, and knows no
//! credentials.

mod cause;
mod failure;
mod names;
#[cfg(not(feature = "tls-ring"))]
mod no_trust;
mod proxy;
mod sink;
#[cfg(feature = "tls-ring")]
mod trust;
mod unsent;

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, CONTENT_LENGTH, TRANSFER_ENCODING};
use http_body::Body as _;
use tokio::time::Instant;

use crate::connection::{ProxyAddress, ProxySpec, TlsSpec};
use crate::error::{Error, ErrorKind, Result};
use crate::lock::lock;
use crate::reply::{Body, Response};
pub use failure::{ExchangeLimits, Failure, FailureKind};

use cause::{chain, failed, no_reply};
#[cfg(not(feature = "tls-ring"))]
use no_trust::NoTrust as Trust;
use proxy::Proxies;
pub(crate) use sink::SpillFolder;
use sink::{BodySink, too_large};
#[cfg(feature = "tls-ring")]
use trust::Trust;
use unsent::{SendMark, Watched};

/// Sends one request and returns the whole reply.
///
/// ```
/// use std::sync::Arc;
///
/// use bytes::Bytes;
/// use opnode::{CallOptions, EngineConfig, ExchangeLimits, Failure, Response, Transport};
/// # use opnode::{Catalog, ConnectionSpec, Engine};
///
/// /// Answers every request with one record.
/// struct OneTicket;
///
/// #[async_trait::async_trait]
/// impl Transport for OneTicket {
///     async fn send(&self, request: http::Request<Bytes>, _: ExchangeLimits) -> Result<Response, Failure> {
///         assert_eq!(request.uri().path(), "/api/v1/tickets/7");
///         Ok(Response { body: br#"{"id": 7}"#.to_vec().into(), ..Response::default() }) // status 200
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> opnode::Result<()> {
/// # let mut catalog = Catalog::empty();
/// # catalog.add_folder("examples/definitions".as_ref())?;
/// # let config = EngineConfig::new(catalog);
/// # let values = [("siteUrl", "https://desk.example.com"), ("username", "robot"), ("password", "open sesame")];
/// # let values = values.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
/// # let spec = ConnectionSpec { connector: "acme-desk".into(), values, ..ConnectionSpec::default() };
/// let engine = Engine::new(EngineConfig { transport: Some(Arc::new(OneTicket)), ..config });
/// let session = engine.connect(&spec)?;
/// let reply = session.query("getTicket", &serde_json::json!({"id": 7}), &CallOptions::default())?.collect().await?;
/// assert_eq!(reply.items.to_json(), r#"[{"id": 7}]"#);
/// # Ok(())
/// # }
/// ```
#[async_trait]
pub trait Transport: Send + Sync {
    /// One exchange. Redirects and error statuses are replies, not failures.
    ///
    /// # Errors
    /// A [`Failure`]; its [kind](FailureKind) shows whether something was sent. A write is repeated only if nothing
    /// was.
    async fn send(&self, request: http::Request<Bytes>, limits: ExchangeLimits) -> Result<Response, Failure>;
}

/// HTTP/1.1 and HTTP/2 over TCP and TLS.
pub struct HttpTransport {
    client: reqwest::Client,
    /// The last address in the forms of both libraries, because most requests go to the same one.
    last: Mutex<Option<(http::Uri, url::Url)>>,
    proxies: Option<Proxies>,
    /// Maximum time to wait for a connection with a free stream.
    patience: Duration,
}

/// Added to the connect timeout, because a stream may have to become free first.
const PATIENCE: Duration = Duration::from_secs(5);

/// Options for connections.
#[derive(Clone, Debug)]
pub struct HttpOptions {
    /// Time to connect, including name look-up and TLS.
    pub connect: Duration,
    /// Idle connections that are kept per host.
    pub idle_connections: usize,
    /// Whether TLS is used; without it no trust store is loaded.
    pub tls: bool,
    /// Whether the system's proxy settings (`HTTPS_PROXY` and so on) are used. Loopback addresses never use a proxy.
    pub system_proxy: bool,
    /// Trusted authorities and the client's own certificate; without them the system's authorities.
    pub trust: Option<TlsSpec>,
    /// A proxy for every request, or none, instead of the system's.
    pub proxy: Option<ProxySpec>,
    /// Hosts that must not resolve to an address in a private network. A proxy resolves names itself.
    pub public_hosts: Vec<String>,
}

impl HttpTransport {
    /// Creates a transport with its own connection pool.
    ///
    /// # Errors
    /// `unsupported` when TLS is needed and this build has none; `connection` when a certificate, a key or the address of
    /// the proxy cannot be used.
    pub fn new(mut options: HttpOptions) -> Result<HttpTransport> {
        let public = std::mem::take(&mut options.public_hosts);
        HttpTransport::over(&options, (!public.is_empty()).then(|| names::HostNames::new(public)))
    }

    fn over(options: &HttpOptions, names: Option<names::HostNames>) -> Result<HttpTransport> {
        let mut builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            // Without the second call the client would copy each request for retries.
            .retry(reqwest::retry::never().max_retries_per_request(0))
            .referer(false)
            .connect_timeout(options.connect)
            .pool_max_idle_per_host(options.idle_connections)
            .pool_idle_timeout(Duration::from_secs(30))
            .tcp_nodelay(true);
        let proxies = match &options.proxy {
            Some(ProxySpec::Through(address)) => {
                builder = builder.no_proxy().proxy(through(address)?);
                Some(Proxies::of(address))
            }
            None if options.system_proxy => Some(Proxies::of_system()),
            Some(ProxySpec::Without(_)) | None => {
                builder = builder.no_proxy();
                None
            }
        };
        if let Some(names) = names {
            builder = builder.dns_resolver(Arc::new(names));
        }
        builder = tls(builder, options.tls, Trust::read(options.trust.as_ref())?)?;
        let client = builder.build().map_err(|e| {
            Error::new(ErrorKind::Internal, format!("the HTTP client cannot be created: {}", chain(&e)))
        })?;
        Ok(HttpTransport { client, last: Mutex::default(), proxies, patience: options.connect + PATIENCE })
    }
}

impl HttpTransport {
    fn as_sent(&self, request: http::Request<Bytes>) -> Result<(reqwest::Request, SendMark), Failure> {
        let known = lock(&self.last).as_ref().filter(|(uri, _)| uri == request.uri()).map(|(_, url)| url.clone());
        let (parts, body) = request.into_parts();
        let (body, asked) = watched(&parts, body);
        let Some(url) = known else {
            let uri = parts.uri.clone();
            let made = reqwest::Request::try_from(http::Request::from_parts(parts, body));
            let made = made.map_err(|e| failed(&e.without_url(), None, &SendMark::default()))?;
            *lock(&self.last) = Some((uri, made.url().clone()));
            return Ok((made, asked));
        };
        let mut made = reqwest::Request::new(parts.method, url);
        *made.headers_mut() = parts.headers;
        *made.body_mut() = Some(body);
        Ok((made, asked))
    }
}

/// Watches the bodies of HTTP/2 requests. An empty body is watched only where its length is sent anyway, because some
/// servers would take it for a body.
fn watched(parts: &http::request::Parts, body: Bytes) -> (reqwest::Body, SendMark) {
    use http::Method;
    let length_is_sent = !body.is_empty() || matches!(parts.method, Method::POST | Method::PUT | Method::PATCH);
    if parts.uri.scheme() != Some(&http::uri::Scheme::HTTPS) || !length_is_sent {
        return (body.into(), SendMark::default());
    }
    let (body, asked) = Watched::new(body);
    (reqwest::Body::wrap(body), asked)
}

/// The proxy of the configuration, for every request.
fn through(address: &ProxyAddress) -> Result<reqwest::Proxy> {
    // Without the reason, because it could contain the password.
    reqwest::Proxy::all(address.full_url())
        .map_err(|_| Error::new(ErrorKind::Connection, "`proxy: { url }` is not the address of a proxy"))
}

#[cfg(feature = "tls-ring")]
fn tls(builder: reqwest::ClientBuilder, needed: bool, trust: Trust) -> Result<reqwest::ClientBuilder> {
    let fault = |e: rustls::Error| {
        Error::new(ErrorKind::Network, format!("TLS cannot be set up: {e}"))
            .advise("install the system's CA certificates")
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(fault)?;
    let mut config = if needed {
        trust.config(config, &provider)?
    } else {
        config.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth()
    };
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(builder.tls_backend_preconfigured(config))
}

#[cfg(not(feature = "tls-ring"))]
fn tls(builder: reqwest::ClientBuilder, needed: bool, _: Trust) -> Result<reqwest::ClientBuilder> {
    if needed {
        return Err(Error::new(ErrorKind::Unsupported, "this build has no TLS, so it cannot reach https addresses")
            .advise("build with the feature tls-ring"));
    }
    Ok(builder)
}

impl Transport for HttpTransport {
    // Not an `async fn`, so that the future is small and does not contain the request.
    fn send<'s, 'f>(
        &'s self,
        mut request: http::Request<Bytes>,
        limits: ExchangeLimits,
    ) -> Pin<Box<dyn Future<Output = Result<Response, Failure>> + Send + 'f>>
    where
        's: 'f,
        Self: 'f,
    {
        request.headers_mut().insert(ACCEPT_ENCODING, http::HeaderValue::from_static("gzip"));
        let folder = request.extensions_mut().remove::<SpillFolder>();
        let begun = Instant::now();
        let way = self.proxies.as_ref().map_or(Ok(None), |proxies| proxies.way(request.uri()));
        let sent = way
            .and_then(|way| self.as_sent(request).map(|(request, asked)| (self.client.execute(request), asked, way)));
        Box::pin(async move {
            let end = BodyEnd { at: begun + limits.total, total: limits.total };
            let (sent, asked, way) = sent?;
            let sent = match asked.is_watched() {
                true => Box::pin(begun_by(&end, limits.first_byte, self.patience, &asked, sent)).await?,
                false => end.within("first_byte_s", limits.first_byte, None, sent).await?,
            };
            let mut response = sent.map_err(|e| no_reply(&e.without_url(), &asked, way.as_ref()))?;
            let (status, waited) = (response.status(), begun.elapsed());
            if let Some(way) = way.filter(|way| way.denies(status)) {
                return Err(way.denied(Some(status.as_u16())));
            }
            check_framing(&response)?;
            if !status.is_success() {
                let body = error_body(&mut response, limits, &end).await;
                return Ok(Response { status, headers: std::mem::take(response.headers_mut()), body, waited });
            }
            check_headers(response.headers(), limits, status.as_u16())?;
            let headers = std::mem::take(response.headers_mut());
            let mut arriving = IncomingBody::new(response, &headers, limits, folder)?;
            arriving.read(limits.idle, &end).await?;
            Ok(Response { status, body: arriving.sink.finish()?, headers, waited })
        })
    }
}

/// Waits until the reply begins. A request that gets no connection is abandoned and then never sent: when connections
/// end one after another, the client's pool may forget a waiting request.
async fn begun_by<T>(
    end: &BodyEnd,
    limit: Duration,
    patience: Duration,
    asked: &SendMark,
    sent: impl Future<Output = T>,
) -> Result<T, Failure> {
    let mut sent = std::pin::pin!(sent);
    let since = Instant::now();
    if patience < limit && since + patience < end.at {
        match tokio::time::timeout(patience, &mut sent).await {
            Ok(sent) => return Ok(sent),
            Err(_) if asked.give_up() => {
                let message = format!("no connection accepted it within {} s", patience.as_secs_f64());
                return Err(Failure { kind: FailureKind::Unprocessed, message, status: None });
            }
            Err(_) => {}
        }
    }
    let limit = ("first_byte_s", limit);
    end.by(since, limit, None, &mut sent)
        .await
        .map_err(|failure| if asked.give_up() { Failure { kind: FailureKind::NotSent, ..failure } } else { failure })
}

/// The deadline of an exchange.
struct BodyEnd {
    at: Instant,
    total: Duration,
}

impl BodyEnd {
    /// Waits for a part of the exchange, up to its own limit and the deadline.
    async fn within<T>(
        &self,
        name: &str,
        limit: Duration,
        status: Option<u16>,
        part: impl Future<Output = T>,
    ) -> Result<T, Failure> {
        self.by(Instant::now(), (name, limit), status, part).await
    }

    /// The same, for a part that started earlier.
    async fn by<T>(
        &self,
        since: Instant,
        limit: (&str, Duration),
        status: Option<u16>,
        part: impl Future<Output = T>,
    ) -> Result<T, Failure> {
        let soon = since + limit.1;
        let (at, (name, limit)) = if self.at <= soon { (self.at, ("timeout_s", self.total)) } else { (soon, limit) };
        tokio::time::timeout_at(at, part).await.map_err(|_| timed_out(name, limit, status))
    }
}

/// A reply with both a length and chunks is ambiguous; another reader could find another reply in it (RFC 9112, section
/// 6.3).
fn check_framing(response: &reqwest::Response) -> Result<(), Failure> {
    let headers = response.headers();
    if headers.contains_key(TRANSFER_ENCODING) && headers.contains_key(CONTENT_LENGTH) {
        let message = "the reply has both a length and a transfer encoding".to_owned();
        return Err(Failure { kind: FailureKind::Broken, message, status: Some(response.status().as_u16()) });
    }
    Ok(())
}

/// The HTTP client's own limits are 100 fields and about 400 kB. The size counts name, value, colon, space and line
/// end.
fn check_headers(headers: &http::HeaderMap, limits: ExchangeLimits, status: u16) -> Result<(), Failure> {
    let bytes: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    if bytes <= limits.header_max {
        return Ok(());
    }
    let message = format!("the reply's headers are larger than the limit header_bytes ({})", limits.header_max);
    Err(Failure { kind: FailureKind::TooLarge, message, status: Some(status) })
}

/// A body that is being received.
struct IncomingBody {
    body: reqwest::Body,
    sink: BodySink,
    status: u16,
    /// Whether HTTP/2 marks the end of the body.
    framed: bool,
}

impl IncomingBody {
    fn new(
        response: reqwest::Response,
        headers: &http::HeaderMap,
        limits: ExchangeLimits,
        folder: Option<SpillFolder>,
    ) -> Result<IncomingBody, Failure> {
        let status = response.status().as_u16();
        let length = headers.get(CONTENT_LENGTH).and_then(|v| v.to_str().ok()).and_then(|v| v.parse::<usize>().ok());
        if folder.is_none() && length.is_some_and(|l| l > limits.body_max) {
            return Err(too_large(limits, status));
        }
        let sink = BodySink::spilling(headers, limits, status, length.unwrap_or(0), folder)?;
        let framed = response.version() == http::Version::HTTP_2;
        Ok(IncomingBody { body: reqwest::Body::from(response), sink, status, framed })
    }

    /// Reads the whole body.
    async fn read(&mut self, idle: Duration, end: &BodyEnd) -> Result<(), Failure> {
        let IncomingBody { body, sink, status, framed } = self;
        loop {
            let next = std::future::poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx));
            let frame = end.within("idle_s", idle, Some(*status), next).await?;
            match frame
                .transpose()
                .map_err(|e| failed(&e.without_url(), Some(*status), &SendMark::default()))?
                .map(http_body::Frame::into_data)
            {
                Some(Ok(piece)) => sink.push(&piece)?,
                Some(Err(_trailers)) => {}
                // The client treats a stream that the server resets with NO_ERROR as complete.
                None if *framed && !body.is_end_stream() => {
                    let message = format!("the reply was cut off after {} bytes", sink.packed);
                    return Err(Failure { kind: FailureKind::Broken, message, status: Some(*status) });
                }
                None => return Ok(()),
            }
        }
    }
}

/// Maximum size of an error's body that is read, and the time for it.
const ERROR_BODY_MAX: usize = 1 << 20;
const ERROR_BODY_TIME: Duration = Duration::from_secs(5);

/// The start of an error's body. Failures of the body are ignored, because the status matters more.
async fn error_body(response: &mut reqwest::Response, limits: ExchangeLimits, end: &BodyEnd) -> Body {
    let few = ExchangeLimits { body_max: limits.body_max.min(ERROR_BODY_MAX), ..limits };
    let Ok(mut sink) = BodySink::new(response.headers(), few, response.status().as_u16(), 0) else {
        return Body::default();
    };
    // A quarter second remains for reporting the status.
    let before_end = end.at.saturating_duration_since(Instant::now()).saturating_sub(Duration::from_millis(250));
    let until = Instant::now() + limits.idle.min(ERROR_BODY_TIME).min(before_end);
    while let Ok(Ok(Some(piece))) = tokio::time::timeout_at(until, response.chunk()).await {
        if sink.push(&piece).is_err() {
            break;
        }
    }
    sink.so_far()
}

fn timed_out(name: &str, after: Duration, status: Option<u16>) -> Failure {
    Failure {
        kind: FailureKind::TimedOut,
        message: format!("no answer within the limit {name} ({} s)", after.as_secs_f64()),
        status,
    }
}
