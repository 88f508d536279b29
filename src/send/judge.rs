//! Judges one exchange: a page, a redirect, or an error, and whether a write may have taken effect. Neither waits nor
//! sends.
//!
//! A write succeeded if the reply matches the definition. It failed if the reply shows that nothing was done. Otherwise
//! its outcome is unknown.

use std::sync::Arc;

use http::Method as Verb;
use http::header::LOCATION;
use serde_json::Value;
use url::Url;

use super::accepted::accepted;
use super::{Call, ConnectionClient, Outgoing, SendMiss, Sent, fatal, settle};
use crate::authoring::{Source, scalar};
use crate::definition::{Meaning, Operation, Repeat, ReplyRule, ResultShape};
use crate::error::{Advice, Error, ErrorKind, Place, io_text};
use crate::fault;
use crate::page::{self, Page, PageLimits, Unfit};
use crate::part_file::{Download, FileTarget};
use crate::reply::{Body, Response};
use crate::retry::{self, Signal};
use crate::transport::{Failure, FailureKind};

impl ConnectionClient {
    /// The reply to a write whose status arrived without its body; `Some` if the status is enough because no record is
    /// declared.
    pub(super) fn without_body(&self, call: &Call, failure: &Failure) -> Option<Response> {
        let rule = &call.operation.response;
        let status = http::StatusCode::from_u16(failure.status?).ok()?;
        let allowed = if rule.ok.is_empty() { status.is_success() } else { rule.ok.contains(&status.as_u16()) };
        (allowed && needs_no_body(&call.operation)).then(|| Response { status, ..Response::default() })
    }

    /// The signal and error of an exchange without a reply.
    pub(super) fn failure(&self, call: &Call, failure: Failure) -> SendMiss {
        let write = call.operation.repeat != Repeat::SafeRead;
        let status = failure.status;
        let message = self.connection.redactor.mask(&failure.message).into_owned();
        let base = self.connection.base_of(&call.operation);
        let host = base.as_ref().ok().and_then(|b| b.host_str()).unwrap_or_default();
        let (kind, signal, text) = match failure.kind {
            FailureKind::NotSent => {
                (ErrorKind::Network, Some(Signal::NotSent), format!("{host} cannot be reached: {message}"))
            }
            FailureKind::Unprocessed => {
                (ErrorKind::Network, Some(Signal::NotSent), format!("{host} does not accept the request: {message}"))
            }
            FailureKind::Refused | FailureKind::Untrusted => {
                (ErrorKind::Network, None, format!("{host} cannot be reached safely: {message}"))
            }
            FailureKind::Private => (ErrorKind::Origin, None, message),
            FailureKind::Proxy => (ErrorKind::Connection, None, message),
            FailureKind::Broken => {
                (ErrorKind::Network, Some(Signal::Lost), format!("the connection to {host} broke: {message}"))
            }
            FailureKind::TimedOut => (ErrorKind::Timeout, Some(Signal::Lost), message),
            FailureKind::TooLarge => (ErrorKind::Limit, None, message),
            FailureKind::Encoding => (ErrorKind::BadResponse, None, message),
            FailureKind::Unsaved => (ErrorKind::State, None, message),
        };
        let deadline = call.deadline.is_some_and(|d| self.clock.now() >= d);
        let mut error = Error::new(kind, text).with(|d| {
            d.http_status = status;
            d.is_lasting = signal.is_none();
            d.advice = failure.kind.advice().map(Advice::from);
        });
        // A write with a success status and an unreadable reply took effect, but its result is unknown.
        if write && signal.is_none() && status.is_some_and(|s| s < 300) {
            error = settle(error, true);
        }
        if deadline && failure.kind == FailureKind::TimedOut {
            error = error.with(|d| d.message = "the call's deadline passed".into());
            return SendMiss { error: settle(error, write), signal: None, asked: None, is_refused: false };
        }
        SendMiss { error, signal, asked: None, is_refused: false }
    }

    /// The target of a redirect that may be followed: for reads within the connection's origins, for writes with 307
    /// and 308 only.
    pub(super) fn redirect(
        &self,
        call: &Call,
        request: Outgoing<'_>,
        response: &Response,
    ) -> Result<Option<Url>, SendMiss> {
        let status = response.status.as_u16();
        let write = call.operation.repeat != Repeat::SafeRead;
        let keeps_verb = matches!(status, 307 | 308);
        if !matches!(status, 301 | 302 | 303 | 307 | 308) || (write && !keeps_verb) {
            return Ok(None);
        }
        let Some(target) = location(response) else { return Ok(None) };
        let read = matches!(request.head.method, Verb::GET | Verb::HEAD);
        let base = Url::parse(&request.head.uri.to_string())
            .map_err(|e| fatal(Error::new(ErrorKind::Internal, format!("the request's URL: {e}"))))?;
        let url = base.join(target).map_err(|e| {
            fatal(Error::new(ErrorKind::BadResponse, format!("the redirect's address is not a URL: {e}")))
        })?;
        self.connection
            .check_named(&call.operation, &request.head.method, &url)
            .map_err(|e| fatal(e.with(|d| d.http_status = Some(status))))?;
        if read || keeps_verb {
            return Ok(Some(url));
        }
        let message =
            format!("the request was redirected ({status}), and opnode does not resend it with another method");
        let error = Error::new(ErrorKind::Rejected, message).advise("correct the address of the connection");
        Err(fatal(error.with(|d| d.http_status = Some(status))))
    }

    /// The meaning of a redirect that answers a write. It is done if the definition says so. It is not done if the
    /// redirect names the same resource with another scheme, host or final slash. Otherwise the outcome is unknown,
    /// because many systems redirect to the record that they have written.
    pub(super) fn redirected(&self, call: &Call, request: Outgoing<'_>, response: &Response) -> Result<Sent, SendMiss> {
        let status = response.status.as_u16();
        let location = location(response).map(str::to_owned);
        let own = Url::parse(&request.head.uri.to_string()).ok();
        let target = own.as_ref().zip(location.as_ref()).and_then(|(own, text)| own.join(text).ok());
        let path = |url: &Url| url.path().trim_end_matches('/').to_owned();
        let alike =
            |own: &Url, target: &Url| own != target && path(own) == path(target) && own.query() == target.query();
        let same = own
            .as_ref()
            .zip(target.as_ref())
            .is_some_and(|(own, target)| target.fragment().is_none() && alike(own, target));
        let elsewhere = own.as_ref().zip(target.as_ref()).is_some_and(|(own, target)| own != target && !same);
        let is_own = target.as_ref().is_some_and(|url| self.connection.check_origin(url).is_ok());
        if call.operation.response.redirect_ok && matches!(status, 301..=303) && (elsewhere || status == 303) && is_own
        {
            return Ok(Sent::of(Page::default(), status, location));
        }
        let shown = location
            .as_deref()
            .map(|text| format!(" to `{}`", fault::clean(&self.connection.redactor.mask(text))))
            .unwrap_or_default();
        // 307 and 308 ask to send the same request elsewhere, so the write was not done.
        let error = match (same && status != 303) || matches!(status, 307 | 308) {
            true => Error::new(ErrorKind::Rejected, format!("the write was redirected ({status}){shown}, and opnode does not resend it with another method"))
                .advise("correct the address of the connection"),
            false => settle(Error::new(ErrorKind::Rejected, format!("it was redirected ({status}){shown}")), true)
                .advise("check the record before sending it again; if this system redirects after success, set `response: { redirect: ok }` in the definition"),
        };
        Err(fatal(error.with(|d| d.http_status = Some(status))))
    }

    /// The miss that a rule makes of a reply.
    fn ruled(&self, call: &Call, response: &Response, rule: &ReplyRule, body: Option<&Value>) -> SendMiss {
        let (operation, now) = (&call.operation, self.clock.wall());
        let write = operation.repeat != Repeat::SafeRead;
        let error = fault::by_rule(&self.connection, operation, response, body, rule);
        let told = rule.wait.as_ref().and_then(|source| match source {
            Source::Header(name) => response.header(name).map(str::to_owned),
            Source::Body(pointer) => pointer.find(body?).and_then(scalar),
        });
        let told = told.and_then(|text| retry::told_wait(&text, &response.headers, now));
        let asked = told.or_else(|| retry::asked_wait(&response.headers, now));
        let signal = match rule.then {
            Meaning::Retry => Some(retry::signal(response.status, &response.headers).unwrap_or(Signal::Refused)),
            Meaning::RateLimited => Some(Signal::Throttled),
            Meaning::Unknown if !write => Some(Signal::Unreadable),
            Meaning::Unknown => return fatal(settle(error, true)),
            Meaning::Unauthenticated | Meaning::NotFound | Meaning::Failed | Meaning::Ok | Meaning::Empty => None,
        };
        let asked = asked.filter(|_| signal.is_some());
        let error = error.with(|d| d.retry_after_ms = asked.map(|a| a.as_millis() as u64));
        SendMiss { error, signal, asked, is_refused: rule.then == Meaning::Retry }
    }

    /// The page of a reply that has arrived; `None` if it is not one.
    pub(crate) fn answered(&self, call: &Call, request: Outgoing<'_>, reply: Response) -> Option<Sent> {
        self.judge(call, request, reply).ok()
    }

    fn page_limits(&self) -> PageLimits {
        let limits = &self.connection.limits;
        PageLimits { items: limits.page_items(), bytes: limits.page_bytes() }
    }

    /// Turns a reply into a page or an error.
    pub(super) fn judge(&self, call: &Call, request: Outgoing<'_>, mut response: Response) -> Result<Sent, SendMiss> {
        let operation = &call.operation;
        let status = response.status;
        let write = operation.repeat != Repeat::SafeRead;
        let early = fault::early_rule(operation, &response);
        match &early {
            Some((rule, _)) if rule.then == Meaning::Ok => {}
            Some((rule, _)) if rule.then == Meaning::Empty => {
                let location = location(&response).map(str::to_owned);
                return Ok(Sent::of(Page::default(), status.as_u16(), location));
            }
            Some((rule, body)) => return Err(self.ruled(call, &response, rule, body.as_ref())),
            None => {}
        }
        let error = early.is_none().then(|| fault::check(&self.connection, operation, &response)).flatten();
        if let Some(error) = error {
            // The status is a success that the definition does not declare, or an unknown status.
            let strange = write && error.kind() == ErrorKind::BadResponse;
            let error = settle(error, strange);
            let signal = retry::signal(status, &response.headers);
            let asked = retry::asked_wait(&response.headers, self.clock.wall()).filter(|_| signal.is_some());
            let error = error.with(|d| {
                d.retry_after_ms = asked.map(|a| a.as_millis() as u64);
                if let Some(asked) = asked.filter(|_| d.kind == ErrorKind::RateLimited) {
                    d.message = format!("{}; it asks to wait {} s", d.message, asked.as_secs_f64().ceil());
                }
            });
            return Err(SendMiss { error, signal, asked, is_refused: false });
        }
        match accepted(operation, request, &response) {
            Ok(None) => {}
            Ok(job) => return Ok(Sent { job, ..Sent::of(Page::default(), status.as_u16(), None) }),
            Err(error) => return Err(fatal(settle(error.with(|d| d.http_status = Some(status.as_u16())), write))),
        }
        if operation.is_state {
            let reply = Some(Box::new(response));
            return Ok(Sent { reply, ..Sent::of(Page::default(), status.as_u16(), None) });
        }
        let needless = needs_no_body(operation);
        let text_expected = matches!(operation.response.result, ResultShape::File | ResultShape::Text);
        // An HTML page with a title is a login or waiting page, never a report of success.
        let may_be_a_page = !text_expected && (!needless || fault::has_title(&response));
        if let Some(error) =
            may_be_a_page.then(|| fault::page_for_people(&self.connection, operation, &response)).flatten()
        {
            return Err(SendMiss { error, signal: Some(Signal::Unreadable), asked: None, is_refused: false });
        }
        let location = location(&response).map(str::to_owned);
        let code = status.as_u16();
        let stamp = |e: Error| e.with(|d| d.http_status = Some(code));
        if let Some(target) = call.downloads_to() {
            save(operation, target, &mut response).map_err(|e| fatal(settle(stamp(e), write)))?;
        }
        let unfit = match page::read(operation, &mut response, self.page_limits()) {
            Ok(page) => return Ok(Sent::of(page, code, location)),
            Err(unfit) => unfit,
        };
        match unfit {
            Unfit::Ruled(rule, body) => Err(self.ruled(call, &response, &rule, Some(&body))),
            Unfit::Denied(body) => Err(fatal(stamp(fault::reported(&self.connection, operation, &response, &body)))),
            Unfit::Unreadable(..) | Unfit::Form(_) if needless => Ok(Sent::of(Page::default(), code, location)),
            Unfit::Unreadable(error, around) if error.kind() == ErrorKind::BadResponse => {
                let error = stamp(error).with(|d| d.provider.excerpt = fault::near(&self.connection, &around));
                Err(SendMiss { error, signal: Some(Signal::Unreadable), asked: None, is_refused: false })
            }
            Unfit::Unreadable(error, _) | Unfit::Shape(error) | Unfit::Form(error) => {
                Err(fatal(settle(stamp(error), write)))
            }
        }
    }
}

/// Puts a file into its place. One that arrived on disk only gets its name.
fn save(operation: &Operation, target: &FileTarget, response: &mut Response) -> Result<(), Error> {
    if !page::is_file(operation, response) {
        return Ok(());
    }
    let name = page::file_name(response).unwrap_or_else(|| page::safe_name(&operation.id));
    let file = match response.body.file() {
        Some(file) => Ok(Arc::clone(file)),
        None => Download::of(&target.folder(), &response.body).map(Arc::new),
    };
    let placed = file.and_then(|file| file.place(target, &name).map(|()| file));
    let file = placed.map_err(|e| {
        let shown = target.folder().display().to_string();
        Error::new(ErrorKind::State, format!("the file cannot be written to {shown}: {}", io_text(&e)))
            .at(Place { file: Some(shown), ..Place::default() })
    })?;
    response.body = Body::on_disk(file);
    Ok(())
}

/// Whether the status of a reply to a write is enough: no record is declared, and neither a flag nor a rule needs the
/// body.
fn needs_no_body(operation: &Operation) -> bool {
    let is_write = operation.repeat != Repeat::SafeRead;
    let is_judged = operation.connector.errors.success.is_some() || operation.reply_rules().any(ReplyRule::reads_body);
    is_write && operation.response.result == ResultShape::None && !is_judged
}

/// The address in a reply's `Location`.
fn location(response: &Response) -> Option<&str> {
    response.headers.get(LOCATION).and_then(|v| v.to_str().ok())
}
