//! Tables of others: what depends on them, their types and their names.

use super::*;
use crate::table::address::TableName;
use crate::table::mode::Evolve;
use crate::table::order::LoadOrder;
use crate::table::shape::{DeclaredColumn, TableForm};
use crate::table::value_kind::ValueKind;

#[test]
fn views_stay_and_a_column_that_one_has_is_not_widened() {
    with_home(|home| {
        loaded(home, "1", LoadMode::Upsert, &[r#"{"id":1,"n":1}"#, r#"{"id":2,"n":2}"#]).unwrap();
        home.connect().run("CREATE VIEW seen AS SELECT id, n FROM members").unwrap();
        for (run, mode) in [("2", LoadMode::Replace), ("3", LoadMode::Mirror)] {
            loaded(home, run, mode, &[r#"{"id":2,"n":5}"#]).unwrap();
            assert_eq!(home.rows("SELECT * FROM seen"), [r#"{"id":2,"n":5}"#], "{mode:?}");
        }
        let error = loaded(home, "4", LoadMode::Append, &[r#"{"id":3,"n":1.5}"#]).unwrap_err();
        let (kind, message, _) = told(&error);
        assert_eq!(kind, ErrorKind::Conflict);
        assert!(message.contains("column n must become decimal") && message.contains("view seen"), "{message}");
        assert_eq!(home.rows("SELECT id FROM members").len(), 1);
    });
}

#[test]
fn rows_whose_deletion_deletes_others_are_not_deleted() {
    with_home(|home| {
        for action in ["CASCADE", "SET NULL", "SET DEFAULT"] {
            let mut admin = home.connect();
            admin.run("DROP TABLE IF EXISTS members, opnode_loads, tickets").unwrap();
            loaded(home, "1", LoadMode::Upsert, &[r#"{"id":1}"#]).unwrap();
            let sql = format!("CREATE TABLE tickets (id int, member bigint REFERENCES members ON DELETE {action})");
            admin.run(&sql).unwrap();
            for mode in [LoadMode::Replace, LoadMode::Mirror] {
                let (kind, message, _) = told(&loaded(home, "2", mode, &[r#"{"id":2}"#]).unwrap_err());
                assert_eq!(kind, ErrorKind::Conflict, "{message}");
                assert!(message.contains("tickets"), "{message}");
            }
            loaded(home, "3", LoadMode::Upsert, &[r#"{"id":2}"#]).unwrap();
        }
        // Without an action, the server refuses it and the message names the table.
        let mut admin = home.connect();
        admin.run("DROP TABLE tickets; CREATE TABLE tickets (member bigint REFERENCES members)").unwrap();
        admin.run("INSERT INTO tickets VALUES (1)").unwrap();
        let (kind, message, _) = told(&loaded(home, "4", LoadMode::Mirror, &[r#"{"id":2}"#]).unwrap_err());
        assert_eq!(kind, ErrorKind::Conflict, "{message}");
        assert!(message.contains("tickets"), "{message}");
    });
}

#[test]
fn names_are_kept_as_they_are_or_shortened_with_a_digest() {
    with_home(|home| {
        let long = "a".repeat(70);
        let row = format!(
            r#"{{"id":1,"{long}1":"x","{long}2":"y","select":1,"ID":2,"Größe \"x\"":3,"a.b;--":4,"{}":5}}"#,
            "ü".repeat(40)
        );
        for run in ["1", "2"] {
            for mode in [LoadMode::Upsert, LoadMode::Append] {
                let mut order = of(run, mode);
                order.table.name = format!("Table \"{mode:?}\" 'é'.select");
                load_rows(&mut home.connect(), &order, &[&row]).unwrap();
            }
        }
        let rows = home.rows(r#"SELECT * FROM "Table ""Upsert"" 'é'.select""#);
        assert_eq!(rows.len(), 1);
        assert!(rows[0].starts_with(&format!(r#"{{"id":1,"{}_"#, "a".repeat(54))), "{rows:?}");
        assert!(rows[0].contains(r#""select":1,"ID":2,"Größe \"x\"":3,"a.b;--":4,"#), "{rows:?}");
        let mut order = of("1", LoadMode::Append);
        order.table.name = long;
        let (kind, message, advice) = told(&load_rows(&mut home.connect(), &order, &[&row]).unwrap_err());
        assert_eq!(kind, ErrorKind::InvalidOptions, "{message}");
        assert!(message.contains("70 bytes") && advice.contains("63"), "{message}: {advice}");
    });
}

#[test]
fn what_is_no_lasting_table_is_refused() {
    with_home(|home| {
        let mut admin = home.connect();
        admin
            .run(
                "CREATE TABLE t (id int); CREATE VIEW v AS SELECT * FROM t; CREATE SEQUENCE s; \
                 CREATE MATERIALIZED VIEW m AS SELECT 1 AS id; CREATE UNLOGGED TABLE u (id int); CREATE INDEX i ON t (id)",
            )
            .unwrap();
        for (name, what) in
            [("v", "view"), ("s", "sequence"), ("m", "materialized"), ("u", "unlogged"), ("i", "an index")]
        {
            let table = TableName { schema: None, name: name.into() };
            let (kind, message, _) = told(&admin.find(&table).unwrap_err());
            assert_eq!(kind, ErrorKind::InvalidOptions, "{message}");
            assert!(message.contains(what), "{message}");
        }
        let mut order = of("1", LoadMode::Append);
        order.table.schema = Some("no_such".into());
        let (kind, _, advice) = told(&load_rows(&mut admin, &order, &[r#"{"id":1}"#]).unwrap_err());
        assert_eq!((kind, advice.as_str()), (ErrorKind::InvalidOptions, "run CREATE SCHEMA \"no_such\""));
        admin.run("SET search_path = no_such").unwrap();
        let (kind, message, _) = told(&load_rows(&mut admin, &members_order(), &[r#"{"id":1}"#]).unwrap_err());
        assert_eq!(kind, ErrorKind::InvalidOptions, "{message}");
    });
}

fn members_order() -> crate::table::order::LoadOrder {
    of("1", LoadMode::Append)
}

#[test]
fn partitioned_tables_are_loaded_in_all_modes() {
    with_home(|home| {
        let mut admin = home.connect();
        for mode in [LoadMode::Append, LoadMode::Replace, LoadMode::Upsert, LoadMode::Mirror] {
            admin
                .run(
                    "DROP TABLE IF EXISTS members, opnode_loads; \
                     CREATE TABLE members (id int PRIMARY KEY, name text) PARTITION BY RANGE (id); \
                     CREATE TABLE members_1 PARTITION OF members FOR VALUES FROM (0) TO (10); \
                     CREATE TABLE members_2 PARTITION OF members FOR VALUES FROM (10) TO (20)",
                )
                .unwrap();
            loaded(home, "1", mode, &[r#"{"id":1,"name":"a"}"#, r#"{"id":11,"name":"b"}"#]).unwrap();
            assert_eq!(home.rows("SELECT id FROM members ORDER BY id"), [r#"{"id":1}"#, r#"{"id":11}"#], "{mode:?}");
            let error = loaded(home, "2", mode, &[r#"{"id":5,"name":"a"}"#, r#"{"id":99,"name":"z"}"#]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Conflict, "{mode:?}: {error}");
        }
    });
}

/// Types that others use, with values that fit and some that do not.
const TYPES: &str = "CREATE TYPE mood AS ENUM ('good', 'bad'); CREATE DOMAIN short AS varchar(3); \
    CREATE TABLE members (id smallint PRIMARY KEY, u uuid, m mood, v varchar(3), d short, j jsonb, x xml, ip inet, \
    t timestamp, n numeric(6,2), r real, ts timestamptz(0), day date, b boolean, bits bytea, list int[], \
    made int GENERATED ALWAYS AS (1) STORED)";

#[test]
fn types_of_others_stay_and_values_that_do_not_fit_are_named_with_their_row() {
    with_home(|home| {
        let good = r#"{"id":1,"u":"6F9619FF-8B86-D011-B42D-00C04FC964FF","m":"good","v":"abc","d":"ab","j":{"b":1.10,"a":[]},"x":"<a/>","ip":"10.0.0.1","t":"2026-01-31T08:00:00.5","n":1234.50,"r":0.1,"ts":"2026-01-31T08:00:00+02:00","day":"1969-12-31","b":true}"#;
        let bad = [
            (r#"{"id":70000}"#, "id"),
            (r#"{"id":2,"u":"no"}"#, "u"),
            (r#"{"id":2,"m":"so-so"}"#, "m"),
            (r#"{"id":2,"v":"abcd"}"#, "v"),
            (r#"{"id":2,"ip":"10.0.0.256"}"#, "ip"),
            (r#"{"id":2,"t":"2026-01-31T08:00:00+02:00"}"#, "t"),
            (r#"{"id":2,"t":"2026-01-31T08:00:00.1234567"}"#, "t"),
            (r#"{"id":2,"v":"abc "}"#, "v"),
            (r#"{"id":2,"n":1.005}"#, "n"),
            (r#"{"id":2,"n":123456}"#, "n"),
            (r#"{"id":2,"r":0.12345678901}"#, "r"),
            (r#"{"id":2,"ts":"2026-01-31T08:00:00.5Z"}"#, "ts"),
            (r#"{"id":2,"j":"\u0000"}"#, "j"),
        ];
        for mode in [LoadMode::Append, LoadMode::Upsert] {
            home.connect().run("DROP TABLE IF EXISTS members, opnode_loads; DROP TYPE IF EXISTS mood, short").unwrap();
            home.connect().run(TYPES).unwrap();
            for run in ["1", "2"] {
                let order = LoadOrderOf { mode: if run == "2" { LoadMode::Upsert } else { mode }, run };
                load_rows(&mut home.connect(), &order.order(), &[good]).unwrap();
            }
            let sql = "SELECT u, m, j, t, n, r, ts, day FROM members";
            assert_eq!(
                home.rows(sql),
                [
                    r#"{"u":"6f9619ff-8b86-d011-b42d-00c04fc964ff","m":"good","j":{"a": [], "b": 1.10},"t":"2026-01-31T08:00:00.5","n":1234.50,"r":0.1,"ts":"2026-01-31T06:00:00Z","day":"1969-12-31"}"#
                ]
            );
            for (row, column) in bad {
                let mut order = of("3", mode);
                order.evolve = Some(Evolve::None);
                let rows = [r#"{"id":8}"#, row, r#"{"id":9}"#];
                let error = load_rows(&mut home.connect(), &order, &rows).unwrap_err();
                let (kind, message, advice) = told(&error);
                assert_eq!(kind, ErrorKind::InvalidItems, "{row}: {message}");
                let start = format!("members: row 2: {column}: ");
                assert!(message.starts_with(&start) && !advice.is_empty(), "{row}: {message}: {advice}");
            }
            for (row, column) in [
                (r#"{"id":2,"bits":"abc"}"#, "bits"),
                (r#"{"id":2,"list":"{1}"}"#, "list"),
                (r#"{"id":2,"made":"1"}"#, "made"),
            ] {
                let (kind, message, _) = told(&loaded(home, "4", mode, &[row]).unwrap_err());
                assert!(matches!(kind, ErrorKind::InvalidOptions | ErrorKind::InvalidItems), "{message}");
                assert!(message.contains(column), "{message}");
            }
        }
    });
}

struct LoadOrderOf<'o> {
    mode: LoadMode,
    run: &'o str,
}

impl LoadOrderOf<'_> {
    /// Only the columns that can be written.
    fn order(&self) -> crate::table::order::LoadOrder {
        let mut order = of(self.run, self.mode);
        let names = ["id", "u", "m", "v", "d", "j", "x", "ip", "t", "n", "r", "ts", "day", "b"];
        let declared = names.map(|name| DeclaredColumn { path: vec![name.to_owned()], kind: None, about: None });
        order.form = TableForm { declared: declared.into(), is_chosen: true, ..TableForm::default() };
        order
    }
}

#[test]
fn a_rule_of_the_table_is_named_with_the_row() {
    with_home(|home| {
        let mut admin = home.connect();
        admin.run("CREATE TABLE members (id int UNIQUE, n int NOT NULL CHECK (n > 0), filler text)").unwrap();
        let filler = "x".repeat(1_000);
        let rows = |bad: &str| -> Vec<String> {
            let row = |id: usize| match id {
                2_999 => bad.to_owned(),
                _ => format!(r#"{{"id":{id},"n":1,"filler":"{filler}"}}"#),
            };
            (1..=3_500).map(row).collect()
        };
        for (bad, why) in
            [(r#"{"id":7,"n":1}"#, "(id)=(7)"), (r#"{"id":2999,"n":0}"#, "check"), (r#"{"id":2999,"n":null}"#, "null")]
        {
            let rows = rows(bad);
            let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
            let (kind, message, advice) = told(&loaded(home, "1", LoadMode::Append, &rows).unwrap_err());
            assert_eq!(kind, ErrorKind::Conflict, "{message}");
            assert!(message.starts_with("members: row 2999: ") && message.contains(why), "{message}");
            assert!(advice.starts_with("correct the row"), "{advice}");
        }
        assert!(home.rows("SELECT id FROM members").is_empty());
        let key = admin.find(&TableName { schema: None, name: "members".into() }).unwrap().unwrap();
        assert_eq!(key.unique, [["id"]]);
        assert_eq!(key.columns[0].kind, ValueKind::Integer);
    });
}

#[test]
fn indexes_that_are_no_key_of_all_rows_are_not_taken_for_one() {
    with_home(|home| {
        home.connect()
            .run(
                "CREATE TABLE members (id int, a int, b int, CONSTRAINT late UNIQUE (a) DEFERRABLE); \
                 CREATE UNIQUE INDEX ON members (id) WHERE id > 0; CREATE UNIQUE INDEX ON members (abs(id)); \
                 CREATE UNIQUE INDEX ON members (b, id) INCLUDE (a); CREATE INDEX ON members (id)",
            )
            .unwrap();
        let found = home.connect().find(&TableName { schema: None, name: "members".into() }).unwrap().unwrap();
        assert_eq!(found.unique, [["b", "id"]]);
        // So a load makes one, and says if it cannot.
        let order = LoadOrder { evolve: Some(Evolve::Add), ..of("1", LoadMode::Upsert) };
        let report = load_rows(&mut home.connect(), &order, &[r#"{"id":1,"a":1,"b":1}"#]).unwrap();
        assert!(report.notes.is_empty(), "{:?}", report.notes);
    });
}

#[test]
fn a_column_says_what_it_is() {
    with_home(|home| {
        let about = "The member's \"id\";\n--\u{0} a number";
        let column = |name: &str| DeclaredColumn {
            path: vec![name.to_owned()],
            kind: Some(ValueKind::Integer),
            about: Some(about.to_owned()),
        };
        let mut order = of("1", LoadMode::Upsert);
        order.table.schema = Some(home.schema().to_owned());
        order.form = TableForm { declared: vec![column("id")], ..TableForm::default() };
        load_rows(&mut home.connect(), &order, &[r#"{"id":1}"#]).unwrap();
        order.source.run = "2".into();
        order.form.declared.push(column("n'"));
        load_rows(&mut home.connect(), &order, &[r#"{"id":1,"n'":2}"#]).unwrap();
        let sql = "SELECT attname, col_description(attrelid, attnum) AS about FROM pg_attribute \
                   WHERE attrelid = 'members'::regclass AND attname IN ('id', 'n''') ORDER BY attnum";
        let rows = home.rows(sql);
        let wanted = r#""about":"The member's \"id\";\n-- a number""#;
        assert!(rows.len() == 2 && rows.iter().all(|row| row.contains(wanted)), "{rows:?}");
    });
}
