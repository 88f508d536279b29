//! Trusted authorities and the client's own certificate, from files or PEM text.

use std::path::Path;
use std::sync::Arc;

use rustls::client::WantsClientCert;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, ConfigBuilder, RootCertStore, WantsVerifier};
use rustls_platform_verifier::{BuilderVerifierExt, Verifier};

use crate::connection::TlsSpec;
use crate::error::{Error, ErrorKind, Place, Result};
use crate::text_file::read_text;

/// Maximum size of a file of certificates or keys.
const FILE_MAX: u64 = 4 << 20;
const BEGIN: &str = "-----BEGIN ";

/// What was read.
#[derive(Default)]
pub(super) struct Trust {
    authorities: Vec<CertificateDer<'static>>,
    only_ca: bool,
    own: Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>,
}

impl Trust {
    /// Reads the files.
    ///
    /// # Errors
    /// `connection` when a file cannot be read, or contains no certificate or key.
    pub(super) fn read(spec: Option<&TlsSpec>) -> Result<Trust> {
        let Some(spec) = spec else { return Ok(Trust::default()) };
        let authorities = spec.ca.as_deref().map(|text| certificates("ca", text)).transpose()?.unwrap_or_default();
        let own = match (&spec.certificate, &spec.key) {
            (Some(certificate), Some(key)) => Some((certificates("certificate", certificate)?, private_key(key)?)),
            (_, _) => None,
        };
        let mut store = RootCertStore::empty();
        for authority in &authorities {
            store
                .add(authority.clone())
                .map_err(|e| fault("ca", &format!("a certificate in it cannot be used: {e}")))?;
        }
        Ok(Trust { authorities, only_ca: spec.only_ca, own })
    }

    /// The settings of the TLS client.
    pub(super) fn config(
        self,
        builder: ConfigBuilder<ClientConfig, WantsVerifier>,
        provider: &Arc<CryptoProvider>,
    ) -> Result<ClientConfig> {
        let Trust { authorities, only_ca, own } = self;
        let setup = |e: rustls::Error| {
            Error::new(ErrorKind::Network, format!("TLS cannot be set up: {e}"))
                .advise("install the system's CA certificates")
        };
        let verified: ConfigBuilder<ClientConfig, WantsClientCert> = match (authorities.is_empty(), only_ca) {
            (true, _) => builder.with_platform_verifier().map_err(setup)?,
            (false, true) => {
                let mut store = RootCertStore::empty();
                store.add_parsable_certificates(authorities);
                builder.with_root_certificates(store)
            }
            (false, false) => {
                let verifier = Verifier::new_with_extra_roots(authorities, Arc::clone(provider)).map_err(setup)?;
                builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier))
            }
        };
        match own {
            None => Ok(verified.with_no_client_auth()),
            Some((chain, key)) => verified
                .with_client_auth_cert(chain, key)
                .map_err(|e| fault("key", &format!("certificate and key cannot be used together: {e}"))),
        }
    }
}

/// The PEM text itself, or that of the file.
fn text(key: &str, given: &str) -> Result<String> {
    if given.contains(BEGIN) {
        return Ok(given.replace("\\n", "\n"));
    }
    read_text(Path::new(given), FILE_MAX).map_err(|why| fault(key, &format!("the file {given} cannot be read: {why}")))
}

fn certificates(key: &str, given: &str) -> Result<Vec<CertificateDer<'static>>> {
    let text = text(key, given)?;
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text.as_bytes()).collect();
    match read {
        Ok(list) if !list.is_empty() => Ok(list),
        Ok(_) => Err(fault(key, "there is no certificate in it")),
        Err(_) => Err(fault(key, "it is not valid PEM text")),
    }
}

/// The reason is not shown, because it may quote the key.
fn private_key(given: &str) -> Result<PrivateKeyDer<'static>> {
    PrivateKeyDer::from_pem_slice(text("key", given)?.as_bytes())
        .map_err(|_| fault("key", "there is no private key in it; one with a passphrase cannot be read"))
}

fn fault(key: &str, why: &str) -> Error {
    Error::new(ErrorKind::Connection, format!("`tls: {{ {key} }}`: {why}"))
        .at(Place::field(format!("/tls/{key}")))
        .advise("write a file of PEM text, or the text itself")
}
