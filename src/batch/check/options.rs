//! Checks the options of a step: their names, literal values, and values that a template leaves to the caller.

use super::expressions::shape;
use super::literal::tell;
use super::names;
use crate::authoring::{Checker, Json};
use crate::batch::conditions::Conditions;
use crate::batch::file::{StepFile, UnknownFieldsFile};
use crate::definition::{Operation, Template};
use crate::error::{Advice, did_you_mean};
use crate::expression::Shape;
use crate::json_pointer::{escape, unescape};
use crate::options::Options;

/// The options, with those of a template as defaults; and again only those without expressions.
pub(super) fn options(
    c: &mut Checker<'_>,
    at: &str,
    file: &StepFile,
    template: Option<&Template>,
    operation: Option<&Operation>,
    (names, allowed): (&mut names::StepNames<'_, '_>, names::Allowed),
) -> (Shape, Options) {
    let own = &file.options;
    let place = format!("{at}/options");
    let base = template.map(|t| {
        crate::json_text::fields_of(&t.options.0).unwrap_or_default().into_iter().map(|(n, r)| (n, r.get().to_owned()))
    });
    let mut all: Vec<(String, Shape)> = base
        .into_iter()
        .flatten()
        .filter(|(n, _)| own.iter().all(|(o, _)| o != n))
        .map(|(n, json)| (n, Shape::Fixed(json)))
        .collect();
    for (name, value) in own {
        all.push((name.clone(), shape(c, &format!("{place}/{}", escape(name)), &value.0, names, allowed)));
    }
    let mut literal = Options::default();
    if let Some(operation) = operation {
        let conditions = Conditions::of(operation);
        all.iter().for_each(|(name, shape)| conditions.check(c, &place, name, shape));
        literal = check_options(c, &place, operation, &all, file);
        asked(c, at, template, file);
    }
    (Shape::Map(all), literal)
}

/// Values that a template leaves open are required.
fn asked(c: &mut Checker<'_>, at: &str, template: Option<&Template>, file: &StepFile) {
    let Some(template) = template else { return };
    let left = template.left(|name| file.options.contains_key(name), |_| file.items.is_some());
    let Some(pointer) = left.first() else { return };
    let what = pointer
        .strip_prefix("/options/")
        .map_or_else(|| "the items".to_owned(), |name| format!("the option `{}`", unescape(name)));
    c.fault(&format!("{at}/template"), format!("the template {} needs a value for {what}", template.name), None);
}

/// The names of all options; returns the values of those without expressions.
fn check_options(
    c: &mut Checker<'_>,
    place: &str,
    operation: &Operation,
    all: &[(String, Shape)],
    file: &StepFile,
) -> Options {
    let names = || operation.options.iter().map(|o| o.name.as_str());
    let mut literal = Options::default();
    for (name, shape) in all {
        if let Shape::Fixed(json) = shape {
            if let Err(e) = literal.insert_json(name, json) {
                c.fault(&format!("{place}/{}", escape(name)), e.to_string(), None);
            }
        } else if operation.option(name).is_none() {
            c.fault(
                &format!("{place}/{}", escape(name)),
                format!("`{name}` is not an option of {}{}", operation.id, did_you_mean(name, names())),
                None,
            );
        }
    }
    let is_given = |name: &str| all.iter().any(|(n, _)| n == name);
    let has_items = file.items.is_some();
    for option in operation
        .options
        .iter()
        .filter(|o| o.required && !is_given(&o.name) && !(has_items && operation.item_may_fill(o)))
    {
        let advice = Some(Advice::DescribeOperation(operation.id.clone()));
        c.fault(place, format!("the option `{}` of {} is missing", option.name, operation.id), advice);
    }
    if file.unknown_fields == UnknownFieldsFile::Refuse {
        // A condition with expressions has the names of its text.
        let mut named = literal.clone();
        for (name, text) in all.iter().filter_map(|(name, shape)| Some((name, shape.sample()?))) {
            if operation.conditions().any(|condition| condition == name) {
                let json = serde_json::Value::from(text).to_string();
                named.insert_json(name, &json).unwrap_or_else(|e| c.fault(place, e.to_string(), None));
            }
        }
        tell(c, place, operation.unknown_names(&named));
    }
    let Err(error) = operation.check_options(&literal) else { return literal };
    for fault in error.to_faults() {
        // Missing options were checked above, where expressions count as given.
        if let Some(field) = fault.place.field.filter(|f| !f.is_empty()) {
            c.fault(&format!("{place}{field}"), fault.message, fault.advice);
        }
    }
    literal
}

pub(super) fn template_items(template: &Template) -> Json {
    Json(format!("[{}]", template.items.iter().map(|i| i.0.as_str()).collect::<Vec<_>>().join(",")))
}
