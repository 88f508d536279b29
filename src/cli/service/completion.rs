//! Completion and help for YAML that is being written: from the schema of its format, the definitions, the connections, and
//! the file itself.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::Service;
use super::yaml_place::{PlaceStep, YamlPlace, is_of_word, place_of, value_within};
use crate::authoring::Document;
use crate::batch::filter_names;
use crate::connections::ConnectionFile;
use crate::definition::{Catalog, Method, Operation, RecordField, record_fields};
use crate::error::Result;
use crate::formats::Format;

/// The most proposals.
const PROPOSALS: usize = 100;

/// A text and the place of the cursor, both from 1.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::cli) struct CompletionRequest {
    path: PathBuf,
    text: String,
    line: usize,
    column: usize,
}

/// What may be written at the cursor.
struct Proposal {
    text: String,
    insert: String,
    detail: String,
    documentation: String,
}

/// The parts that proposals are made of.
struct CompletionContext<'a> {
    request: &'a CompletionRequest,
    place: YamlPlace,
    schema: Value,
    catalog: &'a Catalog,
    connections: Vec<(String, String)>,
}

impl Service {
    /// What may be written at the cursor, and what is known of the word there.
    ///
    /// # Errors
    /// Those of definitions that cannot be read.
    pub(in crate::cli) fn complete(&self, request: &CompletionRequest) -> Result<Value> {
        let current = self.current();
        let format = Format::of(&request.path.display().to_string(), &request.text).unwrap_or(Format::Batch);
        let named = |(name, own): (&String, &ConnectionFile)| (name.clone(), own.connector.clone());
        let connections = current.connections().ok().flatten();
        let (line, column) = (request.line.saturating_sub(1), request.column.saturating_sub(1));
        let context = CompletionContext {
            request,
            place: place_of(&request.text, line, column),
            schema: serde_json::from_str(format.schema()).unwrap_or_default(),
            catalog: current.catalog(),
            connections: connections.iter().flat_map(|file| &file.file.connections).map(named).collect(),
        };
        let mut proposals = context.proposals()?;
        let word = context.place.word.to_lowercase();
        proposals.retain(|own| own.text.to_lowercase().contains(&word));
        proposals.sort_by_cached_key(|own| (!own.text.to_lowercase().starts_with(&word), own.text.clone()));
        let shown = |own: &Proposal| json!({ "text": own.text, "insert": own.insert, "detail": own.detail, "documentation": own.documentation });
        let from = request.column.saturating_sub(context.place.word.chars().count());
        Ok(json!({
            "from": { "line": request.line, "column": from.max(1) }, "to": { "line": request.line, "column": request.column },
            "proposals": proposals.iter().take(PROPOSALS).map(shown).collect::<Vec<_>>(), "hover": context.hover()?,
        }))
    }
}

impl CompletionContext<'_> {
    fn proposals(&self) -> Result<Vec<Proposal>> {
        if self.place.in_expression {
            return self.names_of_expressions();
        }
        let keys: Vec<&str> = self.place.path.iter().filter_map(key).collect();
        if self.place.is_key {
            if let (Some("options"), Some(operation)) = (keys.last().copied(), self.operation()?) {
                return Ok(options_of(&operation));
            }
            return Ok(self.keys());
        }
        let found = match keys.as_slice() {
            [.., call @ ("query" | "mutate" | "delete")] => self.operations(call)?,
            [.., "template"] => self.templates()?,
            [.., "connection"] => self.connection_names(),
            [.., "connector"] => self.catalog.connector_names().map(|name| plain(name, "connector")).collect(),
            [.., "after"] => self.step_ids().iter().map(|id| plain(id, "step")).collect(),
            [.., "options", name] => match self.operation()? {
                Some(operation) => values_of_option(&operation, name),
                None => Vec::new(),
            },
            _ => Vec::new(),
        };
        Ok(if found.is_empty() { self.values() } else { found })
    }

    /// What is known of the word at the cursor.
    fn hover(&self) -> Result<Option<String>> {
        let line = self.request.text.lines().nth(self.request.line.saturating_sub(1)).unwrap_or_default();
        let at = self.request.column.saturating_sub(1);
        let chars: Vec<char> = line.chars().collect();
        let begin = (0..at.min(chars.len())).rev().take_while(|n| chars.get(*n).is_some_and(|c| is_of_word(*c))).last();
        let begin = begin.unwrap_or(at);
        let word: String = chars.iter().skip(begin).take_while(|c| is_of_word(**c)).collect();
        if word.is_empty() {
            return Ok(None);
        }
        let keys: Vec<&str> = self.place.path.iter().filter_map(key).collect();
        if let [.., "query" | "mutate" | "delete"] = keys.as_slice()
            && let Ok(operation) = self.catalog.operation(None, &word)
        {
            let about = operation.description.as_deref().unwrap_or_default();
            return Ok(Some(format!("{} – {}\n{}\n{about}", operation.id, operation.title, operation.request_line())));
        }
        if keys.last() == Some(&"options")
            && let Some(option) = self.operation()?.and_then(|own| own.option(&word).cloned())
        {
            return Ok(option.description);
        }
        // The key itself, or the key of the value.
        let within: Vec<PlaceStep> = match self.place.path.last() {
            Some(PlaceStep::Key(last)) if *last == word => {
                self.place.path.split_last().map(|(_, all)| all.to_vec()).unwrap_or_default()
            }
            Some(_) | None => self.place.path.clone(),
        };
        let nodes = self.nodes(&within);
        let described =
            nodes.iter().filter_map(|node| node.get("properties")?.get(&word)?.get("description")?.as_str());
        Ok(described.map(str::to_owned).next())
    }

    /// The keys of the map at the cursor that it does not have.
    fn keys(&self) -> Vec<Proposal> {
        let mut seen = BTreeSet::new();
        let mut found = Vec::new();
        for node in self.nodes(&self.place.path) {
            let required: Vec<&str> = node
                .get("required")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .collect();
            let properties = node.get("properties").and_then(Value::as_object).into_iter().flatten();
            for (name, schema) in properties {
                if !seen.insert(name.clone()) || self.is_there(name) {
                    continue;
                }
                let detail = if required.contains(&name.as_str()) { "required" } else { "" };
                let documentation = schema.get("description").and_then(Value::as_str).unwrap_or_default().to_owned();
                let insert = format!("{name}: ");
                found.push(Proposal { text: name.clone(), insert, detail: detail.to_owned(), documentation });
            }
        }
        found
    }

    /// Whether the element at the cursor has a key; of other maps that is left to the check.
    fn is_there(&self, name: &str) -> bool {
        match self.place.path.last() {
            Some(PlaceStep::Element(line)) => value_within(&self.request.text, *line, name).is_some(),
            _ => false,
        }
    }

    /// The words that a value may be, by its schema.
    fn values(&self) -> Vec<Proposal> {
        let mut found = Vec::new();
        for node in self.nodes(&self.place.path) {
            found.extend(words_of(&node));
        }
        found
    }

    /// The schemas of a place: several if the format has alternatives.
    fn nodes(&self, path: &[PlaceStep]) -> Vec<Value> {
        let mut nodes = self.alternatives(&self.schema);
        for step in path {
            let inner = nodes.iter().filter_map(|node| match step {
                PlaceStep::Key(name) => node
                    .get("properties")
                    .and_then(|own| own.get(name))
                    .or_else(|| node.get("additionalProperties").filter(|own| own.is_object())),
                PlaceStep::Element(_) => node.get("items"),
            });
            nodes = inner.flat_map(|node| self.alternatives(node)).collect();
        }
        nodes
    }

    /// A schema without references and alternatives.
    fn alternatives(&self, node: &Value) -> Vec<Value> {
        if let Some(target) = node.get("$ref").and_then(Value::as_str) {
            let found = self.schema.pointer(target.trim_start_matches('#'));
            return found.map(|found| self.alternatives(found)).unwrap_or_default();
        }
        let lists = ["anyOf", "oneOf", "allOf"].into_iter().filter_map(|name| node.get(name)?.as_array());
        let mut found: Vec<Value> = lists.flatten().flat_map(|own| self.alternatives(own)).collect();
        found.push(node.clone());
        found
    }

    /// The line of the step at the cursor.
    fn element(&self) -> Option<usize> {
        self.place.path.iter().rev().find_map(|step| match step {
            PlaceStep::Element(line) => Some(*line),
            PlaceStep::Key(_) => None,
        })
    }

    /// The operation of the step at the cursor.
    fn operation(&self) -> Result<Option<Arc<Operation>>> {
        self.element().map_or(Ok(None), |element| self.operation_of(element))
    }

    /// The operation of the step that begins at a line.
    fn operation_of(&self, element: usize) -> Result<Option<Arc<Operation>>> {
        let of = |key: &str| value_within(&self.request.text, element, key);
        if let Some(name) = of("template") {
            return Ok(self.catalog.template(None, &name).ok().map(|own| own.operation));
        }
        let id = ["query", "mutate", "delete"].into_iter().find_map(of);
        Ok(id.and_then(|id| self.catalog.operation(None, &id).ok()))
    }

    fn operations(&self, call: &str) -> Result<Vec<Proposal>> {
        let word = self.place.word.to_lowercase();
        let mut found = Vec::new();
        for connector in self.catalog.connector_names() {
            let ids = self.catalog.operation_ids(connector)?;
            let fitting: Vec<&str> = ids.filter(|id| id.to_lowercase().contains(&word)).take(PROPOSALS).collect();
            for id in fitting {
                let Ok(operation) = self.catalog.operation(Some(connector), id) else { continue };
                if name_of(operation.method) == call {
                    found.push(Proposal {
                        text: id.to_owned(),
                        insert: id.to_owned(),
                        detail: format!("{} · {connector}", operation.title),
                        documentation: operation.description.clone().unwrap_or_default(),
                    });
                }
            }
        }
        Ok(found)
    }

    fn templates(&self) -> Result<Vec<Proposal>> {
        let mut found = Vec::new();
        for connector in self.catalog.connector_names() {
            for template in self.catalog.templates(connector)? {
                found.push(Proposal {
                    text: template.name.clone(),
                    insert: template.name,
                    detail: format!("{} · {connector}", template.title),
                    documentation: template.summary.unwrap_or_default(),
                });
            }
        }
        Ok(found)
    }

    /// The connections of the file, or of the connections file.
    fn connection_names(&self) -> Vec<Proposal> {
        let whole = self.document();
        let own = whole.get("connections").and_then(Value::as_object).into_iter().flatten();
        let inline =
            own.map(|(name, own)| plain(name, own.get("connector").and_then(Value::as_str).unwrap_or_default()));
        inline.chain(self.connections.iter().map(|(name, connector)| plain(name, connector))).collect()
    }

    fn step_ids(&self) -> Vec<String> {
        self.request.text.lines().filter_map(id_of).map(str::to_owned).collect()
    }

    /// The fields of the rows that the step at the cursor works on, if an operation returns them.
    fn fields_of_rows(&self) -> Result<Vec<Proposal>> {
        let own = self.element().and_then(|line| {
            ["items", "for", "from"].into_iter().find_map(|key| value_within(&self.request.text, line, key))
        });
        let named = own.and_then(|value| Some(value.split_once("steps.")?.1.to_owned())).unwrap_or_default();
        let id: String = named.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        let line = self.request.text.lines().position(|line| id_of(line).is_some_and(|own| own == id));
        let Some(operation) = line.map(|line| self.operation_of(line)).transpose()?.flatten() else {
            return Ok(Vec::new());
        };
        let fields = operation.record().map(record_fields).unwrap_or_default();
        let proposal = |field: &RecordField| {
            let about =
                field.schema.to_value().get("description").and_then(Value::as_str).unwrap_or_default().to_owned();
            Proposal { documentation: about, ..plain(&format!("item.{}", field.path.replace('/', ".")), "field") }
        };
        Ok(fields.iter().map(proposal).collect())
    }

    fn names_of_expressions(&self) -> Result<Vec<Proposal>> {
        let line = self.request.text.lines().nth(self.request.line.saturating_sub(1)).unwrap_or_default();
        let before: String = line.chars().take(self.request.column.saturating_sub(1)).collect();
        let before = before.strip_suffix(&self.place.word).unwrap_or(&before);
        if before.trim_end().ends_with('|') {
            return Ok(filter_names().map(|name| plain(name, "filter")).collect());
        }
        if self.place.word.starts_with("item.") {
            return self.fields_of_rows();
        }
        let whole = self.document();
        let names = |section: &str| -> Vec<String> {
            whole.get(section).and_then(Value::as_object).into_iter().flatten().map(|(name, _)| name.clone()).collect()
        };
        let steps = self.step_ids().into_iter().map(|id| plain(&format!("steps.{id}"), "step"));
        let inputs = names("inputs").into_iter().map(|name| plain(&format!("inputs.{name}"), "input"));
        let vars = names("vars").into_iter().map(|name| plain(&format!("vars.{name}"), "variable"));
        let roots =
            [("item", "the row or item"), ("index", "its number"), ("connection", "the connection of the matrix")];
        Ok(steps.chain(inputs).chain(vars).chain(roots.map(|(name, about)| plain(name, about))).collect())
    }

    /// The file as far as it can be read.
    fn document(&self) -> Value {
        Document::parse("", &self.request.text, 0).map(|doc| doc.to_value()).unwrap_or_default()
    }
}

/// The id of a step on its line.
fn id_of(line: &str) -> Option<&str> {
    let value = line.trim_start().trim_start_matches("- ").strip_prefix("id: ")?;
    Some(value.trim().trim_matches(['"', '\'']))
}

fn key(step: &PlaceStep) -> Option<&str> {
    match step {
        PlaceStep::Key(key) => Some(key),
        PlaceStep::Element(_) => None,
    }
}

pub(super) fn name_of(method: Method) -> &'static str {
    match method {
        Method::Query => "query",
        Method::Mutate => "mutate",
        Method::Delete => "delete",
    }
}

fn plain(text: &str, detail: &str) -> Proposal {
    Proposal { text: text.to_owned(), insert: text.to_owned(), detail: detail.to_owned(), documentation: String::new() }
}

fn options_of(operation: &Operation) -> Vec<Proposal> {
    let of = |option: &crate::definition::OptionRule| Proposal {
        text: option.name.clone(),
        insert: format!("{}: ", option.name),
        detail: if option.required { "required".to_owned() } else { String::new() },
        documentation: option.description.clone().unwrap_or_default(),
    };
    operation.options.iter().map(of).collect()
}

fn values_of_option(operation: &Operation, name: &str) -> Vec<Proposal> {
    operation.option(name).map(|option| words_of(&option.schema.to_value())).unwrap_or_default()
}

/// The values that a schema lists.
fn words_of(schema: &Value) -> Vec<Proposal> {
    let listed = schema.get("enum").and_then(Value::as_array).into_iter().flatten();
    let listed = listed.chain(schema.get("const"));
    let about = schema.get("description").and_then(Value::as_str).unwrap_or_default();
    let mut found: Vec<Proposal> = listed
        .map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
        .map(|text| Proposal { documentation: about.to_owned(), ..plain(&text, "value") })
        .collect();
    if schema.get("type").and_then(Value::as_str) == Some("boolean") {
        found.extend(["true", "false"].map(|word| plain(word, "value")));
    }
    found
}
