//! Turns a call into a reply: finds the operation, checks credentials and input, and uses the records.

use http::header::{ALLOW, LOCATION};
use http::{Method as Verb, StatusCode};
use serde_json::{Map, Value};

use super::input;
use super::jobs::{JobPlace, JobStep};
use super::paging::{self, PageRows};
use super::sent::{self, SentValues};
use super::{envelope, options};
use crate::authoring::scalar;
use crate::definition::{FilterForm, JOB, Method, Operation};
use crate::lock::lock;
use crate::sandbox::auth::{AuthRequest, AuthServer, guard};
use crate::sandbox::filter::{RecordFilter, terms};
use crate::sandbox::http::{Refusal, RefusalKind, SandboxCall, SandboxReply};
use crate::sandbox::mock_connector::MockConnector;
use crate::sandbox::records::{By, Collection, Linked, Tables, Tree, Values, fields};
use crate::sandbox::roles::Role;
use crate::sandbox::routes::{PathPart, Route};

/// The target of a call in a connector.
pub(in crate::sandbox) enum MatchedRecord<'p> {
    Operation(&'p Route, Vec<(String, String)>),
    /// A token request or sign-in.
    AuthServer(&'p AuthServer, AuthRequest),
    /// The verbs that the path allows.
    OtherVerbs(Vec<Verb>),
    Nothing,
}

impl MockConnector {
    /// Finds the operation of a call.
    pub(in crate::sandbox) fn find(&self, call: &SandboxCall) -> MatchedRecord<'_> {
        if let Some((auth_server, request)) = self
            .auth_server
            .as_ref()
            .and_then(|auth_server| auth_server.request(call).map(|request| (auth_server, request)))
        {
            return MatchedRecord::AuthServer(auth_server, request);
        }
        let mut verbs = Vec::new();
        let mut found: Option<(&Route, Vec<(String, String)>)> = None;
        for known in &self.routes {
            let Some(values) = known.matches(&call.segments) else { continue };
            if known.verb == call.verb {
                let Some(route) = self.route(known) else { continue };
                // Of operations at one address, the constants of their bodies tell which it is.
                if sent::has_constants(&route.operation, call) {
                    return MatchedRecord::Operation(route, values);
                }
                found = found.or(Some((route, values)));
            } else if !verbs.contains(&known.verb) {
                verbs.push(known.verb.clone());
            }
        }
        match found {
            Some((route, values)) => MatchedRecord::Operation(route, values),
            None if verbs.is_empty() => MatchedRecord::Nothing,
            None => MatchedRecord::OtherVerbs(verbs),
        }
    }

    pub(in crate::sandbox) fn admits(&self, call: &SandboxCall) -> bool {
        self.auth_server
            .as_ref()
            .map_or_else(|| guard::admits(&self.connection, call), |auth_server| auth_server.admits(call))
    }

    /// The reply to a call. Refusals have the system's own wording.
    pub(in crate::sandbox) fn answer(&self, call: &SandboxCall, found: &MatchedRecord<'_>) -> SandboxReply {
        self.try_answer(call, found).unwrap_or_else(|refusal| self.wording.reply(&refusal))
    }

    fn try_answer(&self, call: &SandboxCall, found: &MatchedRecord<'_>) -> Result<SandboxReply, Refusal> {
        if let MatchedRecord::AuthServer(auth_server, request) = found {
            return auth_server.answer(&self.connection, *request, call);
        }
        let anonymous = matches!(found, MatchedRecord::Operation(route, _) if route.operation.anonymous);
        if !anonymous
            && !self.auth_server.as_ref().map_or_else(|| self.admits(call), |auth_server| auth_server.spend(call))
        {
            return Err(guard::refusal(&self.connection));
        }
        if let Some(csrf) = self.csrf.as_ref().filter(|_| !anonymous) {
            if let Some(reply) = csrf.answer(call) {
                return Ok(reply);
            }
            let is_read =
                matches!(found, MatchedRecord::Operation(route, _) if route.operation.method == Method::Query);
            csrf.check(&self.connection, call, is_read)?;
        }
        let (route, values) = match found {
            MatchedRecord::Operation(route, values) => (*route, values),
            MatchedRecord::OtherVerbs(verbs) => {
                let allowed = verbs.iter().map(Verb::as_str).collect::<Vec<_>>().join(", ");
                let refusal = Refusal::new(
                    RefusalKind::MethodNotAllowed,
                    format!("{} is not possible here; {allowed} is", call.verb),
                );
                return Err(refusal.with(ALLOW, &allowed));
            }
            MatchedRecord::AuthServer(..) | MatchedRecord::Nothing => {
                return Err(Refusal::new(RefusalKind::NotFound, format!("there is nothing at {}", shown(call))));
            }
        };
        match (&route.step, &route.operation.job) {
            (Some((step, submitted)), _) => self.job_request(route, (*step, submitted), call, values),
            (None, None) => self.work(route, call, values),
            (None, Some(rule)) => {
                let reply = self.work(route, call, values)?;
                Ok(self.jobs.accept(rule, &self.job_place(call), reply))
            }
        }
    }

    fn job_place<'c>(&'c self, call: &'c SandboxCall) -> JobPlace<'c> {
        JobPlace { call, base: self.connection.base().path() }
    }

    /// The reply to a request of a job after the one that submitted it.
    fn job_request(
        &self,
        route: &Route,
        (step, submitted): (JobStep, &Operation),
        call: &SandboxCall,
        values: &Values,
    ) -> Result<SandboxReply, Refusal> {
        let Some(rule) = &submitted.job else { return self.work(route, call, values) };
        let id = values.iter().find(|(name, _)| name == JOB).map_or("", |(_, id)| id.as_str());
        // A list is read anew, so that it has pages; a write was done when it was accepted.
        let done = |kept: SandboxReply| match submitted.method {
            Method::Query => self.work(route, call, values),
            Method::Mutate | Method::Delete => Ok(kept),
        };
        match step {
            JobStep::State => self.jobs.state(rule, &self.job_place(call), id, done),
            JobStep::Result => self.jobs.reply(id).and_then(done),
            JobStep::Cancel => self.jobs.cancel(id),
        }
    }

    /// The reply of an operation to its request.
    fn work(&self, route: &Route, call: &SandboxCall, values: &Values) -> Result<SandboxReply, Refusal> {
        let operation = &route.operation;
        options::check_headers(operation, call)?;
        let sent = SentValues::read(operation, call, values)?;
        let items = input::read(operation, &sent)?;
        let options = options::read(operation, &sent)?;
        match &route.part {
            PathPart::Fixed(reply) => Ok(reply.clone()),
            PathPart::Parts(parts) => {
                let collection = &*parts.collection;
                let linked = self.linked(collection);
                let mut tables = lock(&self.tables);
                let table = tables.open(collection, &[], &linked);
                let report = parts.report(operation, &items, |key| table.find(collection, key).is_ok());
                Ok(envelope::list(operation, report))
            }
            PathPart::Shape => envelope::by_shape(operation, &sent, &items, self.page_size_default),
            PathPart::Collection(collection, role) => {
                let linked = self.linked(collection);
                let asked = RequestedPage {
                    mock: self,
                    operation,
                    sent: &sent,
                    options: &options,
                    collection,
                    linked: &linked,
                };
                let (path, key) = asked.split(values, *role);
                let mut tables = lock(&self.tables);
                tables.admit(if items.is_empty() { 0 } else { call.body.as_ref().map_or(0, bytes::Bytes::len) })?;
                asked.answer(*role, &mut tables, (&path, key), &items)
            }
        }
    }
}

fn shown(call: &SandboxCall) -> String {
    call.target.split('?').next().unwrap_or_default().chars().take(200).collect()
}

/// A call to an operation on a collection.
struct RequestedPage<'a> {
    mock: &'a MockConnector,
    operation: &'a Operation,
    sent: &'a SentValues<'a>,
    options: &'a Map<String, Value>,
    collection: &'a Collection,
    linked: &'a [Linked],
}

impl RequestedPage<'_> {
    /// Splits path values into those that identify the collection, under the collection's own names, and the key.
    fn split<'v>(&self, values: &'v Values, role: Role) -> (Vec<(String, String)>, &'v str) {
        let keyed = !matches!(role, Role::List | Role::Excerpt | Role::Count | Role::Create);
        let (path, key) = match values.split_last() {
            Some(((_, key), path)) if keyed => (path, key.as_str()),
            _ => (values, ""),
        };
        let names = self.collection.pattern.names();
        (names.into_iter().zip(path).map(|(name, (_, value))| (name, value.clone())).collect(), key)
    }

    fn answer(
        &self,
        role: Role,
        tables: &mut Tables,
        (path, key): (&Values, &str),
        items: &[Tree],
    ) -> Result<SandboxReply, Refusal> {
        let collection = self.collection;
        let empty = Tree::object();
        let item = items.first().unwrap_or(&empty);
        let table = tables.open(collection, path, self.linked);
        let written = match role {
            Role::List | Role::Excerpt => return self.list(&table.records, role),
            Role::Count => return Ok(envelope::count(self.operation, self.rows(&table.records)?.len())),
            Role::One => {
                let record = self.show(table.get(collection, key)?);
                return Ok(envelope::record(self.operation, StatusCode::OK, record));
            }
            Role::Create => table.create(collection, item, path)?,
            Role::Replace => table.replace(collection, key, item, path)?,
            Role::Merge => table.merge(collection, key, item)?,
            Role::Patch => table.patch(collection, key, items)?,
            Role::Delete => {
                let record = table.delete(collection, key)?;
                let usual = if matches!(self.operation.response.result, crate::definition::ResultShape::None) {
                    StatusCode::NO_CONTENT
                } else {
                    StatusCode::OK
                };
                return Ok(envelope::record(self.operation, usual, self.show(&record)));
            }
        };
        let record = tables.completed(collection, path, self.linked, written);
        if role != Role::Create {
            return Ok(envelope::record(self.operation, StatusCode::OK, self.show(&record)));
        }
        let mut reply = envelope::record(self.operation, StatusCode::CREATED, self.show(&record));
        if let Some(key) = collection.key_of(&record) {
            reply.set(LOCATION, &self.sent.call.below(&key));
        }
        Ok(reply)
    }

    fn list(&self, records: &[Tree], role: Role) -> Result<SandboxReply, Refusal> {
        let rows = self.rows(records)?;
        let total = rows.len();
        // A list that cannot be sorted is returned in the order of the records.
        let sortable = self.collection.sort.as_ref().filter(|sort| self.operation.option(&sort.option).is_some());
        let moves = sortable.is_some_and(|sort| sort.unsorted_moves) && self.order()?.is_empty();
        let page = paging::cut(self.operation, self.sent, PageRows { rows, moves }, self.mock.page_size_default)?;
        let show = |row: &Tree| match role {
            Role::Excerpt => self.show(&envelope::excerpt(self.operation, row)),
            _ => self.show(row),
        };
        Ok(envelope::page(self.operation, page, total, show))
    }

    /// The selected records in the requested order.
    fn rows<'s>(&self, records: &'s [Tree]) -> Result<Vec<&'s Tree>, Refusal> {
        let mut rows: Vec<&Tree> = records.iter().collect();
        for name in &self.collection.filter {
            if let Some(wanted) = self.options.get(name).and_then(scalar) {
                let path = fields::path(name);
                rows.retain(|row| row.at(&path).and_then(Tree::plain).as_deref() == Some(wanted.as_str()));
            }
        }
        if let Some(language) = &self.collection.language {
            let all_in_one = language.children.is_none();
            for (option, lists) in
                std::iter::once((&language.option, all_in_one)).chain(language.children.iter().map(|c| (c, true)))
            {
                if let Some(value) = self.options.get(option) {
                    let filter = self.filter(language.form, value, lists).map_err(|why| conditions(option, why))?;
                    rows.retain(|row| filter.matches(row, language.ignore_case));
                }
            }
        }
        fields::sort(&mut rows, &self.order()?);
        Ok(rows)
    }

    fn filter(&self, form: FilterForm, value: &Value, lists: bool) -> Result<RecordFilter, String> {
        let known = self.collection.fields();
        match form {
            FilterForm::Conditions => scalar(value)
                .map_or_else(|| Ok(RecordFilter::All(Vec::new())), |text| RecordFilter::parse(&text, known, lists)),
            FilterForm::Terms => terms::parse(value, known, lists),
        }
    }

    /// The requested order; empty without one.
    fn order(&self) -> Result<Vec<By>, Refusal> {
        let asked =
            self.collection.sort.as_ref().and_then(|sort| self.options.get(&sort.option).map(|value| (sort, value)));
        let Some((sort, value)) = asked else { return Ok(Vec::new()) };
        let key = sort.key.as_deref().map(|name| (name, self.collection.key.as_slice()));
        fields::order(value, self.collection.fields(), key).map_err(|why| conditions(&sort.option, why))
    }

    /// The record with the requested fields.
    fn show(&self, record: &Tree) -> Tree {
        let mut record = record.clone();
        self.collection.hidden.iter().for_each(|name| record.remove(name));
        let choice = self.collection.choice.as_ref().and_then(|c| fields::choice(self.options.get(&c.option)));
        choice.map_or_else(|| record.clone(), |paths| record.select(&paths))
    }
}

fn conditions(option: &str, why: String) -> Refusal {
    Refusal::new(RefusalKind::Conditions, format!("{option}: {why}")).at(option, "InvalidFilter")
}
