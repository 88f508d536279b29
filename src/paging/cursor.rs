//! `cursor` and `next_url`: the server names where the next page starts. Pure.

use serde_json::Value;

use super::link::resolve;
use super::{Step, View};
use crate::definition::{Pointer, Source, Target, kind_of, scalar};
use crate::error::{Error, ErrorKind, Result};
use crate::receipt::StopReason;
use crate::request::Cursor;

pub(super) fn next(token: &Source, send: &Target, has_more: Option<&Source>, view: &View<'_>) -> Result<Step> {
    if has_more.is_some_and(|source| view.page.signal(source) == Some(Value::Bool(false))) {
        return Ok(Step::Stop(StopReason::HasMoreFalse));
    }
    let Some(token) = text(view.page.signal(token), &token.to_string())? else { return Ok(Step::Stop(StopReason::NoNext)) };
    Ok(Step::More(match send {
        Target::Query(name) => Cursor { query: vec![(name.clone(), token)], ..Cursor::default() },
        Target::Header(name) => Cursor { headers: vec![(name.to_string(), token)], ..Cursor::default() },
    }))
}

pub(super) fn next_url(pointer: &Pointer, view: &View<'_>) -> Result<Step> {
    let found = view.page.signal(&Source::Body(pointer.clone()));
    let Some(target) = text(found, &format!("`{pointer}`"))? else { return Ok(Step::Stop(StopReason::NoNext)) };
    Ok(Step::More(Cursor { url: Some(resolve(view.url, &target)?), ..Cursor::default() }))
}

/// A cursor as text; absent, null, false and empty all mean that there is none.
fn text(value: Option<Value>, place: &str) -> Result<Option<String>> {
    match value {
        None | Some(Value::Null | Value::Bool(false)) => Ok(None),
        Some(value) => match scalar(&value) {
            Some(text) if text.is_empty() => Ok(None),
            Some(text) => Ok(Some(text)),
            None => Err(Error::new(ErrorKind::BadResponse, format!("{place} should be a cursor, but is {}", kind_of(&value)))),
        },
    }
}
