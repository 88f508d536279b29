//! Watches the exchanges of a connection: each request as it was signed, and its reply, with what masks their secrets.
//! The sending code does not know of it.

mod hidden_fields;
mod masked_json;
mod shown;
mod signing;

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

use crate::reply::Response;
use crate::secret::Redactor;
use crate::step_tag;
use crate::transport::{ExchangeLimits, Failure, Transport};
pub(crate) use hidden_fields::hide_fields;
pub(crate) use masked_json::mask_json;
pub(crate) use shown::{MessageBody, ShownMessage, shown_body, text_of};
pub(crate) use signing::{Signing, signing};

/// One exchange, with its secrets: only [`Exchange::sent`] and [`Exchange::received`] may be shown or stored.
pub(crate) struct Exchange {
    pub(crate) request: http::Request<Bytes>,
    pub(crate) outcome: Result<Response, Failure>,
    pub(crate) redactor: Redactor,
    /// A request of the sign-in: its reply contains secrets that are not known yet.
    pub(crate) is_sign_in: bool,
    /// Query parameters that carry credentials.
    pub(crate) secret_query: Vec<String>,
    /// The step of a batch that it belongs to.
    pub(crate) step: Option<Arc<str>>,
}

/// Receives each exchange when it has ended.
pub(crate) trait Watch: Send + Sync {
    fn exchange(&self, exchange: &Exchange);
}

/// Tells several.
pub(crate) struct Watches(pub(crate) Vec<Arc<dyn Watch>>);

impl Watch for Watches {
    fn exchange(&self, exchange: &Exchange) {
        self.0.iter().for_each(|watch| watch.exchange(exchange));
    }
}

/// A transport that tells a watch.
pub(crate) struct WatchedTransport {
    pub(crate) inner: Arc<dyn Transport>,
    pub(crate) watch: Arc<dyn Watch>,
    pub(crate) redactor: Redactor,
    pub(crate) is_sign_in: bool,
    pub(crate) secret_query: Vec<String>,
}

#[async_trait]
impl Transport for WatchedTransport {
    async fn send(&self, request: http::Request<Bytes>, limits: ExchangeLimits) -> Result<Response, Failure> {
        let copy = request.clone();
        let outcome = self.inner.send(request, limits).await;
        let (redactor, is_sign_in) = (self.redactor.clone(), self.is_sign_in);
        let secret_query = self.secret_query.clone();
        let step = step_tag::current();
        let exchange = Exchange { request: copy, outcome, redactor, is_sign_in, secret_query, step };
        self.watch.exchange(&exchange);
        exchange.outcome
    }
}
