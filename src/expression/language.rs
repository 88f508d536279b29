//! The language: Jinja's expression grammar on an empty environment, with the filters, tests and functions listed here.
//!
//! Fuel bounds work and memory. The language counts a value when it is created, but not when it is repeated or written
//! out; so `*` does not repeat, `map` pays for its arguments, and texts and values have a size limit.

use std::fmt::Write as _;
use std::sync::LazyLock;

use minijinja::value::{Kwargs, Rest, StringInput, ValueKind, ValueOrKwargs, from_args};
use minijinja::{
    Environment, Error, ErrorKind, Expression, State, UndefinedBehavior, Value, filters, functions, tests,
};

use super::operators::{CONTAINER, NUMBER, TEXT};
use super::record::{BYTES_MAX, ExpressionRecord};

/// Maximum work of one evaluation, in steps of the language. A step pays for 64 bytes, or for two elements of a list.
pub(super) const WORK_MAX: u64 = 5_000_000;
const STEP_BYTES: usize = 64;

/// Maximum bytes per byte of text when it is split.
const PIECES: usize = 16;

/// Maximum indent of JSON, in spaces.
const INDENT_MAX: usize = 8;

static LANGUAGE: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::empty();
    environment.set_undefined_behavior(UndefinedBehavior::Chainable);
    environment.set_fuel(Some(WORK_MAX));
    environment.set_recursion_limit(64);
    add_filter(&mut environment);
    add_test(&mut environment);
    add_function(&mut environment);
    environment.add_filter(TEXT, flat);
    environment.add_filter(NUMBER, number);
    environment.add_filter(CONTAINER, container);
    environment
});

pub(super) fn compile(source: String) -> Result<Expression<'static, 'static>, Error> {
    LANGUAGE.compile_expression_owned(source)
}

/// All names of one kind, with their implementations.
macro_rules! allowed {
    ($names:ident $add:ident $($name:literal: $function:expr,)*) => {
        pub(super) const $names: &[&str] = &[$($name),*];

        fn $add(environment: &mut Environment) {
            $(environment.$add($name, $function);)*
        }
    };
}

macro_rules! of_text {
    ($cost:expr, $filter:ident) => {
        of_text($cost, Value::from_function(filters::$filter))
    };
}

allowed! { FILTERS add_filter
    "abs": filters::abs, "attr": filters::attr, "batch": batch, "bool": filters::bool,
    "capitalize": of_text!(1, capitalize), "count": filters::length, "d": default, "default": default,
    "dictsort": filters::dictsort, "escape": of_text!(1, escape), "first": filters::first, "float": filters::float,
    "format": format, "groupby": filters::groupby, "int": filters::int, "items": filters::items, "join": join,
    "last": filters::last, "length": filters::length, "lines": of_text!(PIECES, lines), "list": filters::list,
    "lower": of_text!(1, lower), "map": map, "max": filters::max, "min": filters::min, "reject": filters::reject,
    "rejectattr": filters::rejectattr, "replace": replace, "reverse": filters::reverse, "round": filters::round,
    "select": filters::select, "selectattr": filters::selectattr, "sort": sort, "split": of_text!(PIECES, split),
    "string": string, "sum": filters::sum, "title": of_text!(1, title), "tojson": tojson, "trim": of_text!(1, trim),
    "unique": filters::unique, "upper": of_text!(1, upper), "zip": filters::zip,
}

allowed! { TESTS add_test
    "boolean": tests::is_boolean, "defined": |value: &Value| !is_null(value), "divisibleby": divisibleby,
    "endingwith": tests::is_endingwith, "eq": tests::is_eq, "equalto": tests::is_eq, "even": tests::is_even,
    "false": tests::is_false, "float": tests::is_float, "ge": tests::is_ge, "greaterthan": tests::is_gt,
    "gt": tests::is_gt, "in": is_in, "integer": tests::is_integer, "iterable": tests::is_iterable, "le": tests::is_le,
    "lessthan": tests::is_lt, "lower": tests::is_lower, "lt": tests::is_lt, "mapping": tests::is_mapping,
    "ne": tests::is_ne, "none": is_null, "number": tests::is_number, "odd": tests::is_odd,
    "sequence": tests::is_sequence, "startingwith": tests::is_startingwith, "string": tests::is_string,
    "true": tests::is_true, "undefined": is_null, "upper": tests::is_upper, "==": tests::is_eq, "!=": tests::is_ne,
    "<": tests::is_lt, "<=": tests::is_le, ">": tests::is_gt, ">=": tests::is_ge,
}

allowed! { FUNCTIONS add_function "dict": functions::dict, "range": functions::range, }

const NULL: &str = "null is not text; add | default('…') after a value that may be null";

fn wrong<T>(why: &'static str) -> Result<T, Error> {
    Err(Error::new(ErrorKind::InvalidOperation, why))
}

fn too_long() -> Error {
    let limit = BYTES_MAX >> 20;
    Error::new(ErrorKind::OutOfFuel, format!("it produces more bytes than the limit expression_bytes ({limit} MiB)"))
}

/// Pays for work that the language does not count.
fn pay(state: &State, bytes: usize) -> Result<(), Error> {
    state.consume_fuel(u64::try_from(bytes / STEP_BYTES).unwrap_or(WORK_MAX))
}

/// Treats a missing field like null, at every depth.
fn is_null(value: &Value) -> bool {
    value.is_none() || value.is_undefined()
}

/// The JSON of a value.
pub(super) fn json(value: &Value) -> Result<String, Error> {
    let json = serde_json::to_string(value);
    let json =
        json.map_err(|e| Error::new(ErrorKind::BadSerialization, format!("it cannot be written as JSON: {e}")))?;
    if json.len() > BYTES_MAX { Err(too_long()) } else { Ok(json) }
}

/// A value that can become text: not null; a list or an object becomes the language's text.
fn flat(value: Value) -> Result<Value, Error> {
    let is_list = matches!(value.kind(), ValueKind::Seq | ValueKind::Iterable);
    if is_null(&value) || (is_list && value.try_iter()?.any(|element| is_null(&element))) {
        return wrong(NULL);
    }
    if value.as_object().is_none() || value.is_kwargs() { Ok(value) } else { Ok(Value::from(value.to_string())) }
}

fn flat_all(args: Rest<ValueOrKwargs>) -> Result<Vec<Value>, Error> {
    args.into_values().into_iter().map(flat).collect()
}

fn string(value: Value) -> Result<String, Error> {
    flat(value).map(|value| value.to_string())
}

/// A filter of texts. The cost per byte, and the number of texts that each byte may be compared with.
fn of_text(
    cost: usize,
    filter: Value,
) -> impl Fn(&mut State, Rest<ValueOrKwargs>) -> Result<Value, Error> + Send + Sync {
    move |state: &mut State, args: Rest<ValueOrKwargs>| {
        let args = flat_all(args)?;
        let mut lengths = args.iter().map(|arg| arg.as_str().map_or(0, str::len));
        pay(state, lengths.next().unwrap_or_default().saturating_mul(cost + lengths.sum::<usize>()))?;
        filter.call(state, &args)
    }
}

fn replace(state: &mut State, args: Rest<ValueOrKwargs>) -> Result<Value, Error> {
    let args = flat_all(args)?;
    let (value, from, to, count, named): (StringInput, StringInput, StringInput, Option<i64>, Kwargs) =
        from_args(&args)?;
    // As in Python, a number below zero is no limit.
    let count = count.or(named.get("count")?).and_then(|n| usize::try_from(n).ok()).unwrap_or(usize::MAX);
    named.assert_all_used()?;
    let found = value.as_str().matches(from.as_str()).take(count).count();
    pay(state, found.saturating_mul(to.as_str().len()))?;
    Ok(Value::from(value.as_str().replacen(from.as_str(), to.as_str(), count)))
}

/// At most as long as its longest argument at each placeholder; the language itself pays for widths.
fn format(state: &mut State, args: Rest<ValueOrKwargs>) -> Result<Value, Error> {
    let args = args.into_values();
    let (format, rest): (&Value, Rest<ValueOrKwargs>) = from_args(&args)?;
    let text = format.as_str().unwrap_or_default();
    // The language panics at both.
    let is_long = |part: &str| part.bytes().take_while(u8::is_ascii_digit).count() > 4;
    let is_foreign = |part: &str| !part.split(')').next().unwrap_or_default().is_ascii();
    if text.split('.').skip(1).any(is_long) || text.split("%(").skip(1).any(is_foreign) {
        return wrong("a format can have a precision of at most four digits, and ASCII names");
    }
    if rest.iter().any(|arg| is_null(arg)) {
        return wrong(NULL);
    }
    let longest = rest.iter().map(|arg| arg.to_string().len()).max().unwrap_or_default();
    pay(state, longest.saturating_mul(text.matches('%').count()))?;
    filters::format(state, format, rest)
}

fn join(
    state: &mut State,
    list: Value,
    joiner: Option<Value>,
    attribute: Option<Value>,
    named: Kwargs,
) -> Result<String, Error> {
    let joiner = string(joiner.or(named.get("d")?).unwrap_or_else(|| Value::from("")))?;
    let attribute = attribute.or(named.get("attribute")?);
    named.assert_all_used()?;
    let list = match attribute.map(|path| Value::from(Kwargs::from_iter([("attribute", path)]))) {
        Some(named) => map(state, list, Rest(vec![named.into()]))?,
        None if is_null(&list) => return wrong(NULL),
        None => list,
    };
    let mut out = String::new();
    for (index, part) in list.try_iter()?.checked().enumerate() {
        state.consume_fuel(1)?;
        out.push_str(if index > 0 { &joiner } else { "" });
        let part = flat(part?)?;
        match part.as_str() {
            Some(text) => out.push_str(text),
            None => write!(out, "{part}").map_err(|_| too_long())?,
        }
        if out.len() > BYTES_MAX {
            return Err(too_long());
        }
    }
    Ok(out)
}

fn tojson(value: Value, indent: Option<Value>, named: Kwargs) -> Result<Value, Error> {
    let indent = indent.or(named.get("indent")?);
    if indent.as_ref().and_then(Value::as_usize).is_some_and(|spaces| spaces > INDENT_MAX) {
        return wrong("the indent of JSON is at most 8 spaces");
    }
    if is_null(&value) {
        return wrong(NULL);
    }
    json(&value).and_then(|_| filters::tojson(&value, indent, named))
}

/// A list of known length. Pays this many bytes for each of its elements.
fn pay_for_each(state: &State, list: Value, bytes: usize) -> Result<Value, Error> {
    let list = if list.len().is_none() { filters::list(state, list)? } else { list };
    pay(state, list.len().unwrap_or_default().saturating_mul(bytes)).map(|()| list)
}

/// Each element has a key for each of the names.
fn sort(state: &mut State, list: Value, named: Kwargs) -> Result<Value, Error> {
    let names = named.peek::<Option<&str>>("attribute")?.map_or(0, |names| names.matches(',').count());
    let list = pay_for_each(state, list, names * STEP_BYTES)?;
    filters::sort(state, list, named)
}

/// Its arguments are evaluated once for each element.
fn map(state: &mut State, mut list: Value, args: Rest<ValueOrKwargs>) -> Result<Value, Error> {
    for arg in args.iter() {
        list = pay_for_each(state, list, json(arg)?.len())?;
    }
    let default = args.last().filter(|arg| arg.is_kwargs()).and_then(|arg| arg.get_attr("default").ok());
    let mapped = filters::map(state, list, args)?;
    let Some(default) = default.filter(|default| !default.is_undefined()) else { return Ok(Value::from(mapped)) };
    Ok(mapped.into_iter().map(|value| if is_null(&value) { default.clone() } else { value }).collect())
}

fn batch(state: &State, list: Value, count: usize, fill: Option<Value>) -> Result<Value, Error> {
    pay(state, fill.as_ref().map_or(Ok(0), |fill| json(fill).map(|json| json.len()))?.saturating_mul(count))?;
    filters::batch(state, list, count, fill)
}

fn default(value: Value, rest: Rest<Value>) -> Value {
    let also_false = rest.get(1).is_some_and(Value::is_true);
    let is_missing = is_null(&value) || (also_false && !value.is_true());
    if is_missing { rest.first().cloned().unwrap_or_else(|| Value::from("")) } else { value }
}

fn divisibleby(value: &Value, by: &Value) -> Result<bool, Error> {
    if *by == Value::from(0) { wrong("division by 0") } else { Ok(tests::is_divisibleby(value, by)) }
}

/// An operand of `*`. Null is passed to the operator, which refuses it.
fn number(value: Value) -> Result<Value, Error> {
    let is_repeated = !is_null(&value) && !matches!(value.kind(), ValueKind::Number | ValueKind::Bool);
    if is_repeated { wrong("`*` is for numbers only") } else { Ok(value) }
}

fn is_in(state: &State, value: &Value, within: Value) -> Result<bool, Error> {
    tests::is_in(state, value, &container(within))
}

/// The right side of `in`. For a record, the names of its fields: otherwise it would have null for every name.
fn container(value: Value) -> Value {
    value.downcast_object_ref::<ExpressionRecord>().map(ExpressionRecord::names).unwrap_or(value)
}
