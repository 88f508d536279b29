//! The addresses of a connection: its base, whether plain http is allowed, and `reroute`, which gets every request with
//! the real host as the first path segment. Pure.

use std::borrow::Cow;

use url::Url;

use super::private::is_loopback;
use crate::authoring::Text;
use crate::definition::Connector;
use crate::error::{Error, ErrorKind, Place, Result};

/// The `reroute` address, under the same rule as that of the system.
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

/// The same address under `reroute`: its host becomes the first path segment.
pub(super) fn rerouted(url: Url, reroute: Option<&Url>) -> Result<Url> {
    let Some(to) = reroute.filter(|to| to.origin() != url.origin()) else { return Ok(url) };
    let text = format!("{}/{}{}", to.as_str().trim_end_matches('/'), url.host_str().unwrap_or_default(), url.path());
    let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
    Url::parse(&format!("{}{query}", text.trim_end_matches('/')))
        .map_err(|e| Error::new(ErrorKind::Connection, format!("`reroute` does not give a valid URL for {url}: {e}")))
}

pub(super) fn base_url<'v>(
    connector: &Connector,
    text: &Text,
    value: impl FnMut(&str) -> Option<Cow<'v, str>>,
    allow_http: bool,
) -> Result<Url> {
    let rendered = text.render(value).map_err(|name| {
        Error::new(ErrorKind::Connection, format!("the address needs the property `{name}`"))
            .at(Place::field(format!("/{name}")))
    })?;
    let mut url = Url::parse(rendered.trim_end_matches('/'))
        .map_err(|e| Error::new(ErrorKind::Connection, format!("the address {rendered} is not a URL: {e}")))?;
    let host = url.host_str().unwrap_or_default().to_lowercase();
    if let Some((_, api)) = connector.hosts.iter().find(|(typed, _)| *typed == host) {
        url.set_host(Some(api)).map_err(|e| {
            Error::new(ErrorKind::Definition, format!("the host `{api}` of {} is invalid: {e}", connector.name))
        })?;
    }
    refuse_plain(&url, allow_http)?;
    Ok(url)
}

/// Plain http is allowed to this machine, and to networks that the connection trusts.
fn refuse_plain(url: &Url, allow_http: bool) -> Result<()> {
    if url.scheme() != "http" || allow_http || is_loopback(url) {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Connection,
        format!("{} would send credentials unencrypted", url.origin().ascii_serialization()),
    )
    .advise("use https://, or set `allow_http: true` in the connection if you trust the network"))
}
