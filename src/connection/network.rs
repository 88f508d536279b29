//! How the system is reached: trusted authorities, the client's own certificate, and a proxy. Plain data with its checks;
//! files are read where the HTTP client is made.

use std::fmt;

use http::Uri;

use crate::secret::{MASK, form_pair, form_value};

/// How TLS connections are checked, and the client's own certificate.
///
/// ```
/// use opnode::connection::TlsSpec;
///
/// let tls = TlsSpec { ca: Some("/etc/acme/ca.pem".into()), ..TlsSpec::default() };
/// # drop(tls);
/// ```
#[derive(Clone, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TlsSpec {
    /// Certificates of trusted authorities: a file, or PEM text. They are trusted besides those of the system.
    pub ca: Option<String>,
    /// The client's certificate with its chain: a file, or PEM text.
    pub certificate: Option<String>,
    /// The private key of the certificate: a file, or PEM text.
    pub key: Option<String>,
    /// Whether only the authorities of `ca` are trusted.
    #[serde(alias = "onlyCa")]
    pub only_ca: bool,
}

/// A proxy, or none.
#[derive(Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(untagged)]
pub enum ProxySpec {
    /// The word `none`: no proxy, whatever the environment says.
    Without(NoProxy),
    /// A proxy.
    Through(ProxyAddress),
}

/// The word `none`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoProxy {
    /// No proxy.
    None,
}

/// The address of a proxy.
#[derive(Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProxyAddress {
    /// Such as `http://proxy.example:3128`.
    pub url: String,
    /// The user name for the proxy.
    #[serde(default)]
    pub username: Option<String>,
    /// The password for the proxy.
    #[serde(default)]
    pub password: Option<String>,
}

impl fmt::Debug for TlsSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TlsSpec { ca, certificate, key, only_ca } = self;
        let mut shown = f.debug_struct("TlsSpec");
        shown.field("ca", ca).field("certificate", certificate).field("key", &key.as_ref().map(|_| MASK));
        shown.field("only_ca", only_ca).finish()
    }
}

impl fmt::Debug for ProxySpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ProxySpec::Without(_) => f.write_str("none"),
            ProxySpec::Through(address) => address.fmt(f),
        }
    }
}

impl fmt::Debug for ProxyAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The URL may contain a password too.
        let host = self.url.rsplit_once('@').map_or(&*self.url, |(_, host)| host);
        f.debug_struct("ProxyAddress").field("host", &host).finish_non_exhaustive()
    }
}

impl TlsSpec {
    pub(crate) fn faults(&self) -> Vec<(String, String)> {
        let fault = |key: &str, message: &str| (format!("tls/{key}"), message.to_owned());
        let empty = [("ca", &self.ca), ("certificate", &self.certificate), ("key", &self.key)];
        let empty = empty.into_iter().filter(|(_, text)| text.as_ref().is_some_and(|text| text.trim().is_empty()));
        let mut faults: Vec<(String, String)> =
            empty.map(|(key, _)| fault(key, &format!("`{key}` is empty"))).collect();
        match (&self.certificate, &self.key) {
            (Some(_), None) => faults.push(fault("certificate", "`certificate` needs `key`: its private key")),
            (None, Some(_)) => faults.push(fault("key", "`key` has no effect without `certificate`")),
            (Some(_), Some(_)) | (None, None) => {}
        }
        if self.only_ca && self.ca.is_none() {
            faults.push(fault("only_ca", "`only_ca` has no effect without `ca`"));
        }
        faults
    }
}

impl ProxySpec {
    pub(crate) fn faults(&self) -> Vec<(String, String)> {
        let ProxySpec::Through(address) = self else { return Vec::new() };
        let fault = |key: &str, message: String| (format!("proxy/{key}"), message);
        let mut faults = Vec::new();
        if let Some(why) = proxy_fault(&address.url) {
            faults.push(fault("url", format!("`url` is not the address of a proxy: {why}")));
        } else if address.username.is_some() && address.url.contains('@') {
            faults.push(fault("username", "the user name is in `url` already".to_owned()));
        }
        if address.password.is_some() && address.username.is_none() {
            faults.push(fault("password", "`password` has no effect without `username`".to_owned()));
        }
        faults
    }

    /// The texts to mask: the password, and the pair as it is sent.
    pub(crate) fn secrets(&self) -> Vec<String> {
        let ProxySpec::Through(ProxyAddress { url, username, password }) = self else { return Vec::new() };
        let login = url::Url::parse(url).ok().filter(|url| url.password().is_some());
        let decoded = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
        let of_url = login.map(|url| (decoded(url.username()), decoded(url.password().unwrap_or_default())));
        let own = username.clone().zip(password.clone());
        own.into_iter().chain(of_url).flat_map(|(user, pass)| [format!("{user}:{pass}"), pass]).collect()
    }
}

impl ProxyAddress {
    /// The URL with user name and password.
    pub(crate) fn full_url(&self) -> String {
        let login = match (&self.username, &self.password) {
            (Some(user), Some(password)) => form_pair(user, password),
            (Some(user), None) => form_value(user).to_string(),
            (None, _) => return self.url.clone(),
        };
        let (scheme, rest) = self.url.split_once("://").unwrap_or(("http", &self.url));
        format!("{scheme}://{login}@{rest}")
    }
}

/// The fault in the address of a proxy. It may contain a password, so none of it is shown.
pub(crate) fn proxy_fault(text: &str) -> Option<&'static str> {
    let Ok(uri) = text.parse::<Uri>() else { return Some("it is not a URL") };
    match uri.scheme_str() {
        None | Some("http" | "https") => {}
        Some("socks4" | "socks4a" | "socks5" | "socks5h") => {
            return Some("this build supports http and https proxies only");
        }
        Some(_) => return Some("its scheme is neither http nor https"),
    }
    let Some(authority) = uri.authority() else { return Some("it has no host") };
    let (login, place) = authority.as_str().rsplit_once('@').unwrap_or(("", authority.as_str()));
    if authority.host().is_empty() {
        return Some("it has no host");
    }
    if login.contains('@') {
        return Some("there is an @ in its user name or password that is not written as %40");
    }
    // An IPv6 address is in brackets.
    let port = place.rsplit_once(']').map_or(place, |(_, rest)| rest).split_once(':').map(|(_, port)| port);
    match port.map(str::parse::<u16>) {
        Some(Ok(0) | Err(_)) => Some("its port is not a number between 1 and 65535"),
        Some(Ok(_)) | None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{ProxyAddress, ProxySpec, proxy_fault};

    #[test]
    fn values_that_name_no_proxy_are_faults() {
        for good in [
            "http://proxy:3128",
            "proxy:3128",
            "proxy",
            "https://user:p%40ss@proxy.example:8443/",
            "http://[::1]:3128",
            "http://[::1]",
        ] {
            assert_eq!(proxy_fault(good), None, "{good}");
        }
        let bad = [
            (":::bad", "URL"),
            ("http://", "URL"),
            ("http://:3128", "host"),
            ("/proxy", "host"),
            ("ftp://proxy:21", "neither"),
            ("socks5://proxy:1080", "this build"),
            ("http://user:p@ss@proxy:3128", "%40"),
            ("http://user:pa/ss@proxy:3128", "port"),
            ("http://proxy:0", "port"),
            ("http://proxy:99999", "port"),
            ("http://proxy:", "port"),
        ];
        for (value, why) in bad {
            assert!(proxy_fault(value).is_some_and(|f| f.contains(why)), "{value}: {:?}", proxy_fault(value));
        }
    }

    #[test]
    fn a_password_is_encoded_and_not_shown() {
        let (username, password) = (Some("a@b".to_owned()), Some("p:/#@1".to_owned()));
        let address = ProxyAddress { url: "http://proxy:3128".to_owned(), username, password };
        assert_eq!(address.full_url(), "http://a%40b:p%3A%2F%23%401@proxy:3128");
        assert!(proxy_fault(&address.full_url()).is_none());
        let shown = format!("{:?}", ProxySpec::Through(address));
        assert!(shown.contains("proxy:3128") && !shown.contains("#@1"), "{shown}");
        let in_url = ProxyAddress { url: "http://u:S3cret@proxy".to_owned(), username: None, password: None };
        assert!(!format!("{in_url:?}").contains("S3cret"));
        assert_eq!(ProxySpec::Through(in_url).secrets(), ["u:S3cret", "S3cret"]);
    }
}
