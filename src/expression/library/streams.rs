//! Filters that go through a list element by element: `map`, `select`, and sums. They hold no list in memory.

use std::cmp::Ordering;
use std::rc::Rc;

use bigdecimal::BigDecimal;

use super::super::access::at_path;
use super::super::compare::order;
use super::super::number::{self, Arithmetic};
use super::super::value::{ElementIter, ExprValue, mistyped};
use super::super::work::{EvaluationWork, short, wrong};
use super::super::write::plain;
use super::call::{Arguments, Tool, ToolCall, ToolKind, Tools, find};
use crate::error::Result;

/// A filter or test for each element.
#[derive(Clone)]
struct Applied {
    tool: &'static Tool,
    args: Arguments<ExprValue>,
    filters: Tools,
    tests: Tools,
}

impl Applied {
    fn new(call: &ToolCall<'_>, kind: ToolKind, name: &ExprValue, rest: &[ExprValue]) -> Result<Applied> {
        let ExprValue::Text(name) = name else {
            return Err(mistyped(
                &format!("`{}`", call.name),
                &format!("the name of a {}", kind.noun()),
                "its argument",
                name,
            ));
        };
        let tools = if kind == ToolKind::Filter { call.filters } else { call.tests };
        let tool = find(kind, tools, &name.as_str()).map_err(|(message, advice)| {
            let error = wrong(format!("`{}`: {message}", call.name));
            match advice {
                Some(advice) => error.advise(advice),
                None => error,
            }
        })?;
        let args = tool.bind(rest.to_vec(), call.args.named.clone()).map_err(wrong)?;
        Ok(Applied { tool, args, filters: call.filters, tests: call.tests })
    }

    fn to(&self, value: &ExprValue, label: &str, work: &Rc<EvaluationWork>) -> Result<ExprValue> {
        let (filters, tests) = (self.filters, self.tests);
        (self.tool.run)(&ToolCall { name: self.tool.name, value, label, args: &self.args, work, filters, tests })
    }
}

/// A lazy list of what a function makes of each element.
fn each(
    call: &ToolCall<'_>,
    make: impl Fn(ExprValue, &str, &Rc<EvaluationWork>) -> Result<Option<ExprValue>> + 'static,
) -> Result<ExprValue> {
    let (list, work, label, make) = (call.list()?.clone(), Rc::clone(call.work), call.element_label(), Rc::new(make));
    Ok(ExprValue::lazy(move || {
        let (work, label, make) = (Rc::clone(&work), Rc::clone(&label), Rc::clone(&make));
        let elements = list.elements(&work)?;
        Ok(Box::new(elements.filter_map(move |value| {
            let made = value.and_then(|value| work.step().and_then(|()| make(value, &label, &work)));
            made.transpose()
        })))
    }))
}

/// `map('filter', …)` applies a filter; `map(attribute='a.b')` takes a field.
pub(super) fn map(call: &ToolCall<'_>) -> Result<ExprValue> {
    if let Some(name) = call.arg(0) {
        let applied = Applied::new(call, ToolKind::Filter, name, &call.args.rest)?;
        return each(call, move |value, label, work| applied.to(&value, label, work).map(Some));
    }
    let (mut path, mut default) = (None, None);
    for (name, value) in &call.args.named {
        match (name.as_str(), value) {
            ("attribute", value) => {
                path = Some(super::super::access::path_of(&plain(value, "`map`", "its attribute")?))
            }
            ("default", value) => default = Some(value.clone()),
            (name, _) => return Err(wrong(format!("`map` has no argument `{}`", short(name)))),
        }
    }
    let Some(path) = path else {
        return Err(wrong("`map` needs a filter or a field").advise("write map('upper') or map(attribute='id')"));
    };
    each(call, move |value, label, work| {
        let found = at_path(&value, &path, label, work)?;
        let replaced = default.as_ref().filter(|_| found.is_null());
        Ok(Some(replaced.cloned().unwrap_or(found)))
    })
}

/// Keeps the elements for which a test has this result. Without a test, null and false count as not true.
fn kept(call: &ToolCall<'_>, path: Vec<String>, test: Option<&ExprValue>, expected: bool) -> Result<ExprValue> {
    let applied = test.map(|name| Applied::new(call, ToolKind::Test, name, &call.args.rest)).transpose()?;
    each(call, move |value, label, work| {
        let tested = if path.is_empty() { value.clone() } else { at_path(&value, &path, label, work)? };
        let result = match &applied {
            Some(applied) if path.is_empty() => applied.to(&tested, label, work)?,
            Some(applied) => applied.to(&tested, &format!("`{}` of {label}", path.join(".")), work)?,
            None => ExprValue::Bool(!tested.is_null() && !matches!(tested, ExprValue::Bool(false))),
        };
        Ok(matches!(result, ExprValue::Bool(found) if found == expected).then_some(value))
    })
}

pub(super) fn select(call: &ToolCall<'_>) -> Result<ExprValue> {
    kept(call, Vec::new(), call.arg(0), true)
}

pub(super) fn reject(call: &ToolCall<'_>) -> Result<ExprValue> {
    kept(call, Vec::new(), call.arg(0), false)
}

pub(super) fn selectattr(call: &ToolCall<'_>) -> Result<ExprValue> {
    kept(call, call.path_arg(0)?.unwrap_or_default(), call.arg(1), true)
}

pub(super) fn rejectattr(call: &ToolCall<'_>) -> Result<ExprValue> {
    kept(call, call.path_arg(0)?.unwrap_or_default(), call.arg(1), false)
}

/// The values of the elements, or those at the path in an argument.
fn values(call: &ToolCall<'_>, at: usize) -> Result<ElementIter> {
    let elements = call.list()?.elements(call.work)?;
    let Some(path) = call.path_arg(at)? else { return Ok(elements) };
    let (label, work) = (call.element_label(), Rc::clone(call.work));
    Ok(Box::new(elements.map(move |value| at_path(&value?, &path, &label, &work))))
}

fn values_label(call: &ToolCall<'_>, at: usize) -> String {
    let label = call.element_label();
    match call.arg(at) {
        Some(ExprValue::Text(path)) => format!("`{}` of {label}", path.as_str()),
        _ => label.to_string(),
    }
}

/// An exact sum: of short whole numbers without allocation.
#[derive(Default)]
struct ExactSum {
    small: i128,
    rest: Option<BigDecimal>,
    count: u64,
}

impl ExactSum {
    fn add(&mut self, text: &str) -> Result<()> {
        self.count += 1;
        match number::small(text) {
            Some(number) => self.small = self.small.saturating_add(i128::from(number)),
            None => {
                let number = number::decimal(text)?;
                self.rest = Some(self.rest.take().map_or(number.clone(), |rest| number::plus(&rest, &number)));
            }
        }
        Ok(())
    }

    fn total(&self) -> Result<String> {
        match &self.rest {
            None => Ok(self.small.to_string()),
            Some(rest) => number::written(&number::plus(rest, &BigDecimal::from(self.small))),
        }
    }
}

fn summed(call: &ToolCall<'_>) -> Result<ExactSum> {
    let mut sum = ExactSum::default();
    for value in values(call, 0)? {
        call.work.step()?;
        match value? {
            ExprValue::Number(part) => sum.add(part.as_str())?,
            other => return Err(mistyped(&format!("`{}`", call.name), "numbers", &values_label(call, 0), &other)),
        }
    }
    Ok(sum)
}

pub(super) fn sum(call: &ToolCall<'_>) -> Result<ExprValue> {
    let mut sum = summed(call)?;
    if call.arg(1).is_some() {
        sum.add(call.number_arg(1)?)?;
    }
    Ok(ExprValue::number(&sum.total()?))
}

pub(super) fn avg(call: &ToolCall<'_>) -> Result<ExprValue> {
    let sum = summed(call)?;
    if sum.count == 0 {
        return Ok(ExprValue::Null);
    }
    Ok(ExprValue::number(&number::calculate(Arithmetic::Divide, &sum.total()?, &sum.count.to_string())?))
}

fn extreme(call: &ToolCall<'_>, wanted: Ordering) -> Result<ExprValue> {
    let label = values_label(call, 0);
    let mut best: Option<ExprValue> = None;
    for value in values(call, 0)? {
        let value = value?;
        call.work.step()?;
        let is_better = match &best {
            // Also refuses a single value that has no order.
            None => order(&value, &value, [&label, &label], call.work).map(|_| true)?,
            Some(best) => order(&value, best, [&label, "another"], call.work)? == wanted,
        };
        if is_better {
            best = Some(value);
        }
    }
    Ok(best.map_or(ExprValue::Null, ExprValue::detached))
}

pub(super) fn min(call: &ToolCall<'_>) -> Result<ExprValue> {
    extreme(call, Ordering::Less)
}

pub(super) fn max(call: &ToolCall<'_>) -> Result<ExprValue> {
    extreme(call, Ordering::Greater)
}

/// The elements as one text.
pub(super) fn join(call: &ToolCall<'_>) -> Result<ExprValue> {
    let joiner = match call.arg(0) {
        None => String::new(),
        Some(joiner) => plain(joiner, "`join`", "its argument")?.into_owned(),
    };
    let label = values_label(call, 1);
    let mut out = String::new();
    for (index, value) in values(call, 1)?.enumerate() {
        let value = value?;
        let part = plain(&value, "`join`", &label)?;
        out.push_str(if index > 0 { &joiner } else { "" });
        out.push_str(&part);
        call.work.text(joiner.len().saturating_add(part.len()))?;
        call.work.fits(out.len())?;
    }
    Ok(ExprValue::text(&out))
}

/// Whole numbers; at most 100,000.
pub(super) fn range(call: &ToolCall<'_>) -> Result<ExprValue> {
    const NUMBERS: i64 = 100_000;
    let (from, to) = match call.arg(1) {
        None => (0, call.whole_or(0, 0)?),
        Some(_) => (call.whole_or(0, 0)?, call.whole_or(1, 0)?),
    };
    let step = call.whole_or(2, 1)?;
    if step == 0 {
        return Err(wrong("the step of `range` is 0"));
    }
    let distance = if step > 0 { to.saturating_sub(from) } else { from.saturating_sub(to) };
    let size = step.saturating_abs();
    let count = if distance <= 0 { 0 } else { (distance - 1) / size + 1 };
    if count > NUMBERS {
        return Err(wrong(format!("`range` has too many elements: {count}, the limit is {NUMBERS}")));
    }
    let work = Rc::clone(call.work);
    Ok(ExprValue::lazy(move || {
        let work = Rc::clone(&work);
        Ok(Box::new((0..count).map(move |at| {
            work.element()?;
            Ok(ExprValue::number(&(from + at * step).to_string()))
        })))
    }))
}
