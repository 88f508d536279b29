//! Bytes as an item: media type, name, size, digest, content. Pure.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::CONTENT_DISPOSITION;
use sha2::Digest;

use crate::item::Items;
use crate::reply::Response;
use crate::secret::hex;

/// Bytes as one item (RFC 6266 for the name).
pub(super) fn item(reply: &Response) -> Items {
    let digest = sha2::Sha256::digest(&reply.body);
    let sha256 = hex(&digest, digest.len());
    let name = reply.header(&CONTENT_DISPOSITION).and_then(file_name);
    let kind = reply.media_type();
    let item = serde_json::json!({
        "contentType": if kind.is_empty() { "application/octet-stream" } else { &kind },
        "fileName": name, "size": reply.body.len(), "sha256": sha256, "data": STANDARD.encode(&reply.body),
    });
    Items::one(item.to_string())
}

/// The file name of a Content-Disposition, without any folder.
fn file_name(disposition: &str) -> Option<String> {
    let find = |key: &str| {
        let at = disposition.to_ascii_lowercase().find(key)?;
        let value = disposition.get(at + key.len()..)?.trim_start();
        Some(match value.strip_prefix('"') {
            Some(quoted) => quoted.split('"').next().unwrap_or_default(),
            None => value.split(';').next().unwrap_or_default().trim(),
        })
    };
    let extended = find("filename*=").and_then(|v| v.splitn(3, '\'').nth(2));
    let name = match extended {
        Some(encoded) => percent_encoding::percent_decode_str(encoded).decode_utf8_lossy().into_owned(),
        None => find("filename=")?.to_owned(),
    };
    let base = name.rsplit(['/', '\\']).next().unwrap_or_default().trim_matches('.').to_owned();
    (!base.is_empty()).then_some(base)
}
