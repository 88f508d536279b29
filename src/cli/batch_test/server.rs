//! What answers the requests of a case, in this process: the sandbox with the data of the case, or recorded exchanges.
//! No request leaves the process, and no secret is read.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use url::Url;

use super::suite::Suite;
use crate::batch::{BatchCaseFile, HTTP, Resolve};
use crate::cli::recording::{Replay, ReplayTokens};
use crate::connections::{ConnectionFile, Reference, ValueFile};
use crate::definition::{Catalog, Ordered};
use crate::error::{Error, ErrorKind, Result};
use crate::lock::lock;
use crate::sandbox::{InProcessSandbox, SandboxData};
use crate::secret::MASK;
use crate::{ConnectionSpec, ExchangeLimits, Failure, FailureKind, Response, TokenStore, Transport};

/// The address of a webhook, if the case gives none.
const WEBHOOK: &str = "https://webhook.invalid/";

/// What answers.
#[derive(Clone)]
pub(super) enum TestServer {
    Sandbox(Arc<InProcessSandbox>),
    Recorded { replay: Arc<Replay>, catalog: Arc<Catalog>, webhooks: Arc<Webhooks> },
}

/// The addresses of the webhooks of a batch: requests to them are accepted.
#[derive(Default)]
pub(super) struct Webhooks(Mutex<BTreeSet<String>>);

impl Webhooks {
    fn add(&self, connection: &ConnectionSpec) {
        let url = connection.values.get("url").and_then(|url| Url::parse(url.trim()).ok());
        lock(&self.0).extend(url.map(|url| address(url.as_str())));
    }

    fn has(&self, request: &http::Request<Bytes>) -> bool {
        request.method() == http::Method::POST && lock(&self.0).contains(&address(&request.uri().to_string()))
    }
}

/// An address without its query, whose form depends on who writes it.
fn address(url: &str) -> String {
    url.split('?').next().unwrap_or_default().to_owned()
}

impl TestServer {
    /// Reads the recording, or prepares the sandbox.
    pub(super) fn open(suite: &Suite, case: &BatchCaseFile, catalog: Arc<Catalog>) -> Result<TestServer> {
        if let Some(folder) = &case.exchanges {
            let replay = Arc::new(Replay::read(&suite.folder.join(folder))?.with_any_origin());
            return Ok(TestServer::Recorded { replay, catalog, webhooks: Arc::default() });
        }
        let given = case.sandbox.clone().unwrap_or_default();
        let faults = given.faults.as_deref().unwrap_or("none").parse()?;
        let data = SandboxData { records: given.records, replies: given.replies, faults };
        let named: Vec<String> = data.records.keys().chain(data.replies.keys()).cloned().collect();
        let sandbox = InProcessSandbox::new(Arc::clone(&catalog), data);
        for name in named {
            catalog.connector(&name)?;
            sandbox.connection(&name).map_err(not_simulated)?;
        }
        Ok(TestServer::Sandbox(Arc::new(sandbox)))
    }

    pub(super) fn transport(&self) -> Arc<dyn Transport> {
        match self {
            TestServer::Sandbox(sandbox) => Arc::new(SandboxTransport(Arc::clone(sandbox))),
            TestServer::Recorded { replay, webhooks, .. } => {
                Arc::new(RecordedTransport { replay: Arc::clone(replay), webhooks: Arc::clone(webhooks) })
            }
        }
    }

    /// A recording need not have a sign-in.
    pub(super) fn tokens(&self) -> Option<Arc<dyn TokenStore>> {
        match self {
            TestServer::Sandbox(_) => None,
            TestServer::Recorded { .. } => Some(Arc::new(ReplayTokens)),
        }
    }

    /// The values of a connection, without its secrets.
    pub(super) fn resolve(&self, env: &Ordered<String>) -> Resolve {
        let (server, env) = (self.clone(), env.clone());
        Arc::new(move |_: &Path, name: &str, connection: &ConnectionFile| {
            let spec = match &server {
                TestServer::Recorded { webhooks, .. } if connection.connector == HTTP => {
                    let spec = webhook(connection, &env);
                    webhooks.add(&spec);
                    spec
                }
                TestServer::Sandbox(_) if connection.connector == HTTP => webhook(connection, &env),
                TestServer::Sandbox(sandbox) => sandbox.connection(&connection.connector).map_err(not_simulated)?,
                TestServer::Recorded { catalog, .. } => recorded(catalog, connection, &env)?,
            };
            // One request after the other: their order is the same in each run.
            let limits = crate::Limits { concurrency: Some(1), ..spec.limits.clone() };
            Ok(ConnectionSpec { name: Some(name.to_owned()), limits, ..spec })
        })
    }

    /// Requests without a recorded reply, and the number of recorded exchanges that were not used.
    pub(super) fn missed(&self) -> (Vec<String>, usize) {
        match self {
            TestServer::Sandbox(_) => (Vec::new(), 0),
            TestServer::Recorded { replay, .. } => (replay.missed(), replay.unused()),
        }
    }
}

/// What to do for a connector that the sandbox does not simulate.
fn not_simulated(error: Error) -> Error {
    match error.kind() {
        ErrorKind::Unsupported => error.advise(
            "write its sandbox.yaml (`opnode schema sandbox` prints the format); or record the batch with `opnode run FILE --record DIR`, and name DIR under `exchanges` of the case",
        ),
        _ => error,
    }
}

/// The address of an `http` step.
fn webhook(connection: &ConnectionFile, env: &Ordered<String>) -> ConnectionSpec {
    let url = match connection.values.get("url") {
        Some(ValueFile::Text(text)) => text.clone(),
        Some(ValueFile::Reference(Reference::Env(name))) => {
            env.get(name).cloned().unwrap_or_else(|| WEBHOOK.to_owned())
        }
        _ => WEBHOOK.to_owned(),
    };
    let values = BTreeMap::from([("url".to_owned(), url)]);
    ConnectionSpec { connector: HTTP.to_owned(), values, ..ConnectionSpec::default() }
}

/// A recorded connection: its values that are no secrets, and stand-ins for the others.
fn recorded(catalog: &Catalog, connection: &ConnectionFile, env: &Ordered<String>) -> Result<ConnectionSpec> {
    let connector = catalog.connector(&connection.connector)?;
    let stand_in = |name: &str| {
        let property = connector.property(name);
        let example = property.and_then(|property| property.examples.first().cloned());
        let is_secret = property.is_some_and(|property| property.secret);
        example.unwrap_or_else(|| if is_secret { MASK.to_owned() } else { format!("https://{name}.invalid") })
    };
    let plain = ConnectionFile { tls: None, proxy: None, ..connection.clone() };
    let mut spec = plain.resolve(|name, reference| match reference {
        Reference::Env(variable) => Ok(env.get(variable).cloned().unwrap_or_else(|| stand_in(name))),
        Reference::File(_) | Reference::Keyring(_) => Ok(stand_in(name)),
    })?;
    for property in &connector.properties {
        let is_given = spec.values.contains_key(&property.name);
        let is_needed = !property.optional && property.default.is_none();
        if (is_given && property.secret) || (!is_given && is_needed) {
            spec.values.insert(property.name.clone(), stand_in(&property.name));
        }
    }
    spec.account = spec.account.or_else(|| Some("recorded".to_owned()));
    Ok(spec)
}

/// Sends to the sandbox of this process.
struct SandboxTransport(Arc<InProcessSandbox>);

#[async_trait]
impl Transport for SandboxTransport {
    async fn send(&self, request: http::Request<Bytes>, _: ExchangeLimits) -> Result<Response, Failure> {
        let Some(reply) = self.0.answer(request).await else {
            let message = "the sandbox closed the connection; a simulated fault".to_owned();
            return Err(Failure { kind: FailureKind::Broken, message, status: None });
        };
        let (head, body) = reply.into_parts();
        Ok(Response { status: head.status, headers: head.headers, body: body.into(), ..Response::default() })
    }
}

/// Answers from a recording, and accepts requests to webhooks.
struct RecordedTransport {
    replay: Arc<Replay>,
    webhooks: Arc<Webhooks>,
}

#[async_trait]
impl Transport for RecordedTransport {
    async fn send(&self, request: http::Request<Bytes>, limits: ExchangeLimits) -> Result<Response, Failure> {
        if self.webhooks.has(&request) { Ok(self.replay.accept()) } else { self.replay.send(request, limits).await }
    }
}
