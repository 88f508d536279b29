//! A call as text to paste: a command line, or a step of a batch file. Values to fill in are marked.

use serde_json::Value;

#[cfg(feature = "studio")]
use crate::authoring::Format;
use crate::authoring::Numbers;
use crate::authoring::{Json, kind_of};
use crate::cli::screen::terminal_text;
use crate::definition::{Catalog, Operation, Template};
use crate::error::{Error, ErrorKind, Result};
use crate::json_text::fields_of;

/// Longer command lines are split over several lines.
const LINE: usize = 100;

/// The call that is printed.
pub(crate) struct Snippet<'a> {
    pub(crate) operation: &'a Operation,
    /// The OperationId, with its connector if it is ambiguous.
    pub(crate) name: String,
    pub(crate) options: &'a Json,
    pub(crate) items: &'a [Json],
    pub(crate) ask: &'a [String],
    /// The template name, for templates that ask for values: these are required when called by template.
    template: String,
}

impl<'a> Snippet<'a> {
    pub(crate) fn of(catalog: &Catalog, template: &'a Template) -> Snippet<'a> {
        let operation = &template.operation;
        let unique = catalog.operation(None, &operation.id).is_ok();
        let name = if unique { operation.id.clone() } else { format!("{}/{}", operation.connector.name, operation.id) };
        let is_unique = catalog.template(None, &template.name).is_ok();
        let template_name =
            if is_unique { template.name.clone() } else { format!("{}/{}", operation.connector.name, template.name) };
        Snippet {
            operation,
            name,
            options: &template.options,
            items: &template.items,
            ask: &template.ask,
            template: template_name,
        }
    }

    /// A command line; `target` is `--sandbox` or `--connection NAME`. With a connection, sample values are not sent by accident.
    pub(crate) fn command(&self, target: &str) -> String {
        if !self.ask.is_empty() && target != "--sandbox" {
            return format!("opnode {} --template {} {target}", self.operation.method, shell(&self.template));
        }
        let mut parts = vec![format!("opnode {} {}", self.operation.method, shell(&self.name)), target.to_owned()];
        for (name, raw) in fields_of(&self.options.0).unwrap_or_default() {
            parts.push(format!("--set {}", shell(&format!("{name}={}", plain_value(raw.get())))));
        }
        match self.items {
            [] => {}
            [one] => parts.push(format!("--items {}", shell(&one.0))),
            several => parts.push(format!(
                "--items {}",
                shell(&format!("[{}]", several.iter().map(|i| i.0.as_str()).collect::<Vec<_>>().join(",")))
            )),
        }
        let line = parts.join(" ");
        if terminal_text::width(&line) <= LINE { line } else { parts.join(" \\\n  ") }
    }

    /// The values to fill in, such as `id`, `items.0.url`.
    pub(crate) fn to_fill_in(&self) -> Vec<String> {
        let name = |pointer: &String| match pointer.strip_prefix("/options/") {
            Some(option) => option.to_owned(),
            None => pointer.trim_start_matches('/').replace('/', "."),
        };
        self.ask.iter().map(name).collect()
    }

    /// A step of a batch file.
    pub(crate) fn batch(&self, id: &str) -> Result<String> {
        let mut step = format!("{{\"id\":{},\"{}\":{}", quoted(id), self.operation.method, quoted(&self.name));
        if self.options.0 != "{}" {
            step.push_str(&format!(",\"options\":{}", self.options.0));
        }
        if !self.items.is_empty() {
            step.push_str(&format!(
                ",\"items\":[{}]",
                self.items.iter().map(|i| i.0.as_str()).collect::<Vec<_>>().join(",")
            ));
        }
        if self.operation.method == crate::Method::Query {
            step.push_str(&format!(",\"save\":{}", quoted(&format!("out/{id}.ndjson"))));
        }
        step.push('}');
        let broken = |e: &dyn std::fmt::Display| Error::new(ErrorKind::Internal, format!("the step: {e}"));
        let mut numbers = Numbers::default();
        let mut tree = numbers.tree(&step).map_err(|e| broken(&e))?;
        let single = self.ask.iter().enumerate().filter(|(_, pointer)| *pointer != "/items");
        let marks: Vec<(String, String)> = single.filter_map(|(i, pointer)| mark(&mut tree, pointer, i)).collect();
        let text = serde_yaml::to_string(&[tree]).map_err(|e| broken(&e))?;
        let all_items = self.ask.iter().any(|pointer| pointer == "/items");
        let text: String = text
            .lines()
            .map(|line| if all_items && line.trim() == "items:" { filled_in(line) } else { marked(line, &marks) })
            .collect();
        let text = numbers.spell(text);
        Ok(if self.ask.is_empty() { text } else { self.as_template(&text) })
    }

    /// A file of templates with this call under a name, for `templates/CONNECTOR/NAME.yaml`.
    #[cfg(feature = "studio")]
    pub(crate) fn template_file(&self) -> Result<String> {
        let name = step_id(&self.operation.id).replace('_', "-");
        let mut entry =
            format!(r#"{{"title":{},"operation":{}"#, quoted(&self.operation.title), quoted(&self.operation.id));
        if self.options.0 != "{}" {
            entry.push_str(&format!(r#","options":{}"#, self.options.0));
        }
        if !self.items.is_empty() {
            let items: Vec<&str> = self.items.iter().map(|item| item.0.as_str()).collect();
            entry.push_str(&format!(r#","items":[{}]"#, items.join(",")));
        }
        let json =
            format!(r#"{{"version":{},"templates":{{{}:{entry}}}}}}}"#, Format::Templates.version(), quoted(&name));
        let broken = |e: &dyn std::fmt::Display| Error::new(ErrorKind::Internal, format!("the template: {e}"));
        let mut numbers = Numbers::default();
        let tree = numbers.tree(&json).map_err(|e| broken(&e))?;
        let text = serde_yaml::to_string(&tree).map_err(|e| broken(&e))?;
        Ok(format!("# templates/{}/{name}.yaml\n{}", self.operation.connector.name, numbers.spell(text)))
    }

    /// The step as a call of the template, with the values to fill in as comments. The step is refused until they are set.
    fn as_template(&self, text: &str) -> String {
        let asks = |root: &str| self.ask.iter().any(|p| p.starts_with(root));
        let (mut out, mut section) = (String::new(), String::new());
        for line in text.lines() {
            let key = line
                .strip_prefix("  ")
                .filter(|rest| !rest.starts_with([' ', '-']))
                .and_then(|rest| rest.split(':').next());
            if let Some(key) = key {
                key.clone_into(&mut section);
            }
            let method = self.operation.method.to_string();
            match section.as_str() {
                name if name == method => out.push_str(&format!("  template: {}\n", self.template)),
                "options" if asks("/options") => {
                    out.push_str(&format!("  # {}\n", line.strip_prefix("  ").unwrap_or(line)))
                }
                "items" if asks("/items") => {
                    out.push_str(&format!("  # {}\n", line.strip_prefix("  ").unwrap_or(line)))
                }
                "options" | "items" => {}
                _ => out.push_str(&format!("{line}\n")),
            }
        }
        out
    }
}

/// Replaces the value at a pointer by a mark. Returns the mark and the value.
fn mark(tree: &mut serde_yaml::Value, pointer: &str, number: usize) -> Option<(String, String)> {
    let mut tokens = pointer.split('/').skip(1).map(crate::json_pointer::unescape);
    let value = tokens.try_fold(tree, |at, token| match at {
        serde_yaml::Value::Mapping(map) => map.get_mut(token.as_str()),
        serde_yaml::Value::Sequence(list) => token.parse::<usize>().ok().and_then(|i| list.get_mut(i)),
        _ => None,
    })?;
    let text = serde_json::to_string(value).ok()?;
    let mark = format!("opnode-mark-{number}-");
    *value = serde_yaml::Value::String(mark.clone());
    Some((mark, text))
}

fn filled_in(line: &str) -> String {
    format!("{line}   # fill in\n")
}

fn marked(line: &str, marks: &[(String, String)]) -> String {
    let found = marks.iter().find(|(mark, _)| line.contains(mark.as_str()));
    match found {
        Some((mark, value)) => filled_in(&line.replace(mark.as_str(), value)),
        None => format!("{line}\n"),
    }
}

/// Whether the sandbox simulates a connector, so that its examples run without an account.
pub(crate) fn has_sandbox(catalog: &Catalog, connector: &str) -> bool {
    catalog.connector(connector).is_ok() && catalog.sandbox(connector).is_ok()
}

/// The name as an identifier for expressions: `steps.active_members`.
pub(crate) fn step_id(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect()
}

/// A raw value as `--set` takes it.
pub(crate) fn plain_value(raw: &str) -> String {
    serde_json::from_str::<String>(raw).unwrap_or_else(|_| raw.to_owned())
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// Quotes a word for a POSIX shell.
pub(crate) fn shell(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

/// The type of a value to fill in, from its sample.
pub(crate) fn kind_at(template: &Template, pointer: &str) -> Option<&'static str> {
    let items: Vec<Value> = template.items.iter().map(Json::to_value).collect();
    let whole = serde_json::json!({ "options": template.options.to_value(), "items": items });
    whole.pointer(pointer).map(kind_of)
}

#[cfg(test)]
mod tests {
    use super::{shell, step_id};

    #[test]
    fn words_are_quoted_for_a_shell() {
        assert_eq!(shell("a=b"), "a=b");
        assert_eq!(shell("it's $HOME"), "'it'\\''s $HOME'");
        assert_eq!(shell(""), "''");
        assert_eq!(step_id("active-members"), "active_members");
    }
}
