//! Prompts on a terminal: for the values that a template asks for, and before several records are deleted. Without a terminal there are no prompts.

use std::io::{BufRead, IsTerminal, Write};

use serde_json::Value;

use crate::authoring::Schema;
use crate::cli::catalog::fields::{Choices, type_text};
use crate::cli::catalog::snippet::plain_value;
use crate::cli::messages::Screen;
use crate::cli::screen::terminal_text;
use crate::definition::{Operation, Template};
use crate::error::{Error, ErrorKind, Result};
use crate::json_text::fields_of;
use crate::row_file::{at_path, typed_by};

/// Whether prompts are possible. --quiet does not suppress them.
pub(crate) fn is_possible(screen: Screen) -> bool {
    !screen.is_json() && std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// The controlling terminal, if any standard stream is a terminal; used if stdin or stderr are redirected.
fn terminal() -> Option<std::fs::File> {
    let is_interactive =
        std::io::stdin().is_terminal() || std::io::stderr().is_terminal() || std::io::stdout().is_terminal();
    let open = || std::fs::File::options().read(true).write(true).open("/dev/tty").ok();
    is_interactive.then(open).flatten()
}

/// Prompts for the values at `left`, JSON Pointers into the template. Returns them as pairs for `--set`.
pub(crate) fn values(screen: Screen, template: &Template, left: &[String]) -> Result<Vec<String>> {
    screen.line(&format!("The template {} needs these values. Ctrl-C cancels; nothing is sent.", template.name));
    let mut answers = Vec::new();
    for question in left.iter().flat_map(|pointer| questions(template, pointer)) {
        if let Some(answer) = question.ask(screen)? {
            answers.push(format!("{}={answer}", question.name));
        }
    }
    Ok(answers)
}

/// A prompt for one value.
struct Question {
    /// The name for `--set`.
    name: String,
    schema: Value,
    required: bool,
    sample: Option<String>,
}

/// The prompts for a pointer: an option, a field of an item, or each field of an item.
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
    /// Prompts until the answer is valid. `None` for an optional value without an answer.
    fn ask(&self, screen: Screen) -> Result<Option<String>> {
        let kind = type_text(&self.schema, Choices::Some);
        let about = self
            .schema
            .get("description")
            .and_then(Value::as_str)
            .map(|text| format!(" {}", terminal_text::one_line(text)))
            .unwrap_or_default();
        let example =
            self.sample.as_ref().map(|s| format!("; for example {}", terminal_text::one_line(s))).unwrap_or_default();
        let optional = if self.required { "" } else { "; optional" };
        loop {
            let answer = line(&format!("{} ({kind}{example}{optional}){about}: ", self.name))?;
            match answer {
                text if text.trim().is_empty() && !self.required => return Ok(None),
                text if text.trim().is_empty() => screen.line("  a value is required"),
                text => match self.fault_of(&text) {
                    Some(why) => screen.line(&format!("  {}", terminal_text::safe(&why))),
                    None => return Ok(Some(text)),
                },
            }
        }
    }

    fn fault_of(&self, text: &str) -> Option<String> {
        let value = serde_json::from_str(&typed_by(&self.schema, text)).ok()?;
        let found = Schema::compile(self.schema.clone()).ok()?.check(&value);
        found.into_iter().next().map(|finding| finding.message)
    }
}

/// Asks for confirmation before several records are deleted, if there is a terminal.
///
/// # Errors
/// `cancelled` when the answer is not yes.
pub(crate) fn delete(screen: Screen, operation: &str, connection: &str, count: usize) -> Result<()> {
    match confirmed(screen, &format!("Delete {count} records of {connection} with {operation}? [y/N] "))? {
        Some(true) | None => Ok(()),
        Some(false) => Err(Error::new(ErrorKind::Cancelled, "nothing was deleted: not confirmed")
            .advise("--yes deletes without confirmation")),
    }
}

/// Asks a question that is answered with yes or no; `None` without a terminal.
pub(crate) fn confirmed(screen: Screen, question: &str) -> Result<Option<bool>> {
    let answer = if is_possible(screen) {
        line(question)?
    } else if let Some(terminal) = terminal() {
        let _ignored = write!(&terminal, "{question}");
        read(&mut std::io::BufReader::new(terminal))?
    } else {
        return Ok(None);
    };
    Ok(Some(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes")))
}

/// Prints a question and reads a line.
pub(crate) fn line(question: &str) -> Result<String> {
    let mut err = std::io::stderr().lock();
    let _ignored = write!(err, "{question}").and_then(|()| err.flush());
    drop(err);
    read(&mut std::io::stdin().lock())
}

fn read(from: &mut impl BufRead) -> Result<String> {
    let unanswered = |why: &str| {
        Error::new(ErrorKind::Cancelled, format!("no answer: {why}"))
            .advise("answer on a terminal, or pass the values on the command line")
    };
    let mut text = String::new();
    match from.read_line(&mut text) {
        Ok(0) => Err(unanswered("the input ended")),
        Ok(_) => Ok(text.trim_end_matches(['\r', '\n']).to_owned()),
        Err(e) => Err(unanswered(&crate::error::io_text(&e))),
    }
}
