//! Signs a request with a shared key (HMAC, RFC 2104): renders the text of the definition, and signs it. Pure.

use std::borrow::Cow;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::Request;
use http::header::CONTENT_TYPE;
use md5::Digest as _;

use super::keyed_hash::{Hash, keyed_hash};
use super::place;
use super::texts::{self, missing};
use crate::authoring::{Text, TextPart};
use crate::connection::Connection;
use crate::definition::{Hmac, HmacAlgorithmFile, KeyEncodingFile, RequestPlace, SignatureEncodingFile, TimestampFile};
use crate::error::{Error, ErrorKind, Place, Result};
use crate::secret::hex;

/// The parts of one signature that change with every request.
pub(super) struct Moment<'m> {
    pub(super) wall: SystemTime,
    pub(super) nonce: &'m str,
}

/// Signs a request.
pub(super) fn sign(
    connection: &Connection,
    rule: &Hmac,
    moment: &Moment<'_>,
    request: &mut Request<Bytes>,
) -> Result<()> {
    let key = key(connection, rule)?;
    let timestamp = timestamp(rule.timestamp, moment.wall);
    for (name, text) in &rule.query {
        let value =
            String::from_utf8_lossy(&rendered(connection, text, &(&*timestamp, moment.nonce), request)?).into_owned();
        place::put(request, &place::credential(&RequestPlace::Query(name.clone()), &value)?)?;
    }
    let text = rendered(connection, &rule.text, &(&*timestamp, moment.nonce), request)?;
    let hash = match rule.algorithm {
        HmacAlgorithmFile::Sha1 => Hash::Sha1,
        HmacAlgorithmFile::Sha256 => Hash::Sha256,
        HmacAlgorithmFile::Sha512 => Hash::Sha512,
    };
    let signature = keyed_hash(hash, &key, &text)?;
    let signature = match rule.encoding {
        SignatureEncodingFile::Hex => hex(&signature, signature.len()),
        SignatureEncodingFile::Base64 => STANDARD.encode(&signature),
    };
    for (name, text) in &rule.headers {
        let value =
            String::from_utf8_lossy(&rendered(connection, text, &(&*timestamp, moment.nonce), request)?).into_owned();
        place::put(request, &place::credential(&RequestPlace::Header(name.clone()), &value)?)?;
    }
    let given =
        |name: &str| if name == "signature" { Some(Cow::Borrowed(&*signature)) } else { connection.value(name) };
    let value = rule.send.value.render(given).map_err(missing)?;
    place::put(request, &place::credential(&rule.send.place, &value)?)
}

/// The key's bytes.
///
/// # Errors
/// `connection` when it is not written as the definition says.
pub(super) fn key(connection: &Connection, rule: &Hmac) -> Result<Vec<u8>> {
    let text = texts::rendered(connection, &rule.key)?;
    let name = rule.key.names().next().unwrap_or_default();
    let wrong = |how: &str| {
        Error::new(ErrorKind::Connection, format!("the key in `{name}` is not {how}"))
            .at(Place::field(format!("/{name}")))
    };
    match rule.key_encoding {
        KeyEncodingFile::Text => Ok(text.into_bytes()),
        KeyEncodingFile::Hex => unhex(text.trim()).ok_or_else(|| wrong("hexadecimal")),
        KeyEncodingFile::Base64 => decoded(text.trim()).ok_or_else(|| wrong("base64")),
    }
}

/// Base64 in either alphabet, with or without padding.
pub(super) fn decoded(text: &str) -> Option<Vec<u8>> {
    [STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD].iter().find_map(|engine| engine.decode(text).ok())
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    let pair = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    let is_hex = text.len().is_multiple_of(2) && digits.iter().all(u8::is_ascii_hexdigit);
    is_hex.then(|| digits.chunks(2).map(pair).collect::<Option<_>>()).flatten()
}

/// A text of the definition as bytes, because a body need not be UTF-8. `moment` is time and nonce.
fn rendered(connection: &Connection, text: &Text, moment: &(&str, &str), request: &Request<Bytes>) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    for part in text.parts() {
        match part {
            TextPart::Literal(text) => out.extend_from_slice(text.as_bytes()),
            TextPart::Name(name) => match part_of(request, name, moment) {
                Some(value) => out.extend_from_slice(&value),
                None => {
                    let value = connection.value(name).ok_or_else(|| missing(name))?;
                    out.extend_from_slice(value.as_bytes());
                }
            },
        }
    }
    Ok(out)
}

/// The value of a name that stands for a part of the request.
fn part_of<'r>(
    request: &'r Request<Bytes>,
    name: &str,
    (timestamp, nonce): &(&'r str, &'r str),
) -> Option<Cow<'r, [u8]>> {
    let (uri, body) = (request.uri(), request.body());
    let digest = |bytes: &[u8]| Cow::Owned(hex(bytes, bytes.len()).into_bytes());
    Some(match name {
        "method" => Cow::Borrowed(request.method().as_str().as_bytes()),
        "path" => Cow::Borrowed(uri.path().as_bytes()),
        "query" => Cow::Borrowed(uri.query().unwrap_or_default().as_bytes()),
        "url" => Cow::Owned(uri.to_string().into_bytes()),
        "host" => Cow::Borrowed(uri.authority().map_or("", |a| a.as_str()).as_bytes()),
        "body" => Cow::Borrowed(body),
        "body_sha256" => digest(&sha2::Sha256::digest(body)),
        "body_md5" => digest(&md5::Md5::digest(body)),
        "timestamp" => Cow::Borrowed(timestamp.as_bytes()),
        "nonce" => Cow::Borrowed(nonce.as_bytes()),
        "content_type" => Cow::Borrowed(request.headers().get(CONTENT_TYPE).map_or(&[][..], |value| value.as_bytes())),
        _ => return None,
    })
}

fn timestamp(format: TimestampFile, wall: SystemTime) -> String {
    let since = wall.duration_since(UNIX_EPOCH).unwrap_or_default();
    match format {
        TimestampFile::Unix => since.as_secs().to_string(),
        TimestampFile::UnixMs => since.as_millis().to_string(),
        TimestampFile::Iso8601 => utc(wall, "%Y-%m-%dT%H:%M:%SZ"),
        TimestampFile::HttpDate => httpdate::fmt_http_date(wall),
    }
}

/// A time in UTC.
pub(super) fn utc(wall: SystemTime, format: &str) -> String {
    jiff::Timestamp::try_from(wall).unwrap_or_default().strftime(format).to_string()
}
