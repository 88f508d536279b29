//! `docs/connectors.md` is true: its YAML is valid, in its blocks and in its tables, and each capability names a test.

use opnode::Catalog;
use serde_yaml::{Mapping, Value};

use crate::reliability::fault;

const GUIDE: &str = include_str!("../../docs/connectors.md");

/// What the fragments of the guide leave out.
const CONNECTOR: &str = r#"
version: 2
connector: acme
title: Acme
connection:
  site: { type: string, format: origin }
  user: { type: string }
  pass: { type: string, secret: true }
  key: { type: string, secret: true }
  region: { type: string, default: eu }
base_url: "{site}"
auth: none
"#;

const OPERATIONS: &str = r#"
version: 2
operations:
  listOrders: { title: List orders, method: query, request: GET /orders, response: { result: list } }
"#;

/// The YAML blocks after a first line, without it.
fn blocks(first: &str) -> Vec<String> {
    let blocks = GUIDE.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next());
    blocks.filter_map(|block| block.strip_prefix(first)?.strip_prefix('\n')).map(str::to_owned).collect()
}

/// The fragment laid over the file that the guide takes for granted.
fn laid_over(base: &str, fragment: Mapping) -> String {
    let mut file: Mapping = serde_yaml::from_str(base).unwrap();
    file.extend(fragment);
    serde_yaml::to_string(&file).unwrap()
}

fn read(yaml: &str) -> Mapping {
    serde_yaml::from_str(yaml).unwrap_or_else(|e| panic!("{e}:\n{yaml}"))
}

/// The faults of a connector with these operations.
fn faults(connector: &str, operations: &str) -> Vec<String> {
    let mut catalog = Catalog::empty();
    catalog.add("acme", "connector.yaml", connector);
    catalog.add("acme", "operations.yaml", operations);
    // A build without the feature refuses the one operation that returns XML.
    let is_known = |message: &str| cfg!(feature = "xml") || !message.contains("cannot read XML");
    let faults = catalog.faults(&[]).into_iter().filter(|fault| is_known(&fault.message));
    faults.map(|fault| format!("{:?} {}", fault.place, fault.message)).collect()
}

/// Rows of a table of the guide, by its second heading: the texts in backticks of the second column.
fn column(heading: &str) -> Vec<String> {
    let head = format!("| {heading} |\n");
    let at = GUIDE.find(&head).unwrap_or_else(|| panic!("no table has the heading {heading}")) + head.len();
    let rows = GUIDE[at..].lines().skip(1).take_while(|line| line.starts_with('|'));
    let cells = rows.map(|row| row.trim_matches('|').split_once(" | ").unwrap().1);
    let texts = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>());
    texts.collect()
}

/// One key with a value that is written in a table.
fn only(key: &str, value: &str) -> Mapping {
    read(&format!("{key}: {value}"))
}

#[test]
fn its_connectors_are_valid() {
    let fragments = blocks("# connector.yaml");
    assert!(fragments.len() > 4, "{} blocks were found", fragments.len());
    for fragment in fragments {
        let found = faults(&laid_over(CONNECTOR, read(&fragment)), OPERATIONS);
        assert!(found.is_empty(), "{found:?}\n{fragment}");
    }
}

#[test]
fn its_operations_are_valid() {
    let mut connector = read(CONNECTOR);
    for fragment in blocks("# connector.yaml").iter().map(|block| read(block)) {
        connector.extend(fragment.into_iter().filter(|(key, _)| key.as_str() == Some("paging_sets")));
    }
    let connector = serde_yaml::to_string(&connector).unwrap();
    let fragments = blocks("# operations");
    assert!(fragments.len() > 4, "{} blocks were found", fragments.len());
    for fragment in fragments {
        let mut file = read(&fragment);
        file.insert("version".into(), 2.into());
        let found = faults(&connector, &serde_yaml::to_string(&file).unwrap());
        assert!(found.is_empty(), "{found:?}\n{fragment}");
    }
}

#[test]
fn its_sign_ins_are_valid() {
    let all = column("`auth:`");
    assert!(all.len() > 14, "{all:?}");
    for auth in all {
        let found = faults(&laid_over(CONNECTOR, only("auth", &auth)), OPERATIONS);
        assert!(found.is_empty(), "{found:?}\n{auth}");
    }
}

#[test]
fn its_pagings_are_valid() {
    let all = column("`paging:`");
    assert!(all.len() > 10, "{all:?}");
    for paging in all {
        let found = faults(&laid_over(CONNECTOR, only("paging", &paging)), OPERATIONS);
        assert!(found.is_empty(), "{found:?}\n{paging}");
    }
}

#[test]
fn its_bodies_are_valid() {
    let write = "{ title: T, method: mutate, request: POST /x, response: { result: none }, \
                 items: { send: each, schema: { type: object } } }";
    let all: Vec<String> = column("say").into_iter().filter(|text| text.contains(": ")).collect();
    assert!(all.len() > 9, "{all:?}");
    for body in all.iter().filter(|text| text.starts_with("items:") || text.starts_with("body:")) {
        let mut operation = read(write);
        for (key, value) in read(body) {
            let value = match value {
                Value::Mapping(items) if key == "items" => {
                    let mut whole = read("schema: { type: object }");
                    whole.extend(items);
                    Value::Mapping(whole)
                }
                value => value,
            };
            operation.insert(key, value);
        }
        let file: Mapping = [
            ("version".into(), 2.into()),
            ("operations".into(), Mapping::from_iter([("x".into(), Value::Mapping(operation))]).into()),
        ]
        .into_iter()
        .collect();
        let found = faults(CONNECTOR, &serde_yaml::to_string(&file).unwrap());
        assert!(found.is_empty(), "{found:?}\n{body}");
    }
}

#[test]
fn each_capability_is_run_by_a_test() {
    let at = GUIDE.find("| what | how | Airbyte CDK |").unwrap();
    let rows: Vec<&str> = GUIDE[at..].lines().skip(2).take_while(|line| line.starts_with('|')).collect();
    assert!(rows.len() > 30, "{}", rows.len());
    for row in rows {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        assert_eq!(cells.len(), 7, "{row}");
        assert!(cells[2..6].iter().all(|cell| ["yes", "part", "–"].contains(cell)), "{row}");
        let test = cells[6].trim_matches('`');
        assert_eq!(fault(test), None, "{test}");
    }
}
