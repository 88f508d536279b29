//! Stand-ins: every request of a connection goes to one address, the real host as the first segment of the path. Pure.

use url::Url;

use super::refuse_plain;
use crate::error::{Error, ErrorKind, Place, Result};

/// The address of a stand-in, held to the same rule as that of the system itself.
pub(super) fn stand_in(text: &str, allow_http: bool) -> Result<Url> {
    let wrong =
        |why: &dyn std::fmt::Display| Error::new(ErrorKind::Connection, format!("`reroute` is not an address: {why}"));
    let url = Url::parse(text).map_err(|e| wrong(&e).at(Place::field("/reroute")))?;
    if !matches!(url.scheme(), "http" | "https") || !url.username().is_empty() || url.password().is_some() {
        return Err(wrong(&"it must be http(s)://host[:port]").at(Place::field("/reroute")));
    }
    refuse_plain(&url, allow_http).map_err(|e| e.at(Place::field("/reroute")))?;
    Ok(url)
}

/// The same address on the stand-in: its host becomes the first segment of the path.
pub(super) fn rerouted(url: Url, reroute: Option<&Url>) -> Result<Url> {
    let Some(to) = reroute.filter(|to| to.origin() != url.origin()) else { return Ok(url) };
    let text = format!("{}/{}{}", to.as_str().trim_end_matches('/'), url.host_str().unwrap_or_default(), url.path());
    let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
    Url::parse(&format!("{}{query}", text.trim_end_matches('/')))
        .map_err(|e| Error::new(ErrorKind::Connection, format!("`reroute` makes no URL of {url}: {e}")))
}
