//! Calls of the service: what would be sent, and the start of a run. A write to a real system names the plan that a person
//! has seen.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::running::ServiceRun;
use super::{Service, unknown_run};
use crate::call::{CallOptions, Request};
use crate::definition::Method;
use crate::error::{Error, ErrorKind, Result};
use crate::import::digest;
use crate::{Cancel, PlannedRequest, Session};

/// The most requests of a plan that are shown; all are counted, and the hash covers all.
const SHOWN: usize = 20;

/// A call.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::cli) struct ServiceCall {
    /// A connection of the connections file; without it, the sandbox is called.
    #[serde(default)]
    pub(super) connection: Option<String>,
    pub(super) connector: String,
    pub(super) request: Request,
    /// For a write to a connection: the hash of the plan that was shown.
    #[serde(default)]
    plan_hash: Option<String>,
}

/// What a call would send.
struct CallPlan {
    requests: Vec<PlannedRequest>,
    hash: String,
}

impl Service {
    /// The requests of a call, secrets masked, with the hash that a write needs. Sends nothing.
    ///
    /// # Errors
    /// Those of [`plan`](Session::plan), each fault with its place in the request.
    pub(in crate::cli) async fn plan(&self, call: &ServiceCall) -> Result<Value> {
        let session = self.session_of(call).await?;
        let plan = planned(&session, call)?;
        let operation = call.request.operation_id.as_deref().unwrap_or_default();
        let is_paged =
            self.current().catalog().operation(Some(&call.connector), operation).is_ok_and(|own| own.is_paged());
        Ok(json!({
            "requests": plan.requests.get(..SHOWN.min(plan.requests.len())), "count": plan.requests.len(), "hash": plan.hash, "is_paged": is_paged && call.request.method == Method::Query,
            "sends_to": call.connection.as_deref().map_or_else(|| "the sandbox".to_owned(), str::to_owned),
            "items": call.request.items.as_ref().map(|items| items.len()),
        }))
    }

    /// Starts a call. Its rows are kept until the program ends or the run is removed.
    ///
    /// # Errors
    /// Those of [`call`](Session::call); `usage` for a write to a connection without the hash of its plan.
    pub(in crate::cli) async fn start(&self, call: &ServiceCall) -> Result<Arc<ServiceRun>> {
        let session = self.session_of(call).await?;
        let plan = planned(&session, call)?;
        let writes = call.request.method != Method::Query;
        if writes && call.connection.is_some() && call.plan_hash.as_ref() != Some(&plan.hash) {
            return Err(Error::new(ErrorKind::Usage, "the plan of this write is another than the one that was shown")
                .advise("look at the plan, and confirm it"));
        }
        let cancel = Cancel::default();
        let with = CallOptions { cancel: cancel.clone(), ..CallOptions::default() };
        let running = session.call(&call.request, &with)?;
        self.runs.begin(running, cancel, session)
    }

    /// A run.
    ///
    /// # Errors
    /// `usage` when there is none of this id.
    pub(in crate::cli) fn run(&self, id: &str) -> Result<Arc<ServiceRun>> {
        self.runs.find(id).ok_or_else(|| unknown_run(id))
    }

    /// Cancels a run, and forgets it.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub(in crate::cli) fn remove(&self, id: &str) -> Result<()> {
        self.runs.remove(id).ok_or_else(|| unknown_run(id))
    }

    pub(super) async fn session_of(&self, call: &ServiceCall) -> Result<Arc<Session>> {
        self.current().session(call.connection.as_deref(), &call.connector).await
    }
}

fn planned(session: &Session, call: &ServiceCall) -> Result<CallPlan> {
    let requests = session.plan(&call.request)?;
    let broken = |e: serde_json::Error| Error::new(ErrorKind::Internal, format!("the plan: {e}"));
    let text = serde_json::to_string(&(&call.connection, &call.request, &requests)).map_err(broken)?;
    Ok(CallPlan { requests, hash: digest(&text) })
}
