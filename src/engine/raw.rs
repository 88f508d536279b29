//! One request of an operation with any body: checked, signed, limited and judged like the others.

use super::Session;
use crate::call::{CallOptions, Request};
use crate::definition::Operation;
use crate::error::Result;
use crate::options::Options;
use crate::request::{self, Cursor, Inserted, RequestBody, RequestInput};

impl Session {
    /// Sends it; `body` has its media type and its text. The caller sees the reply through the watch of the engine.
    ///
    /// # Errors
    /// Those of a query or a write.
    pub(crate) async fn send_raw(
        &self,
        operation: &str,
        options: Options,
        body: Option<(&str, &str)>,
        with: &CallOptions,
    ) -> Result<()> {
        let (operation, request) = self.raw(operation, &options, body)?;
        let (head, body) = request.into_parts();
        let call = self.call_of(&operation, with);
        let outgoing = crate::send::Outgoing::new(&head, &body);
        self.client.send(&call, outgoing, None).await.map(|_| ())
    }

    /// The requests of a call with their credentials, for a connection whose secrets are names of variables.
    ///
    /// # Errors
    /// Those of [`plan`](Session::plan).
    pub(crate) fn plan_signed(&self, request: &Request) -> Result<Vec<http::Request<bytes::Bytes>>> {
        self.planned_requests(request, crate::auth::show)
    }

    /// The request with its credentials; sends nothing.
    ///
    /// # Errors
    /// Those that are known before anything is sent.
    pub(crate) fn plan_raw(
        &self,
        operation: &str,
        options: &Options,
        body: Option<(&str, &str)>,
    ) -> Result<http::Request<bytes::Bytes>> {
        let (operation, mut request) = self.raw(operation, options, body)?;
        crate::auth::show(&self.client.connection, &operation, &mut request)?;
        Ok(request)
    }

    /// The same with the credentials masked.
    ///
    /// # Errors
    /// As [`plan_raw`](Self::plan_raw).
    #[cfg(feature = "studio")]
    pub(crate) fn planned_raw(
        &self,
        operation: &str,
        options: &Options,
        body: Option<(&str, &str)>,
    ) -> Result<request::PlannedRequest> {
        self.plan_raw(operation, options, body).map(|request| self.masked(&request))
    }

    /// A request of this connection for a plan: credentials masked.
    pub(crate) fn masked(&self, request: &http::Request<bytes::Bytes>) -> request::PlannedRequest {
        request::planned(&self.client.connection, request)
    }

    fn raw(
        &self,
        operation: &str,
        options: &Options,
        body: Option<(&str, &str)>,
    ) -> Result<(std::sync::Arc<Operation>, http::Request<bytes::Bytes>)> {
        let operation = self.catalog.operation(Some(&self.client.connection.connector.name), operation)?;
        operation.check_options(options)?;
        let parts = Inserted {
            connection: &self.client.connection,
            operation: &operation,
            input: RequestInput { options, item: None, page_size: None },
            cursor: &Cursor::default(),
        };
        let body = body.map(|(content_type, text)| RequestBody {
            content_type: content_type.to_owned(),
            bytes: text.to_owned().into(),
        });
        let request = request::build(&parts, body)?;
        Ok((operation, request))
    }
}
