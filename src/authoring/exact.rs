//! Exact schema checks of numbers beyond 64 bits, by their text. Pure.
//!
//! The schema library checks the nearest 64-bit number. Exact verdicts replace its verdicts here if the schema applies
//! for certain; verdicts within alternatives (`anyOf`, `oneOf`, `not`, `if`) stay.

use std::cmp::Ordering;

use serde_json::value::RawValue;

use super::finding::{Finding, FindingKind, TWICE};
use crate::digits::{Decimal, is_long};
use crate::json_pointer::escape;
use crate::json_text::fields_of;

/// Maximum depth of references within references.
const DEPTH_MAX: usize = 64;

type RawFields<'t> = Vec<(String, &'t RawValue)>;

/// Replaces the findings about numbers beyond 64 bits. `at` is the pointer of the value.
pub(crate) fn refine(schema: &str, value: &str, at: &str, found: &mut Vec<Finding>) {
    if is_long(value) {
        ExactWalk { root: schema, found }.value(schema, value.trim(), at, 0);
    }
}

struct ExactWalk<'t, 'f> {
    root: &'t str,
    found: &'f mut Vec<Finding>,
}

impl<'t> ExactWalk<'t, '_> {
    fn value(&mut self, schema: &'t str, value: &str, at: &str, depth: usize) {
        if depth > DEPTH_MAX || !is_long(value) {
            return;
        }
        let Some(rules) = fields_of(schema) else { return };
        if let Some(target) = text(&rules, "$ref").and_then(|to| find(self.root, &to)) {
            self.value(target, value, at, depth + 1);
        }
        for part in rule(&rules, "allOf").and_then(list).into_iter().flatten() {
            self.value(part.get(), value, at, depth + 1);
        }
        match value.as_bytes().first() {
            Some(b'{') => self.object(&rules, value, at, depth),
            Some(b'[') => self.list(&rules, value, at, depth),
            _ => self.number(&rules, value, at),
        }
    }

    fn object(&mut self, rules: &RawFields<'t>, value: &str, at: &str, depth: usize) {
        let properties = rule(rules, "properties").and_then(fields_of).unwrap_or_default();
        for (name, raw) in fields_of(value).unwrap_or_default() {
            let own = properties.iter().find(|(n, _)| *n == name).map(|(_, schema)| schema.get());
            if let Some(schema) = own.or_else(|| rule(rules, "additionalProperties")) {
                self.value(schema, raw.get(), &format!("{at}/{}", escape(&name)), depth + 1);
            }
        }
    }

    fn list(&mut self, rules: &RawFields<'t>, value: &str, at: &str, depth: usize) {
        let elements = list(value).unwrap_or_default();
        if let Some(schema) = rule(rules, "items") {
            for (index, raw) in elements.iter().enumerate() {
                self.value(schema, raw.get(), &format!("{at}/{index}"), depth + 1);
            }
        }
        if rule(rules, "uniqueItems") == Some("true") {
            self.found.retain(|f| f.pointer != at || f.kind != FindingKind::Twice);
            let mut all: Vec<String> = elements.iter().map(|raw| canonical(raw.get())).collect();
            all.sort();
            if all.iter().zip(all.iter().skip(1)).any(|(a, b)| a == b) {
                self.tell(at, TWICE, FindingKind::Twice);
            }
        }
    }

    fn number(&mut self, rules: &RawFields<'t>, value: &str, at: &str) {
        let Some(number) = Decimal::of(value) else { return };
        let is_unsure = ["anyOf", "oneOf", "not", "if"].iter().any(|key| rule(rules, key).is_some());
        let says = KEYS.iter().any(|key| rule(rules, key).is_some());
        if is_unsure || !says {
            return;
        }
        self.found.retain(|f| f.pointer != at || f.key.is_some());
        for why in KEYS.iter().filter_map(|key| misfit(key, rule(rules, key)?, &number)) {
            self.tell(at, &why, FindingKind::Other);
        }
    }

    fn tell(&mut self, at: &str, why: &str, kind: FindingKind) {
        let name = at
            .rsplit('/')
            .next()
            .filter(|n| !n.is_empty())
            .map_or_else(|| "the value".to_owned(), |n| format!("`{n}`"));
        self.found.push(Finding { pointer: at.to_owned(), key: None, message: format!("{name} {why}"), kind });
    }
}

/// The keywords for numbers.
const KEYS: [&str; 8] =
    ["type", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "enum", "const"];

/// The fault of a number by one keyword.
fn misfit(key: &str, says: &str, number: &Decimal) -> Option<String> {
    let order = || Decimal::of(says).map(|limit| number.cmp(&limit));
    let is_misfit = match key {
        "type" => return wrong_type(says, number),
        "minimum" => order() == Some(Ordering::Less),
        "maximum" => order() == Some(Ordering::Greater),
        "exclusiveMinimum" => matches!(order(), Some(Ordering::Less | Ordering::Equal)),
        "exclusiveMaximum" => matches!(order(), Some(Ordering::Greater | Ordering::Equal)),
        "multipleOf" => Decimal::of(says).and_then(|unit| number.is_multiple_of(&unit)) == Some(false),
        "enum" => !list(says)?.iter().any(|one| Decimal::of(one.get()).as_ref() == Some(number)),
        "const" => Decimal::of(says).as_ref() != Some(number),
        _ => false,
    };
    is_misfit.then(|| match key {
        "minimum" | "exclusiveMinimum" => format!("is too small: the minimum is {says}"),
        "maximum" | "exclusiveMaximum" => format!("is too large: the maximum is {says}"),
        "multipleOf" => format!("is not a multiple of {says}"),
        "enum" => format!("must be one of {}", said(says)),
        _ => format!("must be {says}"),
    })
}

fn said(list_text: &str) -> String {
    let one = |raw: &&RawValue| serde_json::from_str::<String>(raw.get()).unwrap_or_else(|_| raw.get().to_owned());
    list(list_text).unwrap_or_default().iter().map(one).collect::<Vec<_>>().join(", ")
}

fn wrong_type(says: &str, number: &Decimal) -> Option<String> {
    let types: Vec<String> = match serde_json::from_str(says) {
        Ok(one) => vec![one],
        Err(_) => serde_json::from_str(says).ok()?,
    };
    let fits = types.iter().any(|t| t == "number" || (t == "integer" && number.is_whole()));
    let only_whole = types.iter().any(|t| t == "integer");
    (!fits).then(|| match only_whole {
        true => "must be a whole number, not a number with decimals".to_owned(),
        false => format!("must be {}, not a number", types.join(" or ")),
    })
}

fn rule<'t>(rules: &RawFields<'t>, key: &str) -> Option<&'t str> {
    rules.iter().find(|(name, _)| name == key).map(|(_, raw)| raw.get())
}

fn text(rules: &RawFields<'_>, key: &str) -> Option<String> {
    serde_json::from_str(rule(rules, key)?).ok()
}

fn list(json: &str) -> Option<Vec<&RawValue>> {
    serde_json::from_str(json).ok()
}

/// A reference within the schema: `#/$defs/name`.
fn find<'t>(root: &'t str, reference: &str) -> Option<&'t str> {
    let tokens = reference.strip_prefix("#/")?.split('/').map(crate::json_pointer::unescape);
    tokens
        .into_iter()
        .try_fold(root, |text, token| fields_of(text)?.into_iter().find(|(n, _)| *n == token).map(|(_, raw)| raw.get()))
}

/// Equal values give the same text.
fn canonical(json: &str) -> String {
    if let Some(number) = Decimal::of(json) {
        return number.to_string();
    }
    if let Some(mut fields) = fields_of(json) {
        fields.sort_by(|(a, _), (b, _)| a.cmp(b));
        return fields
            .iter()
            .map(|(name, raw)| format!("{name:?}:{}", canonical(raw.get())))
            .collect::<Vec<_>>()
            .join(";")
            + "}";
    }
    match list(json) {
        Some(list) => list.iter().map(|raw| canonical(raw.get())).collect::<Vec<_>>().join(",") + "]",
        None => serde_json::from_str::<String>(json).map_or_else(|_| json.to_owned(), |text| format!("{text:?}")),
    }
}

#[cfg(test)]
mod tests {
    use crate::authoring::Schema;

    /// The exact message about a value.
    fn told(schema: &str, value: &str) -> Vec<String> {
        let near = crate::json_text::value_of(value).unwrap();
        let mut found = Schema::compile(serde_json::from_str(schema).unwrap()).unwrap().check(&near);
        super::refine(schema, value, "", &mut found);
        found.into_iter().map(|f| f.message).collect()
    }

    #[test]
    fn numbers_beyond_64_bits_are_judged_exactly() {
        for (schema, value, fits) in [
            (r#"{"type":"integer"}"#, "18446744073709551617", true),
            (r#"{"type":"integer"}"#, "1e2", true),
            (r#"{"type":"integer"}"#, "100.0", true),
            (r#"{"type":"integer"}"#, "1e400", true),
            (r#"{"type":"integer"}"#, "12345678901234567890.5", false),
            (r#"{"type":"integer"}"#, "1e-400", false),
            (r#"{"type":["string","number"]}"#, "12345678901234567890.5", true),
            (r#"{"type":"string"}"#, "18446744073709551617", false),
            (r#"{"maximum":18446744073709551616}"#, "18446744073709551616", true),
            (r#"{"maximum":18446744073709551616}"#, "18446744073709551617", false),
            (r#"{"exclusiveMaximum":18446744073709551617}"#, "18446744073709551616", true),
            (r#"{"exclusiveMinimum":18446744073709551616}"#, "18446744073709551616", false),
            (r#"{"minimum":18446744073709551617}"#, "18446744073709551616", false),
            (r#"{"minimum":0.1}"#, "0.0999999999999999999999", false),
            (r#"{"multipleOf":2}"#, "18446744073709551617", false),
            (r#"{"multipleOf":2}"#, "18446744073709551618", true),
            (r#"{"enum":[18446744073709551616,"x"]}"#, "18446744073709551617", false),
            (r#"{"enum":[18446744073709551616,"x"]}"#, "18446744073709551616", true),
            (r#"{"const":100}"#, "1e2", true),
            (r#"{"const":18446744073709551616}"#, "18446744073709551617", false),
            (r#"{"uniqueItems":true}"#, "[18446744073709551616,18446744073709551617]", true),
            (r#"{"uniqueItems":true}"#, "[18446744073709551616,1.8446744073709551616e19]", false),
            (r#"{"properties":{"a":{"items":{"type":"integer"}}}}"#, r#"{"a":[12345678901234567890.5]}"#, false),
            (
                r##"{"$defs":{"n":{"maximum":18446744073709551616}},"additionalProperties":{"$ref":"#/$defs/n"}}"##,
                r#"{"a":18446744073709551617}"#,
                false,
            ),
            (r#"{"allOf":[{"type":"integer"}]}"#, "12345678901234567890.5", false),
            (r#"{}"#, "12345678901234567890.5", true),
        ] {
            let told = told(schema, value);
            assert_eq!(told.is_empty(), fits, "{schema} {value}: {told:?}");
            assert!(told.len() < 2, "{schema} {value}: {told:?}");
        }
    }
}
