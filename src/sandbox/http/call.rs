//! A received request, decoded once: verb, path, query, headers, body. Pure.

use bytes::Bytes;
use http::{HeaderMap, Method, Uri};
use percent_encoding::percent_decode_str;

/// Maximum size of a body in bytes.
pub(in crate::sandbox) const BODY_MAX: usize = 16 << 20;

/// One parameter of a query.
pub(in crate::sandbox) struct QueryPair {
    /// The parameter before decoding.
    raw: String,
    pub(in crate::sandbox) name: String,
    pub(in crate::sandbox) value: String,
}

impl QueryPair {
    /// The elements of a list. It is split at commas before decoding, so that an encoded comma is part of an element.
    pub(in crate::sandbox) fn elements(&self) -> Vec<String> {
        let value = self.raw.split_once('=').map_or("", |(_, value)| value);
        value.split(',').filter(|element| !element.is_empty()).map(decode_value).collect()
    }
}

/// A request.
pub(in crate::sandbox) struct SandboxCall {
    pub(in crate::sandbox) verb: Method,
    /// Path and query as received.
    pub(in crate::sandbox) target: String,
    path: String,
    /// The path's segments, decoded.
    pub(in crate::sandbox) segments: Vec<String>,
    pub(in crate::sandbox) query: Vec<QueryPair>,
    pub(in crate::sandbox) headers: HeaderMap,
    /// `None` if it is too large or did not arrive.
    pub(in crate::sandbox) body: Option<Bytes>,
    /// Host and port from the Host header.
    host: String,
}

impl SandboxCall {
    /// Decodes a request. `own` is the server's address, for requests without a Host header.
    pub(in crate::sandbox) fn new(
        verb: Method,
        uri: &Uri,
        headers: HeaderMap,
        body: Option<Bytes>,
        own: &str,
    ) -> SandboxCall {
        let host = headers
            .get(http::header::HOST)
            .and_then(|h| h.to_str().ok())
            .filter(|h| is_host(h))
            .unwrap_or(own)
            .to_owned();
        let path = uri.path();
        // A final slash does not change the resource.
        let trimmed = path.strip_suffix('/').unwrap_or(path);
        let segments = trimmed.strip_prefix('/').map_or_else(Vec::new, |inner| inner.split('/').map(decode).collect());
        SandboxCall {
            verb,
            target: uri.path_and_query().map_or_else(|| path.to_owned(), ToString::to_string),
            path: path.to_owned(),
            segments,
            query: uri.query().unwrap_or_default().split('&').filter(|p| !p.is_empty()).map(pair).collect(),
            headers,
            body,
            host,
        }
    }

    /// The last parameter of a name.
    pub(in crate::sandbox) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().rev().find(|p| p.name == name).map(|p| p.value.as_str())
    }

    pub(in crate::sandbox) fn header(&self, name: impl http::header::AsHeaderName) -> Option<&str> {
        self.headers.get(name).and_then(|v| v.to_str().ok())
    }

    /// A cookie.
    pub(in crate::sandbox) fn cookie(&self, name: &str) -> Option<String> {
        let fields = self.headers.get_all(http::header::COOKIE).iter().filter_map(|v| v.to_str().ok());
        let mut pairs = fields.flat_map(|field| field.split(';')).filter_map(|pair| pair.trim().split_once('='));
        pairs.find(|(own, _)| *own == name).map(|(_, value)| value.to_owned())
    }

    /// The credentials of the Authorization header, if it has this scheme.
    pub(in crate::sandbox) fn after_scheme(&self, scheme: &str) -> Option<&str> {
        let (given, rest) = self.header(http::header::AUTHORIZATION)?.split_once(' ')?;
        given.eq_ignore_ascii_case(scheme).then_some(rest.trim())
    }

    /// Media type of the body without parameters, in lower case.
    pub(in crate::sandbox) fn media_type(&self) -> String {
        let kind = self.header(http::header::CONTENT_TYPE).and_then(|v| v.split(';').next());
        kind.unwrap_or_default().trim().to_ascii_lowercase()
    }

    /// The address of the request without the parameters `without` and with those in `with`; the rest is unchanged.
    pub(in crate::sandbox) fn address(&self, without: &[&str], with: &[(&str, String)]) -> String {
        let kept = self.query.iter().filter(|p| !without.contains(&p.name.as_str())).map(|p| p.raw.clone());
        let added = with.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value)));
        let query: Vec<String> = kept.chain(added).collect();
        let separator = if query.is_empty() { "" } else { "?" };
        format!("http://{}{}{separator}{}", self.host, self.path, query.join("&"))
    }

    /// The address of another path of the same host.
    pub(in crate::sandbox) fn address_of(&self, path: &str) -> String {
        format!("http://{}{path}", self.host)
    }

    /// The address of a record below the request's path.
    pub(in crate::sandbox) fn below(&self, key: &str) -> String {
        format!("http://{}{}/{}", self.host, self.path.trim_end_matches('/'), encode(key))
    }
}

/// Invalid UTF-8 becomes replacement characters, which match no path and no option.
fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

fn encode(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

fn pair(raw: &str) -> QueryPair {
    let (name, value) = raw.split_once('=').unwrap_or((raw, ""));
    QueryPair { raw: raw.to_owned(), name: decode_value(name), value: decode_value(value) }
}

/// In a query, a plus sign is a space.
fn decode_value(text: &str) -> String {
    decode(&text.replace('+', " "))
}

/// Whether a Host header is safe to use in a returned address.
fn is_host(text: &str) -> bool {
    !text.contains('@') && text.parse::<http::uri::Authority>().is_ok()
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, Method};

    use super::SandboxCall;

    fn call(uri: &str, host: &str) -> SandboxCall {
        let mut headers = HeaderMap::new();
        headers.insert("host", host.parse().unwrap());
        SandboxCall::new(Method::GET, &uri.parse().unwrap(), headers, None, "127.0.0.1:1")
    }

    #[test]
    fn paths_are_decoded_by_segment() {
        assert_eq!(call("/a%2Fb/c%20d/", "x").segments, ["a/b", "c d"]);
        assert_eq!(call("/a//b", "x").segments, ["a", "", "b"]);
        assert_eq!(call("/", "x").segments, [""; 0]);
        assert_eq!(call("/%ff", "x").segments, ["\u{fffd}"]);
    }

    #[test]
    fn addresses_repeat_the_other_parameters_as_they_came() {
        let call = call("/list?a=1%2C2&page=3&b=x+y&flag", "example.com:8080");
        assert_eq!(
            call.address(&["page"], &[("page", "4".into())]),
            "http://example.com:8080/list?a=1%2C2&b=x+y&flag&page=4"
        );
        assert_eq!(call.parameter("b"), Some("x y"));
        assert_eq!(call.below("a b"), "http://example.com:8080/list/a%20b");
    }

    #[test]
    fn an_invalid_host_is_not_repeated() {
        assert_eq!(call("/list", "evil/<x>").address(&[], &[]), "http://127.0.0.1:1/list");
        assert_eq!(call("/list", "user@host").address(&[], &[]), "http://127.0.0.1:1/list");
    }
}
