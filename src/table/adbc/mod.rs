//! Databases by their ADBC driver, as DuckDB. Statements are those that databases with ON CONFLICT have in common; what a
//! database does not take is refused by it, and its transaction has no effect.

mod catalog;
mod connection;
mod opened;
mod rows;
mod select;
#[cfg(test)]
mod tests;

use arrow_schema::Schema;

use super::address::TableName;
use super::cell::{CellRules, Decimals};
use super::database::{BulkRows, Database, FoundTable, NewColumn, sql_name, sql_text};
use super::names::STAGE;
use super::value_kind::ValueKind;
use crate::error::{Error, ErrorKind, Result};
use crate::row_file::put_fields;
use catalog::{RoundedColumn, kind_of, marked, silent_change};
pub(super) use connection::Adbc;
use rows::{AdbcRows, staged_kind};

const RULES: CellRules =
    CellRules { nul: false, second_digits: 6, text_max: None, first_year: 1, decimals: Decimals::Scaled };
/// The table of the connection alone into which the driver takes rows that are added.
const TAKEN: &str = "opnode_taken";
const NAME_MAX: usize = 63;
const COLUMNS_MAX: usize = 1_500;

impl Adbc {
    fn column(&self, column: &NewColumn<'_>) -> String {
        let required = if column.is_required { " NOT NULL" } else { "" };
        format!("{} {}{required}", sql_name(column.name), self.type_of(column.kind))
    }

    /// Makes a table of the connection alone, with types that are those of the batches.
    fn temporary(&mut self, name: &str, columns: &[NewColumn<'_>]) -> Result<()> {
        let staged =
            |column: &NewColumn<'_>| self.column(&NewColumn { kind: staged_kind(column.kind), ..column.clone() });
        let columns: Vec<String> = columns.iter().map(staged).collect();
        let name = sql_name(name);
        self.statement(&format!("DROP TABLE IF EXISTS {name}"))?;
        self.statement(&format!("CREATE TEMPORARY TABLE {name} ({})", columns.join(", "))).map(|_| ())
    }

    /// The columns of a table that could round values. A column into which no value is written is refused.
    fn checked(
        &self,
        table: &TableName,
        into: &Schema,
        columns: &[NewColumn<'_>],
    ) -> Result<Vec<(String, RoundedColumn)>> {
        let mut checked = Vec::new();
        for column in columns {
            let Ok(field) = into.field_with_name(column.name) else { continue };
            if kind_of(field).is_none() {
                let message = format!(
                    "{table}: the column {} is {}, and no value is written into it",
                    column.name,
                    field.data_type()
                );
                return Err(self.wrong(message).advise("leave it out with `columns`, or change its type"));
            }
            checked.push((column.name.to_owned(), silent_change(field)));
        }
        Ok(checked)
    }
}

impl Database for Adbc {
    fn rules(&self) -> &'static CellRules {
        &RULES
    }

    fn type_of(&self, kind: ValueKind) -> &'static str {
        match kind {
            ValueKind::Boolean => "BOOLEAN",
            ValueKind::Integer => "BIGINT",
            ValueKind::Decimal => "DECIMAL(38, 9)",
            ValueKind::Double => "DOUBLE PRECISION",
            ValueKind::Date => "DATE",
            ValueKind::Timestamp => "TIMESTAMP WITH TIME ZONE",
            ValueKind::Json if self.has_json => "JSON",
            ValueKind::Text | ValueKind::Json => "TEXT",
        }
    }

    fn limits(&self) -> (usize, usize) {
        (NAME_MAX, COLUMNS_MAX)
    }

    fn folds_names(&self) -> bool {
        true
    }

    fn begin(&mut self) -> Result<()> {
        self.take_turn();
        // A statement begins a transaction; this ends an earlier one.
        let ended = self.end();
        self.take_turn();
        ended
    }

    fn commit(&mut self) -> Result<()> {
        for name in [STAGE, TAKEN] {
            self.statement(&format!("DROP TABLE IF EXISTS {}", sql_name(name)))?;
        }
        self.keep()
    }

    fn rollback(&mut self) {
        let _closing_does_it_too = self.end();
    }

    fn lock(&mut self, table: &TableName) -> Result<()> {
        // Drivers have no call for it: keys, and the database's own rules for transactions that change the same rows, keep
        // two loads apart.
        self.locked = Some(table.clone());
        Ok(())
    }

    fn find(&mut self, table: &TableName) -> Result<Option<FoundTable>> {
        self.found(table)
    }

    fn create(&mut self, table: &TableName, columns: &[NewColumn<'_>], key: &[&str]) -> Result<()> {
        let mut parts: Vec<String> = columns.iter().map(|column| self.column(column)).collect();
        if !key.is_empty() {
            let key: Vec<String> = key.iter().map(|name| sql_name(name)).collect();
            parts.push(format!("PRIMARY KEY ({})", key.join(", ")));
        }
        self.statement(&format!("CREATE TABLE {} ({})", self.table(table), parts.join(", ")))?;
        for column in columns {
            let Some(about) = column.about.filter(|_| self.has_comments) else { continue };
            let name = format!("{}.{}", self.table(table), sql_name(column.name));
            self.statement(&format!("COMMENT ON COLUMN {name} IS {}", sql_text(about)))?;
        }
        Ok(())
    }

    fn add_columns(&mut self, table: &TableName, columns: &[NewColumn<'_>]) -> Result<()> {
        for column in columns {
            self.statement(&format!("ALTER TABLE {} ADD COLUMN {}", self.table(table), self.column(column)))?;
        }
        Ok(())
    }

    fn widen(&mut self, table: &TableName, column: &str, kind: ValueKind) -> Result<()> {
        let (shown, name, wide) = (self.table(table), sql_name(column), self.type_of(kind));
        let before = self.found(table)?.unwrap_or_default();
        let before = before.columns.iter().find(|own| own.name == column).map(|own| own.kind);
        // As the other databases write them: without zeros at the end, and times with T and Z.
        let value = match (before, kind) {
            (Some(ValueKind::Decimal), ValueKind::Text) => {
                format!("regexp_replace(CAST({name} AS TEXT), '\\.?0+$', '')")
            }
            (Some(ValueKind::Timestamp), ValueKind::Text) => {
                format!("replace(CAST({name} AT TIME ZONE 'UTC' AS TEXT), ' ', 'T') || 'Z'")
            }
            _ => format!("CAST({name} AS {wide})"),
        };
        let sql = format!("ALTER TABLE {shown} ALTER COLUMN {name} SET DATA TYPE {wide} USING {value}");
        let done = self.statement(&sql);
        done.map(|_| ()).map_err(|error| {
            let message = format!("{table}: the column {column} must become {}, and {error}", kind.name());
            Error::new(ErrorKind::Conflict, message)
                .advise("remove the indexes of the table, change the type of the column and make them again, or load into another table")
        })
    }

    fn run(&mut self, sql: &str) -> Result<u64> {
        self.statement(sql)
    }

    fn ask(&mut self, sql: &str) -> Result<Vec<Vec<Option<String>>>> {
        self.texts(sql)
    }

    fn stage(&mut self, name: &str, columns: &[NewColumn<'_>]) -> Result<()> {
        self.temporary(name, columns)
    }

    fn index_stage(&mut self, columns: &[String]) -> Result<()> {
        let _they_are_found_without = columns;
        Ok(())
    }

    fn needs_indexes(&self) -> bool {
        // Databases with ADBC drivers read columns; and a column that has an index cannot become wider.
        false
    }

    fn bulk<'d>(
        &'d mut self,
        table: &TableName,
        is_stage: bool,
        columns: &[NewColumn<'_>],
    ) -> Result<Box<dyn BulkRows + 'd>> {
        let target = if is_stage { self.locked.clone() } else { Some(table.clone()) };
        let checked = match target {
            Some(target) if self.found(&target)?.is_some() => {
                let schema = self.schema_of(&target)?;
                self.checked(&target, &schema, columns)?
            }
            _ => Vec::new(),
        };
        let into = if is_stage { table.name.as_str() } else { TAKEN };
        let mut then = Vec::new();
        if !is_stage {
            self.temporary(TAKEN, columns)?;
            let names: Vec<String> = columns.iter().map(|column| sql_name(column.name)).collect();
            let names = names.join(", ");
            then.push(format!("INSERT INTO {} ({names}) SELECT {names} FROM {}", self.table(table), sql_name(TAKEN)));
        }
        let mut rows = AdbcRows::new(self, into, columns);
        (rows.then, rows.checked) = (then, checked);
        Ok(Box::new(rows))
    }

    fn comparable(&self, column: &str, kind: ValueKind) -> String {
        match kind {
            ValueKind::Json => format!("CAST({column} AS TEXT)"),
            _ => column.to_owned(),
        }
    }

    fn read(&mut self, sql: &str, each: &mut dyn FnMut(&str) -> Result<()>) -> Result<()> {
        let sql = select::one_select(sql)?;
        self.end()?;
        let (mut text, json) = (String::new(), self.json.clone());
        let read = self.batches(sql, &mut |schema, batch| {
            let schema = marked(schema, &json);
            for at in 0..batch.num_rows() {
                text.clear();
                put_fields(&mut text, schema.fields(), batch.columns(), at).map_err(|why| {
                    Error::new(ErrorKind::InvalidItems, format!("the column {why}"))
                        .advise("leave the column out of the query, or convert it there")
                })?;
                each(&text)?;
            }
            Ok(())
        });
        // Whatever the statement did is undone.
        self.end()?;
        read
    }

    fn differ(&self, left: &[String], right: &[String]) -> String {
        let pairs: Vec<String> =
            left.iter().zip(right).map(|(left, right)| format!("{left} IS DISTINCT FROM {right}")).collect();
        format!("({})", pairs.join(" OR "))
    }

    fn time(&self, text: &str) -> String {
        format!("CAST({} AS TIMESTAMP WITH TIME ZONE)", sql_text(text))
    }
}
