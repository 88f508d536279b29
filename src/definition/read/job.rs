//! Converts `job:` to its checked form. Pure.

use std::time::Duration;

use http::Method as Verb;

use super::paging::{one_or_more, values};
use super::request_line::request_line;
use crate::authoring::{Checker, Text};
use crate::definition::connector::Connector;
use crate::definition::file::{AddressFile, JobFile, JobResultFile, StateFile};
use crate::definition::job_rule::{JOB, JobResult, JobRule};
use crate::definition::meaning::{Meaning, ReplyRule};

pub(super) fn job(
    c: &mut Checker<'_>,
    at: &str,
    file: JobFile,
    (path, connector): (&Text, &Connector),
) -> Option<JobRule> {
    let known = |c: &mut Checker<'_>, key: &str, line: &str| {
        let at = format!("{at}/{key}");
        let (verb, text) = request_line(c, &at, line)?;
        for name in text.names() {
            let is_known = path.names().any(|own| own == name) || connector.property(name).is_some();
            match name {
                JOB if file.id.is_none() => c.fault(&at, "`{job}` needs `id`: where the reply has the job's id", None),
                JOB => {}
                _ if is_known => {}
                _ => {
                    let message = format!("`{{{name}}}` is neither `{{job}}` nor in the path of the request");
                    c.fault(&at, message, None);
                }
            }
        }
        Some((verb, text))
    };
    let poll = file.poll.as_ref().and_then(|line| known(c, "poll", line));
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
    if file.id.is_some() && [&poll, &cancel].into_iter().flatten().all(|(_, text)| !text.names().any(|n| n == JOB)) {
        let in_result = matches!(&result, JobResult::Request(_, text) if text.names().any(|name| name == JOB));
        if !in_result {
            c.fault(&format!("{at}/id"), "no request contains `{job}`, so the id is not used", None);
        }
    }
    Some(JobRule {
        accepted: if file.accepted.is_empty() { vec![202] } else { file.accepted },
        id: file.id.and_then(|source| c.source(&format!("{at}/id"), source)),
        poll,
        every: Duration::from_secs(u64::from(file.every_s.unwrap_or(5))),
        timeout: Duration::from_secs(u64::from(file.timeout_s.unwrap_or(3600))),
        done: file.done.and_then(|state| state_rule(c, &format!("{at}/done"), state, Meaning::Ok)),
        failed: file.failed.and_then(|state| state_rule(c, &format!("{at}/failed"), state, Meaning::Failed)),
        progress: file.progress.and_then(|source| c.source(&format!("{at}/progress"), source)),
        result,
        cancel,
    })
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
