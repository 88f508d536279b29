//! Conditions from fields, operators and values, in the language of the connector: no value changes what they mean. Pure.

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::literal::{Literal, write_plain};
use crate::definition::{Json, Literals, Operation, OptionRule, RecordField, operation_fields};
use crate::error::{Error, ErrorKind, Fault, Place, Result};
use crate::run_store::is_time;

/// One test of a field.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConditionTest {
    /// The path of the field, with slashes.
    pub field: String,
    /// One of the operators of the option.
    pub operator: String,
    /// JSON, so that numbers keep their digits; a list for an operator such as `in`.
    pub value: Box<RawValue>,
}

/// Tests that all hold, or of which one holds.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BuiltCondition {
    #[serde(default)]
    /// How the tests are joined.
    pub join: ConditionJoin,
    /// The tests.
    pub tests: Vec<ConditionTest>,
}

/// How the tests of a condition are joined.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ConditionJoin {
    /// All hold.
    #[default]
    And,
    /// One holds.
    Or,
}

impl BuiltCondition {
    /// The value of an option of an operation: a text, or a list of terms.
    ///
    /// # Errors
    /// `invalid_options` with a fault for each test that cannot be written; `unsupported` when the option names no
    /// operators.
    pub fn json(&self, operation: &Operation, option: &str) -> Result<Json> {
        let rule = operation.option(option);
        let Some((is_terms, operators)) = rule.and_then(OptionRule::operators) else {
            let message = format!("the definition of {} names no operators for `{option}`", operation.id);
            return Err(Error::new(ErrorKind::Unsupported, message).advise("write the condition as text"));
        };
        if is_terms && self.join == ConditionJoin::Or {
            let message = format!("all terms of `{option}` must hold: the system has no `or` between them");
            return Err(Error::new(ErrorKind::Unsupported, message).advise("join them by `and`"));
        }
        let fields = operation_fields(operation);
        let literals = operation.connector.literals.as_ref();
        let sample = operation.record().map(|record| record.sample.to_value());
        let (mut parts, mut faults) = (Vec::new(), Vec::new());
        for (number, test) in self.tests.iter().enumerate() {
            let mut fault = |key: &str, message: String| {
                faults.push(Fault { place: Place::field(format!("/tests/{number}/{key}")), message, advice: None });
            };
            if test.field.is_empty() || test.field.contains(|c: char| c.is_whitespace() || "\"'()[]:,".contains(c)) {
                fault("field", "choose a field".to_owned());
                continue;
            }
            if !operators.contains(&test.operator) {
                fault("operator", format!("choose one of {}", operators.join(" ")));
                continue;
            }
            let written = if is_terms { test.term() } else { test.text(literals, &fields, sample.as_ref()) };
            match written {
                Ok(text) => parts.push(text),
                Err(why) => fault("value", why),
            }
        }
        if !faults.is_empty() {
            return Err(Error::from_faults(ErrorKind::InvalidOptions, "the condition cannot be written", faults));
        }
        let word = if self.join == ConditionJoin::And { " and " } else { " or " };
        let value = if is_terms { Value::from(parts) } else { Value::from(parts.join(word)) };
        Ok(Json(value.to_string()))
    }
}

impl ConditionTest {
    /// `field operator value`.
    fn text(
        &self,
        literals: Option<&Literals>,
        fields: &[RecordField],
        sample: Option<&Value>,
    ) -> Result<String, String> {
        let start = format!("{} {} ", self.field, self.operator);
        if self.value.get() == "null" {
            return Ok(start + "null");
        }
        let field = fields.iter().find(|field| field.path == self.field);
        let is_of_time = field.is_some_and(is_time_field) || sample.is_some_and(|sample| self.is_time_in(sample));
        let parsed = ParsedValue::of(self.value.get())?;
        if let Some(field) = field {
            parsed.each().try_for_each(|value| value.check(&field.schema.to_value()))?;
        }
        let write = |before: &str, value: &Literal<'_>| match literals {
            Some(literals) => literals.write(before, value, &is_time),
            None => write_plain(value),
        };
        match parsed {
            ParsedValue::One(value) => Ok(start + &write("", &value.literal(is_of_time))?),
            ParsedValue::List(values) => {
                let list = Literal::List(values.iter().map(|value| value.literal(is_of_time)).collect());
                Ok(format!("{start}({})", write("(", &list)?))
            }
        }
    }

    /// Whether the sample of the record has a time in this field.
    fn is_time_in(&self, sample: &Value) -> bool {
        let found = sample.pointer(&format!("/{}", self.field)).and_then(Value::as_str);
        found.is_some_and(|text| text.contains('T') && is_time(text))
    }

    /// `field:operator:value`.
    fn term(&self) -> Result<String, String> {
        let plain = |value: &PlainValue| match value.text() {
            text if text.is_empty() => Err("a value is missing".to_owned()),
            text if text.contains(char::is_control) => Err("it contains a control character".to_owned()),
            text => Ok(text),
        };
        let value = match ParsedValue::of(self.value.get())? {
            ParsedValue::One(value) => plain(&value)?,
            ParsedValue::List(values) if values.is_empty() => return Err("a value is missing".to_owned()),
            ParsedValue::List(values) => {
                let texts = values.iter().map(plain).collect::<Result<Vec<_>, _>>()?;
                match texts.iter().any(|text| text.contains(',')) {
                    true => return Err("a value of a list cannot contain a comma".to_owned()),
                    false => texts.join(","),
                }
            }
        };
        Ok(format!("{}:{}:{value}", self.field, self.operator))
    }
}

fn is_time_field(field: &RecordField) -> bool {
    matches!(field.schema.to_value().get("format").and_then(Value::as_str), Some("date" | "date-time"))
}

enum PlainValue {
    Text(String),
    Number(String),
    Bool(bool),
}

enum ParsedValue {
    One(PlainValue),
    List(Vec<PlainValue>),
}

impl ParsedValue {
    fn of(json: &str) -> Result<ParsedValue, String> {
        if json.trim_start().starts_with('[') {
            let parts: Vec<&RawValue> = serde_json::from_str(json).map_err(|_| "it is no JSON")?;
            return parts
                .iter()
                .map(|part| PlainValue::of(part.get()))
                .collect::<Result<_, _>>()
                .map(ParsedValue::List);
        }
        PlainValue::of(json).map(ParsedValue::One)
    }
}

impl ParsedValue {
    fn each(&self) -> std::slice::Iter<'_, PlainValue> {
        match self {
            ParsedValue::One(value) => std::slice::from_ref(value).iter(),
            ParsedValue::List(values) => values.iter(),
        }
    }
}

impl PlainValue {
    /// Whether it can be a value of a field with this schema.
    fn check(&self, schema: &Value) -> Result<(), String> {
        let is_text = matches!(self, PlainValue::Text(_));
        match schema.get("type").and_then(Value::as_str) {
            Some("integer" | "number") if !matches!(self, PlainValue::Number(_)) => {
                Err("the field is a number".to_owned())
            }
            Some("boolean") if !matches!(self, PlainValue::Bool(_)) => Err("the field is true or false".to_owned()),
            Some("string") if !is_text => Err("the field is a text".to_owned()),
            _ => Ok(()),
        }
    }

    fn of(json: &str) -> Result<PlainValue, String> {
        match serde_json::from_str::<Value>(json) {
            Ok(Value::String(text)) => Ok(PlainValue::Text(text)),
            Ok(Value::Number(_)) => Ok(PlainValue::Number(json.trim().to_owned())),
            Ok(Value::Bool(flag)) => Ok(PlainValue::Bool(flag)),
            Ok(_) => Err("it is neither a text, a number, true, false nor a list of these".to_owned()),
            Err(_) => Err("it is no JSON".to_owned()),
        }
    }

    fn literal(&self, is_of_time: bool) -> Literal<'_> {
        match self {
            PlainValue::Text(text) if is_of_time && is_time(text) => Literal::Time(text),
            PlainValue::Text(text) => Literal::Text(text),
            PlainValue::Number(text) => Literal::Number(text),
            PlainValue::Bool(flag) => Literal::Bool(*flag),
        }
    }

    fn text(&self) -> String {
        match self {
            PlainValue::Text(text) | PlainValue::Number(text) => text.clone(),
            PlainValue::Bool(flag) => flag.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::BuiltCondition;
    use crate::Catalog;

    const CONNECTOR: &str = r#"
version: 2
connector: desk
title: Desk
auth: none
connection:
  url: { type: string, format: origin }
base_url: "{url}"
literals: { quote: '"', time: ["[", "]"], wildcards: { like: "*" } }
"#;
    const OPERATIONS: &str = r#"
version: 1
operations:
  listTickets:
    title: Tickets
    method: query
    request: GET /tickets
    options:
      where: { type: string, fields: conditions, operators: ["=", ">", like, in] }
      filter: { type: array, items: { type: string }, fields: terms, operators: [eq, in] }
    response: { result: list, record: Ticket }
records:
  Ticket:
    title: Ticket
    schema: { type: object, properties: { id: { type: integer }, at: { type: string, format: date-time }, open: { type: boolean } } }
    sample: { id: 1, at: "2026-01-01T00:00:00Z", open: true }
"#;

    fn built(option: &str, condition: &str) -> String {
        let mut catalog = Catalog::empty();
        catalog.add("desk", "connector.yaml", CONNECTOR);
        catalog.add("desk", "tickets.yaml", OPERATIONS);
        let operation = catalog.operation(None, "listTickets").unwrap_or_else(|e| panic!("{e} {:?}", e.faults));
        let condition: BuiltCondition = serde_json::from_str(condition).unwrap();
        match condition.json(&operation, option) {
            Ok(json) => json.0,
            Err(e) => {
                let faults: Vec<String> = e.faults.iter().map(|f| format!("{}: {}", f.place, f.message)).collect();
                format!("{}: {}", e.message, faults.join("; "))
            }
        }
    }

    #[test]
    fn values_are_written_by_the_rule_of_the_connector() {
        for (option, condition, expected) in [
            (
                "where",
                r#"{"tests": [{"field": "open", "operator": "=", "value": false}, {"field": "status/name", "operator": "in", "value": ["New", "In é"]}]}"#,
                r#""open = false and status/name in (\"New\", \"In é\")""#,
            ),
            (
                "where",
                r#"{"join": "or", "tests": [{"field": "at", "operator": ">", "value": "2026-01-01T00:00:00Z"}, {"field": "id", "operator": "=", "value": 12345678901234567890123}, {"field": "owner", "operator": "=", "value": null}]}"#,
                r#""at > [2026-01-01T00:00:00Z] or id = 12345678901234567890123 or owner = null""#,
            ),
            ("where", r#"{"tests": [{"field": "name", "operator": "like", "value": "A*"}]}"#, r#""name like \"A*\"""#),
            ("filter", r#"{"tests": [{"field": "id", "operator": "in", "value": [1, 2]}]}"#, r#"["id:in:1,2"]"#),
        ] {
            assert_eq!(built(option, condition), expected);
        }
        for (option, condition, expected) in [
            (
                "where",
                r#"{"tests": [{"field": "n", "operator": "=", "value": "a\" or id > \"0"}]}"#,
                "/tests/0/value: it contains",
            ),
            (
                "where",
                r#"{"tests": [{"field": "a b", "operator": "=", "value": 1}]}"#,
                "/tests/0/field: choose a field",
            ),
            (
                "where",
                r#"{"tests": [{"field": "id", "operator": "~", "value": 1}]}"#,
                "/tests/0/operator: choose one of = > like in",
            ),
            ("filter", r#"{"join": "or", "tests": []}"#, "no `or`"),
            ("filter", r#"{"tests": [{"field": "id", "operator": "in", "value": ["a,b"]}]}"#, "comma"),
            ("other", r#"{"tests": []}"#, "names no operators"),
        ] {
            let found = built(option, condition);
            assert!(found.contains(expected), "{found}");
        }
    }
}
