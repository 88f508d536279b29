//! A running call of any method.

use crate::receipt::Receipt;
use crate::walk::Walk;
use crate::write::Writes;

/// A running call: what [`Session::call`](super::Session::call) returns, by the method of the request.
///
/// ```
/// # use opnode::sandbox::{Sandbox, SandboxOptions};
/// # use opnode::{Catalog, Engine, EngineConfig};
/// use opnode::{CallOptions, Request, Running};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> opnode::Result<()> {
/// # let mut catalog = Catalog::empty();
/// # catalog.add_folder("examples/definitions".as_ref())?;
/// # let engine = Engine::new(EngineConfig::new(catalog));
/// # let sandbox = Sandbox::start(engine.catalog().clone(), SandboxOptions::default()).await?;
/// # let session = engine.connect(&sandbox.connection("acme-desk")?)?;
/// let request: Request = serde_json::from_str(r#"{"method": "query", "operationId": "getTickets", "limit": 5}"#).unwrap();
/// match session.call(&request, &CallOptions::default())? {
///     Running::Read(walk) => assert_eq!(walk.collect().await?.items.len(), 5),
///     Running::Write(writes) => writes.collect().await.check()?,
/// }
/// # Ok(())
/// # }
/// ```
#[expect(clippy::large_enum_variant, reason = "one is held at a time, and moved once")]
pub enum Running {
    /// A query: gives pages.
    Read(Walk),
    /// A write: gives outcomes.
    Write(Writes),
}

impl Running {
    /// The receipt so far.
    pub fn receipt(&mut self) -> &Receipt {
        match self {
            Running::Read(walk) => walk.receipt(),
            Running::Write(writes) => writes.receipt(),
        }
    }
}
