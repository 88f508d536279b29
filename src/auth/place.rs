//! Puts a credential into its place of a request: a header, the query or a cookie. Pure.

use bytes::Bytes;
use http::header::COOKIE;
use http::{HeaderName, HeaderValue, Uri};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::authoring::is_cookie_value;
use crate::connection::Credential;
use crate::definition::RequestPlace;
use crate::error::{Error, ErrorKind, Result};
use crate::secret::{MASK, Secret};

/// All characters except the unreserved ones of RFC 3986 are encoded.
pub(super) const STRICT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The credential for a place.
///
/// # Errors
/// `connection` when the value contains characters that are not allowed there.
pub(super) fn credential(place: &RequestPlace, value: &str) -> Result<Credential> {
    Ok(match place {
        RequestPlace::Header(name) => Credential::Header(name.clone(), sensitive(name, value)?),
        RequestPlace::Query(name) => Credential::Query(name.clone(), Secret::new(value)),
        RequestPlace::Cookie(name) => Credential::Cookie(Secret::new(format!("{name}={}", cookie_value(name, value)?))),
    })
}

/// The masked credential for a plan.
pub(super) fn masked(place: &RequestPlace) -> Credential {
    match place {
        RequestPlace::Header(name) => Credential::Header(name.clone(), HeaderValue::from_static(MASK)),
        RequestPlace::Query(name) => Credential::Query(name.clone(), Secret::new(MASK)),
        RequestPlace::Cookie(name) => Credential::Cookie(Secret::new(format!("{name}={MASK}"))),
    }
}

/// Adds a credential to a request. A parameter of the same name, as in an address that the server gave, is replaced.
pub(super) fn put(request: &mut http::Request<Bytes>, credential: &Credential) -> Result<()> {
    match credential {
        Credential::Header(name, value) => {
            request.headers_mut().insert(name.clone(), value.clone());
        }
        Credential::Query(name, value) => {
            let uri = with_parameter(request.uri(), name, value.expose())?;
            *request.uri_mut() = uri;
        }
        Credential::Cookie(pairs) => add_cookie(request, pairs.expose())?,
    }
    Ok(())
}

/// An address with a query parameter at its end.
fn with_parameter(uri: &Uri, name: &str, value: &str) -> Result<Uri> {
    let pair = format!("{}={}", utf8_percent_encode(name, STRICT), utf8_percent_encode(value, STRICT));
    let kept = uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty() && !is_named(pair, name));
    let query: Vec<&str> = kept.chain([pair.as_str()]).collect();
    let mut parts = uri.clone().into_parts();
    let target = format!("{}?{}", uri.path(), query.join("&"));
    parts.path_and_query = Some(target.parse().map_err(|_| too_long())?);
    Uri::from_parts(parts).map_err(|_| too_long())
}

/// Without the reason, because it could contain the credential.
fn too_long() -> Error {
    Error::new(ErrorKind::InvalidOptions, "the address with its credentials cannot be sent")
        .advise("shorten the options; an address can have at most 64 KiB")
}

/// Whether a pair of a query has this name.
pub(super) fn is_named(pair: &str, name: &str) -> bool {
    let own = pair.split_once('=').map_or(pair, |(own, _)| own);
    own == name || percent_decode_str(&own.replace('+', " ")).decode_utf8().is_ok_and(|own| own == name)
}

/// Adds cookies to those that the request has already; one of the same name is replaced.
fn add_cookie(request: &mut http::Request<Bytes>, pairs: &str) -> Result<()> {
    let before = request.headers().get(COOKIE).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let name = |pair: &str| pair.split_once('=').map_or(pair, |(name, _)| name).trim().to_owned();
    let new: Vec<String> = pairs.split("; ").map(name).collect();
    let before = before.as_deref().unwrap_or_default().split("; ").filter(|p| !p.is_empty() && !new.contains(&name(p)));
    let all = before.chain([pairs]).collect::<Vec<_>>().join("; ");
    let mut value = sensitive(&COOKIE, &all)?;
    // A plan shows the names of the cookies; their values are masked there.
    value.set_sensitive(!pairs.ends_with(MASK));
    request.headers_mut().insert(COOKIE, value);
    Ok(())
}

fn cookie_value<'v>(name: &str, value: &'v str) -> Result<&'v str> {
    if is_cookie_value(value) { Ok(value) } else { Err(wrong(&format!("the cookie {name}"))) }
}

pub(super) fn sensitive(name: &HeaderName, value: &str) -> Result<HeaderValue> {
    let mut header = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| wrong(&format!("the header {name}")))?;
    header.set_sensitive(true);
    Ok(header)
}

fn wrong(place: &str) -> Error {
    Error::new(ErrorKind::Connection, format!("the credentials contain characters that are not allowed in {place}"))
}

#[cfg(test)]
mod tests {
    use super::{credential, put};
    use crate::definition::RequestPlace;

    #[test]
    fn a_parameter_replaces_one_of_the_same_name() {
        let mut request =
            http::Request::get("https://a.example/p?x=1%2C2&k%65y=old&keys=2").body(bytes::Bytes::new()).unwrap();
        put(&mut request, &credential(&RequestPlace::Query("key".into()), "a&b c").unwrap()).unwrap();
        assert_eq!(request.uri(), "https://a.example/p?x=1%2C2&keys=2&key=a%26b%20c");
    }

    #[test]
    fn cookies_are_added_to_others() {
        let mut request = http::Request::get("/").header("cookie", "a=1").body(bytes::Bytes::new()).unwrap();
        put(&mut request, &credential(&RequestPlace::Cookie("s".into()), "x").unwrap()).unwrap();
        assert_eq!(request.headers()["cookie"], "a=1; s=x");
        assert!(request.headers()["cookie"].is_sensitive());
        assert!(credential(&RequestPlace::Cookie("s".into()), "x;y").is_err());
    }
}
