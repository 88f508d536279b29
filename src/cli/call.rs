//! From what was typed to a call: operation, options and items, a template underneath. Reads inputs; sends nothing.

use std::sync::Arc;

use super::args_call::CallArgs;
use super::connect::{Line, Route};
use super::context::Context;
use super::items;
use super::options;
use crate::definition::{Catalog, Method, Operation, Template};
use crate::engine::{CallOptions, Engine};
use crate::error::{Error, ErrorKind, Result};
use crate::item::Items;
use crate::options::Options;

/// A call that is ready to be made.
pub(crate) struct Call {
    pub(crate) line: Line,
    pub(crate) operation: Arc<Operation>,
    pub(crate) options: Options,
    pub(crate) items: Option<Items>,
    pub(crate) with: CallOptions,
    /// The files that options and items came from.
    options_file: Option<String>,
    items_file: Option<String>,
}

/// Reads what was typed and opens the connection.
pub(crate) async fn prepare(context: &Context, method: Method, args: &CallArgs, items: Option<&str>) -> Result<Call> {
    if items == Some("-") && args.options.as_deref() == Some("-") {
        return Err(
            Error::new(ErrorKind::Usage, "--options - and --items - cannot both read standard input").advise("give one of them as @FILE")
        );
    }
    let engine = context.engine(args.system.sandbox)?;
    // The process ends with the call: giving definitions back piece by piece would be a tenth of its work.
    std::mem::forget(Arc::clone(engine.catalog()));
    let (route, operation, template) = find(context, &engine, method, args)?;
    let base = template.as_ref().map(Template::to_options).unwrap_or_default();
    let given = options::given(&operation, base, args)?;
    let (items, items_file) = items::given(&operation, template.as_ref(), items)?;
    if let Some(template) = template.as_ref().filter(|_| !args.plan && !args.system.sandbox) {
        refuse_samples(template, &given.named, items.as_ref())?;
    }
    let line = route.open(context, &engine, &operation.connector.name).await?;
    let with = CallOptions { timeout: args.timeout, ..CallOptions::default() };
    let items = items.map(|g| g.items);
    Ok(Call { line, operation, options: given.options, items, with, options_file: given.file, items_file })
}

impl Call {
    /// Adds the file that a fault's options or items came from.
    pub(crate) fn located(&self, error: Error) -> Error {
        let file = match error.kind() {
            ErrorKind::InvalidOptions => &self.options_file,
            ErrorKind::InvalidItems => &self.items_file,
            _ => &None,
        };
        let Some(file) = file else { return error };
        error.with(|d| {
            for place in d.place.iter_mut().chain(d.faults.iter_mut().map(|f| &mut f.place)) {
                place.file.get_or_insert_with(|| file.clone());
            }
        })
    }
}

type Found = (Route, Arc<Operation>, Option<Template>);

/// The route, then the operation within its connector: an OperationId need not be unique over all connectors.
fn find(context: &Context, engine: &Engine, method: Method, args: &CallArgs) -> Result<Found> {
    let catalog = engine.catalog();
    let name = args.template.as_deref().or(args.operation.as_deref()).unwrap_or_default();
    let look = |connector: Option<&str>| look_up(catalog, connector, args);
    let fits = |connector: &str| look(Some(connector)).is_ok();
    if args.system.connection.is_none() {
        // A name that nothing has is better told before a connections file is missed.
        if let Some(error) = look(None).err().filter(|e| !is_ambiguous(catalog, name, e)) {
            return Err(error);
        }
    }
    let route = Route::choose(context, &args.system, &fits, name)?;
    let (operation, template) = look(route.connector())?;
    check_method(method, &operation, template.as_ref())?;
    Ok((route, operation, template))
}

fn look_up(catalog: &Catalog, connector: Option<&str>, args: &CallArgs) -> Result<(Arc<Operation>, Option<Template>)> {
    match (&args.template, &args.operation) {
        (Some(name), _) => catalog.template(connector, name).map(|t| (Arc::clone(&t.operation), Some(t))),
        (None, Some(id)) => catalog.operation(connector, id).map(|o| (o, None)),
        (None, None) => Err(Error::new(ErrorKind::Usage, "name an operation or a template")),
    }
}

/// Whether several connectors have the name, so that the connection decides.
fn is_ambiguous(catalog: &Catalog, name: &str, error: &Error) -> bool {
    let has = |connector: &str| catalog.operation(Some(connector), name).is_ok() || catalog.template(Some(connector), name).is_ok();
    error.kind() == ErrorKind::UnknownOperation && catalog.connector_names().filter(|c| has(c)).count() > 1
}

fn check_method(method: Method, operation: &Operation, template: Option<&Template>) -> Result<()> {
    let own = operation.method;
    if own == method {
        return Ok(());
    }
    let (message, advice) = match template {
        Some(template) => (
            format!("the template {} is one to {own} with, not to {method}", template.name),
            format!("opnode {own} --template {}", template.name),
        ),
        None => (format!("{} belongs to {own}, not to {method}", operation.id), format!("opnode {own} {}", operation.id)),
    };
    Err(Error::new(ErrorKind::UnknownOperation, message).advise(advice).with(|d| d.operation = Some(operation.id.clone())))
}

/// A template's samples where it asks for the caller's own values are never sent to a real system.
fn refuse_samples(template: &Template, named: &[String], items: Option<&items::Given>) -> Result<()> {
    let left: Vec<&str> = template.ask.iter().map(String::as_str).filter(|pointer| is_left(pointer, named, items)).collect();
    if left.is_empty() {
        return Ok(());
    }
    let option = left.iter().find_map(|p| p.strip_prefix("/options/"));
    let advice = match option {
        Some(name) => format!("give it with --set {name}=…; --plan shows the request, --sandbox tries it"),
        None => "give it with --items '[{…}]'; --plan shows the request, --sandbox tries it".to_owned(),
    };
    Err(Error::new(ErrorKind::InvalidOptions, format!("the template {} leaves {} to you", template.name, left.join(", "))).advise(advice))
}

fn is_left(pointer: &str, named: &[String], items: Option<&items::Given>) -> bool {
    let mut tokens = pointer.split('/').skip(1).map(|t| t.replace("~1", "/").replace("~0", "~"));
    match tokens.next().as_deref() {
        Some("options") => tokens.next().is_none_or(|name| !named.contains(&name)),
        Some("items") => {
            let field = tokens.nth(1);
            items.is_none_or(|given| !given.covers(field.as_deref()))
        }
        _ => false,
    }
}
