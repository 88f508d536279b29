//! Bytes as an item: media type, name, size, digest, content. Pure.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::CONTENT_DISPOSITION;
use sha2::Digest;

use crate::item::Items;
use crate::reply::Response;
use crate::secret::hex;

/// Bytes as one item (RFC 6266 for the name). For a file on disk, its path instead of its bytes.
pub(super) fn item(reply: &Response) -> Items {
    if let Some(file) = reply.body.file() {
        let item = serde_json::json!({
            "contentType": content_type(reply), "fileName": file_name(reply), "size": file.size,
            "sha256": file.sha256, "path": file.path().map(|path| path.to_string_lossy().into_owned()),
        });
        return Items::one(item.to_string());
    }
    let digest = sha2::Sha256::digest(&reply.body);
    let sha256 = hex(&digest, digest.len());
    let item = serde_json::json!({
        "contentType": content_type(reply),
        "fileName": reply.header(&CONTENT_DISPOSITION).and_then(announced_name), "size": reply.body.len(), "sha256": sha256, "data": STANDARD.encode(&reply.body),
    });
    Items::one(item.to_string())
}

fn content_type(reply: &Response) -> String {
    let kind = reply.media_type();
    if kind.is_empty() { "application/octet-stream".to_owned() } else { kind.into_owned() }
}

/// The name that a system gives a file, as a name on this machine.
pub(crate) fn file_name(reply: &Response) -> Option<String> {
    reply.header(&CONTENT_DISPOSITION).and_then(announced_name).map(|name| safe_name(&name))
}

/// Maximum bytes of a name: file systems allow 255, and a number may be added.
const NAME_MAX: usize = 200;

/// A name without characters that some systems do not allow. A long one keeps its end, which has the extension.
pub(crate) fn safe_name(name: &str) -> String {
    let allowed = |c: char| !c.is_control() && !"/\\:*?\"<>|".contains(c);
    let name: String = name.chars().map(|c| if allowed(c) { c } else { '_' }).collect();
    let from = (0..=name.len()).find(|at| name.is_char_boundary(*at) && name.len() - at <= NAME_MAX).unwrap_or(0);
    let name = name.get(from..).unwrap_or_default().trim_matches(['.', ' ']);
    if name.is_empty() { "file".to_owned() } else { name.to_owned() }
}

/// The file name of a Content-Disposition, without any folder.
fn announced_name(disposition: &str) -> Option<String> {
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
