//! An exchange without its secrets. Pure.

use http::HeaderMap;
use serde_json::Value;

use super::Exchange;
use super::masked_json::mask_json;
use crate::reply::{Response, charset};
use crate::secret::{MASK, Redactor};
use crate::transport::Failure;

/// Headers of a sign-in whose values are shown: others may contain new secrets.
const SIGN_IN_HEADERS: [&str; 10] = [
    "accept",
    "cache-control",
    "content-encoding",
    "content-length",
    "content-type",
    "date",
    "retry-after",
    "server",
    "user-agent",
    "www-authenticate",
];

/// Fields of a sign-in whose values are shown.
const SIGN_IN_FIELDS: [&str; 10] = [
    "error",
    "error_description",
    "error_uri",
    "expires_in",
    "expires",
    "grant_type",
    "message",
    "scope",
    "status",
    "token_type",
];

/// Headers that always contain a secret.
const SECRET_HEADERS: [&str; 4] = ["authorization", "cookie", "proxy-authorization", "set-cookie"];

/// A request or a reply with its secrets masked.
pub(crate) struct ShownMessage {
    /// `GET https://…`, or `200 OK`.
    pub(crate) start: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: MessageBody,
}

/// A body with its secrets masked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum MessageBody {
    Empty,
    Text(String),
    /// Bytes that are not text.
    Bytes(Vec<u8>),
}

impl Exchange {
    /// The request.
    pub(crate) fn sent(&self) -> ShownMessage {
        let url = self.redactor.mask(&without_values(&self.request.uri().to_string(), &self.secret_query)).into_owned();
        ShownMessage {
            start: format!("{} {url}", self.request.method()),
            headers: headers(&self.redactor, self.is_sign_in, self.request.headers()),
            body: self.body(std::str::from_utf8(self.request.body()).ok(), self.request.body()),
        }
    }

    /// The reply.
    ///
    /// # Errors
    /// The reason for which there is none.
    pub(crate) fn received(&self) -> Result<ShownMessage, Failure> {
        let reply = self.outcome.as_ref().map_err(|failure| Failure {
            message: self.redactor.mask(&failure.message).into_owned(),
            ..failure.clone()
        })?;
        let text = text_of(reply);
        Ok(ShownMessage {
            start: reply.status.to_string().trim_end_matches(" <unknown status code>").to_owned(),
            headers: headers(&self.redactor, self.is_sign_in, &reply.headers),
            body: self.body(text.as_deref(), &reply.body),
        })
    }

    fn body(&self, text: Option<&str>, bytes: &[u8]) -> MessageBody {
        match text {
            _ if bytes.is_empty() => MessageBody::Empty,
            Some(text) if self.is_sign_in => MessageBody::Text(self.redactor.mask(&sign_in_text(text)).into_owned()),
            Some(text) => MessageBody::Text(mask_json(&self.redactor, text).into_owned()),
            None if self.is_sign_in => MessageBody::Text(format!("({} bytes)", bytes.len())),
            None => MessageBody::Bytes(bytes.to_vec()),
        }
    }
}

/// An address in which these query parameters have a mask in the place of their values.
fn without_values(url: &str, names: &[String]) -> String {
    let Some((path, query)) = url.split_once('?').filter(|_| !names.is_empty()) else { return url.to_owned() };
    let masked = query.split('&').map(|pair| match pair.split_once('=') {
        Some((name, _)) if names.iter().any(|own| own == name) => format!("{name}={MASK}"),
        Some(_) | None => pair.to_owned(),
    });
    format!("{path}?{}", masked.collect::<Vec<_>>().join("&"))
}

/// The body of a reply as text, if it is text in a known charset.
pub(crate) fn text_of(reply: &Response) -> Option<String> {
    if crate::reply::is_binary(reply) {
        return None;
    }
    charset::decode(&mut reply.clone()).ok().map(|(text, _)| text)
}

/// A reply's body as it is shown in a terminal: text in which the known secrets are masked.
pub(crate) fn shown_body(redactor: &Redactor, reply: &Response) -> Option<String> {
    text_of(reply).map(|text| redactor.mask(&text).into_owned())
}

fn headers(redactor: &Redactor, is_sign_in: bool, headers: &HeaderMap) -> Vec<(String, String)> {
    let shown = headers.iter().map(|(name, value)| {
        let hidden = value.is_sensitive()
            || SECRET_HEADERS.contains(&name.as_str())
            || (is_sign_in && !SIGN_IN_HEADERS.contains(&name.as_str()));
        let text = if hidden {
            MASK.to_owned()
        } else {
            redactor.mask(&String::from_utf8_lossy(value.as_bytes())).into_owned()
        };
        (name.to_string(), text)
    });
    let mut shown: Vec<_> = shown.collect();
    shown.sort();
    shown
}

/// A body of a sign-in, with every value masked that is not known to be harmless.
fn sign_in_text(text: &str) -> String {
    if let Ok(mut value) = serde_json::from_str::<Value>(text) {
        mask_values(&mut value);
        return value.to_string();
    }
    let is_form = text.contains('=') && !text.contains(['<', '\n', ' ']);
    if !is_form {
        return format!("({} bytes)", text.len());
    }
    let pair = |pair: &str| match pair.split_once('=') {
        Some((name, value)) if SIGN_IN_FIELDS.contains(&name) => format!("{name}={value}"),
        Some((name, _)) => format!("{name}={MASK}"),
        None => MASK.to_owned(),
    };
    text.split('&').map(pair).collect::<Vec<_>>().join("&")
}

fn mask_values(value: &mut Value) {
    match value {
        Value::Object(map) => {
            for (_, value) in map.iter_mut().filter(|(name, _)| !SIGN_IN_FIELDS.contains(&name.as_str())) {
                mask_values(value);
            }
        }
        Value::Array(list) => list.iter_mut().for_each(mask_values),
        Value::String(_) | Value::Number(_) => *value = MASK.into(),
        Value::Null | Value::Bool(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::sign_in_text;

    #[test]
    fn a_sign_in_shows_no_new_secret() {
        assert_eq!(
            sign_in_text(r#"{"access_token":"abc","expires_in":60,"data":{"pin":1234},"token_type":"Bearer"}"#),
            r#"{"access_token":"[secret]","data":{"pin":"[secret]"},"expires_in":60,"token_type":"Bearer"}"#
        );
        assert_eq!(sign_in_text("grant_type=password&password=x%20y"), "grant_type=password&password=[secret]");
        assert_eq!(sign_in_text("<token>abc</token>"), "(18 bytes)");
    }
}
