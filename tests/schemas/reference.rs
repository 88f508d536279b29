//! The reference of all keys, as Markdown.

use std::fmt::Write;

use opnode::formats::Format;

use crate::examples::Examples;
use crate::model::{FORMATS, Key, Mapping, Model, Shape, Word};

const INTRODUCTION: &str = include_str!("introduction.md");

/// The key of the options' mapping without descriptions: keywords of JSON Schema, which has them.
fn is_keyword(mapping: &Mapping, key: &Key) -> bool {
    mapping.id == "OptionFile" && key.meaning.is_empty()
}

/// All that is missing: descriptions and examples.
pub fn gaps(model: &Model, examples: &Examples) -> Vec<String> {
    let mut gaps = Vec::new();
    for mapping in &model.mappings {
        let name = &mapping.places[0];
        if mapping.meaning.is_empty() {
            gaps.push(format!("`{name}` has no description"));
        }
        for key in mapping.keys.iter().filter(|key| !is_keyword(mapping, key)) {
            let values = values(model, &key.schema);
            let words = values.iter().chain(&mapping.words).filter(|w| w.meaning.is_empty());
            gaps.extend(words.map(|word| format!("`{name}`, key `{}`: `{}` has no description", key.name, word.text)));
            if key.meaning.is_empty() {
                gaps.push(format!("`{name}`: the key `{}` has no description", key.name));
            }
            let has_example = examples.contains_key(&(mapping.id.clone(), key.name.clone()));
            if !has_example && key.instead().is_none() {
                gaps.push(format!("`{name}`: the key `{}` is in no definition file of version 2", key.name));
            }
        }
    }
    gaps
}

/// The whole file.
pub fn reference(model: &Model, examples: &Examples) -> String {
    let mut out = INTRODUCTION.to_owned();
    for format in FORMATS {
        let own = || model.mappings.iter().filter(move |m| m.format == format);
        let (title, example) = about(format);
        let lines = example.lines().filter(|line| !line.starts_with("# yaml-language-server"));
        let example: String = lines.map(|line| format!("{line}\n")).collect();
        let _ok = write!(out, "\n## {title}\n\nA whole file:\n\n```yaml\n{example}```\n");
        for mapping in own() {
            section(&mut out, model, mapping, examples);
        }
    }
    out.push_str("\n## Keys of version 1\n\nFiles with `version: 1` are read too. `opnode check --migrate` rewrites them; a file with `version: 2` cannot have these keys.\n\n");
    for mapping in &model.mappings {
        for (key, instead) in mapping.keys.iter().filter_map(|key| Some((key, key.instead()?))) {
            let place = if mapping.places[0].ends_with(".yaml") {
                key.name.clone()
            } else {
                format!("{}.{}", mapping.places[0], key.name)
            };
            let _ok = writeln!(out, "- `{place}`: version 2 writes {instead}");
        }
    }
    out
}

/// The title of a format, and a whole file.
fn about(format: Format) -> (&'static str, &'static str) {
    match format {
        Format::Connector => (
            "The connector: operations/CONNECTOR/connector.yaml",
            include_str!("../../examples/definitions/operations/acme-desk/connector.yaml"),
        ),
        Format::Operations => (
            "Operations and records: operations/CONNECTOR/AREA.yaml",
            include_str!("../../examples/definitions/operations/acme-desk/tickets.yaml"),
        ),
        Format::Templates => (
            "Templates: templates/CONNECTOR/AREA.yaml",
            include_str!("../../examples/definitions/templates/acme-desk/tickets.yaml"),
        ),
        Format::Sandbox => (
            "The sandbox: operations/CONNECTOR/sandbox.yaml",
            include_str!("../../examples/definitions/operations/acme-desk/sandbox.yaml"),
        ),
        Format::Overrides | Format::Connections | Format::Batch | Format::BatchTest => {
            unreachable!("no part of this reference")
        }
    }
}

fn section(out: &mut String, model: &Model, mapping: &Mapping, examples: &Examples) {
    if mapping.keys.iter().all(|key| key.instead().is_some()) {
        return;
    }
    let name = &mapping.places[0];
    let _ok = write!(out, "\n### {name}\n\n");
    let _ok = writeln!(out, "{}", sentence(&mapping.meaning));
    if let [_, others @ ..] = mapping.places.as_slice()
        && !others.is_empty()
    {
        let others: Vec<String> = others.iter().map(|p| format!("`{p}`")).collect();
        let _ok = writeln!(out, "\nAlso at: {}.", others.join(", "));
    }
    if mapping.is_choice {
        let also = if mapping.words.is_empty() { "" } else { "one of the words, or " };
        let _ok = writeln!(out, "\nWrite {also}a map with exactly one of the keys.");
    }
    out.push('\n');
    for word in &mapping.words {
        let _ok = writeln!(out, "- `{}` (a word): {}", word.text, sentence(&word.meaning));
    }
    for key in mapping.keys.iter().filter(|key| key.instead().is_none() && !is_keyword(mapping, key)) {
        entry(out, model, mapping, key, examples);
    }
    let keywords: Vec<String> =
        mapping.keys.iter().filter(|k| is_keyword(mapping, k)).map(|k| format!("`{}`", k.name)).collect();
    if !keywords.is_empty() {
        let _ok = writeln!(
            out,
            "\nAll other keys are keywords of JSON Schema (2020-12), which values are checked against before anything is sent, and `nullable` and `example` \
             of older OpenAPI documents: {}. Without any, every value is allowed.",
            keywords.join(", ")
        );
    }
}

fn entry(out: &mut String, model: &Model, mapping: &Mapping, key: &Key, examples: &Examples) {
    let required = if key.is_required { ", required" } else { "" };
    let meaning = sentence(&key.meaning);
    let is_told = key.meaning.to_lowercase().contains("default");
    let default = match (key.schema.get("default"), key.schema.get("type").and_then(|t| t.as_str())) {
        (Some(value), _) if !is_told && !value.is_null() => format!(" Default: {value}."),
        (None, Some("boolean")) if !is_told && !key.is_required => " Default: false.".to_owned(),
        (_, _) => String::new(),
    };
    let _ok = writeln!(out, "- `{}` ({}{required}): {meaning}{default}", key.name, kind(model, &key.schema));
    for word in values(model, &key.schema) {
        let _ok = writeln!(out, "  - `{}`: {}", word.text, sentence(&word.meaning));
    }
    if let Some(example) = examples.get(&(mapping.id.clone(), key.name.clone())).filter(|e| !e.is_empty()) {
        let _ok = writeln!(out, "  - Example: {}", code(example));
    }
}

/// The words that a key may have as its value.
fn values(model: &Model, schema: &serde_json::Value) -> Vec<Word> {
    match model.shape(schema) {
        Shape::Words(words) => words,
        Shape::Union(alternatives) => alternatives.iter().flat_map(|one| values(model, one)).collect(),
        Shape::List(item) | Shape::Map(item) => values(model, item),
        Shape::Any | Shape::Plain(_) | Shape::Mapping(_) | Shape::Small(_) => Vec::new(),
    }
}

/// What may be written as the value of a key.
fn kind(model: &Model, schema: &serde_json::Value) -> String {
    match model.shape(schema) {
        Shape::Any => "any value".to_owned(),
        Shape::Plain(types) if types.contains(&"string") && types.len() > 1 => "text or number".to_owned(),
        Shape::Plain(types) => {
            let words = [("string", "text"), ("integer", "whole number"), ("boolean", "true or false")];
            let one = |kind: &str| {
                words.iter().find(|(own, _)| *own == kind).map_or(kind.to_owned(), |(_, w)| (*w).to_owned())
            };
            types.into_iter().map(one).collect::<Vec<_>>().join(" or ")
        }
        Shape::Words(_) => "one of the words below".to_owned(),
        Shape::List(item) => format!("list of {}", kind(model, item)),
        Shape::Map(item) => format!("map of name to {}", kind(model, item)),
        Shape::Small(key) => format!("`{{ {key}: TEXT }}`"),
        Shape::Mapping(id) => {
            let name = &model.mapping(&id).places[0];
            format!("[{name}](#{})", anchor(name))
        }
        Shape::Union(alternatives) => {
            let mut kinds: Vec<String> = Vec::new();
            for kind in alternatives.iter().filter(|one| !is_old(model, one)).map(|one| kind(model, one)) {
                if !kinds.contains(&kind) {
                    kinds.push(kind);
                }
            }
            kinds.join(" or ")
        }
    }
}

/// A mapping that only version 1 has.
fn is_old(model: &Model, schema: &serde_json::Value) -> bool {
    matches!(model.shape(schema), Shape::Mapping(id) if model.mapping(&id).keys.iter().all(|k| k.instead().is_some()))
}

/// The anchor of a heading on GitHub.
pub fn anchor(heading: &str) -> String {
    let kept = heading.to_lowercase().replace(' ', "-");
    kept.chars().filter(|c| c.is_alphanumeric() || matches!(c, '-' | '_')).collect()
}

fn sentence(text: &str) -> String {
    let ends = text.is_empty() || text.ends_with(['.', ':']);
    format!("{}{}", text, if ends { "" } else { "." })
}

fn code(text: &str) -> String {
    if text.contains('`') { format!("`` {text} ``") } else { format!("`{text}`") }
}
