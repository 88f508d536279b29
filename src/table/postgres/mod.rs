//! PostgreSQL: rows get into its tables by COPY, with the user's own rights. Names are written as they are; types of
//! tables that others have made stay as they are.

mod catalog;
mod client;
mod copy_rows;
mod failure;
mod rows_out;
mod server;
#[cfg(test)]
#[cfg(unix)]
pub(in crate::table) mod server_for_tests;
#[cfg(test)]
#[cfg(unix)]
mod tests;
mod tls;

use sha2::{Digest, Sha256};

use super::address::TableName;
use super::cell::{CellRules, Decimals};
use super::database::{BulkRows, Database, FoundTable, NewColumn, sql_name, sql_text};
use super::value_kind::ValueKind;
use crate::error::{Error, ErrorKind, Result};
use catalog::{CatalogColumn, CatalogTable, NAME_MAX};
pub(crate) use client::Postgres;
use copy_rows::CopyRows;
pub(crate) use server::PostgresServer;

/// The most columns of a table.
const COLUMNS_MAX: usize = 1_600;
/// Years before 1 are written otherwise than in JSON.
const RULES: CellRules =
    CellRules { nul: false, second_digits: 6, text_max: None, first_year: 1, decimals: Decimals::All };

impl Postgres {
    fn column(&self, column: &NewColumn<'_>, declared: Option<&str>) -> String {
        let required = if column.is_required { " NOT NULL" } else { "" };
        format!("{} {}{required}", self.quoted(column.name), declared.unwrap_or(self.type_of(column.kind)))
    }

    /// Comments on columns as statements.
    fn comments(&self, table: &TableName, columns: &[NewColumn<'_>]) -> String {
        let comment = |column: &NewColumn<'_>| {
            let about = sql_text(&column.about?.replace('\0', ""));
            Some(format!("; COMMENT ON COLUMN {}.{} IS {about}", self.table(table), self.quoted(column.name)))
        };
        columns.iter().filter_map(comment).collect()
    }

    /// The columns of a table by their names, in this order.
    fn columns_of(&mut self, table: &TableName, names: &[&str]) -> Result<Vec<CatalogColumn>> {
        let found = self.catalog_table(table)?;
        let all = match &found {
            Some(CatalogTable { oid, .. }) => self.catalog_columns(oid)?,
            None => Vec::new(),
        };
        names
            .iter()
            .map(|name| match all.iter().find(|column| column.name == *name) {
                Some(column) => Ok(column.clone()),
                None => Err(self.wrong(format!("{table} has no column {name}")).advise("run it again to resume")),
            })
            .collect()
    }
}

/// The number by which loads into a table wait for each other.
fn lock_number(schema: &str, name: &str) -> i64 {
    let digest = Sha256::digest(format!("opnode\0{schema}\0{name}").as_bytes());
    digest.iter().take(8).fold(0_i64, |number, byte| number << 8 | i64::from(*byte))
}

/// A column as a value of a wider kind, with all its digits.
fn widened(column: &str, before: ValueKind, kind: ValueKind) -> String {
    match (before, kind) {
        (_, ValueKind::Decimal) => format!("{column}::text::numeric"),
        (ValueKind::Timestamp, ValueKind::Text) => {
            let utc = format!("pg_catalog.to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US')");
            format!(
                "CASE WHEN pg_catalog.isfinite({column}) THEN pg_catalog.regexp_replace({utc}, '\\.?0+$', '') || 'Z' \
                 ELSE {column}::text END"
            )
        }
        _ => format!("{column}::text"),
    }
}

impl Database for Postgres {
    fn rules(&self) -> &'static CellRules {
        &RULES
    }

    fn type_of(&self, kind: ValueKind) -> &'static str {
        match kind {
            ValueKind::Boolean => "boolean",
            ValueKind::Integer => "bigint",
            ValueKind::Decimal => "numeric",
            ValueKind::Double => "double precision",
            ValueKind::Date => "date",
            ValueKind::Timestamp => "timestamptz",
            ValueKind::Text => "text",
            ValueKind::Json => "json",
        }
    }

    fn limits(&self) -> (usize, usize) {
        (NAME_MAX, COLUMNS_MAX)
    }

    fn folds_names(&self) -> bool {
        false
    }

    fn begin(&mut self) -> Result<()> {
        self.is_failed = false;
        self.statement("BEGIN ISOLATION LEVEL READ COMMITTED")?;
        self.settle("LOCAL")?;
        // Rows that the user does not see would not be changed; and a commit is durable.
        self.statement(
            "SET LOCAL row_security = off; SELECT pg_catalog.set_config('synchronous_commit', 'local', true) \
             WHERE pg_catalog.current_setting('synchronous_commit') = 'off'",
        )
        .map(|_| ())
    }

    fn commit(&mut self) -> Result<()> {
        if self.is_failed && !self.is_gone {
            // The server would answer with a rollback that looks like a success.
            self.roll_back();
            return Err(Error::new(ErrorKind::Internal, format!("{}: a failed transaction is ended", self.server)));
        }
        self.statement("COMMIT").map(|_| ())
    }

    fn rollback(&mut self) {
        self.roll_back();
    }

    fn lock(&mut self, table: &TableName) -> Result<()> {
        let schema = match self.catalog_table(table)? {
            Some(CatalogTable { schema, .. }) => schema,
            None => self.schema_of_new(table)?,
        };
        self.statement(&format!("SELECT pg_catalog.pg_advisory_xact_lock({})", lock_number(&schema, &table.name)))?;
        // Another load may have made it in the meantime.
        if self.catalog_table(table)?.is_some() {
            self.statement(&format!("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE", self.table(table)))?;
        }
        self.locked = Some(table.clone());
        Ok(())
    }

    fn find(&mut self, table: &TableName) -> Result<Option<FoundTable>> {
        self.found(table)
    }

    fn create(&mut self, table: &TableName, columns: &[NewColumn<'_>], key: &[&str]) -> Result<()> {
        let mut parts: Vec<String> = columns.iter().map(|column| self.column(column, None)).collect();
        if !key.is_empty() {
            let key: Vec<String> = key.iter().map(|name| sql_name(name)).collect();
            parts.push(format!("PRIMARY KEY ({})", key.join(", ")));
        }
        let comments = self.comments(table, columns);
        self.statement(&format!("CREATE TABLE {} ({}){comments}", self.table(table), parts.join(", "))).map(|_| ())
    }

    fn add_columns(&mut self, table: &TableName, columns: &[NewColumn<'_>]) -> Result<()> {
        let parts: Vec<String> =
            columns.iter().map(|column| format!("ADD COLUMN {}", self.column(column, None))).collect();
        if parts.is_empty() {
            return Ok(());
        }
        let comments = self.comments(table, columns);
        self.statement(&format!("ALTER TABLE {} {}{comments}", self.table(table), parts.join(", "))).map(|_| ())
    }

    fn widen(&mut self, table: &TableName, column: &str, kind: ValueKind) -> Result<()> {
        let before = self.columns_of(table, &[column])?.first().map_or(ValueKind::Text, CatalogColumn::kind);
        let (name, shown) = (sql_name(column), self.table(table));
        let (wide, value) = (self.type_of(kind), widened(&name, before, kind));
        let done = self.statement(&format!("ALTER TABLE {shown} ALTER COLUMN {name} TYPE {wide} USING {value}"));
        done.map(|_| ()).map_err(|error| match error.kind() {
            ErrorKind::Rejected | ErrorKind::InvalidOptions => {
                let message = format!("{table}: the column {column} must become {}, and {error}", kind.name());
                Error::new(ErrorKind::Conflict, message).advise(
                    "remove what depends on the column and make it again afterwards, or load into another table",
                )
            }
            _ => error,
        })
    }

    fn run(&mut self, sql: &str) -> Result<u64> {
        self.statement(sql)
    }

    fn ask(&mut self, sql: &str) -> Result<Vec<Vec<Option<String>>>> {
        self.texts(sql)
    }

    fn stage(&mut self, name: &str, columns: &[NewColumn<'_>]) -> Result<()> {
        // A value is cast to the type of its column while it is read, or not at all.
        let target = match self.locked.clone() {
            Some(locked) => match self.catalog_table(&locked)? {
                Some(CatalogTable { oid, .. }) => self.catalog_columns(&oid)?,
                None => Vec::new(),
            },
            None => Vec::new(),
        };
        let mut parts = Vec::new();
        for column in columns {
            let own = target.iter().find(|own| own.name == column.name);
            if let Some(own) = own.filter(|own| own.is_generated) {
                return Err(self.unwritable(own));
            }
            parts.push(self.column(column, own.map(|own| own.declared.as_str())));
        }
        self.statement(&format!("CREATE TEMP TABLE {} ({}) ON COMMIT DROP", sql_name(name), parts.join(", ")))
            .map(|_| ())
    }

    fn index_stage(&mut self, columns: &[String]) -> Result<()> {
        let (stage, number) = (sql_name(super::names::STAGE), sql_name(super::names::NUMBER));
        let columns: Vec<String> = columns.iter().map(|name| sql_name(name)).collect();
        let columns = columns.join(", ");
        self.statement(&format!("CREATE INDEX ON {stage} ({columns}, {number}); ANALYZE {stage}")).map(|_| ())
    }

    fn bulk<'d>(
        &'d mut self,
        table: &TableName,
        is_stage: bool,
        columns: &[NewColumn<'_>],
    ) -> Result<Box<dyn BulkRows + 'd>> {
        let place = match is_stage {
            true => TableName { schema: Some("pg_temp".to_owned()), name: table.name.clone() },
            false => table.clone(),
        };
        let names: Vec<&str> = columns.iter().map(|column| column.name).collect();
        let columns = self.columns_of(&place, &names)?;
        if let Some(column) = columns.iter().find(|column| column.refused().is_some()) {
            return Err(self.unwritable(column));
        }
        let into = self.table(&place);
        Ok(Box::new(CopyRows::new(self, &table.name, &into, &columns)))
    }

    fn comparable(&self, column: &str, kind: ValueKind) -> String {
        match kind {
            // JSON cannot be compared, nor can some types whose values are texts here.
            ValueKind::Json | ValueKind::Text => format!("{column}::text"),
            _ => column.to_owned(),
        }
    }

    fn read(&mut self, sql: &str, each: &mut dyn FnMut(&str) -> Result<()>) -> Result<()> {
        self.read_rows(sql, each)
    }

    fn differ(&self, left: &[String], right: &[String]) -> String {
        format!("({}) IS DISTINCT FROM ({})", left.join(", "), right.join(", "))
    }

    fn time(&self, text: &str) -> String {
        format!("{}::timestamptz", sql_text(text))
    }
}

impl Postgres {
    /// A column into which no value is written.
    fn unwritable(&self, column: &CatalogColumn) -> Error {
        let why = column.refused().unwrap_or_default();
        self.wrong(format!("the column {} ({}) is not written: {why}", column.name, column.declared))
            .advise("leave it out with `columns`, or change its type")
    }
}
