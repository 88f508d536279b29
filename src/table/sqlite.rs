//! SQLite files. Types are named so that no value changes on its way into a column: a type with TEXT keeps texts as they
//! are, and one with BLOB keeps every value.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::ffi::ErrorCode;
use rusqlite::functions::FunctionFlags;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags, Statement};

use super::address::TableName;
use super::cell::{Cell, CellRules, Cells, Decimals, exact};
use super::database::{BulkRows, Database, FoundColumn, FoundTable, NewColumn, sql_text};
use super::names::{NUMBER, STAGE};
use super::sqlite_types::kind_of;
use super::value_kind::ValueKind;
use crate::error::{Error, ErrorKind, Place, Result};

/// How long another process may keep the file locked.
const BUSY: Duration = Duration::from_secs(30);
/// SQLite's own limit, less the columns that statements add.
const COLUMNS_MAX: usize = 1_990;

const RULES: CellRules =
    CellRules { nul: true, second_digits: 9, text_max: None, first_year: -9999, decimals: Decimals::All };

/// An open SQLite file.
pub(super) struct Sqlite {
    connection: Connection,
    path: PathBuf,
}

impl Sqlite {
    /// Opens a file; `creates` if it may be a new one.
    ///
    /// # Errors
    /// `state` when it cannot be opened, or is no database.
    pub(super) fn open(path: &Path, creates: bool) -> Result<Sqlite> {
        let flags = match creates {
            true => OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE,
            false => OpenFlags::SQLITE_OPEN_READ_ONLY,
        };
        let opened = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX);
        let connection = opened.map_err(|e| failed(path, &e))?;
        let own = Sqlite { connection, path: path.to_owned() };
        own.set_up().map_err(|e| failed(path, &e))?;
        Ok(own)
    }

    fn set_up(&self) -> rusqlite::Result<()> {
        self.connection.busy_timeout(BUSY)?;
        // Reads the file, so that one that is no database is refused here.
        self.connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
        let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
        self.connection.create_scalar_function("opnode_text", 2, flags, |context| {
            let is_flag = context.get::<bool>(1)?;
            Ok(match context.get_raw(0) {
                ValueRef::Integer(number) if is_flag => Some((number != 0).to_string()),
                ValueRef::Integer(number) => Some(number.to_string()),
                ValueRef::Real(number) => Some(number.to_string()),
                ValueRef::Text(text) => Some(String::from_utf8_lossy(text).into_owned()),
                ValueRef::Null | ValueRef::Blob(_) => None,
            })
        })
    }

    fn wrong(&self) -> impl Fn(rusqlite::Error) -> Error + '_ {
        |error| failed(&self.path, &error)
    }

    /// Lists of texts that a statement gives.
    fn texts(&self, sql: &str) -> Result<Vec<Vec<Option<String>>>> {
        let wrong = self.wrong();
        let mut statement = self.connection.prepare(sql).map_err(&wrong)?;
        let count = statement.column_count();
        let mut rows = statement.query([]).map_err(&wrong)?;
        let mut all = Vec::new();
        while let Some(row) = rows.next().map_err(&wrong)? {
            let cell = |at| Ok(as_text(row.get_ref(at)?));
            all.push((0..count).map(cell).collect::<rusqlite::Result<_>>().map_err(&wrong)?);
        }
        Ok(all)
    }

    /// The statement that made a table.
    fn made_by(&self, table: &str) -> Result<Option<(String, String)>> {
        let sql = format!(
            "SELECT type, sql FROM sqlite_schema WHERE lower(name) = lower({}) AND type IN ('table', 'view')",
            sql_text(table)
        );
        let row = self.texts(&sql)?.into_iter().next();
        Ok(row.map(|row| {
            let mut cells = row.into_iter().map(Option::unwrap_or_default);
            (cells.next().unwrap_or_default(), cells.next().unwrap_or_default())
        }))
    }

    fn column(&self, column: &NewColumn<'_>) -> String {
        let required = if column.is_required { " NOT NULL" } else { "" };
        format!("{} {}{required}", self.quoted(column.name), self.type_of(column.kind))
    }
}

fn as_text(value: ValueRef<'_>) -> Option<String> {
    match value {
        ValueRef::Null => None,
        ValueRef::Integer(number) => Some(number.to_string()),
        ValueRef::Real(number) => Some(number.to_string()),
        ValueRef::Text(text) | ValueRef::Blob(text) => Some(String::from_utf8_lossy(text).into_owned()),
    }
}

/// An error of SQLite.
fn failed(path: &Path, cause: &rusqlite::Error) -> Error {
    let shown = path.display().to_string();
    let (code, told) = match cause {
        rusqlite::Error::SqliteFailure(error, told) => (Some(error.code), told.clone()),
        rusqlite::Error::SqlInputError { error, msg, .. } => (Some(error.code), Some(msg.clone())),
        _ => (None, None),
    };
    let told = told.unwrap_or_else(|| cause.to_string());
    let (kind, advice) = match code {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            (ErrorKind::State, "another program keeps it locked: close that, and run it again to resume")
        }
        Some(ErrorCode::DiskFull) => (ErrorKind::State, "free disk space and run it again to resume"),
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::AuthorizationForStatementDenied) => {
            (ErrorKind::State, "check that you may write the file and its folder")
        }
        Some(ErrorCode::CannotOpen) => (ErrorKind::State, "check that its folder exists and that you may write there"),
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
            (ErrorKind::State, "use a file that SQLite has made, or a new one")
        }
        Some(ErrorCode::ConstraintViolation) => {
            (ErrorKind::Conflict, "correct the row, or change the rule of the table")
        }
        Some(ErrorCode::TooBig) => (ErrorKind::InvalidItems, "leave the field out with `columns` or `map`"),
        Some(ErrorCode::Unknown) => (ErrorKind::InvalidOptions, "see the tables and columns of the file"),
        _ => (ErrorKind::State, "check the disk, and run it again to resume"),
    };
    Error::new(kind, format!("{shown}: {told}")).at(Place { file: Some(shown), ..Place::default() }).advise(advice)
}

impl Database for Sqlite {
    fn rules(&self) -> &'static CellRules {
        &RULES
    }

    fn type_of(&self, kind: ValueKind) -> &'static str {
        match kind {
            ValueKind::Boolean => "BOOLEAN",
            ValueKind::Integer => "INTEGER",
            ValueKind::Decimal => "DECIMAL BLOB",
            ValueKind::Double => "DOUBLE",
            ValueKind::Date => "DATE TEXT",
            ValueKind::Timestamp => "TIMESTAMP TEXT",
            ValueKind::Text => "TEXT",
            ValueKind::Json => "JSON TEXT",
        }
    }

    fn limits(&self) -> (usize, usize) {
        (usize::MAX, COLUMNS_MAX)
    }

    fn folds_names(&self) -> bool {
        true
    }

    fn begin(&mut self) -> Result<()> {
        self.run("BEGIN IMMEDIATE").map(|_| ())
    }

    fn commit(&mut self) -> Result<()> {
        self.run(&format!("DROP TABLE IF EXISTS temp.{}", self.quoted(STAGE)))?;
        self.run("COMMIT").map(|_| ())
    }

    fn rollback(&mut self) {
        // A failure may have ended it already.
        if !self.connection.is_autocommit() {
            let _closing_does_it_too = self.connection.execute_batch("ROLLBACK");
        }
    }

    fn lock(&mut self, table: &TableName) -> Result<()> {
        let _the_transaction_locks_all = table;
        Ok(())
    }

    fn find(&mut self, table: &TableName) -> Result<Option<FoundTable>> {
        let Some((what, _)) = self.made_by(&table.name)? else { return Ok(None) };
        if what != "table" {
            let message = format!("{}: {table} is a {what}, and rows are loaded into tables", self.path.display());
            return Err(Error::new(ErrorKind::InvalidOptions, message).advise("name a table"));
        }
        let name = sql_text(&table.name);
        let columns = self.texts(&format!("SELECT name, type, pk FROM pragma_table_info({name}) ORDER BY cid"))?;
        let at = |row: &Vec<Option<String>>, at: usize| row.get(at).cloned().flatten().unwrap_or_default();
        let mut key: Vec<(u32, String)> =
            columns.iter().map(|row| (at(row, 2).parse().unwrap_or(0), at(row, 0))).filter(|(n, _)| *n > 0).collect();
        key.sort();
        let mut unique = vec![key.into_iter().map(|(_, name)| name).collect::<Vec<String>>()];
        let indexes = format!(
            "SELECT i.name, c.name FROM pragma_index_list({name}) AS i, pragma_index_info(i.name) AS c \
             WHERE i.\"unique\" = 1 AND i.partial = 0 ORDER BY i.seq, c.seqno"
        );
        let mut last = None;
        for row in self.texts(&indexes)? {
            if last.as_ref() != Some(&at(&row, 0)) {
                unique.push(Vec::new());
                last = Some(at(&row, 0));
            }
            if let Some(names) = unique.last_mut() {
                names.push(at(&row, 1));
            }
        }
        unique.retain(|names| !names.is_empty());
        let references = format!(
            "SELECT DISTINCT m.name FROM sqlite_schema AS m, pragma_foreign_key_list(m.name) AS f \
             WHERE m.type = 'table' AND lower(f.\"table\") = lower({name}) AND f.on_delete NOT IN ('NO ACTION', 'RESTRICT')"
        );
        let cascades = self.texts(&references)?.iter().map(|row| at(row, 0)).collect();
        let found = |row: &Vec<Option<String>>| FoundColumn { name: at(row, 0), kind: kind_of(&at(row, 1)) };
        Ok(Some(FoundTable { columns: columns.iter().map(found).collect(), unique, cascades }))
    }

    fn create(&mut self, table: &TableName, columns: &[NewColumn<'_>], key: &[&str]) -> Result<()> {
        let mut lines = Vec::new();
        for (number, column) in columns.iter().enumerate() {
            let is_last = number + 1 == columns.len() && key.is_empty();
            let comma = if is_last { "" } else { "," };
            let about = column.about.map(|about| format!(" -- {}", one_line(about))).unwrap_or_default();
            lines.push(format!("  {}{comma}{about}\n", self.column(column)));
        }
        if !key.is_empty() {
            let key: Vec<String> = key.iter().map(|name| self.quoted(name)).collect();
            lines.push(format!("  PRIMARY KEY ({})\n", key.join(", ")));
        }
        self.run(&format!("CREATE TABLE {} (\n{})", self.quoted(&table.name), lines.concat())).map(|_| ())
    }

    fn add_columns(&mut self, table: &TableName, columns: &[NewColumn<'_>]) -> Result<()> {
        for column in columns {
            let sql = format!("ALTER TABLE {} ADD COLUMN {}", self.quoted(&table.name), self.column(column));
            self.run(&sql)?;
        }
        Ok(())
    }

    fn widen(&mut self, table: &TableName, column: &str, kind: ValueKind) -> Result<()> {
        let (_, sql) = self.made_by(&table.name)?.unwrap_or_default();
        let found = self.find(table)?.unwrap_or_default();
        let before = found.columns.iter().find(|own| own.name == column).map_or(ValueKind::Text, |own| own.kind);
        let (old, new) = (
            format!("{} {}", self.quoted(column), self.type_of(before)),
            format!("{} {}", self.quoted(column), self.type_of(kind)),
        );
        if sql.matches(&old).count() != 1 {
            let message = format!("{table}: the column {column} must become {}", kind.name());
            return Err(Error::new(ErrorKind::Conflict, message)
                .advise("opnode has not made this column: change its type, or load into another table"));
        }
        // SQLite has no statement for this, and describes this way; indexes, views and triggers stay.
        let sql = sql_text(&sql.replacen(&old, &new, 1));
        let version = self.texts("SELECT schema_version FROM pragma_schema_version")?;
        let version: i64 = version.into_iter().flatten().flatten().next().and_then(|n| n.parse().ok()).unwrap_or(0);
        let batch = format!(
            "PRAGMA writable_schema = ON; \
             UPDATE sqlite_schema SET sql = {sql} WHERE type = 'table' AND lower(name) = lower({}); \
             PRAGMA schema_version = {}; PRAGMA writable_schema = RESET;",
            sql_text(&table.name),
            version + 1
        );
        let changed = self.connection.execute_batch(&batch);
        changed.map_err(self.wrong())?;
        if kind == ValueKind::Text {
            let (shown, name) = (self.quoted(&table.name), self.quoted(column));
            let is_flag = u8::from(before == ValueKind::Boolean);
            self.run(&format!("UPDATE {shown} SET {name} = opnode_text({name}, {is_flag})"))?;
        }
        Ok(())
    }

    fn run(&mut self, sql: &str) -> Result<u64> {
        let changed = self.connection.execute(sql, []).map_err(self.wrong())?;
        Ok(changed as u64)
    }

    fn ask(&mut self, sql: &str) -> Result<Vec<Vec<Option<String>>>> {
        self.texts(sql)
    }

    fn stage(&mut self, name: &str, columns: &[NewColumn<'_>]) -> Result<()> {
        let columns: Vec<String> = columns.iter().map(|column| self.column(column)).collect();
        let name = self.quoted(name);
        self.run(&format!("DROP TABLE IF EXISTS temp.{name}"))?;
        self.run(&format!("CREATE TEMP TABLE {name} ({})", columns.join(", "))).map(|_| ())
    }

    fn index_stage(&mut self, columns: &[String]) -> Result<()> {
        let columns: Vec<String> = columns.iter().map(|name| self.quoted(name)).collect();
        let (columns, number) = (columns.join(", "), self.quoted(NUMBER));
        let sql = format!("CREATE INDEX temp.opnode_stage_key ON {} ({columns}, {number})", self.quoted(STAGE));
        self.run(&sql).map(|_| ())
    }

    fn bulk<'d>(
        &'d mut self,
        table: &TableName,
        is_stage: bool,
        columns: &[NewColumn<'_>],
    ) -> Result<Box<dyn BulkRows + 'd>> {
        let names: Vec<String> = columns.iter().map(|column| self.quoted(column.name)).collect();
        let places: Vec<String> = (1..=names.len()).map(|number| format!("?{number}")).collect();
        let schema = if is_stage { "temp." } else { "" };
        let sql = match names.as_slice() {
            [] => format!("INSERT INTO {schema}{} DEFAULT VALUES", self.quoted(&table.name)),
            names => format!(
                "INSERT INTO {schema}{} ({}) VALUES ({})",
                self.quoted(&table.name),
                names.join(", "),
                places.join(", ")
            ),
        };
        let statement = self.connection.prepare(&sql).map_err(|e| failed(&self.path, &e))?;
        Ok(Box::new(SqliteRows { statement, path: &self.path }))
    }

    fn read(&mut self, sql: &str, each: &mut dyn FnMut(&str) -> Result<()>) -> Result<()> {
        super::sqlite_rows::read(&self.connection, sql, &|e| failed(&self.path, e), each)
    }

    fn differ(&self, left: &[String], right: &[String]) -> String {
        format!("({}) IS NOT ({})", left.join(", "), right.join(", "))
    }

    fn time(&self, text: &str) -> String {
        sql_text(text)
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

struct SqliteRows<'d> {
    statement: Statement<'d>,
    path: &'d Path,
}

impl SqliteRows<'_> {
    fn bind(&mut self, number: usize, cell: Cell<'_>) -> rusqlite::Result<()> {
        match cell {
            Cell::Null => self.statement.raw_bind_parameter(number, rusqlite::types::Null),
            Cell::Boolean(flag) => self.statement.raw_bind_parameter(number, flag),
            Cell::Integer(integer) => self.statement.raw_bind_parameter(number, integer),
            Cell::Double(double) => self.statement.raw_bind_parameter(number, double),
            // A number that SQLite cannot calculate with is a text with all its digits.
            Cell::Decimal(digits) => match (digits.parse::<i64>(), exact(digits)) {
                (Ok(integer), _) => self.statement.raw_bind_parameter(number, integer),
                (Err(_), Some(double)) => self.statement.raw_bind_parameter(number, double),
                (Err(_), None) => self.statement.raw_bind_parameter(number, digits),
            },
            Cell::Text(text) | Cell::Json(text) | Cell::Date(_, text) | Cell::Timestamp(_, text) => {
                self.statement.raw_bind_parameter(number, text)
            }
        }
    }
}

impl BulkRows for SqliteRows<'_> {
    fn put(&mut self, row: &str, cells: &Cells, numbers: &[i64]) -> Result<()> {
        let mut bound = || {
            for at in 0..cells.len() {
                self.bind(at + 1, cells.get(row, at))?;
            }
            for (at, number) in numbers.iter().enumerate() {
                self.statement.raw_bind_parameter(cells.len() + at + 1, *number)?;
            }
            self.statement.raw_execute()
        };
        bound().map(|_| ()).map_err(|e| failed(self.path, &e))
    }

    fn finish(self: Box<Self>) -> Result<Option<u64>> {
        Ok(None)
    }
}
