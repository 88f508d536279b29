//! `--replay`: a transport that answers from a recorded folder. Nothing is sent.

use std::path::Path;
use std::sync::Mutex;

use async_trait::async_trait;
use bytes::Bytes;
use http::StatusCode;

use super::exchange_file::{ExchangeFile, files};
use super::matching::{body_fits, fits};
use crate::error::{Error, ErrorKind, Result};
use crate::lock::lock;
use crate::secret::MASK;
use crate::transport::{ExchangeLimits, Failure, FailureKind};
use crate::{Response, Transport};

/// Recorded exchanges; each answers once.
pub(crate) struct Replay {
    left: Mutex<Vec<Option<ExchangeFile>>>,
    /// Whether an exchange also answers a request to another host.
    is_of_any_origin: bool,
    /// Requests without a recorded reply.
    missed: Mutex<Vec<String>>,
}

impl Replay {
    /// Reads a folder.
    ///
    /// # Errors
    /// `state` when it has no recording or cannot be read; `definition` when a file is none.
    pub(crate) fn read(folder: &Path) -> Result<Replay> {
        let read = files(folder)?.iter().map(|path| ExchangeFile::read(path).map(Some)).collect::<Result<Vec<_>>>()?;
        if read.is_empty() {
            return Err(Error::new(ErrorKind::State, format!("{} has no recorded exchanges", folder.display()))
                .advise("record them first with --record DIR"));
        }
        Ok(Replay { left: Mutex::new(read), is_of_any_origin: false, missed: Mutex::default() })
    }

    /// The same for requests to any host: in a test of a batch, the address of a connection may be unknown. Addresses in
    /// replies are changed accordingly.
    pub(crate) fn with_any_origin(self) -> Replay {
        Replay { is_of_any_origin: true, ..self }
    }

    /// The requests without a recorded reply.
    pub(crate) fn missed(&self) -> Vec<String> {
        lock(&self.missed).clone()
    }

    /// Accepts a request to a webhook, whatever is recorded of it: all of its address but the host is secret.
    pub(crate) fn accept(&self) -> Response {
        let is_webhook = |exchange: &ExchangeFile| {
            exchange.request.starts_with("POST ") && split_origin(&exchange.request).1.contains(MASK)
        };
        let mut left = lock(&self.left);
        drop(left.iter_mut().find(|slot| slot.as_ref().is_some_and(is_webhook)).and_then(Option::take));
        Response { status: StatusCode::NO_CONTENT, ..Response::default() }
    }

    /// The number of recorded exchanges that no request asked for, without those of a sign-in.
    pub(crate) fn unused(&self) -> usize {
        lock(&self.left).iter().flatten().filter(|exchange| !exchange.sign_in).count()
    }

    fn answer(&self, request: &http::Request<Bytes>) -> Result<Response, Failure> {
        let line = format!("{} {}", request.method(), request.uri());
        let has_same_body = |exchange: &ExchangeFile| exchange.sign_in || body_fits(&exchange.sent(), request.body());
        let mut left = lock(&self.left);
        let mut take = |fits: &dyn Fn(&ExchangeFile) -> bool| {
            let is_same = |exchange: &ExchangeFile| fits(exchange) && has_same_body(exchange);
            left.iter_mut().find(|slot| slot.as_ref().is_some_and(is_same)).and_then(Option::take)
        };
        if let Some(exchange) = take(&|exchange| fits(&exchange.request, &line)) {
            return exchange.reply();
        }
        let (own, path) = split_origin(&line);
        let is_moved =
            |exchange: &ExchangeFile| fits(split_origin(&exchange.request).1, path) && same_verb(exchange, &line);
        if let Some(exchange) = if self.is_of_any_origin { take(&is_moved) } else { None } {
            let (recorded, _) = split_origin(&exchange.request);
            return exchange.moved(recorded, own).reply();
        }
        drop(left);
        lock(&self.missed).push(line);
        // Not retried: a recording does not change.
        let message = "the recording has no reply to this request; record the call again".to_owned();
        Err(Failure { kind: FailureKind::Encoding, message, status: None })
    }
}

/// `GET https://host/path` as the origin and the rest.
fn split_origin(line: &str) -> (&str, &str) {
    let Some(start) = line.find("://").map(|at| at + 3) else { return ("", line) };
    let end = line.get(start..).and_then(|rest| rest.find('/')).map_or(line.len(), |at| start + at);
    let (before, path) = line.split_at_checked(end).unwrap_or((line, ""));
    (before.split_once(' ').map_or(before, |(_, origin)| origin), path)
}

fn same_verb(exchange: &ExchangeFile, line: &str) -> bool {
    exchange.request.split(' ').next() == line.split(' ').next()
}

#[async_trait]
impl Transport for Replay {
    async fn send(&self, request: http::Request<Bytes>, _: ExchangeLimits) -> Result<Response, Failure> {
        self.answer(&request)
    }
}
