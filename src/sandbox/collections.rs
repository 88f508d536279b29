//! Which part of a simulated connector answers a request: a collection of its sandbox.yaml, one that a list of the
//! connector makes, or a reply of the declared shape. Nothing is made before a request needs it.

use std::sync::Arc;

use http::Method as Verb;

use super::http::PARAMETER;
use super::mock_connector::MockConnector;
use super::records::{Collection, FieldLink, Linked, links};
use super::roles::{Role, beside, on_all, on_one};
use super::routes::{MockRoute, PathPart, Route};
use crate::definition::{JobPart, Method, Operation, ResultShape};
use crate::lock::lock;

impl MockConnector {
    /// What answers the requests of a route; `None` if its operation is faulty.
    pub(super) fn route<'r>(&self, route: &'r MockRoute) -> Option<&'r Route> {
        let read = || {
            let operation = self.operation(route)?;
            let part = self.part(&operation, route);
            let Some(step) = route.step else { return Some(Route { operation, part, step: None }) };
            let own = operation.of_job(route.verb.clone(), String::new(), JobPart::Result);
            Some(Route { operation: Arc::new(own), part, step: Some((step, operation)) })
        };
        route.route.get_or_init(read).as_ref()
    }

    fn operation(&self, route: &MockRoute) -> Option<Arc<Operation>> {
        let known = route.operation.as_ref().map(Arc::clone);
        known.or_else(|| self.catalog.operation(Some(&self.connector.name), &route.id).ok())
    }

    /// The part that answers an operation, selected by its path.
    fn part(&self, operation: &Operation, route: &MockRoute) -> PathPart {
        if let Some(told) = self.told.get(&operation.id) {
            return told.clone();
        }
        let found = self.role(operation, &route.shape);
        found.map_or(PathPart::Shape, |(collection, role)| PathPart::Collection(collection, role))
    }

    fn role(&self, operation: &Operation, shape: &str) -> Option<(Arc<Collection>, Role)> {
        let with = |collection: Arc<Collection>, role: Option<Role>| Some((collection, role?));
        if let Some(declared) = self.declared(shape) {
            return with(declared, on_all(operation));
        }
        let (above, last) = shape.rsplit_once('/')?;
        if last == PARAMETER
            && let Some(role) = on_one(operation)
            && let Some(collection) = self.collection_at(above)
        {
            return Some((collection, role));
        }
        // `info` of a count, and the count of an `info`.
        let is_count = operation.response.result == ResultShape::Count;
        let both = ["/info/count", "/count/info"].iter().find_map(|end| shape.strip_suffix(end)).filter(|_| is_count);
        let twin = both.map(|above| (above, Role::Count)).or_else(|| Some((above, beside(operation, last)?)));
        if let Some((above, role)) = twin
            && let Some(collection) = self.collection_at(above)
        {
            return Some((collection, role));
        }
        with(self.derived_at(shape)?, on_all(operation))
    }

    fn declared(&self, shape: &str) -> Option<Arc<Collection>> {
        self.collections.iter().find(|collection| collection.shape == shape).map(Arc::clone)
    }

    fn collection_at(&self, shape: &str) -> Option<Arc<Collection>> {
        self.declared(shape).or_else(|| self.derived_at(shape))
    }

    /// The collection of the list at a path, if it makes one.
    fn derived_at(&self, shape: &str) -> Option<Arc<Collection>> {
        self.derived(*self.reads.get(shape)?)
    }

    fn derived(&self, number: usize) -> Option<Arc<Collection>> {
        let route = self.routes.get(number)?;
        route.derived.get_or_init(|| self.derive(number, route).map(Arc::new)).as_ref().map(Arc::clone)
    }

    fn derive(&self, number: usize, route: &MockRoute) -> Option<Collection> {
        let operation = self.operation(route)?;
        let is_list = operation.method == Method::Query && operation.response.result == ResultShape::List;
        let is_own = operation.job.is_none() && operation.response.parts.is_none();
        if !is_list || !is_own || self.told.contains_key(&operation.id) {
            return None;
        }
        let below = format!("{}/{PARAMETER}", route.shape);
        let one = self.routes.iter().filter(|other| other.shape == below && other.step.is_none());
        let key = one.min_by_key(|other| other.verb != Verb::GET).and_then(|other| other.own.last_name());
        let place = (self.collections.len() + number, route.own.clone());
        Collection::of_list(place, key, self.derived_count, &self.file, operation.record()?)
    }

    /// The fields of a collection's records that refer to other collections; those with the fewest parameters first.
    pub(super) fn linked(&self, collection: &Collection) -> Arc<Vec<Linked>> {
        if let Some(found) = lock(&self.linked).get(&collection.index) {
            return Arc::clone(found);
        }
        let linked = |link: FieldLink| Some(Linked { target: self.target(&link)?, place: link.place });
        let mut found: Vec<Linked> = links(collection).into_iter().filter_map(linked).collect();
        found.sort_by_key(|link| link.target.shape.matches(PARAMETER).count());
        let found = Arc::new(found);
        lock(&self.linked).insert(collection.index, Arc::clone(&found));
        found
    }

    fn target(&self, link: &FieldLink) -> Option<Arc<Collection>> {
        match link.record.as_ref().and_then(|record| self.file.references.get(record)) {
            Some(name) => self.named(name),
            None => link.names.iter().find_map(|record| self.holding(record)),
        }
    }

    /// The collection of this name.
    fn named(&self, name: &str) -> Option<Arc<Collection>> {
        let declared = self.collections.iter().find(|collection| collection.name == name).map(Arc::clone);
        declared.or_else(|| self.lists(|route| route.own.name() == name).into_iter().find_map(|n| self.derived(n)))
    }

    /// The collection of a record.
    fn holding(&self, record: &str) -> Option<Arc<Collection>> {
        if let Some(declared) = self.collections.iter().find(|collection| collection.record == record) {
            return Some(Arc::clone(declared));
        }
        if let Some(found) = lock(&self.holding).get(record) {
            return found.clone();
        }
        let connector = &self.connector.name;
        let lists = self.lists(|route| self.catalog.names_record(connector, &route.id, record));
        let mut derived = lists.into_iter().filter_map(|number| self.derived(number));
        let found = derived.find(|collection| collection.record == record);
        lock(&self.holding).insert(record.to_owned(), found.clone());
        found
    }

    /// The numbers of routes that may be lists, those with the fewest parameters and the shortest paths first.
    fn lists(&self, fits: impl Fn(&MockRoute) -> bool) -> Vec<usize> {
        let is_twin = |shape: &str| ["/info", "/count", PARAMETER].iter().any(|end| shape.ends_with(end));
        let numbered = self.routes.iter().enumerate().filter(|(_, route)| route.verb == Verb::GET);
        let mut found: Vec<(usize, &MockRoute)> =
            numbered.filter(|(_, route)| route.step.is_none() && !is_twin(&route.shape) && fits(route)).collect();
        found.sort_by_key(|(_, route)| (route.shape.matches(PARAMETER).count(), route.shape.len()));
        found.into_iter().map(|(number, _)| number).collect()
    }
}
