//! stub, until the sandbox's own branch is merged
#![expect(missing_docs, clippy::unused_async, reason = "a stub")]
use crate::{Catalog, ConnectionSpec, Error, ErrorKind, Result};
use std::{net::SocketAddr, str::FromStr, sync::Arc};
#[derive(Default, Debug, Clone)]
pub struct Faults;
impl FromStr for Faults {
    type Err = Error;
    fn from_str(_: &str) -> Result<Faults> {
        Ok(Faults)
    }
}
#[derive(Default, Debug)]
pub struct SandboxOptions {
    pub port: u16,
    pub faults: Faults,
}
pub struct Sandbox;
impl Sandbox {
    pub async fn start(_: Arc<Catalog>, _: SandboxOptions) -> Result<Sandbox> {
        Err(Error::new(ErrorKind::Unsupported, "no sandbox yet"))
    }
    pub fn address(&self) -> SocketAddr {
        ([127, 0, 0, 1], 0).into()
    }
    pub fn connection(&self, _: &str) -> Result<ConnectionSpec> {
        Err(Error::new(ErrorKind::Unsupported, "no sandbox yet"))
    }
    pub async fn wait(self) {}
}
