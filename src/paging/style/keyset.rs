//! `keyset`: the next page starts after the key of the last item. Pure. If a server also sends a Link header, that is
//! followed.

use serde_json::Value;

use super::link;
use crate::authoring::Target;
use crate::definition::Keyset;
use crate::error::{Error, ErrorKind, Result};
use crate::paging::step::PagingStep;
use crate::paging::view::View;
use crate::receipt::{EndSeen, StopReason};
use crate::request::Cursor;

pub(in crate::paging) fn first(keyset: &Keyset) -> Cursor {
    Cursor { headers: headers(keyset), ..Cursor::default() }
}

pub(in crate::paging) fn next(keyset: &Keyset, view: &View<'_>) -> Result<PagingStep> {
    if let Some(end) = view.flagged_end()? {
        return Ok(end);
    }
    link::check(view.page)?;
    if view.page.has_links() {
        let Some(target) = view.page.link("next").filter(|t| !t.is_empty()) else {
            return Ok(PagingStep::stop(StopReason::NoNext, EndSeen::Signal));
        };
        return Ok(PagingStep::More(Cursor {
            url: Some(link::follow(view, target)?),
            headers: headers(keyset),
            ..Cursor::default()
        }));
    }
    let count = view.page.items.len();
    let Some(last) = count.checked_sub(1).and_then(|i| view.page.items.get(i)) else {
        return Ok(PagingStep::stop(StopReason::EmptyPage, EndSeen::EmptyPage));
    };
    let name = keyset.from.tokens().first();
    if last.fields().is_some_and(|fields| fields.iter().filter(|(field, _)| Some(field) == name).count() > 1) {
        return Err(Error::new(
            ErrorKind::BadResponse,
            format!("the last item contains `{}` twice, so the next page is ambiguous", keyset.from),
        ));
    }
    let raw = last.raw(keyset.from.tokens());
    let key = raw.zip(raw.and_then(|raw| key_text(&keyset.after, raw)));
    let (raw, key) = key.ok_or_else(|| {
        Error::new(
            ErrorKind::BadResponse,
            format!("the last item has no `{}`, from which the next page starts", keyset.from),
        )
        .advise("include this field in the selected fields")
    })?;
    let mut cursor = Cursor::at(&keyset.after, key, raw.to_owned());
    cursor.headers.extend(headers(keyset));
    Ok(PagingStep::More(cursor))
}

/// A key as it is sent to the server: a text without its quotes, a number digit for digit; in a body also a list, for
/// keys of several parts.
fn key_text(after: &Target, raw: &str) -> Option<String> {
    match serde_json::from_str(raw) {
        Ok(Value::String(text)) => Some(text),
        Ok(Value::Number(_) | Value::Bool(_)) => Some(raw.to_owned()),
        Ok(Value::Array(parts)) if matches!(after, Target::Body(_)) && !parts.is_empty() => Some(raw.to_owned()),
        Ok(Value::Null | Value::Array(_) | Value::Object(_)) | Err(_) => None,
    }
}

fn headers(keyset: &Keyset) -> Vec<(String, String)> {
    keyset.headers.iter().map(|(name, value)| (name.to_string(), value.clone())).collect()
}
