//! AWS Signature Version 4, in the Authorization header: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>
//! Pure.

use std::time::SystemTime;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, Request, Uri};
use percent_encoding::{percent_decode_str, utf8_percent_encode};
use sha2::Digest as _;

use super::hmac::utc;
use super::keyed_hash::{Hash, keyed_hash};
use super::place::{STRICT, sensitive};
use super::texts::rendered;
use crate::connection::Connection;
use crate::definition::AwsSigv4;
use crate::error::Result;
use crate::secret::hex;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// The values of the connection.
pub(super) struct Account {
    access_key: String,
    secret_key: String,
    session_token: Option<String>,
    region: String,
    service: String,
}

/// Signs a request.
pub(super) fn sign(
    connection: &Connection,
    rule: &AwsSigv4,
    wall: SystemTime,
    request: &mut Request<Bytes>,
) -> Result<()> {
    let text = |text| rendered(connection, text);
    let account = Account {
        access_key: text(&rule.access_key)?,
        secret_key: text(&rule.secret_key)?,
        session_token: rule.session_token.as_ref().and_then(|text| connection.render(text)),
        region: text(&rule.region)?,
        service: text(&rule.service)?,
    };
    let payload = digest(request.body());
    let mut put = |name: &'static str, value: &str| -> Result<()> {
        let name = HeaderName::from_static(name);
        let value = sensitive(&name, value)?;
        request.headers_mut().insert(name, value);
        Ok(())
    };
    put("x-amz-content-sha256", &payload)?;
    put("x-amz-date", &utc(wall, "%Y%m%dT%H%M%SZ"))?;
    if let Some(token) = &account.session_token {
        put("x-amz-security-token", token)?;
    }
    let signed = signature(&account, request, &payload)?;
    let value = sensitive(&http::header::AUTHORIZATION, &signed)?;
    request.headers_mut().insert(http::header::AUTHORIZATION, value);
    Ok(())
}

/// The value of the Authorization header for a request with its X-Amz headers.
fn signature(account: &Account, request: &Request<Bytes>, payload: &str) -> Result<String> {
    let headers = signed_headers(request.uri(), request.headers());
    let names: Vec<&str> = headers.iter().map(|(name, _)| name.as_str()).collect();
    let names = names.join(";");
    let lines: String = headers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
    let canonical = format!(
        "{}\n{}\n{}\n{lines}\n{names}\n{payload}",
        request.method(),
        path(request.uri().path(), account.service == "s3"),
        query(request.uri().query().unwrap_or_default()),
    );
    let time = request.headers().get("x-amz-date").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let date = time.split('T').next().unwrap_or_default();
    let scope = format!("{date}/{}/{}/aws4_request", account.region, account.service);
    let text = format!("{ALGORITHM}\n{time}\n{scope}\n{}", digest(canonical.as_bytes()));
    let mut key = format!("AWS4{}", account.secret_key).into_bytes();
    for part in [date, &account.region, &account.service, "aws4_request"] {
        key = keyed_hash(Hash::Sha256, &key, part.as_bytes())?;
    }
    let signature = keyed_hash(Hash::Sha256, &key, text.as_bytes())?;
    Ok(format!(
        "{ALGORITHM} Credential={}/{scope}, SignedHeaders={names}, Signature={}",
        account.access_key,
        hex(&signature, signature.len())
    ))
}

fn digest(bytes: &[u8]) -> String {
    let digest = sha2::Sha256::digest(bytes);
    hex(&digest, digest.len())
}

/// Host, media type and the X-Amz headers, sorted. Others may be changed by a proxy.
fn signed_headers(uri: &Uri, headers: &HeaderMap) -> Vec<(String, String)> {
    let own = |name: &str| name.starts_with("x-amz-") || name == "content-type";
    let mut signed: Vec<(String, String)> = headers
        .iter()
        .filter(|(name, _)| own(name.as_str()))
        .map(|(name, value)| {
            let text = String::from_utf8_lossy(value.as_bytes());
            (name.to_string(), text.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" "))
        })
        .collect();
    signed.push(("host".to_owned(), host(uri)));
    signed.sort();
    signed
}

/// The Host header that the HTTP client sends: without the scheme's own port.
fn host(uri: &Uri) -> String {
    let host = uri.host().unwrap_or_default();
    match (uri.port_u16(), uri.scheme_str()) {
        (None, _) | (Some(443), Some("https")) | (Some(80), Some("http")) => host.to_owned(),
        (Some(port), _) => format!("{host}:{port}"),
    }
}

/// The path, each segment encoded once more; S3 does not encode it again.
fn path(path: &str, is_s3: bool) -> String {
    let encode = |segment: &str| match is_s3 {
        true => utf8_percent_encode(&percent_decode_str(segment).decode_utf8_lossy(), STRICT).to_string(),
        false => utf8_percent_encode(segment, STRICT).to_string(),
    };
    let encoded = path.split('/').map(encode).collect::<Vec<_>>().join("/");
    if encoded.is_empty() { "/".to_owned() } else { encoded }
}

/// The parameters, encoded and sorted.
fn query(query: &str) -> String {
    let encode = |text: &str| {
        let plain = percent_decode_str(&text.replace('+', "%20")).decode_utf8_lossy().into_owned();
        utf8_percent_encode(&plain, STRICT).to_string()
    };
    let mut pairs: Vec<(String, String)> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (encode(name), encode(value)))
        .collect();
    pairs.sort();
    pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::Request;

    use super::{Account, digest, signature};

    /// The account of AWS's test suite for Signature Version 4.
    fn account() -> Account {
        Account {
            access_key: "AKIDEXAMPLE".into(),
            secret_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".into(),
            session_token: None,
            region: "us-east-1".into(),
            service: "service".into(),
        }
    }

    fn signed(request: http::request::Builder, body: &'static str) -> String {
        let request: Request<Bytes> =
            request.header("x-amz-date", "20150830T123600Z").body(Bytes::from_static(body.as_bytes())).unwrap();
        let value = signature(&account(), &request, &digest(body.as_bytes())).unwrap();
        value.rsplit_once("Signature=").unwrap().1.to_owned()
    }

    /// Cases of the test suite: get-vanilla, get-vanilla-query-order-key-case, post-vanilla, post-x-www-form-urlencoded.
    #[test]
    fn published_vectors() {
        let get = |path: &str| signed(Request::get(format!("https://example.amazonaws.com{path}")), "");
        assert_eq!(get("/"), "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
        assert_eq!(
            get("/?Param2=value2&Param1=value1"),
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"
        );
        assert_eq!(
            signed(Request::post("https://example.amazonaws.com/"), ""),
            "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"
        );
        assert_eq!(
            signed(
                Request::post("https://example.amazonaws.com/")
                    .header("content-type", "application/x-www-form-urlencoded"),
                "Param1=value1"
            ),
            "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"
        );
    }

    #[test]
    fn paths_are_encoded_twice_except_for_s3() {
        assert_eq!(super::path("/a%20b/c", false), "/a%2520b/c");
        assert_eq!(super::path("/a%20b/c", true), "/a%20b/c");
        assert_eq!(super::query("b=2&a=x+y&a=%7E"), "a=x%20y&a=~&b=2");
    }
}
