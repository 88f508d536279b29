//! Records: found by name, and what uses each.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Catalog;
use super::pack::Pack;
use crate::definition::method::Method;
use crate::definition::operation::Record;
use crate::definition::search::says_create;
use crate::definition::summary::OperationSummary;
use crate::error::{Advice, Error, ErrorKind, Result, did_you_mean};

/// What uses a record.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct RecordUses {
    /// The operations that return it.
    pub read: Vec<OperationSummary>,
    /// Those that create it.
    pub created: Vec<OperationSummary>,
    /// Those that change it.
    pub changed: Vec<OperationSummary>,
    /// Those that delete it.
    pub deleted: Vec<OperationSummary>,
    /// The records that have it in one of their fields.
    pub referred: Vec<String>,
}

impl Catalog {
    /// The names of a connector's records, in file order.
    ///
    /// # Errors
    /// `unknown_operation` when there is no such connector.
    pub fn record_names(&self, connector: &str) -> Result<impl Iterator<Item = &str> + use<'_>> {
        self.pack(connector).map(|pack| pack.names("records"))
    }

    /// A record by its name, if only one connector has one of this name, or by `connector/Name`; with its connector.
    ///
    /// # Errors
    /// `unknown_operation` with the nearest name; `definition` when its definition is invalid.
    pub fn find_record(&self, name: &str) -> Result<(String, Arc<Record>)> {
        let named = name.split_once('/').filter(|(connector, _)| self.packs.contains_key(*connector));
        let (packs, own): (Vec<&Pack>, &str) = match named {
            Some((connector, own)) => (self.pack(connector).into_iter().collect(), own),
            None => (self.packs.values().collect(), name),
        };
        let holders: Vec<&&Pack> = packs.iter().filter(|pack| pack.has("records", own)).collect();
        match holders.as_slice() {
            [one] => {
                let record = one.record(own)?;
                record.map(|record| (one.name.clone(), record)).ok_or_else(|| {
                    Error::new(ErrorKind::Definition, format!("the record `{own}` of {} is invalid", one.name))
                        .advise(Advice::CheckFile(String::new()))
                })
            }
            [] => {
                let hint = did_you_mean(own, packs.iter().flat_map(|pack| pack.names("records")));
                let message = match packs.as_slice() {
                    [one] => format!("{} has no record `{own}`{hint}", one.name),
                    _ => format!("no connector has a record `{own}`{hint}"),
                };
                Err(Error::new(ErrorKind::UnknownOperation, message))
            }
            several => {
                let full: Vec<String> = several.iter().map(|pack| format!("{}/{own}", pack.name)).collect();
                Err(Error::new(ErrorKind::UnknownOperation, format!("several connectors have a record `{own}`"))
                    .advise(format!("write {}", full.join(" or "))))
            }
        }
    }

    /// The operations and records that use a record. Operations that name it are found by its name, others by the path
    /// of those that return it.
    ///
    /// # Errors
    /// `unknown_operation` when there is no such connector.
    pub fn record_uses(&self, connector: &str, record: &str) -> Result<RecordUses> {
        let pack = self.pack(connector)?;
        let name: Arc<str> = pack.name.as_str().into();
        let mut uses = RecordUses::default();
        let (mut naming, mut others) = (Vec::new(), Vec::new());
        for id in pack.names("operations") {
            // Faults are shown where the operation is listed.
            let Ok(Some(summary)) = pack.summary(&name, id) else { continue };
            match pack.names_record(id, record) {
                true => naming.push(summary),
                false => others.push(summary),
            }
        }
        let read = |summary: &&OperationSummary| summary.method == Method::Query;
        let paths: BTreeSet<String> = naming.iter().filter(read).map(|summary| general(&summary.request)).collect();
        let works_there = |summary: &OperationSummary| {
            let path = general(&summary.request);
            let above = path.strip_suffix("/{}").unwrap_or(&path);
            summary.method != Method::Query && (paths.contains(&path) || paths.contains(above))
        };
        naming.extend(others.into_iter().filter(works_there));
        for summary in naming {
            let place = match summary.method {
                Method::Query => &mut uses.read,
                Method::Delete => &mut uses.deleted,
                Method::Mutate if creates(&summary) => &mut uses.created,
                Method::Mutate => &mut uses.changed,
            };
            place.push(summary);
        }
        let refers = |other: &&str| *other != record && pack.refers("records", other, record);
        uses.referred = pack.names("records").filter(refers).map(str::to_owned).collect();
        Ok(uses)
    }
}

/// The path of a request with `{}` for each value.
fn general(request: &str) -> String {
    let path = request.split_once(' ').map_or(request, |(_, path)| path);
    let path = path.split('?').next().unwrap_or_default().trim_end_matches('/');
    let segment = |segment: &str| if segment.contains('{') { "{}".to_owned() } else { segment.to_lowercase() };
    path.split('/').map(segment).collect::<Vec<_>>().join("/")
}

/// Whether an operation creates: with POST to a list. POST behind the id of a record is an action on it, unless its
/// name says that it creates.
fn creates(operation: &OperationSummary) -> bool {
    let path = general(&operation.request);
    let mut segments = path.rsplit('/');
    let (last, above) = (segments.next(), segments.next());
    let is_of_one = last == Some("{}") || above == Some("{}");
    operation.request.starts_with("POST ") && (!is_of_one || says_create(&operation.id))
}
