//! Errors of PostgreSQL as errors of opnode: the kind says who must act, the advice says what to do.

use postgres::error::DbError;

use crate::error::{Error, ErrorKind, Place, io_text};

const RESUME: &str = "run it again to resume when the server is back";

/// What an error is about.
#[derive(Clone, Copy, Default)]
pub(super) struct About<'a> {
    /// The server as messages name it.
    pub(super) server: &'a str,
    /// The table into which rows are copied, and the number of rows before these.
    pub(super) copied: Option<(&'a str, u64)>,
}

/// An error on a connection.
pub(super) enum Broken {
    Postgres(postgres::Error),
    Io(std::io::Error),
}

impl From<postgres::Error> for Broken {
    fn from(error: postgres::Error) -> Broken {
        Broken::Postgres(error)
    }
}

/// An error of the connection or of the server.
pub(super) fn failed(about: About<'_>, cause: &postgres::Error) -> Error {
    if let Some(error) = cause.as_db_error() {
        return refused(about, error);
    }
    let source = std::error::Error::source(cause);
    let text = source.map_or_else(|| cause.to_string(), cause_text);
    if text == "password missing" {
        return Error::new(ErrorKind::Unauthenticated, format!("{}: the server asks for a password", about.server))
            .advise("give it as postgres://USER:PASSWORD@HOST/DATABASE, or in PGPASSWORD");
    }
    let own = cause.to_string();
    if own == "authentication error" {
        return Error::new(ErrorKind::Unauthenticated, format!("{}: {text}", about.server))
            .advise("let the server ask the user for a password by scram-sha-256 in pg_hba.conf");
    }
    let is_tls = own == "error performing TLS handshake";
    let what = match own.as_str() {
        "connection closed" => "the server has closed the connection".to_owned(),
        "error performing TLS handshake" => format!("TLS failed: {text}"),
        "error connecting to server" => format!("no connection: {text}"),
        _ => text,
    };
    let advice = match is_tls {
        true if what.contains("does not support TLS") => {
            "switch TLS on in the server, or write sslmode=disable in a network that you trust"
        }
        true => "name the host as its certificate does, and the authority of the certificate by sslrootcert=FILE",
        false => RESUME,
    };
    Error::new(ErrorKind::Network, format!("{}: {what}", about.server)).advise(advice).with(|d| d.is_lasting = is_tls)
}

/// The end of a chain of causes says what happened.
fn cause_text(cause: &(dyn std::error::Error + 'static)) -> String {
    if let Some(io) = cause.downcast_ref::<std::io::Error>() {
        return match io.get_ref() {
            Some(inner) => inner.to_string(),
            None => io_text(io),
        };
    }
    cause.to_string()
}

/// An error that the server reports.
fn refused(about: About<'_>, error: &DbError) -> Error {
    let code = error.code().code();
    let kind = kind_of(code);
    let mut message = error.message().to_owned();
    if let Some(detail) = error.detail() {
        message = format!("{message}: {detail}");
    }
    let context = error.where_().unwrap_or_default();
    let (row, column) = about.copied.map_or((None, None), |(table, _)| place_of(context, table));
    let column = column.or(error.column());
    if let Some(column) = column.filter(|column| !message.contains(&format!("\"{column}\""))) {
        message = format!("{column}: {message}");
    }
    let is_of_row = matches!(kind, ErrorKind::InvalidItems | ErrorKind::Conflict);
    if !is_of_row || row.is_none() {
        message = format!("{}: {message}", about.server);
    }
    let message = message.split_whitespace().collect::<Vec<_>>().join(" ");
    let own = Error::new(kind, message).advise(advice(code, error, about));
    match row.filter(|_| is_of_row) {
        Some(row) => {
            let before = about.copied.map_or(0, |(_, before)| before);
            own.at(Place { line: Some(before + row), ..Place::default() })
        }
        None => own,
    }
}

/// The kind of an error by its SQLSTATE.
fn kind_of(code: &str) -> ErrorKind {
    match code {
        "28000" | "28P01" => ErrorKind::Unauthenticated,
        "42501" => ErrorKind::Forbidden,
        "57P01" | "57P02" | "57P03" | "57P05" | "25P03" => ErrorKind::Network,
        "55P03" | "40P01" | "40001" | "57014" | "55006" => ErrorKind::State,
        "2BP01" | "21000" => ErrorKind::Conflict,
        "3D000" | "3F000" | "25006" | "42804" | "42P10" | "428C9" => ErrorKind::InvalidOptions,
        _ => match code.get(..2).unwrap_or_default() {
            "08" => ErrorKind::Network,
            "28" => ErrorKind::Unauthenticated,
            "53" | "58" | "XX" => ErrorKind::State,
            "23" | "44" => ErrorKind::Conflict,
            "22" | "54" => ErrorKind::InvalidItems,
            "42" => ErrorKind::InvalidOptions,
            _ => ErrorKind::Rejected,
        },
    }
}

fn advice(code: &str, error: &DbError, about: About<'_>) -> String {
    let table = error.table().or(about.copied.map(|(table, _)| table)).unwrap_or("TABLE");
    let text = match code {
        "28000" => "check user, host and database, and what pg_hba.conf of the server allows",
        "28P01" => "check user and password",
        "42501" if error.message().contains("schema") => {
            return "let the owner run GRANT USAGE, CREATE ON SCHEMA … TO the user; CREATE is needed for new tables and \
                    opnode_loads"
                .to_owned();
        }
        "42501" if error.message().contains("database") => {
            return "let its owner run GRANT CONNECT, TEMPORARY ON DATABASE … TO the user".to_owned();
        }
        "42501" if error.message().contains("owner") => {
            return "let the owner of the table run it, or use `evolve: none` and let the owner change the table"
                .to_owned();
        }
        "42501" => {
            return "let the owner run GRANT SELECT, INSERT, UPDATE, DELETE ON the table TO the user".to_owned();
        }
        "53100" => "free disk space of the server, and run it again to resume",
        "53300" => "wait until the server has free connections, and run it again to resume",
        "55P03" => {
            "another session keeps it locked: wait for its end (see pg_stat_activity), and run it again to resume"
        }
        "40P01" | "40001" => "another session changed the same rows: run it again to resume",
        "57014" => "it was cancelled or took longer than statement_timeout of the user: run it again to resume",
        "55006" => "another session uses it: run it again to resume",
        "3D000" => "name a database that the server has, or run CREATE DATABASE",
        "3F000" => "run CREATE SCHEMA, or name a schema that exists",
        "25006" => "write a SELECT to read rows; to load them, name the primary server: this one is only read",
        "42P07" | "42710" => {
            "something else has this name, or another session has made it: see what it is, and run it again"
        }
        "22P02" | "22003" | "22007" | "22008" | "22001" => "correct the value, or change it with `map`",
        "428C9" | "42P10" => "leave the column out with `columns`: the server makes its values",
        "42883" | "42804" => "change the type of the column, or leave it out with `columns`",
        _ => match (code.get(..2).unwrap_or_default(), error.constraint()) {
            ("08", _) => RESUME,
            ("57", _) | ("25", _) if kind_of(code) == ErrorKind::Network => RESUME,
            ("53" | "58" | "XX", _) => "see the log of the server, and run it again to resume",
            ("23", Some(rule)) => return format!("correct the row, or change the rule {rule} of {table}"),
            ("23" | "44", _) => "correct the row, or change the rule of the table",
            ("22" | "54", _) => "correct the value, or leave the field out with `columns` or `map`",
            ("42", _) => "see the tables and columns of the database",
            _ => "see the log of the server",
        },
    };
    text.to_owned()
}

/// The row and column that a context such as `COPY members, line 3, column id: "x"` names. The words are in the language
/// of the server.
fn place_of<'c>(context: &'c str, table: &str) -> (Option<u64>, Option<&'c str>) {
    let start = format!("COPY {table}, ");
    let Some(at) = context.find(&start) else { return (None, None) };
    let rest = context.get(at + start.len()..).unwrap_or_default();
    let (line, rest) = match rest.find(|c: char| c.is_ascii_digit()) {
        Some(digits) => {
            let rest = rest.get(digits..).unwrap_or_default();
            rest.split_at(rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len()))
        }
        None => return (None, None),
    };
    let column = rest.strip_prefix(", column ").and_then(|rest| rest.split_once(": ").map(|(name, _)| name));
    (line.parse().ok(), column)
}

#[cfg(test)]
mod tests {
    use super::place_of;

    #[test]
    fn a_context_names_row_and_column() {
        let cases = [
            ("COPY members, line 3, column id: \"x\"", (Some(3), Some("id"))),
            ("COPY members, line 12: \"a\tb\"", (Some(12), None)),
            ("COPY members, Zeile 7, Spalte id: »x«", (Some(7), None)),
            ("PL/pgSQL function f() line 9 at RAISE\nCOPY members, line 2: \"1\"", (Some(2), None)),
            ("SQL statement \"SELECT 1\"", (None, None)),
            ("COPY other, line 2", (None, None)),
        ];
        for (context, wanted) in cases {
            assert_eq!(place_of(context, "members"), wanted, "{context}");
        }
    }
}
