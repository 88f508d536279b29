//! A checked connection: base address, origins, headers, limits, secrets. Must not read files or the environment: the caller resolves secrets.
//!
//! One function, in `origin`, decides whether a URL may get the credentials; everything that sends asks it.

mod account;
mod check;
mod limits;
mod origin;
mod private;
mod reroute;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};

use http::{HeaderName, HeaderValue};
use url::Url;

use crate::definition::{
    Auth, Checker, Connector, Format, FormatFile, Operation, Ordered, Property, PropertyTypeFile, Rate, Text, explain,
};
use crate::error::{Error, ErrorKind, Fault, Place, Result, did_you_mean};
use crate::secret::{Redactor, Secret, form_pair};
use crate::yaml::{Document, escape};
#[cfg(any(feature = "cli", feature = "ffi", feature = "sandbox"))]
pub(crate) use account::is_needed as needs_account;
pub use limits::{Limits, RateLimit};
pub(crate) use private::{is_loopback, is_private};
use reroute::{rerouted, stand_in};

/// connections.yaml: named connections
#[derive(Clone, Debug, serde::Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ConnectionsFile {
    /// Version of this file format: 1
    pub version: u32,
    /// The connections by name
    pub connections: Ordered<ConnectionFile>,
}

/// One connection; its further keys are the connector's properties
#[derive(Clone, Debug, serde::Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct ConnectionFile {
    /// The connector's name
    pub connector: String,
    /// A name of your own for the account that it signs in to. Connections with the same one share its tokens and its rate limit. Needed where tokens
    /// are kept: those of a sign-in, and those that rotate
    #[serde(default)]
    pub account: Option<String>,
    /// Limits that differ from the defaults
    #[serde(default)]
    pub limits: Limits,
    /// Accept plain http to another host than this machine
    #[serde(default)]
    pub allow_http: bool,
    /// Accept that a public host name leads to an address of a private network or of this machine
    #[serde(default)]
    pub allow_private: bool,
    /// Sends every request to this address instead, the real host as the first segment of the path: for stand-ins such as the sandbox
    #[serde(default)]
    pub reroute: Option<String>,
    /// Takes only path and query of the next addresses that replies name, at the connection's own origin: for systems behind a proxy that name
    /// themselves by another scheme or host
    #[serde(default)]
    pub relink: bool,
    /// Property values
    #[serde(flatten)]
    pub values: BTreeMap<String, ValueFile>,
}

/// A property's value, or where it is kept
#[derive(Clone, Debug, serde::Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum ValueFile {
    /// The value itself
    Text(String),
    /// The value itself
    Number(i64),
    /// The value itself
    Flag(bool),
    /// Kept outside this file
    Reference(Reference),
}

/// Where a value is kept
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
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
        if mirror.version != crate::definition::FORMAT_VERSION {
            c.fault("/version", format!("version {} of this format is not known", mirror.version), None);
        }
        for (name, connection) in &mirror.connections.0 {
            let at = format!("/connections/{}/limits", escape(name));
            connection
                .limits
                .faults()
                .into_iter()
                .for_each(|(key, message)| c.fault(&format!("{at}/{key}"), message, None));
        }
        c.finish("the connections file is wrong", Some(mirror))
    }

    /// A connection by name.
    ///
    /// # Errors
    /// `connection` with the nearest name.
    pub fn find(&self, name: &str) -> Result<&ConnectionFile> {
        self.connections.0.iter().find(|(n, _)| n == name).map(|(_, c)| c).ok_or_else(|| {
            let hint = did_you_mean(name, self.connections.0.iter().map(|(n, _)| n.as_str()));
            Error::new(ErrorKind::Connection, format!("no connection is called `{name}`{hint}"))
                .advise("`opnode connection list` shows them")
        })
    }
}

impl ConnectionFile {
    /// The connection's values, with each reference resolved by the caller.
    ///
    /// # Errors
    /// Those of `resolve`.
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
            limits: self.limits.clone(),
            allow_http: self.allow_http,
            allow_private: self.allow_private,
            name: None,
            reroute: self.reroute.clone(),
            relink: self.relink,
        })
    }
}

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

/// A connection that was checked and can be used.
pub struct Connection {
    pub(crate) connector: Arc<Connector>,
    pub(crate) limits: Limits,
    pub(crate) redactor: Redactor,
    pub(crate) name: Option<String>,
    pub(crate) account: Option<String>,
    pub(crate) relink: bool,
    allow_private: bool,
    reroute: Option<Url>,
    values: BTreeMap<String, Secret>,
    base: Url,
    origins: Vec<url::Origin>,
    /// Where people sign in and tokens come from, when that is elsewhere: access tokens do not go there.
    auth_origins: Vec<url::Origin>,
    /// The credential's header, once it was made; not for tokens that are renewed.
    pub(crate) signature: OnceLock<(HeaderName, HeaderValue)>,
    /// The token server was found to take the client's secret in the form alone.
    pub(crate) secret_in_form: AtomicBool,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Connection({}, {})", self.connector.name, self.base)
    }
}

impl Connection {
    /// Checks a connection against its connector: all faults at once.
    ///
    /// # Errors
    /// `connection`, naming the fields.
    pub fn open(connector: Arc<Connector>, spec: &ConnectionSpec) -> Result<Connection> {
        let mut faults: Vec<Fault> = Vec::new();
        let mut fault = |field: &str, message: String, advice: Option<&str>| {
            faults.push(Fault {
                place: Place::field(format!("/{}", escape(field))),
                message,
                advice: advice.map(str::to_owned),
            });
        };
        for name in spec.values.keys().filter(|n| connector.property(n).is_none()) {
            let hint = did_you_mean(name, connector.properties.iter().map(|p| p.name.as_str()));
            fault(name, format!("`{name}` is not a property of {}{hint}", connector.name), None);
        }
        let mut values = BTreeMap::new();
        for property in &connector.properties {
            match value_of(property, spec) {
                Ok(Some(value)) if breaks_address(&connector, &property.name, &value) => {
                    fault(
                        &property.name,
                        format!("`{}` is put into the address, which has no query and no fragment", property.name),
                        Some(NO_QUERY),
                    );
                }
                Ok(Some(value)) => {
                    values.insert(property.name.clone(), Secret::new(value));
                }
                Ok(None) => {}
                Err((message, advice)) => fault(&property.name, message, advice),
            }
        }
        for (key, message) in spec.limits.faults() {
            fault(&format!("limits/{key}"), message, None);
        }
        if let Some((message, advice)) =
            account::fault(&connector, spec.account.as_deref(), |name| values.contains_key(name))
        {
            fault("account", message, advice);
        }
        if !faults.is_empty() {
            return Err(Error::from_faults(
                ErrorKind::Connection,
                &format!("the connection to {} is wrong", connector.title),
                faults,
            ));
        }
        let lookup = |name: &str| values.get(name).map(|v| Cow::Borrowed(v.expose()));
        let reroute = spec.reroute.as_deref().map(|text| stand_in(text, spec.allow_http)).transpose()?;
        let base = rerouted(base_url(&connector, &connector.base_url, lookup, spec.allow_http)?, reroute.as_ref())?;
        let mut origins = vec![base.origin()];
        for origin in connector.origins.iter().filter(|_| reroute.is_none()) {
            let url = Url::parse(origin).map_err(|e| {
                Error::new(
                    ErrorKind::Definition,
                    format!("the origin `{origin}` of {} is not a URL: {e}", connector.name),
                )
            })?;
            origins.push(url.origin());
        }
        let redactor = redactor(&connector, &values);
        let (limits, name, allow_private) = (spec.limits.clone(), spec.name.clone(), spec.allow_private);
        let mut connection = Connection {
            limits,
            redactor,
            name,
            account: spec.account.clone(),
            relink: spec.relink,
            allow_private,
            reroute,
            values,
            base,
            origins,
            auth_origins: Vec::new(),
            connector,
            signature: OnceLock::new(),
            secret_in_form: AtomicBool::new(false),
        };
        connection.auth_origins = connection.find_auth_origins();
        Ok(connection)
    }

    /// The connector.
    #[must_use]
    pub fn connector(&self) -> &Arc<Connector> {
        &self.connector
    }

    /// Where requests go.
    #[must_use]
    pub fn base(&self) -> &Url {
        &self.base
    }

    /// The account that it signs in to, as its owner calls it.
    #[must_use]
    pub fn account(&self) -> Option<&str> {
        self.account.as_deref()
    }

    pub(crate) fn value(&self, name: &str) -> Option<Cow<'_, str>> {
        self.values.get(name).map(|v| Cow::Borrowed(v.expose()))
    }

    /// The text with property values in place; `None` when a property is absent.
    pub(crate) fn render(&self, text: &Text) -> Option<String> {
        text.render(|name| self.value(name)).ok()
    }

    /// The base address of an operation.
    pub(crate) fn base_of(&self, operation: &Operation) -> Result<Cow<'_, Url>> {
        let Some(text) = &operation.base_url else { return Ok(Cow::Borrowed(&self.base)) };
        let base = self.address(text)?;
        if base.query().is_some() || base.fragment().is_some() {
            let name =
                text.names().find(|name| self.value(name).is_some_and(|v| v.contains(['?', '#']))).unwrap_or_default();
            return Err(Error::new(
                ErrorKind::Connection,
                format!("`{name}` is put into the address, which has no query and no fragment"),
            )
            .at(Place::field(format!("/{}", escape(name))))
            .advise(NO_QUERY));
        }
        Ok(Cow::Owned(base))
    }

    /// An address of the connector's definition, if it is one of this connection's origins.
    pub(crate) fn address(&self, text: &Text) -> Result<Url> {
        let url = rerouted(base_url(&self.connector, text, |n| self.value(n), true)?, self.reroute.as_ref())?;
        self.check_origin(&url)?;
        Ok(url)
    }

    /// Headers of every request, those with an absent property left out.
    pub(crate) fn headers(&self, rules: &[(HeaderName, Text)]) -> Result<Vec<(HeaderName, HeaderValue)>> {
        let mut headers = Vec::new();
        for (name, text) in rules {
            if let Some(value) = self.render(text) {
                let mut header = self.header_value(name, &value)?;
                // A key that travels in a header of its own is as secret as an Authorization: never indexed by HTTP/2, never in a Debug.
                header.set_sensitive(matches!(self.redactor.mask(&value), Cow::Owned(_)));
                headers.push((name.clone(), header));
            }
        }
        Ok(headers)
    }

    pub(crate) fn header_value(&self, name: &HeaderName, value: &str) -> Result<HeaderValue> {
        HeaderValue::from_bytes(value.as_bytes()).map_err(|_| {
            Error::new(ErrorKind::Connection, format!("the header {name} would hold characters that a header cannot"))
        })
    }

    /// Whether any origin is reached by TLS.
    pub(crate) fn needs_tls(&self) -> bool {
        self.origins.iter().any(|o| matches!(o, url::Origin::Tuple(scheme, _, _) if scheme == "https"))
    }

    pub(crate) fn rate(&self) -> Option<Rate> {
        let rate = self.limits.rate.map(|r| Rate { requests: r.requests, per_s: r.per_s }).or(self.connector.rate)?;
        (rate.requests > 0 && rate.per_s > 0).then_some(rate)
    }
}

/// What to do about a value that brings a query into a base address.
const NO_QUERY: &str = "leave out what begins with ? or #; what belongs in the query is an option of the operation";

/// Whether a value would bring a query or a fragment into the address to which paths are appended.
fn breaks_address(connector: &Connector, name: &str, value: &str) -> bool {
    value.contains(['?', '#']) && connector.base_url.names().any(|n| n == name)
}

type ValueFault = (String, Option<&'static str>);

fn value_of(property: &Property, spec: &ConnectionSpec) -> Result<Option<String>, ValueFault> {
    let name = &property.name;
    let Some(given) = spec.values.get(name).or(property.default.as_ref()) else {
        return if property.optional { Ok(None) } else { Err((format!("`{name}` is missing"), None)) };
    };
    // Keys are pasted; a line break at the end is never part of one.
    let value = given.trim_end_matches(['\n', '\r']);
    if value.trim().is_empty() {
        return if property.optional { Ok(None) } else { Err((format!("`{name}` is empty"), None)) };
    }
    if value.chars().any(char::is_control) {
        return Err((
            format!("`{name}` holds a control character"),
            Some("copy it again, without line breaks or tabs"),
        ));
    }
    match property.kind {
        PropertyTypeFile::Integer if value.parse::<i64>().is_err() => {
            return Err((format!("`{name}` must be a whole number"), None));
        }
        PropertyTypeFile::Boolean if !matches!(value, "true" | "false") => {
            return Err((format!("`{name}` must be true or false"), None));
        }
        PropertyTypeFile::Integer | PropertyTypeFile::Boolean | PropertyTypeFile::String => {}
    }
    if !property.choices.is_empty() && !property.choices.iter().any(|c| c == value) {
        return Err((format!("`{name}` must be one of {}", property.choices.join(", ")), None));
    }
    if let Some(pattern) = &property.pattern {
        let schema = crate::definition::Schema::compile(serde_json::json!({ "pattern": pattern }));
        if schema.is_ok_and(|s| !s.check(&value.into()).is_empty()) {
            return Err((format!("`{name}` does not have the form {pattern}"), None));
        }
    }
    match property.format {
        None => Ok(Some(value.to_owned())),
        Some(format) => address(name, value, format).map(Some),
    }
}

/// Why a property's own rules refuse its default.
pub(crate) fn misfit_of_default(property: &Property) -> Option<String> {
    property.default.as_ref()?;
    value_of(property, &ConnectionSpec::default()).err().map(|(message, _)| message)
}

/// An address as typed, as a URL without trailing slash. Origins lose their path, because people paste what their browser shows.
fn address(name: &str, typed: &str, format: FormatFile) -> Result<String, ValueFault> {
    let typed = typed.trim();
    let full = if typed.contains("://") { typed.to_owned() } else { format!("https://{typed}") };
    let url = Url::parse(&full)
        .map_err(|e| (format!("`{name}` is not an address: {e}"), Some("write it as https://host.example.com")))?;
    if !matches!(url.scheme(), "https" | "http") || url.host().is_none() {
        return Err((format!("`{name}` must be an https address"), None));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err((
            format!("`{name}` holds a user name or password"),
            Some("credentials go into their own properties"),
        ));
    }
    let origin = url.origin().ascii_serialization();
    match format {
        FormatFile::Origin => Ok(origin),
        FormatFile::Uri => {
            if url.query().is_some() || url.fragment().is_some() {
                return Err((format!("`{name}` must not have a query or fragment"), None));
            }
            Ok(format!("{origin}{}", url.path().trim_end_matches('/')))
        }
    }
}

fn base_url<'v>(
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
            Error::new(ErrorKind::Definition, format!("the host `{api}` of {} is wrong: {e}", connector.name))
        })?;
    }
    refuse_plain(&url, allow_http)?;
    Ok(url)
}

/// Plain http is for this machine, and for networks that the connection vouches for.
fn refuse_plain(url: &Url, allow_http: bool) -> Result<()> {
    if url.scheme() != "http" || allow_http || is_loopback(url) {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Connection,
        format!("{} would send credentials unencrypted", url.origin().ascii_serialization()),
    )
    .advise("write https://, or say `allow_http: true` in the connection if the network in between is yours"))
}

/// Knows the secret values, and what authentication makes of them on the wire.
fn redactor(connector: &Connector, values: &BTreeMap<String, Secret>) -> Redactor {
    let secret: Vec<String> = connector
        .properties
        .iter()
        .filter(|p| p.secret)
        .filter_map(|p| values.get(&p.name))
        .map(|v| v.expose().to_owned())
        .collect();
    let mut all = secret;
    if let Auth::Basic { username, password } = &connector.auth {
        let render = |t: &Text| t.render(|n| values.get(n).map(|v| Cow::Borrowed(v.expose()))).ok();
        if let (Some(user), Some(pass)) = (render(username), render(password)) {
            all.push(format!("{user}:{pass}"));
        }
    }
    if let Auth::Oauth2(rule) = &connector.auth {
        let render = |t: &Text| t.render(|n| values.get(n).map(|v| Cow::Borrowed(v.expose()))).ok();
        if let (Some(id), Some(secret)) = (render(&rule.client_id), rule.client_secret.as_ref().and_then(render)) {
            all.push(form_pair(&id, &secret));
        }
    }
    Redactor::new(all.iter().map(String::as_str))
}
