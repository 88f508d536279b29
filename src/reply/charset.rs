//! Decodes a body to text, by its label. Pure. Invalid bytes are an error, never replaced silently.

use std::borrow::Cow;

use http::header::CONTENT_TYPE;

use super::body::Body;
use super::found_rows::FoundRows;
use super::response::{Response, in_lower_case};
use crate::error::{Error, ErrorKind, Result};

/// A JSON body as text. JSON is UTF-8 under any label (RFC 8259, sections 8.1 and 11); a label counts only if the bytes
/// are not UTF-8. Takes the body out of the reply, because a page may be large.
pub(crate) fn decode(reply: &mut Response) -> Result<(String, FoundRows)> {
    let body = std::mem::take(&mut reply.body);
    let label = charset(reply.header(&CONTENT_TYPE).unwrap_or_default());
    match mark(&body) {
        Some(mark) => by_label(body, mark),
        // Two-byte encodings of JSON are visible: no JSON text contains a zero byte.
        None if is_utf8(&label) || wide(&body) => by_label(body, &label),
        None => match body.is_text() {
            true => by_label(body, ""),
            false => by_label(body, &label),
        },
    }
}

/// A body of any text: by its byte order mark or its label.
pub(crate) fn decode_labelled(reply: &mut Response) -> Result<(String, FoundRows)> {
    let body = std::mem::take(&mut reply.body);
    let label = charset(reply.header(&CONTENT_TYPE).unwrap_or_default());
    let label = mark(&body).map_or(label, Cow::Borrowed);
    by_label(body, &label)
}

/// A body of XML: by its byte order mark, its label, or the encoding in its declaration.
#[cfg(feature = "xml")]
pub(crate) fn decode_xml(reply: &mut Response) -> Result<String> {
    let body = std::mem::take(&mut reply.body);
    let label = charset(reply.header(&CONTENT_TYPE).unwrap_or_default()).into_owned();
    let label = match (mark(&body), body.get(..2)) {
        (Some(mark), _) => mark.to_owned(),
        (None, Some(b"\0<")) => "utf-16be".to_owned(),
        (None, Some(b"<\0")) => "utf-16le".to_owned(),
        (None, _) if label.is_empty() => declared_encoding(&body),
        (None, _) => label,
    };
    by_label(body, &label).map(|(text, _)| text)
}

/// The encoding in an XML declaration. A declaration that was read byte by byte is not in UTF-16.
#[cfg(feature = "xml")]
fn declared_encoding(body: &[u8]) -> String {
    let head = String::from_utf8_lossy(body.get(..200).unwrap_or(body));
    let declaration = head.strip_prefix("<?xml").and_then(|rest| rest.split("?>").next()).unwrap_or_default();
    let value =
        declaration.split_once("encoding").map(|(_, rest)| rest.trim_start_matches([' ', '\t', '\r', '\n', '=']));
    let label = value.and_then(|value| value.split(['"', '\'']).nth(1)).unwrap_or_default().to_ascii_lowercase();
    if label.starts_with("utf-16") { String::new() } else { label }
}

fn mark(body: &[u8]) -> Option<&'static str> {
    match body {
        [0xFE, 0xFF, ..] => Some("utf-16be"),
        [0xFF, 0xFE, ..] => Some("utf-16le"),
        [0xEF, 0xBB, 0xBF, ..] => Some("utf-8"),
        _ => None,
    }
}

fn is_utf8(label: &str) -> bool {
    matches!(label, "" | "utf-8" | "utf8" | "us-ascii" | "ascii")
}

fn wide(body: &[u8]) -> bool {
    body.iter().take(4).any(|b| *b == 0)
}

fn by_label(body: Body, label: &str) -> Result<(String, FoundRows)> {
    match label {
        label if is_utf8(label) => {
            let marked = body.starts_with(b"\xEF\xBB\xBF");
            let (mut text, rows) = body.into_text().map_err(|e| broken(label, e.valid_up_to()))?;
            if marked {
                // No rows are found in a text with a byte order mark: it does not start with a list.
                text.drain(..'\u{feff}'.len_utf8());
            }
            Ok((text, rows))
        }
        "utf-16" | "utf-16be" => utf16(&body, u16::from_be_bytes, label).map(unread),
        "utf-16le" => utf16(&body, u16::from_le_bytes, label).map(unread),
        "iso-8859-1" | "latin1" | "latin-1" => Ok(unread(body.iter().map(|b| char::from(*b)).collect())),
        other => Err(Error::new(ErrorKind::BadResponse, format!("the reply's charset `{other}` is not supported"))
            .advise("utf-8, utf-16 and iso-8859-1 are supported; ask the vendor for UTF-8 (RFC 8259, section 8.1)")),
    }
}

fn unread(text: String) -> (String, FoundRows) {
    (text, FoundRows::default())
}

fn utf16(body: &[u8], unit: fn([u8; 2]) -> u16, label: &str) -> Result<String> {
    let (pairs, rest) = body.as_chunks::<2>();
    let text: std::result::Result<String, _> = char::decode_utf16(pairs.iter().map(|p| unit(*p))).collect();
    match text {
        Ok(text) if rest.is_empty() => Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text)),
        _ => Err(broken(label, 0)),
    }
}

fn broken(label: &str, at: usize) -> Error {
    let label = if label.is_empty() { "utf-8" } else { label };
    Error::new(ErrorKind::BadResponse, format!("the reply is not valid {label}: invalid byte {at}"))
}

fn charset(content_type: &str) -> Cow<'_, str> {
    if !content_type.contains(';') {
        return Cow::default();
    }
    // A comma starts another value of the field, which does not concern this body.
    let own = outside_quotes(content_type, b',').next().unwrap_or_default();
    let mut parameters = outside_quotes(own, b';').skip(1).filter_map(|p| p.split_once('='));
    // Names are case-insensitive (RFC 9110, section 5.6.6).
    let label = parameters.find(|(name, _)| name.trim().eq_ignore_ascii_case("charset")).map(|(_, label)| label);
    in_lower_case(label.unwrap_or_default().trim_matches(['"', '\'', ' ', '\t']))
}

/// The parts of a field between separators; separators in a quoted string do not count (RFC 9110, section 5.6.4).
fn outside_quotes(field: &str, separator: u8) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    field.split(move |c: char| {
        let literal = std::mem::take(&mut escaped);
        match c {
            '\\' if quoted => escaped = !literal,
            '"' if !literal => quoted = !quoted,
            _ => {}
        }
        !quoted && c == char::from(separator)
    })
}

#[cfg(test)]
mod tests {
    use super::charset;

    #[test]
    fn the_charset_label_is_parsed_as_a_header_field() {
        for (field, label) in [
            ("application/json", ""),
            ("application/json; charset=UTF-8", "utf-8"),
            ("application/json;Charset=\"utf-8\"", "utf-8"),
            ("application/json; charset='utf-8'", "utf-8"),
            (r#"application/json; profile="a;charset=latin1"; charset=utf-8"#, "utf-8"),
            (r#"application/json; profile="a\";charset=latin1"; charset=utf-8"#, "utf-8"),
            (r#"application/json; profile="a\\"; charset=latin1"#, "latin1"),
            ("application/json, text/html; charset=latin1", ""),
        ] {
            assert_eq!(charset(field), label, "{field}");
        }
    }
}
