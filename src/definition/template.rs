//! Templates: predefined calls. Checked together with their operation; no I/O.

use std::sync::Arc;

use serde_json::Value;

use super::file::TemplateFile;
use super::operation::Operation;
use super::rules::ItemRule;
use super::sample::sample_of;
use crate::authoring::Document;
use crate::authoring::Pointer;
use crate::authoring::{Checker, Format, explain};
use crate::authoring::{Json, Ordered};
use crate::error::{Error, ErrorKind, Result};
use crate::item::Items;
use crate::json_pointer::escape;
use crate::options::Options;

/// A predefined call: an operation with its options and, for writes, sample items.
#[derive(Debug, Clone)]
pub struct Template {
    /// Its name: kebab-case, or the OperationId of an automatic one.
    pub name: String,
    /// Its title.
    pub title: String,
    /// A summary of the result.
    pub summary: Option<String>,
    /// The operation.
    pub operation: Arc<Operation>,
    /// Options as written.
    pub options: Json,
    /// Items as written.
    pub items: Vec<Json>,
    /// JSON Pointers to the values that the user must fill in, under `/options` or `/items`.
    pub ask: Vec<String>,
    /// Tags for search.
    pub tags: Vec<String>,
    /// Generated from the operation: all its values are samples.
    pub is_automatic: bool,
}

impl Template {
    /// The options, ready to send.
    #[must_use]
    pub fn to_options(&self) -> Options {
        Options::read(&self.options.0).unwrap_or_default()
    }

    /// The items, ready to send.
    ///
    /// # Errors
    /// `internal`, but never in practice: the items were checked when the template was read.
    pub fn items(&self) -> Result<Items> {
        Items::from_array(format!("[{}]", self.items.iter().map(|i| i.0.as_str()).collect::<Vec<_>>().join(",")))
    }

    /// The values still to fill in, as JSON Pointers. `has_option` says which options were given; `has_item_field`
    /// whether items were, with a field in each or at all.
    pub(crate) fn left(
        &self,
        has_option: impl Fn(&str) -> bool,
        has_item_field: impl Fn(Option<&str>) -> bool,
    ) -> Vec<String> {
        let is_left = |pointer: &&String| {
            let mut tokens = pointer.split('/').skip(1).map(crate::json_pointer::unescape);
            match tokens.next().as_deref() {
                Some("options") => tokens.next().is_none_or(|name| !has_option(&name)),
                Some("items") => !has_item_field(tokens.nth(1).as_deref()),
                _ => false,
            }
        };
        self.ask.iter().filter(is_left).cloned().collect()
    }

    /// The automatic template of an operation: required options with sample values, and a sample item.
    #[must_use]
    pub fn automatic(operation: &Arc<Operation>) -> Template {
        let required = operation.options.iter().filter(|o| o.required);
        let pairs: Vec<(String, Json)> = required.map(|o| (o.name.clone(), sample_of(&o.schema.to_value()))).collect();
        let mut ask: Vec<String> = pairs.iter().map(|(name, _)| format!("/options/{}", escape(name))).collect();
        let body: Vec<String> =
            pairs.into_iter().map(|(name, value)| format!("{}:{}", Value::from(name), value.0)).collect();
        let items: Vec<Json> = operation.items.iter().filter_map(ItemRule::to_sample).collect();
        ask.extend((!items.is_empty()).then(|| "/items".to_owned()));
        Template {
            name: operation.id.clone(),
            title: operation.title.clone(),
            summary: operation.description.clone(),
            operation: Arc::clone(operation),
            options: Json(format!("{{{}}}", body.join(","))),
            items,
            ask,
            tags: Vec::new(),
            is_automatic: true,
        }
    }
}

/// Reads one template from its part of a file and checks it against its operation.
pub(super) fn read_template(doc: &Document, find: &dyn Fn(&str) -> Result<Arc<Operation>>) -> Result<Template> {
    let mirror: Ordered<TemplateFile> = doc.read().map_err(|e| explain(Format::Templates, doc, &["templates"], &e))?;
    let Some((name, file)) = mirror.into_iter().next() else {
        return Err(Error::new(ErrorKind::Internal, "a template's part of a file is empty"));
    };
    let mut c = Checker::new(doc);
    let at = format!("/{}", escape(&name));
    let what = format!("the template {name} is invalid");
    c.name(&at, &name);
    let found = find(&file.operation);
    let Some(operation) = c.accept(&format!("{at}/operation"), found) else { return c.finish(&what, None) };
    let template = Template {
        title: file.title,
        summary: file.summary,
        operation,
        options: file.options.unwrap_or_else(|| Json("{}".into())),
        items: file.items.unwrap_or_default(),
        ask: file.ask,
        is_automatic: false,
        tags: file.tags,
        name,
    };
    check(&mut c, &at, &template);
    c.finish(&what, Some(template))
}

/// An invalid call is a fault of the template.
fn check(c: &mut Checker<'_>, at: &str, template: &Template) {
    let operation = &template.operation;
    if !template.options.to_value().is_object() {
        c.fault(&format!("{at}/options"), "expected a map of options", None);
        return;
    }
    if let Err(error) = operation.check_options(template.to_options()) {
        for fault in error.to_faults() {
            let field = fault.place.field.unwrap_or_default();
            c.fault(&format!("{at}/options{field}"), fault.message, None);
        }
    }
    match &operation.items {
        None if !template.items.is_empty() => {
            c.fault(&format!("{at}/items"), format!("{} takes no items", operation.id), None)
        }
        None => {}
        Some(rule) => {
            for (i, item) in template.items.iter().enumerate() {
                match operation.check_item_text(rule, &item.to_value(), &item.0) {
                    Ok(findings) => findings
                        .into_iter()
                        .for_each(|f| c.fault(&format!("{at}/items/{i}{}", f.pointer), f.message, None)),
                    Err(error) => c.fault(&format!("{at}/items/{i}"), error.to_string(), None),
                }
            }
        }
    }
    let items: Vec<Value> = template.items.iter().map(Json::to_value).collect();
    let whole = serde_json::json!({"options": template.options.to_value(), "items": items});
    for (i, pointer) in template.ask.iter().enumerate() {
        let found = Pointer::parse(pointer).is_ok_and(|p| p.find(&whole).is_some());
        if !found {
            c.fault(
                &format!("{at}/ask/{i}"),
                format!("`{pointer}` does not exist in this template's options or items"),
                None,
            );
        }
    }
}
