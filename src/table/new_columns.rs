//! The columns of a new table or file: those that are declared, then those that rows have besides. Pure.

use super::shape::{DeclaredColumn, Findings, LoadColumn, TableForm, Wider};
use super::value_kind::ValueKind;

/// The columns of a new table or file.
#[derive(Debug, Default)]
pub(crate) struct NewColumns {
    pub(crate) columns: Vec<LoadColumn>,
    /// Whether all rows must be looked at before.
    pub(crate) needs_rows: bool,
    /// The first column whose values do not fit the kind that the user has said.
    pub(crate) misfit: Option<(LoadColumn, Wider)>,
}

impl TableForm {
    /// The columns of a new table or file for rows with these findings.
    pub(crate) fn new_columns(&self, findings: &Findings) -> NewColumns {
        let mut own = NewColumns { needs_rows: self.declared.is_empty(), ..NewColumns::default() };
        for declared in self.declared.iter().filter(|column| !self.is_list(&column.path)) {
            let known = self.said(&declared.path).or(declared.kind);
            let seen = findings.fields.get(&declared.path).and_then(|(kind, _)| *kind);
            // A column without any value can be of any kind.
            let last = findings.is_whole.then_some(ValueKind::Text);
            match known.or(seen).or(last) {
                Some(kind) => own.add(self.widest(findings, declared, kind)),
                None => own.needs_rows = true,
            }
        }
        if !self.is_chosen {
            let others = findings.fields.iter().filter(|(path, _)| self.declared(path).is_none());
            for (path, (kind, _)) in others {
                // An object that is null in some rows.
                let is_object = || findings.fields.keys().any(|other| other != path && other.starts_with(path));
                if kind.is_none() && is_object() {
                    continue;
                }
                let declared = DeclaredColumn { path: path.clone(), kind: None, about: None };
                own.add(self.widest(findings, &declared, kind.unwrap_or(ValueKind::Text)));
            }
        }
        own
    }

    /// A new column, of a kind that holds all values; with the first value that does not fit, if the user has said
    /// another kind.
    pub(super) fn widest(
        &self,
        findings: &Findings,
        declared: &DeclaredColumn,
        kind: ValueKind,
    ) -> (LoadColumn, Option<Wider>) {
        let mut column = self.column(declared, kind);
        let mut misfit = None;
        if let Some(wider) = findings.wider.get(&column.path) {
            if self.said(&column.path).is_some() {
                misfit = Some(wider.clone());
            } else {
                column.kind = column.kind.with(wider.kind);
            }
        }
        (column, misfit)
    }
}

impl NewColumns {
    fn add(&mut self, (column, misfit): (LoadColumn, Option<Wider>)) {
        if let Some(wider) = misfit {
            self.misfit.get_or_insert_with(|| (column.clone(), wider));
        }
        self.columns.push(column);
    }
}
