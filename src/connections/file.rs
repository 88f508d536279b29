//! The connections file: named connections as written. It reads no files.

use std::collections::BTreeMap;

use crate::authoring::is_default;
use crate::authoring::{Checker, Document, Format, Ordered, explain, version};
use crate::connection::{ConnectionSpec, Limits};
use crate::error::{Advice, Error, ErrorKind, Result, did_you_mean};
use crate::json_pointer::escape;

/// connections.yaml: named connections
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ConnectionsFile {
    /// Version of this file format: 1
    pub version: u32,
    /// The connections by name
    pub connections: Ordered<ConnectionFile>,
}

/// One connection; its further keys are the connector's properties
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct ConnectionFile {
    /// The connector's name
    pub connector: String,
    /// Your own name for the account. Connections with the same account share tokens and rate limit. Required if tokens are stored: those of an
    /// interactive sign-in and rotating ones
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Limits that override the defaults
    #[serde(default, skip_serializing_if = "is_default")]
    pub limits: Limits,
    /// true: allow plain http to other hosts than this machine
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allow_http: bool,
    /// true: allow a public host name that resolves to an address of a private network or of this machine
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allow_private: bool,
    /// Sends every request to this address instead, with the real host as the first path segment: for mock servers such as the sandbox
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reroute: Option<String>,
    /// true: only path and query of next links are used, with the connection's own origin: for systems behind a proxy that changes scheme or host
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub relink: bool,
    /// Trusted authorities and the client's own certificate
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<TlsFile>,
    /// A proxy, or `none`; default: that of the command line or of the environment
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy: Option<ProxyFile>,
    /// Property values
    #[serde(flatten)]
    pub values: BTreeMap<String, ValueFile>,
}

/// A property's value, or a reference to it
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum ValueFile {
    /// The value
    Text(String),
    /// The value
    Number(i64),
    /// The value
    Flag(bool),
    /// A reference to a value outside this file
    Reference(Reference),
}

/// How TLS connections are checked, and the client's own certificate. Relative paths start at the folder of this file
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct TlsFile {
    /// Certificates of trusted authorities, besides those of the system: a file, PEM text, or a reference to PEM text
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca: Option<TextFile>,
    /// The client's certificate with its chain: a file, PEM text, or a reference to PEM text
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<TextFile>,
    /// The private key of the certificate: a file, PEM text, or a reference to PEM text
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<TextFile>,
    /// true: only the authorities of `ca` are trusted; default false
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub only_ca: bool,
}

/// A proxy, or the word `none`
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum ProxyFile {
    /// The word none: no proxy, whatever the environment says
    Word(String),
    /// A proxy for every address of the connection
    Through(ProxyAddressFile),
}

/// The address of a proxy
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ProxyAddressFile {
    /// Such as `http://proxy.example:3128`
    pub url: String,
    /// The user name for the proxy, or a reference to it
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<TextFile>,
    /// The password for the proxy, or a reference to it
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<TextFile>,
}

/// A text, or a reference to it
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum TextFile {
    /// The text
    Text(String),
    /// A reference to a text outside this file
    Reference(Reference),
}

/// Where a value is stored
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Reference {
    /// An environment variable
    Env(String),
    /// A file
    File(String),
    /// An entry of the system keyring
    Keyring(String),
}

impl ConnectionsFile {
    /// Reads a connections file. Property names are checked when a connection is opened, because they are the connector's.
    ///
    /// # Errors
    /// `definition`, with every fault's place.
    pub fn parse(file: &str, text: &str) -> Result<ConnectionsFile> {
        let doc = Document::parse(file, text, 0)?;
        let mirror: ConnectionsFile = doc.read().map_err(|e| explain(Format::Connections, &doc, &[], &e))?;
        let mut c = Checker::new(&doc);
        version(&mut c, Format::Connections, mirror.version);
        for (name, connection) in &mirror.connections {
            let at = format!("/connections/{}/limits", escape(name));
            connection
                .limits
                .faults()
                .into_iter()
                .for_each(|(key, message)| c.fault(&format!("{at}/{key}"), message, None));
        }
        for (name, connection) in &mirror.connections {
            if let Some(ProxyFile::Word(word)) = connection.proxy.as_ref().filter(|proxy| !proxy.is_none()) {
                let advice = Some(format!("write `proxy: {{ url: {word} }}`").into());
                c.fault(
                    &format!("/connections/{}/proxy", escape(name)),
                    "`proxy` is `none`, or has a `url`",
                    advice.filter(|_| word.contains(':') && !word.contains('@')),
                );
            }
        }
        c.finish("the connections file is invalid", Some(mirror))
    }

    /// A connection by name.
    ///
    /// # Errors
    /// `connection` with the nearest name.
    pub fn find(&self, name: &str) -> Result<&ConnectionFile> {
        self.entry(name).map(|(_, connection)| connection)
    }

    /// The same with its name.
    pub(super) fn entry(&self, name: &str) -> Result<(&str, &ConnectionFile)> {
        let found = self.connections.get_key_value(name).map(|(name, connection)| (name.as_str(), connection));
        found.ok_or_else(|| {
            let hint = did_you_mean(name, self.connections.keys().map(String::as_str));
            Error::new(ErrorKind::Connection, format!("no connection is called `{name}`{hint}"))
                .advise(Advice::ListConnections)
        })
    }
}

impl ConnectionFile {
    /// The connection's values, with each reference resolved by the caller.
    ///
    /// # Errors
    /// Those of `resolve`; of [`Secrets::fetch`](super::Secrets::fetch) they are `connection` and `unsupported`.
    pub fn resolve(&self, mut resolve: impl FnMut(&str, &Reference) -> Result<String>) -> Result<ConnectionSpec> {
        let mut values = BTreeMap::new();
        for (name, value) in &self.values {
            let text = match value {
                ValueFile::Text(text) => text.clone(),
                ValueFile::Number(number) => number.to_string(),
                ValueFile::Flag(flag) => flag.to_string(),
                ValueFile::Reference(reference) => resolve(name, reference)?,
            };
            values.insert(name.clone(), text);
        }
        Ok(ConnectionSpec {
            connector: self.connector.clone(),
            account: self.account.clone(),
            values,
            tls: self.tls.as_ref().map(|file| file.resolve(&mut resolve)).transpose()?,
            proxy: self.proxy.as_ref().map(|file| file.resolve(&mut resolve)).transpose()?,
            limits: self.limits.clone(),
            allow_http: self.allow_http,
            allow_private: self.allow_private,
            name: None,
            reroute: self.reroute.clone(),
            relink: self.relink,
        })
    }
}
