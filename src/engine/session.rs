//! An open connection: the three methods, calls as values, the plan, the sign-in and the probe. Thin: checks, then the
//! loops.

use std::sync::Arc;

use serde_json::Value;

use super::running::Running;
use crate::auth;
use crate::body;
use crate::call::{CallOptions, Request, ResolvedCall};
use crate::connection::Connection;
use crate::definition::{Catalog, Method, Operation};
use crate::error::{Error, ErrorKind, Place, Result};
use crate::item::Items;
use crate::options::Options;
use crate::paging::Pager;
use crate::request::{self, Cursor, Inserted, PlannedRequest, RequestInput};
#[cfg(feature = "cli")]
use crate::secret::Redactor;
use crate::send::{Call, ConnectionClient};
use crate::telemetry::CallTrace;
use crate::walk::{PageReading, Reply, Walk};
use crate::write::{Requests, Writes, check_items};

/// Adds the credentials to a request that is shown.
type ShowAuth = fn(&Connection, &Operation, &mut http::Request<bytes::Bytes>) -> Result<()>;

/// An open connection. Clones share it; all connections of a process to one account share rate, permits and retries
/// ([`Budgets`](crate::Budgets)).
///
/// The calls: [`query`](Self::query), [`mutate`](Self::mutate), [`delete`](Self::delete), or [`call`](Self::call) with
/// a [`Request`]. [`plan`](Self::plan) shows the requests of a call and sends nothing; [`probe`](Self::probe) tests
/// address and credentials.
///
/// ```
/// use opnode::{Method, Request};
/// # use opnode::{Catalog, ConnectionSpec, Engine, EngineConfig};
/// use serde_json::json;
///
/// # let mut catalog = Catalog::empty();
/// # catalog.add_folder("examples/definitions".as_ref())?;
/// # let engine = Engine::new(EngineConfig::new(catalog));
/// # let values = [("siteUrl", "https://desk.example.com"), ("username", "robot"), ("password", "open sesame")];
/// # let values = values.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
/// # let spec = ConnectionSpec { connector: "acme-desk".into(), values, ..ConnectionSpec::default() };
/// # let session = engine.connect(&spec)?;
/// let request = Request::new(Method::Query, "getTickets", &json!({"conditions": "priority=\"high\""}));
/// let planned = session.plan(&request)?;
/// assert_eq!(planned[0].verb, "GET");
/// assert_eq!(
///     planned[0].url,
///     "https://desk.example.com/api/v1/tickets?conditions=priority%3D%22high%22&pageSize=10"
/// );
/// assert!(planned[0].headers.contains(&("authorization".into(), "[secret]".into())));
/// # Ok::<(), opnode::Error>(())
/// ```
#[derive(Clone)]
pub struct Session {
    pub(super) catalog: Arc<Catalog>,
    pub(super) client: Arc<ConnectionClient>,
}

impl Session {
    /// The connection.
    #[must_use]
    pub fn connection(&self) -> &Connection {
        &self.client.connection
    }

    fn operation(&self, method: Method, id: &str) -> Result<Arc<Operation>> {
        let operation = self.catalog.operation(Some(&self.client.connection.connector.name), id)?;
        if operation.method == method {
            return Ok(operation);
        }
        Err(Error::new(
            ErrorKind::UnknownOperation,
            format!("{} is used with {}, not {method}", operation.id, operation.method),
        )
        .advise(format!("call it with {}", operation.method))
        .with(|d| d.operation = Some(operation.id.clone())))
    }

    /// The checked operation and options of a call, for all three methods; with the presets of options that the caller
    /// does not give.
    fn checked(&self, method: Method, id: &str, options: Options) -> Result<(Arc<Operation>, Options)> {
        let operation = self.operation(method, id)?;
        let options = operation.preset(options);
        operation.check_options(&options)?;
        self.learn(&operation, &options);
        Ok((operation, options))
    }

    /// Values of secret options are masked from here on.
    fn learn(&self, operation: &Operation, options: &Options) {
        secret_texts(operation, options).iter().for_each(|value| self.client.connection.redactor.learn(value));
    }

    /// The same for a call that is about to be written down.
    #[cfg(feature = "cli")]
    pub(crate) fn learn_call(&self, request: &Request) -> Result<()> {
        let ResolvedCall { operation, options, .. } = self.resolved(request)?;
        self.learn(&operation, &options);
        Ok(())
    }

    /// What masks the values of a call's secret options, and nothing else.
    #[cfg(feature = "cli")]
    pub(crate) fn redactor_of_call(&self, request: &Request) -> Result<Redactor> {
        let ResolvedCall { operation, options, .. } = self.resolved(request)?;
        let texts = secret_texts(&operation, &options);
        Ok(Redactor::new(texts.iter().map(String::as_str)))
    }

    pub(super) fn call_of(&self, operation: &Arc<Operation>, with: &CallOptions) -> Call {
        let deadline = with.timeout.map(|t| self.client.clock.now() + t);
        let tally = Arc::default();
        Call {
            operation: Arc::clone(operation),
            cancel: with.cancel.clone(),
            deadline,
            patient: !with.impatient,
            attempts: with.attempts,
            files: with.files.clone(),
            tally,
            trace: CallTrace::begin(&operation.id),
        }
    }

    /// Reads pages of items. Sends nothing before [`Walk::next`] is polled.
    ///
    /// # Errors
    /// All faults that are known before the first request: `unknown_operation`, `invalid_options`, `definition`.
    pub fn query(&self, operation: &str, options: impl Into<Options>, with: &CallOptions) -> Result<Walk> {
        let options = options.into();
        let read = self.reading(operation, options, with)?;
        let call = self.call_of(&read.operation, with);
        Ok(Walk::new(Arc::clone(&self.client), call, read, with))
    }

    /// Checks a query and builds its first request without sending it.
    fn reading(&self, operation: &str, options: Options, with: &CallOptions) -> Result<PageReading> {
        let (operation, options) = self.checked(Method::Query, operation, options)?;
        with.check_files(&operation)?;
        let notes = with.judge_unknown(&operation, ErrorKind::InvalidOptions, operation.unknown_names(&options))?;
        let options = operation.with_paging(options);
        let named = |e: Error| e.with(|d| d.operation = Some(operation.id.clone()));
        let size = self.page_size(&operation, &options, with);
        let pager = Pager::new(Arc::clone(&operation), &options, with.forward_only, size).map_err(named)?;
        let mut pager = pager.with(self.client.connection.relink, with.strict);
        if let Some(resume) = &with.resume {
            pager.go_on_from((resume.pages, resume.rows, resume.largest), resume.ledger.clone());
        }
        let start = || with.resume.as_ref().map_or_else(|| pager.first(), |r| r.cursor.clone());
        // The request that submits a job has no page: its result is paged.
        let of_job = operation.job.is_some();
        let cursor = if of_job { Cursor::default() } else { start() };
        let input = RequestInput { options: &options, item: None, page_size: size.filter(|_| !of_job) };
        let parts = Inserted { connection: &self.client.connection, operation: &operation, input, cursor: &cursor };
        let first = body::build(&parts, None).and_then(|body| request::build(&parts, body)).map_err(named)?;
        Ok(PageReading { operation, options, size, pager, first, notes })
    }

    /// The page size is not larger than the caller's limit.
    fn page_size(&self, operation: &Operation, options: &Options, with: &CallOptions) -> Option<u32> {
        let size = operation.paging.size.as_ref()?;
        let given = options.contains(&size.option);
        let n = operation.page_size(size, options, self.client.connection.limits.page_size);
        let most = with.items_max.filter(|_| !given).and_then(|m| u32::try_from(m.max(1)).ok()).unwrap_or(u32::MAX);
        Some(n.min(most))
    }

    /// Creates or changes: one outcome per item. Sends nothing before [`Writes::next`] is polled.
    ///
    /// # Errors
    /// All faults that are known before the first request: `unknown_operation`, `invalid_options`, `invalid_items`,
    /// `definition`.
    pub fn mutate(
        &self,
        operation: &str,
        options: impl Into<Options>,
        items: Option<Items>,
        with: &CallOptions,
    ) -> Result<Writes> {
        self.write(Method::Mutate, operation, options.into(), items, with)
    }

    /// Deletes: one outcome per item, or one for the record that the options name.
    ///
    /// # Errors
    /// As [`mutate`](Self::mutate).
    pub fn delete(
        &self,
        operation: &str,
        options: impl Into<Options>,
        items: Option<Items>,
        with: &CallOptions,
    ) -> Result<Writes> {
        self.write(Method::Delete, operation, options.into(), items, with)
    }

    fn write(
        &self,
        method: Method,
        operation: &str,
        options: Options,
        items: Option<Items>,
        with: &CallOptions,
    ) -> Result<Writes> {
        let mut writes = self.open_write(method, operation, options, with)?;
        writes.add(with.first, items)?;
        Ok(writes)
    }

    fn open_write(&self, method: Method, operation: &str, options: Options, with: &CallOptions) -> Result<Writes> {
        let (operation, options) = self.checked(method, operation, options)?;
        with.check_files(&operation)?;
        Ok(Writes::open(Arc::clone(&self.client), self.call_of(&operation, with), options, with))
    }

    /// Starts the call of a request. Limits and strictness come from the request; `with` has what is not data: the
    /// cancel token, the gate before writes, the point to resume from.
    ///
    /// # Errors
    /// Those of [`query`](Self::query) and [`mutate`](Self::mutate); `usage` when the request names no operation, or
    /// two.
    pub fn call(&self, request: &Request, with: &CallOptions) -> Result<Running> {
        let ResolvedCall { operation, options, items, .. } = self.resolved(request)?;
        let with = request.laid_over(with);
        match request.method {
            Method::Query if items.is_some() => Err(Error::new(ErrorKind::Usage, "a query takes no items")),
            Method::Query => self.query(&operation.id, options, &with).map(Running::Read),
            method => self.write(method, &operation.id, options, items, &with).map(Running::Write),
        }
    }

    /// A write whose items are given later, in parts, by [`Writes::give`]; items in the request are ignored.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub fn call_in_parts(&self, request: &Request, with: &CallOptions) -> Result<Writes> {
        let ResolvedCall { operation, options, .. } = self.resolved(request)?;
        self.open_write(request.method, &operation.id, options, &request.laid_over(with))
    }

    /// The requests of a call, credentials masked; sends nothing. For a walk, only the first.
    ///
    /// # Errors
    /// Those of [`call`](Self::call), and `connection` when the credentials need a property that is missing.
    pub fn plan(&self, request: &Request) -> Result<Vec<PlannedRequest>> {
        let connection = &self.client.connection;
        Ok(self
            .planned_requests(request, auth::mask)?
            .iter()
            .map(|request| request::planned(connection, request))
            .collect())
    }

    /// The same, with the credentials as `show` adds them.
    pub(super) fn planned_requests(
        &self,
        request: &Request,
        show: ShowAuth,
    ) -> Result<Vec<http::Request<bytes::Bytes>>> {
        let sampled = Request { use_sample: true, ..request.clone() };
        let ResolvedCall { operation, options, items, .. } = self.resolved(&sampled)?;
        let with = request.laid_over(&CallOptions::default());
        let requests = match request.method {
            Method::Query => vec![self.reading(&operation.id, options, &with)?.first],
            method => {
                let (operation, options) = self.checked(method, &operation.id, options)?;
                check_items(&operation, &options, items.as_ref())?;
                let connection = &*self.client.connection;
                Requests { connection, operation: &operation, options: &options, items: items.as_ref() }.planned()?
            }
        };
        let connection = &self.client.connection;
        let planned = requests.into_iter().map(|mut request| {
            show(connection, &operation, &mut request)?;
            Ok(request)
        });
        planned.collect()
    }

    fn resolved(&self, request: &Request) -> Result<ResolvedCall> {
        request.resolve(&self.catalog, Some(&self.client.connection.connector.name))
    }

    /// Calls the connector's probe, which tests address and credentials.
    ///
    /// # Errors
    /// Those of the call; `unsupported` when the connector has no probe.
    pub async fn probe(&self, with: &CallOptions) -> Result<Reply> {
        let connection = &self.client.connection;
        let Some(probe) = &connection.connector.probe else {
            return Err(Error::new(ErrorKind::Unsupported, format!("{} has no probe", connection.connector.name))
                .advise("query any operation to test the connection"));
        };
        let mut options = Options::default();
        for (name, text) in &probe.options {
            let value = text.render(|n| connection.value(n)).map_err(|missing| {
                Error::new(
                    ErrorKind::Unsupported,
                    format!("the connection can be tested only when `{missing}` is given"),
                )
                .at(Place::field(format!("/{missing}")))
                .advise(format!("add `{missing}` to the connection, or query any operation to test it"))
            })?;
            options.insert(name.clone(), value);
        }
        let one = CallOptions { items_max: Some(1), impatient: true, ..with.clone() };
        self.query(&probe.operation, options, &one)?.collect().await
    }
}

/// The texts and numbers in the values of secret options.
fn secret_texts(operation: &Operation, options: &Options) -> Vec<String> {
    fn collect(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Null | Value::Bool(_) => {}
            Value::Number(number) => found.push(number.to_string()),
            Value::String(text) => found.push(text.clone()),
            Value::Array(list) => list.iter().for_each(|value| collect(value, found)),
            Value::Object(fields) => fields.values().for_each(|value| collect(value, found)),
        }
    }
    let mut found = Vec::new();
    let given = operation.options.iter().filter(|o| o.secret).filter_map(|o| options.values().get(&o.name));
    given.for_each(|value| collect(value, &mut found));
    found
}
