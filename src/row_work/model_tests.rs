//! Compares the operations on random rows, with budgets of a few hundred bytes, with the same in memory, written plainly.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::temporary::BUDGET;
use super::tests::{go_on, plan, run, with_offsets};
use super::{FieldPath, KeyIndex, Workspace};

/// Values in their order; equal ones have one rank. Absent is the empty text.
const VALUES: [(&str, u32); 24] = [
    ("", 0),
    ("null", 0),
    ("false", 1),
    ("true", 2),
    ("-18446744073709551617", 3),
    ("-18446744073709551616", 4),
    ("-1.50", 5),
    ("-1", 6),
    ("-1.0", 6),
    ("0", 7),
    ("-0.0", 7),
    ("0.1", 8),
    ("1e-1", 8),
    ("1", 9),
    ("10e-1", 9),
    ("9", 10),
    ("10", 11),
    ("1E400", 12),
    ("\"\"", 13),
    ("\"1\"", 14),
    ("\"\\u0031\"", 14),
    ("\"1\\u0000\"", 15),
    ("\"10\"", 16),
    ("\"\u{e9}\"", 17),
];

#[derive(Clone, Debug)]
struct ModelRow {
    text: String,
    k: u32,
    g: u32,
    cents: i64,
}

fn rows(name: &'static str, most: usize) -> impl Strategy<Value = Vec<ModelRow>> {
    let row = (0..VALUES.len(), 0..VALUES.len(), -300..300_i64, 0..60_usize);
    prop::collection::vec(row, 0..most).prop_map(move |rows| {
        let shown = rows.into_iter().enumerate().map(|(number, (k, g, cents, padding))| {
            let field = |name: &str, value: usize| match VALUES[value].0 {
                "" => String::new(),
                json => format!("\"{name}\": {json}, "),
            };
            let (k_text, g_text, padding) = (field("k", k), field("g", g), "é".repeat(padding));
            let sign = if cents < 0 { "-" } else { "" };
            let price = format!("{sign}{}.{:02}", cents.abs() / 100, cents.abs() % 100);
            let text = format!("{{{k_text}{g_text}\"n\":{price},\"{name}\":{number},\"p\":\"{padding}\"}}");
            ModelRow { text, k: VALUES[k].1, g: VALUES[g].1, cents }
        });
        shown.collect()
    })
}

/// Most are smaller than the rows; with the default all rows are sorted at once.
fn budgets() -> impl Strategy<Value = usize> {
    prop_oneof![3 => 64..6000_usize, 1 => Just(BUDGET)]
}

fn lines<'m>(rows: impl IntoIterator<Item = &'m ModelRow>) -> String {
    rows.into_iter().map(|row| row.text.clone() + "\n").collect()
}

/// The result of an operation with this budget.
fn worked(json: serde_json::Value, left: &[ModelRow], right: &[ModelRow], budget: usize) -> String {
    let folder = tempfile::tempdir().unwrap();
    let work = Workspace::new(folder.path(), "work", &go_on).unwrap().with_budget(budget);
    let result = run(&plan(json), &lines(left), &lines(right), &work).unwrap();
    // A buffer of one byte is the least, and a record that is larger than the budget is alone in memory.
    assert!(work.peak() <= budget + 1000, "{} bytes", work.peak());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    result
}

fn config() -> ProptestConfig {
    let cases = std::env::var("PROOFS").ok().and_then(|n| n.parse().ok()).unwrap_or(48);
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn sort(rows in rows("i", 200), budget in budgets(), descending: bool, last: bool) {
        let nulls = if last { "last" } else { "first" };
        let by = serde_json::json!([{"path": "k", "descending": descending, "nulls": nulls}, {"path": "g"}]);
        let mut sorted: Vec<&ModelRow> = rows.iter().collect();
        sorted.sort_by_key(|row| {
            let k = match (row.k, last) {
                (0, false) => i64::MIN,
                (0, true) => i64::MAX,
                (k, _) => if descending { -i64::from(k) } else { i64::from(k) },
            };
            (k, if row.g == 0 { u32::MAX } else { row.g })
        });
        prop_assert_eq!(worked(serde_json::json!({"sort": {"by": by}}), &rows, &[], budget), lines(sorted));
    }

    #[test]
    fn dedupe(rows in rows("i", 200), budget in budgets(), is_last: bool, are_equal: bool) {
        let (keep, nulls) = (if is_last { "last" } else { "first" }, if are_equal { "equal" } else { "distinct" });
        let mut seen = BTreeSet::new();
        let mut is_new = |row: &&ModelRow| (!are_equal && (row.k == 0 || row.g == 0)) || seen.insert((row.k, row.g));
        let kept: Vec<&ModelRow> = match is_last {
            true => {
                let mut kept: Vec<&ModelRow> = rows.iter().rev().filter(is_new).collect();
                kept.reverse();
                kept
            }
            false => rows.iter().filter(&mut is_new).collect(),
        };
        let json = serde_json::json!({"dedupe": {"by": ["k", "g"], "keep": keep, "nulls": nulls}});
        prop_assert_eq!(worked(json, &rows, &[], budget), lines(kept));
    }

    #[test]
    fn join(left in rows("i", 120), right in rows("j", 120), budget in budgets(), kind in 0..3_usize) {
        let kind = ["matching", "all", "missing"][kind];
        // Keys of all types, which match nothing: a type that the right side lacks is an error.
        let mut right = right;
        right.extend([r#"true,"g":"~"}"#, r#""~","g":true}"#, r#"99999,"g":99999}"#].map(|rest| ModelRow {
            text: format!("{{\"k\":{rest}"),
            k: 99,
            g: 99,
            cents: 0,
        }));
        let matching = |row: &ModelRow| right.iter().find(|r| row.k != 0 && row.g != 0 && (r.k, r.g) == (row.k, row.g));
        let mut expected = String::new();
        for row in &left {
            let with = |value: &str| format!("{},\"r\":{value}}}\n", row.text.strip_suffix('}').unwrap());
            expected += &match (kind, matching(row)) {
                ("matching" | "all", Some(found)) => with(&found.text),
                ("all", None) => with("null"),
                ("missing", None) => format!("{}\n", row.text),
                _ => String::new(),
            };
        }
        let on = serde_json::json!([{"left": "k", "right": "k"}, {"left": "g", "right": "g"}]);
        let mut json = serde_json::json!({"join": {"on": on, "kind": kind, "several": "first"}});
        if kind != "missing" {
            json["join"]["as"] = "r".into();
        }
        prop_assert_eq!(worked(json, &left, &right, budget), expected);
    }

    #[test]
    fn aggregate(rows in rows("i", 200), budget in budgets()) {
        let mut groups: BTreeMap<u32, Vec<&ModelRow>> = BTreeMap::new();
        rows.iter().for_each(|row| groups.entry(row.k).or_default().push(row));
        let mut expected = String::new();
        for rows in groups.values() {
            let k = serde_json::from_str::<BTreeMap<String, Box<serde_json::value::RawValue>>>(&rows[0].text).unwrap();
            let k = k.get("k").map_or("null", |raw| raw.get());
            let money = |cents: i64| format!("{}{}.{:02}", if cents < 0 { "-" } else { "" }, cents.abs() / 100, cents.abs() % 100);
            let distinct: BTreeSet<u32> = rows.iter().map(|row| row.g).filter(|g| *g != 0).collect();
            let price = |row: Option<&&ModelRow>| money(row.unwrap().cents);
            expected += &format!(
                "{{\"k\":{k},\"count\":{},\"sum\":{},\"min\":{},\"max\":{},\"first\":{},\"last\":{},\"distinct\":{}}}\n",
                rows.len(),
                money(rows.iter().map(|row| row.cents).sum()),
                money(rows.iter().map(|row| row.cents).min().unwrap()),
                money(rows.iter().map(|row| row.cents).max().unwrap()),
                price(rows.first()),
                price(rows.last()),
                distinct.len(),
            );
        }
        let value = |name: &str| serde_json::json!({"name": name, "function": name, "path": "n"});
        let json = serde_json::json!({"aggregate": {"by": [{"path": "k", "name": "k"}], "values": [
            {"name": "count", "function": "count"}, value("sum"), value("min"), value("max"), value("first"), value("last"),
            {"name": "distinct", "function": "count_distinct", "path": "g"},
        ]}});
        prop_assert_eq!(worked(json, &rows, &[], budget), expected);
    }

    #[test]
    fn index(rows in rows("i", 200), budget in budgets()) {
        struct Lines(BTreeMap<u64, std::sync::Arc<str>>);
        impl super::RowsAt for Lines {
            fn row_at(&self, offset: u64) -> crate::error::Result<std::sync::Arc<str>> {
                Ok(std::sync::Arc::clone(&self.0[&offset]))
            }
        }
        let folder = tempfile::tempdir().unwrap();
        let work = Workspace::new(folder.path(), "index", &go_on).unwrap().with_budget(budget);
        let placed = with_offsets(&lines(&rows));
        let index = KeyIndex::build(&mut placed.clone().into_iter().map(Ok), &FieldPath::of("k"), &work).unwrap();
        let source = Lines(placed.iter().cloned().collect());
        for (json, rank) in VALUES.iter().filter(|(json, _)| !json.is_empty()) {
            let wanted = placed.iter().zip(&rows).filter(|(_, row)| row.k == *rank && row.k != 0);
            let wanted: Vec<_> = wanted.map(|(placed, _)| placed.clone()).collect();
            prop_assert_eq!(index.find(json, &source, usize::MAX).unwrap(), wanted);
        }
    }
}
