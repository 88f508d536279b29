//! `init`: writes a batch file and a connections file to start from, generated from the catalogue. They run in the sandbox unchanged.

use std::path::{Path, PathBuf};

use crate::cli::app::App;
use crate::cli::args::InitArgs;
use crate::cli::catalog::snippet::{Snippet, step_id};
use crate::cli::connections::test::{example_file, only_connector};
use crate::cli::messages;
use crate::definition::{Catalog, Connector, Method, ResultShape, Template};
use crate::error::{Error, ErrorKind, Place, Result};
use crate::formats::Format;

/// Writes them.
pub(crate) fn run(app: &App, args: &InitArgs) -> Result<()> {
    let catalog = app.catalog()?;
    let connector = match &args.connector {
        Some(name) => only_connector(&catalog, Some(name))?,
        None => richest(&catalog)?,
    };
    let folder = args.folder.clone().unwrap_or_default();
    let files = [
        ("batch.yaml", batch_file(&catalog, &connector)?),
        ("connections.yaml", example_file(&connector)),
        (".opnode/batch.schema.json", Format::Batch.schema().to_owned()),
    ];
    let paths: Vec<PathBuf> = files.iter().map(|(name, _)| folder.join(name)).collect();
    if let Some(there) = paths.iter().find(|p| p.exists()) {
        return Err(Error::new(ErrorKind::Usage, format!("{} already exists", there.display()))
            .at(Place { file: Some(there.display().to_string()), ..Place::default() })
            .advise("nothing was written; name another folder: `opnode init DIR`"));
    }
    let inner = folder.join(".opnode");
    std::fs::create_dir_all(&inner).map_err(|e| failed(&inner, &e))?;
    for ((_, text), path) in files.iter().zip(&paths) {
        write(path, text)?;
    }
    let [batch, connections, _schema] = paths.as_slice() else { return Ok(()) };
    messages::print(&format!(
        "wrote {} and {}\n\nrun it without an account:   opnode run {} --sandbox\nshow its requests:           opnode run {} --sandbox --plan\nthen fill in {}\n",
        batch.display(),
        connections.display(),
        batch.display(),
        batch.display(),
        connections.display()
    ))
}

/// Writes a new file; never overwrites one.
fn write(path: &Path, text: &str) -> Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).map_err(|e| failed(path, &e))?;
    std::io::Write::write_all(&mut file, text.as_bytes()).map_err(|e| failed(path, &e))
}

fn failed(path: &Path, cause: &std::io::Error) -> Error {
    Error::new(ErrorKind::State, format!("{} cannot be written: {}", path.display(), crate::error::io_text(cause)))
}

/// The connector with the most templates.
fn richest(catalog: &Catalog) -> Result<std::sync::Arc<Connector>> {
    let count = |name: &&str| catalog.template_names(name).map_or(0, Iterator::count);
    let name = catalog.connector_names().max_by_key(count);
    let name = name.ok_or_else(|| Error::new(ErrorKind::UnknownOperation, "there are no connectors"))?;
    catalog.connector(name)
}

fn batch_file(catalog: &Catalog, connector: &Connector) -> Result<String> {
    let templates = catalog.templates(&connector.name)?;
    let is_list = |t: &&Template| {
        t.operation.method == Method::Query && t.ask.is_empty() && t.operation.response.result == ResultShape::List
    };
    let list =
        templates.iter().find(|t| is_list(t) && t.operation.is_paged()).or_else(|| templates.iter().find(is_list));
    let list = list.ok_or_else(|| {
        Error::new(ErrorKind::Unsupported, format!("{} has no template of a list to start from", connector.name))
            .advise("`opnode template NAME --as batch` prints a step for any other template")
    })?;
    let id = step_id(&list.name);
    let step = Snippet::of(catalog, list).batch(&id)?;
    Ok(format!(
        r#"# yaml-language-server: $schema=.opnode/batch.schema.json
# A batch: steps that run in order. Their state is kept on disk; an interrupted run resumes when you run it again.
#   opnode run batch.yaml            runs it
#   opnode run batch.yaml --plan     shows the requests and sends nothing
#   opnode templates                 more steps: opnode template NAME --as batch
version: 1
name: starter
connections: connections.yaml
vars: {{ keep: 20 }}
steps:
  # {}
{}
  # The same rows again, filtered by an expression: `item` is a row, `index` counts from 0.
  - id: first_of_them
    query: {}
    where: ${{{{ index < vars.keep }}}}
    save: out/{id}.csv

# Other keys of a batch and its steps:
#   matrix: {{ connection: [acme, globex] }}         runs the steps once per connection; use ${{{{ connection.name }}}} in paths
#   run: {{ resume: {{ within: 6h }} }}                an unfinished run is resumed this long, then a new one begins; or never, always
#   on_failure: [ … ], finally: [ … ]              steps for when something failed, and for the end; http: {{ post: {{ env: URL }}, body: … }} posts to a webhook
#   watermark: {{ pointer: /_info/lastUpdated, key: /id, lag: 5m, start: "2020-01-01T00:00:00Z" }}
#                                                  keeps the largest value for the next run; use it in options: '… >= [${{{{ watermark }}}}]'
#   load: in/*.csv                                 reads rows from files; transform: {{ from: …, do: [ … ] }} filters, joins, sorts and sums up rows
#   upsert: {{ find: {{ query: ID }}, key: name, create: {{ mutate: ID }}, update: {{ mutate: ID }} }}
#                                                  creates the records that are missing, and changes those that differ
#   for: ${{{{ steps.{id}.items }}}}                 runs a step once per row; its options use `item`
#   mutate: OPERATION_ID                           writes `items`, filtered by `where` and mapped by `map`; on_error: continue goes on after a failed one
"#,
        list.title,
        step.lines().map(|line| format!("  {line}\n")).collect::<String>().trim_end(),
        Snippet::of(catalog, list).name,
    ))
}
