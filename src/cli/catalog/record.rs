//! `describe RECORD` and `fields RECORD`: the fields of a record, and what uses it.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::fields::{self, Choices, Field};
use super::shared::{MAX_WIDTH, indented, to_json};
use crate::cli::app::App;
use crate::cli::args::{DescribeArgs, DescribeForm, FieldsArgs};
use crate::cli::listing::{Listing, ListingRow};
use crate::cli::messages;
use crate::cli::screen::{TableColumn, json as json_text, terminal_text, width};
use crate::definition::{Catalog, OperationSummary, Record, RecordField, RecordUses, record_fields};
use crate::describe::direct_references;
use crate::error::{Error, ErrorKind, Result};

/// `describe RECORD`.
pub(super) fn describe(
    app: &App,
    catalog: &Catalog,
    connector: &str,
    record: &Record,
    args: &DescribeArgs,
) -> Result<()> {
    let uses = catalog.record_uses(connector, &record.name)?;
    let text = match args.format {
        DescribeForm::Json => to_json(&crate::describe::record(connector, record, &uses))?,
        DescribeForm::Text => {
            let choices = if args.all { Choices::All } else { Choices::Some };
            text(connector, record, &uses, choices)
        }
    };
    messages::print(&text)?;
    if args.format == DescribeForm::Text {
        app.screen.note(&format!("`opnode fields {connector}/{}` lists the fields of nested records too", record.name));
    }
    Ok(())
}

// Writing to a String cannot fail, so the results of `writeln!` are dropped below.

fn text(connector: &str, record: &Record, uses: &RecordUses, choices: Choices) -> String {
    let width = width::columns().min(MAX_WIDTH);
    let mut out = terminal_text::fold(&format!("{}: {}", record.name, record.title), width);
    out.push_str(&terminal_text::fold(&format!("  record of {connector}"), width));
    for (what, operations) in
        [("Read", &uses.read), ("Created", &uses.created), ("Changed", &uses.changed), ("Deleted", &uses.deleted)]
    {
        put_operations(&mut out, what, operations);
    }
    let all = record_fields(record);
    let refers: Vec<String> =
        direct_references(&all).map(|(field, other)| format!("{other} (field {field})")).collect();
    for (what, names) in [("Refers to", &refers), ("Referred to by", &uses.referred)] {
        if !names.is_empty() {
            out.push_str(&terminal_text::fold(&format!("\n{what}: {}", names.join(", ")), width));
        }
    }
    let rows: Vec<Field> = all.iter().filter(|field| is_own(&all, field)).map(|f| field(f, choices)).collect();
    let star = if rows.iter().any(|row| row.required) { " (* required)" } else { "" };
    let _ok = writeln!(out, "\nFields{star}");
    if rows.is_empty() {
        let _ok = writeln!(out, "  any");
    }
    out.push_str(&fields::lay_out(&rows, 2, width));
    let _ok = writeln!(out, "\nExample record\n{}", indented(&json_text::pretty(&record.sample.0)));
    out
}

fn put_operations(out: &mut String, what: &str, operations: &[OperationSummary]) {
    let rows: Vec<Vec<String>> =
        operations.iter().map(|o| vec![o.id.clone(), o.title.clone(), o.request.clone()]).collect();
    if rows.is_empty() {
        return;
    }
    let _ok = writeln!(out, "\n{what} by");
    let columns = [
        TableColumn::whole("").rank(3),
        TableColumn::text("").rank(2).min(24),
        TableColumn::value("").rank(1).min(24).optional(),
    ];
    let room = width::columns().min(MAX_WIDTH);
    let table = crate::cli::screen::TextTable::new(&columns, &rows, 2, Some(room), false);
    rows.iter().for_each(|row| out.push_str(&table.row(row)));
}

/// Whether a field is not within another record.
fn is_own(all: &[RecordField], field: &RecordField) -> bool {
    let is_within = |other: &RecordField| {
        other.record.is_some() && field.path.strip_prefix(&other.path).is_some_and(|rest| rest.starts_with('/'))
    };
    !all.iter().any(is_within)
}

fn field(field: &RecordField, choices: Choices) -> Field {
    let mut shown = Field::of(&field.path, &fields::shown(&field.schema.0), field.required, choices);
    if let Some(record) = &field.record {
        let list = if shown.kind.starts_with("list") { "list of " } else { "" };
        shown.kind = format!("{list}{record}");
    }
    shown
}

/// A row of `fields`.
struct FieldRow {
    connector: String,
    record: String,
    field: RecordField,
}

impl ListingRow for FieldRow {
    fn cells(&self) -> Vec<String> {
        let mut shown = field(&self.field, Choices::Some);
        if self.field.is_cycle {
            let more = format!("its fields are those of {}", self.field.record.as_deref().unwrap_or_default());
            shown.text = if shown.text.is_empty() { more } else { format!("{}; {more}", shown.text) };
        }
        let required = if self.field.required { "required" } else { "" };
        vec![shown.name, shown.kind, required.to_owned(), shown.text]
    }

    fn json(&self) -> Value {
        let shown = field(&self.field, Choices::All);
        json!({
            "connector": self.connector, "of": self.record, "path": self.field.path, "type": shown.kind, "required": self.field.required,
            "description": shown.text, "record": self.field.record, "cycle": self.field.is_cycle,
        })
    }
}

/// `fields RECORD`.
pub(crate) fn fields(app: &App, args: &FieldsArgs) -> Result<u8> {
    let catalog = app.catalog()?;
    let (connector, record) = match catalog.find_record(&args.record) {
        Ok(found) => found,
        Err(error) => of_operation(&catalog, &args.record)?.ok_or(error)?,
    };
    let row = |field| FieldRow { connector: connector.clone(), record: record.name.clone(), field };
    let rows = record_fields(&record).into_iter().map(row).collect();
    let none = format!("the schema of {} names no fields", record.name);
    let next = format!("`opnode describe {connector}/{}` shows what reads and changes it", record.name);
    let columns = vec![
        TableColumn::whole("FIELD").rank(3).min(20),
        TableColumn::text("TYPE").rank(2).min(14),
        TableColumn::whole("REQUIRED").rank(4),
        TableColumn::text("DESCRIPTION").rank(1).min(24),
    ];
    Listing { columns, rows, none, next }.print(app, &args.listing)
}

/// The record that an operation returns.
fn of_operation(catalog: &Catalog, id: &str) -> Result<Option<(String, std::sync::Arc<Record>)>> {
    let Ok(operation) = catalog.operation(None, id) else { return Ok(None) };
    let connector = operation.connector.name.clone();
    let Some(name) = operation.record().map(|record| record.name.clone()) else {
        return Err(Error::new(ErrorKind::UnknownOperation, format!("{id} describes no record"))
            .advise(format!("`opnode describe {id}` shows what it returns")));
    };
    Ok(catalog.record(&connector, &name)?.map(|record| (connector, record)))
}
