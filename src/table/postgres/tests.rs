//! Loads into a server of PostgreSQL: what other tests of loads do not have.

mod breaks;
mod reading;
mod tables;
mod values;

use super::super::mode::LoadMode;
use super::super::order::LoadReport;
use super::super::test_homes::{LoadHome, PostgresHome, PostgresHomes};
use super::super::tests::{load_rows, of};
use super::{Database, Postgres};
use crate::error::{Error, ErrorKind, Result};

/// Runs a test with an empty schema, if a server can be started.
fn with_home(test: impl FnOnce(&PostgresHome)) {
    if let Some(homes) = PostgresHomes::new() {
        test(&homes.home());
    }
}

/// Loads rows into the table `members` of a schema.
fn loaded(home: &PostgresHome, run: &str, mode: LoadMode, rows: &[&str]) -> Result<LoadReport> {
    load_rows(&mut home.connect(), &of(run, mode), rows)
}

/// The message, its kind and its advice.
fn told(error: &Error) -> (ErrorKind, String, String) {
    (error.kind(), error.to_string(), error.advice.as_ref().map(ToString::to_string).unwrap_or_default())
}

#[test]
fn the_server_of_the_certificate_is_reached_with_tls() {
    with_home(|home| {
        let server = home.server();
        let authority = format!("sslrootcert={}", server.authority().display());
        let mut database = server.open_host("localhost", &authority).unwrap();
        let used = database.ask("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()").unwrap();
        assert_eq!(used, [[Some("t".to_owned())]]);
        database.run(&format!("SET search_path = {}", home.schema())).unwrap();
        let row = |id: u32| format!(r#"{{"id":{id},"text":"{}"}}"#, "x".repeat(100_000));
        let rows: Vec<String> = (0..50).map(row).collect();
        let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
        load_rows(&mut database, &of("1", LoadMode::Mirror), &rows).unwrap();
        let mut read = 0;
        let mut each = |row: &str| {
            read += row.len();
            Ok(())
        };
        database.read("SELECT id, text FROM members", &mut each).unwrap();
        assert_eq!(read, rows.iter().map(|row| row.len()).sum::<usize>());
        let mut database = server.open_host("127.0.0.1", "").unwrap();
        let used = database.ask("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()").unwrap();
        assert_eq!(used, [[Some("f".to_owned())]]);
        for (host, query) in [("127.0.0.1", authority.as_str()), ("localhost", "sslmode=verify-full")] {
            let error = server.open_host(host, query).map(|_| ()).unwrap_err();
            let (kind, message, advice) = told(&error);
            assert_eq!(kind, ErrorKind::Network, "{message}");
            assert!(message.contains("certificate") && advice.contains("sslrootcert"), "{message}: {advice}");
            assert!(error.is_lasting);
        }
        let error = server.open_host("localhost", "sslrootcert=/no/such.pem").map(|_| ()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Usage);
    });
}

#[test]
fn a_refused_connection_says_what_to_do_and_shows_no_password() {
    use crate::secret::Secret;
    with_home(|home| {
        let server = home.server();
        let url = server.url_of_host("127.0.0.1", "");
        let wrong = Secret::new("s3cret-of-mine");
        let error = Postgres::open(&url, Some(&wrong)).map(|_| ()).unwrap_err();
        let (kind, message, advice) = told(&error);
        assert_eq!(kind, ErrorKind::Unauthenticated);
        assert!(!format!("{message}{advice}{error:?}{}", error.to_json()).contains("s3cret"), "{message}");
        let (kind, message, advice) = told(&Postgres::open(&url, None).map(|_| ()).unwrap_err());
        assert_eq!(kind, ErrorKind::Unauthenticated);
        assert!(message.ends_with("asks for a password") && advice.contains("PGPASSWORD"), "{message}: {advice}");
        let mut other = server.url("opnode");
        other.set_query(other.query().map(|query| format!("{query}&dbname=nothing")).as_deref());
        let (kind, message, _) = told(&Postgres::open(&other, None).map(|_| ()).unwrap_err());
        assert_eq!((kind, message.contains("nothing")), (ErrorKind::InvalidOptions, true), "{message}");
        let (kind, message, _) = told(&Postgres::open(&server.url("nobody_here"), None).map(|_| ()).unwrap_err());
        assert_eq!(kind, ErrorKind::Unauthenticated, "{message}");
        let closed = url::Url::parse("postgres://127.0.0.1:1/d").unwrap();
        let (kind, message, _) = told(&Postgres::open(&closed, None).map(|_| ()).unwrap_err());
        assert_eq!((kind, message.contains("refused")), (ErrorKind::Network, true), "{message}");
        // A server that says nothing.
        let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = silent.local_addr().unwrap().port();
        let url = url::Url::parse(&format!("postgres://127.0.0.1:{port}/d?connect_timeout=1")).unwrap();
        let (kind, message, _) = told(&Postgres::open(&url, None).map(|_| ()).unwrap_err());
        assert_eq!((kind, message.ends_with("does not answer")), (ErrorKind::Network, true), "{message}");
    });
}

#[test]
fn the_settings_of_the_user_do_not_change_what_is_written() {
    with_home(|home| {
        let mut admin = home.connect();
        admin
            .run(
                "CREATE ROLE odd LOGIN SUPERUSER; ALTER ROLE odd SET standard_conforming_strings = off; \
                 ALTER ROLE odd SET TimeZone = 'Asia/Kathmandu'; ALTER ROLE odd SET DateStyle = 'SQL, DMY'; \
                 ALTER ROLE odd SET extra_float_digits = -10; ALTER ROLE odd SET synchronous_commit = off; \
                 ALTER ROLE odd SET default_transaction_isolation = 'serializable'; \
                 ALTER ROLE odd SET bytea_output = escape; ALTER ROLE odd SET IntervalStyle = iso_8601",
            )
            .unwrap();
        let mut odd = Postgres::open(&home.server().url("odd"), None).unwrap();
        odd.run(&format!("SET search_path = {}", home.schema())).unwrap();
        let mut order = of("1", LoadMode::History);
        order.source.batch = r"back\'slash".into();
        load_rows(&mut odd, &order, &[r#"{"id":1,"n":0.1,"at":"2026-01-31T08:00:00Z"}"#]).unwrap();
        let mut rows = Vec::new();
        odd.read("SELECT l.batch, m.n::float8 AS n, m._valid_from = l.loaded_at AS same, now() > loaded_at AS past FROM members AS m, opnode_loads AS l", &mut |row| {
            rows.push(row.to_owned());
            Ok(())
        })
        .unwrap();
        assert_eq!(rows.len(), 1);
        assert!(
            rows[0].contains(r#""batch":"back\\'slash","n":0.1,"#) && rows[0].contains(r#""past":true"#),
            "{rows:?}"
        );
        odd.begin().unwrap();
        assert_eq!(odd.ask("SHOW synchronous_commit").unwrap(), [[Some("local".to_owned())]]);
        assert_eq!(odd.ask("SHOW transaction_isolation").unwrap(), [[Some("read committed".to_owned())]]);
        odd.rollback();
        drop(odd);
        admin.run("DROP OWNED BY odd; DROP ROLE odd").unwrap();
    });
}

#[test]
fn a_thread_for_blocking_work_can_use_it() {
    with_home(|home| {
        let (url, runtime) = (home.server().url("opnode"), tokio::runtime::Runtime::new().unwrap());
        let answer = runtime.block_on(async move {
            let work = move || Postgres::open(&url, None).unwrap().ask("SELECT 1").unwrap();
            tokio::task::spawn_blocking(work).await.unwrap()
        });
        assert_eq!(answer, [[Some("1".to_owned())]]);
    });
}
