//! `connector from-curl`: a connector, a connection and, with `--save-as`, an operation from a curl command line. Its
//! credentials are used for one call and written nowhere.

use super::written::{WrittenConnector, check_name, write};
use crate::cli::app::App;
use crate::cli::args::FromCurlArgs;
use crate::cli::call::arguments::text::{INPUT_MAX, input};
use crate::cli::call::raw::{RawCall, send_and_save};
use crate::cli::catalog::snippet::shell;
use crate::cli::messages;
use crate::connection::ConnectionSpec;
use crate::draft::{ConnectorDraft, Curl, PagingKind, RawRequest, parse_curl};
use crate::error::{Error, ErrorKind, Result};
use crate::text_file::read_text;

/// Runs the command. Returns the exit code.
pub(crate) async fn run(app: &App, args: &FromCurlArgs) -> Result<u8> {
    let argument = if args.file == "-" { "-".to_owned() } else { format!("@{}", args.file) };
    let text = input("FILE", &argument, ErrorKind::Usage)?.text;
    let mut curl = parse_curl(&text, &read_file)?;
    if let Some(method) = args.save.method {
        curl.request.method = method.into();
    }
    let name = args.name.clone().unwrap_or_else(|| name_of(&curl.host));
    let is_known = app.catalog()?.connector_names().any(|known| known == name);
    for note in &curl.notes {
        app.screen.note(note);
    }
    let written = if is_known { None } else { Some(add(app, args, &curl, &name)?) };
    if let Some(written) = &written {
        messages::print(&written.report(&name))?;
    }
    match &args.save.save_as {
        Some(id) => save(app, args, curl, (&name, id)).await?,
        None => {
            let flag = written.as_ref().map(WrittenConnector::flag).unwrap_or_default();
            let hidden = curl.request.body.as_ref().is_some_and(|body| body.shown().1);
            let note = if hidden { "  # fill in the values that look secret or personal" } else { "" };
            messages::print(&format!("\nnext:{note}\n  {}{flag}\n", call_command(&name, &curl.request)))?;
        }
    }
    Ok(0)
}

/// A file that a command line names.
fn read_file(file: &str) -> Result<String> {
    read_text(file.as_ref(), INPUT_MAX).map_err(|why| {
        Error::new(ErrorKind::Usage, format!("the file {file} of the curl command line cannot be read: {why}"))
            .advise("run the command in the folder of the file, or replace @FILE by its text")
    })
}

fn add(app: &App, args: &FromCurlArgs, curl: &Curl, name: &str) -> Result<WrittenConnector> {
    check_name(app, name)?;
    let draft = ConnectorDraft {
        name: name.to_owned(),
        base_url: curl.base_url.clone(),
        auth: curl.auth.clone(),
        paging: PagingKind::None,
    };
    write(app, &draft, args.into.as_deref())
}

/// Sends the request with the credentials of the command line, and saves the operation.
async fn save(app: &App, args: &FromCurlArgs, curl: Curl, (name, id): (&str, &str)) -> Result<()> {
    let folder = args.into.as_deref();
    let call = RawCall { app, request: curl.request, save: &args.save, yes: args.yes, timeout: None, folder };
    let connector = call.catalog()?.connector(name)?;
    let values = curl.secrets.iter().map(|secret| (secret.property.to_owned(), secret.value.clone()));
    let values = values.filter(|(property, _)| connector.property(property).is_some());
    let spec = ConnectionSpec {
        connector: name.to_owned(),
        name: Some(name.to_owned()),
        values: values.collect(),
        ..ConnectionSpec::default()
    };
    send_and_save(&call, id, &spec).await
}

/// `api.acme.example` as `acme`.
fn name_of(host: &str) -> String {
    let is_address = host.chars().all(|c| c.is_ascii_digit() || c == '.' || c == ':' || c == '[' || c == ']');
    let labels: Vec<&str> = host.split('.').filter(|l| !matches!(*l, "api" | "www" | "rest" | "app" | "")).collect();
    let label = labels.iter().rev().nth(1).or(labels.first()).copied().unwrap_or_default();
    let name: String = label.to_ascii_lowercase().chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
    if is_address || !name.starts_with(|c: char| c.is_ascii_lowercase()) { "my-api".to_owned() } else { name }
}

/// The request as a call.
fn call_command(name: &str, request: &RawRequest) -> String {
    let mut words = vec![format!("opnode call -c {name} {} {}", request.verb, shell(&request.path))];
    words.extend(request.in_path.iter().chain(&request.query).map(|(n, v)| shell(&format!("{n}={v}"))));
    words.extend(request.headers.iter().map(|(n, v)| format!("-H {}", shell(&format!("{n}: {v}")))));
    if let Some(body) = &request.body {
        if !body.content_type.contains("json") {
            words.push(format!("-H {}", shell(&format!("content-type: {}", body.content_type))));
        }
        words.push(format!("--body {}", shell(&body.shown().0)));
    }
    words.join(" ")
}
