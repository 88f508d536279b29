//! The schema of values that were seen: types and names, no values. Pure.

use super::super::value::{Doc, Fields};
use crate::draft::looks_like_id;

/// Deeper values are of any type.
const DEPTH_MAX: usize = 12;

/// The type of a text in a query.
pub(super) fn kind_of_text(text: &str) -> &'static str {
    let digits = text.strip_prefix('-').unwrap_or(text);
    match text {
        "true" | "false" => "boolean",
        // A number with a leading zero is a name.
        _ if !digits.is_empty()
            && digits.len() < 16
            && digits.bytes().all(|b| b.is_ascii_digit())
            && (digits == "0" || !digits.starts_with('0')) =>
        {
            "integer"
        }
        _ => "string",
    }
}

/// The schema that all these values fit. `is_sent`: of a body that is written, where any number may stand for a whole one.
pub(super) fn schema(values: &[&Doc], is_sent: bool) -> Doc {
    within(values, is_sent, 0)
}

fn within(values: &[&Doc], is_sent: bool, depth: usize) -> Doc {
    let kind = |value: &Doc| match value {
        Doc::Null => "null",
        Doc::Flag(_) => "boolean",
        Doc::Number(number) if is_sent || number.is_f64() => "number",
        Doc::Number(_) => "integer",
        Doc::Text(_) => "string",
        Doc::List(_) => "array",
        Doc::Map(_) => "object",
    };
    let mut kinds: Vec<&str> = Vec::new();
    for value in values {
        let kind = kind(value);
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    if kinds.contains(&"number") {
        kinds.retain(|kind| *kind != "integer");
    }
    // Null alone does not say what else there may be.
    if kinds == ["null"] || kinds.is_empty() || depth > DEPTH_MAX {
        return Doc::Map(Fields::new());
    }
    kinds.sort_by_key(|kind| *kind == "null");
    let mut out = Fields::new();
    out.insert(
        "type".to_owned(),
        match kinds.as_slice() {
            [one] => Doc::from(*one),
            several => Doc::texts(several.iter().copied()),
        },
    );
    if kinds.contains(&"array") {
        let elements: Vec<&Doc> = values.iter().flat_map(|value| value.list()).collect();
        out.insert("items".to_owned(), within(&elements, is_sent, depth + 1));
    }
    let is_data = |name: &str| looks_like_id(name) || name.contains(' ');
    if values.iter().flat_map(|value| value.fields()).any(|(name, _)| is_data(name)) {
        // The names are values, such as ids: any may come.
        let inner: Vec<&Doc> = values.iter().flat_map(|value| value.fields()).map(|(_, value)| value).collect();
        out.insert("additionalProperties".to_owned(), within(&inner, is_sent, depth + 1));
    } else if kinds.contains(&"object") {
        let mut fields: indexmap::IndexMap<&str, Vec<&Doc>> = indexmap::IndexMap::new();
        for (name, value) in values.iter().flat_map(|value| value.fields()) {
            fields.entry(name).or_default().push(value);
        }
        let fields = fields.into_iter().map(|(name, values)| (name.to_owned(), within(&values, is_sent, depth + 1)));
        out.insert("properties".to_owned(), Doc::Map(fields.collect()));
    }
    Doc::Map(out)
}

#[cfg(test)]
mod tests {
    use super::{kind_of_text, schema};
    use crate::import::value::Doc;

    #[test]
    fn types_are_those_of_all_values() {
        let values: Vec<Doc> = [r#"[{"a": 1, "b": null, "c": [1.5, 2]}, {"a": "x", "d": {"e": true}}]"#, "[]"]
            .iter()
            .map(|text| Doc::read(text).unwrap())
            .collect();
        let all: Vec<&Doc> = values.iter().collect();
        assert_eq!(
            schema(&all, false).to_json(),
            r#"{"type":"array","items":{"type":"object","properties":{"a":{"type":["integer","string"]},"b":{},"c":{"type":"array","items":{"type":"number"}},"d":{"type":"object","properties":{"e":{"type":"boolean"}}}}}}"#
        );
        assert_eq!(schema(&[&Doc::from(1)], true).to_json(), r#"{"type":"number"}"#);
        let kinds = ["7", "-7", "007", "7.5", "true", "", "12345678901234567890"].map(kind_of_text);
        assert_eq!(kinds, ["integer", "integer", "string", "string", "boolean", "string", "string"]);
    }
}
