//! multipart/form-data (RFC 7578). Pure; the same item always gives the same bytes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::Value;

use crate::error::{Error, ErrorKind, Place, Result};
use crate::json_text::fields_of;
use crate::request::RequestBody;
use crate::request::form::plain;

/// One form: every field a part, every element of a list a part of the same name; a value `{ fileName, contentType,
/// data }` with base64 data is a file.
pub(super) fn form(json: &str, index: usize) -> Result<RequestBody> {
    let boundary = boundary(json);
    let mut bytes = Vec::new();
    for (name, raw) in fields_of(json).unwrap_or_default() {
        let is_files = raw.get().starts_with('[') && raw.get().contains("\"data\"");
        let list: Vec<&serde_json::value::RawValue> = match is_files {
            true => serde_json::from_str(raw.get()).unwrap_or_default(),
            false => vec![raw],
        };
        for raw in list {
            part(&mut bytes, &boundary, &name, raw.get(), index)?;
        }
    }
    bytes.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    Ok(RequestBody { content_type: format!("multipart/form-data; boundary={boundary}"), bytes: Bytes::from(bytes) })
}

fn part(bytes: &mut Vec<u8>, boundary: &str, name: &str, json: &str, index: usize) -> Result<()> {
    let name = quoted(name);
    bytes.extend_from_slice(format!("--{boundary}\r\nContent-Disposition: form-data; name={name}").as_bytes());
    match Bytewise::of(json) {
        Some(file) => {
            let data = file.bytes().map_err(|(_, why)| {
                Error::new(ErrorKind::InvalidItems, format!("the file in {name}: {why}"))
                    .at(Place::field(format!("/{index}")))
            })?;
            let file_name = quoted(file.file_name.as_deref().unwrap_or("file"));
            let kind = file.content_type();
            bytes.extend_from_slice(format!("; filename={file_name}\r\nContent-Type: {kind}\r\n\r\n").as_bytes());
            bytes.extend_from_slice(&data);
        }
        // null was sent as the word before, and some systems know it.
        None if json == "null" => bytes.extend_from_slice(b"\r\n\r\nnull"),
        None => bytes.extend_from_slice(format!("\r\n\r\n{}", plain(json)).as_bytes()),
    }
    bytes.extend_from_slice(b"\r\n");
    Ok(())
}

/// A boundary that does not occur in the data: derived from it, so that the same item always gives the same bytes.
fn boundary(text: &str) -> String {
    use sha2::Digest;
    let digest = sha2::Sha256::digest(text.as_bytes());
    let hex = crate::secret::hex(&digest, 12);
    format!("opnode-{hex}")
}

/// A quoted name; quotes and line breaks are encoded as the WHATWG form encoding does.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A"))
}

/// Bytes as a value: `{ fileName, contentType, data }` with base64 data.
pub(super) struct Bytewise {
    data: String,
    file_name: Option<String>,
    kind: Option<String>,
    /// A field that files do not have.
    stranger: Option<String>,
}

impl Bytewise {
    /// A value of this form; `None` for any other.
    pub(super) fn of(json: &str) -> Option<Bytewise> {
        let fields = fields_of(json).filter(|_| json.starts_with('{'))?;
        let text = |key: &str| {
            let raw = fields.iter().find(|(name, _)| name == key)?.1.get();
            serde_json::from_str::<Value>(raw).ok()?.as_str().map(str::to_owned)
        };
        let known = |name: &str| matches!(name, "data" | "fileName" | "contentType" | "size" | "sha256");
        let stranger = fields.iter().map(|(name, _)| name).find(|name| !known(name)).cloned();
        Some(Bytewise { data: text("data")?, file_name: text("fileName"), kind: text("contentType"), stranger })
    }

    /// The media type.
    pub(super) fn content_type(&self) -> &str {
        self.kind.as_deref().unwrap_or("application/octet-stream")
    }

    /// The bytes; `Err` is a field of the value and what is wrong with it.
    pub(super) fn bytes(&self) -> Result<Vec<u8>, (&'static str, String)> {
        if let Some(name) = &self.stranger {
            return Err(("data", format!("a file has the fields fileName, contentType and data, and not `{name}`")));
        }
        let kind = self.content_type();
        if !kind.contains('/') || kind.contains(|c: char| c.is_control() || !c.is_ascii()) {
            return Err(("contentType", format!("`contentType` is not a media type: {kind:?}")));
        }
        STANDARD.decode(&self.data).map_err(|e| ("data", format!("`data` is not base64: {e}")))
    }
}
