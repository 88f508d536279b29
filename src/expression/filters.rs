//! The filters of the expression language with what they go through and make paid for, before they make it.
//!
//! The language counts the elements that a filter visits, but not what it makes of them before it has made it.

use std::collections::BTreeSet;

use minijinja::value::{Kwargs, Rest, StringInput, ValueKind, ValueOrKwargs, from_args};
use minijinja::{Environment, Error, ErrorKind, State, Value, filters, functions};

use super::budget::{self, Limit, Text, Weight};
use super::record::Record;

/// The filter at both sides of every `*`: the language repeats lists without counting.
pub(crate) const FACTOR: &str = "opnode_factor";

/// The filter at the right of every `+`: the language goes through joined lists list by list.
pub(crate) const TERM: &str = "opnode_term";

/// The filter at both sides of every `~`, which has no place for null.
pub(crate) const TEXT: &str = "opnode_text";

/// The filter at the right of every `in`: of a record, the language would ask what it has for a name, which is null at least.
pub(crate) const CONTAINER: &str = "opnode_in";

/// What a list that is added costs, in elements.
const ADDED: u64 = 50_000;

/// Times that a filter compares its elements, in the share of one that the bytes of a comparison take.
const COMPARED: u64 = 32;

/// What is paid before a filter runs; arguments may be replaced by their text.
type Price = fn(&mut [Value]) -> Result<(), Error>;

/// Puts guards in front of all filters and functions that go through lists or make texts.
pub(crate) fn guard(environment: &mut Environment) {
    let mut guarded = |name: &'static str, filter: Value, price: Price| {
        environment.add_filter(name, move |state: &mut State, args: Rest<ValueOrKwargs>| {
            let mut args = args.into_values();
            price(&mut args)?;
            filter.call(state, &args)
        });
    };
    for (name, filter) in [
        ("upper", Value::from_function(filters::upper)),
        ("lower", Value::from_function(filters::lower)),
        ("title", Value::from_function(filters::title)),
        ("capitalize", Value::from_function(filters::capitalize)),
        ("safe", Value::from_function(filters::safe)),
    ] {
        guarded(name, filter, text);
    }
    for (name, filter) in [
        ("list", Value::from_function(filters::list)),
        ("reverse", Value::from_function(filters::reverse)),
        ("last", Value::from_function(filters::last)),
        ("items", Value::from_function(filters::items)),
        ("select", Value::from_function(filters::select)),
        ("reject", Value::from_function(filters::reject)),
        ("selectattr", Value::from_function(filters::selectattr)),
        ("rejectattr", Value::from_function(filters::rejectattr)),
        ("map", Value::from_function(filters::map)),
    ] {
        guarded(name, filter, each);
    }
    for (name, filter) in [
        ("sort", Value::from_function(filters::sort)),
        ("unique", Value::from_function(filters::unique)),
        ("groupby", Value::from_function(filters::groupby)),
        ("dictsort", Value::from_function(filters::dictsort)),
        ("min", Value::from_function(filters::min)),
        ("max", Value::from_function(filters::max)),
    ] {
        guarded(name, filter, compared);
    }
    guarded("escape", Value::from_function(filters::escape), escaped);
    guarded("e", Value::from_function(filters::escape), escaped);
    guarded("batch", Value::from_function(filters::batch), grouped);
    guarded("slice", Value::from_function(filters::slice), grouped);
    guarded("zip", Value::from_function(filters::zip), joined_lists);
    guarded("chain", Value::from_function(filters::chain), joined_lists);
    guarded("sum", Value::from_function(filters::sum), summed);
    guarded("split", Value::from_function(filters::split), split);
    guarded("lines", Value::from_function(filters::lines), lines);
    guarded("indent", Value::from_function(filters::indent), indented);
    guarded("format", Value::from_function(filters::format), formatted);
    guarded("tojson", Value::from_function(filters::tojson), as_json);
    environment.add_filter("join", join);
    environment.add_filter("pprint", pprint);
    environment.add_filter("replace", replace);
    environment.add_filter("string", string);
    environment.add_filter("trim", trim);
    environment.add_filter(FACTOR, factor);
    environment.add_filter(TERM, term);
    environment.add_filter(TEXT, |value: Value| some(&value).map(|()| value));
    environment.add_filter(CONTAINER, |value: Value| match value.downcast_object_ref::<Record>() {
        Some(record) => record.names(),
        None => value,
    });
    environment.add_filter("default", default);
    environment.add_filter("d", default);
    environment.add_function("range", range);
    let dict = Value::from_function(functions::dict);
    environment.add_function("dict", move |state: &mut State, args: Rest<ValueOrKwargs>| {
        let args = args.into_values();
        args.iter().try_for_each(|arg| Weight::of(arg)?.pay(1))?;
        dict.call(state, &args)
    });
}

fn wrong(why: &'static str) -> Error {
    Error::new(ErrorKind::InvalidOperation, why)
}

/// Refuses null where text is made: `None` would stand in it.
fn some(value: &Value) -> Result<(), Error> {
    if value.is_none() || value.is_undefined() {
        Err(wrong("null is no text; write | default('…') behind what may be null"))
    } else {
        Ok(())
    }
}

/// What a record does not have is null in it: both are left to the default.
fn default(value: Value, rest: Rest<Value>) -> Value {
    let also_false = rest.get(1).is_some_and(Value::is_true);
    let is_missing = value.is_none() || value.is_undefined() || (also_false && !value.is_true());
    if is_missing { rest.first().cloned().unwrap_or_else(|| Value::from("")) } else { value }
}

/// Elements that a filter goes through; a text has characters.
fn count(value: &Value) -> Result<u64, Error> {
    if let Some(count) = value.len() {
        return Ok(budget::size(count));
    }
    let mut count = 0;
    if matches!(value.kind(), ValueKind::Seq | ValueKind::Iterable | ValueKind::Map) {
        for _ in value.try_iter()? {
            budget::elements(1)?;
            count += 1;
        }
    }
    Ok(count)
}

/// The other arguments, as often as they are used. A number or a text among them is no element.
fn others(args: &[Value], times: u64) -> Result<(), Error> {
    let pay = |value: &Value| match Weight::of(value)? {
        Weight { bytes, elements: 1 } => budget::bytes(bytes.saturating_mul(times)),
        weight => weight.pay(times),
    };
    args.iter().skip(1).try_for_each(|arg| {
        if arg.is_kwargs() { arg.try_iter()?.try_for_each(|name| pay(&arg.get_item(&name)?)) } else { pay(arg) }
    })
}

fn each(args: &mut [Value]) -> Result<(), Error> {
    let Some(value) = args.first() else { return Ok(()) };
    let times = count(value)?;
    budget::elements(times)?;
    budget::bytes(value.as_str().map_or(0, |text| budget::size(text.len())))?;
    others(args, times.max(1))
}

fn compared(args: &mut [Value]) -> Result<(), Error> {
    each(args)?;
    let Some(value) = args.first() else { return Ok(()) };
    let length = value.len().map_or(0, budget::size);
    let rounds = u64::from(u64::BITS - length.leading_zeros());
    let weight = Weight::of(value)?;
    budget::elements(weight.elements.saturating_mul(rounds))?;
    budget::bytes((weight.bytes / COMPARED).saturating_mul(rounds))?;
    // A name with commas is several names.
    let names = |arg: &Value| {
        arg.is_kwargs().then(|| arg.get_attr("attribute").ok()?.as_str().map(|n| n.matches(',').count())).flatten()
    };
    let commas = args.iter().filter_map(names).map(budget::size).sum::<u64>();
    budget::elements(commas.saturating_mul(length.max(1)).saturating_mul(budget::LIST))
}

fn grouped(args: &mut [Value]) -> Result<(), Error> {
    each(args)?;
    let groups = args.get(1).and_then(Value::as_usize).map_or(0, budget::size);
    let length = args.first().and_then(Value::len).map_or(0, budget::size);
    budget::elements(groups.max(length).saturating_mul(budget::LIST))?;
    args.get(2).map_or(Ok(()), |fill| Weight::of(fill)?.pay(groups))
}

fn joined_lists(args: &mut [Value]) -> Result<(), Error> {
    args.iter().try_for_each(|arg| budget::elements(count(arg)?.saturating_mul(budget::LIST)))
}

/// Lists and texts that are summed up are copied again and again.
fn summed(args: &mut [Value]) -> Result<(), Error> {
    each(args)?;
    let named =
        |arg: &Value| if arg.is_kwargs() { arg.get_attr("start").ok().filter(|v| !v.is_undefined()) } else { None };
    let Some(start) = args.get(2).filter(|v| !v.is_kwargs()).cloned().or_else(|| args.iter().find_map(named)) else {
        return Ok(());
    };
    let Some(value) = args.first().filter(|_| !start.is_number()) else { return Ok(()) };
    let weight = Weight::of(value)?;
    let rounds = value.len().map_or(weight.elements, budget::size);
    match start.kind() {
        ValueKind::String => budget::bytes((weight.bytes / 2).saturating_mul(rounds)),
        _ if start.is_tuple() => budget::elements((weight.elements / 2).saturating_mul(rounds)),
        _ => budget::elements((weight.elements / 16).saturating_mul(rounds)),
    }
}

/// The first argument as text that is no longer than what is left.
fn text(args: &mut [Value]) -> Result<(), Error> {
    let Some(value) = args.first_mut() else { return Ok(()) };
    some(value)?;
    flat(value)?;
    budget::bytes(value.as_str().map_or(0, |text| budget::size(text.len())))
}

/// A list or an object as the text that a filter would make of it.
fn flat(value: &mut Value) -> Result<(), Error> {
    if value.as_object().is_some() && !value.is_kwargs() {
        if matches!(value.kind(), ValueKind::Seq | ValueKind::Iterable) {
            value.try_iter()?.try_for_each(|element| some(&element))?;
        }
        let mut text = Text::default();
        text.push_value(value)?;
        *value = Value::from(text.end());
    }
    Ok(())
}

fn escaped(args: &mut [Value]) -> Result<(), Error> {
    text(args)?;
    let marks = |text: &str| text.bytes().filter(|b| b"<>&\"'/".contains(b)).count();
    budget::bytes(args.first().and_then(Value::as_str).map_or(0, |text| budget::size(marks(text)) * 5))
}

fn split(args: &mut [Value]) -> Result<(), Error> {
    args.first().map_or(Ok(()), some)?;
    let Some(text) = args.first().and_then(Value::as_str) else { return Ok(()) };
    let count = match args.get(1).and_then(Value::as_str) {
        Some("") => text.len() + 2,
        Some(by) => text.matches(by).count() + 1,
        None => text.split_whitespace().count(),
    };
    budget::elements(budget::size(count))?;
    budget::bytes(budget::size(text.len()))
}

fn lines(args: &mut [Value]) -> Result<(), Error> {
    args.first().map_or(Ok(()), some)?;
    let Some(text) = args.first().and_then(Value::as_str) else { return Ok(()) };
    budget::elements(budget::size(text.lines().count()))?;
    budget::bytes(budget::size(text.len()))
}

fn indented(args: &mut [Value]) -> Result<(), Error> {
    let Some(value) = args.first_mut() else { return Ok(()) };
    some(value)?;
    flat(value)?;
    let (value, width, _, _, named): (StringInput, Option<usize>, Option<bool>, Option<bool>, Kwargs) =
        from_args(args)?;
    let width = width.or(named.get("width")?).unwrap_or(4);
    let lines = budget::size(value.as_str().split('\n').count());
    // The filter makes one indentation to begin with, even where it uses none.
    budget::bytes(budget::size(width).saturating_mul(lines + 1).saturating_add(budget::size(value.as_str().len())))
}

/// At most as long as the format with all its widths, and the longest argument at each of its marks.
fn formatted(args: &mut [Value]) -> Result<(), Error> {
    let Some(format) = args.first().and_then(Value::as_str) else { return Ok(()) };
    let digits = format.split(|c: char| !c.is_ascii_digit()).filter(|run| !run.is_empty());
    let widths = digits.map(|run| run.parse().unwrap_or(u64::MAX)).fold(0, u64::saturating_add);
    let marks = budget::size(format.matches('%').count());
    marked(format)?;
    let mut longest = 0;
    for arg in args.iter().skip(1) {
        some(arg)?;
        let mut text = Text::default();
        text.push_value(arg)?;
        longest = longest.max(budget::size(text.end().len()));
    }
    let number = budget::number_bytes(f64::MAX);
    budget::bytes(
        marks.saturating_mul(longest + number).saturating_add(widths).saturating_add(budget::size(format.len())),
    )
}

/// Refuses the marks of a format with which the language panics.
fn marked(format: &str) -> Result<(), Error> {
    let mut rest = format;
    while let Some((_, mark)) = rest.split_once('%') {
        if let Some(text) = mark.strip_prefix('%') {
            rest = text;
            continue;
        }
        let (name, spec) =
            mark.strip_prefix('(').map_or(("", mark), |named| named.split_once(')').unwrap_or((named, "")));
        if !name.is_ascii() {
            return Err(wrong("a name in it is not ASCII"));
        }
        let numbers = spec
            .split(|c: char| c == '%' || c.is_ascii_alphabetic())
            .next()
            .unwrap_or_default()
            .split(|c: char| !c.is_ascii_digit());
        if numbers.filter(|run| !run.is_empty()).any(|run| run.parse::<u16>().is_err()) {
            return Err(wrong("a width or precision in it is above 65535"));
        }
        rest = spec;
    }
    Ok(())
}

fn as_json(args: &mut [Value]) -> Result<(), Error> {
    let Some(value) = args.first() else { return Ok(()) };
    some(value)?;
    let indent = args
        .iter()
        .skip(1)
        .find_map(|arg| if arg.is_kwargs() { arg.get_attr("indent").ok() } else { Some(arg.clone()) });
    let mut tally = Tally { indent: indent.and_then(|v| v.as_usize()).map_or(2, budget::size), ..Tally::default() };
    match serde_json::to_writer(&mut tally, value) {
        // The filter has its own words for what is no JSON.
        Err(_) if budget::past().is_none() => Ok(()),
        Err(_) => Err(budget::fail(Limit::Bytes)),
        Ok(()) => Ok(()),
    }
}

/// Counts JSON as the filter will write it, with a line for each element and its marks escaped.
#[derive(Default)]
struct Tally {
    indent: u64,
    depth: u64,
    within_text: bool,
    escaped: bool,
}

impl std::io::Write for Tally {
    fn write(&mut self, part: &[u8]) -> std::io::Result<usize> {
        let mut bytes = 0_u64;
        for byte in part {
            let line = |depth: u64| 2 + self.indent.saturating_mul(depth);
            let (more, within_text) = match byte {
                _ if self.escaped => (1, true),
                b'"' => (1, !self.within_text),
                b'<' | b'>' | b'&' | b'\'' if self.within_text => (6, true),
                _ if self.within_text => (1, true),
                b'{' | b'[' => {
                    self.depth += 1;
                    (line(self.depth), false)
                }
                b'}' | b']' => {
                    self.depth = self.depth.saturating_sub(1);
                    (line(self.depth), false)
                }
                b',' => (line(self.depth), false),
                b':' => (2, false),
                _ => (1, false),
            };
            self.escaped = self.within_text && !self.escaped && *byte == b'\\';
            self.within_text = within_text;
            bytes = bytes.saturating_add(more);
        }
        budget::bytes(bytes).map_err(std::io::Error::other)?;
        Ok(part.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn join(value: &Value, joiner: Option<Value>, attribute: Option<String>, named: Kwargs) -> Result<String, Error> {
    let joiner = joiner.or(named.get("d")?).unwrap_or_else(|| Value::from(""));
    let attribute = attribute.or(named.get("attribute")?);
    named.assert_all_used()?;
    let mut between = joiner;
    some(value).and_then(|()| some(&between))?;
    flat(&mut between)?;
    let mut text = Text::default();
    let parts = value.try_iter().map_err(|e| wrong("only a list can be joined").with_source(e))?;
    for (index, part) in parts.checked().enumerate() {
        budget::elements(1)?;
        let part = part?;
        if index > 0 {
            text.push_value(&between)?;
        }
        let part = attribute.as_ref().map_or(part.clone(), |path| at_path(part, path));
        some(&part)?;
        text.push_value(&part)?;
    }
    Ok(text.end())
}

/// A field of a field; undefined where there is none.
fn at_path(value: Value, path: &str) -> Value {
    path.split('.').fold(value, |value, name| {
        let found = match name.parse() {
            Ok(index) => value.get_item_by_index(index),
            Err(_) => value.get_attr(name),
        };
        found.unwrap_or(Value::UNDEFINED)
    })
}

fn pprint(value: &Value) -> Result<String, Error> {
    some(value)?;
    let mut text = Text::default();
    text.push_debug(value)?;
    Ok(text.end())
}

fn string(value: &Value) -> Result<Value, Error> {
    some(value)?;
    let mut text = value.clone();
    flat(&mut text)?;
    Ok(if text.as_str().is_some() { text } else { Value::from(text.to_string()) })
}

fn replace(args: Rest<ValueOrKwargs>) -> Result<Value, Error> {
    let mut args = args.into_values();
    args.iter().take(3).try_for_each(some)?;
    args.iter_mut().take(3).try_for_each(flat)?;
    let (value, from, to, times, named): (StringInput, StringInput, StringInput, Option<i64>, Kwargs) =
        from_args(&args)?;
    // As in Python, a number below zero is no limit.
    let times = times.or(named.get("count")?).and_then(|n| usize::try_from(n).ok()).unwrap_or(usize::MAX);
    named.assert_all_used()?;
    let (value, from, to) = (value.as_str(), from.as_str(), to.as_str());
    let found = budget::size(value.matches(from).take(times).count());
    let grown = budget::size(to.len()).saturating_sub(budget::size(from.len()));
    budget::bytes(found.saturating_mul(grown).saturating_add(budget::size(value.len())))?;
    Ok(Value::from(value.replacen(from, to, times)))
}

fn trim(args: Rest<ValueOrKwargs>) -> Result<Value, Error> {
    let mut args = args.into_values();
    args.first().map_or(Ok(()), some)?;
    args.iter_mut().try_for_each(flat)?;
    let (value, marks): (StringInput, Option<String>) = from_args(&args)?;
    budget::bytes(budget::size(value.as_str().len()))?;
    Ok(Value::from(match marks {
        // A list of marks would be gone through for each character.
        Some(marks) => {
            let marks: BTreeSet<char> = marks.chars().collect();
            value.as_str().trim_matches(|c| marks.contains(&c))
        }
        None => value.as_str().trim(),
    }))
}

fn factor(value: Value) -> Result<Value, Error> {
    match value.kind() {
        ValueKind::Number | ValueKind::Bool | ValueKind::Undefined | ValueKind::None => Ok(value),
        _ => Err(wrong("`*` is for numbers; it repeats no text and no list")),
    }
}

fn term(value: Value) -> Result<Value, Error> {
    if value.as_object().is_some() {
        budget::elements(ADDED)?;
    }
    Ok(value)
}

fn range(first: isize, end: Option<isize>, step: Option<isize>) -> Result<Value, Error> {
    let range = functions::range(first, end, step)?;
    budget::elements(count(&range)?)?;
    Ok(range)
}

#[cfg(test)]
mod tests;
