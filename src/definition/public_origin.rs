//! An origin from which reads fetch without credentials. Pure.

/// An origin from which reads fetch without credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PublicOrigin {
    scheme: String,
    /// In lower case.
    host: String,
    /// Every host below it, and not itself.
    below: bool,
    port: Option<u16>,
}

impl PublicOrigin {
    /// Reads scheme://host, or scheme://*.host.
    pub(crate) fn parse(text: &str) -> Option<PublicOrigin> {
        let url = url::Url::parse(text).ok().filter(is_plain_origin)?;
        let host = url.host_str()?.to_ascii_lowercase();
        let (host, below) = match host.strip_prefix("*.") {
            Some(rest) => (rest.to_owned(), true),
            None => (host, false),
        };
        let labels = host.split('.').filter(|label| !label.is_empty()).count();
        let is_name = !host.contains('*') && (!below || labels >= 2);
        is_name.then(|| PublicOrigin {
            scheme: url.scheme().to_owned(),
            host,
            below,
            port: url.port_or_known_default(),
        })
    }

    /// Whether a URL is of this origin.
    pub(crate) fn has(&self, url: &url::Url) -> bool {
        let host = url.host_str().unwrap_or_default().trim_end_matches('.').to_ascii_lowercase();
        let is_host = match self.below {
            true => host.strip_suffix(&self.host).is_some_and(|above| above.len() > 1 && above.ends_with('.')),
            false => host == self.host,
        };
        is_host && url.scheme() == self.scheme && url.port_or_known_default() == self.port
    }

    /// The host, or `*.host`.
    pub(crate) fn pattern(&self) -> String {
        format!("{}{}", if self.below { "*." } else { "" }, self.host)
    }

    /// Whether it uses TLS.
    pub(crate) fn is_https(&self) -> bool {
        self.scheme == "https"
    }
}

/// Whether a URL is nothing but scheme, host and port.
pub(crate) fn is_plain_origin(url: &url::Url) -> bool {
    matches!(url.scheme(), "https" | "http")
        && url.path() == "/"
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none()
}

#[cfg(test)]
mod tests {
    use super::PublicOrigin;

    #[test]
    fn only_hosts_of_the_pattern_fit() {
        let has = |origin: &str, url: &str| PublicOrigin::parse(origin).unwrap().has(&url::Url::parse(url).unwrap());
        for url in
            ["https://a.store.example.com/x?y=z", "https://A.b.STORE.example.com./", "https://a.store.example.com:443/"]
        {
            assert!(has("https://*.store.example.com", url), "{url}");
        }
        for url in [
            "https://store.example.com/",
            "http://a.store.example.com/",
            "https://a.store.example.com:8443/",
            "https://evilstore.example.com/",
            "https://store.example.com.evil.example/",
            "https://.store.example.com/",
            "data:text/plain,x",
        ] {
            assert!(!has("https://*.store.example.com", url), "{url}");
        }
        assert!(
            has("http://127.0.0.1:81", "http://127.0.0.1:81/x") && !has("http://127.0.0.1:81", "http://127.0.0.1/x")
        );
        for bad in [
            "https://*.com",
            "https://*",
            "https://a.*.example.com",
            "https://u@a.example.com",
            "ftp://a.example.com",
            "https://a.example.com/x",
            "a.example.com",
        ] {
            assert_eq!(PublicOrigin::parse(bad), None, "{bad}");
        }
    }
}
