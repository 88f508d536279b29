//! The listings: connectors, operations, templates, connections. Columns for people, JSON for machines.

use serde_json::{Value, json};

use super::args::{ListForm, ListingArgs, SearchArgs};
use super::connections::load;
use super::context::Context;
use super::screen;
use super::terminal_text;
use crate::connection::needs_account;
use crate::connections::{ConnectionFile, Reference, ValueFile};
use crate::definition::{Catalog, Operation, Template};
use crate::describe;
use crate::error::{Error, ErrorKind, Result};

/// A listing: the same facts as columns and as JSON.
struct Listing {
    head: Vec<&'static str>,
    rows: Vec<(Vec<String>, Value)>,
    /// What to say when there is nothing.
    none: String,
    /// What to do next.
    next: String,
}

/// `connectors`.
pub(crate) fn connectors(context: &Context, args: &ListingArgs) -> Result<()> {
    let catalog = context.catalog()?;
    let mut rows = Vec::new();
    for name in catalog.connector_names() {
        let connector = match catalog.connector(name) {
            Ok(connector) => connector,
            Err(error) => {
                left_out(context, &error);
                continue;
            }
        };
        let account = needs_account(&connector, |_| false).then_some("account");
        let properties =
            connector.properties.iter().filter(|p| !p.optional && p.default.is_none()).map(|p| p.name.as_str());
        let needs: Vec<&str> = account.into_iter().chain(properties).collect();
        let value = describe::connector(&connector);
        rows.push((vec![name.to_owned(), connector.title.clone(), needs.join(", ")], value));
    }
    let none = "no connector is built in; give a folder of definitions with --definitions".to_owned();
    let next = "`opnode operations --connector NAME` lists what one can do".to_owned();
    Listing { head: vec!["CONNECTOR", "TITLE", "A CONNECTION NEEDS"], rows, none, next }.print(context, args)
}

/// `operations`.
pub(crate) fn operations(context: &Context, args: &SearchArgs) -> Result<()> {
    let catalog = context.catalog()?;
    let words = words(args);
    let several = catalog.connector_names().count() > 1;
    let mut rows = Vec::new();
    for connector in chosen(&catalog, args)? {
        let (operations, wrong) = catalog.sound_operations(&connector)?;
        wrong.iter().for_each(|error| left_out(context, error));
        for operation in operations {
            let text = [
                &operation.id,
                &operation.title,
                &operation.request_line(),
                operation.description.as_deref().unwrap_or_default(),
            ]
            .join(" ");
            if matches(&words, &text) {
                rows.push((operation_row(&operation, several), describe::operation(&operation)));
            }
        }
    }
    let next = "`opnode describe OPERATION_ID` shows one".to_owned();
    Listing { head: vec!["OPERATION", "METHOD", "TITLE", "REQUEST"], rows, none: nothing("operation", args), next }
        .print(context, &args.listing)
}

/// Tells on a line of what a listing leaves out because its definition is wrong.
fn left_out(context: &Context, error: &Error) {
    let faults = error.to_faults();
    let Some(first) = faults.first() else { return };
    let more = match faults.len() {
        0 | 1 => String::new(),
        n => format!(", and {} more; `opnode check` shows them", n - 1),
    };
    let place = Some(first.place.to_string())
        .filter(|place| !place.is_empty())
        .map(|place| format!("{place}: "))
        .unwrap_or_default();
    context.screen.warn(&format!("left out: {place}{}{more}", terminal_text::one_line(&first.message)));
}

/// Where there are several connectors, each name says its own, so that it can be pasted as it stands.
fn name_in(connector: &str, name: &str, several: bool) -> String {
    if several { format!("{connector}/{name}") } else { name.to_owned() }
}

fn operation_row(operation: &Operation, several: bool) -> Vec<String> {
    vec![
        name_in(&operation.connector.name, &operation.id, several),
        operation.method.to_string(),
        operation.title.clone(),
        operation.request_line(),
    ]
}

/// `templates`.
pub(crate) fn templates(context: &Context, args: &SearchArgs) -> Result<()> {
    let catalog = context.catalog()?;
    let words = words(args);
    let several = catalog.connector_names().count() > 1;
    let mut rows = Vec::new();
    for connector in chosen(&catalog, args)? {
        let (templates, wrong) = catalog.sound_templates(&connector)?;
        wrong.iter().for_each(|error| left_out(context, error));
        for template in templates {
            let summary = template.summary.clone().unwrap_or_default();
            let text = [&template.name, &template.title, &summary, &template.operation.id, &template.tags.join(" ")]
                .map(String::as_str)
                .join(" ");
            if matches(&words, &text) {
                rows.push((template_row(&template, several), describe::template(&template)));
            }
        }
    }
    let next = "`opnode template NAME` prints one; every OperationId is a template too".to_owned();
    Listing { head: vec!["TEMPLATE", "METHOD", "TITLE", "OPERATION"], rows, none: nothing("template", args), next }
        .print(context, &args.listing)
}

fn template_row(template: &Template, several: bool) -> Vec<String> {
    let operation = &template.operation;
    vec![
        name_in(&operation.connector.name, &template.name, several),
        operation.method.to_string(),
        template.title.clone(),
        operation.id.clone(),
    ]
}

/// `connection list`.
pub(crate) fn connections(context: &Context, args: &ListingArgs) -> Result<()> {
    let connections = load(context)?;
    let catalog = context.catalog()?;
    let row = |name: &String, connection: &ConnectionFile| {
        let kept: Vec<String> =
            connection.values.iter().filter_map(|(property, value)| kept_in(property, value)).collect();
        let value = json!({ "connection": name, "connector": connection.connector, "account": connection.account, "kept": kept });
        let needed = || {
            catalog
                .connector(&connection.connector)
                .is_ok_and(|c| needs_account(&c, |p| connection.values.contains_key(p)))
        };
        let account = match &connection.account {
            Some(account) => account.clone(),
            None if needed() => "missing".to_owned(),
            None => "-".to_owned(),
        };
        (vec![name.clone(), connection.connector.clone(), account, kept.join(", ")], value)
    };
    let rows = connections.file.connections.0.iter().map(|(name, connection)| row(name, connection)).collect();
    let file = connections.path.display();
    let listing = Listing {
        head: vec!["CONNECTION", "CONNECTOR", "ACCOUNT", "KEPT ELSEWHERE"],
        rows,
        none: format!("{file} holds no connections"),
        next: format!("these are in {file}; `opnode connection test NAME` calls the system once"),
    };
    listing.print(context, args)
}

fn kept_in(property: &str, value: &ValueFile) -> Option<String> {
    match value {
        ValueFile::Text(_) | ValueFile::Number(_) | ValueFile::Flag(_) => None,
        ValueFile::Reference(Reference::Env(name)) => Some(format!("{property} in ${name}")),
        ValueFile::Reference(Reference::File(path)) => Some(format!("{property} in {path}")),
        ValueFile::Reference(Reference::Keyring(name)) => Some(format!("{property} in the keyring as {name}")),
    }
}

/// The connectors that a search looks at; a wrong name is an error, as everywhere.
fn chosen(catalog: &Catalog, args: &SearchArgs) -> Result<Vec<String>> {
    match &args.connector {
        Some(name) => catalog.connector(name).map(|c| vec![c.name.clone()]),
        None => Ok(catalog.connector_names().map(str::to_owned).collect()),
    }
}

fn words(args: &SearchArgs) -> Vec<String> {
    args.search.iter().flat_map(|text| text.split_whitespace()).map(str::to_lowercase).collect()
}

fn matches(words: &[String], text: &str) -> bool {
    let text = text.to_lowercase();
    words.iter().all(|word| text.contains(word))
}

fn nothing(what: &str, args: &SearchArgs) -> String {
    match &args.search {
        Some(text) => format!("no {what} has {text}"),
        None => format!("there are no {what}s; give a folder of definitions with --definitions"),
    }
}

impl Listing {
    fn print(self, context: &Context, args: &ListingArgs) -> Result<()> {
        let text = match args.format {
            ListForm::Text => self.columns(),
            ListForm::Ndjson => self.rows.iter().map(|(_, value)| format!("{value}\n")).collect(),
            ListForm::Json => {
                let all: Vec<&Value> = self.rows.iter().map(|(_, value)| value).collect();
                serde_json::to_string_pretty(&all)
                    .map_err(|e| Error::new(ErrorKind::Internal, format!("the listing: {e}")))?
            }
        };
        if !text.is_empty() {
            screen::print(&text)?;
        }
        if args.format == ListForm::Text {
            context.screen.note(if self.rows.is_empty() { &self.none } else { &self.next });
        }
        Ok(())
    }

    /// Aligned columns; the last one as long as it is.
    fn columns(&self) -> String {
        if self.rows.is_empty() {
            return String::new();
        }
        let head: Vec<String> = self.head.iter().map(|h| (*h).to_owned()).collect();
        // A pipe gets the rows alone, so that they can be counted and cut.
        let titled = std::io::IsTerminal::is_terminal(&std::io::stdout()).then_some(&head);
        let lines: Vec<&Vec<String>> = titled.into_iter().chain(self.rows.iter().map(|(row, _)| row)).collect();
        let width = |column: usize| {
            lines.iter().filter_map(|line| line.get(column)).map(|cell| terminal_text::width(cell)).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.head.len()).map(width).collect();
        let mut out = String::new();
        for line in &lines {
            let mut text = String::new();
            for (cell, width) in line.iter().zip(&widths) {
                let cell = terminal_text::one_line(cell);
                text.push_str(&cell);
                text.push_str(&" ".repeat(width.saturating_sub(terminal_text::width(&cell)) + 2));
            }
            out.push_str(text.trim_end());
            out.push('\n');
        }
        out
    }
}
