//! A connection to a server of PostgreSQL, and its settings.

use std::sync::mpsc;
use std::time::Duration;

use postgres::{Client, Config, NoTls, SimpleQueryMessage};
use url::Url;

use super::super::address::TableName;
use super::failure::{About, Broken, failed};
use super::server::{PostgresServer, ServerPlace};
use super::tls::PostgresTls;
use crate::error::{Error, ErrorKind, Result};
use crate::secret::Secret;

/// The first version with all that is asked of the catalog, as a number.
const VERSION_MIN: u32 = 120_000;
/// When a connection counts as broken: after a minute and twelve questions without an answer.
const IDLE: Duration = Duration::from_secs(60);
const RETRY: (Duration, u32) = (Duration::from_secs(10), 12);
/// How long another session may keep something locked.
const LOCK_WAIT: Duration = Duration::from_secs(30);
/// How a statement is read and what it gives, whatever the settings of the user are.
const SETTINGS: [&str; 5] = [
    "standard_conforming_strings = on",
    "TimeZone = 'UTC'",
    "DateStyle = 'ISO, YMD'",
    "extra_float_digits = 3",
    "client_min_messages = warning",
];

/// An open connection to PostgreSQL.
pub(crate) struct Postgres {
    pub(super) client: Client,
    pub(super) tls: Option<PostgresTls>,
    /// The server as messages name it.
    pub(super) server: String,
    /// The table that was locked last: its types are those of the stage.
    pub(super) locked: Option<TableName>,
    pub(super) lock_wait: Duration,
    pub(super) is_gone: bool,
    pub(super) is_failed: bool,
}

impl Postgres {
    /// Connects to the server of an address. Without a password, none is sent. Blocks, as do all methods: they are for a
    /// thread of their own.
    ///
    /// # Errors
    /// `usage` for an address that is not valid; `unauthenticated` when the server refuses the user; `network` when it is
    /// not reached; `invalid_options` when it has no such database.
    pub(crate) fn open(url: &Url, password: Option<&Secret>) -> Result<Postgres> {
        let server = PostgresServer::parse(url)?;
        let tls = match server.is_secured {
            true => Some(PostgresTls::new(server.authorities.as_deref())?),
            false => None,
        };
        let (config, shown) = (config(&server, password), server.shown());
        let client = connected(config, tls.clone(), &server)?;
        let (lock_wait, locked) = (LOCK_WAIT, None);
        let mut own = Postgres { client, tls, server: shown, locked, lock_wait, is_gone: false, is_failed: false };
        own.settle("SESSION")?;
        let version = own.texts("SELECT pg_catalog.current_setting('server_version_num')")?;
        let version = version.into_iter().flatten().flatten().next().unwrap_or_default();
        if version.parse::<u32>().unwrap_or_default() < VERSION_MIN {
            let message = format!("{}: its version is {version}, and 12 is the first that works", own.server);
            return Err(Error::new(ErrorKind::Unsupported, message).advise("update the server"));
        }
        Ok(own)
    }

    /// Sets how statements are read; for each transaction anew, because a pool may have given it another connection.
    pub(super) fn settle(&mut self, scope: &str) -> Result<()> {
        let mut settings: Vec<String> = SETTINGS.iter().map(|setting| format!("SET {scope} {setting};")).collect();
        settings.push(format!("SET {scope} lock_timeout = {}", self.lock_wait.as_millis()));
        self.statement(&settings.concat()).map(|_| ())
    }

    /// Does something with the connection. `copied` is the table into which rows are copied, and how many were before.
    pub(super) fn with_client<T>(
        &mut self,
        copied: Option<(&str, u64)>,
        work: impl FnOnce(&mut Client) -> Result<T, Broken>,
    ) -> Result<T> {
        let about = About { server: &self.server, copied };
        if self.is_gone {
            let message = format!("{}: the connection is closed", self.server);
            return Err(Error::new(ErrorKind::Network, message).advise("run it again to resume"));
        }
        let error = match work(&mut self.client) {
            Ok(done) => return Ok(done),
            Err(Broken::Postgres(error)) => failed(about, &error),
            Err(Broken::Io(error)) => match error.get_ref().and_then(|inner| inner.downcast_ref()) {
                Some(error) => failed(about, error),
                None => Error::new(ErrorKind::Network, format!("{}: {error}", self.server)),
            },
        };
        self.is_failed = true;
        self.is_gone = error.kind() == ErrorKind::Network;
        Err(error)
    }

    /// Runs statements. Returns the number of rows that they changed.
    pub(super) fn statement(&mut self, sql: &str) -> Result<u64> {
        let count = |message: &SimpleQueryMessage| match message {
            SimpleQueryMessage::CommandComplete(rows) => *rows,
            _ => 0,
        };
        self.with_client(None, |client| Ok(client.simple_query(sql)?.iter().map(count).sum()))
    }

    /// The rows of a statement.
    pub(super) fn texts(&mut self, sql: &str) -> Result<Vec<Vec<Option<String>>>> {
        let messages = self.with_client(None, |client| Ok(client.simple_query(sql)?))?;
        let row = |message: SimpleQueryMessage| match message {
            SimpleQueryMessage::Row(row) => Some((0..row.len()).map(|at| row.get(at).map(str::to_owned)).collect()),
            _ => None,
        };
        Ok(messages.into_iter().filter_map(row).collect())
    }

    pub(super) fn roll_back(&mut self) {
        if !self.is_gone {
            let _the_server_does_it_too = self.statement("ROLLBACK");
        }
        self.is_failed = false;
    }

    /// Ends what the server is doing for this connection; for another thread, while this one waits. The statement fails
    /// with `state` then.
    pub(crate) fn canceller(&self) -> impl Fn() + Send + Sync + 'static {
        let (token, tls) = (self.client.cancel_token(), self.tls.clone());
        move || {
            let _it_ends_by_itself = match tls.clone() {
                Some(tls) => token.cancel_query(tls),
                None => token.cancel_query(NoTls),
            };
        }
    }
}

fn config(server: &PostgresServer, password: Option<&Secret>) -> Config {
    let mut config = Config::new();
    match &server.place {
        ServerPlace::Host(host) => config.host(host),
        #[cfg(unix)]
        ServerPlace::Socket(folder) => config.host_path(folder),
        #[cfg(not(unix))]
        ServerPlace::Socket(_) => config.host("localhost"),
    };
    config.port(server.port).application_name(&server.application).connect_timeout(server.connect_timeout);
    config.keepalives(true).keepalives_idle(IDLE).keepalives_interval(RETRY.0).keepalives_retries(RETRY.1);
    config.tcp_user_timeout(IDLE + RETRY.0 * RETRY.1);
    config.ssl_mode(match server.is_secured {
        true => postgres::config::SslMode::Require,
        false => postgres::config::SslMode::Disable,
    });
    if let Some(user) = &server.user {
        config.user(user);
    }
    if let Some(database) = &server.database {
        config.dbname(database);
    }
    if let Some(password) = password {
        config.password(password.expose());
    }
    config.notice_callback(|_| {});
    config
}

/// Connects. A server that accepts the connection and says nothing is not waited for.
fn connected(config: Config, tls: Option<PostgresTls>, server: &PostgresServer) -> Result<Client> {
    let (sender, receiver) = mpsc::channel();
    let connect = move || {
        let client = match tls {
            Some(tls) => config.connect(tls),
            None => config.connect(NoTls),
        };
        let _nobody_waits_any_more = sender.send(client);
    };
    let shown = server.shown();
    let network = |why: String| Error::new(ErrorKind::Network, format!("{shown}: {why}"));
    let started = std::thread::Builder::new().name("opnode-connect".to_owned()).spawn(connect);
    started.map_err(|e| network(format!("no thread can be started: {e}")))?;
    // Each address of the host may take its time.
    match receiver.recv_timeout(server.connect_timeout * 2) {
        Ok(Ok(client)) => Ok(client),
        Ok(Err(error)) => Err(failed(About { server: &shown, copied: None }, &error)),
        Err(_) => Err(network("the server does not answer".to_owned())
            .advise("check host and port; connect_timeout=SECONDS gives it more time")),
    }
}
