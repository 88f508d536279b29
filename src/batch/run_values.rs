//! The values of expressions that stay the same over a job.

use std::collections::BTreeMap;
use std::sync::Arc;

use minijinja::Value;

use super::run_plan::MatrixJob;
use crate::expression::scope::{Scope, object};

/// The scope of a job before any step.
pub(crate) fn scope(
    vars: &BTreeMap<String, String>,
    env: &BTreeMap<String, String>,
    job: &MatrixJob,
    run: &str,
    name: &str,
) -> Scope {
    let texts = Arc::new(vars.clone());
    let vars = object(vars);
    let env = Value::from_pairs(env.iter().map(|(name, text)| (name.clone(), Value::from(text.as_str()))));
    let connection = Value::from_pairs([
        ("name", job.connection.as_deref().map_or(Value::from(()), Value::from)),
        ("connector", job.connector.as_deref().map_or(Value::from(()), Value::from)),
    ]);
    // When a run began is in its id, so that a resumed run has the same.
    let started = run.split_once('-').map_or(run, |(time, _)| time);
    let run =
        Value::from_pairs([("id", Value::from(run)), ("name", Value::from(name)), ("started", Value::from(started))]);
    let fixed = BTreeMap::from([("vars", vars), ("env", env), ("connection", connection), ("run", run)]);
    Scope { fixed: Arc::new(fixed), vars: texts, ..Scope::default() }
}
