//! Passwords of the databases that steps save to: references, which the host resolves like those of connections.

use std::collections::BTreeMap;
use std::path::Path;

use super::config::BatchConfig;
use super::file::BatchFile;
use super::save_file::{SaveFile, SavePart, SavePlacePart};
use super::webhook;
use crate::authoring::Checker;
use crate::connections::{ConnectionFile, ValueFile};
use crate::secret::Secret;
use crate::table::TableAddress;

/// The property of the made-up connection that is resolved.
const PASSWORD: &str = "password";

/// Passwords by step and number of the place.
pub(super) type Passwords = BTreeMap<(String, usize), Secret>;

/// The passwords that the places name.
pub(super) fn passwords(c: &mut Checker<'_>, config: &BatchConfig, folder: &Path, file: &BatchFile) -> Passwords {
    let mut passwords = Passwords::new();
    let lists = [("steps", &file.steps), ("on_failure", &file.on_failure), ("finally", &file.finally)];
    for (key, steps) in lists {
        for (index, step) in steps.iter().enumerate() {
            for (number, (at, place)) in places(step.save.as_ref()).into_iter().enumerate() {
                let at = format!("/{key}/{index}/save{at}");
                if let Some(secret) = password(c, &at, (config, folder), &step.id, &place) {
                    passwords.insert((step.id.clone(), number), secret);
                }
            }
        }
    }
    passwords
}

/// The places of a step, each with where it is written.
fn places(part: Option<&SavePart>) -> Vec<(String, SaveFile)> {
    match part {
        None => Vec::new(),
        Some(SavePart::Path(to)) => vec![(String::new(), SaveFile::of(to.clone()))],
        Some(SavePart::File(file)) => vec![(String::new(), file.clone())],
        Some(SavePart::Several(parts)) => {
            let one = |(index, part): (usize, &SavePlacePart)| match part {
                SavePlacePart::Path(to) => (format!("/{index}"), SaveFile::of(to.clone())),
                SavePlacePart::File(file) => (format!("/{index}"), file.clone()),
            };
            parts.iter().enumerate().map(one).collect()
        }
    }
}

fn password(
    c: &mut Checker<'_>,
    at: &str,
    (config, folder): (&BatchConfig, &Path),
    step: &str,
    place: &SaveFile,
) -> Option<Secret> {
    let written = TableAddress::is_one(&place.to).then(|| TableAddress::parse(&place.to, folder).ok()).flatten();
    if written.is_some_and(|address| address.password.is_some()) {
        let advice = "remove it from the address, and refer to it: password: { env: NAME }";
        c.fault(at, "a password does not belong in a batch file", Some(advice.into()));
        return None;
    }
    let value = place.password.as_ref()?;
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
