//! Executes a run in this process, over open connections.

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::Arc;

use async_trait::async_trait;

use super::config::Stdin;
use super::effects::{DatabasePlace, Effects, InnerCall, InnerRun};
use super::inner::InnerLoader;
use super::passwords::Passwords;
use crate::call::{CallOptions, Request};
use crate::clock::Clock;
use crate::engine::{Running, Session};
use crate::error::{Error, ErrorKind, Result};
use crate::request::PlannedRequest;
use crate::secret::Secret;
use crate::send::Cancel;
use crate::sink::{Sink, Stdout};
use crate::table::TableAddress;
use crate::write::Writes;

/// Open connections by name, and the environment variables that the batch may read.
pub(super) struct Local {
    pub(super) sessions: BTreeMap<String, Session>,
    pub(super) environment: BTreeMap<String, String>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) batches: InnerLoader,
    pub(super) stdin: Option<Stdin>,
    pub(super) stdout: Option<Stdout>,
    /// Passwords of databases.
    pub(super) passwords: Passwords,
    /// That of all others.
    pub(super) default_password: Option<Secret>,
}

impl Local {
    fn session(&self, connection: &str) -> Result<&Session> {
        let closed = || Error::new(ErrorKind::Internal, format!("the connection {connection} is not open"));
        self.sessions.get(connection).ok_or_else(closed)
    }
}

#[async_trait]
impl Effects for Local {
    fn call(&self, connection: &str, request: &Request, with: &CallOptions) -> Result<Running> {
        self.session(connection)?.call(request, with)
    }

    fn call_in_parts(&self, connection: &str, request: &Request, with: &CallOptions) -> Result<Writes> {
        self.session(connection)?.call_in_parts(request, with)
    }

    fn plan(&self, connection: &str, request: &Request) -> Result<Vec<PlannedRequest>> {
        self.session(connection)?.plan(request)
    }

    fn account(&self, connection: &str) -> String {
        let Ok(session) = self.session(connection) else { return connection.to_owned() };
        let open = session.connection();
        let who = open.account().map_or_else(|| format!("connection {connection}"), |name| format!("account {name}"));
        format!("{}|{}|{who}", open.connector.name, open.base())
    }

    async fn probe(&self, connection: &str, cancel: &Cancel) -> Result<()> {
        let with = CallOptions { cancel: cancel.clone(), attempts: Some(1), ..CallOptions::default() };
        self.session(connection)?.probe(&with).await.map(|_| ())
    }

    fn inner(&self, call: InnerCall<'_>) -> Result<Box<dyn InnerRun>> {
        self.batches.start(call)
    }

    fn environment(&self) -> &BTreeMap<String, String> {
        &self.environment
    }

    fn password(&self, step: &str, place: DatabasePlace, address: &TableAddress) -> Option<Secret> {
        let given = self.passwords.get(&(step.to_owned(), place)).cloned();
        address.password(given, self.default_password.clone())
    }

    fn stdin(&self) -> Result<Box<dyn Read + Send>> {
        let none =
            || Error::new(ErrorKind::Unsupported, "this host does not provide standard input").advise("load a file");
        self.stdin.as_ref().map(|open| open()).ok_or_else(none)
    }

    fn stdout(&self) -> Result<Box<dyn Sink>> {
        let none = || {
            Error::new(ErrorKind::Unsupported, "this host does not provide standard output").advise("save to a file")
        };
        self.stdout.as_ref().map(|open| open()).ok_or_else(none)
    }

    fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }
}
