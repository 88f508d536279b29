//! Opens the database of an address, as far as this build has it.

use super::address::DatabaseAddress;
use super::database::Database;
use crate::error::{Error, ErrorKind, Result};
use crate::secret::Secret;

/// The variable with the password of a database, as for other clients of PostgreSQL.
pub(crate) const PASSWORD_VARIABLE: &str = "PGPASSWORD";

/// Opens a database; a file is made if it is not there.
///
/// # Errors
/// `unsupported` in a build without this database; those of [`Database`].
pub(crate) fn open(address: &DatabaseAddress, password: Option<&Secret>) -> Result<Box<dyn Database>> {
    let _files_have_none = password;
    match address {
        #[cfg(feature = "sqlite")]
        DatabaseAddress::Sqlite(path) => Ok(Box::new(super::sqlite::Sqlite::open(path, true)?)),
        #[cfg(not(feature = "sqlite"))]
        DatabaseAddress::Sqlite(_) => Err(missing(address)),
        #[cfg(feature = "postgres")]
        DatabaseAddress::Postgres(url) => Ok(Box::new(super::postgres::Postgres::open(url, password)?)),
        #[cfg(not(feature = "postgres"))]
        DatabaseAddress::Postgres(_) => Err(missing(address)),
        #[cfg(feature = "adbc")]
        DatabaseAddress::Adbc(address) => Ok(Box::new(super::adbc::Adbc::open(address, password)?)),
        #[cfg(not(feature = "adbc"))]
        DatabaseAddress::Adbc(_) => Err(missing(address)),
    }
}

/// Whether a database can be opened. A file that is not there is not made.
///
/// # Errors
/// As [`open`].
pub(crate) fn reach(address: &DatabaseAddress, password: Option<&Secret>) -> Result<()> {
    match address {
        DatabaseAddress::Sqlite(path) if !path.exists() => Ok(()),
        DatabaseAddress::Adbc(address) if address.file().is_some_and(|path| !path.exists()) => Ok(()),
        address => open(address, password).map(drop),
    }
}

/// Opens a database that must be there, to read from it.
///
/// # Errors
/// As [`open`].
pub(crate) fn open_to_read(address: &DatabaseAddress, password: Option<&Secret>) -> Result<Box<dyn Database>> {
    match address {
        #[cfg(feature = "sqlite")]
        DatabaseAddress::Sqlite(path) => Ok(Box::new(super::sqlite::Sqlite::open(path, false)?)),
        DatabaseAddress::Adbc(own) if own.file().is_some_and(|path| !path.exists()) => {
            Err(Error::new(ErrorKind::State, format!("{address}: the file is not there")).advise("correct the path"))
        }
        other => open(other, password),
    }
}

/// Whether this build has the database, and its address is valid.
///
/// # Errors
/// `unsupported` if not; `usage` for an address that is not valid.
pub(crate) fn check_build(address: &DatabaseAddress) -> Result<()> {
    let has = match address {
        DatabaseAddress::Sqlite(_) => cfg!(feature = "sqlite"),
        DatabaseAddress::Postgres(_) => cfg!(feature = "postgres"),
        DatabaseAddress::Adbc(_) => cfg!(feature = "adbc"),
    };
    if !has {
        return Err(missing(address));
    }
    #[cfg(feature = "postgres")]
    if let DatabaseAddress::Postgres(url) = address {
        super::postgres::PostgresServer::parse(url)?;
    }
    Ok(())
}

fn missing(address: &DatabaseAddress) -> Error {
    let (what, feature) = match address {
        DatabaseAddress::Sqlite(_) => ("SQLite", "sqlite"),
        DatabaseAddress::Postgres(_) => ("PostgreSQL", "postgres"),
        DatabaseAddress::Adbc(_) => ("ADBC", "adbc"),
    };
    Error::new(ErrorKind::Unsupported, format!("this build has no {what}"))
        .advise(format!("build opnode with the feature `{feature}`, or take a released build, which has all"))
}
