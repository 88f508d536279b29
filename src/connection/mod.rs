//! A checked connection: base address, origins, headers, limits, secrets. Reads no files and no environment: the caller
//! resolves secrets.
//!
//! One function, in `origin`, decides whether a URL may receive the credentials; all sending code uses it.

mod account;
mod address;
mod credential;
mod limits;
mod network;
mod origin;
mod private;
mod spec;
mod values;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};

use http::{HeaderName, HeaderValue};
use url::Url;

use crate::authoring::Text;
use crate::definition::{Auth, Connector, Operation, PublicOrigin, Rate};
use crate::error::{Error, ErrorKind, Place, Result};
use crate::json_pointer::escape;
use crate::secret::{Redactor, Secret, form_pair};
pub(crate) use account::fault as account_fault;
pub use account::is_needed as needs_account;
use address::{base_url, rerouted, stand_in};
pub(crate) use credential::Credential;
pub use limits::{Limits, RateLimit};
pub(crate) use network::proxy_fault;
pub use network::{NoProxy, ProxyAddress, ProxySpec, TlsSpec};
pub(crate) use private::{is_loopback, is_private};
pub use spec::ConnectionSpec;
pub(crate) use values::ValueFault;
pub(crate) use values::check as check_values;

/// A checked connection, ready for use.
pub struct Connection {
    pub(crate) connector: Arc<Connector>,
    pub(crate) limits: Limits,
    pub(crate) redactor: Redactor,
    pub(crate) name: Option<String>,
    pub(crate) account: Option<String>,
    pub(crate) relink: bool,
    /// How the system is reached, where the engine does not say so.
    pub(crate) tls: Option<TlsSpec>,
    pub(crate) proxy: Option<ProxySpec>,
    allow_private: bool,
    reroute: Option<Url>,
    values: BTreeMap<String, Secret>,
    base: Url,
    origins: Vec<url::Origin>,
    /// The sign-in and token origins, if they differ from the system: access tokens are not sent there.
    auth_origins: Vec<url::Origin>,
    /// The credentials that all requests share, once created; not for tokens that are renewed.
    pub(crate) signature: OnceLock<Vec<Credential>>,
    /// The token server accepts the client's secret only in the form.
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
        let (values, mut faults) = values::check(&connector, spec, |_| true);
        faults.extend(
            spec.limits.faults().into_iter().map(|(key, message)| ValueFault::of(&format!("limits/{key}"), message)),
        );
        faults.extend(network_faults(spec.tls.as_ref(), spec.proxy.as_ref()));
        faults.extend(account::fault(&connector, spec.account.as_deref(), |name| values.contains_key(name)));
        if !faults.is_empty() {
            return Err(Error::from_faults(
                ErrorKind::Connection,
                &format!("the connection to {} is invalid", connector.title),
                faults.into_iter().map(ValueFault::into_fault).collect(),
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
        spec.proxy.iter().flat_map(ProxySpec::secrets).for_each(|secret| redactor.learn(&secret));
        spec.tls.iter().filter_map(|tls| tls.key.as_deref()).for_each(|key| redactor.learn(key));
        let (limits, name, allow_private) = (spec.limits.clone(), spec.name.clone(), spec.allow_private);
        let mut connection = Connection {
            limits,
            redactor,
            name,
            account: spec.account.clone(),
            relink: spec.relink,
            tls: spec.tls.clone(),
            proxy: spec.proxy.clone(),
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

    /// The base address.
    #[must_use]
    pub fn base(&self) -> &Url {
        &self.base
    }

    /// The account, as named by the user.
    #[must_use]
    pub fn account(&self) -> Option<&str> {
        self.account.as_deref()
    }

    pub(crate) fn value(&self, name: &str) -> Option<Cow<'_, str>> {
        self.values.get(name).map(|v| Cow::Borrowed(v.expose()))
    }

    /// The text with property values inserted; `None` if a property is absent.
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
                format!("`{name}` becomes part of the address, which cannot have a query or a fragment"),
            )
            .at(Place::field(format!("/{}", escape(name))))
            .advise(values::NO_QUERY));
        }
        Ok(Cow::Owned(base))
    }

    /// An address of the connector's definition, if it is one of this connection's origins.
    pub(crate) fn address(&self, text: &Text) -> Result<Url> {
        let url = rerouted(base_url(&self.connector, text, |n| self.value(n), true)?, self.reroute.as_ref())?;
        self.check_origin(&url)?;
        Ok(url)
    }

    /// The headers of texts, without those whose property is absent.
    pub(crate) fn headers(&self, rules: &[(HeaderName, Text)]) -> Result<Vec<(HeaderName, HeaderValue)>> {
        let given = rules.iter().filter_map(|(name, text)| Some((name, self.render(text)?)));
        given.map(|(name, value)| Ok((name.clone(), self.constant_header(name, &value)?))).collect()
    }

    /// The value of a constant header.
    pub(crate) fn constant_header(&self, name: &HeaderName, value: &str) -> Result<HeaderValue> {
        let mut header = self.header_value(name, value)?;
        // A key in its own header is as secret as an Authorization header: not indexed by HTTP/2, masked in Debug.
        header.set_sensitive(matches!(self.redactor.mask(value), Cow::Owned(_)));
        Ok(header)
    }

    pub(crate) fn header_value(&self, name: &HeaderName, value: &str) -> Result<HeaderValue> {
        HeaderValue::from_bytes(value.as_bytes()).map_err(|_| {
            Error::new(
                ErrorKind::Connection,
                format!("the header {name} would contain characters that are not allowed"),
            )
        })
    }

    /// Whether any origin uses TLS. The hosts that must not resolve to a private address: those with a public name,
    /// unless the connection allows it.
    pub(crate) fn public_hosts(&self) -> Vec<String> {
        let names = self.origins.iter().filter(|_| !self.allow_private).filter_map(|origin| match origin {
            url::Origin::Tuple(_, url::Host::Domain(name), _) => Some(name.trim_end_matches('.').to_owned()),
            url::Origin::Tuple(..) | url::Origin::Opaque(_) => None,
        });
        let shared = self.connector.public_origins.iter().filter(|_| !self.allow_private).map(PublicOrigin::pattern);
        names.chain(shared).filter(|name| private::is_public_name(name.trim_start_matches("*."))).collect()
    }

    pub(crate) fn needs_tls(&self) -> bool {
        let own = |o: &url::Origin| matches!(o, url::Origin::Tuple(scheme, _, _) if scheme == "https");
        self.origins.iter().any(own) || self.connector.public_origins.iter().any(PublicOrigin::is_https)
    }

    pub(crate) fn rate(&self) -> Option<Rate> {
        let rate = self.limits.rate.map(|r| Rate { requests: r.requests, per_s: r.per_s }).or(self.connector.rate)?;
        (rate.requests > 0 && rate.per_s > 0).then_some(rate)
    }
}

/// The faults of settings of the network.
pub(crate) fn network_faults(tls: Option<&TlsSpec>, proxy: Option<&ProxySpec>) -> Vec<ValueFault> {
    let faults = tls.map(TlsSpec::faults).into_iter().chain(proxy.map(ProxySpec::faults)).flatten();
    faults.map(|(field, message)| ValueFault::of(&field, message)).collect()
}

/// Masks the secret values, and their forms in authentication headers.
fn redactor(connector: &Connector, values: &BTreeMap<String, Secret>) -> Redactor {
    let secret: Vec<String> = connector
        .properties
        .iter()
        .filter(|p| p.secret)
        .filter_map(|p| values.get(&p.name))
        .map(|v| v.expose().to_owned())
        .collect();
    let mut all = secret;
    let render = |t: &Text| t.render(|n| values.get(n).map(|v| Cow::Borrowed(v.expose()))).ok();
    let of_login = if let Auth::Login(rule) = &connector.auth { rule.basic.as_ref() } else { None };
    let basic = if let Auth::Basic(pair) = &connector.auth { Some(pair) } else { of_login };
    if let Some((user, pass)) = basic.and_then(|pair| render(&pair.username).zip(render(&pair.password))) {
        all.push(format!("{user}:{pass}"));
    }
    if let Auth::Oauth2(rule) = &connector.auth {
        let (id, secret) = (rule.client_id.as_ref().and_then(render), rule.client_secret.as_ref().and_then(render));
        all.extend(id.zip(secret).map(|(id, secret)| form_pair(&id, &secret)));
    }
    Redactor::new(all.iter().map(String::as_str))
}
