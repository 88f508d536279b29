//! Decides where a connection's credentials may be sent: to its own origins; access tokens not to the token server.
//! Pure.

use http::Method as Verb;
use url::{Origin, Position, Url};

use super::Connection;
use crate::definition::{Operation, Repeat};
use crate::error::{Error, ErrorKind, Result};

impl Connection {
    /// Whether a URL may be requested with this connection's credentials: same scheme, host and port as one of its
    /// origins, no user info.
    pub(crate) fn check_origin(&self, url: &Url) -> Result<()> {
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Error::new(ErrorKind::Origin, "URLs that contain a user name or password are not requested"));
        }
        let origin = url.origin();
        if origin.is_tuple() && self.origins.contains(&origin) {
            return Ok(());
        }
        let shown = if origin.is_tuple() { origin.unicode_serialization() } else { format!("{}:", url.scheme()) };
        let own: Vec<String> = self.origins.iter().map(Origin::unicode_serialization).collect();
        Err(Error::new(
            ErrorKind::Origin,
            format!("{shown} is not an origin of this connection, so nothing was sent there"),
        )
        .advise(format!(
            "credentials are sent to {} only; correct the connection if the system has moved",
            own.join(", ")
        )))
    }

    /// Whether a URL may be read without credentials: it is of a public origin of the connector.
    pub(crate) fn is_public(&self, url: &Url) -> bool {
        let has_certificate = self.tls.as_ref().is_some_and(|tls| tls.certificate.is_some());
        let is_plain = url.username().is_empty() && url.password().is_none();
        let is_own = self.origins.contains(&url.origin()) || self.auth_origins.contains(&url.origin());
        is_plain
            && !is_own
            && !has_certificate
            && self.reroute.is_none()
            && self.connector.public_origins.iter().any(|origin| origin.has(url))
    }

    /// The same as [`check_request`](Self::check_request) for an address that the system names for a read: it may be of
    /// a public origin.
    pub(crate) fn check_named(&self, operation: &Operation, verb: &Verb, url: &Url) -> Result<()> {
        match *verb == Verb::GET && operation.repeat == Repeat::SafeRead && self.is_public(url) {
            true => Ok(()),
            false => self.check_request(operation, url),
        }
    }

    /// Whether an address literally starts with the connection's own scheme, host and port, and so has no user info:
    /// then no further check is needed.
    pub(crate) fn is_home(&self, uri: &http::Uri) -> bool {
        let own = &self.base[Position::BeforeHost..Position::AfterPort];
        uri.scheme_str() == Some(self.base.scheme()) && uri.authority().is_some_and(|a| a.as_str() == own)
    }

    /// The same for a request of an operation: none is sent to the token server, unless it is the operation's own
    /// origin.
    pub(crate) fn check_request(&self, operation: &Operation, url: &Url) -> Result<()> {
        self.check_origin(url)?;
        let origin = url.origin();
        if !self.auth_origins.contains(&origin) || self.base_of(operation)?.origin() == origin {
            return Ok(());
        }
        let shown = origin.unicode_serialization();
        Err(Error::new(
            ErrorKind::Origin,
            format!("{shown} is the token server of this connection, so no request was sent there"),
        )
        .advise("a redirect or a link of the remote system leads there; report it to the vendor"))
    }

    /// The sign-in and token origins, if they differ from the system itself.
    pub(super) fn find_auth_origins(&self) -> Vec<Origin> {
        self.connector
            .auth
            .addresses()
            .into_iter()
            .filter_map(|text| Some(self.address(text).ok()?.origin()))
            .filter(|origin| *origin != self.base.origin())
            .collect()
    }
}
