//! Values on their way in and out again: none is changed.

use super::*;
use crate::table::mode::Evolve;
use crate::table::shape::{DeclaredColumn, TableForm};
use crate::table::value_kind::ValueKind;

#[test]
fn values_come_back_as_they_were() {
    with_home(|home| {
        let big = "é\\\t\"".repeat(250_000).replace('\\', "\\\\").replace('\t', "\\t").replace('"', "\\\"");
        let rows = [
            r#"{"id":1,"n":123456789012345678901234567890,"s":"\u00e9\ud83d\ude00 \\N \\. \r\n\t\b\u0001","j":{"b":1.10,"a":{"z":[],"a":null}},"f":true}"#.to_owned(),
            r#"{"id":2,"n":1.10,"s":"","j":[1e400, "x\\ty", "\n"],"f":false}"#.to_owned(),
            r#"{"id":3,"n":-0.000000000000000000000000000000000000001,"s":"\\N","j":"text","f":null}"#.to_owned(),
            format!(r#"{{"id":4,"n":0,"s":"{big}","j":[1],"f":true}}"#),
            r#"{"id":5,"n":1E+3,"s":"null","j":[[],{}],"f":true}"#.to_owned(),
        ];
        let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
        for mode in [LoadMode::Append, LoadMode::Upsert, LoadMode::History] {
            home.connect().run("DROP TABLE IF EXISTS members, opnode_loads").unwrap();
            loaded(home, "1", mode, &rows).unwrap();
            let read = home.rows("SELECT id, n, s, j, f FROM members ORDER BY id");
            let values = |row: &str| -> serde_json::Value { serde_json::from_str(row).unwrap() };
            for (read, row) in read.iter().zip(&rows) {
                if !row.contains("e400") && !row.contains("E+3") {
                    assert_eq!(values(read), values(row), "{mode:?}");
                }
            }
            assert!(read[0].contains(r#""n":123456789012345678901234567890,"#), "{}", read[0]);
            assert!(read[0].contains(r#""j":{"b":1.10,"a":{"z":[],"a":null}}"#), "{}", read[0]);
            assert!(read[1].contains(r#""n":1.10,"s":"","j":[1e400, "x\\ty", "\n"]"#), "{}", read[1]);
            assert!(read[4].contains(r#""n":1000,"#), "{}", read[4]);
            assert_eq!(home.rows("SELECT count(*) AS n FROM members WHERE s IS NULL"), [r#"{"n":0}"#]);
        }
    });
}

#[test]
fn values_that_no_column_holds_are_named() {
    with_home(|home| {
        for (row, why) in [
            (r#"{"id":2,"s":"a\u0000b"}"#, "NUL"),
            (r#"{"id":2,"n":1e400000}"#, "n"),
            (r#"{"id":2,"n":1e-400000}"#, "n"),
        ] {
            home.connect().run("DROP TABLE IF EXISTS members, opnode_loads").unwrap();
            let error = loaded(home, "1", LoadMode::Append, &[r#"{"id":1,"s":"x","n":1.5}"#, row]).unwrap_err();
            let (kind, message, advice) = told(&error);
            assert_eq!(kind, ErrorKind::InvalidItems, "{message}");
            assert!(message.contains("members: row 2") && message.contains(why), "{message}");
            assert!(advice.contains("correct the value"), "{advice}");
        }
        let wide: Vec<String> = (0..1_700).map(|number| format!(r#""f{number}":1"#)).collect();
        let error = loaded(home, "1", LoadMode::Append, &[&format!("{{{}}}", wide.join(","))]).unwrap_err();
        assert!(error.to_string().contains("1600 columns at most"), "{error}");
    });
}

#[test]
fn times_and_days_are_the_same_instants() {
    with_home(|home| {
        let declared = |name: &str, kind| DeclaredColumn { path: vec![name.to_owned()], kind: Some(kind), about: None };
        let mut order = of("1", LoadMode::Append);
        order.evolve = Some(Evolve::None);
        order.form = TableForm {
            declared: vec![
                declared("id", ValueKind::Integer),
                declared("at", ValueKind::Timestamp),
                declared("on", ValueKind::Date),
                declared("d", ValueKind::Double),
            ],
            ..TableForm::default()
        };
        let cases = [
            (r#""1969-12-31T23:59:59.123456-08:00""#, r#""1970-01-01T07:59:59.123456Z""#),
            (r#""0001-01-01T00:00:00Z""#, r#""0001-01-01T00:00:00Z""#),
            (r#""9999-12-30T21:59:59.999999Z""#, r#""9999-12-30T21:59:59.999999Z""#),
            (r#""2026-01-31T08:00:00+23:59""#, r#""2026-01-30T08:01:00Z""#),
            (r#""1900-01-01T00:00:00.5+00:20""#, r#""1899-12-31T23:40:00.5Z""#),
            ("null", "null"),
        ];
        let rows: Vec<String> = cases
            .iter()
            .enumerate()
            .map(|(id, (at, _))| format!(r#"{{"id":{id},"at":{at},"on":"0001-02-28","d":{id}.1e-300}}"#))
            .collect();
        let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
        load_rows(&mut home.connect(), &order, &rows).unwrap();
        let read = home.rows(r#"SELECT at, "on" FROM members ORDER BY id"#);
        let wanted: Vec<String> = cases.iter().map(|(_, at)| format!(r#"{{"at":{at},"on":"0001-02-28"}}"#)).collect();
        assert_eq!(read, wanted);
        assert_eq!(home.rows("SELECT d FROM members WHERE id = 3"), [r#"{"d":3.1e-300}"#]);
        // A column becomes wider with all that its values are.
        let mut order = of("2", LoadMode::Append);
        order.form = TableForm::default();
        let row = r#"{"id":9,"at":"later","on":"some day","d":123456789012345678901}"#;
        load_rows(&mut home.connect(), &order, &[row]).unwrap();
        let read = home.rows(r#"SELECT at, "on", d FROM members ORDER BY id"#);
        assert!(
            read[0].starts_with(r#"{"at":"1970-01-01T07:59:59.123456Z","on":"0001-02-28","d":0.000"#),
            "{}",
            read[0]
        );
        assert!(read[1].starts_with(r#"{"at":"0001-01-01T00:00:00Z","on":"0001-02-28","d":0.000"#), "{}", read[1]);
        assert!(read[4].contains(r#""at":"1899-12-31T23:40:00.5Z""#), "{}", read[4]);
        assert_eq!(read[6], r#"{"at":"later","on":"some day","d":123456789012345678901}"#);
    });
}
