//! Names and values of cookies (RFC 6265, section 4.1.1).

/// Whether a text is the name of a cookie.
pub(crate) fn is_cookie_name(name: &str) -> bool {
    http::HeaderName::from_bytes(name.as_bytes()).is_ok()
}

/// Whether a text can be the value of a cookie, in quotes or without. Commas are sent, as browsers do.
pub(crate) fn is_cookie_value(value: &str) -> bool {
    let inner = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(value);
    inner.bytes().all(|b| b.is_ascii_graphic() && !b"\";\\".contains(&b))
}
