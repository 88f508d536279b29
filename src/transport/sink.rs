//! Receives a body: decompresses it piece by piece, within its limits.

use std::io::Write;

use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};

use super::failure::{ExchangeLimits, Failure, FailureKind};
use crate::reply::Body;
use crate::reply::in_lower_case;

/// Collects the pieces of a body, decompresses them and enforces the limits.
pub(super) struct BodySink {
    plain: Body,
    /// Empty between two pieces.
    gzip: Option<Unpacker>,
    pub(super) packed: usize,
    /// An unknown encoding: the body is accepted unchanged if it is readable.
    odd: Option<String>,
    status: u16,
    limits: ExchangeLimits,
}

type Unpacker = Box<flate2::write::MultiGzDecoder<Vec<u8>>>;

/// Below this size a high ratio is no attack: small JSON compresses well.
const RATIO_FREE: usize = 1 << 20;

impl BodySink {
    pub(super) fn new(
        headers: &HeaderMap,
        limits: ExchangeLimits,
        status: u16,
        length: usize,
    ) -> Result<BodySink, Failure> {
        let (gzip, odd) =
            if headers.contains_key(CONTENT_ENCODING) { unpacker(headers, status)? } else { (None, None) };
        let plain = Body::expect(is_text(headers), if gzip.is_none() { length } else { 0 });
        Ok(BodySink { plain, gzip, packed: 0, odd, status, limits })
    }

    pub(super) fn push(&mut self, piece: &[u8]) -> Result<(), Failure> {
        self.packed += piece.len();
        let Some(gzip) = &mut self.gzip else {
            self.plain.push(piece);
            return if self.plain.len() > self.limits.body_max {
                Err(too_large(self.limits, self.status))
            } else {
                Ok(())
            };
        };
        // Compressed bytes count too: an endless series of empty gzip members decompresses to nothing.
        if self.packed > self.limits.body_max {
            return Err(too_large(self.limits, self.status));
        }
        // Small steps detect a decompression bomb early.
        for step in piece.chunks(1024) {
            gzip.write_all(step).map_err(|e| corrupt(&e, self.status))?;
            self.plain.push(gzip.get_ref());
            gzip.get_mut().clear();
            check_size(self.plain.len(), self.packed, self.limits, self.status)?;
        }
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<Body, Failure> {
        if let Some(gzip) = self.gzip.take().filter(|_| self.packed > 0) {
            // The last bytes are only available now.
            self.plain.push(&gzip.finish().map_err(|e| corrupt(&e, self.status))?);
            check_size(self.plain.len(), self.packed, self.limits, self.status)?;
        }
        let whole = self.plain.whole();
        match self.odd {
            Some(name) if !whole.is_text() => Err(unknown(&name, self.status)),
            Some(_) | None => Ok(whole),
        }
    }

    /// The received body, complete or not, within the limit.
    pub(super) fn so_far(mut self) -> Body {
        if let Some(mut gzip) = self.gzip.take() {
            self.plain.push(&std::mem::take(gzip.get_mut()));
        }
        let mut body = self.plain.whole().into_bytes();
        body.truncate(self.limits.body_max);
        body.into()
    }
}

/// Names of encodings (registry of RFC 9110, section 16.6.1, and one more in use). Other values in this field are
/// mistakes, such as charsets.
const ENCODINGS: [&str; 12] = [
    "aes128gcm",
    "br",
    "compress",
    "dcb",
    "dcz",
    "deflate",
    "exi",
    "gzip",
    "pack200-gzip",
    "x-compress",
    "zstd",
    "snappy",
];

/// The decompressor for a body's encoding, or the name of an unknown encoding.
fn unpacker(headers: &HeaderMap, status: u16) -> Result<(Option<Unpacker>, Option<String>), Failure> {
    let fields: Vec<String> = headers
        .get_all(CONTENT_ENCODING)
        .iter()
        .map(|v| String::from_utf8_lossy(v.as_bytes()).to_ascii_lowercase())
        .collect();
    let joined = fields.join(",");
    let encodings: Vec<&str> = joined.split(',').map(str::trim).filter(|e| !e.is_empty() && *e != "identity").collect();
    let message = match encodings.as_slice() {
        [] => return Ok((None, None)),
        ["gzip" | "x-gzip"] => return Ok((Some(Box::new(flate2::write::MultiGzDecoder::new(Vec::new()))), None)),
        [one] if !ENCODINGS.contains(one) => return Ok((None, Some((*one).to_owned()))),
        [one] => return Err(unknown(one, status)),
        many => format!("the reply has {} content encodings on top of each other", many.len()),
    };
    Err(Failure { kind: FailureKind::Encoding, message, status: Some(status) })
}

fn unknown(name: &str, status: u16) -> Failure {
    let message = format!("the reply's content encoding `{name}` was not requested and cannot be read");
    Failure { kind: FailureKind::Encoding, message, status: Some(status) }
}

/// Whether a body should be UTF-8. Another one is accepted too.
fn is_text(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).map(|v| String::from_utf8_lossy(v.as_bytes())).unwrap_or_default();
    let kind = in_lower_case(&kind);
    kind == "application/json"
        || (kind.contains("json") || kind.starts_with("text/"))
            && (!kind.contains("charset") || kind.contains("utf-8") || kind.contains("utf8"))
}

/// Checks the decompressed size against the limits.
fn check_size(size: usize, packed: usize, limits: ExchangeLimits, status: u16) -> Result<(), Failure> {
    if size > limits.body_max {
        return Err(too_large(limits, status));
    }
    if size > RATIO_FREE && size / packed.max(1) > limits.ratio_max {
        let message = format!("the reply expands by more than the limit inflate_ratio ({})", limits.ratio_max);
        return Err(Failure { kind: FailureKind::TooLarge, message, status: Some(status) });
    }
    Ok(())
}

fn corrupt(error: &std::io::Error, status: u16) -> Failure {
    Failure {
        kind: FailureKind::Encoding,
        message: format!("the reply's gzip encoding is broken: {error}"),
        status: Some(status),
    }
}

pub(super) fn too_large(limits: ExchangeLimits, status: u16) -> Failure {
    Failure {
        kind: FailureKind::TooLarge,
        message: format!("the reply is larger than the limit page_bytes ({})", limits.body_max),
        status: Some(status),
    }
}
