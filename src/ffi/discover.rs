//! Descriptions for the host: connectors, templates and operations as JSON.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use super::boundary::Buffer;
use super::host::Definitions;
use super::json;
use crate::Engine;
use crate::definition::{Method, Search, Template};
use crate::describe;
use crate::error::{Error, ErrorKind, Result};

const ADVICE: &str =
    "expected {\"connector\": NAME, \"files\": {\"connector.yaml\": TEXT, \"AREA.yaml\": TEXT}}, or an array of these";

/// Definitions from the host, of one connector or several.
pub(super) fn definitions(json: &str) -> Result<Vec<Definitions>> {
    let several = match json.trim_start().starts_with('[') {
        true => json::read("the definitions", json),
        false => json::read("the definitions", json).map(|one| vec![one]),
    };
    several.map_err(|e| e.advise(ADVICE))
}

/// All connectors.
pub(super) fn connectors(engine: &Engine) -> Buffer {
    let catalog = engine.catalog();
    // Faults of a connector are reported when a connection to it is opened.
    let sound = catalog.connector_names().filter_map(|name| catalog.connector(name).ok());
    Buffer::of_texts(&sound.map(|connector| describe::connector(&connector).to_string()).collect::<Vec<_>>())
}

/// The filter of templates.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct NameFilter {
    #[serde(default)]
    method: Option<String>,
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    limit: Option<usize>,
    #[serde(default)]
    after: Option<String>,
    #[serde(default)]
    operations: bool,
}

/// Templates, and on request operations, sorted by name.
pub(super) fn templates(engine: &Engine, connector: Option<&str>, filter: Option<&str>) -> Result<Buffer> {
    let filter: NameFilter = match filter {
        None => NameFilter::default(),
        Some(json) => json::read("the filter", json)?,
    };
    if let Some(method) = filter.method.as_deref().filter(|m| !matches!(*m, "query" | "mutate" | "delete")) {
        return Err(Error::new(
            ErrorKind::Usage,
            format!("the filter: method `{method}` is not query, mutate or delete"),
        ));
    }
    let catalog = engine.catalog();
    let names: Vec<String> = match connector {
        Some(name) => vec![catalog.connector(name)?.name.clone()],
        None => catalog.connector_names().map(str::to_owned).collect(),
    };
    let words: Vec<String> = filter.text.iter().flat_map(|t| t.split_whitespace()).map(str::to_lowercase).collect();
    let mut found: Vec<(String, String)> = Vec::new();
    for name in names {
        // Faults of a template are reported when it is requested by name.
        let (mut all, _) = catalog.sound_templates(&name)?;
        if filter.operations {
            all.extend(catalog.sound_operations(&name)?.0.iter().map(Template::automatic));
        }
        for template in all.iter().filter(|t| fits(t, filter.method.as_deref(), &words)) {
            found.push((format!("{name}/{}", template.name), describe::template(template).to_string()));
        }
    }
    found.sort();
    let after = filter.after.unwrap_or_default();
    let texts: Vec<String> = found
        .into_iter()
        .filter(|(name, _)| *name > after)
        .take(filter.limit.unwrap_or(usize::MAX))
        .map(|(_, text)| text)
        .collect();
    Ok(Buffer::of_texts(&texts))
}

fn fits(template: &Template, method: Option<&str>, words: &[String]) -> bool {
    let own: Method = template.operation.method;
    let text = [
        template.name.as_str(),
        &template.title,
        template.summary.as_deref().unwrap_or_default(),
        &template.operation.id,
        &template.tags.join(" "),
    ]
    .join(" ")
    .to_lowercase();
    method.is_none_or(|m| own.to_string() == m) && words.iter().all(|word| text.contains(word))
}

/// The filter of a search.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct SearchFilter {
    #[serde(default)]
    connector: Option<String>,
    #[serde(default)]
    limit: Option<usize>,
    #[serde(default)]
    templates: bool,
}

/// Hits of a search without `limit`.
const HITS: usize = 20;

/// Operations or templates that fit, the best first.
pub(super) fn search(engine: &Engine, query: &str, filter: Option<&str>) -> Result<Buffer> {
    let filter: SearchFilter = match filter {
        None => SearchFilter::default(),
        Some(json) => json::read("the filter", json)?,
    };
    let search = Search {
        text: query.to_owned(),
        connectors: filter.connector.into_iter().collect(),
        limit: Some(filter.limit.unwrap_or(HITS)),
    };
    let catalog = engine.catalog();
    let hits: Vec<Value> = match filter.templates {
        true => catalog.search_templates(&search)?.hits.iter().map(describe::found_template).collect(),
        false => catalog.search(&search)?.hits.iter().map(describe::found_operation).collect(),
    };
    Ok(Buffer::of_texts(&hits.iter().map(Value::to_string).collect::<Vec<_>>()))
}

/// One template or operation, with the data for a form.
pub(super) fn template(engine: &Engine, connector: Option<&str>, name: &str) -> Result<Buffer> {
    let catalog = engine.catalog();
    let template = match catalog.template(connector, name) {
        Ok(template) => template,
        Err(first) => Template::automatic(&Arc::clone(&catalog.operation(connector, name).map_err(|_| first)?)),
    };
    let details = describe::details(&template.operation);
    let mut head = describe::template(&template);
    if let Some(fields) = head.as_object_mut() {
        fields.insert("details".into(), details);
    }
    // Options and items keep the order of their file, which a map of this library would not.
    let items = template.items.iter().map(|i| i.0.as_str()).collect::<Vec<_>>().join(",");
    let mut text = head.to_string();
    if text.pop() == Some('}') {
        text.push_str(&format!(",\"options\":{},\"items\":[{items}]}}", template.options.0));
    }
    let checked: Result<Value, _> = serde_json::from_str(&text);
    checked.map_err(|e| Error::new(ErrorKind::Internal, format!("the description: {e}")))?;
    Ok(Buffer::text(text))
}
