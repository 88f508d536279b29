//! `--columns`: checks that records have these columns, and requests only their fields.

use super::prepare::PreparedCall;
use crate::cli::messages::Screen;
use crate::definition::{Fields, Operation};
use crate::error::{Error, ErrorKind, Result, did_you_mean};
use crate::json_pointer::path_of;
use crate::output::{Column, Row};
use crate::{Items, Options};

/// Columns that are not known to exist.
pub(crate) struct Columns {
    unsure: Vec<String>,
    fields: Fields,
}

impl Columns {
    pub(crate) fn of(operation: &Operation, options: &Options, columns: &[String]) -> Columns {
        let fields = if columns.is_empty() { Fields::Any } else { operation.returned_fields(options) };
        // A record may have more fields than its definition lists.
        let is_known = |column: &&String| fields.is_certain(&path_of(column));
        Columns { unsure: columns.iter().filter(|column| !is_known(column)).cloned().collect(), fields }
    }

    /// Checks the columns against the first rows.
    ///
    /// # Errors
    /// `invalid_options` with the nearest name, if no row has one of the columns.
    pub(crate) fn check_rows(&mut self, items: &Items) -> Result<()> {
        if self.unsure.is_empty() || items.is_empty() {
            return Ok(());
        }
        for name in std::mem::take(&mut self.unsure) {
            let column = Column::typed(&name);
            if items.iter().any(|item| column.find(&Row::of(item)).is_some()) {
                continue;
            }
            let hint = match self.fields.unknown(&path_of(&name), "/") {
                Some(unknown) if unknown.nearest.is_some() => unknown.hint(),
                Some(_) | None => {
                    let names: Vec<String> =
                        items.get(0).map(|item| Row::of(item).names().map(str::to_owned).collect()).unwrap_or_default();
                    did_you_mean(&name, names.iter().map(String::as_str))
                }
            };
            return Err(Error::new(ErrorKind::InvalidOptions, format!("no row has the column `{name}`{hint}")).advise(
                "`opnode describe OPERATION_ID` lists the fields; a slash selects a nested field: company/name",
            ));
        }
        Ok(())
    }

    /// Notes about unknown columns, before anything is sent.
    ///
    /// # Errors
    /// `invalid_options` for the first unknown column, if the call is strict.
    pub(crate) fn notes(&self, strict: bool) -> Result<Vec<String>> {
        let unknown = |name: &String| self.fields.unknown(&path_of(name), "/");
        let notes: Vec<String> = self
            .unsure
            .iter()
            .filter_map(unknown)
            .map(|u| format!("no record has a field `{}`{}", u.path, u.hint()))
            .collect();
        match notes.first() {
            Some(note) if strict => Err(Error::new(ErrorKind::InvalidOptions, format!("--columns: {note}"))),
            _ => Ok(notes),
        }
    }
}

/// Requests only the fields of the columns, if the operation has an option for that and the caller has not set it.
pub(crate) fn push_down(call: &mut PreparedCall, columns: &[String]) {
    if columns.is_empty() {
        return;
    }
    let fields = call.operation.record_fields();
    if let Some((name, json)) = call
        .operation
        .chosen(fields, columns, call.request.forward_only)
        .filter(|(name, _)| !call.request.options.contains(name))
    {
        let taken: Result<(), _> = call.request.options.insert_json(&name, &json);
        debug_assert!(taken.is_ok());
    }
}

/// Warns of unknown fields, before anything is sent. Returns the number of warnings.
pub(crate) fn warn(notes: &[String], screen: Screen) -> usize {
    notes.iter().for_each(|note| screen.warn(note));
    notes.len()
}

/// Unknown fields of the options and items of a plan.
pub(crate) fn notes(call: &PreparedCall) -> Vec<String> {
    let items =
        crate::check_items(&call.operation, &call.request.options, call.request.items.as_ref()).unwrap_or_default();
    call.operation.unknown_names(&call.request.options).into_iter().chain(items).map(|fault| fault.message).collect()
}
