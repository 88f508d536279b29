//! Evaluates the tree of an expression.

use std::rc::Rc;

use indexmap::IndexMap;

use super::access::{Bounds, field, index, slice};
use super::compare::{contains, equal, order};
use super::json::Part;
use super::library::call::{Arguments, Tool, ToolCall, ToolKind};
use super::library::{FILTERS, TESTS};
use super::number::{self, Arithmetic};
use super::scope::Scope;
use super::times;
use super::tree::{ExprComparison, ExprLiteral, ExprNode, Logic, NodeKind};
use super::value::{ExprText, ExprValue, Map, mistyped};
use super::work::{EvaluationWork, operand, short, wrong};
use super::write::plain;
use crate::error::{Error, Result};

/// One evaluation.
pub(super) struct Evaluation<'e> {
    pub(super) scope: &'e Scope,
    /// The text of the expression, for messages.
    pub(super) source: &'e str,
    pub(super) work: Rc<EvaluationWork>,
    /// Null in an object that the expression creates is an error.
    pub(super) is_sent: bool,
}

impl<'e> Evaluation<'e> {
    fn label(&self, node: &ExprNode) -> &'e str {
        node.source(self.source)
    }

    /// The value of a part. A chain such as `a + b + c` is evaluated from its first value on without recursion, because
    /// it may be long.
    pub(super) fn value(&self, node: &ExprNode) -> Result<ExprValue> {
        let (mut chain, mut first) = (Vec::new(), node);
        while let Some(inner) = first.first() {
            chain.push(first);
            first = inner;
        }
        let mut value = self.alone(first)?;
        while let Some(node) = chain.pop() {
            self.work.step()?;
            value = self.applied(node, value)?;
        }
        Ok(value)
    }

    /// A part that begins with no other.
    fn alone(&self, mut node: &ExprNode) -> Result<ExprValue> {
        loop {
            self.work.step()?;
            node = match &node.kind {
                NodeKind::Literal(literal) => return Ok(written(literal)),
                NodeKind::Name(name) => return Ok(self.name(name)),
                NodeKind::List(list) => return self.list(list),
                NodeKind::Map(map) => return self.map(map),
                NodeKind::Call { kind, tool, args, .. } => {
                    return self.call((*kind, tool), (&ExprValue::Null, ""), args);
                }
                NodeKind::If { test, value, otherwise } => match (self.truth(test)?, otherwise) {
                    (true, _) => value,
                    (false, Some(otherwise)) => otherwise,
                    (false, None) => return Ok(ExprValue::Null),
                },
                // These begin with another part.
                NodeKind::Field { .. }
                | NodeKind::Index { .. }
                | NodeKind::Slice { .. }
                | NodeKind::Negative(_)
                | NodeKind::Calculate(..)
                | NodeKind::Join(..)
                | NodeKind::Compare(..)
                | NodeKind::Logic(..)
                | NodeKind::Not(_) => return Ok(ExprValue::Null),
            };
            if node.first().is_some() {
                return self.value(node);
            }
        }
    }

    /// A part whose first value is known.
    fn applied(&self, node: &ExprNode, value: ExprValue) -> Result<ExprValue> {
        match &node.kind {
            NodeKind::Field { of, name, is_safe } => {
                let found = field(&value, name, *is_safe, self.label(of), &self.work)?;
                Ok(passed_by(found, *is_safe))
            }
            NodeKind::Index { of, key, is_safe } => {
                let labels = [self.label(of), self.label(key)];
                let found = index(&value, &self.value(key)?, labels, *is_safe, &self.work)?;
                Ok(passed_by(found, *is_safe))
            }
            NodeKind::Slice { of, bounds } => self.slice((&value, of), bounds),
            NodeKind::Negative(of) => self.negative(value, of),
            NodeKind::Calculate(operator, a, b) => self.calculate(*operator, (value, a), b),
            NodeKind::Join(a, b) => self.join((&value, a), b),
            NodeKind::Compare(comparison, a, b) => self.compare(*comparison, (&value, a), b).map(ExprValue::Bool),
            NodeKind::Logic(logic, a, b) => {
                let is_decided = self.is_true(&value, a, logic.word())? == (*logic == Logic::Or);
                let result =
                    if is_decided { *logic == Logic::Or } else { self.is_true(&self.value(b)?, b, logic.word())? };
                Ok(ExprValue::Bool(result))
            }
            NodeKind::Not(of) => Ok(ExprValue::Bool(!self.is_true(&value, of, "not")?)),
            NodeKind::Call { kind, tool, of, args } => {
                let label = of.as_ref().map_or("", |of| self.label(of));
                self.call((*kind, tool), (&value, label), args)
            }
            // These begin with no other part.
            NodeKind::Literal(_) | NodeKind::Name(_) | NodeKind::List(_) | NodeKind::Map(_) | NodeKind::If { .. } => {
                Ok(value)
            }
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

    fn slice(&self, (value, of): (&ExprValue, &ExprNode), bounds: &[Option<Box<ExprNode>>; 3]) -> Result<ExprValue> {
        let bound = |node: &Option<Box<ExprNode>>| match node {
            None => Ok(None),
            Some(node) => match self.value(node)? {
                ExprValue::Null => Ok(None),
                ExprValue::Number(part) if number::small(part.as_str()).is_some() => Ok(number::small(part.as_str())),
                other => Err(mistyped("a slice", "whole numbers", self.label(node), &other)),
            },
        };
        let [from, to, step] = bounds;
        let bounds = Bounds { from: bound(from)?, to: bound(to)?, step: bound(step)?.unwrap_or(1) };
        slice(value, bounds, self.label(of), &self.work)
    }

    fn list(&self, list: &[ExprNode]) -> Result<ExprValue> {
        let value = |node: &ExprNode| {
            self.work.hold(0)?;
            Ok(moved(self.value(node)?))
        };
        Ok(ExprValue::list(list.iter().map(value).collect::<Result<_>>()?))
    }

    fn map(&self, map: &[(ExprNode, ExprNode)]) -> Result<ExprValue> {
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

    fn negative(&self, value: ExprValue, of: &ExprNode) -> Result<ExprValue> {
        match value {
            ExprValue::Number(part) => Ok(ExprValue::number(&number::negative(part.as_str()))),
            ExprValue::Duration(span) => Ok(ExprValue::Duration(Box::new(span.negate()))),
            other => Err(mistyped("`-`", "a number", self.label(of), &other)),
        }
    }

    fn calculate(
        &self,
        operator: Arithmetic,
        (a, left): (ExprValue, &ExprNode),
        right: &ExprNode,
    ) -> Result<ExprValue> {
        let b = self.value(right)?;
        match (operator, &a, &b) {
            (_, ExprValue::Number(a), ExprValue::Number(b)) => {
                self.work.text(a.as_str().len() + b.as_str().len())?;
                let result = number::calculate(operator, a.as_str(), b.as_str());
                let text = result.map_err(|error| {
                    let values = format!("{} {} {}", short(a.as_str()), operator.mark(), short(b.as_str()));
                    error.with(|d| d.message = format!("{values}: {}", d.message))
                })?;
                return Ok(ExprValue::number(&text));
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
    fn not_calculated(&self, operator: Arithmetic, a: (&ExprValue, &ExprNode), b: (&ExprValue, &ExprNode)) -> Error {
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

    fn join(&self, (a, left): (&ExprValue, &ExprNode), right: &ExprNode) -> Result<ExprValue> {
        let b = self.value(right)?;
        let (a, b) = (plain(a, "`~`", self.label(left))?, plain(&b, "`~`", self.label(right))?);
        self.work.produce(a.len().saturating_add(b.len()))?;
        Ok(ExprValue::text(&(a.into_owned() + &b)))
    }

    fn compare(
        &self,
        comparison: ExprComparison,
        (a, left): (&ExprValue, &ExprNode),
        right: &ExprNode,
    ) -> Result<bool> {
        let b = self.value(right)?;
        let labels = [self.label(left), self.label(right)];
        let order = || order(a, &b, labels, &self.work);
        match comparison {
            ExprComparison::Equal => equal(a, &b, labels, &self.work),
            ExprComparison::NotEqual => equal(a, &b, labels, &self.work).map(|is_equal| !is_equal),
            ExprComparison::Less => Ok(order()?.is_lt()),
            ExprComparison::LessOrEqual => Ok(order()?.is_le()),
            ExprComparison::Greater => Ok(order()?.is_gt()),
            ExprComparison::GreaterOrEqual => Ok(order()?.is_ge()),
            ExprComparison::In => contains(&b, a, labels, &self.work),
            ExprComparison::NotIn => contains(&b, a, labels, &self.work).map(|is_in| !is_in),
        }
    }

    /// The condition of an `if`.
    fn truth(&self, node: &ExprNode) -> Result<bool> {
        self.is_true(&self.value(node)?, node, "if")
    }

    fn is_true(&self, value: &ExprValue, node: &ExprNode, what: &str) -> Result<bool> {
        match value {
            ExprValue::Bool(is_true) => Ok(*is_true),
            other => Err(no_truth(&format!("`{what}`"), self.label(node), other)),
        }
    }

    fn call(
        &self,
        (kind, tool): (ToolKind, &'static Tool),
        (value, label): (&ExprValue, &str),
        args: &Arguments<ExprNode>,
    ) -> Result<ExprValue> {
        let args = args.try_map(|node| Ok(moved(self.value(node)?)))?;
        // An object that a function makes is like one in { }.
        if self.is_sent
            && kind == ToolKind::Function
            && let Some((name, _)) = args.named.iter().find(|(_, value)| value.is_null())
        {
            return Err(null_sent(&format!("its `{name}`")));
        }
        let call =
            ToolCall { name: tool.name, value, label, args: &args, work: &self.work, filters: FILTERS, tests: TESTS };
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
    let error = mistyped(what, "true or false", label, value);
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
    (value, node): (&'v ExprValue, &'v ExprNode),
    (other, _): (&ExprValue, &ExprNode),
) -> Option<(&'v ExprValue, &'v ExprNode)> {
    let is_moment =
        |value: &ExprValue| matches!(value, ExprValue::Time(_) | ExprValue::Date(_) | ExprValue::Duration(_));
    (is_moment(other) && !is_moment(value) && !value.is_null()).then_some((value, node))
}

fn written(literal: &ExprLiteral) -> ExprValue {
    match literal {
        ExprLiteral::Null => ExprValue::Null,
        ExprLiteral::Bool(is_true) => ExprValue::Bool(*is_true),
        ExprLiteral::Number(text) => ExprValue::Number(Part::whole(text.clone())),
        ExprLiteral::Text(text) => ExprValue::Text(ExprText::plain(Part::whole(text.clone()))),
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
