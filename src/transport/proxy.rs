//! Proxies of the configuration or of the environment: selects the proxy of a request and reports faults in its setting. The HTTP client
//! ignores an invalid variable and does not name the proxy in its errors.

use http::Uri;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};

use super::failure::{Failure, FailureKind, causes};
use crate::connection::{ProxyAddress, proxy_fault};

/// The configured proxies.
pub(super) struct Proxies {
    matcher: Matcher,
    /// Matches everything except NO_PROXY.
    used: Matcher,
    http: Option<Setting>,
    https: Option<Setting>,
}

/// A variable that is set.
#[derive(Clone)]
struct Setting {
    name: &'static str,
    fault: Option<&'static str>,
}

/// The proxy of a request.
pub(super) struct Way {
    /// Host and port.
    address: String,
    /// The variable that sets it.
    variable: &'static str,
    signed: bool,
    /// Whether requests are sent to it directly, without a tunnel.
    plain: bool,
}

impl Proxies {
    /// The proxies of the environment, or of the system's settings.
    pub(super) fn of_system() -> Proxies {
        let all = setting(["ALL_PROXY", "all_proxy"]);
        let no = ["NO_PROXY", "no_proxy"].iter().find_map(|name| std::env::var(name).ok()).unwrap_or_default();
        Proxies {
            matcher: Matcher::from_system(),
            used: Matcher::builder().all("http://any.invalid").no(no).build(),
            http: setting(["HTTP_PROXY", "http_proxy"]).or_else(|| all.clone()),
            https: setting(["HTTPS_PROXY", "https_proxy"]).or(all),
        }
    }

    /// A proxy that is configured, for every request.
    pub(super) fn of(address: &ProxyAddress) -> Proxies {
        let matcher = || Matcher::builder().all(address.full_url()).build();
        let setting = || Some(Setting { name: "the setting `proxy`", fault: None });
        Proxies { matcher: matcher(), used: matcher(), http: setting(), https: setting() }
    }

    /// The proxy of a request; `None` without one.
    ///
    /// # Errors
    /// When the variable that applies is invalid; then nothing is sent.
    pub(super) fn way(&self, uri: &Uri) -> Result<Option<Way>, Failure> {
        let plain = uri.scheme() == Some(&http::uri::Scheme::HTTP);
        let setting = if plain { &self.http } else { &self.https };
        // In a CGI program, HTTP_PROXY comes from a request header, so it is ignored. The HTTP client does the same.
        let of_others = std::env::var_os("REQUEST_METHOD").is_some();
        if let Some(Setting { name, fault: Some(fault) }) = setting
            && !of_others
            && self.used.intercept(uri).is_some()
        {
            return Err(denied(format!("{name} is not the address of a proxy: {fault}"), None));
        }
        let variable = setting.as_ref().map_or("the system's settings", |s| s.name);
        Ok(self.matcher.intercept(uri).map(|proxy| Way {
            address: address(&proxy),
            variable,
            signed: proxy.basic_auth().is_some(),
            plain,
        }))
    }
}

impl Way {
    /// The failure for a 407, which comes from the proxy.
    pub(super) fn denied(&self, status: Option<u16>) -> Failure {
        let Way { address, variable, .. } = self;
        denied(
            match self.signed {
                true => format!("the proxy {address} did not accept its user name and password (from {variable})"),
                false => format!("the proxy {address} asks for a user name and password, and {variable} has none"),
            },
            status,
        )
    }

    /// Whether an answer comes from the proxy and not from the system behind it.
    pub(super) fn denies(&self, status: http::StatusCode) -> bool {
        self.plain && status == http::StatusCode::PROXY_AUTHENTICATION_REQUIRED
    }

    /// The failure, with the proxy named if it is the cause.
    pub(super) fn explain(&self, error: &reqwest::Error, failure: Failure) -> Failure {
        if !error.is_connect() {
            return failure;
        }
        let tunnel = causes(error)
            .map(ToString::to_string)
            .find_map(|text| text.strip_prefix("tunnel error: ").map(str::to_owned));
        let address = &self.address;
        let what = match tunnel.as_deref() {
            Some("proxy authorization required") => return self.denied(None),
            // Some proxies use another status than 407, which the HTTP client does not report.
            Some("unsuccessful") if self.signed => {
                format!(
                    "the proxy {address} refused the tunnel, or does not accept the user name and password of {}",
                    self.variable
                )
            }
            Some("unsuccessful") => format!("the proxy {address} refused the tunnel"),
            Some(text) if !text.starts_with("failed to create") => {
                format!("the proxy {address} did not answer: {}", failure.message)
            }
            Some(_) => format!("the proxy {address} (from {}) cannot be reached: {}", self.variable, failure.message),
            None if self.plain => {
                format!("the proxy {address} (from {}) cannot be reached: {}", self.variable, failure.message)
            }
            None => return failure,
        };
        Failure { message: what, ..failure }
    }
}

fn denied(message: String, status: Option<u16>) -> Failure {
    Failure { kind: FailureKind::Proxy, message, status }
}

fn address(proxy: &Intercept) -> String {
    let uri = proxy.uri();
    let port = uri.port_u16().unwrap_or(if uri.scheme() == Some(&http::uri::Scheme::HTTPS) { 443 } else { 80 });
    format!("{}:{port}", uri.host().unwrap_or_default())
}

/// The first of two variables that is set, in the order of the HTTP client. An empty value sets no proxy.
fn setting(names: [&'static str; 2]) -> Option<Setting> {
    let (name, value) = names.into_iter().find_map(|name| Some((name, std::env::var_os(name)?)))?;
    let Ok(text) = value.into_string() else { return Some(Setting { name, fault: Some("it is not UTF-8") }) };
    (!text.is_empty()).then(|| Setting { name, fault: proxy_fault(&text) })
}
