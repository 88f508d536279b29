//! What a run does to the world beside its own files: calls and time. The one seam between the decisions of a run and whoever carries them out.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::call::{CallOptions, Request};
use crate::clock::Clock;
use crate::engine::Running;
use crate::error::Result;
use crate::request::PlannedRequest;
use crate::sink::Sink;
use crate::write::Writes;

/// Carries out what a run decides. Connections are named: who holds them open is none of the run's business.
pub(crate) trait Effects: Send + Sync {
    /// Begins a call over a connection.
    ///
    /// # Errors
    /// Everything that can be known before the first request.
    fn call(&self, connection: &str, request: &Request, with: &CallOptions) -> Result<Running>;

    /// Begins a write whose items come in parts.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    fn call_in_parts(&self, connection: &str, request: &Request, with: &CallOptions) -> Result<Writes>;

    /// The requests that a call would send; nothing is sent.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    fn plan(&self, connection: &str, request: &Request) -> Result<Vec<PlannedRequest>>;

    /// The environment variables that the batch lists, which are no part of its plan.
    fn environment(&self) -> &BTreeMap<String, String>;

    /// The host's standard output.
    ///
    /// # Errors
    /// `unsupported` when the host has none.
    fn stdout(&self) -> Result<Box<dyn Sink>>;

    /// Time.
    fn clock(&self) -> &Arc<dyn Clock>;
}
