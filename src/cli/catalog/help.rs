//! Texts of the help beyond flags: the overview, examples from the loaded catalogue, exit codes. Built only for `--help`.

use std::sync::Arc;

use clap::{Command, CommandFactory};

use super::snippet::{has_sandbox, plain_value, shell};
use crate::cli::args::Args;
use crate::definition::{Catalog, Method, Operation, Template};
use crate::json_text::fields_of;

/// How many templates of a connector are searched for an example.
const TEMPLATES_TRIED: usize = 8;

/// Names for examples, from the catalogue, or else placeholders.
struct ExampleNames {
    query: String,
    set: Option<String>,
    mutate: String,
    sample: String,
    delete: String,
    template: String,
    connector: String,
    record: String,
    word: String,
    /// The flag of the examples that selects the system.
    target: &'static str,
}

impl ExampleNames {
    fn of(catalog: &Catalog) -> ExampleNames {
        // The best example is a paged list that asks for no values; the options of a template are known to be valid.
        let easy = |t: &Template| t.operation.is_paged() && t.ask.is_empty() && t.options.0 != "{}";
        // Prefer connectors with records of their own in the sandbox, so that the examples show something.
        let mut connectors: Vec<&str> = catalog.connector_names().collect();
        connectors.sort_by_key(|name| !catalog.sandbox(name).is_ok_and(|file| file.is_some()));
        let pick = connectors.iter().find_map(|c| templates(catalog, c).take(TEMPLATES_TRIED).find(easy));
        let has_operations = |c: &&&str| catalog.operation_ids(c).is_ok_and(|mut ids| ids.next().is_some());
        let first = || connectors.iter().find(has_operations).copied();
        let connector =
            pick.as_ref().map(|t| t.operation.connector.name.clone()).or_else(|| first().map(str::to_owned));
        let find = |fits: &dyn Fn(&Operation) -> bool| {
            operations(catalog, connector.as_deref().unwrap_or_default()).find(|o| fits(o))
        };
        let query = pick
            .as_ref()
            .map(|t| Arc::clone(&t.operation))
            .or_else(|| find(&|o| o.is_paged() && o.options.iter().all(|p| !p.required)));
        let mutate = find(&|o| o.method == Method::Mutate && o.items.as_ref().is_some_and(|i| i.sample.is_some()));
        let delete = find(&|o| o.method == Method::Delete);
        let id =
            |operation: Option<&Arc<Operation>>| operation.map_or_else(|| "OPERATION_ID".to_owned(), |o| o.id.clone());
        ExampleNames {
            query: id(query.as_ref()),
            set: pick.as_ref().and_then(first_option),
            mutate: id(mutate.as_ref()),
            sample: mutate
                .and_then(|o| o.items.as_ref()?.sample.as_ref().map(|s| s.0.clone()))
                .unwrap_or_else(|| "{\"name\":\"…\"}".to_owned()),
            delete: id(delete.as_ref()),
            template: pick.as_ref().map_or_else(|| "TEMPLATE".to_owned(), |t| t.name.clone()),
            target: match &connector {
                Some(name) if has_sandbox(catalog, name) => "--sandbox",
                Some(_) | None => "--connection NAME",
            },
            connector: connector.clone().unwrap_or_else(|| "CONNECTOR".to_owned()),
            record: query
                .as_ref()
                .and_then(|o| o.record().map(|record| record.name.clone()))
                .unwrap_or_else(|| "RECORD".to_owned()),
            word: query
                .as_ref()
                .and_then(|o| o.title.split_whitespace().last().map(str::to_owned))
                .unwrap_or_else(|| "user".to_owned()),
        }
    }

    /// An option with a value, as `--set` takes it.
    fn set(&self) -> &str {
        self.set.as_deref().unwrap_or("KEY=VALUE")
    }
}

/// The operations of a connector, parsed one by one.
fn operations<'c>(catalog: &'c Catalog, connector: &'c str) -> impl Iterator<Item = Arc<Operation>> + 'c {
    let ids = catalog.operation_ids(connector).into_iter().flatten();
    ids.filter_map(move |id| catalog.operation(Some(connector), id).ok())
}

fn templates<'c>(catalog: &'c Catalog, connector: &'c str) -> impl Iterator<Item = Template> + 'c {
    let names = catalog.template_names(connector).into_iter().flatten();
    names.filter_map(move |name| catalog.template(Some(connector), name).ok())
}

fn first_option(template: &Template) -> Option<String> {
    let options = fields_of(&template.options.0)?;
    let (name, raw) = options.first()?;
    Some(shell(&format!("{name}={}", plain_value(raw.get()))))
}

/// The command with examples in its help.
pub(crate) fn command(catalog: &Catalog) -> Command {
    let names = ExampleNames::of(catalog);
    let mut command = Args::command().after_help(format!("{}\n\n{EXIT_CODES}", overview(&names)));
    for (name, text) in examples(&names) {
        let path: Vec<&str> = name.split(' ').collect();
        command = with_help(command, &path, text);
    }
    command
}

fn with_help(command: Command, path: &[&'static str], text: String) -> Command {
    match path.split_first() {
        None => command.after_help(text),
        Some((first, rest)) => command.mut_subcommand(*first, |sub| with_help(sub, rest, text)),
    }
}

fn examples(n: &ExampleNames) -> Vec<(&'static str, String)> {
    let s = |text: &str| text.to_owned();
    let mut all = vec![
        (
            "operations",
            lines(&[
                s("operations"),
                format!("operations {}", n.word),
                format!("operations {} --all", n.word),
                format!("operations --connector {} --format json", n.connector),
            ]),
        ),
        ("templates", lines(&[s("templates"), format!("templates {}", n.word), format!("template {}", n.template)])),
        (
            "describe",
            lines(&[
                format!("describe {}", n.query),
                format!("describe {} --format json", n.mutate),
                format!("describe {}", n.record),
            ]),
        ),
        ("fields", lines(&[format!("fields {}", n.record), format!("fields {} --format ndjson", n.query)])),
        (
            "template",
            lines(&[
                format!("template {}", n.template),
                format!("template {} --as batch", n.template),
                format!("template {} --as json", n.mutate),
            ]),
        ),
        ("query", format!("{}\n\n{QUERY_NOTES}", lines(&query_examples(n)))),
        ("mutate", format!("{}\n\n{WRITE_NOTES}", lines(&mutate_examples(n)))),
        ("delete", format!("{}\n\n{WRITE_NOTES}", lines(&delete_examples(n)))),
        (
            "connection",
            lines(&[
                format!("connection example {} > connections.yaml", n.connector),
                s("connection list"),
                s("connection test NAME"),
            ]),
        ),
        (
            "connection test",
            lines(&[
                s("connection test"),
                s("connection test NAME"),
                if n.target == "--sandbox" {
                    format!("connection test {} --sandbox", n.connector)
                } else {
                    s("connection test --sandbox")
                },
            ]),
        ),
        ("connection example", lines(&[format!("connection example {} > connections.yaml", n.connector)])),
        (
            "check",
            lines(&[
                s("check"),
                s("check connections.yaml"),
                format!("check operations/{}/*.yaml --error-format json", n.connector),
            ]),
        ),
        ("schema", lines(&[s("schema operations > operations.schema.json"), s("schema connections")])),
        (
            "sandbox",
            lines(&[
                s("sandbox > connections.yaml"),
                s("sandbox --port 8080 --faults every=7,kinds=429+503+reset+slow"),
            ]),
        ),
        ("login", lines(&[s("login NAME"), s("login NAME --no-browser")])),
        ("logout", format!("{}\n\n{LOGOUT_NOTES}", lines(&[s("logout NAME")]))),
        ("man", lines(&[s("man | man -l -"), s("man ~/.local/share/man/man1")])),
        (
            "completions",
            lines(&[
                s("completions bash > ~/.local/share/bash-completion/completions/opnode"),
                s("completions zsh > ~/.zfunc/_opnode"),
            ]),
        ),
    ];
    all.extend(own_connector_examples());
    all.extend(batch_examples());
    all
}

/// Examples as help shows them.
fn lines(lines: &[String]) -> String {
    format!("Examples:\n{}", lines.iter().map(|l| folded(&format!("  opnode {l}"))).collect::<Vec<_>>().join("\n"))
}

/// Examples of the commands for connectors of the user's own.
fn own_connector_examples() -> Vec<(&'static str, String)> {
    let s = |text: &str| text.to_owned();
    vec![
        (
            "call",
            lines(&[
                s("call GET /things limit=2 -c NAME"),
                s("call GET '/things/{id}' id=7 -c NAME"),
                s("call GET /things -c NAME --save-as listThings"),
                s("call POST /things --body '{\"name\":\"x\"}' -c NAME --plan"),
            ]),
        ),
        (
            "connector new",
            lines(&[
                s("connector new acme-desk --base-url https://api.example.com/v2 --auth bearer"),
                s("connector new acme-desk --base-url https://api.example.com --auth api-key --key-header X-Key"),
            ]),
        ),
        (
            "connector from-curl",
            lines(&[
                s("connector from-curl request.txt --name acme-desk"),
                s("connector from-curl - --name acme-desk --save-as listThings < request.txt"),
            ]),
        ),
        (
            "test",
            lines(&[s("query OPERATION_ID -c NAME --record tests/NAME"), s("test tests --update"), s("test tests")]),
        ),
    ]
}

/// Examples of the commands that watch batches.
fn batch_examples() -> Vec<(&'static str, String)> {
    let s = |text: &str| text.to_owned();
    vec![
        ("runs show", lines(&[s("runs show last"), s("runs show last --format junit > report.xml")])),
        (
            "items",
            lines(&[
                s("items list"),
                s("items show last STEP 3"),
                s("items resend last STEP --item 3"),
                s("items edit-and-resend last STEP 3 --set name=Bolt"),
                s("items settle last --note 'deleted by hand'"),
            ]),
        ),
        ("items list", lines(&[s("items list"), s("items list last --status unknown --format ndjson")])),
        (
            "items resend",
            format!(
                "{}\n\n{RESEND_NOTES}",
                lines(&[s("items resend last"), s("items resend last STEP --item 3 --item 7")])
            ),
        ),
        (
            "items edit-and-resend",
            lines(&[
                s("items edit-and-resend last STEP 3 --set price=1.50 --set company.id=7"),
                s("items edit-and-resend last STEP 3"),
            ]),
        ),
        (
            "schedule",
            lines(&[
                s("schedule night.yaml --every 02:00"),
                s("schedule night.yaml --every 'mon-fri 06:30' --as systemd --output units"),
                s("schedule night.yaml --every 15m --as cron -- --resume 15m"),
            ]),
        ),
    ]
}

const RESEND_NOTES: &str = "\
Items of an archived run are sent one by one. Items of the last run are sent by resuming it, so that later steps use their results.
Items whose outcome is unknown may have taken effect: they are sent only after confirmation, or with --yes.";

/// A command on lines of at most 78 columns: clap wraps longer ones, which could then not be pasted.
fn folded(command: &str) -> String {
    // Only flags and pipes begin a line: other words may be parts of a quoted text.
    let mut parts: Vec<String> = Vec::new();
    for word in command.split_inclusive(' ') {
        match parts.last_mut() {
            Some(last) if !word.starts_with(['-', '|', '<', '>']) => last.push_str(word),
            Some(_) | None => parts.push(word.to_owned()),
        }
    }
    let (mut folded, mut width) = (String::new(), 0);
    for part in parts {
        if width > 0 && width + part.trim_end().len() > 76 {
            folded.push_str("\\\n      ");
            width = 6;
        }
        width += part.len();
        folded.push_str(&part);
    }
    folded
}

fn query_examples(n: &ExampleNames) -> Vec<String> {
    vec![
        format!("query {} {} --limit 5", n.query, n.target),
        format!("query {} --connection NAME --set {}", n.query, n.set()),
        format!("query {} --connection NAME --output records.csv", n.query),
        format!("query {} --connection NAME | jq .id", n.query),
        format!("query {} --connection NAME --plan", n.query),
        format!("query --template {} --connection NAME", n.template),
    ]
}

fn mutate_examples(n: &ExampleNames) -> Vec<String> {
    let sample = format!("mutate {} {} --items {}", n.mutate, n.target, shell(&n.sample));
    // clap wraps long lines, which could then not be pasted.
    let first = if sample.len() <= 88 { sample } else { format!("mutate --template {} {}", n.mutate, n.target) };
    vec![
        first,
        format!("mutate {} -c NAME --items @records.ndjson --outcomes outcomes.ndjson", n.mutate),
        format!("mutate {} --connection NAME --items - --plan < records.json", n.mutate),
    ]
}

fn delete_examples(n: &ExampleNames) -> Vec<String> {
    vec![
        format!("delete {} {} --set id=1", n.delete, n.target),
        format!("delete {} --connection NAME --items '[{{\"id\":1}},{{\"id\":2}}]'", n.delete),
        format!("delete {} --connection NAME --set id=1 --plan", n.delete),
    ]
}

const QUERY_NOTES: &str = "\
Items go to standard output: a table on a terminal, one JSON object per line on a pipe. Everything else goes to standard error.
All pages are fetched; --limit stops earlier.";

const WRITE_NOTES: &str = "\
Returned records go to standard output; each failed item is a line on standard error.
Exit code 8: some items failed. Exit code 7: the outcome of some items is unknown; check the records before you send them again.";

const LOGOUT_NOTES: &str = "\
A refresh token in the connections file stays there, and the next call uses it.
Tokens are not revoked: they stay valid until they expire, or until you revoke them in the system.";

const EXIT_CODES: &str = "\
Exit codes:
   0  success
   1  nothing found; or a bug in opnode
   2  invalid command line
   3  invalid definition, option or item
   4  connection or credentials refused or invalid
   5  the system refused the request, or its reply is invalid
   6  system unreachable, busy or slow; try again later
   7  the outcome of a write is unknown
   8  some items of a write failed
   9  a local file cannot be written, or the state of a run cannot be read or written
  10  cancelled: a question was answered with no
  129, 130, 143  stopped by a signal";

fn overview(n: &ExampleNames) -> String {
    format!("{}\n\n`opnode COMMAND --help` shows examples of each command.", orientation_lines(n))
}

/// The text of `opnode` without arguments.
pub(crate) fn orientation(catalog: &Catalog) -> String {
    let names = ExampleNames::of(catalog);
    format!(
        "opnode {}: calls business APIs by OperationId\n\n{}\n\n`opnode --help` lists all commands; `opnode COMMAND --help` shows examples of each.\n",
        env!("CARGO_PKG_VERSION"),
        orientation_lines(&names)
    )
}

fn orientation_lines(n: &ExampleNames) -> String {
    let trial = match n.target {
        "--sandbox" => format!("\nTry one without an account:\n  opnode query {} --sandbox --limit 5\n", n.query),
        _ => String::new(),
    };
    format!(
        "\
Find operations:
  opnode operations {word}
  opnode describe {query}
  opnode templates
{trial}
Use your own account (fill in the file before the test):
  opnode connection example {connector} > connections.yaml
  opnode connection test
  opnode query {query} --output records.csv",
        word = n.word,
        query = n.query,
        connector = n.connector,
        trial = trial
    )
}
