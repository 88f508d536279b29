//! Searches of the service: operations and templates together, with facets.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::definition::{Catalog, Hit, Hits, Method, OperationSummary, Search, Template};
use crate::describe;
use crate::error::Result;

/// Hits of a search without a limit.
const HITS: usize = 50;

/// A search.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(in crate::cli) struct SearchRequest {
    text: String,
    /// Only of these connectors.
    connectors: Vec<String>,
    method: Option<Method>,
    /// Only templates with this tag.
    tag: Option<String>,
    limit: Option<usize>,
}

impl SearchRequest {
    /// Operations and templates that fit, the best first, with the reason of each. Without words: all of them, in order.
    ///
    /// # Errors
    /// `unknown_operation` for a connector that is not there.
    pub(super) fn hits(&self, catalog: &Catalog) -> Result<Value> {
        let limit = self.limit.unwrap_or(HITS);
        if self.text.trim().is_empty() {
            return self.all(catalog, limit);
        }
        // Facets leave hits out, so that more are needed.
        let search = Search { text: self.text.clone(), connectors: self.connectors.clone(), limit: None };
        let operations = catalog.search(&search)?;
        let templates = catalog.search_templates(&search)?;
        let unknown: Vec<Value> =
            operations.unknown.iter().map(|word| json!({ "word": word.word, "nearest": word.nearest })).collect();
        let is_operation = |entry: &OperationSummary| self.tag.is_none() && self.is_method(entry.method);
        let is_template = |entry: &Template| self.is_method(entry.operation.method) && self.has_tag(entry);
        let mut hits: Vec<FoundHit<'_>> = fitting(&operations, is_operation).map(FoundHit::Operation).collect();
        hits.extend(fitting(&templates, is_template).map(FoundHit::Template));
        hits.sort_by(|a, b| b.score().total_cmp(&a.score()));
        let shown: Vec<Value> = hits.iter().take(limit).map(FoundHit::shown).collect();
        Ok(json!({ "hits": shown, "total": hits.len(), "unknown": unknown }))
    }

    fn all(&self, catalog: &Catalog, limit: usize) -> Result<Value> {
        let chosen = |name: &&str| self.connectors.is_empty() || self.connectors.iter().any(|own| own == name);
        let (mut hits, mut total) = (Vec::new(), 0);
        let mut add = |shown: &dyn Fn() -> Value| {
            total += 1;
            if hits.len() < limit {
                hits.push(shown());
            }
        };
        for name in catalog.connector_names().filter(chosen) {
            let templates = catalog.templates(name)?;
            let is_own =
                |own: &&Template| self.is_method(own.operation.method) && self.has_tag(own) && is_own_name(own);
            templates.iter().filter(is_own).for_each(|template| add(&|| describe::template(template)));
            if self.tag.is_none() {
                let operations = catalog.operations(name)?;
                let fits = operations.iter().filter(|own| self.is_method(own.method));
                fits.for_each(|operation| add(&|| describe::operation(operation)));
            }
        }
        Ok(json!({ "hits": hits, "total": total, "unknown": [] }))
    }

    fn is_method(&self, method: Method) -> bool {
        self.method.is_none_or(|own| own == method)
    }

    fn has_tag(&self, template: &Template) -> bool {
        self.tag.as_ref().is_none_or(|tag| template.tags.contains(tag))
    }
}

/// The tags of all templates.
///
/// # Errors
/// Those of definitions that cannot be read.
pub(super) fn tags(catalog: &Catalog) -> Result<Vec<String>> {
    let mut found = std::collections::BTreeSet::new();
    for name in catalog.connector_names() {
        found.extend(catalog.templates(name)?.into_iter().flat_map(|template| template.tags));
    }
    Ok(found.into_iter().collect())
}

/// Whether it is more than the operation under its own name.
fn is_own_name(template: &Template) -> bool {
    template.name != template.operation.id
}

enum FoundHit<'h> {
    Operation(&'h Hit<OperationSummary>),
    Template(&'h Hit<Template>),
}

impl FoundHit<'_> {
    fn score(&self) -> f32 {
        match self {
            FoundHit::Operation(hit) => hit.score,
            FoundHit::Template(hit) => hit.score,
        }
    }

    fn shown(&self) -> Value {
        match self {
            FoundHit::Operation(hit) => describe::found_operation(hit),
            FoundHit::Template(hit) => describe::found_template(hit),
        }
    }
}

fn fitting<'h, T: 'h>(found: &'h Hits<T>, fits: impl Fn(&T) -> bool + 'h) -> impl Iterator<Item = &'h Hit<T>> {
    found.hits.iter().filter(move |hit| fits(&hit.entry))
}
