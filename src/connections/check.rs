//! Checks a connections file against its connectors: every fault with its place. Does not resolve references.

use super::{ConnectionFile, ConnectionsFile, ValueFile};
use crate::authoring::Checker;
use crate::authoring::Document;
use crate::connection::{ValueFault, account_fault, check_values, network_faults};
use crate::definition::{Catalog, Connector, Property};
use crate::error::{Advice, Fault};
use crate::json_pointer::escape;

impl ConnectionsFile {
    /// Every fault of a connections file with its connectors, each with its place. Does not resolve references.
    #[must_use]
    pub fn faults(file: &str, text: &str, catalog: &Catalog) -> Vec<Fault> {
        let mirror = match ConnectionsFile::parse(file, text) {
            Ok(mirror) => mirror,
            Err(error) => return error.to_faults(),
        };
        let Ok(doc) = Document::parse(file, text, 0) else { return Vec::new() };
        let mut c = Checker::new(&doc);
        for (name, connection) in &mirror.connections {
            let at = format!("/connections/{}", escape(name));
            match catalog.connector(&connection.connector) {
                Ok(connector) => connection.check(&mut c, &at, &connector),
                Err(error) => c.fault(&format!("{at}/connector"), error.message.clone(), error.advice.clone()),
            }
        }
        c.faults
    }
}

impl ConnectionFile {
    fn check(&self, c: &mut Checker<'_>, at: &str, connector: &Connector) {
        // A reference is resolved when the connection is opened; here it counts as given.
        let given = |p: &Property| !matches!(self.values.get(&p.name), Some(ValueFile::Reference(_)));
        let Ok(spec) = self.resolve(|_, _| Ok(String::new())) else { return };
        let (_, mut faults) = check_values(connector, &spec, given);
        let has = |name: &str| {
            self.values.contains_key(name) || connector.property(name).is_some_and(|p| p.default.is_some())
        };
        // References resolve to an empty text here, which is no fault of the file.
        let network = network_faults(spec.tls.as_ref(), spec.proxy.as_ref());
        faults.extend(network.into_iter().filter(|fault| !fault.message.ends_with("is empty")));
        faults.extend(account_fault(connector, self.account.as_deref(), has));
        for ValueFault { field, message, advice } in faults {
            // A missing key has no place of its own.
            let is_missing = field == "account" && self.account.is_none();
            let place = if is_missing {
                at.to_owned()
            } else {
                format!("{at}/{}", field.split('/').map(escape).collect::<Vec<_>>().join("/"))
            };
            c.fault(&place, message, advice.map(Advice::from));
        }
    }
}
