//! Checks the signatures of requests: HTTP Digest (RFC 7616), and HMAC with the text of the definition. Pure. It shares no
//! code with `crate::auth`, so that each tests the other.

use std::collections::BTreeMap;

use md5::Digest as _;

use super::place;
use crate::connection::Connection;
use crate::definition::{
    AwsSigv4, Hmac, HmacAlgorithmFile, KeyEncodingFile, LoginPair, RequestPlace, SignatureEncodingFile,
};
use crate::sandbox::http::{SandboxCall, values};
use crate::secret::hex;

/// The nonce of every challenge; the sandbox does not count its uses.
const NONCE: &str = "sandbox-nonce";

/// The challenge of HTTP Digest.
pub(super) const CHALLENGE: &str =
    "Digest realm=\"sandbox\", qop=\"auth\", algorithm=SHA-256, nonce=\"sandbox-nonce\", opaque=\"sandbox\"";

/// Whether a request answers the challenge with the connection's password.
pub(super) fn answers(connection: &Connection, pair: &LoginPair, call: &SandboxCall) -> bool {
    let Some(fields) = call.after_scheme("digest").map(fields) else { return false };
    let Some((user, password)) = connection.render(&pair.username).zip(connection.render(&pair.password)) else {
        return false;
    };
    let field = |name: &str| fields.get(name).map(String::as_str).unwrap_or_default();
    let hash = |text: &str| whole(&sha2::Sha256::digest(text.as_bytes()));
    let first = hash(&format!("{user}:sandbox:{password}"));
    let second = hash(&format!("{}:{}", call.verb, field("uri")));
    let wanted = hash(&format!("{first}:{NONCE}:{}:{}:auth:{second}", field("nc"), field("cnonce")));
    field("username") == user && field("nonce") == NONCE && field("uri") == call.target && field("response") == wanted
}

fn whole(bytes: &[u8]) -> String {
    hex(bytes, bytes.len())
}

/// The fields of an Authorization header; none of those that the sandbox reads contains a comma or an escape.
fn fields(text: &str) -> BTreeMap<String, String> {
    let pairs = text.split(", ").filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (name.trim().to_owned(), value.trim_matches('"').to_owned())).collect()
}

/// Whether a request has a signature of the connection's key. One whose time or nonce is not sent cannot be checked, and
/// is accepted.
pub(super) fn is_signed(connection: &Connection, rule: &Hmac, call: &SandboxCall) -> bool {
    let Some(signature) = place::named(call, &rule.send, "signature") else { return false };
    let mut known = BTreeMap::new();
    for (place, text) in rule.headers.iter().map(|(name, text)| (RequestPlace::Header(name.clone()), text)) {
        known.extend(place::given(call, &place).and_then(|given| values(text, given)).into_iter().flatten());
    }
    for (name, text) in &rule.query {
        known.extend(call.parameter(name).and_then(|given| values(text, given)).into_iter().flatten());
    }
    let mut text = Vec::new();
    for part in rule.text.parts() {
        match part {
            crate::authoring::TextPart::Literal(literal) => text.extend_from_slice(literal.as_bytes()),
            crate::authoring::TextPart::Name(name) => {
                let value = match name.as_str() {
                    "timestamp" | "nonce" => known.get(name).map(|value| value.as_bytes().to_vec()),
                    name => part_of(rule, call, name).or_else(|| connection.value(name).map(|v| v.as_bytes().to_vec())),
                };
                let Some(value) = value else { return true };
                text.extend(value);
            }
        }
    }
    mac(connection, rule, &text).is_none_or(|wanted| wanted == signature)
}

fn part_of(rule: &Hmac, call: &SandboxCall, name: &str) -> Option<Vec<u8>> {
    let body = call.body.as_deref().unwrap_or_default();
    let (path, query) = call.target.split_once('?').unwrap_or((&call.target, ""));
    let own = match &rule.send.place {
        RequestPlace::Query(name) => Some(format!("{name}=")),
        RequestPlace::Header(_) | RequestPlace::Cookie(_) => None,
    };
    let kept = query.split('&').filter(|pair| own.as_ref().is_none_or(|own| !pair.starts_with(own.as_str())));
    let query = kept.collect::<Vec<_>>().join("&");
    let target = if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
    Some(match name {
        "method" => call.verb.as_str().into(),
        "path" => path.into(),
        "query" => query.into_bytes(),
        "url" => format!("http://{}{target}", call.header("host")?).into_bytes(),
        "host" => call.header("host")?.into(),
        "body" => body.to_vec(),
        "body_sha256" => whole(&sha2::Sha256::digest(body)).into_bytes(),
        "body_md5" => whole(&md5::Md5::digest(body)).into_bytes(),
        "content_type" => call.header("content-type").unwrap_or_default().into(),
        _ => return None,
    })
}

/// The signature; `None` if this build has no HMAC, or the key cannot be read.
#[cfg(feature = "tls-ring")]
fn mac(connection: &Connection, rule: &Hmac, text: &[u8]) -> Option<String> {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    let key = connection.render(&rule.key)?;
    let key = match rule.key_encoding {
        KeyEncodingFile::Text => key.into_bytes(),
        KeyEncodingFile::Base64 => STANDARD.decode(key).ok()?,
        KeyEncodingFile::Hex => {
            let digits: Vec<u8> = key.chars().filter_map(|c| c.to_digit(16)).map(|digit| digit as u8).collect();
            digits.chunks(2).map(|pair| pair.iter().fold(0, |byte, digit| byte * 16 + digit)).collect()
        }
    };
    let algorithm = match rule.algorithm {
        HmacAlgorithmFile::Sha1 => ring::hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
        HmacAlgorithmFile::Sha256 => ring::hmac::HMAC_SHA256,
        HmacAlgorithmFile::Sha512 => ring::hmac::HMAC_SHA512,
    };
    let signature = ring::hmac::sign(&ring::hmac::Key::new(algorithm, &key), text);
    Some(match rule.encoding {
        SignatureEncodingFile::Hex => whole(signature.as_ref()),
        SignatureEncodingFile::Base64 => STANDARD.encode(signature),
    })
}

#[cfg(not(feature = "tls-ring"))]
fn mac(_: &Connection, _: &Hmac, _: &[u8]) -> Option<String> {
    None
}

/// Whether a request has a signature of the connection's access key for today's scope. The signature itself is not
/// checked.
pub(super) fn has_scope(connection: &Connection, rule: &AwsSigv4, call: &SandboxCall) -> bool {
    let render = |text| connection.render(text).unwrap_or_default();
    let date = call.header("x-amz-date").and_then(|time| time.split('T').next()).unwrap_or_default();
    let (key, region, service) = (render(&rule.access_key), render(&rule.region), render(&rule.service));
    let wanted = format!("Credential={key}/{date}/{region}/{service}/aws4_request");
    !date.is_empty() && call.after_scheme("AWS4-HMAC-SHA256").is_some_and(|rest| rest.starts_with(&wanted))
}
