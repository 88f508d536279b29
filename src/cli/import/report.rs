//! What an import says.

use std::path::Path;

use crate::import::Imported;

/// The report of an import.
pub(crate) fn text(imported: &Imported, folder: &Path) -> String {
    let mut out = format!(
        "{}: {} operations and {} records in {} files of {}\n",
        imported.title,
        imported.operations.len(),
        imported.records,
        imported.files.len(),
        folder.display()
    );
    for question in &imported.questions {
        out.push_str(&format!("ask: {} ({}): {}\n", question.text, question.operations.len(), question.answer));
    }
    for left in &imported.left_out {
        out.push_str(&format!("left out: {}: {}\n", left.what, left.why));
    }
    for note in &imported.notes {
        out.push_str(&format!("note: {note}\n"));
    }
    out
}
