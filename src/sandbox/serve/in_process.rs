//! The sandbox without sockets, for tests of batches: each connector has an address of its own that no server listens
//! on, and requests are given to it.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::StatusCode;

use super::faults::Faults;
use super::router::{Router, SandboxOutcome};
use crate::authoring::Ordered;
use crate::connection::ConnectionSpec;
use crate::definition::{Catalog, Json, ReplyFile, SandboxFile};
use crate::error::{Error, ErrorKind, Result, did_you_mean};
use crate::lock::lock;
use crate::sandbox::http::SandboxCall;
use crate::sandbox::mock_connector::{GivenRecords, MockConnector};

/// The port of all addresses; nothing listens on it.
const PORT: u16 = 1;

/// Data of a sandbox instead of that of the sandbox.yaml files.
#[derive(Clone, Debug, Default)]
pub struct SandboxData {
    /// Records by connector and collection.
    pub records: Ordered<Ordered<Vec<Json>>>,
    /// Fixed replies by connector and OperationId.
    pub replies: Ordered<Ordered<ReplyFile>>,
    /// Faults to simulate; requests are counted for each connector.
    pub faults: Faults,
}

/// A sandbox that answers the requests that are given to it. Connectors are simulated when a connection to them is
/// first asked for.
///
/// ```
/// use opnode::sandbox::{InProcessSandbox, SandboxData};
/// # use opnode::Catalog;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> opnode::Result<()> {
/// # let mut catalog = Catalog::empty();
/// # catalog.add_folder("examples/definitions".as_ref())?;
/// let sandbox = InProcessSandbox::new(catalog.into(), SandboxData::default());
/// let spec = sandbox.connection("acme-desk")?;
/// assert_eq!(spec.values["siteUrl"], "http://127.0.0.1:1");
/// let request = http::Request::get("http://127.0.0.1:1/api/v1/tickets").body(Default::default()).unwrap();
/// assert_eq!(sandbox.answer(request).await.unwrap().status(), 401); // no credentials
/// # Ok(())
/// # }
/// ```
pub struct InProcessSandbox {
    catalog: Arc<Catalog>,
    data: SandboxData,
    opened: Mutex<BTreeMap<String, Arc<Router>>>,
}

impl InProcessSandbox {
    /// A sandbox with this data.
    #[must_use]
    pub fn new(catalog: Arc<Catalog>, data: SandboxData) -> InProcessSandbox {
        InProcessSandbox { catalog, data, opened: Mutex::default() }
    }

    /// The sandbox's connection of a connector.
    ///
    /// # Errors
    /// `unsupported` when the connector cannot be simulated; `definition` when its files or the
    /// data are faulty.
    pub fn connection(&self, connector: &str) -> Result<ConnectionSpec> {
        let mut opened = lock(&self.opened);
        if let Some(spec) = opened.get(connector).and_then(|router| Some(router.first()?.spec.clone())) {
            return Ok(spec);
        }
        let last = u8::try_from(opened.len() + 1).map_err(|_| {
            Error::new(ErrorKind::Unsupported, "a sandbox without sockets simulates at most 255 connectors")
        })?;
        let address = SocketAddr::from((Ipv4Addr::new(127, 0, 0, last), PORT));
        let mock = self.simulate(connector, address)?;
        let spec = mock.spec.clone();
        let router = Router::new(address, vec![mock], Vec::new(), self.data.faults.clone());
        opened.insert(connector.to_owned(), Arc::new(router));
        Ok(spec)
    }

    /// The reply to a request; `None` when the connection would be closed without one. A POST to an address of no
    /// connector is accepted, in the place of a webhook.
    pub async fn answer(&self, request: http::Request<Bytes>) -> Option<http::Response<Vec<u8>>> {
        let target = request.uri().authority().map(ToString::to_string);
        let router = {
            let opened = lock(&self.opened);
            opened.values().find(|router| Some(router.address.to_string()) == target).map(Arc::clone)
        };
        let (head, body) = request.into_parts();
        let Some(router) = router else {
            let is_accepted = head.method == http::Method::POST;
            let mut reply = http::Response::new(Vec::new());
            *reply.status_mut() = if is_accepted { StatusCode::NO_CONTENT } else { StatusCode::NOT_FOUND };
            return Some(reply);
        };
        let call = SandboxCall::new(head.method, &head.uri, head.headers, Some(body), &router.address.to_string());
        match router.answer(call).await {
            SandboxOutcome::Reply(reply) => Some(reply),
            SandboxOutcome::Cut => None,
        }
    }

    fn simulate(&self, name: &str, address: SocketAddr) -> Result<MockConnector> {
        let mut file = self.catalog.sandbox(name)?;
        if let Some(replies) = self.data.replies.get(name) {
            let file = file.get_or_insert_with(SandboxFile::without_file);
            for (id, reply) in replies {
                if !self.catalog.operation_ids(name)?.any(|own| own == id) {
                    let hint = did_you_mean(id, self.catalog.operation_ids(name)?);
                    let message = format!("{name} has no operation `{id}`{hint}");
                    return Err(Error::new(ErrorKind::Definition, message));
                }
                file.parts.shift_remove(id);
                file.replies.insert(id.clone(), reply.clone());
            }
        }
        let none = GivenRecords::new();
        let given = self.data.records.get(name).unwrap_or(&none);
        MockConnector::new(&self.catalog, name, file, given, address)
    }
}
