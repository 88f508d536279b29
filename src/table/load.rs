//! Loads the rows of a step into a table, each once. The rows are on disk and stay as they are, so that a load can be
//! repeated; what a transaction has written is recorded in it, so that it is not written again.

use std::collections::BTreeSet;

use super::address::TableName;
use super::cell::Cells;
use super::columns::{ColumnsPlan, plan};
use super::database::{Database, NewColumn};
use super::merge::KeyedMerge;
use super::mode::LoadMode;
use super::names::{CHECKED, LOAD, NUMBER, OWNER, STAGE};
use super::order::{LoadOrder, LoadReport, OpenRows, new_column, now};
use super::shape::{Findings, LoadColumn};
use super::source::{self, KnownLoad, LoadSource};
use super::survey::survey;
use super::value_kind::ValueKind;
use crate::error::{Error, ErrorKind, Result};
use crate::run_store::{Extent, Measure, RowReader};

/// Rows and bytes of one transaction of added rows.
const RANGE: (u64, u64) = (25_000, 16 << 20);
/// How often the form of a table may change during one load: each time, all rows are looked at.
const ROUNDS: usize = 8;

/// Loads the rows. `check` gets the number of rows so far, and says whether the load must stop.
///
/// # Errors
/// `invalid_items` for a value that no column holds; `conflict` when the table has another form and may not change;
/// `state` when the database is locked or full; `network` when it is gone: then it can be repeated.
pub(crate) fn load(
    database: &mut dyn Database,
    order: &LoadOrder,
    rows: &OpenRows<'_>,
    check: &dyn Fn(u64) -> Result<()>,
) -> Result<LoadReport> {
    source::make(database, &order.table)?;
    let known = order.source.known(database, &order.table)?;
    if order.may_change {
        let last = known.iter().map(|load| load.attempt).max().unwrap_or_default().max(order.source.attempt);
        // Other rows are another attempt.
        let attempt = if is_same(&known, rows)? { last } else { last + 1 };
        let source = LoadSource { attempt, ..order.source.clone() };
        return load(database, &LoadOrder { source, may_change: false, ..order.clone() }, rows, check);
    }
    let (findings, report) = (Findings::default(), LoadReport::default());
    let mut loader = TableLoader { database, order, rows, check, reader: None, findings, report };
    match order.mode {
        LoadMode::Append => loader.append(&known)?,
        LoadMode::Upsert => loader.upsert(&known)?,
        LoadMode::Replace | LoadMode::Mirror | LoadMode::History => loader.whole(&known)?,
    }
    Ok(loader.report)
}

/// Whether the rows are those that the table has of the last attempt, as far as it has them.
fn is_same(known: &[KnownLoad], rows: &OpenRows<'_>) -> Result<bool> {
    let last = known.iter().map(|load| load.attempt).max().unwrap_or_default();
    let last: Vec<&KnownLoad> = known.iter().filter(|load| load.attempt == last).collect();
    first_other(&mut *rows()?, &last, &|| Ok(())).map(|other| other.is_none())
}

/// The first of these loads whose rows are not the next ones.
fn first_other<'k>(
    rows: &mut dyn RowReader,
    known: &[&'k KnownLoad],
    check: &dyn Fn() -> Result<()>,
) -> Result<Option<&'k KnownLoad>> {
    let mut next = 0;
    for load in known {
        let mut measure = Measure::default();
        while load.first == next && measure.rows() < load.rows {
            let Some(row) = rows.next_row()? else { break };
            measure.add_row(row);
        }
        if measure.extent().sum.to_string() != load.digest || measure.rows() != load.rows {
            return Ok(Some(load));
        }
        next += load.rows;
        check()?;
    }
    Ok(None)
}

struct TableLoader<'l> {
    database: &'l mut dyn Database,
    order: &'l LoadOrder,
    rows: &'l OpenRows<'l>,
    check: &'l dyn Fn(u64) -> Result<()>,
    /// Rows that were read up to this number.
    reader: Option<(u64, Box<dyn RowReader>)>,
    /// What is known of rows that did not fit.
    findings: Findings,
    report: LoadReport,
}

/// How an attempt to write rows ended.
enum WrittenRows {
    /// All are written.
    Rows(Extent),
    /// Some do not fit the table: nothing is written.
    Unfit,
}

/// Rows from one number on, at most so many rows and bytes.
#[derive(Clone, Copy)]
struct Range {
    first: u64,
    rows: u64,
    bytes: u64,
}

impl Range {
    fn from(first: u64) -> Range {
        Range { first, rows: u64::MAX, bytes: u64::MAX }
    }
}

impl TableLoader<'_> {
    /// Adds the rows that are not in the table yet.
    fn append(&mut self, known: &[KnownLoad]) -> Result<()> {
        let (earlier, own) = self.by_attempt(known);
        self.check_rows(&own)?;
        let mut next = self.confirm(&own)?;
        let mut is_begun = !own.is_empty();
        while !is_begun || next < self.order.extent.rows {
            let earlier = if is_begun { Vec::new() } else { earlier.clone() };
            let range = Range { first: next, rows: RANGE.0, bytes: RANGE.1 };
            next += self.transaction(|loader| loader.append_range(range, &earlier))?.rows;
            is_begun = true;
        }
        Ok(())
    }

    fn append_range(&mut self, range: Range, earlier: &[i64]) -> Result<WrittenRows> {
        self.add_rows(range, |loader, has_load| loader.remove(earlier, has_load))
    }

    /// Changes the rows that are not in the table yet, by their key.
    fn upsert(&mut self, known: &[KnownLoad]) -> Result<()> {
        let (_, own) = self.by_attempt(known);
        self.check_table(&own)?;
        let next = self.confirm(&own)?;
        if !own.is_empty() && next == self.order.extent.rows {
            return Ok(());
        }
        self.transaction(|loader| loader.merge(Range::from(next))).map(|_| ())
    }

    /// Loads all rows at once.
    fn whole(&mut self, known: &[KnownLoad]) -> Result<()> {
        let (_, own) = self.by_attempt(known);
        self.check_table(&own)?;
        let (rows, digest) = (self.order.extent.rows, self.order.extent.sum.to_string());
        if own.iter().any(|load| load.first == 0 && load.rows == rows && load.digest == digest) {
            return Ok(());
        }
        let range = Range::from(0);
        match self.order.mode {
            LoadMode::Replace => self.transaction(|loader| loader.replace(range)),
            _ => self.transaction(|loader| loader.merge(range)),
        }
        .map(|_| ())
    }

    fn replace(&mut self, range: Range) -> Result<WrittenRows> {
        self.database.lock(&self.order.table)?;
        self.add_rows(range, |loader, _| {
            loader.refuse_cascades()?;
            let sql = format!("DELETE FROM {}", loader.database.table(&loader.order.table));
            loader.database.run(&sql).map(|_| ())
        })
    }

    /// Adds rows to the table, and records them. `prepare` removes rows before; it gets whether there is a column of loads.
    fn add_rows(&mut self, range: Range, prepare: impl FnOnce(&mut Self, bool) -> Result<()>) -> Result<WrittenRows> {
        let Some((columns, has_load)) = self.table(range)? else { return Ok(WrittenRows::Unfit) };
        let load = load_number();
        if self.is_nothing(&columns)? {
            return self.record(WrittenRows::Rows(Measure::default().extent()), range.first, load);
        }
        prepare(self, has_load)?;
        let table = &self.order.table;
        let written = self.fill(table, false, &columns, (range, has_load.then_some((LOAD, load))))?;
        self.record(written, range.first, load)
    }

    fn merge(&mut self, range: Range) -> Result<WrittenRows> {
        self.database.lock(&self.order.table)?;
        let Some((columns, has_load)) = self.table(range)? else { return Ok(WrittenRows::Unfit) };
        if self.order.mode == LoadMode::Mirror && self.order.is_complete {
            self.refuse_cascades()?;
        }
        let is_list = !self.order.parent.is_empty();
        let owner =
            LoadColumn { name: OWNER.to_owned(), path: vec![OWNER.to_owned()], kind: ValueKind::Integer, about: None };
        let columns: Vec<LoadColumn> = columns.into_iter().chain(is_list.then_some(owner)).collect();
        let mut staged: Vec<NewColumn<'_>> = columns.iter().map(|column| new_column(column, false)).collect();
        staged.push(NewColumn { name: NUMBER, kind: ValueKind::Integer, is_required: true, about: None });
        self.database.stage(STAGE, &staged)?;
        let stage = TableName { schema: None, name: STAGE.to_owned() };
        let written = self.fill(&stage, true, &columns, (range, None))?;
        if let WrittenRows::Rows(_) = written {
            let load = load_number();
            let merge = KeyedMerge { order: self.order, columns: &columns, load: has_load.then_some(load) };
            let notes = merge.run(self.database)?;
            self.report.notes.extend(notes);
            return self.record(written, range.first, load);
        }
        Ok(written)
    }

    /// Runs a transaction until all its rows fit.
    fn transaction(&mut self, mut work: impl FnMut(&mut Self) -> Result<WrittenRows>) -> Result<Extent> {
        for _ in 0..ROUNDS {
            let before = self.report.clone();
            self.database.begin()?;
            match work(self) {
                Ok(WrittenRows::Rows(rows)) => {
                    self.database.commit()?;
                    return Ok(rows);
                }
                Ok(WrittenRows::Unfit) => self.database.rollback(),
                Err(error) => {
                    self.database.rollback();
                    return Err(error);
                }
            }
            self.report = before;
        }
        let message = format!("the columns of {} do not come to an end", self.order.table);
        Err(Error::new(ErrorKind::Internal, message))
    }

    /// The columns of the table, which is made or changed if necessary. Nothing if the rows must be looked at first: then
    /// this has happened, and the transaction begins anew.
    fn table(&mut self, range: Range) -> Result<Option<(Vec<LoadColumn>, bool)>> {
        let mut found = self.database.find(&self.order.table)?;
        let mut own = plan(self.database, self.order, found.as_ref(), &self.findings)?;
        if own.changes() && !matches!(self.order.mode, LoadMode::Replace) {
            // Others may change it as well.
            self.database.lock(&self.order.table)?;
            found = self.database.find(&self.order.table)?;
            own = plan(self.database, self.order, found.as_ref(), &self.findings)?;
        }
        if own.needs_rows && !self.findings.is_whole {
            self.survey(&own.columns, range.first)?;
            return Ok(None);
        }
        own.check(self.database, self.order, &self.findings)?;
        self.report.notes.extend(own.apply(self.database, self.order, found.as_ref())?);
        let ColumnsPlan { columns, has_load, .. } = own;
        Ok(Some((columns, has_load)))
    }

    /// Whether there are no rows and no table: a list without rows does not say which columns it has.
    fn is_nothing(&mut self, columns: &[LoadColumn]) -> Result<bool> {
        if !columns.is_empty() || self.database.find(&self.order.table)?.is_some() {
            return Ok(false);
        }
        if self.order.extent.rows > 0 {
            let message = format!("{}: the rows have no fields, so there are no columns", self.order.table);
            return Err(Error::new(ErrorKind::InvalidItems, message).advise("leave such rows out with `where`"));
        }
        Ok(true)
    }

    /// Looks at the rows from one on: what they have that no column holds.
    fn survey(&mut self, columns: &[LoadColumn], first: u64) -> Result<()> {
        let mut rows = self.rows_from(first)?;
        let (rules, written) = (self.database.rules(), self.report.rows);
        let check = || (self.check)(written);
        survey(&mut *rows, (columns, &self.order.form, rules), first, &mut self.findings, &check)
    }

    /// Writes rows into a table. `extra` is a column of numbers with its value; without it, the stage gets the number of
    /// each row.
    fn fill(
        &mut self,
        table: &TableName,
        is_stage: bool,
        columns: &[LoadColumn],
        (range, extra): (Range, Option<(&'static str, i64)>),
    ) -> Result<WrittenRows> {
        let (rules, order) = (self.database.rules(), self.order);
        let mut scanner = order.form.scanner(columns).noticing();
        let keys: Vec<(usize, &LoadColumn)> =
            columns.iter().enumerate().filter(|(_, column)| order.key.contains(&column.name)).collect();
        let mut into: Vec<NewColumn<'_>> = columns.iter().map(|column| new_column(column, false)).collect();
        let last = if is_stage { Some(NUMBER) } else { extra.map(|(name, _)| name) };
        into.extend(last.map(|name| NewColumn { name, kind: ValueKind::Integer, is_required: true, about: None }));
        let mut rows = self.rows_from(range.first)?;
        let (mut measure, mut cells, mut is_unfit) = (Measure::default(), Cells::default(), false);
        let mut bulk = self.database.bulk(table, is_stage, &into)?;
        while measure.rows() < range.rows && measure.bytes() < range.bytes {
            let Some(row) = rows.next_row()? else { break };
            scanner.scan(row);
            scanner.fill(row, &mut cells, rules, &mut |_| is_unfit = true);
            is_unfit |= scanner.has_unknown();
            if is_unfit {
                break;
            }
            let number = range.first + measure.rows();
            if let Some((_, column)) = keys.iter().find(|(at, _)| cells.is_null(*at)) {
                return Err(no_key(order, &column.name, number));
            }
            let value = if is_stage { Some(number as i64) } else { extra.map(|(_, value)| value) };
            bulk.put(row, &cells, value.as_slice()).map_err(|e| of_row(e, order, range.first, Some(number)))?;
            measure.add_row(row);
            if measure.rows().is_multiple_of(CHECKED) {
                (self.check)(self.report.rows + measure.rows())?;
            }
        }
        if is_unfit {
            drop(bulk);
            drop(rows);
            self.findings.is_whole = false;
            self.survey(columns, range.first)?;
            return Ok(WrittenRows::Unfit);
        }
        let taken = bulk.finish().map_err(|e| of_row(e, order, range.first, None))?;
        let (all, name) = (measure.rows(), &order.table);
        if let Some(taken) = taken.filter(|taken| *taken != all) {
            self.report.notes.push(format!(
                "{name} took {taken} of {all} rows: a trigger or a rule of the table leaves the others out, or moves them"
            ));
        }
        self.reader = Some((range.first + measure.rows(), rows));
        Ok(WrittenRows::Rows(measure.extent()))
    }

    /// Records what was written, in its transaction.
    fn record(&mut self, written: WrittenRows, first: u64, load: i64) -> Result<WrittenRows> {
        let WrittenRows::Rows(rows) = written else { return Ok(written) };
        let order = self.order;
        order.source.record(self.database, &order.table, (load, order.mode), (first, rows), &now())?;
        self.report.rows += rows.rows;
        Ok(WrittenRows::Rows(rows))
    }

    /// The loads of earlier attempts, and those of this one.
    fn by_attempt(&self, known: &[KnownLoad]) -> (Vec<i64>, Vec<KnownLoad>) {
        let attempt = self.order.source.attempt;
        let earlier = known.iter().filter(|load| load.attempt < attempt && self.order.replaces_earlier);
        (
            earlier.map(|load| load.load).collect(),
            known.iter().filter(|load| load.attempt == attempt).cloned().collect(),
        )
    }

    /// Whether the table is there that is said to have rows. Returns whether it has a column with the number of the load.
    fn check_table(&mut self, known: &[KnownLoad]) -> Result<bool> {
        if known.iter().all(|load| load.rows == 0) {
            return Ok(false);
        }
        match self.database.find(&self.order.table)? {
            Some(found) => Ok(found.columns.iter().any(|column| column.name.eq_ignore_ascii_case(LOAD))),
            None => Err(self.gone(known.iter().map(|load| load.rows).sum())),
        }
    }

    /// Whether the table still has rows of each load that is recorded: it may have been emptied since.
    fn check_rows(&mut self, known: &[KnownLoad]) -> Result<()> {
        if !self.check_table(known)? {
            return Ok(());
        }
        let known = known.iter().filter(|load| load.rows > 0);
        let list: Vec<String> = known.clone().map(|load| load.load.to_string()).collect();
        let (shown, column) = (self.database.table(&self.order.table), self.database.quoted(LOAD));
        let sql = format!("SELECT DISTINCT {column} FROM {shown} WHERE {column} IN ({})", list.join(", "));
        let there: BTreeSet<i64> =
            self.database.ask(&sql)?.into_iter().flatten().flatten().filter_map(|cell| cell.parse().ok()).collect();
        let missing: u64 = known.filter(|load| !there.contains(&load.load)).map(|load| load.rows).sum();
        if missing > 0 { Err(self.gone(missing)) } else { Ok(()) }
    }

    /// The error of a table that was dropped or emptied while a run was unfinished.
    fn gone(&self, rows: u64) -> Error {
        let LoadOrder { table, source, .. } = self.order;
        let message = format!(
            "this run has loaded {rows} rows of {} into {table}, and none of them is there any more",
            source.step
        );
        Error::new(ErrorKind::State, message).advise("restore them, or run it with --fresh to load all rows anew")
    }

    /// Compares the rows that are said to be in the table with those of the step. Returns how many there are.
    fn confirm(&mut self, known: &[KnownLoad]) -> Result<u64> {
        let Some(count) = known.iter().map(|load| load.rows).reduce(|all, rows| all + rows) else { return Ok(0) };
        let mut rows = (self.rows)()?;
        let check = || (self.check)(0);
        if let Some(load) = first_other(&mut *rows, &known.iter().collect::<Vec<_>>(), &check)? {
            return Err(self.others(load));
        }
        self.reader = Some((count, rows));
        Ok(count)
    }

    /// The rows from one on. They are opened once for loads that go on where the last one ended.
    fn rows_from(&mut self, first: u64) -> Result<Box<dyn RowReader>> {
        if let Some((_, rows)) = self.reader.take().filter(|(at, _)| *at == first) {
            return Ok(rows);
        }
        let mut rows = (self.rows)()?;
        (0..first).try_for_each(|_| rows.skip_row().map(|_| ()))?;
        Ok(rows)
    }

    fn others(&self, load: &KnownLoad) -> Error {
        let LoadOrder { table, source, .. } = self.order;
        let message = format!(
            "{table} has {} rows of {} of this run from row {} on, and they are others than those of the step now",
            load.rows, source.step, load.first
        );
        Error::new(ErrorKind::State, message).advise(format!(
            "see the rows of {table} with _opnode_load = {}; run it with --fresh to begin a run of its own",
            load.load
        ))
    }

    /// Removes the rows that earlier attempts of the step have added.
    fn remove(&mut self, earlier: &[i64], has_load: bool) -> Result<()> {
        if earlier.is_empty() {
            return Ok(());
        }
        let table = &self.order.table;
        if !has_load {
            let message =
                format!("{table} has rows of this step from before it began anew, and no column {LOAD} to find them");
            return Err(Error::new(ErrorKind::State, message)
                .advise("remove them, and run it with --fresh; a table that opnode makes has this column"));
        }
        let list: BTreeSet<String> = earlier.iter().map(i64::to_string).collect();
        let list = list.into_iter().collect::<Vec<_>>().join(", ");
        let (shown, column) = (self.database.table(table), self.database.quoted(LOAD));
        self.database.run(&format!("DELETE FROM {shown} WHERE {column} IN ({list})"))?;
        self.order.source.forget(self.database, table)
    }

    /// Rows of other tables must not go with those of this one.
    fn refuse_cascades(&mut self) -> Result<()> {
        let found = self.database.find(&self.order.table)?.unwrap_or_default();
        let Some(other) = found.cascades.first() else { return Ok(()) };
        let (table, mode) = (&self.order.table, self.order.mode.name());
        let message = format!("rows of {other} are deleted or changed with those of {table}, so `{mode}` is refused");
        Err(Error::new(ErrorKind::Conflict, message)
            .advise("use `mode: upsert`, or remove ON DELETE from the foreign key"))
    }
}

/// The number of a load: any of 2^53, which all programs can calculate with.
fn load_number() -> i64 {
    fastrand::i64(1..1 << 53)
}

fn no_key(order: &LoadOrder, column: &str, row: u64) -> Error {
    let message = format!("{}: row {} has no value in {column}, which is a key", order.table, row + 1);
    Error::new(ErrorKind::InvalidItems, message).advise("leave such rows out with `where`, or choose another `key`")
}

/// Says which row an error is about: the one that it names, counted from the first of its bulk, or else the given one.
fn of_row(error: Error, order: &LoadOrder, first: u64, row: Option<u64>) -> Error {
    let named = error.place.as_ref().filter(|place| place.file.is_none()).and_then(|place| place.line);
    let row = named.map(|line| first + line).or(row.map(|row| row + 1));
    match (error.kind(), row) {
        (ErrorKind::InvalidItems | ErrorKind::Conflict, Some(row)) => error.with(|d| {
            d.message = format!("{}: row {row}: {}", order.table, d.message);
            d.place = d.place.take().filter(|_| named.is_none());
        }),
        (_, _) => error,
    }
}
