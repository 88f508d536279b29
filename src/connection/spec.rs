//! The parameters for opening a connection. Plain data.

use std::collections::BTreeMap;

use super::limits::Limits;
use super::network::{ProxySpec, TlsSpec};

/// The parameters for opening a connection.
///
/// ```
/// use opnode::ConnectionSpec;
///
/// let spec: ConnectionSpec = serde_json::from_str(
///     r#"{
///         "connector": "acme-desk",
///         "account": "main",
///         "values": {"siteUrl": "https://desk.example.com", "username": "robot", "password": "open sesame"},
///         "limits": {"concurrency": 2, "rate": {"requests": 60, "per_s": 60}}
///     }"#,
/// )?;
/// assert_eq!(spec.values["username"], "robot");
/// assert_eq!(spec.limits.concurrency, Some(2));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConnectionSpec {
    /// The connector's name.
    pub connector: String,
    /// The account, by the host's own name for it: connections with the same account share tokens and rate limit.
    /// Required if tokens are stored: those of a sign-in, and rotating ones.
    #[serde(default)]
    pub account: Option<String>,
    /// Property values by the connector's names, including secrets.
    #[serde(default)]
    pub values: BTreeMap<String, String>,
    /// Limits that override the defaults.
    #[serde(default)]
    pub limits: Limits,
    /// Allow plain http to other hosts than this machine.
    #[serde(default)]
    pub allow_http: bool,
    /// Allow a public host name that resolves to an address of a private network or of this machine.
    #[serde(default)]
    pub allow_private: bool,
    /// Trusted authorities and the client's own certificate, instead of the engine's.
    #[serde(default)]
    pub tls: Option<TlsSpec>,
    /// A proxy, or none, instead of the engine's; it is used for every address, also of this machine.
    #[serde(default)]
    pub proxy: Option<ProxySpec>,
    /// Its name, for messages and for tokens of version 0.1.
    #[serde(default)]
    pub name: Option<String>,
    /// Sends every request to this address instead, with the real host as the first path segment, so that one mock
    /// server can simulate several hosts.
    #[serde(default)]
    pub reroute: Option<String>,
    /// Use only path and query of next links, with the connection's own origin.
    #[serde(default)]
    pub relink: bool,
}
