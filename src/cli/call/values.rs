//! `values`: the values that an option or a field can have, from the query that its definition names.

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
use crate::definition::{Catalog, Operation, Record, ValueSource, field_values, operation_fields, record_fields};
use crate::error::{Advice, Error, ErrorKind, Result, did_you_mean};
use crate::item::Item;
use crate::json_text::fields_of;
use crate::{Cancel, Options, Receipt, Session};

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
pub(crate) type Choice = (String, Option<String>);

/// What the query has returned.
struct FoundValues {
    rows: Vec<Choice>,
    items: usize,
    source: Arc<ValueSource>,
    is_option: bool,
    notes: Vec<String>,
}

async fn fetched(app: &App, args: &ValuesArgs, cancel: &Cancel) -> Result<FoundValues> {
    let engine = app.engine(args.system.sandbox)?;
    let catalog = engine.catalog();
    let name = args.name.as_ref().or(args.operation.as_ref()).map(String::as_str).unwrap_or_default();
    let fits = |connector: &str| holder(catalog, connector, name).is_ok();
    if let Some(error) = catalog.operation(None, name).err().filter(|_| !catalog.connector_names().any(fits)) {
        return Err(error);
    }
    let route = ConnectionRoute::choose(app, &args.system, &fits, name)?;
    let connector = match route.connector() {
        Some(connector) => connector.to_owned(),
        None => of_one(catalog, name)?,
    };
    let holder = holder(catalog, &connector, name)?;
    let source = holder.source(&args.option)?;
    let query = catalog.operation(Some(&connector), &source.operation)?;
    let own = of_pairs(&query, &args.set)?;
    let open = route.open(app, &engine, &connector).await?;
    let with = CallOptions { items_max: args.limit, cancel: cancel.clone(), ..CallOptions::default() };
    let reply = read(&open.session, &source, &own, &with).await?;
    let is_option = matches!(&holder, ValuesHolder::Operation(own) if own.option(&args.option).is_some());
    Ok(FoundValues { rows: reply.rows, items: reply.items, source, is_option, notes: reply.receipt.notes })
}

/// What the query of values has returned.
pub(crate) struct ReadValues {
    pub(crate) rows: Vec<Choice>,
    /// Number of its items; those without a value have no row.
    items: usize,
    pub(crate) receipt: Receipt,
}

/// The query that returns the values of an option of an operation, or of a field of its items or its record.
///
/// # Errors
/// `invalid_options` when there is none of this name, `unsupported` when it has no query.
#[cfg(feature = "studio")]
pub(crate) fn source(catalog: &Catalog, connector: &str, operation: &str, name: &str) -> Result<Arc<ValueSource>> {
    holder(catalog, connector, operation)?.source(name)
}

/// Reads values; `own` are options of the query besides those of its definition.
///
/// # Errors
/// Those of the query.
pub(crate) async fn read(
    session: &Session,
    source: &ValueSource,
    own: &Options,
    with: &CallOptions,
) -> Result<ReadValues> {
    let mut options = Options::default();
    for (name, value) in &source.options {
        options.insert_json(name, &value.0).map_err(|e| {
            let message = format!("the option `{name}` of the query of values, {}: {e}", source.operation);
            Error::new(ErrorKind::Definition, message)
        })?;
    }
    options.extend(own);
    let reply = session.query(&source.operation, options, with)?.collect().await?;
    let label = |item: Item<'_>| source.label.as_ref().and_then(|at| find(item.as_str(), at.tokens()));
    let row = |item: Item<'_>| Some((find(item.as_str(), source.value.tokens())?, label(item)));
    let rows = reply.items.iter().filter_map(row).collect();
    Ok(ReadValues { rows, items: reply.items.len(), receipt: reply.receipt })
}

/// What has options or fields.
enum ValuesHolder {
    Operation(Arc<Operation>),
    Record(Arc<Record>),
}

/// The operation or record of this name in a connector.
fn holder(catalog: &Catalog, connector: &str, name: &str) -> Result<ValuesHolder> {
    let error = match catalog.operation(Some(connector), name) {
        Ok(operation) => return Ok(ValuesHolder::Operation(operation)),
        Err(error) => error,
    };
    let own = match name.split_once('/') {
        Some((prefix, own)) if prefix == connector => own,
        Some(_) | None => name,
    };
    catalog.record(connector, own)?.map(ValuesHolder::Record).ok_or(error)
}

/// The connector of a name that only one has.
fn of_one(catalog: &Catalog, name: &str) -> Result<String> {
    match catalog.operation(None, name) {
        Ok(operation) => Ok(operation.connector.name.clone()),
        Err(_) => catalog.find_record(name).map(|(connector, _)| connector),
    }
}

impl ValuesHolder {
    /// The query that returns the values of an option or a field.
    fn source(&self, name: &str) -> Result<Arc<ValueSource>> {
        let (id, options, fields) = match self {
            ValuesHolder::Operation(operation) => (&operation.id, &*operation.options, operation_fields(operation)),
            ValuesHolder::Record(record) => (&record.name, &[][..], record_fields(record)),
        };
        let option = options.iter().find(|option| option.name == name);
        let values = option.and_then(|option| option.values.clone());
        if let Some(values) = values.or_else(|| field_values(&fields, name)) {
            return Ok(values);
        }
        if option.is_none() && !fields.iter().any(|field| field.path == name) {
            let names = options.iter().map(|o| o.name.as_str()).chain(fields.iter().map(|field| field.path.as_str()));
            let hint = did_you_mean(name, names);
            let what = match (options.is_empty(), fields.is_empty()) {
                (_, true) => "option",
                (true, false) => "field",
                (false, false) => "option or field",
            };
            return Err(Error::new(ErrorKind::InvalidOptions, format!("{id} has no {what} `{name}`{hint}"))
                .advise(Advice::DescribeOperation(id.clone())));
        }
        let of_options = options.iter().filter(|o| o.values.is_some()).map(|o| o.name.as_str());
        let of_fields = fields.iter().filter(|field| field.values.is_some()).map(|field| field.path.as_str());
        let others: Vec<&str> = of_options.chain(of_fields).collect();
        let advice = match others.as_slice() {
            [] => "no option or field of it does; add `values: { operation: …, value: /id, label: /name }` to its definition"
                .to_owned(),
            names => format!("these do: {}", names.join(", ")),
        };
        let message = format!("the definition of {id} names no query for the values of `{name}`");
        Err(Error::new(ErrorKind::Unsupported, message).advise(advice))
    }
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
            let next = match found.is_option {
                true => format!("--set {}=VALUE sets one", args.option),
                false => format!("the field `{}` has one of them", args.option),
            };
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
