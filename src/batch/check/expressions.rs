//! Finds the expressions in the values of a batch file, and checks the names that they use.

use std::path::Path;

use serde_json::Value;
use serde_json::value::RawValue;

use super::names;
use crate::authoring::{Checker, Json};
use crate::batch::row_source::ItemSource;
use crate::error::Advice;
use crate::expression::{Expr, Shape, Wrong};
use crate::json_pointer::escape;
use crate::json_text::fields_of;

/// A value with expressions, whose names are checked.
pub(super) fn shape(
    c: &mut Checker<'_>,
    at: &str,
    json: &str,
    names: &mut names::StepNames<'_, '_>,
    allowed: names::Allowed,
) -> Shape {
    let shape = Shape::parse(json, at, &mut |at, wrong| note(c, at, wrong));
    for (inner, expr) in shape.expressions() {
        names.check(c, &format!("{at}{inner}"), expr, allowed);
    }
    shape
}

/// A key that is one expression: `where`, `when`.
pub(super) fn expression(
    c: &mut Checker<'_>,
    at: &str,
    json: &Json,
    names: &mut names::StepNames<'_, '_>,
    allowed: names::Allowed,
) -> Option<Expr> {
    match shape(c, at, &json.0, names, allowed) {
        Shape::Value(expr) => Some(expr),
        Shape::Fixed(json) if json == "true" || json == "false" => Expr::parse(&json).ok(),
        // Its fault is already reported.
        Shape::Text(pieces) if pieces.is_empty() => None,
        Shape::Fixed(_) | Shape::Text(_) | Shape::List(_) | Shape::Map(_) => {
            c.fault(
                at,
                "expected one expression that is true or false",
                Some("write it as ${{ … }}, such as ${{ item.id == 3 }}".into()),
            );
            None
        }
    }
}

/// `for` and `items`: an earlier step's rows, or a value.
pub(super) fn source(
    c: &mut Checker<'_>,
    at: &str,
    json: &Json,
    names: &mut names::StepNames<'_, '_>,
    allowed: names::Allowed,
) -> Option<ItemSource> {
    let before = c.faults.len();
    if let Some(parts) = combined(&json.0) {
        let part = |(name, raw): (String, &RawValue)| {
            let at = format!("{at}/combinations/{}", escape(&name));
            Some((name, source(c, &at, &Json(raw.get().to_owned()), names, allowed)?))
        };
        return parts.into_iter().map(part).collect::<Option<_>>().map(ItemSource::Combinations);
    }
    let shape = shape(c, at, &json.0, names, allowed);
    if let Some(Value::String(_)) =
        json.to_value().as_object().filter(|map| map.len() == 1).and_then(|map| map.get("file"))
    {
        c.fault(at, "items cannot be read from a file", Some(load_advice("FILE").into()));
        return None;
    }
    match &shape {
        Shape::Value(expr) => {
            if let Some([steps, id, items]) = expr.path()
                && steps == "steps"
                && items == "items"
            {
                return Some(ItemSource::Step(id.clone()));
            }
        }
        Shape::Fixed(json) if !json.starts_with(['[', '{']) && c.faults.len() == before => {
            let is_file = Path::new(json.trim_matches('"')).extension().is_some();
            let advice = is_file.then(|| load_advice(json.trim_matches('"')).into());
            c.fault(at, "expected a list, or an expression such as ${{ steps.ID.items }}", advice);
        }
        Shape::Text(pieces) if !pieces.is_empty() => {
            c.fault(at, "expected a list or one expression, found text with expressions in it", None)
        }
        Shape::Fixed(_) | Shape::Text(_) | Shape::List(_) | Shape::Map(_) => {}
    }
    Some(ItemSource::Shape(shape))
}

/// The sources of `{ combinations: { name: source, … } }`.
fn combined(json: &str) -> Option<Vec<(String, &RawValue)>> {
    match fields_of(json)?.as_slice() {
        [(name, raw)] if name == "combinations" => fields_of(raw.get()),
        _ => None,
    }
}

fn note(c: &mut Checker<'_>, at: &str, (message, advice): Wrong) {
    c.fault(at, message, advice.map(Advice::from));
}

/// How the rows of a file become items.
fn load_advice(file: &str) -> String {
    format!(
        "read the file in a step before it: {{ id: rows, load: {file} }}, and write items: ${{{{ steps.rows.items }}}}"
    )
}
