//! Digests of all that a run depends on, by which a later run knows whether it can go on with it.

use std::collections::BTreeMap;

use super::check::CheckContext;
use super::run_plan::{CalledOperation, Fingerprints, Step};
use crate::connections::ConnectionFile;
use crate::definition::Catalog;
use crate::secret::digest;

/// Digests of all inputs of each job. Of the batch file only its meaning counts.
pub(super) fn fingerprints(context: &CheckContext<'_>, steps: &[Step]) -> Vec<Fingerprints> {
    let of_kind = |kind: &str, values: &BTreeMap<String, String>| -> Fingerprints {
        values.iter().map(|(name, value)| (format!("the {kind} {name}"), fingerprint(value))).collect()
    };
    let mut shared = of_kind("variable", context.vars);
    shared.extend(of_kind("input", context.inputs));
    shared.extend(of_kind("environment variable", context.env));
    let (catalog, known) = (context.catalog, context.known);
    let of_job = |number: usize| {
        let mut found = shared.clone();
        for step in steps {
            found.insert(format!("the step {}", step.id), fingerprint(&step.meaning(number)));
            let verify = step.verify.as_ref().map(|verify| &verify.operation);
            // A step without a connector calls no operation of the catalogue.
            let called = Some(&step.operation).filter(|operation| !operation.connector.is_empty());
            for CalledOperation { connector, id, .. } in called.into_iter().chain(verify) {
                found
                    .entry(format!("the definition of {connector}/{id}"))
                    .or_insert_with(|| fingerprint(&catalog.definition_text(connector, id)));
            }
            let own = step.connections.get(number).and_then(|name| Some((name, known.get(name)?)));
            if let Some((name, connection)) = own {
                found
                    .entry(format!("the connection {name}"))
                    .or_insert_with(|| fingerprint(&connection_text(catalog, connection)));
            }
        }
        found
    };
    (0..context.jobs.len()).map(of_job).collect()
}

/// A connection with its address and without secrets: secrets may be renewed before a run resumes.
fn connection_text(catalog: &Catalog, connection: &ConnectionFile) -> String {
    let connector = catalog.connector(&connection.connector).ok();
    let is_plain = |property: &str| connector.as_ref().and_then(|c| c.property(property)).is_some_and(|p| !p.secret);
    let plain: Vec<String> =
        connection.values.iter().filter(|(p, _)| is_plain(p)).map(|(p, v)| format!("{p}={v:?}")).collect();
    let account = connection.account.as_ref().map(|a| format!("{a:?}\n")).unwrap_or_default();
    format!("{}\n{:?}\n{account}{}", connection.connector, connection.reroute, plain.join("\n"))
}

/// A short digest.
pub(super) fn fingerprint(text: &str) -> String {
    digest([text])
}
