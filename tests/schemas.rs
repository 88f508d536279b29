//! The JSON Schemas under `schemas/` match the Rust types, and `docs/definitions.md` matches the schemas and the
//! definition files. `UPDATE=1` writes them.
#![cfg(feature = "schemas")]

#[path = "schemas/examples.rs"]
mod examples;
#[path = "schemas/model.rs"]
mod model;
#[path = "schemas/reference.rs"]
mod reference;

use std::path::Path;

use opnode::formats::{Format, generate_schema};

#[test]
fn schemas_are_fresh() {
    for format in Format::ALL {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("schemas/{}.schema.json", format.name()));
        let fresh = generate_schema(format);
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&path, &fresh).unwrap();
        }
        assert!(
            std::fs::read_to_string(&path).unwrap() == fresh,
            "{} is out of date: run UPDATE=1 cargo test --all-features --test schemas",
            path.display()
        );
    }
}

fn definitions_md() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/definitions.md")
}

#[test]
fn the_reference_is_fresh() {
    let model = model::Model::read();
    let fresh = reference::reference(&model, &examples::examples(&model));
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(definitions_md(), &fresh).unwrap();
    }
    assert!(
        std::fs::read_to_string(definitions_md()).unwrap_or_default() == fresh,
        "docs/definitions.md is out of date: run UPDATE=1 cargo test --all-features --test schemas"
    );
}

#[test]
fn every_key_has_a_description_and_an_example() {
    let model = model::Model::read();
    let gaps = reference::gaps(&model, &examples::examples(&model));
    let advice = "describe it in src/definition/file/, or use it in a file under tests/definitions/ok/";
    assert!(gaps.is_empty(), "{}\n{advice}", gaps.join("\n"));
}

#[test]
fn every_link_of_the_reference_has_its_heading() {
    let text = std::fs::read_to_string(definitions_md()).unwrap();
    let headings: Vec<String> = text
        .lines()
        .filter(|l| l.starts_with('#'))
        .map(|l| reference::anchor(l.trim_start_matches(['#', ' '])))
        .collect();
    for heading in &headings {
        assert_eq!(headings.iter().filter(|other| *other == heading).count(), 1, "{heading}");
    }
    let mut links = text.split("](#").skip(1).filter_map(|rest| rest.split_once(')'));
    assert_eq!(links.find(|(anchor, _)| !headings.iter().any(|h| h == anchor)), None);
}
