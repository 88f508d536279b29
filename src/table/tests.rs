//! Loads into each database: each mode, changes of form, and failures at every step.

use std::cell::Cell as Counter;
use std::sync::Arc;

use super::address::TableName;
use super::database::Database;
use super::load::load;
use super::mode::{Evolve, LoadMode, Nested};
use super::order::{LoadOrder, LoadReport};
use super::shape::{DeclaredColumn, TableForm};
use super::source::LoadSource;
use super::test_homes::{LoadHomes, Mortal};
use super::value_kind::ValueKind;
use crate::error::{ErrorKind, Result};
use crate::run_store::{Measure, RowReader};

struct ListRows(Arc<Vec<String>>, usize);

impl RowReader for ListRows {
    fn next_row(&mut self) -> Result<Option<&str>> {
        self.1 += 1;
        Ok(self.0.get(self.1 - 1).map(String::as_str))
    }

    fn pieces(&mut self, _: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
        unreachable!("rows are read one by one")
    }
}

/// The same tests for each database.
macro_rules! for_each_database {
    ($($test:ident)*) => {
        #[cfg(feature = "sqlite")]
        mod sqlite {
            $(#[test] fn $test() { super::$test(&super::super::test_homes::SqliteHomes) })*
        }
        #[cfg(all(feature = "postgres", unix))]
        mod postgres {
            $(#[test] fn $test() {
                if let Some(homes) = super::super::test_homes::PostgresHomes::new() {
                    super::$test(&homes);
                }
            })*
        }
        #[cfg(feature = "adbc")]
        mod duckdb {
            $(#[test] fn $test() {
                if let Some(homes) = super::super::test_homes::DuckdbHomes::new() {
                    super::$test(&homes);
                }
            })*
        }
    };
}

for_each_database! {
    a_load_that_is_repeated_brings_each_row_once
    rows_are_not_deleted_unless_all_were_read
    the_last_of_equal_keys_wins_and_the_others_are_counted
    a_table_grows_with_its_rows_as_far_as_it_may
    columns_are_those_of_the_record_and_objects_become_columns_by_choice
    a_load_that_breaks_anywhere_can_be_repeated
    an_empty_list_leaves_no_row
    each_key_has_an_index_of_its_own
    a_load_of_a_table_that_was_emptied_does_not_go_on
    keys_and_versions_are_kept_apart
    nothing_is_changed_if_a_list_is_none
}

/// The library that the variable DUCKDB_LIBRARY names.
#[cfg(feature = "adbc")]
pub(super) fn duckdb_library() -> Option<std::path::PathBuf> {
    let named = std::env::var_os("DUCKDB_LIBRARY");
    assert!(named.is_some() || std::env::var_os("DUCKDB_REQUIRED").is_none(), "DUCKDB_LIBRARY is not set");
    named.map(std::path::PathBuf::from)
}

pub(super) fn members() -> LoadOrder {
    LoadOrder {
        table: TableName { schema: None, name: "members".into() },
        mode: LoadMode::Append,
        key: Vec::new(),
        parent: Vec::new(),
        evolve: None,
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

pub(super) fn of(run: &str, mode: LoadMode) -> LoadOrder {
    let key = if mode.is_keyed() { vec!["id".to_owned()] } else { Vec::new() };
    LoadOrder { mode, key, source: LoadSource { run: run.into(), ..members().source }, ..members() }
}

pub(super) fn load_rows(database: &mut dyn Database, order: &LoadOrder, rows: &[&str]) -> Result<LoadReport> {
    let rows: Arc<Vec<String>> = Arc::new(rows.iter().map(|row| (*row).to_owned()).collect());
    let mut measure = Measure::default();
    rows.iter().for_each(|row| measure.add(format!("{row}\n").as_bytes()));
    let order = LoadOrder { extent: measure.extent(), ..order.clone() };
    let open = || -> Result<Box<dyn RowReader>> { Ok(Box::new(ListRows(rows.clone(), 0))) };
    load(database, &order, &open, &|_| Ok(()))
}

const ALL: &str = "SELECT id, name FROM members ORDER BY id, name";

fn a_load_that_is_repeated_brings_each_row_once(homes: &dyn LoadHomes) {
    let first = [r#"{"id":1,"name":"a"}"#, r#"{"id":2,"name":"b"}"#];
    for mode in [LoadMode::Append, LoadMode::Replace, LoadMode::Upsert, LoadMode::Mirror, LoadMode::History] {
        let home = homes.fresh();
        for _ in 0..2 {
            load_rows(&mut *home.open(), &of("1", mode), &first).unwrap();
        }
        assert_eq!(home.rows(ALL), first, "{mode:?}");
        // The next run has one more row, and one less.
        let next = [r#"{"id":2,"name":"B"}"#, r#"{"id":3,"name":"c"}"#];
        let report = load_rows(&mut *home.open(), &of("2", mode), &next).unwrap();
        let rows = home.rows(ALL);
        let (a, b, new, c) = (first[0], first[1], next[0], next[1]);
        match mode {
            LoadMode::Append => assert_eq!(rows, [a, new, b, c]),
            LoadMode::Replace => assert_eq!(rows, [new, c]),
            LoadMode::Upsert => assert_eq!(rows, [a, new, c]),
            LoadMode::Mirror => {
                assert_eq!(rows, [new, c]);
                assert_eq!(report.notes, ["1 row of members was deleted: gone from the list"]);
            }
            LoadMode::History => {
                assert_eq!(rows, [a, new, b, c]);
                let now = home.rows("SELECT id FROM members WHERE _valid_to IS NULL ORDER BY id");
                assert_eq!(now, [r#"{"id":2}"#, r#"{"id":3}"#]);
            }
        }
    }
}

fn rows_are_not_deleted_unless_all_were_read(homes: &dyn LoadHomes) {
    let home = homes.fresh();
    let mut database = home.open();
    let database = &mut *database;
    load_rows(database, &of("1", LoadMode::Mirror), &[r#"{"id":1,"name":"a"}"#]).unwrap();
    let order = LoadOrder { is_complete: false, ..of("2", LoadMode::Mirror) };
    let report = load_rows(database, &order, &[r#"{"id":2,"name":"b"}"#]).unwrap();
    assert_eq!(report.notes, ["nothing is deleted from members: the end of the list was not seen"]);
    assert_eq!(home.rows("SELECT id FROM members ORDER BY id").len(), 2);
}

fn the_last_of_equal_keys_wins_and_the_others_are_counted(homes: &dyn LoadHomes) {
    let home = homes.fresh();
    let mut database = home.open();
    let database = &mut *database;
    let rows = [r#"{"id":1,"name":"a"}"#, r#"{"id":2,"name":"b"}"#, r#"{"id":1,"name":"z"}"#];
    let report = load_rows(database, &of("1", LoadMode::Upsert), &rows).unwrap();
    assert_eq!(report.notes, ["1 row was replaced by a later one with the same id"]);
    assert_eq!(home.rows("SELECT name FROM members ORDER BY id"), [r#"{"name":"z"}"#, r#"{"name":"b"}"#]);
    let error = load_rows(database, &of("2", LoadMode::Upsert), &[r#"{"id":7}"#, r#"{"id":null}"#]).unwrap_err();
    assert_eq!(error.to_string(), "members: row 2 has no value in id, which is a key");
    // A row that is as it was keeps the load that brought it.
    load_rows(database, &of("3", LoadMode::Upsert), &[r#"{"id":1,"name":"z"}"#, r#"{"id":2,"name":"c"}"#]).unwrap();
    let loads = home
        .rows("SELECT m.id, l.run FROM members AS m JOIN opnode_loads AS l ON l.load = m._opnode_load ORDER BY m.id");
    assert_eq!(loads, [r#"{"id":1,"run":"1"}"#, r#"{"id":2,"run":"3"}"#]);
}

fn a_table_grows_with_its_rows_as_far_as_it_may(homes: &dyn LoadHomes) {
    let home = homes.fresh();
    let mut database = home.open();
    let database = &mut *database;
    load_rows(database, &of("1", LoadMode::Append), &[r#"{"id":1,"on":true}"#]).unwrap();
    // PostgreSQL changes no column that a view has; see its own tests.
    let view = if home.is_sqlite() { "id" } else { "1 AS id" };
    database.begin().unwrap();
    database.run(&format!("CREATE VIEW ids AS SELECT {view} FROM members")).unwrap();
    if home.widens_indexed() {
        database.run("CREATE INDEX by_id ON members (id)").unwrap();
    }
    database.commit().unwrap();
    let grown = [r#"{"id":12345678901234567890123456,"on":"maybe","tags":["x"]}"#, r#"{"id":2.50}"#];
    let refused = LoadOrder { evolve: Some(Evolve::None), ..of("2", LoadMode::Append) };
    let error = load_rows(database, &refused, &grown).unwrap_err().to_string();
    assert!(error.contains("members: row 1"), "{error}");
    let added = LoadOrder { evolve: Some(Evolve::Add), ..of("2", LoadMode::Append) };
    let error = load_rows(database, &added, &grown).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidItems);
    assert_eq!(home.rows("SELECT id FROM members").len(), 1);
    let report = load_rows(database, &of("2", LoadMode::Append), &grown).unwrap();
    assert_eq!(
        report.notes,
        [
            "members has new columns: tags (json)",
            "the column id of members is decimal now",
            "the column on of members is text now"
        ]
    );
    let rows = home.rows(r#"SELECT id, "on", tags FROM members ORDER BY CASE WHEN "on" = 'true' THEN 1 WHEN "on" IS NULL THEN 2 ELSE 3 END"#);
    let number = if home.keeps_zeros() { "2.50" } else { "2.5" };
    assert_eq!(
        rows,
        [
            r#"{"id":1,"on":"true","tags":null}"#,
            &format!(r#"{{"id":{number},"on":null,"tags":null}}"#),
            r#"{"id":12345678901234567890123456,"on":"maybe","tags":["x"]}"#,
        ]
    );
    assert_eq!(home.rows("SELECT count(*) AS n FROM ids"), [r#"{"n":3}"#]);
    if home.is_sqlite() {
        assert_eq!(home.rows("SELECT name FROM pragma_index_list('members')"), [r#"{"name":"by_id"}"#]);
        assert_eq!(home.rows("SELECT * FROM pragma_integrity_check"), [r#"{"integrity_check":"ok"}"#]);
    }
    // A list in a column of texts.
    let error = load_rows(database, &of("3", LoadMode::Append), &[r#"{"on":[1]}"#]).unwrap_err();
    assert_eq!(error.to_string(), "members: row 1: on is [1], and the column holds text");
}

fn columns_are_those_of_the_record_and_objects_become_columns_by_choice(homes: &dyn LoadHomes) {
    let home = homes.fresh();
    let mut database = home.open();
    let database = &mut *database;
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
    let rows = [
        r#"{"at":"1969-12-31T23:59:59.5+02:00","id":1,"company":{"name":"Acme","ref":{"href":"x"}}}"#,
        r#"{"at":"yesterday","id":2,"company":null}"#,
    ];
    load_rows(database, &order, &rows).unwrap();
    let found = database.find(&order.table).unwrap().unwrap();
    let columns: Vec<(&str, ValueKind)> =
        found.columns.iter().map(|column| (column.name.as_str(), column.kind)).collect();
    assert_eq!(
        columns,
        [
            ("id", ValueKind::Integer),
            ("company__name", ValueKind::Text),
            ("at", ValueKind::Text),
            ("never", ValueKind::Boolean),
            ("company__ref__href", ValueKind::Text),
            ("_opnode_load", ValueKind::Integer),
        ]
    );
}

fn a_load_that_breaks_anywhere_can_be_repeated(homes: &dyn LoadHomes) {
    let first = [r#"{"id":1,"name":"a"}"#, r#"{"id":2,"name":"b"}"#, r#"{"id":4,"name":"d"}"#];
    let next = [r#"{"id":2,"name":"B","more":1}"#, r#"{"id":3,"name":true}"#, r#"{"id":4,"name":"d"}"#];
    let columns = "SELECT id, name, more FROM members ORDER BY id, name, more";
    for mode in [LoadMode::Append, LoadMode::Replace, LoadMode::Upsert, LoadMode::Mirror, LoadMode::History] {
        let clean = homes.fresh();
        for (run, rows) in [("1", first), ("2", next)] {
            load_rows(&mut *clean.open(), &of(run, mode), &rows).unwrap();
        }
        let wanted = clean.rows(columns);
        for commits_last in [false, true] {
            for calls in (0..).step_by(homes.step()) {
                let home = homes.fresh();
                let mut broken = 0;
                for (run, rows) in [("1", first), ("2", next)] {
                    loop {
                        let lives = if broken == 0 { calls } else { u64::MAX };
                        let mut database = Mortal { inner: home.open(), left: Counter::new(lives), commits_last };
                        match load_rows(&mut database, &of(run, mode), &rows) {
                            Ok(_) => break,
                            Err(error) if error.kind() == ErrorKind::Network => broken += 1,
                            Err(error) => panic!("{mode:?} {calls}: {error}"),
                        }
                    }
                }
                assert_eq!(home.rows(columns), wanted, "{mode:?} after {calls} calls, {commits_last}");
                if broken == 0 {
                    assert!(calls > 10, "{calls}");
                    break;
                }
            }
        }
    }
}

fn a_load_of_a_table_that_was_emptied_does_not_go_on(homes: &dyn LoadHomes) {
    let rows = [r#"{"id":1,"name":"a"}"#, r#"{"id":2,"name":"b"}"#];
    for (mode, change) in [
        (LoadMode::Append, "DELETE FROM members"),
        (LoadMode::Append, "DROP TABLE members"),
        (LoadMode::Upsert, "DROP TABLE members"),
        (LoadMode::Replace, "DROP TABLE members"),
    ] {
        let home = homes.fresh();
        let mut database = home.open();
        load_rows(&mut *database, &of("1", mode), &rows).unwrap();
        database.begin().unwrap();
        database.run(change).unwrap();
        database.commit().unwrap();
        let error = load_rows(&mut *database, &of("1", mode), &rows).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::State, "{mode:?} {change}: {error}");
        assert!(error.to_string().contains("2 rows of members into members"), "{error}");
        load_rows(&mut *database, &of("2", mode), &rows).unwrap();
        assert_eq!(home.rows(ALL), rows);
    }
}

fn keys_and_versions_are_kept_apart(homes: &dyn LoadHomes) {
    let home = homes.fresh();
    let mut database = home.open();
    let database = &mut *database;
    let row = |name: &str| format!(r#"{{"id":1,"name":"{name}"}}"#);
    load_rows(database, &of("1", LoadMode::Append), &[&row("a")]).unwrap();
    for (run, name) in [("2", "b"), ("3", "c"), ("4", "d")] {
        load_rows(database, &of(run, LoadMode::Upsert), &[&row(name)]).unwrap();
    }
    assert_eq!(home.rows(ALL), [row("d")]);
    let versions = |run: &str, mode| {
        let mut order = of(run, mode);
        order.table.name = "versions".to_owned();
        order
    };
    load_rows(database, &versions("5", LoadMode::History), &[&row("a")]).unwrap();
    for mode in [LoadMode::Append, LoadMode::Replace, LoadMode::Upsert, LoadMode::Mirror] {
        let error = load_rows(database, &versions("6", mode), &[&row("b")]).unwrap_err();
        assert!(error.to_string().contains("versions of rows"), "{mode:?}: {error}");
    }
    assert_eq!(home.rows("SELECT id, name FROM versions"), [row("a")]);
}

fn nothing_is_changed_if_a_list_is_none(homes: &dyn LoadHomes) {
    let home = homes.fresh();
    let mut database = home.open();
    let form = TableForm {
        lists: vec![super::shape::ListTable { path: vec!["tags".to_owned()], elements: Vec::new() }],
        ..TableForm::default()
    };
    let order = |run: &str| LoadOrder { form: form.clone(), ..of(run, LoadMode::Mirror) };
    let mut load = |run: &str, rows: &[&str]| {
        let rows: Arc<Vec<String>> = Arc::new(rows.iter().map(|row| (*row).to_owned()).collect());
        let mut measure = Measure::default();
        rows.iter().for_each(|row| measure.add_row(row));
        let order = LoadOrder { extent: measure.extent(), ..order(run) };
        let open = || -> Result<Box<dyn RowReader>> { Ok(Box::new(ListRows(rows.clone(), 0))) };
        super::lists::load_all(&mut *database, &order, &open, &|_| Ok(()))
    };
    load("1", &[r#"{"id":1,"tags":["a"]}"#]).unwrap();
    let error = load("2", &[r#"{"id":2,"tags":["b"]}"#, r#"{"id":3,"tags":{"x":1}}"#]).unwrap_err();
    assert_eq!(error.to_string(), "members: row 2: tags is no list");
    assert_eq!(home.rows("SELECT id FROM members"), [r#"{"id":1}"#]);
    // Elements that need a wider column.
    load("3", &[r#"{"id":1,"tags":[1]}"#, r#"{"id":2,"tags":[]}"#]).unwrap();
    load("4", &[r#"{"id":1,"tags":[1.5,"x"]}"#]).unwrap();
    assert_eq!(
        home.rows("SELECT value FROM members__tags ORDER BY _position"),
        [r#"{"value":"1.5"}"#, r#"{"value":"x"}"#]
    );
}

fn an_empty_list_leaves_no_row(homes: &dyn LoadHomes) {
    for (mode, now, all) in [
        (LoadMode::Append, 1, 1),
        (LoadMode::Replace, 0, 0),
        (LoadMode::Upsert, 1, 1),
        (LoadMode::Mirror, 0, 0),
        (LoadMode::History, 0, 1),
    ] {
        let home = homes.fresh();
        load_rows(&mut *home.open(), &of("0", mode), &[]).unwrap();
        load_rows(&mut *home.open(), &of("1", mode), &[r#"{"id":1,"name":"a"}"#]).unwrap();
        let partial = LoadOrder { is_complete: false, ..of("2", mode) };
        if mode != LoadMode::Replace {
            load_rows(&mut *home.open(), &partial, &[]).unwrap();
        }
        let present = match mode {
            LoadMode::History => "SELECT id FROM members WHERE _valid_to IS NULL",
            _ => "SELECT id FROM members",
        };
        if mode != LoadMode::Replace {
            assert_eq!(home.rows(present).len(), 1, "{mode:?}");
        }
        for _ in 0..2 {
            load_rows(&mut *home.open(), &of("3", mode), &[]).unwrap();
        }
        assert_eq!(home.rows(present).len(), now, "{mode:?}");
        assert_eq!(home.rows("SELECT id FROM members").len(), all, "{mode:?}");
    }
}

fn each_key_has_an_index_of_its_own(homes: &dyn LoadHomes) {
    let home = homes.fresh();
    let mut database = home.open();
    database.run("CREATE TABLE members (id integer, name text)").unwrap();
    let by = |run: &str, key: &[&str]| {
        let key = key.iter().map(|name| (*name).to_owned()).collect();
        LoadOrder { key, evolve: Some(Evolve::Add), ..of(run, LoadMode::Upsert) }
    };
    let row = r#"{"id":1,"name":"a"}"#;
    load_rows(&mut *database, &by("1", &["id", "name"]), &[row, r#"{"id":1,"name":"b"}"#]).unwrap();
    let error = load_rows(&mut *database, &by("2", &["id"]), &[row]).unwrap_err();
    assert_eq!(
        (error.kind(), error.to_string()),
        (ErrorKind::Conflict, "members: several rows have the same id, so they cannot be the key".to_owned(),)
    );
    load_rows(&mut *database, &by("3", &["name"]), &[r#"{"id":3,"name":"b"}"#]).unwrap();
    assert_eq!(home.rows(ALL), [row, r#"{"id":3,"name":"b"}"#]);
}
