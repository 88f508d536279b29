//! Filters of texts.

use std::borrow::Cow;

use super::super::value::ExprValue;
use super::super::work::wrong;
use super::call::ToolCall;
use crate::error::Result;

pub(super) fn lower(call: &ToolCall<'_>) -> Result<ExprValue> {
    call.made(&call.text()?.to_lowercase())
}

pub(super) fn upper(call: &ToolCall<'_>) -> Result<ExprValue> {
    call.made(&call.text()?.to_uppercase())
}

pub(super) fn capitalize(call: &ToolCall<'_>) -> Result<ExprValue> {
    let text = call.text()?;
    let mut chars = text.chars();
    let first: String = chars.next().into_iter().flat_map(char::to_uppercase).collect();
    call.made(&(first + &chars.as_str().to_lowercase()))
}

/// Each word begins with a capital.
pub(super) fn title(call: &ToolCall<'_>) -> Result<ExprValue> {
    let mut out = String::new();
    let mut is_start = true;
    for c in call.text()?.chars() {
        if is_start {
            out.extend(c.to_uppercase())
        } else {
            out.extend(c.to_lowercase())
        }
        is_start = !c.is_alphanumeric() && c != '\'';
    }
    call.made(&out)
}

pub(super) fn trim(call: &ToolCall<'_>) -> Result<ExprValue> {
    let text = call.text()?;
    match call.text_arg(0)? {
        None => call.made(text.trim()),
        Some(chars) => {
            call.work.text(text.len().saturating_mul(chars.len()))?;
            call.made(text.trim_matches(|c| chars.contains(c)))
        }
    }
}

pub(super) fn replace(call: &ToolCall<'_>) -> Result<ExprValue> {
    let (text, from, to) = (call.as_text()?, call.text_or(0, "")?, call.text_or(1, "")?);
    let count = usize::try_from(call.whole_or(2, -1)?).unwrap_or(usize::MAX);
    let found = text.matches(from.as_ref()).take(count).count();
    call.work.produce(text.len().saturating_add(found.saturating_mul(to.len())))?;
    Ok(ExprValue::text(&text.replacen(from.as_ref(), &to, count)))
}

pub(super) fn escape(call: &ToolCall<'_>) -> Result<ExprValue> {
    let text = call.text()?;
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    call.made(&out)
}

fn listed<'t>(call: &ToolCall<'_>, parts: impl Iterator<Item = &'t str>) -> Result<ExprValue> {
    let mut list = Vec::new();
    for part in parts {
        call.work.element()?;
        call.work.hold(part.len())?;
        list.push(ExprValue::text(part));
    }
    Ok(ExprValue::list(list))
}

pub(super) fn lines(call: &ToolCall<'_>) -> Result<ExprValue> {
    listed(call, call.text()?.lines())
}

/// At a separator, or at white space.
pub(super) fn split(call: &ToolCall<'_>) -> Result<ExprValue> {
    let text = call.text()?;
    let most = usize::try_from(call.whole_or(1, -1)?).map_or(usize::MAX, |most| most.saturating_add(1));
    match call.text_arg(0)? {
        None if most == usize::MAX => listed(call, text.split_whitespace()),
        None => listed(call, text.trim().splitn(most, char::is_whitespace).map(str::trim)),
        Some(separator) if separator.is_empty() => Err(wrong("`split` needs a separator that is not empty")),
        Some(separator) => {
            call.work.text(text.len())?;
            listed(call, text.splitn(most, separator.as_ref()))
        }
    }
}

/// A single value as text.
pub(super) fn string(call: &ToolCall<'_>) -> Result<ExprValue> {
    if let ExprValue::Text(_) = call.value {
        return Ok(call.value.clone());
    }
    call.made(&call.as_text()?)
}

pub(super) fn truncate(call: &ToolCall<'_>) -> Result<ExprValue> {
    let (text, length, end) = (call.text()?, call.count_or(0, 0)?, call.text_or(1, "…")?);
    if text.chars().nth(length).is_none() {
        return Ok(call.value.clone());
    }
    let kept: String = text.chars().take(length.saturating_sub(end.chars().count())).collect();
    let end: String = end.chars().take(length).collect();
    call.made(&(kept + &end))
}

fn padding(call: &ToolCall<'_>, text: &str) -> Result<String> {
    let fill = call.text_or(1, " ")?;
    if fill.chars().count() != 1 {
        return Err(wrong(format!("`{}` fills with one character", call.name)));
    }
    let missing = call.count_or(0, 0)?.saturating_sub(text.chars().count());
    call.work.produce(missing.saturating_mul(fill.len()))?;
    Ok(fill.repeat(missing))
}

pub(super) fn pad_left(call: &ToolCall<'_>) -> Result<ExprValue> {
    let text = call.as_text()?;
    call.made(&(padding(call, &text)? + &text))
}

pub(super) fn pad_right(call: &ToolCall<'_>) -> Result<ExprValue> {
    let text = call.as_text()?;
    call.made(&format!("{text}{}", padding(call, &text)?))
}

fn pattern(call: &ToolCall<'_>) -> Result<regex::Regex> {
    call.work.pattern(&call.text_or(0, "")?)
}

pub(super) fn matches(call: &ToolCall<'_>) -> Result<ExprValue> {
    Ok(ExprValue::Bool(pattern(call)?.is_match(&call.text()?)))
}

pub(super) fn regex_replace(call: &ToolCall<'_>) -> Result<ExprValue> {
    let (text, to) = (call.text()?, call.text_or(1, "")?);
    let (mut out, mut end) = (String::new(), 0);
    for found in pattern(call)?.captures_iter(&text) {
        call.work.element()?;
        call.work.fits(out.len())?;
        let Some(whole) = found.get(0) else { continue };
        out.push_str(text.get(end..whole.start()).unwrap_or_default());
        found.expand(&to, &mut out);
        end = whole.end();
    }
    out.push_str(text.get(end..).unwrap_or_default());
    call.made(&out)
}

/// A group by number or name.
fn group<'t>(call: &ToolCall<'_>, found: &regex::Captures<'t>) -> Result<ExprValue> {
    let part = match call.arg(1) {
        Some(ExprValue::Text(name)) => found.name(&name.as_str()),
        _ => found.get(call.count_or(1, 0)?),
    };
    Ok(part.map_or(ExprValue::Null, |part| ExprValue::text(part.as_str())))
}

pub(super) fn regex_find(call: &ToolCall<'_>) -> Result<ExprValue> {
    match pattern(call)?.captures(&call.text()?) {
        Some(found) => group(call, &found),
        None => Ok(ExprValue::Null),
    }
}

pub(super) fn regex_find_all(call: &ToolCall<'_>) -> Result<ExprValue> {
    let mut list = Vec::new();
    for found in pattern(call)?.captures_iter(&call.text()?) {
        let part = group(call, &found)?;
        call.work.element()?;
        call.work.hold(part.held_bytes())?;
        list.push(part);
    }
    Ok(ExprValue::list(list))
}

fn starts(call: &ToolCall<'_>, test: impl Fn(&str, &str) -> bool) -> Result<ExprValue> {
    let (text, part): (Cow<'_, str>, _) = (call.text()?, call.text_or(0, "")?);
    Ok(ExprValue::Bool(test(&text, &part)))
}

pub(super) fn startingwith(call: &ToolCall<'_>) -> Result<ExprValue> {
    starts(call, |text, part| text.starts_with(part))
}

pub(super) fn endingwith(call: &ToolCall<'_>) -> Result<ExprValue> {
    starts(call, |text, part| text.ends_with(part))
}

pub(super) fn is_lower(call: &ToolCall<'_>) -> Result<ExprValue> {
    Ok(ExprValue::Bool(call.text()?.chars().all(|c| !c.is_uppercase())))
}

pub(super) fn is_upper(call: &ToolCall<'_>) -> Result<ExprValue> {
    Ok(ExprValue::Bool(call.text()?.chars().all(|c| !c.is_lowercase())))
}
