//! The files of the page. They are part of the program, compressed once when they are first asked for; nothing else is loaded.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::LazyLock;

use axum::body::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;

const JS: &str = "text/javascript; charset=utf-8";

/// A file of the page.
#[derive(Clone)]
pub(super) struct PageFile {
    pub(super) kind: &'static str,
    pub(super) text: Bytes,
    pub(super) gzip: Bytes,
}

macro_rules! files {
    ($($name:literal $kind:expr,)*) => {
        const FILES: &[(&str, &str, &str)] = &[$(($name, $kind, include_str!(concat!("page/", $name))),)*];
    };
}

files! {
    "index.html" "text/html; charset=utf-8",
    "studio.css" "text/css; charset=utf-8",
    "icon.svg" "image/svg+xml",
    "studio.js" JS,
    "dom.js" JS,
    "api.js" JS,
    "pick.js" JS,
    "form.js" JS,
    "fields.js" JS,
    "request.js" JS,
    "result.js" JS,
    "table.js" JS,
    "chart.js" JS,
}

static PACKED: LazyLock<BTreeMap<&str, PageFile>> =
    LazyLock::new(|| FILES.iter().map(|(name, kind, text)| (*name, packed(kind, text.as_bytes().to_vec()))).collect());

fn packed(kind: &'static str, text: Vec<u8>) -> PageFile {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    // Writing to memory does not fail.
    let gzip = encoder.write_all(&text).and_then(|()| encoder.finish()).unwrap_or_default();
    PageFile { kind, text: text.into(), gzip: gzip.into() }
}

/// A file by its path.
pub(super) fn file(path: &str) -> Option<PageFile> {
    let name = match path.strip_prefix('/')? {
        "" => "index.html",
        name => name,
    };
    from_source(name).or_else(|| PACKED.get(name).cloned())
}

/// In builds for development the files are those of the sources as they are now, so that a change needs no build.
fn from_source(name: &str) -> Option<PageFile> {
    if !cfg!(debug_assertions) || std::env::var_os("OPNODE_STUDIO_SOURCES").is_none() || name.contains(['/', '\\']) {
        return None;
    }
    let text = std::fs::read(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/cli/studio/page").join(name)).ok()?;
    let kind = match name.rsplit('.').next() {
        Some("js") => JS,
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "text/html; charset=utf-8",
    };
    Some(packed(kind, text))
}
