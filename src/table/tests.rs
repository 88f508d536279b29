//! Loads into SQLite: each mode, changes of form, and failures at every step.

use std::cell::Cell as Counter;
use std::path::Path;
use std::sync::Arc;

use super::address::TableName;
use super::cell::{CellRules, Cells};
use super::database::{BulkRows, Database, FoundTable, NewColumn};
use super::load::{LoadOrder, LoadReport, load};
use super::mode::{Evolve, LoadMode, Nested};
use super::shape::{DeclaredColumn, TableForm};
use super::source::LoadSource;
use super::sqlite::Sqlite;
use super::value_kind::ValueKind;
use crate::error::{Error, ErrorKind, Result};
use crate::run_store::{Measure, RowReader};

struct ListRows(Arc<Vec<String>>, usize);

impl RowReader for ListRows {
    fn next_row(&mut self) -> Result<Option<&str>> {
        self.1 += 1;
        Ok(self.0.get(self.1 - 1).map(String::as_str))
    }

    fn skip_row(&mut self) -> Result<usize> {
        self.next_row().map(|row| row.map_or(0, str::len))
    }

    fn pieces(&mut self, _: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
        unreachable!("rows are read one by one")
    }
}

fn members() -> LoadOrder {
    LoadOrder {
        table: TableName { schema: None, name: "members".into() },
        mode: LoadMode::Append,
        key: Vec::new(),
        parent: Vec::new(),
        evolve: Evolve::Widen,
        form: TableForm::default(),
        source: LoadSource {
            run: "R".into(),
            origin: "host".into(),
            batch: "nightly".into(),
            job: "main".into(),
            step: "members".into(),
            attempt: 0,
        },
        extent: crate::run_store::Extent::default(),
        is_complete: true,
        replaces_earlier: true,
        may_change: false,
    }
}

fn of(run: &str, mode: LoadMode) -> LoadOrder {
    let key = if mode.is_keyed() { vec!["id".to_owned()] } else { Vec::new() };
    LoadOrder { mode, key, source: LoadSource { run: run.into(), ..members().source }, ..members() }
}

fn load_rows(database: &mut dyn Database, order: &LoadOrder, rows: &[&str]) -> Result<LoadReport> {
    let rows: Arc<Vec<String>> = Arc::new(rows.iter().map(|row| (*row).to_owned()).collect());
    let mut measure = Measure::default();
    rows.iter().for_each(|row| measure.add(format!("{row}\n").as_bytes()));
    let order = LoadOrder { extent: measure.extent(), ..order.clone() };
    let open = || -> Result<Box<dyn RowReader>> { Ok(Box::new(ListRows(rows.clone(), 0))) };
    load(database, &order, &open, &|_| Ok(()))
}

fn rows_of(path: &Path, sql: &str) -> Vec<String> {
    let mut rows = Vec::new();
    let mut each = |row: &str| {
        rows.push(row.to_owned());
        Ok(())
    };
    Sqlite::open(path, false).unwrap().read(sql, &mut each).unwrap();
    rows
}

const ALL: &str = "SELECT id, name FROM members ORDER BY rowid";

#[test]
fn a_load_that_is_repeated_brings_each_row_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("desk.db");
    let first = [r#"{"id":1,"name":"a"}"#, r#"{"id":2,"name":"b"}"#];
    for mode in [LoadMode::Append, LoadMode::Replace, LoadMode::Upsert, LoadMode::Mirror, LoadMode::History] {
        let _fresh = std::fs::remove_file(&path);
        for _ in 0..2 {
            let mut database = Sqlite::open(&path, true).unwrap();
            load_rows(&mut database, &of("1", mode), &first).unwrap();
        }
        assert_eq!(rows_of(&path, ALL), first, "{mode:?}");
        // The next run has one more row, and one less.
        let mut database = Sqlite::open(&path, true).unwrap();
        let next = [r#"{"id":2,"name":"B"}"#, r#"{"id":3,"name":"c"}"#];
        let report = load_rows(&mut database, &of("2", mode), &next).unwrap();
        let rows = rows_of(&path, ALL);
        let (a, b, new, c) = (first[0], first[1], next[0], next[1]);
        match mode {
            LoadMode::Append => assert_eq!(rows, [a, b, new, c]),
            LoadMode::Replace => assert_eq!(rows, [new, c]),
            LoadMode::Upsert => assert_eq!(rows, [a, new, c]),
            LoadMode::Mirror => {
                assert_eq!(rows, [new, c]);
                assert_eq!(report.notes, ["1 row of members was deleted: gone from the list"]);
            }
            LoadMode::History => {
                assert_eq!(rows, [a, b, new, c]);
                let now = rows_of(&path, "SELECT id FROM members WHERE _valid_to IS NULL ORDER BY id");
                assert_eq!(now, [r#"{"id":2}"#, r#"{"id":3}"#]);
            }
        }
    }
}

#[test]
fn rows_are_not_deleted_unless_all_were_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("desk.db");
    let mut database = Sqlite::open(&path, true).unwrap();
    load_rows(&mut database, &of("1", LoadMode::Mirror), &[r#"{"id":1,"name":"a"}"#]).unwrap();
    let order = LoadOrder { is_complete: false, ..of("2", LoadMode::Mirror) };
    let report = load_rows(&mut database, &order, &[r#"{"id":2,"name":"b"}"#]).unwrap();
    assert_eq!(report.notes, ["nothing is deleted from members: the end of the list was not seen"]);
    assert_eq!(rows_of(&path, "SELECT id FROM members ORDER BY id").len(), 2);
}

#[test]
fn the_last_of_equal_keys_wins_and_the_others_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("desk.db");
    let mut database = Sqlite::open(&path, true).unwrap();
    let rows = [r#"{"id":1,"name":"a"}"#, r#"{"id":2,"name":"b"}"#, r#"{"id":1,"name":"z"}"#];
    let report = load_rows(&mut database, &of("1", LoadMode::Upsert), &rows).unwrap();
    assert_eq!(report.notes, ["1 row was replaced by a later one with the same id"]);
    assert_eq!(rows_of(&path, "SELECT name FROM members ORDER BY id"), [r#"{"name":"z"}"#, r#"{"name":"b"}"#]);
    let error = load_rows(&mut database, &of("2", LoadMode::Upsert), &[r#"{"id":7}"#, r#"{"id":null}"#]).unwrap_err();
    assert_eq!(error.to_string(), "members: row 2 has no value in id, which is a key");
    // A row that is as it was keeps the load that brought it.
    load_rows(&mut database, &of("3", LoadMode::Upsert), &[r#"{"id":1,"name":"z"}"#, r#"{"id":2,"name":"c"}"#])
        .unwrap();
    let loads = rows_of(
        &path,
        "SELECT m.id, l.run FROM members AS m JOIN opnode_loads AS l ON l.load = m._opnode_load ORDER BY m.id",
    );
    assert_eq!(loads, [r#"{"id":1,"run":"1"}"#, r#"{"id":2,"run":"3"}"#]);
}

#[test]
fn a_table_grows_with_its_rows_as_far_as_it_may() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("desk.db");
    let mut database = Sqlite::open(&path, true).unwrap();
    load_rows(&mut database, &of("1", LoadMode::Append), &[r#"{"id":1,"on":true}"#]).unwrap();
    database.run("CREATE VIEW ids AS SELECT id FROM members").unwrap();
    database.run("CREATE INDEX by_id ON members (id)").unwrap();
    let grown = [r#"{"id":123456789012345678901234567890,"on":"maybe","tags":["x"]}"#, r#"{"id":2.50}"#];
    let refused = LoadOrder { evolve: Evolve::None, ..of("2", LoadMode::Append) };
    let error = load_rows(&mut database, &refused, &grown).unwrap_err().to_string();
    assert!(error.contains("members: row 1"), "{error}");
    let added = LoadOrder { evolve: Evolve::Add, ..of("2", LoadMode::Append) };
    let error = load_rows(&mut database, &added, &grown).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidItems);
    assert_eq!(rows_of(&path, "SELECT id FROM members").len(), 1);
    let report = load_rows(&mut database, &of("2", LoadMode::Append), &grown).unwrap();
    assert_eq!(
        report.notes,
        [
            "members has new columns: tags (json)",
            "the column id of members is decimal now",
            "the column on of members is text now"
        ]
    );
    let rows = rows_of(&path, r#"SELECT id, "on", tags FROM members ORDER BY rowid"#);
    assert_eq!(
        rows,
        [
            r#"{"id":1,"on":"true","tags":null}"#,
            r#"{"id":123456789012345678901234567890,"on":"maybe","tags":["x"]}"#,
            r#"{"id":2.5,"on":null,"tags":null}"#
        ]
    );
    assert_eq!(rows_of(&path, "SELECT count(*) AS n FROM ids"), [r#"{"n":3}"#]);
    assert_eq!(rows_of(&path, "SELECT name FROM pragma_index_list('members')"), [r#"{"name":"by_id"}"#]);
    assert_eq!(rows_of(&path, "SELECT * FROM pragma_integrity_check"), [r#"{"integrity_check":"ok"}"#]);
    // A list in a column of texts.
    let error = load_rows(&mut database, &of("3", LoadMode::Append), &[r#"{"on":[1]}"#]).unwrap_err();
    assert_eq!(error.to_string(), "members: row 1: on is [1], and the column holds text");
}

#[test]
fn columns_are_those_of_the_record_and_objects_become_columns_by_choice() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("desk.db");
    let declared = |path: &[&str], kind| DeclaredColumn {
        path: path.iter().map(|name| (*name).to_owned()).collect(),
        kind: Some(kind),
        about: Some("What it is".to_owned()),
    };
    let form = TableForm {
        declared: vec![
            declared(&["id"], ValueKind::Integer),
            declared(&["company", "name"], ValueKind::Text),
            declared(&["at"], ValueKind::Timestamp),
            declared(&["never"], ValueKind::Boolean),
        ],
        nested: Nested::Flatten,
        ..TableForm::default()
    };
    let order = LoadOrder { form, ..of("1", LoadMode::Append) };
    let mut database = Sqlite::open(&path, true).unwrap();
    let rows = [
        r#"{"at":"1969-12-31T23:59:59.5+02:00","id":1,"company":{"name":"Acme","ref":{"href":"x"}}}"#,
        r#"{"at":"yesterday","id":2,"company":null}"#,
    ];
    load_rows(&mut database, &order, &rows).unwrap();
    let columns = rows_of(&path, "SELECT name, type FROM pragma_table_info('members')");
    assert_eq!(
        columns,
        [
            r#"{"name":"id","type":"INTEGER"}"#,
            r#"{"name":"company__name","type":"TEXT"}"#,
            r#"{"name":"at","type":"TEXT"}"#,
            r#"{"name":"never","type":"BOOLEAN"}"#,
            r#"{"name":"company__ref__href","type":"TEXT"}"#,
            r#"{"name":"_opnode_load","type":"INTEGER"}"#
        ]
    );
}

/// A database that is gone after so many calls. What was not committed is lost.
struct Mortal {
    inner: Sqlite,
    left: Counter<u64>,
    /// Whether a commit at the end of its life takes effect.
    commits_last: bool,
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
        true
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
        self.inner.rollback();
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
    fn finish(self: Box<Self>) -> Result<()> {
        self.inner.finish()
    }
}

#[test]
fn a_load_that_breaks_anywhere_can_be_repeated() {
    let first = [r#"{"id":1,"name":"a"}"#, r#"{"id":2,"name":"b"}"#, r#"{"id":4,"name":"d"}"#];
    let next = [r#"{"id":2,"name":"B","more":1}"#, r#"{"id":3,"name":true}"#, r#"{"id":4,"name":"d"}"#];
    for mode in [LoadMode::Append, LoadMode::Replace, LoadMode::Upsert, LoadMode::Mirror, LoadMode::History] {
        let folder = tempfile::tempdir().unwrap();
        let clean = folder.path().join("clean.db");
        for (run, rows) in [("1", first), ("2", next)] {
            load_rows(&mut Sqlite::open(&clean, true).unwrap(), &of(run, mode), &rows).unwrap();
        }
        let columns = "SELECT id, name, more FROM members ORDER BY id, name, more";
        let wanted = rows_of(&clean, columns);
        for commits_last in [false, true] {
            for calls in 0.. {
                let path = folder.path().join(format!("{calls}-{commits_last}.db"));
                let mut broken = 0;
                for (run, rows) in [("1", first), ("2", next)] {
                    loop {
                        let lives = if broken == 0 { calls } else { u64::MAX };
                        let inner = Sqlite::open(&path, true).unwrap();
                        let mut database = Mortal { inner, left: Counter::new(lives), commits_last };
                        match load_rows(&mut database, &of(run, mode), &rows) {
                            Ok(_) => break,
                            Err(error) if error.kind() == ErrorKind::Network => broken += 1,
                            Err(error) => panic!("{mode:?} {calls}: {error}"),
                        }
                    }
                }
                assert_eq!(rows_of(&path, columns), wanted, "{mode:?} after {calls} calls, {commits_last}");
                if broken == 0 {
                    assert!(calls > 10, "{calls}");
                    break;
                }
            }
        }
    }
}
