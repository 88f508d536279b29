//! The inputs and variables of a stored run, as the flags `--input` and `--var` take them. Pure.

use crate::batch::{BatchInput, RunInfo};
use crate::cli::catalog::snippet::plain_value;
use crate::json_text::value_of;

/// The inputs of a run that the batch file has now, as NAME=VALUE.
pub(crate) fn inputs<'r>(run: &'r RunInfo, known: &'r [BatchInput]) -> impl Iterator<Item = (&'r BatchInput, String)> {
    known.iter().filter_map(|input| {
        let json = run.inputs.get(&input.name)?;
        let text = if input.kind == "json" { json.clone() } else { plain_value(json) };
        Some((input, format!("{}={text}", input.name)))
    })
}

/// The variables that the caller of a run has given, as NAME=VALUE.
pub(crate) fn vars(run: &RunInfo) -> impl Iterator<Item = String> {
    run.vars.iter().map(|(name, json)| {
        let plain = plain_value(json);
        // A text that would be read as another value stays JSON.
        let text = if plain != *json && value_of(plain.trim()).is_ok() { json.clone() } else { plain };
        format!("{name}={text}")
    })
}
