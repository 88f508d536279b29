//! `connectors`, `operations` and `templates`: what there is, or what a search finds.

use crate::cli::app::App;
use crate::cli::args::{ListingArgs, SearchArgs};
use crate::cli::listing::Listing;
use crate::cli::screen::{TableColumn, terminal_text};
use crate::connection::needs_account;
use crate::definition::{Catalog, Operation, Template};
use crate::describe;
use crate::error::{Error, Result};

/// Columns for names, titles and addresses, at least: longer names have lines of their own.
const NAME_LEAST: usize = 32;
const TITLE_LEAST: usize = 24;
const REQUEST_LEAST: usize = 28;

/// `connectors`.
pub(crate) fn connectors(app: &App, args: &ListingArgs) -> Result<u8> {
    let catalog = app.catalog()?;
    let mut rows = Vec::new();
    for name in catalog.connector_names() {
        let connector = match catalog.connector(name) {
            Ok(connector) => connector,
            Err(error) => {
                left_out(app, &error);
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
    let columns = vec![
        TableColumn::whole("CONNECTOR").rank(3),
        TableColumn::text("TITLE").rank(2).least(16),
        TableColumn::text("A CONNECTION NEEDS").rank(1).least(24),
    ];
    Listing { columns, rows, none, next }.print(app, args)
}

/// `operations`.
pub(crate) fn operations(app: &App, args: &SearchArgs) -> Result<u8> {
    let catalog = app.catalog()?;
    let words = words(args);
    let several = catalog.connector_names().count() > 1;
    let mut rows = Vec::new();
    for connector in chosen(&catalog, args)? {
        let (operations, wrong) = catalog.sound_operations(&connector)?;
        wrong.iter().for_each(|error| left_out(app, error));
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
    let columns = vec![
        TableColumn::whole("OPERATION").rank(3).least(NAME_LEAST),
        TableColumn::whole("METHOD").rank(4),
        TableColumn::text("TITLE").rank(2).least(TITLE_LEAST),
        TableColumn::value("REQUEST").rank(1).least(REQUEST_LEAST).may_go(),
    ];
    Listing { columns, rows, none: nothing("operation", args), next }.print(app, &args.listing)
}

/// Tells on a line of what a listing leaves out because its definition is wrong.
fn left_out(app: &App, error: &Error) {
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
    app.screen.warn(&format!("left out: {place}{}{more}", terminal_text::one_line(&first.message)));
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
pub(crate) fn templates(app: &App, args: &SearchArgs) -> Result<u8> {
    let catalog = app.catalog()?;
    let words = words(args);
    let several = catalog.connector_names().count() > 1;
    let mut rows = Vec::new();
    for connector in chosen(&catalog, args)? {
        let (templates, wrong) = catalog.sound_templates(&connector)?;
        wrong.iter().for_each(|error| left_out(app, error));
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
    let columns = vec![
        TableColumn::whole("TEMPLATE").rank(3).least(NAME_LEAST),
        TableColumn::whole("METHOD").rank(4),
        TableColumn::text("TITLE").rank(2).least(TITLE_LEAST),
        TableColumn::whole("OPERATION").rank(1).least(NAME_LEAST).may_go(),
    ];
    Listing { columns, rows, none: nothing("template", args), next }.print(app, &args.listing)
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
