//! Who may ask the page's server: the browser to which the opening address was given, from the page itself. Names that point
//! to this machine (DNS rebinding), other pages (CSRF) and other users of the machine are refused.

use std::sync::Mutex;
use std::sync::PoisonError;

use http::header::{CONTENT_TYPE, COOKIE, HOST, ORIGIN};
use http::{HeaderMap, Method};

use crate::Secret;

/// The cookie of the browser. Its name has the port: browsers share cookies between ports.
const COOKIE_NAME: &str = "opnode_studio";

pub(super) struct PageGuard {
    /// `127.0.0.1:PORT`, and the same by name; or the names of other machines.
    hosts: Vec<String>,
    /// `http` or `https`.
    scheme: &'static str,
    /// For other machines.
    password: Option<Secret>,
    cookie_name: String,
    /// The value of the cookie.
    key: String,
    /// The token of the opening address, until it is used.
    token: Mutex<Option<String>>,
}

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Another host or page.
    Foreign,
    /// No cookie.
    Unknown,
    /// Not JSON.
    Form,
}

impl PageGuard {
    /// For this machine: the opening address has a token.
    pub(super) fn here(port: u16) -> PageGuard {
        let token = Mutex::new(Some(secret()));
        let hosts = vec![format!("127.0.0.1:{port}"), format!("localhost:{port}")];
        PageGuard {
            hosts,
            scheme: "http",
            password: None,
            cookie_name: format!("{COOKIE_NAME}_{port}"),
            key: secret(),
            token,
        }
    }

    /// For other machines, which know it by these names: a person gives the password.
    pub(super) fn remote(names: &[String], port: u16, password: Secret) -> PageGuard {
        let own = |name: &String| match port {
            443 => vec![name.clone(), format!("{name}:443")],
            port => vec![format!("{name}:{port}")],
        };
        PageGuard {
            hosts: names.iter().flat_map(own).collect(),
            scheme: "https",
            password: Some(password),
            token: Mutex::new(None),
            ..PageGuard::here(port)
        }
    }

    /// The address to open; on this machine it works once.
    pub(super) fn opening_address(&self) -> String {
        let host = self.hosts.first().map(String::as_str).unwrap_or_default();
        match self.token.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
            Some(token) => format!("{}://{host}/?token={token}", self.scheme),
            None => format!("{}://{host}/", self.scheme),
        }
    }

    /// Whether a person signs in with a password.
    pub(super) fn has_password(&self) -> bool {
        self.password.is_some()
    }

    /// Exchanges the password for the cookie.
    pub(super) fn sign_in(&self, headers: &HeaderMap, given: &str) -> Option<String> {
        let own = self.password.as_ref()?;
        let is_right =
            self.is_host(headers) && self.is_own_page(&Method::POST, headers) && is_equal(own.expose(), given);
        is_right.then(|| self.cookie())
    }

    fn cookie(&self) -> String {
        let secure = if self.scheme == "https" { "; Secure" } else { "" };
        format!("{}={}; Path=/; HttpOnly; SameSite=Strict{secure}", self.cookie_name, self.key)
    }

    /// Whether a request is for a name of this page.
    pub(super) fn is_for_this_page(&self, headers: &HeaderMap) -> bool {
        self.is_host(headers)
    }

    /// Exchanges the token for the cookie, once.
    pub(super) fn exchange(&self, headers: &HeaderMap, given: &str) -> Option<String> {
        if !self.is_host(headers) {
            return None;
        }
        let mut token = self.token.lock().unwrap_or_else(PoisonError::into_inner);
        if !token.as_ref().is_some_and(|own| is_equal(own, given)) {
            return None;
        }
        *token = None;
        Some(self.cookie())
    }

    /// Whether a request may be answered.
    pub(super) fn check(&self, method: &Method, headers: &HeaderMap) -> Result<(), Refusal> {
        if !self.is_host(headers) || !self.is_own_page(method, headers) {
            return Err(Refusal::Foreign);
        }
        if !self.has_cookie(headers) {
            return Err(Refusal::Unknown);
        }
        let is_json = headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
        if method == Method::POST && !is_json {
            return Err(Refusal::Form);
        }
        Ok(())
    }

    fn is_host(&self, headers: &HeaderMap) -> bool {
        let mut hosts = headers.get_all(HOST).iter();
        let host = hosts.next().and_then(|host| host.to_str().ok());
        host.is_some_and(|host| self.hosts.iter().any(|own| own == host)) && hosts.next().is_none()
    }

    /// Whether it comes from the page, or from the address bar.
    fn is_own_page(&self, method: &Method, headers: &HeaderMap) -> bool {
        let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or_default());
        let origin = headers.get(ORIGIN).map(|value| value.to_str().unwrap_or_default());
        let is_own = |origin: &str| self.hosts.iter().any(|own| origin == format!("{}://{own}", self.scheme));
        if origin.is_some_and(|origin| !is_own(origin)) {
            return false;
        }
        match text("sec-fetch-site") {
            Some("same-origin") => true,
            // The address bar, and links from elsewhere, only open the page.
            Some("none") => method == Method::GET,
            Some(_) => false,
            None => method == Method::GET || origin.is_some(),
        }
    }

    fn has_cookie(&self, headers: &HeaderMap) -> bool {
        let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut pairs = cookies.flat_map(|text| text.split(';')).filter_map(|pair| pair.trim().split_once('='));
        pairs.any(|(name, value)| name == self.cookie_name && is_equal(value, &self.key))
    }
}

/// 32 characters that nobody can guess.
fn secret() -> String {
    let mut bytes = [0_u8; 16];
    // Without random numbers there is no page: the key stays empty, and equals nothing.
    if getrandom::fill(&mut bytes).is_err() {
        return String::new();
    }
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Compares secrets; the time does not depend on where they differ.
fn is_equal(own: &str, given: &str) -> bool {
    !own.is_empty()
        && own.len() == given.len()
        && own.bytes().zip(given.bytes()).fold(0, |all, (a, b)| all | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName, HeaderValue, Method};

    use super::{PageGuard, Refusal};

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        let pair =
            |(name, value): &(&str, &str)| (name.parse::<HeaderName>().unwrap(), value.parse::<HeaderValue>().unwrap());
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn only_the_page_of_the_opened_browser_is_answered() {
        let guard = PageGuard::here(4000);
        let address = guard.opening_address();
        let (page, token) = address.split_once("?token=").unwrap();
        assert_eq!((page, token.len()), ("http://127.0.0.1:4000/", 32));
        let host = ("host", "127.0.0.1:4000");
        assert_eq!(guard.exchange(&headers(&[host]), "0"), None);
        assert_eq!(guard.exchange(&headers(&[("host", "evil.example:4000")]), token), None);
        let cookie = guard.exchange(&headers(&[host]), token).unwrap();
        assert!(cookie.ends_with("; Path=/; HttpOnly; SameSite=Strict"), "{cookie}");
        assert_eq!(guard.exchange(&headers(&[host]), token), None, "the token works once");
        let cookie = ("cookie", &cookie[..cookie.find(';').unwrap()]);
        let json = ("content-type", "application/json");
        let own = ("origin", "http://127.0.0.1:4000");
        type GuardCase<'c> = (Method, &'c [(&'c str, &'c str)], Result<(), Refusal>);
        let cases: [GuardCase<'_>; 14] = [
            (Method::GET, &[host, cookie], Ok(())),
            (Method::GET, &[("host", "localhost:4000"), ("cookie", &format!("a=b; {}", cookie.1)), own], Ok(())),
            (Method::POST, &[host, cookie, own, json], Ok(())),
            (Method::POST, &[host, cookie, ("sec-fetch-site", "same-origin"), json], Ok(())),
            (Method::GET, &[host, cookie, ("sec-fetch-site", "none")], Ok(())),
            (Method::GET, &[host], Err(Refusal::Unknown)),
            (Method::GET, &[host, ("cookie", "opnode_studio_4000=0")], Err(Refusal::Unknown)),
            (Method::GET, &[cookie], Err(Refusal::Foreign)),
            (Method::GET, &[("host", "127.0.0.1"), cookie], Err(Refusal::Foreign)),
            (Method::GET, &[("host", "rebound.example:4000"), cookie], Err(Refusal::Foreign)),
            (Method::GET, &[host, cookie, ("sec-fetch-site", "cross-site")], Err(Refusal::Foreign)),
            (Method::POST, &[host, cookie, json], Err(Refusal::Foreign)),
            (Method::POST, &[host, cookie, json, ("origin", "http://127.0.0.1:4001")], Err(Refusal::Foreign)),
            (Method::POST, &[host, cookie, own, ("content-type", "text/plain")], Err(Refusal::Form)),
        ];
        for (method, given, wanted) in cases {
            assert_eq!(guard.check(&method, &headers(given)), wanted, "{method} {given:?}");
        }
    }
}
