//! One connector as the sandbox simulates it: routes, collections and replies, built from its definitions. `play`
//! answers calls.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use http::{HeaderMap, Method as Verb};

use super::answer::{JobStep, MockJobs, RESULT_PATH, STATE_PATH};
use super::auth::{AuthServer, MockCsrf};
use super::http::{Last, Pattern, SandboxReply, Wording, reply};
use super::ready;
use super::records::{Collection, Parts, Tables};
use crate::authoring::{Json, Ordered, Text};
use crate::connection::{Connection, ConnectionSpec};
use crate::definition::{
    Catalog, Connector, JobPart, JobResult, Method, Operation, ParameterStyle, ReplyFile, ResultShape, SandboxFile,
    Send,
};
use crate::error::{Error, ErrorKind, Fault, Place, Result, did_you_mean};

/// Records of a connector that are given, by collection.
pub(super) type GivenRecords = Ordered<Vec<Json>>;

/// A simulated connector.
pub(super) struct MockConnector {
    pub(super) connector: Arc<Connector>,
    pub(super) spec: ConnectionSpec,
    pub(super) connection: Connection,
    pub(super) collections: Vec<Collection>,
    pub(super) wording: Wording,
    /// Headers of every reply.
    pub(super) headers: HeaderMap,
    pub(super) page_size_default: Option<u32>,
    pub(super) tables: Mutex<Tables>,
    pub(super) jobs: MockJobs,
    pub(super) routes: Vec<Route>,
    /// The authorization server, if tokens are renewed.
    pub(super) auth_server: Option<AuthServer>,
    /// The csrf tokens, if the connector has them.
    pub(super) csrf: Option<MockCsrf>,
    /// Prefixes of its addresses.
    prefixes: Vec<Pattern>,
}

/// An operation with its path and the part that answers it.
pub(super) struct Route {
    pub(super) operation: Arc<Operation>,
    pub(super) pattern: Pattern,
    pub(super) part: PathPart,
    /// For a request of a job: its step, and the operation that submitted it.
    pub(super) step: Option<(JobStep, Arc<Operation>)>,
}

impl Route {
    /// The values of the path's parameters; `None` if the path is not of this operation.
    pub(super) fn matches(&self, segments: &[String]) -> Option<Vec<(String, String)>> {
        let wide = self.operation.options.iter().find(|option| option.style == ParameterStyle::Segments);
        match wide {
            Some(option) => self.pattern.matches_more(segments, &option.name),
            None => self.pattern.matches(segments),
        }
    }
}

/// The part of the sandbox that answers an operation.
#[derive(Clone)]
pub(super) enum PathPart {
    /// A fixed reply of sandbox.yaml.
    Fixed(SandboxReply),
    /// A collection, by index.
    Collection(usize, Role),
    /// A report for each item.
    Parts(Parts),
    /// A reply of the declared shape.
    Shape,
}

/// The role of an operation on its collection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    List,
    Count,
    One,
    Create,
    Replace,
    Merge,
    Patch,
    Delete,
}

/// Faults of a sandbox.yaml.
#[derive(Default)]
struct MockFaults(Vec<Fault>);

impl MockFaults {
    fn add(&mut self, place: impl Into<String>, message: impl Into<String>) {
        self.0.push(Fault { place: Place::field(place), message: message.into(), advice: None });
    }

    fn accept<T>(&mut self, place: &str, result: Result<T, String>) -> Option<T> {
        result.map_err(|why| self.add(place, why)).ok()
    }
}

impl MockConnector {
    /// Builds the simulation of a connector at an address.
    ///
    /// # Errors
    /// `unsupported` if its requests would go to another address; `definition` with every fault of its files.
    pub(super) fn new(
        catalog: &Catalog,
        name: &str,
        file: &SandboxFile,
        given: &GivenRecords,
        address: SocketAddr,
    ) -> Result<MockConnector> {
        let connector = catalog.connector(name)?;
        // A faulty operation is not simulated; calls to it get an error that says why.
        let (operations, _) = catalog.sound_operations(name)?;
        let spec = ready::spec(&connector, &operations, file, address);
        let connection = Connection::open(Arc::clone(&connector), &spec).map_err(|e| {
            Error::new(ErrorKind::Definition, format!("the sandbox of {name} is invalid: {}", e.message))
        })?;
        ready::check(&connection, address)?;
        let mut faults = MockFaults::default();
        let collections = collections(catalog, name, (file, given), &mut faults)?;
        let mut told = replies(&operations, &file.replies, &mut faults);
        told.extend(parts(&operations, file, &collections, &mut faults));
        let wording = Wording::new(&connector.errors, &file.errors).map_err(|(place, why)| faults.add(place, why)).ok();
        let headers = faults.accept("/headers", reply::headers(&file.headers));
        check_options(&operations, &collections, &mut faults);
        let base = Pattern::default().below(connection.base());
        let routes = routes(&connection, operations, &collections, told, &base);
        let auth_server = auth_server(&connection, file, &base, &routes)?;
        let csrf = connector.csrf.as_ref().map(|rule| MockCsrf::new(name, rule, &base));
        check_paths(&routes, &collections, &mut faults);
        let (Some(wording), Some(headers), true) = (wording, headers, faults.0.is_empty()) else {
            return Err(Error::from_faults(
                ErrorKind::Definition,
                &format!("the sandbox of {name} is invalid"),
                faults.0,
            ));
        };
        Ok(MockConnector {
            prefixes: prefixes(&connector, &spec, base),
            connector,
            spec,
            connection,
            collections,
            wording,
            headers,
            page_size_default: file.page_size_default,
            tables: Mutex::default(),
            jobs: MockJobs::default(),
            auth_server,
            csrf,
            routes,
        })
    }

    /// The number of path segments that belong to this connector's base address; `None` if the path is not below it.
    pub(super) fn owns(&self, segments: &[String]) -> Option<usize> {
        self.prefixes.iter().filter_map(|ground| ground.begins(segments)).max()
    }
}

fn collections(
    catalog: &Catalog,
    connector: &str,
    (file, given): (&SandboxFile, &GivenRecords),
    faults: &mut MockFaults,
) -> Result<Vec<Collection>> {
    let mut collections = Vec::new();
    for name in given.keys().filter(|name| !file.collections.contains_key(*name)) {
        let hint = did_you_mean(name, file.collections.keys().map(String::as_str));
        faults.add(format!("/records/{name}"), format!("there is no collection `{name}`{hint}"));
    }
    for (name, collection) in &file.collections {
        let record = catalog.record(connector, &collection.record)?;
        let made = Collection::new(name, collection, file, record);
        let made = made.and_then(|made| match given.get(name) {
            Some(records) => made.with_records(records),
            None => Ok(made),
        });
        collections.extend(faults.accept(&format!("/collections/{name}"), made));
    }
    Ok(collections)
}

fn replies(
    operations: &[Arc<Operation>],
    file: &Ordered<ReplyFile>,
    faults: &mut MockFaults,
) -> Vec<(String, PathPart)> {
    let mut replies = Vec::new();
    for (id, reply) in file {
        let place = format!("/replies/{id}");
        if !operations.iter().any(|o| o.id == *id) {
            let hint = did_you_mean(id, operations.iter().map(|o| o.id.as_str()));
            faults.add(place, format!("there is no operation `{id}`{hint}"));
            continue;
        }
        replies.extend(
            faults.accept(&place, SandboxReply::of_file(reply)).map(|reply| (id.clone(), PathPart::Fixed(reply))),
        );
    }
    replies
}

fn parts(
    operations: &[Arc<Operation>],
    file: &SandboxFile,
    collections: &[Collection],
    faults: &mut MockFaults,
) -> Vec<(String, PathPart)> {
    let mut made = Vec::new();
    for (id, part) in &file.parts {
        let operation = operations.iter().find(|o| o.id == *id).ok_or_else(|| {
            let hint = did_you_mean(id, operations.iter().map(|o| o.id.as_str()));
            format!("there is no operation `{id}`{hint}")
        });
        let parts = operation.and_then(|operation| Parts::new(part, operation, collections));
        made.extend(faults.accept(&format!("/parts/{id}"), parts).map(|parts| (id.clone(), PathPart::Parts(parts))));
    }
    made
}

/// The authorization server, with the reply of the operation at its token endpoint.
fn auth_server(
    connection: &Connection,
    file: &SandboxFile,
    base: &Pattern,
    routes: &[Route],
) -> Result<Option<AuthServer>> {
    let Some(mut auth_server) = AuthServer::new(connection, &file.tokens, base)? else { return Ok(None) };
    let like = routes.iter().find(|route| auth_server.is_token(&route.operation.verb, &route.pattern));
    auth_server.like = like.and_then(|route| match &route.part {
        PathPart::Fixed(reply) => Some(reply.clone()),
        PathPart::Collection(..) | PathPart::Parts(_) | PathPart::Shape => None,
    });
    Ok(Some(auth_server))
}

/// The prefixes of a connector's addresses: its base, and its hosts if all requests are redirected to the sandbox.
fn prefixes(connector: &Connector, spec: &ConnectionSpec, base: Pattern) -> Vec<Pattern> {
    let origins = connector.origins.iter().filter(|_| spec.reroute.is_some());
    let hosts = origins.filter_map(|origin| url::Url::parse(origin).ok()?.host_str().map(Pattern::host));
    hosts.chain([base]).collect()
}

/// Options that sandbox.yaml names must exist in an operation.
fn check_options(operations: &[Arc<Operation>], collections: &[Collection], faults: &mut MockFaults) {
    let known: Vec<&str> = operations.iter().flat_map(|o| &o.options).map(|o| o.name.as_str()).collect();
    for collection in collections {
        let language = collection.language.iter().flat_map(|l| std::iter::once(&l.option).chain(&l.children));
        let others = collection.sort.iter().map(|o| &o.option).chain(collection.choice.iter().map(|o| &o.option));
        for option in language.chain(others).chain(&collection.filter).filter(|name| !known.contains(&name.as_str())) {
            let hint = did_you_mean(option, known.iter().copied());
            let fault = format!("no operation has an option `{option}`{hint}");
            if !faults.0.iter().any(|f| f.message == fault) {
                faults.add(format!("/collections/{}", collection.name), fault);
            }
        }
    }
}

/// A collection that no operation reaches is a mistake in sandbox.yaml.
fn check_paths(routes: &[Route], collections: &[Collection], faults: &mut MockFaults) {
    for (index, collection) in collections.iter().enumerate() {
        let reached = routes.iter().any(|r| matches!(r.part, PathPart::Collection(i, _) if i == index));
        if !reached {
            faults.add(
                format!("/collections/{}/path", collection.name),
                "no operation uses it: none without its own reply has this path or one below it",
            );
        }
    }
}

/// The routes, sorted so that literal paths precede parameters.
fn routes(
    connection: &Connection,
    operations: Vec<Arc<Operation>>,
    collections: &[Collection],
    mut told: Vec<(String, PathPart)>,
    base: &Pattern,
) -> Vec<Route> {
    let mut routes = Vec::new();
    for operation in operations {
        let path = Pattern::new(&operation.path);
        let part = match told.iter().position(|(id, _)| *id == operation.id) {
            Some(at) => told.swap_remove(at).1,
            None => part(&operation, &path, collections),
        };
        // An operation with its own address is simulated if that address is the sandbox's too.
        let own_base = match operation.base_url.as_ref().map(|_| connection.base_of(&operation)) {
            None => None,
            Some(Ok(url)) => Some(url),
            Some(Err(_)) => continue,
        };
        let placed = |path: Pattern| match &own_base {
            None => path.under(base),
            Some(url) => path.below(url),
        };
        routes.extend(job_routes(&operation, &part, &placed));
        routes.push(Route { operation, pattern: placed(path), part, step: None });
    }
    routes.sort_by_key(|route| route.pattern.rank());
    routes
}

/// The further requests of an operation's job.
fn job_routes(operation: &Arc<Operation>, part: &PathPart, placed: &dyn Fn(Pattern) -> Pattern) -> Vec<Route> {
    let Some(rule) = &operation.job else { return Vec::new() };
    let own = |path: &'static str| (Verb::GET, Text::parse(path).unwrap_or_default());
    let state = rule.poll.clone().unwrap_or_else(|| own(STATE_PATH));
    let result = match &rule.result {
        JobResult::Poll => None,
        JobResult::Request(verb, path) => Some((verb.clone(), path.clone())),
        JobResult::At(_) => Some(own(RESULT_PATH)),
    };
    let steps = [(JobStep::State, Some(state)), (JobStep::Result, result), (JobStep::Cancel, rule.cancel.clone())];
    let route = |(step, request): (JobStep, Option<(Verb, Text)>)| {
        let (verb, path) = request?;
        Some(Route {
            operation: Arc::new(operation.of_job(verb, String::new(), JobPart::Result)),
            pattern: placed(Pattern::new(&path)),
            part: part.clone(),
            step: Some((step, Arc::clone(operation))),
        })
    };
    steps.into_iter().filter_map(route).collect()
}

/// The part that answers an operation, selected by its path.
fn part(operation: &Operation, path: &Pattern, collections: &[Collection]) -> PathPart {
    let like = |pattern: &Pattern| collections.iter().position(|c| c.pattern.is_like(pattern));
    let found = match (like(path), path.split_last()) {
        (Some(index), _) => on_all(operation).map(|role| (index, role)),
        (None, Some((before, last))) => like(&before).and_then(|index| {
            let role = match last {
                Last::Parameter => on_one(operation),
                Last::Literal("count") if operation.response.result == ResultShape::Count => Some(Role::Count),
                Last::Literal("search") => on_search(operation),
                Last::Literal(_) => None,
            };
            role.map(|role| (index, role))
        }),
        (None, None) => None,
    };
    found.map_or(PathPart::Shape, |(index, role)| PathPart::Collection(index, role))
}

fn on_all(operation: &Operation) -> Option<Role> {
    match (operation.verb.clone(), operation.method, operation.response.result) {
        (Verb::GET, _, ResultShape::List) | (Verb::POST, Method::Query, ResultShape::List) => Some(Role::List),
        (Verb::POST, Method::Mutate, _) if operation.items.as_ref().is_some_and(|i| i.send == Send::Each) => {
            Some(Role::Create)
        }
        _ => None,
    }
}

fn on_search(operation: &Operation) -> Option<Role> {
    (operation.method == Method::Query && operation.response.result == ResultShape::List).then_some(Role::List)
}

fn on_one(operation: &Operation) -> Option<Role> {
    let send = operation.items.as_ref().map(|i| i.send);
    match (operation.verb.clone(), send) {
        (Verb::GET, None) if matches!(operation.response.result, ResultShape::Object | ResultShape::List) => {
            Some(Role::One)
        }
        (Verb::DELETE, _) => Some(Role::Delete),
        (Verb::PUT, Some(Send::Each)) => Some(Role::Replace),
        (Verb::PATCH, Some(Send::JsonPatch(_))) => Some(Role::Patch),
        (Verb::PATCH | Verb::POST, Some(Send::Each)) => Some(Role::Merge),
        _ => None,
    }
}
