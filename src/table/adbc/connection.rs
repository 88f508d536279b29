//! A connection to a database by its ADBC driver: statements, their rows, and errors.

use std::collections::BTreeSet;

use adbc_core::error::{Error as AdbcError, Status};
use adbc_core::options::{AdbcVersion, OptionConnection, OptionDatabase, OptionValue};
use adbc_core::{Connection, Driver, LOAD_FLAG_DEFAULT, Optionable, Statement};
use adbc_driver_manager::{ManagedConnection, ManagedDatabase, ManagedDriver, ManagedStatement};
use arrow_array::{RecordBatch, RecordBatchReader};
use arrow_schema::{Field, SchemaRef};

use super::super::address::AdbcAddress;
use super::opened::SharedDatabase;
use crate::error::{Error, ErrorKind, Result};
use crate::row_file::put_value;
use crate::secret::Secret;

/// The option of an address that names the function with which a driver begins; for the manager, not for the driver.
const ENTRY: &str = "entrypoint";

/// An open connection. All statements are in a transaction.
pub(crate) struct Adbc {
    connection: ManagedConnection,
    /// It is closed after the connection.
    database: SharedDatabase,
    /// Whether the transaction is the one that writes.
    has_turn: bool,
    /// The database as messages name it.
    pub(super) shown: String,
    /// The schema of tables that are named without one.
    pub(super) schema: Option<String>,
    /// Whether it lists indexes as DuckDB does.
    pub(super) has_index_list: bool,
    /// Whether it has columns of JSON that take texts.
    pub(super) has_json: bool,
    /// Whether columns can have comments.
    pub(super) has_comments: bool,
    /// Whether it says what other tables do when a row is deleted.
    pub(super) has_rules: bool,
    /// The columns of JSON of the table that was found last: drivers do not mark them.
    pub(super) json: BTreeSet<String>,
    /// The table that was locked last: what the stage is for.
    pub(super) locked: Option<super::super::address::TableName>,
}

impl Adbc {
    /// Loads the driver and connects.
    ///
    /// # Errors
    /// `usage` when the driver is not found; `unsupported` when it has no transactions; others as the driver says.
    pub(crate) fn open(address: &AdbcAddress, password: Option<&Secret>) -> Result<Adbc> {
        let shown = address.to_string();
        let database = SharedDatabase::of(address, &shown, || new_database(address, password, &shown))?;
        let gone = || Error::new(ErrorKind::Internal, format!("{shown}: it is closed"));
        let mut connection = database.connect().ok_or_else(gone)?.map_err(|e| failed(&shown, &e))?;
        connection.set_option(OptionConnection::AutoCommit, OptionValue::from("false")).map_err(|error| {
            let message =
                format!("{shown}: it has no transactions, so rows cannot be loaded exactly: {}", error.message);
            Error::new(ErrorKind::Unsupported, message).advise("save the rows to a file, and load that by other means")
        })?;
        let mut own = Adbc {
            connection,
            database,
            has_turn: false,
            shown,
            schema: None,
            has_index_list: false,
            has_json: false,
            has_comments: false,
            has_rules: false,
            json: BTreeSet::new(),
            locked: None,
        };
        own.schema = own.texts("SELECT current_schema()").ok().into_iter().flatten().flatten().flatten().next();
        own.end()?;
        own.has_json = own.can("CREATE TEMPORARY TABLE opnode_probe (j JSON)")
            && own.can("INSERT INTO opnode_probe SELECT CAST('[]' AS TEXT)");
        own.end()?;
        own.has_comments = own.can("CREATE TEMPORARY TABLE opnode_probe (id BIGINT)")
            && own.can("COMMENT ON COLUMN opnode_probe.id IS 'probe'");
        own.end()?;
        own.has_index_list = own.can("SELECT expressions FROM duckdb_indexes() WHERE 1 = 0");
        own.end()?;
        own.has_rules = own.can("SELECT delete_rule FROM information_schema.referential_constraints WHERE 1 = 0");
        own.end()?;
        Ok(own)
    }

    /// Whether a statement succeeds.
    fn can(&mut self, sql: &str) -> bool {
        self.statement(sql).is_ok()
    }

    pub(super) fn failed(&self, error: &AdbcError) -> Error {
        failed(&self.shown, error)
    }

    /// An error of the user's table or statement.
    pub(super) fn wrong(&self, message: String) -> Error {
        Error::new(ErrorKind::InvalidOptions, format!("{}: {message}", self.shown))
    }

    /// Waits until no other connection of this process writes: two of them would fail instead.
    pub(super) fn take_turn(&mut self) {
        if !self.has_turn {
            self.database.turn.take();
            self.has_turn = true;
        }
    }

    fn give_turn_back(&mut self) {
        if self.has_turn {
            self.database.turn.give_back();
            self.has_turn = false;
        }
    }

    /// Ends the transaction without its changes.
    pub(super) fn end(&mut self) -> Result<()> {
        let ended = self.connection.rollback().map_err(|e| self.failed(&e));
        self.give_turn_back();
        ended
    }

    pub(super) fn keep(&mut self) -> Result<()> {
        let kept = self.connection.commit().map_err(|e| self.failed(&e));
        self.give_turn_back();
        kept
    }

    pub(super) fn connection(&mut self) -> &mut ManagedConnection {
        &mut self.connection
    }

    pub(super) fn new_statement(&mut self) -> Result<ManagedStatement> {
        self.connection.new_statement().map_err(|e| self.failed(&e))
    }

    /// Runs a statement. Returns the number of rows that it changed, if the driver says it.
    pub(super) fn statement(&mut self, sql: &str) -> Result<u64> {
        let mut statement = self.new_statement()?;
        let done = statement.set_sql_query(sql).and_then(|()| statement.execute_update());
        done.map(|count| count.and_then(|count| u64::try_from(count).ok()).unwrap_or_default())
            .map_err(|e| self.failed(&e))
    }

    /// The batches of a statement, each passed on when it is read.
    pub(super) fn batches(
        &mut self,
        sql: &str,
        each: &mut dyn FnMut(&SchemaRef, &RecordBatch) -> Result<()>,
    ) -> Result<()> {
        let mut statement = self.new_statement()?;
        let reader = statement.set_sql_query(sql).and_then(|()| statement.execute()).map_err(|e| self.failed(&e))?;
        let schema = reader.schema();
        let mut names = BTreeSet::new();
        if let Some(twice) = schema.fields().iter().find(|field| !names.insert(field.name())) {
            return Err(super::super::database::two_columns(twice.name()));
        }
        for batch in reader {
            let broken = |cause| Error::new(ErrorKind::Network, format!("{}: {cause}", self.shown));
            each(&schema, &batch.map_err(broken)?)?;
        }
        Ok(())
    }

    /// The rows of a statement, as texts.
    pub(super) fn texts(&mut self, sql: &str) -> Result<Vec<Vec<Option<String>>>> {
        let mut all = Vec::new();
        self.batches(sql, &mut |schema, batch| {
            for at in 0..batch.num_rows() {
                let cells = schema.fields().iter().zip(batch.columns());
                all.push(cells.map(|(field, column)| text(field, column, at)).collect());
            }
            Ok(())
        })?;
        Ok(all)
    }
}

impl Drop for Adbc {
    fn drop(&mut self) {
        if self.has_turn {
            let _closing_does_it_too = self.connection.rollback();
            self.give_turn_back();
        }
    }
}

/// A value as text; nothing for null, and for what has no text.
fn text(field: &Field, column: &dyn arrow_array::Array, at: usize) -> Option<String> {
    let mut out = String::new();
    if column.is_null(at) || put_value(&mut out, field, column, at).is_err() {
        return None;
    }
    if out.starts_with('"') { serde_json::from_str(&out).ok() } else { Some(out) }
}

fn new_database(address: &AdbcAddress, password: Option<&Secret>, shown: &str) -> Result<ManagedDatabase> {
    let mut options: Vec<(OptionDatabase, OptionValue)> = address
        .options
        .iter()
        .filter(|(name, _)| name != ENTRY)
        .map(|(name, value)| (OptionDatabase::from(name.as_str()), OptionValue::from(value.as_str())))
        .collect();
    options.extend(password.map(|text| (OptionDatabase::Password, OptionValue::from(text.expose()))));
    let opened = driver(address, shown)?.new_database_with_opts(options);
    opened.map_err(|e| failed(shown, &e)).map_err(|error| match error.kind() {
        // Waited for, as for a server that does not answer.
        ErrorKind::State if error.to_string().contains("Could not set lock") => {
            Error::new(ErrorKind::Network, error.to_string())
                .advise("another program has it open: close that, and run it again to resume")
        }
        ErrorKind::State if error.to_string().contains("version number") => {
            error.advise("the file is of another version of the database: use a newer driver")
        }
        ErrorKind::State => {
            error.advise("check the options of the address, and that its file and folder can be written")
        }
        _ => error,
    })
}

/// Loads a driver: by its manifest, or its library.
fn driver(address: &AdbcAddress, shown: &str) -> Result<ManagedDriver> {
    let entry = address.options.iter().find(|(name, _)| name == ENTRY).map(|(_, value)| value.clone());
    if let Some(entry) = entry.as_ref().filter(|entry| !entry.to_ascii_lowercase().contains("adbc")) {
        // Another function of a library would be called with other arguments than it expects.
        let message = format!("{shown}: `entrypoint` is {entry}, which is no function of an ADBC driver");
        return Err(
            Error::new(ErrorKind::Usage, message).advise("leave it out, or see the driver: such as duckdb_adbc_init")
        );
    }
    // Some libraries name it after themselves only.
    let stem = std::path::Path::new(&address.driver).file_stem().map(|stem| stem.to_string_lossy().into_owned());
    let stem = stem.unwrap_or_default();
    let other = format!("{}_adbc_init", stem.trim_start_matches("lib"));
    let entries = match &entry {
        Some(entry) => vec![Some(entry.as_bytes())],
        None => vec![None, Some(other.as_bytes())],
    };
    let mut told = String::new();
    for entry in entries {
        match ManagedDriver::load_from_name(&address.driver, entry, AdbcVersion::V110, LOAD_FLAG_DEFAULT, None) {
            Ok(driver) => return Ok(driver),
            Err(error) if told.is_empty() => told = one_line(&error.message),
            Err(_) => {}
        }
    }
    let message = format!("{shown}: the ADBC driver {} was not loaded: {told}", address.driver);
    Err(Error::new(ErrorKind::Usage, message)
        .advise("install the driver, or write the path of its library: adbc:/path/to/libdriver.so?…"))
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// An error of the driver.
fn failed(shown: &str, cause: &AdbcError) -> Error {
    let state: String =
        cause.sqlstate.iter().map(|c| char::from(*c as u8)).filter(char::is_ascii_alphanumeric).collect();
    // The statement is opnode's.
    let text = one_line(cause.message.split("\nLINE ").next().unwrap_or_default());
    let (kind, advice) = match kind_of(&state).unwrap_or_else(|| kind_by_status(cause.status, &text)) {
        ErrorKind::Unauthenticated => (ErrorKind::Unauthenticated, "correct the user or `password`"),
        ErrorKind::Forbidden => (ErrorKind::Forbidden, "grant it to the user, or use another one"),
        ErrorKind::Conflict => (ErrorKind::Conflict, "correct the row, or change the rule of the table"),
        ErrorKind::InvalidItems => (ErrorKind::InvalidItems, "correct the value, or change it with `map`"),
        ErrorKind::InvalidOptions => (ErrorKind::InvalidOptions, "see the tables and columns of the database"),
        ErrorKind::Unsupported => {
            (ErrorKind::Unsupported, "choose another mode or other `types`, or save the rows to a file")
        }
        ErrorKind::Network => (ErrorKind::Network, "run it again to resume when the database is back"),
        kind => (kind, "run it again to resume"),
    };
    Error::new(kind, format!("{shown}: {text}")).advise(advice)
}

/// The kind of an error by its SQLSTATE.
fn kind_of(state: &str) -> Option<ErrorKind> {
    match state.get(..2)? {
        "00" => None,
        "08" | "57" => Some(ErrorKind::Network),
        "28" => Some(ErrorKind::Unauthenticated),
        "23" | "44" | "21" => Some(ErrorKind::Conflict),
        "22" => Some(ErrorKind::InvalidItems),
        "42" if state == "42501" => Some(ErrorKind::Forbidden),
        "42" | "3D" | "3F" => Some(ErrorKind::InvalidOptions),
        "0A" => Some(ErrorKind::Unsupported),
        _ => Some(ErrorKind::State),
    }
}

/// The kind of an error without SQLSTATE. Some drivers call most errors by one status.
fn kind_by_status(status: Status, text: &str) -> ErrorKind {
    let has = |word: &str| text.to_ascii_lowercase().contains(word);
    match status {
        Status::Unauthenticated => ErrorKind::Unauthenticated,
        Status::Unauthorized => ErrorKind::Forbidden,
        Status::NotImplemented => ErrorKind::Unsupported,
        _ if has("constraint") || has("duplicate key") => ErrorKind::Conflict,
        _ if has("lock") || has("transaction") => ErrorKind::State,
        Status::Integrity | Status::AlreadyExists => ErrorKind::Conflict,
        Status::InvalidData => ErrorKind::InvalidItems,
        _ if has("conversion error") || has("out of range") => ErrorKind::InvalidItems,
        Status::InvalidArguments | Status::NotFound => ErrorKind::InvalidOptions,
        Status::IO | Status::Timeout | Status::Cancelled => ErrorKind::Network,
        _ if has("catalog error") || has("parser error") || has("binder error") => ErrorKind::InvalidOptions,
        _ => ErrorKind::State,
    }
}
