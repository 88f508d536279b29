//! The engine: opens connections over one catalogue.

#[cfg(feature = "cli")]
mod raw;
mod running;
mod session;
mod sign_in;

pub use running::Running;
pub use session::Session;

use std::sync::Arc;
use std::time::Duration;

use crate::auth::{self, MemoryStore, TokenStore};
use crate::clock::{Clock, SystemClock};
use crate::connection::{Connection, ConnectionSpec, ProxySpec, TlsSpec, ValueFault, network_faults};
use crate::definition::Catalog;
use crate::error::{Error, ErrorKind, Result};
#[cfg(feature = "cli")]
use crate::exchanges::{Watch, WatchedTransport};
use crate::send::{Budgets, ConnectionClient};
use crate::transport::{HttpOptions, HttpTransport, Transport};

/// Settings of an engine.
///
/// ```
/// use std::sync::Arc;
///
/// use opnode::{Catalog, Engine, EngineConfig, FileStore};
///
/// let engine = Engine::new(EngineConfig {
///     tokens: Some(Arc::new(FileStore::new("tokens.json"))),
///     system_proxy: true,
///     ..EngineConfig::new(Catalog::builtin())
/// });
/// # drop(engine);
/// ```
pub struct EngineConfig {
    /// Its connectors, operations and templates.
    pub catalog: Catalog,
    /// A transport other than HTTP, for tests.
    pub transport: Option<Arc<dyn Transport>>,
    /// A clock other than the machine's, for tests. With it or a transport, the engine has its own [`Budgets`].
    pub clock: Option<Arc<dyn Clock>>,
    /// The token store; default: [`MemoryStore`], so that a sign-in lasts as long as the engine.
    pub tokens: Option<Arc<dyn TokenStore>>,
    /// Whether the system's proxy settings (`HTTPS_PROXY` and so on) are used; default: no.
    pub system_proxy: bool,
    /// Trusted authorities and the client's own certificate; default: the system's authorities. A connection's own
    /// setting takes precedence.
    pub tls: Option<TlsSpec>,
    /// A proxy, or none, instead of the system's; never used for addresses of this machine. A connection's own setting
    /// takes precedence.
    pub proxy: Option<ProxySpec>,
}

impl EngineConfig {
    /// An engine with this catalogue and defaults.
    #[must_use]
    pub fn new(catalog: Catalog) -> EngineConfig {
        EngineConfig {
            catalog,
            transport: None,
            clock: None,
            tokens: None,
            system_proxy: false,
            tls: None,
            proxy: None,
        }
    }
}

impl Default for EngineConfig {
    fn default() -> Self {
        EngineConfig::new(Catalog::builtin())
    }
}

/// Opens connections over one catalogue. Keeps no connection open itself.
///
/// ```
/// use opnode::{ConnectionSpec, Engine, EngineConfig, ErrorKind};
/// # use opnode::Catalog;
///
/// # let mut catalog = Catalog::empty();
/// # catalog.add_folder("examples/definitions".as_ref())?;
/// # let config = EngineConfig::new(catalog);
/// let engine = Engine::new(config);
/// let spec = ConnectionSpec { connector: "acme-desk".into(), ..ConnectionSpec::default() };
/// // Every fault at once: the address, the user name and the password are missing.
/// let error = engine.connect(&spec).err().unwrap();
/// assert_eq!((error.kind(), error.faults.len()), (ErrorKind::Connection, 3));
/// # Ok::<(), opnode::Error>(())
/// ```
pub struct Engine {
    catalog: Arc<Catalog>,
    transport: Option<Arc<dyn Transport>>,
    clock: Arc<dyn Clock>,
    tokens: Arc<dyn TokenStore>,
    budgets: Arc<Budgets>,
    system_proxy: bool,
    #[cfg(feature = "cli")]
    watch: Option<Arc<dyn Watch>>,
    tls: Option<TlsSpec>,
    proxy: Option<ProxySpec>,
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
        // A custom clock or transport has its own budgets.
        let own_world = config.transport.is_some() || config.clock.is_some();
        Engine::with_budgets(config, if own_world { Arc::default() } else { Budgets::of_process() })
    }

    /// An engine whose connections share budgets with those of other engines that are given the same.
    #[must_use]
    pub fn with_budgets(config: EngineConfig, budgets: Arc<Budgets>) -> Engine {
        Engine {
            budgets,
            catalog: Arc::new(config.catalog),
            transport: config.transport,
            clock: config.clock.unwrap_or_else(|| Arc::new(SystemClock)),
            tokens: config.tokens.unwrap_or_else(|| Arc::new(MemoryStore::default())),
            system_proxy: config.system_proxy,
            #[cfg(feature = "cli")]
            watch: None,
            tls: config.tls,
            proxy: config.proxy,
        }
    }

    /// The same engine, with a watch over the exchanges of its connections.
    #[cfg(feature = "cli")]
    pub(crate) fn watched(self, watch: Arc<dyn Watch>) -> Engine {
        Engine { watch: Some(watch), ..self }
    }

    /// Its catalogue.
    #[must_use]
    pub fn catalog(&self) -> &Arc<Catalog> {
        &self.catalog
    }

    /// Its clock.
    #[cfg(feature = "batch")]
    pub(crate) fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// The same engine over another catalogue.
    #[cfg(feature = "batch")]
    pub(crate) fn with_catalog(&self, catalog: Arc<Catalog>) -> Engine {
        Engine {
            catalog,
            transport: self.transport.clone(),
            clock: Arc::clone(&self.clock),
            tokens: Arc::clone(&self.tokens),
            budgets: Arc::clone(&self.budgets),
            system_proxy: self.system_proxy,
            #[cfg(feature = "cli")]
            watch: self.watch.clone(),
            tls: self.tls.clone(),
            proxy: self.proxy.clone(),
        }
    }

    /// Opens a connection: checks it, sends nothing.
    ///
    /// # Errors
    /// `connection` with every fault; `unknown_operation` when no such connector exists.
    pub fn connect(&self, spec: &ConnectionSpec) -> Result<Session> {
        let connector = self.catalog().connector(&spec.connector)?;
        let mut connection = Connection::open(connector, spec)?;
        connection.tls = connection.tls.or_else(|| self.tls.clone());
        auth::check(&connection)?;
        self.check_network()?;
        self.proxy.iter().flat_map(ProxySpec::secrets).for_each(|secret| connection.redactor.learn(&secret));
        let transport = match &self.transport {
            Some(transport) => Arc::clone(transport),
            None => Arc::new(HttpTransport::new(self.http(&connection))?),
        };
        let budget = self.budgets.of(&connection);
        #[cfg(feature = "cli")]
        let (sign_in, transport) =
            (self.observed(&connection, &transport, true), self.observed(&connection, &transport, false));
        let (clock, tokens) = (Arc::clone(&self.clock), Arc::clone(&self.tokens));
        let client = ConnectionClient::new(connection, transport, clock, tokens, budget);
        #[cfg(feature = "cli")]
        let client = client.sign_in_by(sign_in);
        Ok(Session { catalog: Arc::clone(&self.catalog), client: Arc::new(client) })
    }

    /// The transport, told to the watch if there is one.
    #[cfg(feature = "cli")]
    fn observed(
        &self,
        connection: &Connection,
        transport: &Arc<dyn Transport>,
        is_sign_in: bool,
    ) -> Arc<dyn Transport> {
        let inner = Arc::clone(transport);
        let Some(watch) = self.watch.as_ref().map(Arc::clone) else { return inner };
        let (redactor, secret_query) = (connection.redactor.clone(), connection.connector.auth.query_names());
        Arc::new(WatchedTransport { inner, watch, redactor, is_sign_in, secret_query })
    }

    /// The faults of the engine's own settings.
    fn check_network(&self) -> Result<()> {
        let faults = network_faults(self.tls.as_ref(), self.proxy.as_ref());
        let faults: Vec<_> = faults.into_iter().map(ValueFault::into_fault).collect();
        if faults.is_empty() {
            return Ok(());
        }
        Err(Error::from_faults(ErrorKind::Connection, "the engine's settings of the network are invalid", faults))
    }

    fn http(&self, connection: &Connection) -> HttpOptions {
        let loopback = crate::connection::is_loopback(connection.base());
        let of_engine = || self.proxy.clone().filter(|_| !loopback);
        HttpOptions {
            connect: connect_time(connection),
            idle_connections: connection.limits.concurrency(),
            tls: connection.needs_tls(),
            system_proxy: self.system_proxy && !loopback,
            trust: connection.tls.clone(),
            proxy: connection.proxy.clone().or_else(of_engine),
            public_hosts: connection.public_hosts(),
        }
    }
}

/// The connect timeout. Shorter than that for the first byte, after which the request may have been sent.
fn connect_time(connection: &Connection) -> Duration {
    let seconds = |value: Option<u32>, default: u32| Duration::from_secs(u64::from(value.unwrap_or(default)));
    let limits = &connection.limits;
    let reply = seconds(limits.first_byte_s, 60).min(seconds(limits.timeout_s, 120));
    seconds(limits.connect_s, 10).min(reply * 9 / 10)
}
