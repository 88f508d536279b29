//! The engine and its sessions: the three methods, the plan and the probe. Thin: checks, then the loops.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;

use crate::auth::{self, MemoryStore, TokenStore};
use crate::clock::{Clock, SystemClock};
use crate::connection::{Connection, ConnectionSpec};
use crate::definition::{Catalog, Method, Operation};
use crate::error::{Error, ErrorKind, Fault, Place, Result};
use crate::item::Items;
use crate::options::Options;
use crate::paging::Pager;
use crate::request::{self, Input, PlannedRequest};
use crate::secret::Secret;
use crate::send::{Budgets, Call, Cancel, ConnectionClient, Gate};
use crate::transport::{HttpOptions, HttpTransport, Transport};
use crate::walk::{Reply, Resume, Walk};
use crate::write::{self, Writes};

/// What an engine is made from.
pub struct EngineConfig {
    /// The connectors that it knows.
    pub catalog: Catalog,
    /// Another way to the network than HTTP, for tests.
    pub transport: Option<Arc<dyn Transport>>,
    /// Another clock than the machine's, for tests.
    pub clock: Option<Arc<dyn Clock>>,
    /// Where tokens are kept; in memory when left out.
    pub tokens: Option<Arc<dyn TokenStore>>,
    /// Whether the system's proxy settings are used.
    pub system_proxy: bool,
}

impl EngineConfig {
    /// An engine over a catalogue, all else as it is without saying.
    #[must_use]
    pub fn new(catalog: Catalog) -> EngineConfig {
        EngineConfig { catalog, transport: None, clock: None, tokens: None, system_proxy: false }
    }
}

impl Default for EngineConfig {
    fn default() -> Self {
        EngineConfig::new(Catalog::builtin())
    }
}

/// Opens connections over one catalogue. Holds no connection itself.
pub struct Engine {
    catalog: Arc<Catalog>,
    transport: Option<Arc<dyn Transport>>,
    clock: Arc<dyn Clock>,
    tokens: Arc<dyn TokenStore>,
    budgets: Arc<Budgets>,
    system_proxy: bool,
}

impl Default for Engine {
    fn default() -> Self {
        Engine::new(EngineConfig::default())
    }
}

impl Engine {
    /// An engine.
    #[must_use]
    pub fn new(config: EngineConfig) -> Engine {
        // A clock or a network of one's own is a world of one's own.
        let own_world = config.transport.is_some() || config.clock.is_some();
        Engine::with_budgets(config, if own_world { Arc::default() } else { Budgets::of_process() })
    }

    /// An engine whose connections share budgets with those of other engines.
    pub(crate) fn with_budgets(config: EngineConfig, budgets: Arc<Budgets>) -> Engine {
        Engine {
            budgets,
            catalog: Arc::new(config.catalog),
            transport: config.transport,
            clock: config.clock.unwrap_or_else(|| Arc::new(SystemClock)),
            tokens: config.tokens.unwrap_or_else(|| Arc::new(MemoryStore::default())),
            system_proxy: config.system_proxy,
        }
    }

    /// What it knows.
    #[must_use]
    pub fn catalog(&self) -> &Arc<Catalog> {
        &self.catalog
    }

    /// Opens a connection: checks it, sends nothing.
    ///
    /// # Errors
    /// `connection` with every fault; `unknown_operation` when no such connector exists.
    pub fn connect(&self, spec: &ConnectionSpec) -> Result<Session> {
        let connector = self.catalog().connector(&spec.connector)?;
        let connection = Connection::open(connector, spec)?;
        let transport = match &self.transport {
            Some(transport) => Arc::clone(transport),
            None => Arc::new(HttpTransport::new(self.http(&connection))?),
        };
        let budget = self.budgets.of(&connection);
        let client =
            ConnectionClient::new(connection, transport, Arc::clone(&self.clock), Arc::clone(&self.tokens), budget);
        Ok(Session { catalog: Arc::clone(&self.catalog), client: Arc::new(client) })
    }

    fn http(&self, connection: &Connection) -> HttpOptions {
        let loopback = crate::connection::is_loopback(connection.base());
        HttpOptions {
            connect: connect_time(connection),
            idle_connections: connection.limits.concurrency(),
            tls: connection.needs_tls(),
            system_proxy: self.system_proxy && !loopback,
            public_hosts: connection.public_hosts(),
        }
    }
}

/// What a caller may say beyond operation, options and items.
#[derive(Clone, Debug, Default)]
pub struct CallOptions {
    /// Stop after so many items.
    pub items_max: Option<u64>,
    /// Walk by key instead of by page, where the operation can: nothing is missed while records come and go, but pages come one by one.
    pub forward_only: bool,
    /// Of a query: an end that contradicts what the server has announced is an error, and so is one when no reply has what should tell of it.
    pub strict: bool,
    /// Refuse fields that the operation's items or record do not have, instead of noting them.
    pub known_fields: bool,
    /// Give up after the usual number of attempts, without waiting for a system that may be about to come back.
    pub impatient: bool,
    /// End the call after this time.
    pub timeout: Option<Duration>,
    /// Cancels the call.
    pub cancel: Cancel,
    /// Of a write: send no further item after the first that did not succeed.
    pub stop_on_error: bool,
    /// Of a query: go on where an earlier walk of the same operation and options was.
    pub resume: Option<Resume>,
    /// Of a write: told of items before they are sent.
    pub gate: Option<Arc<dyn Gate>>,
    /// Of a write: the index of its first item, when the items are a part of a longer list; outcomes, gate and keys count from it.
    pub first: u64,
    /// Of a write: the name of this call, from which idempotency keys are made; a repeated call of the same name repeats the keys.
    pub key: Option<String>,
}

/// A connection in use. Cloning shares it; all connections of a process to one account share rate, places and retries.
#[derive(Clone)]
pub struct Session {
    catalog: Arc<Catalog>,
    client: Arc<ConnectionClient>,
}

impl Session {
    /// The connection.
    #[must_use]
    pub fn connection(&self) -> &Connection {
        &self.client.connection
    }

    /// An operation of the connection's connector.
    #[cfg(feature = "ffi")]
    pub(crate) fn operation_by_id(&self, id: &str) -> Result<Arc<Operation>> {
        self.catalog.operation(Some(&self.client.connection.connector.name), id)
    }

    /// Keeps tokens that the host has had kept for this connection.
    ///
    /// # Errors
    /// `state` when they cannot be kept.
    pub async fn keep_tokens(&self, tokens: &crate::auth::Tokens) -> Result<()> {
        self.client.token_cache.adopt(&self.client.token_context(), tokens).await
    }

    fn operation(&self, method: Method, id: &str) -> Result<Arc<Operation>> {
        let operation = self.catalog.operation(Some(&self.client.connection.connector.name), id)?;
        if operation.method == method {
            return Ok(operation);
        }
        Err(Error::new(
            ErrorKind::UnknownOperation,
            format!("{} belongs to {}, not to {method}", operation.id, operation.method),
        )
        .advise(format!("call it with {}", operation.method))
        .with(|d| d.operation = Some(operation.id.clone())))
    }

    /// The operation and the options of a call, checked; what all three methods begin with.
    fn checked(&self, method: Method, id: &str, options: &Options) -> Result<Arc<Operation>> {
        let operation = self.operation(method, id)?;
        operation.check_options(options)?;
        self.learn(&operation, options);
        Ok(operation)
    }

    /// Values that an operation declares as secret are masked from here on.
    fn learn(&self, operation: &Operation, options: &Options) {
        let secrets = operation
            .options
            .iter()
            .filter(|o| o.secret)
            .filter_map(|o| options.values().get(&o.name).and_then(Value::as_str));
        secrets.for_each(|value| self.client.connection.redactor.learn(value));
    }

    fn call(&self, operation: &Arc<Operation>, with: &CallOptions) -> Call {
        let deadline = with.timeout.map(|t| self.client.clock.now() + t);
        let tally = crate::send::Tally::default();
        Call {
            operation: Arc::clone(operation),
            cancel: with.cancel.clone(),
            deadline,
            patient: !with.impatient,
            tally,
        }
    }

    /// Reads: pages of items, as they come.
    ///
    /// # Errors
    /// Everything that can be known before the first request: `unknown_operation`, `invalid_options`, `definition`.
    pub fn query(&self, operation: &str, options: impl Into<Options>, with: &CallOptions) -> Result<Walk> {
        let options = options.into();
        let read = self.reading(operation, options, with)?;
        let call = self.call(&read.operation, with);
        Ok(Walk::new(Arc::clone(&self.client), call, read, with))
    }

    /// Checks a query as far as its first request, which is built and not sent.
    fn reading(&self, operation: &str, options: Options, with: &CallOptions) -> Result<Reading> {
        let operation = self.checked(Method::Query, operation, &options)?;
        let notes = noted(&operation, ErrorKind::InvalidOptions, operation.unknown_names(&options), with)?;
        let named = |e: Error| e.with(|d| d.operation = Some(operation.id.clone()));
        let size = self.page_size(&operation, &options, with);
        let asked = size.as_ref().map(|(_, n)| *n);
        let pager = Pager::new(Arc::clone(&operation), &options, with.forward_only, asked).map_err(named)?;
        let mut pager = pager.with(self.client.connection.relink, with.strict);
        if let Some(resume) = &with.resume {
            pager.go_on_from((resume.pages, resume.rows, resume.largest), resume.ledger.clone());
        }
        let cursor = with.resume.as_ref().map_or_else(|| pager.first(), |r| r.cursor.clone());
        let input = Input {
            options: &options,
            item: None,
            body: None,
            page_size: size.as_ref().map(|(name, n)| (name.as_str(), *n)),
        };
        let first = request::build(&self.client.connection, &operation, input, &cursor).map_err(named)?;
        Ok(Reading { operation, options, size, pager, first, notes })
    }

    /// Never asks for more than the caller wants.
    fn page_size(&self, operation: &Operation, options: &Options, with: &CallOptions) -> Option<(String, u32)> {
        let size = operation.paging.size.as_ref()?;
        let given = options.contains(&size.query);
        let n = operation.page_size(size, options, self.client.connection.limits.page_size);
        let most = with.items_max.filter(|_| !given).and_then(|m| u32::try_from(m.max(1)).ok()).unwrap_or(u32::MAX);
        Some((size.query.clone(), n.min(most)))
    }

    /// Creates or changes: one outcome per item.
    ///
    /// # Errors
    /// Everything that can be known before the first request: `unknown_operation`, `invalid_options`, `invalid_items`, `definition`.
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
        let operation = self.checked(method, operation, &options)?;
        let unknown = write::check_items(&operation, &options, items.as_ref())?;
        let notes = noted(&operation, ErrorKind::InvalidItems, unknown, with)?;
        self.check_first(&operation, &options, items.as_ref())?;
        Ok(Writes::new(Arc::clone(&self.client), self.call(&operation, with), options, items, with, notes))
    }

    /// Builds the first request, so that options which make no request are refused before anything is sent.
    fn check_first(&self, operation: &Arc<Operation>, options: &Options, items: Option<&Items>) -> Result<()> {
        let named = |e: Error| e.with(|d| d.operation = Some(operation.id.clone()));
        match write::plan(operation, items).first() {
            Some(chunk) => write::build(
                &self.client,
                operation,
                options,
                &items.cloned().unwrap_or_default(),
                *chunk,
                write::Key::Planned,
                &write::Model::new(),
            )
            .map(|_| ())
            .map_err(named),
            None => Ok(()),
        }
    }

    /// The requests that a call would send, credentials masked; nothing is sent. Of a walk, the first.
    ///
    /// # Errors
    /// The same as the call itself would give before its first request.
    pub fn plan(
        &self,
        method: Method,
        operation: &str,
        options: impl Into<Options>,
        items: Option<&Items>,
        with: &CallOptions,
    ) -> Result<Vec<PlannedRequest>> {
        let (operation, requests) = if method == Method::Query {
            let read = self.reading(operation, options.into(), with)?;
            (read.operation, vec![read.first])
        } else {
            self.writing(method, operation, &options.into(), items)?
        };
        let connection = &self.client.connection;
        requests
            .into_iter()
            .map(|mut request| {
                auth::sign(connection, &operation, None, &mut request)?;
                Ok(request::planned(connection, &request))
            })
            .collect()
    }

    /// Where a person signs in, for connectors that need it. `redirect` is where the browser is sent back to; `state` comes back with it;
    /// `challenge` is the S256 challenge of a verifier (RFC 7636) that only the caller knows.
    ///
    /// # Errors
    /// `usage` when the connector needs no sign-in; `connection` when a property is missing.
    pub fn sign_in_url(&self, redirect: &str, state: &str, challenge: &str) -> Result<String> {
        auth::sign_in_url(&self.client.connection, redirect, state, challenge).map(String::from)
    }

    /// Ends a sign-in: exchanges the code that came back for tokens, and keeps them.
    ///
    /// # Errors
    /// `unauthenticated` when the code is not accepted; `state` when the tokens cannot be kept.
    pub async fn sign_in(&self, code: &Secret, redirect: &str, verifier: &Secret) -> Result<()> {
        self.client.token_cache.redeem(&self.client.token_context(), code, redirect, verifier).await
    }

    /// All requests of a write, checked and not sent.
    fn writing(
        &self,
        method: Method,
        id: &str,
        options: &Options,
        items: Option<&Items>,
    ) -> Result<(Arc<Operation>, Vec<http::Request<Bytes>>)> {
        let operation = self.checked(method, id, options)?;
        write::check_items(&operation, options, items)?;
        let given = items.cloned().unwrap_or_default();
        let chunks = write::plan(&operation, items).into_iter();
        let model = write::Model::new();
        let request = |chunk| {
            let (head, body) =
                write::build(&self.client, &operation, options, &given, chunk, write::Key::Planned, &model)?;
            Ok(http::Request::from_parts(head.into_owned(), body))
        };
        let requests = chunks.map(request).collect::<Result<_>>()?;
        Ok((operation, requests))
    }

    /// Calls the connector's probe: whether the address and credentials work.
    ///
    /// # Errors
    /// Those of the call; `unsupported` when the connector names no probe.
    pub async fn probe(&self, with: &CallOptions) -> Result<Reply> {
        let connection = &self.client.connection;
        let Some(probe) = &connection.connector.probe else {
            return Err(Error::new(ErrorKind::Unsupported, format!("{} names no probe", connection.connector.name))
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

/// The time for a connect. Shorter than that for the first byte, whose end would say that the request may have been sent.
fn connect_time(connection: &Connection) -> Duration {
    let seconds = |value: Option<u32>, default: u32| Duration::from_secs(u64::from(value.unwrap_or(default)));
    let limits = &connection.limits;
    let reply = seconds(limits.first_byte_s, 60).min(seconds(limits.timeout_s, 120));
    seconds(limits.connect_s, 10).min(reply * 9 / 10)
}

/// A query that was checked.
pub(crate) struct Reading {
    operation: Arc<Operation>,
    pub(crate) options: Options,
    pub(crate) size: Option<(String, u32)>,
    pub(crate) pager: Pager,
    pub(crate) first: http::Request<Bytes>,
    pub(crate) notes: Vec<String>,
}

/// Fields that are not known: notes of the call, or its error.
fn noted(operation: &Operation, kind: ErrorKind, unknown: Vec<Fault>, with: &CallOptions) -> Result<Vec<String>> {
    if unknown.is_empty() || !with.known_fields {
        return Ok(unknown.into_iter().map(|fault| fault.message).collect());
    }
    Err(operation.refuse_fields(kind, unknown))
}
