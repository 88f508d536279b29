//! `connectors`, `operations` and `templates`: lists.

use serde_json::Value;

use super::search;
use super::shared::{
    DESCRIBE_NEXT, NAME_MIN, REQUEST_MIN, TEMPLATE_NEXT, TITLE_MIN, UNCHECKED, qualified, warn_omitted,
};
use crate::cli::app::App;
use crate::cli::args::{ListingArgs, SearchArgs};
use crate::cli::listing::{Listing, ListingRow};
use crate::cli::screen::TableColumn;
use crate::connection::needs_account;
use crate::definition::{Catalog, OperationSummary, Template};
use crate::describe;
use crate::error::Result;

/// `connectors`.
pub(crate) fn connectors(app: &App, args: &ListingArgs) -> Result<u8> {
    let catalog = app.catalog()?;
    let mut rows = Vec::new();
    for name in catalog.connector_names() {
        let connector = match catalog.connector(name) {
            Ok(connector) => connector,
            Err(error) => {
                warn_omitted(app, &error);
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
    let none = "there are no connectors; name a folder of definitions with --definitions".to_owned();
    let next = "`opnode operations --connector NAME` lists the operations of one".to_owned();
    let columns = vec![
        TableColumn::whole("CONNECTOR").rank(3),
        TableColumn::text("TITLE").rank(2).min(16),
        TableColumn::text("A CONNECTION NEEDS").rank(1).min(24),
    ];
    Listing { columns, rows, none, next }.print(app, args)
}

/// `operations`.
pub(crate) fn operations(app: &App, args: &SearchArgs) -> Result<u8> {
    if let Some(text) = searched(args) {
        return search::operations(app, args, text);
    }
    let catalog = app.catalog()?;
    let several = catalog.connector_names().count() > 1;
    let list = catalog.list_operations(&chosen(&catalog, args)?)?;
    list.errors.iter().for_each(|error| warn_omitted(app, error));
    let rows = list.found.into_iter().map(|summary| OperationRow { summary, several }).collect();
    if list.is_unchecked {
        app.screen.note(UNCHECKED);
    }
    let next = DESCRIBE_NEXT.to_owned();
    let columns = vec![
        TableColumn::whole("OPERATION").rank(3).min(NAME_MIN),
        TableColumn::whole("METHOD").rank(4),
        TableColumn::text("TITLE").rank(2).min(TITLE_MIN),
        TableColumn::value("REQUEST").rank(1).min(REQUEST_MIN).optional(),
    ];
    Listing { columns, rows, none: nothing("operation"), next }.print(app, &args.listing)
}

/// An operation in a listing.
struct OperationRow {
    summary: OperationSummary,
    /// Whether there are several connectors.
    several: bool,
}

impl ListingRow for OperationRow {
    fn cells(&self) -> Vec<String> {
        let OperationSummary { connector, id, method, title, request, .. } = &self.summary;
        vec![qualified(connector, id, self.several), method.to_string(), title.clone(), request.clone()]
    }

    fn json(&self) -> Value {
        describe::summary(&self.summary)
    }
}

/// `templates`.
pub(crate) fn templates(app: &App, args: &SearchArgs) -> Result<u8> {
    if let Some(text) = searched(args) {
        return search::templates(app, args, text);
    }
    let catalog = app.catalog()?;
    let several = catalog.connector_names().count() > 1;
    let mut rows = Vec::new();
    for connector in chosen(&catalog, args)? {
        let (templates, wrong) = catalog.sound_templates(&connector)?;
        wrong.iter().for_each(|error| warn_omitted(app, error));
        rows.extend(templates.iter().map(|t| (template_row(t, several), describe::template(t))));
    }
    let next = TEMPLATE_NEXT.to_owned();
    let columns = vec![
        TableColumn::whole("TEMPLATE").rank(3).min(NAME_MIN),
        TableColumn::whole("METHOD").rank(4),
        TableColumn::text("TITLE").rank(2).min(TITLE_MIN),
        TableColumn::whole("OPERATION").rank(1).min(NAME_MIN).optional(),
    ];
    Listing { columns, rows, none: nothing("template"), next }.print(app, &args.listing)
}

fn template_row(template: &Template, several: bool) -> Vec<String> {
    let operation = &template.operation;
    vec![
        qualified(&operation.connector.name, &template.name, several),
        operation.method.to_string(),
        template.title.clone(),
        operation.id.clone(),
    ]
}

/// The connectors of a listing; an unknown name is an error.
fn chosen(catalog: &Catalog, args: &SearchArgs) -> Result<Vec<String>> {
    match &args.connector {
        Some(name) => catalog.connector(name).map(|c| vec![c.name.clone()]),
        None => Ok(catalog.connector_names().map(str::to_owned).collect()),
    }
}

/// The text of a search, if there is one.
fn searched(args: &SearchArgs) -> Option<String> {
    let words: Vec<&str> = args.words.iter().chain(&args.search).map(|text| text.trim()).collect();
    Some(words.join(" ")).filter(|text| !text.is_empty())
}

fn nothing(what: &str) -> String {
    format!("there are no {what}s; name a folder of definitions with --definitions")
}
