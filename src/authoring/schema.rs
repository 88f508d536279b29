//! JSON Schema checks with readable messages. The only file that uses the schema library.

use serde_json::Value;

use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use jsonschema::{PatternOptions, ValidationError, Validator};

use super::finding::{Finding, FindingKind, TWICE};
use crate::error::did_you_mean;

/// A compiled schema.
pub(crate) struct Schema {
    validator: Validator,
    source: Value,
}

/// Schemas come from definition files, which may be third-party: patterns are bounded.
const PATTERN_BYTES: usize = 1 << 20;

impl Schema {
    /// Compiles; `Err` says why the schema itself is invalid. Never fetches a `$ref`.
    pub(crate) fn compile(source: Value) -> Result<Schema, String> {
        let validator = jsonschema::options()
            .offline()
            .should_validate_formats(true)
            .with_pattern_options(PatternOptions::regex().size_limit(PATTERN_BYTES).dfa_size_limit(PATTERN_BYTES))
            .build(&source)
            .map_err(|e| misfit(&e))?;
        Ok(Schema { validator, source })
    }

    /// All findings.
    pub(crate) fn check(&self, value: &Value) -> Vec<Finding> {
        if self.validator.is_valid(value) {
            return Vec::new();
        }
        self.validator.iter_errors(value).flat_map(|e| findings(&e, value, &self.source)).collect()
    }
}

/// Why a schema is invalid, with the place in it.
fn misfit(error: &ValidationError<'_>) -> String {
    let at = error.instance_path().as_str();
    let at = if at.is_empty() { String::new() } else { format!(" at `{at}`") };
    match error.instance().as_str() {
        Some(word) if at.ends_with("/type`") => {
            format!("`{word}` is not a type of JSON Schema{at}{}", did_you_mean(word, TYPES))
        }
        _ => format!("this is not a JSON Schema{at}: {}", error.masked()),
    }
}

const TYPES: [&str; 7] = ["string", "integer", "number", "boolean", "array", "object", "null"];

/// Converts one library error to findings; descends into alternatives, to report the fault and not the alternative.
fn findings(error: &ValidationError<'_>, root: &Value, schema: &Value) -> Vec<Finding> {
    let pointer = error.instance_path().to_string();
    let instance = root.pointer(&pointer).unwrap_or(error.instance());
    let name = pointer
        .rsplit('/')
        .next()
        .filter(|n| !n.is_empty())
        .map_or_else(|| "the value".to_owned(), |n| format!("`{n}`"));
    let found =
        |message: String, kind: FindingKind| vec![Finding { pointer: pointer.clone(), key: None, message, kind }];
    let plain = |message: String| found(message, FindingKind::Other);
    match error.kind() {
        Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
            let known = known_keys(schema, error.schema_path().as_str());
            let finding = |key: &String| Finding {
                pointer: pointer.clone(),
                key: Some(key.clone()),
                message: format!("unknown key `{key}`{}", suggestion(key, &known)),
                kind: FindingKind::Other,
            };
            unexpected.iter().map(finding).collect()
        }
        Kind::Required { property } => plain(format!("`{}` is missing", property.as_str().unwrap_or_default())),
        Kind::Type { kind } => plain(format!("{name} must be {}, not {}", types(kind), kind_of(instance))),
        Kind::Enum { options } => plain(one_of(&name, &words(options), instance)),
        Kind::Constant { expected_value } => plain(format!("{name} must be {expected_value}")),
        Kind::Minimum { limit } | Kind::ExclusiveMinimum { limit } => {
            plain(format!("{name} is too small: the minimum is {limit}"))
        }
        Kind::Maximum { limit } | Kind::ExclusiveMaximum { limit } => {
            plain(format!("{name} is too large: the maximum is {limit}"))
        }
        Kind::MaxLength { limit } => plain(format!("{name} is too long: at most {limit} characters")),
        Kind::MinLength { limit } => plain(format!("{name} is too short: at least {limit} characters")),
        Kind::MaxItems { limit } => plain(format!("{name} has too many elements: at most {limit}")),
        Kind::MinItems { limit } => plain(format!("{name} has too few elements: at least {limit}")),
        Kind::Pattern { pattern } => plain(format!("{name} must match the pattern {pattern}")),
        Kind::Format { format } => plain(format!("{name} is not a valid {format}")),
        Kind::AnyOf { context } | Kind::OneOfNotValid { context } => {
            alternatives(context, root, schema, &pointer, instance)
        }
        Kind::OneOfMultipleValid { .. } => plain(format!("{name} matches several of the allowed forms at once")),
        Kind::UniqueItems => found(format!("{name} {TWICE}"), FindingKind::Twice),
        Kind::FalseSchema => plain(format!("{name} is not allowed here")),
        _ => plain(format!("{name}: {}", error.masked())),
    }
}

/// Reports the intended alternative: the one that the value's own key names, else the one with the fewest faults.
fn alternatives(
    context: &[Vec<ValidationError<'static>>],
    root: &Value,
    schema: &Value,
    pointer: &str,
    instance: &Value,
) -> Vec<Finding> {
    let here = |e: &ValidationError<'_>| e.instance_path().as_str() == pointer;
    let only_null = |branch: &[ValidationError<'static>]| matches!(branch, [e] if here(e) && matches!(e.kind(), Kind::Type { kind: TypeKind::Single(t) } if t.to_string() == "null"));
    let branches: Vec<&Vec<ValidationError<'static>>> =
        context.iter().filter(|b| !b.is_empty() && !only_null(b)).collect();
    let other_form = |e: &ValidationError<'_>| {
        here(e)
            && matches!(
                e.kind(),
                Kind::Required { .. }
                    | Kind::AdditionalProperties { .. }
                    | Kind::Type { .. }
                    | Kind::Enum { .. }
                    | Kind::Constant { .. }
            )
    };
    let listed = branches.iter().flat_map(|b| b.iter()).filter(|e| here(e)).flat_map(|e| match e.kind() {
        Kind::Constant { expected_value } => words(expected_value),
        Kind::Enum { options } => words(options),
        _ => Vec::new(),
    });
    let listed: Vec<String> = listed.collect();
    let name = pointer.rsplit('/').next().unwrap_or_default();
    if instance.is_string() && listed.len() > 1 {
        let message = one_of(&format!("`{name}`"), &listed, instance);
        return vec![Finding { pointer: pointer.to_owned(), key: None, message, kind: FindingKind::Other }];
    }
    let meant = branches.iter().find(|b| !b.iter().any(&other_form));
    let forms = forms(&branches, &here);
    let own_key = instance
        .as_object()
        .and_then(|o| o.keys().next())
        .filter(|key| meant.is_none() && !forms.is_empty() && !forms.contains(key));
    if let Some(key) = own_key {
        let message = format!("`{name}` has no form `{key}`{}", suggestion(key, &forms));
        let kind = FindingKind::NoForm;
        return vec![Finding { pointer: pointer.to_owned(), key: Some(key.clone()), message, kind }];
    }
    let same_kind =
        |b: &&&Vec<ValidationError<'static>>| !b.iter().any(|e| here(e) && matches!(e.kind(), Kind::Type { .. }));
    let closest = meant
        .or_else(|| branches.iter().filter(same_kind).min_by_key(|b| b.len()))
        .or_else(|| branches.iter().min_by_key(|b| b.len()));
    let found: Vec<Finding> =
        closest.into_iter().flat_map(|b| b.iter()).flat_map(|e| findings(e, root, schema)).collect();
    if found.is_empty() {
        return vec![Finding {
            pointer: pointer.to_owned(),
            key: None,
            message: format!("`{name}` matches none of its allowed forms"),
            kind: FindingKind::Other,
        }];
    }
    found
}

/// The allowed values as text: those of a list, or one.
fn words(values: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    values.as_array().map_or_else(|| vec![text(values)], |list| list.iter().map(text).collect())
}

fn one_of(name: &str, words: &[String], instance: &Value) -> String {
    let hint = instance.as_str().map(|t| did_you_mean(t, words.iter().map(String::as_str))).unwrap_or_default();
    format!("{name} must be one of {}{hint}", words.join(", "))
}

/// The keys that name the alternatives of a tagged form, as far as the branches report theirs as missing.
fn forms(branches: &[&Vec<ValidationError<'static>>], here: &dyn Fn(&ValidationError<'_>) -> bool) -> Vec<String> {
    let missing = |e: &ValidationError<'_>| match e.kind() {
        Kind::Required { property } if here(e) => property.as_str().map(str::to_owned),
        _ => None,
    };
    let mut names: Vec<String> = branches.iter().flat_map(|b| b.iter()).filter_map(missing).collect();
    names.sort();
    names.dedup();
    names
}

fn suggestion(key: &str, known: &[String]) -> String {
    let near = did_you_mean(key, known.iter().map(String::as_str));
    if !near.is_empty() || known.is_empty() || known.len() > 12 {
        return near;
    }
    format!("; expected one of {}", known.join(", "))
}

/// The keys of the `properties` beside an `additionalProperties` keyword.
fn known_keys(schema: &Value, path: &str) -> Vec<String> {
    let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
    let keys = schema.pointer(parent).and_then(|s| s.get("properties")).and_then(Value::as_object);
    keys.map(|m| m.keys().cloned().collect()).unwrap_or_default()
}

fn types(kind: &TypeKind) -> String {
    let text = |t: &jsonschema::JsonType| match t.to_string().as_str() {
        "integer" => "a whole number".to_owned(),
        "array" => "a list".to_owned(),
        "object" => "an object".to_owned(),
        "null" => "null".to_owned(),
        "boolean" => "true or false".to_owned(),
        "string" => "text".to_owned(),
        other => format!("a {other}"),
    };
    match kind {
        TypeKind::Single(one) => text(one),
        TypeKind::Multiple(several) => several.iter().map(|t| text(&t)).collect::<Vec<_>>().join(" or "),
    }
}

/// The type of a value, in words.
pub(crate) fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(n) if n.is_f64() => "a number with decimals",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::Schema;
    use serde_json::json;

    #[test]
    fn messages_name_the_field_and_the_nearest_key() {
        let schema = Schema::compile(json!({"type": "object", "additionalProperties": false, "required": ["id"],
            "properties": {"id": {"type": "integer", "minimum": 1}, "orderBy": {"type": "string"}, "type": {"enum": ["Ticket", "Member"]}}}))
        .unwrap();
        let messages: Vec<String> =
            schema.check(&json!({"orderby": "x", "type": "ticket"})).into_iter().map(|f| f.message).collect();
        assert!(messages.contains(&"unknown key `orderby`; did you mean `orderBy`?".to_owned()), "{messages:?}");
        assert!(messages.contains(&"`id` is missing".to_owned()), "{messages:?}");
        assert!(
            messages.contains(&"`type` must be one of Ticket, Member; did you mean `Ticket`?".to_owned()),
            "{messages:?}"
        );
        assert_eq!(schema.check(&json!({"id": "x"}))[0].message, "`id` must be a whole number, not text");
    }
}
