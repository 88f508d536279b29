//! The file format of situations, and the expansion of a table's rows to situations.

use std::collections::BTreeMap;

use opnode::definition::Json;
use serde::Deserialize;
use serde_yaml::{Mapping, Value};

use crate::table::{Row, filled, rows};

/// A server, a call, and what a user must see.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Situation {
    /// The server's behaviour in one sentence.
    pub about: String,
    #[serde(default)]
    pub connector: Mapping,
    #[serde(default)]
    pub operation: Mapping,
    #[serde(default)]
    pub operations: Mapping,
    /// Further keys of the connection.
    #[serde(default)]
    pub connection: Mapping,
    #[serde(default)]
    pub call: Call,
    pub replies: Vec<Reply>,
    expect: Mapping,
}

#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Call {
    pub operation: Option<String>,
    pub options: Option<Json>,
    pub items: Option<Json>,
    pub limits: Mapping,
    pub strict: bool,
    pub forward_only: bool,
    pub limit: Option<u64>,
    /// Keys that are merged into the batch's step, and steps before it.
    pub batch: Mapping,
    pub before: Vec<Value>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reply {
    #[serde(default)]
    pub when: When,
    pub times: Option<usize>,
    #[serde(default = "ok")]
    pub status: u16,
    #[serde(default)]
    pub headers: BTreeMap<String, Option<Json>>,
    pub json: Option<Json>,
    pub text: Option<String>,
    pub base64: Option<String>,
    #[serde(default)]
    pub drop: bool,
    #[serde(default)]
    pub cut: bool,
    #[serde(default)]
    pub delay_ms: u64,
}

fn ok() -> u16 {
    200
}

/// The condition for a reply: `GET /p?page=2`, which allows further query parameters, or with headers and a part of the
/// body.
#[derive(Clone, Deserialize)]
#[serde(untagged)]
pub enum When {
    Request(String),
    All(Signs),
}

#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Signs {
    pub request: Option<String>,
    /// Header and its value; null for one that must be absent.
    pub header: BTreeMap<String, Option<String>>,
    pub body: Option<String>,
}

impl Default for When {
    fn default() -> Self {
        When::All(Signs::default())
    }
}

/// What a user must see; omitted keys are not checked.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Expect {
    pub ids: Option<Vec<Json>>,
    pub items: Option<Json>,
    pub complete: Option<bool>,
    pub end: Option<String>,
    pub notes: Option<Vec<String>>,
    pub kind: Option<String>,
    pub says: Vec<String>,
    pub outcomes: Option<BTreeMap<String, u64>>,
    pub requests: Option<Requests>,
    pub bodies: Option<Vec<String>>,
    pub waited: Option<f64>,
    pub exit: Option<i32>,
    pub stderr: Vec<String>,
    pub stderr_lacks: Vec<String>,
}

/// Request lines, or their number.
#[derive(Clone, Deserialize)]
#[serde(untagged)]
pub enum Requests {
    Count(usize),
    Lines(Vec<String>),
}

/// JSON text that is written as YAML, or as a text with exact digits.
pub fn raw(json: &Json) -> String {
    serde_json::from_str::<String>(&json.0).unwrap_or_else(|_| json.0.clone())
}

impl Situation {
    /// Keys of `expect` that differ in a batch.
    pub fn batch_differs(&self) -> Mapping {
        match self.expect.get("batch") {
            Some(Value::Mapping(own)) => own.clone(),
            _ => Mapping::new(),
        }
    }

    /// The expected result of a direct call, or in a batch.
    pub fn expected(&self, batch: bool) -> Result<Expect, String> {
        let mut keys = self.expect.clone();
        keys.remove("batch");
        if batch {
            // Expectations on the command line do not apply to a batch.
            ["exit", "stderr", "stderr_lacks"].iter().for_each(|key| drop(keys.remove(key)));
            keys.extend(self.batch_differs());
        }
        serde_yaml::from_value(Value::Mapping(keys)).map_err(|e| format!("expect: {e}"))
    }
}

/// The situations of a file, each with the name of its row.
///
/// # Errors
/// The fault in the file.
pub fn read(text: &str) -> Result<Vec<(String, Situation)>, String> {
    let mut file: Mapping = serde_yaml::from_str(text).map_err(|e| e.to_string())?;
    let rows = match file.remove("table") {
        Some(table) => rows(table)?,
        None => vec![(String::new(), BTreeMap::new())],
    };
    let whole = Value::Mapping(file);
    let one = |(name, cells): Row| {
        let value = filled(&whole, &cells).unwrap_or_default();
        let situation: Situation = serde_yaml::from_value(value).map_err(|e| format!("{name}: {e}"))?;
        situation.expected(false).and(situation.expected(true)).map_err(|e| format!("{name}: {e}"))?;
        Ok((name, situation))
    };
    rows.into_iter().map(one).collect()
}
