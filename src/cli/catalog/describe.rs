//! `describe`: prints the options, items, result and examples of an operation.

use std::fmt::Write as _;
use std::sync::Arc;

use super::fields::{self, Choices, Field, is_shortened};
use super::record;
use super::shared::{MAX_WIDTH, indented, to_json};
use super::snippet::{Snippet, has_sandbox, shell, step_id};
use crate::cli::app::App;
use crate::cli::args::{DescribeArgs, DescribeForm};
use crate::cli::connections::file::example_name;
use crate::cli::messages;
use crate::cli::screen::json;
use crate::cli::screen::{terminal_text, width};
use crate::definition::{Catalog, ItemRule, Operation, Record, ResultShape, Send, Template};
use crate::error::{Error, ErrorKind, Result, nearest};
use crate::json_text::fields_of;

/// Prints it.
pub(crate) fn run(app: &App, args: &DescribeArgs) -> Result<()> {
    let catalog = app.catalog()?;
    let name = &args.operation;
    if args.record {
        let (connector, record) = catalog.find_record(name)?;
        return record::describe(app, &catalog, &connector, &record, args);
    }
    let operation = match catalog.operation(None, name) {
        Ok(operation) => operation,
        Err(error) => {
            return match catalog.find_record(name) {
                Ok((connector, record)) => record::describe(app, &catalog, &connector, &record, args),
                // The record is there, in several connectors or with faults.
                Err(other) if is_ambiguous_record(&catalog, name) => Err(other),
                Err(_) => Err(or_template(&catalog, name, error)),
            };
        }
    };
    let text = match args.format {
        DescribeForm::Text => to_text(app, &catalog, &operation, args.all)?,
        DescribeForm::Json => to_json(&crate::describe::details(&operation))?,
    };
    messages::print(&text)?;
    if args.format == DescribeForm::Text {
        if !args.all && has_shortened(&operation) {
            app.screen.note("some lists of values are shortened; --all shows all values");
        }
        if catalog.record(&operation.connector.name, &operation.id).is_ok_and(|record| record.is_some()) {
            app.screen.note(&format!("{name} is also a record; `opnode describe {name} --record` shows it"));
        }
    }
    Ok(())
}

/// Whether records have this name, although it leads to none.
fn is_ambiguous_record(catalog: &Catalog, name: &str) -> bool {
    let own = name.rsplit('/').next().unwrap_or_default();
    catalog.connector_names().any(|c| catalog.record_names(c).is_ok_and(|mut names| names.any(|n| n == own)))
}

/// If the name is a template, an error that says so.
fn or_template(catalog: &Catalog, name: &str, error: Error) -> Error {
    let Ok(template) = catalog.template(None, name) else { return or_nearest_record(catalog, name, error) };
    let id = &template.operation.id;
    Error::new(ErrorKind::UnknownOperation, format!("{name} is a template, not an operation: {}", template.title))
        .advise(format!("`opnode template {name}` prints it; `opnode describe {id}` shows its operation"))
}

/// With the record that was perhaps meant, unless the error names an operation.
fn or_nearest_record(catalog: &Catalog, name: &str, error: Error) -> Error {
    let records = catalog.connector_names().filter_map(|connector| catalog.record_names(connector).ok()).flatten();
    match nearest(name, records) {
        Some(record) if error.kind() == ErrorKind::UnknownOperation && !error.message.contains("did you mean") => {
            Error::new(error.kind(), format!("{}; did you mean the record `{record}`?", error.message))
                .advise(format!("`opnode describe {record}` shows it"))
        }
        _ => error,
    }
}

fn to_text(app: &App, catalog: &Catalog, operation: &Arc<Operation>, all: bool) -> Result<String> {
    let how =
        Layout { width: width::columns().min(MAX_WIDTH), choices: if all { Choices::All } else { Choices::Some } };
    let mut out = String::new();
    put_head(&mut out, operation, how.width);
    put_options(&mut out, operation, how);
    if let Some(rule) = &operation.items {
        put_items(&mut out, operation, rule, how);
    }
    put_response(&mut out, operation, how);
    put_examples(&mut out, app, catalog, operation)?;
    Ok(out)
}

/// Whether a list of values is shortened.
fn has_shortened(operation: &Operation) -> bool {
    operation.options.iter().any(|option| is_shortened(&option.schema.to_value()))
        || operation.items.as_ref().is_some_and(|rule| is_shortened(&rule.schema))
        || operation.record().is_some_and(|record| is_shortened(&record.schema.to_value()))
}

/// Layout of field tables.
#[derive(Clone, Copy)]
struct Layout {
    width: usize,
    choices: Choices,
}

// Writing to a String cannot fail, so the results of `writeln!` are dropped below.

fn put_head(out: &mut String, operation: &Operation, width: usize) {
    out.push_str(&terminal_text::fold(&format!("{}: {}", operation.id, operation.title), width));
    let paged = if operation.is_paged() { ", all pages are fetched" } else { "" };
    let line = format!("  {} of {}: {}{paged}", operation.method, operation.connector.name, operation.request_line());
    out.push_str(&terminal_text::fold(&line, width));
    if let Some(instead) = &operation.deprecated {
        let hint = instead.as_ref().map(|i| format!("; use {i}")).unwrap_or_default();
        let _ok = writeln!(out, "  deprecated{hint}");
    }
    if let Some(text) = &operation.description {
        out.push('\n');
        for line in terminal_text::wrap(&terminal_text::safe(text), width.saturating_sub(2)) {
            let _ok = writeln!(out, "  {line}");
        }
    }
}

fn put_options(out: &mut String, operation: &Operation, how: Layout) {
    if operation.options.is_empty() {
        let _ok = writeln!(out, "\nOptions: none");
        return;
    }
    let fields: Vec<Field> = operation
        .options
        .iter()
        .map(|option| {
            let from_item = operation.item_may_fill(option);
            let mut field =
                Field::of(&option.name, &fields::shown(&option.schema.0), option.required && !from_item, how.choices);
            let values = option.values.as_ref().map(|source| fields::values_text(&source.operation));
            let from_item = from_item.then(|| "required here or as a field of each item".to_owned());
            for said in values.into_iter().chain(from_item) {
                let between = if field.text.is_empty() { "" } else { "; " };
                field.text = format!("{}{between}{said}", field.text);
            }
            field
        })
        .collect();
    let star = if fields.iter().any(|f| f.required) { " (* required)" } else { "" };
    let _ok = writeln!(out, "\nOptions{star}");
    out.push_str(&fields::lay_out(&fields, 2, how.width));
    if operation.can_walk_forward_only() {
        let _ok = writeln!(out, "  --forward-only reads by key: no gaps while records are added or deleted");
    }
}

fn put_items(out: &mut String, operation: &Operation, rule: &ItemRule, how: Layout) {
    let sent = match rule.send {
        Send::Each => "one request for each item",
        Send::All => "all items in one request",
        Send::Chunk(_) => "several items in one request",
        Send::JsonPatch(_) => "one request for each item, which changes only these fields; null removes a field",
    };
    let needed = if rule.required { "" } else { "; optional" };
    out.push('\n');
    out.push_str(&terminal_text::fold(&format!("Items ({sent}{needed})"), how.width));
    let fields = fields::of_schema(&rule.schema, &field_order(operation, rule), how.choices);
    if fields.is_empty() {
        let _ok = writeln!(out, "  any object");
    }
    out.push_str(&fields::lay_out(&fields, 2, how.width));
    if let Some(sample) = &rule.sample {
        let _ok = writeln!(out, "\nExample item\n{}", indented(&json::pretty(&sample.0)));
    }
}

/// The order of fields in the definition: first those of the sample, then those of the record.
fn field_order(operation: &Operation, rule: &ItemRule) -> Vec<String> {
    let names = |text: &str| fields_of(text).unwrap_or_default().into_iter().map(|(name, _)| name).collect::<Vec<_>>();
    let mut order = rule.sample.as_ref().map(|s| names(&s.0)).unwrap_or_default();
    order.extend(operation.record().map(property_order).unwrap_or_default());
    order
}

fn property_order(record: &Record) -> Vec<String> {
    let fields = fields_of(&record.schema.0).unwrap_or_default();
    let properties = fields.iter().find(|(name, _)| name == "properties").map(|(_, raw)| raw.get());
    properties.and_then(fields_of).unwrap_or_default().into_iter().map(|(name, _)| name).collect()
}

fn put_response(out: &mut String, operation: &Operation, how: Layout) {
    let what = match operation.response.result {
        ResultShape::List => "a list of records, one item each",
        ResultShape::Object => "one item: the record",
        ResultShape::Count => "one item: { \"count\": … }",
        ResultShape::None => "no items",
        ResultShape::File => "one item: { contentType, fileName, size, sha256, data (base64, or with --files a path) }",
        ResultShape::Report => "a list of rows, one item each",
        ResultShape::Text => "one item: { contentType, text }",
    };
    let kept: Vec<&str> = operation.kept_names().collect();
    let beside = if kept.is_empty() { String::new() } else { format!("; in the receipt: {}", kept.join(", ")) };
    let title = operation.record().map(|record| format!(" ({})", record.title)).unwrap_or_default();
    out.push('\n');
    out.push_str(&terminal_text::fold(&format!("Result: {what}{title}{beside}"), how.width));
    let Some(record) = operation.record() else { return };
    let fields = fields::of_schema(&fields::shown(&record.schema.0), &property_order(record), how.choices);
    out.push_str(&fields::lay_out(&fields, 2, how.width));
    let _ok = writeln!(out, "\nExample record\n{}", indented(&json::pretty(&record.sample.0)));
}

fn put_examples(out: &mut String, app: &App, catalog: &Catalog, operation: &Arc<Operation>) -> Result<()> {
    let template = Template::automatic(operation);
    let snippet = Snippet::of(catalog, &template);
    let name = example_name(app, &operation.connector.name).unwrap_or_else(|| "NAME".to_owned());
    if has_sandbox(catalog, &operation.connector.name) {
        let _ok = writeln!(out, "\nCommand for the mock server\n{}", indented(&snippet.command("--sandbox")));
    }
    let _ok = writeln!(out, "\nCommand\n{}", indented(&snippet.command(&format!("--connection {}", shell(&name)))));
    let _ok = writeln!(out, "\nStep of a batch file\n{}", indented(snippet.batch(&step_id(&operation.id))?.trim_end()));
    Ok(())
}
