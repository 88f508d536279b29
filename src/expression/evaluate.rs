//! Evaluates the tree of an expression.

use std::rc::Rc;

use indexmap::IndexMap;

use super::access::{Bounds, field, index, slice};
use super::compare::{contains, equal, order};
use super::json::Part;
use super::library::call::{Arguments, Call, Tool, ToolKind};
use super::library::{FILTERS, TESTS};
use super::number::{self, Arithmetic};
use super::scope::Scope;
use super::times;
use super::tree::{Comparison, Literal, Logic, Node, NodeKind};
use super::value::{ExprValue, Map, Text, mistyped};
use super::work::{Work, operand, short, wrong};
use super::write::plain;
use crate::error::{Error, Result};

/// One evaluation.
pub(super) struct Evaluation<'e> {
    pub(super) scope: &'e Scope,
    /// The text of the expression, for messages.
    pub(super) source: &'e str,
    pub(super) work: Rc<Work>,
    /// Null in an object that the expression creates is an error.
    pub(super) is_sent: bool,
}

impl<'e> Evaluation<'e> {
    fn label(&self, node: &Node) -> &'e str {
        node.source(self.source)
    }

    pub(super) fn value(&self, node: &Node) -> Result<ExprValue> {
        self.work.step()?;
        match &node.kind {
            NodeKind::Literal(literal) => Ok(written(literal)),
            NodeKind::Name(name) => Ok(self.name(name)),
            NodeKind::Field { of, name, is_safe } => {
                let found = field(&self.value(of)?, name, *is_safe, self.label(of), &self.work)?;
                Ok(passed_by(found, *is_safe))
            }
            NodeKind::Index { of, key, is_safe } => {
                let labels = [self.label(of), self.label(key)];
                let found = index(&self.value(of)?, &self.value(key)?, labels, *is_safe, &self.work)?;
                Ok(passed_by(found, *is_safe))
            }
            NodeKind::Slice { of, bounds } => self.slice(of, bounds),
            NodeKind::List(list) => self.list(list),
            NodeKind::Map(map) => self.map(map),
            NodeKind::Negative(of) => self.negative(of),
            NodeKind::Calculate(operator, a, b) => self.calculate(*operator, a, b),
            NodeKind::Join(a, b) => self.join(a, b),
            NodeKind::Compare(comparison, a, b) => self.compare(*comparison, a, b).map(ExprValue::Bool),
            NodeKind::Logic(logic, a, b) => {
                let what = format_args!("`{}`", logic.word());
                let is_decided = self.truth(a, &what)? == (*logic == Logic::Or);
                let result = if is_decided { *logic == Logic::Or } else { self.truth(b, &what)? };
                Ok(ExprValue::Bool(result))
            }
            NodeKind::Not(of) => Ok(ExprValue::Bool(!self.truth(of, &"`not`")?)),
            NodeKind::If { test, value, otherwise } => match (self.truth(test, &"`if`")?, otherwise) {
                (true, _) => self.value(value),
                (false, Some(otherwise)) => self.value(otherwise),
                (false, None) => Ok(ExprValue::Null),
            },
            NodeKind::Call { kind, tool, of, args } => self.call(*kind, tool, of.as_deref(), args),
        }
    }

    fn name(&self, name: &str) -> ExprValue {
        if let Some(text) = self.scope.changing(name) {
            return ExprValue::of_json(Part::whole(text.clone()));
        }
        match name {
            "index" => self.scope.index.map_or(ExprValue::Absent, |index| ExprValue::number(&index.to_string())),
            "steps" => ExprValue::Map(Map::Steps(self.scope.steps.clone())),
            name => self
                .scope
                .fixed
                .get(name)
                .map_or(ExprValue::Absent, |fields| ExprValue::Map(Map::Named(fields.clone()))),
        }
    }

    fn slice(&self, of: &Node, bounds: &[Option<Box<Node>>; 3]) -> Result<ExprValue> {
        let bound = |node: &Option<Box<Node>>| match node {
            None => Ok(None),
            Some(node) => match self.value(node)? {
                ExprValue::Null => Ok(None),
                ExprValue::Number(part) if number::small(part.as_str()).is_some() => Ok(number::small(part.as_str())),
                other => Err(mistyped("a slice", "whole numbers", self.label(node), &other)),
            },
        };
        let [from, to, step] = bounds;
        let bounds = Bounds { from: bound(from)?, to: bound(to)?, step: bound(step)?.unwrap_or(1) };
        slice(&self.value(of)?, bounds, self.label(of), &self.work)
    }

    fn list(&self, list: &[Node]) -> Result<ExprValue> {
        let value = |node: &Node| {
            self.work.hold(0)?;
            Ok(moved(self.value(node)?))
        };
        Ok(ExprValue::list(list.iter().map(value).collect::<Result<_>>()?))
    }

    fn map(&self, map: &[(Node, Node)]) -> Result<ExprValue> {
        let mut made = IndexMap::with_capacity(map.len());
        for (key, node) in map {
            let name = plain(&self.value(key)?, "a field of { }", self.label(key))?.into_owned();
            let value = moved(self.value(node)?);
            self.work.hold(name.len())?;
            if self.is_sent && matches!(value, ExprValue::Null) {
                return Err(null_sent(&format!("its `{name}`")));
            }
            made.insert(name, value);
        }
        Ok(ExprValue::map(made))
    }

    fn negative(&self, of: &Node) -> Result<ExprValue> {
        match self.value(of)? {
            ExprValue::Number(part) => Ok(ExprValue::number(&number::negative(part.as_str()))),
            ExprValue::Duration(span) => Ok(ExprValue::Duration(Box::new(span.negate()))),
            other => Err(mistyped("`-`", "a number", self.label(of), &other)),
        }
    }

    fn calculate(&self, operator: Arithmetic, left: &Node, right: &Node) -> Result<ExprValue> {
        let (a, b) = (self.value(left)?, self.value(right)?);
        match (operator, &a, &b) {
            (_, ExprValue::Number(a), ExprValue::Number(b)) => {
                self.work.text(a.as_str().len() + b.as_str().len())?;
                return Ok(ExprValue::number(&number::calculate(operator, a.as_str(), b.as_str())?));
            }
            (Arithmetic::Add, ExprValue::List(a), ExprValue::List(b)) => {
                let (a, b, work) = (a.clone(), b.clone(), self.work.clone());
                return Ok(ExprValue::lazy(move || Ok(Box::new(a.elements(&work)?.chain(b.elements(&work)?)))));
            }
            (Arithmetic::Multiply, ExprValue::Duration(span), ExprValue::Number(part))
            | (Arithmetic::Multiply, ExprValue::Number(part), ExprValue::Duration(span)) => {
                return times::times(span, part.as_str());
            }
            (Arithmetic::Add | Arithmetic::Subtract, a, b) => {
                if let Some(sum) = times::add(a, b, operator == Arithmetic::Subtract)? {
                    return Ok(sum);
                }
            }
            _ => {}
        }
        Err(self.not_calculated(operator, (&a, left), (&b, right)))
    }

    /// The error for operands of the wrong types.
    fn not_calculated(&self, operator: Arithmetic, a: (&ExprValue, &Node), b: (&ExprValue, &Node)) -> Error {
        let is_number = |value: &ExprValue| matches!(value, ExprValue::Number(_));
        let is_sum = matches!(operator, Arithmetic::Add | Arithmetic::Subtract);
        if let Some((value, node)) = beside_moment(a, b).or_else(|| beside_moment(b, a)).filter(|_| is_sum) {
            let error = mistyped(&format!("`{}`", operator.mark()), "times and durations", self.label(node), value);
            return match value {
                ExprValue::Text(_) => {
                    error.advise(format!("write {} | time, or | duration", operand(self.label(node))))
                }
                ExprValue::Number(_) => error.advise("durations are written duration('1h30m')"),
                _ => error,
            };
        }
        let (value, node) = if a.0.is_null() || (!is_number(a.0) && !b.0.is_null()) { a } else { b };
        let label = operand(self.label(node));
        let error = mistyped(&format!("`{}`", operator.mark()), "numbers", self.label(node), value);
        match value {
            ExprValue::Text(_) if operator == Arithmetic::Add && !is_number(a.0) && !is_number(b.0) => {
                error.advise("texts are joined with ~")
            }
            ExprValue::Text(_) => error.advise(format!("write {label} | number, or join texts with ~")),
            ExprValue::List(_) if operator == Arithmetic::Add => error.advise("a list is added to a list: [1] + [2]"),
            _ => error,
        }
    }

    fn join(&self, left: &Node, right: &Node) -> Result<ExprValue> {
        let (a, b) = (self.value(left)?, self.value(right)?);
        let (a, b) = (plain(&a, "`~`", self.label(left))?, plain(&b, "`~`", self.label(right))?);
        self.work.produce(a.len().saturating_add(b.len()))?;
        Ok(ExprValue::text(&(a.into_owned() + &b)))
    }

    fn compare(&self, comparison: Comparison, left: &Node, right: &Node) -> Result<bool> {
        let (a, b) = (self.value(left)?, self.value(right)?);
        let labels = [self.label(left), self.label(right)];
        let order = || order(&a, &b, labels, &self.work);
        match comparison {
            Comparison::Equal => equal(&a, &b, labels, &self.work),
            Comparison::NotEqual => equal(&a, &b, labels, &self.work).map(|is_equal| !is_equal),
            Comparison::Less => Ok(order()?.is_lt()),
            Comparison::LessOrEqual => Ok(order()?.is_le()),
            Comparison::Greater => Ok(order()?.is_gt()),
            Comparison::GreaterOrEqual => Ok(order()?.is_ge()),
            Comparison::In => contains(&b, &a, labels, &self.work),
            Comparison::NotIn => contains(&b, &a, labels, &self.work).map(|is_in| !is_in),
        }
    }

    fn truth(&self, node: &Node, what: &dyn std::fmt::Display) -> Result<bool> {
        match self.value(node)? {
            ExprValue::Bool(is_true) => Ok(is_true),
            other => Err(no_truth(&what.to_string(), self.label(node), &other)),
        }
    }

    fn call(
        &self,
        kind: ToolKind,
        tool: &'static Tool,
        of: Option<&Node>,
        args: &Arguments<Node>,
    ) -> Result<ExprValue> {
        let value = match of {
            Some(of) => self.value(of)?,
            None => ExprValue::Null,
        };
        let args = args.try_map(|node| Ok(moved(self.value(node)?)))?;
        // An object that a function makes is like one in { }.
        if self.is_sent
            && kind == ToolKind::Function
            && let Some((name, _)) = args.named.iter().find(|(_, value)| value.is_null())
        {
            return Err(null_sent(&format!("its `{name}`")));
        }
        let label = of.map_or("", |of| self.label(of));
        let call = Call {
            name: tool.name,
            value: &value,
            label,
            args: &args,
            work: &self.work,
            filters: FILTERS,
            tests: TESTS,
        };
        (tool.run)(&call)
    }
}

/// The error for null in a value that is sent.
pub(super) fn null_sent(what: &str) -> Error {
    wrong(format!("{what} is null, and null is sent only if the expression allows it"))
        .advise("add | default('…') for another value, or ? to send null: ${{ item.manager ? }}")
}

/// The error for a condition that is not true or false.
pub(super) fn no_truth(what: &str, label: &str, value: &ExprValue) -> Error {
    let error = wrong(format!("{what} needs true or false: {} is {}", short(label), value.shown()));
    let label = operand(label);
    match value {
        ExprValue::Null | ExprValue::Absent => {
            error.advise(format!("write {label} | default(false), or {label} is not none"))
        }
        ExprValue::Number(_) => error.advise(format!("write {label} != 0")),
        ExprValue::Text(_) => error.advise(format!("write {label} != '' or {label} | bool")),
        ExprValue::List(_) | ExprValue::Map(_) => error.advise(format!("write {label} | length > 0")),
        ExprValue::Bool(_) | ExprValue::Time(_) | ExprValue::Date(_) | ExprValue::Duration(_) => {
            error.advise("compare it with another value")
        }
    }
}

/// The operand that cannot be calculated with the other one, which is a time, date or duration.
fn beside_moment<'v>(
    (value, node): (&'v ExprValue, &'v Node),
    (other, _): (&ExprValue, &Node),
) -> Option<(&'v ExprValue, &'v Node)> {
    let is_moment =
        |value: &ExprValue| matches!(value, ExprValue::Time(_) | ExprValue::Date(_) | ExprValue::Duration(_));
    (is_moment(other) && !is_moment(value) && !value.is_null()).then_some((value, node))
}

fn written(literal: &Literal) -> ExprValue {
    match literal {
        Literal::Null => ExprValue::Null,
        Literal::Bool(is_true) => ExprValue::Bool(*is_true),
        Literal::Number(text) => ExprValue::Number(Part::whole(text.clone())),
        Literal::Text(text) => ExprValue::Text(Text::plain(Part::whole(text.clone()))),
    }
}

/// `?.` gives null for what is absent.
fn passed_by(value: ExprValue, is_safe: bool) -> ExprValue {
    if is_safe { moved(value) } else { value }
}

/// A value that is moved on: absent becomes null.
fn moved(value: ExprValue) -> ExprValue {
    if matches!(value, ExprValue::Absent) { ExprValue::Null } else { value }
}
