//! Expressions: `${{ … }}` in the values of a batch file. Pure: no clock, no chance, no file but the items of earlier steps.
//!
//! Alone, an expression keeps its value's type; inside text it becomes text. A plain path into an item hands on the item's own bytes.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use minijinja::{Environment, ErrorKind as Kind, Expression, UndefinedBehavior};
use serde_json::Value;

use super::budget;
use super::filters;
use super::lexer::{closing, depth, names_null, parts, path, paths, with_checked_operators, words};
use super::record::member;
use super::scope::Scope;
use crate::error::{Error, ErrorKind, Result};
use crate::item::fields_of;

/// Work that one evaluation may take, in the steps of the expression language.
const FUEL: u64 = 5_000_000;

/// Names and operators in one expression. The language reads and frees chains of them with the stack, which a few thousand would overflow.
const PARTS_MAX: usize = 400;

/// Brackets within brackets in one expression. The language follows subscripts with the stack too, and counts none of them.
const DEPTH_MAX: usize = 40;

static LANGUAGE: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Chainable);
    environment.set_fuel(Some(FUEL));
    environment.set_recursion_limit(64);
    // It prints the insides of the language.
    environment.remove_global("debug");
    // Nothing can be set in an expression.
    environment.remove_global("namespace");
    filters::guard(&mut environment);
    // What a record does not have is as good as null, at every depth.
    environment.add_test("none", |value: &minijinja::Value| value.is_none() || value.is_undefined());
    environment
});

/// One expression.
pub(crate) struct Expr {
    pub(crate) source: String,
    compiled: Expression<'static, 'static>,
    /// The names that it reads, such as `steps.members.items`.
    pub(crate) names: BTreeSet<String>,
    /// Its tokens, when it is nothing but a path.
    path: Option<Vec<String>>,
    /// All paths in it.
    pub(crate) paths: Vec<Vec<String>>,
    /// It says that null is meant: a `?` stands behind it, or null is one of its values.
    may_be_null: bool,
}

/// A value of a batch file with its expressions found.
pub(crate) enum Shape {
    /// JSON without any expression.
    Fixed(String),
    Value(Expr),
    Text(Vec<Piece>),
    List(Vec<Shape>),
    Map(Vec<(String, Shape)>),
}

pub(crate) enum Piece {
    Literal(String),
    Value(Expr),
}

/// Why an expression is none: what is wrong with it, and what to do.
pub(crate) type Wrong = (String, Option<String>);

impl Expr {
    /// Compiles an expression without its marks.
    pub(crate) fn parse(source: &str) -> Result<Expr, Wrong> {
        let whole = source.trim();
        let source = whole.strip_suffix('?').map_or(whole, str::trim_end);
        if source.is_empty() {
            return Err(("an expression is empty".into(), None));
        }
        if parts(source) > PARTS_MAX {
            let advice = "work it out in several steps, or with `map`".to_owned();
            return Err((
                format!("an expression has more names and operators than the limit expression_parts ({PARTS_MAX})"),
                Some(advice),
            ));
        }
        if depth(source) > DEPTH_MAX {
            let message = format!(
                "an expression has more brackets within brackets than the limit expression_depth ({DEPTH_MAX})"
            );
            return Err((message, Some("work it out in several steps, or with `map`".to_owned())));
        }
        // Only as it is evaluated: of `[1] * 9999999 ~ ''`, the language would make the text while it compiles.
        let checked =
            with_checked_operators(source, [filters::FACTOR, filters::TERM, filters::TEXT, filters::CONTAINER]);
        let compiled = LANGUAGE.compile_expression_owned(checked.clone()).map_err(|e| no_expression(source, &e))?;
        // Behind a text, the language takes a character that it does not know for the end, unless a bracket is still open.
        if LANGUAGE.compile_expression_owned(format!("({checked})")).is_err() {
            let message = format!("`{source}` is no expression: what stands behind a text in it cannot be read");
            return Err((message, Some("conditions are joined with `and` and `or`, texts with `~`".to_owned())));
        }
        unknown_words(source)?;
        // The language does not look into slices.
        let paths = paths(source);
        let own = paths.iter().map(|path| path.join("."));
        let names = compiled.undeclared_variables(true).into_iter().chain(own).collect();
        let may_be_null = source.len() < whole.len() || names_null(source);
        Ok(Expr { path: path(source), source: whole.to_owned(), compiled, names, paths, may_be_null })
    }

    /// Its tokens, when it is nothing but a path such as `steps.members.items`.
    pub(crate) fn path(&self) -> Option<&[String]> {
        self.path.as_deref()
    }

    /// Its value as JSON text.
    pub(crate) fn json(&self, scope: &Scope) -> Result<String> {
        budget::begin();
        if let Some(raw) = self.raw(scope) {
            return Ok(raw);
        }
        let value = self.compiled.eval(scope.to_value());
        let json = value.map(|value| budget::json(&value));
        // What was cut short there is no value, and its own error tells less.
        if let Some(why) = scope.trouble() {
            return Err(why);
        }
        if let Some(limit) = budget::past() {
            return Err(self.failed(&limit.said()).advise(limit.advice()));
        }
        let json = json.map_err(|e| self.failed(&said(&e)))?;
        json.map_err(|e| self.failed(&format!("its value cannot be written as JSON: {e}")))
    }

    /// The same for what is sent: null is an error, unless the expression says that it is meant.
    fn needed(&self, scope: &Scope) -> Result<String> {
        let json = self.json(scope)?;
        if self.may_be_null {
            return Ok(json);
        }
        if json == "null" {
            return Err(self.failed("it is null, which is not sent by accident").advise(NULL));
        }
        // What an item has is handed on as it is; what is put together here is not.
        let made = self.source.contains('{') || self.source.contains("dict(");
        let hole = made
            .then(|| fields_of(&json))
            .flatten()
            .and_then(|fields| fields.into_iter().find(|(_, raw)| raw.get() == "null"));
        match hole {
            Some((name, _)) => {
                Err(self.failed(&format!("its `{name}` is null, which is not sent by accident")).advise(NULL))
            }
            None => Ok(json),
        }
    }

    /// Whether it is true.
    pub(crate) fn truth(&self, scope: &Scope) -> Result<bool> {
        match self.json(scope)?.as_str() {
            "true" => Ok(true),
            "false" => Ok(false),
            other => Err(self.failed(&format!("it should be true or false, and is {}", shown(other)))),
        }
    }

    /// A path into an item, as the bytes that stand there. What is not there is null.
    fn raw(&self, scope: &Scope) -> Option<String> {
        let (text, rest) = scope.text(self.path.as_ref()?)?;
        Some(rest.iter().try_fold(text.as_ref(), |text, token| within(text, token)).unwrap_or("null").to_owned())
    }

    fn failed(&self, why: &str) -> Error {
        Error::new(ErrorKind::InvalidOptions, format!("${{{{ {} }}}}: {why}", self.source))
    }
}

/// What to do about null where a value is sent.
const NULL: &str =
    "write | default('…') behind it for a value of your own, or ? where null is meant: ${{ item.manager ? }}";

/// What becomes of an expression that is null.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Null {
    Kept,
    Refused,
}

fn within<'t>(text: &'t str, token: &str) -> Option<&'t str> {
    if text.trim_start().starts_with('{') {
        return member(text, token);
    }
    let list: Vec<&serde_json::value::RawValue> = serde_json::from_str(text).ok()?;
    list.get(token.parse::<usize>().ok()?).map(|raw| raw.get())
}

/// A value for people: short.
fn shown(json: &str) -> String {
    let mut text: String = json.chars().take(60).collect();
    if text.len() < json.len() {
        text.push('…');
    }
    text
}

/// The engine's words without its own position, which is within the expression and not in the file.
fn said(error: &minijinja::Error) -> String {
    let detail = error.detail().map(str::to_owned);
    match error.kind() {
        Kind::OutOfFuel => "it takes too much work".to_owned(),
        Kind::SyntaxError => detail.unwrap_or_else(|| "its syntax is wrong".to_owned()),
        kind => detail.map_or_else(|| kind.to_string(), |detail| format!("{kind}: {detail}")),
    }
}

/// Why an expression does not compile, in words about the expression as it was written.
fn no_expression(source: &str, error: &minijinja::Error) -> Wrong {
    // The grammar has the same places for both, and nothing large comes of a division.
    match LANGUAGE.compile_expression_owned(source.replace('*', "/")) {
        Err(e) => (
            format!("`{source}` is no expression: {}", said(&e)),
            Some("text in an expression stands in quotes: ${{ 'text' }}".into()),
        ),
        Ok(_) => (format!("`{source}` is no expression: at a `*` or `+`: {}", said(error)), None),
    }
}

/// Filters and tests that do not exist would only be noticed when the expression is evaluated.
fn unknown_words(source: &str) -> Result<(), Wrong> {
    let mut state = LANGUAGE.empty_state();
    for (is_filter, name) in words(source) {
        let found = if is_filter { state.apply_filter(&name, &[]).err() } else { state.perform_test(&name, &[]).err() };
        let unknown = found.is_some_and(|e| matches!(e.kind(), Kind::UnknownFilter | Kind::UnknownTest));
        if unknown {
            let what = if is_filter { "filter" } else { "test" };
            let advice = "filters and tests are those of Jinja: default, join, length, lower, replace, upper, defined, none, in …";
            return Err((format!("`{source}`: there is no {what} `{name}`"), Some(advice.to_owned())));
        }
    }
    Ok(())
}

impl Shape {
    /// Finds the expressions in a value. `fault` gets the JSON Pointer within the value and what is wrong there; an empty text stands for it then.
    pub(crate) fn parse(json: &str, at: &str, fault: &mut dyn FnMut(&str, Wrong)) -> Shape {
        if !json.contains("${{") {
            return Shape::Fixed(json.to_owned());
        }
        if let Some(fields) = fields_of(json) {
            let part = |(name, raw): (String, &serde_json::value::RawValue)| {
                let shape = Shape::parse(raw.get(), &format!("{at}/{}", crate::json_pointer::escape(&name)), fault);
                (name, shape)
            };
            return Shape::Map(fields.into_iter().map(part).collect());
        }
        if let Ok(list) = serde_json::from_str::<Vec<&serde_json::value::RawValue>>(json) {
            let part = |(index, raw): (usize, &&serde_json::value::RawValue)| {
                Shape::parse(raw.get(), &format!("{at}/{index}"), fault)
            };
            return Shape::List(list.iter().enumerate().map(part).collect());
        }
        let text: String = serde_json::from_str(json).unwrap_or_default();
        Shape::text(&text).unwrap_or_else(|wrong| {
            fault(at, wrong);
            Shape::Text(Vec::new())
        })
    }

    /// A text with expressions in it; one that is nothing else keeps its type.
    pub(crate) fn text(text: &str) -> Result<Shape, Wrong> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, tail)) = rest.split_once("${{") {
            let end = closing(tail)
                .ok_or_else(|| (format!("an expression in `{text}` has no end"), Some("it ends with }}".to_owned())))?;
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
        if pieces.len() == 1
            && let Some(Piece::Value(expr)) = pieces.pop_if(|p| matches!(p, Piece::Value(_)))
        {
            return Ok(Shape::Value(expr));
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
                list.iter().enumerate().for_each(|(i, shape)| shape.collect(&format!("{at}/{i}"), found))
            }
            Shape::Map(map) => map
                .iter()
                .for_each(|(k, shape)| shape.collect(&format!("{at}/{}", crate::json_pointer::escape(k)), found)),
        }
    }

    /// Its value as JSON text.
    pub(crate) fn json(&self, scope: &Scope) -> Result<String> {
        let mut out = String::new();
        self.write(scope, Null::Kept, &mut out)?;
        Ok(out)
    }

    /// The same for what is sent: null is an error, unless an expression says that it is meant.
    pub(crate) fn needed(&self, scope: &Scope) -> Result<String> {
        let mut out = String::new();
        self.write(scope, Null::Refused, &mut out)?;
        Ok(out)
    }

    fn write(&self, scope: &Scope, null: Null, out: &mut String) -> Result<()> {
        match self {
            Shape::Fixed(json) => out.push_str(json),
            Shape::Value(expr) if null == Null::Refused => out.push_str(&expr.needed(scope)?),
            Shape::Value(expr) => out.push_str(&expr.json(scope)?),
            Shape::Text(pieces) => out.push_str(&Value::from(joined(pieces, scope)?).to_string()),
            Shape::List(list) => {
                out.push('[');
                for (index, shape) in list.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    shape.write(scope, null, out)?;
                }
                out.push(']');
            }
            Shape::Map(map) => {
                out.push('{');
                for (index, (name, shape)) in map.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    out.push_str(&Value::from(name.as_str()).to_string());
                    out.push(':');
                    shape.write(scope, null, out)?;
                }
                out.push('}');
            }
        }
        Ok(())
    }

    /// Its value as text, for paths and names.
    pub(crate) fn plain(&self, scope: &Scope) -> Result<String> {
        match self {
            Shape::Text(pieces) => joined(pieces, scope),
            Shape::Value(expr) => as_text(expr, &expr.json(scope)?),
            Shape::Fixed(json) => Ok(serde_json::from_str(json).unwrap_or_else(|_| json.clone())),
            Shape::List(_) | Shape::Map(_) => self.json(scope),
        }
    }
}

fn joined(pieces: &[Piece], scope: &Scope) -> Result<String> {
    let mut text = String::new();
    for piece in pieces {
        match piece {
            Piece::Literal(literal) => text.push_str(literal),
            Piece::Value(expr) => text.push_str(&as_text(expr, &expr.json(scope)?)?),
        }
    }
    Ok(text)
}

/// A value within text. Nothing stands for null there: a condition with a hole in it would mean something else.
fn as_text(expr: &Expr, json: &str) -> Result<String> {
    match json.as_bytes().first() {
        Some(b'"') => serde_json::from_str(json).map_err(|e| expr.failed(&format!("it is no text: {e}"))),
        Some(b'[') => Err(expr
            .failed("it is a list, which has no place inside text")
            .advise("write | join(',') or | tojson behind it")),
        Some(b'{') => Err(expr
            .failed("it is an object, which has no place inside text")
            .advise("name one of its fields, or write | tojson behind it")),
        Some(b'n') | None => {
            Err(expr.failed("it is null, which has no place inside text").advise("write | default('…') behind it"))
        }
        Some(_) => Ok(json.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::Expr;
    use super::Shape;
    use crate::expression::lexer::words;
    use crate::expression::scope::Scope;

    #[test]
    fn filters_and_tests_are_known() {
        assert_eq!(
            words("a | upper is not none and 'x | y' is defined"),
            [(true, "upper".to_owned()), (false, "none".into()), (false, "defined".into())]
        );
        assert!(Expr::parse("item.a | uper").err().unwrap().0.contains("no filter `uper`"));
        assert!(Expr::parse("item.a is numbr").err().unwrap().0.contains("no test `numbr`"));
        assert!(Expr::parse("item.a +").is_err());
        assert!(Expr::parse(&format!("item{}", "[a".repeat(180))).err().unwrap().0.contains("expression_depth"));
        assert!(Expr::parse(&format!("item{}1{}", "[".repeat(30), "]".repeat(30))).is_ok());
        assert!(Expr::parse("1 * * 2").err().unwrap().0.contains("`1 * * 2` is no expression"));
        assert!(Shape::text("a ${{ b").is_err());
    }

    #[test]
    fn null_is_sent_only_where_it_is_meant() {
        let scope = Scope::default().with_item(r#"{"id": 7, "none": null, "name": "x", "list": ["a", null]}"#, 0);
        let needed = |source: &str| Expr::parse(source).unwrap_or_else(|e| panic!("{e:?}")).needed(&scope);
        for (source, json) in [
            ("item.id", "7"),
            ("item.missing ?", "null"),
            ("item.none?", "null"),
            ("item.missing | default('y')", "\"y\""),
            ("item.none | default('y')", "\"y\""),
            ("item.none | d(item.name)", "\"x\""),
            ("item.name if item.none is not none else none", "null"),
            ("none", "null"),
            ("item.none | default(none)", "null"),
            ("{'a': item.none | default(1)}", "{\"a\":1}"),
            ("item.list | select | join('-')", "\"a\""),
            ("(item.none | default('')) ~ item.name", "\"x\""),
        ] {
            assert_eq!(needed(source).unwrap(), json, "{source}");
        }
        for source in [
            "item.missing",
            "item.none",
            "item.none if item.none is none else item.id",
            "item.none | trim",
            "item.missing | lower",
            "item.none | upper",
            "item.none | title",
            "item.none | string",
            "item.none | replace('a', 'b')",
            "item.name | replace('x', item.none)",
            "item.none | escape",
            "item.none | indent",
            "item.none | split(',')",
            "item.none | lines",
            "'%s' | format(item.none)",
            "item.list | join(',')",
            "item.none | join(',')",
            "item.name ~ item.none",
            "item.none ~ item.name",
            "item.name ~ '-' ~ item.missing.deeper | upper",
            "item.none | tojson",
            "item.none | pprint",
            "[item.none] | string",
            "item.list | string",
            "{'a': item.none}",
            "item.none if item.id != none else 'x'",
        ] {
            let error = needed(source).unwrap_err();
            assert!(error.message.contains("null"), "{source}: {error:?}");
        }
    }

    #[test]
    fn an_expression_is_read_to_its_end() {
        for source in ["item.a == 'x' && item.b", "'a' ; 3", "\"a\" ?? 'b'", "3. * 'f' § a", "'a'\u{18}"] {
            let (message, _) = Expr::parse(source).err().unwrap_or_else(|| panic!("{source} was accepted"));
            assert!(message.contains("cannot be read"), "{message}");
        }
        for source in [
            "'a' 'b'",
            "item.a == 'x' and item.b",
            "'a' in item.b",
            "{'a': 'b'}['a']",
            "f(*item.a, b='c')",
            "('a', 'b')",
        ] {
            assert!(Expr::parse(source).is_ok(), "{source}");
        }
    }

    #[test]
    fn nothing_large_is_made_before_it_is_evaluated() {
        for source in [
            "[[1] * 9999999] * 9999999 ~ ''",
            "'' ~ [[1] * 9999999] * 9999999",
            "[1] * 99999999 == [1] * 99999999",
            "2 in [1] * 99999999",
        ] {
            let expr = Expr::parse(source).unwrap_or_else(|e| panic!("{source}: {e:?}"));
            assert!(expr.json(&Scope::default()).unwrap_err().message.contains("`*` is for numbers"), "{source}");
        }
    }
}
