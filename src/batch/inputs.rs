//! The inputs of a batch: values that its caller gives, checked by their types. Pure.

use std::collections::BTreeMap;

use super::file::{InputFile, InputKind};
use crate::authoring::{Checker, Json, Ordered};
use crate::digits::{Decimal, is_number};
use crate::error::{Advice, did_you_mean};
use crate::json_pointer::escape;
use crate::run_store::is_time;

/// An input of a batch, for help texts.
#[derive(Clone, Debug, serde::Serialize)]
pub struct BatchInput {
    /// Its name.
    pub name: String,
    /// Its type: `text`, `integer`, `number`, `boolean`, `date`, `time` or `json`.
    pub kind: String,
    /// What it is.
    pub title: Option<String>,
    /// Its value as JSON, if the caller gives none.
    pub default: Option<String>,
    /// The only values that it can have, as JSON.
    pub choices: Vec<String>,
    #[serde(skip)]
    declared: InputFile,
}

impl BatchInput {
    /// A value that it can have, as JSON: for checks and first tests.
    #[must_use]
    pub fn sample(&self) -> String {
        let of_kind = match self.kind.as_str() {
            "integer" | "number" => "1",
            "boolean" => "true",
            "date" => "\"2026-01-31\"",
            "time" => "\"2026-01-31T12:00:00Z\"",
            "json" => "[]",
            _ => "\"value\"",
        };
        self.choices.first().or(self.default.as_ref()).map_or_else(|| of_kind.to_owned(), Clone::clone)
    }

    /// Whether a value fits; `Err` with the name and the reason if not.
    pub(super) fn check(&self, json: &str) -> Result<(), String> {
        typed(&self.declared, json).map(drop).map_err(|why| of_input(&self.name, &why))
    }
}

/// The message about the value of an input.
fn of_input(name: &str, why: &str) -> String {
    format!("the input `{name}`: {why}")
}

/// The inputs of a file.
pub(super) fn listed(file: &Ordered<InputFile>) -> Vec<BatchInput> {
    file.iter().map(|(name, input)| described(name, input)).collect()
}

fn described(name: &str, input: &InputFile) -> BatchInput {
    BatchInput {
        name: name.to_owned(),
        kind: input.kind.name().to_owned(),
        title: input.title.clone(),
        default: input.default.as_ref().map(|json| json.0.clone()),
        choices: input.choices.iter().map(|json| json.0.clone()).collect(),
        declared: input.clone(),
    }
}

/// The values of all inputs, as JSON, and the number of faults of those that the caller gives. With `samples`, an input
/// that is not given has a sample.
pub(super) fn values(
    c: &mut Checker<'_>,
    file: &Ordered<InputFile>,
    (given, samples): (&[(String, Json)], bool),
) -> (BTreeMap<String, String>, usize) {
    let (mut values, mut wrong) = (BTreeMap::new(), 0);
    for (name, input) in file {
        let at = format!("/inputs/{}", escape(name));
        let default = input.default.as_ref().map(|json| (format!("{at}/default"), &json.0));
        let own = given.iter().rev().find(|(own, _)| own == name).map(|(_, json)| &json.0);
        // The default is checked even if it is not used.
        let checked = default.clone().and_then(|(at, json)| checked(c, &at, input, json));
        let value = match own {
            Some(json) => {
                let give = || Some(Advice::GiveInput(name.clone()));
                let typed = typed(input, json);
                wrong += usize::from(typed.is_err());
                typed.map_err(|why| c.fault(&at, of_input(name, &why), give())).ok()
            }
            None if default.is_some() => checked,
            None if samples => Some(described(name, input).sample()),
            None => {
                let message = format!("the input `{name}` has no value");
                c.fault(&at, message, Some(Advice::GiveInput(name.clone())));
                wrong += 1;
                None
            }
        };
        values.insert(name.clone(), value.unwrap_or_else(|| "null".to_owned()));
    }
    for (name, _) in given {
        if !file.contains_key(name) {
            let hint = did_you_mean(name, file.keys().map(String::as_str));
            let known: Vec<&str> = file.keys().map(String::as_str).collect();
            let advice = match known.is_empty() {
                true => "list it under `inputs` of the file".to_owned(),
                false => format!("the inputs are {}", known.join(", ")),
            };
            c.fault("/inputs", format!("the batch has no input `{name}`{hint}"), Some(advice.into()));
            wrong += 1;
        }
    }
    (values, wrong)
}

fn checked(c: &mut Checker<'_>, at: &str, input: &InputFile, json: &str) -> Option<String> {
    typed(input, json).map_err(|message| c.fault(at, message, None)).ok()
}

/// A value as JSON of its type; a text that came from a command line is read as that type. `Err` with the reason if it
/// is not of the type.
fn typed(input: &InputFile, json: &str) -> Result<String, String> {
    if json.contains("${{") {
        return Err("an input cannot contain expressions".to_owned());
    }
    let text: Option<String> = serde_json::from_str(json).ok();
    let value = match (input.kind, &text) {
        (InputKind::Text | InputKind::Date | InputKind::Time, _) => json.trim().to_owned(),
        (_, Some(text)) => text.trim().to_owned(),
        (_, None) => json.trim().to_owned(),
    };
    if !input.kind.fits(&value) {
        let shown: String = json.chars().take(60).collect();
        return Err(format!("{shown} is no {}", input.kind.words()));
    }
    let is_value = |choice: &Json| same(&choice.0, &value);
    if !input.choices.is_empty() && !input.choices.iter().any(is_value) {
        let all: Vec<&str> = input.choices.iter().map(|json| json.0.as_str()).collect();
        return Err(format!("{value} is not one of {}", all.join(", ")));
    }
    Ok(value)
}

fn same(one: &str, other: &str) -> bool {
    match (Decimal::of(one), Decimal::of(other)) {
        (Some(one), Some(other)) => one == other,
        _ => crate::json_text::value_of(one).ok() == crate::json_text::value_of(other).ok(),
    }
}

impl InputKind {
    fn name(self) -> &'static str {
        match self {
            InputKind::Text => "text",
            InputKind::Integer => "integer",
            InputKind::Number => "number",
            InputKind::Boolean => "boolean",
            InputKind::Date => "date",
            InputKind::Time => "time",
            InputKind::Json => "json",
        }
    }

    fn words(self) -> &'static str {
        match self {
            InputKind::Text => "text",
            InputKind::Integer => "whole number",
            InputKind::Number => "number",
            InputKind::Boolean => "boolean: true or false",
            InputKind::Date => "date, such as 2026-01-31",
            InputKind::Time => "time, such as 2026-01-31T12:00:00Z",
            InputKind::Json => "JSON",
        }
    }

    /// Whether a JSON text is a value of the type.
    fn fits(self, json: &str) -> bool {
        let text = || serde_json::from_str::<String>(json).ok();
        match self {
            InputKind::Text => text().is_some(),
            InputKind::Integer => Decimal::of(json).is_some_and(|number| number.is_whole()),
            InputKind::Number => is_number(json),
            InputKind::Boolean => matches!(json, "true" | "false"),
            InputKind::Date => text().is_some_and(|text| text.len() == 10 && is_time(&text)),
            InputKind::Time => text().is_some_and(|text| text.len() > 10 && is_time(&text)),
            InputKind::Json => crate::json_text::value_of(json).is_ok(),
        }
    }
}
