//! The result of a call, and its differences from what a user must see.

use std::collections::BTreeMap;

use opnode::definition::Json;
use serde_json::Value;

use crate::form::{Expect, Requests, raw};

/// What one interface shows; `None` for what it cannot show.
#[derive(Default)]
pub struct Found {
    /// JSON texts.
    pub items: Vec<String>,
    pub kind: Option<String>,
    pub complete: Option<bool>,
    pub end: Option<String>,
    pub notes: Option<Vec<String>>,
    pub outcomes: Option<BTreeMap<String, u64>>,
    /// The error as text.
    pub error: String,
    pub exit: Option<i32>,
    pub stderr: Option<String>,
    pub requests: Vec<String>,
    pub bodies: Vec<String>,
    pub waited: f64,
}

impl Found {
    pub fn new(items: Vec<String>, kind: Option<String>, receipt: &Value, error: Option<&Value>) -> Found {
        let texts = |list: &Vec<Value>| list.iter().filter_map(Value::as_str).map(str::to_owned).collect();
        let complete = receipt["complete"].as_bool();
        Found {
            items,
            kind,
            complete,
            end: receipt["end"].as_str().map(str::to_owned),
            // A receipt omits empty notes.
            notes: receipt["notes"].as_array().map(texts).or_else(|| complete.map(|_| Vec::new())),
            outcomes: serde_json::from_value(receipt["outcomes"].clone()).ok(),
            error: error
                .map(|e| {
                    format!(
                        "{} {}",
                        e["message"].as_str().unwrap_or_default(),
                        e["advice"].as_str().unwrap_or_default()
                    )
                })
                .unwrap_or_default(),
            ..Found::default()
        }
    }

    /// Replaces the server's address, so that interfaces can be compared.
    pub fn at_any_host(mut self, host: &str) -> Found {
        let steady = |text: &mut String| *text = text.replace(host, "{host}");
        self.items.iter_mut().chain(self.notes.iter_mut().flatten()).chain(&mut self.requests).for_each(steady);
        self.stderr.iter_mut().chain([&mut self.error]).for_each(steady);
        self
    }

    /// The differences from the expectation. `sorted` if requests were concurrent.
    pub fn faults(&self, expect: &Expect, sorted: bool) -> Vec<String> {
        let mut faults = Faults(Vec::new());
        let values: Vec<Value> = self.items.iter().map(|text| value(text)).collect();
        if let Some(ids) = &expect.ids {
            let found: Vec<Value> = values.iter().map(|item| item["id"].clone()).collect();
            faults.same("ids", &found, &ids.iter().map(|id| value(&id.0)).collect::<Vec<_>>());
        }
        match &expect.items {
            // As text, with exact digits.
            Some(Json(text)) if text.starts_with('"') => {
                faults.same("items", &self.items.join("\n").as_str(), &raw(&Json(text.clone())).trim_end())
            }
            Some(json) => faults.same("items", &Value::Array(values), &value(&json.0)),
            None => {}
        }
        // What an interface cannot show is not checked.
        if let Some((expected, found)) = expect.complete.zip(self.complete) {
            faults.same("complete", &found, &expected);
        }
        // A batch reports whether a step is complete, but not how its end was seen.
        if let (Some(expected), true) = (&expect.end, self.notes.is_some()) {
            faults.same("end", &self.end.as_deref().unwrap_or("none"), &expected.as_str());
        }
        if expect.kind.as_deref() == Some("any") {
            if self.kind.is_none() {
                faults.add("kind: there should be an error".to_owned());
            }
        } else if let Some(kind) = &expect.kind {
            faults.same("kind", &self.kind.as_deref().unwrap_or("none"), &kind.as_str());
        }
        self.counts(expect, &mut faults);
        self.texts(expect, &mut faults);
        self.sent(expect, sorted, &mut faults);
        faults.0
    }

    fn counts(&self, expect: &Expect, faults: &mut Faults) {
        let Some(expected) = &expect.outcomes else { return };
        match &self.outcomes {
            Some(found) => {
                for (name, count) in expected.iter().filter(|(name, _)| found.contains_key(*name)) {
                    faults.same(&format!("outcomes: {name}"), &found[name], count);
                }
            }
            None => faults.add("outcomes: there are none".to_owned()),
        }
        if let Some(exit) = self.exit.filter(|_| expect.exit.is_some()) {
            faults.same("exit", &exit, &expect.exit.unwrap_or_default());
        }
    }

    fn texts(&self, expect: &Expect, faults: &mut Faults) {
        // A batch shows its notes on stderr.
        let lines = || self.stderr.as_ref().map(|text| vec![text.clone()]);
        let expected_notes = expect.notes.as_ref().filter(|parts| self.notes.is_some() || !parts.is_empty());
        if let (Some(expected), Some(found)) = (expected_notes, self.notes.clone().or_else(lines)) {
            if expected.is_empty() && !found.is_empty() {
                faults.add(format!("there should be no note: {found:?}"));
            }
            let missing = expected.iter().filter(|part| !found.iter().any(|note| note.contains(*part)));
            missing.for_each(|part| faults.add(format!("no note says {part:?}: {found:?}")));
        }
        let unsaid = expect
            .says
            .iter()
            .filter(|part| !self.error.contains(*part) && !self.stderr.as_ref().is_some_and(|s| s.contains(*part)));
        unsaid.for_each(|part| faults.add(format!("the error does not say {part:?}: {:?}", self.error)));
        if let Some(stderr) = &self.stderr {
            let missing = expect.stderr.iter().filter(|part| !stderr.contains(*part));
            missing.for_each(|part| faults.add(format!("stderr lacks {part:?}")));
            let surplus = expect.stderr_lacks.iter().filter(|part| stderr.contains(*part));
            surplus.for_each(|part| faults.add(format!("stderr should not say {part:?}")));
        }
    }

    fn sent(&self, expect: &Expect, sorted: bool, faults: &mut Faults) {
        match &expect.requests {
            Some(Requests::Count(count)) => faults.same("requests", &self.requests.len(), count),
            Some(Requests::Lines(lines)) => {
                faults.same("requests", &lines_of(&self.requests, sorted), &lines_of(lines, sorted));
            }
            None => {}
        }
        if let Some(bodies) = &expect.bodies {
            faults.same("bodies", &self.bodies, bodies);
        }
        if let Some(least) = expect.waited.filter(|least| self.waited < *least) {
            faults.add(format!("the last request came {:.2} s after the first, not {least} s", self.waited));
        }
    }

    /// The unexpected differences between two interfaces.
    pub fn differs(&self, other: &Found, sorted: bool, unless: &dyn Fn(&str) -> bool) -> Vec<String> {
        let mut faults = Faults(Vec::new());
        // The number of requests that are fetched ahead varies.
        if !sorted && !unless("requests") {
            faults.same("requests", &self.requests, &other.requests);
        }
        if !unless("items") && !unless("ids") {
            faults.same("items", &self.items, &other.items);
        }
        if !unless("kind") {
            faults.same("kind", &self.kind, &other.kind);
        }
        if let (Some(own), Some(others), false) = (self.complete, other.complete, unless("complete")) {
            faults.same("complete", &own, &others);
        }
        if let (Some(_), Some(_), false) = (&self.notes, &other.notes, unless("end")) {
            faults.same("end", &self.end, &other.end);
        }
        if let (Some(own), Some(others), false) = (&self.notes, &other.notes, unless("notes")) {
            faults.same("notes", own, others);
        }
        if let (Some(own), Some(others), false) = (&self.outcomes, &other.outcomes, unless("outcomes")) {
            own.iter()
                .filter(|(name, _)| others.contains_key(*name))
                .for_each(|(name, n)| faults.same(&format!("outcomes: {name}"), n, &others[name]));
        }
        faults.0
    }

    /// Everything, for the message of a failure.
    pub fn shown(&self) -> String {
        let receipt = format!(
            "complete {:?}, end {:?}, notes {:?}, outcomes {:?}",
            self.complete, self.end, self.notes, self.outcomes
        );
        let stderr = self.stderr.as_deref().unwrap_or_default();
        format!(
            "  items {}\n  kind {:?}, exit {:?}: {}\n  {receipt}\n  requests {:#?}\n{stderr}",
            self.items.join(" "),
            self.kind,
            self.exit,
            self.error,
            self.requests
        )
    }
}

/// Concurrent requests have no order.
fn lines_of(requests: &[String], sorted: bool) -> Vec<String> {
    let mut lines = requests.to_vec();
    if sorted {
        lines.sort();
    }
    lines
}

struct Faults(Vec<String>);

impl Faults {
    fn add(&mut self, fault: String) {
        self.0.push(fault);
    }

    fn same<T: PartialEq + std::fmt::Debug>(&mut self, what: &str, found: &T, expected: &T) {
        if found != expected {
            self.0.push(format!("{what}: {found:?} instead of {expected:?}"));
        }
    }
}

fn value(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
}
