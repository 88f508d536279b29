//! Converts the mirror of `paging:` to the checked paging. Pure.

use serde_json::Value;

use crate::authoring::values::TargetFile;
use crate::authoring::{Checker, Json, Target, scalar};
use crate::definition::file::{
    AdvanceFile, AfterFile, EndFile, FlagFile, KeysetFile, NextUrlFile, NumberFile, OffsetFile, PagingFile, SizeFile,
    TokenFile, TotalFile,
};
use crate::definition::paging::{Advance, EndRule, Flag, Keyset, Paging, Sense, Size, Style, TokenRule, Total};

/// The paging, and the location of its total.
pub(super) fn paging(c: &mut Checker<'_>, at: &str, file: PagingFile) -> Option<(Paging, Option<Total>)> {
    let at = |key: &str| format!("{at}/{key}");
    let paged = |style, size, more, total| Some((Paging { style, size, more, is_unknown: false }, total));
    match file {
        PagingFile::None => paged(Style::None, None, None, None),
        PagingFile::Unknown => Some((Paging { is_unknown: true, ..Paging::default() }, None)),
        PagingFile::Link { size: s, last, total: t, relink } => {
            let last = last.and_then(|l| query(c, &at("link/last"), l));
            let (s, t) = (size(c, &at("link/size"), s), total(c, &at("link/total"), t));
            paged(Style::Link { last, relink }, s, None, t)
        }
        PagingFile::Number { page, size: s, end: e, total: t } => {
            let (s, t) = (size(c, &at("number/size"), s), total(c, &at("number/total"), t));
            let (end, more) = e.map_or((None, None), |e| end(c, &at("number/end"), e));
            let NumberFile { query, header, body, path, text, start } = page;
            let page = place(c, &at("number/page"), [query, header, body, path, text])?;
            paged(Style::Number { page, start, end }, s, more, t)
        }
        PagingFile::Offset { offset, size: s, total: t, with, advance, has_more, more: m } => {
            let OffsetFile { query, header, body, path, text, start } = offset;
            let offset = place(c, &at("offset/offset"), [query, header, body, path, text])?;
            let (s, t) = (size(c, &at("offset/size"), s), total(c, &at("offset/total"), t));
            if let (None, Some(AdvanceFile::Requested)) = (&s, advance) {
                c.fault(&at("offset/advance"), "without a `size` no number of rows is requested", None);
            }
            let advance = advance.map(|a| match a {
                AdvanceFile::Requested => Advance::Requested,
                AdvanceFile::Received => Advance::Received,
            });
            let more = more(c, &at("offset"), has_more, m);
            paged(Style::Offset { offset, start, with: with.into_iter().collect(), advance }, s, more, t)
        }
        PagingFile::Cursor { token: from, send, size: s, has_more, more: m, total: t } => {
            let token = token(c, &at("cursor/token"), from)?;
            let send = c.target(&at("cursor/send"), send)?;
            let (s, t) = (size(c, &at("cursor/size"), s), total(c, &at("cursor/total"), t));
            let more = more(c, &at("cursor"), has_more, m);
            paged(Style::Cursor { token, send }, s, more, t)
        }
        PagingFile::NextUrl(NextUrlFile { pointer, size: s, has_more, more: m, total: t, relink }) => {
            let token = token(c, &at("next_url/pointer"), pointer)?;
            let (s, t) = (size(c, &at("next_url/size"), s), total(c, &at("next_url/total"), t));
            let more = more(c, &at("next_url"), has_more, m);
            paged(Style::NextUrl { token, relink }, s, more, t)
        }
        PagingFile::Keyset(file) => keyset(c, &at("keyset"), file),
    }
}

/// Keyset paging, as the connector's paging or as the caller's choice.
pub(super) fn keyset(c: &mut Checker<'_>, at: &str, file: KeysetFile) -> Option<(Paging, Option<Total>)> {
    let mut headers = Vec::new();
    for (name, value) in file.header {
        headers.push((c.header(&format!("{at}/header"), &name)?, value));
    }
    let AfterFile { query, header, body, path, text, from } = file.after;
    let from = c.pointer(&format!("{at}/after/from"), &from)?;
    let after = place(c, &format!("{at}/after"), [query, header, body, path, text])?;
    if let Target::Header(name) = &after
        && headers.iter().any(|(own, _)| own == name)
    {
        c.fault(&format!("{at}/after/header"), format!("the header {name} has a constant value under `header`"), None);
    }
    let keyset = Keyset { headers, after, from, unless: file.unless };
    let more = more(c, at, file.has_more, file.more);
    let (size, total) = (size(c, &format!("{at}/size"), file.size), total(c, &format!("{at}/total"), file.total));
    Some((Paging { style: Style::Keyset(keyset), size, more, is_unknown: false }, total))
}

/// The location of the total.
pub(super) fn total(c: &mut Checker<'_>, at: &str, file: Option<TotalFile>) -> Option<Total> {
    let (source, exact) = match file? {
        TotalFile::Plain(source) => (source, false),
        TotalFile::Exact(file) => (file.at, file.exact),
    };
    c.source(at, source).map(|at| Total { at, exact })
}

/// The page number of links is a query parameter of their addresses.
fn query(c: &mut Checker<'_>, at: &str, file: TargetFile) -> Option<Target> {
    match c.target(at, file)? {
        target @ Target::Query(_) => Some(target),
        Target::Header(_) | Target::Body(_) | Target::Path(_) | Target::Text(_) => {
            c.fault(at, "the page number must be a query parameter", None);
            None
        }
    }
}

/// The one place that is given: query, header, body, path or text.
fn place(c: &mut Checker<'_>, at: &str, [query, header, body, path, text]: [Option<String>; 5]) -> Option<Target> {
    let mut given = [
        query.map(TargetFile::Query),
        header.map(TargetFile::Header),
        body.map(TargetFile::Body),
        path.map(TargetFile::Path),
        text.map(TargetFile::Text),
    ]
    .into_iter()
    .flatten();
    match (given.next(), given.next()) {
        (Some(one), None) => c.target(at, one),
        (None, _) | (Some(_), Some(_)) => {
            c.fault(at, "give one of `query`, `header`, `body`, `path` and `text`: where the value is sent", None);
            None
        }
    }
}

fn size(c: &mut Checker<'_>, at: &str, file: Option<SizeFile>) -> Option<Size> {
    let file = file?;
    if file.default == 0 || file.max.is_some_and(|max| file.default > max) {
        c.fault(at, "the default page size must lie between 1 and max", None);
    }
    let SizeFile { query, header, body, path, text, value, option, default, max } = file;
    let target = place(c, at, [query, header, body, path, text])?;
    let value = value.and_then(|text| c.text(&format!("{at}/value"), &text));
    if value.as_ref().is_some_and(|text| text.names().ne(["size"])) {
        c.fault(&format!("{at}/value"), "the text contains `{size}` once, and no other placeholder", None);
    }
    if value.is_some() && matches!(target, Target::Path(_) | Target::Text(_)) {
        c.fault(&format!("{at}/value"), "`value` has no effect here: write the text around the placeholder", None);
    }
    Some(Size { option: option.unwrap_or_else(|| target.name().to_owned()), at: target, value, default, max })
}

/// The end of paging by page number: a number or a flag.
fn end(c: &mut Checker<'_>, at: &str, file: EndFile) -> (Option<EndRule>, Option<Flag>) {
    match file {
        EndFile::TotalPages(source) => (c.source(&format!("{at}/total_pages"), source).map(EndRule::TotalPages), None),
        EndFile::NextPage(file) => (token(c, &format!("{at}/next_page"), file).map(EndRule::NextPage), None),
        EndFile::HasMore(file) => (None, flag(c, &format!("{at}/has_more"), file)),
        EndFile::More(file) => (None, flag(c, &format!("{at}/more"), file)),
    }
}

fn token(c: &mut Checker<'_>, at: &str, file: TokenFile) -> Option<TokenRule> {
    match file {
        TokenFile::Plain(source) => Some(TokenRule { at: c.source(at, source)?, ends: Vec::new(), absent_ends: false }),
        TokenFile::Ends(file) => {
            let source = c.source(&format!("{at}/at"), file.at)?;
            let ends = values(c, &format!("{at}/end"), file.end).iter().filter_map(scalar).collect();
            Some(TokenRule { at: source, ends, absent_ends: file.absent.is_some() })
        }
    }
}

/// `has_more` and `more` are synonyms.
fn more(c: &mut Checker<'_>, at: &str, has_more: Option<FlagFile>, more: Option<FlagFile>) -> Option<Flag> {
    match (has_more, more) {
        (Some(_), Some(_)) => {
            c.fault(&format!("{at}/more"), "`more` and `has_more` are the same; give one of them", None);
            None
        }
        (Some(file), None) => flag(c, &format!("{at}/has_more"), file),
        (None, file) => flag(c, &format!("{at}/more"), file?),
    }
}

fn flag(c: &mut Checker<'_>, at: &str, file: FlagFile) -> Option<Flag> {
    let file = match file {
        FlagFile::Plain(source) => {
            return Some(Flag { at: c.source(at, source)?, sense: Sense::More, absent_ends: false });
        }
        FlagFile::Sense(file) => file,
    };
    let source = c.source(&format!("{at}/at"), file.at)?;
    let sense = match (file.is, file.end_of_stream) {
        (Some(_), true) => {
            c.fault(&format!("{at}/end_of_stream"), "`is` already lists the values that mean \"there is more\"", None);
            return None;
        }
        (Some(list), false) if list.is_empty() => {
            c.fault(&format!("{at}/is"), "the list of values that mean \"there is more\" is empty", None);
            return None;
        }
        (Some(list), false) => Sense::Is(values(c, &format!("{at}/is"), list)),
        (None, true) => Sense::End,
        (None, false) => Sense::More,
    };
    Some(Flag { at: source, sense, absent_ends: file.absent.is_some() })
}

/// Single values; a list or a map among them is a fault.
pub(super) fn values(c: &mut Checker<'_>, at: &str, list: Vec<Json>) -> Vec<Value> {
    let mut values = Vec::new();
    for (i, json) in list.into_iter().enumerate() {
        let value = json.to_value();
        // As in replies: a number beyond 64 bits is compared by its digits.
        let written = value.to_string();
        match if value.is_number() && written.as_str() != json.0.as_str() { Value::from(json.0) } else { value } {
            Value::Array(_) | Value::Object(_) => {
                c.fault(&format!("{at}/{i}"), "expected a single value, not a list or map", None)
            }
            value => values.push(value),
        }
    }
    values
}

/// The elements of a list, or one value.
pub(super) fn one_or_more(json: Json) -> Vec<Json> {
    match serde_json::from_str::<Vec<Box<serde_json::value::RawValue>>>(&json.0) {
        Ok(list) => list.into_iter().map(|raw| Json(raw.get().to_owned())).collect(),
        Err(_) => vec![json],
    }
}
