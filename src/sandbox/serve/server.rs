//! The server: a loopback socket and its requests. The only file that uses the HTTP framework's handlers.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::faults::Faults;
use super::router::{NotSimulated, Router, SandboxOutcome};
use super::socket::{CuttableListener, Peer};
use crate::connection::ConnectionSpec;
use crate::definition::Catalog;
use crate::error::{Error, ErrorKind, Result};
use crate::sandbox::http::{BODY_MAX, SandboxCall};
use crate::sandbox::mock_connector::{GivenRecords, MockConnector};

/// Maximum time to receive a body.
const BODY_TIME: Duration = Duration::from_secs(30);

/// Options of a sandbox.
#[derive(Clone, Debug, Default)]
pub struct SandboxOptions {
    /// The port; 0 selects a free one.
    pub port: u16,
    /// The injected faults.
    pub faults: Faults,
}

/// A local server that simulates every connector, by its definitions and its `sandbox.yaml`. It stops when dropped.
///
/// ```
/// use opnode::sandbox::{Faults, Sandbox, SandboxOptions};
/// use opnode::CallOptions;
/// # use opnode::{Catalog, Engine, EngineConfig};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> opnode::Result<()> {
/// # let mut catalog = Catalog::empty();
/// # catalog.add_folder("examples/definitions".as_ref())?;
/// # let engine = Engine::new(EngineConfig::new(catalog));
/// // Every second request fails: 429, then 503.
/// let options = SandboxOptions { faults: "every=2,kinds=429+503".parse::<Faults>()?, ..SandboxOptions::default() };
/// let sandbox = Sandbox::start(engine.catalog().clone(), options).await?;
/// assert_eq!(sandbox.connectors().collect::<Vec<_>>(), ["acme-desk"]);
/// assert!(sandbox.address().ip().is_loopback());
///
/// let session = engine.connect(&sandbox.connection("acme-desk")?)?;
/// let reply = session.query("getTicket", &serde_json::json!({"id": 1}), &CallOptions::default())?.collect().await?;
/// assert_eq!(reply.receipt.requests, 1);
/// # Ok(())
/// # }
/// ```
pub struct Sandbox {
    router: Arc<Router>,
    task: JoinHandle<std::io::Result<()>>,
    /// Dropping it stops the server.
    _stop: oneshot::Sender<()>,
}

impl Sandbox {
    /// Starts a sandbox in the caller's tokio runtime, on 127.0.0.1 only.
    ///
    /// # Errors
    /// `network` when the port is not available; `definition` when a connector's files are faulty.
    pub async fn start(catalog: Arc<Catalog>, options: SandboxOptions) -> Result<Sandbox> {
        let unheard = |e: std::io::Error| {
            Error::new(ErrorKind::Network, format!("the sandbox cannot listen on 127.0.0.1:{}: {e}", options.port))
                .advise("choose another port; 0 selects a free one")
        };
        let listener =
            TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, options.port))).await.map_err(unheard)?;
        let address = listener.local_addr().map_err(unheard)?;
        let (connectors, absent) = simulated(&catalog, address)?;
        let router = Arc::new(Router::new(address, connectors, absent, options.faults));
        let service = axum::Router::new().fallback(handle).with_state(Arc::clone(&router));
        let (stop, stopped) = oneshot::channel::<()>();
        let serve = axum::serve(CuttableListener(listener), service.into_make_service_with_connect_info::<Peer>())
            .with_graceful_shutdown(async move {
                // Ends when the sender is dropped; nothing is sent.
                let _dropped = stopped.await;
            });
        Ok(Sandbox { router, task: tokio::spawn(serve.into_future()), _stop: stop })
    }

    /// The address that it listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.router.address
    }

    /// An address that accepts every POST, in place of webhooks.
    #[must_use]
    pub fn post_address(&self) -> String {
        format!("http://{}/__sandbox/post", self.router.address)
    }

    /// Names of the simulated connectors.
    pub fn connectors(&self) -> impl Iterator<Item = &str> {
        self.router.connectors.iter().map(|mock| mock.connector.name.as_str())
    }

    /// The sandbox's connection of a connector.
    ///
    /// # Errors
    /// `unsupported` with the reason when the connector is not simulated.
    pub fn connection(&self, connector: &str) -> Result<ConnectionSpec> {
        self.router.mock(connector).map(|mock| mock.spec.clone())
    }

    /// How often a used refresh token was sent.
    #[must_use]
    pub fn reused_refresh_tokens(&self) -> u64 {
        self.router.reused_refresh_tokens()
    }

    /// Runs until the server ends, which normally does not happen.
    pub async fn wait(mut self) {
        let _ended = (&mut self.task).await;
    }
}

/// The connectors that can be simulated, those with a sandbox.yaml first, and the others with the reason.
fn simulated(catalog: &Arc<Catalog>, address: SocketAddr) -> Result<(Vec<MockConnector>, Vec<NotSimulated>)> {
    let (mut declared, mut others, mut absent) = (Vec::new(), Vec::new(), Vec::new());
    for name in catalog.connector_names() {
        let file = catalog.sandbox(name)?;
        let is_declared = file.is_some();
        match MockConnector::new(catalog, name, file, &GivenRecords::new(), address) {
            Ok(mock) if is_declared => declared.push(mock),
            Ok(mock) => others.push(mock),
            Err(error) if !is_declared || error.kind() == ErrorKind::Unsupported => {
                absent.push((name.to_owned(), error.message.clone()))
            }
            Err(error) => return Err(error),
        }
    }
    declared.append(&mut others);
    Ok((declared, absent))
}

async fn handle(
    State(router): State<Arc<Router>>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    request: Request,
) -> http::Response<Body> {
    let (head, body) = request.into_parts();
    let body = tokio::time::timeout(BODY_TIME, axum::body::to_bytes(body, BODY_MAX)).await;
    let body = body.ok().and_then(|read| read.ok());
    let call = SandboxCall::new(head.method, &head.uri, head.headers, body, &router.address.to_string());
    match router.answer(call).await {
        SandboxOutcome::Reply(response) => response.map(Body::from),
        SandboxOutcome::Cut => {
            peer.cut();
            http::Response::new(Body::empty())
        }
    }
}
