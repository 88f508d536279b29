//! Arguments of outputs that are tables of databases.

use clap::Args as ClapArgs;

use crate::table::{Evolve, LoadMode, Nested, ValueKind};

/// How rows get into a table.
#[derive(Debug, Default, ClapArgs)]
#[command(
    next_help_heading = "Tables: --output sqlite:FILE#TABLE, postgres://USER@HOST/DATABASE#TABLE or adbc:DRIVER?OPTION=VALUE#TABLE"
)]
pub(crate) struct TableArgs {
    /// How rows get into the table: append, replace, upsert, mirror or history [default: append]
    #[arg(long, value_name = "MODE", value_parser = word::<LoadMode>)]
    pub(crate) mode: Option<LoadMode>,
    /// The fields that identify a row [default for upsert, mirror and history: id]
    #[arg(long, value_name = "A,B/C", value_delimiter = ',')]
    pub(crate) row_key: Vec<String>,
    /// What may change in a table that exists: none, add (columns) or widen (also their types) [default: widen for tables that opnode has made, else none]
    #[arg(long, value_name = "WHAT", value_parser = word::<Evolve>)]
    pub(crate) evolve: Option<Evolve>,
    /// Objects in rows: json, or flatten: a column for each of their fields [default: json]
    #[arg(long, value_name = "FORM", value_parser = word::<Nested>)]
    pub(crate) nested: Option<Nested>,
    /// Lists that get a table of their own, TABLE__LIST, with the key of their row
    #[arg(long, value_name = "A,B/C", value_delimiter = ',')]
    pub(crate) lists: Vec<String>,
    /// The type of a column: boolean, integer, decimal, double, date, timestamp, text or json. Repeatable
    #[arg(long = "type", value_name = "COLUMN=TYPE", value_parser = typed)]
    pub(crate) types: Vec<(String, ValueKind)>,
}

impl TableArgs {
    /// The first flag that was given and is only for databases.
    pub(crate) fn given(&self) -> Option<&'static str> {
        let flags = [
            ("--mode", self.mode.is_some()),
            ("--row-key", !self.row_key.is_empty()),
            ("--evolve", self.evolve.is_some()),
            ("--lists", !self.lists.is_empty()),
        ];
        flags.into_iter().find(|(_, is_given)| *is_given).map(|(name, _)| name)
    }

    /// The first flag that was given and is for all tables with types.
    pub(crate) fn given_form(&self) -> Option<&'static str> {
        let flags = [("--nested", self.nested.is_some()), ("--type", !self.types.is_empty())];
        flags.into_iter().find(|(_, is_given)| *is_given).map(|(name, _)| name)
    }
}

/// A word as in batch files.
fn word<T: serde::de::DeserializeOwned + Clone + Send + Sync + 'static>(text: &str) -> Result<T, String> {
    serde_json::from_value(serde_json::Value::from(text)).map_err(|e| {
        // Such as: unknown variant `x`, expected one of `a`, `b`
        let told = e.to_string();
        told.split_once("expected ").map_or(told.clone(), |(_, words)| format!("expected {words}"))
    })
}

fn typed(text: &str) -> Result<(String, ValueKind), String> {
    let (column, kind) = text.split_once('=').ok_or("write COLUMN=TYPE, such as amount=double")?;
    Ok((column.to_owned(), word(kind)?))
}
