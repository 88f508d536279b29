//! Checks rows against a JSON Schema that is compiled once. Pure.

use serde_json::Value;

use super::fault::line_place;
use crate::authoring::{Schema, exact};
use crate::error::{Error, ErrorKind, Fault, Result};
use crate::json_text::value_of;

/// A schema of rows. It also types the cells of tables.
pub(crate) struct RowSchema {
    compiled: Schema,
    source: Value,
    text: String,
}

/// What of a row does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RowFinding {
    /// JSON Pointer within the row.
    pub(crate) pointer: String,
    pub(crate) message: String,
}

impl RowSchema {
    /// Compiles a JSON Schema, or the schema of a record in the catalogue.
    ///
    /// # Errors
    /// `definition` when it is not a JSON Schema.
    pub(crate) fn compile(source: Value) -> Result<RowSchema> {
        let text = source.to_string();
        let compiled = Schema::compile(source.clone()).map_err(|why| {
            Error::new(ErrorKind::Definition, format!("the schema of the rows is invalid: {why}"))
                .advise("correct the schema")
        })?;
        Ok(RowSchema { compiled, source, text })
    }

    pub(super) fn source(&self) -> &Value {
        &self.source
    }

    /// What of a row does not fit; numbers are compared digit for digit.
    pub(crate) fn check(&self, row: &str) -> Vec<RowFinding> {
        let found = |pointer: String, message: String| RowFinding { pointer, message };
        let Ok(value) = value_of(row) else {
            let message = "the row has an escape that is one half of a character".to_owned();
            return vec![found(String::new(), message)];
        };
        let mut findings = self.compiled.check(&value);
        exact::refine(&self.text, row, "", &mut findings);
        findings.into_iter().map(|finding| found(finding.pointer, finding.message)).collect()
    }
}

impl RowFinding {
    /// The findings of one row as an error; `None` if there are none. `name` is that of the row.
    pub(crate) fn error(findings: Vec<RowFinding>, name: &str, (file, line): (&str, u64)) -> Option<Error> {
        findings.first()?;
        let fault = |finding: RowFinding| {
            let mut place = line_place(file, line, None);
            place.field = Some(finding.pointer);
            let advice = Some("correct the row, or the schema".into());
            Fault { place, message: finding.message, advice }
        };
        let faults = findings.into_iter().map(fault).collect();
        let what = format!("{name} does not fit the schema");
        Some(Error::from_faults(ErrorKind::InvalidItems, &what, faults))
    }
}
