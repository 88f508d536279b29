//! A connection to a database by its ADBC driver: statements, their rows, and errors.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use adbc_core::error::{Error as AdbcError, Status};
use adbc_core::options::{AdbcVersion, OptionConnection, OptionDatabase, OptionValue};
use adbc_core::{Connection, Database as _, Driver, LOAD_FLAG_DEFAULT, Optionable, Statement};
use adbc_driver_manager::{ManagedConnection, ManagedDatabase, ManagedDriver, ManagedStatement};
use arrow_array::{RecordBatch, RecordBatchReader};
use arrow_schema::{Field, SchemaRef};

use super::super::address::AdbcAddress;
use crate::error::{Error, ErrorKind, Result};
use crate::row_file::put_value;
use crate::secret::Secret;

/// The databases that are open in this process. A driver that opens a file twice in a process could damage it.
static OPEN: Mutex<BTreeMap<String, OpenDatabase>> = Mutex::new(BTreeMap::new());

struct OpenDatabase {
    address: AdbcAddress,
    database: Weak<ManagedDatabase>,
}

/// The option of an address that names the function with which a driver begins; for the manager, not for the driver.
const ENTRY: &str = "entrypoint";

/// An open connection. All statements are in a transaction.
pub(crate) struct Adbc {
    connection: ManagedConnection,
    /// It is closed after the connection.
    _database: Arc<ManagedDatabase>,
    /// The database as messages name it.
    pub(super) shown: String,
    /// The schema of tables that are named without one.
    pub(super) schema: Option<String>,
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
        let database = database(address, password, &shown)?;
        let failed = |error: AdbcError| failed(&shown, &error);
        let mut connection = database.new_connection().map_err(failed)?;
        connection.set_option(OptionConnection::AutoCommit, OptionValue::from("false")).map_err(|error| {
            let message =
                format!("{shown}: it has no transactions, so rows cannot be loaded exactly: {}", error.message);
            Error::new(ErrorKind::Unsupported, message).advise("save the rows to a file, and load that by other means")
        })?;
        let mut own = Adbc {
            connection,
            _database: database,
            shown,
            schema: None,
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

    /// Ends the transaction without its changes.
    pub(super) fn end(&mut self) -> Result<()> {
        self.connection.rollback().map_err(|e| self.failed(&e))
    }

    pub(super) fn keep(&mut self) -> Result<()> {
        self.connection.commit().map_err(|e| self.failed(&e))
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

/// A value as text; nothing for null, and for what has no text.
fn text(field: &Field, column: &dyn arrow_array::Array, at: usize) -> Option<String> {
    let mut out = String::new();
    if column.is_null(at) || put_value(&mut out, field, column, at).is_err() {
        return None;
    }
    if out.starts_with('"') { serde_json::from_str(&out).ok() } else { Some(out) }
}

/// The database of an address: the one that is open already, or a new one.
fn database(address: &AdbcAddress, password: Option<&Secret>, shown: &str) -> Result<Arc<ManagedDatabase>> {
    let Some(file) = address.file() else { return new_database(address, password, shown).map(Arc::new) };
    let folder = file.parent().and_then(|folder| folder.canonicalize().ok());
    let key = file.canonicalize().ok().or_else(|| Some(folder?.join(file.file_name()?))).unwrap_or(file);
    let key = key.display().to_string();
    let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((known, database)) = open.get(&key).and_then(|own| Some((&own.address, own.database.upgrade()?))) {
        if known.driver == address.driver && known.other_options().eq(address.other_options()) {
            return Ok(database);
        }
        let message = format!("{shown}: the file is open by another driver or with other options");
        return Err(Error::new(ErrorKind::State, message).advise("write the same options for all of its tables"));
    }
    let database = Arc::new(new_database(address, password, shown)?);
    open.insert(key, OpenDatabase { address: address.clone(), database: Arc::downgrade(&database) });
    Ok(database)
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
        ErrorKind::State if error.to_string().to_ascii_lowercase().contains("lock") => {
            error.advise("another program has it open: close that, and run it again to resume")
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
