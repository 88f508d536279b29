//! What a host gives to open a connection. Plain data.

use std::collections::BTreeMap;

use super::limits::Limits;

/// What a host gives to open a connection.
#[derive(Clone, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConnectionSpec {
    /// The connector's name.
    pub connector: String,
    /// The account that it signs in to, by a name of the host's own: whose tokens it uses, and whose rate limit. Needed where tokens are kept: those of
    /// a sign-in, and those that rotate.
    #[serde(default)]
    pub account: Option<String>,
    /// Property values by the connector's names, secrets among them.
    #[serde(default)]
    pub values: BTreeMap<String, String>,
    /// Limits.
    #[serde(default)]
    pub limits: Limits,
    /// Accept plain http to another host than this machine.
    #[serde(default)]
    pub allow_http: bool,
    /// Accept that a public host name leads to an address of a private network or of this machine.
    #[serde(default)]
    pub allow_private: bool,
    /// Its name, by which messages speak of it.
    #[serde(default)]
    pub name: Option<String>,
    /// Sends every request to this address instead, the real host as the first segment of the path: how a stand-in plays several hosts.
    #[serde(default)]
    pub reroute: Option<String>,
    /// Takes only path and query of the next addresses that replies name, at the connection's own origin.
    #[serde(default)]
    pub relink: bool,
}
