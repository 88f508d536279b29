//! The address of a table: `sqlite:FILE#TABLE`, `postgres://USER@HOST/DATABASE#SCHEMA.TABLE`, or
//! `adbc:DRIVER?OPTION=VALUE#TABLE`.

use std::fmt;
use std::path::{Path, PathBuf};

use percent_encoding::percent_decode_str;
use url::Url;

use crate::error::{Error, ErrorKind, Result};
use crate::secret::Secret;

/// The schemes of databases, as users type them.
const POSTGRES: [&str; 2] = ["postgres://", "postgresql://"];
const SQLITE: &str = "sqlite:";
const ADBC: &str = "adbc:";

/// A database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum DatabaseAddress {
    Sqlite(PathBuf),
    /// Without its password.
    Postgres(Url),
    Adbc(AdbcAddress),
}

/// A database by its ADBC driver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AdbcAddress {
    /// The name or the path of the driver.
    pub(crate) driver: String,
    /// The options of the driver, in order.
    pub(crate) options: Vec<(String, String)>,
}

impl AdbcAddress {
    /// The option that is a path, of drivers that open a file.
    const PATH: &str = "path";

    fn parse(text: &str, folder: &Path) -> Result<AdbcAddress> {
        let (driver, options) = text.split_once('?').unwrap_or((text, ""));
        if driver.is_empty() {
            return Err(wrong("the address names no driver".to_owned()).advise("write adbc:DRIVER?OPTION=VALUE#TABLE"));
        }
        let mut own = AdbcAddress { driver: driver.to_owned(), options: Vec::new() };
        for (name, value) in url::form_urlencoded::parse(options.as_bytes()) {
            if name == "password" {
                return Err(wrong("the address of the database has its password after `?`".to_owned())
                    .advise("write `password: { env: NAME }` beside `to`"));
            }
            if own.options.iter().any(|(known, _)| *known == name) {
                return Err(wrong(format!("the address has the option {name} two times")).advise("leave one out"));
            }
            if name == Self::PATH && (value.is_empty() || value == ":memory:") {
                return Err(wrong("the address names a database in memory, which is gone with the program".to_owned())
                    .advise("write the path of a file: adbc:DRIVER?path=FILE#TABLE"));
            }
            let is_file = name == Self::PATH && !value.contains(':');
            let value = if is_file { folder.join(&*value).display().to_string() } else { value.into_owned() };
            own.options.push((name.into_owned(), value));
        }
        if own.options.is_empty() {
            return Err(wrong(format!("the address names no database for the driver {driver}"))
                .advise("write adbc:DRIVER?path=FILE#TABLE, or the options that the driver has for it"));
        }
        Ok(own)
    }

    /// The options that say how a file is opened.
    #[cfg(feature = "adbc")]
    pub(crate) fn other_options(&self) -> impl Iterator<Item = &(String, String)> {
        self.options.iter().filter(|(name, _)| name != Self::PATH)
    }

    /// The file that it opens, if that is said by its options.
    pub(crate) fn file(&self) -> Option<PathBuf> {
        let (_, path) = self.options.iter().find(|(name, _)| name == Self::PATH)?;
        (!path.contains(':')).then(|| PathBuf::from(path))
    }
}

impl fmt::Display for AdbcAddress {
    /// Options other than a path may have passwords, and are shown by name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{ADBC}{}", self.driver)?;
        let is_file = self.file().is_some();
        for (at, (name, value)) in self.options.iter().enumerate() {
            let shown = if name == Self::PATH && is_file { value } else { "…" };
            write!(f, "{}{name}={shown}", if at == 0 { '?' } else { '&' })?;
        }
        Ok(())
    }
}

/// A table of a database. A name may begin with that of a schema.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TableName {
    pub(crate) schema: Option<String>,
    pub(crate) name: String,
}

/// The table of an address, and the password that the address has.
#[derive(Clone, Debug)]
pub(crate) struct TableAddress {
    pub(crate) database: DatabaseAddress,
    pub(crate) table: Option<TableName>,
    pub(crate) password: Option<Secret>,
}

impl PartialEq for TableAddress {
    fn eq(&self, other: &TableAddress) -> bool {
        self.database == other.database && self.table == other.table
    }
}

impl Eq for TableAddress {}

impl TableAddress {
    /// Whether a text is the address of a database, and not a path.
    pub(crate) fn is_one(text: &str) -> bool {
        text.starts_with(SQLITE) || text.starts_with(ADBC) || POSTGRES.iter().any(|scheme| text.starts_with(scheme))
    }

    /// An address as written; `folder` is where relative paths start.
    ///
    /// # Errors
    /// `usage` when it names no database or no valid table.
    pub(crate) fn parse(text: &str, folder: &Path) -> Result<TableAddress> {
        let (place, table) = text.rsplit_once('#').map_or((text, None), |(place, table)| (place, Some(table)));
        let table = table.map(|name| TableName::parse(name).ok_or_else(|| no_table(place))).transpose()?;
        if let Some(path) = place.strip_prefix(SQLITE) {
            if path.is_empty() {
                return Err(wrong("the address names no file".to_owned()).advise("write sqlite:FILE#TABLE"));
            }
            let table = match table {
                Some(TableName { schema: Some(schema), name }) => {
                    // SQLite has no schemas of its own: the dot is part of the name.
                    Some(TableName { schema: None, name: format!("{schema}.{name}") })
                }
                other => other,
            };
            return Ok(TableAddress { database: DatabaseAddress::Sqlite(folder.join(path)), table, password: None });
        }
        if let Some(text) = place.strip_prefix(ADBC) {
            let database = DatabaseAddress::Adbc(AdbcAddress::parse(text, folder)?);
            return Ok(TableAddress { database, table, password: None });
        }
        let invalid = |e: url::ParseError| {
            wrong(format!("the address of the database is not a URL: {e}"))
                .advise("write postgres://USER@HOST/DATABASE#TABLE")
        };
        // A user without a host is usual with sockets, and no valid URL.
        let socket = place.split_once("://").and_then(|(scheme, rest)| {
            let (user, path) = rest.split_once("@/").filter(|(user, _)| !user.contains(['/', '?']))?;
            Some(format!("{scheme}://{user}@localhost/{path}"))
        });
        let mut url = Url::parse(socket.as_deref().unwrap_or(place)).map_err(invalid)?;
        if has_password_in_query(&url) {
            return Err(wrong("the address of the database has its password after `?`".to_owned())
                .advise("write postgres://USER:PASSWORD@HOST/DATABASE#TABLE, or set PGPASSWORD"));
        }
        let password = url.password().map(|text| Secret::new(percent_decode_str(text).decode_utf8_lossy()));
        let _it_has_a_host_or_no_password = url.set_password(None);
        Ok(TableAddress { database: DatabaseAddress::Postgres(url), table, password })
    }

    /// Its password: that of the address, else the given one, else that of the environment, which is for PostgreSQL.
    pub(crate) fn password(&self, given: Option<Secret>, of_environment: Option<Secret>) -> Option<Secret> {
        let is_postgres = matches!(self.database, DatabaseAddress::Postgres(_));
        self.password.clone().or(given).or(of_environment.filter(|_| is_postgres))
    }

    /// Its table.
    ///
    /// # Errors
    /// `usage` when it has none.
    pub(crate) fn named(&self) -> Result<&TableName> {
        self.table.as_ref().ok_or_else(|| no_table(&self.database.to_string()))
    }
}

fn no_table(place: &str) -> Error {
    let has_password = |url: &Url| url.password().is_some() || has_password_in_query(url);
    let shown = Url::parse(place).ok().filter(has_password).map(|mut url| {
        let _it_may_have_one = url.set_password(None);
        url.set_query(None);
        url.to_string()
    });
    let place = shown.as_deref().unwrap_or(place);
    wrong(format!("the address {place} names no table")).advise(format!("write {place}#TABLE"))
}

fn has_password_in_query(url: &Url) -> bool {
    url.query_pairs().any(|(name, _)| name.to_ascii_lowercase().ends_with("password"))
}

fn wrong(message: String) -> Error {
    Error::new(ErrorKind::Usage, message)
}

impl TableName {
    /// `TABLE` or `SCHEMA.TABLE`; `%2E` is a dot of a name.
    fn parse(text: &str) -> Option<TableName> {
        let decoded = |text: &str| percent_decode_str(text).decode_utf8().ok().map(|text| text.into_owned());
        let fits = |name: &String| !name.is_empty() && !name.contains('\0');
        let (schema, name) = match text.split_once('.') {
            Some((schema, name)) => (Some(decoded(schema).filter(fits)?), name),
            None => (None, text),
        };
        Some(TableName { schema, name: decoded(name).filter(fits)? })
    }

    /// Another table beside it.
    pub(crate) fn beside(&self, name: impl Into<String>) -> TableName {
        TableName { schema: self.schema.clone(), name: name.into() }
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = |text: &str| text.replace('%', "%25").replace('.', "%2E");
        if let Some(schema) = &self.schema {
            write!(f, "{}.", part(schema))?;
        }
        f.write_str(&part(&self.name))
    }
}

impl fmt::Display for DatabaseAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DatabaseAddress::Sqlite(path) => write!(f, "{SQLITE}{}", path.display()),
            DatabaseAddress::Postgres(url) => write!(f, "{url}"),
            DatabaseAddress::Adbc(address) => write!(f, "{address}"),
        }
    }
}

impl fmt::Display for TableAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.database)?;
        self.table.as_ref().map_or(Ok(()), |table| write!(f, "#{table}"))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{DatabaseAddress, TableAddress};

    #[test]
    fn addresses_are_shown_without_passwords() {
        let parse = |text: &str| TableAddress::parse(text, Path::new("/data"));
        let cases = [
            ("sqlite:desk.db#members", "sqlite:/data/desk.db#members"),
            ("sqlite:/a#b/desk.db#a.b", "sqlite:/a#b/desk.db#a%2Eb"),
            (
                "postgres://etl:s3cret@db.example.com:5433/desk?sslmode=disable#hr.members",
                "postgres://etl@db.example.com:5433/desk?sslmode=disable#hr.members",
            ),
            ("postgresql:///desk#a%2Eb", "postgresql:///desk#a%2Eb"),
            ("postgres://etl@/desk?host=/run/x#t", "postgres://etl@localhost/desk?host=/run/x#t"),
            ("adbc:duckdb?path=desk.duckdb#hr.t", "adbc:duckdb?path=/data/desk.duckdb#hr.t"),
            ("adbc:snowflake?uri=u%3Atopsecret%40acme&adbc.x=2#t", "adbc:snowflake?uri=…&adbc.x=…#t"),
            ("adbc:duckdb?path=md:desk&token=topsecret#t", "adbc:duckdb?path=…&token=…#t"),
        ];
        for (text, shown) in cases {
            assert_eq!(parse(text).unwrap().to_string(), shown);
        }
        assert_eq!(parse("postgres://a:p%40@h/d#t").unwrap().password.unwrap().expose(), "p@");
        assert!(matches!(parse("sqlite:x.db").unwrap().database, DatabaseAddress::Sqlite(_)));
        for text in [
            "sqlite:#t",
            "sqlite:x.db#",
            "postgres://#",
            "postgres://h:99999/d#t",
            "postgres://u:topsecret@h/d#a.",
            "postgres://h/d?password=topsecret#t",
            "postgres://h/d?sslpassword=topsecret#a.",
            "adbc:#t",
            "adbc:x?password=topsecret#t",
            "adbc:x?a=topsecret&a=2#t",
        ] {
            let told = parse(text).unwrap_err().to_string();
            assert!(!told.contains("topsecret"), "{told}");
        }
        assert!(parse("sqlite:x.db").unwrap().named().is_err());
        assert!(!TableAddress::is_one("out/sqlite/x.db"));
    }
}
