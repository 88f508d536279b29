//! Compares `docs/reliability.md` with the tests that it names: every number of the catalogue appears once, and every
//! test exists and runs.
//!
//! Names of trials are searched for as whole texts in the source, so that a renamed one is noticed.

use std::path::Path;

use crate::table;

const TABLE: &str = include_str!("../../docs/reliability.md");
const ROWS: usize = 97;

/// The cells of each numbered row.
fn rows() -> Vec<(usize, Vec<&'static str>)> {
    let cells =
        |line: &'static str| -> Vec<&'static str> { line.trim_matches('|').split(" | ").map(str::trim).collect() };
    TABLE
        .lines()
        .filter(|l| l.starts_with("| "))
        .map(cells)
        .filter_map(|c| Some((c.first()?.parse().ok()?, c)))
        .collect()
}

/// The texts in backticks that name a test.
fn named() -> Vec<&'static str> {
    let texts = TABLE.split('`').skip(1).step_by(2);
    texts
        .filter(|t| (t.starts_with("tests/") || t.starts_with("src/")) && *t != "tests/repository/reliability.rs")
        .collect()
}

/// The fault of a named test.
pub(crate) fn fault(named: &str) -> Option<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let Some((file, name)) = named.split_once(": ") else {
        let files = std::fs::read_dir(root.join(named)).into_iter().flatten().flatten().map(|e| e.path());
        let of_situations = named.starts_with("tests/situations/")
            && files.filter(|f| f.extension().is_some_and(|e| e == "yaml")).count() > 0;
        let cases = of_situations || ["cmd", "call.yaml"].iter().any(|f| root.join(named).join(f).is_file());
        return (!named.ends_with('/') || !cases).then(|| "it is not a folder of a case".to_owned());
    };
    let Ok(source) = std::fs::read_to_string(root.join(file)) else { return Some("there is no such file".to_owned()) };
    if file.ends_with(".yaml") {
        return (!facts(&source).iter().any(|fact| fact == name)).then(|| "no case has this name".to_owned());
    }
    if file.ends_with(".c") {
        return (!source.lines().any(|l| l.starts_with(&format!("CASE({name})"))))
            .then(|| "no case has this name".to_owned());
    }
    let is_function =
        !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if is_function && let Some(at) = source.find(&format!("fn {name}()")) {
        let before = source[..at].trim_end_matches("async ");
        let attributes: Vec<&str> =
            before.lines().rev().map(str::trim).take_while(|l| l.starts_with("#[") || l.is_empty()).collect();
        let is_test = attributes.iter().any(|a| *a == "#[test]" || a.starts_with("#[tokio::test"));
        let is_ignored = attributes.iter().any(|a| a.starts_with("#[ignore"));
        return (!is_test || is_ignored).then(|| "it is no test, or is ignored".to_owned());
    }
    let numbered = |text: &str| text.trim_start_matches(|c: char| c.is_ascii_digit()).trim_start() == name;
    let is_there = source.split('"').any(|text| text == name || numbered(text));
    (!is_there).then(|| "no test or trial has this name".to_owned())
}

/// The facts of a file of `tests/wire/`, with and without the cells of its tables.
fn facts(file: &str) -> Vec<String> {
    let file: serde_yaml::Value = serde_yaml::from_str(file).unwrap();
    let rows_of = |value: &serde_yaml::Value| value.get("table").map(|rows| table::rows(rows.clone()).unwrap());
    let of_file = rows_of(&file).unwrap_or_default();
    let cases = file.get("cases").or(file.get("rows")).unwrap_or(&file).as_sequence().unwrap();
    let mut facts = Vec::new();
    for case in cases {
        let fact = case.get("fact").or(case.get(0)).cloned().unwrap_or_default();
        let filled_in = rows_of(case).unwrap_or_default();
        facts.extend(of_file.iter().chain(&filled_in).filter_map(|(_, cells)| table::filled(&fact, cells)));
        facts.push(fact);
    }
    facts.iter().filter_map(serde_yaml::Value::as_str).map(str::to_owned).collect()
}

#[test]
fn every_number_appears_once() {
    let found: Vec<usize> = rows().iter().map(|(number, _)| *number).collect();
    assert_eq!(found, (1..=ROWS).collect::<Vec<_>>());
}

#[test]
fn every_row_is_complete_and_names_a_test_or_a_reason() {
    for (number, cells) in rows() {
        assert_eq!(cells.len(), 4, "{number}: {cells:?}");
        let shown = cells[3];
        assert!(
            shown.starts_with("does not apply") || shown.starts_with("`tests/") || shown.starts_with("`src/"),
            "{number}: {shown}"
        );
    }
}

#[test]
fn every_named_test_exists_and_is_not_ignored() {
    let all = named();
    assert!(all.len() > 180, "only {} tests were found", all.len());
    let faults: Vec<String> = all.into_iter().filter_map(|n| fault(n).map(|why| format!("{n}: {why}"))).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn a_renamed_test_is_noticed() {
    for wrong in [
        "tests/wire/network.rs: a refused connection",
        "tests/wire/cases/network/reach.yaml: a refused connection",
        "tests/engine/tokens.rs: expiry_is_told",
        "tests/engine/tokens.rs: serve",
        "tests/cli/no-such-case/",
        "tests/cli/definitions/",
        "src/retry.rs: judge",
        "tests/ffi/calls.c: handle",
    ] {
        assert!(fault(wrong).is_some(), "{wrong}");
    }
}
