//! Values for a rule of quoting: how a value is written into a text of another language, such as a condition.

use std::fmt;
use std::rc::Rc;

use super::times;
use super::value::ExprValue;
use super::work::{EvaluationWork, short, wrong};
use super::write::within_text;
use crate::error::Result;

/// A value of an expression inside text, for the rule that writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum QuotedValue {
    Text(String),
    /// The text of a JSON number.
    Number(String),
    Bool(bool),
    /// ISO 8601, with `Z` or an offset.
    Time(String),
    /// ISO 8601.
    Date(String),
    /// Single values only.
    List(Vec<QuotedValue>),
}

impl QuotedValue {
    pub(super) fn of(value: &ExprValue, label: &str, work: &Rc<EvaluationWork>) -> Result<QuotedValue> {
        Ok(match value {
            ExprValue::Text(text) => QuotedValue::Text(text.as_str().into_owned()),
            ExprValue::Number(part) => QuotedValue::Number(part.as_str().to_owned()),
            ExprValue::Bool(is_true) => QuotedValue::Bool(*is_true),
            ExprValue::Time(time) => QuotedValue::Time(times::written(time)),
            ExprValue::Date(date) => QuotedValue::Date(date.to_string()),
            ExprValue::Duration(span) => QuotedValue::Text(span.to_string()),
            ExprValue::List(list) if label != ELEMENT => {
                let mut all = Vec::new();
                for value in list.elements(work)? {
                    let value = value?;
                    work.hold(value.held_bytes())?;
                    all.push(QuotedValue::of(&value, ELEMENT, work)?);
                }
                QuotedValue::List(all)
            }
            ExprValue::List(_) | ExprValue::Map(_) | ExprValue::Null | ExprValue::Absent => {
                within_text(value, label)?;
                return Err(wrong("it cannot be part of a text"));
            }
        })
    }
}

const ELEMENT: &str = "an element of its value";

impl fmt::Display for QuotedValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            QuotedValue::Text(text) => write!(f, "text \"{}\"", short(text)),
            QuotedValue::Number(text) => f.write_str(&short(text)),
            QuotedValue::Bool(is_true) => write!(f, "{is_true}"),
            QuotedValue::Time(text) => write!(f, "the time {text}"),
            QuotedValue::Date(text) => write!(f, "the date {text}"),
            QuotedValue::List(_) => f.write_str("a list"),
        }
    }
}
