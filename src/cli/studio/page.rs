//! The files of the page. They are part of the program, compressed when they are first asked for; nothing else is loaded.
//! A build for development takes them from the sources as they are.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Mutex, PoisonError};

use axum::body::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use rust_embed::{EmbeddedFile, RustEmbed};

#[derive(RustEmbed)]
#[folder = "src/cli/studio/page"]
#[include = "*.js"]
#[include = "*.css"]
#[include = "*.svg"]
#[include = "index.html"]
struct PageFiles;

/// A file of the page.
#[derive(Clone)]
pub(super) struct PageFile {
    pub(super) kind: &'static str,
    pub(super) text: Bytes,
    pub(super) gzip: Bytes,
}

/// By the digest of the text.
static PACKED: Mutex<BTreeMap<[u8; 32], PageFile>> = Mutex::new(BTreeMap::new());

/// A file by its path.
pub(super) fn file(path: &str) -> Option<PageFile> {
    let name = match path.strip_prefix('/')? {
        "" => "index.html",
        name => name,
    };
    let found = PageFiles::get(name)?;
    let mut all = PACKED.lock().unwrap_or_else(PoisonError::into_inner);
    Some(all.entry(found.metadata.sha256_hash()).or_insert_with(|| packed(name, &found)).clone())
}

fn packed(name: &str, file: &EmbeddedFile) -> PageFile {
    let kind = match name.rsplit('.').next() {
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some(_) | None => "text/html; charset=utf-8",
    };
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    // Writing to memory does not fail.
    let gzip = encoder.write_all(&file.data).and_then(|()| encoder.finish()).unwrap_or_default();
    PageFile { kind, text: Bytes::copy_from_slice(&file.data), gzip: gzip.into() }
}
