//! The page for other machines: only with TLS and a password.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::serve::Listener;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::Secret;
use crate::cli::args::StudioArgs;
use crate::error::{Error, ErrorKind, Place, Result, io_text};
use crate::text_file::read_text;

/// The variable with the password.
const PASSWORD: &str = "OPNODE_STUDIO_PASSWORD";
/// The shortest password.
const PASSWORD_MIN: usize = 12;
/// Largest file of a certificate or a key, in bytes.
const FILE_MAX: u64 = 1 << 20;
/// How long a browser may take to begin.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Connections that wait to be served.
const WAITING: usize = 64;

/// How other machines reach the page.
pub(super) struct Remote {
    pub(super) address: SocketAddr,
    /// The names in the address bar, without the port.
    pub(super) names: Vec<String>,
    pub(super) password: Secret,
    tls: Arc<ServerConfig>,
}

impl Remote {
    /// What the flags say; `None` for this machine only.
    ///
    /// # Errors
    /// `usage` when a part is missing or wrong.
    pub(super) fn of(args: &StudioArgs) -> Result<Option<Remote>> {
        let Some(address) = args.listen else { return Ok(None) };
        let missing = |what: &str| {
            Error::new(ErrorKind::Usage, format!("--listen needs {what}")).advise(format!(
                "for example: {PASSWORD}=… opnode studio --listen 0.0.0.0:8443 --host studio.example.com --tls-certificate chain.pem --tls-key key.pem"
            ))
        };
        let password = std::env::var(PASSWORD).unwrap_or_default();
        if password.chars().count() < PASSWORD_MIN {
            return Err(missing(&format!(
                "a password of at least {PASSWORD_MIN} characters in the variable {PASSWORD}"
            )));
        }
        let certificate = args.tls_certificate.as_deref().ok_or_else(|| missing("--tls-certificate FILE"))?;
        let key = args.tls_key.as_deref().ok_or_else(|| missing("--tls-key FILE"))?;
        if args.host.is_empty() {
            return Err(missing("--host NAME, by which browsers reach it"));
        }
        let names = args.host.iter().map(|name| name.to_ascii_lowercase()).collect();
        Ok(Some(Remote { address, names, password: Secret::new(password), tls: tls(certificate, key)? }))
    }

    /// Accepts connections; those that do not begin TLS hold up no other.
    pub(super) fn secured(&self, listener: TcpListener) -> SecuredListener {
        let (given, ready) = mpsc::channel(WAITING);
        let address = listener.local_addr().unwrap_or(self.address);
        let acceptor = TlsAcceptor::from(Arc::clone(&self.tls));
        tokio::spawn(async move {
            while !given.is_closed() {
                let Ok((stream, peer)) = listener.accept().await else {
                    // As if no more files can be opened: that may pass.
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                };
                let (acceptor, given) = (acceptor.clone(), given.clone());
                tokio::spawn(async move {
                    if let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await {
                        let _ended = given.send((stream, peer)).await;
                    }
                });
            }
        });
        SecuredListener { ready, address }
    }
}

/// Connections whose TLS has begun.
pub(super) struct SecuredListener {
    ready: mpsc::Receiver<(TlsStream<TcpStream>, SocketAddr)>,
    address: SocketAddr,
}

impl Listener for SecuredListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        match self.ready.recv().await {
            Some(connection) => connection,
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> std::io::Result<SocketAddr> {
        Ok(self.address)
    }
}

fn tls(certificate: &Path, key: &Path) -> Result<Arc<ServerConfig>> {
    let wrong = |path: &Path, why: String| {
        let shown = path.display().to_string();
        Error::new(ErrorKind::Usage, format!("{shown}: {why}"))
            .at(Place { file: Some(shown), ..Place::default() })
            .advise("--tls-certificate takes the chain of the certificate, --tls-key its private key, both as PEM text")
    };
    let text = |path: &Path| read_text(path, FILE_MAX).map_err(|why| wrong(path, why.to_string()));
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(text(certificate)?.as_bytes())
        .collect::<std::result::Result<_, _>>()
        .map_err(|_| wrong(certificate, "it is not valid PEM text".to_owned()))?;
    if chain.is_empty() {
        return Err(wrong(certificate, "it has no certificate".to_owned()));
    }
    let private = PrivateKeyDer::from_pem_slice(text(key)?.as_bytes())
        .map_err(|_| wrong(key, "it has no private key".to_owned()))?;
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|e| Error::new(ErrorKind::Internal, format!("TLS cannot be set up: {e}")))?
        .with_no_client_auth()
        .with_single_cert(chain, private)
        .map_err(|e| wrong(key, format!("the key does not fit the certificate: {e}")))?;
    Ok(Arc::new(config))
}

/// The error of an address that cannot be listened on.
pub(super) fn unheard(address: SocketAddr, cause: &std::io::Error) -> Error {
    Error::new(ErrorKind::Network, format!("the page cannot listen on {address}: {}", io_text(cause)))
        .advise("choose another port; without --port, a free one is taken")
}
