//! Every authoring fault of a connector's files.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::Ordering;

use super::super::slice::SECTIONS;
use super::super::source::DefinitionSource;
use super::Pack;
use super::top_level::top_level;
use crate::authoring::{Document, Format, in_file};
use crate::definition::connector::Connector;
use crate::definition::field_values::{VALUES, each_values, value_source};
use crate::definition::method::Method;
use crate::definition::migrate::{self, OldKey};
use crate::definition::operation::Operation;
use crate::definition::option_rule::ValueSource;
use crate::error::{Error, ErrorKind, Fault, did_you_mean};
use crate::json_pointer::{escape, unescape};

/// Takes a field's `values`: the document, its place there, the field, and what it says.
type FoundValues<'f> = &'f mut dyn FnMut(&Document, &str, &str, Result<ValueSource, String>);

impl Pack {
    /// Every fault of every file of the connector.
    pub(in crate::definition::catalog) fn faults(&self) -> Vec<Fault> {
        self.strict.store(true, Ordering::Relaxed);
        // Entries that were read before were not checked in full.
        self.forget();
        let mut errors: Vec<Error> = Vec::new();
        errors.extend(self.own_connector().err());
        if let Some(Ok(doc)) = self.last_named("connector.yaml").map(|source| self.whole(source)) {
            errors.extend(old_keys(Format::Connector, &doc));
        }
        errors.extend(self.sandbox().err());
        let mut names = HashMap::new();
        for (_, source) in self.areas() {
            match source.text().and_then(|text| Document::parse(source.name(), text, 0)) {
                Err(error) => errors.push(error),
                Ok(doc) => {
                    let format =
                        if doc.keys("").contains(&"templates") { Format::Templates } else { Format::Operations };
                    errors.extend(top_level(format, &doc));
                    errors.extend(old_keys(format, &doc));
                    errors.extend(twice(&mut names, source, &doc));
                }
            }
        }
        errors.extend(self.override_errors());
        errors.extend(self.entry_errors());
        self.strict.store(false, Ordering::Relaxed);
        self.forget();
        // The entry's check reports what the file's schema reports.
        let mut told = HashSet::new();
        let mut is_new =
            |fault: &Fault| told.insert((fault.place.line, fault.place.file.clone(), fault.message.clone()));
        errors.iter().flat_map(Error::to_faults).filter(|fault| is_new(fault)).collect()
    }

    fn entry_errors(&self) -> Vec<Error> {
        let mut errors = Vec::new();
        let names = |section| self.names(section);
        errors.extend(names("records").filter_map(|n| self.later_record(n).err()));
        errors.extend(names("operations").filter_map(|n| self.operation(n).err()));
        errors.extend(names("templates").filter_map(|n| self.template(n).err()));
        errors.extend(names("operations").filter_map(|n| self.operation(n).ok()?).flat_map(|o| self.value_errors(&o)));
        for section in ["records", "operations"] {
            errors.extend(names(section).flat_map(|name| self.field_value_errors(section, name)));
        }
        errors.extend(self.connector().ok().and_then(|connector| self.probe_error(&connector)));
        errors
    }

    /// Operations that are named and do not exist, or cannot give the values of an option.
    fn value_errors(&self, operation: &Operation) -> Vec<Error> {
        let placed = |pointer: String, message: String| {
            let error = Error::new(ErrorKind::Definition, message);
            let doc = self.document("operations", &operation.id).ok().flatten();
            match doc.map(|doc| doc.place(&format!("/{}{pointer}", escape(&operation.id)))) {
                Some(place) => error.at(place),
                None => error,
            }
        };
        let mut errors = Vec::new();
        let wrong_use = match &operation.deprecated {
            Some(Some(instead)) if *instead == operation.id => Some("an operation cannot replace itself".to_owned()),
            Some(Some(instead)) if !self.has("operations", instead) => {
                Some(self.unknown_operation(instead).message.clone())
            }
            _ => None,
        };
        errors.extend(wrong_use.map(|why| placed("/deprecated/use".to_owned(), why)));
        for option in &operation.options {
            let Some(why) = option.values.as_ref().and_then(|source| self.wrong_source(source)) else { continue };
            let pointer = format!("/options/{}/values", escape(&option.name));
            errors.push(placed(pointer, format!("the values of `{}`: {why}", option.name)));
        }
        errors
    }

    /// Why a query cannot give values.
    fn wrong_source(&self, source: &ValueSource) -> Option<String> {
        match self.operation(&source.operation) {
            Ok(Some(query)) if query.method != Method::Query => Some(format!("{} is not a query", query.id)),
            Ok(Some(query)) => {
                let given: serde_json::Map<_, _> =
                    source.options.iter().map(|(name, json)| (name.clone(), json.to_value())).collect();
                query.check_options(&given).err().map(|error| error.message.clone())
            }
            Ok(None) => Some(self.unknown_operation(&source.operation).message.clone()),
            // Its own fault is reported there.
            Err(_) => None,
        }
    }

    /// Fields of a record, or of the items of an operation, whose values cannot be given.
    fn field_value_errors(&self, section: &'static str, name: &str) -> Vec<Error> {
        let mut errors = Vec::new();
        self.each_field_values(section, name, &mut |doc, at, field, source| {
            if let Some(why) = source.map_or_else(Some, |source| self.wrong_source(&source)) {
                let error = Error::new(ErrorKind::Definition, format!("the values of `{field}`: {why}"));
                errors.push(error.at(doc.place(at)));
            }
        });
        errors
    }

    /// Each key `values` of a field in an entry: its document, its place, the field, and what it says.
    pub(super) fn each_field_values(&self, section: &'static str, name: &str, found: FoundValues<'_>) {
        // Most entries have none, and are not parsed again.
        if !self.entry_text(section, name).contains(VALUES) {
            return;
        }
        let Ok(Some(doc)) = self.document(section, name) else { return };
        let within = if section == "records" { "schema" } else { "items/schema" };
        let at = format!("/{}/{within}", escape(name));
        let value = doc.to_value();
        let Some(schema) = value.pointer(&at) else { return };
        each_values(schema, &at, &mut |at, values| {
            let field = at.rsplit('/').nth(1).map(unescape).unwrap_or_default();
            found(&doc, &at, &field, value_source(&values.to_string()));
        });
    }

    /// Faults that prevent the probe from being called.
    fn probe_error(&self, connector: &Connector) -> Option<Error> {
        let probe = connector.probe.as_ref()?;
        let wrong = |error: Error| {
            let file = self.last_named("connector.yaml").map(DefinitionSource::name).unwrap_or_default();
            Some(error.with(|d| {
                d.message = format!("the probe is invalid: {}", d.message);
                d.place = Some(in_file(file));
            }))
        };
        // Faults of the operation itself are reported there.
        let Some(operation) = self.operation(&probe.operation).ok()? else {
            return wrong(self.unknown_operation(&probe.operation));
        };
        let given = |name: &str| probe.options.iter().any(|(given, _)| given == name);
        let error = |message: String| wrong(Error::new(ErrorKind::Definition, message));
        if operation.method != Method::Query {
            return error(format!("{} is not a query", operation.id));
        }
        if let Some((name, _)) = probe.options.iter().find(|(name, _)| operation.option(name).is_none()) {
            return error(format!(
                "{} has no option `{name}`{}",
                operation.id,
                did_you_mean(name, operation.options.iter().map(|o| o.name.as_str()))
            ));
        }
        let missing = operation.options.iter().find(|o| o.required && !given(&o.name))?;
        error(format!("{} needs the option `{}`", operation.id, missing.name))
    }
}

/// Keys of version 1 in a file that says that it is of version 2.
fn old_keys(format: Format, doc: &Document) -> Vec<Error> {
    let file = doc.to_value();
    if file.get("version").and_then(serde_json::Value::as_u64) != Some(2) {
        return Vec::new();
    }
    let fault = |key: OldKey| {
        let is_unquoted = file.pointer(&format!("{}/{}", key.parent, key.key)).is_some_and(serde_json::Value::is_null);
        let message = match is_unquoted {
            true => format!("without quotes, {{{0}}} is a map: write \"{{{0}}}\"", key.key),
            false => format!("`{}` is a key of version 1; write `{}`", key.key, key.instead),
        };
        Error::new(ErrorKind::Definition, message).at(doc.place_of_key(&key.parent, key.key))
    };
    migrate::old_keys(format, &file).into_iter().map(fault).collect()
}

/// Entries that another file of the same folder also defines. Overriding a built-in entry or one of another folder is
/// intended; this is a mistake.
fn twice(
    names: &mut HashMap<(String, &'static str, String), String>,
    source: &DefinitionSource,
    doc: &Document,
) -> Vec<Error> {
    let file = source.file_name();
    let folder = source.name().strip_suffix(file).unwrap_or_default();
    let mut errors = Vec::new();
    // A host may add any files, repeatedly.
    let sections = if matches!(source, DefinitionSource::Later { .. }) { &SECTIONS[..] } else { &[] };
    for section in sections {
        for name in doc.keys(&format!("/{section}")) {
            let other = names.insert((folder.to_owned(), *section, name.to_owned()), file.to_owned());
            if let Some(other) = other.filter(|other| other != file) {
                let message = format!("`{name}` is also defined in {other}; only one is used");
                errors.push(
                    Error::new(ErrorKind::Definition, message).at(doc.place_of_key(&format!("/{section}"), name)),
                );
            }
        }
    }
    errors
}
