//! Builds a call from the arguments: operation, template, options and items. Reads input files; sends nothing.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::arguments::{items, options};
use super::ask;
use super::progress::JobWatch;
use crate::call::{CallOptions, CallerValues, Request, ResolvedCall, resolve};
use crate::cli::app::App;
use crate::cli::args::{CallArgs, PlanForm};
use crate::cli::connections::route::{ConnectionRoute, OpenConnection};
use crate::cli::output::refuse_inputs;
use crate::cli::recording::CallFile;
use crate::definition::{Catalog, Method, Operation, Template};
use crate::error::{Error, ErrorKind, Result};
use crate::{Cancel, Engine, FileTarget, Gate, Running};

/// A call that is ready to start.
pub(crate) struct PreparedCall {
    pub(crate) connection: OpenConnection,
    pub(crate) operation: Arc<Operation>,
    pub(crate) request: Request,
    pub(crate) cancel: Cancel,
    /// The job for which it waits.
    pub(crate) job: Arc<JobWatch>,
    /// Values that the template asks for and that are not set. Plans and the sandbox use the samples instead.
    pub(crate) unset: Vec<String>,
    /// The files of options and items.
    options_file: Option<String>,
    items_file: Option<String>,
    /// The definition files and the connections file.
    other_inputs: Vec<PathBuf>,
    /// The folder of `--record`.
    record: Option<PathBuf>,
}

/// Parses the arguments and opens the connection.
pub(crate) async fn prepare(app: &App, method: Method, args: &CallArgs, items: Option<&str>) -> Result<PreparedCall> {
    if items == Some("-") && args.options.as_deref() == Some("-") {
        return Err(Error::new(ErrorKind::Usage, "--options - and --items - cannot both read standard input")
            .advise("read one of them from @FILE"));
    }
    if args.use_sample && args.template.is_none() {
        return Err(Error::new(ErrorKind::Usage, "--use-sample needs --template"));
    }
    let engine = app.engine_of(app.parts(args.system.sandbox, &args.record)?)?;
    // Leaked on purpose: freeing the definitions would take a tenth of the time of a call.
    std::mem::forget(Arc::clone(engine.catalog()));
    let (route, operation, template) = choose_operation(app, &engine, method, args)?;
    let sources = CallInput { operation: &operation, template: template.as_ref(), args, items };
    let mut filled = sources.fill(&args.set)?;
    if !filled.resolved.left.is_empty() && !args.plan && !args.system.sandbox {
        let template = template.as_ref().filter(|_| items != Some("-") && ask::is_possible(app.screen));
        let Some(template) = template else { return Err(refuse_samples(sources.template, &filled.resolved.left)) };
        let answers = ask::values(app.screen, template, &filled.resolved.left)?;
        filled = sources.fill(&[args.set.as_slice(), &answers].concat())?;
    }
    let Filled { resolved, options_file, items_file } = filled;
    let other_inputs = engine.catalog().files().map(Path::to_owned).chain(route.file()).collect();
    let connection = match args.form {
        Some(PlanForm::Curl) => route.open_for_curl(app, &engine, &operation.connector.name).await?,
        None => route.open(app, &engine, &operation.connector.name).await?,
    };
    let request = Request {
        items: resolved.items,
        files: args.output.files.clone(),
        timeout_ms: args.timeout.map(|t| u64::try_from(t.as_millis()).unwrap_or(u64::MAX)),
        ..Request::new(method, operation.id.clone(), resolved.options)
    };
    Ok(PreparedCall {
        connection,
        operation,
        request,
        cancel: Cancel::default(),
        job: Arc::default(),
        unset: resolved.left,
        options_file,
        items_file,
        other_inputs,
        record: args.record.record.clone(),
    })
}

/// The arguments of a call.
struct CallInput<'a> {
    operation: &'a Arc<Operation>,
    template: Option<&'a Template>,
    args: &'a CallArgs,
    items: Option<&'a str>,
}

/// Options and items of a call.
struct Filled {
    resolved: ResolvedCall,
    options_file: Option<String>,
    items_file: Option<String>,
}

impl CallInput<'_> {
    /// Options and items, with these pairs of `--set`.
    fn fill(&self, set: &[String]) -> Result<Filled> {
        let typed = options::read_options(self.operation, self.args, set)?;
        let use_sample = self.args.use_sample;
        let sources =
            items::ItemSources { template: self.template, argument: self.items, fields: &typed.fields, use_sample };
        let (items, items_file) = items::read_items(self.operation, &sources)?;
        let (items, covered) = items.map_or((None, None), |typed| (Some(typed.items), typed.covered));
        let over = CallerValues { options: &typed.options, items: items.as_ref(), use_sample, covered };
        let resolved = resolve(Arc::clone(self.operation), self.template, &over)?;
        Ok(Filled { resolved, options_file: typed.file, items_file })
    }
}

impl PreparedCall {
    /// Starts the call.
    pub(crate) fn begin(&self) -> Result<Running> {
        self.begin_into(None)
    }

    /// Starts the call; a file that it returns is written to a place.
    pub(crate) fn begin_into(&self, files: Option<FileTarget>) -> Result<Running> {
        if let Some(folder) = &self.record {
            self.connection.session.learn_call(&self.request).map_err(|e| self.located(e))?;
            CallFile::write(folder, self.connection.session.connection(), &self.request)?;
        }
        let gate = self.operation.job.is_some().then(|| Arc::clone(&self.job) as Arc<dyn Gate>);
        let with = CallOptions { cancel: self.cancel.clone(), files, gate, ..CallOptions::default() };
        self.connection.session.call(&self.request, &with).map_err(|e| self.located(e))
    }

    /// Refuses outputs that would overwrite a file that the call reads.
    pub(crate) fn refuse_inputs(&self, outputs: &[(&str, Option<&Path>)]) -> Result<()> {
        let typed = self.options_file.iter().chain(&self.items_file).map(Path::new);
        refuse_inputs(outputs, typed.chain(self.other_inputs.iter().map(PathBuf::as_path)))
    }

    /// Adds the file of the options or items to the places of an error.
    pub(crate) fn located(&self, error: Error) -> Error {
        let file = match error.kind() {
            ErrorKind::InvalidOptions => &self.options_file,
            ErrorKind::InvalidItems => &self.items_file,
            _ => &None,
        };
        let Some(file) = file else { return error };
        let table = items::table(&self.operation, file).filter(|_| error.kind() == ErrorKind::InvalidItems);
        error.with(|d| {
            for place in d.place.iter_mut().chain(d.faults.iter_mut().map(|f| &mut f.place)) {
                if place.file.is_none() {
                    table.iter().for_each(|table| table.locate(place));
                    place.file = Some(file.clone());
                }
            }
        })
    }
}

type ChosenOperation = (ConnectionRoute, Arc<Operation>, Option<Template>);

/// Finds the connection, then the operation in its connector: an OperationId may exist in several connectors.
fn choose_operation(app: &App, engine: &Engine, method: Method, args: &CallArgs) -> Result<ChosenOperation> {
    let catalog = engine.catalog();
    let name = args.template.as_deref().or(args.operation.as_deref()).unwrap_or_default();
    let find = |connector: Option<&str>| look_up(catalog, connector, args);
    let fits = |connector: &str| find(Some(connector)).is_ok();
    if args.system.connection.is_none() {
        // An unknown name is a more useful error than a missing connections file.
        if let Some(error) = find(None).err().filter(|e| !is_ambiguous(catalog, name, e)) {
            return Err(error);
        }
    }
    let route = ConnectionRoute::choose(app, &args.system, &fits, name)?;
    let (operation, template) = find(route.connector())?;
    check_method(method, &operation, template.as_ref())?;
    Ok((route, operation, template))
}

fn look_up(catalog: &Catalog, connector: Option<&str>, args: &CallArgs) -> Result<(Arc<Operation>, Option<Template>)> {
    match (&args.template, &args.operation) {
        (Some(name), _) => catalog.template(connector, name).map(|t| (Arc::clone(&t.operation), Some(t))),
        (None, Some(id)) => {
            catalog.operation(connector, id).map(|o| (o, None)).map_err(|e| or_template(catalog, connector, id, e))
        }
        (None, None) => Err(Error::new(ErrorKind::Usage, "name an operation or a template")),
    }
}

/// If the name is a template, an error that says so.
fn or_template(catalog: &Catalog, connector: Option<&str>, name: &str, error: Error) -> Error {
    match catalog.template(connector, name) {
        Ok(template) if error.kind() == ErrorKind::UnknownOperation => {
            let method = template.operation.method;
            let message = format!("{name} is a template, not an operation: {}", template.title);
            let advice = format!("`opnode {method} --template {name}` calls it; the other flags stay the same");
            Error::new(ErrorKind::UnknownOperation, message).advise(advice)
        }
        Ok(_) | Err(_) => error,
    }
}

/// Whether several connectors have the name; then the connection decides.
fn is_ambiguous(catalog: &Catalog, name: &str, error: &Error) -> bool {
    let has = |connector: &str| {
        catalog.operation(Some(connector), name).is_ok() || catalog.template(Some(connector), name).is_ok()
    };
    error.kind() == ErrorKind::UnknownOperation && catalog.connector_names().filter(|c| has(c)).count() > 1
}

fn check_method(method: Method, operation: &Operation, template: Option<&Template>) -> Result<()> {
    let own = operation.method;
    if own == method {
        return Ok(());
    }
    let (message, advice) = match template {
        Some(template) => (
            format!("the template {} is for {own}, not for {method}", template.name),
            format!("use `opnode {own} --template {}`", template.name),
        ),
        None => {
            (format!("{} is for {own}, not for {method}", operation.id), format!("use `opnode {own} {}`", operation.id))
        }
    };
    Err(Error::new(ErrorKind::UnknownOperation, message)
        .advise(advice)
        .with(|d| d.operation = Some(operation.id.clone())))
}

/// The error for values that are not set: sample values are not sent to a real system by accident.
fn refuse_samples(template: Option<&Template>, left: &[String]) -> Error {
    let name = template.map_or("", |t| t.name.as_str());
    let option = left.iter().find_map(|p| p.strip_prefix("/options/"));
    let field = left.iter().find_map(|p| p.strip_prefix("/items/")).map(|f| f.replace('/', "."));
    let flag = match (option, field) {
        (Some(option), _) => format!("--set {option}=…"),
        (None, Some(field)) => format!("--set items.{field}=…"),
        (None, None) => "--items '[{…}]', or field by field with --set items.0.FIELD=…".to_owned(),
    };
    let advice = format!(
        "set it with {flag}; --plan shows the request, --sandbox uses the mock server, --use-sample sends the sample values"
    );
    Error::new(ErrorKind::InvalidOptions, format!("the template {name} needs values: {}", shown(left).join(", ")))
        .advise(advice)
}

/// Pointers as names for `--set`.
pub(crate) fn shown(left: &[String]) -> Vec<String> {
    left.iter()
        .map(|p| p.strip_prefix("/options/").map_or_else(|| p.trim_start_matches('/').replace('/', "."), str::to_owned))
        .collect()
}
