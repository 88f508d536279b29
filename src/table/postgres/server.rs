//! The server of an address: whom to connect to, and how. Pure.

use std::path::{Path, PathBuf};
use std::time::Duration;

use percent_encoding::percent_decode_str;
use url::Url;

use crate::error::{Error, ErrorKind, Result};

/// The port of PostgreSQL.
const PORT: u16 = 5432;
/// How long a connection may take to come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// The name that the server shows for the connection.
const APPLICATION: &str = "opnode";
/// Where servers have their sockets.
const SOCKET_FOLDERS: [&str; 3] = ["/run/postgresql", "/var/run/postgresql", "/tmp"];
/// What an address may say after `?`.
const PARAMETERS: &str = "host, port, user, dbname, sslmode=verify-full, sslmode=disable, sslrootcert=FILE, connect_timeout=SECONDS and \
     application_name";

/// Where a server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ServerPlace {
    /// A host, by its name or address.
    Host(String),
    /// The folder of a socket.
    Socket(PathBuf),
}

/// A server of PostgreSQL and how it is reached. A caller that looks for a password finds it by user, place, port and
/// database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PostgresServer {
    /// Without it, the user of the operating system.
    pub(crate) user: Option<String>,
    pub(crate) place: ServerPlace,
    pub(crate) port: u16,
    /// Without it, the server takes the name of the user.
    pub(crate) database: Option<String>,
    /// Whether TLS is used; certificate and host name are verified then.
    pub(crate) is_secured: bool,
    /// The authorities that are trusted instead of those of the system.
    pub(crate) authorities: Option<PathBuf>,
    pub(crate) connect_timeout: Duration,
    pub(crate) application: String,
}

/// What an address says after `?`.
#[derive(Default)]
struct Parameters {
    host: Option<String>,
    port: Option<u16>,
    user: Option<String>,
    database: Option<String>,
    ssl_mode: Option<String>,
    authorities: Option<String>,
    connect_timeout: Option<Duration>,
    application: Option<String>,
}

impl PostgresServer {
    /// Reads an address.
    ///
    /// # Errors
    /// `usage` for a parameter that is not known or not safe.
    pub(crate) fn parse(url: &Url) -> Result<PostgresServer> {
        let said = Parameters::read(url.query().unwrap_or_default())?;
        let of_url = url.host_str().filter(|host| !host.is_empty()).map(|host| decoded(host, "host")).transpose()?;
        let port = said.port.or(url.port()).unwrap_or(PORT);
        let place = place(said.host.or(of_url), port)?;
        let non_empty = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let user = non_empty(url.username()).map(|name| decoded(&name, "user")).transpose()?;
        let path = url.path().strip_prefix('/').and_then(non_empty);
        let database = path.map(|name| decoded(&name, "database")).transpose()?;
        let authorities = said.authorities.filter(|file| file != "system");
        let is_secured = secured(&place, said.ssl_mode.as_deref(), authorities.is_some())?;
        Ok(PostgresServer {
            user: said.user.or(user),
            place,
            port,
            database: said.database.or(database),
            is_secured,
            authorities: authorities.map(PathBuf::from),
            connect_timeout: said.connect_timeout.unwrap_or(CONNECT_TIMEOUT),
            application: said.application.unwrap_or_else(|| APPLICATION.to_owned()),
        })
    }

    /// The server as messages name it.
    pub(crate) fn shown(&self) -> String {
        let place = match &self.place {
            ServerPlace::Host(host) if host.contains(':') => format!("[{host}]:{}", self.port),
            ServerPlace::Host(host) => format!("{host}:{}", self.port),
            ServerPlace::Socket(folder) => format!("{}:{}", folder.display(), self.port),
        };
        match &self.database {
            Some(database) => format!("PostgreSQL {database} at {place}"),
            None => format!("PostgreSQL at {place}"),
        }
    }
}

impl Parameters {
    fn read(query: &str) -> Result<Parameters> {
        let mut own = Parameters::default();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (decoded(name, "parameter")?, decoded(value, name)?);
            match name.as_str() {
                "host" => own.host = Some(value),
                "port" => own.port = Some(number(&name, &value)?),
                "user" => own.user = Some(value),
                "dbname" => own.database = Some(value),
                "sslmode" => own.ssl_mode = Some(value),
                "sslrootcert" => own.authorities = Some(value),
                "connect_timeout" => {
                    own.connect_timeout = Some(Duration::from_secs(u64::from(number::<u16>(&name, &value)?.max(1))));
                }
                "application_name" => own.application = Some(value),
                "password" => {
                    let error = wrong("the address of the database has its password after `?`");
                    return Err(error.advise("write postgres://USER:PASSWORD@HOST/DATABASE, or set PGPASSWORD"));
                }
                _ => {
                    let error = wrong(format!("the address of the database has the unknown parameter `{name}`"));
                    return Err(error.advise(format!("remove it; known are {PARAMETERS}")));
                }
            }
        }
        Ok(own)
    }
}

fn number<N: std::str::FromStr>(name: &str, value: &str) -> Result<N> {
    let fault = || wrong(format!("`{name}={value}` in the address of the database is no number that fits"));
    value.parse().map_err(|_| fault().advise(format!("write a number, such as {name}=5433")))
}

fn decoded(text: &str, what: &str) -> Result<String> {
    let text = percent_decode_str(text).decode_utf8().ok().filter(|text| !text.contains('\0'));
    text.map(std::borrow::Cow::into_owned).ok_or_else(|| {
        wrong(format!("the {what} in the address of the database is no valid text"))
            .advise("write its UTF-8 bytes as %XX")
    })
}

fn wrong(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Usage, message)
}

fn place(host: Option<String>, port: u16) -> Result<ServerPlace> {
    let Some(host) = host.filter(|host| !host.is_empty()) else { return Ok(own_place(port)) };
    if host.contains(',') {
        return Err(wrong(format!("the address of the database names several hosts: {host}")).advise("name one"));
    }
    if host.starts_with('/') {
        return match cfg!(unix) {
            true => Ok(ServerPlace::Socket(PathBuf::from(host))),
            false => Err(wrong("this system has no sockets of Unix").advise("name a host")),
        };
    }
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    Ok(ServerPlace::Host(bare.map(str::to_owned).unwrap_or(host)))
}

/// The server of this computer.
fn own_place(port: u16) -> ServerPlace {
    let is_there = |folder: &&&str| Path::new(**folder).join(format!(".s.PGSQL.{port}")).exists();
    match SOCKET_FOLDERS.iter().find(is_there) {
        Some(folder) if cfg!(unix) => ServerPlace::Socket(PathBuf::from(*folder)),
        _ => ServerPlace::Host("localhost".to_owned()),
    }
}

/// Whether TLS is used.
fn secured(place: &ServerPlace, mode: Option<&str>, has_authorities: bool) -> Result<bool> {
    let is_near = match place {
        ServerPlace::Socket(_) => true,
        ServerPlace::Host(name) => {
            name == "localhost" || name.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback())
        }
    };
    match (mode, place) {
        (Some("verify-full"), ServerPlace::Socket(_)) => {
            Err(wrong("`sslmode=verify-full` and a socket: it has no TLS").advise("remove `sslmode`, or name a host"))
        }
        (None, ServerPlace::Socket(_)) if has_authorities => {
            Err(wrong("`sslrootcert` and a socket: it has no TLS").advise("remove `sslrootcert`, or name a host"))
        }
        (Some("disable"), _) if has_authorities => {
            Err(wrong("`sslmode=disable` and `sslrootcert` contradict each other")
                .advise("write sslmode=verify-full to use the file"))
        }
        (Some("disable"), _) => Ok(false),
        (Some("verify-full"), _) => Ok(true),
        (None, _) => Ok(!is_near || has_authorities),
        (Some(other), _) => {
            let unsafe_modes = ["allow", "prefer", "require", "verify-ca"];
            let message = match unsafe_modes.contains(&other) {
                true => format!("`sslmode={other}` does not make sure that the server is the named one"),
                false => format!("`sslmode={other}` is unknown"),
            };
            Err(wrong(message).advise(
                "write sslmode=verify-full, with sslrootcert=FILE for an authority of your own; or sslmode=disable in a \
                 network that you trust",
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use url::Url;

    use super::{PostgresServer, ServerPlace};
    use crate::error::ErrorKind;

    fn parse(text: &str) -> crate::error::Result<PostgresServer> {
        PostgresServer::parse(&Url::parse(text).unwrap())
    }

    #[test]
    fn an_address_says_whom_to_connect_to() {
        let own =
            parse("postgres://e%40tl@db.example.com:5433/my%2Fdesk?application_name=night%20run&connect_timeout=3");
        let own = own.unwrap();
        assert_eq!((own.user.as_deref(), own.database.as_deref(), own.port), (Some("e@tl"), Some("my/desk"), 5433));
        assert_eq!(own.place, ServerPlace::Host("db.example.com".into()));
        assert_eq!((own.application.as_str(), own.connect_timeout.as_secs(), own.is_secured), ("night run", 3, true));
        assert_eq!(own.shown(), "PostgreSQL my/desk at db.example.com:5433");
        let own = parse("postgresql:///desk?host=/run/db&port=5499&user=etl").unwrap();
        assert_eq!(own.place, ServerPlace::Socket(PathBuf::from("/run/db")));
        assert_eq!((own.port, own.user.as_deref(), own.is_secured), (5499, Some("etl"), false));
        assert_eq!(parse("postgres://%2Frun%2Fdb/desk").unwrap().place, ServerPlace::Socket(PathBuf::from("/run/db")));
        assert_eq!(parse("postgres://[::1]/desk").unwrap().place, ServerPlace::Host("::1".into()));
    }

    #[test]
    fn only_near_servers_are_reached_without_tls_unless_said() {
        let cases = [
            ("postgres://127.0.0.1/d", false),
            ("postgres://[::1]/d", false),
            ("postgres://localhost/d", false),
            ("postgres://localhost/d?sslmode=verify-full", true),
            ("postgres://localhost/d?sslrootcert=ca.pem", true),
            ("postgres://localhost.example.com/d", true),
            ("postgres://10.0.0.1/d", true),
            ("postgres://10.0.0.1/d?sslmode=disable", false),
            ("postgres://10.0.0.1/d?sslrootcert=system", true),
        ];
        for (text, is_secured) in cases {
            assert_eq!(parse(text).unwrap().is_secured, is_secured, "{text}");
        }
    }

    #[test]
    fn what_is_unsafe_or_unknown_is_refused() {
        for query in [
            "sslmode=require",
            "sslmode=prefer",
            "sslmode=allow",
            "sslmode=verify-ca",
            "sslmode=",
            "sslmode=disable&sslrootcert=ca.pem",
            "host=/run&sslmode=verify-full",
            "host=/run&sslrootcert=a",
            "host=a,b",
            "port=x",
            "port=99999",
            "options=-c%20x=1",
            "user=%FF",
            "password=hunter22",
        ] {
            let error = parse(&format!("postgres://h/d?{query}")).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Usage, "{query}");
            assert!(error.advice.is_some(), "{query}");
            assert!(!format!("{error:?} {:?}", error.advice).contains("hunter22"), "{error}");
        }
    }
}
