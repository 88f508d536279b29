//! Which run brings rows, and the rows of the table of loads that say so. A load is in that table if, and only if, its
//! rows are in their table: both are written in one transaction.

use super::address::TableName;
use super::database::{Database, NewColumn, sql_text};
use super::mode::LoadMode;
use super::value_kind::ValueKind;
use crate::error::{Error, ErrorKind, Result};
use crate::run_store::Extent;
#[cfg(feature = "cli")]
use crate::run_store::run_id;

/// The table of loads, beside the tables that they fill.
const LOADS: &str = "opnode_loads";

/// The step of a run whose rows are loaded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LoadSource {
    pub(crate) run: String,
    /// What tells runs of one id apart: the machine and the process that began it.
    pub(crate) origin: String,
    pub(crate) batch: String,
    pub(crate) job: String,
    pub(crate) step: String,
    /// How often the step has begun anew in this run.
    pub(crate) attempt: u64,
}

/// Rows of a step that are in a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KnownLoad {
    pub(crate) load: i64,
    pub(crate) attempt: u64,
    pub(crate) first: u64,
    pub(crate) rows: u64,
    pub(crate) digest: String,
}

/// The columns of the table of loads. Those up to `row_count` are its key.
const COLUMNS: [(&str, ValueKind, &str); 12] = [
    ("run", ValueKind::Text, "Id of the run"),
    ("origin", ValueKind::Text, "Machine and process that began the run"),
    ("job", ValueKind::Text, "Job of the run: the connection of a matrix, or main"),
    ("step", ValueKind::Text, "Step whose rows were loaded"),
    ("target", ValueKind::Text, "Table that has the rows"),
    ("attempt", ValueKind::Integer, "How often the step had begun anew in the run"),
    ("first_row", ValueKind::Integer, "Number of the first row of the step, from 0"),
    ("row_count", ValueKind::Integer, "Number of rows"),
    ("digest", ValueKind::Text, "Start of the SHA-256 of the rows, each with a line feed"),
    ("load", ValueKind::Integer, "Value of the column _opnode_load in these rows"),
    ("mode", ValueKind::Text, "Mode of the load"),
    ("batch", ValueKind::Text, "Name of the batch"),
];
const LOADED_AT: &str = "loaded_at";
/// The number of columns of the key.
const KEY: usize = 8;

/// Makes the table of loads beside a table, if it is not there.
pub(super) fn make(database: &mut dyn Database, beside: &TableName) -> Result<()> {
    let table = beside.beside(LOADS);
    if database.find(&table)?.is_some() {
        return Ok(());
    }
    database.begin()?;
    let made = make_once(database, &table);
    match made {
        Ok(()) => database.commit(),
        Err(error) => {
            database.rollback();
            Err(error)
        }
    }
}

fn make_once(database: &mut dyn Database, table: &TableName) -> Result<()> {
    database.lock(table)?;
    // Another process may have made it in the meantime.
    if database.find(table)?.is_some() {
        return Ok(());
    }
    let column = |(name, kind, about): &(&'static str, ValueKind, &'static str)| NewColumn {
        name,
        kind: *kind,
        is_required: true,
        about: Some(about),
    };
    let mut columns: Vec<NewColumn<'_>> = COLUMNS.iter().map(column).collect();
    columns.push(NewColumn { name: LOADED_AT, kind: ValueKind::Timestamp, is_required: true, about: None });
    let key: Vec<&str> = COLUMNS.iter().take(KEY).map(|(name, ..)| *name).collect();
    database.create(table, &columns, &key)
}

impl LoadSource {
    /// The items of a call, which is a run of its own.
    #[cfg(feature = "cli")]
    pub(crate) fn of_call(connection: &str, operation: &str, now: std::time::SystemTime) -> LoadSource {
        LoadSource {
            run: run_id(now),
            origin: std::process::id().to_string(),
            batch: String::new(),
            job: connection.to_owned(),
            step: operation.to_owned(),
            attempt: 0,
        }
    }

    fn values(&self, target: &TableName) -> [(&'static str, String); 5] {
        [
            ("run", sql_text(&self.run)),
            ("origin", sql_text(&self.origin)),
            ("job", sql_text(&self.job)),
            ("step", sql_text(&self.step)),
            ("target", sql_text(&target.name)),
        ]
    }

    /// The condition for the rows of this step, as SQL.
    fn own(&self, target: &TableName) -> String {
        self.values(target).map(|(name, value)| format!("{name} = {value}")).join(" AND ")
    }

    /// What is in the table of this step's rows.
    pub(super) fn known(&self, database: &mut dyn Database, target: &TableName) -> Result<Vec<KnownLoad>> {
        let loads = database.table(&target.beside(LOADS));
        let sql = format!(
            "SELECT load, attempt, first_row, row_count, digest FROM {loads} WHERE {} ORDER BY attempt, first_row, row_count",
            self.own(target)
        );
        let rows = database.ask(&sql)?;
        rows.into_iter().map(|row| known(row).ok_or_else(|| unreadable(&loads))).collect()
    }

    /// Records rows, in the transaction that writes them.
    pub(super) fn record(
        &self,
        database: &mut dyn Database,
        target: &TableName,
        (load, mode): (i64, LoadMode),
        (first, rows): (u64, Extent),
        at: &str,
    ) -> Result<()> {
        let mut values: Vec<(&str, String)> = self.values(target).into();
        values.extend([
            ("attempt", self.attempt.to_string()),
            ("first_row", first.to_string()),
            ("row_count", rows.rows.to_string()),
            ("digest", sql_text(&rows.sum.to_string())),
            ("load", load.to_string()),
            ("mode", sql_text(mode.name())),
            ("batch", sql_text(&self.batch)),
            (LOADED_AT, database.time(at)),
        ]);
        let (names, values): (Vec<&str>, Vec<String>) = values.into_iter().unzip();
        let loads = database.table(&target.beside(LOADS));
        let sql = format!("INSERT INTO {loads} ({}) VALUES ({})", names.join(", "), values.join(", "));
        database.run(&sql).map(|_| ())
    }

    /// Removes what is recorded of earlier attempts of the step.
    pub(super) fn forget(&self, database: &mut dyn Database, target: &TableName) -> Result<()> {
        let loads = database.table(&target.beside(LOADS));
        let sql = format!("DELETE FROM {loads} WHERE {} AND attempt < {}", self.own(target), self.attempt);
        database.run(&sql).map(|_| ())
    }
}

fn known(row: Vec<Option<String>>) -> Option<KnownLoad> {
    let mut cells = row.into_iter().flatten();
    Some(KnownLoad {
        load: cells.next()?.parse().ok()?,
        attempt: cells.next()?.parse().ok()?,
        first: cells.next()?.parse().ok()?,
        rows: cells.next()?.parse().ok()?,
        digest: cells.next()?,
    })
}

fn unreadable(loads: &str) -> Error {
    Error::new(ErrorKind::State, format!("the table {loads} has other columns than opnode's"))
        .advise("restore the table; opnode keeps in it which rows are loaded")
}
