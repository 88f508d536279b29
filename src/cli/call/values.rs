//! `values`: the values that an option can have, from the query that its definition names.

use std::sync::Arc;

use serde_json::Value;

use super::arguments::options::of_pairs;
use crate::call::CallOptions;
use crate::cli::app::App;
use crate::cli::args::{ListForm, ValuesArgs};
use crate::cli::catalog::snippet::plain_value;
use crate::cli::connections::route::ConnectionRoute;
use crate::cli::listing::Listing;
use crate::cli::messages;
use crate::cli::screen::TableColumn;
use crate::cli::signals::Signals;
use crate::definition::{Operation, OptionRule, ValueSource};
use crate::error::{Advice, Error, ErrorKind, Result, did_you_mean};
use crate::item::Item;
use crate::json_text::fields_of;
use crate::{Cancel, Options};

/// Runs the command. Returns the exit code.
pub(crate) async fn run(app: &App, args: &ValuesArgs) -> Result<u8> {
    let cancel = Cancel::default();
    let signals = Signals::listen(&cancel);
    match fetched(app, args, &cancel).await {
        Err(error) if error.kind() == ErrorKind::Cancelled => signals.exit_code().ok_or(error),
        found => {
            let found = found?;
            found.notes.iter().for_each(|note| app.screen.warn(note));
            print(app, args, &found)
        }
    }
}

/// The values with their labels, as JSON.
pub(crate) async fn choices(app: &App, args: &ValuesArgs) -> Result<Vec<Choice>> {
    fetched(app, args, &Cancel::default()).await.map(|found| found.rows)
}

/// A value and its label, as JSON.
type Choice = (String, Option<String>);

/// What the query has returned.
struct FoundValues {
    rows: Vec<Choice>,
    items: usize,
    source: Arc<ValueSource>,
    notes: Vec<String>,
}

async fn fetched(app: &App, args: &ValuesArgs, cancel: &Cancel) -> Result<FoundValues> {
    let engine = app.engine(args.system.sandbox)?;
    let catalog = engine.catalog();
    let fits = |connector: &str| catalog.operation(Some(connector), &args.operation).is_ok();
    if let Some(error) = catalog.operation(None, &args.operation).err().filter(|_| !catalog.connector_names().any(fits))
    {
        return Err(error);
    }
    let route = ConnectionRoute::choose(app, &args.system, &fits, &args.operation)?;
    let operation = catalog.operation(route.connector(), &args.operation)?;
    let source = source(&operation, option(&operation, &args.option)?)?;
    let query = catalog.operation(Some(&operation.connector.name), &source.operation)?;
    let mut options = Options::default();
    for (name, value) in &source.options {
        options.insert_json(name, &value.0).map_err(|e| {
            Error::new(ErrorKind::Definition, format!("the option `{name}` of the values of `{}`: {e}", args.option))
        })?;
    }
    options.extend(&of_pairs(&query, &args.set)?);
    let open = route.open(app, &engine, &operation.connector.name).await?;
    let with = CallOptions { items_max: args.limit, cancel: cancel.clone(), ..CallOptions::default() };
    let reply = open.session.query(&query.id, options, &with)?.collect().await?;
    let label = |item: Item<'_>| source.label.as_ref().and_then(|at| find(item.as_str(), at.tokens()));
    let row = |item: Item<'_>| Some((find(item.as_str(), source.value.tokens())?, label(item)));
    let rows = reply.items.iter().filter_map(row).collect();
    Ok(FoundValues { rows, items: reply.items.len(), source, notes: reply.receipt.notes })
}

fn option<'o>(operation: &'o Operation, name: &str) -> Result<&'o OptionRule> {
    operation.option(name).ok_or_else(|| {
        let hint = did_you_mean(name, operation.options.iter().map(|o| o.name.as_str()));
        Error::new(ErrorKind::InvalidOptions, format!("{} has no option `{name}`{hint}", operation.id))
            .advise(Advice::DescribeOperation(operation.id.clone()))
    })
}

fn source(operation: &Operation, option: &OptionRule) -> Result<Arc<ValueSource>> {
    option.values.clone().ok_or_else(|| {
        let has = |o: &&OptionRule| o.values.is_some();
        let others: Vec<&str> = operation.options.iter().filter(has).map(|o| o.name.as_str()).collect();
        let advice = match others.as_slice() {
            [] => "no option of it does; add `values: { operation: …, value: /id, label: /name }` to its definition"
                .to_owned(),
            names => format!("these options do: {}", names.join(", ")),
        };
        let message = format!("the definition of {} names no query for the values of `{}`", operation.id, option.name);
        Error::new(ErrorKind::Unsupported, message).advise(advice)
    })
}

fn print(app: &App, args: &ValuesArgs, found: &FoundValues) -> Result<u8> {
    let FoundValues { rows, items, source, .. } = found;
    if rows.len() < *items {
        let missing = items - rows.len();
        let (operation, value) = (&source.operation, &source.value);
        app.screen.warn(&format!("{missing} of {items} items of {operation} have no value at {value}"));
    }
    let line = |(value, label): &(String, Option<String>)| {
        let label = label.as_ref().map(|label| format!(",\"label\":{label}")).unwrap_or_default();
        format!("{{\"value\":{value}{label}}}")
    };
    match args.format {
        ListForm::Text => {
            let cells = |(value, label): &(String, Option<String>)| {
                (vec![plain_value(value), label.as_deref().map(plain_value).unwrap_or_default()], Value::Null)
            };
            let columns = vec![TableColumn::whole("VALUE").rank(2), TableColumn::text("LABEL").rank(1).min(16)];
            let none = format!("{} returns no values for `{}`", source.operation, args.option);
            let next = format!("--set {}=VALUE sets one", args.option);
            let listing = crate::cli::args::ListingArgs { format: ListForm::Text };
            return Listing { columns, rows: rows.iter().map(cells).collect(), none, next }.print(app, &listing);
        }
        ListForm::Ndjson if rows.is_empty() => {}
        ListForm::Ndjson => messages::print(&rows.iter().map(|row| line(row) + "\n").collect::<String>())?,
        ListForm::Json => messages::print(&format!("[{}]", rows.iter().map(line).collect::<Vec<_>>().join(",")))?,
    }
    Ok(u8::from(rows.is_empty()))
}

/// The value at a path of an item, digit for digit.
fn find(json: &str, path: &[String]) -> Option<String> {
    let Some((first, rest)) = path.split_first() else { return (json != "null").then(|| json.to_owned()) };
    let fields = fields_of(json)?;
    let (_, value) = fields.iter().find(|(name, _)| name == first)?;
    find(value.get(), rest)
}
