//! Rows that are read.

use super::*;

fn read(home: &PostgresHome, sql: &str) -> Result<Vec<String>> {
    let mut rows = Vec::new();
    home.connect().read(sql, &mut |row| {
        rows.push(row.to_owned());
        Ok(())
    })?;
    Ok(rows)
}

#[test]
fn rows_are_read_with_their_types_and_digits() {
    with_home(|home| {
        let sql = r#"SELECT 1.10 AS "b", true AS a, 123456789012345678901234567890.0 AS n, 0.1::float8 AS d, 1e300::float8 AS e,
            0.1::real AS r, '2026-01-31 08:00:00.5+02'::timestamptz AS at, '2026-01-31 08:00'::timestamp AS local,
            date '1969-12-31' AS day, E'a"\\\t\n\b\u00e9' AS "t""x", json '{"b": 1.10, "a": 1}' AS j, NULL::int AS nothing,
            ARRAY[1.10, NULL] AS list, ARRAY['a,b','{}'] AS texts, ROW(1, 'x') AS record, interval '1 day' AS i,
            '6f9619ff-8b86-d011-b42d-00c04fc964ff'::uuid AS u, 7::int2 AS s; "#;
        let rows = read(home, sql).unwrap();
        assert_eq!(
            rows,
            [
                r#"{"b":1.10,"a":true,"n":123456789012345678901234567890.0,"d":0.1,"e":1e+300,"r":0.1,"at":"2026-01-31T06:00:00.5Z","local":"2026-01-31T08:00:00","day":"1969-12-31","t\"x":"a\"\\\t\n\bé","j":{"b": 1.10, "a": 1},"nothing":null,"list":[1.10,null],"texts":["a,b","{}"],"record":{"f1":1,"f2":"x"},"i":"1 day","u":"6f9619ff-8b86-d011-b42d-00c04fc964ff","s":7}"#
            ]
        );
        for row in &rows {
            serde_json::from_str::<serde_json::Value>(row).unwrap();
        }
        assert_eq!(read(home, "SELECT 1 AS a -- one").unwrap(), [r#"{"a":1}"#]);
        assert_eq!(read(home, "VALUES (1), (2)").unwrap().len(), 2);
        assert_eq!(
            read(home, "SELECT g FROM generate_series(1, 100000) AS g ORDER BY g DESC").unwrap()[0],
            r#"{"g":100000}"#
        );
    });
}

#[test]
fn what_json_does_not_have_is_refused_by_name() {
    with_home(|home| {
        for (sql, named) in [
            ("SELECT 'NaN'::numeric AS odd", "odd has NaN"),
            ("SELECT 'Infinity'::float8 AS odd", "odd has Infinity"),
            ("SELECT '-Infinity'::numeric AS odd", "odd has -Infinity"),
            ("SELECT 'infinity'::timestamptz AS odd", "odd has infinity"),
            ("SELECT 'infinity'::date AS odd", "odd has infinity"),
            ("SELECT '0044-03-15 BC'::date AS odd", "odd has 0044-03-15 BC"),
            ("SELECT '12026-01-01'::date AS odd", "odd has 12026-01-01"),
            (r"SELECT '\x00'::bytea AS odd", "odd has bytes"),
            ("SELECT 1 AS odd, 2 AS odd", "named odd"),
        ] {
            let (_, message, advice) = told(&read(home, sql).unwrap_err());
            assert!(message.contains(named) && !advice.is_empty(), "{sql}: {message}: {advice}");
        }
    });
}

#[test]
fn reading_changes_nothing() {
    with_home(|home| {
        home.connect().run("CREATE TABLE t (id int); CREATE FUNCTION add() RETURNS int LANGUAGE sql AS 'INSERT INTO t VALUES (1) RETURNING 1'").unwrap();
        for sql in [
            "DELETE FROM t",
            "INSERT INTO t VALUES (1) RETURNING id",
            "WITH x AS (DELETE FROM t RETURNING id) SELECT * FROM x",
            "SELECT add()",
            "SELECT 1; DROP TABLE t",
            "SELECT 1) TO PROGRAM 'touch /tmp/opnode-was-here'; --",
            "COMMIT",
            "SELECT 1 AS a FROM nowhere",
            "",
        ] {
            let (kind, message, advice) = told(&read(home, sql).unwrap_err());
            assert_eq!(kind, ErrorKind::InvalidOptions, "{sql}: {message}");
            assert!(!advice.is_empty(), "{sql}");
        }
        assert_eq!(read(home, "SELECT count(*) AS n FROM t").unwrap(), [r#"{"n":0}"#]);
    });
}

#[test]
fn reading_that_is_stopped_leaves_the_connection_usable() {
    with_home(|home| {
        let mut database = home.connect();
        let mut seen = 0;
        let sql = "SELECT g, repeat('x', 1000) AS x FROM generate_series(1, 100000000) AS g";
        let started = std::time::Instant::now();
        let stopped = database.read(sql, &mut |_| {
            seen += 1;
            if seen < 10 { Ok(()) } else { Err(Error::cancelled()) }
        });
        assert_eq!(stopped.unwrap_err().kind(), ErrorKind::Cancelled);
        assert!(started.elapsed().as_secs() < 20);
        database.begin().unwrap();
        assert_eq!(database.ask("SELECT 1").unwrap(), [[Some("1".to_owned())]]);
        database.rollback();
    });
}
