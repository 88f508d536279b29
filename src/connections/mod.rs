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
//!
//! Without a file on disk, and with secrets that the host fetches itself:
//!
//! ```
//! use opnode::connections::{ConnectionsFile, Reference};
//!
//! let text = "
//! version: 1
//! connections:
//!   desk:
//!     connector: acme-desk
//!     limits: { concurrency: 2, timeout_s: 30 }
//!     siteUrl: https://desk.example.com
//!     username: robot
//!     password: { env: DESK_PASSWORD }
//! ";
//! let file = ConnectionsFile::parse("connections.yaml", text)?;
//! let spec = file.find("desk")?.resolve(|property, reference| {
//!     assert_eq!((property, reference), ("password", &Reference::Env("DESK_PASSWORD".into())));
//!     Ok("open sesame".to_owned())
//! })?;
//! assert_eq!(spec.values["password"], "open sesame");
//! # Ok::<(), opnode::Error>(())
//! ```

mod check;
mod file;
mod network;
mod opened;
mod secrets;

pub use file::{ConnectionFile, ConnectionsFile, ProxyAddressFile, ProxyFile, Reference, TextFile, TlsFile, ValueFile};
pub use opened::Connections;
#[cfg(feature = "studio")]
pub use secrets::keep_in_keyring;
pub use secrets::{Secrets, Variables};
