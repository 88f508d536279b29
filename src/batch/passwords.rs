//! Passwords of the databases that steps load from and save to: references, which the host resolves like those of connections.

use std::collections::BTreeMap;
use std::path::Path;

use super::config::BatchConfig;
use super::effects::DatabasePlace;
use super::file::BatchFile;
use super::local_file::LoadPart;
use super::save_file::{SavePart, SavePlacePart};
use super::webhook;
use crate::authoring::Checker;
use crate::connections::{ConnectionFile, ValueFile};
use crate::secret::Secret;
use crate::table::TableAddress;

/// The property of the made-up connection that is resolved.
const PASSWORD: &str = "password";

/// Passwords by step and place.
pub(super) type Passwords = BTreeMap<(String, DatabasePlace), Secret>;

/// The passwords that the places name.
pub(super) fn passwords(c: &mut Checker<'_>, config: &BatchConfig, folder: &Path, file: &BatchFile) -> Passwords {
    let mut passwords = Passwords::new();
    let lists = [("steps", &file.steps), ("on_failure", &file.on_failure), ("finally", &file.finally)];
    for (key, steps) in lists {
        for (index, step) in steps.iter().enumerate() {
            let saved = step.save.as_ref().map(SavePart::places).unwrap_or_default().into_iter().enumerate();
            let saved = saved.map(|(number, (below, part))| {
                let (to, value) = match part {
                    SavePlacePart::Path(to) => (to, None),
                    SavePlacePart::File(file) => (file.to, file.password),
                };
                (DatabasePlace::Save(number), format!("/save{below}"), to, value)
            });
            let loaded = step.load.as_ref().and_then(|part| match part {
                LoadPart::Path(from) => Some((from.clone(), None)),
                LoadPart::File(file) => Some((file.from.clone(), file.password.clone())),
                LoadPart::Left(_) => None,
            });
            let loaded = loaded.map(|(from, value)| (DatabasePlace::Load, "/load".to_owned(), from, value));
            for (place, at, address, value) in saved.chain(loaded) {
                let at = format!("/{key}/{index}{at}");
                if let Some(secret) = password(c, &at, (config, folder), &step.id, (&address, value.as_ref())) {
                    passwords.insert((step.id.clone(), place), secret);
                }
            }
        }
    }
    passwords
}

fn password(
    c: &mut Checker<'_>,
    at: &str,
    (config, folder): (&BatchConfig, &Path),
    step: &str,
    (address, value): (&str, Option<&ValueFile>),
) -> Option<Secret> {
    let written = TableAddress::is_one(address).then(|| TableAddress::parse(address, folder).ok()).flatten();
    if written.is_some_and(|address| address.password.is_some()) {
        let advice = "remove it from the address, and refer to it: password: { env: NAME }";
        c.fault(at, "a password does not belong in a batch file", Some(advice.into()));
        return None;
    }
    let value = value?;
    let at = format!("{at}/password");
    let ValueFile::Reference(_) = value else {
        let advice = "refer to it: password: { env: NAME }, or { file: PATH }";
        c.fault(&at, "a password does not belong in a batch file", Some(advice.into()));
        return None;
    };
    let values = BTreeMap::from([(PASSWORD.to_owned(), value.clone())]);
    let connection = ConnectionFile { connector: "database".to_owned(), values, ..webhook::connection(value) };
    match (config.resolve)(folder, &format!("database of {step}"), &connection) {
        Ok(mut spec) => spec.values.remove(PASSWORD).map(Secret::new),
        Err(error) => {
            c.fault(&at, error.message.clone(), error.advice.clone());
            None
        }
    }
}
