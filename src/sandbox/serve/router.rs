//! All connectors on one port: chooses the connector of a request, injects faults, and logs. Knows HTTP values, not
//! sockets.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::header::RETRY_AFTER;
use http::{HeaderMap, HeaderName, Method as Verb, Response, StatusCode};

use super::faults::{FaultKind, Faults};
use super::index;
use super::log::{LogEntry, RequestLog};
use crate::authoring::Source;
use crate::definition::Method;
use crate::error::{Error, ErrorKind, Result};
use crate::lock::lock;
use crate::sandbox::answer::MatchedRecord;
use crate::sandbox::http::{Refusal, RefusalKind, ReplyContent, SandboxCall, SandboxReply};
use crate::sandbox::mock_connector::MockConnector;
use crate::sandbox::records::Tree;

/// The sandbox without its socket.
pub(super) struct Router {
    pub(super) address: SocketAddr,
    pub(super) connectors: Vec<MockConnector>,
    pub(super) absent: Vec<NotSimulated>,
    pub(super) faults: Faults,
    log: RequestLog,
    asked: AtomicU64,
}

/// A connector that cannot be simulated, and the reason.
pub(super) type NotSimulated = (String, String);

/// How well a connector fits a request: operation and credentials match, operation matches, credentials match, number
/// of segments of its address.
type Score = (bool, bool, bool, Option<usize>);

/// The outcome of a request.
pub(super) enum SandboxOutcome {
    Reply(Response<Vec<u8>>),
    /// The connection is closed without a reply.
    Cut,
}

impl Router {
    pub(super) fn new(
        address: SocketAddr,
        connectors: Vec<MockConnector>,
        absent: Vec<NotSimulated>,
        faults: Faults,
    ) -> Router {
        Router { address, connectors, absent, faults, log: RequestLog::default(), asked: AtomicU64::new(0) }
    }

    /// The simulated connector of this name.
    pub(super) fn mock(&self, name: &str) -> Result<&MockConnector> {
        if let Some(mock) = self.connectors.iter().find(|p| p.connector.name == name) {
            return Ok(mock);
        }
        if let Some((_, why)) = self.absent.iter().find(|(n, _)| n == name) {
            return Err(Error::new(ErrorKind::Unsupported, why.clone()));
        }
        let names = self.connectors.iter().map(|p| p.connector.name.as_str());
        let hint = crate::error::did_you_mean(name, names);
        Err(Error::new(ErrorKind::Unsupported, format!("the sandbox does not simulate `{name}`{hint}"))
            .advise("it simulates the connectors of the built-in definitions and of --definitions"))
    }

    /// Its first connector.
    pub(super) fn first(&self) -> Option<&MockConnector> {
        self.connectors.first()
    }

    /// Answers one request.
    pub(super) async fn answer(&self, call: SandboxCall) -> SandboxOutcome {
        if let Some(reply) = self.own(&call) {
            return SandboxOutcome::Reply(reply.into_http(&HeaderMap::new()));
        }
        let number = self.asked.fetch_add(1, Ordering::Relaxed) + 1;
        let Some((mock, found)) = self.choose(&call) else {
            self.note(&call, Some(StatusCode::NOT_FOUND), None);
            return SandboxOutcome::Reply(
                SandboxReply::text(StatusCode::NOT_FOUND, "no connector is simulated here; see /\n")
                    .into_http(&HeaderMap::new()),
            );
        };
        let (operation, is_write) = match &found {
            MatchedRecord::Operation(route, _) => {
                let name = format!("{}/{}", mock.connector.name, route.operation.id);
                (Some(name), route.operation.method != Method::Query)
            }
            // A reset before a token exchange takes effect: a lost token would end the whole run.
            MatchedRecord::AuthServer(_, request) => {
                (Some(format!("{}/{}", mock.connector.name, request.name())), false)
            }
            MatchedRecord::OtherVerbs(_) | MatchedRecord::Nothing => {
                (None, !matches!(call.verb, Verb::GET | Verb::HEAD))
            }
        };
        let fault = self.faults.of(number, is_write);
        if fault == Some(FaultKind::Reset) {
            // The write takes effect before the reset, so the client cannot know its outcome.
            if is_write {
                mock.answer(&call, &found);
            }
            self.note(&call, None, operation);
            return SandboxOutcome::Cut;
        }
        let mut reply = match self.fail(mock, fault).await {
            Some(reply) => reply,
            None => mock.answer(&call, &found),
        };
        if let Some(Source::Header(name)) = &mock.connector.errors.request_id {
            number_reply(&mut reply, name, number);
        }
        self.note(&call, Some(reply.status), operation);
        SandboxOutcome::Reply(reply.into_http(&mock.headers))
    }

    /// The reply of a fault that has one; a slow reply is delayed here.
    async fn fail(&self, mock: &MockConnector, fault: Option<FaultKind>) -> Option<SandboxReply> {
        let refusal = match fault? {
            FaultKind::RateLimited => {
                Refusal::new(RefusalKind::RateLimited, "too many requests; an injected fault").with(RETRY_AFTER, "1")
            }
            FaultKind::Unavailable => Refusal::new(RefusalKind::Unavailable, "unavailable; an injected fault"),
            FaultKind::Slow => {
                tokio::time::sleep(Duration::from_millis(self.faults.slow_ms)).await;
                return None;
            }
            FaultKind::Reset => return None,
        };
        Some(mock.wording.reply(&refusal))
    }

    /// The sandbox's own paths.
    fn own(&self, call: &SandboxCall) -> Option<SandboxReply> {
        let is_read = matches!(call.verb, Verb::GET | Verb::HEAD);
        match call.segments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            [] if is_read => Some(SandboxReply::text(
                StatusCode::OK,
                &index::text(self.address, &self.connectors, &self.absent, &self.faults),
            )),
            ["__sandbox", "log"] if is_read => {
                let log = Tree::parse(&self.log.to_json()).unwrap_or_else(|_| Tree::null());
                Some(SandboxReply { content: ReplyContent::Json(log), ..SandboxReply::blank(StatusCode::OK) })
            }
            ["__sandbox", "summary"] if is_read => {
                let mut summary = Tree::object();
                summary.set(&["requests".to_owned()], Tree::number(self.asked.load(Ordering::Relaxed)));
                summary.set(&["reused_refresh_tokens".to_owned()], Tree::number(self.reused_refresh_tokens()));
                Some(SandboxReply::json(StatusCode::OK, &summary))
            }
            ["__sandbox", "reset"] if is_read || call.verb == Verb::POST => {
                self.reset();
                Some(SandboxReply::blank(StatusCode::NO_CONTENT))
            }
            ["__sandbox", "post"] if call.verb == Verb::POST => {
                self.note(call, Some(StatusCode::NO_CONTENT), None);
                Some(SandboxReply::blank(StatusCode::NO_CONTENT))
            }
            ["__sandbox", ..] => Some(SandboxReply::text(
                StatusCode::NOT_FOUND,
                "the paths are /__sandbox/log, /__sandbox/summary, /__sandbox/post and /__sandbox/reset\n",
            )),
            _ => None,
        }
    }

    /// How often a used refresh token was sent: shows clients that lose rotated tokens.
    pub(super) fn reused_refresh_tokens(&self) -> u64 {
        self.connectors
            .iter()
            .filter_map(|mock| mock.auth_server.as_ref())
            .map(|auth_server| auth_server.tokens.reused())
            .sum()
    }

    /// Resets records, log and counters. Tokens stay valid, because open connections have them.
    fn reset(&self) {
        self.connectors.iter().for_each(|mock| lock(&mock.tables).clear());
        self.connectors
            .iter()
            .filter_map(|mock| mock.auth_server.as_ref())
            .for_each(|auth_server| auth_server.tokens.forget_reuse());
        self.log.clear();
        self.asked.store(0, Ordering::Relaxed);
    }

    /// The connector of a request: of those whose address is a prefix of the path, one that has the operation and
    /// accepts the credentials; of several, the one with the longest address.
    fn choose(&self, call: &SandboxCall) -> Option<(&MockConnector, MatchedRecord<'_>)> {
        let mut best: Option<(Score, &MockConnector, MatchedRecord<'_>)> = None;
        for mock in &self.connectors {
            let found = mock.find(call);
            let has = matches!(found, MatchedRecord::Operation(..) | MatchedRecord::AuthServer(..));
            let owned = mock.owns(&call.segments);
            if owned.is_none() && !has {
                continue;
            }
            let knows = mock.admits(call);
            let score = (has && knows, has, knows, owned);
            if best.as_ref().is_none_or(|(before, _, _)| score > *before) {
                best = Some((score, mock, found));
            }
        }
        best.map(|(_, mock, found)| (mock, found))
    }

    fn note(&self, call: &SandboxCall, status: Option<StatusCode>, operation: Option<String>) {
        self.log.add(LogEntry {
            method: call.verb.to_string(),
            path: call.target.clone(),
            status: status.map(|s| s.as_u16()),
            operation,
        });
    }
}

/// Adds the request id that the real system would return.
fn number_reply(reply: &mut SandboxReply, name: &HeaderName, number: u64) {
    if !reply.headers.contains_key(name) {
        reply.set(name.clone(), &format!("sandbox-{number}"));
    }
}
