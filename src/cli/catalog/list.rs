//! `connectors`, `operations` and `templates`: lists.

use serde_json::Value;

use super::search;
use crate::cli::app::App;
use crate::cli::args::{ListingArgs, SearchArgs};
use crate::cli::listing::{Listing, ListingRow};
use crate::cli::screen::{TableColumn, terminal_text};
use crate::connection::needs_account;
use crate::definition::{Catalog, OperationSummary, Template};
use crate::describe;
use crate::error::{Error, Result};

/// Minimum widths of columns; longer names go on a separate line.
pub(super) const NAME_MIN: usize = 32;
pub(super) const TITLE_MIN: usize = 24;
const REQUEST_MIN: usize = 28;

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

pub(super) const UNCHECKED: &str = "the definitions of so many operations are not checked; `opnode check` checks them";
pub(super) const DESCRIBE_NEXT: &str = "`opnode describe OPERATION_ID` shows one";
pub(super) const TEMPLATE_NEXT: &str = "`opnode template NAME` prints one; every OperationId is also a template name";

/// Warns that an entry is omitted because its definition has faults.
pub(super) fn warn_omitted(app: &App, error: &Error) {
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
    app.screen.warn(&format!("omitted: {place}{}{more}", terminal_text::one_line(&first.message)));
}

/// The name, prefixed with the connector if there are several, so that it can be pasted.
pub(super) fn qualified(connector: &str, name: &str, several: bool) -> String {
    if several { format!("{connector}/{name}") } else { name.to_owned() }
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
