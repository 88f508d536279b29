//! A JSON value of a batch file with its expressions. A value that is only an expression keeps the type of the result;
//! inside text the result becomes text.

use serde_json::Value;
use serde_json::value::RawValue;

use super::expr::{Expr, Wrong};
use super::lexer::closing;
use super::quoted::QuotedValue;
use super::scope::Scope;
use crate::error::Result;
use crate::json_pointer::escape;
use crate::json_text::fields_of;

/// A value of a batch file with its expressions found. It equals its JSON: two with one JSON are equal, and it is
/// serialized as that.
#[derive(Clone)]
pub(crate) enum Shape {
    /// JSON without any expression.
    Fixed(String),
    Value(Expr),
    Text(Vec<Piece>),
    List(Vec<Shape>),
    Map(Vec<(String, Shape)>),
}

#[derive(Clone)]
pub(crate) enum Piece {
    Literal(String),
    Value(Expr),
}

/// How the expressions of a value are evaluated.
#[derive(Clone, Copy)]
struct Evaluator<'e> {
    /// To JSON text.
    alone: fn(&Expr, &Scope) -> Result<String>,
    in_text: InText<'e>,
}

/// To a part of a text; gets the text before it.
type InText<'e> = &'e dyn Fn(&str, &Expr, &Scope) -> Result<String>;

impl Shape {
    /// Finds the expressions in a value. `fault` gets the JSON Pointer within the value and the message; an empty text
    /// replaces the value then.
    pub(crate) fn parse(json: &str, at: &str, fault: &mut dyn FnMut(&str, Wrong)) -> Shape {
        if !json.contains("${{") {
            return Shape::Fixed(json.to_owned());
        }
        if let Some(fields) = fields_of(json) {
            let part = |(name, raw): (String, &RawValue)| {
                let shape = Shape::parse(raw.get(), &format!("{at}/{}", escape(&name)), fault);
                (name, shape)
            };
            return Shape::Map(fields.into_iter().map(part).collect());
        }
        if let Ok(list) = serde_json::from_str::<Vec<&RawValue>>(json) {
            let part = |(index, raw): (usize, &&RawValue)| Shape::parse(raw.get(), &format!("{at}/{index}"), fault);
            return Shape::List(list.iter().enumerate().map(part).collect());
        }
        let text: String = serde_json::from_str(json).unwrap_or_default();
        Shape::text(&text).unwrap_or_else(|wrong| {
            fault(at, wrong);
            Shape::Text(Vec::new())
        })
    }

    /// A text with expressions; one that is only an expression keeps its type.
    pub(crate) fn text(text: &str) -> Result<Shape, Wrong> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, tail)) = rest.split_once("${{") {
            let end = closing(tail).ok_or_else(|| {
                (format!("an expression in `{text}` is not closed"), Some("close it with }}".to_owned()))
            })?;
            let (source, after) = tail.split_at(end);
            if !before.is_empty() {
                pieces.push(Piece::Literal(before.to_owned()));
            }
            pieces.push(Piece::Value(Expr::parse(source)?));
            rest = after.strip_prefix("}}").unwrap_or(after);
        }
        if !rest.is_empty() {
            pieces.push(Piece::Literal(rest.to_owned()));
        }
        if let [Piece::Value(expr)] = pieces.as_slice() {
            return Ok(Shape::Value(expr.clone()));
        }
        Ok(Shape::Text(pieces))
    }

    /// Its expressions, each with its place.
    pub(crate) fn expressions(&self) -> Vec<(String, &Expr)> {
        let mut found = Vec::new();
        self.collect("", &mut found);
        found
    }

    fn collect<'a>(&'a self, at: &str, found: &mut Vec<(String, &'a Expr)>) {
        match self {
            Shape::Fixed(_) => {}
            Shape::Value(expr) => found.push((at.to_owned(), expr)),
            Shape::Text(pieces) => found.extend(pieces.iter().filter_map(|p| match p {
                Piece::Literal(_) => None,
                Piece::Value(expr) => Some((at.to_owned(), expr)),
            })),
            Shape::List(list) => {
                list.iter().enumerate().for_each(|(i, shape)| shape.collect(&format!("{at}/{i}"), found));
            }
            Shape::Map(map) => {
                map.iter().for_each(|(name, shape)| shape.collect(&format!("{at}/{}", escape(name)), found));
            }
        }
    }

    /// Its value as JSON text.
    pub(crate) fn json(&self, scope: &Scope) -> Result<String> {
        self.evaluated(scope, Evaluator { alone: Expr::json, in_text: &within_text })
    }

    /// The same for a value that is sent: null is an error, unless an expression allows it.
    pub(crate) fn needed(&self, scope: &Scope) -> Result<String> {
        self.evaluated(scope, Evaluator { alone: Expr::needed, in_text: &within_text })
    }

    /// The same, with a rule of quoting: it writes each expression that is a part of a text, so that no value changes
    /// the meaning of the text. It gets the text before the expression. Its error says why a value cannot be written. A value that is only an expression is not
    /// quoted.
    pub(crate) fn quoted(
        &self,
        scope: &Scope,
        rule: &dyn Fn(&str, &QuotedValue) -> Result<String, String>,
    ) -> Result<String> {
        let in_text = |before: &str, expr: &Expr, scope: &Scope| expr.quoted(scope, &|value| rule(before, value));
        self.evaluated(scope, Evaluator { alone: Expr::needed, in_text: &in_text })
    }

    /// Its value as text, for paths and names.
    pub(crate) fn plain(&self, scope: &Scope) -> Result<String> {
        match self {
            Shape::Text(pieces) => joined(pieces, scope, &within_text),
            Shape::Value(expr) => expr.within_text(scope),
            Shape::Fixed(json) => Ok(serde_json::from_str(json).unwrap_or_else(|_| json.clone())),
            Shape::List(_) | Shape::Map(_) => self.json(scope),
        }
    }

    fn evaluated(&self, scope: &Scope, evaluate: Evaluator<'_>) -> Result<String> {
        let mut out = String::new();
        self.write(scope, evaluate, &mut out)?;
        Ok(out)
    }

    fn write(&self, scope: &Scope, evaluate: Evaluator<'_>, out: &mut String) -> Result<()> {
        match self {
            Shape::Fixed(json) => out.push_str(json),
            Shape::Value(expr) => out.push_str(&(evaluate.alone)(expr, scope)?),
            Shape::Text(pieces) => out.push_str(&Value::from(joined(pieces, scope, evaluate.in_text)?).to_string()),
            Shape::List(list) => {
                out.push('[');
                for (index, shape) in list.iter().enumerate() {
                    out.push_str(if index > 0 { "," } else { "" });
                    shape.write(scope, evaluate, out)?;
                }
                out.push(']');
            }
            Shape::Map(map) => {
                out.push('{');
                for (index, (name, shape)) in map.iter().enumerate() {
                    out.push_str(if index > 0 { "," } else { "" });
                    out.push_str(&Value::from(name.as_str()).to_string());
                    out.push(':');
                    shape.write(scope, evaluate, out)?;
                }
                out.push('}');
            }
        }
        Ok(())
    }

    /// A text as it could be, with 1 for each value.
    pub(crate) fn sample(&self) -> Option<String> {
        let Shape::Text(pieces) = self else { return None };
        let part = |piece: &Piece| match piece {
            Piece::Literal(text) => text.clone(),
            Piece::Value(_) => "1".to_owned(),
        };
        Some(pieces.iter().map(part).collect())
    }

    /// Its JSON, with the expressions as written.
    pub(crate) fn source(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

fn within_text(_before: &str, expr: &Expr, scope: &Scope) -> Result<String> {
    expr.within_text(scope)
}

fn joined(pieces: &[Piece], scope: &Scope, write: InText<'_>) -> Result<String> {
    let mut text = String::new();
    for piece in pieces {
        match piece {
            Piece::Literal(literal) => text.push_str(literal),
            Piece::Value(expr) => {
                let part = write(&text, expr, scope)?;
                text.push_str(&part);
            }
        }
    }
    Ok(text)
}
