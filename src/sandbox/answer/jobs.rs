//! Plays jobs: a request is accepted, its state is asked for, and its result is fetched. A job is done when its state is
//! asked for the second time.

use std::collections::BTreeMap;
use std::sync::Mutex;

use http::StatusCode;
use http::header::LOCATION;
use serde_json::Value;

use crate::authoring::Source;
use crate::definition::{JobResult, JobRule, ReplyRule};
use crate::lock::lock;
use crate::sandbox::http::{Refusal, RefusalKind, ReplyContent, SandboxCall, SandboxReply};
use crate::sandbox::records::Tree;

/// The path of a state that the definition does not name, below the base address.
pub(in crate::sandbox) const STATE_PATH: &str = "/sandbox-jobs/{job}";
/// The path of a result at an address that the state names.
pub(in crate::sandbox) const RESULT_PATH: &str = "/sandbox-jobs/{job}/result";

/// Jobs beyond this number are forgotten, the oldest first.
const JOBS_MAX: usize = 1000;

/// A request of a job after the one that submitted it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sandbox) enum JobStep {
    State,
    Result,
    Cancel,
}

/// The jobs of a connector.
#[derive(Default)]
pub(in crate::sandbox) struct MockJobs(Mutex<JobTable>);

#[derive(Default)]
struct JobTable {
    made: u64,
    open: BTreeMap<u64, MockJob>,
}

struct MockJob {
    is_asked: bool,
    /// The reply to the work itself.
    reply: SandboxReply,
}

impl MockJobs {
    /// Accepts work whose reply is known.
    pub(super) fn accept(&self, rule: &JobRule, place: &JobPlace<'_>, reply: SandboxReply) -> SandboxReply {
        let mut table = lock(&self.0);
        table.made += 1;
        let id = table.made;
        table.open.insert(id, MockJob { is_asked: false, reply });
        if table.open.len() > JOBS_MAX {
            table.open.pop_first();
        }
        let status = rule.accepted.first().and_then(|s| StatusCode::from_u16(*s).ok()).unwrap_or(StatusCode::ACCEPTED);
        let mut accepted = SandboxReply::json(status, &Tree::object());
        if let Some(source) = &rule.id {
            put(&mut accepted, source, Tree::text(&id.to_string()));
        }
        if rule.poll.is_none() {
            accepted.set(LOCATION, &place.address(STATE_PATH, id));
        }
        accepted
    }

    /// The state of a job. `done` gives the reply to the work, from the one that is kept.
    pub(super) fn state(
        &self,
        rule: &JobRule,
        place: &JobPlace<'_>,
        id: &str,
        done: impl FnOnce(SandboxReply) -> Result<SandboxReply, Refusal>,
    ) -> Result<SandboxReply, Refusal> {
        let (id, is_asked, kept) = self.asked(id)?;
        let said = |reply: &mut SandboxReply, percent: u64| {
            if let Some(source) = &rule.progress {
                put(reply, source, Tree::number(percent));
            }
        };
        if !is_asked {
            let status = if rule.done.is_none() { StatusCode::ACCEPTED } else { StatusCode::OK };
            let mut running = SandboxReply::json(status, &Tree::object());
            if rule.done.is_none() {
                running.set(LOCATION, &place.address(STATE_PATH, id));
            }
            said(&mut running, 50);
            return Ok(running);
        }
        let mut state = match &rule.result {
            JobResult::Poll => done(kept)?,
            JobResult::Request(..) => SandboxReply::json(StatusCode::OK, &Tree::object()),
            JobResult::At(source) => {
                let mut state = SandboxReply::json(StatusCode::OK, &Tree::object());
                put(&mut state, source, Tree::text(&place.address(RESULT_PATH, id)));
                state
            }
        };
        said(&mut state, 100);
        rule.done.iter().for_each(|rule| fulfil(&mut state, rule));
        Ok(state)
    }

    /// The kept reply of a job.
    pub(super) fn reply(&self, id: &str) -> Result<SandboxReply, Refusal> {
        self.asked(id).map(|(_, _, reply)| reply)
    }

    pub(super) fn cancel(&self, id: &str) -> Result<SandboxReply, Refusal> {
        let (id, ..) = self.asked(id)?;
        lock(&self.0).open.remove(&id);
        Ok(SandboxReply::blank(StatusCode::NO_CONTENT))
    }

    /// A job by its id, and whether its state was asked for before.
    fn asked(&self, id: &str) -> Result<(u64, bool, SandboxReply), Refusal> {
        let mut table = lock(&self.0);
        let found = id.parse().ok().and_then(|number: u64| Some((number, table.open.get_mut(&number)?)));
        let Some((number, job)) = found else {
            return Err(Refusal::new(RefusalKind::NotFound, format!("there is no job `{id}`")));
        };
        Ok((number, std::mem::replace(&mut job.is_asked, true), job.reply.clone()))
    }
}

/// Where the addresses of a connector's jobs are.
pub(super) struct JobPlace<'c> {
    pub(super) call: &'c SandboxCall,
    /// The path of the base address.
    pub(super) base: &'c str,
}

impl JobPlace<'_> {
    fn address(&self, path: &str, id: u64) -> String {
        let base = self.base.trim_end_matches('/');
        self.call.address_of(&format!("{base}{}", path.replace("{job}", &id.to_string())))
    }
}

/// Puts a value where a rule looks for it.
fn put(reply: &mut SandboxReply, source: &Source, value: Tree) {
    match source {
        Source::Header(name) => reply.set(name.clone(), &value.plain().unwrap_or_default()),
        Source::Body(pointer) => {
            let mut body = match std::mem::replace(&mut reply.content, ReplyContent::None) {
                ReplyContent::Json(body) => body,
                ReplyContent::None | ReplyContent::Bytes(..) => Tree::object(),
            };
            body.put(pointer, value);
            reply.content = ReplyContent::Json(body);
        }
    }
}

/// Makes a reply fit a rule.
fn fulfil(reply: &mut SandboxReply, rule: &ReplyRule) {
    let value = rule.is.as_ref().and_then(|values| values.first()).cloned();
    let value = value.or_else(|| rule.contains.clone().map(Value::from)).unwrap_or(Value::Bool(true));
    if let Some((from, _)) = rule.statuses.first() {
        reply.status = StatusCode::from_u16(*from).unwrap_or(reply.status);
    }
    if let Some(name) = rule.header.as_ref().filter(|_| rule.at.is_empty()) {
        reply.set(name.clone(), &crate::authoring::scalar(&value).unwrap_or_default());
    }
    for pointer in rule.places() {
        put(reply, &Source::Body(pointer.clone()), Tree::value(&value));
    }
}
