//! Faults of overrides files: what they change is not there, or is so already.

use super::Pack;
use super::files::Overrides;
use crate::authoring::{Checker, Document, Format, StaleKind, explain, version};
use crate::definition::file::OverridesFile;
use crate::error::{Error, ErrorKind, did_you_mean};
use crate::json_pointer::escape;

impl Pack {
    /// Every fault of every overrides file.
    pub(super) fn override_errors(&self) -> Vec<Error> {
        // Those of the program are tested with it.
        let is_checked = |overrides: &&Overrides| !overrides.is_built_in || !self.has_own_files();
        match self.overrides() {
            Ok(all) => all.iter().filter(is_checked).flat_map(|overrides| self.errors_of(overrides)).collect(),
            Err(error) => vec![error],
        }
    }

    fn errors_of(&self, overrides: &Overrides) -> Vec<Error> {
        let doc = &*overrides.document;
        let mut c = Checker::new(doc);
        match doc.read::<OverridesFile>() {
            Err(misfit) => return vec![explain(Format::Overrides, doc, &[], &misfit)],
            Ok(file) => {
                version(&mut c, Format::Overrides, file.version);
                let is_empty = file.operations.is_empty() && file.records.is_empty() && file.patterns.is_empty();
                if is_empty && file.connector.is_none() {
                    c.fault(
                        "",
                        "the file changes nothing",
                        Some("remove it, or name operations, records or patterns".into()),
                    );
                }
            }
        }
        let mut errors: Vec<Error> = c.finish("the overrides file is invalid", Some(())).err().into_iter().collect();
        for section in ["operations", "records"] {
            for name in doc.keys(&format!("/{section}")) {
                errors.extend(self.errors_of_entry(overrides, section, name));
            }
        }
        if let Some(base) = self.last_named("connector.yaml").and_then(|source| self.whole(source).ok()) {
            errors.extend(stale(doc, "/connector", &base));
        }
        errors.extend(self.idle_patterns(doc));
        errors
    }

    fn errors_of_entry(&self, overrides: &Overrides, section: &'static str, name: &str) -> Vec<Error> {
        let doc = &*overrides.document;
        let pointer = format!("/{section}/{}", escape(name));
        let entry = self.entry(section, name);
        if entry.as_ref().is_some_and(|entry| entry.number() >= overrides.until) {
            return Vec::new();
        }
        let Some(base) = self.written(section, name, entry).ok().flatten() else {
            let what = section.trim_end_matches('s');
            let hint = did_you_mean(name, self.names(section));
            let message = format!("there is no {what} `{name}` to change{hint}");
            let advice = "remove this part, or write a new operation or record into a file of its own";
            return vec![Error::new(ErrorKind::Definition, message).at(doc.place(&pointer)).advise(advice)];
        };
        stale(doc, &pointer, &base)
    }

    /// Patterns that mean no operation.
    fn idle_patterns(&self, doc: &Document) -> Vec<Error> {
        let count = doc.list_len("/patterns");
        let mut is_idle = vec![true; count];
        for name in self.names("operations") {
            if !is_idle.contains(&true) {
                break;
            }
            let Ok(Some(base)) = self.written("operations", name, self.entry("operations", name)) else { continue };
            for (number, idle) in is_idle.iter_mut().enumerate().filter(|(_, idle)| **idle) {
                *idle = !doc.pattern_fits(number, &base);
            }
        }
        let open = (0..count).filter(|number| doc.keys(&format!("/patterns/{number}/for")).is_empty()).map(|number| {
            Error::new(ErrorKind::Definition, "`for` is empty, so the pattern is for every operation")
                .at(doc.place(&format!("/patterns/{number}/for")))
                .advise("name at least one key, such as `id`, `method` or `path`")
        });
        let open: Vec<Error> = open.collect();
        let idle = is_idle.iter().enumerate().filter(|(_, idle)| **idle);
        let error = |(number, _): (usize, &bool)| {
            Error::new(ErrorKind::Definition, "no operation fits this pattern")
                .at(doc.place(&format!("/patterns/{number}/for")))
                .advise("correct `for`, or remove the pattern")
        };
        open.into_iter().chain(idle.map(error)).collect()
    }
}

fn stale(doc: &Document, pointer: &str, base: &Document) -> Vec<Error> {
    let error = |found: crate::authoring::StaleOverride| {
        let key = found.at.rsplit('/').next().map(crate::json_pointer::unescape).unwrap_or_default();
        let (message, advice) = match found.why {
            StaleKind::Gone => (format!("`{key}` is not there, so it cannot be removed"), "remove this line"),
            StaleKind::Lost => (
                format!("`{key}` is not there, so a part of it cannot be changed"),
                "remove this part, or describe it whole with its `type`",
            ),
            StaleKind::Same => (format!("`{key}` has this value already"), "remove this line"),
        };
        Error::new(ErrorKind::Definition, message).at(doc.place(&found.at)).advise(advice)
    };
    doc.stale(pointer, base).into_iter().map(error).collect()
}
