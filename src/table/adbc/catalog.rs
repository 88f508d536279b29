//! What a driver says of a table: the types of its columns, its unique keys, and the tables that depend on its rows.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use adbc_core::Connection;
use adbc_core::options::ObjectDepth;
use arrow_array::cast::AsArray;
use arrow_array::{Array, StructArray};
use arrow_schema::extension::EXTENSION_TYPE_NAME_KEY;
use arrow_schema::{DataType, Field, Schema, TimeUnit};

use super::super::address::TableName;
use super::super::database::{FoundColumn, FoundTable, sql_text};
use super::super::exact_decimal::DECIMAL;
use super::super::value_kind::ValueKind;
use super::connection::Adbc;
use crate::error::{Error, ErrorKind, Result};

/// A table as the catalog of the driver lists it.
struct ListedTable {
    schema: String,
    what: String,
    unique: Vec<Vec<String>>,
}

/// How a column could change a value without a word.
pub(super) enum RoundedColumn {
    /// It holds all values of its kind.
    Exact,
    /// Digits are rounded away: the type, as SQL.
    Rounds(String),
}

/// The mark of a field of JSON.
const JSON: &str = "arrow.json";

/// What a column of a type holds; nothing if no value is written into it.
pub(super) fn kind_of(field: &Field) -> Option<ValueKind> {
    let is_json = field.metadata().get(EXTENSION_TYPE_NAME_KEY).is_some_and(|name| name == JSON);
    Some(match field.data_type() {
        DataType::Boolean => ValueKind::Boolean,
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64 => ValueKind::Integer,
        DataType::UInt8 | DataType::UInt16 | DataType::UInt32 | DataType::UInt64 => ValueKind::Integer,
        DataType::Decimal128(..) => ValueKind::Decimal,
        DataType::Float32 | DataType::Float64 => ValueKind::Double,
        DataType::Date32 => ValueKind::Date,
        DataType::Timestamp(TimeUnit::Microsecond | TimeUnit::Nanosecond, Some(_)) => ValueKind::Timestamp,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View if is_json => ValueKind::Json,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Dictionary(..) => ValueKind::Text,
        _ => return None,
    })
}

/// A schema in which these columns are marked as JSON.
pub(super) fn marked(schema: &Schema, json: &BTreeSet<String>) -> Schema {
    let field = |field: &Arc<Field>| match json.contains(field.name()) {
        true => field.as_ref().clone().with_metadata(HashMap::from([(EXTENSION_TYPE_NAME_KEY.into(), JSON.into())])),
        false => field.as_ref().clone(),
    };
    Schema::new(schema.fields().iter().map(field).collect::<Vec<Field>>())
}

pub(super) fn silent_change(field: &Field) -> RoundedColumn {
    match field.data_type() {
        DataType::Decimal128(digits, scale) if (*digits, *scale) != DECIMAL => {
            RoundedColumn::Rounds(format!("DECIMAL({digits}, {scale})"))
        }
        DataType::Float32 => RoundedColumn::Rounds("REAL".to_owned()),
        _ => RoundedColumn::Exact,
    }
}

impl Adbc {
    /// The columns of a table that is there.
    pub(super) fn schema_of(&mut self, table: &TableName) -> Result<Schema> {
        let found = self.connection().get_table_schema(None, table.schema.as_deref(), &table.name);
        let found = found.map_err(|e| self.failed(&e))?;
        if self.has_rules {
            let schema = table.schema.as_ref().map(|name| format!(" AND table_schema = {}", sql_text(name)));
            let (name, schema) = (sql_text(&table.name), schema.unwrap_or_default());
            let rows = self.texts(&format!(
                "SELECT column_name FROM information_schema.columns WHERE table_name = {name}{schema} \
                 AND lower(data_type) IN ('json', 'jsonb')"
            ))?;
            self.json = rows.into_iter().flatten().flatten().collect();
        }
        Ok(marked(&found, &self.json))
    }

    pub(super) fn found(&mut self, table: &TableName) -> Result<Option<FoundTable>> {
        let mut listed = self.listed(table)?;
        if let Some(schema) = table.schema.as_ref().or(self.schema.as_ref()) {
            listed.retain(|own| own.schema == *schema);
        }
        let Some(mut own) = listed.pop() else { return Ok(None) };
        if !own.what.to_ascii_uppercase().contains("TABLE") || own.what.to_ascii_uppercase().contains("FOREIGN") {
            let message = format!("{table} is a {}, and rows are loaded into tables", own.what.to_ascii_lowercase());
            return Err(self.wrong(message).advise("name a table"));
        }
        if self.has_index_list {
            let (name, schema) = (sql_text(&table.name), sql_text(&own.schema));
            let rows = self.texts(&format!(
                "SELECT CAST(expressions AS TEXT) FROM duckdb_indexes() WHERE is_unique AND table_name = {name} AND schema_name = {schema} \
                 AND database_name = current_database()"
            ))?;
            own.unique.extend(rows.iter().flatten().flatten().filter_map(|text| indexed(text)));
        }
        let columns = self.schema_of(table)?;
        // A column of another type counts as one of texts, until a value shall be written into it.
        let column = |field: &Arc<Field>| FoundColumn {
            name: field.name().clone(),
            kind: kind_of(field).unwrap_or(ValueKind::Text),
        };
        let cascades = self.cascades(table)?;
        Ok(Some(FoundTable { columns: columns.fields().iter().map(column).collect(), unique: own.unique, cascades }))
    }

    /// The tables of a name, in all schemas if it has none.
    fn listed(&mut self, table: &TableName) -> Result<Vec<ListedTable>> {
        let all = self.connection().get_objects(
            ObjectDepth::All,
            None,
            table.schema.as_deref(),
            Some(&table.name),
            None,
            None,
        );
        let reader = all.map_err(|e| self.failed(&e))?;
        let mut found = Vec::new();
        for batch in reader {
            let batch = batch.map_err(|cause| Error::new(ErrorKind::State, format!("{}: {cause}", self.shown)))?;
            let catalogs = StructArray::from(batch);
            for at in 0..catalogs.len() {
                let name = text(&catalogs, "catalog_name", at).unwrap_or_default();
                if matches!(name.as_str(), "temp" | "system") {
                    continue;
                }
                for (schemas, at) in elements(&catalogs, "catalog_db_schemas", at) {
                    let schema = text(&schemas, "db_schema_name", at).unwrap_or_default();
                    for (tables, at) in elements(&schemas, "db_schema_tables", at) {
                        // Names are patterns for a driver.
                        if text(&tables, "table_name", at).as_ref() == Some(&table.name) {
                            let what = text(&tables, "table_type", at).unwrap_or_default();
                            found.push(ListedTable { schema: schema.clone(), what, unique: unique(&tables, at) });
                        }
                    }
                }
            }
        }
        Ok(found)
    }

    /// Tables whose rows go or change with those of a table.
    fn cascades(&mut self, table: &TableName) -> Result<Vec<String>> {
        if !self.has_rules {
            return Ok(vec!["other tables (the database does not say which)".to_owned()]);
        }
        let schema = table.schema.as_ref().map(|name| format!(" AND p.table_schema = {}", sql_text(name)));
        let rows = self.texts(&format!(
            "SELECT DISTINCT k.table_name FROM information_schema.referential_constraints AS r \
             JOIN information_schema.table_constraints AS p ON p.constraint_name = r.unique_constraint_name \
             AND p.constraint_schema = r.unique_constraint_schema \
             JOIN information_schema.table_constraints AS k ON k.constraint_name = r.constraint_name \
             AND k.constraint_schema = r.constraint_schema \
             WHERE p.table_name = {} AND r.delete_rule NOT IN ('NO ACTION', 'RESTRICT'){} ORDER BY 1",
            sql_text(&table.name),
            schema.unwrap_or_default()
        ))?;
        Ok(rows.into_iter().flatten().flatten().collect())
    }
}

/// The text of a field of a list's element.
fn text(of: &StructArray, name: &str, at: usize) -> Option<String> {
    let column = of.column_by_name(name)?;
    let column = column.as_string_opt::<i32>()?;
    (!column.is_null(at)).then(|| column.value(at).to_owned())
}

/// The elements of a list, each with its number.
fn elements(of: &StructArray, name: &str, at: usize) -> Vec<(StructArray, usize)> {
    let list = of.column_by_name(name).and_then(|column| column.as_list_opt::<i32>());
    let Some(list) = list.filter(|list| !list.is_null(at)) else { return Vec::new() };
    let own = list.value(at);
    let own = own.as_struct_opt().cloned();
    own.map(|own| (0..own.len()).map(|at| (own.clone(), at)).collect()).unwrap_or_default()
}

/// The columns of an index, from a text such as `[id, '"a b"']`; nothing if it has other expressions.
fn indexed(text: &str) -> Option<Vec<String>> {
    let inner = text.strip_prefix('[')?.strip_suffix(']')?;
    let name = |part: &str| {
        let part = part.trim();
        let part = part.strip_prefix('\'').and_then(|part| part.strip_suffix('\'')).unwrap_or(part);
        let is_plain = |c: char| c.is_alphanumeric() || c == '_';
        match part.strip_prefix('"').and_then(|part| part.strip_suffix('"')) {
            Some(name) => Some(name.replace("\"\"", "\"")),
            None => (!part.is_empty() && part.chars().all(is_plain)).then(|| part.to_owned()),
        }
    };
    // A comma in a name gives names that no column has.
    inner.split(',').map(name).collect()
}

/// The columns whose values together are unique.
fn unique(tables: &StructArray, at: usize) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for (constraints, at) in elements(tables, "table_constraints", at) {
        let what = text(&constraints, "constraint_type", at).unwrap_or_default();
        let names = constraints.column_by_name("constraint_column_names").and_then(|c| c.as_list_opt::<i32>());
        let names = names.filter(|names| !names.is_null(at) && matches!(what.as_str(), "PRIMARY KEY" | "UNIQUE"));
        let names = names.map(|names| names.value(at));
        let names = names.as_ref().and_then(|names| names.as_string_opt::<i32>());
        found.extend(names.map(|names| names.iter().flatten().map(str::to_owned).collect()));
    }
    found
}
