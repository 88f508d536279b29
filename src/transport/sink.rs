//! Receives a body: decompresses it piece by piece, within its limits.

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;

use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};

use super::failure::{ExchangeLimits, Failure, FailureKind};
use crate::error::io_text;
use crate::part_file::PartFile;
use crate::reply::Body;
use crate::reply::in_lower_case;

/// Collects the pieces of a body, decompresses them and enforces the limits.
pub(super) struct BodySink {
    plain: Body,
    spill: Option<Spill>,
    /// Empty between two pieces.
    gzip: Option<Unpacker>,
    pub(super) packed: usize,
    /// An unknown encoding: the body is accepted unchanged if it is readable.
    odd: Option<String>,
    status: u16,
    limits: ExchangeLimits,
}

/// The folder for a body that is written to disk if it is large: an extension of a request.
#[derive(Clone, Debug)]
pub(crate) struct SpillFolder(pub(crate) PathBuf);

/// Larger bodies go to disk. An error object with a success status is smaller.
const SPILL_FROM: usize = 1 << 20;

/// A body that goes to disk.
struct Spill {
    folder: SpillFolder,
    file: Option<PartFile>,
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
        BodySink::spilling(headers, limits, status, length, None)
    }

    /// The same; with a folder, a large body goes to disk, and its size is not limited.
    pub(super) fn spilling(
        headers: &HeaderMap,
        limits: ExchangeLimits,
        status: u16,
        length: usize,
        folder: Option<SpillFolder>,
    ) -> Result<BodySink, Failure> {
        let (limits, length) = match folder {
            Some(_) => (ExchangeLimits { body_max: usize::MAX, ..limits }, length.min(SPILL_FROM)),
            None => (limits, length),
        };
        let (gzip, odd) =
            if headers.contains_key(CONTENT_ENCODING) { unpacker(headers, status)? } else { (None, None) };
        let plain = Body::expect(is_text(headers), if gzip.is_none() { length } else { 0 });
        let spill = folder.map(|folder| Spill { folder, file: None });
        Ok(BodySink { plain, spill, gzip, packed: 0, odd, status, limits })
    }

    pub(super) fn push(&mut self, piece: &[u8]) -> Result<(), Failure> {
        self.packed += piece.len();
        let Some(gzip) = &mut self.gzip else {
            add(&mut self.plain, self.spill.as_mut(), piece, self.status)?;
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
            add(&mut self.plain, self.spill.as_mut(), gzip.get_ref(), self.status)?;
            gzip.get_mut().clear();
            check_size(size(&self.plain, self.spill.as_ref()), self.packed, self.limits, self.status)?;
        }
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<Body, Failure> {
        if let Some(gzip) = self.gzip.take().filter(|_| self.packed > 0) {
            // The last bytes are only available now.
            let last = gzip.finish().map_err(|e| corrupt(&e, self.status))?;
            add(&mut self.plain, self.spill.as_mut(), &last, self.status)?;
            check_size(size(&self.plain, self.spill.as_ref()), self.packed, self.limits, self.status)?;
        }
        if let Some(file) = self.spill.and_then(|spill| spill.file) {
            if let Some(name) = self.odd {
                return Err(unknown(&name, self.status));
            }
            let whole = file.finish().map_err(|e| unsaved(&e, self.status))?;
            return Ok(Body::on_disk(Arc::new(whole)));
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

/// Adds bytes of the body, in memory or to disk.
fn add(plain: &mut Body, spill: Option<&mut Spill>, bytes: &[u8], status: u16) -> Result<(), Failure> {
    let wrong = |e: io::Error| unsaved(&e, status);
    let Some(spill) = spill else {
        plain.push(bytes);
        return Ok(());
    };
    if let Some(file) = &mut spill.file {
        return file.write(bytes).map_err(wrong);
    }
    plain.push(bytes);
    if plain.len() > SPILL_FROM {
        let mut file = PartFile::begin(&spill.folder.0).map_err(wrong)?;
        file.write(&std::mem::take(plain).into_bytes()).map_err(wrong)?;
        spill.file = Some(file);
    }
    Ok(())
}

/// The bytes so far.
fn size(plain: &Body, spill: Option<&Spill>) -> usize {
    let on_disk = spill.and_then(|spill| spill.file.as_ref()).map_or(0, PartFile::size);
    plain.len().saturating_add(usize::try_from(on_disk).unwrap_or(usize::MAX))
}

fn unsaved(error: &io::Error, status: u16) -> Failure {
    let message = format!("the file cannot be written: {}", io_text(error));
    Failure { kind: FailureKind::Unsaved, message, status: Some(status) }
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
