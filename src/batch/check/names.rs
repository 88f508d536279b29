//! Checks the names in expressions: only documented ones, where they have a value. A misspelt name is a fault of the
//! file.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::context::CheckContext;
use super::row_fields::Sources;
use crate::authoring::Checker;
use crate::error::{Advice, did_you_mean};
use crate::expression::{Expr, NAMES};

/// Names that have a value only in certain keys.
#[derive(Clone, Copy, Default)]
pub(super) struct Allowed {
    /// `item` and `index`.
    pub(super) item: bool,
    pub(super) parent: bool,
    pub(super) watermark: bool,
}

/// The ids of all steps, in the order of the file.
pub(super) struct StepIds<'a> {
    all: Vec<&'a str>,
    /// The first position of each id.
    first: HashMap<&'a str, usize>,
}

/// Maximum number of ids that an unknown one is compared with, so that many unknown ids do not take quadratic time.
const COMPARED: usize = 500;

impl<'a> StepIds<'a> {
    pub(super) fn new(ids: impl Iterator<Item = &'a str>) -> StepIds<'a> {
        let all: Vec<&str> = ids.collect();
        let first = all.iter().enumerate().rev().map(|(number, id)| (*id, number)).collect();
        StepIds { all, first }
    }

    pub(super) fn get(&self, number: usize) -> Option<&'a str> {
        self.all.get(number).copied()
    }

    pub(super) fn position(&self, id: &str) -> Option<usize> {
        self.first.get(id).copied()
    }

    /// The nearest earlier id, for a message.
    pub(super) fn hint(&self, id: &str, number: usize) -> String {
        let earlier = self.all.iter().take(number).skip(number.saturating_sub(COMPARED));
        did_you_mean(id, earlier.copied())
    }
}

/// The names of kept values by step.
pub(super) type KeptNames = BTreeMap<String, Vec<String>>;

/// The context for checking names, and the steps that were named.
pub(super) struct StepNames<'a, 'n> {
    pub(super) ids: &'a StepIds<'a>,
    /// The values that earlier steps keep; a step with a fault is not in it.
    pub(super) kept: &'a KeptNames,
    /// The number of the step itself.
    pub(super) number: usize,
    pub(super) context: &'a CheckContext<'a>,
    pub(super) needs: &'n mut BTreeSet<usize>,
    /// Steps of which only the end is read: status, error, counts.
    pub(super) awaits: &'n mut BTreeSet<usize>,
    /// The known values behind the names.
    pub(super) sources: Sources,
    /// Whether unknown fields are faults.
    pub(super) known_fields: bool,
}

impl StepNames<'_, '_> {
    /// Checks every name of an expression.
    pub(super) fn check(&mut self, c: &mut Checker<'_>, at: &str, expr: &Expr, allowed: Allowed) {
        // Each name once, whatever part of it is read.
        let part = |path: &'_ [String]| match path.get(2).map(String::as_str) {
            Some("kept" | "counts" | "error") => 4,
            _ => 3,
        };
        let names: BTreeSet<&[String]> =
            expr.paths().iter().map(|path| path.get(..part(path)).unwrap_or(path)).collect();
        for name in names {
            let mut steps = name.iter().map(String::as_str);
            let (root, second) = (steps.next().unwrap_or_default(), steps.next());
            let fault = match root {
                "item" | "index" if !allowed.item => Some((
                    format!("`{root}` has no value here"),
                    Some("it is the element of `for`, or the item of `where` and `map`".to_owned()),
                )),
                "parent" if !allowed.parent => Some((
                    "`parent` has no value here".to_owned(),
                    Some("it is the element of `for` in the `where` and `map` of a query".to_owned()),
                )),
                "watermark" if !allowed.watermark => Some((
                    "`watermark` has no value here".to_owned(),
                    Some("give the step a `watermark: { pointer, start }`".to_owned()),
                )),
                "item" | "index" | "parent" | "watermark" => None,
                "vars" => one_of(root, second, self.context.vars.keys().map(String::as_str), "add it under `vars`"),
                "inputs" => {
                    one_of(root, second, self.context.inputs.keys().map(String::as_str), "list it under `inputs`")
                }
                "env" => one_of(root, second, self.context.env.keys().map(String::as_str), "list it under `env`"),
                "connection" => {
                    one_of(root, second, ["name", "connector"], "expressions can read its name and connector")
                }
                "run" => {
                    one_of(root, second, ["id", "name", "started"], "expressions can read the run's id, name and start")
                }
                "steps" => self.step(second, steps.next(), steps.next()),
                other => {
                    let hint = did_you_mean(other, NAMES);
                    Some((
                        format!("unknown name `{other}`{hint}"),
                        Some(format!("expressions can use {}", NAMES.join(", "))),
                    ))
                }
            };
            if let Some((message, advice)) = fault {
                c.fault(at, format!("`{}`: {message}", expr.source()), advice.map(Advice::from));
            }
        }
        if self.known_fields {
            self.sources.check(c, at, expr);
        }
    }

    fn step(&mut self, id: Option<&str>, field: Option<&str>, name: Option<&str>) -> Option<(String, Option<String>)> {
        let Some(id) = id else {
            return Some(("`steps` alone is not a value".to_owned(), Some("write steps.ID.items".to_owned())));
        };
        let found = match self.ids.position(id) {
            Some(found) if found < self.number => found,
            Some(_) => {
                return Some((
                    format!("the step `{id}` is not an earlier one"),
                    Some("a step can use only steps above it".to_owned()),
                ));
            }
            None => return Some((format!("there is no step `{id}`{}", self.ids.hint(id, self.number)), None)),
        };
        if let Some("status" | "error" | "counts") = field {
            self.awaits.insert(found);
            let of = |known: &[&str]| {
                let advice = format!("it has {}", known.join(", "));
                let place = format!("steps.{id}.{}", field.unwrap_or_default());
                name.and_then(|name| one_of(&place, Some(name), known.iter().copied(), &advice))
            };
            return match field {
                Some("counts") => of(&STEP_COUNTS),
                Some("error") => of(&STEP_ERROR),
                _ => None,
            };
        }
        self.needs.insert(found);
        match field {
            Some("items" | "count" | "receipt") => None,
            Some("kept") => {
                let known = self.kept.get(id)?.iter().map(String::as_str);
                let advice = "its operation keeps it with `response: { keep: { NAME: POINTER } }`";
                one_of(&format!("steps.{id}.kept"), name, known, advice)
            }
            Some(other) => {
                let hint = did_you_mean(other, STEP_NAMES);
                Some((format!("a step has no `{other}`{hint}"), Some(STEP_HAS.to_owned())))
            }
            None => Some((format!("`steps.{id}` alone is not a value"), Some(STEP_HAS.to_owned()))),
        }
    }
}

const STEP_NAMES: [&str; 7] = ["items", "count", "receipt", "kept", "status", "error", "counts"];

/// What `steps.ID.counts` and `steps.ID.error` have.
const STEP_COUNTS: [&str; 4] = ["items_in", "items_out", "failed", "unknown"];
const STEP_ERROR: [&str; 2] = ["kind", "message"];

const STEP_HAS: &str = "it has items, count, receipt, kept, status, error and counts";

fn one_of<'a>(
    root: &str,
    name: Option<&str>,
    known: impl IntoIterator<Item = &'a str>,
    advice: &str,
) -> Option<(String, Option<String>)> {
    let known: Vec<&str> = known.into_iter().collect();
    match name {
        None => Some((
            format!("`{root}` alone is not a value"),
            Some(format!("it has {}", known.join(", "))).filter(|_| !known.is_empty()),
        )),
        Some(name) if known.contains(&name) => None,
        Some(name) => Some((format!("`{root}` has no `{name}`{}", did_you_mean(name, known)), Some(advice.to_owned()))),
    }
}
