//! What a form offers: the values of an account with their names, and conditions in the language of the connector.

use serde::Deserialize;
use serde_json::{Value, json};

use super::Service;
use crate::Options;
use crate::batch::{BuiltCondition, ConditionJoin, ConditionTest};
use crate::call::CallOptions;
use crate::cli::call::values::{read, source};
use crate::definition::Json;
use crate::error::Result;

/// The most values that a form offers.
const VALUES_MAX: u64 = 5000;

/// Asks for the values of an option, or of a field of the items or the record.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::cli) struct ValuesRequest {
    #[serde(default)]
    connection: Option<String>,
    connector: String,
    operation: String,
    name: String,
    /// Options of the query that returns the values.
    #[serde(default)]
    options: Options,
}

/// Asks for a condition.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::cli) struct ConditionRequest {
    connector: String,
    operation: String,
    option: String,
    #[serde(default)]
    join: ConditionJoin,
    tests: Vec<ConditionTest>,
}

impl Service {
    /// The values with their names, and whether these are all.
    ///
    /// # Errors
    /// `unsupported` when the definition names no query for it; those of the query.
    pub(in crate::cli) async fn values(&self, request: &ValuesRequest) -> Result<String> {
        let current = self.current();
        let source = source(current.catalog(), &request.connector, &request.operation, &request.name)?;
        let session = current.session(request.connection.as_deref(), &request.connector).await?;
        let with = CallOptions { items_max: Some(VALUES_MAX), ..CallOptions::default() };
        let found = read(&session, &source, &request.options, &with).await?;
        // Values are JSON text, so that numbers keep their digits.
        let value = |(value, label): &(String, Option<String>)| {
            format!(r#"{{"value":{value},"label":{}}}"#, label.as_deref().unwrap_or("null"))
        };
        let values: Vec<String> = found.rows.iter().map(value).collect();
        let (complete, operation) = (found.receipt.complete, Value::from(source.operation.as_str()));
        Ok(format!(r#"{{"values":[{}],"complete":{complete},"source":{operation}}}"#, values.join(",")))
    }

    /// The value of an option that is a condition.
    ///
    /// # Errors
    /// `invalid_options` with a fault for each test that cannot be written.
    pub(in crate::cli) fn condition(&self, request: &ConditionRequest) -> Result<Value> {
        let operation = self.current().catalog().operation(Some(&request.connector), &request.operation)?;
        let condition = BuiltCondition { join: request.join, tests: request.tests.clone() };
        let Json(json) = condition.json(&operation, &request.option)?;
        Ok(json!({ "value": serde_json::from_str::<Value>(&json).unwrap_or_default() }))
    }
}
