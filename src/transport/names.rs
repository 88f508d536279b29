//! Name look-up. A public name must not resolve to an address in a private network: whoever controls its DNS could
//! direct a request with credentials into the local network. The checked addresses are those that are connected to.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::connection::is_private;

type Found = Pin<Box<dyn Future<Output = std::io::Result<Vec<SocketAddr>>> + Send>>;

/// The system's look-up with this check.
pub(super) struct HostNames {
    public: Vec<String>,
    look_up: fn(String) -> Found,
}

/// A public name without a public address.
#[derive(Debug)]
pub(super) struct Private {
    name: String,
    address: IpAddr,
}

impl fmt::Display for Private {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the public name {} resolves to {}, an address of a private network, so nothing was sent there",
            self.name, self.address
        )
    }
}

impl std::error::Error for Private {}

impl HostNames {
    pub(super) fn new(public: Vec<String>) -> HostNames {
        HostNames {
            public,
            look_up: |name| Box::pin(async move { Ok(tokio::net::lookup_host((name, 0)).await?.collect()) }),
        }
    }
}

impl Resolve for HostNames {
    fn resolve(&self, name: Name) -> Resolving {
        let host = name.as_str().trim_end_matches('.').to_owned();
        let lower = host.to_ascii_lowercase();
        let public = self.public.iter().any(|own| match own.strip_prefix("*.") {
            Some(below) => lower.strip_suffix(below).is_some_and(|above| above.ends_with('.')),
            None => own.eq_ignore_ascii_case(&host),
        });
        let found = (self.look_up)(name.as_str().to_owned());
        Box::pin(async move {
            let mut addresses = found.await?;
            if let Some(first) = addresses.first().filter(|_| public).map(SocketAddr::ip) {
                addresses.retain(|a| !is_private(a.ip()));
                if addresses.is_empty() {
                    return Err(Private { name: host, address: first }.into());
                }
            }
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::{ExchangeLimits, FailureKind, HttpOptions, HttpTransport, Transport};
    use std::time::Duration;

    /// The answer of a name server that an attacker controls.
    fn steered(name: String) -> Found {
        let addresses: Vec<SocketAddr> = match name.as_str() {
            "mixed.example.com" => vec!["10.0.0.1:0".parse().unwrap(), "93.184.216.34:0".parse().unwrap()],
            _ => vec!["127.0.0.1:0".parse().unwrap()],
        };
        Box::pin(async move { Ok(addresses) })
    }

    fn names() -> HostNames {
        HostNames { public: vec!["desk.example.com".into(), "mixed.example.com".into()], look_up: steered }
    }

    #[tokio::test]
    async fn a_public_name_keeps_its_public_addresses_only() {
        let found = |name: &str| names().resolve(name.parse().unwrap());
        let addresses: Vec<IpAddr> = found("mixed.example.com").await.unwrap().map(|a| a.ip()).collect();
        assert_eq!(addresses, ["93.184.216.34".parse::<IpAddr>().unwrap()]);
        assert!(found("Desk.Example.com.").await.is_err());
        assert!(found("proxy.example.net").await.is_ok());
    }

    #[tokio::test]
    async fn nothing_is_sent_to_a_private_address_of_a_public_name() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let second = Duration::from_secs(1);
        let options = HttpOptions {
            connect: second,
            idle_connections: 1,
            tls: false,
            system_proxy: false,
            public_hosts: Vec::new(),
            trust: None,
            proxy: None,
        };
        let transport = HttpTransport::over(&options, Some(names())).unwrap();
        let limits = ExchangeLimits {
            first_byte: second,
            idle: second,
            total: second,
            body_max: 1,
            ratio_max: 1,
            header_max: 1,
        };
        let request =
            |host: &str| http::Request::get(format!("http://{host}:{port}/")).body(bytes::Bytes::new()).unwrap();
        let failure = transport.send(request("desk.example.com"), limits).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Private, "{failure:?}");
        assert!(failure.message.contains("desk.example.com resolves to 127.0.0.1"), "{failure:?}");
        listener.set_nonblocking(true).unwrap();
        assert!(listener.accept().is_err(), "it was called");
        // Other names may resolve to a private address.
        let failure = transport.send(request("desk.local"), limits).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::TimedOut, "{failure:?}");
    }
}
