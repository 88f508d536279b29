//! Databases for tests of loads: an empty one each time, and one that breaks.

use std::cell::Cell as Counter;

use super::address::TableName;
use super::cell::{CellRules, Cells};
use super::database::{BulkRows, Database, FoundTable, NewColumn};
#[cfg(all(feature = "postgres", unix))]
use super::postgres::{Postgres, server_for_tests::TestServer};
#[cfg(feature = "sqlite")]
use super::sqlite::Sqlite;
use super::value_kind::ValueKind;
use crate::error::{Error, ErrorKind, Result};

/// Gives empty databases.
pub(super) trait LoadHomes {
    fn fresh(&self) -> Box<dyn LoadHome>;
    /// Of the places where a load can break, each so many-th is tried.
    fn step(&self) -> usize {
        1
    }
}

/// A database to which several connections can be made, one after the other.
pub(super) trait LoadHome {
    fn open(&self) -> Box<dyn Database>;
    /// The rows of a query as JSON.
    fn rows(&self, sql: &str) -> Vec<String>;
    /// Whether it is SQLite, which has few types.
    fn is_sqlite(&self) -> bool;
    /// Whether a column that has an index can become wider.
    fn widens_indexed(&self) -> bool {
        true
    }
    /// Whether a decimal column keeps the zeros at the end of a number.
    fn keeps_zeros(&self) -> bool {
        false
    }
}

#[cfg(feature = "sqlite")]
pub(super) struct SqliteHomes;

#[cfg(feature = "sqlite")]
struct SqliteHome(tempfile::TempDir);

#[cfg(feature = "sqlite")]
impl LoadHomes for SqliteHomes {
    fn fresh(&self) -> Box<dyn LoadHome> {
        Box::new(SqliteHome(tempfile::tempdir().unwrap()))
    }
}

#[cfg(feature = "sqlite")]
impl LoadHome for SqliteHome {
    fn open(&self) -> Box<dyn Database> {
        Box::new(Sqlite::open(&self.0.path().join("desk.db"), true).unwrap())
    }
    fn rows(&self, sql: &str) -> Vec<String> {
        let mut rows = Vec::new();
        let mut database = Sqlite::open(&self.0.path().join("desk.db"), false).unwrap();
        let read = database.read(sql, &mut |row| {
            rows.push(row.to_owned());
            Ok(())
        });
        read.unwrap();
        rows
    }
    fn is_sqlite(&self) -> bool {
        true
    }
}

#[cfg(all(feature = "postgres", unix))]
pub(super) struct PostgresHomes(std::sync::Arc<TestServer>);

/// A schema of a server.
#[cfg(all(feature = "postgres", unix))]
pub(super) struct PostgresHome {
    server: std::sync::Arc<TestServer>,
    schema: String,
}

#[cfg(all(feature = "postgres", unix))]
impl PostgresHomes {
    /// Nothing if the programs are not installed.
    pub(super) fn new() -> Option<PostgresHomes> {
        TestServer::shared().map(PostgresHomes)
    }

    /// With a server of its own.
    pub(super) fn own() -> Option<PostgresHomes> {
        TestServer::start().map(|server| PostgresHomes(std::sync::Arc::new(server)))
    }

    /// An empty schema.
    pub(super) fn home(&self) -> PostgresHome {
        static NUMBER: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
        let schema = format!("s{}", NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
        let home = PostgresHome { server: std::sync::Arc::clone(&self.0), schema };
        let sql = format!("DROP SCHEMA IF EXISTS {0} CASCADE; CREATE SCHEMA {0}", home.schema);
        home.server.open().unwrap().run(&sql).unwrap();
        home
    }
}

#[cfg(all(feature = "postgres", unix))]
impl PostgresHome {
    /// A connection whose tables are those of the schema.
    pub(super) fn connect(&self) -> Postgres {
        let mut database = self.server.open().unwrap();
        database.run(&format!("SET search_path = {}", self.schema)).unwrap();
        database
    }

    pub(super) fn server(&self) -> &std::sync::Arc<TestServer> {
        &self.server
    }

    pub(super) fn schema(&self) -> &str {
        &self.schema
    }
}

#[cfg(all(feature = "postgres", unix))]
impl LoadHomes for PostgresHomes {
    fn fresh(&self) -> Box<dyn LoadHome> {
        Box::new(self.home())
    }
}

#[cfg(all(feature = "postgres", unix))]
impl LoadHome for PostgresHome {
    fn open(&self) -> Box<dyn Database> {
        Box::new(self.connect())
    }
    fn rows(&self, sql: &str) -> Vec<String> {
        let mut rows = Vec::new();
        let read = self.connect().read(sql, &mut |row| {
            rows.push(row.to_owned());
            Ok(())
        });
        read.unwrap();
        rows
    }
    fn is_sqlite(&self) -> bool {
        false
    }
    fn keeps_zeros(&self) -> bool {
        true
    }
}

/// Files of DuckDB, by its ADBC driver.
#[cfg(feature = "adbc")]
pub(super) struct DuckdbHomes(std::path::PathBuf);

#[cfg(feature = "adbc")]
pub(super) struct DuckdbHome {
    address: super::address::DatabaseAddress,
    /// Opening the file takes long, and is not what is tested.
    _opened: Box<dyn Database>,
    _folder: tempfile::TempDir,
}

#[cfg(feature = "adbc")]
impl DuckdbHomes {
    /// Nothing if there is no library.
    pub(super) fn new() -> Option<DuckdbHomes> {
        super::tests::duckdb_library().map(DuckdbHomes)
    }
}

#[cfg(feature = "adbc")]
impl LoadHomes for DuckdbHomes {
    fn step(&self) -> usize {
        5
    }
    fn fresh(&self) -> Box<dyn LoadHome> {
        let folder = tempfile::tempdir().unwrap();
        let address = format!("adbc:{}?path=desk.duckdb", self.0.display());
        let address = super::address::TableAddress::parse(&address, folder.path()).unwrap().database;
        let _opened = super::open::open(&address, None).unwrap();
        Box::new(DuckdbHome { address, _opened, _folder: folder })
    }
}

#[cfg(feature = "adbc")]
impl LoadHome for DuckdbHome {
    fn open(&self) -> Box<dyn Database> {
        super::open::open(&self.address, None).unwrap()
    }
    fn rows(&self, sql: &str) -> Vec<String> {
        let mut rows = Vec::new();
        let mut database = self.open();
        database.find(&TableName { schema: None, name: "members".to_owned() }).unwrap();
        let read = database.read(sql, &mut |row| {
            rows.push(row.to_owned());
            Ok(())
        });
        read.unwrap();
        rows
    }
    fn is_sqlite(&self) -> bool {
        false
    }
    fn widens_indexed(&self) -> bool {
        false
    }
}

/// A database that is gone after so many calls. What was not committed is lost.
pub(super) struct Mortal {
    pub(super) inner: Box<dyn Database>,
    pub(super) left: Counter<u64>,
    /// Whether a commit at the end of its life takes effect.
    pub(super) commits_last: bool,
}

impl Mortal {
    fn live(&self) -> Result<()> {
        match self.left.get().checked_sub(1) {
            Some(left) => {
                self.left.set(left);
                Ok(())
            }
            None => Err(Error::new(ErrorKind::Network, "the connection broke")),
        }
    }
}

impl Database for Mortal {
    fn rules(&self) -> &'static CellRules {
        self.inner.rules()
    }
    fn type_of(&self, kind: ValueKind) -> &'static str {
        self.inner.type_of(kind)
    }
    fn limits(&self) -> (usize, usize) {
        self.inner.limits()
    }
    fn folds_names(&self) -> bool {
        self.inner.folds_names()
    }
    fn begin(&mut self) -> Result<()> {
        self.live().and_then(|()| self.inner.begin())
    }
    fn commit(&mut self) -> Result<()> {
        let alive = self.live();
        if alive.is_ok() || self.commits_last {
            self.inner.commit()?;
        }
        alive
    }
    fn rollback(&mut self) {
        // A connection that is gone ends its transaction without being asked.
        if self.left.get() > 0 {
            self.inner.rollback();
        }
    }
    fn lock(&mut self, table: &TableName) -> Result<()> {
        self.live().and_then(|()| self.inner.lock(table))
    }
    fn find(&mut self, table: &TableName) -> Result<Option<FoundTable>> {
        self.live().and_then(|()| self.inner.find(table))
    }
    fn create(&mut self, table: &TableName, columns: &[NewColumn<'_>], key: &[&str]) -> Result<()> {
        self.live().and_then(|()| self.inner.create(table, columns, key))
    }
    fn add_columns(&mut self, table: &TableName, columns: &[NewColumn<'_>]) -> Result<()> {
        self.live().and_then(|()| self.inner.add_columns(table, columns))
    }
    fn widen(&mut self, table: &TableName, column: &str, kind: ValueKind) -> Result<()> {
        self.live().and_then(|()| self.inner.widen(table, column, kind))
    }
    fn run(&mut self, sql: &str) -> Result<u64> {
        self.live().and_then(|()| self.inner.run(sql))
    }
    fn ask(&mut self, sql: &str) -> Result<Vec<Vec<Option<String>>>> {
        self.live().and_then(|()| self.inner.ask(sql))
    }
    fn stage(&mut self, name: &str, columns: &[NewColumn<'_>]) -> Result<()> {
        self.live().and_then(|()| self.inner.stage(name, columns))
    }
    fn index_stage(&mut self, columns: &[String]) -> Result<()> {
        self.live().and_then(|()| self.inner.index_stage(columns))
    }
    fn bulk<'d>(
        &'d mut self,
        table: &TableName,
        is_stage: bool,
        columns: &[NewColumn<'_>],
    ) -> Result<Box<dyn BulkRows + 'd>> {
        self.live()?;
        Ok(Box::new(MortalRows { inner: self.inner.bulk(table, is_stage, columns)?, left: &self.left }))
    }
    fn quoted(&self, name: &str) -> String {
        self.inner.quoted(name)
    }
    fn table(&self, table: &TableName) -> String {
        self.inner.table(table)
    }
    fn needs_indexes(&self) -> bool {
        self.inner.needs_indexes()
    }
    fn comparable(&self, column: &str, kind: ValueKind) -> String {
        self.inner.comparable(column, kind)
    }
    fn read(&mut self, sql: &str, each: &mut dyn FnMut(&str) -> Result<()>) -> Result<()> {
        self.inner.read(sql, each)
    }
    fn differ(&self, left: &[String], right: &[String]) -> String {
        self.inner.differ(left, right)
    }
    fn time(&self, text: &str) -> String {
        self.inner.time(text)
    }
}

struct MortalRows<'d> {
    inner: Box<dyn BulkRows + 'd>,
    left: &'d Counter<u64>,
}

impl BulkRows for MortalRows<'_> {
    fn put(&mut self, row: &str, cells: &Cells, numbers: &[i64]) -> Result<()> {
        let left = self.left.get().checked_sub(1).ok_or_else(|| Error::new(ErrorKind::Network, "it broke"))?;
        self.left.set(left);
        self.inner.put(row, cells, numbers)
    }
    fn finish(self: Box<Self>) -> Result<Option<u64>> {
        self.inner.finish()
    }
}
