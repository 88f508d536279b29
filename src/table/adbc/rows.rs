//! Rows on their way into a table, as batches that the driver takes into a table of the connection alone. From there a
//! statement brings them into the table: drivers take columns by their order only.

use adbc_core::options::{IngestMode, OptionStatement, OptionValue};
use adbc_core::{Optionable, Statement};
use arrow_array::{RecordBatch, RecordBatchIterator};

use super::super::cell::Cells;
use super::super::column_arrays::BatchBuilder;
use super::super::database::{BulkRows, Database, NewColumn};
use super::super::shape::LoadColumn;
use super::super::value_kind::ValueKind;
use super::catalog::RoundedColumn;
use super::connection::Adbc;
use crate::error::{Error, ErrorKind, Result};

/// The bytes of values that are given to a driver at once.
const FULL: usize = 16 << 20;

pub(super) struct AdbcRows<'d> {
    pub(super) database: &'d mut Adbc,
    /// The table into which the driver takes the rows.
    pub(super) into: String,
    /// What brings them from there into their table.
    pub(super) then: Vec<String>,
    /// Columns that could round a value.
    pub(super) checked: Vec<(String, RoundedColumn)>,
    builder: BatchBuilder,
    full: Vec<RecordBatch>,
    bytes: usize,
}

impl<'d> AdbcRows<'d> {
    pub(super) fn new(database: &'d mut Adbc, into: &str, columns: &[NewColumn<'_>]) -> AdbcRows<'d> {
        let column = |column: &NewColumn<'_>| LoadColumn {
            name: column.name.to_owned(),
            path: vec![column.name.to_owned()],
            kind: staged_kind(column.kind),
            about: None,
        };
        let columns: Vec<LoadColumn> = columns.iter().map(column).collect();
        let builder = BatchBuilder::new(&columns);
        AdbcRows {
            database,
            into: into.to_owned(),
            then: Vec::new(),
            checked: Vec::new(),
            builder,
            full: Vec::new(),
            bytes: 0,
        }
    }

    fn send(&mut self) -> Result<()> {
        let full = std::mem::take(&mut self.full);
        self.bytes = 0;
        if full.is_empty() {
            return Ok(());
        }
        let mut statement = self.database.new_statement()?;
        let batches = RecordBatchIterator::new(full.into_iter().map(Ok), self.builder.schema());
        let taken = || {
            statement.set_option(OptionStatement::TargetTable, OptionValue::from(self.into.as_str()))?;
            statement.set_option(
                OptionStatement::IngestMode,
                OptionValue::from(String::from(IngestMode::Append).as_str()),
            )?;
            statement.set_option(OptionStatement::Temporary, OptionValue::from("true"))?;
            statement.bind_stream(Box::new(batches))?;
            statement.execute_update()
        };
        taken().map(|_| ()).map_err(|e| self.database.failed(&e))
    }

    /// Refuses rows with a value that its column would round.
    fn check(&mut self) -> Result<()> {
        for (column, change) in &self.checked {
            let RoundedColumn::Rounds(declared) = change else { continue };
            let (name, into) = (self.database.quoted(column), self.database.quoted(&self.into));
            let sql =
                format!("SELECT CAST({name} AS TEXT) FROM {into} WHERE CAST({name} AS {declared}) <> {name} LIMIT 1");
            if let Some(value) = self.database.texts(&sql)?.into_iter().flatten().flatten().next() {
                let message = format!("{column}: {value} has more digits than {declared} holds, and would be rounded");
                return Err(Error::new(ErrorKind::InvalidItems, format!("{}: {message}", self.database.shown))
                    .advise("give the column a wider type, or leave it out with `columns`"));
            }
        }
        Ok(())
    }
}

/// JSON is a text on its way.
pub(super) fn staged_kind(kind: ValueKind) -> ValueKind {
    if kind == ValueKind::Json { ValueKind::Text } else { kind }
}

impl BulkRows for AdbcRows<'_> {
    fn put(&mut self, row: &str, cells: &Cells, numbers: &[i64]) -> Result<()> {
        let full = self.builder.put(row, cells, numbers)?;
        if let Some(full) = full {
            self.bytes += full.bytes;
            self.full.push(full.batch);
        }
        if self.bytes >= FULL { self.send() } else { Ok(()) }
    }

    fn finish(mut self: Box<Self>) -> Result<Option<u64>> {
        self.full.extend(self.builder.take()?.map(|last| last.batch));
        self.send()?;
        self.check()?;
        std::mem::take(&mut self.then).iter().try_for_each(|sql| self.database.statement(sql).map(|_| ()))?;
        Ok(None)
    }
}
