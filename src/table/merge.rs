//! Brings rows that were collected in a table of the connection alone into their table, by their key. All in one
//! transaction.

use super::database::Database;
use super::mode::LoadMode;
use super::names::{LOAD, NUMBER, OWNER, POSITION, STAGE, VALID_FROM, VALID_TO};
use super::order::{LoadOrder, now};
use super::shape::LoadColumn;
use crate::error::Result;

pub(super) struct KeyedMerge<'m> {
    pub(super) order: &'m LoadOrder,
    pub(super) columns: &'m [LoadColumn],
    /// The number of the load, if the table has a column for it.
    pub(super) load: Option<i64>,
}

/// The parts of the statements.
struct MergeParts {
    table: String,
    /// The collected rows, and of those of equal keys the last.
    stage: String,
    latest: String,
    /// The columns, in order.
    columns: Vec<String>,
    keys: Vec<String>,
    /// The columns that are no key, to compare.
    values: Vec<LoadColumn>,
    load: String,
}

impl KeyedMerge<'_> {
    /// Runs it. Returns what the user should know.
    pub(super) fn run(&self, database: &mut dyn Database) -> Result<Vec<String>> {
        if self.columns.is_empty() {
            return self.empty(database);
        }
        let mut parts = self.parts(database);
        if !self.order.parent.is_empty() {
            return self.elements(database, &parts).map(|()| Vec::new());
        }
        let mut notes = Vec::new();
        let doubled = self.doubled(database, &parts)?;
        if doubled > 0 {
            let (keys, number, stage) = (parts.keys.join(", "), database.quoted(NUMBER), &parts.stage);
            parts.latest = format!(
                "(SELECT * FROM (SELECT *, row_number() OVER (PARTITION BY {keys} ORDER BY {number} DESC) AS _opnode_last \
                 FROM {stage}) AS numbered WHERE _opnode_last = 1)"
            );
            let key = self.order.key.join(", ");
            notes.push(format!("{} replaced by a later one with the same {key}", rows(doubled)));
        }
        match self.order.mode {
            LoadMode::History => notes.extend(self.versions(database, &parts)?),
            _ => {
                self.upsert(database, &parts)?;
                notes.extend(self.delete(database, &parts)?);
            }
        }
        Ok(notes)
    }

    /// Of a list without rows, whose columns are not known: all that is in the table is gone.
    fn empty(&self, database: &mut dyn Database) -> Result<Vec<String>> {
        let name = &self.order.table;
        let is_gone = self.order.is_complete && self.order.extent.rows == 0;
        if !is_gone || database.find(name)?.is_none() {
            return Ok(Vec::new());
        }
        let table = database.table(name);
        match self.order.mode {
            LoadMode::Mirror => {
                let gone = database.run(&format!("DELETE FROM {table}"))?;
                Ok((gone > 0).then(|| format!("{} deleted: gone from the list", of(gone, name))).into_iter().collect())
            }
            LoadMode::History => {
                let (at, to) = (database.time(&now()), database.quoted(VALID_TO));
                database.run(&format!("UPDATE {table} SET {to} = {at} WHERE {to} IS NULL"))?;
                Ok(Vec::new())
            }
            _ => Ok(Vec::new()),
        }
    }

    fn parts(&self, database: &dyn Database) -> MergeParts {
        let keys = if self.order.parent.is_empty() { &self.order.key } else { &self.order.parent };
        let is_key = |column: &&LoadColumn| keys.contains(&column.name);
        let quoted = |column: &LoadColumn| database.quoted(&column.name);
        let stage = database.quoted(STAGE);
        MergeParts {
            table: database.table(&self.order.table),
            latest: stage.clone(),
            stage,
            columns: self.columns.iter().filter(|column| column.name != OWNER).map(quoted).collect(),
            keys: self.columns.iter().filter(is_key).map(quoted).collect(),
            values: self.columns.iter().filter(|column| !is_key(column)).cloned().collect(),
            load: database.quoted(LOAD),
        }
    }

    /// How many rows have the key of a later one.
    fn doubled(&self, database: &mut dyn Database, parts: &MergeParts) -> Result<u64> {
        let MergeParts { stage, keys, .. } = parts;
        let keys = keys.join(", ");
        let sql = format!(
            "SELECT (SELECT count(*) FROM {stage}) - (SELECT count(*) FROM (SELECT DISTINCT {keys} FROM {stage}) AS keys)"
        );
        let rows = database.ask(&sql)?;
        Ok(rows.into_iter().flatten().flatten().next().and_then(|count| count.parse().ok()).unwrap_or_default())
    }

    /// Equal keys in two tables.
    fn same_keys(parts: &MergeParts, left: &str, right: &str) -> String {
        let pairs: Vec<String> = parts.keys.iter().map(|key| format!("{left}.{key} = {right}.{key}")).collect();
        pairs.join(" AND ")
    }

    /// Values that differ in two tables; nothing if all columns are keys.
    fn differ(database: &dyn Database, parts: &MergeParts, left: &str, right: &str) -> Option<String> {
        if parts.values.is_empty() {
            return None;
        }
        let of = |table: &str| -> Vec<String> {
            let column = |column: &LoadColumn| {
                database.comparable(&format!("{table}.{}", database.quoted(&column.name)), column.kind)
            };
            parts.values.iter().map(column).collect()
        };
        Some(database.differ(&of(left), &of(right)))
    }

    fn upsert(&self, database: &mut dyn Database, parts: &MergeParts) -> Result<()> {
        let MergeParts { table, latest, columns, keys, values, load, .. } = parts;
        let (mut into, mut from) = (columns.clone(), columns.clone());
        let mut set: Vec<String> = values
            .iter()
            .map(|column| database.quoted(&column.name))
            .map(|name| format!("{name} = excluded.{name}"))
            .collect();
        if let Some(number) = self.load {
            into.push(load.clone());
            from.push(number.to_string());
            set.push(format!("{load} = excluded.{load}"));
        }
        // A row that stays as it is keeps the load that brought it.
        let change = match Self::differ(database, parts, "old", "excluded") {
            Some(differ) => format!("UPDATE SET {} WHERE {differ}", set.join(", ")),
            None => "NOTHING".to_owned(),
        };
        let (into, from, keys) = (into.join(", "), from.join(", "), keys.join(", "));
        database
            .run(&format!(
                "INSERT INTO {table} AS old ({into}) SELECT {from} FROM {latest} AS new WHERE true \
                 ON CONFLICT ({keys}) DO {change}"
            ))
            .map(|_| ())
    }

    /// Of the elements of lists: those of each row replace the earlier ones.
    fn elements(&self, database: &mut dyn Database, parts: &MergeParts) -> Result<()> {
        database.index_stage(&self.order.parent)?;
        let MergeParts { table, stage, columns, load, .. } = parts;
        let (same, owner, position) =
            (Self::same_keys(parts, "new", "old"), database.quoted(OWNER), database.quoted(POSITION));
        database.run(&match self.order.mode {
            LoadMode::Mirror if self.order.is_complete => format!("DELETE FROM {table}"),
            _ => format!("DELETE FROM {table} AS old WHERE EXISTS (SELECT 1 FROM {stage} AS new WHERE {same})"),
        })?;
        let (mut into, mut from) = (columns.clone(), columns.iter().map(|c| format!("new.{c}")).collect::<Vec<_>>());
        if let Some(number) = self.load {
            into.push(load.clone());
            from.push(number.to_string());
        }
        let (into, from, same) = (into.join(", "), from.join(", "), Self::same_keys(parts, "last", "new"));
        // Of several rows with one key, the last counts.
        database
            .run(&format!(
                "INSERT INTO {table} ({into}) SELECT {from} FROM {stage} AS new WHERE new.{position} IS NOT NULL AND \
                 new.{owner} = (SELECT max(last.{owner}) FROM {stage} AS last WHERE {same})"
            ))
            .map(|_| ())
    }

    /// Of a mirror: deletes what is gone.
    fn delete(&self, database: &mut dyn Database, parts: &MergeParts) -> Result<Option<String>> {
        let name = &self.order.table;
        if self.order.mode != LoadMode::Mirror {
            return Ok(None);
        }
        if !self.order.is_complete {
            return Ok(Some(format!("nothing is deleted from {name}: the end of the list was not seen")));
        }
        database.index_stage(&self.order.key)?;
        let MergeParts { table, stage, .. } = parts;
        let same = Self::same_keys(parts, "new", "old");
        let gone = database
            .run(&format!("DELETE FROM {table} AS old WHERE NOT EXISTS (SELECT 1 FROM {stage} AS new WHERE {same})"))?;
        Ok((gone > 0).then(|| format!("{} deleted: gone from the list", of(gone, name))))
    }

    /// Of a history: ends the versions that are changed or gone, and adds the new ones.
    fn versions(&self, database: &mut dyn Database, parts: &MergeParts) -> Result<Option<String>> {
        database.index_stage(&self.order.key)?;
        let MergeParts { table, stage, latest, columns, load, .. } = parts;
        let (at, same) = (database.time(&now()), Self::same_keys(parts, "new", "old"));
        let (from, to) = (database.quoted(VALID_FROM), database.quoted(VALID_TO));
        if let Some(differ) = Self::differ(database, parts, "old", "new") {
            database.run(&format!(
                "UPDATE {table} AS old SET {to} = {at} WHERE {to} IS NULL AND EXISTS \
                 (SELECT 1 FROM {latest} AS new WHERE {same} AND {differ})"
            ))?;
        }
        let mut note = None;
        if self.order.is_complete {
            database.run(&format!(
                "UPDATE {table} AS old SET {to} = {at} WHERE {to} IS NULL AND NOT EXISTS \
                 (SELECT 1 FROM {stage} AS new WHERE {same})"
            ))?;
        } else {
            let name = &self.order.table;
            note = Some(format!("no version of {name} is ended as gone: the end of the list was not seen"));
        }
        let (mut into, mut values) = (columns.clone(), columns.iter().map(|c| format!("new.{c}")).collect::<Vec<_>>());
        into.push(from);
        values.push(at);
        if let Some(number) = self.load {
            into.push(load.clone());
            values.push(number.to_string());
        }
        let (into, values) = (into.join(", "), values.join(", "));
        database.run(&format!(
            "INSERT INTO {table} ({into}) SELECT {values} FROM {latest} AS new WHERE NOT EXISTS \
             (SELECT 1 FROM {table} AS old WHERE {same} AND old.{to} IS NULL)"
        ))?;
        Ok(note)
    }
}

fn rows(count: u64) -> String {
    if count == 1 { "1 row was".to_owned() } else { format!("{count} rows were") }
}

fn of(count: u64, table: &super::address::TableName) -> String {
    if count == 1 { format!("1 row of {table} was") } else { format!("{count} rows of {table} were") }
}
