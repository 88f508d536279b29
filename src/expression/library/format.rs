//! `format`: texts with `%s`, `%d`, `%.2f`, `%x` and `%(name)s`, as in C and Python.

use super::super::number;
use super::super::value::ExprValue;
use super::super::work::{short, wrong};
use super::super::write::plain;
use super::call::ToolCall;
use crate::error::{Error, Result};

/// Maximum digits of a width or a precision.
const SIZE_DIGITS: usize = 4;

/// One placeholder.
#[derive(Default)]
struct Placeholder<'t> {
    name: Option<&'t str>,
    is_left: bool,
    is_zero: bool,
    has_plus: bool,
    width: usize,
    precision: Option<u32>,
    kind: char,
}

pub(super) fn format(call: &ToolCall<'_>) -> Result<ExprValue> {
    let text = call.text()?;
    let mut out = String::new();
    let (mut rest, mut used) = (text.as_ref(), 0);
    while let Some((before, tail)) = rest.split_once('%') {
        out.push_str(before);
        if let Some(after) = tail.strip_prefix('%') {
            out.push('%');
            rest = after;
            continue;
        }
        let (placeholder, after) = placeholder(tail)?;
        let value = match placeholder.name {
            Some(name) => named(call, name)?,
            None => {
                used += 1;
                call.args
                    .rest
                    .get(used - 1)
                    .cloned()
                    .ok_or_else(|| wrong("`format` has fewer values than placeholders"))?
            }
        };
        call.work.element()?;
        put(&mut out, &placeholder, &value)?;
        call.work.fits(out.len())?;
        rest = after;
    }
    out.push_str(rest);
    if used < call.args.rest.len() && !matches!(call.args.rest.as_slice(), [ExprValue::Map(_)]) {
        return Err(wrong("`format` has more values than placeholders"));
    }
    call.made(&out)
}

/// The value of `%(name)s`: a named argument, or a field of the only argument.
fn named(call: &ToolCall<'_>, name: &str) -> Result<ExprValue> {
    if let Some((_, value)) = call.args.named.iter().find(|(known, _)| known == name) {
        return Ok(value.clone());
    }
    match call.args.rest.as_slice() {
        [ExprValue::Map(map)] => map.field(name, call.work),
        _ => Err(wrong(format!("`format` has no value for `{}`", short(name)))
            .advise("write '%(name)s' | format(item), or '%(name)s' | format(name=item.name)")),
    }
}

fn malformed(tail: &str) -> Error {
    wrong(format!("`format` cannot read the placeholder `%{}`", short(tail)))
        .advise("placeholders are %s, %d, %f, %x and %(name)s with a width and precision of at most four digits; %% is a percent sign")
}

fn placeholder(tail: &str) -> Result<(Placeholder<'_>, &str)> {
    let mut found = Placeholder::default();
    let mut rest = tail;
    if let Some(inner) = rest.strip_prefix('(') {
        let (name, after) = inner.split_once(')').ok_or_else(|| malformed(tail))?;
        found.name = Some(name);
        rest = after;
    }
    while let Some(flag @ ('-' | '0' | '+')) = rest.chars().next() {
        found.is_left |= flag == '-';
        found.is_zero |= flag == '0';
        found.has_plus |= flag == '+';
        rest = rest.get(1..).unwrap_or_default();
    }
    let (width, after) = digits(rest, tail)?;
    found.width = width.unwrap_or_default();
    rest = after;
    if let Some(after) = rest.strip_prefix('.') {
        let (precision, after) = digits(after, tail)?;
        found.precision = Some(u32::try_from(precision.unwrap_or_default()).unwrap_or_default());
        rest = after;
    }
    found.kind = rest.chars().next().filter(|c| "sdifx".contains(*c)).ok_or_else(|| malformed(tail))?;
    Ok((found, rest.get(1..).unwrap_or_default()))
}

fn digits<'t>(text: &'t str, tail: &str) -> Result<(Option<usize>, &'t str)> {
    let length = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = text.split_at(length);
    if length > SIZE_DIGITS { Err(malformed(tail)) } else { Ok((number.parse().ok(), rest)) }
}

fn put(out: &mut String, placeholder: &Placeholder<'_>, value: &ExprValue) -> Result<()> {
    let label = placeholder.name.unwrap_or("its argument");
    let number = |value: &ExprValue| match value {
        ExprValue::Number(part) => Ok(part.as_str().to_owned()),
        other => Err(wrong(format!("`%{}` needs a number: {label} is {}", placeholder.kind, other.shown()))),
    };
    let text = match placeholder.kind {
        's' => {
            let text = plain(value, "`format`", label)?;
            placeholder.precision.map_or(text.to_string(), |most| text.chars().take(most as usize).collect())
        }
        'f' => number::fixed(&number(value)?, placeholder.precision.unwrap_or(6))?,
        'x' => {
            let whole = number::whole(&number(value)?)?;
            let whole: u128 =
                whole.parse().map_err(|_| wrong(format!("`%x` needs a number from 0 to 2^128, not {whole}")))?;
            format!("{whole:x}")
        }
        _ => number::whole(&number(value)?)?,
    };
    let is_number = placeholder.kind != 's';
    let plus = if is_number && placeholder.has_plus && !text.starts_with('-') { "+" } else { "" };
    let missing = placeholder.width.saturating_sub(text.chars().count() + plus.len());
    match (placeholder.is_left, placeholder.is_zero && is_number) {
        (true, _) => out.push_str(&format!("{plus}{text}{}", " ".repeat(missing))),
        (false, false) => out.push_str(&format!("{}{plus}{text}", " ".repeat(missing))),
        (false, true) => {
            let (minus, digits) = text.strip_prefix('-').map_or(("", text.as_str()), |digits| ("-", digits));
            out.push_str(&format!("{minus}{plus}{}{digits}", "0".repeat(missing)));
        }
    }
    Ok(())
}
