//! TLS for connections to PostgreSQL: certificate and host name of the server are always verified.

use std::future::Future;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt;
use sha2::{Digest, Sha256, Sha384, Sha512};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::error::{Error, ErrorKind, Result};
use crate::text_file::read_text;

/// Maximum size of a file of certificates.
const FILE_MAX: u64 = 4 << 20;

/// Begins TLS on connections.
#[derive(Clone)]
pub(super) struct PostgresTls(Arc<ClientConfig>);

impl PostgresTls {
    /// TLS that trusts the authorities of a file, or those of the system.
    ///
    /// # Errors
    /// `usage` when the file has no certificate; `network` when the system has no authorities.
    pub(super) fn new(authorities: Option<&Path>) -> Result<PostgresTls> {
        let setup = |e: rustls::Error| {
            Error::new(ErrorKind::Network, format!("TLS cannot be set up: {e}"))
                .advise("install the system's CA certificates")
        };
        let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(setup)?;
        let config = match authorities {
            None => builder.with_platform_verifier().map_err(setup)?.with_no_client_auth(),
            Some(path) => builder.with_root_certificates(store(path)?).with_no_client_auth(),
        };
        Ok(PostgresTls(Arc::new(config)))
    }
}

/// The certificates of a file.
fn store(path: &Path) -> Result<RootCertStore> {
    let wrong = |why: String| {
        Error::new(ErrorKind::Usage, format!("`sslrootcert`: the file {}: {why}", path.display()))
            .advise("name a file with the certificates of authorities as PEM text")
    };
    let text = read_text(path, FILE_MAX).map_err(|why| wrong(why.to_string()))?;
    let certificates: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(text.as_bytes())
        .collect::<Result<_, _>>()
        .map_err(|_| wrong("it is not valid PEM text".to_owned()))?;
    let mut store = RootCertStore::empty();
    for certificate in certificates {
        store.add(certificate).map_err(|e| wrong(format!("a certificate in it cannot be used: {e}")))?;
    }
    match store.is_empty() {
        true => Err(wrong("there is no certificate in it".to_owned())),
        false => Ok(store),
    }
}

impl<S> MakeTlsConnect<S> for PostgresTls
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    type Stream = SecuredStream<S>;
    type TlsConnect = Securing;
    type Error = io::Error;

    fn make_tls_connect(&mut self, host: &str) -> io::Result<Securing> {
        Ok(Securing { host: host.to_owned(), config: Arc::clone(&self.0) })
    }
}

/// What begins TLS on one connection.
pub(super) struct Securing {
    host: String,
    config: Arc<ClientConfig>,
}

impl<S> TlsConnect<S> for Securing
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    type Stream = SecuredStream<S>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<SecuredStream<S>>> + Send>>;

    fn connect(self, stream: S) -> Self::Future {
        Box::pin(async move {
            let name = ServerName::try_from(self.host).map_err(|e| io::Error::new(io::ErrorKind::InvalidInput, e))?;
            let connector = tokio_rustls::TlsConnector::from(self.config);
            connector.connect(name, stream).await.map(SecuredStream)
        })
    }
}

/// A connection with TLS.
pub(super) struct SecuredStream<S>(tokio_rustls::client::TlsStream<S>);

impl<S: AsyncRead + AsyncWrite + Unpin> TlsStream for SecuredStream<S> {
    /// Binds the password to this connection (RFC 5929, tls-server-end-point).
    fn channel_binding(&self) -> ChannelBinding {
        let certificate = self.0.get_ref().1.peer_certificates().and_then(<[_]>::first);
        let digest = certificate.and_then(|certificate| end_point(certificate.as_ref()));
        digest.map_or_else(ChannelBinding::none, ChannelBinding::tls_server_end_point)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for SecuredStream<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for SecuredStream<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

/// The digest of a certificate by the hash of its signature; nothing for signatures without one.
fn end_point(certificate: &[u8]) -> Option<Vec<u8>> {
    // The object identifiers of signatures with RSA and ECDSA, without their last number.
    const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01];
    const ECDSA: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03];
    let (_, whole, _) = der(certificate)?;
    let (_, _, after_content) = der(whole)?;
    let (_, algorithm, _) = der(after_content)?;
    let (6, id, _) = der(algorithm)? else { return None };
    let (last, family) = id.split_last()?;
    // MD5 and SHA-1 count as SHA-256.
    match (family, last) {
        (RSA, 4 | 5 | 11) | (ECDSA, 2) => Some(Sha256::digest(certificate).to_vec()),
        (RSA, 12) | (ECDSA, 3) => Some(Sha384::digest(certificate).to_vec()),
        (RSA, 13) | (ECDSA, 4) => Some(Sha512::digest(certificate).to_vec()),
        _ => None,
    }
}

/// The tag and content of the first value in DER, and what follows it.
fn der(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = bytes.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..0x80 => (usize::from(*first), rest),
        _ => {
            let (length, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            let fits = length.len() <= 4;
            (fits.then(|| length.iter().fold(0, |all, byte| all << 8 | usize::from(*byte)))?, rest)
        }
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((*tag, content, rest))
}
