//! The progress of a walk, from which another process can resume. Plain data.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::paging::Ledger;
use crate::request::Cursor;
use crate::send::JobHandle;

/// The progress of a walk, from which another process can resume.
///
/// ```
/// # use opnode::sandbox::{Sandbox, SandboxOptions};
/// # use opnode::{Catalog, Engine, EngineConfig};
/// use opnode::{CallOptions, Options, Resume};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> opnode::Result<()> {
/// # let mut catalog = Catalog::empty();
/// # catalog.add_folder("examples/definitions".as_ref())?;
/// # let engine = Engine::new(EngineConfig::new(catalog));
/// # let sandbox = Sandbox::start(engine.catalog().clone(), SandboxOptions::default()).await?;
/// # let session = engine.connect(&sandbox.connection("acme-desk")?)?;
/// let mut walk = session.query("getTickets", Options::default(), &CallOptions::default())?;
/// walk.next().await.unwrap()?;
/// let stored = serde_json::to_string(walk.resume().unwrap()).unwrap();
/// drop(walk);
///
/// // The same operation and options, in this process or another.
/// let resume: Resume = serde_json::from_str(&stored).unwrap();
/// let with = CallOptions { resume: Some(resume), ..CallOptions::default() };
/// let mut walk = session.query("getTickets", Options::default(), &with)?;
/// assert_eq!(walk.next().await.unwrap()?.number, 2);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resume {
    /// Where the next page starts.
    pub cursor: Cursor,
    /// Pages delivered; the next has this number plus 1.
    pub pages: u64,
    /// Items delivered.
    pub rows: u64,
    /// Items of the largest page.
    pub largest: u64,
    /// The server's announcements so far.
    #[serde(default)]
    pub ledger: Ledger,
    /// The job that computed the list, if there is one. With no pages, it is waited for and not submitted again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<JobHandle>,
    /// Values that the definition keeps, so far, as JSON text.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub kept: BTreeMap<String, String>,
}
