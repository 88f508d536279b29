//! `--save-as`: drafts an operation from the call and its reply, tries its paging, checks it, and writes it into the
//! connector's folder.

use std::path::{Path, PathBuf};

use super::raw_call::RawCall;
use super::show::ShownExchange;
use super::trial::Trials;
use crate::ConnectionSpec;
use crate::cli::app::own_definitions;
use crate::cli::args::SaveArgs;
use crate::cli::catalog::snippet::shell;
use crate::cli::connections::file;
use crate::cli::messages;
use crate::cli::new_files;
use crate::definition::{Catalog, Method};
use crate::draft::{Chosen, Draft, RecordChoice, Section, Seen, add_entry, add_key, area_of, record_name, title_of};
use crate::error::{Error, ErrorKind, Place, Result};

/// Refuses an id that the connector has, and a file that cannot have operations.
pub(super) fn check_new(catalog: &Catalog, connector: &str, id: &str, save: &SaveArgs) -> Result<()> {
    area(save.area.as_deref())?;
    let is_name = id.starts_with(|c: char| c.is_ascii_alphabetic())
        && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    if !is_name {
        return Err(Error::new(
            ErrorKind::Usage,
            format!("--save-as {id}: an OperationId has letters, digits, - and _"),
        )
        .advise("nothing was sent; a name such as listBooks is usual"));
    }
    if catalog.operation_ids(connector)?.any(|known| known == id) {
        return Err(Error::new(ErrorKind::Usage, format!("{connector} has an operation {id} already"))
            .advise("nothing was sent; choose another id, or remove the operation from its file"));
    }
    Ok(())
}

/// Saves a call over a connection of the connections file: its name and its connector.
pub(super) async fn save(
    call: &RawCall<'_>,
    id: &str,
    (connection, _): (&str, &str),
    seen: Option<ShownExchange>,
) -> Result<()> {
    let connections = file::load(call.app)?;
    let spec = connections.spec(&file::secrets(), connection)?;
    save_over(call, id, connection, &spec, seen).await
}

/// The same over any connection.
pub(super) async fn save_over(
    call: &RawCall<'_>,
    id: &str,
    connection: &str,
    spec: &ConnectionSpec,
    seen: Option<ShownExchange>,
) -> Result<()> {
    let seen = seen.ok_or_else(|| Error::new(ErrorKind::Internal, "a call succeeded without an exchange"))?;
    let saved = save_seen(call, id, connection, spec, &seen).await;
    // A query can be sent again. The reply to a write may have the id of what was created.
    let Err(error) = saved else { return Ok(()) };
    if call.request.method == Method::Query {
        return Err(error);
    }
    seen.print_body()?;
    let message = format!("the request was sent, but the operation was not saved: {}", error.message);
    let advice =
        "do not send it again to save it: write the operation into the connector's file; `opnode guide` says how";
    Err(error.with(|d| d.message = message).advise(advice))
}

async fn save_seen(
    call: &RawCall<'_>,
    id: &str,
    connection: &str,
    spec: &ConnectionSpec,
    seen: &ShownExchange,
) -> Result<()> {
    let reply = seen.reply.as_ref();
    let reply = reply.ok_or_else(|| Error::new(ErrorKind::Internal, "a call succeeded without a reply"))?;
    // What the system repeats of the credentials does not become a sample.
    let text = crate::exchanges::text_of(reply).map(|text| seen.redactor.mask(&text).into_owned());
    let draft = Draft::read(&Seen {
        request: &call.request,
        headers: &reply.headers,
        body: text.as_deref(),
        is_method_chosen: call.save.method.is_some(),
    })?;
    let catalog = call.catalog()?;
    let title = call.save.title.as_deref();
    let place = AreaFile::find(call, &catalog, &spec.connector)?;
    let record = record(&catalog, &spec.connector, id, &call.request.path, &draft)?;
    let connector = catalog.connector(&spec.connector)?;
    let written = |chosen: &Chosen| place.with_operation(&draft.operation(id, title, &record, chosen), &record, &draft);
    let overlaid = |chosen: &Chosen| -> Result<Catalog> {
        let mut catalog = call.catalog()?;
        catalog.add(&spec.connector, place.file.display().to_string(), written(chosen)?);
        Ok(catalog)
    };
    let trials = Trials { app: call.app, draft: &draft, spec, id, catalog: &overlaid };
    // A POST is repeated only if the user says that it reads.
    let may_repeat = call.request.verb != http::Method::POST || call.save.method.is_some();
    let has_own = connector.paging.is_paged();
    let chosen = if may_repeat { trials.choose(has_own).await } else { trials.unchecked(has_own) };
    let probe = write(call, (id, &spec.connector), &place.file, (&draft, &record, &chosen))?;
    report(&Saved {
        call,
        id,
        connection,
        draft: &draft,
        chosen: &chosen,
        file: &place.file,
        title,
        record: &record,
        probe,
    })
}

/// Writes the operation into the files as they are now: another process may have changed them since. Returns whether it
/// became the probe.
fn write(
    call: &RawCall<'_>,
    (id, connector): (&str, &str),
    file: &Path,
    (draft, record, chosen): (&Draft, &RecordChoice, &Chosen),
) -> Result<bool> {
    let _held = new_files::hold(file.parent().unwrap_or(Path::new(".")))?;
    let mut catalog = call.catalog()?;
    check_new(&catalog, connector, id, call.save)?;
    let place = AreaFile::find(call, &catalog, connector)?;
    let text = place.with_operation(&draft.operation(id, call.save.title.as_deref(), record, chosen), record, draft)?;
    let has_probe = catalog.connector(connector)?.probe.is_some();
    catalog.add(connector, place.file.display().to_string(), text.clone());
    check(&catalog, connector, &place.file)?;
    new_files::replace(&place.file, &text)?;
    add_probe(draft, &place, id, chosen, has_probe)
}

/// Refuses a request that cannot become an operation, and a file to which none can be added, before anything is sent:
/// the operation is written for a reply without a body.
pub(super) fn check_file(call: &RawCall<'_>, connector: &str, id: &str) -> Result<()> {
    let mut catalog = call.catalog()?;
    let place = AreaFile::find(call, &catalog, connector)?;
    let headers = http::HeaderMap::new();
    let is_method_chosen = call.save.method.is_some();
    let seen = Seen { request: &call.request, headers: &headers, body: Some(""), is_method_chosen };
    let unsent = |e: Error| e.advise("nothing was sent; without --save-as, the call is only sent");
    let draft = Draft::read(&seen).map_err(unsent)?;
    let chosen = Chosen::None { why: String::new(), is_needed: false };
    let entry = draft.operation(id, call.save.title.as_deref(), &RecordChoice::None, &chosen);
    let text = place.with_operation(&entry, &RecordChoice::None, &draft).map_err(|e| {
        e.advise("nothing was sent; write the operations of this file on lines of their own, or choose another file with --area")
    })?;
    catalog.add(connector, place.file.display().to_string(), text);
    check(&catalog, connector, &place.file).map_err(|e| {
        let shown = place.file.display();
        e.advise(format!("nothing was sent; correct {shown} first if these are faults of what is there; without --save-as, the call is only sent"))
    })
}

/// What was saved, for the report.
struct Saved<'a> {
    call: &'a RawCall<'a>,
    id: &'a str,
    connection: &'a str,
    draft: &'a Draft,
    chosen: &'a Chosen,
    file: &'a Path,
    title: Option<&'a str>,
    record: &'a RecordChoice,
    probe: bool,
}

/// The file of the operation, and that of its connector.
struct AreaFile {
    file: PathBuf,
    text: String,
    connector: Option<PathBuf>,
}

impl AreaFile {
    fn find(call: &RawCall<'_>, catalog: &Catalog, connector: &str) -> Result<AreaFile> {
        let in_folder = |path: &&Path| {
            let folder = path.parent();
            folder.and_then(Path::file_name).is_some_and(|n| n == connector)
                && folder.and_then(Path::parent).and_then(Path::file_name).is_some_and(|n| n == "operations")
        };
        let own =
            catalog.files().filter(in_folder).find(|path| path.file_name().is_some_and(|n| n == "connector.yaml"));
        let folder = own
            .and_then(Path::parent)
            .map(shown_folder)
            .unwrap_or_else(|| own_definitions(&call.app.global.definitions).join("operations").join(connector));
        let area = area(call.save.area.as_deref())?.unwrap_or_else(|| area_of(&call.request.path));
        let file = folder.join(format!("{area}.yaml"));
        let text = new_files::text_before(&file)?;
        Ok(AreaFile { file, text, connector: own.map(|_| folder.join("connector.yaml")) })
    }

    /// The text of the file with the operation, and with its record if that is new.
    fn with_operation(&self, operation: &str, record: &RecordChoice, draft: &Draft) -> Result<String> {
        let located = |e: Error| e.at(Place { file: Some(self.file.display().to_string()), ..Place::default() });
        let text = match record {
            RecordChoice::New(name) => add_entry(&self.text, Section::Records, &draft.record(name)).map_err(located)?,
            RecordChoice::Existing(_) | RecordChoice::None => self.text.clone(),
        };
        add_entry(&text, Section::Operations, operation).map_err(located)
    }
}

/// The name of the file, as the user gave it.
fn area(given: Option<&str>) -> Result<Option<String>> {
    let Some(name) = given.map(|name| name.trim_end_matches(".yaml")) else { return Ok(None) };
    let wrong = |why: &str| {
        Err(Error::new(ErrorKind::Usage, format!("--area {name}: {why}"))
            .advise("nothing was sent; name a file in the connector's folder, such as --area orders"))
    };
    match name {
        "connector" | "sandbox" => wrong("this file has no operations"),
        _ if name.is_empty() || name.contains(['/', '\\']) || name.starts_with('.') => {
            wrong("it is not the name of a file")
        }
        _ => Ok(Some(name.to_owned())),
    }
}

/// A folder below the working folder, as the user would write it.
fn shown_folder(folder: &Path) -> PathBuf {
    let here = std::env::current_dir().unwrap_or_default();
    folder.strip_prefix(&here).unwrap_or(folder).to_owned()
}

/// The record of the reply: an existing one that has its fields, or a new one.
fn record(catalog: &Catalog, connector: &str, id: &str, path: &str, draft: &Draft) -> Result<RecordChoice> {
    if !draft.has_record() {
        return Ok(RecordChoice::None);
    }
    let name = record_name(path);
    let own = format!("{}Record", title_of(id).split(' ').map(capitalized).collect::<String>());
    for name in [name.clone(), format!("{name}Detail"), own.clone()] {
        let Some(record) = catalog.record(connector, &name)? else { return Ok(RecordChoice::New(name)) };
        let schema = record.schema.to_value();
        let known = schema.get("properties").and_then(serde_json::Value::as_object);
        if known.is_some_and(|known| draft.fields().all(|field| known.contains_key(field))) {
            return Ok(RecordChoice::Existing(name));
        }
    }
    Err(Error::new(
        ErrorKind::Usage,
        format!("{connector} has records {name}, {name}Detail and {own} with other fields"),
    )
    .advise("choose another id with --save-as"))
}

fn capitalized(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// The faults of the drafted file. Those of other files are not its own.
fn check(catalog: &Catalog, connector: &str, file: &Path) -> Result<()> {
    let shown = file.display().to_string();
    let faults: Vec<_> =
        catalog.faults(&[connector]).into_iter().filter(|f| f.place.file.as_deref() == Some(shown.as_str())).collect();
    if faults.is_empty() {
        return Ok(());
    }
    Err(Error::from_faults(
        ErrorKind::Definition,
        "the operation was not written, because the file would be invalid",
        faults,
    )
    .advise(format!("correct {shown} first if these are faults of what is there; `opnode check` shows them")))
}

/// Makes a query without options the probe of a connector that has none.
fn add_probe(draft: &Draft, place: &AreaFile, id: &str, chosen: &Chosen, has_probe: bool) -> Result<bool> {
    let Some(file) = place.connector.as_ref().filter(|_| !has_probe) else { return Ok(false) };
    let is_query = draft.method() == Method::Query;
    let is_plain = is_query && draft.settings(chosen).is_empty() && draft.has_record();
    if !is_plain {
        return Ok(false);
    }
    let text = std::fs::read_to_string(file).map_err(|cause| new_files::failed(file, "read", &cause))?;
    let text = add_key(&text, &format!("# the operation that `opnode connection test` calls\nprobe: {id}"));
    new_files::replace(file, &text).map(|()| true)
}

/// Prints what was written, and the next command.
fn report(saved: &Saved<'_>) -> Result<()> {
    let Saved { id, connection, draft, chosen, file, title, record, probe, .. } = saved;
    let mut out = format!("added to {}:\n\n", file.display());
    if let RecordChoice::New(name) = record {
        out.push_str(&draft.record(name));
    }
    out.push_str(&draft.operation(id, *title, record, chosen));
    if *probe {
        out.push_str(&format!("\n`opnode connection test {connection}` now calls {id}\n"));
    }
    out.push_str(&format!("\nnext:\n  {}\n", next_command(saved)));
    messages::print(&out)
}

/// The command that calls the operation.
fn next_command(saved: &Saved<'_>) -> String {
    let Saved { call, id, connection, draft, chosen, .. } = saved;
    let mut words = vec![format!("opnode {} {id} -c {}", draft.method(), shell(connection))];
    words.extend(draft.settings(chosen).iter().map(|pair| format!("--set {}", shell(pair))));
    if draft.takes_items() {
        words.push(format!("--items {}", shell(&draft.sample_items())));
    }
    // A write is shown first.
    if draft.method() != Method::Query {
        words.push("--plan".to_owned());
    }
    let folders = call.app.global.definitions.iter().map(PathBuf::as_path).chain(call.folder);
    words.extend(folders.map(|folder| format!("--definitions {}", folder.display())));
    words.join(" ")
}
