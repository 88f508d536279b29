//! The context of the checks: the catalogue, the connections, the jobs, the names of values.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::authoring::{Checker, Json, Ordered};
use crate::batch::file::BatchFile;
use crate::batch::inputs::BatchInput;
use crate::batch::run_plan::{Batch, MatrixJob, StepLimits};
use crate::batch::webhook;
use crate::connections::ConnectionFile;
use crate::definition::Catalog;
use crate::error::{Advice, Result, did_you_mean};

/// The context of the steps.
pub(in crate::batch) struct CheckContext<'a> {
    pub(in crate::batch) catalog: &'a Catalog,
    pub(in crate::batch) known: &'a KnownConnections,
    pub(in crate::batch) jobs: &'a [MatrixJob],
    pub(in crate::batch) vars: &'a BTreeMap<String, String>,
    pub(in crate::batch) inputs: &'a BTreeMap<String, String>,
    pub(in crate::batch) env: &'a BTreeMap<String, String>,
    /// The batch's own connection.
    pub(in crate::batch) connection: Option<&'a str>,
    /// Whether the connections already have faults: consequences are not reported again.
    pub(in crate::batch) is_doubtful: bool,
    /// The limits of steps that have none of their own.
    pub(in crate::batch) limits: StepLimits,
    /// Whether steps may save to standard output.
    pub(in crate::batch) has_stdout: bool,
    /// The batches that are steps of this one.
    pub(in crate::batch) batches: &'a dyn InnerBatches,
}

/// Reads the batch file of a step.
pub(in crate::batch) trait InnerBatches {
    /// The path of a file that the batch file names.
    fn path(&self, file: &str) -> PathBuf;

    /// Its inputs.
    fn inputs(&self, path: &Path) -> Result<Vec<BatchInput>>;

    /// The batch with these inputs, for the connection of the step.
    fn load(&self, path: &Path, inputs: Vec<(String, Json)>, connection: Option<&str>) -> Result<Batch>;
}

/// Connections by name, and their places.
#[derive(Clone)]
pub(in crate::batch) struct KnownConnections {
    pub(in crate::batch) connections: Ordered<ConnectionFile>,
    /// Their file, if it is not the batch file.
    pub(in crate::batch) file: Option<PathBuf>,
    pub(in crate::batch) folder: PathBuf,
}

impl KnownConnections {
    pub(in crate::batch) fn get(&self, name: &str) -> Option<&ConnectionFile> {
        self.connections.get(name)
    }

    pub(in crate::batch) fn names(&self) -> impl Iterator<Item = &str> {
        self.connections.keys().map(String::as_str)
    }

    /// Adds the addresses of `http` steps, which are connections of their own.
    pub(in crate::batch) fn add_addresses(&mut self, file: &BatchFile) {
        for step in file.steps.iter().chain(&file.on_failure).chain(&file.finally) {
            if let Some(http) = &step.http {
                self.connections.insert(webhook::connection_name(&step.id), webhook::connection(&http.post));
            }
        }
    }

    /// Those of a connector.
    pub(in crate::batch) fn of<'a>(&'a self, connector: &'a str) -> impl Iterator<Item = &'a str> {
        self.connections.iter().filter(move |(_, c)| c.connector == connector).map(|(n, _)| n.as_str())
    }
}

/// A connection by name, or a fault with the nearest name.
pub(in crate::batch) fn find<'k>(
    c: &mut Checker<'_>,
    at: &str,
    name: &str,
    known: &'k KnownConnections,
) -> Option<&'k ConnectionFile> {
    let found = known.get(name);
    if found.is_none() {
        let hint = did_you_mean(name, known.names());
        c.fault(at, format!("no connection is called `{name}`{hint}"), Some(Advice::ListConnections));
    }
    found
}
