//! Edits of imported files, as changes for overrides.yaml. Pure.

use crate::draft::Section;
use crate::import::{Doc, Fields, difference};

/// The edits of one imported file.
pub(super) struct Edit {
    pub(super) file: String,
    /// What overrides.yaml must say: the connector's part, and entries by section.
    pub(super) connector: Option<Doc>,
    pub(super) entries: Vec<(Section, String, Doc)>,
    /// What cannot be said there, and is lost.
    pub(super) lost: Vec<String>,
    /// Entries of the user's own, which must be moved first.
    pub(super) own: Vec<String>,
}

impl Edit {
    pub(super) fn read(&mut self, written: &Doc, edited: &Doc) {
        if self.file == "connector.yaml" {
            self.connector = difference(written, edited);
            return;
        }
        for section in [Section::Operations, Section::Records] {
            let entries =
                |doc: &Doc| -> Fields { doc.get(section.name()).and_then(Doc::map).cloned().unwrap_or_default() };
            let (before, after) = (entries(written), entries(edited));
            for (name, entry) in &after {
                match before.get(name) {
                    Some(old) => {
                        self.entries.extend(difference(old, entry).map(|change| (section, name.clone(), change)))
                    }
                    None => self.own.push(name.clone()),
                }
            }
            for name in before.keys().filter(|name| !after.contains_key(*name)) {
                self.lost.push(format!("`{name}` was removed: it comes back"));
            }
        }
        if self.entries.is_empty() && self.lost.is_empty() && self.own.is_empty() {
            self.lost.push("only comments or the layout differ: they are not kept".to_owned());
        }
    }
}
