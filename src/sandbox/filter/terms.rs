//! Parses filters that are lists of terms, `field:operator:value`, all of which must match. Pure.
//!
//! Operators are eq ne gt ge lt le between search in. Fields may be paths with dots or slashes. In a value, `*` matches
//! any characters; commas separate the values of `between` and `in`.

use serde_json::Value;

use super::conditions::{Comparison, LENGTH_MAX, Literal, RecordFilter, Test};
use crate::authoring::scalar;
use crate::sandbox::records::{KnownName, RecordFields, instant};

const OPERATORS: [&str; 9] = ["eq", "ne", "gt", "ge", "lt", "le", "between", "search", "in"];

/// Parses terms. A term with an unknown field matches no record. `lists` says whether it may name fields in lists of
/// the record; `Err` is the fault for users.
pub(in crate::sandbox) fn parse(value: &Value, fields: &RecordFields, lists: bool) -> Result<RecordFilter, String> {
    let terms = texts(value);
    if terms.iter().map(String::len).sum::<usize>() > LENGTH_MAX {
        return Err(format!("the filter is longer than {LENGTH_MAX} characters"));
    }
    join(terms, fields).iter().map(|text| term(text, fields, lists)).collect::<Result<_, _>>().map(RecordFilter::All)
}

/// The terms of a list, or of a text with commas.
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::Array(list) => list.iter().filter_map(scalar).collect(),
        other => scalar(other).iter().flat_map(|t| t.split(',')).filter(|t| !t.is_empty()).map(str::to_owned).collect(),
    }
}

/// Rejoins values of `between` and `in` that were split at their own commas, because some clients do not encode them.
fn join(texts: Vec<String>, fields: &RecordFields) -> Vec<String> {
    let mut joined: Vec<String> = Vec::new();
    for text in texts {
        match joined.last_mut() {
            Some(last) if takes_several(last) && !is_term(&text, fields) => {
                last.push(',');
                last.push_str(&text);
            }
            _ => joined.push(text),
        }
    }
    joined
}

fn takes_several(term: &str) -> bool {
    matches!(term.split(':').nth(1), Some("between" | "in"))
}

/// Whether a text is a term, and not a time, which has colons too.
fn is_term(text: &str, fields: &RecordFields) -> bool {
    let mut parts = text.split(':');
    let (field, operator) = (parts.next().unwrap_or_default(), parts.next());
    operator.is_some_and(|operator| OPERATORS.contains(&operator) || fields.find(&path(field)) != KnownName::No)
}

fn path(field: &str) -> Vec<String> {
    field.split(['.', '/']).map(str::to_owned).collect()
}

fn term(text: &str, fields: &RecordFields, lists: bool) -> Result<RecordFilter, String> {
    let mut parts = text.splitn(3, ':');
    let (Some(field), Some(operator), Some(value)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(format!("`{text}` does not have the form field:operator:value"));
    };
    if field.is_empty() {
        return Err(format!("`{text}` names no field"));
    }
    if value.is_empty() {
        return Err(format!("`{text}` has no value"));
    }
    let path = path(field);
    let test = |op, value: &str| RecordFilter::Test(Test { path: path.clone(), op, values: readings(value) });
    let filter = match operator {
        "eq" => equal(&path, value),
        "ne" => RecordFilter::Not(Box::new(equal(&path, value))),
        "gt" => test(Comparison::Greater, value),
        "ge" => test(Comparison::AtLeast, value),
        "lt" => test(Comparison::Less, value),
        "le" => test(Comparison::AtMost, value),
        "search" => like(&path, &format!("*{value}*")),
        "in" => RecordFilter::Any(value.split(',').map(|value| equal(&path, value)).collect()),
        "between" => match value.split_once(',') {
            Some((least, most)) if !least.is_empty() && !most.is_empty() && !most.contains(',') => {
                RecordFilter::All(vec![test(Comparison::AtLeast, least), test(Comparison::AtMost, most)])
            }
            _ => return Err(format!("`{text}` needs two values with a comma between them")),
        },
        other => return Err(format!("`{other}` is not an operator; the operators are {}", OPERATORS.join(" "))),
    };
    match (fields.find(&path), lists) {
        (KnownName::Yes, _) | (KnownName::InList, true) => Ok(filter),
        (KnownName::No, _) | (KnownName::InList, false) => Ok(RecordFilter::Any(Vec::new())),
    }
}

fn equal(path: &[String], value: &str) -> RecordFilter {
    if value.contains('*') {
        return like(path, value);
    }
    RecordFilter::Test(Test { path: path.to_vec(), op: Comparison::Equal, values: readings(value) })
}

fn like(path: &[String], pattern: &str) -> RecordFilter {
    RecordFilter::Test(Test {
        path: path.to_vec(),
        op: Comparison::Like,
        values: vec![Literal::Text(pattern.to_owned())],
    })
}

/// The possible readings of an unquoted value; the record's value decides which one applies. A text that is not a time
/// never equals a time.
fn readings(value: &str) -> Vec<Literal> {
    let text = instant(value).map_or_else(|| Literal::Text(value.to_owned()), Literal::Time);
    let flag = matches!(value, "true" | "false").then(|| Literal::Flag(value == "true"));
    std::iter::once(text).chain(flag).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::parse;
    use crate::sandbox::records::Tree;
    use crate::sandbox::records::fields::tests::ticket;

    fn ids(filter: &Value) -> String {
        let records = [
            r#"{"id":1,"summary":"Printer down","closed":false,"note":"a, b","company":{"id":7,"identifier":"Acme"},"_info":{"lastUpdated":"2025-01-01T08:00:00Z"},"contacts":[{"value":"a@example.com"}]}"#,
            r#"{"id":2,"summary":"printer: up","closed":true,"company":{"id":8,"identifier":"acme"},"_info":{"lastUpdated":"2025-02-01T08:00:00Z"}}"#,
            r#"{"id":10,"summary":"true","closed":true,"note":null,"company":null,"_info":{"lastUpdated":"2025-03-01T08:00:00Z"}}"#,
        ];
        let filter = parse(filter, &ticket(), true).unwrap_or_else(|e| panic!("{filter}: {e}"));
        let met = records.iter().map(|r| Tree::parse(r).unwrap()).filter(|r| filter.matches(r, false));
        met.map(|r| r.get("id").unwrap().to_json()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn terms() {
        for (filter, expected) in [
            (json!([]), "1 2 10"),
            (json!(""), "1 2 10"),
            (json!(["id:eq:1"]), "1"),
            (json!(["id:ne:1"]), "2 10"),
            (json!(["id:gt:2"]), "10"),
            (json!(["id:ge:2"]), "2 10"),
            (json!(["id:lt:10"]), "1 2"),
            (json!(["id:le:2"]), "1 2"),
            (json!(["id:between:2,10"]), "2 10"),
            (json!(["id:between:2", "10", "closed:eq:true"]), "2 10"),
            (json!(["id:in:1,10"]), "1 10"),
            (json!(["id:in:1", "2", "closed:eq:false"]), "1"),
            (json!("id:in:1,10,closed:eq:true"), "10"),
            (json!(["id:gt:1", "id:lt:10"]), "2"),
            (json!(["closed:eq:true"]), "2 10"),
            (json!(["closed:ne:true"]), "1"),
            (json!(["summary:eq:true"]), "10"),
            (json!(["summary:eq:printer: up"]), "2"),
            (json!(["summary:eq:PRINTER: UP"]), ""),
            (json!(["summary:eq:*rinter*"]), "1 2"),
            (json!(["summary:ne:*rinter*"]), "10"),
            (json!(["summary:in:true,Printer*"]), "1 10"),
            (json!(["summary:search:rinter"]), "1 2"),
            (json!(["summary:search:P*down"]), "1"),
            (json!(["note:eq:a, b"]), "1"),
            (json!(["note:ne:x"]), "1 2 10"),
            (json!(["company.identifier:eq:Acme"]), "1"),
            (json!(["company/id:gt:7"]), "2"),
            (json!(["contacts.value:search:example"]), "1"),
            (json!(["_info.lastUpdated:gt:2025-01-15"]), "2 10"),
            (json!(["_info.lastUpdated:eq:2025-02-01T10:00:00+02:00"]), "2"),
            (json!(["_info.lastUpdated:between:2025-01-15T00:00:00Z", "2025-02-15T00:00:00Z"]), "2"),
            (json!(["nope:eq:1"]), ""),
            (json!(["nope:ne:1"]), ""),
        ] {
            assert_eq!(ids(&filter), expected, "{filter}");
        }
    }

    #[test]
    fn faults_are_reported() {
        for (filter, part) in [
            (json!(["id"]), "`id` does not have the form field:operator:value"),
            (json!(["id:eq"]), "not have the form"),
            (json!(["id=1"]), "not have the form"),
            (json!(["id:eq:1", "2"]), "`2` does not have the form"),
            (json!([":eq:1"]), "names no field"),
            (json!(["id:eq:"]), "has no value"),
            (json!(["id:gte:1"]), "`gte` is not an operator; the operators are eq ne gt ge"),
            (json!(["id:EQ:1"]), "`EQ`"),
            (json!(["nope:is:1"]), "`is`"),
            (json!(["id:in:1", "summary:is:x"]), "`is`"),
            (json!(["id:between:1"]), "needs two values"),
            (json!(["id:between:1,"]), "needs two values"),
            (json!(["id:between:1,2,3"]), "needs two values"),
            (json!([format!("id:eq:{}", "1".repeat(200_000))]), "longer"),
        ] {
            let message = parse(&filter, &ticket(), true).unwrap_err();
            assert!(message.contains(part), "{part} is not in: {message}");
        }
    }
}
