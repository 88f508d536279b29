//! One expression: parsed with its rules, and evaluated to JSON text. A plain path passes on the original bytes.

use std::sync::Arc;

use minijinja::{ErrorKind as Kind, Expression};

use super::language::{self, FILTERS, FUNCTIONS, TESTS, WORK_MAX};
use super::lexer::{Token, size, tokens};
use super::names::{Use, handed_on, names_null, path, paths, uses};
use super::operators::with_rules;
use super::record::{RecordReading, within};
use super::scope::Scope;
use crate::error::{Error, ErrorKind, Result, did_you_mean};
use crate::json_text::fields_of;

/// Maximum number of names and operators in one expression. The language parses and drops long chains recursively; a
/// few thousand would overflow the stack.
const PARTS_MAX: usize = 400;

/// Maximum nesting of brackets in one expression. The language also recurses for subscripts, without a limit.
const DEPTH_MAX: usize = 40;

/// One expression, equal to its source: two with one source are equal, and it is serialized as its source.
#[derive(Clone)]
pub(crate) struct Expr(Arc<Parsed>);

struct Parsed {
    source: String,
    compiled: Expression<'static, 'static>,
    path: Option<Vec<String>>,
    paths: Vec<Vec<String>>,
    handed_on: Option<Vec<String>>,
    /// It allows null: it ends with `?`, or null is one of its values.
    may_be_null: bool,
    /// It creates objects.
    makes_objects: bool,
}

/// Why an expression is invalid: message and advice.
pub(crate) type Wrong = (String, Option<String>);

impl Expr {
    /// Compiles an expression without its marks.
    pub(crate) fn parse(source: &str) -> Result<Expr, Wrong> {
        let whole = source.trim();
        let source = whole.strip_suffix('?').map_or(whole, str::trim_end);
        let tokens: Vec<Token<'_>> = tokens(source).collect();
        check_size(&tokens)?;
        check_uses(source, &tokens)?;
        let made = with_rules(source, &tokens);
        let compiled = language::compile(made.clone()).map_err(|e| no_expression(source, &e))?;
        // After a text, the language treats an unknown character as the end, unless a bracket is open.
        if language::compile(format!("({made})")).is_err() {
            let message = format!("`{source}` is not an expression: unexpected characters after a text");
            return Err((message, Some("join conditions with `and` and `or`, texts with `~`".to_owned())));
        }
        let paths = paths(&tokens);
        Ok(Expr(Arc::new(Parsed {
            source: whole.to_owned(),
            compiled,
            path: path(&tokens),
            handed_on: handed_on(&tokens, &paths),
            paths,
            may_be_null: source.len() < whole.len() || names_null(&tokens),
            makes_objects: tokens.iter().any(|token| matches!(token.text, "{" | "dict")),
        })))
    }

    /// Its text in the file, without `${{ }}`.
    pub(crate) fn source(&self) -> &str {
        &self.0.source
    }

    /// Its path, if it is only a path, such as `steps.members.items`.
    pub(crate) fn path(&self) -> Option<&[String]> {
        self.0.path.as_deref()
    }

    /// All paths that it reads; for filters that name a field of a list's elements, with `*` for the element.
    pub(crate) fn paths(&self) -> &[Vec<String>] {
        &self.0.paths
    }

    /// The steps whose rows it passes on, if it only selects and sorts them.
    pub(crate) fn handed_on(&self) -> Option<&[String]> {
        self.0.handed_on.as_deref()
    }

    /// Its value as JSON text.
    pub(crate) fn json(&self, scope: &Scope) -> Result<String> {
        if let Some((text, rest)) = self.path().map_or(Ok(None), |path| scope.text(path))? {
            let found = rest.iter().try_fold(text.as_ref(), |text, step| within(text, step));
            return Ok(found.unwrap_or("null").to_owned());
        }
        let reading = Arc::new(RecordReading::default());
        let json = self.0.compiled.eval(scope.to_value(&reading)).and_then(|value| language::json(&value));
        match reading.trouble() {
            // After such a failure the value is incomplete, and its own error says less.
            Some(error) if error.kind() == ErrorKind::InvalidOptions => Err(self.named(error)),
            Some(error) => Err(error),
            None => json.map_err(|e| self.named(said(&e))),
        }
    }

    /// The same for a value that is sent: null is an error, unless the expression allows it.
    pub(super) fn needed(&self, scope: &Scope) -> Result<String> {
        let json = self.json(scope)?;
        if self.0.may_be_null {
            return Ok(json);
        }
        // An item's own fields are passed on unchanged; objects created here are checked.
        let fields = self.0.makes_objects.then(|| fields_of(&json)).flatten().unwrap_or_default();
        let hole = fields.iter().find(|(_, raw)| raw.get() == "null").map(|(name, _)| format!("its `{name}`"));
        match hole.or((json == "null").then(|| "it".to_owned())) {
            Some(what) => {
                Err(self.failed(&format!("{what} is null, and null is sent only if the expression allows it"), NULL))
            }
            None => Ok(json),
        }
    }

    /// Its value within text. Null is always an error here: a condition with a gap would mean something else.
    pub(crate) fn within_text(&self, scope: &Scope) -> Result<String> {
        let json = self.json(scope)?;
        let (what, advice) = match json.as_bytes().first() {
            Some(b'"') => {
                return serde_json::from_str(&json).map_err(|e| self.failed(&format!("it is not text: {e}"), NULL));
            }
            Some(b'[') => ("a list", "add | join(',') or | tojson"),
            Some(b'{') => ("an object", "name one of its fields, or add | tojson"),
            Some(b'n') | None => ("null", "add | default('…')"),
            Some(_) => return Ok(json),
        };
        Err(self.failed(&format!("it is {what}, which cannot be part of a text"), advice))
    }

    /// Whether it is true.
    pub(crate) fn truth(&self, scope: &Scope) -> Result<bool> {
        match self.json(scope)?.as_str() {
            "true" => Ok(true),
            "false" => Ok(false),
            other => {
                let mut shown: String = other.chars().take(60).collect();
                shown.push_str(if shown.len() < other.len() { "…" } else { "" });
                Err(self.named(wrong(format!("expected true or false, found {shown}"))))
            }
        }
    }

    fn failed(&self, why: &str, advice: &'static str) -> Error {
        self.named(wrong(why.to_owned())).advise(advice)
    }

    fn named(&self, error: Error) -> Error {
        error.with(|d| d.message = format!("${{{{ {} }}}}: {}", self.source(), d.message))
    }
}

/// Advice for null in a value that is sent.
const NULL: &str = "add | default('…') for another value, or ? to send null: ${{ item.manager ? }}";

fn wrong(why: String) -> Error {
    Error::new(ErrorKind::InvalidOptions, why)
}

/// The engine's message without its position, which is within the expression and not in the file.
fn said(error: &minijinja::Error) -> Error {
    let detail = error.detail().map(str::to_owned);
    let work = || format!("it takes more work than the limit expression_work ({WORK_MAX} steps)");
    match error.kind() {
        Kind::OutOfFuel => wrong(detail.unwrap_or_else(work))
            .advise("split it into several steps, row by row with `for`, `where` and `map`"),
        Kind::SyntaxError | Kind::BadSerialization if detail.is_some() => wrong(detail.unwrap_or_default()),
        kind => wrong(detail.map_or_else(|| kind.to_string(), |detail| format!("{kind}: {detail}"))),
    }
}

fn check_size(tokens: &[Token<'_>]) -> Result<(), Wrong> {
    let (parts, depth) = size(tokens);
    let (what, limit) = match () {
        () if tokens.is_empty() => return Err(("an expression is empty".into(), None)),
        () if parts > PARTS_MAX => ("names and operators", format!("expression_parts ({PARTS_MAX})")),
        () if depth > DEPTH_MAX => ("brackets within brackets", format!("expression_depth ({DEPTH_MAX})")),
        () => return Ok(()),
    };
    let advice = "split it into several steps, or use `map`".to_owned();
    Err((format!("an expression has more {what} than the limit {limit}"), Some(advice)))
}

/// Otherwise unknown names would be found only at evaluation.
fn check_uses(source: &str, tokens: &[Token<'_>]) -> Result<(), Wrong> {
    for (used, name) in uses(tokens) {
        let (what, all) = match used {
            Use::Filter => ("filter", FILTERS),
            Use::Test => ("test", TESTS),
            Use::Function => ("function", FUNCTIONS),
        };
        if !all.contains(&name) {
            let hint = did_you_mean(name, all.iter().copied());
            let advice = hint.is_empty().then(|| format!("{what}s are {}", all.join(", ")));
            return Err((format!("`{source}`: there is no {what} `{name}`{hint}"), advice));
        }
    }
    Ok(())
}

/// Why an expression does not compile, in terms of its original text.
fn no_expression(source: &str, error: &minijinja::Error) -> Wrong {
    // An error that also occurs without the added operator rules refers to the author's own text.
    match language::compile(source.replace(['*', '~'], "/")) {
        Err(e) => (
            format!("`{source}` is not an expression: {}", said(&e).message),
            Some("operators need a value on both sides, and text is in quotes: ${{ item.name == 'text' }}".into()),
        ),
        Ok(_) => (format!("`{source}` is not an expression: at a `*` or `~`: {}", said(error).message), None),
    }
}
