//! What the values of a column are. Pure.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::output::{ColumnKind, kind};

/// The type of a column, without the names that a database has for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ValueKind {
    /// true and false
    Boolean,
    /// Integers of 64 bits
    Integer,
    /// Numbers with all their digits
    Decimal,
    /// Numbers of 64 bits, as computers calculate with them
    Double,
    /// Days, such as 2026-01-31
    Date,
    /// Times with a zone, such as 2026-01-31T08:00:00Z
    Timestamp,
    Text,
    /// Any JSON value, also lists and objects
    Json,
}

impl ValueKind {
    /// As written in YAML.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            ValueKind::Boolean => "boolean",
            ValueKind::Integer => "integer",
            ValueKind::Decimal => "decimal",
            ValueKind::Double => "double",
            ValueKind::Date => "date",
            ValueKind::Timestamp => "timestamp",
            ValueKind::Text => "text",
            ValueKind::Json => "json",
        }
    }

    /// The kind that holds the values of both, with all their digits.
    pub(crate) fn with(self, other: ValueKind) -> ValueKind {
        use ValueKind::{Decimal, Double, Integer, Json, Text};
        match (self, other) {
            _ if self == other => self,
            (Json, _) | (_, Json) => Json,
            (Integer | Decimal | Double, Integer | Decimal | Double) => Decimal,
            _ => Text,
        }
    }

    /// Whether a column of this kind may become one of the other kind without a loss. Lists and objects in a column of
    /// plain values contradict it.
    pub(crate) fn widens_to(self, other: ValueKind) -> bool {
        self != other && other != ValueKind::Json && self.with(other) == other
    }

    /// That of a JSON Schema; `None` if it does not say.
    pub(crate) fn of_schema(schema: &Value) -> Option<ValueKind> {
        let types: Vec<&str> = match schema.get("type") {
            Some(Value::String(one)) => vec![one.as_str()],
            Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        let format = schema.get("format").and_then(Value::as_str);
        let of = |name: &str| match (name, format) {
            ("boolean", _) => Some(ValueKind::Boolean),
            ("integer", _) => Some(ValueKind::Integer),
            ("number", _) => Some(ValueKind::Decimal),
            ("string", Some("date")) => Some(ValueKind::Date),
            ("string", Some("date-time")) => Some(ValueKind::Timestamp),
            ("string", _) => Some(ValueKind::Text),
            ("object" | "array", _) => Some(ValueKind::Json),
            _ => None,
        };
        let several = types.iter().filter(|name| **name != "null").map(|name| of(name));
        let known = several.collect::<Option<Vec<ValueKind>>>()?;
        match known.as_slice() {
            [] if schema.get("$ref").is_some() || schema.get("properties").is_some() => Some(ValueKind::Json),
            [] => None,
            [one] => Some(*one),
            // A text of a number and the number itself stay different.
            several => Some(several.iter().copied().reduce(ValueKind::with)?).map(|all| match all {
                ValueKind::Text => ValueKind::Json,
                other => other,
            }),
        }
    }

    /// That of a raw JSON value; `None` for null. A text is a text, whatever it looks like.
    pub(crate) fn of_value(raw: &str) -> Option<ValueKind> {
        match kind(raw) {
            ColumnKind::Null => None,
            ColumnKind::Text => Some(ValueKind::Text),
            ColumnKind::Flag => Some(ValueKind::Boolean),
            ColumnKind::Object | ColumnKind::List => Some(ValueKind::Json),
            ColumnKind::Number if raw.parse::<i64>().is_ok() => Some(ValueKind::Integer),
            ColumnKind::Number => Some(ValueKind::Decimal),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::ValueKind;
    use super::ValueKind::{Boolean, Date, Decimal, Double, Integer, Json, Text, Timestamp};

    #[test]
    fn a_schema_says_what_its_values_are() {
        let cases = [
            (json!({"type": "integer"}), Some(Integer)),
            (json!({"type": ["number", "null"], "format": "double"}), Some(Decimal)),
            (json!({"type": "string", "format": "date-time"}), Some(Timestamp)),
            (json!({"type": "string", "format": "date"}), Some(Date)),
            (json!({"type": "string", "format": "uuid"}), Some(Text)),
            (json!({"type": ["string", "integer"]}), Some(Json)),
            (json!({"type": ["integer", "number"]}), Some(Decimal)),
            (json!({"$ref": "#/$defs/A"}), Some(Json)),
            (json!({"type": "null"}), None),
            (json!({"enum": [1, 2]}), None),
        ];
        for (schema, kind) in cases {
            assert_eq!(ValueKind::of_schema(&schema), kind, "{schema}");
        }
    }

    #[test]
    fn a_wider_kind_keeps_all_digits() {
        assert_eq!(Integer.with(Decimal), Decimal);
        assert_eq!(Double.with(Integer), Decimal);
        assert_eq!(Boolean.with(Integer), Text);
        assert_eq!(Timestamp.with(Date), Text);
        assert_eq!(Text.with(Json), Json);
        assert!(Integer.widens_to(Decimal) && Decimal.widens_to(Text) && !Text.widens_to(Integer));
        assert!(!Text.widens_to(Json) && !Text.widens_to(Text));
    }
}
