//! Connections that break, locks, and rights that are lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::*;
use crate::run_store::{Measure, RowReader};
use crate::table::address::TableName;
use crate::table::cell::Cells;
use crate::table::database::NewColumn;
use crate::table::load::load;
use crate::table::shape::{DeclaredColumn, TableForm};
use crate::table::value_kind::ValueKind;

type Event = Arc<dyn Fn() + Send + Sync>;

/// Many rows, with something that happens once in their middle.
struct EventRows {
    next: u64,
    count: u64,
    text: String,
    is_due: Arc<AtomicBool>,
    event: Event,
}

impl RowReader for EventRows {
    fn next_row(&mut self) -> Result<Option<&str>> {
        if self.next == self.count / 2 && self.is_due.swap(false, Ordering::SeqCst) {
            (self.event)();
        }
        self.next += 1;
        self.text = row(self.next);
        Ok((self.next <= self.count).then_some(self.text.as_str()))
    }

    fn pieces(&mut self, _: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
        unreachable!("rows are read one by one")
    }
}

fn row(number: u64) -> String {
    format!(r#"{{"id":{number},"text":"{}"}}"#, "x".repeat(1_000))
}

/// Loads 10,000 rows of a kilobyte. An event happens in the middle of their COPY.
fn load_many(database: &mut dyn Database, mode: LoadMode, event: Event) -> Result<LoadReport> {
    const COUNT: u64 = 10_000;
    let mut measure = Measure::default();
    (1..=COUNT).for_each(|number| measure.add(format!("{}\n", row(number)).as_bytes()));
    let column = |name: &str, kind| DeclaredColumn { path: vec![name.to_owned()], kind: Some(kind), about: None };
    let mut order = of("1", mode);
    order.extent = measure.extent();
    order.form = TableForm {
        declared: vec![column("id", ValueKind::Integer), column("text", ValueKind::Text)],
        ..TableForm::default()
    };
    let is_due = Arc::new(AtomicBool::new(true));
    let open = || -> Result<Box<dyn RowReader>> {
        let (is_due, event) = (Arc::clone(&is_due), Arc::clone(&event));
        Ok(Box::new(EventRows { next: 0, count: COUNT, text: String::new(), is_due, event }))
    };
    load(database, &order, &open, &|_| Ok(()))
}

fn nothing() -> Event {
    Arc::new(|| {})
}

const MODES: [LoadMode; 5] =
    [LoadMode::Append, LoadMode::Replace, LoadMode::Upsert, LoadMode::Mirror, LoadMode::History];

fn count(home: &PostgresHome) -> Vec<String> {
    home.rows("SELECT count(*) AS n, count(DISTINCT id) AS d FROM members")
}

#[test]
fn a_connection_that_is_ended_within_copy_is_told_and_the_load_can_be_repeated() {
    with_home(|home| {
        for mode in MODES {
            home.connect().run("DROP TABLE IF EXISTS members, opnode_loads").unwrap();
            let mut database = home.connect();
            let pid = database.ask("SELECT pg_backend_pid()").unwrap().concat().pop().flatten().unwrap();
            let server = Arc::clone(home.server());
            let end = move || {
                let mut admin = server.open().unwrap();
                admin.run(&format!("SELECT pg_terminate_backend({pid}, 5000)")).unwrap();
            };
            let (kind, message, advice) = told(&load_many(&mut database, mode, Arc::new(end)).unwrap_err());
            assert_eq!(kind, ErrorKind::Network, "{mode:?}: {message}");
            assert!(advice.contains("resume"), "{advice}");
            // The connection stays unusable, and says so.
            assert_eq!(database.begin().unwrap_err().kind(), ErrorKind::Network);
            load_many(&mut home.connect(), mode, nothing()).unwrap();
            assert_eq!(count(home), [r#"{"n":10000,"d":10000}"#], "{mode:?}");
        }
    });
}

#[test]
fn a_connection_that_is_ended_at_the_commit_is_told_and_the_load_can_be_repeated() {
    with_home(|home| {
        let mut admin = home.connect();
        for mode in MODES {
            admin.run("DROP TABLE IF EXISTS members, opnode_loads").unwrap();
            load_rows(&mut home.connect(), &of("0", LoadMode::Append), &[r#"{"id":1,"text":"old"}"#]).unwrap();
            admin
                .run(
                    "DROP TABLE members; CREATE OR REPLACE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS \
                     'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END'; \
                     CREATE CONSTRAINT TRIGGER die AFTER INSERT ON opnode_loads DEFERRABLE INITIALLY DEFERRED \
                     FOR EACH ROW EXECUTE FUNCTION die()",
                )
                .unwrap();
            let error = load_many(&mut home.connect(), mode, nothing()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Network, "{mode:?}: {error}");
            admin.run("DROP TRIGGER die ON opnode_loads").unwrap();
            load_many(&mut home.connect(), mode, nothing()).unwrap();
            assert_eq!(count(home), [r#"{"n":10000,"d":10000}"#], "{mode:?}");
        }
    });
}

#[test]
fn a_server_that_crashes_loses_no_row_and_doubles_none() {
    let Some(homes) = PostgresHomes::own() else { return };
    let home = homes.home();
    for mode in [LoadMode::Append, LoadMode::Mirror] {
        home.connect().run("DROP TABLE IF EXISTS members, opnode_loads").unwrap();
        let server = Arc::clone(home.server());
        let error = load_many(&mut home.connect(), mode, Arc::new(move || server.crash())).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Network, "{mode:?}: {error}");
        load_many(&mut home.connect(), mode, nothing()).unwrap();
        assert_eq!(count(&home), [r#"{"n":10000,"d":10000}"#], "{mode:?}");
    }
}

#[test]
fn rows_that_are_given_up_are_rolled_back() {
    with_home(|home| {
        let mut database = home.connect();
        database.run("CREATE TABLE members (id bigint)").unwrap();
        let table = TableName { schema: None, name: "members".into() };
        let column = NewColumn { name: "id", kind: ValueKind::Integer, is_required: false, about: None };
        database.begin().unwrap();
        let mut rows = database.bulk(&table, false, &[column]).unwrap();
        for _ in 0..300_000 {
            rows.put("", &Cells::default(), &[7]).unwrap();
        }
        drop(rows);
        database.rollback();
        assert_eq!(database.ask("SELECT count(*) FROM members").unwrap(), [[Some("0".to_owned())]]);
        // A transaction that has failed is not committed.
        database.begin().unwrap();
        database.run("INSERT INTO members VALUES (1)").unwrap();
        assert!(database.run("SELECT 1/0").is_err());
        assert!(database.commit().is_err());
        assert_eq!(database.ask("SELECT count(*) FROM members").unwrap(), [[Some("0".to_owned())]]);
    });
}

#[test]
fn a_locked_table_is_waited_for_and_then_told() {
    with_home(|home| {
        loaded(home, "1", LoadMode::Upsert, &[r#"{"id":1,"name":"a"}"#]).unwrap();
        let mut other = home.connect();
        other.run("BEGIN; LOCK TABLE members IN ACCESS EXCLUSIVE MODE").unwrap();
        for mode in [LoadMode::Append, LoadMode::Upsert] {
            let mut database = home.connect();
            database.lock_wait = Duration::from_millis(200);
            let error = load_rows(&mut database, &of("2", mode), &[r#"{"id":1,"name":"b"}"#]).unwrap_err();
            let (kind, message, advice) = told(&error);
            assert_eq!(kind, ErrorKind::State, "{message}");
            assert!(advice.contains("resume"), "{advice}");
        }
        let waiting = std::thread::scope(|scope| {
            let waiting = scope.spawn(|| loaded(home, "2", LoadMode::Upsert, &[r#"{"id":1,"name":"b"}"#]));
            std::thread::sleep(Duration::from_millis(300));
            other.run("COMMIT").unwrap();
            waiting.join().unwrap()
        });
        waiting.unwrap();
        assert_eq!(home.rows("SELECT id, name FROM members"), [r#"{"id":1,"name":"b"}"#]);
    });
}

#[test]
fn loads_at_once_into_a_new_table_bring_all_their_rows() {
    with_home(|home| {
        for mode in [LoadMode::Append, LoadMode::Upsert] {
            home.connect().run("DROP TABLE IF EXISTS members, opnode_loads").unwrap();
            std::thread::scope(|scope| {
                let one = |number: u64| {
                    let rows: Vec<String> =
                        (0..50).map(|row| format!(r#"{{"id":{},"f{number}":1}}"#, number * 50 + row)).collect();
                    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
                    loaded(home, &number.to_string(), mode, &rows).unwrap();
                };
                let loads: Vec<_> = (0..4).map(|number| scope.spawn(move || one(number))).collect();
                loads.into_iter().for_each(|load| load.join().unwrap());
            });
            let sql = "SELECT count(DISTINCT id) AS n, count(*) AS all, sum(f0 + 0) AS a, sum(f3) AS d FROM members";
            assert_eq!(home.rows(sql), [r#"{"n":200,"all":200,"a":50,"d":50}"#], "{mode:?}");
        }
    });
}

#[test]
fn rights_that_are_missing_or_lost_are_named() {
    with_home(|home| {
        let (schema, mut admin) = (home.schema(), home.connect());
        let role = format!("role_{schema}");
        admin.run(&format!("CREATE ROLE {role} LOGIN; REVOKE TEMPORARY ON DATABASE postgres FROM PUBLIC")).unwrap();
        let load = |mode, run: &str, row: &str| {
            let mut database = Postgres::open(&home.server().url(&role), None).unwrap();
            let mut order = of(run, mode);
            order.table.schema = Some(schema.to_owned());
            load_rows(&mut database, &order, &[row])
        };
        let refused = |error: Error, grant: &str| {
            let (kind, message, advice) = told(&error);
            assert_eq!(kind, ErrorKind::Forbidden, "{message}");
            assert!(advice.contains(grant), "{message}: {advice}");
        };
        refused(load(LoadMode::Append, "1", r#"{"id":1}"#).unwrap_err(), "GRANT USAGE, CREATE ON SCHEMA");
        admin.run(&format!("GRANT USAGE ON SCHEMA {schema} TO {role}")).unwrap();
        refused(load(LoadMode::Append, "1", r#"{"id":1}"#).unwrap_err(), "CREATE ON SCHEMA");
        admin.run(&format!("GRANT CREATE ON SCHEMA {schema} TO {role}")).unwrap();
        load(LoadMode::Append, "1", r#"{"id":1}"#).unwrap();
        refused(load(LoadMode::Upsert, "2", r#"{"id":1}"#).unwrap_err(), "TEMPORARY ON DATABASE");
        admin.run(&format!("GRANT TEMPORARY ON DATABASE postgres TO {role}")).unwrap();
        load(LoadMode::Upsert, "2", r#"{"id":1}"#).unwrap();
        admin.run(&format!("ALTER TABLE members OWNER TO opnode; GRANT SELECT ON members TO {role}")).unwrap();
        refused(load(LoadMode::Append, "3", r#"{"id":2}"#).unwrap_err(), "INSERT");
        admin.run(&format!("GRANT INSERT ON members TO {role}")).unwrap();
        load(LoadMode::Append, "3", r#"{"id":2}"#).unwrap();
        refused(load(LoadMode::Append, "4", r#"{"id":3,"new":1}"#).unwrap_err(), "owner");
        admin.run(&format!("DROP OWNED BY {role}; DROP ROLE {role}")).unwrap();
    });
}

#[test]
fn a_statement_that_is_cancelled_ends() {
    with_home(|home| {
        let mut database = home.connect();
        let cancel = database.canceller();
        std::thread::scope(|scope| {
            scope.spawn(move || {
                std::thread::sleep(Duration::from_millis(300));
                cancel();
            });
            let (kind, message, _) = told(&database.run("SELECT pg_sleep(60)").unwrap_err());
            assert_eq!(kind, ErrorKind::State, "{message}");
        });
        database.run("SELECT 1").unwrap();
    });
}

#[test]
fn what_the_server_says_has_a_kind_and_advice() {
    with_home(|home| {
        let mut database = home.connect();
        for (state, kind) in [
            ("53100", ErrorKind::State),
            ("53300", ErrorKind::State),
            ("55P03", ErrorKind::State),
            ("40P01", ErrorKind::State),
            ("40001", ErrorKind::State),
            ("57014", ErrorKind::State),
            ("XX001", ErrorKind::State),
            ("42501", ErrorKind::Forbidden),
            ("28P01", ErrorKind::Unauthenticated),
            ("23514", ErrorKind::Conflict),
            ("22003", ErrorKind::InvalidItems),
            ("54000", ErrorKind::InvalidItems),
            ("42P01", ErrorKind::InvalidOptions),
            ("42703", ErrorKind::InvalidOptions),
            ("25006", ErrorKind::InvalidOptions),
            ("P0001", ErrorKind::Rejected),
        ] {
            let sql = format!("DO $$ BEGIN RAISE EXCEPTION 'odd' USING ERRCODE = '{state}'; END $$");
            let error = database.run(&sql).unwrap_err();
            assert_eq!(error.kind(), kind, "{state}");
            assert!(error.advice.is_some(), "{state}");
        }
        database.run("SELECT 1").unwrap();
        let sql = "DO $$ BEGIN RAISE EXCEPTION 'odd' USING ERRCODE = '08006'; END $$";
        assert_eq!(database.run(sql).unwrap_err().kind(), ErrorKind::Network);
    });
}
