//! The requests that a simulated connector knows. An operation is read when its request comes: most never come.

use std::sync::{Arc, OnceLock};

use http::Method as Verb;

use super::answer::{JobStep, RESULT_PATH, STATE_PATH};
use super::http::{Pattern, SandboxReply};
use super::records::{Collection, Parts};
use super::roles::Role;
use crate::authoring::Text;
use crate::connection::Connection;
use crate::definition::{JobResult, Operation, OperationRoute, ParameterStyle};

/// The request of an operation, or a further request of its job.
pub(super) struct MockRoute {
    /// OperationId.
    pub(super) id: String,
    pub(super) verb: Verb,
    pub(super) pattern: Pattern,
    /// The path of the operation below the base address, and its shape.
    pub(super) own: Pattern,
    pub(super) shape: String,
    /// The operation, if it had to be read already.
    pub(super) operation: Option<Arc<Operation>>,
    pub(super) step: Option<JobStep>,
    /// What is known of it after its first request; `None` if the operation is faulty.
    pub(super) route: OnceLock<Option<Route>>,
    /// The collection that it makes, if it is a list.
    pub(super) derived: OnceLock<Option<Arc<Collection>>>,
}

/// An operation with the part that answers it.
pub(super) struct Route {
    pub(super) operation: Arc<Operation>,
    pub(super) part: PathPart,
    /// For a request of a job: its step, and the operation that submitted it.
    pub(super) step: Option<(JobStep, Arc<Operation>)>,
}

/// The part of the sandbox that answers an operation.
#[derive(Clone)]
pub(super) enum PathPart {
    /// A fixed reply of sandbox.yaml.
    Fixed(SandboxReply),
    /// A collection.
    Collection(Arc<Collection>, Role),
    /// A report for each item.
    Parts(Parts),
    /// A reply of the declared shape.
    Shape,
}

impl MockRoute {
    /// The values of the path's parameters; `None` if the path is not of this operation.
    pub(super) fn matches(&self, segments: &[String]) -> Option<Vec<(String, String)>> {
        let options = self.operation.iter().filter(|_| self.step.is_none()).flat_map(|operation| &operation.options);
        match options.into_iter().find(|option| option.style == ParameterStyle::Segments) {
            Some(option) => self.pattern.matches_more(segments, &option.name),
            None => self.pattern.matches(segments),
        }
    }

    fn new(id: &str, verb: Verb, (pattern, own): (Pattern, &Pattern)) -> MockRoute {
        MockRoute {
            id: id.to_owned(),
            verb,
            pattern,
            own: own.clone(),
            shape: own.shape(),
            operation: None,
            step: None,
            route: OnceLock::new(),
            derived: OnceLock::new(),
        }
    }
}

/// The routes, sorted so that literal paths precede parameters.
pub(super) fn mock_routes(connection: &Connection, known: Vec<OperationRoute>, base: &Pattern) -> Vec<MockRoute> {
    let mut routes = Vec::with_capacity(known.len());
    for OperationRoute { id, verb, path, operation } in known {
        // An operation with its own address is simulated if that address is the sandbox's too.
        let has_base = operation.as_ref().filter(|operation| operation.base_url.is_some());
        let own_base = match has_base.map(|operation| connection.base_of(operation)) {
            None => None,
            Some(Ok(url)) => Some(url),
            Some(Err(_)) => continue,
        };
        let placed = |path: Pattern| match &own_base {
            None => path.under(base),
            Some(url) => path.below(url),
        };
        let own = Pattern::new(&path);
        if let Some(operation) = &operation {
            routes.extend(job_routes(operation, &own, &placed));
        }
        routes.push(MockRoute { operation, ..MockRoute::new(&id, verb, (placed(own.clone()), &own)) });
    }
    routes.sort_by_cached_key(|route| route.pattern.rank());
    routes
}

/// The further requests of an operation's job.
fn job_routes(operation: &Arc<Operation>, own: &Pattern, placed: &dyn Fn(Pattern) -> Pattern) -> Vec<MockRoute> {
    let Some(rule) = &operation.job else { return Vec::new() };
    let text = |path: &'static str| (Verb::GET, Text::parse(path).unwrap_or_default());
    let state = rule.poll.clone().unwrap_or_else(|| text(STATE_PATH));
    let result = match &rule.result {
        JobResult::Poll => None,
        JobResult::Request(verb, path) => Some((verb.clone(), path.clone())),
        JobResult::At(_) => Some(text(RESULT_PATH)),
    };
    let steps = [(JobStep::State, Some(state)), (JobStep::Result, result), (JobStep::Cancel, rule.cancel.clone())];
    let route = |(step, request): (JobStep, Option<(Verb, Text)>)| {
        let (verb, path) = request?;
        let route = MockRoute::new(&operation.id, verb, (placed(Pattern::new(&path)), own));
        Some(MockRoute { operation: Some(Arc::clone(operation)), step: Some(step), ..route })
    };
    steps.into_iter().filter_map(route).collect()
}
