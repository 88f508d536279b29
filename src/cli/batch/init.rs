//! `init`: a batch file and a connections file to begin with, made from the catalogue. They run against the sandbox as they are.

use std::path::{Path, PathBuf};

use crate::cli::app::App;
use crate::cli::args::command::InitArgs;
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
        return Err(Error::new(ErrorKind::Usage, format!("{} is there already", there.display()))
            .at(Place { file: Some(there.display().to_string()), ..Place::default() })
            .advise("nothing was written; name another folder: opnode init DIR"));
    }
    let inner = folder.join(".opnode");
    std::fs::create_dir_all(&inner).map_err(|e| failed(&inner, &e))?;
    for ((_, text), path) in files.iter().zip(&paths) {
        write(path, text)?;
    }
    let [batch, connections, _schema] = paths.as_slice() else { return Ok(()) };
    messages::print(&format!(
        "wrote {} and {}\n\ntry it without an account:   opnode run {} --sandbox\nsee what it would send:      opnode run {} --sandbox --plan\nthen fill in {}\n",
        batch.display(),
        connections.display(),
        batch.display(),
        batch.display(),
        connections.display()
    ))
}

/// Never over a file that is there.
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
        Error::new(ErrorKind::Unsupported, format!("{} has no template of a list to begin with", connector.name))
            .advise("`opnode template NAME --as batch` prints a step of any other")
    })?;
    let id = step_id(&list.name);
    let step = Snippet::of(catalog, list).batch(&id)?;
    Ok(format!(
        r#"# yaml-language-server: $schema=.opnode/batch.schema.json
# A batch: steps that run in order, keep what they did on disk, and go on where they stopped when it is run again.
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
  # The same rows once more, as expressions see them: `item` is a row, `index` counts from 0.
  - id: first_of_them
    query: {}
    where: ${{{{ index < vars.keep }}}}
    save: out/{id}.csv

# What else a batch can do, each a line to add:
#   matrix: {{ connection: [acme, globex] }}         the steps once per connection; ${{{{ connection.name }}}} goes into paths
#   watermark: {{ pointer: /_info/lastUpdated, start: "2020-01-01T00:00:00Z" }}
#                                                  remembers the largest value; options say '… > [${{{{ watermark }}}}]'
#   for: ${{{{ steps.{id}.items }}}}                 runs a step once per row, which is `item` in its options
#   mutate: OPERATION_ID                           writes `items`, as `where` and `map` make them; on_error: continue goes on after a failure
"#,
        list.title,
        step.lines().map(|line| format!("  {line}\n")).collect::<String>().trim_end(),
        Snippet::of(catalog, list).name,
    ))
}
