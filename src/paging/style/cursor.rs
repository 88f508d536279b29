//! `cursor` and `next_url`: the server names where the next page starts. Pure.

use serde_json::Value;

use super::link::follow;
use crate::authoring::Target;
use crate::definition::TokenRule;
use crate::error::Result;
use crate::paging::signal;
use crate::paging::step::PagingStep;
use crate::paging::view::View;
use crate::request::Cursor;

pub(in crate::paging) fn next(token: &TokenRule, send: &Target, view: &View<'_>) -> Result<PagingStep> {
    if let Some(end) = view.flagged_end()? {
        return Ok(end);
    }
    let Some(text) = signal::token(view.page, token)? else { return Ok(view.no_next(token)) };
    // A number is a number again in a body.
    let json = match view.page.signal(&token.at) {
        Some(number @ Value::Number(_)) => number.to_string(),
        _ => Value::from(text.as_str()).to_string(),
    };
    Ok(PagingStep::More(Cursor::at(send, text, json)))
}

pub(in crate::paging) fn next_url(token: &TokenRule, view: &View<'_>) -> Result<PagingStep> {
    if let Some(end) = view.flagged_end()? {
        return Ok(end);
    }
    let Some(target) = signal::token(view.page, token)? else { return Ok(view.no_next(token)) };
    Ok(PagingStep::More(Cursor { url: Some(follow(view, &target)?), ..Cursor::default() }))
}
