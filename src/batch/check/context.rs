//! What a batch file is checked against: the catalogue, the connections, the jobs, the names of values.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::authoring::{Checker, Ordered};
use crate::batch::run_plan::MatrixJob;
use crate::connections::ConnectionFile;
use crate::definition::Catalog;
use crate::error::{Advice, did_you_mean};

/// What the steps stand on.
pub(crate) struct CheckContext<'a> {
    pub(crate) catalog: &'a Catalog,
    pub(crate) known: &'a Known,
    pub(crate) jobs: &'a [MatrixJob],
    pub(crate) vars: &'a BTreeMap<String, String>,
    pub(crate) env: &'a BTreeMap<String, String>,
    /// The batch's own connection.
    pub(crate) connection: Option<&'a str>,
    /// Whether the connections have faults already: what follows from those is not told again.
    pub(crate) is_doubtful: bool,
    /// Whether steps may save to standard output.
    pub(crate) has_stdout: bool,
}

/// Connections by name, and where they stand.
pub(crate) struct Known {
    pub(crate) connections: Ordered<ConnectionFile>,
    /// Their file, when it is not the batch's own.
    pub(crate) file: Option<PathBuf>,
    pub(crate) folder: PathBuf,
}

impl Known {
    pub(crate) fn get(&self, name: &str) -> Option<&ConnectionFile> {
        self.connections.0.iter().find(|(n, _)| n == name).map(|(_, c)| c)
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.connections.0.iter().map(|(n, _)| n.as_str())
    }

    /// Those of a connector.
    pub(crate) fn of<'a>(&'a self, connector: &'a str) -> impl Iterator<Item = &'a str> {
        self.connections.0.iter().filter(move |(_, c)| c.connector == connector).map(|(n, _)| n.as_str())
    }
}

/// A connection by name, or a fault with the nearest one.
pub(crate) fn find<'k>(c: &mut Checker<'_>, at: &str, name: &str, known: &'k Known) -> Option<&'k ConnectionFile> {
    let found = known.get(name);
    if found.is_none() {
        let hint = did_you_mean(name, known.names());
        c.fault(at, format!("no connection is called `{name}`{hint}"), Some(Advice::ListConnections));
    }
    found
}
