//! What DuckDB does through its driver, and what is refused before it changes a value.

use std::path::PathBuf;

use super::super::address::TableAddress;
use super::super::database::Database;
use super::super::mode::{Evolve, LoadMode};
use super::super::open::open;
use super::super::order::LoadOrder;
use super::super::tests::{load_rows, of};
use crate::error::{ErrorKind, Result};

struct Home {
    folder: tempfile::TempDir,
    library: PathBuf,
}

impl Home {
    /// Nothing if there is no library.
    fn new() -> Option<Home> {
        let library = super::super::tests::duckdb_library()?;
        Some(Home { folder: tempfile::tempdir().unwrap(), library })
    }

    fn open_with(&self, options: &str) -> Result<Box<dyn Database>> {
        let address = format!("adbc:{}?path=desk.duckdb{options}", self.library.display());
        open(&TableAddress::parse(&address, self.folder.path()).unwrap().database, None)
    }

    fn open(&self) -> Box<dyn Database> {
        self.open_with("").unwrap()
    }
}

/// Runs a statement of the user.
fn run(database: &mut dyn Database, sql: &str) {
    database.begin().unwrap();
    database.run(sql).unwrap();
    database.commit().unwrap();
}

fn rows(database: &mut dyn Database, sql: &str) -> Vec<String> {
    let mut rows = Vec::new();
    let read = database.read(sql, &mut |row| {
        rows.push(row.to_owned());
        Ok(())
    });
    read.unwrap();
    rows
}

#[test]
fn a_value_that_a_column_would_change_is_refused() {
    let Some(home) = Home::new() else { return };
    let mut database = home.open();
    let database = &mut *database;
    for (column, fits, unfit, told) in [
        ("DECIMAL(10, 2)", "1.10", "1.105", "1.105000000 has more digits than DECIMAL(10, 2) holds"),
        ("REAL", "0.5", "0.1", "0.1 has more digits than REAL holds"),
        ("TINYINT", "-128", "128", "out of range"),
        ("UTINYINT", "255", "-1", "out of range"),
        ("DATE", r#""2026-01-31""#, r#""2026-02-31""#, "the column holds date"),
        ("ENUM('a', 'b')", r#""a""#, r#""c""#, "Could not convert"),
        ("BIGINT CHECK (value > 0)", "1", "-1", "CHECK constraint failed"),
        ("TIMESTAMP", "null", r#""2026-01-31T08:00:00Z""#, "no value is written into it"),
        ("BLOB", "null", r#""x""#, "no value is written into it"),
        ("TIME", "null", r#""08:00""#, "no value is written into it"),
    ] {
        for mode in [LoadMode::Append, LoadMode::Upsert] {
            run(database, &format!("CREATE OR REPLACE TABLE members (id BIGINT PRIMARY KEY, value {column})"));
            run(database, "DROP TABLE IF EXISTS opnode_loads");
            let row = |value: &str| format!(r#"{{"id":1,"value":{value}}}"#);
            let order = LoadOrder { evolve: Some(Evolve::None), ..of("1", mode) };
            if fits != "null" {
                load_rows(database, &order, &[&row(fits)]).unwrap();
            }
            let before = rows(database, "SELECT * FROM members");
            let order = LoadOrder { evolve: Some(Evolve::None), ..of("2", mode) };
            let error = load_rows(database, &order, &[&row(unfit).replace("1,", "2,")]).unwrap_err();
            assert!(error.to_string().contains(told), "{column} {mode:?}: {error}");
            assert_eq!(rows(database, "SELECT * FROM members"), before, "{column} {mode:?}");
        }
    }
}

#[test]
fn only_a_table_of_one_schema_is_loaded() {
    let Some(home) = Home::new() else { return };
    let mut database = home.open();
    let database = &mut *database;
    run(database, "CREATE SCHEMA hr; CREATE TABLE hr.members (id BIGINT); CREATE VIEW main.seen AS SELECT 1 AS id");
    load_rows(database, &of("1", LoadMode::Append), &[r#"{"id":1}"#]).unwrap();
    load_rows(database, &of("2", LoadMode::Append), &[r#"{"id":2}"#]).unwrap();
    assert_eq!(rows(database, "SELECT count(*) AS n FROM main.members"), [r#"{"n":2}"#]);
    assert_eq!(rows(database, "SELECT count(*) AS n FROM hr.members"), [r#"{"n":0}"#]);
    let mut order = LoadOrder { evolve: Some(Evolve::None), ..of("3", LoadMode::Append) };
    order.table.schema = Some("hr".to_owned());
    load_rows(database, &order, &[r#"{"id":3}"#]).unwrap();
    assert_eq!(rows(database, "SELECT id FROM hr.members"), [r#"{"id":3}"#]);
    let mut order = of("4", LoadMode::Append);
    order.table.name = "seen".to_owned();
    let error = load_rows(database, &order, &[r#"{"id":1}"#]).unwrap_err();
    assert!(error.to_string().contains("seen is a view"), "{error}");
}

#[test]
fn a_file_is_opened_once_in_a_process() {
    let Some(home) = Home::new() else { return };
    let mut first = home.open();
    load_rows(&mut *first, &of("1", LoadMode::Append), &[r#"{"id":1}"#]).unwrap();
    let mut second = home.open();
    load_rows(&mut *second, &of("2", LoadMode::Append), &[r#"{"id":2}"#]).unwrap();
    assert_eq!(rows(&mut *first, "SELECT count(*) AS n FROM members"), [r#"{"n":2}"#]);
    let link = home.folder.path().join("link.duckdb");
    std::os::unix::fs::symlink(home.folder.path().join("desk.duckdb"), &link).unwrap();
    let address = format!("adbc:{}?path=link.duckdb", home.library.display());
    let mut linked = open(&TableAddress::parse(&address, home.folder.path()).unwrap().database, None).unwrap();
    assert_eq!(rows(&mut *linked, "SELECT count(*) AS n FROM members"), [r#"{"n":2}"#]);
    drop(linked);
    let error = home.open_with("&threads=1").err().unwrap();
    assert_eq!(error.kind(), ErrorKind::State);
    drop((first, second));
    assert!(home.open_with("&threads=1").is_ok());
}

#[test]
fn loads_at_once_into_a_new_file_bring_all_their_rows() {
    let Some(home) = Home::new() else { return };
    for round in 0..5 {
        std::thread::scope(|scope| {
            for step in 0..4 {
                let (home, name) = (&home, format!("desk{round}.duckdb"));
                scope.spawn(move || {
                    let address = format!("adbc:{}?path={name}", home.library.display());
                    let address = TableAddress::parse(&address, home.folder.path()).unwrap().database;
                    for run in 0..3 {
                        let mut database = open(&address, None).unwrap();
                        let order = of(&format!("{step}.{run}"), LoadMode::Append);
                        load_rows(&mut *database, &order, &[r#"{"id":1}"#, r#"{"id":2}"#]).unwrap();
                    }
                });
            }
        });
        let address = format!("adbc:{}?path=desk{round}.duckdb", home.library.display());
        let mut database = open(&TableAddress::parse(&address, home.folder.path()).unwrap().database, None).unwrap();
        assert_eq!(rows(&mut *database, "SELECT count(*) AS n FROM members"), [r#"{"n":24}"#]);
    }
}

#[test]
fn a_statement_that_is_only_read_changes_nothing() {
    let Some(home) = Home::new() else { return };
    let mut database = home.open();
    run(&mut *database, "CREATE TABLE members (id BIGINT)");
    for sql in
        ["INSERT INTO members VALUES (1) RETURNING id", "commit; drop table members", "SELECT 1; DROP TABLE members"]
    {
        let error = database.read(sql, &mut |_| Ok(())).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidOptions, "{sql}");
    }
    assert_eq!(rows(&mut *database, "WITH x AS (SELECT 1) DELETE FROM members RETURNING id;"), [""; 0]);
    assert_eq!(rows(&mut *database, "SELECT id FROM members"), [""; 0]);
    let error = database.read("SELECT 1 AS a, 2 AS a", &mut |_| Ok(())).unwrap_err();
    assert_eq!(error.to_string(), "the statement gives two columns a");
    let error = database.read("SELECT 'x'::BLOB AS b", &mut |_| Ok(())).unwrap_err();
    assert_eq!(error.to_string(), "the column b is of the type Binary, which JSON does not have");
    let types = "SELECT 1.10::DECIMAL(10, 2) AS d, DATE '1969-12-31' AS day, TIMESTAMPTZ '1969-12-31 23:59:59.5+00' AS at, 'x' AS t, true AS f, \
         12345678901234567890123456789::HUGEINT AS h, {'a': [1, NULL]} AS s, NULL AS n";
    let wanted = r#"{"d":1.1,"day":"1969-12-31","at":"1969-12-31T23:59:59.5Z","t":"x","f":true,"h":12345678901234567890123456789,"s":{"a":[1,null]},"n":null}"#;
    assert_eq!(rows(&mut *database, types), [wanted]);
}

#[test]
fn a_table_to_which_others_refer_is_not_emptied_if_they_would_change() {
    let Some(home) = Home::new() else { return };
    let mut database = home.open();
    let database = &mut *database;
    run(database, "CREATE TABLE members (id BIGINT PRIMARY KEY); INSERT INTO members VALUES (1)");
    run(database, "CREATE TABLE notes (id BIGINT REFERENCES members (id)); INSERT INTO notes VALUES (1)");
    let order = LoadOrder { evolve: Some(Evolve::None), ..of("1", LoadMode::Mirror) };
    let error = load_rows(database, &order, &[r#"{"id":2}"#]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    assert_eq!(rows(database, "SELECT id FROM members"), [r#"{"id":1}"#]);
}
