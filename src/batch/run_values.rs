//! The values of expressions that stay the same over a leg.

use std::collections::BTreeMap;
use std::sync::Arc;

use minijinja::Value;

use super::model::Leg;
use super::scope::{Scope, object};

/// The scope of a leg before any step.
pub(crate) fn scope(vars: &BTreeMap<String, String>, env: &BTreeMap<String, String>, leg: &Leg, run: &str, name: &str) -> Scope {
    let texts = Arc::new(vars.clone());
    let vars = object(vars);
    let env = Value::from_pairs(env.iter().map(|(name, text)| (name.clone(), Value::from(text.as_str()))));
    let connection = Value::from_pairs([
        ("name", leg.connection.as_deref().map_or(Value::from(()), Value::from)),
        ("connector", leg.connector.as_deref().map_or(Value::from(()), Value::from)),
    ]);
    // When a run began is in its id, so that a resumed run has the same.
    let started = run.split_once('-').map_or(run, |(time, _)| time);
    let run = Value::from_pairs([("id", Value::from(run)), ("name", Value::from(name)), ("started", Value::from(started))]);
    let fixed = BTreeMap::from([("vars", vars), ("env", env), ("connection", connection), ("run", run)]);
    Scope { fixed: Arc::new(fixed), vars: texts, ..Scope::default() }
}
