//! How a connection of the file is reached: its references resolved by the caller. Pure.

use super::file::{ProxyFile, Reference, TextFile, TlsFile};
use crate::connection::{NoProxy, ProxyAddress, ProxySpec, TlsSpec};
use crate::error::Result;

/// Resolves a reference; the name is that of the key, such as `tls/key`.
type Resolve<'r> = dyn FnMut(&str, &Reference) -> Result<String> + 'r;

impl TextFile {
    fn resolve(&self, name: &str, resolve: &mut Resolve<'_>) -> Result<String> {
        match self {
            TextFile::Text(text) => Ok(text.clone()),
            TextFile::Reference(reference) => resolve(name, reference),
        }
    }

    /// The reference, if it is one.
    pub(super) fn reference(&self) -> Option<&Reference> {
        match self {
            TextFile::Text(_) => None,
            TextFile::Reference(reference) => Some(reference),
        }
    }
}

impl TlsFile {
    /// The texts with their keys.
    fn texts(&self) -> [(&'static str, Option<&TextFile>); 3] {
        [("tls/ca", self.ca.as_ref()), ("tls/certificate", self.certificate.as_ref()), ("tls/key", self.key.as_ref())]
    }

    pub(super) fn resolve(&self, resolve: &mut Resolve<'_>) -> Result<TlsSpec> {
        let [ca, certificate, key] =
            self.texts().map(|(name, text)| text.map(|text| text.resolve(name, resolve)).transpose());
        Ok(TlsSpec { ca: ca?, certificate: certificate?, key: key?, only_ca: self.only_ca })
    }

    pub(super) fn references(&self) -> impl Iterator<Item = &Reference> {
        self.texts().into_iter().filter_map(|(_, text)| text?.reference())
    }

    /// Whether a private key is written in the file itself.
    pub(super) fn has_plain_key(&self) -> bool {
        matches!(&self.key, Some(TextFile::Text(text)) if text.contains("-----BEGIN "))
    }
}

impl ProxyFile {
    pub(super) fn resolve(&self, resolve: &mut Resolve<'_>) -> Result<ProxySpec> {
        let address = match self {
            // Other words were refused when the file was read.
            ProxyFile::Word(_) => return Ok(ProxySpec::Without(NoProxy::None)),
            ProxyFile::Through(address) => address,
        };
        let text = |name: &str, text: &Option<TextFile>, resolve: &mut Resolve<'_>| {
            text.as_ref().map(|text| text.resolve(name, resolve)).transpose()
        };
        Ok(ProxySpec::Through(ProxyAddress {
            url: address.url.clone(),
            username: text("proxy/username", &address.username, resolve)?,
            password: text("proxy/password", &address.password, resolve)?,
        }))
    }

    /// Whether it is the word `none`.
    pub(super) fn is_none(&self) -> bool {
        matches!(self, ProxyFile::Word(word) if word == "none")
    }

    pub(super) fn references(&self) -> impl Iterator<Item = &Reference> {
        let texts = match self {
            ProxyFile::Word(_) => [None, None],
            ProxyFile::Through(address) => [address.username.as_ref(), address.password.as_ref()],
        };
        texts.into_iter().filter_map(|text| text?.reference())
    }

    /// Whether a password is written in the file itself.
    pub(super) fn has_plain_password(&self) -> bool {
        match self {
            ProxyFile::Word(_) => false,
            ProxyFile::Through(address) => {
                matches!(address.password, Some(TextFile::Text(_))) || address.url.contains('@')
            }
        }
    }
}
