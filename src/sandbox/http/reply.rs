//! A reply: status, headers, body. Pure.

use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use http::{Response, StatusCode};

use crate::authoring::Ordered;
use crate::definition::ReplyFile;
use crate::sandbox::records::Tree;

/// The body of a reply.
#[derive(Clone, Debug)]
pub(in crate::sandbox) enum ReplyContent {
    None,
    Json(Tree),
    /// Media type and bytes.
    Bytes(&'static str, Vec<u8>),
}

/// A reply.
#[derive(Clone, Debug)]
pub(in crate::sandbox) struct SandboxReply {
    pub(in crate::sandbox) status: StatusCode,
    pub(in crate::sandbox) headers: HeaderMap,
    pub(in crate::sandbox) content: ReplyContent,
}

impl SandboxReply {
    pub(in crate::sandbox) fn blank(status: StatusCode) -> SandboxReply {
        SandboxReply { status, headers: HeaderMap::new(), content: ReplyContent::None }
    }

    pub(in crate::sandbox) fn json(status: StatusCode, body: &Tree) -> SandboxReply {
        SandboxReply { content: ReplyContent::Json(body.clone()), ..SandboxReply::blank(status) }
    }

    pub(in crate::sandbox) fn text(status: StatusCode, text: &str) -> SandboxReply {
        SandboxReply {
            content: ReplyContent::Bytes("text/plain; charset=utf-8", text.as_bytes().to_vec()),
            ..SandboxReply::blank(status)
        }
    }

    /// A reply from sandbox.yaml; `Err` is its fault. With a media type other than JSON, a text is sent unchanged.
    pub(in crate::sandbox) fn of_file(file: &ReplyFile) -> Result<SandboxReply, String> {
        let status = StatusCode::from_u16(file.status).map_err(|_| format!("{} is not an HTTP status", file.status))?;
        let headers = headers(&file.headers)?;
        let is_json = headers.get(CONTENT_TYPE).is_none_or(|kind| kind.to_str().is_ok_and(|k| k.contains("json")));
        let body = file.body.as_ref().map(Tree::of);
        let content = match body {
            None => ReplyContent::None,
            Some(tree) if is_json || !tree.is_text() => ReplyContent::Json(tree),
            Some(tree) => ReplyContent::Bytes("text/plain", tree.plain().unwrap_or_default().into_bytes()),
        };
        Ok(SandboxReply { status, headers, content })
    }

    /// Changes every text of a JSON body.
    pub(in crate::sandbox) fn map_texts(&mut self, change: &mut impl FnMut(&str) -> String) {
        if let ReplyContent::Json(tree) = &self.content {
            self.content = ReplyContent::Json(tree.map_texts(change));
        }
    }

    /// Sets a header; ignores a value that is not valid in a header.
    pub(in crate::sandbox) fn set(&mut self, name: HeaderName, value: &str) {
        if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
            self.headers.insert(name, value);
        }
    }

    /// The HTTP response. `common` are the headers of every reply of the system; the reply's own headers override them.
    pub(in crate::sandbox) fn into_http(self, common: &HeaderMap) -> Response<Vec<u8>> {
        let (kind, body) = match self.content {
            ReplyContent::None => (None, Vec::new()),
            ReplyContent::Json(tree) => (
                Some(common.get(CONTENT_TYPE).map_or(HeaderValue::from_static("application/json"), Clone::clone)),
                tree.to_json().into_bytes(),
            ),
            ReplyContent::Bytes(kind, bytes) => (Some(HeaderValue::from_static(kind)), bytes),
        };
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.extend(
            common.iter().filter(|(name, _)| *name != CONTENT_TYPE).map(|(name, value)| (name.clone(), value.clone())),
        );
        if let Some(kind) = kind {
            headers.insert(CONTENT_TYPE, kind);
        }
        for (name, value) in &self.headers {
            headers.insert(name.clone(), value.clone());
        }
        response
    }
}

/// Headers from sandbox.yaml; `Err` is the fault.
pub(in crate::sandbox) fn headers(file: &Ordered<String>) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    for (name, value) in file {
        let key = HeaderName::from_bytes(name.as_bytes()).map_err(|_| format!("`{name}` is not a header name"))?;
        let value = HeaderValue::from_str(value)
            .map_err(|_| format!("the header `{name}` can contain only visible characters"))?;
        headers.insert(key, value);
    }
    Ok(headers)
}
