//! Checks how a step finds out whether its items took effect.

use std::time::Duration;

use super::expressions::shape;
use super::names::{Allowed, StepNames};
use crate::authoring::Checker;
use crate::authoring::duration::duration;
use crate::batch::conditions::Conditions;
use crate::batch::file::VerifyFile;
use crate::batch::run_plan::{CalledOperation, Verify};
use crate::definition::{Method, Operation};
use crate::error::did_you_mean;
use crate::expression::Shape;
use crate::json_pointer::{escape, path_of};

/// How long to wait before looking, if the step does not say.
const WAIT: Duration = Duration::from_secs(5);

/// The look-up of a write step; `None` if it has a fault.
pub(super) fn verify(
    c: &mut Checker<'_>,
    at: &str,
    file: &VerifyFile,
    operation: &Operation,
    names: &mut StepNames<'_, '_>,
) -> Option<Verify> {
    let connector = operation.connector.name.as_str();
    let found = names.context.catalog.operation(Some(connector), &file.query);
    let query = found.map_err(|e| c.fault(&format!("{at}/query"), e.message.clone(), e.advice.clone())).ok()?;
    if query.method != Method::Query {
        c.fault(&format!("{at}/query"), format!("{} is no query: it would change something", query.id), None);
        return None;
    }
    let allowed = Allowed { item: true, ..Allowed::default() };
    let conditions = Conditions::of(&query);
    let mut is_per_item = false;
    let mut options = Vec::new();
    for (name, value) in &file.options {
        let place = format!("{at}/options/{}", escape(name));
        if query.option(name).is_none() {
            let hint = did_you_mean(name, query.options.iter().map(|o| o.name.as_str()));
            c.fault(&place, format!("`{name}` is not an option of {}{hint}", query.id), None);
        }
        let shape = shape(c, &place, &value.0, names, allowed);
        conditions.check(c, &format!("{at}/options"), name, &shape);
        is_per_item |= shape.expressions().iter().any(|(_, expr)| {
            expr.paths().iter().any(|path| path.first().is_some_and(|root| root == "item" || root == "index"))
        });
        options.push((name.clone(), shape));
    }
    let missing = query.options.iter().find(|o| o.required && options.iter().all(|(name, _)| *name != o.name));
    if let Some(option) = missing {
        c.fault(&format!("{at}/options"), format!("the option `{}` of {} is missing", option.name, query.id), None);
    }
    let keys = file.key.names();
    if keys.is_empty() {
        c.fault(&format!("{at}/key"), "a record needs a key", None);
    }
    let wait = file.wait.as_ref().map_or(Some(WAIT), |wait| c.accept(&format!("{at}/wait"), duration(wait)))?;
    // A new record has the values that were sent; of an older one, they show whether the change took effect.
    let is_created = operation.request_line().starts_with("POST");
    Some(Verify {
        operation: CalledOperation::of(&query),
        options: Shape::Map(options),
        key: keys.iter().map(|key| path_of(key)).collect(),
        is_per_item,
        is_compared: operation.method == Method::Mutate && !is_created,
        wait,
    })
}
