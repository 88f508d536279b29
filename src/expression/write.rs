//! Values as text and as JSON. What comes from JSON is written with the bytes that it has.

use std::borrow::Cow;
use std::rc::Rc;

use super::times;
use super::value::{DEPTH_MAX, ExprValue, List, Map, OR_DEFAULT, mistyped, too_deep};
use super::work::{EvaluationWork, short, wrong};
use crate::error::Result;
use crate::json_text::put_text;

/// The JSON of a value.
pub(super) fn json(value: &ExprValue, work: &Rc<EvaluationWork>) -> Result<String> {
    let mut out = String::new();
    put(value, work, 0, &mut out)?;
    Ok(out)
}

fn put(value: &ExprValue, work: &Rc<EvaluationWork>, depth: usize, out: &mut String) -> Result<()> {
    if depth > DEPTH_MAX {
        return Err(too_deep());
    }
    work.text(value.held_bytes())?;
    work.fits(out.len().saturating_add(value.held_bytes()))?;
    match value {
        ExprValue::Absent | ExprValue::Null => out.push_str("null"),
        ExprValue::Bool(true) => out.push_str("true"),
        ExprValue::Bool(false) => out.push_str("false"),
        ExprValue::Number(part) | ExprValue::List(List::Json(part)) | ExprValue::Map(Map::Json(part)) => {
            out.push_str(part.as_str());
        }
        ExprValue::Text(text) => match text.raw() {
            Some(raw) => out.push_str(raw),
            None => put_text(out, &text.as_str()),
        },
        ExprValue::List(list) => {
            out.push('[');
            for (index, value) in list.elements(work)?.enumerate() {
                out.push_str(if index > 0 { "," } else { "" });
                put(&value?, work, depth + 1, out)?;
            }
            out.push(']');
        }
        ExprValue::Map(map) => {
            out.push('{');
            for (index, (name, value)) in map.fields(work)?.iter().enumerate() {
                out.push_str(if index > 0 { "," } else { "" });
                put_text(out, name);
                out.push(':');
                put(value, work, depth + 1, out)?;
            }
            out.push('}');
        }
        ExprValue::Time(time) => put_text(out, &times::written(time)),
        ExprValue::Date(date) => put_text(out, &date.to_string()),
        ExprValue::Duration(span) => put_text(out, &span.to_string()),
    }
    Ok(())
}

/// A single value as text. `what` asks for it, `label` is the expression that gave it.
pub(super) fn plain<'v>(value: &'v ExprValue, what: &str, label: &str) -> Result<Cow<'v, str>> {
    single(value).map_err(|advice| mistyped(what, "text", label, value).advise(advice))
}

/// The same for a part of a text.
pub(super) fn within_text<'v>(value: &'v ExprValue, label: &str) -> Result<Cow<'v, str>> {
    single(value).map_err(|advice| {
        let advice = if value.is_null() { "add | default('…'): null is no part of a text" } else { advice };
        wrong(format!("{} is {}, which cannot be part of a text", short(label), value.shown())).advise(advice)
    })
}

/// The error is advice.
fn single(value: &ExprValue) -> Result<Cow<'_, str>, &'static str> {
    match value {
        ExprValue::Text(text) => Ok(text.as_str()),
        ExprValue::Number(part) => Ok(Cow::Borrowed(part.as_str())),
        ExprValue::Bool(is_true) => Ok(Cow::Borrowed(if *is_true { "true" } else { "false" })),
        ExprValue::Time(time) => Ok(Cow::Owned(times::written(time))),
        ExprValue::Date(date) => Ok(Cow::Owned(date.to_string())),
        ExprValue::Duration(span) => Ok(Cow::Owned(span.to_string())),
        ExprValue::List(_) => Err("add | join(',') or | tojson"),
        ExprValue::Map(_) => Err("name one of its fields, or add | tojson"),
        ExprValue::Null | ExprValue::Absent => Err(OR_DEFAULT),
    }
}

/// JSON text with line breaks and indentation.
pub(super) fn indented(json: &str, indent: usize, work: &EvaluationWork) -> Result<String> {
    let mut out = String::new();
    let (mut depth, mut is_text, mut is_escaped) = (0_usize, false, false);
    let mut chars = json.chars().filter(|c| !c.is_ascii_control()).peekable();
    while let Some(c) = chars.next() {
        if is_text {
            is_text = is_escaped || c != '"';
            is_escaped = !is_escaped && c == '\\';
            out.push(c);
            continue;
        }
        match c {
            '{' | '[' => {
                out.push(c);
                while chars.next_if_eq(&' ').is_some() {}
                if chars.peek().is_some_and(|next| !matches!(next, '}' | ']')) {
                    depth += 1;
                    line(&mut out, depth, indent, work)?;
                } else {
                    out.extend(chars.next());
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                line(&mut out, depth, indent, work)?;
                out.push(c);
            }
            ',' => {
                out.push(c);
                line(&mut out, depth, indent, work)?;
            }
            ':' => out.push_str(": "),
            ' ' => {}
            c => {
                is_text = c == '"';
                out.push(c);
            }
        }
    }
    Ok(out)
}

fn line(out: &mut String, depth: usize, indent: usize, work: &EvaluationWork) -> Result<()> {
    if depth > DEPTH_MAX {
        return Err(too_deep());
    }
    work.element()?;
    work.fits(out.len())?;
    out.push('\n');
    out.extend(std::iter::repeat_n(' ', depth * indent));
    Ok(())
}
