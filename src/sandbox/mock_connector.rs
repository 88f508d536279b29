//! One connector as the sandbox simulates it: routes, declared collections and replies, built from its definitions.
//! `collections` says what answers a request, and `play` answers it.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use http::{HeaderMap, Method as Verb};

use super::answer::MockJobs;
use super::auth::{AuthServer, MockCsrf};
use super::http::{Pattern, SandboxReply, Wording, reply};
use super::ready;
use super::records::{Collection, Linked, Parts, Tables};
use super::routes::{MockRoute, PathPart, mock_routes};
use crate::authoring::{Json, Ordered};
use crate::connection::{Connection, ConnectionSpec};
use crate::definition::{Catalog, Connector, SandboxFile};
use crate::error::{Error, ErrorKind, Fault, Place, Result, did_you_mean};

/// Records of a connector that are given, by collection.
pub(super) type GivenRecords = Ordered<Vec<Json>>;

/// A simulated connector.
pub(super) struct MockConnector {
    pub(super) connector: Arc<Connector>,
    pub(super) spec: ConnectionSpec,
    pub(super) connection: Connection,
    pub(super) catalog: Arc<Catalog>,
    pub(super) file: SandboxFile,
    /// The collections of sandbox.yaml.
    pub(super) collections: Vec<Arc<Collection>>,
    /// The replies of sandbox.yaml, by OperationId.
    pub(super) told: HashMap<String, PathPart>,
    /// The number of records of a collection that a list makes.
    pub(super) derived_count: u64,
    /// The references of collections, by number, and the collections of records: what was found so far.
    pub(super) linked: Mutex<HashMap<usize, Arc<Vec<Linked>>>>,
    pub(super) holding: Mutex<HashMap<String, Option<Arc<Collection>>>>,
    pub(super) wording: Wording,
    /// Headers of every reply.
    pub(super) headers: HeaderMap,
    pub(super) page_size_default: Option<u32>,
    pub(super) tables: Mutex<Tables>,
    pub(super) jobs: MockJobs,
    pub(super) routes: Vec<MockRoute>,
    /// The routes with GET, by the shape of their paths.
    pub(super) reads: HashMap<String, usize>,
    /// The authorization server, if tokens are renewed.
    pub(super) auth_server: Option<AuthServer>,
    /// The csrf tokens, if the connector has them.
    pub(super) csrf: Option<MockCsrf>,
    /// Prefixes of its addresses.
    prefixes: Vec<Pattern>,
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
    /// Builds the simulation of a connector at an address. Of its operations only the requests are read.
    ///
    /// # Errors
    /// `unsupported` if its requests would go to another address; `definition` with every fault of its files.
    pub(super) fn new(
        catalog: &Arc<Catalog>,
        name: &str,
        file: Option<SandboxFile>,
        given: &GivenRecords,
        address: SocketAddr,
    ) -> Result<MockConnector> {
        let file = file.unwrap_or_else(SandboxFile::without_file);
        let connector = catalog.connector(name)?;
        // A faulty operation is not simulated; calls to it get an error that says why.
        let known = catalog.routes(name)?;
        let spec = ready::spec(&connector, &known, &file, address);
        let connection = Connection::open(Arc::clone(&connector), &spec).map_err(|e| {
            Error::new(ErrorKind::Definition, format!("the sandbox of {name} is invalid: {}", e.message))
        })?;
        ready::check(&connection, address)?;
        let mut faults = MockFaults::default();
        let collections = collections(catalog, name, (&file, given), &mut faults)?;
        let base = Pattern::default().below(connection.base());
        let routes = mock_routes(&connection, known, &base);
        let checked = CheckedFile { catalog, name, file: &file, routes: &routes, collections: &collections };
        let told = checked.told(&mut faults);
        let wording = Wording::new(&connector.errors, &file.errors).map_err(|(place, why)| faults.add(place, why)).ok();
        let headers = faults.accept("/headers", reply::headers(&file.headers));
        checked.check_options(&mut faults);
        checked.check_references(&mut faults);
        checked.check_paths(&told, &mut faults);
        let auth_server = auth_server(&connection, &file, &base, (&routes, &told))?;
        let csrf = connector.csrf.as_ref().map(|rule| MockCsrf::new(name, rule, &base));
        let (Some(wording), Some(headers), true) = (wording, headers, faults.0.is_empty()) else {
            return Err(Error::from_faults(
                ErrorKind::Definition,
                &format!("the sandbox of {name} is invalid"),
                faults.0,
            ));
        };
        let is_read = |route: &MockRoute| route.verb == Verb::GET && route.step.is_none();
        let reads = routes.iter().enumerate().rev().filter(|(_, route)| is_read(route));
        Ok(MockConnector {
            prefixes: prefixes(&connector, &spec, base),
            connector,
            spec,
            connection,
            catalog: Arc::clone(catalog),
            collections,
            told,
            // Two more than a page, so that paging shows.
            derived_count: file.limits.page_size.map_or(5, |size| u64::from(size) + 2),
            linked: Mutex::default(),
            holding: Mutex::default(),
            wording,
            headers,
            page_size_default: file.page_size_default,
            tables: Mutex::default(),
            jobs: MockJobs::default(),
            auth_server,
            csrf,
            reads: reads.map(|(number, route)| (route.shape.clone(), number)).collect(),
            routes,
            file,
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
) -> Result<Vec<Arc<Collection>>> {
    let mut collections = Vec::new();
    for name in given.keys().filter(|name| !file.collections.contains_key(*name)) {
        let hint = did_you_mean(name, file.collections.keys().map(String::as_str));
        faults.add(format!("/records/{name}"), format!("there is no collection `{name}`{hint}"));
    }
    for (index, (name, collection)) in file.collections.iter().enumerate() {
        let record = catalog.later_record(connector, &collection.record)?;
        let made = Collection::new((index, name), collection, file, record);
        let made = made.and_then(|made| match given.get(name) {
            Some(records) => made.with_records(records),
            None => Ok(made),
        });
        collections.extend(faults.accept(&format!("/collections/{name}"), made).map(Arc::new));
    }
    Ok(collections)
}

/// The authorization server, with the reply of the operation at its token endpoint.
fn auth_server(
    connection: &Connection,
    file: &SandboxFile,
    base: &Pattern,
    (routes, told): (&[MockRoute], &HashMap<String, PathPart>),
) -> Result<Option<AuthServer>> {
    let Some(mut auth_server) = AuthServer::new(connection, &file.tokens, base)? else { return Ok(None) };
    let like = routes.iter().find(|route| auth_server.is_token(&route.verb, &route.pattern));
    auth_server.like = like.and_then(|route| match told.get(&route.id) {
        Some(PathPart::Fixed(reply)) => Some(reply.clone()),
        _ => None,
    });
    Ok(Some(auth_server))
}

/// The prefixes of a connector's addresses: its base, and its hosts if all requests are redirected to the sandbox.
fn prefixes(connector: &Connector, spec: &ConnectionSpec, base: Pattern) -> Vec<Pattern> {
    let origins = connector.origins.iter().filter(|_| spec.reroute.is_some());
    let hosts = origins.filter_map(|origin| url::Url::parse(origin).ok()?.host_str().map(Pattern::host));
    hosts.chain([base]).collect()
}

/// A sandbox.yaml beside what it is about.
struct CheckedFile<'c> {
    catalog: &'c Catalog,
    name: &'c str,
    file: &'c SandboxFile,
    routes: &'c [MockRoute],
    collections: &'c [Arc<Collection>],
}

impl CheckedFile<'_> {
    /// What the file says that operations reply.
    fn told(&self, faults: &mut MockFaults) -> HashMap<String, PathPart> {
        let mut told = HashMap::new();
        let unknown = |id: &String| {
            let hint = did_you_mean(id, self.routes.iter().map(|route| route.id.as_str()));
            format!("there is no operation `{id}`{hint}")
        };
        for (id, reply) in &self.file.replies {
            let reply = match self.routes.iter().any(|route| route.id == *id) {
                true => SandboxReply::of_file(reply),
                false => Err(unknown(id)),
            };
            let reply = faults.accept(&format!("/replies/{id}"), reply);
            told.extend(reply.map(|reply| (id.clone(), PathPart::Fixed(reply))));
        }
        for (id, part) in &self.file.parts {
            let operation = self.catalog.operation(Some(self.name), id).map_err(|_| unknown(id));
            let parts = operation.and_then(|operation| Parts::new(part, &operation, self.collections));
            let parts = faults.accept(&format!("/parts/{id}"), parts);
            told.extend(parts.map(|parts| (id.clone(), PathPart::Parts(parts))));
        }
        told
    }

    /// Options that the file names must exist in an operation.
    fn check_options(&self, faults: &mut MockFaults) {
        let mut known: HashSet<String> = HashSet::new();
        for collection in self.collections {
            let language = collection.language.iter().flat_map(|l| std::iter::once(&l.option).chain(&l.children));
            let others = collection.sort.iter().map(|o| &o.option).chain(collection.choice.iter().map(|o| &o.option));
            for option in language.chain(others).chain(&collection.filter) {
                if known.contains(option) || self.find_option(option, collection, &mut known) {
                    continue;
                }
                let hint = did_you_mean(option, known.iter().map(String::as_str));
                let fault = format!("no operation has an option `{option}`{hint}");
                if !faults.0.iter().any(|f| f.message == fault) {
                    faults.add(format!("/collections/{}", collection.name), fault);
                }
            }
        }
    }

    /// Reads operations, first those at the path of the collection, until one has an option of this name.
    fn find_option(&self, option: &str, collection: &Collection, known: &mut HashSet<String>) -> bool {
        let (own, others): (Vec<&MockRoute>, Vec<&MockRoute>) =
            self.routes.iter().partition(|route| route.shape == collection.shape);
        own.into_iter().chain(others).any(|route| {
            let operation = self.catalog.operation(Some(self.name), &route.id).ok();
            let names = operation.iter().flat_map(|operation| &operation.options).map(|option| option.name.clone());
            known.extend(names);
            known.contains(option)
        })
    }

    /// Collections to which records refer must exist.
    fn check_references(&self, faults: &mut MockFaults) {
        for (record, name) in &self.file.references {
            let place = format!("/references/{record}");
            if !self.catalog.record_names(self.name).is_ok_and(|mut names| names.any(|own| own == record)) {
                let hint = self.catalog.record_names(self.name).map(|names| did_you_mean(record, names));
                faults.add(&*place, format!("no record is called `{record}`{}", hint.unwrap_or_default()));
            }
            let derived: Vec<String> = self.routes.iter().map(|route| route.own.name()).collect();
            let names = || self.collections.iter().map(|own| &own.name).chain(&derived).map(String::as_str);
            if !names().any(|own| own == name) {
                let hint = did_you_mean(name, names());
                faults.add(place, format!("no collection is called `{name}`{hint}"));
            }
        }
    }

    /// A collection that no operation reaches is a mistake in the file.
    fn check_paths(&self, told: &HashMap<String, PathPart>, faults: &mut MockFaults) {
        for collection in self.collections {
            let is_reached = |route: &MockRoute| {
                let shape = route.shape.as_str();
                let below = shape.rsplit_once('/').is_some_and(|(above, _)| above == collection.shape);
                (shape == collection.shape || below) && !told.contains_key(&route.id)
            };
            if !self.routes.iter().any(is_reached) {
                faults.add(
                    format!("/collections/{}/path", collection.name),
                    "no operation uses it: none without its own reply has this path or one below it",
                );
            }
        }
    }
}
