//! Values within the conditions of a step: each is written by the rule of its connector, so that no value changes the
//! meaning of a condition. Pure.

use serde::{Deserialize, Serialize};

use super::literal::{Literal, write_plain};
use crate::authoring::Checker;
use crate::definition::{Literals, Operation};
use crate::error::{Advice, Result};
use crate::expression::{QuotedValue, Scope, Shape};
use crate::json_pointer::escape;
use crate::run_store::is_time;

/// The options of an operation that are conditions, and how values are written in them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) struct Conditions {
    options: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    literals: Option<Literals>,
}

impl Conditions {
    pub(super) fn of(operation: &Operation) -> Conditions {
        Conditions {
            options: operation.conditions().map(str::to_owned).collect(),
            literals: operation.connector.literals.clone(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.options.is_empty()
    }

    /// The options of a step as JSON, with the values of their expressions.
    pub(super) fn json(&self, options: &Shape, scope: &Scope) -> Result<String> {
        let Shape::Map(options) = options else { return options.needed(scope) };
        let mut parts = Vec::new();
        for (name, shape) in options {
            let value = if self.options.contains(name) {
                shape.quoted(scope, &|before, value| self.write(before, value))?
            } else {
                shape.needed(scope)?
            };
            parts.push(format!("{}:{value}", serde_json::Value::from(name.as_str())));
        }
        Ok(format!("{{{}}}", parts.join(",")))
    }

    fn write(&self, before: &str, value: &QuotedValue) -> Result<String, String> {
        let value = literal(value);
        match &self.literals {
            Some(literals) => literals.write(before, &value, &is_time),
            None => write_plain(&value),
        }
    }

    /// A condition that an expression puts together cannot be quoted.
    pub(super) fn check(&self, c: &mut Checker<'_>, place: &str, name: &str, shape: &Shape) {
        if !self.options.iter().any(|option| option == name) {
            return;
        }
        let Shape::Value(expr) = shape else { return };
        let is_of_row = |path: &Vec<String>| {
            path.first().is_some_and(|root| matches!(root.as_str(), "item" | "index" | "parent" | "steps"))
        };
        if expr.paths().iter().any(is_of_row) {
            let message = "a row gives this whole condition, so that it could mean anything";
            let advice = "write the condition as text with an expression for each value: id = ${{ item.id }}";
            c.fault(&format!("{place}/{}", escape(name)), message, Some(advice.into()));
        } else if expr.puts_together() {
            let message = "an expression puts this condition together, so that its values cannot be quoted";
            let advice = Advice::Text(
                "write the condition as text with an expression for each value: id = ${{ vars.id }}".into(),
            );
            c.fault(&format!("{place}/{}", escape(name)), message, Some(advice));
        }
    }
}

fn literal(value: &QuotedValue) -> Literal<'_> {
    match value {
        QuotedValue::Text(text) => Literal::Text(text),
        QuotedValue::Number(text) => Literal::Number(text),
        QuotedValue::Bool(flag) => Literal::Bool(*flag),
        QuotedValue::Time(text) | QuotedValue::Date(text) => Literal::Time(text),
        QuotedValue::List(list) => Literal::List(list.iter().map(literal).collect()),
    }
}
