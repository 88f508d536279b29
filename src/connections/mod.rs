//! Connections files and the secrets that they refer to.
//!
//! ```no_run
//! use opnode::Engine;
//! use opnode::connections::{Connections, Secrets};
//!
//! # fn example() -> opnode::Result<()> {
//! let secrets = Secrets { variables: std::sync::Arc::new(|name| std::env::var_os(name)), ..Secrets::default() };
//! let connections = Connections::read("connections.yaml".into())?;
//! let session = Engine::default().connect(&connections.spec(&secrets, "acme")?)?;
//! # Ok(())
//! # }
//! ```

mod check;
mod file;
mod opened;
mod secrets;

pub use file::{ConnectionFile, ConnectionsFile, Reference, ValueFile};
pub use opened::Connections;
pub use secrets::{Secrets, Variables};
