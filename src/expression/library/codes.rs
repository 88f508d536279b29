//! Filters that encode, decode and hash.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{KeyInit, Mac};
use md5::Md5;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use super::super::json::Part;
use super::super::value::{ExprValue, OR_DEFAULT};
use super::super::work::{short, wrong};
use super::super::write::{indented, json};
use super::call::ToolCall;
use crate::error::Result;

/// Everything but the unreserved characters of RFC 3986.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Maximum indent of JSON, in spaces.
const INDENT_MAX: usize = 8;

pub(super) fn urlencode(call: &ToolCall<'_>) -> Result<ExprValue> {
    call.made(&utf8_percent_encode(&call.as_text()?, RESERVED).to_string())
}

pub(super) fn urldecode(call: &ToolCall<'_>) -> Result<ExprValue> {
    let text = call.text()?;
    let decoded = percent_decode_str(&text).decode_utf8();
    let decoded = decoded.map_err(|_| wrong(format!("\"{}\" is not UTF-8 when it is decoded", short(&text))))?;
    call.made(&decoded)
}

pub(super) fn base64encode(call: &ToolCall<'_>) -> Result<ExprValue> {
    call.made(&STANDARD.encode(call.as_text()?.as_bytes()))
}

pub(super) fn base64decode(call: &ToolCall<'_>) -> Result<ExprValue> {
    let text = call.text()?;
    let decoded = STANDARD.decode(text.trim().as_bytes()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    match decoded {
        Some(decoded) => call.made(&decoded),
        None => Err(wrong(format!("\"{}\" is not text in base64", short(&text)))),
    }
}

fn hex(call: &ToolCall<'_>, bytes: &[u8]) -> Result<ExprValue> {
    let mut out = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        write!(out, "{byte:02x}").map_err(|_| wrong("a digest cannot be written"))?;
    }
    call.made(&out)
}

pub(super) fn sha256(call: &ToolCall<'_>) -> Result<ExprValue> {
    hex(call, &Sha256::digest(call.as_text()?.as_bytes()))
}

pub(super) fn md5(call: &ToolCall<'_>) -> Result<ExprValue> {
    hex(call, &Md5::digest(call.as_text()?.as_bytes()))
}

pub(super) fn hmac_sha256(call: &ToolCall<'_>) -> Result<ExprValue> {
    let key = call.text_or(0, "")?;
    let mac = hmac::Hmac::<Sha256>::new_from_slice(key.as_bytes());
    let mut mac = mac.map_err(|e| wrong(format!("`hmac_sha256` cannot use its key: {e}")))?;
    mac.update(call.as_text()?.as_bytes());
    hex(call, &mac.finalize().into_bytes())
}

pub(super) fn from_json(call: &ToolCall<'_>) -> Result<ExprValue> {
    let text = call.text()?;
    match serde_json::from_str::<&RawValue>(&text) {
        Ok(raw) => Ok(ExprValue::of_json(Part::made(raw.get()))),
        Err(e) => Err(wrong(format!("`from_json`: \"{}\" is not JSON: {e}", short(&text)))),
    }
}

pub(super) fn tojson(call: &ToolCall<'_>) -> Result<ExprValue> {
    if call.value.is_null() {
        return Err(call.mistyped("a value").advise(OR_DEFAULT));
    }
    let indent = call.count_or(0, 0)?;
    if indent > INDENT_MAX {
        return Err(wrong(format!("the indent of JSON is at most {INDENT_MAX} spaces")));
    }
    let json = json(call.value, call.work)?;
    if indent > 0 { call.made(&indented(&json, indent, call.work)?) } else { call.made(&json) }
}
