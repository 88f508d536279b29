//! The environment of a batch: what its host provides.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::check::KnownConnections;
use crate::authoring::Json;
use crate::connection::ConnectionSpec;
use crate::connections::{ConnectionFile, ConnectionsFile};
use crate::engine::Engine;
use crate::error::{Error, ErrorKind, Result};
use crate::sink::Stdout;

/// Fetches the secrets of a connection. The folder is that of the file with the connection.
pub type Resolve = Arc<dyn Fn(&Path, &str, &ConnectionFile) -> Result<ConnectionSpec> + Send + Sync>;
/// Opens the host's standard input.
pub type Stdin = Arc<dyn Fn() -> Box<dyn Read + Send> + Send + Sync>;
/// Reads an environment variable.
pub type Env = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// What a batch takes over from the batch of which it is a step.
#[derive(Default)]
pub(super) struct OuterBatch {
    /// Its connections, for a file that names none.
    pub(super) known: Option<KnownConnections>,
    /// The connection, for a file that names none.
    pub(super) connection: Option<String>,
    /// The files from the outermost batch to that one.
    pub(super) chain: Vec<PathBuf>,
}

/// The environment of a batch.
#[derive(Clone)]
pub struct BatchConfig {
    /// The source of operations and HTTP connections.
    pub engine: Arc<Engine>,
    /// The connections file if the batch names none.
    pub connections: Option<PathBuf>,
    /// A connections file that overrides that of the batch.
    pub connections_instead: Option<PathBuf>,
    /// Connections if there is no file, or if the file that the batch names does not exist.
    pub otherwise: Option<ConnectionsFile>,
    /// Values of the inputs, as JSON; a text is read as the type of its input.
    pub inputs: Vec<(String, Json)>,
    /// Whether inputs that are not given have a sample value: for checks without a run.
    pub sample_inputs: bool,
    /// Values that override those of `vars`, as JSON; numbers keep their digits.
    pub vars: Vec<(String, Json)>,
    /// Reads the environment variables that the batch lists.
    pub env: Env,
    /// Fetches the secrets of a connection.
    pub resolve: Resolve,
    /// Opens standard input, for steps that load `-`; without it, such a step is a fault.
    pub stdin: Option<Stdin>,
    /// Opens standard output, for steps that save to `-`; without it, such a step is a fault.
    pub stdout: Option<Stdout>,
}

impl BatchConfig {
    /// With an engine only: no environment, and secrets only as plain values.
    #[must_use]
    pub fn new(engine: Arc<Engine>) -> BatchConfig {
        let resolve: Resolve = Arc::new(|_, name, connection| {
            let refuse = |property: &str| {
                Error::new(
                    ErrorKind::Unsupported,
                    format!("`{property}` of the connection {name} is a secret reference, and this host does not resolve them"),
                )
                .advise("set `resolve` in the batch configuration")
            };
            let spec = connection.resolve(|property, _| Err(refuse(property)))?;
            Ok(ConnectionSpec { name: Some(name.to_owned()), ..spec })
        });
        BatchConfig {
            engine,
            connections: None,
            connections_instead: None,
            otherwise: None,
            inputs: Vec::new(),
            sample_inputs: false,
            vars: Vec::new(),
            env: Arc::new(|_| None),
            resolve,
            stdin: None,
            stdout: None,
        }
    }
}
