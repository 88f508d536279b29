//! The cookies of a reply, as they are sent back. Pure. Domain and path are ignored: the cookies of a sign-in go to the
//! connection's own system only.

use http::HeaderMap;
use http::header::SET_COOKIE;

/// Every cookie that a reply sets, as `name=value`; the last of a name counts. Removed ones are left out.
pub(super) fn of(headers: &HeaderMap) -> Vec<(String, String)> {
    let mut cookies: Vec<(String, String)> = Vec::new();
    for line in headers.get_all(SET_COOKIE).iter().filter_map(|value| value.to_str().ok()) {
        let mut parts = line.split(';');
        let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else { continue };
        let (name, value) = (name.trim().to_owned(), value.trim().to_owned());
        cookies.retain(|(own, _)| *own != name);
        let is_removed = parts.any(|attribute| {
            let (key, value) = attribute.split_once('=').unwrap_or((attribute, ""));
            key.trim().eq_ignore_ascii_case("max-age") && value.trim().parse::<i64>().is_ok_and(|seconds| seconds <= 0)
        });
        if !name.is_empty() && !is_removed {
            cookies.push((name, value));
        }
    }
    cookies
}

/// The value of the Cookie header.
pub(super) fn joined(cookies: &[(String, String)]) -> String {
    cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
}

/// The value of one cookie of a Cookie header.
pub(super) fn value<'c>(header: &'c str, name: &str) -> Option<&'c str> {
    header.split("; ").filter_map(|pair| pair.split_once('=')).find(|(own, _)| *own == name).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    #[test]
    fn cookies_are_read_without_their_attributes() {
        let mut headers = HeaderMap::new();
        for line in [
            "SESSION=a=b==; Path=/; HttpOnly",
            "route= .node1 ;path=/",
            "gone=x; Max-Age=0",
            "SESSION=later; Secure",
            "no pair",
        ] {
            headers.append("set-cookie", line.parse().unwrap());
        }
        let cookies = super::of(&headers);
        assert_eq!(super::joined(&cookies), "route=.node1; SESSION=later");
        assert_eq!(super::value("route=.node1; SESSION=a=b", "SESSION"), Some("a=b"));
    }
}
