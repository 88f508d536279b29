//! Converts `job:` to its checked form. Pure.

use std::time::Duration;

use http::Method as Verb;

use super::paging::{one_or_more, values};
use super::request_effects::body_names;
use super::request_line::request_line;
use crate::authoring::{Checker, Json, Text};
use crate::definition::connector::Connector;
use crate::definition::file::{AddressFile, JobFile, JobResultFile, PollFile, PollRequestFile, StateFile};
use crate::definition::job_rule::{JOB, JobResult, JobRule};
use crate::definition::meaning::{Meaning, ReplyRule};
use crate::definition::option_rule::OptionRule;

pub(super) fn job(
    c: &mut Checker<'_>,
    at: &str,
    file: JobFile,
    (path, options, connector): (&Text, &[OptionRule], &Connector),
) -> Option<JobRule> {
    settings(c, at, &file);
    let names = KnownNames { path, options, connector, has_id: file.id.is_some() };
    let known = |c: &mut Checker<'_>, key: &str, line: &str| names.request(c, &format!("{at}/{key}"), line);
    let (line, body) = match file.poll {
        None => (None, None),
        Some(PollFile::Line(line)) => (Some(line), None),
        Some(PollFile::Request(PollRequestFile { request, body })) => (Some(request), Some(body)),
    };
    let poll = line.as_ref().and_then(|line| known(c, "poll", line));
    let verb = poll.as_ref().map(|(verb, _)| verb);
    let poll_body = body.and_then(|body| names.body(c, &format!("{at}/poll/body"), body, verb));
    let names_job = poll_body.as_ref().is_some_and(|body| body.0.contains("\"{job}\""));
    if poll.as_ref().is_some_and(|(verb, _)| *verb != Verb::GET && *verb != Verb::POST) {
        c.fault(
            &format!("{at}/poll"),
            "a state is read with GET, or with POST where the system has no other way",
            None,
        );
    }
    let cancel = file.cancel.as_ref().and_then(|line| known(c, "cancel", line));
    let result = match &file.result {
        None => JobResult::Poll,
        Some(JobResultFile::Request(line)) => {
            let (verb, text) = known(c, "result", line)?;
            JobResult::Request(verb, text)
        }
        Some(JobResultFile::Address(AddressFile { at: source })) => {
            JobResult::At(c.source(&format!("{at}/result/at"), source.clone())?)
        }
    };
    if file.id.is_some()
        && !names_job
        && [&poll, &cancel].into_iter().flatten().all(|(_, text)| !text.names().any(|n| n == JOB))
    {
        let in_result = matches!(&result, JobResult::Request(_, text) if text.names().any(|name| name == JOB));
        if !in_result {
            c.fault(&format!("{at}/id"), "no request contains `{job}`, so the id is not used", None);
        }
    }
    Some(JobRule {
        accepted: if file.accepted.is_empty() { vec![202] } else { file.accepted },
        id: file.id.and_then(|source| c.source(&format!("{at}/id"), source)),
        poll,
        poll_body,
        every: Duration::from_secs(u64::from(file.every_s.unwrap_or(5))),
        timeout: Duration::from_secs(u64::from(file.timeout_s.unwrap_or(3600))),
        done: file.done.and_then(|state| state_rule(c, &format!("{at}/done"), state, Meaning::Ok)),
        failed: file.failed.and_then(|state| state_rule(c, &format!("{at}/failed"), state, Meaning::Failed)),
        progress: file.progress.and_then(|source| c.source(&format!("{at}/progress"), source)),
        result,
        cancel,
    })
}

/// Statuses, states and times.
fn settings(c: &mut Checker<'_>, at: &str, file: &JobFile) {
    for (i, code) in file.accepted.iter().enumerate().filter(|(_, code)| !(200..300).contains(*code)) {
        c.fault(&format!("{at}/accepted/{i}"), format!("`{code}` is not a success (200 to 299)"), None);
    }
    let always = file.accepted.iter().any(|code| *code != 202);
    if always && file.done.is_none() {
        let message = "give `done`: with other statuses than 202 only a value of the state shows the end";
        c.fault(&format!("{at}/done"), message, None);
    }
    if file.done.is_some() && file.done == file.failed {
        c.fault(&format!("{at}/failed"), "`done` and `failed` are the same state, so `failed` has no effect", None);
    }
    for (key, value) in [("every_s", file.every_s), ("timeout_s", file.timeout_s)] {
        if value == Some(0) {
            c.fault(&format!("{at}/{key}"), format!("`{key}` must be at least 1"), None);
        }
    }
}

/// What the requests of a job may name.
struct KnownNames<'k> {
    path: &'k Text,
    options: &'k [OptionRule],
    connector: &'k Connector,
    has_id: bool,
}

impl KnownNames<'_> {
    /// A request line.
    fn request(&self, c: &mut Checker<'_>, at: &str, line: &str) -> Option<(Verb, Text)> {
        let (verb, text) = request_line(c, at, line)?;
        for name in text.names() {
            let is_known = self.path.names().any(|own| own == name) || self.connector.property(name).is_some();
            match name {
                JOB if !self.has_id => c.fault(at, "`{job}` needs `id`: where the reply has the job's id", None),
                JOB => {}
                _ if is_known => {}
                _ => {
                    let message = format!("`{{{name}}}` is neither `{{job}}` nor in the path of the request");
                    c.fault(at, message, None);
                }
            }
        }
        Some((verb, text))
    }

    /// The body of a poll.
    fn body(&self, c: &mut Checker<'_>, at: &str, body: Json, verb: Option<&Verb>) -> Option<Json> {
        if verb == Some(&Verb::GET) {
            c.fault(at, "a GET has no body; use POST", None);
        }
        if !body.0.starts_with('{') {
            c.fault(at, "expected a map: the fields of the body", None);
            return None;
        }
        let mut names = Vec::new();
        body_names(&body.to_value(), at, &mut names);
        let is_known = |name: &str| {
            (name == JOB && self.has_id)
                || self.options.iter().any(|o| o.name == name)
                || self.connector.property(name).is_some()
        };
        for (place, name) in names.into_iter().filter(|(_, name)| !is_known(name)) {
            let message = format!("`{{{name}}}` is neither `{{job}}` nor an option of the request nor a property");
            c.fault(&place, message, None);
        }
        Some(body)
    }
}

fn state_rule(c: &mut Checker<'_>, at: &str, file: StateFile, then: Meaning) -> Option<ReplyRule> {
    let pointer = c.pointer(&format!("{at}/at"), &file.at)?;
    let is = file.is.map(|json| values(c, &format!("{at}/is"), one_or_more(json)));
    Some(ReplyRule {
        statuses: Vec::new(),
        header: None,
        at: vec![pointer],
        has: Vec::new(),
        is,
        contains: None,
        method: None,
        then,
        wait: None,
        advice: None,
    })
}
