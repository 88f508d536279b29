//! Faults of a whole definition file, before its entries are checked.

use crate::authoring::{Checker, Document, Format, explain, version};
use crate::definition::file::{OperationsFile, TemplatesFile};
use crate::error::Error;

/// Faults of a whole file, before its entries are checked.
pub(super) fn top_level(format: Format, doc: &Document) -> Option<Error> {
    let fits = match format {
        Format::Templates => doc.read::<TemplatesFile>().map(|f| (f.version, f.templates.len())),
        Format::Connector
        | Format::Operations
        | Format::Connections
        | Format::Sandbox
        | Format::Overrides
        | Format::Batch
        | Format::BatchTest => doc.read::<OperationsFile>().map(|f| (f.version, f.operations.len() + f.records.len())),
    };
    match fits {
        Err(misfit) => Some(explain(format, doc, &[], &misfit)),
        Ok((written, entries)) => {
            let mut checker = Checker::new(doc);
            version(&mut checker, format, written);
            if entries == 0 {
                checker.fault("", format!("the file contains no {}", format.name()), None);
            }
            checker.finish(&format!("the {} file is invalid", format.name()), Some(())).err()
        }
    }
}
