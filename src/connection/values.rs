//! Checks the property values of a connection against the rules of its connector. Pure.

use std::collections::BTreeMap;

use super::spec::ConnectionSpec;
use crate::definition::{Connector, Property, value_of};
use crate::error::{Advice, Fault, Place, did_you_mean};
use crate::json_pointer::escape;
use crate::secret::Secret;

/// Advice for a value that adds a query to a base address.
pub(super) const NO_QUERY: &str = "remove the part from ? or # on; query parameters are options of the operation";

/// The fault of one key of a connection.
pub(crate) struct ValueFault {
    /// The key, below the connection.
    pub(crate) field: String,
    pub(crate) message: String,
    pub(crate) advice: Option<&'static str>,
}

impl ValueFault {
    pub(super) fn of(field: &str, message: String) -> ValueFault {
        ValueFault { field: field.to_owned(), message, advice: None }
    }

    pub(crate) fn into_fault(self) -> Fault {
        let pointer = self.field.split('/').map(escape).collect::<Vec<_>>().join("/");
        Fault {
            place: Place::field(format!("/{pointer}")),
            message: self.message,
            advice: self.advice.map(Advice::from),
        }
    }
}

/// Checks the values of the properties that are `given`: returns the valid ones, and every fault.
pub(crate) fn check(
    connector: &Connector,
    spec: &ConnectionSpec,
    given: impl Fn(&Property) -> bool,
) -> (BTreeMap<String, Secret>, Vec<ValueFault>) {
    let hint = |name: &str| did_you_mean(name, connector.properties.iter().map(|p| p.name.as_str()));
    let unknown = spec.values.keys().filter(|name| connector.property(name).is_none());
    let mut faults: Vec<ValueFault> = unknown
        .map(|name| ValueFault::of(name, format!("`{name}` is not a property of {}{}", connector.name, hint(name))))
        .collect();
    let mut values = BTreeMap::new();
    for property in connector.properties.iter().filter(|property| given(property)) {
        let name = &property.name;
        match value_of(property, spec.values.get(name).map(String::as_str)) {
            Ok(Some(value)) if breaks_address(connector, name, &value) => {
                let message = format!("`{name}` becomes part of the address, which cannot have a query or a fragment");
                faults.push(ValueFault { advice: Some(NO_QUERY), ..ValueFault::of(name, message) });
            }
            Ok(Some(value)) => {
                values.insert(name.clone(), Secret::new(value));
            }
            Ok(None) => {}
            Err((message, advice)) => faults.push(ValueFault { advice, ..ValueFault::of(name, message) }),
        }
    }
    (values, faults)
}

/// Whether a value would add a query or a fragment to the address to which paths are appended.
fn breaks_address(connector: &Connector, name: &str, value: &str) -> bool {
    value.contains(['?', '#']) && connector.base_url.names().any(|n| n == name)
}
