//! The arguments of `studio`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args as ClapArgs;

use super::call::duration;

#[derive(Debug, ClapArgs)]
pub(crate) struct StudioArgs {
    /// Port on 127.0.0.1 [default: a free port]
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub(crate) port: u16,
    /// Do not open a browser: print the address only
    #[arg(long)]
    pub(crate) no_open: bool,
    /// End when no page has been open for this time, such as 30m
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "1h")]
    pub(crate) idle: Duration,
    /// Serve other machines at this address, with TLS and the password in OPNODE_STUDIO_PASSWORD, such as 0.0.0.0:8443
    #[arg(long, value_name = "ADDRESS", conflicts_with = "port")]
    pub(crate) listen: Option<SocketAddr>,
    /// For --listen: a name by which browsers reach it. Repeatable
    #[arg(long, value_name = "NAME", requires = "listen")]
    pub(crate) host: Vec<String>,
    /// For --listen: PEM file with the certificate of the page and its chain
    #[arg(long, value_name = "FILE", requires = "listen")]
    pub(crate) tls_certificate: Option<PathBuf>,
    /// For --listen: PEM file with the private key of --tls-certificate
    #[arg(long, value_name = "FILE", requires = "listen")]
    pub(crate) tls_key: Option<PathBuf>,
}
