//! The effects of a run outside its own files: calls and time. Separates the decisions of a run from their execution.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::event::{Event, Report};
use super::local_plan::InnerPlan;
use crate::authoring::Json;
use crate::call::{CallOptions, Request};
use crate::clock::Clock;
use crate::engine::Running;
use crate::error::Result;
use crate::request::PlannedRequest;
use crate::secret::Secret;
use crate::send::Cancel;
use crate::sink::Sink;
use crate::table::TableAddress;
use crate::write::Writes;

/// A database of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum DatabasePlace {
    /// From which it loads.
    Load,
    /// To which it saves, by the number of the place.
    Save(usize),
}

/// A batch that is a step.
pub(crate) struct InnerCall<'c> {
    pub(crate) plan: &'c InnerPlan,
    /// The number of the outer job.
    pub(crate) job: usize,
    pub(crate) inputs: Vec<(String, Json)>,
    /// The name of its run.
    pub(crate) name: String,
    /// The folder of run folders.
    pub(crate) runs: &'c Path,
    /// The id of the outer run.
    pub(crate) run: &'c str,
    pub(crate) host: &'c str,
    pub(crate) cancel: Cancel,
    pub(crate) time_left: Option<Duration>,
    /// Whether it goes on although its file has changed.
    pub(crate) accept_changes: bool,
}

/// A run of such a batch.
#[async_trait]
pub(crate) trait InnerRun: Send {
    /// The next event; `None` when only the end is left.
    async fn next(&mut self) -> Option<Event>;

    /// Runs to the end; `pass` gets each row of a step.
    async fn finish(self: Box<Self>, step: Option<&str>, pass: &mut (dyn for<'r> FnMut(&'r str) + Send)) -> Report;
}

/// Executes the decisions of a run. Connections are given by name; the implementation opens them.
#[async_trait]
pub(crate) trait Effects: Send + Sync {
    /// Starts a call over a connection.
    ///
    /// # Errors
    /// Those of [`Session::call`](crate::Session::call).
    fn call(&self, connection: &str, request: &Request, with: &CallOptions) -> Result<Running>;

    /// Starts a write whose items are given in parts.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    fn call_in_parts(&self, connection: &str, request: &Request, with: &CallOptions) -> Result<Writes>;

    /// The requests that a call would send; sends nothing.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    fn plan(&self, connection: &str, request: &Request) -> Result<Vec<PlannedRequest>>;

    /// What connections to one account have in common, so that an outage of it concerns all.
    fn account(&self, connection: &str) -> String;

    /// Tests whether the system of a connection answers, by a harmless request.
    ///
    /// # Errors
    /// Those of [`Session::probe`](crate::Session::probe); `unsupported` when there is no such request.
    async fn probe(&self, connection: &str, cancel: &Cancel) -> Result<()>;

    /// Starts the batch of a step, or continues it.
    ///
    /// # Errors
    /// Those of [`Batch::load`](crate::batch::Batch::load) and [`Batch::run`](crate::batch::Batch::run).
    fn inner(&self, call: InnerCall<'_>) -> Result<Box<dyn InnerRun>>;

    /// The environment variables that the batch lists; they are not part of its plan.
    fn environment(&self) -> &BTreeMap<String, String>;

    /// The password of a database that a step reads or saves to.
    fn password(&self, step: &str, place: DatabasePlace, address: &TableAddress) -> Option<Secret>;

    /// The host's standard input.
    ///
    /// # Errors
    /// `unsupported` when the host has none.
    fn stdin(&self) -> Result<Box<dyn Read + Send>>;

    /// The host's standard output.
    ///
    /// # Errors
    /// `unsupported` when the host has none.
    fn stdout(&self) -> Result<Box<dyn Sink>>;

    /// Time.
    fn clock(&self) -> &Arc<dyn Clock>;
}
