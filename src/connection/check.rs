//! A connections file against its connectors: every fault with its place. References are not followed; that is the caller's.

use super::{ConnectionFile, ConnectionsFile, NO_QUERY, ValueFile, account, breaks_address, value_of};
use crate::definition::{Catalog, Checker, Connector, Property, into_faults};
use crate::error::{Fault, did_you_mean};
use crate::yaml::{Document, escape};

impl ConnectionsFile {
    /// Every fault of a connections file together with its connectors, each with its place. References are not followed.
    #[must_use]
    pub fn faults(file: &str, text: &str, catalog: &Catalog) -> Vec<Fault> {
        let mirror = match ConnectionsFile::parse(file, text) {
            Ok(mirror) => mirror,
            Err(error) => return into_faults(error),
        };
        let Ok(doc) = Document::parse(file, text, 0) else { return Vec::new() };
        let mut c = Checker::new(&doc);
        for (name, connection) in &mirror.connections.0 {
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
        for name in self.values.keys().filter(|n| connector.property(n).is_none()) {
            let hint = did_you_mean(name, connector.properties.iter().map(|p| p.name.as_str()));
            c.fault(
                &format!("{at}/{}", escape(name)),
                format!("`{name}` is not a property of {}{hint}", connector.name),
                None,
            );
        }
        let has = |name: &str| {
            self.values.contains_key(name) || connector.property(name).is_some_and(|p| p.default.is_some())
        };
        if let Some((message, advice)) = account::fault(connector, self.account.as_deref(), has) {
            // A key that is missing has no place of its own.
            let place = if self.account.is_some() { format!("{at}/account") } else { at.to_owned() };
            c.fault(&place, message, advice.map(str::to_owned));
        }
        // What a reference leads to is known when the connection is opened; here it counts as given.
        let given = |p: &&Property| !matches!(self.values.get(&p.name), Some(ValueFile::Reference(_)));
        let Ok(spec) = self.resolve(|_, _| Ok(String::new())) else { return };
        for property in connector.properties.iter().filter(given) {
            let place = format!("{at}/{}", escape(&property.name));
            match value_of(property, &spec) {
                Err((message, advice)) => c.fault(&place, message, advice.map(str::to_owned)),
                Ok(Some(value)) if breaks_address(connector, &property.name, &value) => {
                    let message =
                        format!("`{}` is put into the address, which has no query and no fragment", property.name);
                    c.fault(&place, message, Some(NO_QUERY.to_owned()));
                }
                Ok(_) => {}
            }
        }
    }
}
