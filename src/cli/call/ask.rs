//! Questions on a terminal: the values that a template leaves to its user, and whether several records are to be deleted. Nothing is asked where nobody
//! can answer.

use std::io::{BufRead, IsTerminal, Write};

use serde_json::Value;

use super::arguments::typed_value::{at_path, typed_by};
use crate::authoring::Schema;
use crate::cli::catalog::fields::{Choices, type_text};
use crate::cli::catalog::snippet::plain_value;
use crate::cli::messages::Screen;
use crate::cli::screen::terminal_text;
use crate::definition::{Operation, Template};
use crate::error::{Error, ErrorKind, Result};
use crate::json_text::fields_of;

/// Whether somebody is there to answer. --quiet silences no question.
pub(crate) fn can(screen: Screen) -> bool {
    !screen.is_json() && std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// The terminal of the process, where somebody sits at it although input or errors go elsewhere.
fn terminal() -> Option<std::fs::File> {
    let is_there = std::io::stdin().is_terminal() || std::io::stderr().is_terminal() || std::io::stdout().is_terminal();
    let open = || std::fs::File::options().read(true).write(true).open("/dev/tty").ok();
    is_there.then(open).flatten()
}

/// Asks for one value after the other; gives them as `--set` takes them. `left` are JSON Pointers into the template.
pub(crate) fn values(screen: Screen, template: &Template, left: &[String]) -> Result<Vec<String>> {
    screen.line(&format!("{} leaves these values to you; Ctrl-C ends this, and nothing is sent.", template.name));
    let mut given = Vec::new();
    for question in left.iter().flat_map(|pointer| questions(template, pointer)) {
        if let Some(answer) = question.ask(screen)? {
            given.push(format!("{}={answer}", question.name));
        }
    }
    Ok(given)
}

/// One value to ask for.
struct Question {
    /// As `--set` has it.
    name: String,
    schema: Value,
    required: bool,
    sample: Option<String>,
}

/// The questions about what a pointer names: an option, a field of an item, or the whole item field by field.
fn questions(template: &Template, pointer: &str) -> Vec<Question> {
    let operation = &template.operation;
    let path: Vec<String> = pointer.split('/').skip(1).map(crate::json_pointer::unescape).collect();
    match path.as_slice() {
        [root, name] if root == "options" => {
            let schema = operation.option(name).map(|rule| rule.schema.to_value()).unwrap_or_default();
            let sample = crate::json_text::fields_of(&template.options.0).unwrap_or_default();
            let sample = sample.iter().find(|(n, _)| n == name).map(|(_, raw)| plain_value(raw.get()));
            vec![Question { name: name.clone(), schema, required: true, sample }]
        }
        [root, index, field @ ..] if root == "items" && !field.is_empty() => {
            let sample = template.items.get(index.parse::<usize>().unwrap_or(0)).map(crate::definition::Json::to_value);
            let sample = sample.and_then(|item| {
                field.iter().try_fold(&item, |at, name| at.get(name)).map(|v| plain_value(&v.to_string()))
            });
            vec![Question { name: path.join("."), schema: item_schema(operation, field), required: true, sample }]
        }
        _ => {
            let required = operation
                .items
                .as_ref()
                .and_then(|rule| rule.schema.get("required")?.as_array().cloned())
                .unwrap_or_default();
            let fields = template.items.first().and_then(|item| fields_of(&item.0)).unwrap_or_default();
            let question = |(name, raw): (String, &serde_json::value::RawValue)| Question {
                schema: item_schema(operation, std::slice::from_ref(&name)),
                required: required.iter().any(|r| r == name.as_str()),
                sample: Some(plain_value(raw.get())),
                name: format!("items.0.{name}"),
            };
            fields.into_iter().map(question).collect()
        }
    }
}

fn item_schema(operation: &Operation, path: &[String]) -> Value {
    operation.items.as_ref().and_then(|rule| at_path(&rule.schema, path)).cloned().unwrap_or_default()
}

impl Question {
    /// The answer; `None` for what may be left out, and is.
    fn ask(&self, screen: Screen) -> Result<Option<String>> {
        let kind = type_text(&self.schema, Choices::Some);
        let about = self
            .schema
            .get("description")
            .and_then(Value::as_str)
            .map(|text| format!(" {}", terminal_text::one_line(text)))
            .unwrap_or_default();
        let such =
            self.sample.as_ref().map(|s| format!("; such as {}", terminal_text::one_line(s))).unwrap_or_default();
        let way = if self.required { "" } else { "; Enter leaves it out" };
        loop {
            let answer = line(&format!("{} ({kind}{such}{way}){about}: ", self.name))?;
            match answer {
                text if text.trim().is_empty() && !self.required => return Ok(None),
                text if text.trim().is_empty() => screen.line("  a value is needed"),
                text => match self.misfit(&text) {
                    Some(why) => screen.line(&format!("  {}", terminal_text::safe(&why))),
                    None => return Ok(Some(text)),
                },
            }
        }
    }

    fn misfit(&self, text: &str) -> Option<String> {
        let value = serde_json::from_str(&typed_by(&self.schema, text)).ok()?;
        let found = Schema::compile(self.schema.clone()).ok()?.check(&value);
        found.into_iter().next().map(|finding| finding.message)
    }
}

/// Asks before several records are deleted, where somebody sits at the terminal.
///
/// # Errors
/// `cancelled` when the answer is not yes.
pub(crate) fn delete(screen: Screen, operation: &str, connection: &str, count: usize) -> Result<()> {
    let question = format!("Delete {count} records of {connection} with {operation}? [y/N] ");
    let answer = if can(screen) {
        line(&question)?
    } else if let Some(terminal) = terminal() {
        let _ignored = write!(&terminal, "{question}");
        read(&mut std::io::BufReader::new(terminal))?
    } else {
        return Ok(());
    };
    if matches!(answer.trim().to_lowercase().as_str(), "y" | "yes") {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Cancelled, "nothing was deleted: the question was not answered with yes")
        .advise("--yes deletes without asking"))
}

/// A line of the terminal's.
fn line(question: &str) -> Result<String> {
    let mut err = std::io::stderr().lock();
    let _ignored = write!(err, "{question}").and_then(|()| err.flush());
    drop(err);
    read(&mut std::io::stdin().lock())
}

fn read(from: &mut impl BufRead) -> Result<String> {
    let gone = |why: &str| {
        Error::new(ErrorKind::Cancelled, format!("the question was not answered: {why}"))
            .advise("answer it at a terminal, or give what it asks for on the command line")
    };
    let mut text = String::new();
    match from.read_line(&mut text) {
        Ok(0) => Err(gone("the input ended")),
        Ok(_) => Ok(text.trim_end_matches(['\r', '\n']).to_owned()),
        Err(e) => Err(gone(&crate::error::io_text(&e))),
    }
}
