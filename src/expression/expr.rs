//! One expression: parsed with its rules, and evaluated to JSON text. A plain path passes on the original bytes.

use std::rc::Rc;
use std::sync::Arc;

pub(crate) use super::cursor::Wrong;
use super::evaluate::{Evaluation, no_truth, null_sent};
use super::json::within;
use super::lexer::{Token, size, tokens};
use super::parser::parse;
use super::quoted::QuotedValue;
use super::reads::{handed_on, names_null, path, paths};
use super::scope::Scope;
use super::tree::ExprNode;
use super::value::ExprValue;
use super::work::{EvaluationWork, Patterns, wrong};
use super::write;
use crate::error::{Error, ErrorKind, Result};

/// Maximum number of names and operators in one expression. The tree is as deep as a chain is long, and is evaluated
/// recursively.
const PARTS_MAX: usize = 400;

/// Maximum nesting of brackets in one expression, which are parsed recursively.
const DEPTH_MAX: usize = 40;

/// One expression, equal to its source: two with one source are equal, and it is serialized as its source.
#[derive(Clone)]
pub(crate) struct Expr(Arc<ParsedExpr>);

struct ParsedExpr {
    /// As written.
    source: String,
    /// Without the trailing `?`.
    body: String,
    tree: ExprNode,
    path: Option<Vec<String>>,
    paths: Vec<Vec<String>>,
    handed_on: Option<Vec<String>>,
    /// It allows null: it ends with `?`, or null is one of its values.
    may_be_null: bool,
    patterns: Arc<Patterns>,
}

impl Expr {
    /// Parses an expression without its marks.
    pub(crate) fn parse(source: &str) -> Result<Expr, Wrong> {
        let whole = source.trim();
        let source = whole.strip_suffix('?').map_or(whole, str::trim_end);
        check_size(&tokens(source).collect::<Vec<_>>())?;
        let tree = parse(source)?;
        Ok(Expr(Arc::new(ParsedExpr {
            path: path(&tree),
            handed_on: handed_on(&tree),
            paths: paths(&tree),
            may_be_null: source.len() < whole.len() || names_null(&tree),
            patterns: Arc::default(),
            body: source.to_owned(),
            source: whole.to_owned(),
            tree,
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

    /// Whether it puts a text together from others, rather than choosing one.
    pub(crate) fn puts_together(&self) -> bool {
        self.0.tree.puts_together()
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
        match self.moved(scope)? {
            Some(json) => Ok(json),
            None => self.evaluated(scope, false, write::json),
        }
    }

    /// The same for a value that is sent: null is an error, unless the expression allows it.
    pub(super) fn needed(&self, scope: &Scope) -> Result<String> {
        if self.0.may_be_null {
            return self.json(scope);
        }
        let json = match self.moved(scope)? {
            Some(json) => json,
            None => self.evaluated(scope, true, write::json)?,
        };
        if json == "null" { Err(self.named(null_sent("it"))) } else { Ok(json) }
    }

    /// The bytes at its path, if it is a path and the value is there.
    fn moved(&self, scope: &Scope) -> Result<Option<String>> {
        let Some((text, rest)) = self.path().map_or(Ok(None), |path| scope.text(path))? else { return Ok(None) };
        let found = rest.iter().try_fold(text.as_ref(), |text, step| within(text, step));
        Ok(found.map(str::to_owned))
    }

    /// Its value within text. Null is always an error here: a condition with a gap would mean something else.
    pub(crate) fn within_text(&self, scope: &Scope) -> Result<String> {
        self.evaluated(scope, false, |value, _| write::within_text(value, &self.0.body).map(String::from))
    }

    /// The same, as a rule of the text's language writes it.
    pub(super) fn quoted(
        &self,
        scope: &Scope,
        rule: &dyn Fn(&QuotedValue) -> Result<String, String>,
    ) -> Result<String> {
        self.evaluated(scope, false, |value, work| {
            let value = QuotedValue::of(value, &self.0.body, work)?;
            rule(&value).map_err(|why| wrong(format!("its value is {value} and cannot be part of this text: {why}")))
        })
    }

    /// Whether it is true.
    pub(crate) fn truth(&self, scope: &Scope) -> Result<bool> {
        self.evaluated(scope, false, |value, _| match value {
            ExprValue::Bool(is_true) => Ok(*is_true),
            other => Err(no_truth("a condition", &self.0.body, other)),
        })
    }

    fn evaluated<T>(
        &self,
        scope: &Scope,
        is_sent: bool,
        then: impl Fn(&ExprValue, &Rc<EvaluationWork>) -> Result<T>,
    ) -> Result<T> {
        let work = Rc::new(EvaluationWork::new(&self.0.patterns));
        let evaluation = Evaluation { scope, source: &self.0.body, work: Rc::clone(&work), is_sent };
        let result = evaluation.value(&self.0.tree).and_then(|value| then(&value, &work));
        result.map_err(|error| match error.kind() {
            ErrorKind::InvalidOptions => self.named(error.with(|d| d.message = scope.masked(&d.message))),
            _ => error,
        })
    }

    fn named(&self, error: Error) -> Error {
        error.with(|d| d.message = format!("${{{{ {} }}}}: {}", self.source(), d.message))
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
