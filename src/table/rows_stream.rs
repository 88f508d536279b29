//! Rows of a database as a stream of bytes, each a line of JSON. They are read on a thread of its own; memory is bounded.

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use super::address::TableAddress;
use super::database::Database;
use super::names::LOAD;
use super::open::open_to_read;
use crate::error::{Error, ErrorKind, FileOwner, Result};
use crate::secret::Secret;

/// Bytes of a part, and the number of parts that wait.
const PART: usize = 64 << 10;
const PARTS: usize = 8;

/// Rows as lines. A read that fails has the error of the database as its cause.
pub(crate) struct RowsStream {
    parts: Receiver<Result<Vec<u8>>>,
    part: io::Cursor<Vec<u8>>,
}

impl RowsStream {
    /// Begins to read a table, or the rows of a statement.
    pub(crate) fn begin(address: TableAddress, password: Option<Secret>, sql: Option<String>) -> RowsStream {
        let (sender, parts) = sync_channel(PARTS);
        std::thread::spawn(move || {
            if let Err(error) = send(&sender, &address, password.as_ref(), sql) {
                let _nobody_may_read = sender.send(Err(error.of_files(FileOwner::User)));
            }
        });
        RowsStream { parts, part: io::Cursor::default() }
    }
}

impl Read for RowsStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.part.read(buffer)?;
            if read > 0 || buffer.is_empty() {
                return Ok(read);
            }
            match self.parts.recv() {
                Ok(part) => self.part = io::Cursor::new(part.map_err(io::Error::other)?),
                Err(_) => return Ok(0),
            }
        }
    }
}

fn send(
    parts: &SyncSender<Result<Vec<u8>>>,
    address: &TableAddress,
    password: Option<&Secret>,
    sql: Option<String>,
) -> Result<()> {
    let mut database = open_to_read(&address.database, password.or(address.password.as_ref()))?;
    let sql = match sql {
        Some(sql) => sql,
        None => select(&mut *database, address)?,
    };
    let mut part = Vec::with_capacity(PART);
    let pass = |part: &mut Vec<u8>| {
        let full = std::mem::replace(part, Vec::with_capacity(PART));
        parts.send(Ok(full)).map_err(|_| Error::cancelled())
    };
    database.read(&sql, &mut |row| {
        part.extend_from_slice(row.as_bytes());
        part.push(b'\n');
        if part.len() < PART { Ok(()) } else { pass(&mut part) }
    })?;
    if part.is_empty() { Ok(()) } else { pass(&mut part) }
}

/// The statement that reads a table, without the column of opnode.
fn select(database: &mut dyn Database, address: &TableAddress) -> Result<String> {
    let table = address.named()?;
    let missing = || {
        Error::new(ErrorKind::InvalidOptions, format!("{} has no table {table}", address.database))
            .advise("name a table that is there, or write a statement in `sql`")
    };
    let found = database.find(table)?.ok_or_else(missing)?;
    let columns = found.columns.iter().filter(|column| column.name != LOAD);
    let columns: Vec<String> = columns.map(|column| database.quoted(&column.name)).collect();
    Ok(format!("SELECT {} FROM {}", columns.join(", "), database.table(table)))
}
