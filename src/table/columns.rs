//! The columns that a load writes, and what changes in the table before: decided from the declared form, the table as it
//! is, and what the rows were found to have.

use std::collections::{HashMap, HashSet};

use sha2::{Digest, Sha256};

use super::address::TableName;
use super::database::{Database, FoundTable, NewColumn};
use super::mode::{Evolve, LoadMode};
use super::names::{LOAD, VALID_FROM, VALID_TO};
use super::order::{LoadOrder, new_column, own_columns};
use super::shape::{DeclaredColumn, Findings, LoadColumn, Wider, column_name, same_name};
use super::value_kind::ValueKind;
use crate::error::{Error, ErrorKind, Result};

const OWN: [&str; 3] = [LOAD, VALID_FROM, VALID_TO];

/// What a load writes, and what it changes before.
#[derive(Debug, Default)]
pub(super) struct ColumnsPlan {
    pub(super) columns: Vec<LoadColumn>,
    /// Whether the table has a column for the number of the load.
    pub(super) has_load: bool,
    /// Whether all rows must be looked at before.
    pub(super) needs_rows: bool,
    creates: bool,
    /// Numbers of the columns that are added.
    added: Vec<usize>,
    widened: Vec<(String, ValueKind)>,
    /// Columns of the table that no row has any more.
    lost: Vec<String>,
    refused: Option<Error>,
}

/// What a load does with the columns of a table.
pub(super) fn plan(
    database: &dyn Database,
    order: &LoadOrder,
    found: Option<&FoundTable>,
    findings: &Findings,
) -> Result<ColumnsPlan> {
    let mut own = ColumnsPlan::default();
    let planning = Planning { database, order, findings };
    match found {
        None => planning.new_table(&mut own),
        Some(found) => planning.existing(&mut own, found),
    }
    let longest = database.limits().0;
    own.columns.iter_mut().for_each(|column| column.name = fitted(&column.name, longest));
    Ok(own)
}

struct Planning<'p> {
    database: &'p dyn Database,
    order: &'p LoadOrder,
    findings: &'p Findings,
}

impl Planning<'_> {
    fn new_table(&self, own: &mut ColumnsPlan) {
        let new = self.order.form.new_columns(self.findings);
        own.refused = new.misfit.map(|(column, wider)| self.misfit_of_types(&column, &wider));
        (own.columns, own.needs_rows) = (new.columns, new.needs_rows);
        own.creates = !own.columns.is_empty();
        own.has_load = own.creates;
    }

    /// A new column, of a kind that holds all values.
    fn widest(&self, declared: &DeclaredColumn, kind: ValueKind, refused: &mut Option<Error>) -> LoadColumn {
        let (column, misfit) = self.order.form.widest(self.findings, declared, kind);
        if let Some(wider) = misfit {
            refused.get_or_insert_with(|| self.misfit_of_types(&column, &wider));
        }
        column
    }

    fn misfit_of_types(&self, column: &LoadColumn, wider: &Wider) -> Error {
        self.misfit(column, wider, &format!("`types` says {}", column.kind.name()))
    }

    fn existing(&self, own: &mut ColumnsPlan, found: &FoundTable) {
        let form = &self.order.form;
        let longest = self.database.limits().0;
        let folds = self.database.folds_names();
        let folded = |name: &str| if folds { name.to_ascii_lowercase() } else { name.to_owned() };
        let name_of = |path: &[String]| folded(&fitted(&column_name(path), longest));
        // Of fields with one name, the first counts.
        let declared: HashMap<String, &DeclaredColumn> =
            form.declared.iter().rev().map(|column| (name_of(&column.path), column)).collect();
        let seen: HashMap<String, &Vec<String>> =
            self.findings.fields.keys().rev().map(|path| (name_of(path), path)).collect();
        let lists: HashSet<String> = form.lists.iter().map(|list| name_of(&list.path)).collect();
        own.has_load = found.columns.iter().any(|column| folded(&column.name) == LOAD);
        own.needs_rows = form.declared.is_empty() && !form.is_chosen;
        for there in &found.columns {
            let name = folded(&there.name);
            if lists.contains(&name) || OWN.contains(&name.as_str()) {
                continue;
            }
            let declared = declared.get(&name).copied();
            let seen = seen.get(&name).copied().filter(|_| !form.is_chosen);
            let Some(path) = declared.map(|column| &column.path).or(seen) else {
                if !form.is_chosen {
                    own.lost.push(there.name.clone());
                }
                continue;
            };
            let mut column = LoadColumn {
                name: there.name.clone(),
                path: path.clone(),
                kind: there.kind,
                about: declared.and_then(|column| column.about.clone()),
            };
            self.widen(&mut column, own);
            own.columns.push(column);
        }
        let missing: Vec<Vec<String>> = if form.is_chosen {
            form.declared.iter().map(|column| column.path.clone()).collect()
        } else {
            let valued = self.findings.fields.iter().filter(|(_, (kind, _))| kind.is_some());
            valued.map(|(path, _)| path.clone()).collect()
        };
        let missing = missing.into_iter().filter(|path| !form.is_list(path));
        let there: HashSet<Vec<String>> = own.columns.iter().map(|column| column.path.clone()).collect();
        for path in missing.filter(|path| !there.contains(path)) {
            self.add(own, &path);
        }
    }

    /// Makes a column of the table wider for values that do not fit.
    fn widen(&self, column: &mut LoadColumn, own: &mut ColumnsPlan) {
        let said = self.order.form.said(&column.path).filter(|said| *said != column.kind);
        let wider = self.findings.wider.get(&column.path);
        let wanted = [said, wider.map(|wider| wider.kind)].into_iter().flatten();
        let wanted = wanted.fold(column.kind, ValueKind::with);
        let own_said = self.order.form.said(&column.path).filter(|said| *said == column.kind && wanted != column.kind);
        if let (Some(_), Some(wider)) = (own_said, wider) {
            own.refused.get_or_insert(self.misfit_of_types(column, wider));
            return;
        }
        if said.is_some_and(|said| said != wanted) || (wanted != column.kind && !column.kind.widens_to(wanted)) {
            let error = match (said, wider) {
                (_, Some(wider)) => self.misfit(column, wider, &format!("the column holds {}", column.kind.name())),
                (said, None) => {
                    let said = said.map_or("", ValueKind::name);
                    let message =
                        format!("the column {} is {}, and `types` says {said}", column.name, column.kind.name());
                    self.error(ErrorKind::Conflict, message)
                        .advise("remove it from `types`, or load into another table")
                }
            };
            own.refused.get_or_insert(error);
        } else if wanted != column.kind && evolve(self.order, own) != Evolve::Widen {
            let error = match wider {
                Some(wider) => self.misfit(column, wider, &format!("the column holds {}", column.kind.name())),
                None => {
                    let message = format!("the column {} is {}", column.name, column.kind.name());
                    self.error(ErrorKind::Conflict, message)
                }
            };
            let hint = wider.and_then(|wider| untyped(column, &wider.raw));
            let hint =
                hint.unwrap_or_else(|| "correct the value, or allow a wider column by `evolve: widen`".to_owned());
            own.refused.get_or_insert(error.advise(hint));
        } else if wanted != column.kind {
            own.widened.push((column.name.clone(), wanted));
            column.kind = wanted;
        }
    }

    fn add(&self, own: &mut ColumnsPlan, path: &[String]) {
        let form = &self.order.form;
        let seen = self.findings.fields.get(path).copied();
        let declared = form.declared(path).cloned();
        let declared = declared.unwrap_or(DeclaredColumn { path: path.to_vec(), kind: None, about: None });
        let last = self.findings.is_whole.then_some(ValueKind::Text);
        let kind = form.said(path).or(declared.kind).or(seen.and_then(|(kind, _)| kind)).or(last);
        let Some(kind) = kind else {
            own.needs_rows = true;
            return;
        };
        if evolve(self.order, own) == Evolve::None {
            let row = seen.map(|(_, row)| format!("row {} has ", row + 1));
            let who = row.unwrap_or_else(|| "`columns` names ".to_owned());
            let message = format!("{who}`{}`, for which there is no column", path.join("/"));
            let error = self.error(ErrorKind::Conflict, message);
            own.refused.get_or_insert(error.advise("allow it by `evolve: add`, or name the columns in `columns`"));
            return;
        }
        let column = self.widest(&declared, kind, &mut own.refused);
        own.added.push(own.columns.len());
        own.columns.push(column);
    }

    fn misfit(&self, column: &LoadColumn, wider: &Wider, why: &str) -> Error {
        let Wider { row, raw, .. } = wider;
        let message = format!("row {}: {} is {raw}, and {why}", row + 1, column.path.join("/"));
        self.error(ErrorKind::InvalidItems, message)
            .advise(untyped(column, raw).unwrap_or_else(|| "correct the value, or change it with `map`".to_owned()))
    }

    fn error(&self, kind: ErrorKind, message: String) -> Error {
        Error::new(kind, format!("{}: {message}", self.order.table))
    }
}

impl ColumnsPlan {
    /// Whether the table is made or changed.
    pub(super) fn changes(&self) -> bool {
        self.creates || !self.added.is_empty() || !self.widened.is_empty()
    }

    /// Whether a table can have these columns.
    pub(super) fn check(&self, database: &dyn Database, order: &LoadOrder, findings: &Findings) -> Result<()> {
        if let Some(error) = &self.refused {
            return Err(error.clone());
        }
        let table = &order.table;
        let wrong = |message: String| Error::new(ErrorKind::InvalidItems, format!("{table}: {message}"));
        if let Some((path, row, why)) = &findings.refused {
            let message = format!("row {}: {} is {why}", row + 1, path.join("/"));
            return Err(wrong(message).advise("correct the value, or leave the field out with `columns` or `map`"));
        }
        let bad = self.columns.iter().find(|column| column.name.is_empty() || column.name.contains('\0'));
        if let Some(column) = bad {
            let message = format!("the field `{}` cannot be a column", column.path.join("/").replace('\0', "\\u0000"));
            return Err(wrong(message).advise("name the columns in `columns`"));
        }
        let folds = database.folds_names();
        let is_own = |column: &&LoadColumn| OWN.iter().any(|own| column.name.eq_ignore_ascii_case(own));
        if let Some(column) = self.columns.iter().find(is_own) {
            let message = format!("the rows have a field {}, and opnode has a column of that name", column.name);
            return Err(wrong(message).advise("name the columns in `columns`, or rename the field with `map`"));
        }
        if let Some((first, second)) = same_name(&self.columns, folds) {
            let message =
                format!("the fields `{}` and `{}` would be one column", first.path.join("/"), second.path.join("/"));
            return Err(wrong(message).advise("name the columns in `columns`, or rename a field with `map`"));
        }
        let (count, most) = (self.columns.len() + own_columns(order.mode).len(), database.limits().1);
        if count > most {
            let message =
                format!("the rows have {} fields, and a table has {most} columns at most", self.columns.len());
            return Err(wrong(message).advise("name the columns in `columns`, or use `nested: json`"));
        }
        self.check_key(order, wrong)
    }

    fn check_key(&self, order: &LoadOrder, wrong: impl Fn(String) -> Error) -> Result<()> {
        for name in &order.key {
            match self.columns.iter().find(|column| column.name == *name) {
                None if self.columns.is_empty() => {}
                None => {
                    return Err(
                        wrong(format!("no row has `{name}`, which is a key")).advise("see the fields of the rows")
                    );
                }
                Some(column) if column.kind == ValueKind::Json => {
                    let message = format!("the key `{name}` is a list, an object or of several types");
                    return Err(wrong(message).advise("use a field with plain values as `key`"));
                }
                Some(_) => {}
            }
        }
        Ok(())
    }

    /// Makes or changes the table. Returns what the user should know.
    pub(super) fn apply(
        &self,
        database: &mut dyn Database,
        order: &LoadOrder,
        found: Option<&FoundTable>,
    ) -> Result<Vec<String>> {
        let table = &order.table;
        let Some(found) = found else {
            if self.creates {
                self.create(database, order)?;
            }
            return Ok(Vec::new());
        };
        let is_opnodes = |name: &str| found.columns.iter().any(|column| column.name == name);
        if order.mode != LoadMode::History && [LOAD, VALID_FROM, VALID_TO].into_iter().all(is_opnodes) {
            let message = format!("{table} has versions of rows, which `{}` would mix up", order.mode.name());
            return Err(Error::new(ErrorKind::Conflict, message).advise("use `mode: history`, or another table"));
        }
        if order.mode == LoadMode::History && !found.columns.iter().any(|column| column.name == VALID_FROM) {
            let message = format!("{table} has no column {VALID_FROM}, so it cannot keep versions");
            return Err(Error::new(ErrorKind::Conflict, message).advise("load into a new table, or use another mode"));
        }
        let mut notes = Vec::new();
        let added: Vec<NewColumn<'_>> =
            self.added.iter().filter_map(|at| self.columns.get(*at)).map(|column| new_column(column, false)).collect();
        if !added.is_empty() {
            database.add_columns(table, &added)?;
            let names: Vec<String> = added.iter().map(|c| format!("{} ({})", c.name, c.kind.name())).collect();
            notes.push(format!("{table} has new columns: {}", names.join(", ")));
        }
        for (name, kind) in &self.widened {
            database.widen(table, name, *kind)?;
            notes.push(format!("the column {name} of {table} is {} now", kind.name()));
        }
        if !self.lost.is_empty() {
            notes.push(format!("no row has these columns of {table}: {}", self.lost.join(", ")));
        }
        if order.mode.is_keyed() && order.mode != LoadMode::History && order.parent.is_empty() {
            key_index(database, order, (found, evolve(order, self)))?;
        }
        Ok(notes)
    }

    fn create(&self, database: &mut dyn Database, order: &LoadOrder) -> Result<()> {
        let is_key = |column: &LoadColumn| order.key.contains(&column.name);
        let mut columns: Vec<NewColumn<'_>> = self.columns.iter().map(|c| new_column(c, is_key(c))).collect();
        columns.extend(own_columns(order.mode));
        let mut key: Vec<&str> = order.key.iter().map(String::as_str).collect();
        if order.mode == LoadMode::History {
            key.push(VALID_FROM);
        }
        let key = if order.mode == LoadMode::Append { &[][..] } else { key.as_slice() };
        database.create(&order.table, &columns, key)?;
        match order.parent.as_slice() {
            [] => Ok(()),
            _ if !database.needs_indexes() => Ok(()),
            parent => {
                let name = fitted(&format!("{}_opnode_parent", order.table.name), database.limits().0);
                index(database, &order.table, ("INDEX", &name), parent)
            }
        }
    }
}

/// What to do with a text where the column has no texts: rows of text files have only texts, unless they are typed there.
fn untyped(column: &LoadColumn, raw: &str) -> Option<String> {
    let kind = match column.kind {
        ValueKind::Integer => "integer",
        ValueKind::Decimal | ValueKind::Double => "number",
        ValueKind::Boolean => "boolean",
        ValueKind::Date | ValueKind::Timestamp | ValueKind::Text | ValueKind::Json => return None,
    };
    let path = column.path.join("/");
    raw.starts_with('"').then(|| {
        format!("give it its type where a text file is read: `load: {{ types: {{ {path}: {kind} }} }}`; else correct the value")
    })
}

/// What may change in the table.
fn evolve(order: &LoadOrder, own: &ColumnsPlan) -> Evolve {
    let usual = if own.has_load { Evolve::Widen } else { Evolve::None };
    order.evolve.unwrap_or(usual)
}

/// Rows are found by their key: the table must have it.
fn key_index(database: &mut dyn Database, order: &LoadOrder, (found, evolve): (&FoundTable, Evolve)) -> Result<()> {
    let folds = database.folds_names();
    let folded = |name: &String| if folds { name.to_ascii_lowercase() } else { name.clone() };
    let set = |names: &[String]| names.iter().map(folded).collect::<std::collections::BTreeSet<String>>();
    let wanted = set(&order.key);
    if found.unique.iter().any(|names| set(names) == wanted) {
        return Ok(());
    }
    let TableName { name, .. } = &order.table;
    let key = order.key.join(", ");
    if evolve == Evolve::None {
        let message = format!("{}: no unique index has the columns {key}", order.table);
        return Err(Error::new(ErrorKind::Conflict, message).advise("make one, or allow it by `evolve: add`"));
    }
    // Other loads may have other keys.
    let name = fitted(&format!("{name}_{}_opnode_key", order.key.join("_")), database.limits().0);
    let made = index(database, &order.table, ("UNIQUE INDEX", &name), &order.key);
    made.map_err(|error| match error.kind() {
        ErrorKind::Conflict => {
            let message = format!("{}: several rows have the same {key}, so they cannot be the key", order.table);
            Error::new(ErrorKind::Conflict, message)
                .caused_by(error)
                .advise("remove the doubled rows, or choose another `key`")
        }
        _ => error,
    })
}

/// Makes an index.
fn index(database: &mut dyn Database, table: &TableName, (what, name): (&str, &str), columns: &[String]) -> Result<()> {
    let columns: Vec<String> = columns.iter().map(|name| database.quoted(name)).collect();
    let (name, table) = (database.quoted(name), database.table(table));
    database.run(&format!("CREATE {what} {name} ON {table} ({})", columns.join(", "))).map(|_| ())
}

/// A name that a database does not cut: a long one ends with the start of its digest.
pub(super) fn fitted(name: &str, longest: usize) -> String {
    const DIGEST: usize = 8;
    if name.len() <= longest {
        return name.to_owned();
    }
    let mut end = longest - DIGEST - 1;
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    let digest = Sha256::digest(name.as_bytes());
    let digest: String = digest.iter().take(DIGEST / 2).map(|byte| format!("{byte:02x}")).collect();
    format!("{}_{digest}", name.get(..end).unwrap_or_default())
}
