//! `connectors`, `operations` and `templates`: lists and searches.

use serde_json::Value;

use crate::cli::app::App;
use crate::cli::args::{ListingArgs, SearchArgs};
use crate::cli::listing::{Listing, ListingRow};
use crate::cli::screen::{TableColumn, terminal_text};
use crate::connection::needs_account;
use crate::definition::{Catalog, OperationSummary, Template};
use crate::describe;
use crate::error::{Error, Result};

/// Minimum widths of columns; longer names go on a separate line.
const NAME_MIN: usize = 32;
const TITLE_MIN: usize = 24;
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
    let catalog = app.catalog()?;
    let words = words(args);
    let several = catalog.connector_names().count() > 1;
    let fits = |summary: &OperationSummary| {
        let description = summary.description.as_deref().unwrap_or_default();
        words.is_empty() || matches(&words, &[&summary.id, &summary.title, &summary.request, description].join(" "))
    };
    let list = catalog.list_operations(&chosen(&catalog, args)?, &words, &fits)?;
    list.errors.iter().for_each(|error| warn_omitted(app, error));
    let rows = list.found.into_iter().map(|summary| OperationRow { summary, several }).collect();
    if list.is_unchecked {
        app.screen.note("the definitions of so many operations are not checked; `opnode check` checks them");
    }
    let next = "`opnode describe OPERATION_ID` shows one".to_owned();
    let columns = vec![
        TableColumn::whole("OPERATION").rank(3).min(NAME_MIN),
        TableColumn::whole("METHOD").rank(4),
        TableColumn::text("TITLE").rank(2).min(TITLE_MIN),
        TableColumn::value("REQUEST").rank(1).min(REQUEST_MIN).optional(),
    ];
    Listing { columns, rows, none: nothing("operation", args), next }.print(app, &args.listing)
}

/// Warns that an entry is omitted because its definition has faults.
fn warn_omitted(app: &App, error: &Error) {
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
fn qualified(connector: &str, name: &str, several: bool) -> String {
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
    let catalog = app.catalog()?;
    let words = words(args);
    let several = catalog.connector_names().count() > 1;
    let mut rows = Vec::new();
    for connector in chosen(&catalog, args)? {
        let (templates, wrong) = catalog.sound_templates(&connector)?;
        wrong.iter().for_each(|error| warn_omitted(app, error));
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
    let next = "`opnode template NAME` prints one; every OperationId is also a template name".to_owned();
    let columns = vec![
        TableColumn::whole("TEMPLATE").rank(3).min(NAME_MIN),
        TableColumn::whole("METHOD").rank(4),
        TableColumn::text("TITLE").rank(2).min(TITLE_MIN),
        TableColumn::whole("OPERATION").rank(1).min(NAME_MIN).optional(),
    ];
    Listing { columns, rows, none: nothing("template", args), next }.print(app, &args.listing)
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

/// The connectors of a search; an unknown name is an error.
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
        Some(text) => format!("no {what} contains {text}"),
        None => format!("there are no {what}s; name a folder of definitions with --definitions"),
    }
}
